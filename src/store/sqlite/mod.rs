//! [`SqliteStore`]: the store that keeps.
//!
//! One database file in a folder of its own, write-ahead log, every commit synchronised. What this is not: a thread;
//! [`super::keeper`] is. Invariant: an operation that failed left nothing, and a group in which the database itself
//! rolled back is never reported as written. Next: `tables.rs`.

mod entries;
mod fill_in;
mod history;
mod identity;
mod list;
mod look;
mod migrate;
mod open;
mod payload;
mod persons;
mod place;
mod referrals;
mod tables;
#[cfg(test)]
mod tests;
mod words;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

use super::StoreError;
use super::error::Trouble;
use super::rows::Rows;
use super::transactional::Transactional;
use identity::Identity;
pub use look::Found;
use open::Upgrade;
use tables::Tables;

/// The database's name in its folder.
pub const FILE: &str = "store.sqlite";

type Result<T> = std::result::Result<T, StoreError>;

/// The store that keeps.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Connection,
    path: PathBuf,
    /// The files it works on; of one that only reads, none.
    files: Option<Identity>,
    in_group: bool,
    /// The database rolled the running group back by itself.
    lost: Option<Loss>,
}

/// Why a group was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loss {
    /// The disk is full: the next group may go through.
    Full,
    /// Something else: what is on the disk is no longer certain.
    Other,
}

impl Loss {
    const fn error(self) -> StoreError {
        match self {
            Self::Full => StoreError::Full,
            Self::Other => StoreError::Stopped,
        }
    }
}

impl SqliteStore {
    /// Opens the store of a folder, made where it is absent, and brings it to the form of this program: for the daemon,
    /// or whoever else has the data folder to himself.
    ///
    /// # Errors
    /// Others can read the folder or its files, the SQLite library is too old, a newer program wrote the store, or
    /// the database cannot be used.
    pub fn open(folder: &Path) -> Result<Self> {
        Self::open_with(folder, migrate::STEPS, Upgrade::Yes)
    }

    /// As [`SqliteStore::open`], and refuses an older form as it is: for whoever works beside a daemon.
    ///
    /// # Errors
    /// As [`SqliteStore::open`], and [`StoreError::Older`].
    pub fn open_as_it_is(folder: &Path) -> Result<Self> {
        Self::open_with(folder, migrate::STEPS, Upgrade::No)
    }

    /// Opens the store of a folder for the questions that write nothing. Makes nothing: an absent store is read as an empty
    /// one. What would write is refused.
    ///
    /// # Errors
    /// As [`SqliteStore::open_as_it_is`].
    pub fn read(folder: &Path) -> Result<Self> {
        let (connection, path) = open::read(folder, migrate::STEPS)?;
        Ok(Self { connection, path, files: None, in_group: false, lost: None })
    }

    /// What the store of a folder is, found without writing anything; all of it is read, for at most so long.
    ///
    /// # Errors
    /// Others can read it, it is no store of this program, a newer one wrote it, or it is damaged.
    pub fn look_at(folder: &Path, patience: Duration) -> Result<Found> {
        look::look_at(folder, migrate::STEPS, patience)
    }

    fn open_with(folder: &Path, steps: &[&str], upgrade: Upgrade) -> Result<Self> {
        let (connection, path) = open::open(folder, steps, upgrade)?;
        let files = Some(Identity::of(&path));
        Ok(Self { connection, path, files, in_group: false, lost: None })
    }

    /// Refuses to go on with files that were deleted or replaced: what is written to them nobody would find again. What
    /// they hold is written to a new file beside, as long as this process still has them open.
    fn is_in_place(&self) -> Result<()> {
        let Some((lost, what)) = self.files.as_ref().and_then(Identity::lost) else { return Ok(()) };
        // Whoever closes the last connection removes the log by its name, which may be another's by now.
        let keeps = rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
        self.connection.set_db_config(keeps, true).map_err(|error| self.named(error))?;
        let saved = match migrate::rescue(&self.connection, &self.path) {
            Ok(copy) => format!("all that it held was written to {}", copy.display()),
            Err(error) => format!("what it held could not be saved: {error}"),
        };
        let path = lost.display().to_string();
        Err(StoreError::Unusable { path, trouble: Trouble::Gone, said: format!("{what}; {saved}") })
    }

