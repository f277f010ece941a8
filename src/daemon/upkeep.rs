//! What has to be done now and then: leases that ran out, entries grown too old, held ones whose day has come; and
//! what a person should know.
//!
//! Next: [`super::run`].

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, watch};
use tokio::time::sleep;

use crate::clock::Clock;
use crate::outbox::State;
use crate::outbox::retry::RetryPolicy;
use crate::plan::Planner;
use crate::store::{Keeper, StoreError};
use crate::telemetry::Metrics;
use crate::telemetry::alarm::{Alarm, Alert};

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
    pub(super) metrics: Arc<Metrics>,
    pub(super) bell: Arc<Notify>,
}

impl Upkeep {
    pub(super) async fn run(&self, mut stop: watch::Receiver<bool>) -> Result<(), StoreError> {
        let mut alarm = Alarm::default();
        while !*stop.borrow() {
            match self.once(&mut alarm).await {
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

    /// Frees what an earlier process left in flight. Before any relay runs, and under the lock of the data folder: whatever is
    /// leased then is leased to nobody, and need not wait for its lease to run out.
    pub(super) async fn take_over(&self) -> Result<u64, StoreError> {
        let now = self.clock.now();
        self.free(now.checked_add(FAR).unwrap_or(now)).await
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

    async fn once(&self, alarm: &mut Alarm) -> Result<(), StoreError> {
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
            say(endpoint, alarm.waited(endpoint, waited));
        }
        let needs_person: u64 =
            counts.iter().filter(|((_, state), _)| state.needs_person()).map(|(_, count)| count).sum();
        self.metrics.needs_person(needs_person);
        let in_flight: u64 =
            counts.iter().filter(|((_, state), _)| *state == State::InFlight).map(|(_, count)| count).sum();
        tracing::debug!(needs_person, in_flight, "upkeep");
        Ok(())
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
