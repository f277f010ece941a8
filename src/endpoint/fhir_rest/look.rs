//! Asking what became of a request whose answer was lost.
//!
//! Each resource of ours is searched for by its identifier, the Provenance read by its id, and what is found compared with
//! what was sent. Every entry of ours may be sent again without harm (it is written by identifier, or with the
//! version that was read), so all that must be known is whether *everything* is there. Invariant: two resources with one
//! identifier, or one about somebody else, are never passed over. Next: [`super`].

use jiff::Timestamp;

use crate::endpoint::{Found, Request, Target};
use crate::outbox::{Outcome, Placed, Reason, Receipt};
use crate::tree::Node;

use super::by_id;
use super::classify;
use super::client::Client;
use super::content::{self, Comparison, References};
use super::draft::{self, Draft, Write};
use super::fill;
use super::search;

/// What is at the endpoint for one target.
struct Seen<'a> {
    target: &'a Target,
    resource: Option<Node>,
    /// Where several have one identifier, as organisations with one code may: each of them. No one of them is ours.
    several: Vec<Node>,
}

/// Asks.
pub async fn look(client: &Client, request: &Request, now: Timestamp) -> Found {
    let Some(draft) = Draft::read(&request.body) else { return Found::Wrong(Reason::Poison) };
    match ask(client, request, &draft, now).await {
        Ok(seen) => judge(client, &seen, &draft),
        Err(Stop::Wrong(reason)) => Found::Wrong(reason),
        Err(Stop::Ended(Outcome::Deferred { reason, .. })) => Found::Unclear(reason),
        Err(Stop::Ended(_)) => Found::Unclear(Reason::RefusedByEndpoint),
    }
}

/// Where each of our resources is, for an endpoint that did not say it when it took them.
///
/// # Errors
/// The outcome: in doubt, because what was said to be written could not be found.
pub async fn place(client: &Client, request: &Request, mut receipt: Receipt, now: Timestamp) -> Outcome {
    let Some(draft) = Draft::read(&request.body) else { return classify::lost(receipt.status) };
    let Ok(seen) = ask(client, request, &draft, now).await else { return classify::lost(receipt.status) };
    for (target, stands) in seen.iter().map(|seen| seen.target).zip(compared(client, &seen)) {
        let has = |placed: &Placed| placed.uuid == target.uuid;
        match stands {
            Some((placed, _)) if !receipt.placed.iter().any(has) => receipt.placed.push(placed),
            None if target.ours && !receipt.placed.iter().any(has) => {
                return classify::lost(receipt.status);
            }
            _ => {}
        }
    }
    Outcome::Accepted(receipt)
}

enum Stop {
    Wrong(Reason),
    Ended(Outcome),
}

async fn ask<'a>(
    client: &Client,
    request: &'a Request,
    draft: &Draft,
    now: Timestamp,
) -> Result<Vec<Seen<'a>>, Stop> {
    let mut all = Vec::with_capacity(request.targets.len());
    for target in &request.targets {
        let entry = draft.entries.iter().find(|entry| entry.uuid == target.uuid);
        let query = entry.and_then(|entry| match &entry.write {
            Write::IfNoneExist { query } => draft::identifier(query),
            _ => None,
        });
        let sought = target.system.clone().map(|system| (system, target.uuid.clone())).or(query);
        let mut several = Vec::new();
        let resource = match sought {
            Some((system, value)) => {
                let matches =
                    search::by_identifier(client, &target.resource_type, &system, &value, now).await;
                let matches = matches.map_err(Stop::Ended)?;
                // Several organisations with one code are no doing of ours, and no reason to stop.
                if target.ours {
                    match (
                        matches.only(Reason::Duplicate).map_err(Stop::Wrong)?,
                        entry.map(|entry| &entry.write),
                    ) {
                        // It was there when the request was made: the index may lag behind.
                        (None, Some(Write::ById { id, .. })) => {
                            at(client, &target.resource_type, id, now).await?
                        }
                        (found, _) => found,
                    }
                } else {
                    several = matches.found;
                    if several.len() == 1 { several.pop() } else { None }
                }
            }
            None if target.ours => at(client, &target.resource_type, &target.uuid, now).await?,
            None => None,
        };
        all.push(Seen { target, resource, several });
    }
    Ok(all)
}

