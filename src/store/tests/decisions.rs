//! What deciding promises, one promise a test, asked of both stores. Next: `persons.rs`.

use std::time::Duration;

use super::samples::*;
use super::{days, each, states};
use crate::outbox::retry::RetryPolicy;
use crate::outbox::transition::Cause;
use crate::outbox::{Command, Outcome, Reason, State};
use crate::plan::Routes;
use crate::store::row::later;
use crate::store::{Acted, Store};

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
