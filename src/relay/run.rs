//! [`Relay`]: the loop of one endpoint. Claims what is due, delivers it, and leaves the endpoint alone when it is down.
//!
//! Next: [`crate::daemon`], which starts one of these for every endpoint.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use crate::outbox::transition::Cause;
use crate::outbox::{Outcome, Reason};
use crate::store::{Claim, Claimed, StoreError};

use super::attempt::{Attempt, Attempted};
use super::breaker::{Breaker, Go};
use super::gate::Gate;
use super::under_way::{Ended, UnderWay};

/// How fast an endpoint is served.
#[derive(Clone, Debug)]
pub struct Pace {
    /// Requests at once.
    pub concurrency: usize,
    /// Entries a second; no limit when absent.
    pub rate: Option<f64>,
    /// How long an entry may be worked on before its lease runs out; longer than all its time limits together.
    pub lease: Duration,
    /// How often to look for work that nobody announced.
    pub look_every: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            concurrency: 4,
            rate: None,
            lease: Duration::from_secs(300),
            look_every: Duration::from_millis(500),
        }
    }
}

/// The loop of one endpoint.
pub struct Relay {
    /// How one entry is delivered.
    pub attempt: Arc<Attempt>,
    /// How fast.
    pub pace: Pace,
    /// One number a process.
    pub owner: u64,
    /// Rung when there is new work.
    pub bell: Arc<Notify>,
    /// Told of every attempt.
    pub watcher: Arc<dyn Watcher>,
}

/// Is told what a relay does; for logs, metrics and alarms.
pub trait Watcher: Send + Sync {
    /// An attempt ended.
    fn attempted(&self, endpoint: &str, attempted: &Attempted);
    /// The endpoint is down, or up again.
    fn reachable(&self, endpoint: &str, is_reachable: bool);
}

/// How long what is under way may take when the daemon stops.
const DRAIN: Duration = Duration::from_secs(10);

