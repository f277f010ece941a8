//! `sp-fhir convert`. Next: [`super::summary`].

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clap::{Args, ValueEnum};

use crate::codeset::Codeset;
use crate::convert::error::Issues;
use crate::convert::interpret::{Interpreter, Meaning};
use crate::convert::meaning;
use crate::convert::output::{Output, Target, check_target, is_folder};
use crate::convert::part::Pending;
use crate::convert::referral::Shop;
use crate::convert::rejects;
use crate::convert::render::{Encoding, Pack, Rendering};
use crate::convert::report::Report;
use crate::convert::run::{Progress, Run};
use crate::convert::{ConvertError, Exit};
use crate::map::mapper::Settings;
use crate::map::refs::Form;
use crate::profile::Profile;
use crate::source::{Input, Options, spool};

use super::profile_check::heading_elsewhere;
use super::{Outcome, edge, progress, summary};

/// Convert exports into coded FHIR R4 Bundles.
///
/// Reads CSV, TSV, XLSX, JSON, NDJSON, XML and canonical events, plain or .gz/.zst, from files, folders or standard
/// input (-). A profile says which column is what; `sp-fhir profile new` drafts one. Refused rows are explained and,
/// with --rejects, written aside in the input's own form, to be mended and converted alone; the rest go on. Rows marked
/// not-alone (of a log, of several rows a referral, with --since, or whose person's consent another row may change) are
/// mended in the export itself, and the whole export is converted again.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Arguments {
    /// Files or folders to convert; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The mapping of the export's columns (TOML); see `sp-fhir profile`
    #[arg(short, long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// URI of the sending system, when neither profile nor events name it
    #[arg(long, value_name = "URI")]
    source: Option<String>,
    /// Where to write: a file (.gz and .zst compress) or, ending in /, a folder; standard output when absent
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// What to make
    #[arg(long, value_enum, default_value_t = FormArgument::Transaction)]
    form: FormArgument,
    /// How to pack it; bulk has a packing of its own
    #[arg(long, value_enum, default_value_t = PackArgument::Ndjson)]
    pack: PackArgument,
    /// JSON or XML
    #[arg(long, value_enum, default_value_t = FormatArgument::Json)]
    format: FormatArgument,
    /// Let this run's files take the place of an earlier run's in the folder of --output
    #[arg(long)]
    replace: bool,
    /// Write refused and held rows here with the reasons: tables and workbooks as CSV, JSON and XML as NDJSON
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Write the full report here (JSON)
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// An earlier export of the same source: print only what is new or changed. Give every earlier export, oldest
    /// first, each with a --since of its own: what an export says that is not given is not known
    #[arg(long, value_name = "FILE")]
    since: Vec<PathBuf>,
    /// Use the codeset of this folder instead of the one that ships
    #[arg(long, value_name = "DIR")]
    codeset: Option<PathBuf>,
    /// Repair codes damaged by a spreadsheet, where exactly one code fits
    #[arg(long)]
    repair_codes: bool,
    /// Key file (at least 32 bytes) under which case numbers that could be NHS numbers are replaced, for ever
    #[arg(long, value_name = "FILE")]
    opaque_key: Option<PathBuf>,
    /// Make an element of this standard an error where it is mandatory and missing
    #[arg(long, value_name = "STANDARD", value_parser = ["prsb"])]
    require: Option<String>,
    /// The instant written into Provenance; now when absent
    #[arg(long, value_name = "INSTANT")]
    recorded_at: Option<String>,
    /// Folder for spill files (mode 0600, removed at the end)
    #[arg(long, value_name = "DIR", env = "SP_FHIR_TMP")]
    tmp: Option<PathBuf>,
    /// Worker threads; as many as there are cores when absent
    #[arg(short, long, value_name = "N", value_parser = jobs)]
    jobs: Option<usize>,
    /// Say nothing but errors
    #[arg(short, long)]
    quiet: bool,
}

/// More threads than this help nobody.
const MAX_JOBS: usize = 1024;

fn jobs(text: &str) -> Result<usize, String> {
    let named = text.parse().ok().filter(|jobs| (1..=MAX_JOBS).contains(jobs));
    named.ok_or_else(|| {
        format!("name 1 to {MAX_JOBS} threads, or leave --jobs out: then there are as many as cores")
    })
}

const AFTER_HELP: &str = "\
Examples:
  sp-fhir convert export.csv --profile my-scheme.toml
      coded transaction Bundles as NDJSON on standard output, a summary on standard error
  sp-fhir convert export.xlsx --profile p.toml -o out/ --form bulk
      one NDJSON file per resource type, in a new or an empty folder; with --replace, in the place
      of an earlier run's
  sp-fhir convert export.csv -p p.toml --rejects r.csv --report report.json -o out.ndjson.zst
      refused rows aside with reasons, the full report, compressed output
  sp-fhir convert mar.csv --since jan.csv --since feb.csv --profile p.toml
      only what changed; every earlier export, oldest first. The daemon remembers by itself
  zcat export.csv.gz | sp-fhir convert - --profile p.toml | head -1
      standard input and output

