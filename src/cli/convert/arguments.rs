//! The options of `sp-fhir convert`, and what its `--help` teaches. Next: [`super::places`].

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Convert exports into coded FHIR R4 Bundles.
///
/// Reads CSV, TSV, XLSX, JSON, NDJSON, XML and canonical events, plain or .gz/.zst, from files, folders or standard
/// input (-). A profile says which column is what; `sp-fhir profile new` drafts one. Refused rows are explained and,
/// with --rejects, written aside in the input's own form, to be mended and converted alone; the rest go on. Rows marked
/// not-alone (of a log, of several rows a referral, with --since, or whose person's consent another row may change) are
/// mended in the export itself, and the whole export is converted again.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(in crate::cli) struct Arguments {
    /// Files or folders to convert; - is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// The mapping of the export's columns (TOML); see `sp-fhir profile`
    #[arg(short, long, value_name = "FILE")]
    pub(super) profile: Option<PathBuf>,
    /// URI of the sending system, when neither profile nor events name it
    #[arg(long, value_name = "URI")]
    pub(super) source: Option<String>,
    /// Where to write: a file (.gz and .zst compress) or, ending in /, a folder; standard output when absent
    #[arg(short, long, value_name = "PATH")]
    pub(super) output: Option<PathBuf>,
    /// What to make
    #[arg(long, value_enum, default_value_t = FormArgument::Transaction)]
    pub(super) form: FormArgument,
    /// How to pack it; bulk has a packing of its own
    #[arg(long, value_enum, default_value_t = PackArgument::Ndjson)]
    pub(super) pack: PackArgument,
    /// JSON or XML
    #[arg(long, value_enum, default_value_t = FormatArgument::Json)]
    pub(super) format: FormatArgument,
    /// Let this run's files take the place of an earlier run's in the folder of --output
    #[arg(long)]
    pub(super) replace: bool,
    /// Write refused and held rows here with the reasons: tables and workbooks as CSV, JSON and XML as NDJSON
    #[arg(long, value_name = "FILE")]
    pub(super) rejects: Option<PathBuf>,
    /// Write the full report here (JSON)
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
    /// An earlier export of the same source: print only what is new or changed. Give every earlier export, oldest
    /// first, each with a --since of its own: what an export says that is not given is not known
    #[arg(long, value_name = "FILE")]
    pub(super) since: Vec<PathBuf>,
    /// Use the codeset of this folder instead of the one that ships
    #[arg(long, value_name = "DIR")]
    pub(super) codeset: Option<PathBuf>,
    /// Repair codes damaged by a spreadsheet, where exactly one code fits
    #[arg(long)]
    pub(super) repair_codes: bool,
    /// Key file (at least 32 bytes) under which case numbers that could be NHS numbers are replaced, for ever
    #[arg(long, value_name = "FILE")]
    pub(super) opaque_key: Option<PathBuf>,
    /// Make an element of this standard an error where it is mandatory and missing
    #[arg(long, value_name = "STANDARD", value_parser = ["prsb"])]
    pub(super) require: Option<String>,
    /// The instant written into Provenance; now when absent
    #[arg(long, value_name = "INSTANT")]
    pub(super) recorded_at: Option<String>,
    /// Folder for spill files (mode 0600, removed at the end)
    #[arg(long, value_name = "DIR", env = "SP_FHIR_TMP")]
    pub(super) tmp: Option<PathBuf>,
    /// Worker threads; as many as there are cores when absent
    #[arg(short, long, value_name = "N", value_parser = jobs)]
    pub(super) jobs: Option<usize>,
    /// Say nothing but errors
    #[arg(short, long)]
    pub(super) quiet: bool,
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
pub(super) enum FormArgument {
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
pub(super) enum PackArgument {
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
pub(super) enum FormatArgument {
    /// JSON
    Json,
    /// XML
    Xml,
}
