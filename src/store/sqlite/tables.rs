//! [`Tables`]: the plain reading and writing in SQL: each group of questions has a file of its own.
//!
//! What this is not: a transaction; whoever makes it holds one. Next: `entries.rs`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension as _, Params, params};
use uuid::Uuid;

use super::words::nanoseconds;
use super::{entries, history, list, payload, persons, referrals};
use crate::endpoint;
use crate::event::{IssueCode, ReferralEvent};
use crate::outbox::{Entry, EntryId, Parcel, Placed, State};
use crate::plan::Doubt;
use crate::plan::known::PersonKey;
use crate::store::row::{Referral, Row};
use crate::store::rows::{Result, Rows};
use crate::store::{Attempt, AuditLine, Filter};

/// The tables of a connection.
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

    pub(super) fn content(&self, column: &str, id: EntryId) -> Result<Option<Vec<u8>>> {
        let sql = format!("SELECT {column} FROM content WHERE entry = ?1");
        let found = self.connection.prepare_cached(&sql)?.query_row([id], |row| row.get(0)).optional()?;
        Ok(found.flatten())
    }

    pub(super) fn put_content(&self, column: &str, id: EntryId, bytes: Option<&[u8]>) -> Result<()> {
        let sql = format!(
            "INSERT INTO content (entry, {column}) VALUES (?1, ?2) \
             ON CONFLICT (entry) DO UPDATE SET {column} = excluded.{column}"
        );
        self.execute(&sql, params![id, bytes]).map(drop)
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

    fn add_doubt(&mut self, doubt: &Doubt, day: Date) -> Result<bool> {
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

    fn add(&mut self, row: Row, parcel: Option<&Parcel>) -> Result<Row> {
        entries::add(self, row, parcel)
    }

    fn row(&mut self, id: EntryId) -> Result<Option<Row>> {
        entries::row(self, id)
    }

    fn rows_of(&mut self, referral: Uuid) -> Result<Vec<Row>> {
        entries::rows_of(self, referral)
    }

    fn save(&mut self, row: &Row) -> Result<()> {
        entries::save(self, row)
    }

    fn first_open(&mut self, referral: Uuid) -> Result<Option<EntryId>> {
        entries::first_open(self, referral)
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
        entries::due(self, endpoint, now)
    }

    fn lost(&mut self, now: Timestamp, limit: usize) -> Result<Vec<Row>> {
        entries::lost(self, now, limit)
    }

    fn too_old(&mut self, now: Timestamp, limit: usize) -> Result<Vec<Row>> {
        entries::too_old(self, now, limit)
    }

    fn held_due(&mut self, now: Timestamp, limit: usize) -> Result<Vec<Row>> {
        entries::held_due(self, now, limit)
    }

    fn attempts(&mut self, id: EntryId) -> Result<Vec<Attempt>> {
        history::attempts(self, id)
    }

    fn put_attempt(&mut self, id: EntryId, attempt: &Attempt) -> Result<()> {
        history::put_attempt(self, id, attempt)
    }

    fn audit(&mut self, id: EntryId) -> Result<Vec<AuditLine>> {
        history::audit(self, id)
    }

    fn notices(&mut self, after: EntryId, limit: usize) -> Result<Vec<(EntryId, IssueCode)>> {
        history::notices(self, after, limit)
    }

    fn add_audit(&mut self, id: EntryId, line: &AuditLine) -> Result<()> {
        history::add_audit(self, id, line)
    }

    fn known(&mut self, referral: Uuid, endpoint: &str) -> Result<Vec<endpoint::Known>> {
        history::known(self, referral, endpoint)
    }

    fn put_known(&mut self, referral: Uuid, endpoint: &str, known: &endpoint::Known) -> Result<()> {
        history::put_known(self, referral, endpoint, known)
    }

    fn put_differing(&mut self, id: EntryId, differing: &[Placed]) -> Result<()> {
        history::put_differing(self, id, differing)
    }

    fn differing(&mut self, id: EntryId) -> Result<Vec<Placed>> {
        history::differing(self, id)
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

    fn has_source(&mut self, source: &str) -> Result<bool> {
        list::has_source(self, source)
    }
}
