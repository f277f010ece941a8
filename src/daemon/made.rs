//! [`Made`]: everything of a configuration that may be refused, made before anything is started or stopped for it.
//!
//! Next: [`super::run`].

use std::sync::Arc;
use std::time::Duration;

use crate::config::{EndpointConfig, Problems};
use crate::endpoint::Endpoint;
use crate::intake::folder::{self, Watch};
use crate::intake::http::{self, Auth, Intake, Limits};
use crate::intake::keep::Keep;
use crate::pull::run::Puller;

use super::base::Base;
use super::error::DaemonError;
use super::kept::Kept;
use super::parts::{self, Parts};
use super::{endpoints, pulls};

/// What a configuration describes, not at work yet.
pub(super) struct Made {
    pub(super) parts: Parts,
    /// In the order of the configuration.
    pub(super) endpoints: Vec<Arc<dyn Endpoint>>,
    pub(super) folders: Vec<Watch>,
    pub(super) pulls: Vec<(Puller, Duration)>,
    pub(super) intake: Option<Arc<Intake>>,
}

impl Made {
    /// Makes it. An endpoint that is at work as it is configured stays the one it is.
    pub(super) fn of(
        parts: Parts,
        base: &Base,
        at_work: impl Fn(&EndpointConfig) -> Option<Arc<dyn Endpoint>>,
    ) -> Result<Self, DaemonError> {
        let config = &parts.config;
        let kept = Arc::new(Kept {
            keeper: base.keeper.clone(),
            planner: Arc::clone(&parts.planner),
            clock: Arc::clone(&base.clock),
            metrics: Arc::clone(&base.metrics),
            bell: Arc::clone(&base.bell),
        });
        let made = config.endpoints.iter().map(|endpoint| match at_work(endpoint) {
            Some(same) => Ok(same),
            None => endpoints::make(endpoint, &base.clock),
        });
        let endpoints = made.collect::<Result<Vec<_>, _>>()?;
        let watched = config.folders.iter().map(|folder| {
            let parts = folder::Parts {
                identities: parts::identities(config)?,
                codeset: Arc::clone(&parts.planner.codeset),
                keep: Arc::clone(&kept) as Arc<dyn Keep>,
                clock: Arc::clone(&base.clock),
                turns: Arc::clone(&base.turns),
            };
            let refused = |problem| DaemonError::from(Problems(vec![problem]));
            Watch::open(folder.clone(), parts).map_err(refused)
        });
        let folders = watched.collect::<Result<Vec<_>, _>>()?;
        let pulls = pulls::make(&parts, &endpoints, &base.keeper, &base.clock)?;
        let intake = intake(&parts, base, &kept)?;
        Ok(Self { parts, endpoints, folders, pulls, intake })
    }
}

fn intake(parts: &Parts, base: &Base, kept: &Arc<Kept>) -> Result<Option<Arc<Intake>>, DaemonError> {
    let Some(settings) = &parts.config.http else { return Ok(None) };
    let health = Arc::clone(&base.health);
    let parts = http::Parts {
        auth: Auth::open(&settings.auth)?,
        keep: Arc::clone(kept) as Arc<dyn Keep>,
        clock: Arc::clone(&base.clock),
        codeset: Arc::clone(&parts.planner.codeset),
        identities: parts::identities(&parts.config)?,
        ready: Arc::new(move || health.now()),
    };
    Ok(Some(Arc::new(Intake::new(settings, Limits::default(), parts))))
}
