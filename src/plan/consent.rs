//! What was stated of consent in a referral's earlier rows, and in the person's other referrals, and still counts beside
//! what today's row says.
//!
//! In a snapshot the row of today is the same statement, edited: what it said before may forbid what it allows now, never
//! allow more. So that it is not forgotten when the row is stored again, the referral's first event keeps the consent
//! that allows least, as long as it allows no more than the row of today. `sp-fhir convert --since` decides the same from the exports it is given. Pure.
//! Next: [`super::planner`].

use std::sync::Arc;

use jiff::civil::Date;

use crate::event::kinds::{EventType, Share};
use crate::event::{Issue, IssueCode, Position, Record, ReferralEvent};
use crate::map::fold::{Folded, Role};
use crate::map::share::{Sharing, Statement, decide, decide_with, statement};
use crate::outbox::Reason;

use super::knowing::fold_of;
use super::known::Known;
use super::whose::Whose;

/// What was stated before and allows no more than what is stated now; where nothing is stated any more, only that nothing
/// may be shared.
pub(super) fn still_forbids(known: &Known, now: Option<&ReferralEvent>) -> Vec<Statement> {
    let now = now.map_or(Share::None, |event| share(&event.record));
    let before = known.events.iter().map(|(event, _)| event).chain(&known.earlier);
    before.filter_map(statement).filter(|(_, share)| now.min_of(*share) == *share).collect()
}

/// Says so where the row of today shares everything and what was stated before still allows codes only.
pub(super) fn not_lifted(folded: &Folded, now: Option<&ReferralEvent>) -> Option<(String, Issue)> {
    let now = now.filter(|event| share(&event.record) == Share::Full)?;
    let stands = decide(folded) == Sharing::Level(Share::CodesOnly);
    let issue = || Issue::new(IssueCode::ConsentNotLifted, Position::path("record.consent"), "");
    stands.then(|| (now.event_id.clone(), issue()))
}

/// The record to be stored of an event of a snapshot whose row has changed.
pub(super) fn stored_record(
    known: &Known,
    stored: &ReferralEvent,
    now: &Arc<Record>,
    snapshot: bool,
) -> Arc<Record> {
    let is_first = known.events.first().is_some_and(|(first, _)| first.event_id == stored.event_id);
    let forbids = stored.record.consent.as_ref().is_some_and(|was| share(now).min_of(was.share) == was.share);
    if !(snapshot && is_first && forbids) {
        return Arc::clone(now);
    }
    let mut record = (**now).clone();
    record.consent.clone_from(&stored.record.consent);
    if record == *stored.record { Arc::clone(&stored.record) } else { Arc::new(record) }
}

fn share(record: &Record) -> Share {
    record.consent.as_ref().map_or(Share::None, |consent| consent.share)
}

/// Adds what other referrals of the person state, as far as it counts in this one today.
///
/// A statement that is in doubt may forbid, it cannot allow: one dated after today, and what a referral says of which it
/// is in question whose it is. Of such statements only those count that allow least, and less than all others do.
pub(super) fn hear_others(folded: &mut Folded, known: &Known, today: Date) {
    let whose = folded.steps.last().map(|step| Whose::of(&step.event)).unwrap_or_default();
    let mut doubtful = Vec::new();
    for other in &known.others {
        let in_question = other.in_question || other.whose.names_two() || whose.is_disputed_by(&other.whose);
        let is_doubtful = |(date, _): &Statement| in_question || date.is_some_and(|date| date > today);
        for statement in &other.statements {
            if is_doubtful(statement) {
                doubtful.push(*statement);
            } else {
                folded.consents_elsewhere.push(*statement);
            }
        }
    }
    let Some(least) = doubtful.iter().map(|statement| allows(decide_with(folded, *statement))).min() else {
        return;
    };
    if least < allows(decide(folded)) {
        doubtful.retain(|statement| allows(decide_with(folded, *statement)) == least);
        folded.consents_elsewhere.extend(doubtful);
    }
}

/// How much may leave, as a rank.
const fn allows(sharing: Sharing) -> u8 {
    match sharing {
        Sharing::Level(Share::None) => 0,
        Sharing::Held => 1,
        Sharing::Level(Share::CodesOnly) => 2,
        Sharing::Level(Share::Full) => 3,
    }
}

/// How much of a referral may leave, by all that is known today; nothing while that is not known.
#[must_use]
pub fn level(known: &Known, now: jiff::Timestamp) -> Option<Share> {
    match decide(&fold_of(known, now)) {
        Sharing::Level(share) => Some(share),
        Sharing::Held => None,
    }
}

/// Whether nothing of a referral may leave, by all that is known today.
#[must_use]
pub fn nothing_may_leave(known: &Known, now: jiff::Timestamp) -> bool {
    level(known, now) == Some(Share::None)
}

/// Statements that count for the person: a change of consent, or that nothing may be shared, now or in an earlier row. What
/// was entered in error, or was corrected, no longer counts as it was, except while the record that says so is held
/// for a reason that puts it in doubt, and has neither been released nor sent.
pub(super) fn lasting_of(
    folded: &Folded,
    known: &Known,
    is_in_doubt: impl Fn(&str) -> bool,
) -> Vec<Statement> {
    let counts = |event: &&ReferralEvent| {
        event.event_type == EventType::ConsentChanged
            || statement(event).is_some_and(|(_, share)| share == Share::None)
    };
    let amended: Vec<&str> = folded
        .steps
        .iter()
        .filter_map(|step| match &step.role {
            Role::Plain => None,
            Role::Corrects { was: target, .. } | Role::Withdraws(target) => Some((step, target)),
        })
        .filter(|(step, _)| known.sent.contains(&step.event.event_id) || !is_in_doubt(&step.event.event_id))
        .map(|(_, target)| target.event_id.as_str())
        .collect();
    let now = folded.steps.iter().map(|step| &step.event).filter(counts);
    let events = known.events.iter().map(|(event, _)| event);
    let before = events.filter(|event| !amended.contains(&event.event_id.as_str())).chain(&known.earlier);
    let forbade = before.filter_map(statement).filter(|(_, share)| *share == Share::None);
    let mut statements: Vec<Statement> = now.filter_map(statement).chain(forbade).collect();
    statements.sort_by_key(|(date, share)| (*date, share.as_str()));
    statements.dedup();
    statements
}

/// Whether what is held for this reason may be another person's, or may not be so.
pub(super) const fn puts_in_doubt(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::Protected
            | Reason::TwoPersons
            | Reason::TestNumberAtLive
            | Reason::RealNumberAtTest
            | Reason::FutureDate
            | Reason::NeedsIdentity
            | Reason::BirthDates
            | Reason::NhsNumbers
            | Reason::ConsentUnclear
    )
}
