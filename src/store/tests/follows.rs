//! What changes for one referral is looked at by those that hang on it: at once, or at the next upkeep.

use std::time::Duration;

use super::samples::*;
use super::{days, each, states};
use crate::event::person::Person;
use crate::outbox::retry::RetryPolicy;
use crate::outbox::transition::Cause;
use crate::outbox::{Command, Outcome, Reason, State};
use crate::plan::{Doubt, Planner};
use crate::store::row::later;
use crate::store::{Acted, Claimed, Filter, Store};

const FULL: Option<(&str, &str)> = Some(("full", "2026-03-01"));
const PENDING: (State, Option<Reason>) = (State::Pending, None);
const WITHDRAWN: (State, Option<Reason>) = (State::Withdrawn, Some(Reason::ConsentWithdrawn));
const ENDED: (State, Option<Reason>) = (State::NotShared, Some(Reason::ConsentNone));
/// Another person.
const OTHER: Option<&str> = Some("9990000018");

const fn held(reason: Reason) -> (State, Option<Reason>) {
    (State::Held, Some(reason))
}

fn come(store: &mut dyn Store, told: &Told) {
    store.accept(&submission(false, std::slice::from_ref(told)), &planner(), start()).unwrap();
}

fn referred(referral: &str) -> Told {
    Told { share: FULL, ..told(referral, "referred", "2026-04-01") }
}

fn answer(referral: &str) -> Told {
    Told { request: Some("GP-7x"), ..referred(referral) }
}

fn none(referral: &str) -> Told {
    Told { share: Some(("none", "2026-04-14")), ..told(referral, "consent_changed", "2026-04-14") }
}

fn act(store: &mut dyn Store, id: i64, command: Command) {
    let acted = store.act(id, command, &by(), &planner(), start()).unwrap();
    assert!(matches!(acted, Acted::Done(_)), "{acted:?}");
}

fn sweep(store: &mut dyn Store, planner: &Planner, now: jiff::Timestamp) -> u64 {
    store.sweep(planner, &RetryPolicy::default(), 0.0, now).unwrap().released
}

fn send(store: &mut dyn Store) -> Claimed {
    let claimed = take(store, "north", start()).remove(0);
    assert!(store.record_request(&claimed.lease, "sent", start()).unwrap().may_send());
    claimed
}

fn end(store: &mut dyn Store, claimed: &Claimed, cause: Cause) -> (State, Option<Reason>) {
    let policy = RetryPolicy::default();
    let entry = store.settle(&claimed.lease, &settled(cause, &policy, start())).unwrap().unwrap();
    (entry.state, entry.reason)
}

fn put_off() -> Cause {
    Cause::Ended(Outcome::Deferred { reason: Reason::Unavailable, status: Some(503), retry_after: None })
}

fn lost() -> Cause {
    Cause::Ended(Outcome::Unknown { reason: Reason::AnswerLost, status: None })
}

/// What an entry under way comes to.
type Comes<'c> = &'c dyn Fn(&mut dyn Store, &Claimed);

#[test]
fn an_answer_that_came_back_withdrawn_lets_the_request_go() {
    let is_put_off = |store: &mut dyn Store, sent: &Claimed| {
        assert_eq!(end(store, sent, put_off()), WITHDRAWN);
    };
    let is_absent = |store: &mut dyn Store, sent: &Claimed| {
        assert_eq!(end(store, sent, lost()).0, State::Unknown);
        let then = later(start(), Duration::from_secs(3600));
        let asked = take(store, "north", then).remove(0);
        assert!(!store.record_request(&asked.lease, "sent", then).unwrap().may_send());
    };
    for comes in [&is_put_off as Comes<'_>, &is_absent] {
        each(|store| {
            come(store, &answer("R1"));
            let sent = send(store);
            come(store, &Told { number: OTHER, ..answer("R2") });
            come(store, &none("R3"));
            assert_eq!(states(store)[1], held(Reason::RequestTaken), "the first may stand there");
            comes(store, &sent);
            assert_eq!(states(store)[0], WITHDRAWN);
            sweep(store, &planner(), later(start(), Duration::from_secs(3601)));
            assert_eq!(states(store)[1], PENDING);
        });
    }
    // Nothing was sent yet, and the worker is gone.
    each(|store| {
        come(store, &answer("R1"));
        take(store, "north", start());
        come(store, &Told { number: OTHER, ..answer("R2") });
        come(store, &none("R3"));
        store.free("north", later(start(), days(400)), &RetryPolicy::default(), 0.0, start()).unwrap();
        sweep(store, &planner(), start());
        assert_eq!(states(store)[..2], [WITHDRAWN, PENDING]);
    });
    // A person lets stand all that it would have changed.
    each(|store| {
        come(store, &answer("R1"));
        let claimed = take(store, "north", start()).remove(0);
        come(store, &Told { number: OTHER, ..answer("R2") });
        assert_eq!(end(store, &claimed, Cause::LetStand).0, State::Discarded);
        sweep(store, &planner(), start());
        assert_eq!(states(store)[1], PENDING);
    });
}

