//! What is decided of an entry while its request may be at the endpoint is done as soon as it is known not to be there.

use std::time::Duration;

use super::samples::*;
use super::{days, each, states};
use crate::outbox::retry::RetryPolicy;
use crate::outbox::transition::Cause;
use crate::outbox::{Command, Outcome, Reason, State};
use crate::plan::Doubt;
use crate::store::row::later;
use crate::store::{Acted, Claimed, Store};

/// What happens while a request is under way.
type Happens<'h> = &'h dyn Fn(&mut dyn Store);

const FULL: Option<(&str, &str)> = Some(("full", "2026-03-01"));
const WITHDRAWN: (State, Option<Reason>) = (State::Withdrawn, Some(Reason::ConsentWithdrawn));

fn come(store: &mut dyn Store, told: &Told) {
    store.accept(&submission(false, std::slice::from_ref(told)), &planner(), start()).unwrap();
}

fn referred(referral: &str) -> Told {
    Told { share: FULL, ..told(referral, "referred", "2026-04-01") }
}

fn consent(referral: &str, share: &'static str) -> Told {
    Told { share: Some((share, "2026-04-14")), ..told(referral, "consent_changed", "2026-04-14") }
}

/// Takes the first entry and stores its request, as if it were being sent.
fn send(store: &mut dyn Store) -> Claimed {
    let claimed = take(store, "north", start()).remove(0);
    assert!(store.record_request(&claimed.lease, "sent", start()).unwrap().may_send());
    claimed
}

fn end(store: &mut dyn Store, claimed: &Claimed, outcome: Outcome) -> (State, Option<Reason>) {
    let policy = RetryPolicy::default();
    let entry = store.settle(&claimed.lease, &settled(Cause::Ended(outcome), &policy, start())).unwrap();
    entry.map(|entry| (entry.state, entry.reason)).unwrap()
}

fn put_off() -> Outcome {
    Outcome::Deferred { reason: Reason::Unavailable, status: Some(503), retry_after: None }
}

fn lost() -> Outcome {
    Outcome::Unknown { reason: Reason::AnswerLost, status: None }
}

/// What the program itself wrote into the history of the first entry.
fn history(store: &mut dyn Store) -> Vec<String> {
    store.entry(1).unwrap().unwrap().audit.into_iter().map(|line| line.action).collect()
}

#[test]
fn the_history_says_of_what_is_under_way_what_is_known_at_the_time() {
    let while_sending = "withdrawn-while-sending";
    let withdrawn = |store: &mut dyn Store| {
        come(store, &referred("R1"));
        let sent = send(store);
        let told = submission(false, &[consent("R1", "none")]);
        let said = store.accept(&told, &planner(), start()).unwrap().issues;
        assert!(
            said.iter().any(|(id, issue)| id == "R1/referred" && issue.code.as_str() == while_sending),
            "{said:?}"
        );
        assert_eq!(history(store), [while_sending], "nobody knows yet");
        sent
    };
    each(|store| {
        let sent = withdrawn(store);
        end(store, &sent, put_off());
        assert_eq!(history(store), [while_sending, "not-resent"]);
    });
    each(|store| {
        let sent = withdrawn(store);
        end(store, &sent, accepted());
        assert_eq!(history(store), [while_sending, "withdrawn-after-sending"]);
        // Said once, also when the person says it again.
        come(store, &Told { event: "R1/again".into(), ..consent("R1", "none") });
        assert_eq!(history(store).len(), 2);
    });
    each(|store| {
        let sent = withdrawn(store);
        end(store, &sent, lost());
        assert_eq!(history(store), [while_sending], "still nobody");
        let asked = take(store, "north", later(start(), days(1))).remove(0);
        let crate::outbox::Outcome::Accepted(receipt) = accepted() else { panic!() };
        end(store, &asked, Outcome::Duplicate(receipt));
        assert_eq!(history(store), [while_sending, "withdrawn-after-sending"]);
    });
    each(|store| {
        let sent = withdrawn(store);
        let given =
            Told { event: "R1/again".into(), share: Some(("full", "2026-04-15")), ..consent("R1", "full") };
        come(store, &Told { day: "2026-04-15".into(), ..given });
        end(store, &sent, accepted());
        assert_eq!(history(store), [while_sending], "it may be shared again");
    });
}

#[test]
fn what_is_put_off_after_consent_was_withdrawn_is_not_sent_again() {
    each(|store| {
        come(store, &referred("R1"));
        let sent = send(store);
        come(store, &consent("R1", "none"));
        assert_eq!(states(store)[0].0, State::InFlight, "it may stand there");
        assert_eq!(end(store, &sent, put_off()), WITHDRAWN);
        let detail = store.entry(1).unwrap().unwrap();
        assert!(!detail.entry.has_request);
        assert_eq!(detail.audit.last().unwrap().action, "not-resent");
        assert!(take(store, "north", later(start(), days(1))).is_empty());
    });
}

