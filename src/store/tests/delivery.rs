//! What delivering promises, one promise a test, asked of both stores. Next: `decisions.rs`.

use std::time::Duration;

use super::samples::Told;
use super::samples::*;
use super::{days, each, states};
use crate::outbox::retry::RetryPolicy;
use crate::outbox::transition::Cause;
use crate::outbox::{Command, Outcome, Reason, Refusal, State};
use crate::store::row::later;
use crate::store::{Filter, Lease, Store};

#[test]
fn entries_of_one_referral_leave_one_after_another_and_others_are_not_held_up() {
    each(|store| {
        let planner = planner();
        let one = [told("R1", "referred", "2026-04-01"), told("R1", "accepted", "2026-04-03")];
        let mut other = told("R2", "referred", "2026-04-02");
        other.number = Some("9990004226");
        store.accept(&submission(false, &one), &planner, start()).unwrap();
        store.accept(&submission(false, &[other]), &planner, start()).unwrap();
        let listed = store.entries(&Filter { limit: 9, ..Filter::default() }).unwrap();
        let blocked: Vec<_> = listed.iter().map(|entry| entry.blocked_by).collect();
        assert_eq!(blocked, [None, Some(1), None]);
        let claimed = take(store, "north", start());
        assert_eq!(claimed.iter().map(|one| one.entry.id).collect::<Vec<_>>(), [1, 3]);
        assert!(take(store, "north", start()).is_empty());
        assert_eq!(store.next_due("north").unwrap(), None);
        let policy = RetryPolicy::default();
        let done = settled(Cause::Ended(accepted()), &policy, start());
        store.settle(&claimed[0].lease, &done).unwrap().unwrap();
        assert_eq!(store.next_due("north").unwrap(), Some(start()));
        let next = take(store, "north", start());
        assert_eq!(next[0].entry.id, 2);
        assert_eq!(next[0].known[0].placed.id, "41", "what was learned goes with the next");
        let placed = &next[0].known[0].placed;
        let done = settled(Cause::Ended(accepted()), &policy, start());
        let ours = |store: &mut dyn Store, endpoint: &str, uuid: &str| {
            store.ours(endpoint, &placed.resource_type, uuid).unwrap()
        };
        assert_eq!(ours(store, "north", &placed.uuid), Some(Vec::new()), "a request is under way");
        store.settle(&next[0].lease, &done).unwrap().unwrap();
        assert_eq!(
            ours(store, "north", &placed.uuid).unwrap(),
            next[0].known,
            "met there, it is known whose it is"
        );
        assert_eq!(ours(store, "south", &placed.uuid), None);
        assert_eq!(ours(store, "north", "another"), None);
    });
}

