//! The daemon itself: starts every part, replaces those that a new configuration changes, waits for the word to stop, and
//! drains.
//!
//! What ends a part ends the daemon: a process that only half works helps nobody. Next: [`super::reload`], then `upkeep`.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};

use crate::clock::{Clock, SystemClock};
use crate::config::{Config, EndpointConfig, Http};
use crate::endpoint::Endpoint;
use crate::intake::folder::Watch;
use crate::intake::http::{self, Current, Limits};
use crate::outbox::retry::RetryPolicy;
use crate::store::Keeper;
use crate::telemetry::Metrics;

use super::base::Base;
use super::error::DaemonError;
use super::health::Health;
use super::lock::Lock;
use super::made::Made;
use super::part::{self, Part};
use super::parts::Parts;
use super::reload::{self, Reloading};
use super::upkeep::{self, Upkeep};
use super::{endpoints, folders};

/// So much work may wait for the writing thread; more is answered with "busy".
const QUEUE: usize = 1024;

/// An endpoint at work.
struct Served {
    config: EndpointConfig,
    endpoint: Arc<dyn Endpoint>,
    part: Part,
}

/// A daemon that has started.
pub struct Running {
    /// Where HTTP intake listens, if it does.
    pub http: Option<SocketAddr>,
    config: Config,
    base: Base,
    served: Vec<Served>,
    /// Watched folders, pulling, upkeep: replaced whenever the configuration is read again.
    others: Vec<Part>,
    /// Stays: an address is not given up while the daemon runs.
    listening: Option<(Part, Current)>,
    failed: mpsc::Receiver<Result<(), DaemonError>>,
    thread: Option<std::thread::JoinHandle<()>>,
    pulling: Option<Lock>,
    lock: Option<Lock>,
}

/// Starts everything that a configuration describes. When this returns, it is taken in and delivered.
///
/// # Errors
/// Something of the configuration cannot be used, or another daemon works on the data folder. Nothing goes on then.
pub async fn start(parts: Parts) -> Result<Running, DaemonError> {
    let config = parts.config.clone();
    for folder in config.folders_to_make() {
        folders::private(&folder)?;
    }
    let lock = Lock::take(&config.data_folder)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (keeper, thread) =
        Keeper::start(parts.store()?, QUEUE).map_err(|error| DaemonError::io(&config.store, error))?;
    let (failures, failed) = mpsc::channel(16);
    let base = Base {
        health: Arc::new(Health::new(keeper.clone())),
        keeper,
        metrics: Arc::new(Metrics::default()),
        bell: Arc::new(Notify::new()),
        alarms: Arc::default(),
        turns: Arc::default(),
        owner: u64::from_le_bytes(clock.random().first_chunk::<8>().copied().unwrap_or_default()),
        clock,
        failures,
    };
    let made = Made::of(parts, &base, |_| None)?;
    let listener = match &config.http {
        Some(http) => Some(listen(http).await?),
        None => None,
    };
    let mut running = Running {
        http: listener.as_ref().and_then(|listener| listener.local_addr().ok()),
        pulling: if made.pulls.is_empty() { None } else { Some(Lock::pulling(&config.data_folder)?) },
        config: config.clone(),
        base,
        served: Vec::new(),
        others: Vec::new(),
        listening: None,
        failed,
        thread: Some(thread),
        lock: Some(lock),
    };
    config.endpoints.iter().try_for_each(endpoints::tidy)?;
    let left = upkeep::take_over(&running.base, &config.endpoints).await?;
    if left > 0 {
        tracing::warn!(
            entries = left,
            "the last daemon ended while these were being sent; their endpoints are asked"
        );
    }
    if let (Some(listener), Some(intake)) = (listener, &made.intake) {
        let current = Current::new(Arc::clone(intake));
        let router = router(current.clone(), &running.base.metrics);
        let part = Part::start(&running.base.failures, |stopping| async move {
            http::serve(listener, router, Limits::default(), stopping).await;
            Ok(())
        });
        running.listening = Some((part, current));
    }
    running.begin(made);
    tracing::info!(
        endpoints = config.endpoints.len(),
        folders = config.folders.len(),
        http = running.http.map(|address| address.to_string()),
        "started"
    );
    Ok(running)
}

