//! Fills the open places of a parcel's Bundle, once what the endpoint holds has been read. Pure.
//!
//! The person becomes the Patient's id; a ServiceRequest or Task that is there already is updated by id with the version
//! that was read, and only when nobody else changed it; the Provenance takes the form the endpoint takes. Invariant:
//! a Bundle comes out only when no place is open any more and every resource of ours that exists is about this
//! Patient. Next: [`super::deliver`].

use crate::endpoint::{Known, Request, Target};
use crate::outbox::{Placed, Reason};
use crate::tree::Node;

use super::answering::{self, Answering};
use super::base::{Base, version_of};
use super::content::{self, Comparison, References};
use super::draft::{Draft, DraftEntry, Write};
use super::places::{place_person, place_provenance, refer};
use super::progress::{self, Said};
use super::stand;

/// How the Provenance of a Bundle is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProvenanceForm {
    /// `PUT Provenance/{uuid}`: the endpoint lets a client choose the id.
    #[default]
    ById,
    /// Created unless one with the event's tag is there.
    ByTag,
    /// Not sent: the endpoint can do neither.
    LeftOut,
}

/// The person, as the identity check found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Person {
    /// The Patient with this id.
    At(String),
    /// No Patient yet; the Bundle brings it.
    New,
}

/// A resource of ours that the endpoint holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Existing {
    /// The UUID by which we name it.
    pub uuid: String,
    /// The resource.
    pub resource: Node,
}

/// What filling goes by.
#[derive(Clone, Copy, Debug)]
pub struct Filling<'a> {
    /// The endpoint's base.
    pub base: &'a Base,
    /// The conditional reference to the person that stands in the draft.
    pub reference: &'a str,
    /// Who it is there.
    pub person: &'a Person,
    /// ServiceRequests and Tasks that are there.
    pub existing: &'a [Existing],
    /// What we last sent of them.
    pub known: &'a [Known],
    /// Where others' resources of the Bundle are, as far as it was asked.
    pub others: &'a [Placed],
    /// The form of the Provenance.
    pub provenance: ProvenanceForm,
    /// The clinical system's request that the Bundle answers, if any.
    pub answering: Option<Answering<'a>>,
    /// What a person lets stand as it is there.
    pub let_stand: &'a [Placed],
}

/// A filled Bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filled {
    /// The request to store and send.
    pub request: Request,
    /// Whether what exists is already as it would be sent; then the rest may be there, too.
    pub unchanged: bool,
    /// The Task of the clinical system's in it that is there already as it would be sent, by its id: it is left out of
    /// what is sent ([`without_task`]).
    pub idle: Option<String>,
    /// Whether a person lets stand all that it would have changed.
    pub nothing_left: bool,
}

/// Types that are read before they are written.
#[must_use]
pub fn is_read_first(entry: &DraftEntry) -> bool {
    matches!(entry.resource_type.as_str(), "ServiceRequest" | "Task")
        && matches!(entry.write, Write::ByIdentifier { .. })
}

