//! Location: a place.

use super::{Address, CodeableConcept, ContactPoint, Extension, Identifier, Meta, Reference, Text};

structs! {
    /// A place.
    Location("Location") {
        id: Option<Text> = "id",
        meta: Option<Meta> = "meta",
        extension: Vec<Extension> = "extension",
        identifier: Vec<Identifier> = "identifier",
        /// active | suspended | inactive.
        status: Option<Text> = "status",
        name: Option<Text> = "name",
        alias: Vec<Text> = "alias",
        description: Option<Text> = "description",
        mode: Option<Text> = "mode",
        type_: Vec<CodeableConcept> = "type",
        telecom: Vec<ContactPoint> = "telecom",
        address: Option<Address> = "address",
        physical_type: Option<CodeableConcept> = "physicalType",
        managing_organization: Option<Reference> = "managingOrganization",
    }
}
