//! The relay over a store that is busy: what an endpoint answered is written down all the same, and nothing is sent twice.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "common/mod.rs"]
mod common;
#[path = "delivery/parcels.rs"]
#[allow(dead_code)]
mod parcels;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sp_fhir::clock::{Clock, SystemClock};
use sp_fhir::endpoint::file::Folder;
use sp_fhir::endpoint::{Endpoint, Found, Known, Listing, Prepared, Request, Sight, Unread, Work};
use sp_fhir::event::build::NhsNumberRule;
use sp_fhir::event::finish::Identities;
use sp_fhir::event::read::read;
use sp_fhir::outbox::retry::RetryPolicy;
use sp_fhir::outbox::transition::Cause;
use sp_fhir::outbox::{Outcome, Parcel, Reason, State};
use sp_fhir::plan::Submission;
use sp_fhir::relay::attempt::{Attempt, Attempted};
use sp_fhir::relay::run::Watcher;
use sp_fhir::relay::{Pace, Relay};
use sp_fhir::store::{Filter, Keeper, MemoryStore, Store, StoreError};
use sp_fhir::telemetry::Metrics;
use sp_fhir::tree::{Limits, json};
use tokio::sync::{Notify, watch};

/// What waits for the writing thread at most.
const QUEUE: usize = 2;

/// A folder that does something else while it is sent to, or panics while it prepares.
struct Odd {
    inner: Folder,
    sent: Arc<AtomicU32>,
    while_sending: Box<dyn Fn() + Send + Sync>,
    panics: bool,
    /// How the first request ends instead of being written.
    first: Mutex<Option<Outcome>>,
}

impl Endpoint for Odd {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn prepare<'a>(&'a self, parcel: &'a Parcel, known: &'a [Known]) -> Work<'a, Prepared> {
        assert!(!self.panics, "a defect");
        self.inner.prepare(parcel, known)
    }

    fn send<'a>(&'a self, request: &'a Request) -> Work<'a, Outcome> {
        self.sent.fetch_add(1, Ordering::SeqCst);
        (self.while_sending)();
        if let Some(outcome) = self.first.lock().unwrap().take() {
            return Box::pin(async move { outcome });
        }
        self.inner.send(request)
    }

    fn look<'a>(&'a self, request: &'a Request) -> Work<'a, Found> {
        self.inner.look(request)
    }

    fn read<'a>(
        &'a self,
        requests: &'a [Request],
        known: &'a [Known],
    ) -> Work<'a, Result<Vec<Sight>, Unread>> {
        self.inner.read(requests, known)
    }

    fn list<'a>(&'a self, resource_type: &'a str, system: &'a str) -> Work<'a, Result<Listing, Reason>> {
        self.inner.list(resource_type, system)
    }

    fn probe(&self) -> Work<'_, Result<(), Reason>> {
        self.inner.probe()
    }
}

struct Nobody;

impl Watcher for Nobody {
    fn attempted(&self, _endpoint: &str, attempted: &Attempted) {
        assert!(!matches!(attempted.cause, Cause::LeaseLost), "nothing is lost");
    }

    fn reachable(&self, _endpoint: &str, _is_reachable: bool) {}
}

/// An event of the referral.
fn submission(id: &str, event_type: &str, day: &str, share: &str) -> Submission {
    let text = format!(
        r#"{{"source":"https://scheme.example/cases","event_id":"{id}","referral_id":"R1","type":"{event_type}",
        "occurred_at":"{day}","record":{{"person":{{"nhs_number":"9990004218","family":"Fôn-Quill",
        "birth_date":"1950-04-01","practice_ods":"M85063"}},"service":{{"kind":"link-worker"}},
        "consent":{{"share":"{share}"}}}}}}"#
    );
    let node = json::parse(text.as_bytes(), &Limits::default()).unwrap();
    let event = read(&node, &Identities::default(), NhsNumberRule::Reject).0.unwrap();
    Submission {
        source: Arc::clone(&event.source),
        referral_id: Arc::from(&*event.referral_id),
        events: vec![event],
        snapshot: false,
        versioned: false,
    }
}

