//! What earlier rows of a referral stated of consent and still counts beside what today's row says.
//!
//! In a snapshot the row of today is the same statement, edited: what it said before may forbid what it allows now, never
//! allow more. So that it is not forgotten when the row is stored again, the referral's first event keeps the consent
//! that allows least, as long as it allows no more than the row of today. `sp-fhir convert --since` decides the same from the exports it is given. Pure.
//! Next: [`super::planner`].

use std::sync::Arc;

use crate::event::kinds::{EventType, Share};
use crate::event::{Record, ReferralEvent};
use crate::map::fold::Folded;
use crate::map::share::{Statement, statement};

use super::known::Known;

/// What was stated before and allows no more than what is stated now; where nothing is stated any more, only that nothing
/// may be shared.
pub(super) fn still_forbids(known: &Known, now: Option<&ReferralEvent>) -> Vec<Statement> {
    let now = now.map_or(Share::None, |event| share(&event.record));
    let before = known.events.iter().map(|(event, _)| event).chain(&known.earlier);
    before.filter_map(statement).filter(|(_, share)| now.min_of(*share) == *share).collect()
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

/// Statements that count for the person: a change of consent, or that nothing may be shared, now or in an earlier row.
pub(super) fn lasting<'e>(events: impl Iterator<Item = &'e ReferralEvent>, known: &Known) -> Vec<Statement> {
    let counts = |event: &&ReferralEvent| {
        event.event_type == EventType::ConsentChanged
            || statement(event).is_some_and(|(_, share)| share == Share::None)
    };
    let mut statements: Vec<Statement> = events.filter(counts).filter_map(statement).collect();
    statements.extend(still_forbids(known, None));
    statements.sort_by_key(|(date, share)| (*date, share.as_str()));
    statements.dedup();
    statements
}

/// The same, of a folded referral.
pub(super) fn lasting_of(folded: &Folded, known: &Known) -> Vec<Statement> {
    lasting(folded.steps.iter().map(|step| &step.event), known)
}
