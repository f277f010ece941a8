//! Reading the clinical system's request that a referral answers, and the Tasks about it.
//!
//! What this is not: a judgement of them ([`super::answering`]). Invariant: nothing is written, and "no such Task" is said
//! only by a search that was answered whole. Next: [`super::answering`].

use jiff::Timestamp;

use crate::outbox::parcel::Fulfils;
use crate::outbox::{Outcome, Reason};
use crate::tree::Node;

use super::base::is_id;
use super::by_id;
use super::classify;
use super::client::Client;
use super::content;
use super::fill::type_and_id;
use super::search;
use super::subject::NotResolved;

/// A request of the clinical system's with the Tasks about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The ServiceRequest.
    pub request: Node,
    /// Its id.
    pub id: String,
    /// Every Task whose focus it is, ours or not; where none points at it, those that name it by its identifier.
    pub tasks: Vec<Node>,
}

/// Reads.
///
/// # Errors
/// [`NotResolved`]: it is not there, or there is more than one, or the endpoint cannot be asked now.
pub async fn read(client: &Client, fulfils: &Fulfils, now: Timestamp) -> Result<Wanted, NotResolved> {
    let Fulfils { system, value, .. } = fulfils;
    let found = search::by_identifier(client, "ServiceRequest", system, value, now).await?;
    let request = found.only(Reason::Duplicate)?.ok_or(Reason::RequestNotFound)?;
    let request = by_id::whole(client, request, now).await?.ok_or(Reason::RequestNotFound)?;
    let id = type_and_id(&request).map(|(_, id)| id.to_owned()).ok_or(Reason::RequestNotFound)?;
    let mut tasks = search::tasks_about(client, &id, now).await?;
    if tasks.more {
        return Err(Reason::Duplicate.into());
    }
    if tasks.found.is_empty()
        && let Some(patient) = content::subject_id(&request, client.base())
    {
        tasks.found = match search::tasks_naming(client, &patient, (system, value), now).await {
            // It does not search so: then there is none that could be known of.
            Err(Outcome::Rejected(_)) => Vec::new(),
            named => named?,
        };
    }
    let mut whole = Vec::with_capacity(tasks.found.len());
    for task in tasks.found {
        // Of a part it could not be said whose it is.
        whole.extend(by_id::whole(client, task, now).await?);
    }
    Ok(Wanted { request, id, tasks: whole })
}

/// Reads one of the Tasks as it stands at its place; where it is gone or about another request by now, it is none of them.
///
/// # Errors
/// The outcome of an attempt that ends here; a refusal where only a part of it is shown.
pub(super) async fn read_anew(
    client: &Client,
    tasks: &mut Vec<Node>,
    id: &str,
    now: Timestamp,
) -> Result<(), Outcome> {
    let is_it = |task: &Node| type_and_id(task).is_some_and(|(_, found)| found == id);
    let Some(at) = tasks.iter().position(is_it) else { return Ok(()) };
    let found = tasks.remove(at);
    let task = by_id::anew(client, &found, now).await?;
    tasks.extend(task.filter(|task| task.get("focus") == found.get("focus")));
    Ok(())
}

/// Whether a ServiceRequest of ours stands there and asks for something.
///
/// # Errors
/// The outcome of an attempt that ends here, because it cannot be read now.
pub async fn is_asking(client: &Client, id: &str, now: Timestamp) -> Result<bool, Outcome> {
    if !is_id(id) {
        return Ok(false);
    }
    let answer = client.get(&format!("ServiceRequest/{id}")).await.map_err(classify::unread)?;
    match answer.status {
        200..=299 => {
            let request = answer.json().ok_or(classify::unavailable(answer.status))?;
            let status = request.get("status").and_then(Node::as_str);
            Ok(!matches!(status, Some("revoked" | "entered-in-error")))
        }
        404 | 410 => Ok(false),
        _ => Err(classify::refused_reading(&answer, now)),
    }
}
