//! [`Kept`]: what intake hands submissions to: the store, with the planner, behind the keeper.
//!
//! Next: [`super::run`].

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::endpoint::Work;
use crate::intake::folder::FileEnd;
use crate::intake::keep::Keep;
use crate::plan::{Doubt, Planner, Submission};
use crate::store::{Acceptance, Answer, Keeper, StoreError};
use crate::telemetry::Metrics;

/// The store, with the planner, behind the keeper.
pub struct Kept {
    /// The writing thread.
    pub keeper: Keeper,
    /// Makes plans.
    pub planner: Arc<Planner>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Counts what comes in.
    pub metrics: Arc<Metrics>,
    /// Rung when there is something to send.
    pub bell: Arc<Notify>,
}

impl Keep for Kept {
    fn accept(&self, came: Vec<Submission>) -> Work<'_, Result<Vec<Acceptance>, StoreError>> {
        Box::pin(async move {
            let (planner, now) = (Arc::clone(&self.planner), self.clock.now());
            let accepted = self
                .keeper
                .run(move |store| came.iter().map(|one| store.accept(one, &planner, now)).collect())
                .await;
            let accepted: Vec<Acceptance> = accepted?;
            for answer in accepted.iter().flat_map(|acceptance| acceptance.events.iter()) {
                self.metrics.came(word(&answer.answer), 1);
            }
            self.bell.notify_waiters();
            Ok(accepted)
        })
    }

    fn heed(&self, doubts: Vec<Doubt>) -> Work<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let (planner, now) = (Arc::clone(&self.planner), self.clock.now());
            self.keeper.run(move |store| store.heed(&doubts, &planner, now)).await
        })
    }

    fn refused(&self, count: u64) {
        if count > 0 {
            self.metrics.came("refused", count);
        }
    }

    fn turned_away(&self, status: u16) {
        self.metrics.turned_away(status, self.clock.now());
    }

    fn file(&self, end: FileEnd) {
        self.metrics.file(end.as_str());
    }

    fn see(&self, kind: &'static str, key: String, until: Timestamp) -> Work<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            let now = self.clock.now();
            self.keeper.run(move |store| store.see(kind, &key, until, now)).await
        })
    }
}

const fn word(answer: &Answer) -> &'static str {
    match answer {
        Answer::Accepted { .. } => "accepted",
        Answer::Repeat { .. } => "repeat",
        Answer::Refused(_) => "refused",
    }
}
