//! One file, read where it is and left there: what `sp-fhir send` does.
//!
//! Next: [`super`].

use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::convert::{ConvertError, Report};
use crate::profile::Profile;
use crate::store::StoreError;

use super::read::{self, FileRead, NotRead};
use super::{Parts, Shared};

/// Reads files one after another and hands over everything in them.
pub struct Once {
    shared: Arc<Shared>,
}

/// Why a file was not taken, or not to its end. What was taken before stays; sending the file again changes nothing
/// of it.
#[derive(Debug, Error)]
pub enum OnceError {
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] ConvertError),
    /// It was changed while it was read.
    #[error("the file was changed while it was read; send it again")]
    Changed,
    /// The store refuses.
    #[error(transparent)]
    Store(StoreError),
}

impl Once {
    /// Reads with a profile, or without one what names itself; spills into a folder.
    #[must_use]
    pub fn new(profile: Option<Arc<Profile>>, parts: Parts, temporary: PathBuf) -> Self {
        let Parts { identities, codeset, keep, clock, turns: _ } = parts;
        Self { shared: Arc::new(Shared { profile, codeset, identities, keep, clock, temporary }) }
    }

    /// Reads a file and hands over everything in it. Refused rows go to `rejects`, where one is named, in the file's
    /// own form. Blocking; within a runtime.
    ///
    /// # Errors
    /// [`OnceError`].
    pub fn read(&self, path: &Path, rejects: Option<&Path>, handle: &Handle) -> Result<Report, OnceError> {
        let (_never, stop) = watch::channel(false);
        let name = path.display().to_string();
        let read = read::file(&self.shared, path, &name, handle, &stop);
        let FileRead { report, refused, layout } = read.map_err(|error| match error {
            NotRead::Unreadable(error) => OnceError::File(error),
            NotRead::Changed | NotRead::Stopping => OnceError::Changed,
            NotRead::Store(error) => OnceError::Store(error),
        })?;
        if let Some(rejects) = rejects.filter(|_| !refused.is_empty()) {
            refused.write(rejects, &layout)?;
        }
        Ok(report)
    }
}
