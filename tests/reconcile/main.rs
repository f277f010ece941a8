//! Closing the loop against real servers: what is delivered is acknowledged, and whatever somebody does to it there is
//! found, each in its class, with counts that add up.
//!
//! Referrals of invented people go through a real store, the planner and the relay. Then the test does at the server what
//! its staff might do. Real servers are started by `scripts/servers`; where they are not there the tests say
//! `SKIPPED`. Read next: `world.rs`, `classes.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr
)]

mod answer;
mod classes;
mod command;
#[path = "../common/mod.rs"]
mod common;
#[path = "../delivery/driver.rs"]
#[allow(dead_code)]
mod driver;
#[path = "../delivery/parcels.rs"]
#[allow(dead_code)]
mod parcels;
#[path = "../delivery/stub.rs"]
#[allow(dead_code)]
mod stub;
mod stubborn;
mod world;

use common::need;
