//! Compares everything that one endpoint should hold with what it holds.
//!
//! First what our record names is read back, then the endpoint lists what it holds under our identifier systems, then the
//! names of our record are read again: so what is delivered meanwhile is not taken for unknown. A referral that changes
//! while it is read is read again. Invariant: an endpoint that cannot be read gives an error, never a report with gaps.
//! Next: [`super::report`].

use std::collections::{BTreeMap, BTreeSet, HashSet};

use thiserror::Error;
use uuid::Uuid;

use crate::endpoint::{Endpoint, Held, Listing, Request, Sight, Unread};
use crate::outbox::{Reason, State};
use crate::store::{Filter, SentRecord, Store, StoreError};

use super::diff::{self, Compared, Wrote};
use super::report::AtEndpoint;

/// Why there is no report.
#[derive(Debug, Error)]
pub enum ReconcileError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The endpoint cannot be read.
    #[error(
        "endpoint {endpoint} cannot be read{}: {}: {}; run it again when that is mended",
        resource_type.as_deref().map(|kind| format!(" for {kind}")).unwrap_or_default(),
        reason.as_str(),
        reason.meaning()
    )]
    Endpoint {
        /// Its name.
        endpoint: String,
        /// Why.
        reason: Reason,
        /// The type that was asked for.
        resource_type: Option<String>,
    },
}

/// Entries on one page of the store.
const PAGE: usize = 1000;
/// A referral that keeps changing is read so often.
const TRIES: usize = 3;

/// A type and an identifier system.
type Kind = (String, String);

/// Compares. Everything that can be said of one endpoint.
///
/// # Errors
/// One side cannot be read.
pub async fn compare(
    endpoint: &dyn Endpoint,
    store: &mut (dyn Store + '_),
) -> Result<AtEndpoint, ReconcileError> {
    let name = endpoint.name().to_owned();
    let mut lines = Vec::new();
    let mut in_doubt = 0;
    // Where copies were found; every kind that may be listed is there, if only with nothing.
    let mut found: BTreeMap<Kind, HashSet<String>> = BTreeMap::new();
    for referral in referrals(store, &name)? {
        let (compared, sights) = one(endpoint, store, referral).await?;
        for sight in sights {
            if let Some(system) = sight.system {
                let ids = sight.copies.into_iter().map(|copy| copy.id);
                found.entry((sight.resource_type, system)).or_default().extend(ids);
            }
        }
        in_doubt += compared.in_doubt;
        lines.extend(compared.lines);
    }
    let mut listings = Vec::new();
    for (kind, ids) in &found {
        let listing = endpoint.list(&kind.0, &kind.1).await;
        let listing = listing.map_err(|reason| ReconcileError::Endpoint {
            endpoint: name.clone(),
            reason,
            resource_type: Some(kind.0.clone()),
        })?;
        listings.push((kind, proven(listing, ids)));
    }
    let names = names(store, &name)?;
    let mut not_listed = Vec::new();
    for (kind, held) in listings {
        match held {
            Some(held) => lines.extend(diff::unknown(&kind.0, &kind.1, &held, &names)),
            None => not_listed.push(kind.clone()),
        }
    }
    Ok(AtEndpoint { endpoint: name, lines, in_doubt, not_listed })
}

/// A listing that shows nothing of what was found otherwise proves that the endpoint cannot be asked so.
fn proven(listing: Listing, found: &HashSet<String>) -> Option<Vec<Held>> {
    let Listing::Whole(held) = listing else { return None };
    let shows_any = found.is_empty() || held.iter().any(|held| found.contains(&held.id));
    shows_any.then_some(held)
}

/// Every name of our record, certain or not.
fn names(store: &mut (dyn Store + '_), endpoint: &str) -> Result<HashSet<String>, StoreError> {
    let mut names = HashSet::new();
    for referral in referrals(store, endpoint)? {
        for request in requests(&store.sent(referral, endpoint)?)? {
            // A file's name; nothing for a server.
            names.insert(request.path.trim_end_matches(".json").to_owned());
            names.extend(request.targets.into_iter().map(|target| target.uuid));
        }
    }
    Ok(names)
}

/// Referrals of which the endpoint has, or may have, something.
fn referrals(store: &mut (dyn Store + '_), endpoint: &str) -> Result<BTreeSet<Uuid>, StoreError> {
    let mut referrals = BTreeSet::new();
    let mut after = 0;
    loop {
        let filter = Filter { endpoint: Some(endpoint), after, limit: PAGE, ..Filter::default() };
        let page = store.entries(&filter)?;
        let Some(last) = page.last() else { return Ok(referrals) };
        after = last.id;
        let has = |state| matches!(state, State::Delivered | State::Acknowledged);
        let sent = page.iter().filter(|entry| entry.has_request || has(entry.state));
        referrals.extend(sent.map(|entry| entry.referral));
    }
}

/// The requests of a record, in its order.
///
/// # Errors
/// One of them cannot be read.
pub(super) fn requests(record: &SentRecord) -> Result<Vec<Request>, StoreError> {
    let read = |text: &str| serde_json::from_str(text).map_err(|_| StoreError::Damaged("a request"));
    record.sent.iter().map(|sent| read(&sent.request)).collect()
}

async fn one(
    endpoint: &dyn Endpoint,
    store: &mut (dyn Store + '_),
    referral: Uuid,
) -> Result<(Compared, Vec<Sight>), ReconcileError> {
    let mut record = store.sent(referral, endpoint.name())?;
    let mut tries = TRIES;
    loop {
        let requests = requests(&record)?;
        let sights = endpoint.read(&requests, &record.known).await;
        let sights = sights.map_err(|Unread { reason, resource_type }| ReconcileError::Endpoint {
            endpoint: endpoint.name().to_owned(),
            reason,
            resource_type,
        })?;
        let now = store.sent(referral, endpoint.name())?;
        tries -= 1;
        if tries == 0 || now.sent.len() == record.sent.len() && now.known == record.known {
            let wrote: Vec<Wrote> = record
                .sent
                .iter()
                .map(|sent| Wrote { entry: sent.id, is_certain: sent.is_certain() })
                .collect();
            let compared = diff::referral(referral, &wrote, &record.known, &sights);
            return Ok((compared, sights));
        }
        record = now;
    }
}
