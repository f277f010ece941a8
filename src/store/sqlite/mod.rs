//! [`SqliteStore`]: the store that keeps.
//!
//! One database file in a folder of its own, write-ahead log, every commit synchronised. What this is not: a thread;
//! [`super::keeper`] is. Invariant: an operation that failed left nothing, and a group in which the database itself
//! rolled back is never reported as written. Next: `tables.rs`.

mod list;
mod migrate;
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

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::StoreError;
use super::rows::Rows;
use super::transactional::Transactional;
use tables::Tables;

/// The database's name in its folder.
pub const FILE: &str = "store.sqlite";

/// Older libraries can corrupt a database whose log is reset while another connection writes.
const OLDEST: i32 = 3_051_003;

type Result<T> = std::result::Result<T, StoreError>;

/// The store that keeps.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Connection,
    path: PathBuf,
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
    /// Opens the store of a folder, made where it is absent, and brings it to the form of this program.
    ///
    /// # Errors
    /// Others can read the folder or its files, the SQLite library is too old, a newer program wrote the store, or
    /// the database cannot be used.
    pub fn open(folder: &Path) -> Result<Self> {
        Self::open_with(folder, migrate::STEPS)
    }

    fn open_with(folder: &Path, steps: &[&str]) -> Result<Self> {
        refuse_old(rusqlite::version_number(), rusqlite::version())?;
        place::folder(folder)?;
        let path = folder.join(FILE);
        place::file(&path)?;
        for part in ["-wal", "-shm"] {
            let mut name = path.clone().into_os_string();
            name.push(part);
            place::check(Path::new(&name))?;
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&path, flags)?;
        prepare(&connection)?;
        migrate::migrate(&mut connection, &path, steps)?;
        Ok(Self { connection, path, in_group: false, lost: None })
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
        let mut check = self.connection.prepare("PRAGMA quick_check(20)")?;
        let found = check.query_map([], |row| row.get(0))?;
        let found = found.collect::<std::result::Result<Vec<String>, _>>()?;
        Ok(found.into_iter().filter(|line| line != "ok").collect())
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
        say(begin).map_err(known)?;
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
                let error = translate(error);
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
        self.connection.execute_batch("BEGIN IMMEDIATE").map_err(known)?;
        self.in_group = true;
        Ok(())
    }

    fn end_group(&mut self) -> Result<()> {
        let rolled_back = self.connection.is_autocommit().then_some(Loss::Other);
        self.in_group = false;
        if let Some(loss) = self.lost.take().or(rolled_back) {
            if !self.connection.is_autocommit() {
                self.connection.execute_batch("ROLLBACK")?;
            }
            return Err(loss.error());
        }
        self.connection.execute_batch("COMMIT").map_err(|error| {
            let _ = self.connection.execute_batch("ROLLBACK");
            known(error)
        })
    }

    fn whole<T>(&mut self, work: impl FnOnce(&mut dyn Rows) -> Result<T>) -> Result<T> {
        self.in_savepoint(|tables| work(tables))
    }

    fn look<T>(&mut self, work: impl FnOnce(&mut dyn Rows) -> Result<T>) -> Result<T> {
        work(&mut Tables::new(&self.connection))
    }
}

fn refuse_old(number: i32, text: &str) -> Result<()> {
    if number < OLDEST { Err(StoreError::OldSqlite(text.to_owned())) } else { Ok(()) }
}

/// What every connection is set to before anything else.
fn prepare(connection: &Connection) -> Result<()> {
    connection.busy_timeout(Duration::from_secs(5))?;
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    if !mode.eq_ignore_ascii_case("wal") {
        return Err(StoreError::Damaged("the database has no write-ahead log"));
    }
    connection.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;
         PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384;
         PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;
         PRAGMA journal_size_limit = 67108864;",
    )?;
    // Plans do not depend on the values that are bound. Else SQLite prepares a question again at each new value.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(())
}

/// The errors that the keeper tells apart.
fn known(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy,
        _ => StoreError::Database(error),
    }
}

fn translate(error: StoreError) -> StoreError {
    match error {
        StoreError::Database(error) => known(error),
        other => other,
    }
}
