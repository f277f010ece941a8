//! What is answered: results of events, and refusals as OperationOutcomes. No answer holds a value of what was sent.
//!
//! Next: [`super::auth`].

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::event::{Issue, IssueCode};
use crate::fhir::outcome::{SYSTEM, operation_outcome};
use crate::fhir::types::{CodeableConcept, Coding, OperationOutcome, OperationOutcomeIssue};
use crate::fhir::{self};
use crate::intake::submit::Taken;
use crate::store::{Answer, StoreError};

/// Why a request as a whole is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    NotFound,
    Method,
    Host,
    Unauthorised(&'static str),
    CredentialsUnusable,
    MediaType,
    ContentEncoding,
    TooLarge,
    TooManyEvents,
    BodyTimeout,
    BodyBroken,
    NoEvents,
    Full,
    Busy,
    Stopped,
    Defect,
}

impl Refusal {
    /// Status, code, FHIR issue type, what is wrong, what to do.
    const fn row(self) -> (u16, &'static str, &'static str, &'static str, &'static str) {
        match self {
            Self::NotFound => {
                (404, "no-such-path", "not-found", "there is nothing here", "see /openapi.json")
            }
            Self::Method => (405, "method", "not-supported", "not with this method", "see /openapi.json"),
            Self::Host => (
                421,
                "host",
                "security",
                "the Host header names another machine",
                "without authentication send to localhost or the loopback address by that name",
            ),
            Self::Unauthorised(_) => (
                401,
                "unauthorised",
                "login",
                "the credentials are absent or not right",
                "see /openapi.json; a signed request needs a signature of version 2, a clock within five minutes of ours and a new nonce each time",
            ),
            Self::CredentialsUnusable => (
                503,
                "credentials-unusable",
                "transient",
                "the server cannot read its own credentials",
                "tell the administrator: `sp-fhir check` says what is wrong; then send again",
            ),
            Self::MediaType => (
                415,
                "media-type",
                "not-supported",
                "a content type that is not taken here",
                "application/json or application/x-ndjson for /events, application/fhir+json or application/fhir+xml for /fhir; UTF-8",
            ),
            Self::ContentEncoding => {
                (415, "content-encoding", "not-supported", "a compressed body", "send it as it is")
            }
            Self::TooLarge => {
                (413, "body-too-large", "too-long", "the body is too large", "send fewer events at once")
            }
            Self::TooManyEvents => {
                (413, "too-many-events", "too-costly", "too many events in one request", "send fewer at once")
            }
            Self::BodyTimeout => {
                (408, "body-timeout", "timeout", "the body did not arrive in time", "send it again")
            }
            Self::BodyBroken => {
                (400, "body-broken", "structure", "the body ended before its length", "send it again")
            }
            Self::NoEvents => (
                422,
                "no-events",
                "business-rule",
                "nothing in it became an event",
                "send a ServiceRequest, a Task, or a Bundle that holds them, with their person",
            ),
            Self::Full => (
                429,
                "too-much-at-once",
                "throttled",
                "too much is being read at this moment",
                "send it again after Retry-After seconds",
            ),
            Self::Busy => {
                (503, "busy", "transient", "the store is busy", "send it again after Retry-After seconds")
            }
            Self::Stopped => (
                503,
                "store-unusable",
                "exception",
                "the store cannot be written; nothing new is taken",
                "tell the administrator; send it again later",
            ),
            Self::Defect => (
                500,
                "defect",
                "exception",
                "the program did not answer for every event",
                "send it again, which is safe, and report it with `sp-fhir --version`",
            ),
        }
    }

    /// Seconds until it makes sense to send again.
    const fn retry_after(self) -> Option<&'static str> {
        match self {
            Self::Full | Self::Busy => Some("1"),
            Self::CredentialsUnusable | Self::Stopped => Some("30"),
            _ => None,
        }
    }

    /// The refusal as an issue of an OperationOutcome.
    fn issue(self) -> OperationOutcomeIssue {
        let (_, code, fhir_type, title, remedy) = self.row();
        let coding = Coding::new(SYSTEM, code).with_display(title);
        OperationOutcomeIssue {
            severity: "error".into(),
            code: fhir_type.into(),
            details: Some(CodeableConcept { text: Some(title.into()), ..CodeableConcept::coding(coding) }),
            diagnostics: Some(remedy.into()),
            ..OperationOutcomeIssue::default()
        }
    }

    /// The refusal with issues found on the way.
    pub(super) fn with(self, issues: &[Issue]) -> Response {
        let mut outcome = operation_outcome(issues);
        if issues.is_empty() {
            outcome.issue.clear();
        }
        outcome.issue.insert(0, self.issue());
        let mut response = outcome_response(self.row().0, &outcome);
        if let Self::Unauthorised(scheme) = self {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
        }
        if let Some(seconds) = self.retry_after() {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(seconds));
        }
        response
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.with(&[])
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy => Self::Busy,
            _ => Self::Stopped,
        }
    }
}

