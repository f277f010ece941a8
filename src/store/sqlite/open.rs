//! Opening a database file: what is looked at before anything of it is changed, and what every connection is set to.
//!
//! Invariant: what is no store of this program, or lacks its log, is refused untouched. Next: `migrate.rs`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::{FILE, Result, migrate, place};
use crate::store::StoreError;
use crate::store::error::Trouble;

/// Older libraries can corrupt a database whose log is reset while another connection writes.
const OLDEST: i32 = 3_051_003;
/// So long another process that writes is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// What becomes of a store of an older form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Upgrade {
    /// It is brought to the newest.
    Yes,
    /// It is refused: somebody else works with it as it is.
    No,
}

/// Opens the store of a folder for writing, made where it is absent.
pub(super) fn open(folder: &Path, steps: &[&str], upgrade: Upgrade) -> Result<(Connection, PathBuf)> {
    refuse_old(rusqlite::version_number(), rusqlite::version())?;
    place::folder(folder)?;
    let path = folder.join(FILE);
    has_its_log(&path)?;
    is_not_rescued(&path)?;
    place::file(&path).map_err(|error| of_opening(error, &path, place::is_full))?;
    private_parts(&path)?;
    let open = || -> Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&path, flags)?;
        connection.busy_timeout(PATIENCE)?;
        let form = migrate::form(&mut connection, &path, steps)?;
        if upgrade == Upgrade::No {
            form.is_newest_or_none(&path)?;
        }
        prepare(&connection)?;
        migrate::migrate(&mut connection, &path, steps)?;
        Ok(connection)
    };
    let connection = open().map_err(|error| of_opening(error.at(&path), &path, place::is_full))?;
    Ok((connection, path))
}

/// An error of opening. SQLite tells a full disk in several ways then, and one of them reads as if the disk were broken.
fn of_opening(error: StoreError, path: &Path, is_full: impl Fn(&Path) -> bool) -> StoreError {
    let is = match &error {
        StoreError::Full => true,
        StoreError::Unusable { trouble: Trouble::Disk, .. } => path.parent().is_some_and(is_full),
        _ => false,
    };
    if !is {
        return error;
    }
    let problem = "the disk is full, so that the store cannot be opened; nothing was changed. Make room, then start again";
    StoreError::Place { path: path.display().to_string(), problem: problem.to_owned() }
}

/// Refuses to begin an empty store where the last one was deleted under a running daemon, and what it held lies beside.
pub(super) fn is_not_rescued(path: &Path) -> Result<()> {
    let rescued = migrate::beside(path, migrate::RESCUED);
    if path.exists() || !rescued.exists() {
        return Ok(());
    }
    let said = format!("all that it held is in {}", rescued.display());
    Err(StoreError::Unusable { path: path.display().to_string(), trouble: Trouble::Gone, said })
}

/// Opens the store of a folder for looking at entries. Nothing is made, and an older form is refused as it is; where
/// there is no store yet, this is an empty one that is nowhere.
pub(super) fn read(folder: &Path, steps: &[&str]) -> Result<(Connection, PathBuf)> {
    refuse_old(rusqlite::version_number(), rusqlite::version())?;
    let path = folder.join(FILE);
    let nothing = || -> Result<Connection> {
        let mut connection = Connection::open_in_memory()?;
        migrate::migrate(&mut connection, &path, steps)?;
        Ok(connection)
    };
    let open = || -> Result<Connection> {
        if !path.exists() {
            return nothing();
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&path, flags)?;
        connection.busy_timeout(PATIENCE)?;
        let form = migrate::form(&mut connection, &path, steps)?;
        form.is_newest_or_none(&path)?;
        if form.found == 0 {
            return nothing();
        }
        connection.execute_batch("PRAGMA query_only = ON")?;
        settings(&connection)?;
        Ok(connection)
    };
    if folder.exists() {
        place::private_folder(folder)?;
    }
    has_its_log(&path)?;
    is_not_rescued(&path)?;
    private_parts(&path)?;
    let connection = open().map_err(|error| of_opening(error.at(&path), &path, place::is_full))?;
    Ok((connection, path))
}

pub(super) fn refuse_old(number: i32, text: &str) -> Result<()> {
    if number < OLDEST { Err(StoreError::OldSqlite(text.to_owned())) } else { Ok(()) }
}

/// Others may read none of the database's files.
pub(super) fn private_parts(path: &Path) -> Result<()> {
    place::check(path)?;
    place::check(&log(path))?;
    place::check(&index(path))
}

/// The write-ahead log.
pub(super) fn log(path: &Path) -> PathBuf {
    part(path, "-wal")
}

/// The log's index, shared by the processes that have the database open.
pub(super) fn index(path: &Path) -> PathBuf {
    part(path, "-shm")
}

fn part(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(ending);
    name.into()
}

/// Refuses a database whose log was taken away, where that can be seen. Who closes the database removes the index first
/// and the log after it, so that an index without a log is by a person's hand; and a database of no bytes never had a log.
pub(super) fn has_its_log(path: &Path) -> Result<()> {
    let length = |path: &Path| std::fs::metadata(path).ok().map(|found| found.len());
    let said = match (length(path), length(&log(path)), length(&index(path))) {
        (Some(_), None, Some(_)) => "it was not closed, and its log store.sqlite-wal is not beside it",
        (None | Some(0), Some(1..), _) => {
            "its log store.sqlite-wal is there and the database is empty or absent"
        }
        _ => return Ok(()),
    };
    let path = path.display().to_string();
    Err(StoreError::Unusable { path, trouble: Trouble::NoLog, said: said.to_owned() })
}

/// What every connection that writes is set to before anything else.
fn prepare(connection: &Connection) -> Result<()> {
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    if !mode.eq_ignore_ascii_case("wal") {
        return Err(StoreError::Damaged("the database has no write-ahead log"));
    }
    connection.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;
         PRAGMA foreign_keys = ON; PRAGMA journal_size_limit = 67108864;",
    )?;
    settings(connection)
}

/// What every connection is set to.
fn settings(connection: &Connection) -> Result<()> {
    connection.execute_batch(
        "PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384;
         PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;",
    )?;
    // Plans do not depend on the values that are bound. Else SQLite prepares a question again at each new value.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_said_of_the_file_that_cannot_be_opened_and_a_broken_one_is_not_called_full() {
        let path = Path::new("/data/store/store.sqlite");
        let failed = |code| {
            StoreError::Database(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None))
        };
        let (shm, full) = (rusqlite::ffi::SQLITE_IOERR_SHMSIZE, rusqlite::ffi::SQLITE_FULL);
        for (code, disk_is_full, said) in
            [(shm, true, "is full"), (full, false, "is full"), (shm, false, "disk refuses")]
        {
            let error = of_opening(failed(code).at(path), path, |_| disk_is_full).to_string();
            assert!(error.starts_with("/data/store/store.sqlite: ") && error.contains(said), "{error}");
            assert_eq!(error.contains("Make room"), said == "is full", "{error}");
        }
    }
}
