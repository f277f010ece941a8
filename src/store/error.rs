//! [`StoreError`]: why the store cannot be used. Next: [`super::types`].

use std::fmt;
use std::path::Path;

use rusqlite::ErrorCode;
use thiserror::Error;

/// Why the store cannot be used. Never carries a value of a person.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database refused. Whoever knows its file says [`StoreError::Unusable`] instead.
    #[error("the store cannot be used: {0}")]
    Database(#[from] rusqlite::Error),
    /// The database file cannot be used.
    #[error("{path}: {trouble} ({said}). {}", .trouble.remedy())]
    Unusable {
        /// The file.
        path: String,
        /// What is wrong with it.
        trouble: Trouble,
        /// What the database said, or what was found.
        said: String,
    },
    /// The folder or file is not as it must be.
    #[error("{path}: {problem}")]
    Place {
        /// The file or folder.
        path: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// The SQLite library has the write-ahead-log defect that 3.51.3 mended.
    #[error("SQLite {0} can corrupt a store in use; 3.51.3 or later is needed")]
    OldSqlite(String),
    /// The store was written by a newer sp-fhir.
    #[error(
        "{path}: the store has format {found}; this sp-fhir reads up to {known}. Install the newer sp-fhir again"
    )]
    Newer {
        /// The file.
        path: String,
        /// Its format.
        found: u32,
        /// The newest that this program reads.
        known: u32,
    },
    /// The store was written by an older sp-fhir, and is not for the asker to change.
    #[error(
        "{path}: the store has format {found} and this sp-fhir works with format {known}. The daemon brings it there \
         at its start: (re)start the daemon with this version, or use the version that the daemon runs"
    )]
    Older {
        /// The file.
        path: String,
        /// Its format.
        found: u32,
        /// That of this program.
        known: u32,
    },
    /// What is stored cannot be read back: the disk or a person changed it. Whoever knows the file says
    /// [`StoreError::Unusable`] instead.
    #[error("the store holds something that cannot be read: {0}. Stop, keep a copy, and restore a backup")]
    Damaged(&'static str),
    /// The disk is full; nothing was written.
    #[error("the disk is full; nothing was written")]
    Full,
    /// The work handed to the writing thread panicked; nothing of the operation it was in was written.
    #[error("an operation on the store stopped with a defect; report it with `sp-fhir --version`")]
    Panicked,
    /// The queue of the writing thread is full, or another process is writing.
    #[error("the store is busy")]
    Busy,
    /// The writing thread has stopped, because the disk refused.
    #[error("the store has stopped")]
    Stopped,
}

/// What is wrong with a database file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Not a database at all.
    NoDatabase,
    /// A database whose pages cannot be right.
    Damaged,
    /// A database whose content is none that this program writes.
    Unreadable,
    /// The log of what was written last was taken away.
    NoLog,
    /// It was deleted or replaced while it was in use, or what was saved of it then waits for a person.
    Gone,
    /// The disk gave an error.
    Disk,
    /// The system lets us not open, read or write it.
    Closed,
    /// Anything else.
    Refused,
}

impl Trouble {
    /// What to do about it.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::NoDatabase | Self::Damaged | Self::Unreadable | Self::NoLog => {
                "Nothing was changed. Keep a copy of the whole folder before anything else; then see \"the store cannot \
                 be read\" in docs/OPERATIONS.md"
            }
            Self::Gone => {
                "Nothing more is taken in. See \"the store was deleted or replaced\" in docs/OPERATIONS.md before anything is \
                 started again"
            }
            Self::Disk => "Look at the disk before anything is started again",
            Self::Closed => {
                "Check that its file system can be written, and that file and folder belong to the user who runs \
                 sp-fhir"
            }
            Self::Refused => "If it happens again, report it with `sp-fhir --version`",
        }
    }

    fn of(error: &rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NoDatabase,
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged,
            Some(ErrorCode::SystemIoFailure) => Self::Disk,
            Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::Closed,
            _ => Self::Refused,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoDatabase => "this is no database: it was overwritten, or never was the store",
            Self::Damaged => "the database is damaged",
            Self::Unreadable => "the store holds something that cannot be read",
            Self::NoLog => "what was written last is missing",
            Self::Gone => "it was deleted or replaced while it was in use",
            Self::Disk => "the disk refuses",
            Self::Closed => "it cannot be opened or written",
            Self::Refused => "the database refuses",
        })
    }
}

impl StoreError {
    /// The error of a database file, by name; those that pass stay what they are.
    pub(super) fn at(self, path: &Path) -> Self {
        let (trouble, said) = match self {
            Self::Database(error) => match error.sqlite_error_code() {
                Some(ErrorCode::DiskFull) => return Self::Full,
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => return Self::Busy,
                _ => (Trouble::of(&error), error.to_string()),
            },
            Self::Damaged(what) => (Trouble::Unreadable, what.to_owned()),
            other => return other,
        };
        Self::Unusable { path: path.display().to_string(), trouble, said }
    }
}
