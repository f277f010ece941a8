//! ServiceRequest: the referral.

use super::{Annotation, CodeableConcept, Extension, Identifier, Meta, Occurrence, Reference, Text};

structs! {
    /// The referral.
    ServiceRequest("ServiceRequest") {
        id: Option<Text> = "id",
        meta: Option<Meta> = "meta",
        extension: Vec<Extension> = "extension",
        identifier: Vec<Identifier> = "identifier",
        based_on: Vec<Reference> = "basedOn",
        /// 1..1; draft | active | on-hold | revoked | completed | entered-in-error | unknown.
        status: Text = "status",
        /// 1..1; proposal | plan | directive | order | original-order | reflex-order | filler-order | instance-order | option.
        intent: Text = "intent",
        /// routine | urgent | asap | stat.
        priority: Option<Text> = "priority",
        do_not_perform: Option<bool> = "doNotPerform",
        code: Option<CodeableConcept> = "code",
        /// 1..1.
        subject: Reference = "subject",
        occurrence: Option<Occurrence> = "occurrence[x]",
        authored_on: Option<Text> = "authoredOn",
        requester: Option<Reference> = "requester",
        performer: Vec<Reference> = "performer",
        reason_code: Vec<CodeableConcept> = "reasonCode",
        note: Vec<Annotation> = "note",
    }
}
