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
mod daemons;
mod faults;
mod real;
mod receiver;
mod stub;
mod webhook;
mod world;

/// The value of an environment variable, or nothing after saying on the real standard error what is not tested.
fn need(test: &str, variable: &str) -> Option<String> {
    use std::io::Write as _;
    let value = std::env::var(variable).ok().filter(|value| !value.is_empty());
    if value.is_none() {
        let said = format!("\nSKIPPED: {test}: {variable} is not set\n");
        let _ = std::io::stderr().write_all(said.as_bytes());
    }
    value
}
