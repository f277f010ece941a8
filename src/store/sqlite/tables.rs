//! [`Tables`]: the plain reading and writing in SQL.
//!
//! What this is not: a transaction; whoever makes it holds one. Invariant: after every write, `head` stands on the
//! first open entry of its referral and nowhere else. Next: `words.rs`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension as _, Params, params};
use uuid::Uuid;

use super::words::{COLUMNS, duration, instant, nanoseconds, row, state};
use super::{list, payload, persons, referrals};
use crate::endpoint;
use crate::event::ReferralEvent;
use crate::outbox::{Entry, EntryId, Parcel, Placed, Reason, State};
use crate::plan::Doubt;
use crate::plan::known::PersonKey;
use crate::store::row::{Referral, Row};
use crate::store::rows::{Result, Rows};
use crate::store::{Attempt, AuditLine, Filter, StoreError};

/// The tables of a connection.
///
/// Questions about one referral's entries name their index and are sorted here. Without that SQLite weighs the partial
/// indexes, and prepares the question again whenever a value changes; a test watches it.
pub(super) struct Tables<'c> {
    pub(super) connection: &'c Connection,
}

impl<'c> Tables<'c> {
    pub(super) const fn new(connection: &'c Connection) -> Self {
        Self { connection }
    }

    pub(super) fn execute(&self, sql: &str, params: impl Params) -> Result<usize> {
        Ok(self.connection.prepare_cached(sql)?.execute(params)?)
    }

    pub(super) fn list<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl Fn(&rusqlite::Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut ask = self.connection.prepare_cached(sql)?;
        let mut rows = ask.query(params)?;
        let mut found = Vec::new();
        while let Some(next) = rows.next()? {
            found.push(read(next)?);
        }
        Ok(found)
    }

    /// Entries, by the end of a question.
    fn some(&self, which: &str, params: impl Params) -> Result<Vec<Row>> {
        self.list(&format!("SELECT {COLUMNS} FROM entry AS due {which}"), params, row)
    }

    fn content(&self, column: &str, id: EntryId) -> Result<Option<Vec<u8>>> {
        let sql = format!("SELECT {column} FROM content WHERE entry = ?1");
        let found = self.connection.prepare_cached(&sql)?.query_row([id], |row| row.get(0)).optional()?;
        Ok(found.flatten())
    }

    fn put_content(&self, column: &str, id: EntryId, bytes: Option<&[u8]>) -> Result<()> {
        let sql = format!(
            "INSERT INTO content (entry, {column}) VALUES (?1, ?2) \
             ON CONFLICT (entry) DO UPDATE SET {column} = excluded.{column}"
        );
        self.execute(&sql, params![id, bytes]).map(drop)
    }

    fn set_head(&self, referral: Uuid) -> Result<()> {
        let sql = "SELECT id, state, head FROM entry INDEXED BY entry_referral WHERE referral = ?1";
        let mut entries: Vec<(EntryId, bool, bool)> = self.list(sql, [referral.into_bytes()], |row| {
            Ok((row.get(0)?, state(row.get_ref(1)?.as_str().unwrap_or_default())?.is_open(), row.get(2)?))
        })?;
        entries.sort_unstable_by_key(|(id, ..)| *id);
        let first = entries.iter().find(|(_, is_open, _)| *is_open).map(|(id, ..)| *id);
        for (id, _, head) in entries.iter().filter(|(id, _, head)| *head != (Some(*id) == first)) {
            self.execute("UPDATE entry NOT INDEXED SET head = ?2 WHERE id = ?1", params![id, !head])?;
        }
        Ok(())
    }
}

