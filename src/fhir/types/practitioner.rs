//! Practitioner: a professional.

use super::{Address, ContactPoint, Extension, HumanName, Identifier, Meta, Text};

structs! {
    /// A professional.
    Practitioner("Practitioner") {
        id: Option<Text> = "id",
        meta: Option<Meta> = "meta",
        extension: Vec<Extension> = "extension",
        identifier: Vec<Identifier> = "identifier",
        active: Option<bool> = "active",
        name: Vec<HumanName> = "name",
        telecom: Vec<ContactPoint> = "telecom",
        address: Vec<Address> = "address",
        gender: Option<Text> = "gender",
        birth_date: Option<Text> = "birthDate",
    }
}
