//! Observation: a score, a coded statement or a count.

use super::{Annotation, CodeableConcept, Effective, Extension, Identifier, Meta, Reference, Text, Value};

structs! {
    /// A score, a coded statement or a count.
    Observation("Observation") {
        id: Option<Text> = "id",
        meta: Option<Meta> = "meta",
        extension: Vec<Extension> = "extension",
        identifier: Vec<Identifier> = "identifier",
        based_on: Vec<Reference> = "basedOn",
        /// 1..1; registered | preliminary | final | amended | corrected | cancelled | entered-in-error | unknown.
        status: Text = "status",
        category: Vec<CodeableConcept> = "category",
        /// 1..1.
        code: CodeableConcept = "code",
        subject: Option<Reference> = "subject",
        effective: Option<Effective> = "effective[x]",
        performer: Vec<Reference> = "performer",
        value: Option<Value> = "value[x]",
        note: Vec<Annotation> = "note",
        component: Vec<ObservationComponent> = "component",
    }

    /// One part of a compound observation, such as one question of a scale.
    ObservationComponent {
        /// 1..1.
        code: CodeableConcept = "code",
        value: Option<Value> = "value[x]",
    }
}