/// A refusal for what was found.
pub(super) fn refused(issues: &[Issue]) -> Response {
    outcome_response(status_of(issues), &operation_outcome(issues))
}

/// What could not be read at all is 400, what contradicts 409, the rest 422.
fn status_of(issues: &[Issue]) -> u16 {
    use IssueCode as C;
    let first = issues.iter().find(|issue| issue.is_error()).map(|issue| issue.code);
    match first {
        Some(
            C::NotJson
            | C::NotXml
            | C::BadEncoding
            | C::DuplicateKey
            | C::Doctype
            | C::TooDeep
            | C::NulCharacter,
        ) => 400,
        Some(C::TooLarge) => 413,
        Some(C::EventChanged | C::DuplicateEventId) => 409,
        _ => 422,
    }
}

fn outcome_response(status: u16, outcome: &OperationOutcome) -> Response {
    body(status, "application/fhir+json", fhir::json::to_vec(outcome))
}

pub(super) fn body(status: u16, kind: &'static str, bytes: impl Into<axum::body::Body>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(CONTENT_TYPE, kind)], bytes.into()).into_response()
}

/// What became of one event.
#[derive(Serialize)]
pub(super) struct EventResult {
    /// 202 taken, 200 known already, 4xx refused: as if it had been sent alone.
    status: u16,
    /// The entry's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<i64>,
    /// The entry's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// The state it starts in.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    /// An OperationOutcome, where there is something to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Box<RawValue>>,
}

impl EventResult {
    /// A refused event.
    pub(super) fn refused(issues: &[Issue]) -> Self {
        Self { status: status_of(issues), id: None, key: None, state: None, outcome: outcome(issues) }
    }

    /// An event that the store answered for; `before` is what reading it found.
    pub(super) fn taken(taken: &Taken, before: &[Issue]) -> Self {
        let issues = [before, &taken.issues].concat();
        match taken.answer {
            Answer::Accepted { id, key, state } => Self {
                status: 202,
                id: Some(id),
                key: Some(key.to_string()),
                state: Some(state.as_str()),
                outcome: outcome(&issues),
            },
            Answer::Repeat { id, key } => Self {
                status: 200,
                id,
                key: key.map(|key| key.to_string()),
                state: None,
                // What else there is to say was said when it was taken.
                outcome: outcome(&taken.said(IssueCode::ConsentHeeded)),
            },
            Answer::Refused(code) => Self::refused(&taken.refused(code)),
        }
    }

    pub(super) const fn is_refused(&self) -> bool {
        self.status >= 300
    }

    /// The answer when it is the only event.
    pub(super) fn alone(self) -> Response {
        match (&self.outcome, self.is_refused()) {
            (Some(outcome), true) => body(self.status, "application/fhir+json", outcome.get().to_owned()),
            _ => json(self.status, &self),
        }
    }
}

fn outcome(issues: &[Issue]) -> Option<Box<RawValue>> {
    if issues.is_empty() {
        return None;
    }
    let text = String::from_utf8(fhir::json::to_vec(&operation_outcome(issues))).ok()?;
    RawValue::from_string(text).ok()
}

/// What became of a batch.
#[derive(Serialize)]
struct BatchResult {
    taken: usize,
    known: usize,
    refused: usize,
    results: Vec<EventResult>,
}

/// The answer for a batch: 202 when something was taken, 200 when all was known, 207 when something was refused.
pub(super) fn batch(results: Vec<EventResult>) -> Response {
    let count = |status| results.iter().filter(|result| result.status == status).count();
    let (taken, known) = (count(202), count(200));
    let refused = results.len() - taken - known;
    let status = match (taken, refused) {
        (_, 1..) => 207,
        (1.., 0) => 202,
        (0, 0) => 200,
    };
    json(status, &BatchResult { taken, known, refused, results })
}

fn json(status: u16, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => body(status, "application/json", bytes),
        Err(_) => Refusal::Defect.into_response(),
    }
}
