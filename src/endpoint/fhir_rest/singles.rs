//! Sending a Bundle's entries one at a time, for an endpoint that takes no transactions.
//!
//! What is pointed at goes first, and what points takes the id that it was given. Nothing holds the writes together, so
//! every one is such that it may be made again: by identifier, with the version that was read, or only where there is
//! none. Invariant: the first entry that is not surely written ends the attempt, and only the endpoint's own word makes it sure; the Provenance, which points at
//! everything, goes last and stands for all of it. Next: [`super::look`].

use std::collections::HashMap;

use jiff::Timestamp;

use crate::outbox::{Outcome, Placed, Reason, Receipt, Refusal};
use crate::tree::{Node, json};

use super::base::version_of;
use super::classify;
use super::client::{Answer, Client, Fault, Single};
use super::draft::{self, Draft, DraftEntry, Write};
use super::fill;
use super::search;

/// The word that stands for the method in a request that is sent so.
pub const METHOD: &str = "EACH";

/// Sends the entries.
pub async fn send(client: &Client, draft: Draft, now: Timestamp) -> Outcome {
    let mut receipt = Receipt::default();
    let mut literals = HashMap::new();
    let mut waiting = draft.entries;
    while let Some(entry) = next(&mut waiting, &literals) {
        match one(client, &entry, &literals, now).await {
            Ok((placed, status)) => {
                literals.insert(
                    format!("urn:uuid:{}", entry.uuid),
                    format!("{}/{}", placed.resource_type, placed.id),
                );
                receipt.status = Some(status);
                receipt.placed.push(placed);
            }
            Err(outcome) => return outcome,
        }
    }
    if waiting.is_empty() {
        return Outcome::Accepted(receipt);
    }
    // Entries that point at each other in a circle cannot go one at a time.
    Outcome::Rejected(Refusal::of(Reason::RefusedByEndpoint))
}

/// Takes out the first entry that points at nothing that is still waiting.
fn next(waiting: &mut Vec<DraftEntry>, literals: &HashMap<String, String>) -> Option<DraftEntry> {
    let at = waiting.iter().position(|entry| {
        let mut is_ready = true;
        each_reference(&entry.resource, &mut |reference| {
            is_ready &= !reference.starts_with("urn:uuid:") || literals.contains_key(reference);
        });
        is_ready
    })?;
    Some(waiting.remove(at))
}

async fn one(
    client: &Client,
    entry: &DraftEntry,
    literals: &HashMap<String, String>,
    now: Timestamp,
) -> Result<(Placed, u16), Outcome> {
    let mut resource = entry.resource.clone();
    replace(&mut resource, literals);
    let mut body = Vec::with_capacity(2048);
    json::write(&resource, &mut body);
    let sent = client.write_single(&entry.resource_type, single(&entry.write), body).await;
    let answer = match sent {
        Ok(answer) => answer,
        Err(Fault::NotSent(Reason::Poison)) => return Err(Outcome::Rejected(Refusal::of(Reason::Poison))),
        Err(fault) => return Err(classify::unanswered(fault)),
    };
    match answer.status {
        200 | 201 | 204 => {}
        _ if answer.is_success() => return Err(classify::lost(Some(answer.status))),
        status => {
            let (outcome, wait) = (answer.json(), classify::wait(&answer, now));
            return Err(classify::of_entry(&entry.write, status, outcome.as_ref(), wait));
        }
    }
    let lost = || classify::lost(Some(answer.status));
    let placed = match place(client, entry, &answer) {
        Some(placed) => Some(placed),
        // A page of a gateway with status 200 is no word of the endpoint's: what stood there before would be taken for this.
        None if !is_word(&answer) => return Err(lost()),
        None => ask(client, entry, &answer, now).await,
    };
    placed.map(|placed| (placed, answer.status)).ok_or_else(lost)
}

/// Whether an answer that says neither where it is nor what it holds says at least that something was written: by naming its
/// version, and with nothing else in it.
fn is_word(answer: &Answer) -> bool {
    answer.etag.as_deref().and_then(version_of).is_some() && answer.body.iter().all(u8::is_ascii_whitespace)
}

fn single(write: &Write) -> Single<'_> {
    match write {
        Write::ByIdentifier { system, value } => Single::ByIdentifier { system, value },
        Write::IfNoneExist { query } => Single::IfNoneExist { query },
        Write::ById { id, if_match } => Single::ById { id, if_match: if_match.as_deref() },
    }
}

/// Where the answer says it is.
fn place(client: &Client, entry: &DraftEntry, answer: &Answer) -> Option<Placed> {
    let etag = answer.etag.as_deref().and_then(version_of);
    let literal = answer.location.as_deref().and_then(|location| client.base().literal(location));
    if let Some(literal) = literal.filter(|literal| literal.resource_type == entry.resource_type) {
        return Some(Placed {
            resource_type: literal.resource_type,
            uuid: entry.uuid.clone(),
            id: literal.id,
            version: etag.or(literal.version),
        });
    }
    let returned = answer.json().and_then(|resource| fill::placed(&entry.uuid, &resource));
    returned.filter(|placed| placed.resource_type == entry.resource_type)
}

/// Where a search finds it.
async fn ask(client: &Client, entry: &DraftEntry, answer: &Answer, now: Timestamp) -> Option<Placed> {
    let (system, value) = match &entry.write {
        Write::ByIdentifier { system, value } => (system.clone(), value.clone()),
        Write::IfNoneExist { query } => draft::identifier(query)?,
        Write::ById { id, .. } => {
            let (resource_type, uuid) = (entry.resource_type.clone(), entry.uuid.clone());
            let version = answer.etag.as_deref().and_then(version_of);
            return Some(Placed { resource_type, uuid, id: id.clone(), version });
        }
    };
    let found = search::by_identifier(client, &entry.resource_type, &system, &value, now).await.ok()?;
    let resource = found.only(Reason::Duplicate).ok()??;
    fill::placed(&entry.uuid, &resource)
}

fn each_reference(node: &Node, visit: &mut impl FnMut(&str)) {
    match node {
        Node::Array(items) => items.iter().for_each(|item| each_reference(item, visit)),
        Node::Object(members) => {
            for (name, value) in members {
                match value {
                    Node::String(text) if name == "reference" => visit(text),
                    other => each_reference(other, visit),
                }
            }
        }
        _ => {}
    }
}

fn replace(node: &mut Node, literals: &HashMap<String, String>) {
    match node {
        Node::Array(items) => items.iter_mut().for_each(|item| replace(item, literals)),
        Node::Object(members) => {
            for (name, value) in members {
                match value {
                    Node::String(text) if name == "reference" => {
                        if let Some(literal) = literals.get(text) {
                            literal.clone_into(text);
                        }
                    }
                    other => replace(other, literals),
                }
            }
        }
        _ => {}
    }
}
