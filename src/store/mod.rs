//! The store: everything that was accepted, where it is, and what happened to it. Survives kill -9 and power loss.
//!
//! [`Store`] is a trait because there are two from the start: SQLite, which keeps, and memory, the executable model
//! that says what SQLite must answer. What this is not: it decides nothing; plans come from [`crate::plan`], states from
//! [`crate::outbox::transition`]. Invariant: each operation is one transaction, and what was answered is on the disk.
//! Next: [`types`], then `rows.rs`, `transactional.rs` and [`keeper`], the one thread that writes.

mod accept;
mod again;
mod another;
mod deliver;
mod disclose;
mod error;
mod heed;
pub mod keeper;
mod meanwhile;
mod memory;
mod notice;
mod others;
mod poll;
mod ripple;
mod row;
mod rows;
mod sent;
mod sqlite;
#[cfg(test)]
mod tests;
mod transactional;
pub mod types;
mod upkeep;

pub use error::{StoreError, Trouble};
pub use keeper::{Keeper, Reply};
pub use memory::MemoryStore;
pub use sqlite::{FILE, Found, SqliteStore};
pub use types::*;

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use crate::event::IssueCode;
use crate::outbox::retry::RetryPolicy;
use crate::outbox::transition::Cause;
use crate::outbox::{Command, Entry, EntryId, Placed, Reason, State};
use crate::plan::{Doubt, Planner, Submission};

/// What a store does. All of it is blocking; a [`keeper`] runs it on a thread of its own.
///
/// Between [`Store::begin`] and [`Store::commit`] several operations share one synchronisation of the disk; each of
/// them is still all or nothing. Operations outside of a group commit alone.
pub trait Store: Send {
    /// Starts a group.
    ///
    /// # Errors
    /// The database cannot be used.
    fn begin(&mut self) -> Result<(), StoreError>;

    /// Ends a group: when this returns, everything in it is on the disk.
    ///
    /// # Errors
    /// Nothing of the group was written and nothing of it may be answered as done. After
    /// [`StoreError::Full`] the next group may go through; after any other error the process must stop.
    fn commit(&mut self) -> Result<(), StoreError>;

    /// Plans a submission against what is known and writes the plan down: events, entries, the referral. Where what
    /// is stated about consent changed, the person's other referrals are planned again too.
    ///
    /// # Errors
    /// The database cannot be used; nothing was written.
    fn accept(
        &mut self,
        came: &Submission,
        planner: &Planner,
        now: Timestamp,
    ) -> Result<Acceptance, StoreError>;

    /// Notes what refused records say of persons' consent: what has not left of their referrals is held until the records
    /// are mended or a person decides.
    ///
    /// # Errors
    /// The database cannot be used; nothing was noted.
    fn heed(&mut self, doubts: &[Doubt], planner: &Planner, now: Timestamp) -> Result<(), StoreError>;

