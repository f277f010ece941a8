//! [`Puller`]: asks one endpoint what changed, hands it over, and remembers that it did. Next: [`crate::daemon`].

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::codeset::Codeset;
use crate::endpoint::Endpoint as _;
use crate::endpoint::fhir_rest::FhirRest;
use crate::event::ReferralEvent;
use crate::event::build::NhsNumberRule;
use crate::event::finish::Identities;
use crate::map::back::Back;
use crate::store::{Keeper, Onward, Poll, StoreError};

use super::cursor::Cursor;
use super::fresh::{Focus, Fresh, REQUEST, note_keys};
use super::judge::{Related, Whose, judge, our_name};
use super::page::{Found, leans_on};
use super::read::{self, PullError, Reading, Search};
use super::sink::{Batch, Sink};

/// How long a version is remembered: longer than any endpoint is asked about the past.
const REMEMBER: Duration = Duration::from_secs(400 * 24 * 3600);
/// How long after a poll that did not come to the end.
const PAUSE: Duration = Duration::from_secs(5);
/// Under which versions are remembered in the store.
const KIND: &str = "pull";

/// What a puller is made from.
pub struct Settings {
    /// The endpoint.
    pub server: Arc<FhirRest>,
    /// The store.
    pub keeper: Keeper,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Which codes say that a referral was made.
    pub codeset: Arc<Codeset>,
    /// The source of the clinical system's own requests, and the key of opaque case numbers.
    pub identities: Identities,
    /// `Type/id` of the service, as Tasks name their owner and requests their performer.
    pub owner: Option<String>,
    /// `Type/id` of who asked, as Tasks and requests name it.
    pub requester: Option<String>,
    /// How long before its cursor a search asks.
    pub overlap: Duration,
    /// What events are handed to, one after the other.
    pub sinks: Vec<Arc<dyn Sink>>,
    /// Webhooks that events go to by the outbox.
    pub webhooks: Vec<Onward>,
}

/// What one poll brought. Counts only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pulled {
    /// Pages read.
    pub pages: usize,
    /// Versions that were not seen before.
    pub new: usize,
    /// Events handed over.
    pub events: usize,
    /// Versions that nothing could be made of.
    pub refused: usize,
    /// Resources of ours that somebody changed where only we may.
    pub divergent: usize,
    /// Versions that will be looked at again.
    pub unclear: usize,
    /// Whether there is more than one poll reads; the next goes on from where this one ended.
    pub more: bool,
}

/// Pulls from one endpoint.
pub struct Puller {
    settings: Settings,
}

impl Puller {
    /// A puller. Asks nothing yet.
    #[must_use]
    pub const fn new(settings: Settings) -> Self {
        Self { settings }
    }

