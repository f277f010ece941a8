//! [`MemoryStore`]: the executable model. Plain maps, every question answered by looking at everything.
//!
//! What SQLite answers by index, this answers by definition; a test asks both the same. It also serves tests that
//! need a store and no disk. What this is not: it keeps nothing. Next: `sqlite/mod.rs`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use crate::endpoint;
use crate::event::{IssueCode, ReferralEvent};
use crate::outbox::{Entry, EntryId, Parcel, Placed, State};
use crate::plan::Doubt;
use crate::plan::known::PersonKey;

use super::notice;
use super::row::{Referral, Row};
use super::rows::{Result, Rows};
use super::transactional::Transactional;
use super::{Attempt, AuditLine, Filter};

/// A store without a disk.
#[derive(Default)]
pub struct MemoryStore {
    referrals: BTreeMap<Uuid, Referral>,
    events: BTreeMap<Uuid, Vec<(ReferralEvent, u32)>>,
    earlier: BTreeMap<Uuid, Vec<(ReferralEvent, u32)>>,
    rows: BTreeMap<EntryId, Row>,
    parcels: BTreeMap<EntryId, Parcel>,
    requests: BTreeMap<EntryId, String>,
    attempts: BTreeMap<EntryId, Vec<Attempt>>,
    audit: BTreeMap<EntryId, Vec<AuditLine>>,
    /// By referral, endpoint, type and UUID.
    known: BTreeMap<(Uuid, String, String, String), endpoint::Known>,
    differing: BTreeMap<EntryId, Vec<Placed>>,
    /// When a record that concerns a key was refused, by record and key.
    doubts: BTreeMap<(PersonKey, PersonKey), Date>,
    /// Which request each referral answers, in the order in which they named it.
    asked: Vec<(Uuid, PersonKey)>,
    notes: BTreeMap<String, String>,
    seen: BTreeMap<(String, String), Timestamp>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Entries that may be claimed as soon as they are due.
    fn ready(&self, endpoint: &str) -> impl Iterator<Item = &Row> {
        self.rows.values().filter(move |row| {
            row.endpoint == endpoint
                && matches!(row.state, State::Pending | State::Unknown)
                && self.open(row.referral).next() == Some(row.id)
                && self.of(row.referral).all(|other| other.state != State::InFlight)
        })
    }

    fn of(&self, referral: Uuid) -> impl Iterator<Item = &Row> {
        self.rows.values().filter(move |row| row.referral == referral)
    }

    fn open(&self, referral: Uuid) -> impl Iterator<Item = EntryId> {
        self.of(referral).filter(|row| row.state.is_open()).map(|row| row.id)
    }

    /// The entries that a question is about, in the order of an instant and of their numbers.
    fn first(&self, limit: usize, of: impl Fn(&Row) -> Option<Timestamp>, now: Timestamp) -> Vec<Row> {
        let mut found: Vec<(Timestamp, &Row)> =
            self.rows.values().filter_map(|row| Some((of(row).filter(|at| *at <= now)?, row))).collect();
        found.sort_by_key(|(at, row)| (*at, row.id));
        found.into_iter().take(limit).map(|(_, row)| row.clone()).collect()
    }
}

/// Counts only: its content is about persons.
impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MemoryStore({} referrals, {} entries)", self.referrals.len(), self.rows.len())
    }
}

impl Rows for MemoryStore {
    fn referral(&mut self, referral: Uuid) -> Result<Option<Referral>> {
        Ok(self.referrals.get(&referral).cloned())
    }

    fn put_referral(&mut self, id: Uuid, referral: &Referral) -> Result<()> {
        let stands = |(asking, key): &(Uuid, PersonKey)| *asking != id || referral.asks == Some(*key);
        self.asked.retain(stands);
        if let Some(key) = referral.asks.filter(|_| self.asked.iter().all(|(asking, _)| *asking != id)) {
            self.asked.push((id, key));
        }
        self.referrals.insert(id, referral.clone());
        Ok(())
    }

