//! [`SecretRef`] and [`Secret`]: tokens and keys, from a file or the environment, never from the configuration itself.
//!
//! A secret's file must be readable by its owner alone. It is read again when it changes, so that a secret is renewed
//! by replacing the file. What this is not: a vault. Invariant: no secret is printed by `Debug`, and none is given out
//! that could not be read just now: a file that was replaced by an unusable one gives an error, not the old secret.
//! Next: [`super::endpoint`].

use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use secrecy::SecretSlice;
use thiserror::Error;

/// A file larger than this is no secret.
const MAX_BYTES: u64 = 64 << 10;

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretRef {
    /// In a file of mode 0600 or less; white space around it does not count.
    File(PathBuf),
    /// In an environment variable.
    Environment(String),
}

/// Why a secret cannot be had. Never carries it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error(
        "{place}: cannot be read ({why}); put the secret there, for the user that runs sp-fhir alone, or name where it is"
    )]
    Unreadable {
        /// File or variable.
        place: String,
        /// What the system said.
        why: String,
    },
    /// Others may read the file.
    #[error("{place}: others may read it (mode {mode:04o}); chmod 600 it")]
    Open {
        /// The file.
        place: String,
        /// Its mode.
        mode: u32,
    },
    /// There is too little in it, or too much.
    #[error("{place}: {bytes} bytes; at least {least} are needed, for instance of `openssl rand -hex 32`")]
    Length {
        /// File or variable.
        place: String,
        /// What it holds.
        bytes: usize,
        /// What it must hold.
        least: usize,
    },
}

impl SecretRef {
    /// The file or variable, for people.
    #[must_use]
    pub fn place(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Environment(name) => format!("environment variable {name}"),
        }
    }

    /// Reads the secret.
    ///
    /// # Errors
    /// It cannot be read, others may read it, or it is shorter than `least` bytes.
    pub fn read(&self, least: usize) -> Result<SecretSlice<u8>, SecretError> {
        let unreadable = |why: String| SecretError::Unreadable { place: self.place(), why };
        let bytes = match self {
            Self::File(path) => {
                let metadata = fs::metadata(path).map_err(|error| unreadable(error.kind().to_string()))?;
                if !metadata.is_file() || metadata.len() > MAX_BYTES {
                    return Err(unreadable("not a small file".to_owned()));
                }
                if let Some(mode) = open_to_others(&metadata) {
                    return Err(SecretError::Open { place: self.place(), mode });
                }
                fs::read(path).map_err(|error| unreadable(error.kind().to_string()))?
            }
            Self::Environment(name) => {
                std::env::var(name).map_err(|_| unreadable("not set, or not UTF-8".to_owned()))?.into_bytes()
            }
        };
        let secret = bytes.trim_ascii();
        if secret.len() < least.max(1) {
            return Err(SecretError::Length {
                place: self.place(),
                bytes: secret.len(),
                least: least.max(1),
            });
        }
        let secret = SecretSlice::from(secret.to_vec());
        // What was read is wiped with its copy's end; this one goes now.
        drop(SecretSlice::from(bytes));
        Ok(secret)
    }

    /// What shows that the file was replaced.
    fn stamp(&self) -> Option<Stamp> {
        let Self::File(path) = self else { return None };
        let metadata = fs::metadata(path).ok()?;
        Some(Stamp {
            modified: metadata.modified().ok(),
            length: metadata.len(),
            inode: inode(&metadata),
            mode: open_to_others(&metadata),
        })
    }
}

#[cfg(unix)]
fn open_to_others(metadata: &fs::Metadata) -> Option<u32> {
    use std::os::unix::fs::MetadataExt as _;
    let mode = metadata.mode() & 0o7777;
    (mode & 0o077 != 0).then_some(mode)
}

#[cfg(not(unix))]
fn open_to_others(_: &fs::Metadata) -> Option<u32> {
    None
}

#[cfg(unix)]
fn inode(metadata: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn inode(_: &fs::Metadata) -> u64 {
    0
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    inode: u64,
    /// Where others may read it.
    mode: Option<u32>,
}

/// A secret that is read again when its file changes.
pub struct Secret {
    from: SecretRef,
    least: usize,
    held: Mutex<(Option<Stamp>, Arc<SecretSlice<u8>>)>,
}

impl Secret {
    /// Reads a secret of at least `least` bytes.
    ///
    /// # Errors
    /// As [`SecretRef::read`].
    pub fn open(from: SecretRef, least: usize) -> Result<Self, SecretError> {
        let stamp = from.stamp();
        let secret = from.read(least)?;
        Ok(Self { from, least, held: Mutex::new((stamp, Arc::new(secret))) })
    }

    /// The secret as it is now.
    ///
    /// # Errors
    /// The file changed and can no longer be used.
    pub fn current(&self) -> Result<Arc<SecretSlice<u8>>, SecretError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = self.from.stamp();
        let replaced = matches!(self.from, SecretRef::File(_)) && (stamp.is_none() || held.0 != stamp);
        if replaced {
            let secret = self.from.read(self.least)?;
            *held = (stamp, Arc::new(secret));
        }
        Ok(Arc::clone(&held.1))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({})", self.from.place())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;
    use std::io::Write as _;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    #[test]
    fn a_secret_is_read_again_when_its_file_is_replaced() {
        let file = file("  first-secret-of-16 \n");
        let secret = Secret::open(SecretRef::File(file.path().to_owned()), 16).unwrap();
        assert_eq!(secret.current().unwrap().expose_secret(), b"first-secret-of-16");
        fs::write(file.path(), "another-secret-of-some-length").unwrap();
        assert_eq!(secret.current().unwrap().expose_secret(), b"another-secret-of-some-length");
        fs::write(file.path(), "short").unwrap();
        assert!(matches!(secret.current(), Err(SecretError::Length { bytes: 5, least: 16, .. })));
        fs::remove_file(file.path()).unwrap();
        assert!(secret.current().is_err());
        assert!(!format!("{secret:?}").contains("secret-of"));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let file = file("a-secret-of-some-length");
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o640)).unwrap();
        let error = SecretRef::File(file.path().to_owned()).read(8).unwrap_err();
        assert_eq!(error, SecretError::Open { place: file.path().display().to_string(), mode: 0o640 });
        // Also one that was good when it was read.
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o600)).unwrap();
        let secret = Secret::open(SecretRef::File(file.path().to_owned()), 8).unwrap();
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(secret.current(), Err(SecretError::Open { mode: 0o644, .. })));
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o600)).unwrap();
        assert!(secret.current().is_ok());
    }

    #[test]
    fn a_variable_that_is_not_set_is_an_error() {
        let from = SecretRef::Environment("SP_FHIR_NO_SUCH_SECRET".into());
        assert!(from.read(1).unwrap_err().to_string().contains("SP_FHIR_NO_SUCH_SECRET"));
    }
}
