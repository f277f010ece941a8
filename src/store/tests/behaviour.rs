//! What taking in promises, and consent and the calendar after it; one promise a test, asked of both stores. Next: `delivery.rs`.

use std::time::Duration;

use super::samples::Told;
use super::samples::*;
use super::{days, each, states};
use crate::event::IssueCode;
use crate::outbox::retry::RetryPolicy;
use crate::outbox::transition::Cause;
use crate::outbox::{Command, Outcome, Reason, Refusal, State};
use crate::store::row::later;
use crate::store::{Acted, Answer};

#[test]
fn a_repeat_answers_with_the_entry_it_has() {
    each(|store| {
        let planner = planner();
        let came = submission(false, &[told("R1", "referred", "2026-04-01")]);
        let first = store.accept(&came, &planner, start()).unwrap();
        let Answer::Accepted { id, key, state: State::Pending } = first.events[0].answer else {
            panic!("{first:?}")
        };
        let again = store.accept(&came, &planner, start()).unwrap();
        assert_eq!(again.events[0].answer, Answer::Repeat { id: Some(id), key: Some(key) });
        assert_eq!(store.counts().unwrap(), [(("north".to_owned(), State::Pending), 1)].into());
    });
}

#[test]
fn one_event_changed_is_refused_and_of_a_snapshot_a_revision() {
    each(|store| {
        let planner = planner();
        store.accept(&submission(true, &[told("R1", "referred", "2026-04-01")]), &planner, start()).unwrap();
        let changed = told("R1", "referred", "2026-04-02");
        let one =
            store.accept(&submission(false, std::slice::from_ref(&changed)), &planner, start()).unwrap();
        assert_eq!(one.events[0].answer, Answer::Refused(IssueCode::EventChanged));
        let all = store.accept(&submission(true, &[changed]), &planner, start()).unwrap();
        assert!(matches!(all.events[0].answer, Answer::Accepted { .. }), "{all:?}");
        assert_eq!(states(store).len(), 2);
    });
}

#[test]
fn consent_withdrawn_in_one_referral_stops_the_persons_others() {
    each(|store| {
        let planner = planner();
        let with = |referral: &str, kind, share| {
            let mut one = told(referral, kind, "2026-04-01");
            one.share = Some(share);
            one
        };
        let full = ("full", "2026-03-01");
        store.accept(&submission(false, &[with("R1", "referred", full)]), &planner, start()).unwrap();
        assert_eq!(deliver(store, "north", start()), 1);
        store.accept(&submission(false, &[with("R2", "referred", full)]), &planner, start()).unwrap();
        let none = with("R3", "consent_changed", ("none", "2026-04-10"));
        let answer = store.accept(&submission(false, &[none]), &planner, start()).unwrap();
        assert_eq!(
            states(store)[..2],
            [(State::Delivered, None), (State::Withdrawn, Some(Reason::ConsentWithdrawn))]
        );
        let sent: Vec<_> = answer
            .issues
            .iter()
            .filter(|(_, issue)| issue.code == IssueCode::WithdrawnAfterSending)
            .map(|(event, _)| event.as_str())
            .collect();
        assert_eq!(sent, ["R1/referred", "R3/consent_changed"]);
        let audit = store.entry(1).unwrap().unwrap().audit;
        assert_eq!(audit[0].action, "withdrawn-after-sending");
        // A new referral of that person does not go out either.
        let mut later_one = told("R4", "referred", "2026-04-12");
        later_one.share = Some(full);
        let answer = store.accept(&submission(false, &[later_one]), &planner, start()).unwrap();
        assert!(matches!(answer.events[0].answer, Answer::Accepted { state: State::NotShared, .. }));
    });
}

#[test]
fn a_withdrawal_stops_what_was_deferred_with_its_request_stored() {
    each(|store| {
        let planner = planner();
        let policy = RetryPolicy::default();
        let mut one = told("R1", "referred", "2026-04-01");
        one.share = Some(("full", "2026-03-01"));
        store.accept(&submission(false, &[one]), &planner, start()).unwrap();
        let claimed = take(store, "north", start()).remove(0);
        store.record_request(&claimed.lease, "x", start()).unwrap();
        let busy = Outcome::Deferred { reason: Reason::Unavailable, status: Some(503), retry_after: None };
        let entry = store.settle(&claimed.lease, &settled(Cause::Ended(busy), &policy, start())).unwrap();
        assert!(entry.unwrap().has_request);
        let mut none = told("R1", "consent_changed", "2026-04-10");
        none.share = Some(("none", "2026-04-10"));
        store.accept(&submission(false, &[none]), &planner, start()).unwrap();
        let entry = store.entry(1).unwrap().unwrap().entry;
        assert_eq!((entry.state, entry.has_request), (State::Withdrawn, false));
    });
}

