//! Patient: the person.

use super::{Address, CodeableConcept, ContactPoint, Deceased, Extension, HumanName, Identifier, Meta, Period, Reference, Text};

structs! {
    /// The person.
    Patient("Patient") {
        id: Option<Text> = "id",
        meta: Option<Meta> = "meta",
        extension: Vec<Extension> = "extension",
        identifier: Vec<Identifier> = "identifier",
        active: Option<bool> = "active",
        name: Vec<HumanName> = "name",
        telecom: Vec<ContactPoint> = "telecom",
        /// male | female | other | unknown.
        gender: Option<Text> = "gender",
        birth_date: Option<Text> = "birthDate",
        deceased: Option<Deceased> = "deceased[x]",
        address: Vec<Address> = "address",
        marital_status: Option<CodeableConcept> = "maritalStatus",
        contact: Vec<PatientContact> = "contact",
        communication: Vec<PatientCommunication> = "communication",
        general_practitioner: Vec<Reference> = "generalPractitioner",
        managing_organization: Option<Reference> = "managingOrganization",
    }

    /// Someone to reach the person through.
    PatientContact {
        relationship: Vec<CodeableConcept> = "relationship",
        name: Option<HumanName> = "name",
        telecom: Vec<ContactPoint> = "telecom",
        address: Option<Address> = "address",
        gender: Option<Text> = "gender",
        organization: Option<Reference> = "organization",
        period: Option<Period> = "period",
    }

    /// A language to speak with the person in.
    PatientCommunication {
        extension: Vec<Extension> = "extension",
        /// 1..1.
        language: CodeableConcept = "language",
        preferred: Option<bool> = "preferred",
    }
}
