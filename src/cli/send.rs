//! `sp-fhir send`: hands exports or events to the store, from which the daemon delivers them.
//!
//! Works on the store directly, whether or not a daemon runs. Next: [`super::outbox`].

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use tokio::sync::Notify;

use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::convert::{Exit, Report};
use crate::daemon::kept::Kept;
use crate::daemon::{DaemonError, Parts, folders, parts};
use crate::endpoint::Work;
use crate::event::finish::Identities;
use crate::intake::folder::once::{Once, OnceError};
use crate::intake::folder::{self};
use crate::intake::keep::Keep;
use crate::outbox::{EntryId, State};
use crate::plan::{Doubt, Submission};
use crate::store::{Acceptance, Answer, Keeper, Store, StoreError};
use crate::telemetry::Metrics;

use super::edge;
use super::failure::Failure;
use super::summary;

/// Hand exports or events to the daemon's store.
///
/// Reads everything that `convert` reads. When it ends, everything taken is on the disk; a running daemon delivers it, or
/// the next one that is started. Sending the same file again changes nothing.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sp-fhir send export.csv --profile my-scheme.toml
  sp-fhir send events.ndjson --wait
  sp-fhir send today.csv --profile my-scheme.toml --rejects rejects.csv

Exit codes: 0 everything was taken (and with --wait, delivered, or rightly not sent); 1 some rows were refused or set aside, or with --wait something waits \
for a person or did not arrive in time; 3 nothing could be used; 4 no profile fits; 5 the configuration or profile is \
wrong; 6 the store or a file cannot be used.")]
pub(super) struct Arguments {
    /// Files to send
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The mapping of the export's columns; without it FHIR, canonical events, or what a shipped profile fits
    #[arg(short, long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// URI of the sending system, when neither profile nor events name it
    #[arg(long, value_name = "URI")]
    source: Option<String>,
    /// Where rows that are refused or set aside go, in the input's own form; with one FILE only
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Follow what was taken until it is delivered, or waits for a person
    #[arg(long)]
    wait: bool,
    /// How long --wait waits, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    timeout: u64,
    /// Configuration; without it ./sp-fhir.toml, ~/.config/sp-fhir, /etc/sp-fhir, else the defaults
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Say nothing but errors
    #[arg(short, long)]
    quiet: bool,
}

/// Notes the entries that were made.
struct Noting {
    kept: Kept,
    entries: Mutex<BTreeSet<EntryId>>,
    /// The new ones of the file that is being read, by the state in which they start.
    states: Mutex<BTreeMap<State, u64>>,
}

impl Keep for Noting {
    fn accept(&self, came: Vec<Submission>) -> Work<'_, Result<Vec<Acceptance>, StoreError>> {
        Box::pin(async move {
            let accepted = self.kept.accept(came).await?;
            let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
            let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
            for event in
                accepted.iter().flat_map(|acceptance| acceptance.events.iter().chain(&acceptance.more))
            {
                if let Answer::Accepted { state, .. } = event.answer {
                    *states.entry(state).or_default() += 1;
                }
                match event.answer {
                    Answer::Accepted { id, .. } | Answer::Repeat { id: Some(id), .. } => {
                        entries.insert(id);
                    }
                    Answer::Repeat { id: None, .. } | Answer::Refused(_) => {}
                }
            }
            drop((entries, states));
            Ok(accepted)
        })
    }

    fn heed(&self, doubts: Vec<Doubt>) -> Work<'_, Result<(), StoreError>> {
        self.kept.heed(doubts)
    }

    fn see(&self, kind: &'static str, key: String, until: Timestamp) -> Work<'_, Result<bool, StoreError>> {
        self.kept.see(kind, key, until)
    }
}

