//! [`Row`] and [`Referral`]: what a store keeps of an entry and of a referral, beside their content.
//!
//! Rows change only by [`Row::apply`], with a change that [`crate::outbox::transition`] gave. Next: [`super::rows`].

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use crate::event::EventType;
use crate::map::share::Statement;
use crate::outbox::transition::{Change, Standing};
use crate::outbox::{Entry, EntryId, Reason, State};
use crate::plan::Unsent;
use crate::plan::known::PersonKey;
use crate::plan::whose::Whose;

/// A referral, without its events.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Referral {
    /// The sending system.
    pub(super) source: String,
    /// Its id there.
    pub(super) referral_id: String,
    /// The endpoint of its first delivery; fixed from then on.
    pub(super) endpoint: Option<String>,
    /// The practice that chose it.
    pub(super) practice: Option<String>,
    /// The key of the person's NHS number.
    pub(super) number: Option<PersonKey>,
    /// The key of the clinical system's request that it answers.
    pub(super) asks: Option<PersonKey>,
    /// Since when it is active.
    pub(super) active_since: Option<Date>,
    /// Whom it is about, as far as other records may contradict it.
    pub(super) whose: Whose,
    /// What the person is known by.
    pub(super) persons: Vec<PersonKey>,
    /// What it states about consent for all of the person's referrals.
    pub(super) statements: Vec<Statement>,
}

/// An entry with everything but its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) id: EntryId,
    pub(super) key: Uuid,
    pub(super) referral: Uuid,
    pub(super) event_id: String,
    pub(super) event_type: EventType,
    pub(super) endpoint: String,
    /// The practice that chose the endpoint.
    pub(super) practice: Option<String>,
    pub(super) state: State,
    pub(super) reason: Option<Reason>,
    /// Reasons that a person has waived.
    pub(super) waived: Vec<Reason>,
    pub(super) attempts: u32,
    pub(super) has_request: bool,
    /// Number of the last lease; grows with every claim.
    pub(super) token: u64,
    /// Who holds or held it.
    pub(super) owner: u64,
    /// Until when; absent while nobody holds it.
    pub(super) lease_until: Option<Timestamp>,
    pub(super) next_at: Timestamp,
    pub(super) accepted_at: Timestamp,
    pub(super) changed_at: Timestamp,
    pub(super) expires_at: Timestamp,
    /// How long it may wait, counted again from the day on which a person sent it on.
    pub(super) keep_for: Duration,
}

impl Row {
    /// What of it decides.
    pub(super) const fn standing(&self) -> Standing {
        Standing {
            state: self.state,
            reason: self.reason,
            attempts: self.attempts,
            has_request: self.has_request,
            crashes: 0,
        }
    }

    /// Takes over what a transition gave. The stored request, where it goes, is the caller's.
    pub(super) fn apply(&mut self, change: &Change, now: Timestamp) {
        if self.state != change.state {
            self.changed_at = now;
        }
        self.state = change.state;
        self.reason = change.reason;
        self.attempts = change.attempts;
        self.has_request &= change.keep_request;
        self.next_at = later(now, change.wait);
        if change.state != State::InFlight {
            self.lease_until = None;
        }
    }

    /// Whether it was certainly not written: then it may be planned again, or withdrawn.
    pub(super) const fn is_unsent(&self) -> bool {
        matches!(self.state, State::Pending | State::Held)
    }

    /// Whether its request may be at the endpoint, and nobody knows yet.
    pub(super) const fn is_under_way(&self) -> bool {
        matches!(self.state, State::InFlight | State::Unknown)
    }

    /// The same entry as if it had come back unsent.
    pub(super) fn come_back(&self) -> Self {
        Self { state: State::Pending, reason: None, ..self.clone() }
    }

    /// Whether it waits for a person.
    pub(super) const fn is_held(&self) -> bool {
        matches!(self.state, State::Held)
    }

    /// Whether something of it was sent, or may still be.
    pub(super) const fn counts(&self) -> bool {
        self.may_be_there() || !matches!(self.state, State::NotShared | State::Discarded | State::Withdrawn)
    }

    /// Whether it is on its way, or has arrived.
    pub(super) const fn goes_or_went(&self) -> bool {
        self.may_be_there() || matches!(self.state, State::Pending)
    }

    /// Whether the endpoint has it, or may have it.
    pub(super) const fn may_be_there(&self) -> bool {
        matches!(self.state, State::InFlight | State::Unknown | State::Delivered | State::Acknowledged)
            || matches!((self.state, self.reason), (State::Discarded, Some(Reason::MayBeThere)))
    }

    /// Whether it ended because nothing might be shared.
    pub(super) const fn is_withdrawn(&self) -> bool {
        matches!(
            (self.state, self.reason),
            (State::Withdrawn, _) | (State::NotShared, Some(Reason::ConsentNone))
        )
    }

    pub(super) fn unsent(&self) -> Unsent {
        Unsent {
            key: self.key,
            event_id: self.event_id.clone(),
            state: self.state,
            reason: self.reason,
            waived: self.waived.clone(),
        }
    }

    /// The entry as it is shown; `first_open` is the first open entry of its referral.
    pub(super) fn entry(&self, first_open: Option<EntryId>) -> Entry {
        Entry {
            id: self.id,
            key: self.key,
            referral: self.referral,
            event_type: self.event_type,
            endpoint: self.endpoint.clone(),
            state: self.state,
            reason: self.reason,
            attempts: self.attempts,
            has_request: self.has_request,
            next_at: self.next_at,
            accepted_at: self.accepted_at,
            changed_at: self.changed_at,
            expires_at: self.expires_at,
            blocked_by: first_open.filter(|first| self.state.is_open() && *first < self.id),
        }
    }
}

/// An instant after another, never later than a store can write down.
pub(super) fn later(now: Timestamp, by: Duration) -> Timestamp {
    let last = Timestamp::from_nanosecond(i64::MAX.into()).unwrap_or(Timestamp::MAX);
    now.checked_add(by).unwrap_or(last).min(last)
}
