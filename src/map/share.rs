//! How much of a referral may leave, from the consents its events recorded.
//!
//! The consent that counts is the one dated last; a withdrawal stands until a later date says otherwise, so a
//! row that repeats an old value never lifts it. Without any consent: codes only for referrals from the
//! person's GP practice, held for everybody else. Next: [`super::coding`].

use jiff::civil::Date;

use crate::event::kinds::{EventType, ReferrerKind, Share};
use crate::event::person::{Consent, Record};

use super::fold::Step;

/// What may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// At most this much.
    Level(Share),
    /// Nothing, until a person has found out what the person agreed to.
    Held,
}

/// Decides for a referral.
#[must_use]
pub fn decide(steps: &[Step]) -> Sharing {
    let mut decided: Option<(Option<Date>, Share)> = None;
    for step in steps {
        let Some(consent) = &step.event.record.consent else { continue };
        // A consent without its own date counts from the event that changed it, else from no date at all.
        let changed = step.event.event_type == EventType::ConsentChanged;
        let date =
            dated(consent).or_else(|| step.event.occurred_at.filter(|_| changed).map(|when| when.day()));
        let lifts = |known: Option<Date>| date.is_some() && date > known;
        decided = match decided {
            None => Some((date, consent.share)),
            Some((known, Share::None)) if consent.share != Share::None && !lifts(known) => decided,
            Some((known, share)) if date >= known || consent.share == Share::None => {
                if date >= known {
                    Some((date, consent.share))
                } else {
                    Some((known, share.min_of(consent.share)))
                }
            }
            unchanged => unchanged,
        };
    }
    match (decided, steps.last()) {
        (Some((_, share)), _) => Sharing::Level(share),
        (None, Some(step)) if from_practice(&step.event.record) => Sharing::Level(Share::CodesOnly),
        _ => Sharing::Held,
    }
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
