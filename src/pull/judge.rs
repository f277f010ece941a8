//! What new versions of Tasks and ServiceRequests become. Pure.
//!
//! A request of the clinical system's is `referred`; its Tasks say how far it got ([`crate::map::back`] reads both). Of
//! what we wrote ourselves, only what others did to our Task becomes an event, and only in the elements that they may
//! change. What this is not: it does not know what was seen before. Invariant: a version ends in an event, in silence,
//! refused, divergent, or unclear; only the unclear are looked at again ([`super::unclear`]). Next: [`super::read`].

use std::collections::HashSet;

use sha2::{Digest, Sha256};

use crate::endpoint::Known;
use crate::endpoint::fhir_rest::base::Base;
use crate::endpoint::fhir_rest::content::{self, Comparison, References};
use crate::event::build::MAX_ID;
use crate::event::hash::hex;
use crate::event::{EventType, Issue, IssueCode, Position, ReferralEvent};
use crate::fhir;
use crate::map::back::{Back, is_of_request};
use crate::tree::Node;

use super::fresh::{Focus, Fresh, REQUEST};
use super::page::{Found, Place, leans_on, list};
use super::related::Related;

/// Whose a resource is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The clinical system's.
    Theirs,
    /// Ours: all that is known of its referral at the endpoint.
    Ours(Vec<Known>),
    /// The clinical system's own Task that we have answered: all that is known of the referral that did.
    Answered(Vec<Known>),
    /// It looks like ours, but what we last wrote cannot be said now: an answer is under way, or it is another
    /// installation's.
    Unclear,
}

/// What nothing could be made of.
#[derive(Clone, Debug)]
pub struct Refused {
    /// `Type/id` at the endpoint.
    pub resource: String,
    /// Its version.
    pub version: String,
    /// Why. No issue carries a value.
    pub issues: Vec<Issue>,
}

/// What versions came to.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    /// The events: requests first.
    pub events: Vec<ReferralEvent>,
    /// What nothing could be made of.
    pub refused: Vec<Refused>,
    /// Resources of ours, `Type/id`, that somebody changed where nobody but us may.
    pub divergent: Vec<String>,
    /// What cannot be judged now, and why.
    pub unclear: Vec<(Found, String)>,
    /// The versions that need not be looked at again.
    pub done: Vec<Found>,
}

/// The source and the UUID by which we would name a resource, if it has one of ours: version 5, in a system that ends as ours
/// do. Another system may name its own so, too.
#[must_use]
pub fn our_name(found: &Found) -> Option<(&str, &str)> {
    list(&found.node, "identifier").iter().find_map(|identifier| {
        let (source, last) = identifier.get("system")?.as_str()?.rsplit_once('/')?;
        let value = identifier.get("value")?.as_str()?;
        let is_uuid = uuid::Uuid::parse_str(value).is_ok_and(|uuid| uuid.get_version_num() == 5);
        (is_uuid && matches!(last, "referral" | "task" | "servicerequest")).then_some((source, value))
    })
}

/// Judges versions that were not seen before.
#[must_use]
pub fn judge(back: &Back<'_>, base: &Base, fresh: Vec<Fresh>, related: &Related) -> Judged {
    let mut judged = Judged::default();
    let (requests, tasks): (Vec<_>, Vec<_>) =
        fresh.into_iter().partition(|fresh| fresh.found.kind == REQUEST);
    for fresh in requests.into_iter().chain(tasks) {
        let found = &fresh.found;
        let standing = match compare(&fresh, base) {
            Standing::News(_) if fresh.focus == Focus::Unread => {
                Standing::Unclear("its request cannot be searched for by identifier now".to_owned())
            }
            // Read without what it leans on, it would say less than it does, and never again.
            Standing::News(news) => match unread(&fresh, base, related) {
                Some(why) => Standing::Unclear(why),
                None => Standing::News(news),
            },
            other => other,
        };
        match standing {
            Standing::Unclear(why) => {
                judged.unclear.push((fresh.found, why));
                continue;
            }
            Standing::AsSent => {}
            Standing::Divergent => judged.divergent.push(found.place()),
            Standing::News(news) => match events(back, base, &fresh, news, related) {
                Ok(events) => judged.events.extend(events),
                Err(issues) => judged.refused.push(Refused {
                    resource: found.place(),
                    version: found.version.clone(),
                    issues,
                }),
            },
        }
        judged.done.push(fresh.found);
    }
    judged
}

