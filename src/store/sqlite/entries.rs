//! Entries and their queues, in SQL.
//!
//! Questions about one referral's entries name their index and are sorted here, so that SQLite weighs no partial index
//! against it. That none is prepared again for a new value is seen to in `open.rs`; a test watches it. Invariant: after every
//! write, `head` stands on the first open entry of its referral and nowhere else. Next: `history.rs`.

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Params, params};
use uuid::Uuid;

use super::payload;
use super::tables::Tables;
use super::words::{COLUMNS, duration, nanoseconds, row as read, state};
use crate::outbox::{EntryId, Parcel, Reason};
use crate::store::row::Row;
use crate::store::rows::Result;

pub(super) fn add(tables: &Tables<'_>, mut row: Row, parcel: Option<&Parcel>) -> Result<Row> {
    tables.execute(
        "INSERT INTO entry (key, referral, event_id, event_type, endpoint, practice, state, reason, waived, attempts,
           has_request, token, owner, lease_until, next_at, accepted_at, changed_at, expires_at, keep_for)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
        params![
            row.key.into_bytes(),
            row.referral.into_bytes(),
            row.event_id,
            row.event_type.as_str(),
            row.endpoint,
            row.practice,
            row.state.as_str(),
            row.reason.map(Reason::as_str),
            waived(&row),
            row.attempts,
            row.has_request,
            row.token.cast_signed(),
            row.owner.cast_signed(),
            row.lease_until.map(nanoseconds),
            nanoseconds(row.next_at),
            nanoseconds(row.accepted_at),
            nanoseconds(row.changed_at),
            nanoseconds(row.expires_at),
            duration(row.keep_for),
        ],
    )?;
    row.id = tables.connection.last_insert_rowid();
    if let Some(parcel) = parcel {
        tables.put_content("parcel", row.id, Some(&payload::of_parcel(parcel)?))?;
    }
    set_head(tables, row.referral)?;
    Ok(row)
}

pub(super) fn row(tables: &Tables<'_>, id: EntryId) -> Result<Option<Row>> {
    Ok(some(tables, "NOT INDEXED WHERE id = ?1", [id])?.into_iter().next())
}

pub(super) fn rows_of(tables: &Tables<'_>, referral: Uuid) -> Result<Vec<Row>> {
    let mut rows = some(tables, "INDEXED BY entry_referral WHERE referral = ?1", [referral.into_bytes()])?;
    rows.sort_unstable_by_key(|row| row.id);
    Ok(rows)
}

pub(super) fn save(tables: &Tables<'_>, row: &Row) -> Result<()> {
    tables.execute(
        "UPDATE entry NOT INDEXED SET endpoint = ?2, practice = ?3, state = ?4, reason = ?5, waived = ?6, attempts = ?7,
           has_request = ?8, token = ?9, owner = ?10, lease_until = ?11, next_at = ?12, changed_at = ?13,
           expires_at = ?14, keep_for = ?15 WHERE id = ?1",
        params![
            row.id,
            row.endpoint,
            row.practice,
            row.state.as_str(),
            row.reason.map(Reason::as_str),
            waived(row),
            row.attempts,
            row.has_request,
            row.token.cast_signed(),
            row.owner.cast_signed(),
            row.lease_until.map(nanoseconds),
            nanoseconds(row.next_at),
            nanoseconds(row.changed_at),
            nanoseconds(row.expires_at),
            duration(row.keep_for),
        ],
    )?;
    set_head(tables, row.referral)
}

pub(super) fn first_open(tables: &Tables<'_>, referral: Uuid) -> Result<Option<EntryId>> {
    let mut ask = tables
        .connection
        .prepare_cached("SELECT id FROM entry INDEXED BY entry_referral WHERE referral = ?1 AND head = 1")?;
    Ok(ask.query_row([referral.into_bytes()], |row| row.get(0)).optional()?)
}

