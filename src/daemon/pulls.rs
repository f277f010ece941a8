//! From configured endpoints to pullers. Next: [`crate::pull`].

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::clock::{Clock, SystemClock};
use crate::config::EndpointConfig;
use crate::config::endpoint::Kind;
use crate::endpoint::Endpoint;
use crate::event::finish::Identities;
use crate::pull::read::PullError;
use crate::pull::run::{Pulled, Puller, Settings};
use crate::pull::sink::{NdjsonFolder, Sink};
use crate::store::{Keeper, Onward};

use super::error::DaemonError;
use super::lock::Lock;
use super::parts::{self, Parts};
use super::{endpoints, folders};

/// A puller for each endpoint that has `pull`, and how often it polls. It asks through the endpoint of that name, where
/// there is one among those given, else through one of its own.
///
/// # Errors
/// A key or certificate cannot be used.
pub fn make(
    parts: &Parts,
    delivering: &[Arc<dyn Endpoint>],
    keeper: &Keeper,
    clock: &Arc<dyn Clock>,
) -> Result<Vec<(Puller, Duration)>, DaemonError> {
    let mut pullers = Vec::new();
    for endpoint in &parts.config.endpoints {
        let (Kind::Fhir(server), Some(pull)) = (&endpoint.kind, &endpoint.pull) else { continue };
        let identities = parts::identities(&parts.config)?;
        let folder = pull.folder.clone();
        let folder =
            if pull.events_to_folder { NdjsonFolder::new(folder) } else { NdjsonFolder::for_refused(folder) };
        let is_webhook = |other: &&EndpointConfig| pull.webhook.as_ref() == Some(&other.name);
        let webhooks = parts.config.endpoints.iter().filter(is_webhook);
        let onward =
            |to: &EndpointConfig| Onward { endpoint: to.name.clone(), expires_after: to.expires_after };
        let delivers = delivering.iter().find(|one| one.name() == endpoint.name);
        let settings = Settings {
            server: match delivers.and_then(|one| Arc::clone(one).fhir()) {
                Some(same) => same,
                None => Arc::new(endpoints::rest(endpoint, server, clock)?),
            },
            keeper: keeper.clone(),
            clock: Arc::clone(clock),
            codeset: Arc::clone(&parts.planner.codeset),
            identities: Identities { source: Some(Arc::clone(&pull.source)), ..identities },
            owner: pull.owner.clone(),
            requester: pull.requester.clone(),
            overlap: pull.overlap,
            sinks: vec![Arc::new(folder) as Arc<dyn Sink>],
            webhooks: webhooks.map(onward).collect(),
        };
        pullers.push((Puller::new(settings), pull.every));
    }
    Ok(pullers)
}

/// What a poll of one endpoint came to.
pub type Came = (String, Result<Pulled, PullError>);

/// Polls each endpoint that has `pull` once, without a daemon.
///
/// # Errors
/// Nothing is pulled anywhere, another process pulls, or a key, certificate or the store cannot be used.
pub async fn once(parts: &Parts) -> Result<Vec<Came>, DaemonError> {
    with(parts, async |pullers: Vec<(Puller, Duration)>| {
        let mut came = Vec::new();
        for (puller, _) in pullers {
            let pulled = puller.once().await;
            came.push((puller.name().to_owned(), pulled));
        }
        Ok(came)
    })
    .await
}

/// Polls until told to stop, without a daemon.
///
/// # Errors
/// As [`once`], and where the store cannot be used any more.
pub async fn until(parts: &Parts, told: impl Future<Output = ()>) -> Result<(), DaemonError> {
    with(parts, async |pullers: Vec<(Puller, Duration)>| {
        let (stop, stopping) = watch::channel(false);
        let mut tasks = tokio::task::JoinSet::new();
        for (puller, every) in pullers {
            let stopping = stopping.clone();
            tasks.spawn(async move { puller.run(every, stopping).await });
        }
        let mut outcome = Ok(());
        tokio::select! {
            () = told => {}
            Some(ended) = tasks.join_next() => outcome = ended.map_or(Err(DaemonError::Defect), |ended| Ok(ended?)),
        }
        let _ = stop.send(true);
        while let Some(ended) = tasks.join_next().await {
            outcome = outcome.and(ended.map_or(Err(DaemonError::Defect), |ended| Ok(ended?)));
        }
        outcome
    })
    .await
}

async fn with<T>(
    parts: &Parts,
    work: impl AsyncFnOnce(Vec<(Puller, Duration)>) -> Result<T, DaemonError>,
) -> Result<T, DaemonError> {
    let config = &parts.config;
    if config.endpoints.iter().all(|endpoint| endpoint.pull.is_none()) {
        return Err(DaemonError::NothingToPull);
    }
    for folder in config.folders_to_make() {
        folders::private(&folder)?;
    }
    let _lock = Lock::pulling(&config.data_folder)?;
    let (keeper, thread) =
        Keeper::start(parts.store_beside()?, QUEUE).map_err(|error| DaemonError::io(&config.store, error))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let done = match make(parts, &[], &keeper, &clock) {
        Ok(pullers) => work(pullers).await,
        Err(error) => Err(error),
    };
    // The thread ends when nobody can hand it work any more, and has then written everything.
    drop(keeper);
    let _ = tokio::task::spawn_blocking(move || thread.join()).await;
    done
}

/// So much work may wait for the writing thread.
const QUEUE: usize = 64;
