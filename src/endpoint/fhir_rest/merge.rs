//! What of our Task goes into the clinical system's. Pure.
//!
//! Status, its reason, the business status, the outcome, when the work began and ended, and the date of the last change;
//! every other element stays as it was read. What this is not: a decision which Task it is ([`super::answering`]). Invariant: merging twice changes nothing
//! the second time, so an outcome never stands there twice. Next: [`super::fill`].

use crate::map::machine::TaskStatus;
use crate::map::systems;
use crate::outbox::Reason;
use crate::tree::Node;

use super::content::{self, References};
use super::period::{self, OfPeriod};

/// What we did with a Task before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before<'a> {
    /// Whether it stands as we left it.
    pub(super) is_as_left: bool,
    /// What we said then.
    pub(super) said: &'a str,
    /// What of its `executionPeriod` we wrote then.
    pub(super) period: OfPeriod,
    /// Whether we put it on hold.
    pub(super) is_held: bool,
}

/// What we have to say.
#[derive(Clone, Copy)]
pub(super) struct Ours<'a> {
    /// As it would stand on a Task of ours.
    pub(super) task: &'a Node,
    /// Its digest.
    pub(super) said: &'a str,
    /// Whether our event says that the work was taken up again.
    pub(super) is_resumed: bool,
}

/// Their Task with what ours says in it, and what of its period is ours then; none where nothing is to be changed.
pub(super) fn merge(
    theirs: &Node,
    ours: Ours<'_>,
    before: Option<Before<'_>>,
    references: &References<'_>,
) -> Result<Option<(Node, OfPeriod)>, Reason> {
    let Ours { task: ours, said, is_resumed } = ours;
    let as_left = before.is_some_and(|before| before.is_as_left);
    let status = |node: &Node| node.get("status").and_then(Node::as_str).unwrap_or_default().to_owned();
    let (from, to) = (status(theirs), status(ours));
    let moves = from != to;
    // A hold that they set is lifted by nothing that was not about it.
    let is_held = from == "on-hold" && !as_left && !before.is_some_and(|before| before.is_held);
    // We have nothing new to say; if they moved it on since, it stays so.
    if before.is_some_and(|before| before.said == said) && !(is_held && is_resumed) {
        return Ok(None);
    }
    if moves {
        match to.as_str() {
            // That we put our own referral in error says nothing of their request. What we answered is for a person.
            "entered-in-error" if before.is_some() => return Err(Reason::Divergent),
            "entered-in-error" => return Ok(None),
            // That somebody asked is known there.
            "requested" if !(as_left || is_held && is_resumed) => return Ok(None),
            _ if is_held && !is_resumed && !is_end(&to) => return Err(Reason::Divergent),
            _ if as_left || leads_to(&from, &to) => {}
            _ => return Err(Reason::Divergent),
        }
    } else if !as_left && is_end(&from) {
        // They ended it in the same way; their reason stands.
        return Ok(None);
    }
    let mut merged = theirs.clone();
    set(&mut merged, "status", ours.get("status"));
    for name in ["statusReason", "businessStatus"] {
        match ours.get(name) {
            None if !moves && !as_left => {}
            value => set(&mut merged, name, value),
        }
    }
    let outputs = outputs(theirs, ours, moves || as_left);
    set(&mut merged, "output", (!outputs.is_empty()).then_some(&Node::Array(outputs)));
    let ours_before = before.filter(|_| as_left).map(|before| before.period).unwrap_or_default();
    let (period, is_ours) =
        period::merged(theirs.get("executionPeriod"), ours.get("executionPeriod"), ours_before);
    set(&mut merged, "executionPeriod", period.as_ref());
    if content::digest_said(&merged, references) == content::digest_said(theirs, references) {
        return Ok(None);
    }
    if has_modifier(theirs) {
        // It may mean something else than it seems to.
        return Err(Reason::Divergent);
    }
    if let Some(date) = ours.get("lastModified").filter(|date| is_later(date, theirs)) {
        set(&mut merged, "lastModified", Some(date));
    }
    // Which version it is, the server says.
    let mut meta = merged.get("meta").cloned();
    for name in ["versionId", "lastUpdated"] {
        meta.iter_mut().for_each(|meta| set(meta, name, None));
    }
    let says_more = |meta: &Node| meta.as_object().is_some_and(|members| !members.is_empty());
    set(&mut merged, "meta", meta.filter(says_more).as_ref());
    Ok(Some((merged, is_ours)))
}

/// Whether a Task may go from one status to another: a step of the machine, or steps that the source did not state.
pub(super) fn leads_to(from: &str, to: &str) -> bool {
    use TaskStatus as T;
    let Some(to) = TaskStatus::parse(to) else { return false };
    // FHIR has these two between requested and accepted.
    let from = match from {
        "received" | "ready" => Some(T::Requested),
        word => TaskStatus::parse(word),
    };
    from.is_some_and(|from| from.may_become(to) || from == T::Requested && T::Accepted.may_become(to))
}

/// Whether a Task has ended.
pub(super) fn is_end(status: &str) -> bool {
    matches!(status, "rejected" | "cancelled" | "failed" | "completed" | "entered-in-error")
}

/// Their outputs, without what we put there before, and ours.
fn outputs(theirs: &Node, ours: &Node, anew: bool) -> Vec<Node> {
    let list = |node: &Node| node.get("output").and_then(Node::as_array).unwrap_or_default().to_vec();
    let (mut all, new) = (list(theirs), list(ours));
    if anew || !new.is_empty() {
        all.retain(|output| !is_our_output(output));
    }
    all.extend(new);
    all
}

/// Ours has the word that a Task of ours gives it, and no code.
pub(super) fn is_our_output(output: &Node) -> bool {
    output.path("type.text").and_then(Node::as_str) == Some(systems::OUTCOME)
        && output.path("type.coding").is_none()
        && output.get("valueCodeableConcept").is_some()
}

/// Whether a date may stand as the last change: never before what the Task says already, nor on the same day with less
/// said of the time.
pub(super) fn is_later(date: &Node, theirs: &Node) -> bool {
    let Some(date) = date.as_str() else { return false };
    ["authoredOn", "lastModified"].iter().all(|name| {
        let Some(there) = theirs.get(name).and_then(Node::as_str) else { return true };
        let day = |text: &str| text.get(..10).unwrap_or(text).to_owned();
        day(date) > day(there) || (date.len() == there.len() && date >= there)
    })
}

fn has_modifier(node: &Node) -> bool {
    match node {
        Node::Object(members) => members.iter().any(|(name, value)| {
            matches!(name.as_str(), "modifierExtension" | "implicitRules") || has_modifier(value)
        }),
        Node::Array(items) => items.iter().any(has_modifier),
        _ => false,
    }
}

/// Gives a member another value, in its place; takes it out where there is none. What stood beside it goes with it.
pub(super) fn set(node: &mut Node, name: &str, value: Option<&Node>) {
    let Node::Object(members) = node else { return };
    let beside = format!("_{name}");
    members.retain(|(known, _)| *known != beside);
    match (members.iter_mut().find(|(known, _)| known == name), value) {
        (Some((_, old)), Some(value)) => old.clone_from(value),
        (None, Some(value)) => members.push((name.to_owned(), value.clone())),
        (_, None) => members.retain(|(known, _)| known != name),
    }
}

#[cfg(test)]
#[path = "merge_tests.rs"]
mod tests;
