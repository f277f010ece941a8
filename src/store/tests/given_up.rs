//! What ended before it was sent, or before it was known whether it was.

use super::samples::*;
use super::{days, each, states};
use crate::event::IssueCode;
use crate::outbox::retry::RetryPolicy;
use crate::outbox::transition::Cause;
use crate::outbox::{Command, Outcome, Reason, State};
use crate::store::row::later;
use crate::store::{Acceptance, Acted, Store};

const FULL: Option<(&str, &str)> = Some(("full", "2026-03-01"));
const PENDING: (State, Option<Reason>) = (State::Pending, None);
const WITHDRAWN: (State, Option<Reason>) = (State::Withdrawn, Some(Reason::ConsentWithdrawn));
const ENDED: (State, Option<Reason>) = (State::NotShared, Some(Reason::ConsentNone));

fn come(store: &mut dyn Store, told: Told) -> Acceptance {
    store.accept(&submission(false, &[told]), &planner(), start()).unwrap()
}

fn shared(referral: &str) -> Told {
    Told { share: FULL, ..told(referral, "referred", "2026-04-01") }
}

fn none(referral: &str) -> Told {
    Told { share: Some(("none", "2026-04-10")), ..told(referral, "consent_changed", "2026-04-10") }
}

fn act(store: &mut dyn Store, id: i64, command: Command) {
    let acted = store.act(id, command, &by(), &planner(), start()).unwrap();
    assert!(matches!(acted, Acted::Done(_)), "{acted:?}");
}

#[test]
fn what_is_given_up_while_nobody_knows_whether_it_is_there_counts_as_if_it_were() {
    let given_up = (State::Discarded, Some(Reason::MayBeThere));
    for spent in [false, true] {
        each(|store| {
            let answer = |referral: &str| Told { request: Some("GP-7x"), ..shared(referral) };
            come(store, answer("R1"));
            come(store, Told { number: Some("9990000018"), ..answer("R2") });
            let claimed = take(store, "north", start()).remove(0);
            assert!(store.record_request(&claimed.lease, "sent", start()).unwrap().may_send());
            let lost = Outcome::Unknown { reason: Reason::AnswerLost, status: None };
            let max_attempts = if spent { 1 } else { 50 };
            let policy = RetryPolicy { max_attempts, ..RetryPolicy::default() };
            store.settle(&claimed.lease, &settled(Cause::Ended(lost), &policy, start())).unwrap();
            assert_eq!(states(store)[0].0, if spent { State::DeadLetter } else { State::Unknown });
            act(store, 1, Command::Discard);
            assert_eq!(states(store), [given_up, (State::Held, Some(Reason::RequestTaken))]);
            assert!(take(store, "north", later(start(), days(1))).is_empty());
            // Consent that is withdrawn later concerns it, too.
            let answer = come(store, none("R3"));
            let code = IssueCode::WithdrawnAfterSending;
            assert!(answer.issues.iter().any(|(id, issue)| id == "R1/referred" && issue.code == code));
        });
    }
    each(|store| {
        come(store, shared("R1"));
        act(store, 1, Command::Discard);
        assert_eq!(states(store), [(State::Discarded, Some(Reason::ByOperator))]);
    });
}

#[test]
fn what_an_erroneous_withdrawal_ended_is_told_and_sent_when_a_person_says_so() {
    each(|store| {
        come(store, shared("R1"));
        come(store, none("R2"));
        come(store, Told { day: "2026-04-11".into(), ..told("R1", "accepted", "2026-04-11") });
        assert_eq!(states(store), [WITHDRAWN, ENDED, ENDED]);
        act(store, 1, Command::Retry);
        assert_eq!(states(store)[0], WITHDRAWN, "nothing may be shared");
        let recall = Told { event: "R2/recall".into(), target: Some("R2/consent_changed"), ..none("R2") };
        let answer = come(store, Told { kind: "entered_in_error", share: FULL, ..recall });
        let code = IssueCode::ConsentReturned;
        let told = answer.issues.iter().filter(|(_, issue)| issue.code == code);
        let told: Vec<&str> = told.map(|(id, _)| id.as_str()).collect();
        assert!(told.contains(&"R1/referred") && told.contains(&"R1/accepted"), "{told:?}");
        let said = store.entry(3).unwrap().unwrap().audit;
        assert!(said.iter().any(|line| line.action == code.as_str()), "{said:?}");
        assert_eq!(states(store)[0], WITHDRAWN, "not by itself");
        act(store, 1, Command::Retry);
        act(store, 3, Command::Retry);
        assert_eq!((states(store)[0], states(store)[2]), (PENDING, PENDING));
        assert_eq!(take(store, "north", start())[0].entry.id, 1);
    });
}

#[test]
fn a_doubt_that_a_repeat_made_is_mended_by_a_correction_and_not_by_the_old_record() {
    each(|store| {
        come(store, shared("R1"));
        come(store, Told { share: Some(("none", "2026-04-12")), ..shared("R1") });
        let unclear = (State::Held, Some(Reason::ConsentUnclear));
        assert_eq!(states(store), [unclear]);
        come(store, shared("R1"));
        assert_eq!(states(store), [unclear], "it may be the same message, delivered twice");
        come(
            store,
            Told { event: "R1/c".into(), target: Some("R1/referred"), kind: "corrected", ..shared("R1") },
        );
        assert_eq!(states(store), [PENDING; 2]);
    });
}
