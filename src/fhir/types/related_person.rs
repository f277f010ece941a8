//! RelatedPerson: a carer or relative.

use super::{Address, CodeableConcept, ContactPoint, Extension, HumanName, Identifier, Meta, Period, Reference, Text};

structs! {
    /// A carer or relative.
    RelatedPerson("RelatedPerson") {
        id: Option<Text> = "id",
        meta: Option<Meta> = "meta",
        extension: Vec<Extension> = "extension",
        identifier: Vec<Identifier> = "identifier",
        active: Option<bool> = "active",
        /// 1..1.
        patient: Reference = "patient",
        relationship: Vec<CodeableConcept> = "relationship",
        name: Vec<HumanName> = "name",
        telecom: Vec<ContactPoint> = "telecom",
        gender: Option<Text> = "gender",
        birth_date: Option<Text> = "birthDate",
        address: Vec<Address> = "address",
        period: Option<Period> = "period",
    }
}
