//! [`DuplicateFinder`]: referral ids that occur more than once, where rows are converted as they come.
//!
//! Next: [`super::first_look`], which feeds it.

use std::collections::HashSet;
use std::io;
use std::path::Path;

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
