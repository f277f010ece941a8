//! [`Input`]: one file, standard input, or bytes in memory, by the name the user knows it by.
//!
//! What it is: a name and a way to open it, more than once where that is possible. What it is not: read; that
//! is [`super::reader`]. Invariant: the order of the files of a folder does not depend on the file system.

use std::fs::{self, File};
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::error::{SourceError, SourceErrorKind};

/// Endings of files that a folder's walk takes, before an optional `.gz` or `.zst`.
const ENDINGS: [&str; 9] = ["csv", "tsv", "tab", "txt", "xlsx", "xlsm", "json", "ndjson", "xml"];
/// Endings that other programs use for JSON lines.
const MORE_ENDINGS: [&str; 2] = ["jsonl", "geojsonl"];
/// How deep a folder is walked; a guard against loops, which links could make.
const MAX_FOLDERS: usize = 32;

/// One thing to read.
#[derive(Clone, Debug)]
pub struct Input {
    /// The path as given, or `-` for standard input.
    pub name: Arc<str>,
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    Path(PathBuf),
    Stdin,
    Spooled(Arc<Spool>),
    Bytes(Arc<[u8]>),
}

/// A file without a name, with its length: nobody finds it, and it goes with the process, however that ends.
#[derive(Debug)]
struct Spool {
    file: Mutex<File>,
    length: u64,
}

/// Reads a [`Spool`] from its beginning, whoever else reads it.
struct SpoolReader {
    spool: Arc<Spool>,
    at: u64,
}

impl Read for SpoolReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut file = self.spool.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.at))?;
        let read = file.read(into)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// What the walk over paths and folders found.
#[derive(Debug, Default)]
pub struct Found {
    /// The files to read, folders opened, in the order of the command line and sorted within a folder.
    pub inputs: Vec<Input>,
    /// Files inside folders that were passed over because their ending is none that is read here.
    pub passed_over: Vec<PathBuf>,
}

impl Input {
    /// A file.
    #[must_use]
    pub fn path(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self { name: Arc::from(path.to_string_lossy()), place: Place::Path(path) }
    }

    /// Standard input, which can be opened once.
    #[must_use]
    pub fn stdin() -> Self {
        Self { name: Arc::from("-"), place: Place::Stdin }
    }

    /// Bytes in memory, under a name for messages.
    #[must_use]
    pub fn bytes(name: &str, bytes: impl Into<Arc<[u8]>>) -> Self {
        Self { name: Arc::from(name), place: Place::Bytes(bytes.into()) }
    }

    /// Opens folders, keeps files, takes `-` as standard input.
    ///
    /// # Errors
    /// A path that does not exist or cannot be listed.
    pub fn find(paths: &[PathBuf]) -> Result<Found, SourceError> {
        let mut found = Found::default();
        for path in paths {
            if path.as_os_str() == "-" {
                found.inputs.push(Self::stdin());
            } else {
                let about = |e| SourceError::io(e).in_file(&Arc::from(path.to_string_lossy()));
                if fs::metadata(path).map_err(about)?.is_dir() {
                    walk(path, 0, &mut found).map_err(about)?;
                } else {
                    found.inputs.push(Self::path(path));
                }
            }
        }
        Ok(found)
    }

    /// Whether it can be opened a second time.
    #[must_use]
    pub fn is_repeatable(&self) -> bool {
        !matches!(self.place, Place::Stdin)
    }

    /// The size in bytes as stored (compressed, if it is), where that is known before reading.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        match &self.place {
            Place::Path(path) => fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|m| m.len()),
            Place::Spooled(spool) => Some(spool.length),
            Place::Bytes(bytes) => u64::try_from(bytes.len()).ok(),
            Place::Stdin => None,
        }
    }

    /// The ending of the name in lower case, without `.gz` or `.zst`.
    pub(crate) fn ending(&self) -> String {
        ending(&self.name)
    }

    pub(crate) fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(match &self.place {
            Place::Path(path) => Box::new(File::open(path)?),
            Place::Spooled(spool) => Box::new(SpoolReader { spool: Arc::clone(spool), at: 0 }),
            Place::Bytes(bytes) => Box::new(Cursor::new(Arc::clone(bytes))),
            Place::Stdin => Box::new(io::stdin()),
        })
    }
}

/// Copies a stream that can be read once into a file of its own (unnamed, and gone with the last [`Input`] that
/// has it), so that it can be read twice.
///
/// # Errors
/// The stream or the disk failed, or the stream is longer than `limit` bytes.
pub fn spool(mut from: impl Read, folder: &Path, limit: u64) -> Result<Input, SourceError> {
    let name: Arc<str> = Arc::from("-");
    let about = |e| SourceError::io(e).in_file(&name);
    let mut file = tempfile::tempfile_in(folder).map_err(about)?;
    let copied = io::copy(&mut (&mut from).take(limit.saturating_add(1)), &mut file).map_err(about)?;
    if copied > limit {
        let title = format!("more than {limit} bytes on standard input");
        return Err(SourceError::new(SourceErrorKind::TooLarge, title, "split the input").in_file(&name));
    }
    file.flush().map_err(about)?;
    let spool = Spool { file: Mutex::new(file), length: copied };
    Ok(Input { name: Arc::clone(&name), place: Place::Spooled(Arc::new(spool)) })
}

fn ending(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let bare = lower.strip_suffix(".gz").or_else(|| lower.strip_suffix(".zst")).unwrap_or(&lower);
    Path::new(bare).extension().map(|e| e.to_string_lossy().into_owned()).unwrap_or_default()
}

fn walk(folder: &Path, depth: usize, found: &mut Found) -> io::Result<()> {
    if depth > MAX_FOLDERS {
        return Err(io::Error::other("folders nested too deeply"));
    }
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        // Hidden files, and the lock files that office programs leave beside an open workbook.
        if name.starts_with('.') || name.starts_with("~$") {
            continue;
        }
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(&path, depth + 1, found)?;
        } else if kind.is_file() || fs::metadata(&path).is_ok_and(|m| m.is_file()) {
            let ending = ending(&name);
            if ENDINGS.contains(&ending.as_str()) || MORE_ENDINGS.contains(&ending.as_str()) {
                found.inputs.push(Input::path(path));
            } else {
                found.passed_over.push(path);
            }
        }
    }
    Ok(())
}
