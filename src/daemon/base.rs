//! [`Base`]: what stays while the daemon runs, whatever its configuration becomes. Next: [`super::run`].

use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use crate::clock::Clock;
use crate::config::EndpointConfig;
use crate::endpoint::Endpoint;
use crate::intake::folder::Turns;
use crate::reconcile::ReadBack;
use crate::relay::attempt::Attempt;
use crate::relay::run::Watcher;
use crate::relay::turn::Turn;
use crate::relay::{Pace, Relay};
use crate::store::Keeper;
use crate::telemetry::Metrics;

use super::health::Health;
use super::part::{Failures, Part};
use super::upkeep::Alarms;

/// What stays while the daemon runs, whatever its configuration becomes.
pub(super) struct Base {
    pub(super) keeper: Keeper,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) bell: Arc<Notify>,
    pub(super) health: Arc<Health>,
    /// Of the watched folders.
    pub(super) turns: Arc<Turns>,
    pub(super) alarms: Arc<Mutex<Alarms>>,
    /// One number a process.
    pub(super) owner: u64,
    pub(super) failures: Failures,
}

impl Base {
    /// Delivery to one endpoint, and reading back from it.
    pub(super) fn serve(&self, endpoint: &Arc<dyn Endpoint>, settings: &EndpointConfig) -> Part {
        // What takes events and shows nothing has nothing to be read back.
        let read_back = endpoint.can_be_read().then(|| ReadBack {
            endpoint: Arc::clone(endpoint),
            keeper: self.keeper.clone(),
            clock: Arc::clone(&self.clock),
            rate: settings.rate,
        });
        let relay = Relay {
            attempt: Arc::new(Attempt {
                endpoint: Arc::clone(endpoint),
                keeper: self.keeper.clone(),
                clock: Arc::clone(&self.clock),
                policy: settings.retry.clone(),
                turn: Turn::default(),
                is_for_test: settings.test,
            }),
            pace: Pace { concurrency: settings.concurrency, rate: Some(settings.rate), ..Pace::default() },
            owner: self.owner,
            bell: Arc::clone(&self.bell),
            watcher: Arc::clone(&self.metrics) as Arc<dyn Watcher>,
        };
        Part::start(&self.failures, |stop| async move {
            match read_back {
                Some(read_back) => {
                    tokio::try_join!(relay.run(stop.clone()), read_back.run(stop)).map(|_| ())?
                }
                None => relay.run(stop).await?,
            }
            Ok(())
        })
    }
}
