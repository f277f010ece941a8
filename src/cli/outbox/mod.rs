//! `sp-fhir outbox`: what waits, what was sent, what needs a person; and what a person decides about it.
//!
//! Works on the store directly, whether or not a daemon runs. Here are the command line and the lists; `show.rs` is how
//! entries look, `decide.rs` what a person decides. Next: [`super::status`].

mod decide;
mod show;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::config::Config;
use crate::convert::Exit;
use crate::daemon::Parts;
use crate::outbox::{Command, Entry, EntryId, Reason, State};
use crate::store::{Filter, Notice, Store};

use super::edge;
use super::failure::Failure;
use decide::{Decide, act};
use show::{as_line, as_value, show};

type Outcome = Result<Exit, Failure>;

/// List, show and decide about what goes to the endpoints.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sp-fhir outbox list --state held,dead-letter          what needs a person
  sp-fhir outbox show 1042                              one entry with its attempts
  sp-fhir outbox retry 1042 --why \"their server was mended\"    try a dead letter again, with the same key
  sp-fhir outbox release 1043 --why \"patient registered\"       let what is held go on
  sp-fhir outbox release 1044 --ours --why \"agreed with them\"  over the versions that show gives
  sp-fhir outbox list --notices                         sent before consent was withdrawn or narrowed
  sp-fhir outbox seen 1045 --why \"the practice removed it\"       say that it was seen to
  sp-fhir outbox list --format json | jq .key

Exit codes: 0 done, also where what is to be released goes already; 1 some entry does not exist, cannot \
be decided so in its state, or was held again; 2 the command line is wrong, --why or --actor is blank or holds an NHS \
number, or no login name is known: nothing was decided; 5 the configuration is wrong; 6 the store cannot be used.")]
pub(super) struct Arguments {
    /// Configuration; without it ./sp-fhir.toml, ~/.config/sp-fhir, /etc/sp-fhir, else the defaults
    #[arg(short, long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List entries, oldest first
    List {
        /// Only these states (pending, held, dead-letter, …), separated by commas
        #[arg(long, value_name = "STATES", value_delimiter = ',')]
        state: Vec<String>,
        /// Only this reason (needs-identity, refused-by-endpoint, …)
        #[arg(long, value_name = "REASON")]
        reason: Option<String>,
        /// Only this endpoint
        #[arg(long, value_name = "NAME")]
        endpoint: Option<String>,
        /// Only those of which something was sent before consent was withdrawn or narrowed, until a person has `seen` to them
        #[arg(long, conflicts_with_all = ["state", "reason", "endpoint"])]
        notices: bool,
        /// Only entries with a higher number
        #[arg(long, value_name = "NUMBER", default_value_t = 0)]
        after: EntryId,
        /// At most so many
        #[arg(long, value_name = "COUNT", default_value_t = 100)]
        limit: usize,
        /// text or json (one object a line)
        #[arg(long, default_value = "text", value_parser = ["text", "json"])]
        format: String,
    },
    /// Show one entry with its attempts and decisions
    Show {
        /// Its number
        id: EntryId,
        /// text or json
        #[arg(long, default_value = "text", value_parser = ["text", "json"])]
        format: String,
    },
    /// Try dead letters or expired entries again, with the same key
    Retry(Decide),
    /// Decide that entries are never sent
    Discard(Decide),
    /// Stop pending entries until they are released
    Hold(Decide),
    /// Say that you have seen to what was sent before consent was withdrawn or narrowed
    Seen(Decide),
    /// Let held entries go on; where a reason cannot be waived it is asked again
    Release(Release),
}

#[derive(Debug, Args)]
struct Release {
    #[command(flatten)]
    decide: Decide,
    /// Of a divergent entry: write ours over the versions that `outbox show` gives, and over no later ones. How far others
    /// got with a Task stays, where we have nothing new to say of it
    #[arg(long)]
    ours: bool,
    /// Of a divergent entry: let stand the versions that `outbox show` gives, and send the rest of it. Where nothing is left
    /// to send, the entry ends as discarded
    #[arg(long, conflicts_with = "ours")]
    theirs: bool,
    /// Of an entry whose event has sensitive content that was withheld: send it too, with the security label `restricted`.
    /// Also for an entry that was delivered: the content follows as a revision
    #[arg(long, conflicts_with_all = ["ours", "theirs"])]
    sensitive: bool,
}

