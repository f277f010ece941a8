//! [`ReadBack`]: the loop of one endpoint that acknowledges what was delivered, once it stands there.
//!
//! Delivered means that the endpoint said so; acknowledged, that it was asked afterwards and has it. What does not stand
//! there, or cannot be read, stays delivered, is asked about ever more rarely, holds up no other, and is `reconcile`'s to report. What this is not: a sender; it writes
//! nothing there. Invariant: an entry is acknowledged only when everything that it wrote was read. Next:
//! [`super::gather`].

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::sleep;
use uuid::Uuid;

use crate::clock::Clock;
use crate::endpoint::{Endpoint, Unread};
use crate::outbox::{Entry, EntryId, Reason, State};
use crate::store::{Filter, Keeper, StoreError};

use super::diff;
use super::gather;

/// How often delivered entries are looked for.
const EVERY: Duration = Duration::from_secs(2);
/// How long after an endpoint that could not be read.
const PAUSE: Duration = Duration::from_secs(60);
/// The first wait before an entry is asked about again, and the longest.
const WAIT: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(24 * 3600));
/// The same for what could not be read, and so may well stand there.
const UNREAD: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(3600));
/// After so many referrals in a row that could not be read, it is taken to be the endpoint.
const IN_A_ROW: u32 = 3;
/// Entries in one round.
const ROUND: usize = 100;

/// The loop of one endpoint.
pub struct ReadBack {
    /// The far side.
    pub endpoint: Arc<dyn Endpoint>,
    /// The store.
    pub keeper: Keeper,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Referrals a second, at most.
    pub rate: f64,
}

/// Where the loop is.
#[derive(Debug, Default)]
pub struct Progress {
    after: EntryId,
    /// Entries that were not there: when they are asked about again, and after how long.
    later: HashMap<EntryId, (Timestamp, Duration)>,
}

/// What a round came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// Entries that were acknowledged.
    pub acknowledged: u64,
    /// Entries that were read and are not there as sent.
    pub not_there: u64,
    /// Entries that could not be read and are put off for the first time.
    pub put_off: u64,
    /// Why the endpoint could not be read: several times in a row, or whatever was asked for.
    pub unread: Option<Reason>,
    /// Whether there may be more at once.
    pub more: bool,
}

