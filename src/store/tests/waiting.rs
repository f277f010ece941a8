//! What waits shows what it waits for today: also beside what a person decided, and after its cause has gone.

use std::time::Duration;

use super::samples::{OTHER_SOURCE, SOURCE, Told, by, deliver, planner, start, submission, told};
use super::{days, each, states};
use crate::outbox::{Command, Reason, State};
use crate::plan::route::Routes;
use crate::plan::{Doubt, Planner};
use crate::store::row::later;
use crate::store::{Acted, Store};

const PENDING: (State, Option<Reason>) = (State::Pending, None);

const fn held(reason: Reason) -> (State, Option<Reason>) {
    (State::Held, Some(reason))
}

fn take_in(store: &mut dyn Store, planner: &Planner, told: &[Told]) {
    store.accept(&submission(false, told), planner, start()).unwrap();
}

fn act(store: &mut dyn Store, id: i64, command: Command, planner: &Planner) {
    let acted = store.act(id, command, &by(), planner, start()).unwrap();
    assert!(matches!(acted, Acted::Done(_)), "{acted:?}");
}

#[test]
fn what_waits_beside_a_released_entry_shows_what_holds_it_today() {
    each(|store| {
        let nowhere = Planner { routes: Routes::default(), ..planner() };
        let events = [told("R1", "referred", "2026-04-01"), told("R1", "accepted", "2026-04-03")];
        take_in(store, &nowhere, &events);
        assert_eq!(states(store), [held(Reason::NoEndpoint); 2]);
        let mut live = planner();
        live.routes.0.iter_mut().for_each(|route| route.test = false);
        act(store, 1, Command::Release, &live);
        assert_eq!(states(store), [held(Reason::TestNumberAtLive); 2], "the one beside it says the same");
        act(store, 2, Command::Release, &planner());
        assert_eq!(states(store), [PENDING; 2]);
    });
}

#[test]
fn what_comes_to_pass_for_one_that_waits_comes_to_pass_for_those_beside_it() {
    each(|store| {
        let nowhere = Planner { routes: Routes::default(), ..planner() };
        take_in(store, &nowhere, &[told("R1", "referred", "2026-04-01")]);
        let next = told("R1", "accepted", "2026-04-03");
        let hour = later(start(), Duration::from_secs(300));
        store.accept(&submission(false, &[next]), &nowhere, hour).unwrap();
        // Only the first is due to be looked at.
        let now = later(start(), Duration::from_secs(601));
        let swept = store.sweep(&planner(), &Default::default(), 0.0, now).unwrap();
        assert_eq!((swept.released, states(store)), (2, vec![PENDING; 2]));
    });
}

#[test]
fn a_person_says_of_one_entry_alone_that_there_is_consent() {
    each(|store| {
        let of = |kind, day| Told { referrer: "self", ..told("R1", kind, day) };
        let planner = planner();
        take_in(store, &planner, &[of("referred", "2026-04-01"), of("accepted", "2026-04-03")]);
        act(store, 1, Command::Release, &planner);
        assert_eq!(states(store), [PENDING, held(Reason::NoConsent)]);
        // A later record of the person takes nothing back that was released.
        let later = Told { family: "Okafor", ..of("attended", "2026-04-05") };
        take_in(store, &planner, &[later]);
        assert_eq!(states(store), [PENDING, held(Reason::NoConsent), held(Reason::NoConsent)]);
    });
}

#[test]
fn a_possible_duplicate_goes_on_when_the_other_has_ended() {
    each(|store| {
        let planner = planner();
        take_in(store, &planner, &[told("R1", "referred", "2026-04-01")]);
        let twin = |kind, day| Told { source: OTHER_SOURCE, ..told("X1", kind, day) };
        take_in(store, &planner, &[twin("referred", "2026-04-09"), twin("accepted", "2026-04-10")]);
        assert_eq!(states(store)[1..], [held(Reason::PossibleDuplicate); 2]);
        take_in(store, &planner, &[told("R1", "cancelled", "2026-04-11")]);
        assert_eq!(states(store)[1..3], [PENDING; 2]);
    });
}

