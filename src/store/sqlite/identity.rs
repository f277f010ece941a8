//! [`Identity`]: which files a connection works on, so that it is noticed when somebody deletes or replaces them.
//!
//! A database that was deleted goes on to be written by whoever has it open, and is gone when that process ends. What this
//! is not: a look into the files. Next: `mod.rs`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::open;

/// The files as they were found when they were opened.
#[derive(Clone, Debug)]
pub(super) struct Identity(Vec<(PathBuf, FileId)>);

/// Device and inode; where there is nothing of the kind, only that it is there.
type FileId = (u64, u64);

impl Identity {
    /// Of a database that was just opened, and of its log.
    pub(super) fn of(path: &Path) -> Self {
        let found = [path.to_owned(), open::log(path)].into_iter();
        Self(found.filter_map(|file| id(&file).ok().map(|id| (file, id))).collect())
    }

    /// The first file that is not there any more, and whether another has its name.
    pub(super) fn lost(&self) -> Option<(&Path, &'static str)> {
        self.0.iter().find_map(|(file, was)| match id(file) {
            Ok(now) if now == *was => None,
            Ok(_) => Some((file.as_path(), "another file has its name")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some((file.as_path(), "it is gone")),
            // Not to be told now; reading and writing will.
            Err(_) => None,
        })
    }
}

#[cfg(unix)]
fn id(path: &Path) -> io::Result<FileId> {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(path).map(|found| (found.dev(), found.ino()))
}

#[cfg(not(unix))]
fn id(path: &Path) -> io::Result<FileId> {
    fs::metadata(path).map(|_| (0, 0))
}
