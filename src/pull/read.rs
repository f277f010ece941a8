//! Reads a search to its end, page by page, and what its resources lean on. Writes nothing.
//!
//! A server is not trusted: the next page must lie below the endpoint's base, must not have been read before, and
//! there must not be too many; a page that is full and names no next one is not believed to be the last. What came of
//! a reading that failed is thrown away whole. Invariant: no request leaves the endpoint's base, and nothing of a
//! person stands in a URL that is made here. Next: [`super::run`].

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use crate::endpoint::fhir_rest::client::{Answer, Client};
use crate::endpoint::fhir_rest::{classify, search};
use crate::outbox::{Outcome, Reason};
use crate::store::StoreError;
use crate::tree::Node;

use super::cursor::Progress;
use super::fresh::{Focus, Fresh, REQUEST, logical_focus};
use super::judge::Related;
use super::page::{Found, Page, leans_on};

/// So many resources are asked for on a page.
pub const COUNT: usize = 100;
/// No more pages of one search are read in one poll; the next goes on from there.
pub const MAX_PAGES: usize = 200;
/// No more single resources are read in one poll.
const MAX_READS: usize = 20_000;
/// A Task leads to its request, that to a role, that to an organisation.
const DEPTH: usize = 4;

/// Why a poll came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// The endpoint cannot be asked, or refused.
    #[error("{}{}", .reason.as_str(), .status.map(|status| format!(" (HTTP {status})")).unwrap_or_default())]
    Endpoint {
        /// Why, in our words.
        reason: Reason,
        /// The HTTP status.
        status: Option<u16>,
    },
    /// An answer was no page of a search.
    #[error("the endpoint answered a search with something else")]
    NotASearchSet,
    /// The next page would have been elsewhere.
    #[error("the endpoint names a next page outside of its own base address; it was not asked for")]
    ForeignLink,
    /// A page was named as its own next one.
    #[error("the endpoint's pages go round in a circle")]
    Circle,
    /// There is more than the endpoint gives.
    #[error("the endpoint names no next page although there is more, and does not sort by time")]
    CutOff,
    /// Too much leans on what was found.
    #[error("too many resources to read one by one")]
    TooMany,
    /// A sink did not take it.
    #[error("{0}")]
    Sink(#[from] super::sink::SinkError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PullError {
    fn of(outcome: Outcome) -> Self {
        let (reason, status) = match outcome {
            Outcome::Deferred { reason, status, .. } | Outcome::Unknown { reason, status } => {
                (reason, status)
            }
            Outcome::Rejected(refusal) => (refusal.reason, refusal.status),
            Outcome::Accepted(_) | Outcome::Duplicate(_) => (Reason::Unavailable, None),
        };
        Self::Endpoint { reason, status }
    }
}

/// One question that is asked again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// The type searched.
    pub kind: &'static str,
    /// The parameter that makes it ours.
    pub parameter: &'static str,
    /// Its value, `Type/id`.
    pub value: String,
}

impl Search {
    /// The name of its cursor in the store.
    #[must_use]
    pub fn note(&self, endpoint: &str) -> String {
        format!("pull/{endpoint}/{}?{}={}", self.kind, self.parameter, self.value)
    }

    /// The form of `_search`.
    fn form(&self, from: Option<Timestamp>, includes: bool) -> String {
        let value = self.value.replace('/', "%2F");
        let mut form = format!("{}={value}&_sort=_lastUpdated&_count={COUNT}", self.parameter);
        if let Some(from) = from {
            form.push_str(&format!("&_lastUpdated=ge{}", from.to_string().replace(':', "%3A")));
        }
        if includes && self.kind == "Task" {
            form.push_str("&_include=Task%3Afocus&_include=Task%3Apatient");
        }
        form
    }
}

/// What a search found.
#[derive(Debug)]
pub struct Reading {
    /// What was searched for, each version once.
    pub found: Vec<Found>,
    /// What came with it.
    pub included: Vec<Found>,
    /// For the cursor; how much is new is not known here.
    pub progress: Progress,
}

/// Reads a search to its end.
///
/// # Errors
/// [`PullError`]: nothing of it counts.
pub async fn search(
    client: &Client,
    search: &Search,
    from: Option<Timestamp>,
    includes: bool,
    now: Timestamp,
) -> Result<Reading, PullError> {
    // Whole seconds: not every server reads more.
    let from = from.map(|from| Timestamp::from_second(from.as_second()).unwrap_or(from));
    let progress = Progress { newest: None, pages: 0, new: 0, complete: true };
    let mut reading = Reading { found: Vec::new(), included: Vec::new(), progress };
    let (mut keys, mut followed) = (HashSet::new(), HashSet::new());
    let (mut asked_from, mut link): (_, Option<String>) = (from, None);
    let mut sorted = true;
    let mut last: Option<Timestamp> = None;
    loop {
        let answer = match &link {
            None => client.post_search(search.kind, search.form(asked_from, includes)).await,
            Some(link) => client.follow(link).await,
        };
        let page = page(answer.map_err(|fault| PullError::of(classify::unread(fault)))?, search.kind, now)?;
        reading.progress.pages += 1;
        let on_page = page.matches.len();
        for found in page.matches {
            sorted &= found.updated.is_some() && last.is_none_or(|last| found.updated >= Some(last));
            last = found.updated.or(last);
            reading.progress.newest = reading.progress.newest.max(found.updated);
            // A server that does not know `_lastUpdated` gives everything it ever had.
            let is_old = found.updated.zip(from).is_some_and(|(updated, from)| updated < from);
            if !is_old && keys.insert(found.key("")) {
                reading.found.push(found);
            }
        }
        reading.included.extend(page.included);
        let is_last_allowed = reading.progress.pages >= MAX_PAGES;
        if let Some(next) = page.next {
            let url = client.base().page(&next).ok_or(PullError::ForeignLink)?;
            if !followed.insert(url) {
                return Err(PullError::Circle);
            }
            link = Some(next);
        } else if on_page == COUNT {
            // Perhaps the last one, perhaps a server that does not page: ask on from the newest. Sorted by time, what is
            // not there yet comes then.
            if !sorted || last <= asked_from {
                return Err(PullError::CutOff);
            }
            (asked_from, link) = (last, None);
            last = None;
        } else {
            break;
        }
        if is_last_allowed {
            if !sorted {
                return Err(PullError::CutOff);
            }
            reading.progress.complete = false;
            break;
        }
    }
    Ok(reading)
}

