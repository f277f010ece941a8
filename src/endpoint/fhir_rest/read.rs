//! Reading back: what stands at the endpoint of everything of ours that some requests wrote.
//!
//! Each resource is sought once, by its identifier or its id, and compared with what each request said of it. What this
//! is not: a judgement; [`crate::reconcile`] judges. Of the clinical system's requests that we answered only one that is gone
//! is seen. Invariant: nothing is passed over: where a question cannot be answered,
//! no answer is given at all. Next: [`super::list`].

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::endpoint::{Known, Request, Sight, Standing, Target, Unread};
use crate::outbox::{Outcome, Placed, Reason};
use crate::tree::Node;

use super::base::{is_id, is_type};
use super::by_id;
use super::client::Client;
use super::content::{self, Comparison, References};
use super::draft::{self, Draft, DraftEntry, Write};
use super::fill;
use super::search::{self, Matches};

/// One resource that the requests wrote.
struct Wanted<'a> {
    /// As the last of them names it.
    target: &'a Target,
    entry: &'a DraftEntry,
    /// Which of them wrote it, and the digest of what they wrote.
    written: Vec<(usize, &'a str)>,
}

/// Reads back.
///
/// # Errors
/// The reason why not.
pub async fn read(
    client: &Client,
    requests: &[Request],
    known: &[Known],
    now: Timestamp,
) -> Result<Vec<Sight>, Unread> {
    let drafts: Vec<Draft> = requests
        .iter()
        .map(|request| Draft::read(&request.body).ok_or(Reason::Poison))
        .collect::<Result<_, _>>()?;
    let mut references = References::new(client.base(), known.iter().map(|known| &known.placed));
    let mut seen = Vec::new();
    for wanted in wanted(requests, &drafts) {
        let (kind, uuid) = (&wanted.target.resource_type, &wanted.target.uuid);
        let is_known = known.iter().any(|known| known.placed.uuid == *uuid);
        if !wanted.target.ours && is_known {
            continue;
        }
        let mut matches = seek(client, &wanted, now).await.map_err(|reason| unread(reason, kind))?;
        if let Some(place) = place(&wanted, known).filter(|_| matches.found.is_empty()) {
            // The index may lag behind; what is missing is missing at its place.
            matches = by_id(client, kind, place, now).await.map_err(|reason| unread(reason, kind))?;
        }
        for id in matches.found.iter().filter_map(|found| found.get("id")?.as_str()) {
            references.add(kind, id, uuid);
        }
        seen.push((wanted, matches));
    }
    let ours = seen.iter().filter(|(wanted, _)| wanted.target.ours);
    let mut sights: Vec<Sight> =
        ours.map(|(wanted, matches)| sight(client, wanted, matches, &references)).collect();
    // Where a person let a request of ours stand, what was sent then names it by its id, too.
    let is_ours = |id: &String| {
        let is = |placed: &Placed| placed.resource_type == REQUEST && placed.id == *id && placed.uuid != *id;
        known.iter().any(|known| is(&known.placed))
    };
    for (id, written_by) in answered(client, &drafts).into_iter().filter(|(id, _)| !is_ours(id)) {
        // Theirs and nothing to compare; but that it is gone is to be known.
        let there = by_id(client, REQUEST, &id, now).await.map_err(|reason| unread(reason, REQUEST))?;
        if there.found.is_empty() {
            sights.push(Sight {
                resource_type: REQUEST.to_owned(),
                name: id,
                system: None,
                written_by,
                copies: Vec::new(),
                more: false,
            });
        }
    }
    Ok(sights)
}

fn unread(reason: Reason, resource_type: &str) -> Unread {
    Unread { reason, resource_type: Some(resource_type.to_owned()) }
}

const REQUEST: &str = "ServiceRequest";

/// The requests of the clinical system's that what was written is about, by id, and by which of the requests to the endpoint.
/// Our own go by UUIDs in what we send.
fn answered(client: &Client, drafts: &[Draft]) -> BTreeMap<String, Vec<usize>> {
    let mut answered: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (place, draft) in drafts.iter().enumerate() {
        for entry in &draft.entries {
            let list = entry.resource.get("basedOn").and_then(Node::as_array).unwrap_or_default();
            let about = list.iter().chain(entry.resource.get("focus"));
            let literals = about.filter_map(|about| client.base().literal(about.get("reference")?.as_str()?));
            for literal in literals.filter(|literal| literal.resource_type == REQUEST) {
                let places = answered.entry(literal.id).or_default();
                if places.last() != Some(&place) {
                    places.push(place);
                }
            }
        }
    }
    answered
}

/// What the requests wrote, each resource once.
fn wanted<'a>(requests: &'a [Request], drafts: &'a [Draft]) -> Vec<Wanted<'a>> {
    let mut all: Vec<Wanted<'a>> = Vec::new();
    for (place, (request, draft)) in requests.iter().zip(drafts).enumerate() {
        for target in &request.targets {
            let same = |entry: &&DraftEntry| entry.uuid == target.uuid;
            let Some(entry) = draft.entries.iter().find(same) else { continue };
            let content = (place, target.content.as_str());
            let is = |known: &&mut Wanted<'_>| {
                known.target.uuid == target.uuid && known.target.resource_type == target.resource_type
            };
            match all.iter_mut().find(is) {
                Some(known) => {
                    (known.target, known.entry) = (target, entry);
                    known.written.push(content);
                }
                None => all.push(Wanted { target, entry, written: vec![content] }),
            }
        }
    }
    all
}