impl Rows for Tables<'_> {
    fn referral(&mut self, id: Uuid) -> Result<Option<Referral>> {
        referrals::referral(self, id)
    }

    fn put_referral(&mut self, id: Uuid, referral: &Referral) -> Result<()> {
        referrals::put_referral(self, id, referral)
    }

    fn events(&mut self, referral: Uuid) -> Result<Vec<(ReferralEvent, u32)>> {
        referrals::events(self, referral)
    }

    fn earlier(&mut self, referral: Uuid) -> Result<Vec<ReferralEvent>> {
        referrals::earlier(self, referral)
    }

    fn add_event(&mut self, referral: Uuid, event: &ReferralEvent, revision: u32) -> Result<()> {
        referrals::add_event(self, referral, event, revision)
    }

    fn put_record(&mut self, referral: Uuid, event: &ReferralEvent, revision: u32) -> Result<()> {
        referrals::put_record(self, referral, event, revision)
    }

    fn others(&mut self, referral: Uuid, source: &str, persons: &[PersonKey]) -> Result<Vec<Uuid>> {
        persons::others(self, referral, source, persons)
    }

    fn twins(&mut self, source: &str, number: PersonKey) -> Result<Vec<Date>> {
        persons::twins(self, source, number)
    }

    fn numbered(&mut self, referral: Uuid, number: PersonKey) -> Result<Vec<Uuid>> {
        persons::numbered(self, referral, number)
    }

    fn asking(&mut self, request: PersonKey) -> Result<Vec<Uuid>> {
        persons::asking(self, request)
    }

    fn add_doubt(&mut self, doubt: &Doubt, day: Date) -> Result<()> {
        persons::add_doubt(self, doubt, day)
    }

    fn doubted(&mut self, keys: &[PersonKey]) -> Result<Option<Date>> {
        persons::doubted(self, keys)
    }

    fn mend(&mut self, records: &[PersonKey]) -> Result<Vec<PersonKey>> {
        persons::mend(self, records)
    }

    fn concerned(&mut self, key: PersonKey) -> Result<Vec<Uuid>> {
        persons::concerned(self, key)
    }

    fn add(&mut self, mut row: Row, parcel: Option<&Parcel>) -> Result<Row> {
        self.execute(
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
        row.id = self.connection.last_insert_rowid();
        if let Some(parcel) = parcel {
            self.put_parcel(row.id, parcel)?;
        }
        self.set_head(row.referral)?;
        Ok(row)
    }

    fn row(&mut self, id: EntryId) -> Result<Option<Row>> {
        Ok(self.some("NOT INDEXED WHERE id = ?1", [id])?.into_iter().next())
    }

    fn rows_of(&mut self, referral: Uuid) -> Result<Vec<Row>> {
        let mut rows = self.some("INDEXED BY entry_referral WHERE referral = ?1", [referral.into_bytes()])?;
        rows.sort_unstable_by_key(|row| row.id);
        Ok(rows)
    }

    fn save(&mut self, row: &Row) -> Result<()> {
        self.execute(
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
        self.set_head(row.referral)
    }

    fn first_open(&mut self, referral: Uuid) -> Result<Option<EntryId>> {
        let mut ask = self.connection.prepare_cached(
            "SELECT id FROM entry INDEXED BY entry_referral WHERE referral = ?1 AND head = 1",
        )?;
        Ok(ask.query_row([referral.into_bytes()], |row| row.get(0)).optional()?)
    }

    fn parcel(&mut self, id: EntryId) -> Result<Option<Parcel>> {
        self.content("parcel", id)?.map(|bytes| payload::parcel(&bytes)).transpose()
    }

    fn put_parcel(&mut self, id: EntryId, parcel: &Parcel) -> Result<()> {
        self.put_content("parcel", id, Some(&payload::of_parcel(parcel)?))
    }

    fn request(&mut self, id: EntryId) -> Result<Option<String>> {
        self.content("request", id)?.map(|bytes| payload::request(&bytes)).transpose()
    }

    fn put_request(&mut self, id: EntryId, request: Option<&str>) -> Result<()> {
        self.put_content("request", id, request.map(payload::of_request).as_deref())
    }

    fn due(&mut self, endpoint: &str, now: Timestamp) -> Result<Option<Row>> {
        let which = "INDEXED BY entry_due
             WHERE endpoint = ?1 AND head = 1 AND state IN ('pending', 'unknown') AND next_at <= ?2 AND NOT EXISTS
               (SELECT 1 FROM entry AS other WHERE other.referral = due.referral AND other.state = 'in-flight')
             ORDER BY next_at, id LIMIT 1";
        Ok(self.some(which, params![endpoint, nanoseconds(now)])?.into_iter().next())
    }

    fn lost(&mut self, now: Timestamp, limit: usize) -> Result<Vec<Row>> {
        let which = "INDEXED BY entry_flying
                     WHERE state = 'in-flight' AND lease_until <= ?1 ORDER BY lease_until, id LIMIT ?2";
        self.some(which, params![nanoseconds(now), count(limit)])
    }

    fn too_old(&mut self, now: Timestamp, limit: usize) -> Result<Vec<Row>> {
        let which = "INDEXED BY entry_age
                     WHERE state IN ('pending', 'held') AND expires_at <= ?1 ORDER BY expires_at, id LIMIT ?2";
        self.some(which, params![nanoseconds(now), count(limit)])
    }

    fn held_due(&mut self, now: Timestamp, limit: usize) -> Result<Vec<Row>> {
        let which = "INDEXED BY entry_again
                     WHERE state = 'held' AND reason IN ('future-date', 'no-endpoint') AND next_at <= ?1
                     ORDER BY next_at, id LIMIT ?2";
        self.some(which, params![nanoseconds(now), count(limit)])
    }

    fn attempts(&mut self, id: EntryId) -> Result<Vec<Attempt>> {
        let sql = "SELECT number, started_at, ended_at, outcome, reason, status, codes FROM attempt
                   WHERE entry = ?1 ORDER BY number";
        self.list(sql, [id], |row| {
            Ok(Attempt {
                number: row.get(0)?,
                started_at: instant(row.get(1)?)?,
                ended_at: row.get::<_, Option<i64>>(2)?.map(instant).transpose()?,
                outcome: row.get(3)?,
                reason: row.get(4)?,
                status: row.get(5)?,
                codes: serde_json::from_str(&row.get::<_, String>(6)?)
                    .map_err(|_| StoreError::Damaged("codes of an answer"))?,
            })
        })
    }

    fn put_attempt(&mut self, id: EntryId, attempt: &Attempt) -> Result<()> {
        self.execute(
            "INSERT OR REPLACE INTO attempt VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                id,
                attempt.number,
                nanoseconds(attempt.started_at),
                attempt.ended_at.map(nanoseconds),
                attempt.outcome,
                attempt.reason,
                attempt.status,
                serde_json::to_string(&attempt.codes).unwrap_or_else(|_| "[]".to_owned()),
            ],
        )
        .map(drop)
    }

    fn audit(&mut self, id: EntryId) -> Result<Vec<AuditLine>> {
        let sql = "SELECT at, actor, action, reason FROM audit WHERE entry = ?1 ORDER BY id";
        self.list(sql, [id], |row| {
            Ok(AuditLine {
                at: instant(row.get(0)?)?,
                actor: row.get(1)?,
                action: row.get(2)?,
                reason: row.get(3)?,
            })
        })
    }

    fn add_audit(&mut self, id: EntryId, line: &AuditLine) -> Result<()> {
        let sql = "INSERT INTO audit (entry, at, actor, action, reason) VALUES (?1, ?2, ?3, ?4, ?5)";
        self.execute(sql, params![id, nanoseconds(line.at), line.actor, line.action, line.reason]).map(drop)
    }

    fn known(&mut self, referral: Uuid, endpoint: &str) -> Result<Vec<endpoint::Known>> {
        let sql =
            "SELECT type, uuid, id, version, content FROM resource WHERE referral = ?1 AND endpoint = ?2
                   ORDER BY type, uuid";
        self.list(sql, params![referral.into_bytes(), endpoint], |row| {
            Ok(endpoint::Known {
                placed: Placed {
                    resource_type: row.get(0)?,
                    uuid: row.get(1)?,
                    id: row.get(2)?,
                    version: row.get(3)?,
                },
                content: row.get(4)?,
            })
        })
    }

    fn put_known(&mut self, referral: Uuid, endpoint: &str, known: &endpoint::Known) -> Result<()> {
        let placed = &known.placed;
        self.execute(
            "INSERT OR REPLACE INTO resource VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                referral.into_bytes(),
                endpoint,
                placed.resource_type,
                placed.uuid,
                placed.id,
                placed.version,
                known.content,
            ],
        )
        .map(drop)
    }

    fn put_differing(&mut self, id: EntryId, differing: &[Placed]) -> Result<()> {
        self.execute("DELETE FROM differing WHERE entry = ?1", [id])?;
        for (place, found) in (0i64..).zip(differing) {
            self.execute(
                "INSERT INTO differing VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![id, place, found.resource_type, found.uuid, found.id, found.version],
            )?;
        }
        Ok(())
    }

    fn differing(&mut self, id: EntryId) -> Result<Vec<Placed>> {
        let sql = "SELECT type, uuid, id, version FROM differing WHERE entry = ?1 ORDER BY place";
        self.list(sql, [id], |row| {
            Ok(Placed {
                resource_type: row.get(0)?,
                uuid: row.get(1)?,
                id: row.get(2)?,
                version: row.get(3)?,
            })
        })
    }

    fn forget_seen(&mut self, now: Timestamp) -> Result<()> {
        self.execute("DELETE FROM seen WHERE until < ?1", [nanoseconds(now)]).map(drop)
    }

    fn entries(&mut self, filter: &Filter<'_>) -> Result<Vec<Entry>> {
        list::entries(self, filter)
    }

    fn counts(&mut self) -> Result<BTreeMap<(String, State), u64>> {
        list::counts(self)
    }

    fn next_due(&mut self, endpoint: &str) -> Result<Option<Timestamp>> {
        list::next_due(self, endpoint)
    }

    fn note(&mut self, name: &str) -> Result<Option<String>> {
        list::note(self, name)
    }

    fn set_note(&mut self, name: &str, word: &str) -> Result<()> {
        list::set_note(self, name, word)
    }

    fn see(&mut self, kind: &str, key: &str, until: Timestamp, now: Timestamp) -> Result<bool> {
        list::see(self, kind, key, until, now)
    }

    fn seen(&mut self, kind: &str, key: &str, now: Timestamp) -> Result<bool> {
        list::seen(self, kind, key, now)
    }

    fn ours(
        &mut self,
        endpoint: &str,
        resource_type: &str,
        uuid: &str,
    ) -> Result<Option<Vec<endpoint::Known>>> {
        list::ours(self, endpoint, resource_type, uuid)
    }
}

fn waived(row: &Row) -> String {
    let words: Vec<&str> = row.waived.iter().map(|reason| reason.as_str()).collect();
    words.join(" ")
}

fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