impl ReadBack {
    /// Runs until told to stop.
    ///
    /// # Errors
    /// The store cannot be used any more; the process must stop.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) -> Result<(), StoreError> {
        let mut progress = Progress::default();
        while !*stop.borrow() {
            let round = tokio::select! {
                changed = stop.changed() => if changed.is_err() { break } else { continue },
                round = self.round(&mut progress) => round,
            };
            let idle = match round {
                Ok(Round { unread: Some(reason), .. }) => {
                    tracing::debug!(
                        endpoint = self.endpoint.name(),
                        reason = reason.as_str(),
                        "not read back"
                    );
                    PAUSE
                }
                Ok(round) => {
                    if round.not_there > 0 {
                        tracing::warn!(
                            endpoint = self.endpoint.name(),
                            entries = round.not_there,
                            "delivered, but not there as sent: see `sp-fhir reconcile`"
                        );
                    }
                    if round.more { Duration::ZERO } else { EVERY }
                }
                // Intake comes first.
                Err(StoreError::Busy | StoreError::Full) => EVERY,
                Err(error) => return Err(error),
            };
            tokio::select! {
                changed = stop.changed() => if changed.is_err() { break },
                () = sleep(idle) => {}
            }
        }
        Ok(())
    }

    /// Looks at some delivered entries.
    ///
    /// # Errors
    /// The store cannot be used.
    pub async fn round(&self, progress: &mut Progress) -> Result<Round, StoreError> {
        let page = self.delivered(progress.after).await?;
        let mut round = Round { more: page.len() == ROUND, ..Round::default() };
        let now = self.clock.now();
        let is_due = |entry: &&Entry| progress.later.get(&entry.id).is_none_or(|(until, _)| *until <= now);
        let due: BTreeSet<Uuid> = page.iter().filter(is_due).map(|entry| entry.referral).collect();
        let (mut in_a_row, mut was_read) = (0, false);
        for referral in due {
            let Some(Unread { reason, resource_type }) =
                self.referral(referral, progress, &mut round).await?
            else {
                (in_a_row, was_read) = (0, true);
                sleep(self.between()).await;
                continue;
            };
            // Others may well be read. This one is not asked for again at once.
            let mut is_to_be_told = false;
            for entry in page.iter().filter(|entry| entry.referral == referral) {
                let before = put_off(progress, entry.id, now, UNREAD);
                round.put_off += u64::from(before.is_none());
                is_to_be_told |= match reason {
                    // It may pass, as when the endpoint is down; only what lasts is for a person.
                    Reason::Unavailable | Reason::Unauthorised => {
                        before.is_some_and(|wait| wait < UNREAD.1 && wait.saturating_mul(2) >= UNREAD.1)
                    }
                    _ => before.is_none(),
                };
            }
            in_a_row += 1;
            let is_endpoint = in_a_row == IN_A_ROW || reason == Reason::Unauthorised;
            if is_to_be_told {
                tracing::warn!(
                    endpoint = self.endpoint.name(),
                    %referral,
                    resource_type,
                    reason = reason.as_str(),
                    "delivered, but it cannot be read back: see `sp-fhir reconcile`"
                );
            }
            if is_endpoint {
                round.unread = Some(reason);
                return Ok(round);
            }
            if !was_read {
                round.unread = Some(reason);
            }
        }
        if was_read {
            round.unread = None;
        }
        progress.after = page.last().map_or(0, |last| last.id);
        Ok(round)
    }

    fn between(&self) -> Duration {
        Duration::try_from_secs_f64(1.0 / self.rate).unwrap_or(Duration::from_secs(1))
    }

    async fn delivered(&self, after: EntryId) -> Result<Vec<Entry>, StoreError> {
        let endpoint = self.endpoint.name().to_owned();
        self.keeper
            .run(move |store| {
                let states = &[State::Delivered];
                let endpoint = Some(endpoint.as_str());
                store.entries(&Filter { states, endpoint, after, limit: ROUND, ..Filter::default() })
            })
            .await
    }

    /// Reads a referral back. Gives the reason where it could not be read.
    async fn referral(
        &self,
        referral: Uuid,
        progress: &mut Progress,
        round: &mut Round,
    ) -> Result<Option<Unread>, StoreError> {
        let endpoint = self.endpoint.name().to_owned();
        let record = self.keeper.run(move |store| store.sent(referral, &endpoint)).await?;
        // One request that cannot be read must not stop the loop; reconciling says so to a person.
        let Ok(requests) = gather::requests(&record) else { return Ok(None) };
        let sights = match self.endpoint.read(&requests, &record.known).await {
            Ok(sights) => sights,
            Err(unread) => return Ok(Some(unread)),
        };
        let now = self.clock.now();
        for (place, sent) in record.sent.iter().enumerate().filter(|(_, sent)| sent.state == State::Delivered)
        {
            let id = sent.id;
            if diff::is_there(&sights, place) {
                progress.later.remove(&id);
                let is_new = self.keeper.run(move |store| store.read_back(id, now)).await?;
                round.acknowledged += u64::from(is_new);
            } else {
                round.not_there += u64::from(put_off(progress, id, now, WAIT).is_none());
            }
        }
        Ok(None)
    }
}

/// Asks about an entry later, after a first wait that grows to the longest. Gives the wait before, if it is not the first.
fn put_off(
    progress: &mut Progress,
    id: EntryId,
    now: Timestamp,
    (first, longest): (Duration, Duration),
) -> Option<Duration> {
    let before = progress.later.get(&id).map(|(_, wait)| *wait);
    let wait = before.map_or(first, |wait| wait.saturating_mul(2).min(longest));
    progress.later.insert(id, (now.checked_add(wait).unwrap_or(now), wait));
    before
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_asked_about_ever_more_rarely() {
        let mut progress = Progress::default();
        assert!(put_off(&mut progress, 7, Timestamp::UNIX_EPOCH, WAIT).is_none());
        let first = progress.later[&7];
        assert_eq!(first.0.as_second(), 30);
        for _ in 0..20 {
            assert!(put_off(&mut progress, 7, Timestamp::UNIX_EPOCH, WAIT).is_some());
        }
        assert_eq!(progress.later[&7].1, WAIT.1);
    }
}
