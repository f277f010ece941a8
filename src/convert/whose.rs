//! Whose a referral is, where some of its rows leave the NHS number out.
//!
//! A log often names the person in full once, and a cell of a sheet is cleared by mistake. A referral is one person's,
//! so a number that stands anywhere in it holds for all of it: else what goes to a person's record today would be moved
//! off it tomorrow. What this is not: a guess. Two numbers, and a local identifier that stands beside none where others
//! do, are left as they are, and [`names_two_persons`](crate::map::hold::names_two_persons) holds them. Next:
//! [`super::referral`].

use std::collections::HashMap;
use std::sync::Arc;

use crate::event::person::Person;
use crate::event::{NhsNumber, Record, ReferralEvent};

/// The number of a referral, where all of its records that have one agree.
pub(super) fn number_of<'a>(records: impl IntoIterator<Item = &'a ReferralEvent>) -> Option<NhsNumber> {
    let mut numbers = records.into_iter().filter_map(|event| event.record.person.nhs_number);
    let first = numbers.next()?;
    numbers.all(|number| number == first).then_some(first)
}

/// Gives the number of the referral to those of its events that lack one; `before` is what is known of it already.
/// Says whether any lacked it.
pub fn give_number(events: &mut [ReferralEvent], before: &[ReferralEvent]) -> bool {
    if events.iter().all(|event| event.record.person.nhs_number.is_some()) {
        return false;
    }
    let all = || before.iter().chain(events.iter());
    let Some(number) = number_of(all()) else { return false };
    let beside = all().map(|event| &event.record.person).filter(|person| person.nhs_number.is_some());
    let locals: Vec<String> = beside.filter_map(|person| person.local_id.clone()).collect();
    let is_theirs = |person: &Person| {
        let known = |local: &String| locals.is_empty() || locals.contains(local);
        person.nhs_number.is_none() && person.local_id.as_ref().is_none_or(known)
    };
    // Events of one row share their record, and go on doing so.
    let mut made: HashMap<*const Record, Arc<Record>> = HashMap::new();
    for event in events {
        if is_theirs(&event.record.person) {
            let record = made.entry(Arc::as_ptr(&event.record)).or_insert_with(|| {
                let mut record = (*event.record).clone();
                record.person.nhs_number = Some(number);
                Arc::new(record)
            });
            event.record = Arc::clone(record);
        }
    }
    !made.is_empty()
}
