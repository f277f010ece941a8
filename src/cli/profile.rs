//! `sp-fhir profile`: draft, check and show the mappings of exports.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};

use crate::convert::error::Issues;
use crate::convert::sample::sample;
use crate::convert::{ConvertError, Exit};
use crate::event::Issue;
use crate::profile::draft;
use crate::source::{Input, Options, Reader};

use super::{Outcome, convert, edge};

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
        after_help = "Examples:\n  sp-fhir profile new export.csv > my-scheme.toml\n  sp-fhir profile new export.xlsx --sheet Caseload > my-scheme.toml"
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

/// Rows a draft looks at.
const SAMPLE: usize = 500;

/// Runs the subcommand.
pub(super) fn run(arguments: &Arguments) -> Outcome {
    match &arguments.command {
        Command::New { file, sheet, records } => new(file, sheet.clone(), records.clone()),
        Command::Check { profile, file } => check(profile, file.as_ref()),
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

fn new(file: &PathBuf, sheet: Option<String>, records: Option<String>) -> Outcome {
    let input = Input::path(file);
    let name = file.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let hints = draft::Hints { name, sheet: sheet.clone(), records: records.clone() };
    let options = Options { sheet, records, ..Options::default() };
    let reader = Reader::open(&input, &options)?;
    let codeset = edge::codeset(None)?;
    let sample = sample(reader, SAMPLE)?;
    let draft = draft::draft(&sample, &hints, &codeset);
    edge::print(&draft)?;
    edge::say(
        "This is a draft: read it, settle what is marked \"to decide\", give it a source, then remove draft = true.",
    );
    Ok(Exit::Done)
}

fn check(path: &std::path::Path, file: Option<&PathBuf>) -> Outcome {
    let profile = edge::profile(path)?;
    let Some(file) = file else {
        edge::say(&format!("{}: the profile is sound in itself", path.display()));
        return Ok(Exit::Done);
    };
    let input = Input::path(file);
    let reader = Reader::open(&input, &convert::options(Some(&profile.file))?)?;
    let mut issues = crate::profile::check::check_sample(&profile, &sample(reader, SAMPLE)?);
    for issue in &mut issues {
        issue.at.file.get_or_insert_with(|| Arc::clone(&input.name));
    }
    let (errors, rest): (Vec<Issue>, Vec<Issue>) = issues.into_iter().partition(Issue::is_error);
    for issue in &rest {
        edge::print(&format!("{issue}\n"))?;
    }
    if !errors.is_empty() {
        return Err(ConvertError::Profile(Issues(errors)));
    }
    edge::say(&format!("{}: every column the profile names is there", path.display()));
    Ok(Exit::Done)
}