    fn events(&mut self, referral: Uuid) -> Result<Vec<(ReferralEvent, u32)>> {
        Ok(self.events.get(&referral).cloned().unwrap_or_default())
    }

    fn earlier(&mut self, referral: Uuid) -> Result<Vec<ReferralEvent>> {
        let mut earlier = self.earlier.get(&referral).cloned().unwrap_or_default();
        earlier.sort_by(|(one, a), (other, b)| (&one.event_id, a).cmp(&(&other.event_id, b)));
        Ok(earlier.into_iter().map(|(event, _)| event).collect())
    }

    fn add_event(&mut self, referral: Uuid, event: &ReferralEvent, revision: u32) -> Result<()> {
        let events = self.events.entry(referral).or_default();
        match events.iter_mut().find(|(known, _)| known.event_id == event.event_id) {
            Some(known) => {
                let was = std::mem::replace(known, (event.clone(), revision));
                if was.1 != revision {
                    self.earlier.entry(referral).or_default().push(was);
                }
            }
            None => events.push((event.clone(), revision)),
        }
        Ok(())
    }

    fn put_record(&mut self, referral: Uuid, event: &ReferralEvent, revision: u32) -> Result<()> {
        self.add_event(referral, event, revision)
    }

    fn others(&mut self, referral: Uuid, source: &str, persons: &[PersonKey]) -> Result<Vec<Uuid>> {
        let shares = |other: &Referral| other.persons.iter().any(|key| persons.contains(key));
        let others = self
            .referrals
            .iter()
            .filter(|(id, other)| **id != referral && other.source == source && shares(other));
        Ok(others.map(|(id, _)| *id).collect())
    }

    fn twins(&mut self, source: &str, number: PersonKey) -> Result<Vec<Date>> {
        let others =
            self.referrals.values().filter(|other| other.source != source && other.number == Some(number));
        let mut days: Vec<Date> = others.filter_map(|other| other.active_since).collect();
        days.sort_unstable();
        Ok(days)
    }

    fn numbered(&mut self, referral: Uuid, number: PersonKey) -> Result<Vec<Uuid>> {
        let others =
            self.referrals.iter().filter(|(id, other)| **id != referral && other.number == Some(number));
        Ok(others.map(|(id, _)| *id).collect())
    }

    fn asking(&mut self, request: PersonKey) -> Result<Vec<Uuid>> {
        let asking = self.asked.iter().filter(|(_, key)| *key == request);
        Ok(asking.map(|(id, _)| *id).collect())
    }

    fn add_doubt(&mut self, doubt: &Doubt, day: Date) -> Result<bool> {
        let before = self.doubts.len();
        for key in &doubt.keys {
            let known = self.doubts.entry((doubt.record, *key)).or_insert(day);
            *known = day.max(*known);
        }
        Ok(self.doubts.len() > before)
    }

    fn doubted(&mut self, keys: &[PersonKey]) -> Result<Option<Date>> {
        let concern = self.doubts.iter().filter(|((_, key), _)| keys.contains(key));
        Ok(concern.map(|(_, day)| *day).max())
    }

    fn mend(&mut self, records: &[PersonKey]) -> Result<Vec<PersonKey>> {
        let mended: BTreeSet<PersonKey> = self
            .doubts
            .keys()
            .filter(|(record, _)| records.contains(record))
            .map(|(_, concerned)| *concerned)
            .collect();
        self.doubts.retain(|(record, _), _| !records.contains(record));
        Ok(mended.into_iter().collect())
    }

    fn concerned(&mut self, key: PersonKey) -> Result<Vec<Uuid>> {
        let is = |(id, referral): &(&Uuid, &Referral)| {
            id.into_bytes() == key || referral.persons.contains(&key) || referral.number == Some(key)
        };
        Ok(self.referrals.iter().filter(is).map(|(id, _)| *id).collect())
    }

    fn add(&mut self, mut row: Row, parcel: Option<&Parcel>) -> Result<Row> {
        row.id = self.rows.last_key_value().map_or(0, |(last, _)| *last) + 1;
        self.rows.insert(row.id, row.clone());
        self.parcels.extend(parcel.map(|parcel| (row.id, parcel.clone())));
        Ok(row)
    }

