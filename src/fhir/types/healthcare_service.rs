//! HealthcareService: the service a person is referred to.

use super::{CodeableConcept, ContactPoint, Extension, Identifier, Meta, Reference, Text};

structs! {
    /// The service a person is referred to.
    HealthcareService("HealthcareService") {
        id: Option<Text> = "id",
        meta: Option<Meta> = "meta",
        extension: Vec<Extension> = "extension",
        identifier: Vec<Identifier> = "identifier",
        active: Option<bool> = "active",
        provided_by: Option<Reference> = "providedBy",
        category: Vec<CodeableConcept> = "category",
        type_: Vec<CodeableConcept> = "type",
        specialty: Vec<CodeableConcept> = "specialty",
        location: Vec<Reference> = "location",
        name: Option<Text> = "name",
        comment: Option<Text> = "comment",
        extra_details: Option<Text> = "extraDetails",
        telecom: Vec<ContactPoint> = "telecom",
    }
}
