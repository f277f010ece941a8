//! What each operation promises, one promise a test, asked of both stores.

use std::time::Duration;

use super::samples::Told;
use super::samples::*;
use crate::event::IssueCode;
use crate::outbox::retry::RetryPolicy;
use crate::outbox::transition::Cause;
use crate::outbox::{Command, Outcome, Reason, Refusal, State};
use crate::plan::Routes;
use crate::store::row::later;
use crate::store::{Acted, Answer, Filter, Lease, Store};

pub(super) fn each(test: impl Fn(&mut dyn Store)) {
    let (mut stores, _dir) = both();
    stores.iter_mut().for_each(|store| test(store.as_mut()));
}

pub(super) fn states(store: &mut dyn Store) -> Vec<(State, Option<Reason>)> {
    let all = Filter { limit: 100, ..Filter::default() };
    store.entries(&all).unwrap().iter().map(|entry| (entry.state, entry.reason)).collect()
}

fn days(days: u64) -> Duration {
    Duration::from_secs(days * DAY)
}

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
        assert!(store.record_request(&claimed[0].lease, &request, start()).unwrap());
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
        assert!(store.record_request(&old.lease, "sent", start()).unwrap());
        let after = later(start(), Duration::from_secs(61));
        assert!(!store.record_request(&old.lease, "late", after).unwrap(), "it ran out");
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
        assert!(!store.record_request(&Lease { id: 1, token: 99 }, "forged", after).unwrap());
    });
}