/// Runs the subcommand.
pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    if arguments.rejects.is_some() && arguments.files.len() > 1 {
        return Err(Failure::usage("--rejects goes with one FILE; send the files one by one"));
    }
    let config = Config::load(arguments.config.as_deref(), &edge::places())?;
    let parts = Parts::of(config)?;
    for folder in parts.config.folders_to_make() {
        folders::private(&folder)?;
    }
    let profile = arguments.profile.as_deref().map(edge::profile).transpose()?.map(Arc::new);
    if profile.as_ref().is_some_and(|profile| profile.draft) {
        return Err(Failure::Convert(crate::convert::ConvertError::Configuration(
            "the profile was drafted and not reviewed: let a person who knows the scheme review it, and remove \
             draft = true"
                .to_owned(),
        )));
    }
    let of_source = edge::identities(arguments.source.as_deref(), None)?;
    let identities = Identities { source: of_source.source, ..parts::identities(&parts.config)? };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|source| DaemonError::Io { place: "runtime".to_owned(), source })?;
    let (keeper, _thread) = Keeper::start(parts.store_beside()?, 64)
        .map_err(|source| DaemonError::io(&parts.config.store, source))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let noting = Arc::new(Noting {
        kept: Kept {
            keeper,
            planner: Arc::clone(&parts.planner),
            clock: Arc::clone(&clock),
            metrics: Arc::new(Metrics::default()),
            bell: Arc::new(Notify::new()),
        },
        entries: Mutex::default(),
        states: Mutex::default(),
    });
    let once = Once::new(
        profile,
        folder::Parts {
            identities,
            codeset: Arc::clone(&parts.planner.codeset),
            keep: Arc::clone(&noting) as Arc<dyn Keep>,
            clock,
            turns: Arc::default(),
        },
        parts.config.data_folder.clone(),
    );
    let mut exit = Exit::Done;
    for file in &arguments.files {
        let report = once.read(file, arguments.rejects.as_deref(), runtime.handle()).map_err(failure)?;
        let states = std::mem::take(&mut *noting.states.lock().unwrap_or_else(PoisonError::into_inner));
        exit = worse(exit, told(file, &report, &states, arguments));
    }
    if arguments.wait {
        let entries = std::mem::take(&mut *noting.entries.lock().unwrap_or_else(PoisonError::into_inner));
        exit = worse(exit, wait(&noting.kept.keeper, entries, arguments)?);
    }
    Ok(exit)
}

fn failure(error: OnceError) -> Failure {
    match error {
        OnceError::File(error) => error.into(),
        OnceError::Store(error) => error.into(),
        OnceError::Changed => {
            Failure::Convert(crate::convert::ConvertError::Configuration(error.to_string()))
        }
    }
}

/// Says what became of a file's rows, and gives its exit code.
fn told(file: &Path, report: &Report, states: &BTreeMap<State, u64>, arguments: &Arguments) -> Exit {
    let rows = &report.rows;
    let left_out = rows.refused + rows.held;
    if !arguments.quiet {
        edge::say(&format!(
            "{}: {} rows: {} taken, {} known already, {} set aside, {} not shared, {} refused, {} blank",
            file.display(),
            rows.read,
            rows.converted,
            rows.unchanged,
            rows.held,
            rows.not_shared,
            rows.refused,
            rows.blank,
        ));
        if !states.is_empty() {
            let parts: Vec<String> =
                states.iter().map(|(state, count)| format!("{count} {}", state.as_str())).collect();
            let hint =
                if states.contains_key(&State::Held) { "; `sp-fhir status` says what to do" } else { "" };
            edge::say(&format!("  new entries: {}{hint}", parts.join(", ")));
        }
        // What is set aside was not taken: in the store there is nothing of it that a person could release.
        for (reason, count) in report.refused.iter().chain(&report.held) {
            edge::say(&format!("  {count} {reason}"));
        }
        let mut remarks = String::new();
        summary::reasons(&mut remarks, "remark", &report.remarks, report);
        if !remarks.is_empty() {
            edge::say(remarks.trim_end());
        }
        if left_out > 0 && arguments.rejects.is_none() {
            edge::say("  --rejects FILE keeps the refused rows, and those set aside, with their reasons");
        }
    }
    match rows {
        _ if left_out == 0 => Exit::Done,
        _ if left_out + rows.blank == rows.read => Exit::NothingUsable,
        _ => Exit::SomeRefused,
    }
}

