//! [`Rows`]: the plain reading and writing that every operation of a store is made of.
//!
//! The operations ([`super::accept`], [`super::deliver`], [`super::upkeep`]) are written once, over this trait; memory
//! and SQLite differ only here, so the memory store says what each of SQLite's queries must answer. What this is not: it decides nothing
//! and knows no transaction. Next: [`super::accept`].

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use crate::endpoint;
use crate::event::{IssueCode, ReferralEvent};
use crate::outbox::transition::Change;
use crate::outbox::{Entry, EntryId, Parcel, Placed, State};
use crate::plan::Doubt;
use crate::plan::known::PersonKey;

use super::row::{Referral, Row};
use super::types::{Attempt, AuditLine};
use super::{Filter, StoreError};

pub(super) type Result<T> = std::result::Result<T, StoreError>;

/// Reading and writing.
pub(super) trait Rows {
    fn referral(&mut self, referral: Uuid) -> Result<Option<Referral>>;
    fn put_referral(&mut self, id: Uuid, referral: &Referral) -> Result<()>;

    /// Its events, each in its last revision, in the order in which they first came.
    fn events(&mut self, referral: Uuid) -> Result<Vec<(ReferralEvent, u32)>>;
    /// What they said before they were revised, by event and revision.
    fn earlier(&mut self, referral: Uuid) -> Result<Vec<ReferralEvent>>;
    fn add_event(&mut self, referral: Uuid, event: &ReferralEvent, revision: u32) -> Result<()>;
    /// Writes an event's record again under the revision it has.
    fn put_record(&mut self, referral: Uuid, event: &ReferralEvent, revision: u32) -> Result<()>;

    /// Other referrals of a source that share a person's key, in order.
    fn others(&mut self, referral: Uuid, source: &str, persons: &[PersonKey]) -> Result<Vec<Uuid>>;
    /// Since when referrals of the same number are active at other sources, in order.
    fn twins(&mut self, source: &str, number: PersonKey) -> Result<Vec<Date>>;

    /// Other referrals of the same number, whatever the source, in order.
    fn numbered(&mut self, referral: Uuid, number: PersonKey) -> Result<Vec<Uuid>>;

    /// Referrals that answer a request of the clinical system's, by its key: who named it first is first.
    fn asking(&mut self, request: PersonKey) -> Result<Vec<Uuid>>;

    /// Notes what a refused record says of consent, or notes it again with a later day. Says whether it concerns somebody
    /// whom it did not concern before.
    fn add_doubt(&mut self, doubt: &Doubt, day: Date) -> Result<bool>;
    /// The latest day on which a doubt that concerns one of these was noted.
    fn doubted(&mut self, keys: &[PersonKey]) -> Result<Option<Date>>;
    /// Forgets the doubts about these records. Gives whom they concerned, in order.
    fn mend(&mut self, records: &[PersonKey]) -> Result<Vec<PersonKey>>;
    /// Referrals that a key names: a referral's own, what a person of a source is known by, an NHS number.
    fn concerned(&mut self, key: PersonKey) -> Result<Vec<Uuid>>;

    /// Adds an entry; its number is given here.
    fn add(&mut self, row: Row, parcel: Option<&Parcel>) -> Result<Row>;
    fn row(&mut self, id: EntryId) -> Result<Option<Row>>;
    fn rows_of(&mut self, referral: Uuid) -> Result<Vec<Row>>;
    fn save(&mut self, row: &Row) -> Result<()>;
    /// The first open entry of a referral.
    fn first_open(&mut self, referral: Uuid) -> Result<Option<EntryId>>;

    fn parcel(&mut self, id: EntryId) -> Result<Option<Parcel>>;
    fn put_parcel(&mut self, id: EntryId, parcel: &Parcel) -> Result<()>;
    fn request(&mut self, id: EntryId) -> Result<Option<String>>;
    fn put_request(&mut self, id: EntryId, request: Option<&str>) -> Result<()>;

    /// The entry of an endpoint that is due first: pending or unknown, the first open one of a referral of which
    /// nothing is in flight.
    fn due(&mut self, endpoint: &str, now: Timestamp) -> Result<Option<Row>>;
    /// Entries in flight whose lease has run out, oldest first.
    fn lost(&mut self, now: Timestamp, limit: usize) -> Result<Vec<Row>>;
    /// Pending and held entries that are too old, oldest first.
    fn too_old(&mut self, now: Timestamp, limit: usize) -> Result<Vec<Row>>;
    /// Entries held for a reason that passes with time, and due to be looked at again.
    fn held_due(&mut self, now: Timestamp, limit: usize) -> Result<Vec<Row>>;

    fn attempts(&mut self, id: EntryId) -> Result<Vec<Attempt>>;
    /// Adds an attempt, or replaces the one of its number.
    fn put_attempt(&mut self, id: EntryId, attempt: &Attempt) -> Result<()>;
    fn audit(&mut self, id: EntryId) -> Result<Vec<AuditLine>>;
    /// Entries whose history leaves a notice standing (`notice.rs`), by number, after a number.
    fn notices(&mut self, after: EntryId, limit: usize) -> Result<Vec<(EntryId, IssueCode)>>;
    fn add_audit(&mut self, id: EntryId, line: &AuditLine) -> Result<()>;

    /// What is known of a referral's resources at an endpoint, by type and UUID.
    fn known(&mut self, referral: Uuid, endpoint: &str) -> Result<Vec<endpoint::Known>>;
    fn put_known(&mut self, referral: Uuid, endpoint: &str, known: &endpoint::Known) -> Result<()>;

    /// What stood at the endpoint otherwise than we left it when the entry was last prepared; takes the place of what was
    /// noted before.
    fn put_differing(&mut self, id: EntryId, differing: &[Placed]) -> Result<()>;
    fn differing(&mut self, id: EntryId) -> Result<Vec<Placed>>;

    fn forget_seen(&mut self, now: Timestamp) -> Result<()>;

    // What a store answers without more ado; as the trait of stores says.
    fn entries(&mut self, filter: &Filter<'_>) -> Result<Vec<Entry>>;
    fn counts(&mut self) -> Result<BTreeMap<(String, State), u64>>;
    fn next_due(&mut self, endpoint: &str) -> Result<Option<Timestamp>>;
    fn note(&mut self, name: &str) -> Result<Option<String>>;
    fn set_note(&mut self, name: &str, word: &str) -> Result<()>;
    fn see(&mut self, kind: &str, key: &str, until: Timestamp, now: Timestamp) -> Result<bool>;
    fn seen(&mut self, kind: &str, key: &str, now: Timestamp) -> Result<bool>;
    fn ours(
        &mut self,
        endpoint: &str,
        resource_type: &str,
        uuid: &str,
    ) -> Result<Option<Vec<endpoint::Known>>>;
    fn has_source(&mut self, source: &str) -> Result<bool>;

    /// Writes down a change that a transition gave.
    fn change(&mut self, row: &mut Row, change: &Change, now: Timestamp) -> Result<()> {
        if row.has_request && !change.keep_request {
            self.put_request(row.id, None)?;
        }
        row.apply(change, now);
        self.save(row)
    }
}
