//! A store of an earlier form knows at once what its events say. Next: `look.rs`.

use super::*;
use crate::outbox::Reason;
use crate::outbox::retry::RetryPolicy;
use crate::store::tests::samples::{OTHER_SOURCE, Told};

/// As a store of the third form is that was of the first when these came.
fn earlier(told: &[Told]) -> (tempfile::TempDir, PathBuf) {
    let (dir, place) = folder();
    let mut store = SqliteStore::open_with(&place, &migrate::STEPS[..3], Upgrade::Yes).unwrap();
    for one in told {
        store.accept(&submission(true, std::slice::from_ref(one)), &planner(), start()).unwrap();
    }
    store.connection.execute_batch("DELETE FROM asked; UPDATE referral SET whose = NULL").unwrap();
    drop(store);
    (dir, place)
}

fn answer(referral: &str, number: &'static str) -> Told {
    Told { request: Some("GP-7x"), number: Some(number), ..told(referral, "referred", "2026-04-01") }
}

fn states(store: &mut SqliteStore) -> Vec<(State, Option<Reason>)> {
    let all = store.entries(&Filter { limit: 99, ..Filter::default() }).unwrap();
    all.iter().map(|entry| (entry.state, entry.reason)).collect()
}

#[test]
fn an_upgraded_store_knows_which_request_each_referral_answers_and_who_named_it_first() {
    let first = [answer("R9", "9990004218"), answer("R1", "9990000018")];
    let (_dir, place) = earlier(&first);
    let mut store = SqliteStore::open(&place).unwrap();
    let came = submission(true, &[Told { source: OTHER_SOURCE, ..answer("X1", "9990004226") }]);
    store.accept(&came, &planner(), start()).unwrap();
    assert_eq!(states(&mut store)[2], (State::Held, Some(Reason::RequestTaken)));
    let named_first = named("R9");
    assert_eq!(store.entry(3).unwrap().unwrap().answered_by, Some((named_first, 1)));
}

fn named(referral: &str) -> uuid::Uuid {
    crate::plan::Planner::referral(samples::SOURCE, referral)
}

#[test]
fn an_upgraded_store_knows_whom_each_referral_is_about() {
    let (_dir, place) = earlier(&[told("R1", "referred", "2026-04-01")]);
    let mut store = SqliteStore::open(&place).unwrap();
    let other = Told { birth: "1951-02-08", ..told("R2", "referred", "2026-04-01") };
    store.accept(&submission(true, &[other]), &planner(), start()).unwrap();
    assert_eq!(states(&mut store), [(State::Held, Some(Reason::BirthDates)); 2]);
}

#[test]
fn a_referral_that_cannot_be_read_stops_no_upgrade() {
    let (_dir, place) = earlier(&[answer("R1", "9990004218"), answer("R2", "9990000018")]);
    let store = Connection::open(place.join(FILE)).unwrap();
    store.execute("UPDATE event SET payload = x'01ff' WHERE id = 2", []).unwrap();
    drop(store);
    let mut store = SqliteStore::open(&place).unwrap();
    let came = submission(true, &[answer("R3", "9990004226")]);
    store.accept(&came, &planner(), start()).unwrap();
    assert_eq!(states(&mut store)[2], (State::Held, Some(Reason::RequestTaken)));
}

/// What is held of others is looked at again all the same; what cannot be read stays held.
#[test]
fn a_referral_that_cannot_be_read_stops_no_upkeep() {
    let (_dir, place) = folder();
    let mut store = SqliteStore::open(&place).unwrap();
    for (referral, number) in [("R1", "9990004218"), ("R2", "9990000018")] {
        let early = Told {
            number: Some(number),
            share: Some(("full", "2026-03-01")),
            ..told(referral, "referred", "2026-04-20")
        };
        store.accept(&submission(true, &[early]), &planner(), start()).unwrap();
    }
    let held = (State::Held, Some(Reason::FutureDate));
    assert_eq!(states(&mut store), [held; 2]);
    store.connection.execute("UPDATE event SET payload = x'01ff' WHERE id = 1", []).unwrap();
    let then = "2026-04-21T11:00:00Z".parse().unwrap();
    let swept = store.sweep(&planner(), &RetryPolicy::default(), 0.0, then).unwrap();
    assert_eq!(swept.released, 1);
    assert_eq!(states(&mut store), [held, (State::Pending, None)]);
}

#[test]
fn the_copy_beside_has_the_number_of_the_new_form_whatever_the_old_one_was() {
    let (_dir, place) = earlier(&[told("R1", "referred", "2026-04-01")]);
    drop(SqliteStore::open(&place).unwrap());
    let copy = migrate::beside(&place.join(FILE), &format!("before-{}", migrate::STEPS.len()));
    assert_eq!(version(&copy), 3);
}
