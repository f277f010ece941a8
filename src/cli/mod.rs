//! The `sp-fhir` command: one file per subcommand. Parsing arguments, opening files, talking to a person.
//!
//! Everything that decides anything is in the library; here are only the edges: arguments, terminal, exit codes.
//! Invariant: results go to standard output, everything said to a person to standard error, and no patient's
//! data to either but the converted Bundles themselves. Next: `convert.rs`.

mod check;
mod codes;
mod completions;
mod convert;
mod daemon;
mod edge;
mod failure;
mod init;
mod outbox;
mod profile;
mod profile_check;
mod profile_new;
mod progress;
mod pull;
mod reconcile;
mod send;
mod status;
mod summary;
mod validate;

use clap::{Parser, Subcommand};

use crate::convert::{ConvertError, Exit};

use failure::Failure;

/// Social-prescribing referral exports in, coded FHIR R4 (UK Core) out.
#[derive(Debug, Parser)]
#[command(
    name = "sp-fhir",
    version,
    max_term_width = 100,
    arg_required_else_help = true,
    subcommand_required = true,
    after_help = AFTER_HELP
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Exit codes: 0 every row was converted; 1 some rows were refused or held; 2 the command line is wrong; 3 nothing \
usable; 4 no profile; 5 a profile, codeset or key file is wrong; 6 a file could not be read or written.

Examples:
  sp-fhir profile new export.csv > my-scheme.toml       draft the mapping of an export
  sp-fhir convert export.csv --profile my-scheme.toml   coded Bundles, one a line
  sp-fhir validate events.ndjson                        every problem, with its place and what to do";

#[derive(Debug, Subcommand)]
enum Command {
    Convert(Box<convert::Arguments>),
    Validate(validate::Arguments),
    Profile(profile::Arguments),
    Codes(codes::Arguments),
    Init(init::Arguments),
    Check(check::Arguments),
    Daemon(daemon::Arguments),
    Send(send::Arguments),
    Outbox(outbox::Arguments),
    Pull(pull::Arguments),
    Status(status::Arguments),
    Reconcile(reconcile::Arguments),
    Completions(completions::Arguments),
}

/// Runs the command line and gives the exit code.
#[must_use]
pub fn main() -> u8 {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            // Help and version are no errors.
            return if error.use_stderr() { Exit::Usage.code() } else { Exit::Done.code() };
        }
    };
    let result = match arguments.command {
        Command::Convert(arguments) => convert::run(&arguments).map_err(Failure::from),
        Command::Validate(arguments) => validate::run(&arguments).map_err(Failure::from),
        Command::Profile(arguments) => profile::run(&arguments).map_err(Failure::from),
        Command::Codes(arguments) => codes::run(&arguments).map_err(Failure::from),
        Command::Init(arguments) => init::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Daemon(arguments) => daemon::run(&arguments),
        Command::Send(arguments) => send::run(&arguments),
        Command::Outbox(arguments) => outbox::run(&arguments),
        Command::Pull(arguments) => pull::run(&arguments),
        Command::Status(arguments) => status::run(&arguments),
        Command::Reconcile(arguments) => reconcile::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments).map_err(Failure::from),
    };
    match result {
        Ok(exit) => exit.code(),
        Err(error) if error.is_broken_pipe() => Exit::Done.code(),
        Err(error) => {
            edge::complain(&error);
            error.exit().code()
        }
    }
}

/// What a subcommand gives.
type Outcome = Result<Exit, ConvertError>;
