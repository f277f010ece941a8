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
use crate::event::{NhsNumber, Record, ReferralEvent, family_name};

/// What is told of a referral that was another person's by its number or identifier.
pub(super) const ANOTHER_NUMBER: &str = "another NHS number or person identifier than in the earlier export";
/// The same, by the rest.
const ANOTHER_NAME: &str = "another family name and date of birth than in the earlier export";

/// Whether two records of one referral are of two people, and how that shows: the NHS number decides where both have one,
/// else the source's identifier where both have one, else name and date of birth together.
pub(super) fn is_another(one: &Person, other: &Person) -> Option<&'static str> {
    if let (Some(one), Some(other)) = (one.nhs_number, other.nhs_number) {
        return (one != other).then_some(ANOTHER_NUMBER);
    }
    if let (Some(one), Some(other)) = (&one.local_id, &other.local_id) {
        return (one != other).then_some(ANOTHER_NUMBER);
    }
    let (born, born_then) = (one.birth_date?.day_text(), other.birth_date?.day_text());
    // A partial date says the same as a whole one that begins with it.
    let same_birth = born.starts_with(&*born_then) || born_then.starts_with(&*born);
    let names: Vec<String> = family_name::on_record(other).collect();
    let mut known = family_name::on_record(one).peekable();
    let same_name = names.is_empty() || known.peek().is_none() || known.any(|name| names.contains(&name));
    (!same_birth && !same_name).then_some(ANOTHER_NAME)
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::When;

    fn person(number: &str, local: &str, family: &str, born: &str) -> Person {
        Person {
            nhs_number: NhsNumber::parse(number).ok(),
            local_id: Some(local.to_owned()).filter(|local| !local.is_empty()),
            family: Some(family.to_owned()).filter(|family| !family.is_empty()),
            birth_date: When::parse_iso(born, When::london()).ok().map(|(when, _)| when),
            ..Person::default()
        }
    }

    #[test]
    fn the_best_identifier_that_both_have_decides() {
        const ONE: &str = "9990004218";
        const TWO: &str = "9990000042";
        let known = person(ONE, "C1", "Pryce", "1951-08-11");
        let told = |other: &Person| is_another(&known, other).or_else(|| is_another(other, &known));
        assert_eq!(told(&person(ONE, "C2", "Weir", "1960-01-01")), None);
        assert_eq!(told(&person(TWO, "C1", "Pryce", "1951-08-11")), Some(ANOTHER_NUMBER));
        assert_eq!(told(&person("", "C2", "Pryce", "1951-08-11")), Some(ANOTHER_NUMBER));
        assert_eq!(told(&person("", "C1", "Weir", "1960-01-01")), None);
        assert_eq!(told(&person("", "", "Weir", "1960-01-01")), Some(ANOTHER_NAME));
        for (family, born) in [("PRYCE", "1960-01-01"), ("Weir", "1951-08"), ("Weir", ""), ("", "1960-01-01")]
        {
            assert_eq!(told(&person("", "", family, born)), None, "{family} {born}");
        }
    }
}
