//! [`Pool`]: the resources of a Bundle.
//!
//! Resources that must not be used without a person are left out and reported here, so that nothing further on
//! can meet one. Next: `index`, then `address`, how they point at each other; then [`super::facts`].

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashSet;

use crate::event::{Issue, IssueCode, Position};
use crate::fhir::FhirResource;
use crate::tree::{Node, safe_name};

use super::address::server;
use super::index::{self, Index};
use super::written::Written;

/// One resource.
pub(super) struct Found<'n> {
    /// Where it stands: `Bundle.entry[2].resource`, or its type.
    pub(super) path: String,
    /// Its type.
    pub(super) kind: &'n str,
    /// The resource.
    pub(super) node: &'n Node,
    /// Where its entry says that it is, without a version.
    pub(super) full_url: Option<&'n str>,
    /// Its place among all.
    pub(super) index: usize,
    /// Whether the same resource, word for word, stands here before this one.
    pub(super) is_repeated: bool,
    /// Of a Patient, whether another one here contradicts it, once that was asked.
    pub(super) has_a_rival: OnceCell<bool>,
    /// Of a request, whether who may see it is restricted, once that was asked.
    pub(super) is_restricted: OnceCell<bool>,
    is_ours: bool,
    used: Cell<bool>,
}

/// All resources of the input.
#[derive(Default)]
pub(super) struct Pool<'n> {
    pub(super) all: Vec<Found<'n>>,
    /// Whether the Bundle as a whole bears a label that restricts it.
    pub(super) is_restricted: bool,
    /// The servers that entries say they come from, each once.
    pub(super) servers: Vec<&'n str>,
    pub(super) index: Index<'n>,
    written: OnceCell<Written>,
    /// What was said to be about another person than a request is, with that request.
    told: RefCell<HashSet<(usize, usize)>>,
}

impl<'n> Pool<'n> {
    pub(super) fn new(resource: &'n FhirResource, issues: &mut Vec<Issue>) -> Self {
        let node = resource.node();
        let mut all = Vec::new();
        let mut add = |path: String, node: &'n Node, full_url: Option<&'n str>| {
            let kind = node.get("resourceType").and_then(Node::as_str).unwrap_or_default();
            if let Some(changed) = changed_meaning(node, &path) {
                issues.push(Issue::new(
                    IssueCode::FhirModifier,
                    Position::path(changed),
                    safe_name(kind).to_owned(),
                ));
                return;
            }
            if node.get("contained").is_some() {
                let at = Position::path(format!("{path}.contained"));
                issues.push(Issue::new(IssueCode::NotCarried, at, "contained resources"));
            }
            let full_url = full_url.map(unversioned);
            all.push(Found::new(all.len(), path, kind, node, full_url));
        };
        let is_bundle = resource.type_name() == "Bundle";
        let mut gone = Vec::new();
        if is_bundle {
            if let Some(issue) = refused_whole(node) {
                issues.push(issue);
                return Self::default();
            }
            for (index, entry) in
                node.get("entry").and_then(Node::as_array).unwrap_or_default().iter().enumerate()
            {
                let full_url = entry.get("fullUrl").and_then(Node::as_str);
                if let Some((member, found)) = not_there(entry).filter(|_| entry.get("resource").is_some()) {
                    let at = Position::path(format!("Bundle.entry[{index}].{member}"));
                    gone.push(Issue::new(IssueCode::FhirModifier, at, found));
                } else if let Some(resource) = entry.get("resource") {
                    add(format!("Bundle.entry[{index}].resource"), resource, full_url);
                }
            }
        } else {
            add(resource.type_name().to_owned(), node, None);
        }
        issues.append(&mut gone);
        let provenances = all.iter().filter(|found| found.kind == "Provenance");
        let sources: HashSet<&str> = provenances.filter_map(|found| source_of_ours(found.node)).collect();
        let mut servers: Vec<_> = all.iter().filter_map(server).collect();
        servers.sort_unstable();
        servers.dedup();
        let repeated = index::repeated(&all);
        for (found, repeated) in all.iter_mut().zip(repeated) {
            found.is_repeated = repeated;
            found.is_ours = is_ours(found, &sources);
        }
        let index = Index::new(&all);
        Self { is_restricted: is_bundle && is_restricted(node), servers, index, all, ..Self::default() }
    }

    /// The resources of a type, in order.
    pub(super) fn of_kind(&self, kind: &'static str) -> impl Iterator<Item = &Found<'n>> {
        self.index.of_kind(kind).iter().filter_map(|place| self.all.get(*place))
    }

    /// The resources of a type that others wrote, in order, each once.
    pub(super) fn of_others(&self, kind: &'static str) -> impl Iterator<Item = &Found<'n>> {
        self.of_kind(kind).filter(|found| {
            if found.is_repeated {
                self.used(found);
            }
            !found.is_repeated && !found.is_ours
        })
    }

    /// Takes note that a resource was turned into part of an event.
    pub(super) fn used(&self, found: &Found<'_>) {
        found.used.set(true);
    }

    /// What Tasks and work here are about.
    pub(super) fn written(&self) -> &Written {
        self.written.get_or_init(|| Written::new(self))
    }

    /// Whether it was not yet said that a resource about a request is about another person; from now on it is.
    pub(super) fn tells(&self, found: &Found<'_>, request: &Found<'_>) -> bool {
        self.told.borrow_mut().insert((found.index, request.index))
    }

    /// Resources that nothing was made of.
    pub(super) fn unused(&self) -> impl Iterator<Item = &Found<'n>> {
        self.all.iter().filter(|found| !found.used.get())
    }
}

impl<'n> Found<'n> {
    fn new(index: usize, path: String, kind: &'n str, node: &'n Node, full_url: Option<&'n str>) -> Self {
        Self {
            path,
            kind,
            node,
            full_url,
            index,
            is_repeated: false,
            has_a_rival: OnceCell::new(),
            is_restricted: OnceCell::new(),
            is_ours: false,
            used: Cell::new(false),
        }
    }

