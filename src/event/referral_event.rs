//! [`ReferralEvent`]: one thing that happened to one referral. The library's input and the daemon's wire form.
//!
//! It is built by [`super::build`], from the JSON of docs/event.schema.json or from a row through a profile;
//! there is no other way. Invariant: ids are not empty and hold no control characters; `target_event_id` is
//! present exactly on `corrected` and `entered_in_error`; an undated event came from a status or count column.
//! Next: [`super::field`], the list of everything an event can say.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::detail::Detail;
use super::kinds::EventType;
use super::person::Record;
use super::when::When;

/// The version of the wire form; the first key of every event.
pub const SCHEMA: &str = "sp-fhir-event/1";

/// One thing that happened to one referral.
#[derive(Clone, PartialEq, Eq)]
pub struct ReferralEvent {
    /// URI of the sending system, without trailing slash.
    pub source: Arc<str>,
    /// Unique within the source.
    pub event_id: String,
    /// The episode it belongs to, unique within the source.
    pub referral_id: Arc<str>,
    /// What happened.
    pub event_type: EventType,
    /// When it happened; absent only for status and count columns.
    pub occurred_at: Option<When>,
    /// When the source recorded it.
    pub recorded_at: Option<Timestamp>,
    /// The source's own order of events.
    pub sequence: Option<u64>,
    /// The event that this one corrects.
    pub target_event_id: Option<String>,
    /// Whether it is a status column's slot: a floor under the dated events, not an event of its own.
    pub is_status_slot: bool,
    /// What belongs to this event.
    pub detail: Detail,
    /// The referral-level record as this event knew it.
    pub record: Arc<Record>,
}

impl ReferralEvent {
    /// The event's name inside its referral: the profile rule (and date, and number) of a snapshot, else the
    /// whole event id. Part of every derived identifier.
    #[must_use]
    pub fn key(&self) -> &str {
        key_of(&self.event_id, &self.referral_id)
    }

    /// Whether two reports of one event say the same: type, date and content. When it was recorded, and what
    /// the referral's record said at the time, do not count.
    #[must_use]
    pub fn says_the_same_as(&self, other: &Self) -> bool {
        self.event_type == other.event_type
            && self.occurred_at == other.occurred_at
            && self.target_event_id == other.target_event_id
            && self.is_status_slot == other.is_status_slot
            && self.detail == other.detail
    }

    /// Which of two reports of one event is the later: when it was recorded, then the record's content, so that
    /// the choice never depends on the order they came in.
    #[must_use]
    pub fn recorded_order(&self) -> (Option<Timestamp>, Option<u64>, String) {
        (self.recorded_at, self.sequence, super::hash::of(&*self.record))
    }

    /// The target's key, for `corrected` and `entered_in_error`.
    #[must_use]
    pub fn target_key(&self) -> Option<&str> {
        self.target_event_id.as_deref().map(|target| key_of(target, &self.referral_id))
    }
}

fn key_of<'a>(event_id: &'a str, referral_id: &str) -> &'a str {
    event_id.strip_prefix(referral_id).and_then(|rest| rest.strip_prefix('/')).unwrap_or(event_id)
}

/// Redacted: only the type is shown.
impl fmt::Debug for ReferralEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReferralEvent({})", self.event_type.as_str())
    }
}

/// The wire form.
impl Serialize for ReferralEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("schema", SCHEMA)?;
        map.serialize_entry("source", &self.source)?;
        map.serialize_entry("event_id", &self.event_id)?;
        map.serialize_entry("referral_id", &self.referral_id)?;
        map.serialize_entry("type", &self.event_type)?;
        if let Some(occurred_at) = &self.occurred_at {
            map.serialize_entry("occurred_at", occurred_at)?;
        }
        if let Some(recorded_at) = &self.recorded_at {
            map.serialize_entry("recorded_at", &recorded_at.to_string())?;
        }
        if let Some(sequence) = &self.sequence {
            map.serialize_entry("sequence", sequence)?;
        }
        if let Some(target) = &self.target_event_id {
            map.serialize_entry("target_event_id", target)?;
        }
        if self.is_status_slot {
            map.serialize_entry("status_slot", &true)?;
        }
        if !self.detail.is_empty() {
            map.serialize_entry("detail", &self.detail)?;
        }
        map.serialize_entry("record", &*self.record)?;
        map.end()
    }
}
