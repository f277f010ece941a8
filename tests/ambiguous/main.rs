//! Answers that are lost, by the thousand: what a server holds afterwards is counted there.
//!
//! Referrals of invented people go through a real store, the planner and the relay to stub servers, by way of a proxy
//! that cuts requests and answers at random and lets some requests arrive late. At a correct server nothing may be lost or
//! doubled; at one that ignores conditions every double must be found. How many endings in doubt are made:
//! `SP_FHIR_AMBIGUOUS` (default 200). Read next: `lossy.rs`, `doubt.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr
)]

#[path = "../common/mod.rs"]
mod common;
mod doubt;
#[path = "../delivery/driver.rs"]
#[allow(dead_code)]
mod driver;
mod lossy;
#[path = "../delivery/parcels.rs"]
#[allow(dead_code)]
mod parcels;
#[path = "../delivery/stub.rs"]
#[allow(dead_code)]
mod stub;
#[path = "../reconcile/world.rs"]
#[allow(dead_code)]
mod world;
