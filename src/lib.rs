//! sp-fhir
pub mod event;
pub mod fhir;
