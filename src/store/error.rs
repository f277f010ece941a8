//! [`StoreError`]: why the store cannot be used. Next: [`super::types`].

use thiserror::Error;

/// Why the store cannot be used. Never carries a value of a person.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database refused.
    #[error("the store cannot be used: {0}")]
    Database(#[from] rusqlite::Error),
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
        "the store has format {found}; this sp-fhir reads up to {known}. Install the newer sp-fhir again"
    )]
    Newer {
        /// Its format.
        found: u32,
        /// The newest that this program reads.
        known: u32,
    },
    /// What is stored cannot be read back: the disk or a person changed it.
    #[error("the store holds something that cannot be read: {0}. Stop, keep a copy, and restore a backup")]
    Damaged(&'static str),
    /// The disk is full; nothing was written.
    #[error("the disk is full; nothing was written")]
    Full,
    /// The work handed to the writing thread panicked; nothing of the operation it was in was written.
    #[error("an operation on the store stopped with a defect; report it with `sp-fhir --version`")]
    Panicked,
    /// The queue of the writing thread is full.
    #[error("the store is busy")]
    Busy,
    /// The writing thread has stopped, because the disk refused.
    #[error("the store has stopped")]
    Stopped,
}