/// An event of a referral that answers a request.
fn answer(referral: &str, kind: &'static str, day: &str) -> Told {
    Told { request: Some("GP-7x"), ..told(referral, kind, day) }
}

#[test]
fn one_request_is_answered_by_the_referral_that_named_it_first() {
    each(|store| {
        let planner = planner();
        take_in(store, &planner, &[answer("R1", "referred", "2026-04-01")]);
        take_in(store, &planner, &[answer("R2", "referred", "2026-04-02")]);
        take_in(store, &planner, &[answer("R1", "accepted", "2026-04-03")]);
        take_in(store, &planner, &[Told { source: OTHER_SOURCE, ..answer("X1", "referred", "2026-01-02") }]);
        let taken = held(Reason::RequestTaken);
        assert_eq!(states(store), [PENDING, taken, PENDING, taken]);
        let first = Planner::referral(SOURCE, "R1");
        assert_eq!(store.entry(2).unwrap().unwrap().answered_by, Some((first, 1)));
        assert_eq!(store.entry(4).unwrap().unwrap().answered_by, Some((first, 1)));
        assert_eq!(store.entry(3).unwrap().unwrap().answered_by, None);
        // Both are right, says a person: then both answer.
        act(store, 2, Command::Release, &planner);
        assert_eq!(states(store), [PENDING, PENDING, PENDING, taken]);
    });
}

#[test]
fn a_request_is_let_go_by_a_correction_a_discard_and_a_withdrawal() {
    let planner = planner();
    let both = |store: &mut dyn Store| {
        for referral in ["R1", "R2"] {
            let came = submission(true, &[answer(referral, "referred", "2026-04-01")]);
            store.accept(&came, &planner, start()).unwrap();
        }
        assert_eq!(states(store), [PENDING, held(Reason::RequestTaken)]);
    };
    each(|store| {
        both(store);
        let corrected = Told { request: None, ..answer("R1", "referred", "2026-04-01") };
        store.accept(&submission(true, &[corrected]), &planner, start()).unwrap();
        assert_eq!(states(store)[1], PENDING);
        // It comes back too late.
        let again = submission(true, &[answer("R1", "referred", "2026-04-01")]);
        store.accept(&again, &planner, start()).unwrap();
        let last = *states(store).last().unwrap();
        assert_eq!(last, held(Reason::RequestTaken));
    });
    each(|store| {
        both(store);
        act(store, 1, Command::Discard, &planner);
        assert_eq!(states(store)[1], PENDING);
    });
    each(|store| {
        both(store);
        let number = Some("9990000018");
        let of = |referral, kind, day| Told { number, ..answer(referral, kind, day) };
        // Of another person, whose withdrawal is not the first one's.
        store.accept(&submission(true, &[of("R3", "referred", "2026-04-02")]), &planner, start()).unwrap();
        assert_eq!(states(store)[2], held(Reason::RequestTaken));
        let share = Some(("none", "2026-04-05"));
        let withdrawn = Told { share, ..told("R4", "consent_changed", "2026-04-05") };
        store.accept(&submission(false, &[withdrawn]), &planner, start()).unwrap();
        let ended = (State::Withdrawn, Some(Reason::ConsentWithdrawn));
        assert_eq!(states(store)[..3], [ended, ended, PENDING]);
    });
}

