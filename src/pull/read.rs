//! Reads a search to its end, page by page. Writes nothing.
//!
//! A server is not trusted: the next page must lie below the endpoint's base and must not have been read before, and the last
//! page is not believed to be the last where the server may have given fewer than there are. A reading is complete, or
//! says how far it came, or failed and is thrown away whole. Invariant: no request leaves the endpoint's base, and nothing of
//! a person stands in a URL that is made here. Next: [`super::related`].

use std::collections::HashSet;

use jiff::Timestamp;

use crate::endpoint::fhir_rest::base::Base;
use crate::endpoint::fhir_rest::classify;
use crate::endpoint::fhir_rest::client::{Answer, Client};
use crate::outbox::{Outcome, Reason};
use crate::store::StoreError;
use crate::tree::Node;

use super::cursor::Progress;
use super::page::{Found, Page};

/// So many resources are asked for on a page.
pub const COUNT: usize = 100;
/// After so many pages of one search the next poll goes on from there.
pub const MAX_PAGES: usize = 200;
/// No more pages are read for what changed in one second, within which no poll can go on.
pub const MOST_PAGES: usize = 1000;

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
    /// What came was not asked for: it may be about anybody.
    #[error(
        "the endpoint answered a search by {parameter} with {resource}, which names another {parameter}, or none of the \
         endpoint's own; nothing was taken"
    )]
    NotAsked {
        /// `Type/id` of the first such resource.
        resource: String,
        /// The parameter.
        parameter: &'static str,
    },
    /// There is more than the endpoint gives.
    #[error(
        "the endpoint names no next page although there is more, or may be, and what is missing cannot be asked for by time; \
         nothing was taken"
    )]
    CutOff,
    /// There is more than one poll reads, in no order.
    #[error("there is more than one poll reads, and the endpoint does not sort by time; nothing was taken")]
    Unsorted,
    /// More changed in one second than can be read.
    #[error("more changed at the endpoint within one second than one poll reads; nothing was taken")]
    TooManyAtOnce,
    /// A sink did not take it.
    #[error("{0}")]
    Sink(#[from] super::sink::SinkError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PullError {
    pub(super) fn of(outcome: Outcome) -> Self {
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

    /// Whether a resource is what was asked for. A server may ignore a parameter and give everybody's.
    #[must_use]
    pub fn asks_for(&self, found: &Found, base: &Base) -> bool {
        let named = found.node.get(self.parameter).filter(|_| found.kind == self.kind);
        let named = named.map(|value| value.as_array().unwrap_or(std::slice::from_ref(value)));
        let is_it = |reference: &Node| {
            let literal =
                reference.get("reference").and_then(Node::as_str).and_then(|text| base.literal(text));
            literal.is_some_and(|literal| self.value == format!("{}/{}", literal.resource_type, literal.id))
        };
        named.unwrap_or_default().iter().any(is_it)
    }

    /// The form of `_search`.
    fn form(&self, from: Option<Timestamp>, includes: bool) -> String {
        let mut form = self.asks(&format!("_sort=_lastUpdated&_count={COUNT}"), from);
        if includes && self.kind == "Task" {
            form.push_str("&_include=Task%3Afocus&_include=Task%3Apatient");
        }
        form
    }

    /// The same, for nothing but how many there are.
    fn count(&self, from: Option<Timestamp>) -> String {
        self.asks("_summary=count", from)
    }

    fn asks(&self, how: &str, from: Option<Timestamp>) -> String {
        let mut form = format!("{}={}&{how}", self.parameter, self.value.replace('/', "%2F"));
        if let Some(from) = from {
            form.push_str(&format!("&_lastUpdated=ge{}", from.to_string().replace(':', "%3A")));
        }
        form
    }
}

/// What is asked for whom: the Tasks and requests of the service, and those of who asked.
#[must_use]
pub fn searches(owner: Option<&str>, requester: Option<&str>) -> Vec<Search> {
    let of = |kind, parameter, value: Option<&str>| {
        value.map(|value| Search { kind, parameter, value: value.to_owned() })
    };
    // Requests first: a Task that is found then finds its request.
    let all = [
        of("ServiceRequest", "performer", owner),
        of("ServiceRequest", "requester", requester),
        of("Task", "owner", owner),
        of("Task", "requester", requester),
    ];
    all.into_iter().flatten().collect()
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

/// Reads a search to its end, or as far as one poll goes.
///
/// A server may give fewer than asked for and name no next page. So the end is believed where the server counts no more than
/// was read, or where its pages led there, or where asking on from the newest brings nothing more.
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
    let from = from.map(second);
    let progress = Progress { newest: None, pages: 0, linked: false, new: 0, complete: true };
    let reading = Reading { found: Vec::new(), included: Vec::new(), progress };
    let mut reader = Reader { client, search, from, includes, now, keys: HashSet::new(), reading };
    let mut asked_from = from;
    loop {
        let run = reader.run(asked_from).await?;
        if run.cut {
            reader.reading.progress.complete = false;
            break;
        }
        let told = match run.total {
            None if !run.sorted && !run.linked => Some(reader.count(asked_from).await?),
            told => told,
        };
        if told.is_some_and(|told| told > run.places.len() as u64) && reader.includes {
            // Perhaps what came along was counted, too.
            reader.includes = false;
            continue;
        }
        let is_later = run.last.is_some() && run.last > asked_from;
        match told {
            Some(told) if told <= run.places.len() as u64 => break,
            None if run.places.is_empty() || run.on_last < COUNT && (run.linked || run.new == 0) => break,
            // Sorted by time, what is not there yet comes from the last one on.
            _ if run.sorted && is_later => asked_from = run.last,
            None if run.on_last < COUNT => break,
            _ => return Err(PullError::CutOff),
        }
        if reader.is_enough(&run)? {
            reader.reading.progress.complete = false;
            break;
        }
    }
    Ok(reader.reading)
}

/// Asks a search for its first page and looks at nothing but whether it was understood. Says how many came.
///
/// # Errors
/// Why a poll would come to nothing.
pub async fn try_once(client: &Client, search: &Search, now: Timestamp) -> Result<usize, PullError> {
    let answer = client.post_search(search.kind, search.form(None, false)).await;
    let page = page(answer.map_err(|fault| PullError::of(classify::unread(fault)))?, search.kind, now)?;
    match page.matches.iter().find(|found| !search.asks_for(found, client.base())) {
        Some(other) => Err(PullError::NotAsked { resource: other.place(), parameter: search.parameter }),
        None => Ok(page.matches.len()),
    }
}

fn second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// A reading under way.
struct Reader<'a> {
    client: &'a Client,
    search: &'a Search,
    from: Option<Timestamp>,
    includes: bool,
    now: Timestamp,
    keys: HashSet<String>,
    reading: Reading,
}

