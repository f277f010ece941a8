//! [`Board`]: what a person should know of a watched folder: why it, or files in it, cannot be read.
//!
//! The watch writes it; readiness, metrics, and the file that `status` and `check` read are made from it. What this is not: a
//! log; it says what is so now. Invariant: notes name no file; only [`Trouble`] does, which is for the eyes of the operator. Next:
//! [`super::waits`].

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::config::Folder;

use super::aside::Refused;
use super::waits::Waits;
use super::{READING, why};

/// What keeps a folder, or files of it, from being read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// The watched folder.
    pub folder: String,
    /// Why it cannot be used at all, with what to do.
    pub unusable: Option<String>,
    /// Files that wait.
    pub waiting: Vec<Waiting>,
}

/// A file that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Where it stands. A name may be a person's: never for a log.
    pub path: String,
    /// Why it waits.
    pub why: String,
    /// What to do.
    pub remedy: String,
    /// Since when.
    pub since: String,
}

impl Trouble {
    /// Whether there is none.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.unusable.is_none() && self.waiting.is_empty()
    }
}

/// What a person should know of a watched folder.
#[derive(Debug)]
pub struct Board {
    folder: Folder,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    trouble: Trouble,
    refused: Refused,
}

impl Board {
    pub(super) fn new(folder: Folder) -> Self {
        let trouble = Trouble { folder: folder.path.display().to_string(), ..Trouble::default() };
        Self { folder, state: Mutex::new(State { trouble, refused: Refused::default() }) }
    }

    /// What keeps it, or files of it, from being read.
    #[must_use]
    pub fn trouble(&self) -> Trouble {
        self.lock().trouble.clone()
    }

    /// How many files wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.lock().trouble.waiting.len()
    }

    /// How many files stand in `refused` that were refused whole.
    #[must_use]
    pub fn refused_files(&self) -> usize {
        self.lock().refused.files
    }

    /// A line for each thing that a person should look at; by no file's name.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let state = self.lock();
        let shown = self.folder.path.display();
        let mut reasons: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for waiting in &state.trouble.waiting {
            *reasons.entry((&waiting.why, &waiting.remedy)).or_default() += 1;
        }
        let unusable = state.trouble.unusable.iter().map(|why| format!("watched folder {shown}: {why}"));
        let waiting = reasons.into_iter().map(|((why, remedy), files)| {
            format!("watched folder {shown}: files that wait: {files}: {why}; {remedy}")
        });
        let files = Some(state.refused.files).filter(|files| *files > 0);
        let refused = files.map(|files| {
            format!(
                "watched folder {shown}: files that were refused whole and stand in its `refused`: {files}"
            )
        });
        unusable.chain(waiting).chain(refused).collect()
    }

    /// Whether the folder can be used, and what of it waits.
    pub(super) fn shows(&self, unusable: Option<String>, waits: &Waits) {
        let waiting = waits.files().map(|(name, wait)| {
            let claimed = self.folder.path.join(READING).join(name);
            Waiting {
                // One that could not be claimed stands where it was put.
                path: if is_file(&claimed) { claimed } else { self.folder.path.join(name) }
                    .display()
                    .to_string(),
                why: wait.why.said.clone(),
                remedy: wait.why.remedy.to_owned(),
                since: wait.since.to_string(),
            }
        });
        let waiting = waiting.collect();
        let mut state = self.lock();
        state.trouble.unusable = unusable;
        state.trouble.waiting = waiting;
    }

    /// What stands in `refused`.
    pub(super) fn refused(&self, found: Refused) {
        self.lock().refused = found;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_file(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|found| found.is_file())
}

/// Why a folder cannot be used, with what to do.
pub(super) fn unusable(place: &Path, error: &io::Error) -> String {
    format!("{}: cannot be used ({}); {}", place.display(), error.kind(), why::remedy(error.kind()))
}