/// Fills a draft.
///
/// # Errors
/// Why it must wait for a person; [`Reason::Poison`] when a place stays open, which is a defect of ours.
pub fn fill(mut draft: Draft, filling: &Filling<'_>) -> Result<Filled, Reason> {
    let person = place_person(&mut draft, filling.person)?;
    let is_resumed = progress::says_resumed(&draft);
    place_provenance(&mut draft, filling.provenance);
    for entry in &mut draft.entries {
        refer(&mut entry.resource, filling.reference, &person)?;
    }
    let placed = filling.known.iter().map(|known| &known.placed).chain(filling.others);
    let mut references = References::new(filling.base, placed);
    for existing in filling.existing {
        if let Some((resource_type, id)) = type_and_id(&existing.resource) {
            references.add(resource_type, id, &existing.uuid);
        }
    }
    let mut read = 0;
    let mut same: Vec<String> = Vec::new();
    let mut left: Vec<(String, String)> = Vec::new();
    let mut left_task = false;
    let mut joined = None;
    if let Some(answering) = &filling.answering {
        let Person::At(patient) = filling.person else { return Err(Reason::IdentifierCollision) };
        joined = match answering::join(&mut draft, answering, patient, filling, (&references, is_resumed)) {
            Err(Reason::Divergent) if !filling.let_stand.is_empty() => {
                stand::without_answer(&mut draft, answering, filling.let_stand)?;
                left_task = true;
                None
            }
            joined => joined?,
        };
    }
    if let Some(joined) = &joined {
        read += 1;
        same.extend(joined.is_idle.then(|| joined.id.clone()));
    }
    let mut said: Vec<(String, String)> = Vec::new();
    for entry in draft.entries.iter_mut().filter(|entry| is_read_first(entry)) {
        if entry.resource_type == "Task" {
            said.push((entry.uuid.clone(), Said::of(&entry.resource, &references).marks()));
        }
        let Some(there) = filling.existing.iter().find(|there| there.uuid == entry.uuid) else {
            read += 1;
            continue;
        };
        match (
            update(entry, &there.resource, filling, (&references, is_resumed)),
            place_to_leave(there, filling),
        ) {
            (Err(Reason::Divergent), Some(place)) => left.push((entry.uuid.clone(), place)),
            (is_same, _) => {
                read += 1;
                same.extend(is_same?.then(|| entry.uuid.clone()));
            }
        }
    }
    for (uuid, place) in &left {
        stand::leave_out(&mut draft, uuid, Some(place));
    }
    let is_news = |entry: &DraftEntry| {
        entry.is_ours() && entry.resource_type != "Provenance" && !same.contains(&entry.uuid)
    };
    let nothing_left = (left_task || !left.is_empty()) && !draft.entries.iter().any(is_news);
    let mut targets: Vec<Target> = draft.entries.iter().map(|entry| target(entry, &references)).collect();
    for target in &mut targets {
        // As below: what we said of our own Task, whatever of others' stands on it afterwards.
        let marks = said.iter().find(|(uuid, _)| *uuid == target.uuid).map(|(_, marks)| marks.as_str());
        target.content.push_str(marks.unwrap_or_default());
    }
    if let Some(joined) = &joined {
        // What we ourselves say is kept beside what came of it, so that the next event knows whether it says more.
        let mut answers = targets.iter_mut().filter(|target| target.is_answer());
        answers.by_ref().for_each(|target| target.content.push_str(&joined.said));
    }
    let request =
        Request { method: "POST".into(), path: String::new(), if_match: None, body: draft.write(), targets };
    let idle = joined.filter(|joined| joined.is_idle).map(|joined| joined.id);
    Ok(Filled { request, unchanged: read > 0 && same.len() == read, idle, nothing_left })
}

/// Where a resource is that a person lets stand in the version it has.
fn place_to_leave(there: &Existing, filling: &Filling<'_>) -> Option<String> {
    let placed = placed(&there.uuid, &there.resource)?;
    stand::stands(filling.let_stand, &placed).then(|| format!("{}/{}", placed.resource_type, placed.id))
}

/// The request without a Task that would only be written again as it is.
#[must_use]
pub fn without_task(request: Request, id: &str) -> Request {
    let Some(mut draft) = Draft::read(&request.body) else { return request };
    draft.entries.retain(|entry| !(entry.is_answer() && entry.uuid == id));
    let mut targets = request.targets;
    targets.retain(|target| !(target.is_answer() && target.uuid == id));
    Request { body: draft.write(), targets, ..request }
}

/// Makes the update of a resource that is there. Gives whether it is there as it would be sent.
fn update(
    entry: &mut DraftEntry,
    there: &Node,
    filling: &Filling<'_>,
    (references, is_resumed): (&References<'_>, bool),
) -> Result<bool, Reason> {
    let Person::At(patient) = filling.person else { return Err(Reason::IdentifierCollision) };
    if !content::same_subject(there, filling.base, patient) {
        return Err(Reason::IdentifierCollision);
    }
    let (_, id) = type_and_id(there).ok_or(Reason::Divergent)?;
    let version = there.path("meta.versionId").and_then(Node::as_str).and_then(version_of);
    let found = content::digest(there, references);
    let there = There { resource: there, found: &found, version: version.as_deref(), is_resumed };
    let same = take_over(entry, &there, filling.known, references)?;
    set_id(&mut entry.resource, id);
    if let Some(version) = version {
        entry.write = Write::ById { id: id.to_owned(), if_match: Some(format!("W/\"{version}\"")) };
    } else {
        // Without a version there is nothing to match; the identifier still names one resource.
        remove(&mut entry.resource, "id");
    }
    Ok(same)
}

/// A resource of ours as it stands there.
struct There<'a> {
    resource: &'a Node,
    /// Its digest.
    found: &'a str,
    version: Option<&'a str>,
    /// Whether our event says that the work was taken up again.
    is_resumed: bool,
}

