//! Brings the rows of one referral together, and says what rows and their places are.
//!
//! Next: [`super::interpret`].

use std::io;
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::profile::view::Bound;
use crate::source::Layout;

use super::sorter::{Sorted, Sorter};

/// Memory the sorters may use, in bytes, before they spill.
pub const SORT_BUDGET: usize = 16 << 20;

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
    /// Which of the exports of `--since`, oldest first; 0 where it is not one.
    pub export: usize,
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

/// Where a row stands. Places order as the rows were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// Index of its file.
    pub file: u32,
    /// Its number in the file.
    pub row: u64,
}

impl Place {
    /// The place of a row of a file.
    #[must_use]
    pub fn new(file: usize, row: u64) -> Self {
        Self { file: u32::try_from(file).unwrap_or(u32::MAX), row }
    }

    /// The index of its file.
    #[must_use]
    pub fn file(&self) -> usize {
        usize::try_from(self.file).unwrap_or(usize::MAX)
    }

    /// Bytes that sort like places.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 12] {
        let mut bytes = [0; 12];
        let parts = self.file.to_be_bytes().into_iter().chain(self.row.to_be_bytes());
        bytes.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        bytes
    }

    /// The place of which these are the bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 12]) -> Self {
        let (mut file, mut row) = ([0; 4], [0; 8]);
        let to = file.iter_mut().chain(&mut row);
        to.zip(bytes).for_each(|(to, from)| *to = from);
        Self { file: u32::from_be_bytes(file), row: u64::from_be_bytes(row) }
    }
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
        let place = Place::new(row.file, row.row);
        let mut payload = Vec::with_capacity(row.text.len() + 12);
        payload.extend_from_slice(&place.to_bytes());
        payload.extend_from_slice(row.text.as_bytes());
        let lone = || format!("\u{0}{:08x}{:016x}", place.file, place.row).into_bytes();
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
    /// Begins again with the first referral.
    ///
    /// # Errors
    /// A spill file cannot be read.
    pub fn rewind(&mut self) -> io::Result<()> {
        self.sorted.rewind()?;
        self.ahead = self.sorted.next_record()?;
        Ok(())
    }

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
    let (place, text) = payload.split_first_chunk::<12>()?;
    let place = Place::from_bytes(*place);
    Some(RowText { file: place.file(), row: place.row, text: String::from_utf8(text.to_vec()).ok()? })
}
