//! What comes later in any order holds or restricts what has not left; and what it does not touch stays as it is.

use super::samples::*;
use super::{days, each, states};
use crate::outbox::retry::RetryPolicy;
use crate::outbox::transition::Cause;
use crate::outbox::{Outcome, Reason, State};
use crate::store::row::later;
use crate::store::{Claimed, Store};

const FULL: Option<(&str, &str)> = Some(("full", "2026-03-01"));
const PENDING: (State, Option<Reason>) = (State::Pending, None);

const fn held(reason: Reason) -> (State, Option<Reason>) {
    (State::Held, Some(reason))
}

fn come(store: &mut dyn Store, told: &Told) {
    store.accept(&submission(false, std::slice::from_ref(told)), &planner(), start()).unwrap();
}

fn with(kind: &'static str, day: &str) -> Told {
    Told { share: FULL, ..told("R1", kind, day) }
}

/// Takes the first entry and stores its request, as if it were being sent.
fn send(store: &mut dyn Store) -> Claimed {
    let claimed = take(store, "north", start()).remove(0);
    assert!(store.record_request(&claimed.lease, "sent", start()).unwrap().may_send());
    claimed
}

fn put_off(store: &mut dyn Store, claimed: &Claimed) -> (State, Option<Reason>) {
    let busy = Outcome::Deferred { reason: Reason::Unavailable, status: Some(503), retry_after: None };
    let policy = RetryPolicy::default();
    let entry =
        store.settle(&claimed.lease, &settled(Cause::Ended(busy), &policy, start())).unwrap().unwrap();
    (entry.state, entry.reason)
}

#[test]
fn what_comes_late_and_is_dated_early_holds_what_waits_and_what_is_under_way() {
    let late = || with("contacted", "2026-03-28");
    let protected = Told { protected: true, ..late() };
    let another = Told { number: None, local: Some("P-2"), ..late() };
    for (late, reason) in [(protected, Reason::Protected), (another, Reason::TwoPersons)] {
        each(|store| {
            come(store, &with("referred", "2026-04-01"));
            come(store, &with("accepted", "2026-04-03"));
            come(store, &late);
            assert_eq!(states(store), [held(reason); 3]);
        });
        each(|store| {
            come(store, &with("referred", "2026-04-01"));
            let sent = send(store);
            come(store, &late);
            assert_eq!(put_off(store, &sent), held(reason));
        });
    }
}

#[test]
fn a_consent_that_any_event_restricts_restricts_what_waits_and_what_is_under_way() {
    let words = || Told { need: Some(("lonely", false)), ..with("referred", "2026-04-01") };
    let codes = || Told { share: Some(("codes_only", "2026-04-10")), ..with("accepted", "2026-04-10") };
    each(|store| {
        come(store, &words());
        come(store, &codes());
        let claimed = take(store, "north", start()).remove(0);
        assert_eq!(claimed.entry.id, 1);
        assert!(!claimed.parcel.bundle.contains("said in confidence"));
    });
    each(|store| {
        come(store, &words());
        let sent = send(store);
        assert!(sent.parcel.bundle.contains("said in confidence"));
        come(store, &codes());
        assert_eq!(put_off(store, &sent).0, State::Pending);
        let again = take(store, "north", later(start(), days(1))).remove(0);
        assert_eq!((again.entry.id, again.request), (1, None));
        assert!(!again.parcel.bundle.contains("said in confidence"));
    });
}

#[test]
fn what_would_be_sent_as_it_was_keeps_its_request() {
    each(|store| {
        come(store, &with("referred", "2026-04-01"));
        let sent = send(store);
        put_off(store, &sent);
        // The same is stated again, with another date: it is planned again, and nothing of it differs.
        come(store, &Told { share: Some(("full", "2026-04-02")), ..with("consent_changed", "2026-04-02") });
        let again = take(store, "north", later(start(), days(1))).remove(0);
        assert_eq!((again.entry.id, again.request.as_deref()), (1, Some("sent")));
    });
}

#[test]
fn what_came_late_and_is_planned_again_sets_nothing_back() {
    each(|store| {
        come(store, &with("referred", "2026-04-01"));
        come(store, &with("completed", "2026-04-09"));
        come(store, &with("accepted", "2026-04-03"));
        // All of it is planned again.
        come(
            store,
            &Told { share: Some(("codes_only", "2026-04-10")), ..with("consent_changed", "2026-04-10") },
        );
        let mut statuses = Vec::new();
        for _ in 0..3 {
            let claimed = take(store, "north", start()).remove(0);
            let bundle: serde_json::Value = serde_json::from_str(&claimed.parcel.bundle).unwrap();
            let mut resources = bundle["entry"].as_array().unwrap().iter().map(|entry| &entry["resource"]);
            let task = resources.find(|resource| resource["resourceType"] == "Task").unwrap();
            statuses.push(task["status"].as_str().unwrap().to_owned());
            assert!(store.record_request(&claimed.lease, "{}", start()).unwrap().may_send());
            let policy = RetryPolicy::default();
            store.settle(&claimed.lease, &settled(Cause::Ended(accepted()), &policy, start())).unwrap();
        }
        assert_eq!(statuses, ["requested", "completed", "completed"]);
    });
}

#[test]
fn a_release_is_of_the_request_and_the_number_it_was_made_for() {
    let answer = |referral: &str, request| Told {
        request: Some(request),
        ..Told { share: FULL, ..told(referral, "referred", "2026-04-01") }
    };
    let row = |store: &mut dyn Store, one: Told| {
        store.accept(&submission(true, &[one]), &planner(), start()).unwrap();
    };
    let release = |store: &mut dyn Store, id| {
        store.act(id, crate::outbox::Command::Release, &by(), &planner(), start()).unwrap();
    };
    each(|store| {
        row(store, answer("R1", "GP-7x"));
        row(store, answer("R2", "GP-8x"));
        row(store, answer("R3", "GP-7x"));
        release(store, 3);
        assert_eq!(states(store), [PENDING; 3]);
        row(store, answer("R3", "GP-8x"));
        assert_eq!(states(store)[2], held(Reason::RequestTaken), "another request");
    });
    each(|store| {
        let twin = |number| Told {
            number: Some(number),
            local: Some("P-2"),
            source: OTHER_SOURCE,
            ..answer("X1", "GP-1x")
        };
        row(store, Told { number: Some("9990000018"), ..answer("R1", "GP-2x") });
        row(store, Told { local: Some("P-3"), ..answer("R2", "GP-3x") });
        row(store, twin("9990004218"));
        assert_eq!(states(store)[2], held(Reason::PossibleDuplicate));
        release(store, 3);
        row(store, twin("9990000018"));
        assert_eq!(states(store)[2], held(Reason::PossibleDuplicate), "another's duplicate");
    });
}

#[test]
fn of_two_requests_named_together_the_one_that_is_answered_may_be_anothers() {
    each(|store| {
        let of = |referral: &str, kind, day: &str, request| Told {
            request: Some(request),
            share: FULL,
            ..told(referral, kind, day)
        };
        come(store, &of("R1", "referred", "2026-04-01", "GP-7x"));
        // The last in time names the first one's, and comes first.
        let both = [of("R2", "accepted", "2026-04-05", "GP-7x"), of("R2", "referred", "2026-04-02", "GP-8x")];
        store.accept(&submission(false, &both), &planner(), start()).unwrap();
        assert_eq!(states(store)[1..], [held(Reason::RequestTaken); 2]);
    });
}
