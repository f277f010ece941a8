//! sp-fhir
pub mod event;
