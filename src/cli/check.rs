//! `sp-fhir check`: whether the daemon could run as configured, one line for each thing looked at.
//!
//! Nothing is changed: a folder or store that is not there yet is said to be made at the start. FHIR endpoints are asked, and
//! written to only where a person names one. Next: [`super::daemon`].

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use crate::clock::{Clock, SystemClock};
use crate::config::endpoint::{Kind, PullConfig};
use crate::config::{Config, EndpointConfig, Places, Problem, Problems};
use crate::convert::Exit;
use crate::daemon::{DaemonError, endpoints, parts, watched};
use crate::endpoint::fhir_rest::question::{Finding, Question, Verdict};
use crate::endpoint::fhir_rest::{FhirRest, inquiry, trial};
use crate::intake::folder;
use crate::pull::read;
use crate::store::{self, SqliteStore, StoreError};
use crate::telemetry::log::{self, Format};

use super::failure::Failure;
use super::{edge, init};

/// Tell whether the daemon could run as configured.
///
/// Looks at the configuration, codeset, secrets, profiles, folders, clock and store, and asks each FHIR endpoint: its
/// metadata, a token, searching, certificates, clocks. Changes nothing, here or there, unless --probe-writes says so. One line for
/// each thing looked at: `ok`, `WARN` or `WRONG`, its word, and what was found; docs/ERRORS.md lists the words.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sp-fhir check
  sp-fhir check --config /etc/sp-fhir/sp-fhir.toml --offline
  sp-fhir check --probe-writes test-server

Exit codes: 0 nothing is wrong (there may be warnings); 1 only an endpoint is wrong: the daemon can start; 2 the command \
line is wrong; 5 something here is wrong: it cannot.")]
pub(super) struct Arguments {
    /// Configuration; without it ./sp-fhir.toml, ~/.config/sp-fhir, /etc/sp-fhir, else the defaults
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Ask no endpoint: for a machine without its network, and before each start of the daemon
    #[arg(long, conflicts_with = "probe_writes")]
    offline: bool,
    /// Write to this endpoint: a Task about nobody is made on condition, repeated, updated, counted and deleted again
    #[arg(long, value_name = "ENDPOINT")]
    probe_writes: Vec<String>,
}

/// This program was not written before this day: a clock that says so is wrong.
const WRITTEN: jiff::civil::Date = jiff::civil::date(2026, 11, 1);

/// So long the store is read to see whether it is sound: a large one is not read whole before each start of the daemon.
const READING: Duration = Duration::from_secs(10);

/// Runs the subcommand.
pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let config = Config::load(arguments.config.as_deref(), &Places::here()).or_else(unusable)?;
    // What an authorisation server says when it refuses is said in the log.
    let _level = log::start(Format::Plain, "warn");
    for named in &arguments.probe_writes {
        let is_fhir = |one: &EndpointConfig| one.name == *named && matches!(one.kind, Kind::Fhir(_));
        if !config.endpoints.iter().any(is_fhir) {
            return Err(Failure::usage(format!("--probe-writes: no FHIR endpoint is named {named}")));
        }
    }
    let mut found = Found::default();
    match &config.file {
        Some(file) => found.good("configuration", &file.display().to_string()),
        None => found.good("configuration", "none; the defaults"),
    }
    found.clock(edge::now());
    found.secrets(&config);
    found.folders(&config);
    found.never_read(&config);
    found.waiting(&config);
    found.profiles(&config);
    // A key that cannot be had was told among the secrets.
    match parts::codeset(&config) {
        Ok(codeset) => found.good("codeset", codeset.name_and_version()),
        Err(error) => found.error("codeset", &error),
    }
    found.store(&config);
    found.endpoints(&config, arguments)?;
    edge::print(&found.text)?;
    match (found.problems.is_empty(), found.is_wrong_there) {
        (true, false) => Ok(Exit::Done),
        (true, true) => Ok(Exit::SomeRefused),
        (false, _) => Err(Problems(found.problems).into()),
    }
}

/// A configuration that cannot be used: nothing else can be looked at then.
fn unusable(problems: Problems) -> Result<Config, Failure> {
    let mut found = Found::default();
    for problem in problems.0 {
        let place = problem.place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
        found.line("WRONG", "configuration", &format!("{place}{}: {}", problem.key, problem.what));
        found.problems.push(problem);
    }
    edge::print(&found.text)?;
    Err(Problems(found.problems).into())
}

#[derive(Default)]
struct Found {
    text: String,
    problems: Vec<Problem>,
    /// Whether an endpoint is not as it must be.
    is_wrong_there: bool,
}