fn worse(one: Exit, other: Exit) -> Exit {
    if one.code() >= other.code() { one } else { other }
}

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Delivered,
    /// As consent has it, or because there is nothing to send, or as a person decided.
    NotSent,
    /// It, or what it waits behind, waits for a person.
    Person,
    OnItsWay,
}

/// By its state, and that of the entry it waits behind.
const fn fate(state: State, before: Option<State>) -> Fate {
    match (state, before) {
        (State::Delivered | State::Acknowledged, _) => Fate::Delivered,
        (State::NotShared | State::Withdrawn | State::Discarded, _) => Fate::NotSent,
        (_, Some(before)) if before.needs_person() => Fate::Person,
        // What holds it may pass when the one before it has gone.
        (_, Some(_)) | (State::Pending | State::InFlight | State::Unknown, None) => Fate::OnItsWay,
        (State::Held | State::DeadLetter | State::Expired, None) => Fate::Person,
    }
}

fn fates(store: &mut dyn Store, asked: Vec<EntryId>) -> Result<Vec<(EntryId, Fate)>, StoreError> {
    let mut found = Vec::with_capacity(asked.len());
    for id in asked {
        let Some(entry) = store.entry(id)?.map(|detail| detail.entry) else { continue };
        let before = entry.blocked_by.map(|before| store.entry(before)).transpose()?.flatten();
        found.push((id, fate(entry.state, before.map(|before| before.entry.state))));
    }
    Ok(found)
}

/// Follows entries to their end, or to where a person has to do something.
fn wait(keeper: &Keeper, mut entries: BTreeSet<EntryId>, arguments: &Arguments) -> Result<Exit, Failure> {
    let total = entries.len() as u64;
    let bar = (!arguments.quiet && std::io::stderr().is_terminal()).then(|| {
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} settled  {elapsed}");
        ProgressBar::new(total).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    });
    let (mut delivered, mut not_sent, mut person) = (0u64, 0u64, 0u64);
    let until = edge::now().checked_add(Duration::from_secs(arguments.timeout)).unwrap_or(Timestamp::MAX);
    while !entries.is_empty() {
        let asked: Vec<EntryId> = entries.iter().copied().collect();
        for (id, fate) in keeper.run_blocking(move |store| fates(store, asked))? {
            match fate {
                Fate::Delivered => delivered += 1,
                Fate::NotSent => not_sent += 1,
                Fate::Person => person += 1,
                Fate::OnItsWay => continue,
            }
            entries.remove(&id);
        }
        if let Some(bar) = &bar {
            bar.set_position(total.saturating_sub(entries.len() as u64));
        }
        if entries.is_empty() || edge::now() >= until {
            break;
        }
        std::thread::sleep(Duration::from_millis(250));
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    if !arguments.quiet {
        let left = entries.len();
        edge::say(&format!(
            "{delivered} delivered, {not_sent} not sent, {person} waiting for a person, {left} on their way"
        ));
        if person > 0 {
            edge::say("what to do: sp-fhir status");
        }
        if left > 0 {
            edge::say("the daemon goes on with what is on its way, where one runs: sp-fhir status");
        }
    }
    Ok(if person == 0 && entries.is_empty() { Exit::Done } else { Exit::SomeRefused })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_behind_something_that_needs_a_person_waits_for_the_person_too() {
        for (state, before, wanted) in [
            (State::Held, None, Fate::Person),
            (State::Held, Some(State::Held), Fate::Person),
            (State::Pending, Some(State::DeadLetter), Fate::Person),
            (State::Pending, Some(State::Pending), Fate::OnItsWay),
            (State::Held, Some(State::InFlight), Fate::OnItsWay),
            (State::Unknown, None, Fate::OnItsWay),
            (State::NotShared, Some(State::Held), Fate::NotSent),
            (State::Withdrawn, None, Fate::NotSent),
            (State::Expired, None, Fate::Person),
            (State::Acknowledged, None, Fate::Delivered),
        ] {
            assert_eq!(fate(state, before), wanted, "{state:?} {before:?}");
        }
    }
}