    /// Whether it says where it is: a urn says only which entry it is.
    pub(super) fn has_url(&self) -> bool {
        self.full_url.is_some_and(|url| url.contains("://"))
    }

    /// A position inside the resource.
    pub(super) fn at(&self, path: &str) -> String {
        if path.is_empty() { self.path.clone() } else { format!("{}.{path}", self.path) }
    }
}

/// Whether a resource is one of those that the events of ours here, from these sources, are made of: it bears a name of
/// theirs.
fn is_ours(found: &Found<'_>, sources: &HashSet<&str>) -> bool {
    identifiers(found.node).any(|(system, _)| {
        system.rsplit_once('/').is_some_and(|(source, kind)| {
            kind != "case-reference" && kind != "person" && sources.contains(source)
        })
    })
}

/// Why nothing of a Bundle can be read, if so.
fn refused_whole(bundle: &Node) -> Option<Issue> {
    if bundle.get("implicitRules").is_some() {
        return Some(Issue::new(IssueCode::FhirModifier, Position::path("Bundle.implicitRules"), "Bundle"));
    }
    // Its older versions say what is no longer so, and what they say has no date of its own.
    let is_history = text(bundle, "type") == Some("history");
    is_history.then(|| Issue::new(IssueCode::FhirHistory, Position::path("Bundle.type"), "history"))
}

/// Where an entry says that what stands in it is not, or is no longer, on its server: it was to be deleted, or is the answer to
/// a request that failed.
fn not_there(entry: &Node) -> Option<(&'static str, &'static str)> {
    if text(entry, "request.method") == Some("DELETE") {
        return Some(("request.method", "a resource that is deleted"));
    }
    let failed = text(entry, "response.status").is_some_and(|status| status.trim().starts_with(['4', '5']));
    failed.then_some(("response.status", "a request that failed"))
}

/// The source of the event that a Provenance of ours names. Our name of an event is a UUID of version 5.
pub(super) fn source_of_ours(provenance: &Node) -> Option<&str> {
    let name = text(provenance, "entity[0].what.identifier.value")?;
    let is_ours = uuid::Uuid::parse_str(name).is_ok_and(|uuid| uuid.get_version_num() == 5);
    text(provenance, "entity[0].what.identifier.system").filter(|_| is_ours)?.strip_suffix("/event")
}

/// Whether the clinical system restricts who may see a resource: what R4 has for the sensitive flag of a person.
pub(super) fn is_restricted(node: &Node) -> bool {
    items(node, "meta.security").iter().any(|label| {
        let words = ["R", "V", "restricted", "very-restricted", "redacted"];
        text(label, "code").is_some_and(|code| words.contains(&code))
    })
}

/// The path of an element that changes the meaning of a resource, if it has one.
fn changed_meaning(node: &Node, path: &str) -> Option<String> {
    if node.get("implicitRules").is_some() {
        return Some(format!("{path}.implicitRules"));
    }
    if node.get("doNotPerform").and_then(Node::as_bool) == Some(true) {
        return Some(format!("{path}.doNotPerform"));
    }
    modifier(node, path)
}

fn modifier(node: &Node, path: &str) -> Option<String> {
    match node {
        Node::Object(members) => members.iter().find_map(|(key, value)| {
            let path = format!("{path}.{}", safe_name(key));
            if key == "modifierExtension" { Some(path) } else { modifier(value, &path) }
        }),
        Node::Array(items) => {
            items.iter().enumerate().find_map(|(index, item)| modifier(item, &format!("{path}[{index}]")))
        }
        _ => None,
    }
}

/// A string by path.
pub(super) fn text<'n>(node: &'n Node, path: &str) -> Option<&'n str> {
    node.path(path).and_then(Node::as_str)
}

/// The items of a list by path; nothing where there is none.
pub(super) fn items<'n>(node: &'n Node, path: &str) -> &'n [Node] {
    node.path(path).and_then(Node::as_array).unwrap_or_default()
}

/// System and value of each business identifier.
pub(super) fn identifiers(node: &Node) -> impl Iterator<Item = (&str, &str)> {
    let many = items(node, "identifier").iter();
    let one = node.get("identifier").filter(|node| node.as_object().is_some());
    many.chain(one).filter_map(|id| Some((text(id, "system").unwrap_or_default(), text(id, "value")?)))
}

/// The texts of all notes, one below the other.
pub(super) fn notes(node: &Node) -> Option<String> {
    let notes: Vec<&str> = items(node, "note").iter().filter_map(|note| text(note, "text")).collect();
    (!notes.is_empty()).then(|| notes.join("\n"))
}

/// A reference without the version it may name.
pub(super) fn unversioned(target: &str) -> &str {
    target.split_once("/_history/").map_or(target, |(target, _)| target)
}

/// Type, system and value of `Type?identifier=system|value`.
pub(super) fn conditional(reference: &str) -> Option<(&str, (&str, &str))> {
    let (kind, query) = reference.split_once('?')?;
    Some((kind, query.strip_prefix("identifier=")?.split_once('|')?))
}