impl Release {
    const fn command(&self) -> Command {
        match (self.ours, self.theirs, self.sensitive) {
            (true, ..) => Command::ReleaseOurs,
            (_, true, _) => Command::AcceptTheirs,
            (.., true) => Command::ReleaseSensitive,
            (false, false, false) => Command::Release,
        }
    }
}

/// Runs the subcommand.
pub(super) fn run(arguments: &Arguments) -> Outcome {
    let config = Config::load(arguments.config.as_deref(), &edge::places())?;
    let parts = Parts::of(config)?;
    let looks = || parts.store_to_read();
    match &arguments.action {
        Action::List { notices: true, after, limit, format, .. } => {
            list_notices(&looks()?.notices(*after, *limit)?, format == "json", *limit)
        }
        Action::List { state, reason, endpoint, after, limit, format, .. } => {
            let states = states(state)?;
            let reason = reason.as_deref().map(parse_reason).transpose()?;
            let filter = Filter {
                states: &states,
                reason,
                endpoint: endpoint.as_deref(),
                after: *after,
                limit: *limit,
            };
            list(&looks()?.entries(&filter)?, format == "json", *limit)
        }
        Action::Show { id, format } => show(looks()?.entry(*id)?, *id, format == "json"),
        Action::Retry(decide) => act(&parts, Command::Retry, decide),
        Action::Discard(decide) => act(&parts, Command::Discard, decide),
        Action::Hold(decide) => act(&parts, Command::Hold, decide),
        Action::Seen(decide) => act(&parts, Command::Seen, decide),
        Action::Release(release) => act(&parts, release.command(), &release.decide),
    }
}

fn states(words: &[String]) -> Result<Vec<State>, Failure> {
    let known = || State::ALL.map(|(_, word, _)| word).join(", ");
    let parse = |word: &String| {
        State::parse(word).ok_or_else(|| {
            Failure::usage(format!("--state: there is no state of that name; there are {}", known()))
        })
    };
    words.iter().map(parse).collect()
}

fn parse_reason(word: &str) -> Result<Reason, Failure> {
    Reason::parse(word).ok_or_else(|| {
        let known: Vec<&str> = Reason::ALL.iter().map(|(_, word, ..)| *word).collect();
        Failure::usage(format!("--reason: there is no reason of that name; there are {}", known.join(", ")))
    })
}

fn list(entries: &[Entry], as_json: bool, limit: usize) -> Outcome {
    let line = |entry: &Entry| if as_json { as_value(entry).to_string() } else { as_line(entry) };
    lines(entries.iter().map(|entry| (entry.id, line(entry))).collect(), as_json, limit)
}

fn list_notices(notices: &[Notice], as_json: bool, limit: usize) -> Outcome {
    let line = |Notice { entry, code }: &Notice| {
        if !as_json {
            return format!("{}  {}", as_line(entry), code.as_str());
        }
        let mut value = as_value(entry);
        if let serde_json::Value::Object(members) = &mut value {
            members.insert("notice".into(), code.as_str().into());
        }
        value.to_string()
    };
    lines(notices.iter().map(|notice| (notice.entry.id, line(notice))).collect(), as_json, limit)
}

fn lines(found: Vec<(EntryId, String)>, as_json: bool, limit: usize) -> Outcome {
    let last = found.last().map(|(id, _)| *id);
    let is_full = found.len() == limit;
    edge::print(&found.into_iter().map(|(_, line)| line + "\n").collect::<String>())?;
    match last {
        _ if as_json => {}
        None => edge::say("there are no such entries"),
        Some(last) if is_full => edge::say(&format!("there may be more: --after {last}")),
        Some(_) => {}
    }
    Ok(Exit::Done)
}
