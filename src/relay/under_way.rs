//! [`UnderWay`]: the attempts that have begun and not ended, and which of them panicked.
//!
//! Next: [`super::run`].

use std::collections::HashMap;

use tokio::task::{Id, JoinError, JoinSet};

use crate::store::{Lease, StoreError};

use super::attempt::Attempted;

/// Attempts at work.
#[derive(Default)]
pub(super) struct UnderWay {
    tasks: JoinSet<Result<Attempted, StoreError>>,
    leases: HashMap<Id, Lease>,
}

/// How an attempt ended.
pub(super) enum Ended {
    /// It was settled, or the store could not be used.
    Came(Result<Attempted, StoreError>),
    /// It panicked; its lease still holds.
    Panicked(Option<Lease>),
    /// It was stopped from outside.
    Stopped,
}

impl UnderWay {
    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    pub(super) fn start(
        &mut self,
        lease: Lease,
        attempt: impl Future<Output = Result<Attempted, StoreError>> + Send + 'static,
    ) {
        let id = self.tasks.spawn(attempt).id();
        self.leases.insert(id, lease);
    }

    /// The next that ends; none where nothing is at work.
    pub(super) async fn next(&mut self) -> Option<Ended> {
        let ended = self.tasks.join_next_with_id().await?;
        Some(self.told(ended))
    }

    /// One that has ended already.
    pub(super) fn try_next(&mut self) -> Option<Ended> {
        let ended = self.tasks.try_join_next_with_id()?;
        Some(self.told(ended))
    }

    /// Stops all that is left.
    pub(super) async fn stop(&mut self) {
        self.tasks.shutdown().await;
    }

    fn told(&mut self, ended: Result<(Id, Result<Attempted, StoreError>), JoinError>) -> Ended {
        match ended {
            Ok((id, came)) => {
                self.leases.remove(&id);
                Ended::Came(came)
            }
            Err(error) => {
                let lease = self.leases.remove(&error.id());
                if error.is_panic() { Ended::Panicked(lease) } else { Ended::Stopped }
            }
        }
    }
}
