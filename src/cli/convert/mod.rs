//! `sp-fhir convert`. Next: [`super::summary`].

mod arguments;
mod places;
mod rendering;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use crate::codeset::Codeset;
use crate::convert::error::Issues;
use crate::convert::interpret::{Interpreter, Meaning};
use crate::convert::meaning;
use crate::convert::output::{Output, check_target};
use crate::convert::part::Pending;
use crate::convert::referral::Shop;
use crate::convert::report::Report;
use crate::convert::run::{Progress, Run};
use crate::convert::{ConvertError, Exit};
use crate::map::mapper::Settings;
use crate::profile::Profile;
use crate::source::{Input, Options, spool};

use super::profile_check::heading_elsewhere;
use super::{Outcome, edge, progress, summary};

use arguments::FormArgument;
use places::{refuse_overwriting, target};
use rendering::rendering;

pub(super) use arguments::Arguments;

/// Runs the subcommand.
pub(super) fn run(arguments: &Arguments) -> Outcome {
    let began = Instant::now();
    refuse_overwriting(arguments)?;
    let target = target(arguments);
    check_target(&target)?;
    let recorded_at = edge::recorded_at(arguments.recorded_at.as_deref())?;
    let temporary = edge::temporary(arguments.tmp.as_ref())?;
    let codeset = edge::codeset(arguments.codeset.as_deref())?;
    let identities = edge::identities(arguments.source.as_deref(), arguments.opaque_key.as_deref())?;
    let inputs = inputs(&arguments.files, &temporary)?;
    let (mut previous, mut exports) = (Vec::new(), Vec::new());
    for (path, export) in arguments.since.iter().zip(1..) {
        if is_pipe(path) {
            return Err(ConvertError::Usage(
                "--since: the earlier export is read more than once, so it cannot come through a pipe: give a file"
                    .to_owned(),
            ));
        }
        let found = Input::find(std::slice::from_ref(path))?.inputs;
        exports.extend(found.iter().map(|_| export));
        previous.extend(found);
    }
    let meaning = meaning(arguments.profile.as_deref(), &inputs, &codeset)?;
    let profile = match &meaning {
        Meaning::Export(profile) => Some(Arc::clone(profile)),
        Meaning::Events | Meaning::Fhir(_) => None,
    };
    if matches!(meaning, Meaning::Fhir(_)) && !matches!(arguments.form, FormArgument::Events) {
        return Err(ConvertError::Usage("FHIR is read back into events: add --form events".to_owned()));
    }
    let names_its_source = |profile: &Arc<Profile>| profile.source.is_some() || profile.fills_source();
    if profile.as_ref().is_some_and(|profile| !names_its_source(profile)) && identities.source.is_none() {
        return Err(ConvertError::Configuration(
            "the profile names no source: add source = \"https://your-scheme.example/cases\" to it, or give --source"
                .to_owned(),
        ));
    }
    let rendering = rendering(arguments, profile.as_deref())?;
    let program = concat!("sp-fhir ", env!("CARGO_PKG_VERSION"));
    let settings = Settings {
        form: rendering.form,
        code_in_every_bundle: rendering.code_in_every_bundle(),
        recorded_at,
        agent: format!("{program}, codeset {}", codeset.name_and_version()),
        repair_codes: arguments.repair_codes,
        create_patient: profile.as_ref().is_some_and(|profile| profile.create_patient),
    };
    let mut report = Report {
        program: program.to_owned(),
        codeset: codeset.name_and_version().to_owned(),
        profile: profile.as_ref().map(|profile| profile.name.clone()),
        profile_not_reviewed: profile.as_ref().is_some_and(|profile| profile.draft),
        recorded_at: recorded_at.to_string(),
        ..Report::default()
    };
    let today = recorded_at.to_zoned(crate::event::When::london().clone()).date();
    let mut shop = Shop {
        files: Vec::new(),
        interpreter: Interpreter { meaning, identities },
        codeset,
        settings,
        today,
        twice: std::collections::HashSet::new(),
        require_prsb: arguments.require.is_some(),
        as_events: rendering.events,
        remembers: false,
        known: std::sync::OnceLock::new(),
    };
    let run = Run {
        inputs,
        previous,
        exports,
        options: meaning::options(profile.as_ref().map(|profile| &profile.file))?,
        rendering: rendering.clone(),
        rejects: arguments.rejects.clone(),
        temporary,
        jobs: arguments.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, Into::into)),
        check_profile: true,
    };
    run.open_files(&mut shop, &mut report).map_err(|error| with_heading(error, &run, profile.as_deref()))?;
    run.look_first(&mut shop)?;
    for path in arguments.rejects.iter().chain(&arguments.report) {
        // Whether it can be written shows now, not after the output has appeared. What is dropped leaves nothing.
        drop(Pending::file(path)?);
    }
    let output = Output::open(target, rendering)?;
    let state = Progress::default();
    let bar = progress::start(arguments.quiet, run.size(), &state);
    let report = run.run(&shop, output, report, &state);
    drop(bar);
    let report = report?;
    if let Some(path) = &arguments.report {
        write_report(path, &report)?;
    }
    if !arguments.quiet {
        summary::print(&report, began.elapsed(), arguments.report.as_deref());
    }
    Ok(exit(&report))
}