/// What is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    /// Something of theirs.
    Theirs,
    /// How far our Task got, or what else others may change of it.
    Progress,
    /// A word about a Task that stands as we sent or left it.
    Words,
}

/// How a version stands to what we wrote.
enum Standing {
    /// It says something new.
    News(News),
    /// It is what we sent.
    AsSent,
    /// It was changed where only we may.
    Divergent,
    /// It cannot be said now, and why.
    Unclear(String),
}

const NOT_KNOWN: &str = "it bears a name of ours, and what we last wrote is not known (yet)";

fn compare(fresh: &Fresh, base: &Base) -> Standing {
    let found = &fresh.found;
    let as_sent = if fresh.notes.is_empty() { Standing::AsSent } else { Standing::News(News::Words) };
    let known = match &fresh.whose {
        Whose::Theirs => return Standing::News(News::Theirs),
        Whose::Unclear => return Standing::Unclear(NOT_KNOWN.to_owned()),
        Whose::Ours(known) => known,
        Whose::Answered(known) if is_as_left(found, known, base) => return as_sent,
        Whose::Answered(_) => return Standing::News(News::Theirs),
    };
    let is_it = |known: &&Known| known.placed.resource_type == found.kind && known.placed.id == found.id;
    // Our name at another id: somebody has copied it.
    let Some(sent) = known.iter().find(is_it) else { return Standing::Divergent };
    if sent.placed.version.as_deref() == Some(&found.version) {
        return as_sent;
    }
    let references = References::new(base, known.iter().map(|known| &known.placed));
    match content::compare(&sent.content, &content::digest(&found.node, &references)) {
        Comparison::Same => as_sent,
        Comparison::MovedOn => Standing::News(News::Progress),
        Comparison::Different => Standing::Divergent,
    }
}

/// Whether a Task of theirs that we have answered stands as we left it: our own answer is no news, everything else is
/// theirs to tell.
fn is_as_left(found: &Found, known: &[Known], base: &Base) -> bool {
    let is_it = |known: &&Known| known.placed.resource_type == found.kind && known.placed.uuid == found.id;
    let Some(sent) = known.iter().find(is_it) else { return false };
    let references = References::new(base, known.iter().map(|known| &known.placed));
    let stands = content::compare(&sent.content, &content::digest_answer(&found.node, &references));
    sent.placed.version.as_deref() == Some(&found.version) || stands == Comparison::Same
}

/// The events of one version.
fn events(
    back: &Back<'_>,
    base: &Base,
    fresh: &Fresh,
    news: News,
    related: &Related,
) -> Result<Vec<ReferralEvent>, Vec<Issue>> {
    if fresh.focus == Focus::Several {
        let at = Position::path("Task.focus.identifier");
        return Err(vec![Issue::new(IssueCode::SeveralRequests, at, "an identifier of a request")]);
    }
    let found = &fresh.told();
    // Of our Task we know already that it was asked for, or that the work goes on: something else of it was changed. So it
    // is read as one that is under way, and what comes of that is a change of details.
    let is_detail = match news {
        // That they ask says nothing beside their request; a word with it does.
        News::Theirs => {
            !fresh.notes.is_empty() && matches!(status(found), Some("requested" | "received" | "ready"))
        }
        News::Words => true,
        News::Progress => matches!(status(found), Some("in-progress" | "requested")),
    };
    let resource = if is_detail { &under_way(found) } else { found };
    let resource = fhir::sound(bundle(resource, &fresh.focus, base, related))?;
    let (events, issues) = back.read(&resource);
    let is_request = found.kind == "ServiceRequest";
    // A Task's Bundle holds its request, too; what that says was said with the request's own version.
    let mut events: Vec<ReferralEvent> =
        events.into_iter().filter(|event| is_of_request(event) == is_request).collect();
    let refuses = |issue: &Issue| issue.is_error() || issue.code == IssueCode::FhirModifier;
    if events.is_empty() && issues.iter().any(refuses) {
        return Err(issues.into_iter().filter(refuses).collect());
    }
    for event in &mut events {
        if is_detail {
            event.event_type = EventType::DetailsChanged;
        }
        if !is_request {
            event.event_id = task_event_id(event, found);
        }
        event.recorded_at = found.updated;
    }
    Ok(events)
}

