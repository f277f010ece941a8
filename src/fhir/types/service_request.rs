//! ServiceRequest: the referral.

use super::{Annotation, CodeableConcept, Extension, Identifier, Meta, Occurrence, Reference, Text};

structs! {
    /// The referral.
    ServiceRequest("ServiceRequest") {
        id: Option<Text> = "id",
        meta: Option<Meta> = "meta",
        extension: Vec<Extension> = "extension",
        identifier: Vec<Identifier> = "identifier",
        instantiates_uri: Vec<Text> = "instantiatesUri",
        based_on: Vec<Reference> = "basedOn",
        replaces: Vec<Reference> = "replaces",
        requisition: Option<Identifier> = "requisition",
        /// 1..1; draft | active | on-hold | revoked | completed | entered-in-error | unknown.
        status: Text = "status",
        /// 1..1; proposal | plan | directive | order | original-order | reflex-order | filler-order | instance-order | option.
        intent: Text = "intent",
        category: Vec<CodeableConcept> = "category",
        /// routine | urgent | asap | stat.
        priority: Option<Text> = "priority",
        do_not_perform: Option<bool> = "doNotPerform",
        code: Option<CodeableConcept> = "code",
        order_detail: Vec<CodeableConcept> = "orderDetail",
        /// 1..1.
        subject: Reference = "subject",
        encounter: Option<Reference> = "encounter",
        occurrence: Option<Occurrence> = "occurrence[x]",
        authored_on: Option<Text> = "authoredOn",
        requester: Option<Reference> = "requester",
        performer_type: Option<CodeableConcept> = "performerType",
        performer: Vec<Reference> = "performer",
        location_code: Vec<CodeableConcept> = "locationCode",
        location_reference: Vec<Reference> = "locationReference",
        reason_code: Vec<CodeableConcept> = "reasonCode",
        reason_reference: Vec<Reference> = "reasonReference",
        supporting_info: Vec<Reference> = "supportingInfo",
        note: Vec<Annotation> = "note",
        patient_instruction: Option<Text> = "patientInstruction",
        relevant_history: Vec<Reference> = "relevantHistory",
    }
}
