//! `sp-fhir status`: one screen: what came in, waits, was sent, acknowledged, needs a person.
//!
//! Next: [`super::outbox`].

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::config::Config;
use crate::convert::Exit;
use crate::daemon::{Parts, watched};
use crate::event::IssueCode;
use crate::intake::folder::{self, Refused, Trouble};
use crate::outbox::{Reason, State};
use crate::pull::unclear::{self, Unclear};
use crate::store::{Filter, Store, StoreError};

use super::edge;
use super::failure::Failure;

/// One screen: what came in, waits, was sent, needs a person.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sp-fhir status
  sp-fhir status --format json | jq .needs_person

Exit codes: 0 nothing waits for a person; 1 something does, or a watched folder or a file in it cannot be \
read, or was refused whole, or what was pulled is not clear for more than a day; 5 the configuration is wrong; 6 the store cannot be used.")]
pub(super) struct Arguments {
    /// Configuration; without it ./sp-fhir.toml, ~/.config/sp-fhir, /etc/sp-fhir, else the defaults
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// text or json
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    format: String,
}

/// What a status tells.
struct Status {
    counts: BTreeMap<(String, State), u64>,
    /// What needs a person, by state and reason.
    needs: BTreeMap<(State, Option<Reason>), u64>,
    /// What was sent before consent was withdrawn or narrowed, and nobody has seen to.
    notices: Vec<(IssueCode, u64)>,
    /// Seconds the oldest due entry has waited, by endpoint.
    waited: BTreeMap<String, i64>,
    /// What was pulled and is not clear yet, by endpoint.
    unclear: BTreeMap<String, Vec<Unclear>>,
    /// What keeps watched folders, or files in them, from being read, as the daemon saw it last.
    folders: Vec<Trouble>,
    /// What stands in each watched folder's `refused`.
    refused: Vec<(PathBuf, Refused)>,
}

/// So many files are named on one screen.
const FILES_SHOWN: usize = 20;

impl Status {
    fn read(store: &mut impl Store, endpoints: &[String]) -> Result<Self, StoreError> {
        let counts = store.counts()?;
        let mut needs = BTreeMap::new();
        for (state, ..) in State::ALL.into_iter().filter(|(state, ..)| state.needs_person()) {
            let mut after = 0;
            loop {
                let filter = Filter { states: &[state], after, limit: 1000, ..Filter::default() };
                let page = store.entries(&filter)?;
                for entry in &page {
                    *needs.entry((state, entry.reason)).or_default() += 1;
                }
                match page.last() {
                    Some(last) => after = last.id,
                    None => break,
                }
            }
        }
        let now = edge::now();
        let mut waited = BTreeMap::new();
        for endpoint in endpoints {
            if let Some(due) = store.next_due(endpoint)? {
                waited.insert(endpoint.clone(), now.duration_since(due).as_secs());
            }
        }
        let mut not_clear = BTreeMap::new();
        for endpoint in endpoints {
            let list = store.note(&unclear::note(endpoint))?.map(|word| unclear::parse(&word));
            not_clear.extend(list.filter(|list| !list.is_empty()).map(|list| (endpoint.clone(), list)));
        }
        Ok(Self {
            counts,
            needs,
            notices: store.notice_counts()?,
            waited,
            unclear: not_clear,
            folders: Vec::new(),
            refused: Vec::new(),
        })
    }

    fn total(&self, state: State) -> u64 {
        self.counts.iter().filter(|((_, of), _)| *of == state).map(|(_, count)| count).sum()
    }

    fn accepted(&self) -> u64 {
        self.counts.values().sum()
    }

    fn needs_person(&self) -> u64 {
        self.needs.values().chain(self.notices.iter().map(|(_, count)| count)).sum()
    }

    fn text(&self) -> String {
        let mut out = format!("{:>10}  accepted\n", self.accepted());
        for (state, word, meaning) in State::ALL {
            let count = self.total(state);
            if count > 0 {
                let _ = writeln!(out, "{count:>10}  {word:<13} {meaning}");
            }
        }
        for (endpoint, waited) in &self.waited {
            if *waited > 0 {
                let _ = writeln!(out, "{endpoint}: the oldest that could leave has waited {}", span(*waited));
            }
        }
        for (endpoint, list) in &self.unclear {
            let _ = writeln!(
                out,
                "{endpoint}: {} pulled, not clear yet; {} for more than a day (--format json names them)",
                list.len(),
                list.iter().filter(|one| one.is_overdue).count()
            );
        }
        self.say_folders(&mut out);
        if self.needs_person() == 0 {
            if !self.folders_need_a_person() {
                out.push_str("nothing waits for a person\n");
            }
            return out;
        }
        let _ = writeln!(out, "{} wait for a person:", self.needs_person());
        for ((state, reason), count) in &self.needs {
            let (word, remedy) = reason.map_or(("", ""), |reason| (reason.as_str(), reason.remedy()));
            let _ = writeln!(out, "{count:>10}  {} {word}: {remedy}", state.as_str());
        }
        for (code, count) in &self.notices {
            let _ = writeln!(out, "{count:>10}  sent, {}: {}", code.as_str(), code.remedy());
        }
        if !self.needs.is_empty() {
            out.push_str("list them: sp-fhir outbox list --state held,dead-letter,expired\n");
        }
        if !self.notices.is_empty() {
            out.push_str("list what was sent: sp-fhir outbox list --notices; when it is seen to: sp-fhir outbox seen\n");
        }
        out
    }

