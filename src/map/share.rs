//! How much of a referral may leave, from the consents its events recorded.
//!
//! The consent that counts is the one dated last, so a row that repeats an old value never lifts a withdrawal. A
//! change of consent is about the person: it counts in all referrals of that person and source. Without any consent: codes only for referrals from the
//! person's GP practice, held for everybody else. Next: [`super::coding`].

use jiff::civil::Date;

use crate::event::ReferralEvent;
use crate::event::kinds::{EventType, ReferrerKind, Share};
use crate::event::person::{Consent, Record};

use super::fold::Folded;

/// What may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// At most this much.
    Level(Share),
    /// Nothing, until a person has found out what the person agreed to.
    Held,
}

/// A statement about consent: from when it counts, and how much it allows.
pub type Statement = (Option<Date>, Share);

/// Decides for a referral: the statements of its own events, and those about the person made elsewhere.
///
/// The statement dated last counts; of several of one date the one that allows least. Statements without a date
/// come before all dated ones, except that a withdrawal without a date stands: nothing is known to be later.
#[must_use]
pub fn decide(folded: &Folded) -> Sharing {
    decide_by(folded, &folded.consents_elsewhere)
}

/// Decides as if this, too, were stated elsewhere.
#[must_use]
pub fn decide_with(folded: &Folded, statement: Statement) -> Sharing {
    let mut elsewhere = folded.consents_elsewhere.clone();
    elsewhere.push(statement);
    decide_by(folded, &elsewhere)
}

/// Decides by the statements of the referral's own events alone.
#[must_use]
pub fn decide_by_itself(folded: &Folded) -> Sharing {
    decide_by(folded, &[])
}

fn decide_by(folded: &Folded, elsewhere: &[Statement]) -> Sharing {
    let own = folded.steps.iter().filter_map(|step| statement(&step.event));
    let statements: Vec<Statement> = own.chain(elsewhere.iter().copied()).collect();
    let allowed =
        |date| statements.iter().filter(|(on, _)| *on == date).map(|(_, share)| *share).reduce(Share::min_of);
    if allowed(None) == Some(Share::None) {
        return Sharing::Level(Share::None);
    }
    match (statements.iter().map(|(date, _)| *date).max().and_then(allowed), folded.steps.last()) {
        (Some(share), _) => Sharing::Level(share),
        (None, Some(step)) if from_practice(&step.event.record) => Sharing::Level(Share::CodesOnly),
        _ => Sharing::Held,
    }
}

/// Heeds what rows state that were set aside: it may forbid, it cannot allow. What leaves least is put with what was
/// stated elsewhere, if it leaves less than that.
pub fn heed(folded: &mut Folded, doubtful: &[Statement]) {
    let Sharing::Level(mut least) = decide(folded) else {
        let forbids = doubtful.iter().find(|(_, share)| *share == Share::None);
        return folded.consents_elsewhere.extend(forbids);
    };
    let mut found = None;
    for stated in doubtful {
        folded.consents_elsewhere.push(*stated);
        if let Sharing::Level(share) = decide(folded)
            && share != least
            && share.min_of(least) == share
        {
            (least, found) = (share, Some(*stated));
        }
        folded.consents_elsewhere.pop();
    }
    folded.consents_elsewhere.extend(found);
}

/// Heeds what was stated one after the other and has been replaced since: all of it together may forbid, it cannot allow.
pub fn heed_together(folded: &mut Folded, replaced: &[Statement]) {
    let Sharing::Level(least) = decide(folded) else { return heed(folded, replaced) };
    let before = folded.consents_elsewhere.len();
    folded.consents_elsewhere.extend_from_slice(replaced);
    match decide(folded) {
        Sharing::Level(share) if share != least && share.min_of(least) == share => {}
        _ => folded.consents_elsewhere.truncate(before),
    }
}

/// What an event states about consent. A consent without its own date counts from the event that changed it.
#[must_use]
pub fn statement(event: &ReferralEvent) -> Option<Statement> {
    let consent = event.record.consent.as_ref()?;
    let changed = event.event_type == EventType::ConsentChanged;
    let date = dated(consent).or_else(|| event.occurred_at.filter(|_| changed).map(|when| when.day()));
    Some((date, consent.share))
}

fn dated(consent: &Consent) -> Option<Date> {
    consent.date.map(|when| when.day())
}

