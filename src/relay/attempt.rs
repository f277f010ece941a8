//! One attempt to deliver one claimed entry, from its lease to its settlement.
//!
//! The order is the promise: the request is on the disk before it is sent; what may have been applied is asked about
//! before it is sent again; what was lost on the way is `Unknown`, never success. Next: [`super::run`].

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::endpoint::{Endpoint, Found, Had, Prepared, Request, Target};
use crate::outbox::retry::RetryPolicy;
use crate::outbox::transition::Cause;
use crate::outbox::{Entry, Outcome, Placed, Reason, Refusal};
use crate::store::keeper::Keeper;
use crate::store::{Claimed, Lease, Recorded, Settled, Store, StoreError};

use super::turn::{self, Turn};

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
    /// Whose turn it is to be prepared.
    pub turn: Turn,
    /// Whether the far side is for test data: then it gets numbers of test people (999…) only, and otherwise none of them.
    pub is_for_test: bool,
}

/// How long a store that is busy or full is asked again to take what came of an attempt. What was answered must not be
/// asked again because others have much to do; after this the lease ends and the endpoint is asked.
const PATIENCE: Duration = Duration::from_secs(120);

/// What came of an attempt.
#[derive(Clone, Debug)]
pub struct Attempted {
    /// What happened.
    pub cause: Cause,
    /// The entry as it is now; absent when the lease was lost meanwhile.
    pub entry: Option<Entry>,
    /// Whether it ended here, by what was decided meanwhile or by a lost lease: then it says nothing of the endpoint.
    pub ended_here: bool,
}

impl Attempted {
    /// The lease was lost before anything was sent.
    #[must_use]
    pub const fn lost() -> Self {
        Self { cause: Cause::LeaseLost, entry: None, ended_here: true }
    }

