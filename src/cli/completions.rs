//! `sp-fhir completions`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::convert::Exit;

use super::{Outcome, edge};

/// Print completions for a shell.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sp-fhir completions bash > ~/.local/share/bash-completion/completions/sp-fhir
  sp-fhir completions zsh > ~/.zfunc/_sp-fhir     with fpath+=~/.zfunc before compinit in ~/.zshrc
  sp-fhir completions fish > ~/.config/fish/completions/sp-fhir.fish")]
pub(super) struct Arguments {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Runs the subcommand.
pub(super) fn run(arguments: &Arguments) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut super::Arguments::command(), "sp-fhir", &mut script);
    // clap_complete 4.6 calls a command whose name has a hyphen by two names in one bash script, so that nothing below
    // it is completed.
    let script = String::from_utf8_lossy(&script).replace("sp__subcmd__fhir", "sp__fhir");
    edge::print(&script)?;
    Ok(Exit::Done)
}