/// Whether the referral came from a GP practice: a GP or a nurse, or any professional of the practice the
/// person is registered with.
fn from_practice(record: &Record) -> bool {
    match record.referrer.kind {
        Some(ReferrerKind::Gp | ReferrerKind::Nurse) => true,
        Some(ReferrerKind::Pharmacist | ReferrerKind::OtherProfessional) => {
            record.referrer.organisation_ods.is_some()
                && record.referrer.organisation_ods == record.person.practice_ods
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::when::When;
    use crate::event::{Detail, Record};
    use crate::map::fold;
    use std::sync::Arc;

    fn event(id: &str, event_type: EventType, share: Option<Share>, date: Option<&str>) -> ReferralEvent {
        let date = date.and_then(|day| When::parse_iso(day, When::london()).ok()).map(|(when, _)| when);
        let record = Record { consent: share.map(|share| Consent { share, date }), ..Record::default() };
        ReferralEvent {
            source: "https://a.example".into(),
            event_id: id.to_owned(),
            referral_id: "R1".into(),
            event_type,
            occurred_at: When::parse_iso("2026-03-01", When::london()).ok().map(|(when, _)| when),
            recorded_at: None,
            sequence: None,
            target_event_id: None,
            is_status_slot: false,
            detail: Detail::default(),
            record: Arc::new(record),
        }
    }

    fn decided(statements: &[(Option<Share>, Option<&str>)]) -> Sharing {
        let events = statements.iter().enumerate();
        let events =
            events.map(|(n, (share, date))| event(&format!("e{n}"), EventType::Attended, *share, *date));
        decide(&fold::fold(events.collect()))
    }

    #[test]
    fn the_statement_dated_last_counts_and_repeats_lift_nothing() {
        let (full, codes, none) = (Some(Share::Full), Some(Share::CodesOnly), Some(Share::None));
        for (statements, share) in [
            (&[(full, Some("2026-01-01"))][..], Share::Full),
            (
                &[(full, Some("2026-01-01")), (none, Some("2026-02-01")), (full, Some("2026-01-01"))],
                Share::None,
            ),
            (&[(none, Some("2026-02-01")), (full, None)], Share::None),
            (&[(none, Some("2026-02-01")), (codes, Some("2026-03-01"))], Share::CodesOnly),
            (&[(full, Some("2026-02-01")), (codes, Some("2026-02-01"))], Share::CodesOnly),
            (&[(none, None), (full, Some("2026-03-01"))], Share::None),
            (&[(codes, None), (full, Some("2026-03-01"))], Share::Full),
        ] {
            assert_eq!(decided(statements), Sharing::Level(share), "{statements:?}");
        }
        assert_eq!(decided(&[(None, None)]), Sharing::Held);
    }

    #[test]
    fn what_is_doubtful_forbids_and_never_allows() {
        let (full, codes, none) = (Some(Share::Full), Some(Share::CodesOnly), Some(Share::None));
        let day = |month| Some(jiff::civil::date(2026, month, 1));
        for (own, doubtful, share) in [
            ((full, "2026-02-01"), vec![(day(3), Share::None)], Share::None),
            ((full, "2026-02-01"), vec![(day(1), Share::None)], Share::Full),
            ((full, "2026-02-01"), vec![(None, Share::None)], Share::None),
            ((full, "2026-02-01"), vec![(day(3), Share::CodesOnly)], Share::CodesOnly),
            ((none, "2026-02-01"), vec![(day(3), Share::CodesOnly)], Share::None),
            ((codes, "2026-02-01"), vec![(day(3), Share::Full)], Share::CodesOnly),
            ((full, "2026-02-01"), vec![(day(3), Share::None), (day(4), Share::CodesOnly)], Share::None),
        ] {
            let mut folded = fold::fold(vec![event("e", EventType::Attended, own.0, Some(own.1))]);
            heed(&mut folded, &doubtful);
            assert_eq!(decide(&folded), Sharing::Level(share), "{own:?} {doubtful:?}");
        }
        let mut nothing = fold::fold(vec![event("e", EventType::Attended, None, None)]);
        heed(&mut nothing, &[(day(3), Share::CodesOnly)]);
        assert_eq!(decide(&nothing), Sharing::Held);
        heed(&mut nothing, &[(day(3), Share::None)]);
        assert_eq!(decide(&nothing), Sharing::Level(Share::None));
    }

    #[test]
    fn a_change_made_in_another_referral_of_the_person_counts() {
        let mut folded =
            fold::fold(vec![event("e", EventType::Attended, Some(Share::Full), Some("2026-01-01"))]);
        folded.consents_elsewhere = vec![(Some(jiff::civil::date(2026, 2, 1)), Share::None)];
        assert_eq!(decide(&folded), Sharing::Level(Share::None));
    }
}