    /// Rows that were refused are in many an export every day; a file that was refused whole is not.
    fn folders_need_a_person(&self) -> bool {
        !self.folders.is_empty() || self.refused.iter().any(|(_, refused)| refused.files > 0)
    }

    fn say_folders(&self, out: &mut String) {
        for (folder, Refused { files, rows }) in &self.refused {
            if files + rows > 0 {
                let _ = writeln!(
                    out,
                    "{}: files that were refused whole: {files}; files of refused rows: {rows}: the `.reasons.json` beside each \
                     says why; mend it, put it back into the watched folder, and move it away from here",
                    folder.display()
                );
            }
        }
        for folder in &self.folders {
            let shown = &folder.folder;
            if let Some(why) = &folder.unusable {
                let _ = writeln!(out, "watched folder {shown} cannot be read: {why}");
            }
            if !folder.waiting.is_empty() {
                let _ = writeln!(out, "watched folder {shown}: files that wait: {}", folder.waiting.len());
            }
            for waiting in folder.waiting.iter().take(FILES_SHOWN) {
                let _ = writeln!(out, "  {}: {}; {}", waiting.path, waiting.why, waiting.remedy);
            }
        }
    }

    fn json(&self) -> String {
        let by_endpoint = self.counts.iter().map(
            |((endpoint, state), count)| json!({"endpoint": endpoint, "state": state.as_str(), "count": count}),
        );
        let needs = self.needs.iter().map(|((state, reason), count)| {
            json!({"state": state.as_str(), "reason": reason.map(Reason::as_str), "count": count})
        });
        let notices =
            self.notices.iter().map(|(code, count)| json!({"notice": code.as_str(), "count": count}));
        let refused = self.refused.iter().map(|(folder, refused)| {
            json!({"folder": folder.display().to_string(), "files": refused.files, "rows": refused.rows})
        });
        let states: serde_json::Map<String, serde_json::Value> = State::ALL
            .iter()
            .map(|(state, word, _)| ((*word).to_owned(), json!(self.total(*state))))
            .collect();
        let lists =
            self.unclear.iter().flat_map(|(endpoint, list)| list.iter().map(move |one| (endpoint, one)));
        let not_clear = lists.map(|(endpoint, one)| {
            json!({"endpoint": endpoint, "resource": one.resource(), "why": one.why,
                "since": one.since.to_string(), "overdue": one.is_overdue})
        });
        let value = json!({
            "accepted": self.accepted(),
            "states": states,
            "by_endpoint": by_endpoint.collect::<Vec<_>>(),
            "needs_person": needs.chain(notices).collect::<Vec<_>>(),
            "oldest_due_seconds": self.waited,
            "pulled_not_clear": not_clear.collect::<Vec<_>>(),
            "folders": self.folders,
            "refused": refused.collect::<Vec<_>>(),
        });
        format!("{value:#}\n")
    }
}

fn span(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// Runs the subcommand.
pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let config = Config::load(arguments.config.as_deref(), &edge::places())?;
    let parts = Parts::of(config)?;
    let endpoints: Vec<String> =
        parts.config.endpoints.iter().map(|endpoint| endpoint.name.clone()).collect();
    let mut store = parts.store_to_read()?;
    let folders = watched::read(&parts.config);
    let mut refused: Vec<(PathBuf, Refused)> = Vec::new();
    for watched in &parts.config.folders {
        // Several may share one.
        if refused.iter().all(|(place, _)| *place != watched.refused) {
            refused.push((watched.refused.clone(), folder::refused(watched)));
        }
    }
    let status = Status { folders, refused, ..Status::read(&mut store, &endpoints)? };
    let text = if arguments.format == "json" { status.json() } else { status.text() };
    edge::print(&text)?;
    let is_overdue = status.unclear.values().flatten().any(|one| one.is_overdue);
    Ok(if status.needs_person() > 0 || is_overdue || status.folders_need_a_person() {
        Exit::SomeRefused
    } else {
        Exit::Done
    })
}
