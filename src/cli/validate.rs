//! `sp-fhir validate`: every problem of every record, with its place and what to do; nothing is converted.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use crate::convert::interpret::{Interpreter, Meaning};
use crate::convert::meaning;
use crate::convert::{ConvertError, Exit};
use crate::event::finish::Identities;
use crate::event::{Issue, Severity};
use crate::source::{Input, Options, Reader, Scratch};

use super::{Outcome, convert, edge};

/// Check exports or canonical events without converting them.
///
/// Prints every issue on standard output, one a line: place, severity, stable code, what is wrong, what to do.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sp-fhir validate events.ndjson
  sp-fhir validate export.csv --profile my-scheme.toml --format json | jq .code

Exit codes: 0 no errors; 1 some records have errors; 3 every record has; others as for convert.")]
pub(super) struct Arguments {
    /// Files or folders to check; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The mapping of the export's columns; without it records are canonical events
    #[arg(short, long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// URI of the sending system, when neither profile nor events name it
    #[arg(long, value_name = "URI")]
    source: Option<String>,
    /// Key file for case numbers that could be NHS numbers
    #[arg(long, value_name = "FILE")]
    opaque_key: Option<PathBuf>,
    /// How issues are printed
    #[arg(long, value_enum, default_value_t = FormatArgument::Text)]
    format: FormatArgument,
    /// Only errors
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormatArgument {
    /// A line for a person
    Text,
    /// A JSON object a line
    Json,
    /// One FHIR OperationOutcome
    OperationOutcome,
}

/// Runs the subcommand.
pub(super) fn run(arguments: &Arguments) -> Outcome {
    let identities: Identities =
        edge::identities(arguments.source.as_deref(), arguments.opaque_key.as_deref())?;
    let inputs = Input::find(&arguments.files)?.inputs;
    let codeset = edge::codeset(None)?;
    let meaning = match (&arguments.profile, inputs.first()) {
        (None, Some(first)) if first.is_repeatable() => convert::meaning(None, &inputs, &codeset)?,
        (None, _) => Meaning::Events,
        (Some(path), _) => convert::meaning(Some(path), &inputs, &codeset)?,
    };
    let interpreter = Interpreter { meaning, identities };
    let options = meaning::options(interpreter.profile().map(|profile| &profile.file))?;
    let mut check = Check { arguments, interpreter, records: 0, wrong: 0, all: Vec::new() };
    for input in inputs {
        check.file(&input, &options)?;
    }
    if arguments.format == FormatArgument::OperationOutcome {
        let outcome = crate::fhir::outcome::operation_outcome(&check.all);
        let mut json = crate::fhir::json::to_vec(&outcome);
        json.push(b'\n');
        edge::print(&String::from_utf8_lossy(&json))?;
    }
    if !arguments.quiet {
        edge::say(&format!("{} records, {} with errors", check.records, check.wrong));
    }
    Ok(match (check.records, check.wrong) {
        (_, 0) => Exit::Done,
        (records, wrong) if wrong == records => Exit::NothingUsable,
        _ => Exit::SomeRefused,
    })
}

struct Check<'a> {
    arguments: &'a Arguments,
    interpreter: Interpreter,
    records: u64,
    wrong: u64,
    all: Vec<Issue>,
}

impl Check<'_> {
    fn file(&mut self, input: &Input, options: &Options) -> Result<(), ConvertError> {
        let mut reader = Reader::open(input, options)?;
        let layout = Arc::clone(reader.layout());
        let bound = self.interpreter.bind(&layout);
        if let Some(profile) = self.interpreter.profile()
            && layout.format().is_table()
        {
            let issues = crate::profile::check::check(profile, layout.header());
            self.tell(issues.into_iter().map(|mut issue| {
                issue.at.file.get_or_insert_with(|| Arc::clone(&input.name));
                issue
            }))?;
        }
        let mut scratch = Scratch::default();
        for batch in &mut reader {
            let batch = batch?;
            for bad in batch.bad() {
                self.records += 1;
                self.wrong += 1;
                self.tell(std::iter::once(bad.issue.clone()))?;
            }
            for record in batch.records() {
                self.records += 1;
                let read = self.interpreter.events(&layout, &bound, record.text, &mut scratch);
                self.wrong += u64::from(read.is_refused());
                self.tell(read.issues.into_iter().map(|mut issue| {
                    issue.at = issue.at.within(&input.name, record.row);
                    issue
                }))?;
            }
        }
        for note in reader.notes() {
            edge::say(&format!("note: {}: {note}", input.name));
        }
        Ok(())
    }

    fn tell(&mut self, issues: impl Iterator<Item = Issue>) -> Result<(), ConvertError> {
        for issue in issues {
            if self.arguments.quiet && issue.severity != Severity::Error {
                continue;
            }
            match self.arguments.format {
                FormatArgument::Text => edge::print(&format!("{issue}\n"))?,
                FormatArgument::Json => {
                    let json = serde_json::json!({
                        "at": issue.at, "severity": issue.severity.as_str(), "code": issue.code.as_str(),
                        "title": issue.code.title(), "found": issue.found, "remedy": issue.code.remedy(),
                    });
                    edge::print(&format!("{json}\n"))?;
                }
                FormatArgument::OperationOutcome => self.all.push(issue),
            }
        }
        Ok(())
    }
}
