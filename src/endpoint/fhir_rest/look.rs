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

use super::base::{is_id, is_type};
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
    for seen in seen {
        let has = |placed: &Placed| placed.uuid == seen.target.uuid;
        match seen.resource.and_then(|resource| fill::placed(&seen.target.uuid, &resource)) {
            Some(placed) if !receipt.placed.iter().any(has) => receipt.placed.push(placed),
            None if seen.target.ours && !receipt.placed.iter().any(has) => {
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
        let resource = match sought {
            Some((system, value)) => {
                let matches =
                    search::by_identifier(client, &target.resource_type, &system, &value, now).await;
                let matches = matches.map_err(Stop::Ended)?;
                // Several organisations with one code are no doing of ours, and no reason to stop.
                let only = matches.only(Reason::Duplicate);
                if target.ours { only.map_err(Stop::Wrong)? } else { only.unwrap_or_default() }
            }
            None if target.ours => by_id(client, &target.resource_type, &target.uuid, now).await?,
            None => None,
        };
        all.push(Seen { target, resource });
    }
    Ok(all)
}

async fn by_id(client: &Client, resource_type: &str, id: &str, now: Timestamp) -> Result<Option<Node>, Stop> {
    if !is_type(resource_type) || !is_id(id) {
        return Ok(None);
    }
    let answer = client
        .get(&format!("{resource_type}/{id}"))
        .await
        .map_err(|fault| Stop::Ended(classify::unread(fault)))?;
    match answer.status {
        200..=299 => answer.json().map(Some).ok_or(Stop::Ended(classify::unavailable(answer.status))),
        404 | 410 => Ok(None),
        _ => Err(Stop::Ended(classify::refused_reading(&answer, now))),
    }
}

fn judge(client: &Client, seen: &[Seen<'_>], draft: &Draft) -> Found {
    let mut references = References::new(client.base(), []);
    let mut receipt = Receipt::default();
    for Seen { target, resource } in seen {
        if let Some(placed) = resource.as_ref().and_then(|resource| fill::placed(&target.uuid, resource)) {
            references.add(&placed.resource_type, &placed.id, &placed.uuid);
            receipt.placed.push(placed);
        }
    }
    // A Provenance under the id of this very event is there only when the Bundle was taken, or most of it.
    let is_signed = |seen: &Seen<'_>| seen.target.resource_type == "Provenance" && seen.resource.is_some();
    let signed = seen.iter().any(is_signed);
    let mut applied = true;
    for Seen { target, resource } in seen.iter().filter(|seen| seen.target.ours) {
        let Some(resource) = resource else {
            applied = false;
            continue;
        };
        if let Some(other) = other_subject(client, draft, target, resource) {
            return Found::Wrong(other);
        }
        applied &= match content::compare(&target.content, &content::digest_of(target, resource, &references))
        {
            Comparison::Same => true,
            Comparison::MovedOn => signed,
            Comparison::Different => target.resource_type == "Provenance",
        };
    }
    if applied { Found::Applied(receipt) } else { Found::Absent }
}

/// Whether what was found is about another Patient than what was sent.
fn other_subject(client: &Client, draft: &Draft, target: &Target, found: &Node) -> Option<Reason> {
    let entry = draft.entries.iter().find(|entry| entry.uuid == target.uuid)?;
    let patient = content::subject_id(&entry.resource, client.base())?;
    (!content::same_subject(found, client.base(), &patient)).then_some(Reason::IdentifierCollision)
}
