//! [`Lock`]: one daemon a data folder.
//!
//! The lock is the operating system's, on an open file: it goes with the process, however that ends. Commands that look
//! or decide (`outbox`, `status`, `send`) do not take it, but for as long as they bring an older store to its new form. Next: [`super::parts`].

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::path::Path;

use super::error::DaemonError;

/// The lock's name in the data folder.
pub const FILE: &str = "daemon.lock";
/// The name of the lock of those who pull: the daemon where an endpoint is pulled, else `sp-fhir pull`.
pub const PULL: &str = "pull.lock";

/// Held while a daemon works on a data folder.
#[derive(Debug)]
pub struct Lock(File);

impl Lock {
    /// Takes the lock of a data folder.
    ///
    /// # Errors
    /// Another process holds it, or the file cannot be written.
    pub fn take(folder: &Path) -> Result<Self, DaemonError> {
        Self::named(folder, FILE)?.ok_or_else(|| DaemonError::Running(folder.display().to_string()))
    }

    /// Takes the lock for pulling.
    ///
    /// # Errors
    /// Another process pulls, or the file cannot be written.
    pub fn pulling(folder: &Path) -> Result<Self, DaemonError> {
        Self::named(folder, PULL)?.ok_or_else(|| DaemonError::Pulling(folder.display().to_string()))
    }

    /// Whether a daemon works on a data folder. Makes nothing.
    #[must_use]
    pub fn is_held(folder: &Path) -> bool {
        let file = File::open(folder.join(FILE));
        file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// Takes a lock; nothing where another process holds it.
    fn named(folder: &Path, name: &str) -> Result<Option<Self>, DaemonError> {
        let path = folder.join(name);
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path).map_err(|error| DaemonError::io(&path, error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(DaemonError::io(&path, error)),
        }
        // For a person who wonders which process it is; nothing reads it.
        let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Some(Self(file)))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_daemon_is_refused_until_the_first_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!Lock::is_held(folder.path()));
        let first = Lock::take(folder.path()).unwrap();
        assert!(Lock::is_held(folder.path()));
        assert!(matches!(Lock::take(folder.path()), Err(DaemonError::Running(_))));
        let pulling = Lock::pulling(folder.path()).unwrap();
        assert!(matches!(Lock::pulling(folder.path()), Err(DaemonError::Pulling(_))));
        drop((first, pulling));
        assert!(!Lock::is_held(folder.path()));
        Lock::take(folder.path()).unwrap();
    }
}