/// The same Task, under way. Where it does not say when it was changed, its version does.
fn under_way(found: &Found) -> Found {
    let mut found = found.clone();
    let updated = found.node.path("meta.lastUpdated").cloned();
    let dated = found.node.get("lastModified").is_none().then_some(updated).flatten();
    if let Node::Object(members) = &mut found.node {
        members.retain(|(name, _)| name != "status");
        members.push(("status".to_owned(), Node::String("in-progress".to_owned())));
        members.extend(dated.map(|dated| ("lastModified".to_owned(), dated)));
    }
    found
}

fn status(found: &Found) -> Option<&str> {
    found.node.get("status").and_then(Node::as_str)
}

/// A request is one event, which may be revised; each version of a Task is an event of its own, because a Task may be
/// accepted, held and accepted again.
fn task_event_id(event: &ReferralEvent, found: &Found) -> String {
    let kind = event.event_type.as_str();
    let whole = format!("{}/{kind}/{}/{}", event.referral_id, found.place(), found.version);
    if whole.len() <= MAX_ID { whole } else { format!("{kind}/{}", hex(&Sha256::digest(&whole))) }
}

/// Everything of the endpoint that a resource leans on, as far as it was met.
fn reached(found: &Found, focus: &Focus, base: &Base, related: &Related) -> Vec<Place> {
    let mut reached = Vec::new();
    let mut known = HashSet::from([(found.kind.clone(), found.id.clone())]);
    let mut next = leans_on(&found.node, base);
    if let Focus::At(place) = focus {
        next.push(place.clone());
    }
    while let Some(place) = next.pop() {
        if known.insert(place.clone()) {
            next.extend(related.met.get(&place).into_iter().flat_map(|there| leans_on(&there.node, base)));
            reached.push(place);
        }
    }
    reached
}

/// Why something that a version leans on could not be read.
fn unread(fresh: &Fresh, base: &Base, related: &Related) -> Option<String> {
    if related.unread.is_empty() {
        return None;
    }
    let reached = reached(&fresh.found, &fresh.focus, base, related);
    reached.iter().find_map(|place| related.unread.get(place).cloned())
}

/// A resource with everything it leans on, as far as it was met.
fn bundle(found: &Found, focus: &Focus, base: &Base, related: &Related) -> Node {
    let reached = reached(found, focus, base, related);
    let met = reached.iter().filter_map(|place| related.met.get(place));
    let entries = std::iter::once(found).chain(met).map(|found| entry(found, base)).collect();
    Node::Object(vec![
        ("resourceType".into(), Node::String("Bundle".into())),
        ("type".into(), Node::String("collection".into())),
        ("entry".into(), Node::Array(entries)),
    ])
}

fn entry(found: &Found, base: &Base) -> Node {
    let mut entry = Vec::with_capacity(2);
    if let Some(url) = base.below(&found.place()) {
        entry.push(("fullUrl".to_owned(), Node::String(url.into())));
    }
    entry.push(("resource".to_owned(), found.node.clone()));
    Node::Object(entry)
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
