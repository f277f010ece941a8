//! Brings the rows of one referral together, and finds referral ids that occur twice.
//!
//! Next: [`super::interpret`].

use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::profile::view::Bound;
use crate::source::Layout;

use super::sorter::{Sorted, Sorter};

/// Memory the sorters may use, in bytes, before they spill.
pub const SORT_BUDGET: usize = 24 << 20;

/// What every row of one file has in common.
#[derive(Clone)]
pub struct FileScene {
    /// The file's name as the user gave it.
    pub name: Arc<str>,
    /// How its records are parsed.
    pub layout: Arc<Layout>,
    /// Where the profile's columns are.
    pub bound: Arc<Bound>,
    /// Whether it is the earlier export of `--since`.
    pub previous: bool,
}

/// One row on its way to a worker.
#[derive(Clone)]
pub struct RowText {
    /// Index of its [`FileScene`].
    pub file: usize,
    /// Its number in the file.
    pub row: u64,
    /// Its text.
    pub text: String,
}

/// Sixteen bytes that stand for a text.
pub type Digest16 = [u8; 16];

/// A short hash of bytes: enough to tell millions of ids apart.
#[must_use]
pub fn digest16(bytes: &[u8]) -> Digest16 {
    let mut short = [0; 16];
    short.iter_mut().zip(Sha256::digest(bytes)).for_each(|(to, from)| *to = from);
    short
}

/// Groups rows by referral.
pub struct Grouper {
    sorter: Sorter,
}

impl Grouper {
    /// A grouper that spills into a folder.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { sorter: Sorter::new(SORT_BUDGET, folder) }
    }

    /// Adds a row. Rows without a key each stand alone, in their place.
    ///
    /// # Errors
    /// A spill file cannot be written.
    pub fn add(&mut self, key: Option<&[u8]>, row: &RowText) -> io::Result<()> {
        let file = u32::try_from(row.file).unwrap_or(u32::MAX);
        let mut payload = Vec::with_capacity(row.text.len() + 12);
        payload.extend_from_slice(&file.to_le_bytes());
        payload.extend_from_slice(&row.row.to_le_bytes());
        payload.extend_from_slice(row.text.as_bytes());
        let lone = || format!("\u{0}{file:08x}{:016x}", row.row).into_bytes();
        match key {
            Some(key) => self.sorter.add(key, &payload),
            None => self.sorter.add(&lone(), &payload),
        }
    }

    /// Ends adding.
    ///
    /// # Errors
    /// A spill file cannot be written or read.
    pub fn groups(self) -> io::Result<Groups> {
        let mut sorted = self.sorter.sorted()?;
        let ahead = sorted.next_record()?;
        Ok(Groups { sorted, ahead })
    }
}

/// Groups, in the order of their keys.
pub struct Groups {
    sorted: Sorted,
    ahead: Option<super::sorter::Record>,
}

impl Groups {
    /// The rows of the next referral, in the order of the input.
    ///
    /// # Errors
    /// A spill file cannot be read.
    pub fn next_group(&mut self) -> io::Result<Option<Vec<RowText>>> {
        let Some((key, payload)) = self.ahead.take() else { return Ok(None) };
        let mut rows: Vec<RowText> = decode(&payload).into_iter().collect();
        loop {
            match self.sorted.next_record()? {
                Some((next, payload)) if next == key => rows.extend(decode(&payload)),
                other => {
                    self.ahead = other;
                    return Ok(Some(rows));
                }
            }
        }
    }
}

fn decode(payload: &[u8]) -> Option<RowText> {
    let (file, rest) = payload.split_first_chunk::<4>()?;
    let (row, text) = rest.split_first_chunk::<8>()?;
    Some(RowText {
        file: usize::try_from(u32::from_le_bytes(*file)).ok()?,
        row: u64::from_le_bytes(*row),
        text: String::from_utf8(text.to_vec()).ok()?,
    })
}

/// Finds keys that occur more than once, in bounded memory.
pub struct DuplicateFinder {
    sorter: Sorter,
}

impl DuplicateFinder {
    /// A finder that spills into a folder.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { sorter: Sorter::new(SORT_BUDGET, folder) }
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