impl Running {
    /// Starts what is made and not at work yet.
    fn begin(&mut self, made: Made) {
        let Made { parts, endpoints, folders, pulls, intake } = made;
        let Parts { config, planner } = parts;
        for (endpoint, settings) in endpoints.iter().zip(&config.endpoints) {
            if self.served.iter().all(|served| served.config != *settings) {
                let part = self.base.serve(endpoint, settings);
                self.served.push(Served { config: settings.clone(), endpoint: Arc::clone(endpoint), part });
            }
        }
        let boards: Vec<_> = folders.iter().map(Watch::board).collect();
        let upkeep = Upkeep {
            keeper: self.base.keeper.clone(),
            planner,
            clock: Arc::clone(&self.base.clock),
            endpoints: config.endpoints.iter().map(|one| (one.name.clone(), one.retry.clone())).collect(),
            watched: endpoints.clone(),
            metrics: Arc::clone(&self.base.metrics),
            bell: Arc::clone(&self.base.bell),
            alarms: Arc::clone(&self.base.alarms),
            folders: boards.clone(),
            data_folder: config.data_folder.clone(),
            health: Arc::clone(&self.base.health),
        };
        self.base.health.watches(endpoints, boards);
        let failures = &self.base.failures;
        self.others.push(Part::start(failures, |stop| async move { Ok(upkeep.run(stop).await?) }));
        for (puller, every) in pulls {
            self.others.push(Part::start(failures, |stop| async move { Ok(puller.run(every, stop).await?) }));
        }
        for folder in folders {
            self.others.push(Part::start(failures, |stop| async move {
                folder.run(stop).await;
                Ok(())
            }));
        }
        if let (Some((_, current)), Some(intake)) = (&self.listening, intake) {
            self.base.health.watches_intake(&intake);
            current.replace(intake);
        }
        self.config = config;
        self.base.bell.notify_waiters();
    }

    /// Takes over a new configuration: makes everything of it, drains what it replaces, and starts that anew. What it does
    /// not change goes on.
    ///
    /// # Errors
    /// It cannot be used, or needs a restart; everything goes on as before.
    async fn follow(&mut self, parts: Parts) -> Result<(), DaemonError> {
        reload::can_follow(&self.config, &parts.config)?;
        for folder in parts.config.folders_to_make() {
            folders::private(&folder)?;
        }
        let at_work = |wanted: &EndpointConfig| {
            let same = self.served.iter().find(|served| served.config == *wanted);
            same.map(|served| Arc::clone(&served.endpoint))
        };
        let made = Made::of(parts, &self.base, at_work)?;
        if !made.pulls.is_empty() && self.pulling.is_none() {
            self.pulling = Some(Lock::pulling(&self.config.data_folder)?);
        }
        let (keep, replaced): (Vec<Served>, Vec<Served>) = std::mem::take(&mut self.served)
            .into_iter()
            .partition(|served| made.parts.config.endpoints.contains(&served.config));
        self.served = keep;
        let mut stopping = std::mem::take(&mut self.others);
        let gone: Vec<EndpointConfig> = replaced.iter().map(|served| served.config.clone()).collect();
        stopping.extend(replaced.into_iter().map(|served| served.part));
        part::stop(stopping).await;
        if made.pulls.is_empty() {
            self.pulling = None;
        }
        for new in &made.parts.config.endpoints {
            let is_at_work = self.served.iter().any(|served| served.config == *new);
            if !is_at_work && let Err(error) = endpoints::tidy(new) {
                tracing::warn!(endpoint = new.name, %error, "what was left half written stays there");
            }
        }
        for old in gone {
            let new = made.parts.config.endpoints.iter().find(|new| new.name == old.name);
            let policy = new.map_or_else(RetryPolicy::default, |new| new.retry.clone());
            // Whatever its relay could not end in time is nobody's now. Where the store is busy, the lease runs out.
            if let Err(error) = upkeep::free_all(&self.base, &old.name, &policy).await {
                tracing::warn!(endpoint = old.name, %error, "what was being sent is looked at when its lease runs out");
            }
            if new.is_none() {
                self.base.metrics.forget(&old.name);
            }
        }
        let kept = self.served.len();
        self.begin(made);
        tracing::info!(
            endpoints = self.config.endpoints.len(),
            unchanged = kept,
            folders = self.config.folders.len(),
            "the configuration was read again and is in use"
        );
        Ok(())
    }

