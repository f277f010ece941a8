//! What was sent before consent was withdrawn or narrowed is told until a person has seen to it.

use super::samples::{Told, by, deliver, planner, start, submission, take, told};
use super::{each, states};
use crate::event::IssueCode;
use crate::outbox::retry::RetryPolicy;
use crate::outbox::transition::Cause;
use crate::outbox::{Command, EntryId, Outcome, Reason, State};
use crate::store::{Acceptance, Acted, Store};

fn with(referral: &str, kind: &'static str, day: &str, share: (&'static str, &'static str)) -> Told {
    Told { share: Some(share), ..told(referral, kind, day) }
}

fn accept(store: &mut dyn Store, one: Told) -> Acceptance {
    store.accept(&submission(false, &[one]), &planner(), start()).unwrap()
}

fn notices(store: &mut dyn Store) -> Vec<(EntryId, IssueCode)> {
    let found = store.notices(0, 10).unwrap();
    let counted: u64 = store.notice_counts().unwrap().iter().map(|(_, count)| count).sum();
    assert_eq!(counted, found.len() as u64);
    found.into_iter().map(|notice| (notice.entry.id, notice.code)).collect()
}

const FULL: (&str, &str) = ("full", "2026-03-01");

#[test]
fn what_was_sent_before_a_withdrawal_is_told_until_a_person_has_seen_to_it() {
    each(|store| {
        accept(store, with("R1", "referred", "2026-04-01", FULL));
        accept(store, with("R2", "referred", "2026-04-02", FULL));
        assert_eq!(deliver(store, "north", start()), 2);
        assert_eq!(notices(store), []);
        let see =
            |store: &mut dyn Store, id| store.act(id, Command::Seen, &by(), &planner(), start()).unwrap();
        assert_eq!(see(store, 1), Acted::NotPossible(State::Delivered));
        let answer = accept(store, with("R1", "consent_changed", "2026-04-10", ("none", "2026-04-10")));
        let code = IssueCode::WithdrawnAfterSending;
        assert_eq!(notices(store), [(1, code), (2, code)]);
        assert_eq!(store.notices(1, 10).unwrap()[0].entry.id, 2);
        // Whoever sent the withdrawal hears that it comes late.
        assert!(answer.issues.iter().any(|(id, issue)| id == "R1/consent_changed" && issue.code == code));
        // It stays delivered, and read back it is told all the same.
        assert!(store.read_back(2, start()).unwrap());
        assert_eq!(states(store)[..2], [(State::Delivered, None), (State::Acknowledged, None)]);
        let Acted::Done(entry) = see(store, 2) else { panic!("not seen") };
        assert_eq!(entry.state, State::Acknowledged);
        assert_eq!(notices(store), [(1, code)]);
        assert_eq!(see(store, 2), Acted::NotPossible(State::Acknowledged));
        let audit = store.entry(2).unwrap().unwrap().audit;
        assert_eq!(
            audit.last().map(|line| (line.action.as_str(), line.actor.as_str())),
            Some(("seen", "j.marsh"))
        );
        see(store, 1);
        assert_eq!(notices(store), []);
    });
}

#[test]
fn words_that_were_sent_before_only_codes_may_leave_are_told() {
    each(|store| {
        let words = |referral: &str, share| {
            let need = Some(("Debt", false));
            Told { need, ..with(referral, "referred", "2026-04-01", share) }
        };
        accept(store, words("R1", FULL));
        accept(store, with("R1", "attended", "2026-04-02", FULL));
        accept(store, words("R2", FULL));
        for _ in 0..2 {
            deliver(store, "north", start());
        }
        assert_eq!(states(store), [(State::Delivered, None); 3]);
        let codes = ("codes_only", "2026-04-10");
        let answer = accept(store, with("R2", "consent_changed", "2026-04-10", codes));
        // Of both referrals of the person, and only what had words.
        let code = IssueCode::NarrowedAfterSending;
        assert_eq!(notices(store), [(1, code), (3, code)]);
        let told = answer.issues.iter().filter(|(_, issue)| issue.code == code);
        assert!(told.clone().any(|(id, _)| id == "R2/consent_changed"), "{:?}", answer.issues);
        let audit = store.entry(1).unwrap().unwrap().audit;
        assert!(audit[0].reason.ends_with(": note") && !audit[0].reason.contains("confidence"), "{audit:?}");
        // Said once; a withdrawal after it takes its place.
        accept(store, with("R2", "consent_changed", "2026-04-10", codes));
        assert_eq!(store.entry(1).unwrap().unwrap().audit.len(), 1);
        let none = Told {
            event: "R2/none".into(),
            ..with("R2", "consent_changed", "2026-04-12", ("none", "2026-04-12"))
        };
        accept(store, none);
        assert_eq!(
            notices(store)[..2],
            [(1, IssueCode::WithdrawnAfterSending), (2, IssueCode::WithdrawnAfterSending)]
        );
    });
}

#[test]
fn of_what_came_back_unsent_nothing_is_told() {
    each(|store| {
        accept(store, with("R1", "referred", "2026-04-01", FULL));
        let claimed = take(store, "north", start()).remove(0);
        store.record_request(&claimed.lease, "{}", start()).unwrap();
        accept(store, with("R1", "consent_changed", "2026-04-10", ("none", "2026-04-10")));
        let busy = Outcome::Deferred { reason: Reason::Unavailable, status: Some(503), retry_after: None };
        let policy = RetryPolicy::default();
        store.settle(&claimed.lease, &super::samples::settled(Cause::Ended(busy), &policy, start())).unwrap();
        assert_eq!(states(store)[0].0, State::Withdrawn);
        assert_eq!(notices(store), []);
    });
}

#[test]
fn a_snapshot_row_that_shares_less_tells_of_what_was_sent_and_one_that_lifts_nothing_says_so() {
    each(|store| {
        let row = |store: &mut dyn Store, share| {
            let one = Told { need: Some(("Debt", false)), ..with("R1", "referred", "2026-04-01", share) };
            store.accept(&submission(true, &[one]), &planner(), start()).unwrap()
        };
        let has = |answer: &Acceptance, code| {
            answer.issues.iter().any(|(id, issue)| id == "R1/referred" && issue.code == code)
        };
        row(store, FULL);
        deliver(store, "north", start());
        let answer = row(store, ("codes_only", "2026-04-10"));
        assert!(has(&answer, IssueCode::NarrowedAfterSending), "{:?}", answer.issues);
        assert!(!has(&answer, IssueCode::ConsentNotLifted));
        for _ in 0..2 {
            let answer = row(store, ("full", "2026-03-01"));
            assert!(has(&answer, IssueCode::ConsentNotLifted), "{:?}", answer.issues);
        }
        let answer = row(store, ("full", "2026-04-12"));
        assert!(!has(&answer, IssueCode::ConsentNotLifted), "{:?}", answer.issues);
        let answer = row(store, ("none", "2026-04-13"));
        assert!(has(&answer, IssueCode::WithdrawnAfterSending), "{:?}", answer.issues);
    });
}
