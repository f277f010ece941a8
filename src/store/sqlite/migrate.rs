//! Forms of the store, and the way from each to the next.
//!
//! Each step is a file of SQL; what only the events say is filled in after them (`fill_in.rs`). All missing steps run in one transaction, after a copy of the store was made beside it. Invariant: a store
//! has the form its `user_version` names, whole, at every instant. Next: `mod.rs`.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};

use super::{fill_in, place};
use crate::store::StoreError;

/// The steps from an empty file to the form of this program.
pub(super) const STEPS: &[&str] = &[
    include_str!("schema/0001.sql"),
    include_str!("schema/0002.sql"),
    include_str!("schema/0003.sql"),
    include_str!("schema/0004.sql"),
    include_str!("schema/0005.sql"),
];

/// Says that a file is a store of this program: the bytes `spfh`.
const APPLICATION: i32 = 0x7370_6668;

type Result<T> = std::result::Result<T, StoreError>;

/// Which form a store has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Form {
    /// Its own; nought where nothing is in it yet.
    pub found: u32,
    /// That of this program.
    pub newest: u32,
}

impl Form {
    /// Refuses an older one, which is not for the asker to change.
    pub(super) fn is_newest_or_none(self, path: &Path) -> Result<()> {
        let Self { found, newest } = self;
        if found == 0 || found == newest {
            return Ok(());
        }
        Err(StoreError::Older { path: path.display().to_string(), found, known: newest })
    }
}

/// The form of a store, which is none of another program's and no newer one. Changes nothing.
pub(super) fn form(connection: &mut Connection, path: &Path, steps: &[&str]) -> Result<Form> {
    // Another process may be making it: all is asked of one instant.
    let moment = connection.transaction()?;
    let found = version(&moment)?;
    let program: i32 = moment.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let objects: i64 = moment.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let is_new = found == 0 && program == 0 && objects == 0;
    if program != APPLICATION && !is_new {
        let problem = "this is a database of another program, and was left as it is; name another folder for the store, \
                       or put the store back"
            .to_owned();
        return Err(StoreError::Place { path: path.display().to_string(), problem });
    }
    let newest = u32::try_from(steps.len()).unwrap_or(u32::MAX);
    if found > newest {
        return Err(StoreError::Newer { path: path.display().to_string(), found, known: newest });
    }
    Ok(Form { found, newest })
}

/// Brings a store to the newest form.
pub(super) fn migrate(connection: &mut Connection, path: &Path, steps: &[&str]) -> Result<()> {
    let Form { found, newest } = form(connection, path, steps)?;
    if found == newest {
        return Ok(());
    }
    if found > 0 {
        back_up(connection, path, newest)?;
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been here between the two looks.
    let found = version(&transaction)?;
    for step in steps.iter().skip(usize::try_from(found).unwrap_or(usize::MAX)) {
        transaction.execute_batch(step)?;
    }
    if (1..=fill_in::LAST_WITHOUT).contains(&found) {
        fill_in::fill_in(&transaction)?;
    }
    let broken: Option<String> = {
        let mut check = transaction.prepare("PRAGMA foreign_key_check")?;
        let mut rows = check.query([])?;
        rows.next()?.map(|row| row.get(0)).transpose()?
    };
    if broken.is_some() {
        return Err(StoreError::Damaged("rows that belong to nothing"));
    }
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", newest)?;
    transaction.commit()?;
    Ok(())
}

fn version(connection: &Connection) -> Result<u32> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// Copies the store to `NAME.before-N`, N being the form it will have.
fn back_up(connection: &Connection, path: &Path, newest: u32) -> Result<()> {
    copy_to(connection, path, &beside(path, &format!("before-{newest}")))
}

/// What a copy of a store is called whose own file was deleted or replaced.
pub(super) const RESCUED: &str = "rescued";

/// Copies a store whose file has gone to `NAME.rescued`, or to the first such name with a number that is free.
pub(super) fn rescue(connection: &Connection, path: &Path) -> Result<PathBuf> {
    if let Some(folder) = path.parent() {
        place::folder(folder)?;
    }
    let names = std::iter::once(RESCUED.to_owned()).chain((2..).map(|n| format!("{RESCUED}-{n}")));
    let mut free = names.map(|name| beside(path, &name)).filter(|to| !to.exists());
    let to = free.next().unwrap_or_else(|| beside(path, RESCUED));
    copy_to(connection, path, &to)?;
    Ok(to)
}

/// Copies a store. The copy appears only when it is complete.
fn copy_to(connection: &Connection, path: &Path, to: &Path) -> Result<()> {
    let io = |path: &Path, error: std::io::Error| StoreError::Place {
        path: path.display().to_string(),
        problem: place::in_words(&error),
    };
    let half = beside(path, "backup-in-work");
    match std::fs::remove_file(&half) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io(&half, error)),
        _ => {}
    }
    place::file(&half)?;
    {
        let mut copy = Connection::open(&half)?;
        let backup = rusqlite::backup::Backup::new(connection, &mut copy)?;
        // All pages in one step: the copy is of one instant.
        if backup.step(-1)? != rusqlite::backup::StepResult::Done {
            return Err(StoreError::Busy);
        }
    }
    std::fs::File::open(&half).and_then(|file| file.sync_all()).map_err(|error| io(&half, error))?;
    std::fs::rename(&half, to).map_err(|error| io(to, error))?;
    to.parent().map_or(Ok(()), place::sync)
}

/// `NAME.suffix` beside a file.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(suffix);
    path.with_file_name(name)
}
