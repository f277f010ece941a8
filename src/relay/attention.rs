//! [`Attention`]: tells a program which entries wait for a person, each once.
//!
//! `sp-fhir status` and the metrics say so for the daemon; a program that embeds the store gives a function instead. It asks
//! the store now and then, because an entry comes to wait in many ways: when it is accepted, after an attempt, by age,
//! by another process. What this is not: a queue; after a restart everything that still waits is told again.
//! Invariant: what is told is an [`Entry`], ids and words, never a person's data. Next: [`crate::daemon`].

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use crate::event::IssueCode;
use crate::outbox::{Entry, EntryId, Reason, State};
use crate::store::{Filter, Keeper, Notice, StoreError};

/// Entries asked for at once.
const PAGE: usize = 500;

/// Tells which entries wait for a person.
pub struct Attention<F> {
    keeper: Keeper,
    tell: F,
    /// What was told of each entry that still waits.
    told: HashMap<EntryId, (State, Option<Reason>, Option<IssueCode>)>,
}

impl<F: Fn(&Entry) + Send> Attention<F> {
    /// Calls `tell` for every entry that comes to wait for a person, and again where its state or reason changes; also for
    /// one that was sent before consent was withdrawn or narrowed, until a person has seen to it. It is
    /// called on the task that looks, so what takes long belongs on another.
    pub fn new(keeper: Keeper, tell: F) -> Self {
        Self { keeper, tell, told: HashMap::new() }
    }

    /// Looks once. Says how many entries it told of.
    ///
    /// # Errors
    /// The store cannot be used.
    pub async fn once(&mut self) -> Result<usize, StoreError> {
        let mut waiting = HashMap::new();
        let (mut after, mut new): (EntryId, usize) = (0, 0);
        loop {
            let page = self.page(after).await?;
            for entry in &page {
                let standing = (entry.state, entry.reason, None);
                if self.told.get(&entry.id) != Some(&standing) {
                    (self.tell)(entry);
                    new += 1;
                }
                waiting.insert(entry.id, standing);
            }
            match page.last() {
                Some(last) if page.len() == PAGE => after = last.id,
                _ => break,
            }
        }
        after = 0;
        loop {
            let page = self.keeper.run(move |store| store.notices(after, PAGE)).await?;
            for Notice { entry, code } in &page {
                let standing = (entry.state, entry.reason, Some(*code));
                let was = self.told.get(&entry.id).and_then(|(_, _, notice)| *notice);
                // That it was read back meanwhile is no news.
                if was != Some(*code) {
                    (self.tell)(entry);
                    new += 1;
                }
                waiting.insert(entry.id, standing);
            }
            match page.last() {
                Some(last) if page.len() == PAGE => after = last.entry.id,
                _ => break,
            }
        }
        self.told = waiting;
        Ok(new)
    }

    /// Looks every so often until told to stop.
    ///
    /// # Errors
    /// The store cannot be used any more.
    pub async fn run(mut self, every: Duration, mut stop: watch::Receiver<bool>) -> Result<(), StoreError> {
        while !*stop.borrow() {
            match self.once().await {
                // Intake comes first.
                Ok(_) | Err(StoreError::Busy | StoreError::Full) => {}
                Err(error) => return Err(error),
            }
            tokio::select! {
                changed = stop.changed() => if changed.is_err() { break },
                () = sleep(every) => {}
            }
        }
        Ok(())
    }

    async fn page(&self, after: EntryId) -> Result<Vec<Entry>, StoreError> {
        let ask = move |store: &mut dyn crate::store::Store| {
            let states: Vec<State> =
                State::ALL.iter().map(|(state, ..)| *state).filter(|state| state.needs_person()).collect();
            store.entries(&Filter { states: &states, after, limit: PAGE, ..Filter::default() })
        };
        self.keeper.run(ask).await
    }
}