    fn row(&mut self, id: EntryId) -> Result<Option<Row>> {
        Ok(self.rows.get(&id).cloned())
    }

    fn rows_of(&mut self, referral: Uuid) -> Result<Vec<Row>> {
        Ok(self.of(referral).cloned().collect())
    }

    fn save(&mut self, row: &Row) -> Result<()> {
        self.rows.insert(row.id, row.clone());
        Ok(())
    }

    fn first_open(&mut self, referral: Uuid) -> Result<Option<EntryId>> {
        Ok(self.open(referral).next())
    }

    fn parcel(&mut self, id: EntryId) -> Result<Option<Parcel>> {
        Ok(self.parcels.get(&id).cloned())
    }

    fn put_parcel(&mut self, id: EntryId, parcel: &Parcel) -> Result<()> {
        self.parcels.insert(id, parcel.clone());
        Ok(())
    }

    fn request(&mut self, id: EntryId) -> Result<Option<String>> {
        Ok(self.requests.get(&id).cloned())
    }

    fn put_request(&mut self, id: EntryId, request: Option<&str>) -> Result<()> {
        match request {
            Some(request) => self.requests.insert(id, request.to_owned()),
            None => self.requests.remove(&id),
        };
        Ok(())
    }

    fn due(&mut self, endpoint: &str, now: Timestamp) -> Result<Option<Row>> {
        let due = self.ready(endpoint).filter(|row| row.next_at <= now);
        Ok(due.min_by_key(|row| (row.next_at, row.id)).cloned())
    }

    fn lost(&mut self, now: Timestamp, limit: usize) -> Result<Vec<Row>> {
        Ok(self.first(limit, |row| row.lease_until.filter(|_| row.state == State::InFlight), now))
    }

    fn too_old(&mut self, now: Timestamp, limit: usize) -> Result<Vec<Row>> {
        let may = |row: &Row| matches!(row.state, State::Pending | State::Held);
        Ok(self.first(limit, |row| may(row).then_some(row.expires_at), now))
    }

    fn held_due(&mut self, now: Timestamp, limit: usize) -> Result<Vec<Row>> {
        let passes = |row: &Row| {
            row.state == State::Held && row.reason.is_some_and(|reason| reason.looks().is_by_itself())
        };
        Ok(self.first(limit, |row| passes(row).then_some(row.next_at), now))
    }

    fn attempts(&mut self, id: EntryId) -> Result<Vec<Attempt>> {
        Ok(self.attempts.get(&id).cloned().unwrap_or_default())
    }

    fn put_attempt(&mut self, id: EntryId, attempt: &Attempt) -> Result<()> {
        let attempts = self.attempts.entry(id).or_default();
        match attempts.iter_mut().find(|known| known.number == attempt.number) {
            Some(known) => known.clone_from(attempt),
            None => attempts.push(attempt.clone()),
        }
        Ok(())
    }

    fn audit(&mut self, id: EntryId) -> Result<Vec<AuditLine>> {
        Ok(self.audit.get(&id).cloned().unwrap_or_default())
    }

    fn notices(&mut self, after: EntryId, limit: usize) -> Result<Vec<(EntryId, IssueCode)>> {
        let standing = |(id, audit): (&EntryId, &Vec<AuditLine>)| {
            Some((*id, notice::standing(self.rows.get(id)?.state, audit)?))
        };
        let later = self.audit.iter().filter(|(id, _)| **id > after);
        Ok(later.filter_map(standing).take(limit).collect())
    }

    fn add_audit(&mut self, id: EntryId, line: &AuditLine) -> Result<()> {
        self.audit.entry(id).or_default().push(line.clone());
        Ok(())
    }

    fn known(&mut self, referral: Uuid, endpoint: &str) -> Result<Vec<endpoint::Known>> {
        let of = self.known.iter().filter(|((of, at, ..), _)| *of == referral && at == endpoint);
        Ok(of.map(|(_, known)| known.clone()).collect())
    }