#[test]
fn who_stepped_back_waits_for_the_one_that_answers_instead() {
    let planner = planner();
    let taken = held(Reason::RequestTaken);
    // With what the second has sent, and with what it is about to send.
    for sent in [true, false] {
        each(|store| {
            take_in(store, &planner, &[answer("R1", "referred", "2026-04-01")]);
            take_in(store, &planner, &[answer("R2", "referred", "2026-04-01")]);
            act(store, 1, Command::Discard, &planner);
            if sent {
                assert_eq!(deliver(store, "north", start()), 1);
            }
            take_in(store, &planner, &[answer("R1", "completed", "2026-04-05")]);
            take_in(store, &planner, &[answer("R2", "accepted", "2026-04-06")]);
            assert_eq!(states(store)[2..], [taken, PENDING]);
            let second = Planner::referral(SOURCE, "R2");
            assert_eq!(store.entry(3).unwrap().unwrap().answered_by, Some((second, 2)));
            if !sent {
                act(store, 2, Command::Discard, &planner);
                act(store, 4, Command::Discard, &planner);
                assert_eq!(states(store)[2], PENDING, "the second stepped back, too");
            }
        });
    }
}

#[test]
fn consent_that_returns_takes_no_answer_away() {
    each(|store| {
        let planner = planner();
        let agreed = Some(("full", "2026-04-01"));
        let mine = |kind, day, share| Told { share, ..answer("R1", kind, day) };
        take_in(store, &planner, &[mine("referred", "2026-04-01", Some(("none", "2026-04-02")))]);
        let other =
            Told { number: Some("9990000018"), share: agreed, ..answer("R2", "referred", "2026-04-03") };
        take_in(store, &planner, &[other]);
        assert_eq!(deliver(store, "north", start()), 1);
        let again = Some(("full", "2026-04-05"));
        take_in(store, &planner, &[mine("consent_changed", "2026-04-05", again)]);
        take_in(store, &planner, &[mine("cancelled", "2026-04-06", again)]);
        assert_eq!(states(store)[2..], [held(Reason::RequestTaken); 2]);
    });
}

#[test]
fn a_release_for_want_of_consent_lifts_nothing_that_is_said_of_consent_later() {
    let unsaid = |event: &str, kind, day: &str| {
        let one = Told { referrer: "self", ..told("R1", kind, day) };
        Told { event: event.to_owned(), ..one }
    };
    let yesterday =
        || Told { share: Some(("none", "2026-04-14")), ..unsaid("R1/none", "consent_changed", "2026-04-14") };
    for on_hold in [false, true] {
        each(|store| {
            let planner = planner();
            let first = unsaid("R1/referred", "referred", "2026-04-01");
            store.accept(&submission(false, &[first]), &planner, start()).unwrap();
            assert_eq!(states(store), [(State::Held, Some(Reason::NoConsent))]);
            store.act(1, Command::Release, &by(), &planner, start()).unwrap();
            assert_eq!(states(store)[0].0, State::Pending);
            if on_hold {
                store.act(1, Command::Hold, &by(), &planner, start()).unwrap();
            }
            store.accept(&submission(false, &[yesterday()]), &planner, start()).unwrap();
            assert_eq!(states(store)[0], (State::Withdrawn, Some(Reason::ConsentWithdrawn)));
        });
    }
}

#[test]
fn a_release_for_want_of_consent_settles_no_doubt_that_arose_after_it() {
    each(|store| {
        let planner = planner();
        let first = Told { referrer: "self", ..told("R1", "referred", "2026-04-01") };
        store.accept(&submission(false, std::slice::from_ref(&first)), &planner, start()).unwrap();
        store.act(1, Command::Release, &by(), &planner, start()).unwrap();
        let person = first.event().record.person.clone();
        let doubt = Doubt::new(Some(SOURCE), Some("R1"), Some("R1/none"), &person).unwrap();
        store.heed(std::slice::from_ref(&doubt), &planner, start()).unwrap();
        let unclear = (State::Held, Some(Reason::ConsentUnclear));
        assert_eq!(states(store)[0], unclear);
        // The next day it is looked at again; nobody has said anything since.
        let tomorrow = later(start(), days(1));
        let next = Told { referrer: "self", ..told("R1", "details_changed", "2026-04-15") };
        store.accept(&submission(false, &[next]), &planner, tomorrow).unwrap();
        assert_eq!(states(store)[0], unclear);
    });
}