    /// Takes due entries of an endpoint, at most one a referral, each the first open one of its referral, oldest due
    /// first. Each is in flight and leased when this returns.
    ///
    /// # Errors
    /// The database cannot be used.
    fn claim(&mut self, ask: &Claim<'_>) -> Result<Vec<Claimed>, StoreError>;

    /// Stores the exact request of an attempt, before it is sent. Says whether it may be sent, or why not: the lease is lost,
    /// or consent was withdrawn, or something else that holds it was found, since the entry was claimed. Then the
    /// entry is withdrawn, or held, when this returns; an entry that was unknown must have been found absent before.
    ///
    /// # Errors
    /// The database cannot be used; nothing may be sent.
    fn record_request(
        &mut self,
        lease: &Lease,
        request: &str,
        now: Timestamp,
    ) -> Result<Recorded, StoreError>;

    /// Writes down what came of a claimed entry and frees it. Says what it became; nothing when the lease was lost,
    /// then nothing changes.
    ///
    /// # Errors
    /// The database cannot be used.
    fn settle(&mut self, lease: &Lease, settled: &Settled<'_>) -> Result<Option<Entry>, StoreError>;

    /// Frees entries whose lease ran out, expires what is too old, and plans held entries again whose day has come.
    ///
    /// # Errors
    /// The database cannot be used.
    fn sweep(
        &mut self,
        planner: &Planner,
        policy: &RetryPolicy,
        jitter: f64,
        now: Timestamp,
    ) -> Result<Swept, StoreError>;

    /// Frees the entries of an endpoint whose lease ends before an instant, as lost. An instant far away frees all of
    /// them: for a daemon that starts, and has the data folder to itself. Says how many.
    ///
    /// # Errors
    /// The database cannot be used.
    fn free(
        &mut self,
        endpoint: &str,
        before: Timestamp,
        policy: &RetryPolicy,
        jitter: f64,
        now: Timestamp,
    ) -> Result<u64, StoreError>;

    /// Does what a person decided about an entry, and records who and why. Releasing plans the entry again.
    ///
    /// # Errors
    /// The database cannot be used.
    fn act(
        &mut self,
        id: EntryId,
        command: Command,
        by: &Decision,
        planner: &Planner,
        now: Timestamp,
    ) -> Result<Acted, StoreError>;

    /// Notes that a delivered entry was read back from the endpoint.
    ///
    /// # Errors
    /// The database cannot be used.
    fn read_back(&mut self, id: EntryId, now: Timestamp) -> Result<bool, StoreError>;

    /// One entry with its attempts and its audit.
    ///
    /// # Errors
    /// The database cannot be used.
    fn entry(&mut self, id: EntryId) -> Result<Option<EntryDetail>, StoreError>;

    /// What an endpoint has, or may have, of a referral: its entries with a request, oldest first.
    ///
    /// # Errors
    /// The database cannot be used.
    fn sent(&mut self, referral: Uuid, endpoint: &str) -> Result<SentRecord, StoreError>;

    /// Entries, by number, after a number.
    ///
    /// # Errors
    /// The database cannot be used.
    fn entries(&mut self, filter: &Filter<'_>) -> Result<Vec<Entry>, StoreError>;

    /// How many entries are in each state, by endpoint. Their sum is what was accepted.
    ///
    /// # Errors
    /// The database cannot be used.
    fn counts(&mut self) -> Result<BTreeMap<(String, State), u64>, StoreError>;

    /// Entries of which something was sent that may be shared no more, and that nobody has seen to; by number, after a number.
    ///
    /// # Errors
    /// The database cannot be used.
    fn notices(&mut self, after: EntryId, limit: usize) -> Result<Vec<Notice>, StoreError>;

    /// How many such entries there are, by what is the matter.
    ///
    /// # Errors
    /// The database cannot be used.
    fn notice_counts(&mut self) -> Result<Vec<(IssueCode, u64)>, StoreError>;

    /// When the next entry of an endpoint is due.
    ///
    /// # Errors
    /// The database cannot be used.
    fn next_due(&mut self, endpoint: &str) -> Result<Option<Timestamp>, StoreError>;

    /// A word kept under a name: cursors, the last run of something.
    ///
    /// # Errors
    /// The database cannot be used.
    fn note(&mut self, name: &str) -> Result<Option<String>, StoreError>;

    /// Keeps a word under a name.
    ///
    /// # Errors
    /// The database cannot be used.
    fn set_note(&mut self, name: &str, word: &str) -> Result<(), StoreError>;

    /// Notes that something from outside was seen (a nonce, a file, a version of a resource). Says whether it is new.
    /// What is older than its `until` is forgotten in time.
    ///
    /// # Errors
    /// The database cannot be used.
    fn see(&mut self, kind: &str, key: &str, until: Timestamp, now: Timestamp) -> Result<bool, StoreError>;

    /// Writes down what a poll brought, wholly or not at all: an entry of each event for each webhook, the versions that
    /// were seen, and where the next poll starts. Says how many entries were made; an event that a webhook has an entry
    /// for already gets no other.
    ///
    /// # Errors
    /// The database cannot be used; nothing was written.
    fn take_poll(&mut self, poll: &Poll, now: Timestamp) -> Result<u64, StoreError>;

    /// Whether something from outside was seen already. Notes nothing.
    ///
    /// # Errors
    /// The database cannot be used.
    fn seen(&mut self, kind: &str, key: &str, now: Timestamp) -> Result<bool, StoreError>;

    /// Everything known at an endpoint of the referral that one resource of ours belongs to, by the resource's type
    /// and UUID; a Task of the clinical system's that a request of ours updates, or may have updated, by its id. None
    /// where no referral is known to have it there; nothing where a request of that referral is under way whose answer
    /// may tell more.
    ///
    /// # Errors
    /// The database cannot be used.
    fn ours(
        &mut self,
        endpoint: &str,
        resource_type: &str,
        uuid: &str,
    ) -> Result<Option<Vec<crate::endpoint::Known>>, StoreError>;

    /// Whether there is any referral of this source: whether a name under it may be ours.
    ///
    /// # Errors
    /// The database cannot be used.
    fn has_source(&mut self, source: &str) -> Result<bool, StoreError>;
}

/// The causes that settle a claim.
#[derive(Clone, Debug)]
pub struct Settled<'a> {
    /// What came of it: [`Cause::Stopped`], [`Cause::Ended`] or [`Cause::Crashed`].
    pub cause: Cause,
    /// How its endpoint is retried.
    pub policy: &'a RetryPolicy,
    /// In `0.0..1.0`.
    pub jitter: f64,
    /// SHA-256 of each written resource's content as sent, by type and UUID, where the attempt wrote.
    pub contents: Vec<((String, String), String)>,
    /// What stands at the endpoint otherwise than we left it, where that stopped the attempt.
    pub differing: Vec<Placed>,
    /// Now.
    pub now: Timestamp,
}

/// A filter of [`Store::entries`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter<'a> {
    /// Only these states; all when empty.
    pub states: &'a [State],
    /// Only this reason.
    pub reason: Option<Reason>,
    /// Only this endpoint.
    pub endpoint: Option<&'a str>,
    /// Only entries with a higher number.
    pub after: EntryId,
    /// At most so many.
    pub limit: usize,
}
