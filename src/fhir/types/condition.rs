//! Condition: a problem or need of the person.

use super::{Abatement, Annotation, CodeableConcept, Extension, Identifier, Meta, Onset, Reference, Text};

structs! {
    /// A problem or need of the person.
    Condition("Condition") {
        id: Option<Text> = "id",
        meta: Option<Meta> = "meta",
        extension: Vec<Extension> = "extension",
        identifier: Vec<Identifier> = "identifier",
        clinical_status: Option<CodeableConcept> = "clinicalStatus",
        verification_status: Option<CodeableConcept> = "verificationStatus",
        category: Vec<CodeableConcept> = "category",
        severity: Option<CodeableConcept> = "severity",
        code: Option<CodeableConcept> = "code",
        /// 1..1.
        subject: Reference = "subject",
        encounter: Option<Reference> = "encounter",
        onset: Option<Onset> = "onset[x]",
        abatement: Option<Abatement> = "abatement[x]",
        recorded_date: Option<Text> = "recordedDate",
        recorder: Option<Reference> = "recorder",
        asserter: Option<Reference> = "asserter",
        note: Vec<Annotation> = "note",
    }
}
