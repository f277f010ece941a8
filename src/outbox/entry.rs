//! [`Entry`]: one event on its way to one endpoint, without its content.
//!
//! Holds ids and keys only, so that it can be listed, logged and counted. Next: [`super::transition`].

use jiff::Timestamp;
use uuid::Uuid;

use crate::event::EventType;

use super::reason::Reason;
use super::state::State;

/// The number of an entry in its store; entries of one referral leave in the order of their numbers.
pub type EntryId = i64;

/// One event on its way to one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub id: EntryId,
    /// The idempotency key: UUIDv5 of the event's key and content, the same for ever.
    pub key: Uuid,
    /// UUID of the referral, as its ServiceRequest is named.
    pub referral: Uuid,
    /// What happened.
    pub event_type: EventType,
    /// The endpoint it goes to; empty while none is known.
    pub endpoint: String,
    /// Where it is.
    pub state: State,
    /// Why, where it is not simply on its way.
    pub reason: Option<Reason>,
    /// Attempts so far; counted before anything is prepared or sent.
    pub attempts: u32,
    /// Whether the exact request of an attempt is stored: it may have been sent.
    pub has_request: bool,
    /// Not before this instant is it attempted (again).
    pub next_at: Timestamp,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When it last changed state.
    pub changed_at: Timestamp,
    /// When it expires if it is still open.
    pub expires_at: Timestamp,
    /// An earlier entry of the same referral that is still open: this one waits for it.
    pub blocked_by: Option<EntryId>,
}