async fn at(client: &Client, resource_type: &str, id: &str, now: Timestamp) -> Result<Option<Node>, Stop> {
    by_id::read(client, resource_type, id, now).await.map_err(Stop::Ended)
}

/// Where each resource is, and how it compares with what was sent. A version counts as ours only where its content is: one
/// that somebody has moved on since is theirs, and whoever pulls or updates it later must still be able to tell.
fn compared(client: &Client, seen: &[Seen<'_>]) -> Vec<Option<(Placed, Comparison)>> {
    let place = |seen: &Seen<'_>| fill::placed(&seen.target.uuid, seen.resource.as_ref()?);
    let mut references = References::new(client.base(), []);
    // Whichever of several a resource points at, it points at what was meant.
    let each_of = |seen: &Seen<'_>| -> Vec<Placed> {
        seen.several.iter().filter_map(|one| fill::placed(&seen.target.uuid, one)).collect()
    };
    for placed in seen.iter().flat_map(|seen| place(seen).into_iter().chain(each_of(seen))) {
        references.add(&placed.resource_type, &placed.id, &placed.uuid);
    }
    let compare = |seen: &Seen<'_>| {
        let mut placed = place(seen)?;
        let found = content::digest_of(seen.target, seen.resource.as_ref()?, &references);
        let comparison = content::compare(&seen.target.content, &found);
        if seen.target.ours && comparison != Comparison::Same {
            placed.version = None;
        }
        Some((placed, comparison))
    };
    seen.iter().map(compare).collect()
}

fn judge(client: &Client, seen: &[Seen<'_>], draft: &Draft) -> Found {
    // A Provenance under the id of this very event is there only when the Bundle was taken, or most of it.
    let is_signed = |seen: &Seen<'_>| seen.target.resource_type == "Provenance" && seen.resource.is_some();
    let signed = seen.iter().any(is_signed);
    let mut receipt = Receipt::default();
    let (mut applied, mut changed) = (true, false);
    for (Seen { target, resource, .. }, stands) in seen.iter().zip(compared(client, seen)) {
        let (Some(resource), Some((placed, comparison))) = (resource, stands) else {
            applied &= !target.ours;
            continue;
        };
        receipt.placed.push(placed);
        if !target.ours {
            continue;
        }
        if let Some(other) = other_subject(client, draft, target, resource) {
            return Found::Wrong(other);
        }
        let is_new = was_not_there(draft, target, resource);
        applied &= match comparison {
            Comparison::Same => true,
            Comparison::MovedOn => signed || is_new,
            Comparison::Different => target.resource_type == "Provenance",
        };
        changed |= is_new && comparison == Comparison::Different;
    }
    match (applied, changed) {
        (true, _) => Found::Applied(receipt),
        (false, true) => Found::Changed,
        (false, false) => Found::Absent,
    }
}

/// Whether a resource was not there when the request was made: then this request made it, and nothing but a version guards
/// it against being written again. Of a server without versions it cannot be said.
fn was_not_there(draft: &Draft, target: &Target, found: &Node) -> bool {
    let entry = draft.entries.iter().find(|entry| entry.uuid == target.uuid);
    entry.is_some_and(fill::is_read_first) && found.path("meta.versionId").is_some()
}

/// Whether what was found is about another Patient than what was sent.
fn other_subject(client: &Client, draft: &Draft, target: &Target, found: &Node) -> Option<Reason> {
    let entry = draft.entries.iter().find(|entry| entry.uuid == target.uuid)?;
    let patient = content::subject_id(&entry.resource, client.base())?;
    (!content::same_subject(found, client.base(), &patient)).then_some(Reason::IdentifierCollision)
}
