//! What a person released, or what was allowed, before a further record contradicted it is held before it is sent.

use super::samples::*;
use super::{each, states};
use crate::outbox::{Command, Reason, State};
use crate::plan::Doubt;
use crate::store::{Acted, Store};

const FULL: Option<(&str, &str)> = Some(("full", "2026-03-01"));
const PENDING: (State, Option<Reason>) = (State::Pending, None);

const fn held(reason: Reason) -> (State, Option<Reason>) {
    (State::Held, Some(reason))
}

fn come(store: &mut dyn Store, told: &Told) {
    store.accept(&submission(true, std::slice::from_ref(told)), &planner(), start()).unwrap();
}

fn referred(referral: &str) -> Told {
    Told { share: FULL, ..told(referral, "referred", "2026-04-01") }
}

fn release(store: &mut dyn Store, id: i64) {
    let acted = store.act(id, Command::Release, &by(), &planner(), start()).unwrap();
    assert!(matches!(&acted, Acted::Done(entry) if entry.state == State::Pending), "{acted:?}");
}

#[test]
fn a_release_is_of_the_records_that_contradicted_it_then() {
    each(|store| {
        come(store, &referred("R1"));
        come(store, &Told { birth: "1951-02-08", ..referred("R2") });
        release(store, 1);
        // The same again, and the same dispute with another date, decide nothing anew.
        come(store, &Told { birth: "1951-02-09", ..referred("R2") });
        assert_eq!(states(store)[0], PENDING);
        let third =
            Told { source: OTHER_SOURCE, birth: "1960-01-01", ..told("X1", "referred", "2025-04-01") };
        come(store, &third);
        assert_eq!(states(store)[0], held(Reason::BirthDates));
        release(store, 1);
        // Its own record comes to contradict one that agreed with it.
        come(store, &Told { source: OTHER_SOURCE, ..told("X1", "referred", "2025-04-01") });
        assert_eq!(states(store)[0], PENDING);
        come(store, &Told { birth: "1951-08-03", ..referred("R1") });
        assert_eq!(states(store)[0], held(Reason::BirthDates));
    });
}

#[test]
fn what_is_under_way_comes_back_held_by_a_record_that_came_meanwhile() {
    each(|store| {
        come(store, &referred("R1"));
        come(store, &Told { birth: "1951-02-08", ..referred("R2") });
        release(store, 1);
        let claimed = take(store, "north", start()).remove(0);
        come(
            store,
            &Told { source: OTHER_SOURCE, birth: "1960-01-01", ..told("X1", "referred", "2025-04-01") },
        );
        assert!(!store.record_request(&claimed.lease, "to be sent", start()).unwrap().may_send());
        assert_eq!(states(store)[0], held(Reason::BirthDates));
    });
}

#[test]
fn what_is_sent_because_another_referral_allows_it_waits_while_it_is_in_question_whose_that_is() {
    each(|store| {
        let alone = Told { referrer: "self", ..told("R1", "referred", "2026-04-01") };
        come(store, &alone);
        let agreed = Told { local: Some("P-3"), share: FULL, ..told("R2", "consent_changed", "2026-04-03") };
        come(store, &agreed);
        assert_eq!(states(store), [PENDING; 2]);
        // Not of R1's number or local id: it contradicts R2 alone.
        let third = Told { local: Some("P-3"), number: Some("9990004226"), ..referred("R3") };
        come(store, &third);
        assert_eq!(
            states(store),
            [held(Reason::NoConsent), held(Reason::NhsNumbers), held(Reason::NhsNumbers)]
        );
        come(store, &Told { local: Some("P-4"), ..third });
        assert_eq!(states(store)[..2], [PENDING; 2], "and goes on when they agree");
    });
}

#[test]
fn a_release_in_spite_of_a_doubt_settles_no_other_doubt() {
    each(|store| {
        come(store, &referred("R1"));
        let doubt = |event: &str| {
            let person = referred("R1").event().record.person.clone();
            [Doubt::new(Some(SOURCE), Some("R1"), Some(event), &person).unwrap()]
        };
        store.heed(&doubt("R1/a"), &planner(), start()).unwrap();
        release(store, 1);
        // The record that was decided about comes with every export.
        store.heed(&doubt("R1/a"), &planner(), start()).unwrap();
        assert_eq!(states(store)[0], PENDING);
        store.heed(&doubt("R1/b"), &planner(), start()).unwrap();
        assert_eq!(states(store)[0], held(Reason::ConsentUnclear));
    });
}