/// One question and the pages that its answer leads to.
struct Run {
    /// How many there are, as the server counts.
    total: Option<u64>,
    /// What was on the pages.
    places: HashSet<String>,
    /// How many of them were not met before.
    new: usize,
    /// How many were on the last page.
    on_last: usize,
    /// Whether a page was reached by a link.
    linked: bool,
    /// Whether they came by the time of their change.
    sorted: bool,
    /// When the last of them changed.
    last: Option<Timestamp>,
    /// Whether there is more, for the next poll.
    cut: bool,
}

impl Reader<'_> {
    async fn run(&mut self, asked_from: Option<Timestamp>) -> Result<Run, PullError> {
        let mut run = Run {
            total: None,
            places: HashSet::new(),
            new: 0,
            on_last: 0,
            linked: false,
            sorted: true,
            last: None,
            cut: false,
        };
        let mut followed = HashSet::new();
        let mut link: Option<String> = None;
        loop {
            let form = || self.search.form(asked_from, self.includes);
            let answer = match &link {
                None => self.client.post_search(self.search.kind, form()).await,
                Some(link) => self.client.follow(link).await,
            };
            let page = page(
                answer.map_err(|fault| PullError::of(classify::unread(fault)))?,
                self.search.kind,
                self.now,
            )?;
            self.reading.progress.pages += 1;
            run.total = page.total.or(run.total);
            run.on_last = page.matches.len();
            page.matches.into_iter().try_for_each(|found| self.take(found, &mut run))?;
            self.reading.included.extend(page.included);
            let Some(next) = page.next else { return Ok(run) };
            let url = self.client.base().page(&next).ok_or(PullError::ForeignLink)?;
            if !followed.insert(url) {
                return Err(PullError::Circle);
            }
            link = Some(next);
            run.linked = true;
            self.reading.progress.linked = true;
            if self.is_enough(&run)? {
                run.cut = true;
                return Ok(run);
            }
        }
    }

    fn take(&mut self, found: Found, run: &mut Run) -> Result<(), PullError> {
        if !self.search.asks_for(&found, self.client.base()) {
            return Err(PullError::NotAsked { resource: found.place(), parameter: self.search.parameter });
        }
        run.sorted &= found.updated.is_some() && run.last.is_none_or(|last| found.updated >= Some(last));
        run.last = found.updated.or(run.last);
        run.places.insert(found.place());
        let newest = &mut self.reading.progress.newest;
        *newest = (*newest).max(found.updated);
        // A server that does not know `_lastUpdated` gives everything it ever had.
        let is_old = found.updated.zip(self.from).is_some_and(|(updated, from)| updated < from);
        if !is_old && self.keys.insert(found.key("")) {
            run.new += 1;
            self.reading.found.push(found);
        }
        Ok(())
    }

    /// Whether the rest is for the next poll, which begins at the newest of this one. It must be later than where this one
    /// began, or the next would read the same again.
    fn is_enough(&self, run: &Run) -> Result<bool, PullError> {
        let Progress { pages, newest, .. } = self.reading.progress;
        if pages < MAX_PAGES {
            return Ok(false);
        }
        if !run.sorted {
            return Err(PullError::Unsorted);
        }
        if newest.map(second) > self.from {
            return Ok(true);
        }
        if pages < MOST_PAGES { Ok(false) } else { Err(PullError::TooManyAtOnce) }
    }

    /// How many there are, where that was not said along with them.
    async fn count(&self, asked_from: Option<Timestamp>) -> Result<u64, PullError> {
        let form = self.search.count(asked_from);
        let answer = self.client.post_search(self.search.kind, form).await;
        let answer = answer.map_err(|fault| PullError::of(classify::unread(fault)))?;
        let counted = answer.json().filter(|_| answer.is_success());
        let counted = counted.and_then(|bundle| Page::read(&bundle, self.search.kind)?.total);
        counted.ok_or(PullError::CutOff)
    }
}

