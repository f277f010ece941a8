//! Answering a request of the clinical system's: its Task takes what we say of how far the work got, and nothing else.
//!
//! The request itself is never written. Where it has a Task for us, that Task is written as it was read, with our
//! status, reasons, outcome and date in it, under the version that was read; where it has none, ours goes, about that
//! request. What this is not: reading ([`super::join`]). Invariant: a Task of theirs is changed only where its state
//! allows it or where it still stands as we left it; anything else waits for a person. Next: `merge.rs`.

use crate::endpoint::Known;
use crate::outbox::Reason;
use crate::outbox::parcel::Fulfils;
use crate::tree::Node;

use super::base::{Base, version_of};
use super::content::{self, References};
use super::draft::{Draft, DraftEntry, Write};
use super::fill::{Filling, type_and_id};
use super::join::Wanted;
use super::merge::{Before, Ours, is_end, merge, set};
use super::period::OfPeriod;
use super::search::has_identifier;

/// The mark that we put their Task on hold, kept beside those of its period.
const HELD: &str = "h";

/// What is answered.
#[derive(Clone, Copy, Debug)]
pub struct Answering<'a> {
    /// The request as the event names it, and our Task in the Bundle.
    pub fulfils: &'a Fulfils,
    /// What was read.
    pub wanted: &'a Wanted,
    /// `Type/id` of the service there, as Tasks name their owner.
    pub owner: Option<&'a str>,
}

/// A Task of theirs in the place of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// Its id.
    pub id: String,
    /// The digest of what we say, whatever it says afterwards; and marks of what of its period is ours.
    pub said: String,
    /// Whether it stands already as it would be written.
    pub is_idle: bool,
}

/// Joins a draft to the request: what is based on it points at it, and its Task, if it has one for us, takes the place
/// of ours. Gives that Task.
///
/// # Errors
/// Why it must wait for a person.
pub fn join(
    draft: &mut Draft,
    answering: &Answering<'_>,
    patient: &str,
    filling: &Filling<'_>,
    (references, is_resumed): (&References<'_>, bool),
) -> Result<Option<Joined>, Reason> {
    let Answering { fulfils, wanted, .. } = answering;
    if !content::same_subject(&wanted.request, filling.base, patient) {
        return Err(Reason::IdentifierCollision);
    }
    for entry in &mut draft.entries {
        point(&mut entry.resource, fulfils, &wanted.id);
    }
    let is_ours = |entry: &&mut DraftEntry| fulfils.task.as_deref() == Some(&entry.uuid);
    let Some(entry) = draft.entries.iter_mut().find(is_ours) else { return Ok(None) };
    // Once there was none for us, and we made it: it is ours, and stays so.
    if filling.existing.iter().any(|there| there.uuid == entry.uuid) {
        return Ok(None);
    }
    let status = |node: &Node| node.get("status").and_then(Node::as_str).unwrap_or_default().to_owned();
    let asks = asks(&wanted.request);
    let system = system(entry).ok_or(Reason::Poison)?;
    let theirs: Vec<&Node> = wanted.tasks.iter().filter(|task| !has_system(task, &system)).collect();
    let Some(task) = choose(&theirs, answering, filling.known, filling.base)? else {
        return if asks { Ok(None) } else { Err(Reason::Divergent) };
    };
    let about_other = task.get("for").is_some() && !content::same_subject(task, filling.base, patient);
    if about_other {
        return Err(Reason::IdentifierCollision);
    }
    let (_, id) = type_and_id(task).ok_or(Reason::Divergent)?;
    let version = task.path("meta.versionId").and_then(Node::as_str).and_then(version_of);
    // Never blind: without a version there is nothing to hold the write against.
    let version = version.ok_or(Reason::RefusedByEndpoint)?;
    let said = content::digest_said(&entry.resource, references);
    let before = known_of(filling.known, id).and_then(|known| {
        let (left, said, marks) = content::said_before(&known.content)?;
        let is_version = known.placed.version.as_deref() == Some(&version);
        let is_as_left = is_version || left == content::digest_said(task, references);
        Some(Before { is_as_left, said, period: OfPeriod::read(marks), is_held: marks.contains(HELD) })
    });
    let ours = Ours { task: &entry.resource, said: &said, is_resumed };
    let merged = merge(task, ours, before, references)?;
    let held = if status(&entry.resource) == "on-hold" { HELD } else { "" };
    // Of a Task that is left alone, what was ours stays ours.
    let period = match &merged {
        Some((_, period)) => *period,
        None => before.map(|before| before.period).unwrap_or_default(),
    };
    let merged = merged.map(|(merged, _)| merged);
    let ends = matches!(status(&entry.resource).as_str(), "cancelled" | "rejected" | "failed");
    if merged.is_some() && !asks && !ends {
        return Err(Reason::Divergent);
    }
    let from = format!("urn:uuid:{}", entry.uuid);
    let joined = Joined { id: id.to_owned(), said: said + period.marks() + held, is_idle: merged.is_none() };
    entry.resource = merged.unwrap_or_else(|| task.clone());
    entry.write = Write::ById { id: joined.id.clone(), if_match: Some(format!("W/\"{version}\"")) };
    entry.uuid.clone_from(&joined.id);
    let to = format!("Task/{id}");
    for entry in &mut draft.entries {
        replace(&mut entry.resource, &from, &to);
    }
    prune(draft);
    Ok(Some(joined))
}

/// Whether a request of theirs still asks for something.
pub(super) fn asks(request: &Node) -> bool {
    let status = request.get("status").and_then(Node::as_str);
    !matches!(status, Some("revoked" | "entered-in-error"))
        && request.get("doNotPerform").and_then(Node::as_bool) != Some(true)
}

/// The system of our Tasks' identifiers.
fn system(entry: &DraftEntry) -> Option<String> {
    match &entry.write {
        Write::ByIdentifier { system, .. } => Some(system.clone()),
        _ => None,
    }
}

/// The Tasks about the request that are not ours.
pub(super) fn theirs<'w>(answering: &Answering<'w>, draft: &Draft) -> Vec<&'w Node> {
    let is_ours = |entry: &&DraftEntry| answering.fulfils.task.as_deref() == Some(&entry.uuid);
    let system = draft.entries.iter().find(is_ours).and_then(system);
    let theirs = |task: &&Node| system.as_ref().is_some_and(|system| !has_system(task, system));
    answering.wanted.tasks.iter().filter(theirs).collect()
}

