//! sp-fhir
pub mod codeset;
pub mod event;
pub mod fhir;
pub mod map;
pub mod profile;
pub mod tree;
