//! Delivery to FHIR servers: real ones on loopback, and stubs of the test's own that misbehave in known ways.
//!
//! A parcel is made by the planner from events of invented people, and goes through prepare, send and look as the relay
//! drives them. What counts is what the server holds afterwards. Real servers are started by `scripts/servers`; where they
//! are not there the tests say `SKIPPED`. Read next: `parcels.rs`, `driver.rs`, `stub.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr
)]

mod answer;
#[path = "../common/mod.rs"]
mod common;
mod driver;
mod faults;
mod kept;
mod parcels;
mod real;
mod stub;
mod unsure;

use common::need;