#[test]
fn a_withdrawal_in_another_referral_stops_what_comes_back_too() {
    each(|store| {
        come(store, &referred("R1"));
        let sent = send(store);
        come(store, &referred("R2"));
        come(store, &consent("R2", "none"));
        assert_eq!(end(store, &sent, put_off()), WITHDRAWN);
    });
}

#[test]
fn what_is_unknown_is_asked_for_and_sent_again_only_if_consent_stands() {
    for found in [false, true] {
        each(|store| {
            come(store, &referred("R1"));
            let sent = send(store);
            assert_eq!(end(store, &sent, lost()).0, State::Unknown);
            come(store, &consent("R1", "none"));
            let asked = take(store, "north", later(start(), days(1))).remove(0);
            assert!(asked.ask_first);
            if found {
                let crate::outbox::Outcome::Accepted(receipt) = accepted() else { panic!() };
                let there = end(store, &asked, Outcome::Duplicate(receipt));
                assert_eq!(there, (State::Delivered, None), "what was found there stays delivered");
            } else {
                let absent = later(start(), days(1));
                assert!(!store.record_request(&asked.lease, "sent", absent).unwrap().may_send());
                assert_eq!(states(store)[0], WITHDRAWN);
                let detail = store.entry(1).unwrap().unwrap();
                assert_eq!(detail.attempts.last().unwrap().outcome.as_deref(), Some("stopped"));
            }
        });
    }
}

#[test]
fn what_is_withdrawn_while_it_is_prepared_is_never_sent() {
    each(|store| {
        come(store, &referred("R1"));
        let claimed = take(store, "north", start()).remove(0);
        come(store, &consent("R1", "none"));
        assert!(!store.record_request(&claimed.lease, "to be sent", start()).unwrap().may_send());
        assert_eq!(states(store)[0], WITHDRAWN);
        assert_eq!(store.entry(1).unwrap().unwrap().attempts.len(), 1);
    });
}

#[test]
fn what_a_worker_left_behind_is_withdrawn_when_nothing_was_sent() {
    each(|store| {
        let (policy, far) = (RetryPolicy::default(), later(start(), days(400)));
        come(store, &referred("R1"));
        take(store, "north", start());
        come(store, &consent("R1", "none"));
        assert_eq!(store.free("north", far, &policy, 0.0, start()).unwrap(), 1);
        assert_eq!(states(store)[0], WITHDRAWN);
    });
    each(|store| {
        let (policy, far) = (RetryPolicy::default(), later(start(), days(400)));
        come(store, &referred("R1"));
        send(store);
        come(store, &consent("R1", "none"));
        assert_eq!(store.free("north", far, &policy, 0.0, start()).unwrap(), 1);
        assert_eq!(states(store)[0].0, State::Unknown, "it is asked for first");
        let then = later(start(), Duration::from_secs(3600));
        let asked = take(store, "north", then).remove(0);
        assert!(!store.record_request(&asked.lease, "sent", then).unwrap().may_send());
        assert_eq!(states(store)[0], WITHDRAWN);
    });
}

