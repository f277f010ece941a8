//! HTTP intake: `POST /events`, `POST /fhir`, health, and the document that describes them.
//!
//! [`Intake`] is everything a request needs; [`router`] the routes; [`serve`] the listening end. A request is
//! authenticated before anything of it is parsed, and bounded in every way before it is read. What this is not: a FHIR
//! server; nothing can be read here. Invariant: 202 is answered only after the commit; no answer holds a value of what
//! was sent. docs/openapi.json is the contract. Next: [`auth`], then `answer.rs`.

mod answer;
mod array;
pub mod auth;
mod body;
mod events;
mod fhir;
mod serve;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRef, Request, State};
use axum::http::Method;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use serde::Serialize;
use tokio::sync::Semaphore;

use crate::clock::Clock;
use crate::codeset::Codeset;
use crate::config::{Http, SecretError};
use crate::event::finish::Identities;
use crate::event::schema;

use super::keep::Keep;
use answer::Refusal;
pub use auth::Auth;
pub use serve::serve;

/// The OpenAPI document, as it is served.
pub const OPENAPI: &str = include_str!("../../../docs/openapi.json");

/// Every route: method and path. docs/openapi.json has each of them.
pub const ROUTES: [(&str, &str); 6] = [
    ("post", "/events"),
    ("post", "/fhir"),
    ("get", "/openapi.json"),
    ("get", "/event.schema.json"),
    ("get", "/health/live"),
    ("get", "/health/ready"),
];

/// Bodies smaller than this are parsed where they are; larger ones on a thread of their own, so that others go on. Of a larger
/// one only what goes beyond this counts in [`Limits::bytes`].
const SMALL: usize = 32 << 10;

/// What a connection and a request may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Open connections.
    pub connections: usize,
    /// Bytes of bodies being read or handled, over all connections, beyond the first 32 KiB of each.
    pub bytes: usize,
    /// Time for a request's head, and between two requests of a connection.
    pub head: Duration,
    /// Bytes of a request's head.
    pub head_bytes: usize,
    /// Lines of a request's head.
    pub headers: usize,
    /// Time for a request's body.
    pub body: Duration,
    /// How long a connection lives.
    pub life: Duration,
    /// How long requests at work may take to end when the server stops.
    pub drain: Duration,
    /// Wait after a connection could not be accepted.
    pub backoff: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 256,
            bytes: 64 << 20,
            head: Duration::from_secs(10),
            head_bytes: 16 << 10,
            headers: 64,
            body: Duration::from_secs(30),
            life: Duration::from_secs(600),
            drain: Duration::from_secs(10),
            backoff: Duration::from_millis(500),
        }
    }
}

/// Whether the daemon can do its work.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// Whether it can.
    pub ready: bool,
    /// Why not, in words without a person's data.
    pub reasons: Vec<String>,
    /// What a person should look at though it can.
    pub notes: Vec<String>,
}

/// Asks whether the daemon can do its work; answers at once.
pub type AskReady = Arc<dyn Fn() -> Readiness + Send + Sync>;

/// Everything a request needs.
pub struct Intake {
    auth: Auth,
    keep: Arc<dyn Keep>,
    clock: Arc<dyn Clock>,
    codeset: Arc<Codeset>,
    identities: Identities,
    ready: AskReady,
    max_body_bytes: usize,
    max_events: usize,
    limits: Limits,
    room: Arc<Semaphore>,
}

/// What an intake is made of.
pub struct Parts {
    /// Who may send.
    pub auth: Auth,
    /// Who takes what was sent.
    pub keep: Arc<dyn Keep>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The loaded codeset.
    pub codeset: Arc<Codeset>,
    /// The key of opaque case numbers; its source is replaced by that of `[intake.http]`.
    pub identities: Identities,
    /// Whether the daemon can do its work.
    pub ready: AskReady,
}

impl Intake {
    /// An intake as configured.
    #[must_use]
    pub fn new(http: &Http, limits: Limits, parts: Parts) -> Self {
        let Parts { auth, keep, clock, codeset, identities, ready } = parts;
        // There is always room for one body of the largest size.
        let bytes = limits.bytes.max(http.max_body_bytes).min(Semaphore::MAX_PERMITS);
        Self {
            auth,
            keep,
            clock,
            codeset,
            identities: Identities { source: http.source.clone(), ..identities },
            ready,
            max_body_bytes: http.max_body_bytes,
            max_events: http.max_events,
            limits,
            room: Arc::new(Semaphore::new(bytes)),
        }
    }

    /// Why nobody can be let in now.
    #[must_use]
    pub fn trouble(&self) -> Option<SecretError> {
        self.auth.trouble()
    }

    /// Does some reading where it holds up nobody.
    async fn off_the_loop<T: Send + 'static>(
        &self,
        size: usize,
        reading: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        if size < SMALL {
            return Ok(reading());
        }
        tokio::task::spawn_blocking(reading).await.map_err(|_| Refusal::Defect)
    }
}

/// The intake in use: it is replaced while the server runs. A request that has begun goes on with the one it began with.
#[derive(Clone)]
pub struct Current(Arc<RwLock<Arc<Intake>>>);

impl Current {
    /// Begins with an intake.
    #[must_use]
    pub fn new(intake: Arc<Intake>) -> Self {
        Self(Arc::new(RwLock::new(intake)))
    }

    /// Puts another in its place.
    pub fn replace(&self, intake: Arc<Intake>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = intake;
    }
}

impl FromRef<Current> for Arc<Intake> {
    fn from_ref(current: &Current) -> Self {
        Self::clone(&current.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The routes of an intake that stays.
pub fn router(intake: Arc<Intake>) -> Router {
    router_of(Current::new(intake))
}

/// The routes.
pub fn router_of(intake: Current) -> Router {
    Router::new()
        .route("/events", post(events::post))
        .route("/fhir", post(fhir::post))
        .route("/openapi.json", get(|| async { answer::body(200, "application/json", OPENAPI) }))
        .route(
            "/event.schema.json",
            get(|| async { answer::body(200, "application/schema+json", schema::document()) }),
        )
        .route("/health/live", get(|| async { answer::body(200, "application/json", "{\"live\":true}") }))
        .route("/health/ready", get(ready))
        .fallback(|| async { Refusal::NotFound.into_response() })
        .method_not_allowed_fallback(|| async { Refusal::Method.into_response() })
        .layer(middleware::from_fn_with_state(intake.clone(), count))
        .with_state(intake)
}

/// Counts what was answered with an error.
async fn count(State(intake): State<Arc<Intake>>, request: Request, next: Next) -> Response {
    let is_sent = request.method() == Method::POST;
    let response = next.run(request).await;
    if is_sent && response.status().as_u16() >= 400 {
        intake.keep.turned_away(response.status().as_u16());
    }
    response
}

async fn ready(State(intake): State<Arc<Intake>>) -> Response {
    let readiness = (intake.ready)();
    let status = if readiness.ready { 200 } else { 503 };
    match serde_json::to_vec(&readiness) {
        Ok(bytes) => answer::body(status, "application/json", bytes),
        Err(_) => Refusal::Defect.into_response(),
    }
}