    /// The endpoint's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.settings.server.name()
    }

    /// Polls now and then, until told to stop. A poll that failed is said in the log, and tried at the next turn.
    ///
    /// # Errors
    /// The store cannot be used any more.
    pub async fn run(&self, every: Duration, mut stop: watch::Receiver<bool>) -> Result<(), StoreError> {
        while !*stop.borrow() {
            let done = tokio::select! {
                changed = stop.changed() => if changed.is_err() { break } else { continue },
                done = self.once() => done,
            };
            let mut idle = every;
            match done {
                Ok(pulled) => {
                    self.say(&pulled);
                    idle = if pulled.more { every.min(PAUSE) } else { every };
                }
                Err(PullError::Store(error)) if !matches!(error, StoreError::Busy | StoreError::Full) => {
                    return Err(error);
                }
                Err(error) => tracing::warn!(endpoint = self.name(), %error, "pull failed"),
            }
            tokio::select! {
                changed = stop.changed() => if changed.is_err() { break },
                () = tokio::time::sleep(idle) => {}
            }
        }
        Ok(())
    }

    fn say(&self, pulled: &Pulled) {
        let Pulled { pages, new, events, refused, divergent, unclear, more } = *pulled;
        let endpoint = self.name();
        if more {
            tracing::info!(endpoint, pages, "there is more than one poll reads: it goes on from there");
        }
        if refused + divergent > 0 {
            tracing::warn!(endpoint, pages, new, events, refused, divergent, unclear, "pulled");
        } else if new > 0 {
            tracing::info!(endpoint, pages, new, events, unclear, "pulled");
        } else {
            tracing::debug!(endpoint, pages, "pulled nothing new");
        }
    }

    /// One poll: reads, hands over, remembers. Where one search fails, what the others found is handed over first.
    ///
    /// # Errors
    /// The first search that failed; or nothing was remembered, and all of it comes again.
    pub async fn once(&self) -> Result<Pulled, PullError> {
        let now = self.settings.clock.now();
        let includes = match self.settings.server.capability().await {
            Ok(capability) => capability.task_includes,
            // If it cannot be asked now, the searches will say so.
            Err(_) => false,
        };
        let (mut readings, mut failed) = (Vec::new(), None);
        for search in self.searches() {
            let cursor = self.cursor(&search).await?;
            let from = cursor.from(self.settings.overlap);
            match read::search(self.settings.server.client(), &search, from, includes, now).await {
                Ok(reading) => readings.push((search, cursor, reading)),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        let pulled = self.take(readings, now).await?;
        failed.map_or(Ok(pulled), Err)
    }

    fn searches(&self) -> Vec<Search> {
        read::searches(self.settings.owner.as_deref(), self.settings.requester.as_deref())
    }

    async fn cursor(&self, search: &Search) -> Result<Cursor, StoreError> {
        let note = search.note(self.name());
        let word = self.settings.keeper.run(move |store| store.note(&note)).await?;
        Ok(word.as_deref().map(Cursor::parse).unwrap_or_default())
    }

    /// Judges what was read, hands it over, and remembers it.
    async fn take(
        &self,
        readings: Vec<(Search, Cursor, Reading)>,
        now: Timestamp,
    ) -> Result<Pulled, PullError> {
        let client = self.settings.server.client();
        let mut met = Related::new();
        let (mut candidates, mut progresses) = (Vec::new(), Vec::new());
        for (search, cursor, reading) in readings {
            progresses.push((search, cursor, reading.progress));
            for found in reading.included.iter().chain(&reading.found) {
                met.insert((found.kind.clone(), found.id.clone()), found.clone());
            }
            candidates.extend(reading.found);
        }
        let newest = progresses.iter().filter_map(|(.., progress)| progress.newest).max();
        let mut fresh = self.unseen(candidates, now).await?;
        read::focuses(client, &mut fresh, &mut met, now).await?;
        let named: Vec<Found> = fresh.iter().filter_map(|fresh| named(fresh, &met)).collect();
        let all = fresh.iter().map(|fresh| &fresh.found).chain(&named);
        read::related(client, all.map(|found| &found.node), &mut met, now).await?;
        // A request that a new Task is about counts as found.
        let requests = fresh.iter().flat_map(|fresh| leans_on(&fresh.found.node, client.base()));
        let requests = requests.filter(|(kind, _)| kind == REQUEST);
        let requests = requests.filter_map(|place| met.get(&place).cloned()).chain(named).collect();
        for more in self.unseen(requests, now).await? {
            if fresh.iter().all(|known| known.found != more.found) {
                fresh.push(more);
            }
        }
        let new = fresh.len();
        let fresh = self.confirmed(fresh, now).await?;
        let unclear = new - fresh.len();
        let back = Back {
            codeset: &self.settings.codeset,
            identities: &self.settings.identities,
            nhs_number: NhsNumberRule::Reject,
        };
        let judged = judge(&back, client.base(), fresh, &met);
        let batch = Batch { endpoint: self.name(), newest, events: &judged.events, refused: &judged.refused };
        if !(batch.events.is_empty() && batch.refused.is_empty()) {
            for sink in &self.settings.sinks {
                sink.hand_over(&batch).await?;
            }
        }
        for place in &judged.divergent {
            tracing::warn!(endpoint = self.name(), resource = place, "changed where only we may");
        }
        let pulled = Pulled {
            pages: progresses.iter().map(|(.., progress)| progress.pages).sum(),
            new,
            events: judged.events.len(),
            refused: judged.refused.len(),
            divergent: judged.divergent.len(),
            unclear: unclear + judged.unclear,
            more: progresses.iter().any(|(.., progress)| !progress.complete),
        };
        let name = self.name();
        let keys = judged
            .done
            .iter()
            .flat_map(|found| std::iter::once(found.key(name)).chain(note_keys(found, name)));
        let keys: Vec<String> = keys.collect();
        let notes = progresses.into_iter().map(|(search, cursor, progress)| {
            let progress = super::cursor::Progress { new, ..progress };
            (search.note(self.name()), cursor.after(progress, now).word())
        });
        self.remember(judged.events, keys, notes.collect(), now).await?;
        Ok(pulled)
    }

    /// What was not seen before, once each, with whose it is.
    async fn unseen(&self, found: Vec<Found>, now: Timestamp) -> Result<Vec<Fresh>, StoreError> {
        let name = self.name().to_owned();
        let ask = move |store: &mut dyn crate::store::Store| {
            let mut unseen: Vec<Fresh> = Vec::new();
            let mut keys = std::collections::HashSet::new();
            for found in found {
                let key = found.key(&name);
                if !keys.insert(key.clone()) || store.seen(KIND, &key, now)? {
                    continue;
                }
                let whose = match our_name(&found) {
                    // A Task of theirs that we answer is known by its id.
                    None => match store.ours(&name, &found.kind, &found.id)? {
                        None => Whose::Theirs,
                        Some(known) if known.is_empty() => Whose::Unclear,
                        Some(known) => Whose::Answered(known),
                    },
                    Some(uuid) => match store.ours(&name, &found.kind, uuid)?.unwrap_or_default() {
                        known if known.is_empty() => Whose::Unclear,
                        known => Whose::Ours(known),
                    },
                };
                let mut fresh = Fresh::of(found, whose);
                for (place, key) in note_keys(&fresh.found, &name).into_iter().enumerate() {
                    if keys.insert(key.clone()) && !store.seen(KIND, &key, now)? {
                        fresh.notes.push(place);
                    }
                }
                unseen.push(fresh);
            }
            Ok(unseen)
        };
        self.settings.keeper.run(ask).await
    }

    /// Leaves out what is ours and has changed again since it was read. The store was asked after the search, so a
    /// version that is neither the one the store knows nor the one that is there now may be an older one of our own.
    async fn confirmed(&self, fresh: Vec<Fresh>, now: Timestamp) -> Result<Vec<Fresh>, PullError> {
        let mut confirmed = Vec::with_capacity(fresh.len());
        for one in fresh {
            let found = &one.found;
            if let Whose::Ours(known) | Whose::Answered(known) = &one.whose {
                let is_last = |version: Option<&str>| version == Some(found.version.as_str());
                let sent = known.iter().find(|known| known.placed.id == found.id);
                if !sent.is_some_and(|sent| is_last(sent.placed.version.as_deref())) {
                    let client = self.settings.server.client();
                    let there = read::one(client, &found.kind, &found.id, now).await?;
                    if !is_last(there.as_ref().map(|there| there.version.as_str())) {
                        continue;
                    }
                }
            }
            confirmed.push(one);
        }
        Ok(confirmed)
    }

    /// Versions, cursors and what goes to webhooks are one transaction.
    async fn remember(
        &self,
        events: Vec<ReferralEvent>,
        keys: Vec<String>,
        notes: Vec<(String, String)>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let poll = Poll {
            events,
            webhooks: self.settings.webhooks.clone(),
            seen: (KIND, keys),
            remember_until: now.checked_add(REMEMBER).unwrap_or(Timestamp::MAX),
            notes,
        };
        self.settings.keeper.run(move |store| store.take_poll(&poll, now).map(drop)).await
    }
}

/// The request that a Task names by an identifier alone.
fn named(fresh: &Fresh, met: &Related) -> Option<Found> {
    match &fresh.focus {
        Focus::At(place) => met.get(place).cloned(),
        _ => None,
    }
}