pub(super) fn due(tables: &Tables<'_>, endpoint: &str, now: Timestamp) -> Result<Option<Row>> {
    let which = "INDEXED BY entry_due
         WHERE endpoint = ?1 AND head = 1 AND state IN ('pending', 'unknown') AND next_at <= ?2 AND NOT EXISTS
           (SELECT 1 FROM entry AS other WHERE other.referral = due.referral AND other.state = 'in-flight')
         ORDER BY next_at, id LIMIT 1";
    Ok(some(tables, which, params![endpoint, nanoseconds(now)])?.into_iter().next())
}

pub(super) fn lost(tables: &Tables<'_>, now: Timestamp, limit: usize) -> Result<Vec<Row>> {
    let which = "INDEXED BY entry_flying
                 WHERE state = 'in-flight' AND lease_until <= ?1 ORDER BY lease_until, id LIMIT ?2";
    some(tables, which, params![nanoseconds(now), count(limit)])
}

pub(super) fn too_old(tables: &Tables<'_>, now: Timestamp, limit: usize) -> Result<Vec<Row>> {
    let which = "INDEXED BY entry_age
                 WHERE state IN ('pending', 'held') AND expires_at <= ?1 ORDER BY expires_at, id LIMIT ?2";
    some(tables, which, params![nanoseconds(now), count(limit)])
}

pub(super) fn held_due(tables: &Tables<'_>, now: Timestamp, limit: usize) -> Result<Vec<Row>> {
    let which = format!(
        "INDEXED BY entry_again WHERE state = 'held' AND reason IN ({PASSING}) AND next_at <= ?1
         ORDER BY next_at, id LIMIT ?2"
    );
    some(tables, &which, params![nanoseconds(now), count(limit)])
}

/// The reasons of which a held entry is planned again by itself, word for word as the index has them.
const PASSING: &str = "'needs-identity', 'no-consent', 'consent-unclear', 'protected', 'sensitive', 'future-date', \
     'two-persons', 'birth-dates-differ', 'nhs-numbers-differ', 'possible-duplicate', 'request-taken', 'no-endpoint', \
     'practice-changed', 'target-unknown'";

/// Entries, by the end of a question.
fn some(tables: &Tables<'_>, which: &str, params: impl Params) -> Result<Vec<Row>> {
    tables.list(&format!("SELECT {COLUMNS} FROM entry AS due {which}"), params, read)
}

fn set_head(tables: &Tables<'_>, referral: Uuid) -> Result<()> {
    let sql = "SELECT id, state, head FROM entry INDEXED BY entry_referral WHERE referral = ?1";
    let mut entries: Vec<(EntryId, bool, bool)> = tables.list(sql, [referral.into_bytes()], |row| {
        Ok((row.get(0)?, state(row.get_ref(1)?.as_str().unwrap_or_default())?.is_open(), row.get(2)?))
    })?;
    entries.sort_unstable_by_key(|(id, ..)| *id);
    let first = entries.iter().find(|(_, is_open, _)| *is_open).map(|(id, ..)| *id);
    for (id, _, head) in entries.iter().filter(|(id, _, head)| *head != (Some(*id) == first)) {
        tables.execute("UPDATE entry NOT INDEXED SET head = ?2 WHERE id = ?1", params![id, !head])?;
    }
    Ok(())
}

fn waived(row: &Row) -> String {
    let words: Vec<&str> = row.waived.iter().map(|reason| reason.as_str()).collect();
    words.join(" ")
}

fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::PASSING;
    use crate::outbox::Reason;

    #[test]
    fn the_index_of_what_passes_names_every_such_reason_and_no_other() {
        let passes = Reason::ALL.iter().filter(|(reason, ..)| reason.looks().is_by_itself());
        let words: Vec<String> = passes.map(|(_, word, ..)| format!("'{word}'")).collect();
        assert_eq!(words.join(", "), PASSING);
    }
}
