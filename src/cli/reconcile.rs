//! `sp-fhir reconcile`: our record against what the endpoints hold. Next: [`crate::reconcile`].

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};

use crate::clock::{Clock, SystemClock};
use crate::config::endpoint::Kind;
use crate::config::{Config, EndpointConfig};
use crate::convert::{ConvertError, Exit};
use crate::daemon::{DaemonError, Parts, endpoints};
use crate::reconcile::{self, ReconcileError, Report, csv, html};
use crate::store::Store;

use super::edge;
use super::failure::Failure;

/// Compare our record with what the endpoints hold: matched, missing, divergent, duplicate, unknown.
///
/// Reads only; it may run beside the daemon. The report lists everything that is not matched with ids and versions of
/// both sides, and never any content. The summary goes to standard error.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sp-fhir reconcile                                   every endpoint, as JSON
  sp-fhir reconcile --endpoint gp --format html -o report.html
  sp-fhir reconcile --format csv -o report.csv        safe to open in a spreadsheet
  sp-fhir reconcile | jq '.endpoints[].not_matched[]'

Exit codes: 0 everything is matched; 1 something is not; 2 there is no such endpoint; 5 the configuration is wrong; \
6 the store or an endpoint cannot be read (the report is of the others then, and names it).")]
pub(super) struct Arguments {
    /// Configuration; without it ./sp-fhir.toml, ~/.config/sp-fhir, /etc/sp-fhir, else the defaults
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Only this endpoint
    #[arg(long, value_name = "NAME")]
    endpoint: Option<String>,
    /// The report's format
    #[arg(long, default_value = "json")]
    format: Format,
    /// The report's file, for its owner only; without it standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Json,
    Csv,
    Html,
}

/// Runs the subcommand.
pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let config = Config::load(arguments.config.as_deref(), &edge::places())?;
    let parts = Parts::of(config)?;
    let is_wanted = |name: &str| arguments.endpoint.as_deref().is_none_or(|wanted| wanted == name);
    let mut wanted: Vec<&EndpointConfig> =
        parts.config.endpoints.iter().filter(|endpoint| is_wanted(&endpoint.name)).collect();
    if wanted.is_empty() {
        return Err(Failure::usage("--endpoint: the configuration has no such endpoint"));
    }
    // What was posted cannot be read back; its entries are counted among the states.
    wanted.retain(|endpoint| !matches!(endpoint.kind, Kind::Webhook(_)));
    if wanted.is_empty() {
        return Err(Failure::usage(
            "--endpoint: a webhook cannot be read back, so there is nothing to compare",
        ));
    }
    let mut store = parts.store_to_read()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| DaemonError::Io { place: "runtime".to_owned(), source })?;
    let (found, mut not_read) = runtime.block_on(all(&wanted, &mut store))?;
    if found.is_empty() && !not_read.is_empty() {
        return Err(not_read.swap_remove(0).into());
    }
    let mut states = store.counts()?;
    states.retain(|(endpoint, _), _| is_wanted(endpoint));
    let said = not_read.iter().map(ToString::to_string).collect();
    let report = Report { at: edge::now(), states, endpoints: found, not_read: said };
    let text = match arguments.format {
        Format::Json => report.json(),
        Format::Csv => csv::write(&report),
        Format::Html => html::write(&report),
    };
    match &arguments.output {
        Some(path) => write(path, &text).map_err(|error| ConvertError::write(path, error))?,
        None => edge::print(&text)?,
    }
    edge::say(report.text().trim_end());
    if let Some(first) = not_read.into_iter().next() {
        return Err(first.into());
    }
    Ok(if report.is_clean() { Exit::Done } else { Exit::SomeRefused })
}

/// What was found at each endpoint that could be read, and why the others could not.
async fn all(
    wanted: &[&EndpointConfig],
    store: &mut impl Store,
) -> Result<(Vec<reconcile::AtEndpoint>, Vec<ReconcileError>), Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (mut found, mut not_read) = (Vec::with_capacity(wanted.len()), Vec::new());
    for config in wanted {
        let endpoint = endpoints::make(config, &clock)?;
        match reconcile::compare(endpoint.as_ref(), store).await {
            Ok(at) => found.push(at),
            Err(error @ ReconcileError::Endpoint { .. }) => not_read.push(error),
            Err(error) => return Err(error.into()),
        }
    }
    Ok((found, not_read))
}

/// Writes a file that appears whole.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".tmp-").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

impl From<ReconcileError> for Failure {
    fn from(error: ReconcileError) -> Self {
        Self::Daemon(match error {
            ReconcileError::Store(error) => error.into(),
            ReconcileError::Endpoint { .. } => DaemonError::Unread(error.to_string()),
        })
    }
}
