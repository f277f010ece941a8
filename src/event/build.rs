//! What a [`super::ReferralEvent`] is made of while it is being made: raw values in, a [`Draft`] out.
//!
//! Raw values come from a row through a profile, or from JSON; each carries the place it came from as a small
//! number, and a [`Places`] turns that into a [`Position`] only when there is something to report. This is
//! the only door into the event types: [`super::reading`] checks values, collecting every issue instead of
//! stopping at the first, `set` puts them where they belong, [`super::finish`] looks at the whole. Invariant: a
//! [`Draft`] with an error-level issue makes no event. Next: [`super::reading`].

use std::borrow::Cow;

use jiff::Timestamp;

use super::detail::Detail;
use super::issue::Position;
use super::kinds::EventType;
use super::person::Record;
use super::term::Term;
use super::when::When;

pub use super::reading::{Reading, parse_uri};

/// A value as it was found, not yet checked.
#[derive(Clone)]
pub enum Raw<'a> {
    /// Text: a cell, a JSON string, the text of an XML element.
    Text(Cow<'a, str>),
    /// A JSON number, as it was written.
    Number(Cow<'a, str>),
    /// True or false.
    Bool(bool),
    /// Words with or without a code.
    Term(Term),
}

/// A place in the input, cheap to carry: an index that a [`Places`] understands.
pub type Place = u32;

/// Turns places into positions, for reports.
pub trait Places {
    /// The position of a place.
    fn position(&self, place: Place) -> Position;
}

/// How strict to be with NHS numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NhsNumberRule {
    /// A number that fails its check refuses the row.
    #[default]
    Reject,
    /// It is sent with a warning: for tests against published examples only.
    Warn,
}

/// Text longer than this many bytes is refused. FHIR's own limit for a string is 1 MiB.
pub const MAX_TEXT: usize = 100_000;
/// Identifiers longer than this many bytes are refused.
pub const MAX_ID: usize = 200;

/// An event, or a record without an event, in the making.
#[derive(Default)]
pub struct Draft {
    /// Header values.
    pub header: Header,
    /// The referral-level record.
    pub record: Record,
    /// The event's own values.
    pub detail: Detail,
}

/// The header of an event in the making.
#[derive(Clone, Default)]
pub struct Header {
    /// URI of the sending system.
    pub source: Option<String>,
    /// The event's identifier.
    pub event_id: Option<String>,
    /// The referral's identifier.
    pub referral_id: Option<String>,
    /// What happened.
    pub event_type: Option<EventType>,
    /// When.
    pub occurred_at: Option<When>,
    /// When it was recorded.
    pub recorded_at: Option<Timestamp>,
    /// The source's own order.
    pub sequence: Option<u64>,
    /// The corrected event.
    pub target_event_id: Option<String>,
    /// Whether it is a status column's slot.
    pub is_status_slot: bool,
}
