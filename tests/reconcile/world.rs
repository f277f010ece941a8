//! A store, a planner and one endpoint, joined as the daemon joins them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use sp_fhir::clock::{Clock, SystemClock};
use sp_fhir::endpoint::Endpoint;
use sp_fhir::event::ReferralEvent;
use sp_fhir::outbox::retry::RetryPolicy;
use sp_fhir::outbox::{Entry, State};
use sp_fhir::plan::{Planner, Submission};
use sp_fhir::reconcile::{AtEndpoint, ReadBack, compare, read_back::Round};
use sp_fhir::relay::attempt::{Attempt, Attempted};
use sp_fhir::relay::run::Watcher;
use sp_fhir::relay::{Pace, Relay};
use sp_fhir::store::{Filter, Keeper, SqliteStore, Store};
use tokio::sync::Notify;

use crate::parcels::{self, Person};

/// A store in a folder, with the endpoint it delivers to.
pub(crate) struct World {
    pub(crate) endpoint: Arc<dyn Endpoint>,
    /// Of this run alone: real servers outlive a run of the tests.
    pub(crate) source: String,
    pub(crate) folder: std::path::PathBuf,
    planner: Planner,
    pub(crate) keeper: Keeper,
    _temporary: tempfile::TempDir,
}

struct Nobody;

impl Watcher for Nobody {
    fn attempted(&self, _endpoint: &str, attempted: &Attempted) {
        let state = attempted.entry.as_ref().map(|entry| (entry.state, entry.reason));
        assert_eq!(state, Some((State::Delivered, None)), "{:?}", attempted.cause);
    }

    fn reachable(&self, _endpoint: &str, _is_reachable: bool) {}
}

impl World {
    pub(crate) fn new(endpoint: Arc<dyn Endpoint>) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().join("data");
        Self::at(endpoint, folder, temporary)
    }

    pub(crate) fn at(
        endpoint: Arc<dyn Endpoint>,
        folder: std::path::PathBuf,
        temporary: tempfile::TempDir,
    ) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let (process, n) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let (keeper, _) = Keeper::start(SqliteStore::open(&folder).unwrap(), 64).unwrap();
        let planner = parcels::planner(endpoint.name());
        let source = format!("https://elmfield-sp.example/run-{process}-{n}");
        Self { endpoint, source, folder, planner, keeper, _temporary: temporary }
    }

    /// Another connection to the same store.
    pub(crate) fn store(&self) -> SqliteStore {
        SqliteStore::open(&self.folder).unwrap()
    }

    /// Accepts one referral of a person with these events.
    pub(crate) fn accept(&self, person: &Person, kinds: &[&str]) {
        let referral = format!("{}x", person.number);
        let events = (1..).zip(kinds).map(|(day, kind)| {
            let id = format!("{}/{kind}", person.number);
            parcels::event(&self.source, &referral, &id, person, (kind, day))
        });
        self.submit(events.collect());
    }

    /// Accepts one event of a referral that answers a request of the clinical system.
    pub(crate) fn answer(&self, person: &Person, kind: &str, day: u32, request: &str) {
        let (referral, id) = (format!("{}x", person.number), format!("{}/{kind}", person.number));
        let mut event = parcels::event(&self.source, &referral, &id, person, (kind, day));
        parcels::fulfil(&mut event, request);
        self.submit(vec![event]);
    }

    fn submit(&self, events: Vec<ReferralEvent>) {
        let count = events.len();
        let came = Submission {
            source: Arc::clone(&events[0].source),
            referral_id: Arc::from(&*events[0].referral_id),
            events,
            snapshot: false,
            versioned: false,
        };
        let accepted = self.store().accept(&came, &self.planner, SystemClock.now()).unwrap();
        assert_eq!(accepted.events.len(), count);
    }

    /// Delivers everything that is due; all of it must arrive.
    pub(crate) async fn deliver(&self) -> u64 {
        self.relay(Arc::new(SystemClock), Arc::new(Nobody)).drain().await.unwrap()
    }

    /// What delivers, with a clock and somebody who is told of every attempt.
    pub(crate) fn relay(&self, clock: Arc<dyn Clock>, watcher: Arc<dyn Watcher>) -> Relay {
        Relay {
            attempt: Arc::new(Attempt {
                endpoint: Arc::clone(&self.endpoint),
                keeper: self.keeper.clone(),
                clock,
                policy: RetryPolicy::default(),
                turn: Default::default(),
                is_for_test: true,
            }),
            pace: Pace::default(),
            owner: 1,
            bell: Arc::new(Notify::new()),
            watcher,
        }
    }

    /// One round of reading back.
    pub(crate) async fn read_back(&self) -> Round {
        let read_back = ReadBack {
            endpoint: Arc::clone(&self.endpoint),
            keeper: self.keeper.clone(),
            clock: Arc::new(SystemClock),
            rate: 1000.0,
        };
        read_back.round(&mut sp_fhir::reconcile::read_back::Progress::default()).await.unwrap()
    }

    pub(crate) async fn compare(&self) -> AtEndpoint {
        compare(self.endpoint.as_ref(), &mut self.store()).await.unwrap()
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.store().entries(&Filter { limit: 1000, ..Filter::default() }).unwrap()
    }
}
