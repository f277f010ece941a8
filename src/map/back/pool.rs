//! [`Pool`]: the resources of a Bundle, and how they point at each other.
//!
//! Resources that must not be used without a person are left out and reported here, so that nothing further on
//! can meet one. Next: [`super::facts`].

use std::cell::Cell;

use crate::event::{Issue, IssueCode, NhsNumber, Position};
use crate::fhir::FhirResource;
use crate::tree::{Node, safe_name};

/// One resource.
pub(super) struct Found<'n> {
    /// Where it stands: `Bundle.entry[2].resource`, or its type.
    pub(super) path: String,
    /// Its type.
    pub(super) kind: &'n str,
    /// The resource.
    pub(super) node: &'n Node,
    full_url: Option<&'n str>,
    used: Cell<bool>,
}

/// All resources of the input.
pub(super) struct Pool<'n> {
    all: Vec<Found<'n>>,
    any_used: Cell<bool>,
}

impl<'n> Pool<'n> {
    pub(super) fn new(resource: &'n FhirResource, issues: &mut Vec<Issue>) -> Self {
        let node = resource.node();
        let mut all = Vec::new();
        let mut add = |path: String, node: &'n Node, full_url| {
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
            all.push(Found { path, kind, node, full_url, used: Cell::new(false) });
        };
        if resource.type_name() == "Bundle" {
            if node.get("implicitRules").is_some() {
                let at = Position::path("Bundle.implicitRules");
                issues.push(Issue::new(IssueCode::FhirModifier, at, "Bundle"));
                return Self { all: Vec::new(), any_used: Cell::new(false) };
            }
            for (index, entry) in
                node.get("entry").and_then(Node::as_array).unwrap_or_default().iter().enumerate()
            {
                let full_url = entry.get("fullUrl").and_then(Node::as_str);
                if let Some(resource) = entry.get("resource") {
                    add(format!("Bundle.entry[{index}].resource"), resource, full_url);
                }
            }
        } else {
            add(resource.type_name().to_owned(), node, None);
        }
        Self { all, any_used: Cell::new(false) }
    }

    /// The resources of a type, in order.
    pub(super) fn of_kind(&self, kind: &'static str) -> impl Iterator<Item = &Found<'n>> {
        self.all.iter().filter(move |found| found.kind == kind)
    }

    /// What a Reference points at, if it is here: by fullUrl, by type and id, or by identifier.
    pub(super) fn resolve(&self, reference: &Node) -> Option<&Found<'n>> {
        if let Some(target) = text(reference, "reference").map(unversioned) {
            let is_url = |url: &str| url.contains("://");
            let by_url = |found: &&Found<'_>| found.full_url.map(unversioned) == Some(target);
            let by_id = |found: &&Found<'_>| {
                // An id says who it is only on its own server.
                !(is_url(target) && found.full_url.is_some_and(is_url))
                    && target.rsplit_once('/').is_some_and(|(rest, id)| {
                        text(found.node, "id") == Some(id) && rest.rsplit('/').next() == Some(found.kind)
                    })
            };
            if let Some(found) = self.all.iter().find(by_url).or_else(|| self.all.iter().find(by_id)) {
                return Some(found);
            }
            if let Some((kind, (system, value))) = conditional(target) {
                return self.all.iter().find(|f| f.kind == kind && has_identifier(f.node, system, value));
            }
        }
        let system = text(reference, "identifier.system")?;
        let value = text(reference, "identifier.value")?;
        self.all.iter().find(|found| has_identifier(found.node, system, value))
    }

    /// Whether another Patient stands under the same address and is another person, by number or date of birth:
    /// which of them is meant cannot be known.
    pub(super) fn has_a_rival(&self, patient: &Found<'_>) -> bool {
        let person = |found: &Found<'_>| {
            let numbers = identifiers(found.node).filter(|(system, _)| *system == NhsNumber::SYSTEM);
            let numbers: Vec<String> = numbers.map(|(_, value)| value.to_owned()).collect();
            (numbers, text(found.node, "birthDate").map(str::to_owned))
        };
        let same_address = |other: &&Found<'_>| match (other.full_url, patient.full_url) {
            (Some(other), Some(url)) => unversioned(other) == unversioned(url),
            _ => text(other.node, "id").is_some() && text(other.node, "id") == text(patient.node, "id"),
        };
        let mut others = self.of_kind("Patient").filter(same_address);
        others.any(|other| person(other) != person(patient))
    }

    /// Takes note that a resource was turned into part of an event.
    pub(super) fn used(&self, found: &Found<'_>) {
        found.used.set(true);
        self.any_used.set(true);
    }

    /// Whether anything was used so far.
    pub(super) fn any_used(&self) -> bool {
        self.any_used.get()
    }

    /// Resources that nothing was made of.
    pub(super) fn unused(&self) -> impl Iterator<Item = &Found<'n>> {
        self.all.iter().filter(|found| !found.used.get())
    }
}

impl Found<'_> {
    /// A position inside the resource.
    pub(super) fn at(&self, path: &str) -> String {
        if path.is_empty() { self.path.clone() } else { format!("{}.{path}", self.path) }
    }
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

fn has_identifier(node: &Node, system: &str, value: &str) -> bool {
    identifiers(node).any(|known| known == (system, value))
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
