//! The folders of the daemon, made for their owner alone.
//!
//! Next: [`super::run`].

use std::path::Path;

use crate::intake::folder::make_private;

use super::error::DaemonError;

/// Makes a folder, and those above it, with mode 0700 where they are new.
///
/// # Errors
/// It cannot be made.
pub fn private(path: &Path) -> Result<(), DaemonError> {
    make_private(path).map_err(|error| DaemonError::io(path, error))
}
