//! Files and folders on the disk: made for their owner alone, listed, moved without replacing anything.
//!
//! Next: [`super::read`].

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::config::Folder;

/// What shows that a file was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
    inode: u64,
}

/// A file's stamp; nothing when it is no regular file (a link is none).
pub(super) fn stamp(path: &Path) -> io::Result<Option<Stamp>> {
    let metadata = fs::symlink_metadata(path)?;
    if !metadata.is_file() {
        return Ok(None);
    }
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(&metadata);
    #[cfg(not(unix))]
    let inode = 0;
    Ok(Some(Stamp { length: metadata.len(), modified: metadata.modified().ok(), inode }))
}

/// Makes a folder, and what is missing above it, for its owner alone. One that is there stays as it is.
///
/// # Errors
/// It cannot be made.
pub fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Regular files of a folder in the order of their names, without hidden ones, unfinished ones (`.part`) and the lock
/// files of office programs.
pub(super) fn files(folder: &Path) -> io::Result<Vec<(OsString, Stamp)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if is_passed_over(&name) {
            continue;
        }
        // One that went away meanwhile is no fault.
        if let Ok(Some(stamp)) = stamp(&entry.path()) {
            found.push((name, stamp));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

/// What stands in a watched folder and is never read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NeverRead {
    /// Folders, but for those of its own that hold what was read.
    pub folders: usize,
    /// Links, and what else is no regular file.
    pub links: usize,
}

impl NeverRead {
    /// Whether there is more than before.
    pub(super) const fn is_more(self, before: Self) -> bool {
        self.folders > before.folders || self.links > before.links
    }
}

/// Counts what stands in a watched folder and is never read, without what is hidden.
///
/// # Errors
/// The folder cannot be read.
pub fn never_read(watched: &Folder) -> io::Result<NeverRead> {
    let mut found = NeverRead::default();
    for entry in fs::read_dir(&watched.path)? {
        let entry = entry?;
        let Ok(kind) = entry.file_type() else { continue };
        let path = entry.path();
        let is_own = watched.done.starts_with(&path) || watched.refused.starts_with(&path);
        match (is_passed_over(&entry.file_name()), kind.is_file(), kind.is_dir()) {
            (true, ..) | (_, true, _) => {}
            (.., true) if is_own => {}
            (.., true) => found.folders += 1,
            _ => found.links += 1,
        }
    }
    Ok(found)
}

fn is_passed_over(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with('.') || name.starts_with("~$") || name.to_ascii_lowercase().ends_with(".part")
}

/// The longest name in bytes that leaves room, within the 255 of most file systems, for the day, a number and `.reasons.json`.
const LONGEST: usize = 200;
/// So much of a name's end is kept when it is shortened: what stands after the dots says what it is.
const ENDING: usize = 16;

/// A name that has room for what is put before and after it; one that is too long loses its middle.
pub(super) fn shortened(name: &str) -> String {
    if name.len() <= LONGEST {
        return name.to_owned();
    }
    let end = name.get(name.ceil_char_boundary(name.len() - ENDING)..).unwrap_or_default();
    let end = end.find('.').and_then(|dot| end.get(dot..)).unwrap_or_default();
    let start = name.get(..name.floor_char_boundary(LONGEST - ENDING)).unwrap_or_default();
    format!("{start}~{end}")
}

/// A path in a folder that nothing has yet: `NAME`, else `2-NAME`, `3-NAME`…
pub(super) fn free(folder: &Path, name: &str) -> PathBuf {
    let first = folder.join(name);
    if !taken(&first) {
        return first;
    }
    (2_u32..).map(|n| folder.join(format!("{n}-{name}"))).find(|path| !taken(path)).unwrap_or(first)
}

fn taken(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Moves a file, also to another file system.
pub(super) fn relocate(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            let mut part = to.as_os_str().to_owned();
            part.push(".part");
            let part = PathBuf::from(part);
            fs::copy(from, &part)?;
            fs::File::open(&part)?.sync_all()?;
            fs::rename(&part, to)?;
            fs::remove_file(from)
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_keeps_its_beginning_and_what_says_its_kind() {
        assert_eq!(shortened("a.csv"), "a.csv");
        for (name, kept) in [("é".repeat(120) + ".ndjson.gz", "~.ndjson.gz"), ("x".repeat(255), "~")] {
            let short = shortened(&name);
            assert!(short.len() <= LONGEST + 1 && short.ends_with(kept), "{short}");
            assert!(name.starts_with(short.trim_end_matches(kept)) && short.len() > 180, "{short}");
        }
    }
}
