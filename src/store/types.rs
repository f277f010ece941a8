//! What goes into a store and comes out of it. Next: [`super`].

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use crate::endpoint::Known;
use crate::event::{Issue, IssueCode, ReferralEvent};
use crate::outbox::{Entry, EntryId, Parcel, Placed, State};

/// What was asked of [`Store::claim`](super::Store::claim).
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// Of which endpoint.
    pub endpoint: &'a str,
    /// At most so many.
    pub limit: usize,
    /// For how long.
    pub lease: Duration,
    /// Who asks: one number a process, so that a lease taken over is noticed.
    pub owner: u64,
    /// Now.
    pub now: Timestamp,
}

/// The right to work on an entry for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The entry.
    pub id: EntryId,
    /// Grows with every claim of that entry; a lease with an old one is void.
    pub token: u64,
}

/// An entry in flight, with everything needed to deliver it.
#[derive(Clone)]
pub struct Claimed {
    /// The entry, as it is now.
    pub entry: Entry,
    /// The lease.
    pub lease: Lease,
    /// Whether its last attempt may have been applied: ask before sending.
    pub ask_first: bool,
    /// Whether the program ended while it was last prepared: it is prepared alone, so that it is known if it was to
    /// blame.
    pub alone: bool,
    /// What is to be delivered.
    pub parcel: Parcel,
    /// The request of an earlier attempt, exactly as it was stored.
    pub request: Option<String>,
    /// What we know of this referral's resources at the endpoint.
    pub known: Vec<Known>,
}

/// Redacted: its content is about a person.
impl fmt::Debug for Claimed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Claimed");
        shown.field("entry", &self.entry).field("lease", &self.lease).field("ask_first", &self.ask_first);
        shown.finish_non_exhaustive()
    }
}

/// What came of storing a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It is stored and may be sent.
    MaySend,
    /// The lease is lost; nothing was stored.
    LeaseLost,
    /// What was decided meanwhile forbids sending it; nothing was stored. The entry as it is now.
    Stopped(Box<Entry>),
}

impl Recorded {
    /// Whether the request may be sent.
    #[must_use]
    pub const fn may_send(&self) -> bool {
        matches!(self, Self::MaySend)
    }
}

/// What became of a submission.
#[derive(Clone, Debug, Default)]
pub struct Acceptance {
    /// UUID of the referral.
    pub referral: Uuid,
    /// What became of each submitted event, in their order.
    pub events: Vec<AcceptedEvent>,
    /// Entries made for changes of the record, which no submitted event names.
    pub more: Vec<AcceptedEvent>,
    /// Everything worth saying, each with the id of its event.
    pub issues: Vec<(String, Issue)>,
}

/// What became of one submitted event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedEvent {
    /// The event.
    pub event_id: String,
    /// The answer.
    pub answer: Answer,
}

/// The answer to one submitted event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Taken: its entry's number, key and state.
    Accepted {
        /// The entry's number.
        id: EntryId,
        /// Its key.
        key: Uuid,
        /// Where it starts.
        state: State,
    },
    /// Known already; the entry of its last version, where there is one.
    Repeat {
        /// The entry's number.
        id: Option<EntryId>,
        /// Its key.
        key: Option<Uuid>,
    },
    /// Not taken.
    Refused(IssueCode),
}

/// What a poll brought, to be written down as one.
#[derive(Clone, Debug)]
pub struct Poll {
    /// Events, in the order in which they leave.
    pub events: Vec<ReferralEvent>,
    /// The webhooks that each of them goes to.
    pub webhooks: Vec<Onward>,
    /// Versions that need not be looked at again: their kind, and the key of each.
    pub seen: (&'static str, Vec<String>),
    /// Until when they are remembered.
    pub remember_until: Timestamp,
    /// Words to keep under names: where the next poll starts.
    pub notes: Vec<(String, String)>,
}

/// A webhook that pulled events go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Onward {
    /// The endpoint's name.
    pub endpoint: String,
    /// How long an entry may wait before a person must decide.
    pub expires_after: Duration,
}

/// Who decides, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Who: a login, never a patient.
    pub actor: String,
    /// Why, in their words. Not to hold patient data; it is shown in lists.
    pub reason: String,
}

/// An entry of which something was sent that may be shared no more, or not all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The entry.
    pub entry: Entry,
    /// What is the matter.
    pub code: IssueCode,
}

/// What came of a person's decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acted {
    /// Done; the entry as it is now.
    Done(Box<Entry>),
    /// There is no such entry.
    NoSuchEntry,
    /// Not possible in this state; nothing changed.
    NotPossible(State),
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Its number, from 1, over the whole life of the entry.
    pub number: u32,
    /// When its request was stored, or when it ended if nothing was sent.
    pub started_at: Timestamp,
    /// When it ended; absent while it runs or when the process died.
    pub ended_at: Option<Timestamp>,
    /// The outcome's word, or `stopped`, or `lost`.
    pub outcome: Option<String>,
    /// The reason's word.
    pub reason: Option<String>,
    /// The HTTP status.
    pub status: Option<u16>,
    /// Codes and element paths of the answer, without texts.
    pub codes: Vec<String>,
}

impl Attempt {
    /// The outcome of an attempt whose worker was gone before it ended.
    pub const LOST: &'static str = "lost";
}

/// One line of the audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditLine {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// Why.
    pub reason: String,
}

/// One entry with its history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryDetail {
    /// The entry.
    pub entry: Entry,
    /// The sending system.
    pub source: String,
    /// Its attempts, oldest first.
    pub attempts: Vec<Attempt>,
    /// What people did with it, oldest first.
    pub audit: Vec<AuditLine>,
    /// Where its resources are at the endpoint.
    pub known: Vec<Known>,
    /// What stood there otherwise than we left it when it was last prepared.
    pub differing: Vec<Placed>,
    /// Whether a person lets that stand: the rest is sent, or was.
    pub theirs_stands: bool,
    /// The referral that answers the same request first, and its first entry, where this one waits for that.
    pub answered_by: Option<(Uuid, EntryId)>,
}

/// What an endpoint has, or may have, of a referral.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SentRecord {
    /// Oldest first.
    pub sent: Vec<Sent>,
    /// Where its resources are, as the last answers said.
    pub known: Vec<Known>,
}

/// An entry whose request was sent, or may have been.
#[derive(Clone, PartialEq, Eq)]
pub struct Sent {
    /// The entry's number.
    pub id: EntryId,
    /// Where it is.
    pub state: State,
    /// The request, as it was stored.
    pub request: String,
}

impl Sent {
    /// Whether the endpoint said that it has it; if not, it may have it.
    #[must_use]
    pub const fn is_certain(&self) -> bool {
        matches!(self.state, State::Delivered | State::Acknowledged)
    }
}

/// Redacted: a request is about a person.
impl fmt::Debug for SentRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SentRecord({} entries, {} resources)", self.sent.len(), self.known.len())
    }
}

/// Redacted: a request is about a person.
impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sent").field("id", &self.id).field("state", &self.state).finish_non_exhaustive()
    }
}

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Leases that had run out.
    pub leases_lost: u64,
    /// Entries that expired.
    pub expired: u64,
    /// Held entries that went on.
    pub released: u64,
}
