//! What keeps watched folders, or files in them, from being read, where other processes can see it.
//!
//! The daemon writes it into its data folder whenever it changes; `status` and `check` read it. It names files, whose names may be
//! persons', and is its owner's alone. What this is not: a part of the store; it may be deleted at any time. Next: [`mod@crate::daemon`].

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::Config;
use crate::intake::folder::{Board, Trouble};

/// Its name in the data folder.
const FILE: &str = "folders.json";

/// Writes it down.
pub(super) struct Watched {
    path: PathBuf,
    written: Option<Vec<Trouble>>,
}

impl Watched {
    pub(super) fn within(data_folder: &Path) -> Self {
        Self { path: data_folder.join(FILE), written: None }
    }

    /// Writes what is so, where that is not what was written last. What cannot be written is tried again the next time.
    pub(super) fn write(&mut self, boards: &[Arc<Board>]) {
        let mut now: Vec<Trouble> = boards.iter().map(|board| board.trouble()).collect();
        now.retain(|trouble| !trouble.is_none());
        if self.written.as_ref() == Some(&now) {
            return;
        }
        match self.replace(&now) {
            Ok(()) => self.written = Some(now),
            Err(error) => {
                tracing::debug!(kind = %error.kind(), "what keeps folders from being read cannot be written down")
            }
        }
    }

    fn replace(&self, now: &[Trouble]) -> io::Result<()> {
        if now.is_empty() {
            return match fs::remove_file(&self.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        let text = serde_json::to_vec_pretty(now).map_err(io::Error::other)?;
        let folder = self.path.parent().unwrap_or(Path::new("."));
        // Made for its owner alone.
        let mut file = tempfile::Builder::new().prefix(".folders-").tempfile_in(folder)?;
        file.write_all(&text)?;
        file.persist(&self.path).map(drop).map_err(|error| error.error)
    }
}

/// What the daemon saw last of the folders that are configured; without files that stand there no more.
#[must_use]
pub fn read(config: &Config) -> Vec<Trouble> {
    let Ok(text) = fs::read(config.data_folder.join(FILE)) else { return Vec::new() };
    let mut seen: Vec<Trouble> = serde_json::from_slice(&text).unwrap_or_default();
    for trouble in &mut seen {
        // A name that is no Unicode cannot be looked for.
        let may_stand = |path: &str| path.contains('\u{fffd}') || fs::symlink_metadata(path).is_ok();
        trouble.waiting.retain(|waiting| may_stand(&waiting.path));
    }
    let is_watched = |folder: &str| config.folders.iter().any(|one| one.path.display().to_string() == folder);
    seen.retain(|trouble| !trouble.is_none() && is_watched(&trouble.folder));
    seen
}
