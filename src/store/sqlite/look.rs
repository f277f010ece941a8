//! [`look_at`]: what a store is, found without writing a byte, whether or not a daemon works on it.
//!
//! SQLite makes files beside a database even to read it, so that each of the three ways in which one can lie there is read
//! otherwise. What this is not: the way to read entries; that is `open.rs`. Next: `migrate.rs`.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, config::DbConfig};

use super::{FILE, Result, migrate, open, place};
use crate::store::StoreError;
use crate::store::error::Trouble;

/// What was found in a store's folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// No store yet, or one that was never finished: it is made at the start.
    None,
    /// A store of this program.
    Store {
        /// Its form.
        form: u32,
        /// The newest that this program knows; where the store is older, the daemon brings it there.
        newest: u32,
        /// Whether all of it was read; else time ran out, and nothing was wrong so far.
        is_all_read: bool,
    },
}

/// How the files lie there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Nobody has it open: one file.
    Closed,
    /// Somebody has it open, or ended without closing it: log and index are there.
    Open,
    /// Nobody has it open, and its log was not written back: a copy of what a killed process left.
    Left,
}

/// Looks at the store of a folder, and reads the whole of it for at most so long.
///
/// # Errors
/// Others can read it, it is no store of this program, a newer one wrote it, or it is damaged.
pub(super) fn look_at(folder: &Path, steps: &[&str], patience: Duration) -> Result<Found> {
    open::refuse_old(rusqlite::version_number(), rusqlite::version())?;
    if folder.exists() {
        place::private_folder(folder)?;
    }
    let path = folder.join(FILE);
    // Once more where the database was opened or closed by somebody meanwhile.
    for _ in 0..3 {
        open::has_its_log(&path)?;
        open::is_not_rescued(&path)?;
        open::private_parts(&path)?;
        let Some(way) = way(&path) else { return Ok(Found::None) };
        let found = read(&path, way, steps, patience);
        if self::way(&path) == Some(way) {
            return found.map_err(|error| error.at(&path));
        }
    }
    Err(StoreError::Busy)
}

fn way(path: &Path) -> Option<Way> {
    let is_empty = std::fs::metadata(path).map_or(true, |found| found.len() == 0);
    match (is_empty, open::log(path).exists(), open::index(path).exists()) {
        (true, ..) => None,
        (_, false, _) => Some(Way::Closed),
        (_, true, true) => Some(Way::Open),
        (_, true, false) => Some(Way::Left),
    }
}

fn read(path: &Path, way: Way, steps: &[&str], patience: Duration) -> Result<Found> {
    let options = match way {
        Way::Closed => "mode=ro&immutable=1",
        Way::Open => "mode=ro&readonly_shm=1",
        // The index is made in memory, which SQLite does for one that has the database to itself.
        Way::Left if cfg!(unix) => "mode=ro&vfs=unix-none",
        Way::Left => "mode=ro",
    };
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let mut connection = Connection::open_with_flags(address(path.as_os_str(), options), flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    if way == Way::Left && cfg!(unix) {
        connection.execute_batch("PRAGMA locking_mode = EXCLUSIVE")?;
    }
    let form = migrate::form(&mut connection, path, steps)?;
    if form.found == 0 {
        return Ok(Found::None);
    }
    let is_all_read = is_whole(&connection, path, patience)?;
    Ok(Found::Store { form: form.found, newest: form.newest, is_all_read })
}

/// Reads everything and refuses what cannot be right. Says whether time was enough.
fn is_whole(connection: &Connection, path: &Path, patience: Duration) -> Result<bool> {
    let interrupt = connection.get_interrupt_handle();
    let (done, is_done) = mpsc::channel::<()>();
    let timer = std::thread::Builder::new().spawn(move || {
        if is_done.recv_timeout(patience) == Err(mpsc::RecvTimeoutError::Timeout) {
            interrupt.interrupt();
        }
    });
    let found = quick_check(connection);
    drop(done);
    if let Ok(timer) = timer {
        let _ = timer.join();
    }
    match found {
        Ok(found) => match found.first() {
            None => Ok(true),
            Some(first) => {
                let said = first.lines().last().unwrap_or_default().to_owned();
                let path = path.display().to_string();
                Err(StoreError::Unusable { path, trouble: Trouble::Damaged, said })
            }
        },
        Err(StoreError::Database(error))
            if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// What is wrong with a database, at most twenty things.
pub(super) fn quick_check(connection: &Connection) -> Result<Vec<String>> {
    let mut check = connection.prepare("PRAGMA quick_check(20)")?;
    let found = check.query_map([], |row| row.get(0))?;
    let found = found.collect::<std::result::Result<Vec<String>, _>>()?;
    Ok(found.into_iter().filter(|line| line != "ok").collect())
}

/// A file's name as SQLite's URI.
fn address(path: &OsStr, options: &str) -> String {
    let mut address = "file:".to_owned();
    if cfg!(not(unix)) {
        address.push('/');
    }
    for byte in path.as_encoded_bytes() {
        match byte {
            b'\\' if cfg!(not(unix)) => address.push('/'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                address.push(char::from(*byte));
            }
            _ => {
                let _ = write!(address, "%{byte:02X}");
            }
        }
    }
    address + "?" + options
}