fn page(answer: Answer, kind: &str, now: Timestamp) -> Result<Page, PullError> {
    if !answer.is_success() {
        return Err(PullError::of(classify::refused_reading(&answer, now)));
    }
    answer.json().and_then(|bundle| Page::read(&bundle, kind)).ok_or(PullError::NotASearchSet)
}

/// Reads what resources lean on and was not met yet. What is not there, or not for us, is left out.
///
/// # Errors
/// [`PullError`]: the endpoint cannot be asked now.
pub async fn related<'n>(
    client: &Client,
    of: impl Iterator<Item = &'n Node>,
    met: &mut Related,
    now: Timestamp,
) -> Result<(), PullError> {
    let mut wanted: Vec<(String, String)> = of.flat_map(|node| leans_on(node, client.base())).collect();
    let mut asked = HashSet::new();
    for _ in 0..DEPTH {
        let mut next = Vec::new();
        for place in wanted {
            if !asked.insert(place.clone()) {
                continue;
            }
            if !met.contains_key(&place) {
                if asked.len() > MAX_READS {
                    return Err(PullError::TooMany);
                }
                let Some(found) = one(client, &place.0, &place.1, now).await? else { continue };
                met.insert(place.clone(), found);
            }
            if let Some(found) = met.get(&place) {
                next.extend(leans_on(&found.node, client.base()));
            }
        }
        wanted = next;
    }
    Ok(())
}

/// Finds the requests that Tasks name by nothing but an identifier, where each is one's alone. An endpoint that cannot be
/// asked so leaves them as they are stated.
///
/// # Errors
/// [`PullError`]: the endpoint cannot be asked now.
pub async fn focuses(
    client: &Client,
    fresh: &mut [Fresh],
    met: &mut Related,
    now: Timestamp,
) -> Result<(), PullError> {
    let mut asked: HashMap<(String, String), Focus> = HashMap::new();
    for one in fresh {
        let Some((system, value)) = logical_focus(&one.found) else { continue };
        let name = (system.to_owned(), value.to_owned());
        if let Some(known) = asked.get(&name) {
            one.focus = known.clone();
            continue;
        }
        let focus = match search::by_identifier(client, REQUEST, system, value, now).await {
            Err(Outcome::Rejected(_)) => Focus::AsStated,
            Err(other) => return Err(PullError::of(other)),
            Ok(matches) => {
                match matches.only(Reason::Duplicate).map(|one| one.as_ref().and_then(Found::read)) {
                    Err(_) => Focus::Several,
                    Ok(None) => Focus::AsStated,
                    Ok(Some(request)) => {
                        let place = (request.kind.clone(), request.id.clone());
                        met.insert(place.clone(), request);
                        Focus::At(place)
                    }
                }
            }
        };
        asked.insert(name, focus.clone());
        one.focus = focus;
    }
    Ok(())
}

/// Reads one resource; none where it is not there or not for us.
///
/// # Errors
/// [`PullError`]: the endpoint cannot be asked now.
pub async fn one(client: &Client, kind: &str, id: &str, now: Timestamp) -> Result<Option<Found>, PullError> {
    let answer = client.get(&format!("{kind}/{id}")).await;
    let answer = answer.map_err(|fault| PullError::of(classify::unread(fault)))?;
    match answer.status {
        403 | 404 | 410 => Ok(None),
        200..=299 => {
            let found = answer.json().and_then(|node| Found::read(&node));
            Ok(found.filter(|found| found.kind == kind && found.id == id))
        }
        _ => Err(PullError::of(classify::refused_reading(&answer, now))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_asks_by_form_and_names_its_own_cursor() {
        let search = Search { kind: "Task", parameter: "owner", value: "Organization/12".into() };
        assert_eq!(search.note("gp"), "pull/gp/Task?owner=Organization/12");
        assert_eq!(search.form(None, false), "owner=Organization%2F12&_sort=_lastUpdated&_count=100");
        let from = "2026-11-20T12:00:00Z".parse().unwrap();
        let form = search.form(Some(from), true);
        assert!(form.ends_with(
            "&_lastUpdated=ge2026-11-20T12%3A00%3A00Z&_include=Task%3Afocus&_include=Task%3Apatient"
        ));
        let requests =
            Search { kind: "ServiceRequest", parameter: "performer", value: "Organization/12".into() };
        assert!(!requests.form(None, true).contains("_include"));
    }
}
