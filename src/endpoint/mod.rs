//! Step 6, *deliver*: the far side, behind one trait.
//!
//! An [`Endpoint`] takes a [`Parcel`] in three steps that the relay keeps apart, because between them something is
//! written down: *prepare* reads and fills the open places but writes nothing there; the exact request is then
//! stored; *send* sends exactly those bytes; *look* asks what became of a request whose answer was lost. What this is not: it knows no
//! store and decides no retries. Invariant: only `send` writes at the endpoint. Next: [`crate::outbox`] for what
//! follows from an outcome.

pub mod auth;
pub mod fhir_rest;
pub mod file;
pub mod origin;
pub mod sight;
pub mod webhook;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::outbox::{Outcome, Parcel, Placed, Reason, Receipt};

pub use fhir_rest::FhirRest;
pub use sight::{Held, Listing, Sight, Standing, Unread};

/// A future that may cross threads.
pub type Work<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One side to which parcels go.
pub trait Endpoint: Send + Sync {
    /// Its name in the configuration, in the store and in every report.
    fn name(&self) -> &str;

    /// Reads what must be known and fills the open places. Writes nothing.
    fn prepare<'a>(&'a self, parcel: &'a Parcel, known: &'a [Known]) -> Work<'a, Prepared>;

    /// Sends a stored request, byte for byte.
    fn send<'a>(&'a self, request: &'a Request) -> Work<'a, Outcome>;

    /// Asks whether a request that was sent has been applied. [`Found::Absent`] where sending it again does no harm.
    fn look<'a>(&'a self, request: &'a Request) -> Work<'a, Found>;

    /// Whether what was delivered can be read back. Where not, *delivered* is the last state an entry reaches there, and
    /// there is nothing to reconcile.
    fn can_be_read(&self) -> bool {
        true
    }

    /// Reads back what stands there of everything of ours that these requests wrote. They are of one referral, oldest
    /// first. Writes nothing.
    ///
    /// # Errors
    /// Why it cannot be read now, and what.
    fn read<'a>(
        &'a self,
        requests: &'a [Request],
        known: &'a [Known],
    ) -> Work<'a, Result<Vec<Sight>, Unread>>;

    /// Everything it holds of a type under an identifier system of ours, ours or not. Writes nothing.
    ///
    /// # Errors
    /// The reason why it cannot be read now.
    fn list<'a>(&'a self, resource_type: &'a str, system: &'a str) -> Work<'a, Result<Listing, Reason>>;

    /// Whether it can be reached at all: the breaker's probe. Cheap, and harmless.
    fn probe(&self) -> Work<'_, Result<(), Reason>>;

    /// Itself, where it is a FHIR server: what is pulled from it is asked for through the same client, so that there is one
    /// token and one view of its clock.
    fn fhir(self: Arc<Self>) -> Option<Arc<FhirRest>> {
        None
    }

    /// What is known of it without asking, for readiness and alarms.
    fn vitals(&self) -> Vitals {
        Vitals::default()
    }
}

/// What is known of an endpoint without asking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vitals {
    /// How far its servers' clocks are from ours, in seconds, positive when theirs are ahead: the largest difference
    /// that was last measured; none before the first answer.
    pub skew: Option<i64>,
    /// When the first of our certificates ends; none without one.
    pub certificate_ends: Option<jiff::Timestamp>,
    /// Why nothing could be written there when it was last tried, where the endpoint is on this machine.
    pub trouble: Option<&'static str>,
}

/// What we know of a resource of ours at the endpoint, from the last answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Where it is.
    pub placed: Placed,
    /// The digest of its content as we last sent it: [`Target::content`].
    pub content: String,
}

/// What preparing came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prepared {
    /// Ready to be stored and sent.
    Ready(Request),
    /// It must wait for a person; nothing was written.
    Held(Reason),
    /// What stands there of ours was changed by somebody else: a person must see these versions and decide; nothing was
    /// written.
    Divergent(Vec<Placed>),
    /// A person lets stand all that it would change: there is nothing to send.
    LetStand,
    /// The endpoint has all of it already, as it would be sent.
    Already(Had),
    /// It cannot be prepared now, or never: the outcome of the attempt.
    Ended(Outcome),
}

/// What an endpoint had before anything was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Had {
    /// What would have been sent; kept, so that what stands there can be compared later.
    pub request: Request,
    /// Where it is.
    pub receipt: Receipt,
}

/// The exact request of an attempt, as it is stored before it is sent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The HTTP method, or what stands for it elsewhere.
    pub method: String,
    /// The path below the endpoint's base; never with a person's identifier in it.
    pub path: String,
    /// `If-Match`, where a single resource is written by id.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub if_match: Option<String>,
    /// The body.
    pub body: String,
    /// What must be found at the endpoint when the request has been applied.
    pub targets: Vec<Target>,
}

/// One resource that a request writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Its type.
    #[serde(rename = "type")]
    pub resource_type: String,
    /// The UUID by which we name it: its identifier's value, or its id. Of a Task of the clinical system's, its id there.
    pub uuid: String,
    /// The system of its identifier; absent for a resource that is found by id.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub system: Option<String>,
    /// A digest of its content as sent; only the endpoint that made it can compare it.
    pub content: String,
    /// Whether it is ours alone: others' (organisations, services) are only created when absent.
    pub ours: bool,
}

impl Target {
    /// Whether it is a Task of the clinical system's that we update: it bears no identifier of ours and goes by its id.
    #[must_use]
    pub fn is_answer(&self) -> bool {
        self.ours && self.system.is_none() && self.resource_type == "Task"
    }
}

/// What asking came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// All of it is there.
    Applied(Receipt),
    /// None of it is there: it may be sent again.
    Absent,
    /// Something of it is there and was changed by somebody since: sending it again would go over that, so it is prepared
    /// anew.
    Changed,
    /// It cannot be said now.
    Unclear(Reason),
    /// Something of it is there in a way that a person must look at.
    Wrong(Reason),
}

/// Redacted: the body holds a person's data.
impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Request({} {}, {} bytes)", self.method, self.path, self.body.len())
    }
}