/// Where a resource of ours was put, if that is known.
fn place<'k>(wanted: &Wanted<'_>, known: &'k [Known]) -> Option<&'k str> {
    let target = wanted.target;
    let is = |known: &&Known| {
        known.placed.uuid == target.uuid && known.placed.resource_type == target.resource_type
    };
    let place = known.iter().find(is).map(|known| known.placed.id.as_str());
    place.filter(|_| target.ours && target.system.is_some())
}

async fn seek(client: &Client, wanted: &Wanted<'_>, now: Timestamp) -> Result<Matches, Reason> {
    let Wanted { target, entry, .. } = wanted;
    let query = match &entry.write {
        Write::IfNoneExist { query } => draft::identifier(query),
        _ => None,
    };
    let sought = target.system.clone().map(|system| (system, target.uuid.clone())).or(query);
    match sought {
        Some((system, value)) => {
            let found = search::by_identifier(client, &target.resource_type, &system, &value, now).await;
            found.map_err(reason)
        }
        None if target.ours => by_id(client, &target.resource_type, &target.uuid, now).await,
        None => Ok(Matches::default()),
    }
}

async fn by_id(client: &Client, resource_type: &str, id: &str, now: Timestamp) -> Result<Matches, Reason> {
    if !is_type(resource_type) || !is_id(id) {
        return Err(Reason::Poison);
    }
    let found = by_id::read(client, resource_type, id, now).await.map_err(reason)?;
    Ok(Matches { found: found.into_iter().collect(), ..Matches::default() })
}

/// Why a reading came to nothing.
pub(super) fn reason(outcome: Outcome) -> Reason {
    match outcome {
        Outcome::Deferred { reason, .. } | Outcome::Unknown { reason, .. } => reason,
        Outcome::Rejected(refusal) => refusal.reason,
        Outcome::Accepted(_) | Outcome::Duplicate(_) => Reason::Unavailable,
    }
}

fn sight(client: &Client, wanted: &Wanted<'_>, matches: &Matches, references: &References<'_>) -> Sight {
    let Wanted { target, entry, written } = wanted;
    let patient = content::subject_id(&entry.resource, client.base());
    let standing = |resource: &Node| {
        let placed = fill::placed(&target.uuid, resource);
        let is_other = |patient: &String| !content::same_subject(resource, client.base(), patient);
        Standing {
            id: placed.as_ref().map(|placed| placed.id.clone()).unwrap_or_default(),
            version: placed.and_then(|placed| placed.version),
            about_other: patient.as_ref().is_some_and(is_other),
            holds: holds(target, written, &content::digest_of(target, resource, references)),
        }
    };
    Sight {
        resource_type: target.resource_type.clone(),
        name: target.uuid.clone(),
        system: target.system.clone(),
        written_by: written.iter().map(|(place, _)| *place).collect(),
        copies: matches.found.iter().map(standing).collect(),
        more: matches.more,
    }
}

/// The newest request whose content was found. What is exactly an older state is not taken for a newer one that
/// somebody moved on.
fn holds(target: &Target, written: &[(usize, &str)], found: &str) -> Option<usize> {
    // One event's Provenance is written once and changed by nobody; servers add to it, and that says nothing.
    if target.resource_type == "Provenance" {
        return written.last().map(|(place, _)| *place);
    }
    let newest = |wanted: Comparison| {
        let is = |(_, sent): &&(usize, &str)| content::compare(sent, found) == wanted;
        written.iter().rev().find(is).map(|(place, _)| *place)
    };
    newest(Comparison::Same).or_else(|| newest(Comparison::MovedOn))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(resource_type: &str) -> Target {
        Target {
            resource_type: resource_type.into(),
            uuid: "u".into(),
            system: None,
            content: String::new(),
            ours: true,
        }
    }

    #[test]
    fn an_older_state_is_not_taken_for_a_newer_one() {
        let (ours, requested, completed, accepted) =
            ("a".repeat(64), "b".repeat(64), "c".repeat(64), "d".repeat(64));
        let task = |progress: &str| format!("{ours}{progress}");
        let (first, second) = (task(&requested), task(&completed));
        let written = [(0, first.as_str()), (3, second.as_str())];
        let at = |found: &str| holds(&target("Task"), &written, found);
        assert_eq!(at(&second), Some(3));
        assert_eq!(at(&first), Some(0), "it was put back");
        assert_eq!(at(&task(&accepted)), Some(3), "others moved it on");
        assert_eq!(at(&"e".repeat(128)), None);
        assert_eq!(holds(&target("Provenance"), &written, "anything"), Some(3));
        assert_eq!(holds(&target("ServiceRequest"), &[(1, &ours), (2, &completed)], &ours), Some(1));
    }
}
