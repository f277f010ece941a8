//! The real `sp-fhir daemon`, started as a process: what it promises, asked from outside.
//!
//! Invented people only, with numbers of the 999 range. Each test has a data folder of its own and a port that the system
//! gives. Moments are chosen at random; the seed is printed with a failure and taken from `SP_FHIR_SEED`. Read next:
//! `world.rs` (the process), `people.rs` (what is sent), `sender.rs` (how), then the proofs: `kill.rs`, `outage.rs`,
//! `canary.rs`, `snapshots.rs`, `exits.rs`, `reload.rs`,
//! `crash.rs`, `check.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr
)]

mod canary;
mod check;
mod crash;
mod exits;
mod files;
mod kill;
mod outage;
mod people;
mod reload;
mod sender;
mod servers;
mod snapshots;
mod stub;
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
