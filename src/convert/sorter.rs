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
pub(super) struct Sorter {
    arena: Vec<u8>,
    slots: Vec<Slot>,
    budget: usize,
    folder: PathBuf,
    runs: Vec<File>,
}

/// One record: key and payload.
pub(super) type Record = (Vec<u8>, Vec<u8>);

impl Sorter {
    /// A sorter that holds about `budget` bytes in memory and spills into `folder`.
    #[must_use]
    pub(super) fn new(budget: usize, folder: &Path) -> Self {
        Self { arena: Vec::new(), slots: Vec::new(), budget, folder: folder.to_owned(), runs: Vec::new() }
    }

    /// Adds a record.
    ///
    /// # Errors
    /// A spill file cannot be written, or a record is longer than 4 GiB.
    pub(super) fn add(&mut self, key: &[u8], payload: &[u8]) -> io::Result<()> {
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
            let mut merge = Merge::new(runs.into_iter().map(BufReader::new).collect())?;
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
    pub(super) fn sorted(mut self) -> io::Result<Sorted> {
        if self.runs.is_empty() {
            self.sort();
        } else if !self.slots.is_empty() {
            self.spill()?;
        }
        let runs = self.runs.into_iter().map(BufReader::new).collect();
        Ok(Sorted { arena: self.arena, slots: self.slots, next: 0, merge: Merge::new(runs)? })
    }
}

/// Records in order: from memory, or merged from runs.
pub(super) struct Sorted {
    arena: Vec<u8>,
    slots: Vec<Slot>,
    /// Which slot comes next.
    next: usize,
    merge: Merge,
}

impl Sorted {
    /// The next record.
    ///
    /// # Errors
    /// A spill file cannot be read.
    pub(super) fn next_record(&mut self) -> io::Result<Option<Record>> {
        let Some(slot) = self.slots.get(self.next).copied() else { return self.merge.next_record() };
        self.next += 1;
        Ok(Some((Sorter::key(&self.arena, slot).to_vec(), Sorter::payload(&self.arena, slot).to_vec())))
    }

    /// Begins again with the first record.
    ///
    /// # Errors
    /// A spill file cannot be read.
    pub(super) fn rewind(&mut self) -> io::Result<()> {
        self.next = 0;
        let mut runs = std::mem::take(&mut self.merge.runs);
        runs.iter_mut().try_for_each(Seek::rewind)?;
        self.merge = Merge::new(runs)?;
        Ok(())
    }
}

fn write_record(out: &mut impl Write, key: &[u8], payload: &[u8]) -> io::Result<()> {
    for part in [key, payload] {
        let length = u32::try_from(part.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        out.write_all(&length.to_le_bytes())?;
    }
    out.write_all(key)?;
    out.write_all(payload)
}

fn finish_run(out: BufWriter<File>) -> io::Result<File> {
    let mut file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.rewind()?;
    Ok(file)
}

fn read_record(run: &mut BufReader<File>) -> io::Result<Option<Record>> {
    let mut length = [0u8; 4];
    match run.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let key_length = u32::from_le_bytes(length) as usize;
    run.read_exact(&mut length)?;
    let payload_length = u32::from_le_bytes(length) as usize;
    let (mut key, mut payload) = (vec![0; key_length], vec![0; payload_length]);
    run.read_exact(&mut key)?;
    run.read_exact(&mut payload)?;
    Ok(Some((key, payload)))
}

/// The head of a run; ordered by key, then by the run's age, so that equal keys keep their order.
struct Head {
    record: Record,
    run: usize,
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Head {}
impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        self.record.0.cmp(&other.record.0).then(self.run.cmp(&other.run))
    }
}

/// Merges sorted runs.
struct Merge {
    runs: Vec<BufReader<File>>,
    heads: BinaryHeap<Reverse<Head>>,
}

impl Merge {
    fn new(mut runs: Vec<BufReader<File>>) -> io::Result<Self> {
        let mut heads = BinaryHeap::with_capacity(runs.len());
        for (run, reader) in runs.iter_mut().enumerate() {
            heads.extend(read_record(reader)?.map(|record| Reverse(Head { record, run })));
        }
        Ok(Self { runs, heads })
    }

    fn next_record(&mut self) -> io::Result<Option<Record>> {
        let Some(Reverse(Head { record, run })) = self.heads.pop() else { return Ok(None) };
        if let Some(reader) = self.runs.get_mut(run) {
            self.heads.extend(read_record(reader)?.map(|record| Reverse(Head { record, run })));
        }
        Ok(Some(record))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn drain(sorter: Sorter) -> Vec<Record> {
        let mut sorted = sorter.sorted().unwrap();
        let mut once = || {
            let all: Vec<_> = std::iter::from_fn(|| sorted.next_record().unwrap()).collect();
            sorted.rewind().unwrap();
            all
        };
        let all = once();
        assert_eq!(once(), all);
        all
    }

    proptest! {
        #[test]
        fn spilling_changes_nothing(records in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..4), prop::collection::vec(any::<u8>(), 0..6)), 0..200), budget in 1usize..4000) {
            let folder = tempfile::tempdir().unwrap();
            let mut sorter = Sorter::new(budget, folder.path());
            for (key, payload) in &records {
                sorter.add(key, payload).unwrap();
            }
            let mut expected = records.clone();
            expected.sort_by(|a, b| a.0.cmp(&b.0));
            prop_assert_eq!(drain(sorter), expected);
            prop_assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        }
    }
}
