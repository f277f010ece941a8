//! Intake as a sender meets it: a listening server and watched folders. Invented people only.
//!
//! What keeps events here is a fake with the rules of a store (known, changed, new), so that these tests say what intake
//! does and not what a store does.

// clippy sees an integration test as production code.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used, missing_docs)]

mod abuse;
mod command;
mod credentials;
mod events;
mod fake;
mod fhir;
mod folder;
mod openapi;
