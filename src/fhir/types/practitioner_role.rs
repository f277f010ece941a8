//! PractitionerRole: a professional's role at an organisation.

use super::{CodeableConcept, ContactPoint, Extension, Identifier, Meta, Period, Reference, Text};

structs! {
    /// A professional's role at an organisation.
    PractitionerRole("PractitionerRole") {
        id: Option<Text> = "id",
        meta: Option<Meta> = "meta",
        extension: Vec<Extension> = "extension",
        identifier: Vec<Identifier> = "identifier",
        active: Option<bool> = "active",
        period: Option<Period> = "period",
        practitioner: Option<Reference> = "practitioner",
        organization: Option<Reference> = "organization",
        code: Vec<CodeableConcept> = "code",
        specialty: Vec<CodeableConcept> = "specialty",
        location: Vec<Reference> = "location",
        healthcare_service: Vec<Reference> = "healthcareService",
        telecom: Vec<ContactPoint> = "telecom",
    }
}
