//! The `sp-fhir` command: see [`sp_fhir::cli`].

use std::process::ExitCode;

/// A referral is some hundreds of small texts, so the allocator decides a third of the command's speed. Users of the
/// library choose their own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(sp_fhir::cli::main())
}
