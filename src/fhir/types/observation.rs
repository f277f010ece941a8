//! Observation: a score, a coded statement or a count.

use super::{Annotation, CodeableConcept, Effective, Extension, Identifier, Meta, Quantity, Reference, Text, Value};

structs! {
    /// A score, a coded statement or a count.
    Observation("Observation") {
        id: Option<Text> = "id",
        meta: Option<Meta> = "meta",
        extension: Vec<Extension> = "extension",
        identifier: Vec<Identifier> = "identifier",
        based_on: Vec<Reference> = "basedOn",
        part_of: Vec<Reference> = "partOf",
        /// 1..1; registered | preliminary | final | amended | corrected | cancelled | entered-in-error | unknown.
        status: Text = "status",
        category: Vec<CodeableConcept> = "category",
        /// 1..1.
        code: CodeableConcept = "code",
        subject: Option<Reference> = "subject",
        focus: Vec<Reference> = "focus",
        encounter: Option<Reference> = "encounter",
        effective: Option<Effective> = "effective[x]",
        issued: Option<Text> = "issued",
        performer: Vec<Reference> = "performer",
        value: Option<Value> = "value[x]",
        data_absent_reason: Option<CodeableConcept> = "dataAbsentReason",
        interpretation: Vec<CodeableConcept> = "interpretation",
        note: Vec<Annotation> = "note",
        method: Option<CodeableConcept> = "method",
        reference_range: Vec<ObservationReferenceRange> = "referenceRange",
        has_member: Vec<Reference> = "hasMember",
        derived_from: Vec<Reference> = "derivedFrom",
        component: Vec<ObservationComponent> = "component",
    }

    /// What a value is judged against.
    ObservationReferenceRange {
        low: Option<Quantity> = "low",
        high: Option<Quantity> = "high",
        type_: Option<CodeableConcept> = "type",
        text: Option<Text> = "text",
    }

    /// One part of a compound observation, such as one question of a scale.
    ObservationComponent {
        /// 1..1.
        code: CodeableConcept = "code",
        value: Option<Value> = "value[x]",
        data_absent_reason: Option<CodeableConcept> = "dataAbsentReason",
        interpretation: Vec<CodeableConcept> = "interpretation",
        reference_range: Vec<ObservationReferenceRange> = "referenceRange",
    }
}
