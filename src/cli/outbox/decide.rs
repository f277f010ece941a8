//! What a person decides about entries: who and why are kept with each.
//!
//! Invariant: no reason that names a person by NHS number is kept. Next: [`crate::store`].

use clap::Args;

use crate::convert::Exit;
use crate::daemon::Parts;
use crate::event::nhs_number::holds_nhs_number;
use crate::outbox::{Command, EntryId, State};
use crate::store::{Acted, Decision, Store as _};

use super::super::failure::Failure;
use super::show::as_line;
use super::{Outcome, edge};

#[derive(Debug, Args)]
pub(super) struct Decide {
    /// Numbers of entries
    #[arg(required = true, value_name = "NUMBER")]
    pub(super) ids: Vec<EntryId>,
    /// Why: kept with the entry and shown with it; no patient data here, a text with an NHS number is refused
    #[arg(long, value_name = "TEXT")]
    pub(super) why: String,
    /// Who decides; without it the login name
    #[arg(long, value_name = "NAME")]
    pub(super) actor: Option<String>,
}

/// Does what was decided, entry by entry.
pub(super) fn act(parts: &Parts, command: Command, decide: &Decide) -> Outcome {
    if decide.why.trim().is_empty() {
        return Err(Failure::usage("--why: say why; it is kept with the entry"));
    }
    let actor = decide
        .actor
        .clone()
        .or_else(edge::login)
        .ok_or_else(|| Failure::usage("--actor: say who decides; no login name is known here"))?;
    if actor.trim().is_empty() {
        return Err(Failure::usage("--actor: say who decides; it is kept with the entry"));
    }
    // What is kept here is shown in lists and copied into mails: the entry's number says whom it is about.
    for (option, text) in [("--why", &decide.why), ("--actor", &actor)] {
        if holds_nhs_number(text) {
            return Err(Failure::usage(format!(
                "{option}: it holds an NHS number, and is kept and shown without protection; say it without: the \
                 entry's number says whom it is about. Nothing was decided"
            )));
        }
    }
    let by = Decision { actor: actor.trim().to_owned(), reason: decide.why.trim().to_owned() };
    let mut store = parts.store_beside()?;
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
                    exit = Exit::SomeRefused;
                }
                if command == Command::Retry && entry.state == State::Withdrawn {
                    edge::say(&format!("{id}: withdrawn again, because nothing may be shared"));
                    exit = Exit::SomeRefused;
                }
            }
            Acted::NoSuchEntry => {
                edge::say(&format!("{id}: there is no such entry"));
                exit = Exit::SomeRefused;
            }
            // The release of one lets those go that waited beside it for the same cause: they may be named too.
            Acted::NotPossible(state) if command == Command::Release && goes_already(state) => {
                edge::say(&format!("{id}: nothing to release: it is {}", state.as_str()));
            }
            Acted::NotPossible(state) => {
                edge::say(&format!("{id}: {}", not_possible(command, state)));
                exit = Exit::SomeRefused;
            }
        }
    }
    Ok(exit)
}

/// Whether nothing keeps it here: it goes, or has gone.
const fn goes_already(state: State) -> bool {
    matches!(
        state,
        State::Pending | State::InFlight | State::Unknown | State::Delivered | State::Acknowledged
    )
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
        (Command::Seen, _) => {
            "nothing of it waits to be seen to: it was sent as it may be, or not at all, or somebody has \
                               seen to it (`outbox show`)"
                .to_owned()
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
                State::Withdrawn => "retry it, where consent has returned",
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