/// A withdrawal, and its recall, which waits for a person because a record of that referral was refused.
fn recalled_in_doubt(store: &mut dyn Store) -> i64 {
    come(store, &none("R1"));
    let doubt = Doubt::new(Some(SOURCE), Some("R1"), Some("R1/x"), &Person::default()).unwrap();
    store.heed(&[doubt], &planner(), start()).unwrap();
    let recall = Told { event: "R1/recall".into(), target: Some("R1/consent_changed"), ..none("R1") };
    come(store, &Told { kind: "entered_in_error", share: FULL, ..recall });
    let (id, state) = (states(store).len(), *states(store).last().unwrap());
    assert_eq!(state, held(Reason::ConsentUnclear));
    i64::try_from(id).unwrap()
}

#[test]
fn a_recall_that_a_person_released_counts_at_once_in_the_persons_others() {
    each(|store| {
        come(store, &referred("R1"));
        assert_eq!(deliver(store, "north", start()), 1);
        come(store, &referred("R2"));
        let sent = send(store);
        let recall = recalled_in_doubt(store);
        come(store, &referred("R3"));
        assert_eq!(*states(store).last().unwrap(), ENDED, "the recall waits");
        act(store, recall, Command::Release);
        come(store, &referred("R4"));
        assert_eq!(*states(store).last().unwrap(), PENDING);
        // What was under way and to be withdrawn goes on.
        assert_eq!(end(store, &sent, put_off()).0, State::Pending);
    });
}

#[test]
fn a_consent_that_comes_to_its_day_lets_the_persons_others_go() {
    let day = later(start(), days(5));
    for discarded in [false, true] {
        each(|store| {
            come(store, &Told { referrer: "self", ..told("R1", "referred", "2026-04-01") });
            let agreed =
                Told { share: Some(("full", "2026-04-20")), ..told("R2", "consent_changed", "2026-04-20") };
            come(store, &agreed);
            assert_eq!(states(store), [held(Reason::NoConsent), held(Reason::FutureDate)]);
            if discarded {
                // What was said was said: it only is not sent.
                act(store, 2, Command::Discard);
            }
            sweep(store, &planner(), later(start(), days(4)));
            assert_eq!(states(store)[0], held(Reason::NoConsent), "its day has not come");
            // With the statement's own entry, else within a day.
            let midnight = "2026-04-19T23:00:00Z".parse().unwrap();
            sweep(store, &planner(), if discarded { day } else { midnight });
            assert_eq!(states(store)[0], PENDING);
        });
    }
}

fn endpoints(store: &mut dyn Store) -> Vec<String> {
    let all = store.entries(&Filter { limit: 9, ..Filter::default() }).unwrap();
    all.into_iter().map(|entry| entry.endpoint).collect()
}

#[test]
fn a_changed_practice_holds_nothing_once_what_was_under_way_is_known_not_to_stand_there() {
    each(|store| {
        let of = |practice, events: &[(&'static str, &str)]| {
            let told = |(kind, day): &(&'static str, &str)| Told { practice, ..told("R1", kind, day) };
            submission(true, &events.iter().map(told).collect::<Vec<_>>())
        };
        let first = of("M85063", &[("referred", "2026-04-01")]);
        store.accept(&first, &planner(), start()).unwrap();
        let claimed = take(store, "north", start()).remove(0);
        let moved = of("B82002", &[("referred", "2026-04-01"), ("accepted", "2026-04-03")]);
        store.accept(&moved, &planner(), start()).unwrap();
        assert_eq!(*states(store).last().unwrap(), held(Reason::PracticeChanged));
        assert_eq!(end(store, &claimed, put_off()), held(Reason::PracticeChanged));
        sweep(store, &planner(), start());
        assert!(states(store).iter().all(|state| state.0 != State::Held), "{:?}", states(store));
        assert!(endpoints(store).iter().all(|endpoint| endpoint == "south"), "{:?}", endpoints(store));
    });
}

#[test]
fn the_first_delivery_takes_along_what_waits_for_another_endpoint_or_for_one() {
    let served = |north: &str, south: &str| {
        let mut planner = planner();
        let (north, south) = (vec![north.to_owned()], vec![south.to_owned()]);
        planner.routes.0.iter_mut().zip([north, south]).for_each(|(route, ods)| route.practices = ods);
        planner
    };
    // The practice is another endpoint's since, or nobody's.
    for (now, waits) in
        [(served("X99001", "M85063"), PENDING), (served("X99001", "X99002"), held(Reason::NoEndpoint))]
    {
        each(|store| {
            come(store, &referred("R1"));
            let next = Told { share: FULL, ..told("R1", "accepted", "2026-04-03") };
            store.accept(&submission(false, &[next]), &now, start()).unwrap();
            assert_eq!(states(store), [PENDING, waits]);
            assert_eq!(deliver(store, "north", start()), 1);
            assert!(take(store, "south", start()).is_empty(), "a referral is at one endpoint");
            sweep(store, &now, start());
            assert_eq!((states(store)[1], endpoints(store)), (PENDING, vec!["north".to_owned(); 2]));
            assert_eq!(deliver(store, "north", start()), 1);
        });
    }
}
