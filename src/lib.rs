//! sp-fhir
pub mod event;
pub mod fhir;
#[cfg(feature = "convert")]
pub mod source;
pub mod tree;
