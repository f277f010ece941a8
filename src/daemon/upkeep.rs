//! What has to be done now and then: leases that ran out, entries grown too old, held ones whose day has come; and
//! what a person should know.
//!
//! Next: [`super::run`].

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, watch};
use tokio::time::sleep;

use crate::clock::Clock;
use crate::config::EndpointConfig;
use crate::endpoint::Endpoint;
use crate::endpoint::auth::expiry::ExpiryWatch;
use crate::intake::folder::Board;
use crate::outbox::State;
use crate::outbox::retry::RetryPolicy;
use crate::outbox::transition::Cause;
use crate::plan::Planner;
use crate::relay::turn;
use crate::store::{Keeper, Settled, StoreError};
use crate::telemetry::Metrics;
use crate::telemetry::alarm::{Alarm, Alert};

use super::base::Base;
use super::health::Health;
use super::watched::Watched;

/// How often.
const EVERY: Duration = Duration::from_secs(2);

/// Longer than any lease.
const FAR: Duration = Duration::from_secs(400 * 24 * 3600);

/// The loop.
pub(super) struct Upkeep {
    pub(super) keeper: Keeper,
    pub(super) planner: Arc<Planner>,
    pub(super) clock: Arc<dyn Clock>,
    /// Every endpoint with how it is retried.
    pub(super) endpoints: Vec<(String, RetryPolicy)>,
    /// The endpoints themselves.
    pub(super) watched: Vec<Arc<dyn Endpoint>>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) bell: Arc<Notify>,
    pub(super) alarms: Arc<Mutex<Alarms>>,
    /// What is to be known of the watched folders.
    pub(super) folders: Vec<Arc<Board>>,
    pub(super) data_folder: PathBuf,
    pub(super) health: Arc<Health>,
}

/// What was said; it is not said again because the configuration was read again.
#[derive(Debug, Default)]
pub(super) struct Alarms {
    queues: Alarm,
    /// By endpoint.
    certificates: BTreeMap<String, ExpiryWatch>,
    /// How many entries with a notice there were.
    notices: u64,
}

/// Frees what an earlier process left in flight. Before any relay runs, and under the lock of the data folder: whatever is
/// leased then is leased to nobody, and need not wait for its lease to run out.
pub(super) async fn take_over(base: &Base, endpoints: &[EndpointConfig]) -> Result<u64, StoreError> {
    blame(base, endpoints).await?;
    let mut freed = 0;
    for endpoint in endpoints {
        freed += free_all(base, &endpoint.name, &endpoint.retry).await?;
    }
    Ok(freed)
}

/// Where the last process ended while exactly one entry was being prepared alone, that entry is blamed; where there were several,
/// nobody knows.
async fn blame(base: &Base, endpoints: &[EndpointConfig]) -> Result<(), StoreError> {
    let mut noted = Vec::new();
    for endpoint in endpoints {
        let name = endpoint.name.clone();
        let lease = base.keeper.run(move |store| {
            let lease = turn::noted(store, &name)?;
            turn::note(store, &name, None)?;
            Ok(lease)
        });
        noted.extend(lease.await?.map(|lease| (endpoint, lease)));
    }
    if let [(endpoint, lease)] = noted.as_slice() {
        let (lease, policy) = (*lease, endpoint.retry.clone());
        let (now, jitter) = (base.clock.now(), base.clock.jitter());
        let settled = base.keeper.run(move |store| {
            let (cause, contents) = (Cause::Crashed, Vec::new());
            store.settle(
                &lease,
                &Settled { cause, policy: &policy, jitter, contents, differing: Vec::new(), now },
            )
        });
        if let Some(entry) = settled.await? {
            tracing::error!(
                endpoint = entry.endpoint, id = entry.id, key = %entry.key, state = entry.state.as_str(),
                "the last daemon ended while this entry alone was being prepared"
            );
        }
    }
    Ok(())
}

/// Frees everything in flight at an endpoint that no relay serves.
pub(super) async fn free_all(base: &Base, endpoint: &str, policy: &RetryPolicy) -> Result<u64, StoreError> {
    let (endpoint, policy) = (endpoint.to_owned(), policy.clone());
    let (now, jitter) = (base.clock.now(), base.clock.jitter());
    let before = now.checked_add(FAR).unwrap_or(now);
    base.keeper.run(move |store| store.free(&endpoint, before, &policy, jitter, now)).await
}

impl Upkeep {
    pub(super) async fn run(&self, mut stop: watch::Receiver<bool>) -> Result<(), StoreError> {
        let mut has_looked = false;
        let mut watched = Watched::within(&self.data_folder);
        while !*stop.borrow() {
            // First, and whatever the store says: a folder is often not read because of what is wrong with the disk.
            watched.write(&self.folders);
            self.health.look_at_intake();
            let waiting = self.folders.iter().map(|board| board.waiting()).sum();
            let refused = self.folders.iter().map(|board| board.refused_files()).sum();
            self.metrics.folders_hold(waiting, refused);
            let room = self.keeper.look_for_room().await;
            match room.and(self.once(&mut has_looked).await) {
                // Busy or full now is not busy or full for ever; intake says so to those who send.
                Err(StoreError::Busy | StoreError::Full) | Ok(()) => {}
                Err(error) => return Err(error),
            }
            tokio::select! {
                changed = stop.changed() => if changed.is_err() { break },
                () = sleep(EVERY) => {}
            }
        }
        Ok(())
    }

