//! Files and folders on the disk: made for their owner alone, listed, moved without replacing anything.
//!
//! Next: [`super::read`].

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};

use crate::config::Folder;
use crate::event::hash::hex;

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

/// Makes what is missing inside a watched folder. The folder itself, and others outside it, are waited for: where one is
/// gone, so may be the disk that it was on, and what is made in its place would hide what comes back. Without `done` and `refused`
/// files are read all the same, and wait to be put away.
pub(super) fn make_again(watched: &Folder) -> Result<(), (PathBuf, io::Error)> {
    fs::metadata(&watched.path).map_err(|error| (watched.path.clone(), error))?;
    for place in [&watched.done, &watched.refused] {
        if place.starts_with(&watched.path) && !taken(place) {
            let _ = make_private(place);
        }
    }
    let reading = watched.path.join(super::READING);
    make_private(&reading).map_err(|error| (reading, error))
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
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => copy_over(from, to),
        other => other,
    }
}

/// Where a file stands until it is whole on another file system. One name for each watched folder: whatever a try or a process
/// leaves, the next one replaces, and what comes from another folder has another.
fn on_its_way(from: &Path, to: &Path) -> PathBuf {
    let folder = from.parent().unwrap_or(from).as_os_str().as_encoded_bytes();
    let tag = hex(Sha256::digest(folder).get(..4).unwrap_or_default());
    to.with_file_name(format!(".sp-fhir-on-its-way-{tag}.part"))
}

fn copy_over(from: &Path, to: &Path) -> io::Result<()> {
    let part = on_its_way(from, to);
    let copy = || -> io::Result<()> {
        match fs::remove_file(&part) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut out = options.open(&part)?;
        io::copy(&mut fs::File::open(from)?, &mut out)?;
        out.sync_all()?;
        fs::rename(&part, to)?;
        fs::remove_file(from)
    };
    copy().inspect_err(|_| drop(fs::remove_file(&part)))
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

    #[test]
    fn what_goes_to_another_disk_is_its_owners_alone_and_leaves_nothing_half_written() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let names = || -> Vec<OsString> {
            fs::read_dir(to.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect()
        };
        let file = from.path().join("a.csv");
        fs::write(&file, "a").unwrap();
        // Left by a process that ended; and a place that cannot be taken, because a folder stands there.
        fs::write(on_its_way(&file, &to.path().join("a.csv")), "half of another").unwrap();
        let taken = to.path().join("taken");
        fs::create_dir_all(taken.join("inner")).unwrap();
        for _ in 0..3 {
            copy_over(&file, &taken).unwrap_err();
            assert_eq!(names(), ["taken"]);
        }
        copy_over(&file, &to.path().join("b.csv")).unwrap();
        assert!(!file.exists() && names().len() == 2);
        assert_eq!(fs::read(to.path().join("b.csv")).unwrap(), b"a");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(to.path().join("b.csv")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
