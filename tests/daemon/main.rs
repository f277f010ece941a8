//! The real `sp-fhir daemon`, started as a process: what it promises, asked from outside.
//!
//! Invented people only, with numbers of the 999 range. Each test has a data folder of its own and a port that the system
//! gives. Moments are chosen at random; the seed is printed with a failure and taken from `SP_FHIR_SEED`. Read next:
//! `world.rs` (the process), `people.rs` (what is sent), `sender.rs` (how), then the proofs: `kill.rs`, `outage.rs`,
//! `canary.rs`, `snapshots.rs`, `persons.rs`, `exits.rs`, `reload.rs`, `crash.rs`, `theirs.rs`, `check.rs`, `store.rs`,
//! `decisions.rs`, `inbox.rs`, `shut.rs`, `withdrawals.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr
)]

mod canary;
mod check;
#[path = "../common/mod.rs"]
mod common;
mod crash;
mod decisions;
mod exits;
#[path = "../delivery/stub.rs"]
#[allow(dead_code)]
mod fhir;
mod files;
mod inbox;
mod kill;
mod outage;
mod people;
mod persons;
mod reload;
mod sender;
mod servers;
mod shut;
mod snapshots;
mod store;
mod stub;
mod theirs;
mod withdrawals;
mod world;

use common::need;
