//! ServiceRequest: the referral.
//!
//! Its content comes from the record and from the `referred` event that opened the episode; its status from
//! the fold. The code for a referral to a link worker is recorded once per episode: see [`code`]. Next:
//! [`super::task`].

use crate::codeset::{Codeset, WellKnown};
use crate::event::ReferralEvent;
use crate::event::kinds::ServiceKind;
use crate::fhir::types::{
    Annotation, CodeableConcept, Extension, Identifier, Reference, ServiceRequest, Text, Value,
};

use super::coding::{self, Coder};
use super::entry::meta;
use super::names::NameKind;
use super::notes::Notes;
use super::own::Context;
use super::refs::Refs;
use super::systems;

/// The ServiceRequest of an episode, all but its status and the one-time code.
pub(super) fn service_request(
    context: &Context<'_>,
    identifier: Identifier,
    notes: &mut Notes,
) -> ServiceRequest {
    let Context { referral, event: referred, record, refs, parties, coder, .. } = context;
    let case = record.case_reference.as_deref().unwrap_or(referral);
    let mut reason_code: Vec<CodeableConcept> = Vec::new();
    for reason in &referred.detail.reasons {
        let Some(concept) = coder.code(reason, "need", "reasons", notes) else { continue };
        // A need named in one column and coded in another is one need.
        let known = |other: &CodeableConcept| {
            !concept.coding.is_empty()
                && other.coding == concept.coding
                && (concept.text.is_none() || concept.text == other.text)
        };
        if !reason_code.iter().any(known) {
            reason_code.push(concept);
        }
    }
    let source =
        record.referrer.source.as_ref().and_then(|term| coder.code(term, "source", "referrer.source", notes));
    let note = context.free_text(referred.detail.note.as_ref(), notes, "note");
    ServiceRequest {
        meta: meta("ServiceRequest"),
        extension: source
            .map(|concept| {
                Extension::new(systems::SOURCE_OF_SERVICE_REQUEST, Value::CodeableConcept(concept))
            })
            .into_iter()
            .collect(),
        identifier: vec![identifier, Identifier::new(refs.names.case_reference_system(), case.to_owned())],
        based_on: record
            .based_on
            .iter()
            .map(|id| Reference {
                type_: Some("ServiceRequest".into()),
                ..Reference::logical(Identifier::new(id.system.clone(), id.value.clone()))
            })
            .collect(),
        intent: "order".into(),
        priority: record.priority.map(|priority| Text::Fixed(priority.as_str())),
        subject: refs.subject(),
        authored_on: referred.occurred_at.map(|when| when.text().into()),
        requester: parties.requester(refs),
        performer: parties.service().into_iter().collect(),
        reason_code,
        note: note.map(Annotation::text).into_iter().collect(),
        ..ServiceRequest::default()
    }
}

/// The code of the request: SNOMED CT for a referral to a link worker, words for every other kind of service.
/// Rule: that code is for link workers only (domain rule 5.1, docs/MAPPING.md).
pub(super) fn code(kind: Option<ServiceKind>, codeset: &Codeset) -> CodeableConcept {
    match (kind, codeset.well_known(WellKnown::Referred)) {
        (Some(ServiceKind::LinkWorker), Some(concept)) => CodeableConcept::coding(coding::snomed(concept)),
        (kind, _) => words(kind),
    }
}

/// The same in words, for later Bundles of forms in which the code must not be counted twice.
pub(super) fn words(kind: Option<ServiceKind>) -> CodeableConcept {
    CodeableConcept::text(format!("Referral to {}", kind.map_or("service", ServiceKind::label)))
}

/// The identifier of the request of an episode; the first episode has no number in its name.
pub(super) fn name(refs: &Refs<'_>, referral: &str, episode: u32) -> uuid::Uuid {
    if episode <= 1 {
        refs.names.uuid(NameKind::Referral, &[referral])
    } else {
        // Not the bare number: `R/2` may be another case.
        refs.names.uuid(NameKind::Referral, &[referral, "episode", &episode.to_string()])
    }
}

/// Whether any term of an event is sensitive, and nobody released it: then its free text stays here too.
pub(super) fn event_is_sensitive(event: &ReferralEvent, coder: &Coder<'_>) -> bool {
    if coder.released {
        return false;
    }
    let detail = &event.detail;
    detail.reasons.iter().any(|term| coder.is_sensitive(term, "need"))
        || [&detail.outcome, &detail.status_reason]
            .into_iter()
            .flatten()
            .any(|term| coder.is_sensitive(term, "outcome"))
        || detail.what.iter().any(|term| coder.is_sensitive(term, "service"))
        || detail.plan.iter().chain(&detail.goals).any(|term| coder.is_sensitive(term, "method"))
}