/// The id of the Task of theirs that the answer goes on, as far as can be said.
pub(super) fn chosen(
    draft: &Draft,
    answering: &Answering<'_>,
    known: &[Known],
    base: &Base,
) -> Option<String> {
    let task = choose(&theirs(answering, draft), answering, known, base).ok()??;
    type_and_id(task).map(|(_, id)| id.to_owned())
}

/// The Task of theirs that is ours to answer; none where there is none and ours may be made.
fn choose<'n>(
    tasks: &[&'n Node],
    answering: &Answering<'_>,
    known: &[Known],
    base: &Base,
) -> Result<Option<&'n Node>, Reason> {
    let is_known = |task: &&&Node| {
        type_and_id(task)
            .and_then(|(_, id)| known_of(known, id))
            .is_some_and(|known| !known.content.is_empty())
    };
    let again = answering.fulfils.again;
    if has_answered(known) && !again && !tasks.iter().any(|task| is_known(&task)) {
        // We have answered it, and it is gone, or about another request now.
        return Err(Reason::Divergent);
    }
    let status = |task: &Node| task.get("status").and_then(Node::as_str).unwrap_or_default().to_owned();
    let counting: Vec<&Node> =
        tasks.iter().copied().filter(|task| status(task) != "entered-in-error").collect();
    let mut mine: Vec<&Node> =
        counting.iter().copied().filter(|task| owner(task, answering, base) != Owner::Another).collect();
    if mine.iter().any(|task| owner(task, answering, base) == Owner::We) {
        mine.retain(|task| owner(task, answering, base) == Owner::We);
    }
    let is_over = |task: &&&Node| is_end(&status(task));
    let (over, open): (Vec<&Node>, Vec<&Node>) = mine.iter().partition(|task| is_over(task));
    let one_known = |some: &[&'n Node]| match some.iter().filter(is_known).collect::<Vec<_>>().as_slice() {
        [one] => Ok(Some(**one)),
        _ => Err(Reason::Duplicate),
    };
    match (open.as_slice(), over.as_slice()) {
        ([one], _) => Ok(Some(one)),
        ([], _) if again => Ok(None),
        // There are Tasks, but for others: whether one more is wanted is not ours to say.
        ([], []) if !counting.is_empty() => Err(Reason::RequestNotFound),
        ([], []) => Ok(None),
        ([], [one]) => Ok(Some(one)),
        ([], several) | (several, _) => one_known(several),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    /// The service that this endpoint's settings name.
    We,
    /// Nobody: whoever the request is for may take it.
    Nobody,
    /// Somebody else, or somebody who cannot be told from somebody else.
    Another,
}

