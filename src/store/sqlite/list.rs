//! Questions about many entries, and what is kept by name. Next: [`crate::store::keeper`].

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, params};
use uuid::Uuid;

use super::tables::Tables;
use super::words::{COLUMNS, instant, nanoseconds, row, state};
use crate::endpoint::Known;
use crate::outbox::{Entry, State};
use crate::store::row::Row;
use crate::store::rows::{Result, Rows as _};
use crate::store::{Filter, StoreError};

/// Entries by number. One question a state, so that each goes by an index.
pub(super) fn entries(tables: &mut Tables<'_>, filter: &Filter<'_>) -> Result<Vec<Entry>> {
    let states: Vec<Option<State>> = match filter.states {
        [] => vec![None],
        states => states.iter().copied().map(Some).collect(),
    };
    let mut found: Vec<Row> = Vec::new();
    for state in states {
        let which = if state.is_some() { "state = ?1" } else { "?1 IS NULL" };
        let sql = format!(
            "SELECT {COLUMNS} FROM entry WHERE {which} AND id > ?2 AND (?3 IS NULL OR reason = ?3) \
             AND (?4 IS NULL OR endpoint = ?4) ORDER BY id LIMIT ?5"
        );
        let mut ask = tables.connection.prepare_cached(&sql)?;
        let limit = i64::try_from(filter.limit).unwrap_or(i64::MAX);
        let state = state.map(State::as_str);
        let reason = filter.reason.map(crate::outbox::Reason::as_str);
        let mut rows = ask.query(params![state, filter.after, reason, filter.endpoint, limit])?;
        while let Some(next) = rows.next()? {
            found.push(row(next)?);
        }
    }
    found.sort_by_key(|row| row.id);
    found.dedup_by_key(|row| row.id);
    found.truncate(filter.limit);
    found.iter().map(|row| Ok(row.entry(tables.first_open(row.referral)?))).collect()
}

pub(super) fn counts(tables: &Tables<'_>) -> Result<BTreeMap<(String, State), u64>> {
    let mut ask =
        tables.connection.prepare_cached("SELECT endpoint, state, entries FROM tally WHERE entries <> 0")?;
    let mut rows = ask.query([])?;
    let mut counts = BTreeMap::new();
    while let Some(next) = rows.next()? {
        let word: String = next.get(1)?;
        let entries: i64 = next.get(2)?;
        let entries = u64::try_from(entries).map_err(|_| StoreError::Damaged("a count"))?;
        counts.insert((next.get(0)?, state(&word)?), entries);
    }
    Ok(counts)
}

pub(super) fn next_due(tables: &Tables<'_>, endpoint: &str) -> Result<Option<Timestamp>> {
    let mut ask = tables.connection.prepare_cached(
        "SELECT next_at FROM entry AS due INDEXED BY entry_due
         WHERE endpoint = ?1 AND head = 1 AND state IN ('pending', 'unknown') AND NOT EXISTS
           (SELECT 1 FROM entry AS other WHERE other.referral = due.referral AND other.state = 'in-flight')
         ORDER BY next_at LIMIT 1",
    )?;
    ask.query_row([endpoint], |row| row.get(0)).optional()?.map(instant).transpose()
}

pub(super) fn note(tables: &Tables<'_>, name: &str) -> Result<Option<String>> {
    let mut ask = tables.connection.prepare_cached("SELECT word FROM note WHERE name = ?1")?;
    Ok(ask.query_row([name], |row| row.get(0)).optional()?)
}

pub(super) fn set_note(tables: &Tables<'_>, name: &str, word: &str) -> Result<()> {
    let sql = "INSERT INTO note VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET word = excluded.word";
    tables.connection.prepare_cached(sql)?.execute([name, word])?;
    Ok(())
}

pub(super) fn see(
    tables: &Tables<'_>,
    kind: &str,
    key: &str,
    until: Timestamp,
    now: Timestamp,
) -> Result<bool> {
    let sql = "INSERT INTO seen VALUES (?1, ?2, ?3)
               ON CONFLICT (kind, key) DO UPDATE SET until = excluded.until WHERE seen.until < ?4";
    let params = params![kind, key, nanoseconds(until), nanoseconds(now)];
    Ok(tables.connection.prepare_cached(sql)?.execute(params)? == 1)
}

pub(super) fn seen(tables: &Tables<'_>, kind: &str, key: &str, now: Timestamp) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM seen WHERE kind = ?1 AND key = ?2 AND until >= ?3)";
    let mut ask = tables.connection.prepare_cached(sql)?;
    Ok(ask.query_row(params![kind, key, nanoseconds(now)], |row| row.get(0))?)
}

pub(super) fn ours(
    tables: &mut Tables<'_>,
    endpoint: &str,
    resource_type: &str,
    uuid: &str,
) -> Result<Option<Vec<Known>>> {
    let sql = "SELECT referral FROM resource WHERE uuid = ?1 AND type = ?2 AND endpoint = ?3
               ORDER BY referral LIMIT 1";
    let mut ask = tables.connection.prepare_cached(sql)?;
    let found = ask.query_row([uuid, resource_type, endpoint], |row| row.get(0)).optional()?;
    let Some(referral) = found.map(Uuid::from_bytes) else { return Ok(None) };
    drop(ask);
    let is_under_way = |row: &Row| matches!(row.state, State::InFlight | State::Unknown);
    if tables.rows_of(referral)?.iter().any(is_under_way) {
        return Ok(Some(Vec::new()));
    }
    tables.known(referral, endpoint).map(Some)
}

/// Asked seldom, of what bears a name like ours and is not known; so there is no index for it.
pub(super) fn has_source(tables: &Tables<'_>, source: &str) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM referral WHERE source = ?1)";
    let mut ask = tables.connection.prepare_cached(sql)?;
    Ok(ask.query_row([source], |row| row.get(0))?)
}