    /// The database file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the whole database and says what is wrong with it; nothing when all is well. Takes minutes for
    /// millions of entries: for a connection of its own, never on the way to opening.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn quick_check(&self) -> Result<Vec<String>> {
        look::quick_check(&self.connection).map_err(|error| error.at(&self.path))
    }

    fn named(&self, error: rusqlite::Error) -> StoreError {
        StoreError::Database(error).at(&self.path)
    }

    /// Does something wholly or not at all. Outside of a group it is on the disk when this returns.
    fn in_savepoint<T>(&mut self, work: impl FnOnce(&mut Tables<'_>) -> Result<T>) -> Result<T> {
        if let Some(loss) = self.lost {
            return Err(loss.error());
        }
        let (begin, commit, undo) = if self.in_group {
            ("SAVEPOINT one", "RELEASE one", "ROLLBACK TO one; RELEASE one")
        } else {
            ("BEGIN IMMEDIATE", "COMMIT", "ROLLBACK")
        };
        let say = |word: &str| self.connection.prepare_cached(word)?.execute([]);
        say(begin).map_err(|error| self.named(error))?;
        let undo = Undo { connection: &self.connection, sql: Some(undo), lost: &mut self.lost };
        let done = work(&mut Tables::new(undo.connection))
            .and_then(|done| say(commit).map(|_| done).map_err(StoreError::from));
        match done {
            Ok(done) => {
                undo.keep();
                Ok(done)
            }
            Err(error) => {
                drop(undo);
                let error = error.at(&self.path);
                if self.lost.is_some() && matches!(error, StoreError::Full) {
                    self.lost = Some(Loss::Full);
                }
                Err(error)
            }
        }
    }
}

/// Undoes an operation that did not end well, by error or by panic.
struct Undo<'a> {
    connection: &'a Connection,
    sql: Option<&'static str>,
    lost: &'a mut Option<Loss>,
}

impl Undo<'_> {
    fn keep(mut self) {
        self.sql = None;
    }
}

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        let Some(sql) = self.sql else { return };
        // After some errors (disk full, input/output) SQLite has rolled everything back already, a whole group with it.
        let gone = self.connection.is_autocommit() || self.connection.execute_batch(sql).is_err();
        if gone && sql.contains("RELEASE") {
            *self.lost = Some(Loss::Other);
        }
    }
}

impl Transactional for SqliteStore {
    fn begin_group(&mut self) -> Result<()> {
        self.lost = None;
        self.is_in_place()?;
        self.connection.execute_batch("BEGIN IMMEDIATE").map_err(|error| self.named(error))?;
        self.in_group = true;
        Ok(())
    }

    fn end_group(&mut self) -> Result<()> {
        let rolled_back = self.connection.is_autocommit().then_some(Loss::Other);
        self.in_group = false;
        if let Some(loss) = self.lost.take().or(rolled_back) {
            if !self.connection.is_autocommit() {
                self.connection.execute_batch("ROLLBACK").map_err(|error| self.named(error))?;
            }
            return Err(loss.error());
        }
        self.connection.execute_batch("COMMIT").map_err(|error| {
            let _ = self.connection.execute_batch("ROLLBACK");
            self.named(error)
        })
    }

    fn whole<T>(&mut self, work: impl FnOnce(&mut dyn Rows) -> Result<T>) -> Result<T> {
        self.in_savepoint(|tables| work(tables))
    }

    fn look<T>(&mut self, work: impl FnOnce(&mut dyn Rows) -> Result<T>) -> Result<T> {
        work(&mut Tables::new(&self.connection)).map_err(|error| error.at(&self.path))
    }
}
