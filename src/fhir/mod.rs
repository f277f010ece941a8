//! FHIR R4: the types we emit, the element table, and reading and writing JSON and XML.
//!
//! What it is: [`types`] are plain structs for the resources a social-prescribing referral needs, with only the
//! elements we emit; [`json`] turns them into compact bytes. What it is not: a complete model of R4, a profile
//! validator or a client. Invariant: members are written in R4 element order and nothing that is absent is
//! written, so equal values give equal bytes. Next: [`types`], then [`json`].

pub mod json;
pub mod types;

pub use types::{Resource, Text};
