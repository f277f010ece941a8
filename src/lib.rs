//! sp-fhir
pub mod codeset;
pub mod event;