impl Relay {
    /// Runs until told to stop, then lets what is under way end. What does not end in time is left to its lease.
    ///
    /// # Errors
    /// The store cannot be used any more; the process must stop.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) -> Result<(), StoreError> {
        let mut gate = Gate::new(self.pace.rate);
        let mut breaker = Breaker::new(self.pace.concurrency);
        let mut under_way = UnderWay::default();
        while !*stop.borrow() {
            let idle = match breaker.go(self.now()) {
                Go::Wait(due) => self.until(due),
                // While something is still under way it may answer the question by itself.
                Go::Probe if under_way.is_empty() => {
                    tokio::select! {
                        () = self.probe(&mut breaker) => continue,
                        _ = stop.changed() => break,
                    }
                }
                Go::Probe => self.pace.look_every,
                Go::Send(allowed) => {
                    let room = allowed.saturating_sub(under_way.len());
                    match gate.open(room) {
                        Ok(0) => self.pace.look_every,
                        Ok(open) => {
                            let started = self.start(open, &mut under_way).await?;
                            gate.left(started);
                            if started > 0 {
                                continue;
                            }
                            self.pace.look_every
                        }
                        Err(wait) => wait,
                    }
                }
            };
            tokio::select! {
                changed = stop.changed() => if changed.is_err() { break },
                Some(ended) = under_way.next() => {
                    self.ended(ended, &mut breaker).await?;
                    // What ended meanwhile makes room too, so that the next are claimed together.
                    while let Some(ended) = under_way.try_next() {
                        self.ended(ended, &mut breaker).await?;
                    }
                }
                () = self.bell.notified() => {}
                () = sleep(idle) => {}
            }
        }
        let drained = timeout(DRAIN, async {
            while let Some(ended) = under_way.next().await {
                self.ended(ended, &mut breaker).await?;
            }
            Ok(())
        });
        let drained = drained.await;
        if !under_way.is_empty() {
            under_way.stop().await;
            self.attempt.left_off().await;
        }
        drained.unwrap_or(Ok(()))
    }

    /// Delivers everything that is due now and ends; for a command that is not a daemon. Says how many attempts it made.
    ///
    /// # Errors
    /// The store cannot be used.
    pub async fn drain(&self) -> Result<u64, StoreError> {
        let mut attempts = 0;
        loop {
            let due = self.claim(self.pace.concurrency).await?;
            if due.is_empty() {
                return Ok(attempts);
            }
            for claimed in due {
                let attempted = self.attempt.deliver(claimed).await?;
                self.watcher.attempted(self.attempt.endpoint.name(), &attempted);
                attempts += 1;
            }
        }
    }

    fn now(&self) -> Timestamp {
        self.attempt.clock.now()
    }

    fn until(&self, due: Timestamp) -> Duration {
        let left = due.duration_since(self.now());
        left.try_into().unwrap_or(Duration::ZERO).clamp(Duration::from_millis(10), Duration::from_secs(1))
    }

    async fn claim(&self, room: usize) -> Result<Vec<Claimed>, StoreError> {
        let endpoint = self.attempt.endpoint.name().to_owned();
        let (owner, lease, now) = (self.owner, self.pace.lease, self.now());
        self.attempt
            .keeper
            .run(move |store| store.claim(&Claim { endpoint: &endpoint, limit: room, lease, owner, now }))
            .await
    }

    async fn start(&self, room: usize, under_way: &mut UnderWay) -> Result<usize, StoreError> {
        let claimed = match self.claim(room).await {
            // The writer is busy with intake, or the disk is full; there will be another chance.
            Err(StoreError::Busy | StoreError::Full) => return Ok(0),
            claimed => claimed?,
        };
        let started = claimed.len();
        for entry in claimed {
            let attempt = Arc::clone(&self.attempt);
            under_way.start(entry.lease, async move { attempt.deliver(entry).await });
        }
        Ok(started)
    }

    async fn probe(&self, breaker: &mut Breaker) {
        let name = self.attempt.endpoint.name();
        match self.attempt.endpoint.probe().await {
            Ok(()) => {
                breaker.succeeded();
                self.watcher.reachable(name, true);
            }
            Err(_) => {
                breaker.failed(self.now());
            }
        }
    }

    async fn ended(&self, ended: Ended, breaker: &mut Breaker) -> Result<(), StoreError> {
        let name = self.attempt.endpoint.name();
        let came = match ended {
            Ended::Came(came) => came,
            Ended::Panicked(Some(lease)) => self.attempt.panicked(lease).await,
            // The lease runs out and the entry is looked at again.
            Ended::Panicked(None) | Ended::Stopped => Ok(Attempted::lost()),
        };
        let attempted = match came {
            Ok(attempted) => attempted,
            Err(error @ (StoreError::Busy | StoreError::Full)) => {
                tracing::warn!(endpoint = name, %error, "what came of an attempt could not be written down; it is looked at again when its lease runs out");
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        self.watcher.attempted(name, &attempted);
        let weight = if attempted.ended_here { Weight::Neither } else { weigh(&attempted.cause) };
        match weight {
            Weight::Up => breaker.succeeded(),
            Weight::Down(Some(wait)) => {
                let newly = breaker.open_since().is_none();
                breaker.asked_to_wait(wait, self.now());
                if newly {
                    self.watcher.reachable(name, false);
                }
            }
            Weight::Down(None) => {
                if breaker.failed(self.now()) {
                    self.watcher.reachable(name, false);
                }
            }
            Weight::Neither => {}
        }
        Ok(())
    }
}

enum Weight {
    Up,
    Down(Option<Duration>),
    Neither,
}

/// What an ending says about the endpoint, not about the entry.
fn weigh(cause: &Cause) -> Weight {
    match cause {
        Cause::Ended(Outcome::Deferred { reason: Reason::Conflict, .. })
        | Cause::LeaseLost
        | Cause::Crashed => Weight::Neither,
        Cause::Ended(Outcome::Deferred { retry_after, .. }) => Weight::Down(*retry_after),
        Cause::Ended(Outcome::Unknown { .. }) => Weight::Down(None),
        _ => Weight::Up,
    }
}
