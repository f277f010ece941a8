//! `POST /fhir`: a Bundle, ServiceRequest or Task, read back into events. Next: [`super::serve`].

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};

use crate::event::build::NhsNumberRule;
use crate::event::{Issue, ReferralEvent};
use crate::fhir;
use crate::intake::submit::Came;
use crate::map::back::Back;
use crate::plan::Doubt;
use crate::plan::doubt::{heeded, said};
use crate::tree::Node;

use super::Intake;
use super::answer::{Refusal, batch, refused};
use super::body::{Received, receive};
use super::events::ReadEvent;

#[derive(Clone, Copy)]
enum Kind {
    Json,
    Xml,
}

const KINDS: &[(&str, Kind)] = &[("application/fhir+json", Kind::Json), ("application/fhir+xml", Kind::Xml)];

/// Answers `POST /fhir`. A Bundle is taken whole or, when anything in it is wrong, not at all: its resources lean on
/// one another.
pub(super) async fn post(State(intake): State<Arc<Intake>>, request: Request) -> Response {
    let received = match receive(&intake, request, KINDS).await {
        Ok(received) => received,
        Err(refusal) => return refusal.into_response(),
    };
    let Received { kind, bytes, _share } = received;
    let size = bytes.len();
    let reader = Arc::clone(&intake);
    let reading = move || read(&bytes, kind, &reader);
    let (events, mut issues) = match intake.off_the_loop(size, reading).await {
        Ok(Some(read)) => read,
        Ok(None) => return Refusal::TooManyEvents.into_response(),
        Err(refusal) => return refusal.into_response(),
    };
    if issues.iter().any(Issue::is_error) {
        let doubts: Vec<Doubt> = events.iter().filter(|event| heeded(event)).map(Doubt::of).collect();
        issues.extend((!doubts.is_empty()).then(said));
        return match intake.heed(doubts).await {
            Ok(()) => {
                intake.keep.refused(1);
                refused(&issues)
            }
            Err(refusal) => refusal.into_response(),
        };
    }
    if events.is_empty() {
        return Refusal::NoEvents.with(&issues);
    }
    if events.len() > intake.max_events {
        return Refusal::TooManyEvents.into_response();
    }
    let read = |event| ReadEvent { event: Some(event), issues: Vec::new(), doubt: None };
    let mut read: Vec<ReadEvent> = events.into_iter().map(read).collect();
    // What was found is about the whole; it is told once, with the first event.
    if let Some(first) = read.first_mut() {
        first.issues = issues;
    }
    let taken = intake.take(read, Came::Versions).await;
    taken.map_or_else(axum::response::IntoResponse::into_response, batch)
}

/// Events and issues; nothing where there are too many requests: each is an event at least, so nothing of them need be
/// read to know it.
fn read(bytes: &[u8], kind: Kind, intake: &Intake) -> Option<(Vec<ReferralEvent>, Vec<Issue>)> {
    let resource = match kind {
        // The reader of files passes over a byte order mark; over HTTP there is none.
        Kind::Json => crate::tree::json::parse(bytes, &crate::tree::Limits::default())
            .map_err(|issue| vec![issue])
            .and_then(fhir::sound),
        Kind::Xml => fhir::read_xml(bytes),
    };
    let resource = match resource {
        Err(issues) => return Some((Vec::new(), issues)),
        Ok(resource) => resource,
    };
    let entries = resource.node().get("entry").and_then(Node::as_array).unwrap_or_default();
    let kinds = entries.iter().filter_map(|entry| entry.path("resource.resourceType")?.as_str());
    if kinds.filter(|kind| *kind == "ServiceRequest").nth(intake.max_events).is_some() {
        return None;
    }
    let (codeset, identities) = (&*intake.codeset, &intake.identities);
    Some(Back { codeset, identities, nhs_number: NhsNumberRule::Reject }.read(&resource))
}
