//! [`Mark`]: which file is being read, so that one that ends the process again and again is known.
//!
//! It is a hidden file beside the one that is read: its name, and how many processes in a row ended while they read it.
//! What this is not: a proof; a process may be killed while it reads a file that is well. Invariant: there is no mark while no file
//! is read. Next: [`super::read`].

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

const FILE: &str = ".being-read";

/// After so many processes in a row a file is set aside.
pub(super) const MOST: u32 = 2;

/// The mark of a folder.
pub(super) struct Mark {
    path: PathBuf,
}

impl Mark {
    pub(super) fn of(reading: &Path) -> Self {
        Self { path: reading.join(FILE) }
    }

    /// The file that the last process was reading when it ended, and how many in a row ended so.
    pub(super) fn left(&self) -> Option<(String, u32)> {
        let text = fs::read_to_string(&self.path).ok()?;
        let (died, name) = text.split_once('\n')?;
        Some((name.to_owned(), died.parse::<u32>().ok()?.saturating_add(1)))
    }

    /// A file is about to be read. Not synchronised: it must outlive the process, not the machine.
    pub(super) fn begin(&self, name: &str, died: u32) -> io::Result<()> {
        let mut options = fs::OpenOptions::new();
        options.create(true).truncate(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&self.path)?.write_all(format!("{died}\n{name}").as_bytes())
    }

    /// It was read, or left, by a process that lives.
    pub(super) fn end(&self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_the_processes_that_ended() {
        let folder = tempfile::tempdir().unwrap();
        let mark = Mark::of(folder.path());
        assert_eq!(mark.left(), None);
        mark.begin("a\nb.csv", 0).unwrap();
        assert_eq!(mark.left(), Some(("a\nb.csv".to_owned(), 1)));
        mark.begin("c.csv", 1).unwrap();
        assert_eq!(mark.left(), Some(("c.csv".to_owned(), 2)));
        mark.end();
        assert_eq!(mark.left(), None);
    }
}
