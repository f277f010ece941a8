//! What must wait for a person although nothing of it is wrong in itself.
//!
//! A record marked protected, a date in the future, consent that nobody recorded, one referral about two people.
//! What this is not: what one referral alone does not show (another row's number or consent) is
//! [`crate::convert`]'s. Pure: the day of the run is given. Next: [`super::mapper`].

use std::collections::HashMap;

use jiff::Zoned;
use jiff::civil::Date;

use crate::event::person::Person;
use crate::event::{IssueCode, ReferralEvent, When, family_name};

use super::fold::{Folded, Role, Step};
use super::share::{Sharing, decide};

/// Why a referral is held, and what it was found by.
#[must_use]
pub fn needs_hold(folded: &Folded, today: Date) -> Option<(IssueCode, &'static str)> {
    let events = || folded.steps.iter().map(|step| &step.event);
    if let Some(event) = events().find(|event| event.record.person.protected) {
        return Some((IssueCode::HeldProtected, event.event_type.label()));
    }
    if let Some(found) = events().find_map(|event| in_the_future(event, today)) {
        return Some((IssueCode::HeldFutureDate, found));
    }
    if folded.steps.is_empty() {
        return None;
    }
    (decide(folded) == Sharing::Held).then_some((IssueCode::HeldNoConsent, ""))
}

/// Which date of an event lies after a day for certain.
fn in_the_future(event: &ReferralEvent, today: Date) -> Option<&'static str> {
    let after = |when: When| when.is_after(today);
    let record = &event.record;
    if event.occurred_at.is_some_and(after) {
        Some(event.event_type.label())
    } else if record.consent.as_ref().and_then(|consent| consent.date).is_some_and(after) {
        Some("consent")
    } else if record.person.birth_date.is_some_and(after) {
        Some("date of birth")
    } else {
        let recorded = event.recorded_at.map(|at| Zoned::new(at, When::london().clone()).date());
        recorded.is_some_and(|day| day > today).then_some("recorded")
    }
}

/// Whether the events of a referral name more than one person: two NHS numbers, two local identifiers without one, or a
/// local identifier that stands beside no number where others do. Nothing of it may leave then. Of an event that was
/// corrected the correction says whose it is.
#[must_use]
pub fn names_two_persons(folded: &Folded) -> bool {
    let put_right = put_right(folded);
    let mut numbers = Vec::new();
    let (mut beside_one, mut alone) = (Vec::new(), Vec::new());
    for (at, step) in folded.steps.iter().enumerate() {
        let person = &step.event.record.person;
        // A correction may change the number of one person, not make the referral another's.
        let is_mended = |(last, mended): &(usize, &Person)| *last > at && is_number_put_right(person, mended);
        if put_right.get(amended(step)).is_some_and(is_mended) {
            continue;
        }
        numbers.extend(person.nhs_number.filter(|number| !numbers.contains(number)));
        let locals = if person.nhs_number.is_some() { &mut beside_one } else { &mut alone };
        locals.extend(person.local_id.as_deref().filter(|local| !locals.contains(local)));
    }
    match numbers.len() {
        0 => alone.len() > 1,
        1 => !beside_one.is_empty() && alone.iter().any(|local| !beside_one.contains(local)),
        _ => true,
    }
}

/// Whether two records of one referral differ by nothing but the NHS number, as far as they say whose it is: then one was
/// mistyped, and they are not of two people.
#[must_use]
pub fn is_number_put_right(one: &Person, other: &Person) -> bool {
    let same_local = match (&one.local_id, &other.local_id) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    };
    let names: Vec<String> = family_name::on_record(other).collect();
    one.nhs_number.is_some()
        && other.nhs_number.is_some()
        && one.nhs_number != other.nhs_number
        && same_local
        && one.birth_date.is_some()
        && one.birth_date == other.birth_date
        && family_name::on_record(one).any(|name| names.contains(&name))
}

/// Where each event was amended last by what names a number, and whom that names: amendments come last, in their order.
fn put_right(folded: &Folded) -> HashMap<&str, (usize, &Person)> {
    let amends = |step: &Step| step.role != Role::Plain && step.event.record.person.nhs_number.is_some();
    let steps = folded.steps.iter().enumerate().filter(|(_, step)| amends(step));
    steps.map(|(at, step)| (amended(step), (at, &step.event.record.person))).collect()
}

/// The id of the event that a step is about.
fn amended(step: &Step) -> &str {
    match &step.role {
        Role::Plain => &step.event.event_id,
        Role::Corrects { was: target, .. } | Role::Withdraws(target) => &target.event_id,
    }
}