fn page(answer: Answer, kind: &str, now: Timestamp) -> Result<Page, PullError> {
    if !answer.is_success() {
        return Err(PullError::of(classify::refused_reading(&answer, now)));
    }
    answer.json().and_then(|bundle| Page::read(&bundle, kind)).ok_or(PullError::NotASearchSet)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Limits, json};

    #[test]
    fn what_names_another_was_not_asked_for() {
        let base = Base::parse("https://gp.example/fhir").unwrap();
        let asks = |parameter: &'static str, text: &str| {
            let search = Search { kind: "ServiceRequest", parameter, value: "Organization/12".into() };
            let node = json::parse(text.as_bytes(), &Limits::default()).unwrap();
            search.asks_for(&Found::read(&node).unwrap(), &base)
        };
        let request = |more: &str| format!(r#"{{"resourceType":"ServiceRequest","id":"1"{more}}}"#);
        for more in [
            r#","performer":[{"reference":"Organization/9"},{"reference":"Organization/12"}]"#,
            r#","performer":[{"reference":"https://gp.example/fhir/Organization/12/_history/3"}]"#,
        ] {
            assert!(asks("performer", &request(more)), "{more}");
            assert!(!asks("requester", &request(more)), "{more}");
        }
        assert!(asks("requester", &request(r#","requester":{"reference":"Organization/12"}"#)));
        for more in [
            "",
            r#","performer":[]"#,
            r#","performer":[{"reference":"Organization/123"}]"#,
            r#","performer":[{"reference":"https://lab.example/fhir/Organization/12"}]"#,
            r#","performer":[{"identifier":{"value":"12"}}]"#,
        ] {
            assert!(!asks("performer", &request(more)), "{more}");
        }
        assert!(!asks(
            "performer",
            r#"{"resourceType":"Task","id":"1","performer":{"reference":"Organization/12"}}"#
        ));
    }

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
