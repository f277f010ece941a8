//! An onward referral: its own ServiceRequest and Task, hanging on the first. Next: [`super::safeguards`].

use crate::fhir::types::{CodeableConcept, Reference, ServiceRequest, Task};

use super::entry::{Entry, meta};
use super::names::NameKind;
use super::notes::Notes;
use super::own::Context;
use super::parties::Parties;
use super::systems;

/// The request and its Task. What becomes of them is not known here: they stay active and requested.
pub(super) fn referred_on(context: &Context<'_>, notes: &mut Notes) -> Vec<Entry> {
    let detail = &context.event.detail;
    // Named apart from the referral's own episodes and Tasks, whose names end in a number: an event id may be one.
    let request = context.uuid(NameKind::Referral, Some("onward"));
    let task = context.uuid(NameKind::Task, Some("onward"));
    let request_key = context.identifier(NameKind::Referral, request);
    let task_key = context.identifier(NameKind::Task, task);
    // The name of a refuge says as much as the code for it.
    let to = detail.to.clone().filter(|_| !context.sensitive).unwrap_or_default();
    let code = detail.what.as_ref().and_then(|term| context.coder.code(term, "service", "what", notes));
    let code = code.unwrap_or_else(|| match to.kind {
        Some(kind) => CodeableConcept::text(format!("Referral to {}", kind.label())),
        None => CodeableConcept::text("Onward referral"),
    });
    let parties = Parties::new(context.shelf, context.refs, context.record, Some(&to), context.coder.share);
    let performer = parties.service();
    let by = context.parties.provider();
    let service_request = ServiceRequest {
        meta: meta("ServiceRequest"),
        identifier: vec![request_key],
        based_on: context.based_on(),
        status: "active".into(),
        intent: "order".into(),
        code: Some(code),
        subject: context.refs.subject(),
        authored_on: context.date(),
        requester: by.clone(),
        performer: performer.clone().into_iter().collect(),
        ..ServiceRequest::default()
    };
    let owner = performer.map(|performer| Reference { display: None, ..performer });
    let onward_task = Task {
        meta: meta("Task"),
        identifier: vec![task_key],
        part_of: context.task.map(|task| context.refs.to("Task", task)).into_iter().collect(),
        status: "requested".into(),
        intent: "order".into(),
        code: Some(systems::FULFIL.concept()),
        focus: Some(context.refs.to("ServiceRequest", request)),
        for_: Some(context.refs.subject()),
        authored_on: context.date(),
        last_modified: context.date(),
        requester: by,
        owner,
        ..Task::default()
    };
    let mut entries = parties.take_used();
    entries.push(context.update(request, service_request));
    entries.push(context.update(task, onward_task));
    entries
}
