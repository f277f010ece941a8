//! Organisations and the like that a server holds more than once under one code.
//!
//! They are created only where there is none; a server that holds two refuses the whole request, because it cannot tell which
//! is meant. Whichever it is, it has that code: so one of them is pointed at. That there are two is no doing of ours and no
//! reason to hold referrals. Known from the first refusal on, as long as the program runs, so that nobody is asked in vain.
//! Invariant: only what others own is chosen from; two of ours are a person's to look at. Next: [`super::fill`].

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::outbox::{Outcome, Placed, Reason};
use crate::tree::Node;

use super::client::Client;
use super::draft::{self, Draft, Write};
use super::{answering, fill, search};

/// Which queries find more than one: type and query.
#[derive(Debug, Default)]
pub(super) struct Crowded(Mutex<BTreeSet<(String, String)>>);

impl Crowded {
    /// Points at one of several where several are known to be, and creates none. Gives where each of the several is: whichever
    /// stands in what is there already, it was meant.
    ///
    /// # Errors
    /// The outcome of an attempt that ends here.
    pub(super) async fn settle(
        &self,
        client: &Client,
        draft: &mut Draft,
        now: Timestamp,
    ) -> Result<Vec<Placed>, Outcome> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if known.is_empty() {
            return Ok(Vec::new());
        }
        let mut all = Vec::new();
        for (uuid, resource_type, query) in created(draft) {
            if !known.contains(&(resource_type.clone(), query.clone())) {
                continue;
            }
            let found = several(client, &resource_type, &query, now).await?;
            let Some(one) = chosen(&found) else { continue };
            draft.entries.retain(|entry| entry.uuid != uuid);
            let urn = format!("urn:uuid:{uuid}");
            draft.entries.iter_mut().for_each(|entry| answering::replace(&mut entry.resource, &urn, &one));
            all.extend(found.iter().filter_map(|found| fill::placed(&uuid, found)));
        }
        Ok(all)
    }

    /// What became of a request that may have been refused for this. Where it was, it is prepared anew.
    pub(super) async fn explain(
        &self,
        client: &Client,
        draft: &Draft,
        outcome: Outcome,
        now: Timestamp,
    ) -> Outcome {
        let status = match &outcome {
            Outcome::Rejected(refusal) if refusal.reason == Reason::Duplicate => refusal.status,
            // Not every server says why a condition failed.
            Outcome::Deferred { reason: Reason::Conflict, status, .. } => *status,
            _ => return outcome,
        };
        let mut is_it = false;
        for (_, resource_type, query) in created(draft) {
            if several(client, &resource_type, &query, now).await.is_ok_and(|found| !found.is_empty()) {
                self.0.lock().unwrap_or_else(PoisonError::into_inner).insert((resource_type, query));
                is_it = true;
            }
        }
        if is_it {
            Outcome::Deferred { reason: Reason::Conflict, status, retry_after: None }
        } else {
            outcome
        }
    }
}

/// What a draft creates unless it is there: its UUID, type and query.
fn created(draft: &Draft) -> Vec<(String, String, String)> {
    let of = |entry: &draft::DraftEntry| match &entry.write {
        Write::IfNoneExist { query } if entry.resource_type != "Patient" => {
            Some((entry.uuid.clone(), entry.resource_type.clone(), query.clone()))
        }
        _ => None,
    };
    draft.entries.iter().filter_map(of).collect()
}

/// What a query finds, where it finds more than one.
async fn several(
    client: &Client,
    resource_type: &str,
    query: &str,
    now: Timestamp,
) -> Result<Vec<Node>, Outcome> {
    let Some((system, value)) = draft::identifier(query) else { return Ok(Vec::new()) };
    let mut found = search::by_identifier(client, resource_type, &system, &value, now).await?.found;
    if found.len() < 2 {
        found.clear();
    }
    Ok(found)
}

/// The one that is pointed at: one that is in use rather than one that is not, and always the same.
fn chosen(found: &[Node]) -> Option<String> {
    let place = |node: &Node| {
        let (resource_type, id) = fill::type_and_id(node)?;
        let is_inactive = node.get("active").and_then(Node::as_bool) == Some(false);
        Some((is_inactive, format!("{resource_type}/{id}")))
    };
    found.iter().filter_map(place).min().map(|(_, place)| place)
}