#[test]
fn a_held_future_date_goes_when_its_day_has_come() {
    each(|store| {
        let planner = planner();
        let policy = RetryPolicy::default();
        store.accept(&submission(false, &[told("R1", "referred", "2026-04-17")]), &planner, start()).unwrap();
        assert_eq!(states(store), [(State::Held, Some(Reason::FutureDate))]);
        let midnight: jiff::Timestamp = "2026-04-15T23:00:00Z".parse().unwrap();
        assert_eq!(store.sweep(&planner, &policy, 0.0, midnight).unwrap().released, 0);
        let entry = store.entry(1).unwrap().unwrap().entry;
        assert_eq!(entry.next_at, later(midnight, days(1)), "the next London midnight");
        assert_eq!(store.sweep(&planner, &policy, 0.0, later(midnight, days(1))).unwrap().released, 1);
        assert_eq!(states(store), [(State::Pending, None)]);
    });
}

#[test]
fn another_sources_referral_of_the_same_number_is_a_possible_duplicate() {
    each(|store| {
        let planner = planner();
        store.accept(&submission(false, &[told("R1", "referred", "2026-04-01")]), &planner, start()).unwrap();
        let twin = Told { source: OTHER_SOURCE, ..told("X1", "referred", "2026-04-09") };
        store.accept(&submission(false, &[twin]), &planner, start()).unwrap();
        assert_eq!(states(store)[1], (State::Held, Some(Reason::PossibleDuplicate)));
        store.act(2, Command::Release, &by(), &planner, start()).unwrap();
        assert_eq!(states(store)[1], (State::Pending, None));
    });
}

#[test]
fn what_was_seen_is_known_until_its_time_has_passed() {
    each(|store| {
        let planner = planner();
        let until = later(start(), Duration::from_secs(10));
        assert!(!store.seen("nonce", "a", start()).unwrap());
        assert!(store.see("nonce", "a", until, start()).unwrap());
        assert!(store.seen("nonce", "a", until).unwrap());
        assert!(!store.seen("file", "a", until).unwrap());
        assert!(!store.seen("nonce", "a", later(until, Duration::from_nanos(1))).unwrap());
        assert!(!store.see("nonce", "a", until, until).unwrap());
        assert!(store.see("file", "a", until, start()).unwrap());
        let after = later(until, Duration::from_nanos(1));
        store.sweep(&planner, &RetryPolicy::default(), 0.0, after).unwrap();
        assert!(store.see("nonce", "a", later(after, days(1)), after).unwrap());
        assert_eq!(store.note("cursor").unwrap(), None);
        store.set_note("cursor", "1").unwrap();
        store.set_note("cursor", "2").unwrap();
        assert_eq!(store.note("cursor").unwrap().as_deref(), Some("2"));
    });
}

#[test]
fn a_pulled_event_has_an_entry_a_webhook_and_waits_for_nothing_but_its_own_kind() {
    each(|store| {
        let planner = planner();
        // Delivery of the same referral waits for a person.
        let mut held = told("R1", "referred", "2026-04-01");
        held.referrer = "self";
        store.accept(&submission(false, &[held]), &planner, start()).unwrap();
        let events = ["2026-04-02", "2026-04-03"].map(|day| told("R1", "contacted", day).event()).to_vec();
        let poll = crate::store::Poll {
            events,
            webhooks: vec![crate::store::Onward { endpoint: "hook".into(), expires_after: days(3) }],
            seen: ("pull", vec!["gp/Task/1/2".into()]),
            remember_until: later(start(), days(400)),
            notes: vec![("pull/gp".into(), "2026-04-03T00:00:00Z".into())],
        };
        assert_eq!(store.take_poll(&poll, start()).unwrap(), 2);
        assert_eq!(store.take_poll(&poll, start()).unwrap(), 0, "known already");
        assert!(store.seen("pull", "gp/Task/1/2", start()).unwrap());
        assert_eq!(store.note("pull/gp").unwrap().as_deref(), Some("2026-04-03T00:00:00Z"));
        // In order, one at a time, with the event's own bytes.
        let first = take(store, "hook", start());
        assert_eq!(first.len(), 1);
        assert_eq!(first[0].parcel.bundle, serde_json::to_string(&poll.events[0]).unwrap());
        let refused = Cause::Ended(Outcome::Rejected(Refusal::of(Reason::RefusedByEndpoint)));
        let policy = RetryPolicy::default();
        store.settle(&first[0].lease, &settled(refused, &policy, start())).unwrap().unwrap();
        assert!(take(store, "hook", start()).is_empty(), "the second waits for the dead letter");
        // What a person does with it plans nothing.
        let id = first[0].entry.id;
        for command in [Command::Retry, Command::Hold, Command::Release] {
            let acted = store.act(id, command, &by(), &planner, start()).unwrap();
            assert!(matches!(acted, Acted::Done(_)), "{command:?}: {acted:?}");
        }
        assert_eq!(deliver(store, "hook", start()), 1);
        assert_eq!(deliver(store, "hook", start()), 1);
        assert_eq!(store.counts().unwrap()[&("hook".to_owned(), State::Delivered)], 2);
        // And the other way round: what waits at the webhook holds no delivery up.
        assert_eq!(states(store)[0].0, State::Held);
        let swept = store.sweep(&planner, &policy, 0.5, later(start(), days(1))).unwrap();
        assert_eq!(swept.expired, 0);
    });
}
