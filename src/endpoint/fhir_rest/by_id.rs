//! Reading one resource by its id, and seeing whether it is all of it.
//!
//! A server may give a part of a resource, or change what it shows to whom; it says so by a label. Who wrote such a one back
//! would take the rest of it away there. Invariant: "not there" is said only by 404 or 410; an answer that is not that very resource is no answer. Next:
//! [`super::search`].

use jiff::Timestamp;

use crate::outbox::{Outcome, Reason, Refusal};
use crate::tree::Node;

use super::base::{is_id, is_type};
use super::classify;
use super::client::Client;
use super::fill::type_and_id;

/// The resource; none where there is none, or can be none because the id is none.
///
/// # Errors
/// The outcome of an attempt that ends here.
pub(super) async fn read(
    client: &Client,
    resource_type: &str,
    id: &str,
    now: Timestamp,
) -> Result<Option<Node>, Outcome> {
    if !is_type(resource_type) || !is_id(id) {
        return Ok(None);
    }
    let answer = client.get(&format!("{resource_type}/{id}")).await.map_err(classify::unread)?;
    match answer.status {
        200..=299 => {
            let is_it = |found: &Node| type_and_id(found) == Some((resource_type, id));
            answer.json().filter(is_it).map(Some).ok_or(classify::unavailable(answer.status))
        }
        404 | 410 => Ok(None),
        _ => Err(classify::refused_reading(&answer, now)),
    }
}

/// A resource that a search gave, whole: read again by its id where it is but a part. None where it is gone by now.
///
/// # Errors
/// The outcome of an attempt that ends here; a refusal where it is a part there, too.
pub(super) async fn whole(client: &Client, found: Node, now: Timestamp) -> Result<Option<Node>, Outcome> {
    if !is_part(&found) {
        return Ok(Some(found));
    }
    anew(client, &found, now).await
}

/// A resource that a search gave, as it stands at its place, and all of it. None where it is gone by now.
///
/// # Errors
/// As [`whole`].
pub(super) async fn anew(client: &Client, found: &Node, now: Timestamp) -> Result<Option<Node>, Outcome> {
    let Some((resource_type, id)) = type_and_id(found) else { return Ok(None) };
    let read = read(client, resource_type, id, now).await?;
    if read.as_ref().is_some_and(is_part) {
        let codes = vec![format!("incomplete {resource_type}.meta")];
        return Err(Outcome::Rejected(Refusal { reason: Reason::RefusedByEndpoint, status: None, codes }));
    }
    Ok(read)
}

/// Whether a label says that this is not all of it, or not as it is.
fn is_part(resource: &Node) -> bool {
    let labels = ["meta.tag", "meta.security"].into_iter().filter_map(|name| resource.path(name)?.as_array());
    let code = |label: &Node| label.get("code").and_then(Node::as_str).map(str::to_owned);
    labels.flatten().filter_map(code).any(|code| PARTS.contains(&code.as_str()))
}

/// The codes of HL7's `v3-ObservationValue` that say that something was left out or changed on the way.
const PARTS: [&str; 7] = ["SUBSETTED", "MASKED", "REDACTED", "ABSTRED", "AGGRED", "ANONYED", "PSEUDED"];
