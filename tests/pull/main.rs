//! Pulling: from a stub that misbehaves in known ways, and from real servers.
//!
//! A puller with a memory store asks a server and hands events to a sink that keeps them. Real servers are started by
//! `scripts/servers`; where they are not there the tests say `SKIPPED`. Read next: `world.rs`, `stub.rs`, `receiver.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr
)]

mod command;
#[path = "../common/mod.rs"]
mod common;
mod daemons;
mod faults;
mod real;
mod receiver;
mod stub;
mod unclear;
mod webhook;
mod world;

use common::need;