Exit codes: 0 every row was converted; 1 some rows were refused or held; 2 usage; 3 nothing usable; 4 no profile; \
5 a profile, codeset or key file is wrong; 6 a file could not be read or written.";

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FormArgument {
    /// Transaction Bundles, one per event
    Transaction,
    /// Message Bundles with a MessageHeader, one per event
    Message,
    /// Collection Bundles
    Collection,
    /// One NDJSON file per resource type, each resource once
    Bulk,
    /// Canonical events as NDJSON: what the daemon takes
    Events,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PackArgument {
    /// One Bundle per event, one a line
    Ndjson,
    /// One Bundle per event, a file each
    PerEvent,
    /// One Bundle per referral, each resource in its last state
    PerReferral,
    /// One Bundle of everything (collection only)
    One,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FormatArgument {
    /// JSON
    Json,
    /// XML
    Xml,
}

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

/// No output may replace an input, the profile or another output, or have a name that says something else.
fn refuse_overwriting(arguments: &Arguments) -> Result<(), ConvertError> {
    arguments.rejects.as_deref().map_or(Ok(()), rejects::check)?;
    let real = |path: &PathBuf| path.canonicalize().unwrap_or_else(|_| path.clone());
    let inputs =
        arguments.files.iter().chain(&arguments.profile).chain(&arguments.since).chain(&arguments.opaque_key);
    let mut taken: Vec<PathBuf> = inputs.map(real).collect();
    // A folder is read file by file: an earlier run's rejects in it are input of this run.
    for paths in [&arguments.files, &arguments.since] {
        let read = Input::find(paths).map(|found| found.inputs).unwrap_or_default();
        taken.extend(read.iter().map(|input| real(&PathBuf::from(&*input.name))));
    }
    let named =
        [("--output", &arguments.output), ("--rejects", &arguments.rejects), ("--report", &arguments.report)];
    for (option, path) in named {
        let Some(path) = path else { continue };
        if path.as_os_str() == "-" && option != "--output" {
            return Err(ConvertError::Usage(format!(
                "{option}: name a file; standard output is for the Bundles"
            )));
        }
        if option != "--output" && arguments.output.as_deref().is_some_and(|folder| stands_in(path, folder)) {
            return Err(ConvertError::Usage(format!(
                "{option}: {} would stand among the output; name a place outside that folder",
                path.display()
            )));
        }
        let path = real(path);
        let is_place = path.is_dir() || std::fs::metadata(&path).is_ok_and(|known| !known.is_file());
        if !is_place && taken.contains(&path) {
            return Err(ConvertError::Usage(format!(
                "{option}: {} is read or written already; name another file",
                path.display()
            )));
        }
        taken.push(path);
    }
    Ok(())
}

/// Whether a file would stand in the folder that takes the output.
fn stands_in(file: &Path, folder: &Path) -> bool {
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let real = |path: &Path| path.canonicalize().or_else(|_| std::path::absolute(path)).ok();
    is_folder(folder) && real(parent).is_some_and(|parent| Some(parent) == real(folder))
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

fn rendering(arguments: &Arguments, profile: Option<&Profile>) -> Result<Rendering, ConvertError> {
    let form = match arguments.form {
        FormArgument::Transaction => Form::Transaction,
        FormArgument::Message => Form::Message,
        FormArgument::Collection => Form::Collection,
        FormArgument::Bulk => Form::Bulk,
        FormArgument::Events => Form::Transaction,
    };
    let message = profile.and_then(|profile| profile.message.clone());
    if form == Form::Message && message.is_none() {
        return Err(ConvertError::Configuration(
            "--form message needs the profile's [message] table: event_system, event_code and endpoint"
                .to_owned(),
        ));
    }
    Ok(Rendering {
        form,
        pack: match arguments.pack {
            PackArgument::Ndjson => Pack::Ndjson,
            PackArgument::PerEvent => Pack::PerEvent,
            PackArgument::PerReferral => Pack::PerReferral,
            PackArgument::One => Pack::One,
        },
        encoding: match arguments.format {
            FormatArgument::Json => Encoding::Json,
            FormatArgument::Xml => Encoding::Xml,
        },
        message,
        events: matches!(arguments.form, FormArgument::Events),
    })
}

fn target(arguments: &Arguments) -> Target {
    match &arguments.output {
        None => Target::Stdout,
        Some(path) if path.as_os_str() == "-" => Target::Stdout,
        Some(path) if is_folder(path) => Target::Folder { path: path.clone(), replace: arguments.replace },
        Some(path) => Target::File(path.clone()),
    }
}

fn write_report(path: &Path, report: &Report) -> Result<(), ConvertError> {
    let json = serde_json::to_string_pretty(report)
        .map_err(|error| ConvertError::write(path, std::io::Error::other(error)))?;
    let mut file = Pending::file(path)?;
    file.write(json.as_bytes())?;
    file.write(b"\n")?;
    file.finish()
}
