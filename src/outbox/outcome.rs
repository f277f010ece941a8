//! [`Outcome`]: what came of one attempt. Every ending has a name; nothing defaults to success.
//!
//! Next: [`super::transition`].

use std::time::Duration;

use super::reason::Reason;

/// What came of one attempt to deliver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The endpoint has it, and every entry of its answer said so.
    Accepted(Receipt),
    /// The endpoint had it already.
    Duplicate(Receipt),
    /// The endpoint refuses it; sending it again would change nothing.
    Rejected(Refusal),
    /// It was certainly not written; try again, not before the endpoint's own wait, if it named one.
    Deferred {
        /// Why.
        reason: Reason,
        /// The HTTP status, where there was one.
        status: Option<u16>,
        /// How long the endpoint asked to wait.
        retry_after: Option<Duration>,
    },
    /// It may have been written: ask before sending again.
    Unknown {
        /// Why.
        reason: Reason,
        /// The HTTP status, where there was one.
        status: Option<u16>,
    },
}

impl Outcome {
    /// The word for logs, metrics and the list of attempts.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Accepted(_) => "accepted",
            Self::Duplicate(_) => "duplicate",
            Self::Rejected(_) => "rejected",
            Self::Deferred { .. } => "deferred",
            Self::Unknown { .. } => "unknown",
        }
    }

    /// The HTTP status, where there was one.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Accepted(receipt) | Self::Duplicate(receipt) => receipt.status,
            Self::Rejected(refusal) => refusal.status,
            Self::Deferred { status, .. } | Self::Unknown { status, .. } => *status,
        }
    }
}

/// What the endpoint says it holds now.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Receipt {
    /// The HTTP status, where there was one.
    pub status: Option<u16>,
    /// Where each resource is.
    pub placed: Vec<Placed>,
}

/// One resource at the endpoint.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Placed {
    /// Its type.
    #[serde(rename = "type")]
    pub resource_type: String,
    /// The UUID by which we name it.
    pub uuid: String,
    /// Its id at the endpoint.
    pub id: String,
    /// Its version there, as `meta.versionId` or the ETag gives it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<String>,
}

/// As FHIR points at a version: `Task/2/_history/5`.
impl std::fmt::Display for Placed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.resource_type, self.id)?;
        self.version.as_ref().map_or(Ok(()), |version| write!(f, "/_history/{version}"))
    }
}

/// Why an endpoint refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why, in our words.
    pub reason: Reason,
    /// The HTTP status, where there was one.
    pub status: Option<u16>,
    /// `issue.code` and element paths of the OperationOutcome, never its texts: they may hold a person's data.
    pub codes: Vec<String>,
}

impl Refusal {
    /// A refusal without an answer of the endpoint.
    #[must_use]
    pub const fn of(reason: Reason) -> Self {
        Self { reason, status: None, codes: Vec::new() }
    }
}
