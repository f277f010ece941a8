//! Organization: a practice, a charity or another body.

use super::{Address, CodeableConcept, ContactPoint, Extension, Identifier, Meta, Reference, Text};

structs! {
    /// A practice, a charity or another body.
    Organization("Organization") {
        id: Option<Text> = "id",
        meta: Option<Meta> = "meta",
        extension: Vec<Extension> = "extension",
        identifier: Vec<Identifier> = "identifier",
        active: Option<bool> = "active",
        type_: Vec<CodeableConcept> = "type",
        name: Option<Text> = "name",
        alias: Vec<Text> = "alias",
        telecom: Vec<ContactPoint> = "telecom",
        address: Vec<Address> = "address",
        part_of: Option<Reference> = "partOf",
    }
}
