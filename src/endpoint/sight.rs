//! [`Sight`]: what stands at an endpoint where we wrote something, seen by reading it back.
//!
//! What this is not: a judgement; [`crate::reconcile`] judges. Invariant: a sight holds ids, versions and the outcome
//! of comparisons, never content. Next: [`crate::reconcile`].

use crate::outbox::Reason;

/// What stands at the endpoint under one name of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// Its type; `Bundle` for a file.
    pub resource_type: String,
    /// The UUID by which we name it; for a file, its name without ending.
    pub name: String,
    /// The system of its identifier; absent where it is found by id.
    pub system: Option<String>,
    /// Which of the requests wrote it, by their places, ascending.
    pub written_by: Vec<usize>,
    /// Everything found under that name.
    pub copies: Vec<Standing>,
    /// Whether the endpoint says that there are more than it showed.
    pub more: bool,
}

/// One resource that stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its id there.
    pub id: String,
    /// Its version there.
    pub version: Option<String>,
    /// Whether it is about another person than what was sent.
    pub about_other: bool,
    /// The newest request whose content it has, or has with the progress that others may write; none where it has
    /// nobody's that was asked about.
    pub holds: Option<usize>,
}

/// What an endpoint holds under one of our identifier systems.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listing {
    /// All of it.
    Whole(Vec<Held>),
    /// It cannot be asked so, or did not answer wholly.
    NotSupported,
}

/// One resource of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The values of its identifiers under that system.
    pub names: Vec<String>,
    /// Its id there.
    pub id: String,
    /// Its version there.
    pub version: Option<String>,
}

/// Why something could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Why.
    pub reason: Reason,
    /// The type that was asked for, where it was one.
    pub resource_type: Option<String>,
}

impl From<Reason> for Unread {
    fn from(reason: Reason) -> Self {
        Self { reason, resource_type: None }
    }
}
