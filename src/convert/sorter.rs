//! [`Sorter`]: an external sort of keyed byte strings in bounded memory.
//!
//! Used to bring the rows of one referral together, to find duplicate ids, and to put refused rows back into
//! the order of the input. Keys sort as bytes; equal keys keep the order they were added in. What does not fit
//! in memory is spilled, sorted, to temporary files that only the owner can read and that are gone when the
//! sorter is. Invariant: memory is the given budget and one buffer per run. Next: [`super::group`].

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// Runs that are merged in one go; more are merged into one first, so that open files stay few.
const MAX_RUNS: usize = 64;

/// Where a record stands in the arena.
#[derive(Clone, Copy)]
struct Slot {
    start: usize,
    key: u32,
    payload: u32,
}

/// Sorts keyed byte strings.
pub struct Sorter {
    arena: Vec<u8>,
    slots: Vec<Slot>,
    budget: usize,
    folder: PathBuf,
    runs: Vec<File>,
}

/// One record: key and payload.
pub type Record = (Vec<u8>, Vec<u8>);

impl Sorter {
    /// A sorter that holds about `budget` bytes in memory and spills into `folder`.
    #[must_use]
    pub fn new(budget: usize, folder: &Path) -> Self {
        Self { arena: Vec::new(), slots: Vec::new(), budget, folder: folder.to_owned(), runs: Vec::new() }
    }

    /// Adds a record.
    ///
    /// # Errors
    /// A spill file cannot be written, or a record is longer than 4 GiB.
    pub fn add(&mut self, key: &[u8], payload: &[u8]) -> io::Result<()> {
        let too_long = |_| io::Error::new(io::ErrorKind::InvalidInput, "a record of more than 4 GiB");
        let slot = Slot {
            start: self.arena.len(),
            key: u32::try_from(key.len()).map_err(too_long)?,
            payload: u32::try_from(payload.len()).map_err(too_long)?,
        };
        self.arena.extend_from_slice(key);
        self.arena.extend_from_slice(payload);
        self.slots.push(slot);
        if self.arena.len() + self.slots.len() * size_of::<Slot>() >= self.budget {
            self.spill()?;
        }
        Ok(())
    }

    /// Whether nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty() && self.runs.is_empty()
    }

    fn key(arena: &[u8], slot: Slot) -> &[u8] {
        arena.get(slot.start..slot.start + slot.key as usize).unwrap_or_default()
    }

    fn payload(arena: &[u8], slot: Slot) -> &[u8] {
        let from = slot.start + slot.key as usize;
        arena.get(from..from + slot.payload as usize).unwrap_or_default()
    }

    fn sort(&mut self) {
        let Self { arena, slots, .. } = self;
        // Stable, so that equal keys keep their order.
        slots.sort_by(|a, b| Self::key(arena, *a).cmp(Self::key(arena, *b)));
    }

    fn spill(&mut self) -> io::Result<()> {
        self.sort();
        // An unnamed file: readable by nobody else, and gone with the process whatever happens.
        let mut out = BufWriter::new(tempfile::tempfile_in(&self.folder)?);
        for slot in &self.slots {
            write_record(&mut out, Self::key(&self.arena, *slot), Self::payload(&self.arena, *slot))?;
        }
        self.runs.push(finish_run(out)?);
        self.arena.clear();
        self.slots.clear();
        if self.runs.len() >= MAX_RUNS {
            let runs = std::mem::take(&mut self.runs);
            let mut out = BufWriter::new(tempfile::tempfile_in(&self.folder)?);
            let mut merge = Merge::new(runs, Vec::new())?;
            while let Some((key, payload)) = merge.next_record()? {
                write_record(&mut out, &key, &payload)?;
            }
            self.runs.push(finish_run(out)?);
        }
        Ok(())
    }

    /// Ends adding and gives the records in order.
    ///
    /// # Errors
    /// A spill file cannot be written or read.
    pub fn sorted(mut self) -> io::Result<Sorted> {
        if self.runs.is_empty() {
            self.sort();
            return Ok(Sorted::Memory { arena: self.arena, slots: self.slots.into_iter() });
        }
        if !self.slots.is_empty() {
            self.spill()?;
        }
        Ok(Sorted::Merged(Merge::new(self.runs, Vec::new())?))
    }
}

/// Records in order.
pub enum Sorted {
    /// Everything fitted in memory.
    Memory {
        /// The bytes.
        arena: Vec<u8>,
        /// Where the records are.
        slots: std::vec::IntoIter<SlotView>,
    },
    /// Runs being merged.
    Merged(Merge),
}

/// A record's place, as [`Sorted::Memory`] holds it.
pub type SlotView = SlotInner;
#[doc(hidden)]
pub use slot::Slot as SlotInner;
mod slot {
    pub use super::Slot;
}