#[test]
fn a_daemon_that_starts_frees_what_the_last_one_left_at_each_endpoint_as_that_is_retried() {
    each(|store| {
        let planner = planner();
        let policy = RetryPolicy { settle_time: Duration::from_secs(3), ..RetryPolicy::default() };
        store.accept(&submission(false, &[told("R1", "referred", "2026-04-01")]), &planner, start()).unwrap();
        let sent = take(store, "north", start()).remove(0);
        assert!(store.record_request(&sent.lease, "sent", start()).unwrap());
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
        assert_eq!(sent, ["R1/referred"]);
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
fn a_release_waives_one_reason_and_asks_the_others_again() {
    each(|store| {
        let mut planner = planner();
        let mut one = told("R1", "referred", "2026-04-01");
        (one.referrer, one.number) = ("self", None);
        store.accept(&submission(false, &[one]), &planner, start()).unwrap();
        let waits = states(store)[0].1.unwrap();
        assert!(matches!(waits, Reason::NeedsIdentity | Reason::NoConsent));
        let Acted::Done(entry) = store.act(1, Command::Release, &by(), &planner, start()).unwrap() else {
            panic!()
        };
        assert_eq!((entry.state, entry.reason), (State::Held, Some(Reason::NeedsIdentity)));
        assert_eq!(store.act(9, Command::Release, &by(), &planner, start()).unwrap(), Acted::NoSuchEntry);
        let mut consentless = told("R2", "referred", "2026-04-01");
        consentless.referrer = "self";
        store.accept(&submission(false, &[consentless]), &planner, start()).unwrap();
        assert_eq!(states(store)[1], (State::Held, Some(Reason::NoConsent)));
        planner.routes = Routes::default();
        let Acted::Done(entry) = store.act(2, Command::Release, &by(), &planner, start()).unwrap() else {
            panic!()
        };
        assert_eq!((entry.state, entry.reason), (State::Held, Some(Reason::NoEndpoint)));
        // The reason waived stays waived when the endpoint comes back by itself.
        let again = later(start(), Duration::from_secs(601));
        let swept = store.sweep(&super::samples::planner(), &RetryPolicy::default(), 0.0, again).unwrap();
        assert_eq!(swept.released, 1);
        assert_eq!(states(store)[1], (State::Pending, None));
        assert_eq!(take(store, "north", again).len(), 1);
        let refused = store.act(2, Command::Release, &by(), &planner, again).unwrap();
        assert_eq!(refused, Acted::NotPossible(State::InFlight));
        assert_eq!(store.entry(2).unwrap().unwrap().audit.len(), 1, "what was not done is not in the audit");
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
fn what_is_too_old_is_never_sent_and_a_retry_begins_its_time_again() {
    each(|store| {
        let planner = planner();
        let policy = RetryPolicy::default();
        store.accept(&submission(false, &[told("R1", "referred", "2026-04-01")]), &planner, start()).unwrap();
        let late = later(start(), days(21));
        assert!(take(store, "north", late).is_empty(), "even when nobody has swept");
        assert_eq!(states(store), [(State::Expired, Some(Reason::TooOld))]);
        store.act(1, Command::Retry, &by(), &planner, late).unwrap();
        assert_eq!(store.sweep(&planner, &policy, 0.0, late).unwrap().expired, 0);
        assert_eq!(take(store, "north", late).len(), 1);
    });
}

#[test]
fn an_expired_entry_that_is_retried_waits_for_what_is_in_flight() {
    each(|store| {
        let planner = planner();
        let came = [told("R1", "referred", "2026-04-01"), told("R1", "accepted", "2026-04-03")];
        store.accept(&submission(false, &came[..1]), &planner, start()).unwrap();
        let late = later(start(), days(19));
        store.accept(&submission(false, &came[1..]), &planner, late).unwrap();
        let later_still = later(start(), days(21));
        let claimed = take(store, "north", later_still);
        assert_eq!(claimed[0].entry.id, 2);
        store.act(1, Command::Retry, &by(), &planner, later_still).unwrap();
        assert!(take(store, "north", later_still).is_empty());
        assert_eq!(store.next_due("north").unwrap(), None);
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

#[test]
fn whose_version_counts_a_person_decides_by_the_versions_shown() {
    use crate::outbox::Placed;
    each(|store| {
        let planner = planner();
        let policy = RetryPolicy::default();
        let events = [told("R1", "referred", "2026-04-01"), told("R1", "accepted", "2026-04-03")];
        store.accept(&submission(false, &events), &planner, start()).unwrap();
        assert_eq!(deliver(store, "north", start()), 1);
        let sent = store.entry(2).unwrap().unwrap().known.remove(0);
        let theirs = Placed { version: Some("5".into()), ..sent.placed.clone() };
        let diverge = |store: &mut dyn Store| {
            let claimed = take(store, "north", start()).remove(0);
            let stopped = Cause::Stopped(Reason::Divergent);
            let settled = crate::store::Settled {
                differing: vec![theirs.clone()],
                ..settled(stopped, &policy, start())
            };
            store.settle(&claimed.lease, &settled).unwrap().unwrap()
        };
        assert_eq!(diverge(store).reason, Some(Reason::Divergent));
        assert_eq!(store.entry(2).unwrap().unwrap().differing, std::slice::from_ref(&theirs));
        // Released alone it is compared again, with what was known.
        store.act(2, Command::Release, &by(), &planner, start()).unwrap();
        assert_eq!(store.entry(2).unwrap().unwrap().known[0].placed.version.as_deref(), Some("1"));
        diverge(store);
        let Acted::Done(entry) = store.act(2, Command::ReleaseOurs, &by(), &planner, start()).unwrap() else {
            panic!()
        };
        assert_eq!(entry.state, State::Pending);
        let detail = store.entry(2).unwrap().unwrap();
        assert_eq!(detail.known[0].placed, theirs, "the version that the person saw may be written over");
        assert_eq!(detail.known[0].content, sent.content, "what we sent last is what it was");
        let line = detail.audit.last().unwrap();
        assert_eq!(line.action, "release-ours ServiceRequest/41/_history/5");
        assert_eq!((line.actor.as_str(), line.reason.as_str()), ("j.marsh", "agreed with the practice"));
        diverge(store);
        let Acted::Done(entry) = store.act(2, Command::AcceptTheirs, &by(), &planner, start()).unwrap()
        else {
            panic!()
        };
        assert_eq!((entry.state, entry.reason), (State::Pending, None));
        // What the person saw goes along with every claim, until something else stops it.
        let claimed = take(store, "north", start()).remove(0);
        assert_eq!(claimed.parcel.let_stand, std::slice::from_ref(&theirs));
        let busy = Outcome::Deferred { reason: Reason::Conflict, status: None, retry_after: None };
        store.settle(&claimed.lease, &settled(Cause::Ended(busy), &policy, start())).unwrap().unwrap();
        let then = later(start(), days(1));
        let claimed = take(store, "north", then).remove(0);
        assert_eq!(claimed.parcel.let_stand, std::slice::from_ref(&theirs));
        assert!(store.entry(2).unwrap().unwrap().theirs_stands);
        let stopped = settled(Cause::Stopped(Reason::PatientInactive), &policy, then);
        store.settle(&claimed.lease, &stopped).unwrap().unwrap();
        store.act(2, Command::Release, &by(), &planner, then).unwrap();
        let claimed = take(store, "north", then).remove(0);
        assert!(claimed.parcel.let_stand.is_empty(), "it is seen and decided anew");
        let ended = store.settle(&claimed.lease, &settled(Cause::LetStand, &policy, then)).unwrap().unwrap();
        assert_eq!((ended.state, ended.reason), (State::Discarded, Some(Reason::ByOperator)));
        let refused = store.act(1, Command::ReleaseOurs, &by(), &planner, start()).unwrap();
        assert_eq!(refused, Acted::NotPossible(State::Delivered));
    });
}
