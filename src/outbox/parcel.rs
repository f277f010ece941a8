//! [`Parcel`]: what is to be delivered for one event, with its open places.
//!
//! For a referral it is a Bundle, for a webhook a pulled event. The Bundle names the person by a conditional reference, its resources by identifier, and its Provenance by a
//! client id; an endpoint fills those places before the first attempt. Invariant: a parcel is a function of the
//! events, the codeset and the settings; nothing of an endpoint's answers is kept in it. `Debug` shows no content.
//! Next: [`super::entry`].

use std::fmt;

use serde::{Deserialize, Serialize};

use super::outcome::Placed;
use super::reason::Reason;

/// What is to be delivered for one event.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    /// Who it is about, for the identity check; nobody where there is none.
    pub subject: Subject,
    /// The transaction Bundle as FHIR JSON; on its way to a webhook, the event as JSON.
    pub bundle: String,
    /// The clinical system's request that this referral answers, if any.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fulfils: Option<Box<Fulfils>>,
    /// Versions at the endpoint that a person lets stand: given along with a claim, never a part of what is kept.
    #[serde(skip)]
    pub let_stand: Vec<Placed>,
}

/// An identifier of a request at the clinical system.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fulfils {
    /// Its system.
    pub system: String,
    /// Its value.
    pub value: String,
    /// The Task of the Bundle that says how far the answer got, by the UUID that it has as a Task of ours; absent where
    /// the Bundle brings none. Where the endpoint holds a Task for us about that request, that one is updated instead.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub task: Option<String>,
    /// The UUID that a request of our own would have in its place: where the endpoint holds one, there are two for one ask.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub instead_of: Option<String>,
    /// Whether that Task is not the referral's first: it was reopened or rerouted, so a finished one is left alone.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub again: bool,
}

/// Who a parcel is about. All must agree with the endpoint's Patient before anything is written.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// NHS number, ten digits.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub nhs_number: Option<String>,
    /// Family name and former family names.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub families: Vec<String>,
    /// Birth date, `YYYY-MM-DD`; absent when partial.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub birth_date: Option<String>,
    /// ODS code of the registered practice.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub practice: Option<String>,
}

impl Subject {
    /// Why an endpoint must not get anything about this person: numbers of test people (999…) belong to one that is for test
    /// data, and nobody else's does. Without a number there is nothing against it.
    #[must_use]
    pub fn wrong_for(&self, is_for_test: bool) -> Option<Reason> {
        self.nhs_number.as_deref().and_then(|number| wrong_kind(number, is_for_test))
    }
}

/// As [`Subject::wrong_for`], of a number.
#[must_use]
pub fn wrong_kind(nhs_number: &str, is_for_test: bool) -> Option<Reason> {
    match (nhs_number.starts_with("999"), is_for_test) {
        (true, false) => Some(Reason::TestNumberAtLive),
        (false, true) => Some(Reason::RealNumberAtTest),
        _ => None,
    }
}

/// Redacted.
impl fmt::Debug for Parcel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Parcel({} bytes)", self.bundle.len())
    }
}

/// Redacted.
impl fmt::Debug for Fulfils {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fulfils(…)")
    }
}

/// Redacted.
impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subject(…)")
    }
}