/// Judges what is there, and keeps what others wrote where they may. Gives whether nothing changes.
fn take_over(
    entry: &mut DraftEntry,
    there: &There<'_>,
    known: &[Known],
    references: &References<'_>,
) -> Result<bool, Reason> {
    let There { resource, found, version, is_resumed } = *there;
    content::take_notes(&mut entry.resource, resource);
    let ours = content::digest(&entry.resource, references);
    if content::compare(&ours, found) == Comparison::Same {
        return Ok(true);
    }
    let sent: Vec<&Known> = known.iter().filter(|known| known.placed.uuid == entry.uuid).collect();
    let is_version = |known: &&Known| version.is_some() && known.placed.version.as_deref() == version;
    let is_content = |known: &&Known| content::compare(&known.content, found) == Comparison::Same;
    let as_left = sent.iter().find(|known| is_version(known) || is_content(known));
    // Where nothing is known of an earlier state (a store that was lost), what would be sent is what is compared.
    let last = as_left.or(sent.last()).map_or(ours.as_str(), |known| &known.content);
    if as_left.is_none() && content::compare(last, found) != Comparison::MovedOn {
        return Err(Reason::Divergent);
    }
    if entry.resource_type != "Task" {
        return Ok(false);
    }
    let said = match (Said::read(last), as_left) {
        (None, Some(known)) if is_content(known) => Some(Said::of(resource, references)),
        (said, _) => said,
    };
    if said.is_none() && !sent.is_empty() && content::same_progress(&ours, last) {
        // All that is known is that we have nothing new to say about how far it got.
        content::take_progress(&mut entry.resource, resource);
    } else {
        // A version of somebody else's is known only because a person saw it and let ours go over it.
        let is_decided = as_left.is_some_and(|known| !is_content(known));
        let before = progress::Before { said: said.as_ref(), is_decided, is_resumed };
        progress::merge(&mut entry.resource, resource, before, references)?;
    }
    Ok(content::compare(&content::digest(&entry.resource, references), found) == Comparison::Same)
}

/// What a person must see who decides whose version counts: what of ours stands there in another one than we know, and of
/// an answer what of theirs stops it.
#[must_use]
pub fn to_be_seen(draft: &Draft, filling: &Filling<'_>) -> Vec<Placed> {
    let mut seen = not_as_known(filling.existing, filling.known);
    if let Some(answering) = &filling.answering {
        let task = answering.fulfils.task.as_deref();
        let is_ours = filling.existing.iter().any(|there| Some(there.uuid.as_str()) == task);
        if task.is_some() && !is_ours {
            seen.extend(stand::at_stake(answering, draft));
        }
    }
    seen
}

/// What of ours stands there in another version than the one we know.
#[must_use]
pub fn not_as_known(existing: &[Existing], known: &[Known]) -> Vec<Placed> {
    let there = existing.iter().filter_map(|there| placed(&there.uuid, &there.resource));
    let is_known = |there: &Placed| {
        known.iter().any(|known| known.placed.uuid == there.uuid && known.placed.version == there.version)
    };
    there.filter(|there| there.version.is_none() || !is_known(there)).collect()
}

fn target(entry: &DraftEntry, references: &References<'_>) -> Target {
    let mut target = Target {
        resource_type: entry.resource_type.clone(),
        uuid: entry.uuid.clone(),
        system: match &entry.write {
            Write::ByIdentifier { system, .. } => Some(system.clone()),
            Write::ById { .. } => own_system(entry),
            Write::IfNoneExist { .. } => None,
        },
        content: String::new(),
        ours: entry.is_ours(),
    };
    target.content = content::digest_of(&target, &entry.resource, references);
    target
}

/// The system of the identifier whose value is our UUID.
fn own_system(entry: &DraftEntry) -> Option<String> {
    let identifiers = entry.resource.get("identifier")?.as_array()?;
    let own = identifiers.iter().find(|one| one.get("value").and_then(Node::as_str) == Some(&entry.uuid))?;
    own.get("system")?.as_str().map(str::to_owned)
}

/// What is placed by what is there.
#[must_use]
pub fn placed(uuid: &str, resource: &Node) -> Option<Placed> {
    let (resource_type, id) = type_and_id(resource)?;
    Some(Placed {
        resource_type: resource_type.to_owned(),
        uuid: uuid.to_owned(),
        id: id.to_owned(),
        version: resource.path("meta.versionId").and_then(Node::as_str).map(str::to_owned),
    })
}

pub(super) fn type_and_id(resource: &Node) -> Option<(&str, &str)> {
    let id = resource.get("id")?.as_str().filter(|id| super::base::is_id(id))?;
    Some((resource.get("resourceType")?.as_str()?, id))
}

pub(super) fn remove(resource: &mut Node, name: &str) {
    if let Node::Object(members) = resource {
        members.retain(|(known, _)| known != name);
    }
}

fn set_id(resource: &mut Node, id: &str) {
    remove(resource, "id");
    if let Node::Object(members) = resource {
        members.insert(1.min(members.len()), ("id".to_owned(), Node::String(id.to_owned())));
    }
}

#[cfg(test)]
#[path = "fill_tests.rs"]
mod tests;