    fn put_known(&mut self, referral: Uuid, endpoint: &str, known: &endpoint::Known) -> Result<()> {
        let placed = &known.placed;
        let place = (referral, endpoint.to_owned(), placed.resource_type.clone(), placed.uuid.clone());
        self.known.insert(place, known.clone());
        Ok(())
    }

    fn put_differing(&mut self, id: EntryId, differing: &[Placed]) -> Result<()> {
        self.differing.insert(id, differing.to_vec());
        Ok(())
    }

    fn differing(&mut self, id: EntryId) -> Result<Vec<Placed>> {
        Ok(self.differing.get(&id).cloned().unwrap_or_default())
    }

    fn forget_seen(&mut self, now: Timestamp) -> Result<()> {
        self.seen.retain(|_, until| *until >= now);
        Ok(())
    }

    fn entries(&mut self, filter: &Filter<'_>) -> Result<Vec<Entry>> {
        let matches = |row: &&Row| {
            row.id > filter.after
                && (filter.states.is_empty() || filter.states.contains(&row.state))
                && filter.reason.is_none_or(|reason| row.reason == Some(reason))
                && filter.endpoint.is_none_or(|endpoint| row.endpoint == endpoint)
        };
        let found = self.rows.values().filter(matches).take(filter.limit);
        Ok(found.map(|row| row.entry(self.open(row.referral).next())).collect())
    }

    fn counts(&mut self) -> Result<BTreeMap<(String, State), u64>> {
        let mut counts = BTreeMap::new();
        for row in self.rows.values() {
            *counts.entry((row.endpoint.clone(), row.state)).or_default() += 1;
        }
        Ok(counts)
    }

    fn next_due(&mut self, endpoint: &str) -> Result<Option<Timestamp>> {
        Ok(self.ready(endpoint).map(|row| row.next_at).min())
    }

    fn note(&mut self, name: &str) -> Result<Option<String>> {
        Ok(self.notes.get(name).cloned())
    }

    fn set_note(&mut self, name: &str, word: &str) -> Result<()> {
        self.notes.insert(name.to_owned(), word.to_owned());
        Ok(())
    }

    fn see(&mut self, kind: &str, key: &str, until: Timestamp, now: Timestamp) -> Result<bool> {
        let place = (kind.to_owned(), key.to_owned());
        let known = self.seen.get(&place).is_some_and(|until| *until >= now);
        if !known {
            self.seen.insert(place, until);
        }
        Ok(!known)
    }

    fn seen(&mut self, kind: &str, key: &str, now: Timestamp) -> Result<bool> {
        let place = (kind.to_owned(), key.to_owned());
        Ok(self.seen.get(&place).is_some_and(|until| *until >= now))
    }

    fn ours(
        &mut self,
        endpoint: &str,
        resource_type: &str,
        uuid: &str,
    ) -> Result<Option<Vec<endpoint::Known>>> {
        let is = |key: &&(Uuid, String, String, String)| {
            key.1 == endpoint && key.2 == resource_type && key.3 == uuid
        };
        let Some((referral, ..)) = self.known.keys().find(is) else { return Ok(None) };
        let referral = *referral;
        if self.of(referral).any(|row| matches!(row.state, State::InFlight | State::Unknown)) {
            return Ok(Some(Vec::new()));
        }
        Rows::known(self, referral, endpoint).map(Some)
    }

    fn has_source(&mut self, source: &str) -> Result<bool> {
        Ok(self.referrals.values().any(|referral| referral.source == source))
    }
}

/// Nothing is kept, so nothing has to be undone: an operation that fails here is a defect that the tests show.
impl Transactional for MemoryStore {
    fn begin_group(&mut self) -> Result<()> {
        Ok(())
    }

    fn end_group(&mut self) -> Result<()> {
        Ok(())
    }

    fn whole<T>(&mut self, work: impl FnOnce(&mut dyn Rows) -> Result<T>) -> Result<T> {
        work(self)
    }

    fn look<T>(&mut self, work: impl FnOnce(&mut dyn Rows) -> Result<T>) -> Result<T> {
        work(self)
    }
}