impl Found {
    fn line(&mut self, mark: &str, what: &str, said: &str) {
        let _ = writeln!(self.text, "{mark:<5} {what:<16} {said}");
    }

    fn good(&mut self, what: &str, said: &str) {
        self.line("ok", what, said);
    }

    fn wrong(&mut self, what: &str, problem: Problem) {
        self.line("WRONG", what, &format!("{}: {}", problem.key, problem.what));
        self.problems.push(problem);
    }

    fn error(&mut self, what: &str, error: &DaemonError) {
        self.wrong(what, Problem::new(what, error.to_string(), "mend what is named here"));
    }

    fn clock(&mut self, now: jiff::Timestamp) {
        let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
        if today < WRITTEN {
            let remedy = "set the machine's clock: dates, tokens and signatures depend on it";
            self.wrong("clock", Problem::new("clock", format!("it says {today}"), remedy));
        } else {
            self.good("clock", &now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        }
    }

    fn secrets(&mut self, config: &Config) {
        for (key, secret, least) in config.secrets() {
            match secret.read(least) {
                Ok(_) => self.good("secret", &secret.place()),
                Err(error) => self.wrong("secret", Problem::new(key, error.to_string(), "mend it")),
            }
        }
    }

    fn folders(&mut self, config: &Config) {
        for folder in config.folders_to_make() {
            let shown = folder.display().to_string();
            if !folder.exists() {
                // Only root could be told otherwise by permissions, so that the disk itself is asked too.
                let above = folder.ancestors().find(|above| above.exists());
                match above.map_or(Ok(()), try_writing) {
                    Ok(()) => self.good("folder", &format!("{shown} (made at the start)")),
                    Err(error) => {
                        let what = format!("cannot be made ({})", error.kind());
                        let remedy = match remedy(error.kind()) {
                            GIVE => "make it, for the user that runs the daemon, or name another place",
                            other => other,
                        };
                        self.wrong("folder", Problem::new(shown, what, remedy));
                    }
                }
            } else if let Some(problem) = init::open_to_others(&folder) {
                self.wrong("folder", problem);
            } else if let Err(error) = try_writing(&folder) {
                let what = format!("cannot be written ({})", error.kind());
                self.wrong("folder", Problem::new(shown, what, remedy(error.kind())));
            } else {
                self.good("folder", &shown);
            }
        }
    }

    /// What stands in a watched folder for nothing.
    fn never_read(&mut self, config: &Config) {
        for watched in &config.folders {
            let Ok(folder::NeverRead { folders, links }) = folder::never_read(watched) else { continue };
            if folders + links > 0 {
                let said = format!(
                    "{}: {folders} folders and {links} links in it are passed over: only files directly in it are read",
                    watched.path.display()
                );
                self.line("WARN", "folder", &said);
            }
        }
    }

    /// What keeps a watched folder, or a file in it, from being read, as the daemon saw it last.
    fn waiting(&mut self, config: &Config) {
        for trouble in watched::read(config) {
            if let Some(why) = &trouble.unusable {
                self.line("WARN", "folder", &format!("{}: not read: {why}", trouble.folder));
            }
            for waiting in &trouble.waiting {
                let said = format!("{}: waits: {}; {}", waiting.path, waiting.why, waiting.remedy);
                self.line("WARN", "folder", &said);
            }
        }
    }

    fn profiles(&mut self, config: &Config) {
        for watched in &config.folders {
            match folder::profile(watched) {
                Ok(Some(profile)) => self.good("profile", &profile.name),
                Ok(None) => {}
                Err(problem) => self.wrong("profile", problem),
            }
        }
    }

    fn endpoints(&mut self, config: &Config, arguments: &Arguments) -> Result<(), Failure> {
        for endpoint in &config.endpoints {
            let (said, server) = match &endpoint.kind {
                Kind::File { path } => (format!("{}: a folder, {}", endpoint.name, path.display()), None),
                Kind::Fhir(server) => (format!("{}: {}", endpoint.name, server.url), Some(server)),
                Kind::Webhook(receiver) => {
                    (format!("{}: a webhook, {} (not asked)", endpoint.name, receiver.url), None)
                }
            };
            let test = match (&endpoint.kind, endpoint.test) {
                // No referral goes there, and what was pulled goes as it is.
                (Kind::Webhook(_), _) => "",
                (_, true) => "; test numbers only",
                (_, false) => "; live: takes no test numbers",
            };
            let asked = if arguments.offline && server.is_some() { "; not asked" } else { "" };
            self.good("endpoint", &format!("{said}{test}{asked}"));
            let Some(server) = server else { continue };
            let clock: Arc<dyn Clock> = Arc::new(SystemClock);
            match endpoints::rest(endpoint, server, &clock) {
                Err(error) => self.error("endpoint", &error),
                Ok(_) if arguments.offline => {}
                Ok(rest) => {
                    let probes = arguments.probe_writes.contains(&endpoint.name);
                    for finding in ask(&rest, endpoint.pull.as_ref(), clock.as_ref(), probes)? {
                        self.there(&endpoint.name, &finding);
                    }
                }
            }
        }
        Ok(())
    }

    /// What an endpoint answered.
    fn there(&mut self, endpoint: &str, finding: &Finding) {
        let Finding { question, verdict, said } = finding;
        let (mark, remedy) = match verdict {
            Verdict::Good => ("ok", String::new()),
            Verdict::Warning => ("WARN", String::new()),
            Verdict::Wrong => ("WRONG", format!("; {}", question.remedy())),
        };
        self.is_wrong_there |= *verdict == Verdict::Wrong;
        self.line(mark, question.as_str(), &format!("{endpoint}: {said}{remedy}"));
    }

    fn store(&mut self, config: &Config) {
        let shown = config.store.display().to_string();
        match SqliteStore::look_at(&config.store, READING) {
            Ok(store::Found::None) => self.good("store", &format!("{shown} (made at the start)")),
            Ok(store::Found::Store { form, newest, is_all_read }) => {
                let mut said = format!("{shown}: format {form}");
                if form < newest {
                    let _ = write!(said, ", which the daemon brings to {newest} at its start, after a copy");
                }
                said.push_str(if is_all_read { "; read whole" } else { "; sound as far as it was read" });
                self.good("store", &said);
            }
            Err(StoreError::Busy) => {
                let said = format!("{shown}: opened or closed again and again meanwhile; check once more");
                self.line("WARN", "store", &said);
            }
            Err(error) => self.error("store", &error.into()),
        }
    }
}

/// Asks an endpoint everything, and writes to it where a person named it.
fn ask(
    endpoint: &FhirRest,
    pull: Option<&PullConfig>,
    clock: &dyn Clock,
    probes: bool,
) -> Result<Vec<Finding>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| DaemonError::Io { place: "runtime".to_owned(), source })?;
    let nobodys = || uuid::Builder::from_random_bytes(clock.random()).into_uuid();
    Ok(runtime.block_on(async {
        let mut found = inquiry::inquire(endpoint, nobodys()).await;
        let is_wrong =
            |question| found.iter().any(|one| one.question == question && one.verdict == Verdict::Wrong);
        // What does not answer at all would only say so again.
        if let Some(pull) = pull
            && !is_wrong(Question::Authentication)
            && !is_wrong(Question::Metadata)
        {
            found.extend(pulling(endpoint, pull, clock).await);
        }
        if probes {
            found.extend(trial::probe_writes(endpoint, nobodys()).await);
        }
        found
    }))
}