fn take_in(store: &mut dyn Store, came: &Submission) -> Result<(), StoreError> {
    store.accept(came, &parcels::planner("files"), SystemClock.now()).map(drop)
}

/// A store with one referral in it.
fn store() -> MemoryStore {
    let mut store = MemoryStore::new();
    take_in(&mut store, &submission("1", "referred", "2026-03-02", "full")).unwrap();
    store
}

fn relay(endpoint: Odd, keeper: &Keeper) -> Relay {
    let attempt = Attempt {
        endpoint: Arc::new(endpoint),
        keeper: keeper.clone(),
        clock: Arc::new(SystemClock),
        policy: RetryPolicy::default(),
        turn: Default::default(),
        is_for_test: true,
    };
    Relay {
        attempt: Arc::new(attempt),
        pace: Pace::default(),
        owner: 1,
        bell: Arc::new(Notify::new()),
        watcher: Arc::new(Nobody),
    }
}

/// Runs a relay for a while, and gives the entry's state and reason.
async fn run(relay: Relay, keeper: &Keeper, time: Duration) -> (State, Option<Reason>, u32) {
    let (stop, stopping) = watch::channel(false);
    let running = tokio::spawn(async move { relay.run(stopping).await });
    tokio::time::sleep(time).await;
    stop.send(true).unwrap();
    running.await.unwrap().unwrap();
    let mut entries =
        keeper.run(|store| store.entries(&Filter { limit: 9, ..Filter::default() })).await.unwrap();
    let entry = entries.remove(0);
    (entry.state, entry.reason, entry.attempts)
}