fn owner(task: &Node, answering: &Answering<'_>, base: &Base) -> Owner {
    let Some(owner) = task.get("owner") else { return Owner::Nobody };
    let place = owner.get("reference").and_then(Node::as_str).and_then(|reference| base.literal(reference));
    match (place, answering.owner) {
        (Some(place), Some(us)) if format!("{}/{}", place.resource_type, place.id) == us => Owner::We,
        _ => Owner::Another,
    }
}

/// Whether a Task of theirs was written for this referral.
#[must_use]
pub fn has_answered(known: &[Known]) -> bool {
    known.iter().any(|known| is_answer(known) && !known.content.is_empty())
}

fn is_answer(known: &Known) -> bool {
    known.placed.resource_type == "Task" && known.placed.uuid == known.placed.id
}

fn known_of<'k>(known: &'k [Known], id: &str) -> Option<&'k Known> {
    known.iter().find(|known| is_answer(known) && known.placed.id == id)
}

/// Whether a resource has an identifier of a system.
fn has_system(task: &Node, system: &str) -> bool {
    let values = task.get("identifier").and_then(Node::as_array).unwrap_or_default();
    let values = values.iter().filter_map(|identifier| identifier.get("value")?.as_str());
    values.into_iter().any(|value| has_identifier(task, system, value))
}

/// Gives every reference to the request by its identifier the request's place.
fn point(node: &mut Node, fulfils: &Fulfils, id: &str) {
    match node {
        Node::Array(items) => items.iter_mut().for_each(|item| point(item, fulfils, id)),
        Node::Object(_) => {
            let is = |name: &str, value: &str| {
                node.get("identifier").and_then(|one| one.get(name)?.as_str()) == Some(value)
            };
            let is_it = node.get("type").and_then(Node::as_str) == Some("ServiceRequest")
                && is("system", &fulfils.system)
                && is("value", &fulfils.value);
            if is_it {
                set(node, "reference", Some(&Node::String(format!("ServiceRequest/{id}"))));
            } else if let Node::Object(members) = node {
                members.iter_mut().for_each(|(_, value)| point(value, fulfils, id));
            }
        }
        _ => {}
    }
}

pub(super) fn replace(node: &mut Node, from: &str, to: &str) {
    match node {
        Node::Array(items) => items.iter_mut().for_each(|item| replace(item, from, to)),
        Node::Object(members) => members.iter_mut().for_each(|(name, value)| match value {
            Node::String(text) if name == "reference" && text == from => to.clone_into(text),
            other => replace(other, from, to),
        }),
        _ => {}
    }
}

/// Takes out parties that only our own Task pointed at.
pub(super) fn prune(draft: &mut Draft) {
    loop {
        let needed = |uuid: &str, entries: &[DraftEntry]| {
            let urn = format!("urn:uuid:{uuid}");
            entries.iter().any(|entry| points_at(&entry.resource, &urn))
        };
        let is_party = |entry: &DraftEntry| !entry.is_ours() && entry.resource_type != "Provenance";
        let at =
            draft.entries.iter().position(|entry| is_party(entry) && !needed(&entry.uuid, &draft.entries));
        let Some(at) = at else { return };
        draft.entries.remove(at);
    }
}

pub(super) fn points_at(node: &Node, urn: &str) -> bool {
    match node {
        Node::Array(items) => items.iter().any(|item| points_at(item, urn)),
        Node::Object(members) => members.iter().any(|(name, value)| match value {
            Node::String(text) => name == "reference" && text == urn,
            other => points_at(other, urn),
        }),
        _ => false,
    }
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
