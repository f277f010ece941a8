//! To and from the types of `fhirbolt::model::r4`, for services that already speak them (feature `fhirbolt`).
//!
//! What it is: a conversion through JSON text. What it is not: a reader. fhirbolt 0.4.0 panics on an empty array, may
//! never return on unknown arrays, wraps integers and overflows the stack on deep input, so only a [`FhirResource`],
//! which our own reader and table have found sound, is ever given to it. Invariant: no byte from outside reaches
//! fhirbolt before [`super::read_json`] or [`super::read_xml`] took it. Next: [`super::types`].

use ::fhirbolt::model::r4;

use super::{FhirResource, read_json, write_json, write_xml};
use crate::event::Issue;

/// Why a conversion was not made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It holds a resource type that was not checked, or what fhirbolt wrote is not R4.
    #[error("{} issues, the first: {}", .0.len(), .0.first().map_or_else(String::new, ToString::to_string))]
    Unsound(Vec<Issue>),
    /// fhirbolt refused it.
    #[error("fhirbolt: {0}")]
    Refused(#[from] ::fhirbolt::json::Error),
}

/// Our resource as fhirbolt's.
///
/// # Errors
/// [`Error::Unsound`] for a resource that holds a type we do not model; [`Error::Refused`] as fhirbolt says.
pub fn to_fhirbolt(resource: &FhirResource) -> Result<r4::Resource, Error> {
    // The XML writer knows every type that was checked, and refuses the others.
    write_xml(resource).map_err(Error::Unsound)?;
    Ok(::fhirbolt::json::from_slice(&write_json(resource), None)?)
}

/// fhirbolt's resource as ours.
///
/// # Errors
/// [`Error::Unsound`] when what fhirbolt writes is not R4 (it checks neither codes nor dates).
pub fn from_fhirbolt(resource: &r4::Resource) -> Result<FhirResource, Error> {
    read_json(&::fhirbolt::json::to_vec(resource, None)?).map_err(Error::Unsound)
}
