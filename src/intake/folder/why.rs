//! [`Why`]: why a file waits, in words that name nobody.
//!
//! What this is not: a [`ConvertError`], which says the file's name, and a name may be a person's. Invariant: nothing here holds a
//! name or a value of the file. Next: [`super::waits`].

use std::error::Error as _;
use std::io::{self, ErrorKind as K};

use crate::convert::ConvertError;
use crate::store::StoreError;

/// Why a file waits, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Why {
    pub(super) said: String,
    pub(super) remedy: &'static str,
    /// Whether every other file of the folder would wait for the same.
    pub(super) is_everyones: bool,
}

impl Why {
    pub(super) fn changed() -> Self {
        Self {
            said: "it was changed while it was read".to_owned(),
            remedy: "have the sender give a file its name when it is whole (until then `.part`), or make `settle` longer",
            is_everyones: false,
        }
    }

    pub(super) fn store(error: &StoreError) -> Self {
        let (remedy, is_everyones) = match error {
            StoreError::Full => ("make room; it goes on by itself", true),
            // The content of this one file may be what it stopped at.
            StoreError::Panicked => ("report it with `sp-fhir --version`", false),
            _ => ("see what the log says of the store, and `sp-fhir check`", true),
        };
        Self { said: error.to_string(), remedy, is_everyones }
    }

    /// Of a file that cannot be read. Also where there is no room for what is kept beside it meanwhile.
    pub(super) fn unread(error: &ConvertError) -> Self {
        Self::of("it cannot be read", kind(error))
    }

    /// Of a file that was read and cannot be put away.
    pub(super) fn unmoved(error: &ConvertError) -> Self {
        Self::of("it was read, and cannot be moved to `done` or `refused`", kind(error))
    }

    /// Of a file that cannot be taken out of the watched folder.
    pub(super) fn untaken(error: &io::Error) -> Self {
        Self::of("it cannot be moved to `.reading` to be read", error.kind())
    }

    fn of(what: &str, kind: K) -> Self {
        Self { said: format!("{what} ({kind})"), remedy: remedy(kind), is_everyones: is_full(kind) }
    }
}

fn is_full(kind: K) -> bool {
    matches!(kind, K::StorageFull | K::QuotaExceeded)
}

/// What to do about a file or folder that the system refuses.
pub(super) fn remedy(kind: K) -> &'static str {
    match kind {
        _ if is_full(kind) => "make room; it goes on by itself",
        K::PermissionDenied => {
            "give it, and the folders that it goes through, to the user that runs the daemon"
        }
        K::ReadOnlyFilesystem => "the disk is read-only: have it mounted for writing",
        K::NotFound => "see that the folder, `done` and `refused` are there and their disk is mounted",
        K::NotADirectory | K::IsADirectory | K::AlreadyExists | K::DirectoryNotEmpty => {
            "a file stands where a folder should, or a folder where a file should: move it away"
        }
        K::InvalidFilename => "its name is too long, or none for this disk: give it another",
        _ => "look at it, at the folders that it goes through, and at the disk",
    }
}

/// What the system said.
fn kind(error: &ConvertError) -> K {
    let source = match error {
        ConvertError::Write { source, .. } => Some(source),
        ConvertError::Source(error) => error.source().and_then(|source| source.downcast_ref()),
        _ => None,
    };
    source.map_or(K::Other, io::Error::kind)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn it_says_the_kind_of_error_and_no_name() {
        let error = ConvertError::write(Path::new("/inbox/done/Canarysmith.csv"), K::PermissionDenied.into());
        let why = Why::unmoved(&error);
        assert!(why.said.contains("permission denied") && !why.said.contains("Canary"), "{why:?}");
        assert!(!why.is_everyones && why.remedy.contains("the user that runs the daemon"), "{why:?}");
        let full = ConvertError::write(Path::new("/inbox/done/a.csv"), K::StorageFull.into());
        assert!(Why::unread(&full).is_everyones);
        assert!(Why::store(&StoreError::Stopped).is_everyones);
    }
}
