//! The `sp-fhir` command: see [`sp_fhir::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(sp_fhir::cli::main())
}