    async fn free(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut freed = 0;
        for (endpoint, policy) in &self.endpoints {
            let (endpoint, policy) = (endpoint.clone(), policy.clone());
            let (now, jitter) = (self.clock.now(), self.clock.jitter());
            freed +=
                self.keeper.run(move |store| store.free(&endpoint, before, &policy, jitter, now)).await?;
        }
        Ok(freed)
    }

    async fn once(&self, has_looked: &mut bool) -> Result<(), StoreError> {
        let (now, jitter) = (self.clock.now(), self.clock.jitter());
        let freed = self.free(now).await?;
        let planner = Arc::clone(&self.planner);
        // What is left to free is of endpoints that are configured no more.
        let policy = RetryPolicy::default();
        let mut swept = self.keeper.run(move |store| store.sweep(&planner, &policy, jitter, now)).await?;
        swept.leases_lost += freed;
        if swept.leases_lost + swept.expired + swept.released > 0 {
            tracing::info!(
                leases_lost = swept.leases_lost,
                expired = swept.expired,
                released = swept.released,
                "sweep"
            );
            self.bell.notify_waiters();
        }
        let counts = self.keeper.run(|store| store.counts()).await?;
        self.metrics.holds(&counts);
        for (endpoint, _) in &self.endpoints {
            let name = endpoint.clone();
            let due = self.keeper.run(move |store| store.next_due(&name)).await?;
            let waited = due.and_then(|due| since(due, now));
            self.metrics.oldest_due(endpoint, waited.unwrap_or_default().as_secs_f64());
            say(endpoint, self.alarms().queues.waited(endpoint, waited));
        }
        if !std::mem::replace(has_looked, true) {
            self.strangers(&counts);
        }
        self.vitals(now);
        let needs_person: u64 =
            counts.iter().filter(|((_, state), _)| state.needs_person()).map(|(_, count)| count).sum();
        let notices = self.keeper.run(|store| store.notice_counts()).await?;
        let notices: u64 = notices.iter().map(|(_, count)| count).sum();
        self.metrics.needs_person(needs_person + notices);
        self.tell(notices);
        let in_flight: u64 =
            counts.iter().filter(|((_, state), _)| *state == State::InFlight).map(|(_, count)| count).sum();
        tracing::debug!(needs_person, in_flight, "upkeep");
        Ok(())
    }

    fn alarms(&self) -> std::sync::MutexGuard<'_, Alarms> {
        self.alarms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says it once when more was sent than may be shared now, and once when all of that was seen to.
    fn tell(&self, notices: u64) {
        let before = std::mem::replace(&mut self.alarms().notices, notices);
        if notices > before {
            tracing::warn!(
                entries = notices,
                "consent was withdrawn or narrowed after these had been sent; a person must see to them: `sp-fhir outbox \
                 list --notices`"
            );
        } else if notices == 0 && before > 0 {
            tracing::info!("what was sent before consent was withdrawn or narrowed has been seen to");
        }
    }

    /// Entries keep the endpoint they were given; one that is configured no more sends them nowhere.
    fn strangers(&self, counts: &BTreeMap<(String, State), u64>) {
        let mut waiting: BTreeMap<&str, u64> = BTreeMap::new();
        for ((endpoint, state), count) in counts {
            let is_known = self.endpoints.iter().any(|(name, _)| name == endpoint);
            // What no endpoint serves is held and says so itself (`no-endpoint`).
            if state.is_open() && !is_known && !endpoint.is_empty() {
                *waiting.entry(endpoint).or_default() += count;
            }
        }
        for (endpoint, entries) in waiting {
            tracing::warn!(endpoint, entries, "entries wait for an endpoint that is not configured");
        }
    }

    /// Clocks and certificates.
    fn vitals(&self, now: Timestamp) {
        for endpoint in &self.watched {
            let (name, vitals) = (endpoint.name(), endpoint.vitals());
            self.metrics.vitals(name, &vitals);
            let Some(ends) = vitals.certificate_ends else { continue };
            match self.alarms().certificates.entry(name.to_owned()).or_default().news(ends, now) {
                Some(0) => {
                    tracing::error!(endpoint = name, %ends, "our certificate for the endpoint has ended")
                }
                Some(days) => {
                    tracing::warn!(endpoint = name, %ends, days, "our certificate for the endpoint ends soon");
                }
                None => {}
            }
        }
    }
}

fn since(due: Timestamp, now: Timestamp) -> Option<Duration> {
    now.duration_since(due).try_into().ok().filter(|waited: &Duration| !waited.is_zero())
}

fn say(endpoint: &str, alert: Option<Alert>) {
    match alert {
        Some(Alert::Stuck(waited)) => {
            tracing::error!(endpoint, waited_seconds = waited.as_secs(), "queue is stuck");
        }
        Some(Alert::Clear) => tracing::info!(endpoint, "queue moves again"),
        None => {}
    }
}
