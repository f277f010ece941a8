//! Reading the clinical system's request that a referral answers, and the Tasks about it.
//!
//! What this is not: a judgement of them ([`super::answering`]). Invariant: nothing is written, and "no such Task" is said
//! only by a search that was answered whole. Next: [`super::answering`].

use jiff::Timestamp;

use crate::outbox::parcel::Fulfils;
use crate::outbox::{Outcome, Reason};
use crate::tree::Node;

use super::base::is_id;
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
    Ok(Wanted { request, id, tasks: tasks.found })
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
