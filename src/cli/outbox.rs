//! `sp-fhir outbox`: what waits, what was sent, what needs a person; and what a person decides about it.
//!
//! Works on the store directly, whether or not a daemon runs. Next: [`super::status`].

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::config::Config;
use crate::convert::Exit;
use crate::daemon::Parts;
use crate::outbox::{Command, Entry, EntryId, Reason, State};
use crate::store::{Acted, Decision, EntryDetail, Filter, Store};

use super::edge;
use super::failure::Failure;

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
  sp-fhir outbox list --format json | jq .key

Exit codes: 0 done; 1 some entry does not exist or cannot be decided so in its state; 5 the configuration is wrong; \
6 the store cannot be used.")]
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

#[derive(Debug, Args)]
struct Decide {
    /// Numbers of entries
    #[arg(required = true, value_name = "NUMBER")]
    ids: Vec<EntryId>,
    /// Why: kept with the entry and shown in lists; no patient data here
    #[arg(long, value_name = "TEXT")]
    why: String,
    /// Who decides; without it the login name
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
}

/// Runs the subcommand.
pub(super) fn run(arguments: &Arguments) -> Outcome {
    let config = Config::load(arguments.config.as_deref(), &edge::places())?;
    let parts = Parts::of(config)?;
    let mut store = parts.store()?;
    match &arguments.action {
        Action::List { state, reason, endpoint, after, limit, format } => {
            let states = states(state)?;
            let reason = reason.as_deref().map(parse_reason).transpose()?;
            let filter = Filter {
                states: &states,
                reason,
                endpoint: endpoint.as_deref(),
                after: *after,
                limit: *limit,
            };
            list(&store.entries(&filter)?, format == "json", *limit)
        }
        Action::Show { id, format } => show(store.entry(*id)?, *id, format == "json"),
        Action::Retry(decide) => act(&mut store, &parts, Command::Retry, decide),
        Action::Discard(decide) => act(&mut store, &parts, Command::Discard, decide),
        Action::Hold(decide) => act(&mut store, &parts, Command::Hold, decide),
        Action::Release(release) => act(&mut store, &parts, release.command(), &release.decide),
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
    let mut out = String::new();
    for entry in entries {
        let line = if as_json { as_value(entry).to_string() } else { as_line(entry) };
        out.push_str(&line);
        out.push('\n');
    }
    edge::print(&out)?;
    if !as_json && entries.is_empty() {
        edge::say("there are no such entries");
    } else if !as_json && entries.len() == limit {
        let last = entries.last().map_or(0, |entry| entry.id);
        edge::say(&format!("there may be more: --after {last}"));
    }
    Ok(Exit::Done)
}

fn as_line(entry: &Entry) -> String {
    let blocked = entry.blocked_by.map(|by| format!("  waits for {by}")).unwrap_or_default();
    let reason = entry.reason.map(|reason| format!("  {}", reason.as_str())).unwrap_or_default();
    format!(
        "{:>8}  {:<12}  {:<25}  {}  {}{reason}{blocked}",
        entry.id,
        entry.state.as_str(),
        entry.event_type.as_str(),
        entry.changed_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        if entry.endpoint.is_empty() { "–" } else { &entry.endpoint },
    )
}

fn as_value(entry: &Entry) -> Value {
    json!({
        "id": entry.id,
        "key": entry.key.to_string(),
        "referral": entry.referral.to_string(),
        "type": entry.event_type.as_str(),
        "endpoint": entry.endpoint,
        "state": entry.state.as_str(),
        "reason": entry.reason.map(Reason::as_str),
        "attempts": entry.attempts,
        "next_at": entry.next_at.to_string(),
        "accepted_at": entry.accepted_at.to_string(),
        "changed_at": entry.changed_at.to_string(),
        "expires_at": entry.expires_at.to_string(),
        "blocked_by": entry.blocked_by,
    })
}

fn show(detail: Option<EntryDetail>, id: EntryId, as_json: bool) -> Outcome {
    let Some(detail) = detail else {
        edge::say(&format!("there is no entry {id}"));
        return Ok(Exit::SomeRefused);
    };
    let text = if as_json { format!("{}\n", detail_value(&detail)) } else { detail_text(&detail) };
    edge::print(&text)?;
    Ok(Exit::Done)
}

fn detail_value(detail: &EntryDetail) -> Value {
    let mut value = as_value(&detail.entry);
    let attempts: Vec<Value> = detail
        .attempts
        .iter()
        .map(|attempt| {
            json!({
                "number": attempt.number,
                "started_at": attempt.started_at.to_string(),
                "ended_at": attempt.ended_at.map(|at| at.to_string()),
                "outcome": attempt.outcome,
                "reason": attempt.reason,
                "status": attempt.status,
                "codes": attempt.codes,
            })
        })
        .collect();
    let audit: Vec<Value> = detail
        .audit
        .iter()
        .map(|line| {
            json!({"at": line.at.to_string(), "actor": line.actor, "action": line.action, "reason": line.reason})
        })
        .collect();
    let placed: Vec<Value> = detail.known.iter().map(|known| json!(known.placed)).collect();
    if let Value::Object(members) = &mut value {
        members.insert("source".into(), json!(detail.source));
        members.insert("attempts_made".into(), Value::Array(attempts));
        members.insert("decisions".into(), Value::Array(audit));
        members.insert("at_endpoint".into(), Value::Array(placed));
        members.insert("differs".into(), json!(detail.differing));
        members.insert("theirs_stands".into(), json!(detail.theirs_stands));
        if let Some((referral, first)) = &detail.answered_by {
            members.insert("answered_by".into(), json!({"id": first, "referral": referral.to_string()}));
        }
    }
    value
}

fn detail_text(detail: &EntryDetail) -> String {
    use std::fmt::Write as _;
    let entry = &detail.entry;
    let mut out = format!(
        "entry {}\n  key        {}\n  referral   {} of {}\n  event      {}\n  endpoint   {}\n  state      {}\n",
        entry.id,
        entry.key,
        entry.referral,
        detail.source,
        entry.event_type.as_str(),
        entry.endpoint,
        entry.state.as_str(),
    );
    if let Some(reason) = entry.reason {
        let _ = writeln!(out, "  why        {}: {}", reason.as_str(), reason.meaning());
        let _ = writeln!(out, "  to do      {}", reason.remedy());
    }
    if let Some(by) = entry.blocked_by {
        let _ = writeln!(out, "  waits for  entry {by} of the same referral");
    }
    let _ = writeln!(out, "  accepted   {}", entry.accepted_at);
    match entry.state {
        // When it is looked at next means something only while the program does it by itself.
        State::Pending | State::Unknown => {
            let _ = writeln!(out, "  due        {}", entry.next_at);
        }
        _ => {
            let _ = writeln!(out, "  since      {}", entry.changed_at);
        }
    }
    for attempt in &detail.attempts {
        let _ = writeln!(
            out,
            "  attempt {}  {}  {} {} {}",
            attempt.number,
            attempt.started_at,
            attempt.outcome.as_deref().unwrap_or("under way, or lost"),
            attempt.status.map(|status| status.to_string()).unwrap_or_default(),
            attempt.codes.join(", "),
        );
    }
    for line in &detail.audit {
        let _ = writeln!(out, "  {}  {} by {}: {}", line.at, line.action, line.actor, line.reason);
    }
    for known in &detail.known {
        let placed = &known.placed;
        let _ = writeln!(out, "  at endpoint  {}/{}", placed.resource_type, placed.id);
    }
    if let Some((referral, first)) = &detail.answered_by {
        let _ = writeln!(out, "  answered by  entry {first}, referral {referral}");
    }
    for found in &detail.differing {
        let word = if detail.theirs_stands { "theirs stands" } else { "not as we left it" };
        let _ = writeln!(out, "  {word}  {found}");
    }
    out
}

fn act(store: &mut impl Store, parts: &Parts, command: Command, decide: &Decide) -> Outcome {
    if decide.why.trim().is_empty() {
        return Err(Failure::usage("--why: say why; it is kept with the entry"));
    }
    let actor = decide
        .actor
        .clone()
        .or_else(edge::login)
        .ok_or_else(|| Failure::usage("--actor: say who decides; no login name is known here"))?;
    let by = Decision { actor, reason: decide.why.trim().to_owned() };
    let mut exit = Exit::Done;
    for id in &decide.ids {
        let acted = store.act(*id, command, &by, &parts.planner, edge::now())?;
        match acted {
            Acted::Done(entry) => {
                edge::print(&format!("{}\n", as_line(&entry)))?;
                let is_release =
                    matches!(command, Command::Release | Command::ReleaseOurs | Command::AcceptTheirs);
                if let Some(reason) = entry.reason.filter(|_| is_release && entry.state == State::Held) {
                    edge::say(&format!(
                        "{id}: held again, because its cause is still there: {}",
                        reason.remedy()
                    ));
                }
            }
            Acted::NoSuchEntry => {
                edge::say(&format!("{id}: there is no such entry"));
                exit = Exit::SomeRefused;
            }
            Acted::NotPossible(state) => {
                edge::say(&format!("{id}: {}", not_possible(command, state)));
                exit = Exit::SomeRefused;
            }
        }
    }
    Ok(exit)
}

/// Why a decision is not possible, and which are.
fn not_possible(command: Command, state: State) -> String {
    match (command, state) {
        (Command::ReleaseOurs | Command::AcceptTheirs, State::Held) => {
            let word = if command == Command::ReleaseOurs { "ours" } else { "theirs" };
            format!(
                "--{word} is for an entry that is held as divergent, with the versions that `outbox show` gives"
            )
        }
        (
            Command::ReleaseSensitive,
            State::Pending | State::Held | State::Delivered | State::Acknowledged,
        ) => "nothing of its event is withheld as sensitive, or it was released before".to_owned(),
        _ => {
            let word = match command {
                Command::ReleaseOurs | Command::AcceptTheirs | Command::ReleaseSensitive => "release",
                other => other.as_str(),
            };
            let possible = match state {
                State::Pending => "hold or discard it",
                State::Held => "release or discard it",
                State::DeadLetter | State::Expired => "retry or discard it",
                State::Unknown => "the endpoint is asked; discard it, or wait",
                State::InFlight => "it is being sent; wait a moment",
                _ => "nothing can be decided about it any more",
            };
            format!("{word} is not possible while it is {}; {possible}", state.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_possible_says_what_is() {
        for (command, state, part) in [
            (Command::Retry, State::Held, "retry is not possible while it is held; release or"),
            (Command::Release, State::DeadLetter, "retry or discard"),
            (Command::ReleaseOurs, State::Held, "--ours is for an entry that is held as divergent"),
            (Command::ReleaseOurs, State::Discarded, "release is not possible while it is discarded"),
            (Command::ReleaseSensitive, State::Delivered, "withheld"),
            (Command::Hold, State::Delivered, "nothing can be decided"),
        ] {
            let said = not_possible(command, state);
            assert!(said.contains(part), "{said}");
        }
    }
}