#[test]
fn what_holds_the_person_holds_what_comes_back() {
    let contradicted = |store: &mut dyn Store| {
        come(store, &Told { birth: "1950-01-01", local: Some("P-9"), ..referred("R2") });
    };
    let doubted = |store: &mut dyn Store| {
        let person = referred("R1").event().record.person.clone();
        let doubt = Doubt::new(Some(SOURCE), Some("R1"), Some("R1/consent_changed"), &person).unwrap();
        store.heed(std::slice::from_ref(&doubt), &planner(), start()).unwrap();
    };
    let protected = |store: &mut dyn Store| {
        come(store, &Told { protected: true, share: FULL, ..told("R1", "details_changed", "2026-04-13") });
    };
    let causes: [(Happens<'_>, Reason); 3] = [
        (&contradicted, Reason::BirthDates),
        (&doubted, Reason::ConsentUnclear),
        (&protected, Reason::Protected),
    ];
    for (happens, reason) in causes {
        each(|store| {
            come(store, &referred("R1"));
            let sent = send(store);
            happens(store);
            assert_eq!(end(store, &sent, put_off()), (State::Held, Some(reason)));
        });
        each(|store| {
            come(store, &referred("R1"));
            let sent = send(store);
            happens(store);
            end(store, &sent, lost());
            let then = later(start(), days(1));
            let asked = take(store, "north", then).remove(0);
            assert!(!store.record_request(&asked.lease, "sent", then).unwrap().may_send());
            assert_eq!(states(store)[0], (State::Held, Some(reason)));
        });
    }
}

#[test]
fn what_comes_back_says_no_more_than_may_be_shared_now_and_else_keeps_its_bytes() {
    each(|store| {
        come(store, &Told { need: Some(("lonely", false)), ..referred("R1") });
        let sent = send(store);
        come(store, &consent("R1", "codes_only"));
        assert_eq!(end(store, &sent, put_off()), (State::Pending, None));
        let again = take(store, "north", later(start(), days(1))).remove(0);
        assert_eq!(again.request, None, "it is made anew");
        assert!(again.parcel.bundle != sent.parcel.bundle);
        assert!(sent.parcel.bundle.contains("said in confidence"));
        assert!(!again.parcel.bundle.contains("said in confidence"));
    });
    each(|store| {
        come(store, &referred("R1"));
        let sent = send(store);
        come(store, &consent("R1", "full"));
        assert_eq!(end(store, &sent, put_off()), (State::Pending, Some(Reason::Unavailable)));
        let again = take(store, "north", later(start(), days(1))).remove(0);
        assert_eq!(again.request.as_deref(), Some("sent"));
    });
}

/// A Bundle of codes only may be the one before with nothing changed but what it leaves out.
#[test]
fn what_is_only_to_be_left_out_is_left_out_when_it_comes_back() {
    each(|store| {
        come(store, &referred("R1"));
        deliver(store, "north", start());
        come(store, &Told { share: FULL, answer: Some("my garden"), ..told("R1", "assessed", "2026-04-10") });
        let sent = send(store);
        assert!(sent.parcel.bundle.contains("my garden"));
        come(store, &consent("R1", "codes_only"));
        assert_eq!(end(store, &sent, put_off()), (State::Pending, None));
        let again = take(store, "north", later(start(), days(1))).remove(0);
        assert_eq!(again.request, None, "it is made anew");
        assert!(!again.parcel.bundle.contains("my garden"));
    });
}

#[test]
fn consent_given_back_before_it_comes_back_lets_it_go() {
    each(|store| {
        come(store, &referred("R1"));
        let sent = send(store);
        come(store, &consent("R1", "none"));
        let again = Told {
            event: "R1/again".into(),
            share: Some(("full", "2026-04-15")),
            ..told("R1", "consent_changed", "2026-04-15")
        };
        come(store, &again);
        assert_eq!(end(store, &sent, put_off()), (State::Pending, None));
        let then = later(start(), days(1));
        let claimed = take(store, "north", then).remove(0);
        assert!(store.record_request(&claimed.lease, "anew", then).unwrap().may_send());
    });
}

#[test]
fn a_retry_of_what_may_have_been_sent_heeds_a_withdrawal_made_since() {
    each(|store| {
        let policy = RetryPolicy { max_attempts: 1, ..RetryPolicy::default() };
        come(store, &referred("R1"));
        let sent = send(store);
        let spent = settled(Cause::Ended(lost()), &policy, start());
        assert_eq!(store.settle(&sent.lease, &spent).unwrap().unwrap().state, State::DeadLetter);
        come(store, &consent("R1", "none"));
        let Acted::Done(entry) = store.act(1, Command::Retry, &by(), &planner(), start()).unwrap() else {
            panic!()
        };
        assert_eq!(entry.state, State::Unknown);
        let asked = take(store, "north", start()).remove(0);
        assert!(!store.record_request(&asked.lease, "sent", start()).unwrap().may_send());
        assert_eq!(states(store)[0], WITHDRAWN);
    });
}

#[test]
fn a_hold_that_came_to_nothing_does_not_have_all_sent_again() {
    let row = |family| {
        let one = Told { family, ..referred("R1") };
        move |store: &mut dyn Store| {
            store.accept(&submission(true, std::slice::from_ref(&one)), &planner(), start()).unwrap();
        }
    };
    let twin = |birth| Told { birth, local: Some("P-9"), ..referred("R2") };
    // A hold leaves what is kept as it was sent; less consent has it made anew, and then nobody knows.
    for is_made_anew in [false, true] {
        each(|store| {
            row("Ashdown")(store);
            let sent = send(store);
            if is_made_anew {
                come(store, &consent("R3", "codes_only"));
                come(store, &Told { event: "R3/again".into(), ..consent("R3", "full") });
            }
            store.accept(&submission(true, &[twin("1950-01-01")]), &planner(), start()).unwrap();
            assert_eq!(end(store, &sent, accepted()), (State::Delivered, None));
            store.accept(&submission(true, &[twin("1951-08-02")]), &planner(), start()).unwrap();
            row("Ashdown-Lane")(store);
            let last = *states(store).last().unwrap();
            let unchanged = (State::NotShared, Some(Reason::Unchanged));
            assert_eq!(last == unchanged, !is_made_anew, "{last:?}");
        });
    }
}
