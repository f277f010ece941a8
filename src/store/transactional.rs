//! [`Transactional`]: what carries [`Rows`]; and [`Store`], written once over it.
//!
//! Memory and SQLite each say how a piece of work is done wholly or not at all; which work there is stands here and in
//! the files it names. Invariant: everything that writes goes through [`Transactional::whole`]. Next: [`super::accept`].

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use crate::endpoint::Known;
use crate::event::IssueCode;
use crate::outbox::retry::RetryPolicy;
use crate::outbox::{Command, Entry, EntryId, State};
use crate::plan::{Doubt, Planner, Submission};

use super::rows::{Result, Rows};
use super::{
    Acceptance, Acted, Claim, Claimed, Decision, EntryDetail, Filter, Lease, Notice, Poll, Recorded,
    SentRecord, Settled, Store, Swept,
};
use super::{accept, deliver, heed, notice, poll, sent, upkeep};

/// What carries rows.
pub(super) trait Transactional: Send {
    /// Starts a group, as [`Store::begin`].
    fn begin_group(&mut self) -> Result<()>;

    /// Ends a group, as [`Store::commit`].
    fn end_group(&mut self) -> Result<()>;

    /// Does something wholly or not at all. Outside of a group it is kept when this returns.
    fn whole<T>(&mut self, work: impl FnOnce(&mut dyn Rows) -> Result<T>) -> Result<T>;

    /// Looks; writes nothing.
    fn look<T>(&mut self, work: impl FnOnce(&mut dyn Rows) -> Result<T>) -> Result<T>;
}

impl<S: Transactional> Store for S {
    fn begin(&mut self) -> Result<()> {
        self.begin_group()
    }

    fn commit(&mut self) -> Result<()> {
        self.end_group()
    }

    fn accept(&mut self, came: &Submission, planner: &Planner, now: Timestamp) -> Result<Acceptance> {
        self.whole(|rows| accept::accept(rows, came, planner, now))
    }

    fn heed(&mut self, doubts: &[Doubt], planner: &Planner, now: Timestamp) -> Result<()> {
        self.whole(|rows| heed::heed(rows, doubts, planner, now))
    }

    fn claim(&mut self, ask: &Claim<'_>) -> Result<Vec<Claimed>> {
        self.whole(|rows| deliver::claim(rows, ask))
    }

    fn record_request(&mut self, lease: &Lease, request: &str, now: Timestamp) -> Result<Recorded> {
        self.whole(|rows| deliver::record_request(rows, lease, request, now))
    }

    fn settle(&mut self, lease: &Lease, settled: &Settled<'_>) -> Result<Option<Entry>> {
        self.whole(|rows| deliver::settle(rows, lease, settled))
    }

    fn sweep(
        &mut self,
        planner: &Planner,
        policy: &RetryPolicy,
        jitter: f64,
        now: Timestamp,
    ) -> Result<Swept> {
        self.whole(|rows| upkeep::sweep(rows, planner, policy, jitter, now))
    }

    fn free(
        &mut self,
        endpoint: &str,
        before: Timestamp,
        policy: &RetryPolicy,
        jitter: f64,
        now: Timestamp,
    ) -> Result<u64> {
        self.whole(|rows| upkeep::free(rows, Some(endpoint), before, policy, jitter, now))
    }

    fn act(
        &mut self,
        id: EntryId,
        command: Command,
        by: &Decision,
        planner: &Planner,
        now: Timestamp,
    ) -> Result<Acted> {
        self.whole(|rows| upkeep::act(rows, id, command, by, planner, now))
    }

    fn read_back(&mut self, id: EntryId, now: Timestamp) -> Result<bool> {
        self.whole(|rows| upkeep::read_back(rows, id, now))
    }

    fn entry(&mut self, id: EntryId) -> Result<Option<EntryDetail>> {
        self.look(|rows| upkeep::detail(rows, id))
    }

    fn sent(&mut self, referral: Uuid, endpoint: &str) -> Result<SentRecord> {
        self.look(|rows| sent::sent(rows, referral, endpoint))
    }

    fn entries(&mut self, filter: &Filter<'_>) -> Result<Vec<Entry>> {
        self.look(|rows| rows.entries(filter))
    }

    fn counts(&mut self) -> Result<BTreeMap<(String, State), u64>> {
        self.look(|rows| rows.counts())
    }

    fn notices(&mut self, after: EntryId, limit: usize) -> Result<Vec<Notice>> {
        self.look(|rows| notice::list(rows, after, limit))
    }

    fn notice_counts(&mut self) -> Result<Vec<(IssueCode, u64)>> {
        self.look(notice::counts)
    }

    fn next_due(&mut self, endpoint: &str) -> Result<Option<Timestamp>> {
        self.look(|rows| rows.next_due(endpoint))
    }

    fn note(&mut self, name: &str) -> Result<Option<String>> {
        self.look(|rows| rows.note(name))
    }

    fn set_note(&mut self, name: &str, word: &str) -> Result<()> {
        self.whole(|rows| rows.set_note(name, word))
    }

    fn see(&mut self, kind: &str, key: &str, until: Timestamp, now: Timestamp) -> Result<bool> {
        self.whole(|rows| rows.see(kind, key, until, now))
    }

    fn take_poll(&mut self, came: &Poll, now: Timestamp) -> Result<u64> {
        self.whole(|rows| poll::take(rows, came, now))
    }

    fn seen(&mut self, kind: &str, key: &str, now: Timestamp) -> Result<bool> {
        self.look(|rows| rows.seen(kind, key, now))
    }

    fn ours(&mut self, endpoint: &str, resource_type: &str, uuid: &str) -> Result<Option<Vec<Known>>> {
        self.look(|rows| rows.ours(endpoint, resource_type, uuid))
    }

    fn has_source(&mut self, source: &str) -> Result<bool> {
        self.look(|rows| rows.has_source(source))
    }
}