    /// What was decided meanwhile forbade sending.
    fn stopped(entry: Entry) -> Self {
        let cause = Cause::Stopped(entry.reason.unwrap_or(Reason::Conflict));
        Self { cause, entry: Some(entry), ended_here: true }
    }
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
        match self.attempt(claimed).await? {
            Ok(ending) => self.settle(lease, ending).await,
            Err(not_sent) => Ok(not_sent),
        }
    }

    /// An attempt panicked: a defect of the program, and what it worked on is to blame.
    ///
    /// # Errors
    /// As [`Attempt::deliver`].
    pub async fn panicked(&self, lease: Lease) -> Result<Attempted, StoreError> {
        self.settle(lease, Ending::of(Cause::Crashed)).await
    }

    /// Nothing is prepared here any more, and that is nobody's fault.
    pub(super) async fn left_off(&self) {
        let endpoint = self.endpoint.name().to_owned();
        // Where it cannot be noted, the next process blames one entry once too often; it is tried again all the same.
        let _ = self.keeper.run(move |store| turn::note(store, &endpoint, None)).await;
    }

    async fn settle(&self, lease: Lease, ending: Ending) -> Result<Attempted, StoreError> {
        let (now, jitter) = (self.clock.now(), self.clock.jitter());
        let Ending { cause, contents, differing } = ending;
        let settle = || {
            let (cause, policy) = (cause.clone(), self.policy.clone());
            let (contents, differing) = (contents.clone(), differing.clone());
            move |store: &mut dyn Store| {
                store.settle(&lease, &Settled { cause, policy: &policy, jitter, contents, differing, now })
            }
        };
        let entry = self.keeper.insist(PATIENCE, settle).await?;
        Ok(Attempted { cause, entry, ended_here: false })
    }

    async fn prepare(&self, claimed: &Claimed) -> Result<Prepared, StoreError> {
        if !claimed.alone {
            let _others_too = self.turn.together().await;
            return Ok(self.endpoint.prepare(&claimed.parcel, &claimed.known).await);
        }
        let _alone = self.turn.alone().await;
        let note = |lease: Option<Lease>| {
            let endpoint = self.endpoint.name().to_owned();
            move |store: &mut dyn Store| turn::note(store, &endpoint, lease.as_ref())
        };
        self.keeper.insist(PATIENCE, || note(Some(claimed.lease))).await?;
        let prepared = self.endpoint.prepare(&claimed.parcel, &claimed.known).await;
        self.keeper.insist(PATIENCE, || note(None)).await?;
        Ok(prepared)
    }

    /// What has ended already when the lease was lost before anything was sent, or what was decided meanwhile forbids sending.
    async fn attempt(&self, claimed: Claimed) -> Result<Result<Ending, Attempted>, StoreError> {
        // Planning saw to it; but what was a test endpoint then may be a live one now.
        let wrong = claimed.parcel.subject.wrong_for(self.is_for_test);
        if let Some(reason) = wrong.filter(|_| !claimed.ask_first) {
            return Ok(Ok(Ending::of(Cause::Stopped(reason))));
        }
        let stored = claimed.request.as_deref().map(serde_json::from_str::<Request>);
        let request = match stored {
            Some(Ok(request)) => request,
            Some(Err(_)) => {
                return Ok(Ok(Ending::of(Cause::Ended(Outcome::Rejected(Refusal::of(Reason::Poison))))));
            }
            None => match self.prepare(&claimed).await? {
                Prepared::Ready(request) => request,
                Prepared::Held(reason) => return Ok(Ok(Ending::of(Cause::Stopped(reason)))),
                Prepared::Divergent(differing) => {
                    let ending = Ending::of(Cause::Stopped(Reason::Divergent));
                    return Ok(Ok(Ending { differing, ..ending }));
                }
                Prepared::LetStand => return Ok(Ok(Ending::of(Cause::LetStand))),
                Prepared::Already(had) => return self.already(&claimed, had).await,
                Prepared::Ended(outcome) => return Ok(Ok(Ending::of(Cause::Ended(outcome)))),
            },
        };
        let contents = contents(&request);
        if claimed.ask_first {
            match self.endpoint.look(&request).await {
                Found::Applied(receipt) => {
                    let cause = Cause::Ended(Outcome::Duplicate(receipt));
                    return Ok(Ok(Ending::with(cause, contents)));
                }
                Found::Absent => {
                    if let Some(reason) = wrong {
                        return Ok(Ok(Ending::of(Cause::Stopped(reason))));
                    }
                }
                Found::Changed => {
                    let reason = Reason::Conflict;
                    let outcome = Outcome::Deferred { reason, status: None, retry_after: None };
                    return Ok(Ok(Ending::of(Cause::Ended(outcome))));
                }
                Found::Unclear(reason) => {
                    let outcome = Outcome::Unknown { reason, status: None };
                    return Ok(Ok(Ending::of(Cause::Ended(outcome))));
                }
                Found::Wrong(reason) => return Ok(Ok(Ending::of(Cause::Stopped(reason)))),
            }
        }
        if let Some(not_sent) = self.store_request(&claimed, &request).await? {
            return Ok(Err(not_sent));
        }
        let outcome = self.endpoint.send(&request).await;
        let written = matches!(outcome, Outcome::Accepted(_) | Outcome::Duplicate(_));
        let contents = if written { contents } else { Vec::new() };
        Ok(Ok(Ending::with(Cause::Ended(outcome), contents)))
    }

    /// Nothing is sent; what would have been sent is kept, so that what stands there can be compared with it.
    async fn already(&self, claimed: &Claimed, had: Had) -> Result<Result<Ending, Attempted>, StoreError> {
        if let Some(not_sent) = self.store_request(claimed, &had.request).await? {
            return Ok(Err(not_sent));
        }
        let contents = contents(&had.request);
        Ok(Ok(Ending::with(Cause::Ended(Outcome::Duplicate(had.receipt)), contents)))
    }

    /// Nothing where it may be sent; else how the attempt has ended.
    async fn store_request(
        &self,
        claimed: &Claimed,
        request: &Request,
    ) -> Result<Option<Attempted>, StoreError> {
        let text = match &claimed.request {
            Some(stored) => stored.clone(),
            None => serde_json::to_string(request).map_err(|_| StoreError::Damaged("a request"))?,
        };
        let lease = claimed.lease;
        let record = || {
            let (text, now) = (text.clone(), self.clock.now());
            move |store: &mut dyn Store| store.record_request(&lease, &text, now)
        };
        Ok(match self.keeper.insist(PATIENCE, record).await? {
            Recorded::MaySend => None,
            Recorded::LeaseLost => Some(Attempted::lost()),
            Recorded::Stopped(entry) => Some(Attempted::stopped(*entry)),
        })
    }
}

/// The digest of each resource that a request writes.
fn contents(request: &Request) -> Vec<((String, String), String)> {
    let name = |target: &Target| (target.resource_type.clone(), target.uuid.clone());
    request.targets.iter().map(|target| (name(target), target.content.clone())).collect()
}
