//! Withdrawing a resource: the same identity, `entered-in-error`, and nothing else that says anything.
//!
//! What R4 makes mandatory stays, in its emptiest form. Always allowed, at every level of sharing. Next:
//! [`super::mapper`].

use crate::fhir::types::{
    CarePlan, CodeableConcept, Communication, Consent, Encounter, Flag, Goal, Observation,
    QuestionnaireResponse, Resource, ServiceRequest, Task,
};

const IN_ERROR: &str = "entered-in-error";

fn withdrawn() -> CodeableConcept {
    CodeableConcept::text("Entered in error")
}

/// The resource, withdrawn. Types that carry no status of their own (organisations, Provenance) stay.
pub(super) fn withdraw(resource: Resource) -> Resource {
    let status = || IN_ERROR.into();
    match resource {
        Resource::Observation(r) => Observation {
            meta: r.meta.clone(),
            identifier: r.identifier.clone(),
            status: status(),
            code: withdrawn(),
            subject: r.subject.clone(),
            ..Observation::default()
        }
        .into(),
        Resource::Encounter(r) => Encounter {
            meta: r.meta.clone(),
            identifier: r.identifier.clone(),
            status: status(),
            class: r.class.clone(),
            subject: r.subject.clone(),
            ..Encounter::default()
        }
        .into(),
        Resource::CarePlan(r) => CarePlan {
            meta: r.meta.clone(),
            identifier: r.identifier.clone(),
            status: status(),
            intent: r.intent.clone(),
            subject: r.subject.clone(),
            ..CarePlan::default()
        }
        .into(),
        Resource::Goal(r) => Goal {
            meta: r.meta.clone(),
            identifier: r.identifier.clone(),
            lifecycle_status: status(),
            description: withdrawn(),
            subject: r.subject.clone(),
            ..Goal::default()
        }
        .into(),
        Resource::Communication(r) => Communication {
            meta: r.meta.clone(),
            identifier: r.identifier.clone(),
            status: status(),
            subject: r.subject.clone(),
            ..Communication::default()
        }
        .into(),
        Resource::Flag(r) => Flag {
            meta: r.meta.clone(),
            identifier: r.identifier.clone(),
            status: status(),
            code: withdrawn(),
            subject: r.subject.clone(),
            ..Flag::default()
        }
        .into(),
        Resource::Consent(r) => Consent {
            meta: r.meta.clone(),
            identifier: r.identifier.clone(),
            status: status(),
            scope: r.scope.clone(),
            category: r.category.clone(),
            patient: r.patient.clone(),
            policy_rule: r.policy_rule.clone(),
            ..Consent::default()
        }
        .into(),
        Resource::QuestionnaireResponse(r) => QuestionnaireResponse {
            meta: r.meta.clone(),
            identifier: r.identifier.clone(),
            status: status(),
            subject: r.subject.clone(),
            ..QuestionnaireResponse::default()
        }
        .into(),
        Resource::ServiceRequest(r) => ServiceRequest {
            meta: r.meta.clone(),
            identifier: r.identifier.clone(),
            status: status(),
            intent: r.intent.clone(),
            subject: r.subject.clone(),
            ..ServiceRequest::default()
        }
        .into(),
        Resource::Task(r) => Task {
            meta: r.meta.clone(),
            identifier: r.identifier.clone(),
            status: status(),
            intent: r.intent.clone(),
            focus: r.focus.clone(),
            for_: r.for_.clone(),
            ..Task::default()
        }
        .into(),
        other => other,
    }
}
