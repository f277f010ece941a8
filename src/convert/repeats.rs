//! Ids that occur more than once. [`DuplicateFinder`]: referral ids, where rows are converted as they come.
//! [`EventIds`]: ids of events that more than one referral has, where rows are events.
//!
//! An event's id is the source's, not a referral's: an id on two referrals says two different things, and neither can
//! be believed. Within one referral the fold sees it.
//!
//! Next: [`super::first_look`], which feeds it.

use std::collections::HashSet;
use std::io;
use std::path::Path;

use crate::event::ReferralEvent;

use super::group::{Digest16, SORT_BUDGET, digest16};
use super::sorter::Sorter;

/// Finds keys that occur more than once, in bounded memory.
pub struct DuplicateFinder {
    sorter: Sorter,
}

impl DuplicateFinder {
    /// A finder that spills into a folder.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        // A third: what is found about persons is sorted beside it.
        Self { sorter: Sorter::new(SORT_BUDGET / 3, folder) }
    }

    /// Notes a key.
    ///
    /// # Errors
    /// A spill file cannot be written.
    pub fn add(&mut self, key: &[u8]) -> io::Result<()> {
        self.sorter.add(&digest16(key), &[])
    }

    /// The keys that occurred more than once.
    ///
    /// # Errors
    /// A spill file cannot be read.
    pub fn duplicates(self) -> io::Result<HashSet<Digest16>> {
        let mut sorted = self.sorter.sorted()?;
        let mut twice = HashSet::new();
        let mut last: Option<Vec<u8>> = None;
        while let Some((key, _)) = sorted.next_record()? {
            if last.as_ref() == Some(&key)
                && let Ok(key) = Digest16::try_from(key.as_slice())
            {
                twice.insert(key);
            }
            last = Some(key);
        }
        Ok(twice)
    }
}

/// Finds ids of events that occur on more than one referral, in bounded memory.
pub struct EventIds {
    sorter: Sorter,
}

/// Stands for an event's id within its source, in one export.
#[must_use]
pub fn event_id(event: &ReferralEvent, export: usize) -> Digest16 {
    digest16(format!("{export}\u{1f}{}\u{1f}{}", event.source, event.event_id).as_bytes())
}

impl EventIds {
    /// None yet; spills into a folder.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { sorter: Sorter::new(SORT_BUDGET / 4, folder) }
    }

    /// Notes an event.
    ///
    /// # Errors
    /// A spill file cannot be written.
    pub fn add(&mut self, event: &ReferralEvent, export: usize) -> io::Result<()> {
        self.sorter.add(&event_id(event, export), &digest16(event.referral_id.as_bytes()))
    }

    /// The ids that more than one referral has.
    ///
    /// # Errors
    /// A spill file cannot be read.
    pub fn of_several_referrals(self) -> io::Result<HashSet<Digest16>> {
        let mut sorted = self.sorter.sorted()?;
        let mut found = HashSet::new();
        let mut last: Option<(Vec<u8>, Vec<u8>)> = None;
        while let Some((id, referral)) = sorted.next_record()? {
            if last.as_ref().is_some_and(|(known, other)| *known == id && *other != referral)
                && let Ok(id) = Digest16::try_from(id.as_slice())
            {
                found.insert(id);
            }
            last = Some((id, referral));
        }
        Ok(found)
    }
}