/// Runs a relay until the entry is in a state; gives its reason.
async fn run_until(relay: Relay, keeper: &Keeper, wanted: State) -> Option<Reason> {
    let (stop, stopping) = watch::channel(false);
    let running = tokio::spawn(async move { relay.run(stopping).await });
    let began = Instant::now();
    let reason = loop {
        assert!(began.elapsed() < Duration::from_secs(30), "it is never {}", wanted.as_str());
        let mut entries =
            keeper.run(|store| store.entries(&Filter { limit: 9, ..Filter::default() })).await.unwrap();
        let entry = entries.remove(0);
        if entry.state == wanted {
            break entry.reason;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    stop.send(true).unwrap();
    running.await.unwrap().unwrap();
    reason
}

#[tokio::test]
async fn what_was_answered_while_the_store_was_busy_is_written_down_and_not_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let (keeper, _) = Keeper::start(store(), QUEUE).unwrap();
    let clogged = keeper.clone();
    let while_sending = Box::new(move || {
        // The thread is held for half a second, and its queue is full, as it is when intake is flooded.
        let (begun, has_begun) = mpsc::channel();
        let held = clogged.submit(move |_| {
            begun.send(()).unwrap();
            std::thread::sleep(Duration::from_millis(500));
            Ok(())
        });
        assert!(held.is_ok());
        has_begun.recv().unwrap();
        (0..QUEUE).for_each(|_| drop(clogged.submit(|_| Ok(())).unwrap()));
        assert!(clogged.submit(|_| Ok(())).is_err(), "it is full");
    });
    let sent = Arc::new(AtomicU32::new(0));
    let inner = Folder::new("files".into(), folder.path().join("out"));
    let endpoint =
        Odd { inner, sent: Arc::clone(&sent), while_sending, panics: false, first: Mutex::default() };
    let came = run(relay(endpoint, &keeper), &keeper, Duration::from_secs(2)).await;
    assert_eq!(came, (State::Delivered, None, 1));
    assert_eq!(sent.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_panic_while_it_is_prepared_is_noted_at_once_and_the_relay_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (keeper, _) = Keeper::start(store(), 64).unwrap();
    let inner = Folder::new("files".into(), folder.path().join("out"));
    let endpoint = Odd {
        inner,
        sent: Arc::default(),
        while_sending: Box::new(|| ()),
        panics: true,
        first: Mutex::default(),
    };
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let came = run(relay(endpoint, &keeper), &keeper, Duration::from_secs(6)).await;
    std::panic::set_hook(hook);
    // Tried again once, soon; then set aside for a while.
    assert_eq!(came, (State::Pending, Some(Reason::Poison), 2));
}

/// It was a test endpoint when the entry was accepted, and is a live one now.
#[tokio::test]
async fn a_live_endpoint_gets_nothing_about_a_test_person_that_waited_for_a_test_endpoint() {
    let lost = Outcome::Unknown { reason: Reason::AnswerLost, status: None };
    for (first, sends) in [(None, 0), (Some(lost), 1)] {
        let folder = tempfile::tempdir().unwrap();
        let (keeper, _) = Keeper::start(store(), 64).unwrap();
        let sent = Arc::new(AtomicU32::new(0));
        let odd = |first: Option<Outcome>| {
            let inner = Folder::new("files".into(), folder.path().join("out"));
            let (sent, while_sending) = (Arc::clone(&sent), Box::new(|| ()));
            Odd { inner, sent, while_sending, panics: false, first: Mutex::new(first) }
        };
        if first.is_some() {
            // One that may stand there is asked for, and not sent again.
            let mut relay = relay(odd(first), &keeper);
            let settle_time = Duration::from_secs(3);
            Arc::get_mut(&mut relay.attempt).unwrap().policy =
                RetryPolicy { settle_time, ..RetryPolicy::default() };
            run_until(relay, &keeper, State::Unknown).await;
        }
        let mut relay = relay(odd(None), &keeper);
        Arc::get_mut(&mut relay.attempt).unwrap().is_for_test = false;
        assert_eq!(run_until(relay, &keeper, State::Held).await, Some(Reason::TestNumberAtLive));
        assert_eq!(sent.load(Ordering::SeqCst), sends);
        assert_eq!(std::fs::read_dir(folder.path().join("out")).map_or(0, Iterator::count), 0);
    }
}

#[tokio::test]
async fn consent_withdrawn_while_a_request_is_under_way_keeps_it_from_being_sent_again() {
    let put_off = Outcome::Deferred { reason: Reason::Unavailable, status: Some(503), retry_after: None };
    let lost = Outcome::Unknown { reason: Reason::AnswerLost, status: None };
    for first in [put_off, lost] {
        for withdrawn in [true, false] {
            let folder = tempfile::tempdir().unwrap();
            let (keeper, _) = Keeper::start(store(), 64).unwrap();
            let (sender, sent) = (keeper.clone(), Arc::new(AtomicU32::new(0)));
            let while_sending = Box::new(move || {
                let withdrawal = submission("2", "consent_changed", "2026-03-03", "none");
                if withdrawn {
                    // The relay's own work comes after it.
                    drop(sender.submit(move |store| take_in(store, &withdrawal)).unwrap());
                }
            });
            let out = folder.path().join("out");
            let inner = Folder::new("files".into(), out.clone());
            let is_asked_for = matches!(first, Outcome::Unknown { .. });
            let first = Mutex::new(Some(first.clone()));
            let odd = Odd { inner, sent: Arc::clone(&sent), while_sending, panics: false, first };
            let mut relay = relay(odd, &keeper);
            let moment = Duration::from_millis(20);
            let quick =
                RetryPolicy { settle_time: moment, base: moment, cap: moment, ..RetryPolicy::default() };
            Arc::get_mut(&mut relay.attempt).unwrap().policy = quick;
            let metrics = Arc::new(Metrics::default());
            relay.watcher = Arc::clone(&metrics) as Arc<dyn Watcher>;
            let (state, ..) = run(relay, &keeper, Duration::from_secs(3)).await;
            let written = std::fs::read_dir(&out).map_or(0, Iterator::count);
            let expected = if withdrawn { (State::Withdrawn, 1, 0) } else { (State::Delivered, 2, 1) };
            assert_eq!((state, sent.load(Ordering::SeqCst), written), expected);
            let said = metrics.text();
            assert!(!said.contains(r#"outcome="lost""#), "no lease was lost: {said}");
            let stopped = r#"outcome="stopped",reason="consent-withdrawn""#;
            assert_eq!(said.contains(stopped), withdrawn && is_asked_for, "{said}");
        }
    }
}
