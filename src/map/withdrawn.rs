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
            meta: r.meta,
            identifier: r.identifier,
            status: status(),
            code: withdrawn(),
            subject: r.subject,
            ..Observation::default()
        }
        .into(),
        Resource::Encounter(r) => Encounter {
            meta: r.meta,
            identifier: r.identifier,
            status: status(),
            class: r.class,
            subject: r.subject,
            ..Encounter::default()
        }
        .into(),
        Resource::CarePlan(r) => CarePlan {
            meta: r.meta,
            identifier: r.identifier,
            status: status(),
            intent: r.intent,
            subject: r.subject,
            ..CarePlan::default()
        }
        .into(),
        Resource::Goal(r) => Goal {
            meta: r.meta,
            identifier: r.identifier,
            lifecycle_status: status(),
            description: withdrawn(),
            subject: r.subject,
            ..Goal::default()
        }
        .into(),
        Resource::Communication(r) => Communication {
            meta: r.meta,
            identifier: r.identifier,
            status: status(),
            subject: r.subject,
            ..Communication::default()
        }
        .into(),
        Resource::Flag(r) => Flag {
            meta: r.meta,
            identifier: r.identifier,
            status: status(),
            code: withdrawn(),
            subject: r.subject,
            ..Flag::default()
        }
        .into(),
        Resource::Consent(r) => Consent {
            meta: r.meta,
            identifier: r.identifier,
            status: status(),
            scope: r.scope,
            category: r.category,
            patient: r.patient,
            policy_rule: r.policy_rule,
            ..Consent::default()
        }
        .into(),
        Resource::QuestionnaireResponse(r) => QuestionnaireResponse {
            meta: r.meta,
            identifier: r.identifier,
            status: status(),
            subject: r.subject,
            ..QuestionnaireResponse::default()
        }
        .into(),
        Resource::ServiceRequest(r) => ServiceRequest {
            meta: r.meta,
            identifier: r.identifier,
            status: status(),
            intent: r.intent,
            subject: r.subject,
            ..ServiceRequest::default()
        }
        .into(),
        Resource::Task(r) => Task {
            meta: r.meta,
            identifier: r.identifier,
            status: status(),
            intent: r.intent,
            focus: r.focus,
            for_: r.for_,
            ..Task::default()
        }
        .into(),
        other => other,
    }
}