    async fn reload(&mut self, reloading: &Reloading) {
        let taken = match reloading.read().await {
            Ok(parts) => self.follow(parts).await,
            Err(error) => Err(error),
        };
        match &taken {
            Ok(()) => (reloading.level)(self.config.log.level),
            Err(error) => reload::say_refused(error),
        }
        self.base.metrics.reloaded(taken.is_ok());
        self.base.health.reloaded(taken.is_ok());
    }

    /// Waits until told to stop, or until something cannot go on; then drains.
    ///
    /// # Errors
    /// What could not go on.
    pub async fn until(self, told: impl Future<Output = ()>) -> Result<(), DaemonError> {
        self.until_told(told, None).await
    }

    /// As [`Running::until`], and reads its configuration again whenever it is asked to.
    ///
    /// # Errors
    /// What could not go on. A configuration that is refused is none of that.
    pub async fn until_told(
        mut self,
        told: impl Future<Output = ()>,
        mut reloading: Option<Reloading>,
    ) -> Result<(), DaemonError> {
        let mut told = pin!(told);
        let mut outcome = loop {
            tokio::select! {
                () = &mut told => break Ok(()),
                failed = self.failed.recv() => break failed.unwrap_or(Ok(())),
                () = asked(&mut reloading) => {}
            }
            if let Some(reloading) = &reloading {
                self.reload(reloading).await;
            }
        };
        tracing::info!("stopping");
        let mut parts = std::mem::take(&mut self.others);
        parts.extend(std::mem::take(&mut self.served).into_iter().map(|served| served.part));
        parts.extend(self.listening.take().map(|(part, _)| part));
        part::stop(parts).await;
        while let Ok(failed) = self.failed.try_recv() {
            outcome = outcome.and(failed);
        }
        // The thread ends when nobody can hand it work any more, and has then written everything.
        let (thread, locks) = (self.thread.take(), (self.lock.take(), self.pulling.take()));
        drop(self);
        if let Some(thread) = thread {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
        drop(locks);
        tracing::info!("stopped");
        outcome
    }
}

/// Comes when the configuration is to be read again; never where it cannot be.
async fn asked(reloading: &mut Option<Reloading>) {
    let asked = match reloading {
        Some(reloading) => reloading.asked.recv().await,
        None => None,
    };
    if asked.is_none() {
        std::future::pending::<()>().await;
    }
}

async fn listen(http: &Http) -> Result<TcpListener, DaemonError> {
    TcpListener::bind(http.listen)
        .await
        .map_err(|source| DaemonError::Io { place: format!("intake.http.listen {}", http.listen), source })
}

fn router(current: Current, metrics: &Arc<Metrics>) -> axum::Router {
    let metrics = Arc::clone(metrics);
    let text = move || {
        let metrics = Arc::clone(&metrics);
        async move {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(axum::http::header::CONTENT_TYPE, kind)], metrics.text())
        }
    };
    http::router_of(current).route("/metrics", get(text))
}

/// How long a drain may take in all; for whoever has to set a limit around it.
pub const DRAIN: Duration = Duration::from_secs(30);
