//! FHIR R4: the types we emit, the element table, and reading and writing JSON and XML.
//!
//! What it is: [`types`] are plain structs for the resources a social-prescribing referral needs, with only the
//! elements we emit, and [`json`] turns them into compact bytes; [`FhirResource`] is what was read from others, whole,
//! checked against R4's element table (`r4.txt`). What it is not: a profile validator or a client. Invariant: typed
//! members are written in R4 element order and nothing that is absent is written, so equal values give equal bytes;
//! what is read comes back with every value as it was. Next: [`types`], then [`json`], then `table.rs`.

mod check;
#[cfg(feature = "fhirbolt")]
pub mod fhirbolt;
mod from_xml;
pub mod json;
mod narrative;
pub mod outcome;
mod primitive;
mod resource;
mod table;
mod to_xml;
pub mod types;

pub use resource::{
    FhirResource, checked, read_json, read_json_within, read_xml, read_xml_within, sound, write_json,
    write_xml,
};
pub use types::{Resource, Text};

#[cfg(test)]
mod tests;
