//! `sp-fhir convert`, proved through the real binary: exit codes, rejects, order, `--since`, codes, privacy, forms,
//! hostile input.
//!
//! Every test makes its files in a folder of its own and judges what comes out by reading it, not by comparing it with
//! an earlier output. This is not the place for expected output beside the fixtures: that is `tests/golden.rs`. People
//! are invented, NHS numbers are in the 999 range. The corpora of bad input are in the folder that
//! `SP_FHIR_TEST_DATA` names; without it those tests say SKIPPED.
//!
//! Read next: `command.rs` (how the binary is run), `scheme.rs` (the invented exports), then any other.

// clippy sees an integration test as production code.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr
)]

mod codes;
mod command;
mod consent;
mod corpora;
mod dates;
mod determinism;
mod exit_codes;
mod folders;
mod forms;
mod hostile;
mod interrupted;
mod lifts;
mod output;
mod persons;
mod places;
mod privacy;
mod read_back;
mod rejects;
mod scheme;
mod since;
mod since_held;
mod since_several;
mod terminal;
mod torn;
mod whose;