/// The searches by which is pulled, tried.
async fn pulling(endpoint: &FhirRest, pull: &PullConfig, clock: &dyn Clock) -> Vec<Finding> {
    let mut found = Vec::new();
    for search in read::searches(pull.owner.as_deref(), pull.requester.as_deref()) {
        let asked = format!("{} by {}", search.kind, search.parameter);
        let (verdict, said) = match read::try_once(endpoint.client(), &search, clock.now()).await {
            Ok(0) => (Verdict::Good, format!("{asked}: answered; there are none")),
            Ok(_) => (Verdict::Good, format!("{asked}: only what was asked for")),
            Err(error) => (Verdict::Wrong, format!("{asked}: {error}")),
        };
        found.push(Finding::new(Question::Pull, verdict, said));
    }
    found
}

/// How much is written to see whether there is room: a full disk still takes an empty file.
const PROBE_BYTES: usize = 64 << 10;

fn try_writing(folder: &Path) -> std::io::Result<()> {
    let mut file = tempfile::Builder::new().prefix(".sp-fhir-check-").tempfile_in(folder)?;
    file.write_all(&[0; PROBE_BYTES])?;
    file.as_file().sync_all()
}

const GIVE: &str = "give it to the user that runs the daemon";

fn remedy(kind: std::io::ErrorKind) -> &'static str {
    use std::io::ErrorKind as K;
    match kind {
        K::StorageFull | K::QuotaExceeded | K::FileTooLarge => "make room, or name a place on another disk",
        K::ReadOnlyFilesystem => "the disk is read-only: name another place",
        _ => GIVE,
    }
}
