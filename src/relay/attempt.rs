//! One attempt to deliver one claimed entry, from its lease to its settlement.
//!
//! The order is the promise: the request is on the disk before it is sent; what may have been applied is asked about
//! before it is sent again; what was lost on the way is `Unknown`, never success. Next: [`super::run`].

use std::sync::Arc;

use crate::clock::Clock;
use crate::endpoint::{Endpoint, Found, Had, Prepared, Request, Target};
use crate::outbox::retry::RetryPolicy;
use crate::outbox::transition::Cause;
use crate::outbox::{Entry, Outcome, Placed, Reason, Refusal};
use crate::store::keeper::Keeper;
use crate::store::{Claimed, Settled, StoreError};

/// What an attempt needs.
pub struct Attempt {
    /// The far side.
    pub endpoint: Arc<dyn Endpoint>,
    /// The store.
    pub keeper: Keeper,
    /// Time and chance.
    pub clock: Arc<dyn Clock>,
    /// How it is retried.
    pub policy: RetryPolicy,
}

/// What came of an attempt.
#[derive(Clone, Debug)]
pub struct Attempted {
    /// What happened.
    pub cause: Cause,
    /// The entry as it is now; absent when the lease was lost meanwhile.
    pub entry: Option<Entry>,
}

/// What happened, and the contents that were written.
struct Ending {
    cause: Cause,
    contents: Vec<((String, String), String)>,
    /// What stands there otherwise than we left it.
    differing: Vec<Placed>,
}

impl Ending {
    const fn of(cause: Cause) -> Self {
        Self { cause, contents: Vec::new(), differing: Vec::new() }
    }

    const fn with(cause: Cause, contents: Vec<((String, String), String)>) -> Self {
        Self { cause, contents, differing: Vec::new() }
    }
}

impl Attempt {
    /// Delivers a claimed entry and writes down what came of it.
    ///
    /// # Errors
    /// The store cannot be used. The lease runs out by itself then, and the entry is looked at again.
    pub async fn deliver(&self, claimed: Claimed) -> Result<Attempted, StoreError> {
        let lease = claimed.lease;
        let Some(ending) = self.attempt(claimed).await? else {
            return Ok(Attempted { cause: Cause::LeaseLost, entry: None });
        };
        let (now, jitter, policy) = (self.clock.now(), self.clock.jitter(), self.policy.clone());
        let Ending { cause, contents, differing } = ending;
        let settled_cause = cause.clone();
        let entry = self
            .keeper
            .run(move |store| {
                let policy = &policy;
                let settled = Settled { cause: settled_cause, policy, jitter, contents, differing, now };
                store.settle(&lease, &settled)
            })
            .await?;
        Ok(Attempted { cause, entry })
    }

    /// Nothing when the lease was lost before anything was sent.
    async fn attempt(&self, claimed: Claimed) -> Result<Option<Ending>, StoreError> {
        let stored = claimed.request.as_deref().map(serde_json::from_str::<Request>);
        let request = match stored {
            Some(Ok(request)) => request,
            Some(Err(_)) => {
                return Ok(Some(Ending::of(Cause::Ended(Outcome::Rejected(Refusal::of(Reason::Poison))))));
            }
            None => match self.endpoint.prepare(&claimed.parcel, &claimed.known).await {
                Prepared::Ready(request) => request,
                Prepared::Held(reason) => return Ok(Some(Ending::of(Cause::Stopped(reason)))),
                Prepared::Divergent(differing) => {
                    let ending = Ending::of(Cause::Stopped(Reason::Divergent));
                    return Ok(Some(Ending { differing, ..ending }));
                }
                Prepared::Already(had) => return self.already(&claimed, had).await,
                Prepared::Ended(outcome) => return Ok(Some(Ending::of(Cause::Ended(outcome)))),
            },
        };
        let contents = contents(&request);
        if claimed.ask_first {
            match self.endpoint.look(&request).await {
                Found::Applied(receipt) => {
                    let cause = Cause::Ended(Outcome::Duplicate(receipt));
                    return Ok(Some(Ending::with(cause, contents)));
                }
                Found::Absent => {}
                Found::Unclear(reason) => {
                    let outcome = Outcome::Unknown { reason, status: None };
                    return Ok(Some(Ending::of(Cause::Ended(outcome))));
                }
                Found::Wrong(reason) => return Ok(Some(Ending::of(Cause::Stopped(reason)))),
            }
        }
        if !self.store_request(&claimed, &request).await? {
            return Ok(None);
        }
        let outcome = self.endpoint.send(&request).await;
        let written = matches!(outcome, Outcome::Accepted(_) | Outcome::Duplicate(_));
        let contents = if written { contents } else { Vec::new() };
        Ok(Some(Ending::with(Cause::Ended(outcome), contents)))
    }

    /// Nothing is sent; what would have been sent is kept, so that what stands there can be compared with it.
    async fn already(&self, claimed: &Claimed, had: Had) -> Result<Option<Ending>, StoreError> {
        if !self.store_request(claimed, &had.request).await? {
            return Ok(None);
        }
        let contents = contents(&had.request);
        Ok(Some(Ending::with(Cause::Ended(Outcome::Duplicate(had.receipt)), contents)))
    }

    async fn store_request(&self, claimed: &Claimed, request: &Request) -> Result<bool, StoreError> {
        let text = match &claimed.request {
            Some(stored) => stored.clone(),
            None => serde_json::to_string(request).map_err(|_| StoreError::Damaged("a request"))?,
        };
        let (lease, now) = (claimed.lease, self.clock.now());
        self.keeper.run(move |store| store.record_request(&lease, &text, now)).await
    }
}

/// The digest of each resource that a request writes.
fn contents(request: &Request) -> Vec<((String, String), String)> {
    let name = |target: &Target| (target.resource_type.clone(), target.uuid.clone());
    request.targets.iter().map(|target| (name(target), target.content.clone())).collect()
}
