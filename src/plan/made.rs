//! [`Plan`]: what is to be written down for a submission, and what became of each of its events.
//!
//! Data only; [`super::planner`] makes it and a store writes it down in one transaction. Next: [`super::planner`].

use std::time::Duration;

use jiff::civil::Date;
use uuid::Uuid;

use crate::event::{EventType, Issue, IssueCode, Position, ReferralEvent};
use crate::map::share::Statement;
use crate::outbox::{Parcel, Reason, State};

use super::doubt::Doubt;
use super::known::PersonKey;
use super::whose::Whose;

/// What became of one submitted event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// New; it has an entry.
    New,
    /// A new version of an event that was known; it has an entry.
    Revised,
    /// Known already, as it is.
    Repeat,
    /// Not taken: the code says why.
    Refused(IssueCode),
}

/// Where an entry starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// On its way.
    Send(Parcel),
    /// Waits for a person.
    Hold(Reason),
    /// Ends at once: nothing of it may leave, or there is nothing to send.
    NotShared(Reason),
}

impl Disposition {
    /// The state an entry starts in, and why.
    #[must_use]
    pub const fn state(&self) -> (State, Option<Reason>) {
        match self {
            Self::Send(_) => (State::Pending, None),
            Self::Hold(reason) => (State::Held, Some(*reason)),
            Self::NotShared(reason) => (State::NotShared, Some(*reason)),
        }
    }

    /// What is to be sent.
    #[must_use]
    pub const fn parcel(&self) -> Option<&Parcel> {
        match self {
            Self::Send(parcel) => Some(parcel),
            _ => None,
        }
    }
}

/// An entry to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEntry {
    /// Its idempotency key.
    pub key: Uuid,
    /// Its event.
    pub event_id: String,
    /// What happened.
    pub event_type: EventType,
    /// Whether all it brings may have been sent before; whoever knows what was sent compares it
    /// ([`super::unchanged`]).
    pub may_say_nothing_new: bool,
    /// Where it starts.
    pub disposition: Disposition,
}

/// What is to be written down, in one transaction.
#[derive(Clone, Debug)]
pub struct Plan {
    /// UUID of the referral.
    pub referral: Uuid,
    /// What became of each submitted event, in their order.
    pub verdicts: Vec<(String, Verdict)>,
    /// Events to be stored, each with its revision's number from 1: those submitted that are new or changed, and
    /// those that a changed record stands for.
    pub events: Vec<(ReferralEvent, u32)>,
    /// Events whose record changed without a revision of their own: stored again under the number they have.
    pub records: Vec<(ReferralEvent, u32)>,
    /// Entries to be made, in order.
    pub entries: Vec<NewEntry>,
    /// Entries never attempted that start anew. Whoever knows what is kept of them writes down what differs
    /// ([`super::unchanged::is_same`]).
    pub replanned: Vec<(Uuid, Disposition)>,
    /// The endpoint of the referral; empty while none is known.
    pub endpoint: String,
    /// The practice that chose it.
    pub practice: Option<String>,
    /// How long the entries may wait.
    pub expires_after: Duration,
    /// What the person is known by within the source.
    pub persons: Vec<PersonKey>,
    /// What the NHS number is known by, whatever the source.
    pub number: Option<PersonKey>,
    /// The key of the clinical system's request that it answers.
    pub asks: Option<PersonKey>,
    /// Whom it is about, as far as other records may contradict it.
    pub whose: Whose,
    /// What refused events say of the person's consent.
    pub doubts: Vec<Doubt>,
    /// Records that are mended by what was taken: doubts about them go.
    pub mended: Vec<PersonKey>,
    /// What is stated about consent in this referral and counts in the person's others.
    pub statements: Vec<Statement>,
    /// Whether these statements changed: the person's other referrals are to be planned again.
    pub statements_changed: bool,
    /// Whether everything unsent was planned again: what holds it, what may be shared, what is stated about consent, the
    /// person, or the request that is answered changed.
    pub again: bool,
    /// Day of the `referred` that opened the episode now running; absent when none is running.
    pub active_since: Option<Date>,
    /// Everything worth saying, each with the id of its event.
    pub issues: Vec<(String, Issue)>,
}

/// An entry of which no endpoint is known yet may wait this long.
pub(super) const DEFAULT_EXPIRY: Duration = Duration::from_secs(30 * 24 * 3600);

impl Plan {
    pub(super) fn empty(referral: Uuid) -> Self {
        Self {
            referral,
            verdicts: Vec::new(),
            events: Vec::new(),
            records: Vec::new(),
            entries: Vec::new(),
            replanned: Vec::new(),
            endpoint: String::new(),
            practice: None,
            expires_after: DEFAULT_EXPIRY,
            persons: Vec::new(),
            number: None,
            asks: None,
            whose: Whose::default(),
            doubts: Vec::new(),
            mended: Vec::new(),
            statements: Vec::new(),
            statements_changed: false,
            again: false,
            active_since: None,
            issues: Vec::new(),
        }
    }

    /// Whether anything is to be stored.
    #[must_use]
    pub const fn takes_something(&self) -> bool {
        !self.events.is_empty() || !self.records.is_empty()
    }

    pub(super) fn refuse_rest(&mut self, code: IssueCode) {
        for (id, verdict) in &mut self.verdicts {
            if !matches!(verdict, Verdict::Refused(_)) {
                *verdict = Verdict::Refused(code);
                self.issues.push((id.clone(), Issue::new(code, Position::default(), "")));
            }
        }
    }

    pub(super) fn is_taken(&self, id: &str) -> bool {
        self.verdicts
            .iter()
            .any(|(known, verdict)| known == id && matches!(verdict, Verdict::New | Verdict::Revised))
    }
}
