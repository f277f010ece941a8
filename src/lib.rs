//! sp-fhir
pub mod event;
pub mod fhir;
pub mod tree;