#[test]
fn a_task_of_theirs_is_known_as_answered_before_the_answer_to_the_answer_is() {
    each(|store| {
        let planner = planner();
        store.accept(&submission(false, &[told("R1", "referred", "2026-04-01")]), &planner, start()).unwrap();
        assert_eq!(store.ours("north", "Task", "77").unwrap(), None, "theirs");
        let claimed = take(store, "north", start());
        let target = |id: &str, system: &str| {
            format!(r#"{{"type":"Task","uuid":"{id}"{system},"content":"said","ours":true}}"#)
        };
        let targets = [target("77", ""), target("u", r#","system":"s""#)].join(",");
        let request = format!(r#"{{"method":"POST","path":"","body":"{{}}","targets":[{targets}]}}"#);
        assert!(store.record_request(&claimed[0].lease, &request, start()).unwrap().may_send());
        assert_eq!(store.ours("north", "Task", "77").unwrap(), Some(Vec::new()), "under way");
        assert_eq!(store.ours("north", "Task", "u").unwrap(), None, "ours is known by its identifier");
        let policy = RetryPolicy::default();
        let outcome = Outcome::Deferred { reason: Reason::Conflict, status: Some(412), retry_after: None };
        store.settle(&claimed[0].lease, &settled(Cause::Ended(outcome), &policy, start())).unwrap().unwrap();
        let known = store.ours("north", "Task", "77").unwrap().unwrap();
        assert_eq!(
            (known[0].placed.id.as_str(), known[0].content.as_str()),
            ("77", ""),
            "nothing was written"
        );
        assert_eq!(store.ours("south", "Task", "77").unwrap(), None);
    });
}

#[test]
fn a_lost_lease_changes_nothing_any_more() {
    each(|store| {
        let planner = planner();
        let policy = RetryPolicy::default();
        store.accept(&submission(false, &[told("R1", "referred", "2026-04-01")]), &planner, start()).unwrap();
        let old = take(store, "north", start()).remove(0);
        assert!(store.record_request(&old.lease, "sent", start()).unwrap().may_send());
        let after = later(start(), Duration::from_secs(61));
        assert!(!store.record_request(&old.lease, "late", after).unwrap().may_send(), "it ran out");
        assert_eq!(store.sweep(&planner, &policy, 0.1, after).unwrap().leases_lost, 1);
        assert_eq!(states(store), [(State::Unknown, Some(Reason::AnswerLost))]);
        let late = settled(Cause::Ended(accepted()), &policy, after);
        assert_eq!(store.settle(&old.lease, &late).unwrap(), None);
        assert!(take(store, "north", after).is_empty(), "not before the endpoint has settled");
        let after = later(after, policy.settle_time);
        let again = take(store, "north", after).remove(0);
        assert!(again.ask_first && again.lease.token > old.lease.token);
        assert_eq!(again.request.as_deref(), Some("sent"));
        let detail = store.entry(1).unwrap().unwrap();
        assert_eq!(detail.attempts.len(), 1);
        assert_eq!(detail.attempts[0].outcome.as_deref(), Some("lost"));
        assert!(!store.record_request(&Lease { id: 1, token: 99 }, "forged", after).unwrap().may_send());
    });
}

#[test]
fn a_daemon_that_starts_frees_what_the_last_one_left_at_each_endpoint_as_that_is_retried() {
    each(|store| {
        let planner = planner();
        let policy = RetryPolicy { settle_time: Duration::from_secs(3), ..RetryPolicy::default() };
        store.accept(&submission(false, &[told("R1", "referred", "2026-04-01")]), &planner, start()).unwrap();
        let sent = take(store, "north", start()).remove(0);
        assert!(store.record_request(&sent.lease, "sent", start()).unwrap().may_send());
        assert_eq!(store.free("north", start(), &policy, 0.0, start()).unwrap(), 0, "its lease runs");
        let far = later(start(), days(400));
        assert_eq!(store.free("south", far, &policy, 0.0, start()).unwrap(), 0, "another endpoint's");
        assert_eq!(store.free("north", far, &policy, 0.0, start()).unwrap(), 1);
        assert_eq!(states(store), [(State::Unknown, Some(Reason::AnswerLost))]);
        assert!(take(store, "north", start()).is_empty(), "the endpoint has not settled");
        let again = take(store, "north", later(start(), policy.settle_time)).remove(0);
        assert!(again.ask_first);
        let late = settled(Cause::Ended(accepted()), &policy, start());
        assert_eq!(store.settle(&sent.lease, &late).unwrap(), None, "the old lease is void");
    });
}

#[test]
fn only_what_was_prepared_alone_is_blamed_and_then_tried_ever_more_rarely() {
    each(|store| {
        let planner = planner();
        let policy = RetryPolicy::default();
        store.accept(&submission(false, &[told("R1", "referred", "2026-04-01")]), &planner, start()).unwrap();
        let mut now = start();
        let mut again = |store: &mut dyn Store, wait: Duration| {
            now = later(now, wait);
            (take(store, "north", now).remove(0), now)
        };
        assert!(!again(store, Duration::ZERO).0.alone, "nothing was ever lost");
        for _ in 0..20 {
            let far = later(start(), days(400));
            assert_eq!(store.free("north", far, &policy, 0.0, start()).unwrap(), 1);
            assert_eq!(
                states(store),
                [(State::Pending, Some(Reason::Unavailable))],
                "killed, and not to blame"
            );
            assert!(again(store, policy.cap).0.alone);
        }
        // It went well once: what was is forgotten.
        let far = later(start(), days(400));
        store.free("north", far, &policy, 0.0, start()).unwrap();
        let (claimed, at) = again(store, policy.cap);
        let conflict = Outcome::Deferred { reason: Reason::Conflict, status: Some(412), retry_after: None };
        store.settle(&claimed.lease, &settled(Cause::Ended(conflict), &policy, at)).unwrap().unwrap();
        let (mut claimed, mut at) = again(store, policy.cap);
        assert!(!claimed.alone);
        for crash in 1..=8 {
            let entry = store.settle(&claimed.lease, &settled(Cause::Crashed, &policy, at)).unwrap().unwrap();
            let expected = match crash {
                1 => (State::Pending, Some(Reason::Unavailable)),
                8 => (State::DeadLetter, Some(Reason::Poison)),
                _ => (State::Pending, Some(Reason::Poison)),
            };
            assert_eq!((entry.state, entry.reason), expected, "{crash}");
            if crash < 8 {
                // Set aside for 15 seconds, then twice as long each time.
                let aside = Duration::from_secs(15 << (crash - 1) >> 1);
                let early = later(at, aside.saturating_sub(Duration::from_secs(1)));
                assert!(crash == 1 || take(store, "north", early).is_empty(), "{crash}");
                (claimed, at) = again(store, Duration::from_secs(24 * 3600));
                assert!(claimed.alone);
            }
        }
    });
}

#[test]
fn attempts_are_told_with_what_the_endpoint_said() {
    each(|store| {
        let planner = planner();
        let policy = RetryPolicy::default();
        store.accept(&submission(false, &[told("R1", "referred", "2026-04-01")]), &planner, start()).unwrap();
        let one = take(store, "north", start()).remove(0);
        let stopped = settled(Cause::Stopped(Reason::PatientNotFound), &policy, start());
        let entry = store.settle(&one.lease, &stopped).unwrap().unwrap();
        assert_eq!((entry.state, entry.reason), (State::Held, Some(Reason::PatientNotFound)));
        store.act(1, Command::Release, &by(), &planner, start()).unwrap();
        let two = take(store, "north", start()).remove(0);
        store.record_request(&two.lease, "x", start()).unwrap();
        let refusal = Refusal {
            reason: Reason::RefusedByEndpoint,
            status: Some(422),
            codes: vec!["invalid Task.status".into()],
        };
        let refused = settled(Cause::Ended(Outcome::Rejected(refusal)), &policy, start());
        let entry = store.settle(&two.lease, &refused).unwrap().unwrap();
        assert_eq!((entry.state, entry.has_request), (State::DeadLetter, false));
        let detail = store.entry(1).unwrap().unwrap();
        let told: Vec<_> =
            detail.attempts.iter().map(|a| (a.number, a.outcome.as_deref(), a.status)).collect();
        assert_eq!(told, [(1, Some("stopped"), None), (2, Some("rejected"), Some(422))]);
        assert_eq!(detail.attempts[1].codes, ["invalid Task.status"]);
        assert_eq!(detail.audit.len(), 1);
        assert_eq!((detail.audit[0].actor.as_str(), detail.audit[0].action.as_str()), ("j.marsh", "release"));
        assert_eq!(detail.source, SOURCE);
    });
}

#[test]
fn the_first_delivery_says_where_a_referral_belongs() {
    each(|store| {
        let planner = planner();
        store.accept(&submission(true, &[told("R1", "referred", "2026-04-01")]), &planner, start()).unwrap();
        let moved = |kind, day| Told { practice: "B82002", ..told("R1", kind, day) };
        let south = [moved("referred", "2026-04-01")];
        store.accept(&submission(true, &south), &planner, start()).unwrap();
        let endpoints = |store: &mut dyn Store| -> Vec<String> {
            let all = store.entries(&Filter { limit: 9, ..Filter::default() }).unwrap();
            all.into_iter().map(|entry| entry.endpoint).collect()
        };
        assert!(endpoints(store).iter().all(|endpoint| endpoint == "south"), "nothing was sent yet");
        let sent = take(store, "south", start());
        assert_eq!(sent.len(), 1);
        let back = [told("R1", "referred", "2026-04-01"), told("R1", "accepted", "2026-04-02")];
        store.accept(&submission(true, &back), &planner, start()).unwrap();
        let all = store.entries(&Filter { limit: 9, ..Filter::default() }).unwrap();
        let last = all.last().unwrap();
        assert_eq!((last.endpoint.as_str(), last.reason), ("south", Some(Reason::PracticeChanged)));
    });
}

#[test]
fn delivered_is_not_acknowledged_until_it_was_read_back() {
    each(|store| {
        let planner = planner();
        store.accept(&submission(false, &[told("R1", "referred", "2026-04-01")]), &planner, start()).unwrap();
        assert!(!store.read_back(1, start()).unwrap());
        deliver(store, "north", start());
        assert!(store.read_back(1, start()).unwrap() && store.read_back(1, start()).unwrap());
        assert_eq!(states(store), [(State::Acknowledged, None)]);
        assert!(!store.read_back(2, start()).unwrap());
    });
}

#[test]
fn what_was_sent_of_a_referral_is_read_back_in_order() {
    each(|store| {
        let planner = planner();
        let events = [told("R1", "referred", "2026-04-01"), told("R1", "accepted", "2026-04-03")];
        store.accept(&submission(false, &events), &planner, start()).unwrap();
        let referral = store.entry(1).unwrap().unwrap().entry.referral;
        assert_eq!(store.sent(referral, "north").unwrap().sent, []);
        assert_eq!(deliver(store, "north", start()), 1);
        assert_eq!(deliver(store, "north", start()), 1);
        let record = store.sent(referral, "north").unwrap();
        let sent: Vec<_> = record.sent.iter().map(|sent| (sent.id, sent.is_certain())).collect();
        assert_eq!(sent, [(1, true), (2, true)]);
        assert_eq!((record.sent[0].request.as_str(), record.known.len()), ("{}", 1));
        assert!(store.sent(referral, "south").unwrap().sent.is_empty());
        assert!(!format!("{record:?}").contains("{}"), "requests are not shown");
    });
}
