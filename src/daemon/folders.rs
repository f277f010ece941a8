//! The folders of the daemon: made for their owner alone, and watched.
//!
//! Next: [`super::run`].

use std::path::Path;

use super::error::DaemonError;

/// Makes a folder, and those above it, with mode 0700 where they are new.
///
/// # Errors
/// It cannot be made.
pub fn private(path: &Path) -> Result<(), DaemonError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| DaemonError::io(path, error))
}
