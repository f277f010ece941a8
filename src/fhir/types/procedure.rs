//! Procedure: something done with or for the person.

use super::{Annotation, CodeableConcept, Extension, Identifier, Meta, Performed, Reference, Text};

structs! {
    /// Something done with or for the person.
    Procedure("Procedure") {
        id: Option<Text> = "id",
        meta: Option<Meta> = "meta",
        extension: Vec<Extension> = "extension",
        identifier: Vec<Identifier> = "identifier",
        based_on: Vec<Reference> = "basedOn",
        part_of: Vec<Reference> = "partOf",
        /// 1..1; preparation | in-progress | not-done | on-hold | stopped | completed | entered-in-error | unknown.
        status: Text = "status",
        status_reason: Option<CodeableConcept> = "statusReason",
        category: Option<CodeableConcept> = "category",
        code: Option<CodeableConcept> = "code",
        /// 1..1.
        subject: Reference = "subject",
        encounter: Option<Reference> = "encounter",
        performed: Option<Performed> = "performed[x]",
        recorder: Option<Reference> = "recorder",
        asserter: Option<Reference> = "asserter",
        performer: Vec<ProcedurePerformer> = "performer",
        location: Option<Reference> = "location",
        reason_code: Vec<CodeableConcept> = "reasonCode",
        reason_reference: Vec<Reference> = "reasonReference",
        outcome: Option<CodeableConcept> = "outcome",
        note: Vec<Annotation> = "note",
    }

    /// Who did it.
    ProcedurePerformer {
        function: Option<CodeableConcept> = "function",
        /// 1..1.
        actor: Reference = "actor",
        on_behalf_of: Option<Reference> = "onBehalfOf",
    }
}
