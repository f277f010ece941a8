//! `sp-fhir profile`: draft, check and show the mappings of exports.
//!
//! What it is: the arguments, and the two small commands. Next: [`super::profile_new`], [`super::profile_check`].

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::convert::{ConvertError, Exit};

use super::{Outcome, edge, profile_check, profile_new};

/// Draft, check and show profiles: the mappings of exports.
#[derive(Debug, Args)]
#[command(
    arg_required_else_help = true,
    after_help = "\
Examples:
  sp-fhir profile new export.csv > my-scheme.toml     draft one by looking at headings and values
  sp-fhir profile check my-scheme.toml export.csv     does it fit the file, and what goes nowhere
  sp-fhir profile list                                the profiles that ship with the program
  sp-fhir profile show referral-platform              one of them, to start from"
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Draft a profile for an export by looking at its headings and values
    #[command(
        after_help = "Examples:\n  sp-fhir profile new export.csv > my-scheme.toml\n  sp-fhir profile new export.xlsx --sheet Caseload > my-scheme.toml\n  sp-fhir profile new export.json --records data.cases --source https://your-scheme.example/cases > my-scheme.toml"
    )]
    New {
        /// The export
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Sheet of a workbook
        #[arg(long)]
        sheet: Option<String>,
        /// Where the records are: a dotted JSON path, or the name of the XML element
        #[arg(long)]
        records: Option<String>,
        /// URI of the sending system, for the profile's `source`
        #[arg(long, value_name = "URI")]
        source: Option<String>,
    },
    /// Check a profile, in itself and against an export
    #[command(
        after_help = "Examples:\n  sp-fhir profile check my-scheme.toml\n  sp-fhir profile check my-scheme.toml export.csv"
    )]
    Check {
        /// The profile
        #[arg(value_name = "PROFILE")]
        profile: PathBuf,
        /// The export
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// List the profiles that ship with the program
    #[command(after_help = "Examples:\n  sp-fhir profile list")]
    List,
    /// Print a profile that ships with the program
    #[command(after_help = "Examples:\n  sp-fhir profile show referral-platform > my-scheme.toml")]
    Show {
        /// Its name
        name: String,
    },
}

/// Rows that a draft and a check look at.
pub(super) const SAMPLE: usize = 500;

/// Runs the subcommand.
pub(super) fn run(arguments: &Arguments) -> Outcome {
    match &arguments.command {
        Command::New { file, sheet, records, source } => {
            profile_new::run(file, sheet.as_deref(), records.as_deref(), source.as_deref())
        }
        Command::Check { profile, file } => profile_check::run(profile, file.as_deref()),
        Command::List => {
            let lines: String = crate::profile::shipped::SHIPPED
                .iter()
                .map(|shipped| format!("{}\n", shipped.name))
                .collect();
            edge::print(&lines)?;
            Ok(Exit::Done)
        }
        Command::Show { name } => {
            let shipped = crate::profile::shipped::SHIPPED.iter().find(|shipped| shipped.name == name);
            let Some(shipped) = shipped else {
                return Err(ConvertError::Usage(format!(
                    "no shipped profile is named {name:?}; see `sp-fhir profile list`"
                )));
            };
            edge::print(shipped.text)?;
            Ok(Exit::Done)
        }
    }
}
