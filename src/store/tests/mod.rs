//! What the operations do, asked of both stores; and that both always answer alike.

mod behaviour;
mod model;
mod persons;
pub(crate) mod samples;
mod waiting;

/// A store that hands everything but the commit on to another.
macro_rules! delegate {
    ($name:ident, $inner:ident) => {
        mod delegated {
            use super::$name;
            use crate::outbox::retry::RetryPolicy;
            use crate::outbox::{Command, Entry, EntryId, State};
            use crate::plan::{Doubt, Planner, Submission};
            use crate::store::*;
            use jiff::Timestamp;
            use std::collections::BTreeMap;

            type Result<T> = std::result::Result<T, StoreError>;

            impl Store for $name {
                fn begin(&mut self) -> Result<()> {
                    self.$inner.begin()
                }
                fn commit(&mut self) -> Result<()> {
                    super::commit(self)
                }
                fn accept(
                    &mut self,
                    came: &Submission,
                    planner: &Planner,
                    now: Timestamp,
                ) -> Result<Acceptance> {
                    self.$inner.accept(came, planner, now)
                }
                fn heed(&mut self, doubts: &[Doubt], planner: &Planner, now: Timestamp) -> Result<()> {
                    self.$inner.heed(doubts, planner, now)
                }
                fn claim(&mut self, ask: &Claim<'_>) -> Result<Vec<Claimed>> {
                    self.$inner.claim(ask)
                }
                fn record_request(&mut self, lease: &Lease, request: &str, now: Timestamp) -> Result<bool> {
                    self.$inner.record_request(lease, request, now)
                }
                fn settle(&mut self, lease: &Lease, settled: &Settled<'_>) -> Result<Option<Entry>> {
                    self.$inner.settle(lease, settled)
                }
                fn sweep(
                    &mut self,
                    planner: &Planner,
                    policy: &RetryPolicy,
                    jitter: f64,
                    now: Timestamp,
                ) -> Result<Swept> {
                    self.$inner.sweep(planner, policy, jitter, now)
                }
                fn free(
                    &mut self,
                    endpoint: &str,
                    before: Timestamp,
                    policy: &RetryPolicy,
                    jitter: f64,
                    now: Timestamp,
                ) -> Result<u64> {
                    self.$inner.free(endpoint, before, policy, jitter, now)
                }
                fn act(
                    &mut self,
                    id: EntryId,
                    command: Command,
                    by: &Decision,
                    planner: &Planner,
                    now: Timestamp,
                ) -> Result<Acted> {
                    self.$inner.act(id, command, by, planner, now)
                }
                fn read_back(&mut self, id: EntryId, now: Timestamp) -> Result<bool> {
                    self.$inner.read_back(id, now)
                }
                fn entry(&mut self, id: EntryId) -> Result<Option<EntryDetail>> {
                    self.$inner.entry(id)
                }
                fn sent(&mut self, referral: uuid::Uuid, endpoint: &str) -> Result<SentRecord> {
                    self.$inner.sent(referral, endpoint)
                }
                fn entries(&mut self, filter: &Filter<'_>) -> Result<Vec<Entry>> {
                    self.$inner.entries(filter)
                }
                fn counts(&mut self) -> Result<BTreeMap<(String, State), u64>> {
                    self.$inner.counts()
                }
                fn next_due(&mut self, endpoint: &str) -> Result<Option<Timestamp>> {
                    self.$inner.next_due(endpoint)
                }
                fn note(&mut self, name: &str) -> Result<Option<String>> {
                    self.$inner.note(name)
                }
                fn set_note(&mut self, name: &str, word: &str) -> Result<()> {
                    self.$inner.set_note(name, word)
                }
                fn see(&mut self, kind: &str, key: &str, until: Timestamp, now: Timestamp) -> Result<bool> {
                    self.$inner.see(kind, key, until, now)
                }
                fn take_poll(&mut self, poll: &Poll, now: Timestamp) -> Result<u64> {
                    self.$inner.take_poll(poll, now)
                }
                fn seen(&mut self, kind: &str, key: &str, now: Timestamp) -> Result<bool> {
                    self.$inner.seen(kind, key, now)
                }
                fn ours(
                    &mut self,
                    endpoint: &str,
                    resource_type: &str,
                    uuid: &str,
                ) -> Result<Option<Vec<crate::endpoint::Known>>> {
                    self.$inner.ours(endpoint, resource_type, uuid)
                }
            }
        }
    };
}
pub(crate) use delegate;
