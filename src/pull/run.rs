//! [`Puller`]: asks one endpoint what changed, hands it over, and remembers that it did. Next: [`crate::daemon`].

use std::collections::{HashMap, HashSet};
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
use super::judge::{Whose, judge, our_name};
use super::page::{Found, Place, leans_on};
use super::read::{self, PullError, Reading, Search};
use super::related::{One, Reader, Related};
use super::sink::{Batch, Sink};
use super::unclear::{self, Unclear};

/// How long a version is remembered: longer than any endpoint is asked about the past.
const REMEMBER: Duration = Duration::from_secs(400 * 24 * 3600);
/// So many of what was not clear are read again in one poll.
const AGAIN: usize = 1000;
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

/// What one poll brought: counts, and the ids of what is not clear.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// What is not clear yet, of this poll and of earlier ones: it is asked for again at each.
    pub unclear: Vec<Unclear>,
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
        let Pulled { pages, new, events, refused, divergent, more, .. } = *pulled;
        let unclear = pulled.unclear.len();
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

    /// Reads again what was not clear, as much as one poll may. Gives what is there and asked for still; what cannot be read;
    /// and how many of the list were asked for.
    async fn again(
        &self,
        list: &[Unclear],
        reader: &mut Reader<'_>,
        met: &HashMap<Place, Found>,
    ) -> Result<(Vec<Found>, Vec<(Place, String)>), PullError> {
        let (mut there, mut unread) = (Vec::new(), Vec::new());
        for one in list {
            let found = match met.get(&one.place).cloned() {
                Some(found) => found,
                None => match reader.one(&one.place).await? {
                    One::There(found) => *found,
                    One::Gone => continue,
                    not => {
                        unread.push((one.place.clone(), not.why(&one.place)));
                        continue;
                    }
                },
            };
            // Given to another service meanwhile, it is no longer for us. What is ours stays ours.
            let base = self.settings.server.client().base();
            let is_asked = || self.searches().iter().any(|search| search.asks_for(&found, base));
            if one.by_task || our_name(&found).is_some() || is_asked() {
                there.push(found);
            }
        }
        Ok((there, unread))
    }

    /// Judges what was read, hands it over, and remembers it.
    async fn take(
        &self,
        readings: Vec<(Search, Cursor, Reading)>,
        now: Timestamp,
    ) -> Result<Pulled, PullError> {
        let client = self.settings.server.client();
        let mut reader = Reader::new(client, now);
        let mut related = Related::default();
        let (mut candidates, mut progresses) = (Vec::new(), Vec::new());
        for (search, cursor, reading) in readings {
            progresses.push((search, cursor, reading.progress));
            for found in reading.included.iter().chain(&reading.found) {
                related.met.insert((found.kind.clone(), found.id.clone()), found.clone());
            }
            candidates.extend(reading.found);
        }
        let newest = progresses.iter().filter_map(|(.., progress)| progress.newest).max();
        let mut list = self.unclear().await?;
        let not_asked = list.split_off(list.len().min(AGAIN));
        let (there, unread) = self.again(&list, &mut reader, &related.met).await?;
        for found in there {
            related.met.insert((found.kind.clone(), found.id.clone()), found.clone());
            candidates.push(found);
        }
        let mut fresh = self.unseen(candidates, now).await?;
        reader.focuses(&mut fresh, &mut related).await?;
        let named: Vec<Found> = fresh.iter().filter_map(|fresh| named(fresh, &related)).collect();
        let all = fresh.iter().map(|fresh| &fresh.found).chain(&named);
        reader.related(all.map(|found| &found.node), &mut related).await?;
        // A request that a new Task is about counts as found.
        let requests = fresh.iter().flat_map(|fresh| leans_on(&fresh.found.node, client.base()));
        let requests = requests.filter(|(kind, _)| kind == REQUEST);
        let requests = requests.filter_map(|place| related.met.get(&place).cloned()).chain(named).collect();
        let mut by_task = HashSet::new();
        for more in self.unseen(requests, now).await? {
            if fresh.iter().all(|known| known.found != more.found) {
                by_task.insert(more.found.place());
                fresh.push(more);
            }
        }
        let new = fresh.len();
        let (fresh, moved) = self.confirmed(fresh, &mut reader).await?;
        let back = Back {
            codeset: &self.settings.codeset,
            identities: &self.settings.identities,
            nhs_number: NhsNumberRule::Reject,
        };
        let judged = judge(&back, client.base(), fresh, &related);
        let batch = Batch { endpoint: self.name(), newest, events: &judged.events, refused: &judged.refused };
        if !(batch.events.is_empty() && batch.refused.is_empty()) {
            for sink in &self.settings.sinks {
                sink.hand_over(&batch).await?;
            }
        }
        for place in &judged.divergent {
            tracing::warn!(endpoint = self.name(), resource = place, "changed where only we may");
        }
        let still = judged.unclear.into_iter().chain(moved);
        let still: Vec<_> =
            still.map(|(found, why)| (by_task.contains(&found.place()), found, why)).collect();
        let is_known = |found: &Found| list.iter().any(|one| one.resource() == found.place());
        let new = new - still.iter().filter(|(_, found, _)| is_known(found)).count();
        let (unclear, overdue) = unclear::after(not_asked, &list, still, unread, now);
        let pulled = Pulled {
            pages: progresses.iter().map(|(.., progress)| progress.pages).sum(),
            new,
            events: judged.events.len(),
            refused: judged.refused.len(),
            divergent: judged.divergent.len(),
            unclear,
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
        let mut notes: Vec<(String, String)> = notes.collect();
        if !(list.is_empty() && pulled.unclear.is_empty()) {
            notes.push((unclear::note(self.name()), unclear::word(&pulled.unclear)));
        }
        self.remember(judged.events, keys, notes, now).await?;
        for resource in overdue {
            tracing::warn!(
                endpoint = self.name(),
                resource,
                "not clear for a day, so nothing is told of it yet"
            );
        }
        Ok(pulled)
    }

    async fn unclear(&self) -> Result<Vec<Unclear>, StoreError> {
        let note = unclear::note(self.name());
        let word = self.settings.keeper.run(move |store| store.note(&note)).await?;
        Ok(word.as_deref().map(unclear::parse).unwrap_or_default())
    }

    /// What was not seen before, once each, with whose it is.
    async fn unseen(&self, found: Vec<Found>, now: Timestamp) -> Result<Vec<Fresh>, StoreError> {
        let name = self.name().to_owned();
        let ask = move |store: &mut dyn crate::store::Store| {
            let mut unseen: Vec<Fresh> = Vec::new();
            let mut keys = std::collections::HashSet::new();
            for found in found {
                let key = found.key(&name);
                if !keys.insert(key.clone())
                    || store.seen(KIND, &key, now)?
                    || store.seen(KIND, &found.earlier_key(&name), now)?
                {
                    continue;
                }
                let ours = match our_name(&found) {
                    None => None,
                    Some((source, uuid)) => match store.ours(&name, &found.kind, uuid)? {
                        Some(known) if known.is_empty() => Some(Whose::Unclear),
                        Some(known) => Some(Whose::Ours(known)),
                        // Of a store that was restored, perhaps. Under a source that is none of ours it is another's.
                        None => store.has_source(source)?.then_some(Whose::Unclear),
                    },
                };
                let whose = match ours {
                    Some(whose) => whose,
                    // A Task of theirs that we answer is known by its id.
                    None => match store.ours(&name, &found.kind, &found.id)? {
                        None => Whose::Theirs,
                        Some(known) if known.is_empty() => Whose::Unclear,
                        Some(known) => Whose::Answered(known),
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
    async fn confirmed(
        &self,
        fresh: Vec<Fresh>,
        reader: &mut Reader<'_>,
    ) -> Result<(Vec<Fresh>, Vec<(Found, String)>), PullError> {
        let mut confirmed = Vec::with_capacity(fresh.len());
        let mut moved = Vec::new();
        for one in fresh {
            let found = &one.found;
            if let Whose::Ours(known) | Whose::Answered(known) = &one.whose {
                let is_last = |version: Option<&str>| version == Some(found.version.as_str());
                let sent = known.iter().find(|known| known.placed.id == found.id);
                if !sent.is_some_and(|sent| is_last(sent.placed.version.as_deref())) {
                    let place = (found.kind.clone(), found.id.clone());
                    match reader.one(&place).await? {
                        One::There(there) if is_last(Some(&there.version)) => {}
                        One::There(_) => {
                            moved.push((one.found, "it changed while it was read".to_owned()));
                            continue;
                        }
                        One::Gone => continue,
                        not => {
                            moved.push((one.found, not.why(&place)));
                            continue;
                        }
                    }
                }
            }
            confirmed.push(one);
        }
        Ok((confirmed, moved))
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
fn named(fresh: &Fresh, related: &Related) -> Option<Found> {
    match &fresh.focus {
        Focus::At(place) => related.met.get(place).cloned(),
        _ => None,
    }
}
