//! The daemon itself: starts every loop, waits for the word to stop, and drains.
//!
//! What ends a loop ends the daemon: a process that only half works helps nobody. Next: `upkeep`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::clock::{Clock, SystemClock};
use crate::config::{Http, Problems};
use crate::endpoint::Endpoint;
use crate::intake::folder::{self, Watch};
use crate::intake::http::{self, Auth, Intake, Limits, Readiness};
use crate::intake::keep::Keep;
use crate::reconcile::ReadBack;
use crate::relay::attempt::Attempt;
use crate::relay::run::Watcher;
use crate::relay::{Pace, Relay};
use crate::store::Keeper;
use crate::telemetry::Metrics;

use super::error::DaemonError;
use super::kept::Kept;
use super::lock::Lock;
use super::parts::{self, Parts};
use super::upkeep::Upkeep;
use super::{endpoints, folders, pulls};

/// So much work may wait for the writing thread; more is answered with "busy".
const QUEUE: usize = 1024;

/// A daemon that has started.
pub struct Running {
    /// Where HTTP intake listens, if it does.
    pub http: Option<SocketAddr>,
    tasks: JoinSet<Result<(), DaemonError>>,
    stop: watch::Sender<bool>,
    keeper: Option<Keeper>,
    thread: Option<std::thread::JoinHandle<()>>,
    _locks: (Lock, Option<Lock>),
}

/// Starts everything that a configuration describes. When this returns, it is taken in and delivered.
///
/// # Errors
/// Something of the configuration cannot be used, or another daemon works on the data folder. Nothing goes on then.
pub async fn start(parts: Parts) -> Result<Running, DaemonError> {
    let config = &parts.config;
    for folder in config.folders_to_make() {
        folders::private(&folder)?;
    }
    let lock = Lock::take(&config.data_folder)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (keeper, thread) =
        Keeper::start(parts.store()?, QUEUE).map_err(|error| DaemonError::io(&config.store, error))?;
    let metrics = Arc::new(Metrics::default());
    let bell = Arc::new(Notify::new());
    let (stop, stopping) = watch::channel(false);
    let mut tasks: JoinSet<Result<(), DaemonError>> = JoinSet::new();
    let owner = u64::from_le_bytes(clock.random().first_chunk::<8>().copied().unwrap_or_default());

    let kept = Arc::new(Kept {
        keeper: keeper.clone(),
        planner: Arc::clone(&parts.planner),
        clock: Arc::clone(&clock),
        metrics: Arc::clone(&metrics),
        bell: Arc::clone(&bell),
    });
    // Everything that may be refused is made before anything is started.
    let made = config.endpoints.iter().map(|endpoint| endpoints::make(endpoint, &clock));
    let made: Vec<Arc<dyn Endpoint>> = made.collect::<Result<_, _>>()?;
    let watched = config.folders.iter().map(|folder| {
        let parts = folder::Parts {
            identities: parts::identities(config)?,
            codeset: Arc::clone(&parts.planner.codeset),
            keep: Arc::clone(&kept) as Arc<dyn Keep>,
            clock: Arc::clone(&clock),
        };
        Watch::open(folder.clone(), parts).map_err(|problem| DaemonError::from(Problems(vec![problem])))
    });
    let watched: Vec<Watch> = watched.collect::<Result<_, _>>()?;
    let listener = match &config.http {
        Some(http) => Some((http, listen(http).await?)),
        None => None,
    };
    let pulls = pulls::make(&parts, &keeper, &clock)?;
    let pulling = if pulls.is_empty() { None } else { Some(Lock::pulling(&config.data_folder)?) };
    let upkeep = Upkeep {
        keeper: keeper.clone(),
        planner: Arc::clone(&parts.planner),
        clock: Arc::clone(&clock),
        endpoints: config.endpoints.iter().map(|one| (one.name.clone(), one.retry.clone())).collect(),
        metrics: Arc::clone(&metrics),
        bell: Arc::clone(&bell),
    };
    let left = upkeep.take_over().await?;
    if left > 0 {
        tracing::warn!(
            entries = left,
            "the last daemon ended while these were being sent; their endpoints are asked"
        );
    }
    for (endpoint, settings) in made.into_iter().zip(&config.endpoints) {
        if endpoint.can_be_read() {
            let read_back = ReadBack {
                endpoint: Arc::clone(&endpoint),
                keeper: keeper.clone(),
                clock: Arc::clone(&clock),
                rate: settings.rate,
            };
            let until = stopping.clone();
            tasks.spawn(async move { Ok(read_back.run(until).await?) });
        }
        let relay = Relay {
            attempt: Arc::new(Attempt {
                endpoint,
                keeper: keeper.clone(),
                clock: Arc::clone(&clock),
                policy: settings.retry.clone(),
            }),
            pace: Pace { concurrency: settings.concurrency, rate: Some(settings.rate), ..Pace::default() },
            owner,
            bell: Arc::clone(&bell),
            watcher: Arc::clone(&metrics) as Arc<dyn Watcher>,
        };
        let stopping = stopping.clone();
        tasks.spawn(async move { Ok(relay.run(stopping).await?) });
    }
    for (puller, every) in pulls {
        let stopping = stopping.clone();
        tasks.spawn(async move { Ok(puller.run(every, stopping).await?) });
    }
    let until = stopping.clone();
    tasks.spawn(async move { Ok(upkeep.run(until).await?) });
    for folder in watched {
        let until = stopping.clone();
        tasks.spawn(async move {
            folder.run(until).await;
            Ok(())
        });
    }
    let mut http = None;
    if let Some((settings, listener)) = listener {
        http = listener.local_addr().ok();
        let router = router(settings, &parts, &kept, &metrics)?;
        tasks.spawn(async move {
            http::serve(listener, router, Limits::default(), stopping).await;
            Ok(())
        });
    }
    tracing::info!(
        endpoints = config.endpoints.len(),
        folders = config.folders.len(),
        http = http.map(|address| address.to_string()),
        "started"
    );
    Ok(Running { http, tasks, stop, keeper: Some(keeper), thread: Some(thread), _locks: (lock, pulling) })
}

