//! A mistyped NHS number: put right where nothing was sent; and what names another person holds what has not left.

use super::samples::*;
use super::{each, states};
use crate::event::IssueCode;
use crate::outbox::{Command, Reason, State};
use crate::store::{Acted, Answer, Store};

const RIGHT: Option<&str> = Some("9990004218");
const WRONG: Option<&str> = Some("9990000018");
const PENDING: (State, Option<Reason>) = (State::Pending, None);
const TWO: (State, Option<Reason>) = (State::Held, Some(Reason::TwoPersons));
const DIFFER: (State, Option<Reason>) = (State::Held, Some(Reason::NhsNumbers));

fn of(referral: &str, kind: &'static str, number: Option<&'static str>) -> Told {
    let share = Some(("full", "2026-03-01"));
    Told { number, local: Some("P-7"), share, ..told(referral, kind, "2026-04-01") }
}

fn come(store: &mut dyn Store, snapshot: bool, told: &[Told]) -> Vec<Answer> {
    let answer = store.accept(&submission(snapshot, told), &planner(), start()).unwrap();
    answer.events.into_iter().map(|event| event.answer).collect()
}

fn number_sent(store: &mut dyn Store) -> Option<String> {
    take(store, "north", start()).remove(0).parcel.subject.nhs_number
}

#[test]
fn a_mistyped_number_of_which_nothing_was_sent_is_put_right_by_the_next_row() {
    each(|store| {
        come(store, true, &[of("R1", "referred", WRONG)]);
        come(store, true, &[of("R2", "referred", RIGHT)]);
        assert_eq!(states(store), [DIFFER; 2]);
        come(store, true, &[of("R1", "referred", RIGHT)]);
        assert!(states(store).iter().all(|state| state.0 != State::Held), "{:?}", states(store));
        assert_eq!(number_sent(store).as_deref(), RIGHT);
    });
    // Where the rest is another person's, too, it is no mistake in a number: the sender says.
    each(|store| {
        come(store, true, &[of("R1", "referred", WRONG)]);
        let other = Told { birth: "1960-01-01", family: "Okafor", ..of("R1", "referred", RIGHT) };
        assert_eq!(come(store, true, &[other]), [Answer::Refused(IssueCode::HeldTwoPersons)]);
        assert_eq!(states(store), [TWO]);
        come(store, true, &[of("R1", "referred", WRONG)]);
        assert_eq!(states(store), [PENDING], "the row is as it was");
    });
    // What was sent is on somebody's record.
    each(|store| {
        come(store, true, &[of("R1", "referred", WRONG)]);
        assert_eq!(deliver(store, "north", start()), 1);
        let refused = [Answer::Refused(IssueCode::HeldTwoPersons)];
        assert_eq!(come(store, true, &[of("R1", "referred", RIGHT)]), refused);
    });
}

#[test]
fn a_mistyped_number_is_put_right_by_corrections_of_every_event_that_has_it() {
    each(|store| {
        come(store, false, &[of("R1", "referred", WRONG), of("R1", "accepted", WRONG)]);
        come(store, false, &[of("R2", "referred", RIGHT)]);
        let correction = |event: &str, target| Told {
            event: event.to_owned(),
            target: Some(target),
            ..of("R1", "corrected", RIGHT)
        };
        come(store, false, &[correction("R1/c1", "R1/referred")]);
        assert_eq!(states(store)[..2], [TWO; 2], "the other event still names another");
        come(store, false, &[correction("R1/c2", "R1/accepted")]);
        assert_eq!(states(store), [PENDING; 5]);
        assert_eq!(number_sent(store).as_deref(), RIGHT);
    });
}

/// A correction that names somebody else altogether is a mistake of the sender's, not a number put right.
#[test]
fn a_correction_that_names_another_person_is_refused_and_nothing_leaves() {
    each(|store| {
        come(store, false, &[of("R1", "referred", WRONG)]);
        let other = Told {
            event: "R1/c1".into(),
            target: Some("R1/referred"),
            birth: "1960-01-01",
            family: "Okafor",
            ..of("R1", "corrected", RIGHT)
        };
        assert_eq!(come(store, false, &[other]), [Answer::Refused(IssueCode::HeldTwoPersons)]);
        assert_eq!(states(store), [TWO]);
        assert!(take(store, "north", start()).is_empty());
    });
}

#[test]
fn what_was_entered_in_error_contradicts_nobody() {
    each(|store| {
        come(store, false, &[of("R1", "referred", WRONG)]);
        come(store, false, &[of("R2", "referred", RIGHT)]);
        assert_eq!(states(store), [DIFFER; 2]);
        let error = Told { target: Some("R1/referred"), ..of("R1", "entered_in_error", WRONG) };
        come(store, false, &[error]);
        assert_eq!(states(store)[1], PENDING);
    });
}

#[test]
fn a_record_that_names_another_person_holds_what_has_not_left_until_it_is_put_right() {
    each(|store| {
        let next = || Told { day: "2026-04-03".into(), ..of("R1", "accepted", WRONG) };
        come(store, false, &[of("R1", "referred", RIGHT)]);
        assert_eq!(come(store, false, &[next()]), [Answer::Refused(IssueCode::HeldTwoPersons)]);
        assert_eq!(states(store), [TWO]);
        assert!(take(store, "north", start()).is_empty());
        // Other events say nothing about it.
        come(store, false, &[Told { day: "2026-04-02".into(), ..of("R1", "contacted", RIGHT) }]);
        assert_eq!(states(store), [TWO; 2]);
        come(store, false, &[Told { number: RIGHT, ..next() }]);
        assert_eq!(states(store), [PENDING; 3]);
        // Or a person finds out that the refused record was none of this referral's.
        come(store, false, &[Told { event: "R1/x".into(), ..next() }]);
        assert_eq!(states(store), [TWO; 3]);
        let acted = store.act(1, Command::Release, &by(), &planner(), start()).unwrap();
        assert!(matches!(acted, Acted::Done(_)));
        assert_eq!(states(store), [PENDING; 3]);
    });
}
