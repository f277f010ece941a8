//! Communication: the message back to the GP, and a signposting without a code. Next: [`super::onward`].

use crate::codeset::WellKnown;
use crate::event::kinds::EventType;
use crate::fhir::types::{
    CodeableConcept, Communication, CommunicationPayload, Content, Effective, Observation, Text, Value,
};

use super::coding;
use super::entry::{Entry, meta};
use super::names::NameKind;
use super::notes::Notes;
use super::own::Context;

fn payload(text: Text) -> CommunicationPayload {
    CommunicationPayload { content: Some(Content::String(text)) }
}

fn communication(context: &Context<'_>, payload: Vec<CommunicationPayload>) -> Entry {
    let uuid = context.uuid(NameKind::Communication, None);
    let identifier = context.identifier(NameKind::Communication, uuid);
    let resource = Communication {
        meta: meta("Communication"),
        identifier: vec![identifier],
        based_on: context.based_on(),
        status: "completed".into(),
        subject: Some(context.refs.subject()),
        recipient: context.parties.practice().into_iter().collect(),
        sender: context.parties.provider(),
        payload,
        ..Communication::default()
    };
    context.update(uuid, resource)
}

/// The message back to the GP when a referral ends: what is asked of the GP first, then the outcome, then the
/// words. Without anything that may leave there is no message.
pub(super) fn message_back(context: &Context<'_>, notes: &mut Notes) -> Option<Entry> {
    let detail = &context.event.detail;
    let words_for_the_gp = detail.message.is_some() || detail.actions.is_some() || detail.outcome.is_some();
    if context.event.event_type == EventType::ClosedWithoutCompletion && !words_for_the_gp {
        // The reason stands on the Task; there is nothing else to tell.
        return None;
    }
    let mut parts = Vec::new();
    parts.extend(context.free_text(detail.actions.as_ref(), notes, "actions").map(payload));
    let ending = match context.event.event_type {
        EventType::Completed => detail.outcome.as_ref().or(detail.status_reason.as_ref()),
        _ => detail.status_reason.as_ref().or(detail.outcome.as_ref()),
    };
    let outcome = ending.and_then(|term| context.coder.code(term, "outcome", "outcome", notes));
    parts.extend(outcome.and_then(words_of).map(payload));
    parts.extend(context.free_text(detail.message.as_ref(), notes, "message").map(payload));
    parts.extend(context.free_text(detail.note.as_ref(), notes, "note").map(payload));
    (!parts.is_empty()).then(|| communication(context, parts))
}

/// The words a concept is read by.
fn words_of(concept: CodeableConcept) -> Option<Text> {
    concept.text.or_else(|| concept.coding.into_iter().find_map(|coding| coding.display))
}

/// The person was told of a service: an Observation where that has a code, else a Communication.
pub(super) fn signposted(context: &Context<'_>, notes: &mut Notes) -> Option<Entry> {
    let detail = &context.event.detail;
    let what = detail.what.as_ref().and_then(|term| context.coder.code(term, "service", "what", notes));
    if let Some(concept) = context.coder.codeset.well_known(WellKnown::Signposted) {
        let uuid = context.uuid(NameKind::Observation, None);
        let identifier = context.identifier(NameKind::Observation, uuid);
        let observation = Observation {
            meta: meta("Observation"),
            identifier: vec![identifier],
            based_on: context.based_on(),
            status: "final".into(),
            code: CodeableConcept::coding(coding::snomed(concept)),
            subject: Some(context.refs.subject()),
            effective: context.date().map(Effective::DateTime),
            performer: context.parties.provider().into_iter().collect(),
            value: what.map(Value::CodeableConcept),
            ..Observation::default()
        };
        return Some(context.update(uuid, observation));
    }
    let to = detail.to.as_ref().and_then(|to| to.name.as_ref().or(to.organisation_name.as_ref()));
    let mut parts = Vec::new();
    parts.extend(what.and_then(words_of).map(payload));
    parts.extend(context.free_text(to, notes, "to.name").map(payload));
    parts.extend(context.free_text(detail.note.as_ref(), notes, "note").map(payload));
    (!parts.is_empty()).then(|| communication(context, parts))
}