/// Whether a path is no file that can be read twice: standard input, or a pipe with a name.
fn is_pipe(path: &Path) -> bool {
    path.as_os_str() == "-" || std::fs::metadata(path).is_ok_and(|known| !known.is_file() && !known.is_dir())
}

/// Columns that are not there may be headings that were not where they were looked for.
fn with_heading(error: ConvertError, run: &Run, profile: Option<&Profile>) -> ConvertError {
    let mut issues = match error {
        ConvertError::Profile(Issues(issues)) => issues,
        other => return other,
    };
    let here = |input: &&Input| issues.iter().any(|issue| issue.at.file.as_deref() == Some(&*input.name));
    let found = profile.zip(run.inputs.iter().find(here));
    issues.extend(found.and_then(|(profile, input)| heading_elsewhere(profile, input, &run.options)));
    ConvertError::Profile(Issues(issues))
}

/// What the counts mean for whoever called.
fn exit(report: &Report) -> Exit {
    let rows = &report.rows;
    let set_aside = rows.refused + rows.held;
    if rows.converted + rows.unchanged + rows.not_shared == 0 {
        Exit::NothingUsable
    } else if set_aside > 0 {
        Exit::SomeRefused
    } else {
        Exit::Done
    }
}

fn inputs(files: &[PathBuf], temporary: &Path) -> Result<Vec<Input>, ConvertError> {
    let found = Input::find(files)?;
    for path in &found.passed_over {
        edge::say(&format!("note: {} was passed over: not a kind of file that is read here", path.display()));
    }
    if found.inputs.is_empty() {
        return Err(ConvertError::Usage(
            "no file to convert: the folders hold none that is read here".to_owned(),
        ));
    }
    found
        .inputs
        .into_iter()
        .map(|input| {
            if input.is_repeatable() {
                Ok(input)
            } else {
                let limit = Options::default().limits.max_decompressed;
                Ok(spool(std::io::stdin(), temporary, limit)?)
            }
        })
        .collect()
}

/// The profile named, else FHIR, else the shipped profile whose whole heading matches, else canonical events.
pub(super) fn meaning(
    path: Option<&Path>,
    inputs: &[Input],
    codeset: &Arc<Codeset>,
) -> Result<Meaning, ConvertError> {
    if let Some(path) = path {
        return Ok(Meaning::Export(Arc::new(edge::profile(path)?)));
    }
    let Some(first) = inputs.first() else { return Ok(Meaning::Events) };
    if let Some(meaning) = meaning::of(first, codeset)? {
        return Ok(meaning);
    }
    Err(ConvertError::NoProfile(format!(
        "no profile was given and no shipped one has the headings of {name}\n  draft one with: sp-fhir profile new {name} > my-scheme.toml",
        name = first.name
    )))
}

fn write_report(path: &Path, report: &Report) -> Result<(), ConvertError> {
    let json = serde_json::to_string_pretty(report)
        .map_err(|error| ConvertError::write(path, std::io::Error::other(error)))?;
    let mut file = Pending::file(path)?;
    file.write(json.as_bytes())?;
    file.write(b"\n")?;
    file.finish()
}
