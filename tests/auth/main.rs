//! Authentication, against a local authorisation server that checks real signatures and claims, and against TLS servers
//! with certificates made here. Time stands still unless a test moves it, except in TLS, which reads the machine's.

// clippy sees an integration test as production code.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod canary;
mod check;
mod files;
mod nhs;
mod secrets;
mod server;
mod smart;
mod tls;
mod tokens;
mod world;
