//! `sp-fhir completions`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::convert::Exit;

use super::{Outcome, edge};

/// Print completions for a shell.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  sp-fhir completions bash > ~/.local/share/bash-completion/completions/sp-fhir"
)]
pub(super) struct Arguments {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Runs the subcommand.
pub(super) fn run(arguments: &Arguments) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut super::Arguments::command(), "sp-fhir", &mut script);
    edge::print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
