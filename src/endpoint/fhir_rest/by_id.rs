//! Reading one resource by its id.
//!
//! Invariant: "not there" is said only by 404 or 410; an answer that is not that very resource is no answer. Next:
//! [`super::search`].

use jiff::Timestamp;

use crate::outbox::Outcome;
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
