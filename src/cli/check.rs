//! `sp-fhir check`: whether the daemon could run as configured, one line for each thing looked at.
//!
//! Nothing is changed: a folder or store that is not there yet is said to be made at the start. Next: [`super::daemon`].

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::config::endpoint::Kind;
use crate::config::{Config, Places, Problem, Problems};
use crate::convert::Exit;
use crate::daemon::{DaemonError, Parts};
use crate::intake::folder;

use super::failure::Failure;
use super::{edge, init};

/// Tell whether the daemon could run as configured.
///
/// Looks at the configuration, codeset, secrets, profiles, folders, clock and store. Changes nothing.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sp-fhir check
  sp-fhir check --config /etc/sp-fhir/sp-fhir.toml

Exit codes: 0 all is well; 5 something is wrong, and what to do about it was said.")]
pub(super) struct Arguments {
    /// Configuration; without it ./sp-fhir.toml, ~/.config/sp-fhir, /etc/sp-fhir, else the defaults
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// This program was not written before this day: a clock that says so is wrong.
const WRITTEN: jiff::civil::Date = jiff::civil::date(2026, 11, 1);

/// Runs the subcommand.
pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let config = Config::load(arguments.config.as_deref(), &Places::here())?;
    let mut found = Found::default();
    match &config.file {
        Some(file) => found.good("configuration", &file.display().to_string()),
        None => found.good("configuration", "none; the defaults"),
    }
    found.clock(edge::now());
    found.secrets(&config);
    found.folders(&config);
    found.profiles(&config);
    match Parts::of(config) {
        Ok(parts) => {
            found.good("codeset", parts.planner.codeset.name_and_version());
            found.endpoints(&parts.config);
            found.store(&parts);
        }
        Err(error) => found.error("codeset and keys", &error),
    }
    edge::print(&found.text)?;
    if found.problems.is_empty() { Ok(Exit::Done) } else { Err(Problems(found.problems).into()) }
}

#[derive(Default)]
struct Found {
    text: String,
    problems: Vec<Problem>,
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
                self.good("folder", &format!("{shown} (made at the start)"));
            } else if let Some(problem) = init::open_to_others(&folder) {
                self.wrong("folder", problem);
            } else if let Err(error) = try_writing(&folder) {
                let what = format!("cannot be written ({})", error.kind());
                self.wrong("folder", Problem::new(shown, what, "give it to the user that runs the daemon"));
            } else {
                self.good("folder", &shown);
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

    /// What can be said without asking them.
    fn endpoints(&mut self, config: &Config) {
        for endpoint in &config.endpoints {
            let said = match &endpoint.kind {
                Kind::File { path } => format!("{}: a folder, {}", endpoint.name, path.display()),
                Kind::Fhir(server) => format!("{}: {} (not asked)", endpoint.name, server.url),
                Kind::Webhook(receiver) => {
                    let said = format!("{}: a webhook, {} (not asked)", endpoint.name, receiver.url);
                    self.good("endpoint", &said);
                    continue;
                }
            };
            let test = if endpoint.test { "; test numbers only" } else { "; live: takes no test numbers" };
            self.good("endpoint", &format!("{said}{test}"));
        }
    }

    fn store(&mut self, parts: &Parts) {
        let shown = parts.config.store.display().to_string();
        if !parts.config.store.exists() {
            return self.good("store", &format!("{shown} (made at the start)"));
        }
        match parts.store() {
            Ok(_) => self.good("store", &shown),
            Err(error) => self.error("store", &error),
        }
    }
}

fn try_writing(folder: &Path) -> std::io::Result<()> {
    tempfile::Builder::new().prefix(".sp-fhir-check-").tempfile_in(folder).map(drop)
}