impl Running {
    /// Waits until told to stop, or until something cannot go on; then drains.
    ///
    /// # Errors
    /// What could not go on.
    pub async fn until(mut self, told: impl Future<Output = ()>) -> Result<(), DaemonError> {
        let failed = tokio::select! {
            () = told => None,
            ended = self.tasks.join_next() => Some(ended),
        };
        tracing::info!("stopping");
        let _ = self.stop.send(true);
        let mut outcome = match failed {
            None => Ok(()),
            Some(ended) => flatten(ended),
        };
        while let Some(ended) = self.tasks.join_next().await {
            outcome = outcome.and(flatten(Some(ended)));
        }
        // The thread ends when nobody can hand it work any more, and has then written everything.
        drop(self.keeper.take());
        if let Some(thread) = self.thread.take() {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
        tracing::info!("stopped");
        outcome
    }
}

/// How a loop ended: `None` when there is none left.
fn flatten(
    ended: Option<Result<Result<(), DaemonError>, tokio::task::JoinError>>,
) -> Result<(), DaemonError> {
    match ended {
        None | Some(Ok(Ok(()))) => Ok(()),
        Some(Ok(Err(error))) => Err(error),
        Some(Err(_)) => Err(DaemonError::Defect),
    }
}

async fn listen(http: &Http) -> Result<TcpListener, DaemonError> {
    TcpListener::bind(http.listen)
        .await
        .map_err(|source| DaemonError::Io { place: format!("intake.http.listen {}", http.listen), source })
}

fn router(
    settings: &Http,
    parts: &Parts,
    kept: &Arc<Kept>,
    metrics: &Arc<Metrics>,
) -> Result<axum::Router, DaemonError> {
    let keeper = kept.keeper.clone();
    let ready = move || {
        let stopped = keeper.has_stopped();
        let reasons = if stopped { vec!["the store has stopped".to_owned()] } else { Vec::new() };
        Readiness { ready: !stopped, reasons }
    };
    let intake = Intake::new(
        settings,
        Limits::default(),
        http::Parts {
            auth: Auth::open(&settings.auth)?,
            keep: Arc::clone(kept) as Arc<dyn Keep>,
            clock: Arc::clone(&kept.clock),
            codeset: Arc::clone(&parts.planner.codeset),
            identities: parts::identities(&parts.config)?,
            ready: Arc::new(ready),
        },
    );
    let metrics = Arc::clone(metrics);
    let text = move || {
        let metrics = Arc::clone(&metrics);
        async move {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(axum::http::header::CONTENT_TYPE, kind)], metrics.text())
        }
    };
    Ok(http::router(Arc::new(intake)).route("/metrics", get(text)))
}

/// How long a drain may take in all; for whoever has to set a limit around it.
pub const DRAIN: Duration = Duration::from_secs(30);
