//! Where a reference points: FHIR's rules for references between the entries of a Bundle (R4, Bundle, "Resolving
//! references in Bundles").
//!
//! An absolute reference means the entry with that fullUrl. A relative one is completed with the server that the
//! entry it stands in comes from; where that is not said, a type and an id are enough as long as the Bundle is of
//! one server. An identifier means whatever bears it. What this is not: a guess. Invariant: an id says who it is
//! only on its own server, and what may mean two resources means neither. Next: [`super::whose`].

use std::borrow::Cow;

use crate::event::{Issue, IssueCode, NhsNumber, Position};
use crate::tree::Node;

use super::pool::{Found, Pool, conditional, has_identifier, identifiers, items, text, unversioned};

/// What a reference points at.
pub(super) enum Target<'p, 'n> {
    /// A resource that is here.
    Here(&'p Found<'n>),
    /// Perhaps this one, perhaps another: what is to be said of it.
    Unclear(&'p Found<'n>, Issue),
    /// Nothing that is here.
    Elsewhere,
}

impl<'p, 'n> Target<'p, 'n> {
    /// The resource, even if it is unclear whether it is meant.
    pub(super) fn found(&self) -> Option<&'p Found<'n>> {
        match self {
            Self::Here(found) | Self::Unclear(found, _) => Some(found),
            Self::Elsewhere => None,
        }
    }
}

/// How a resource was found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// By a URL, or by type and id where there is one server.
    Address,
    /// By type and id alone, where there may be another server.
    Id,
    /// By a business identifier.
    Identifier,
}

impl<'n> Pool<'n> {
    /// What a reference that stands in `by` points at, if that is clear.
    pub(super) fn resolve(&self, by: &Found<'_>, reference: &Node) -> Option<&Found<'n>> {
        match self.target(by, reference) {
            Target::Here(found) => Some(found),
            Target::Unclear(..) | Target::Elsewhere => None,
        }
    }

    /// What a reference that stands in `by` points at: by URL, by type and id, or by identifier.
    pub(super) fn target(&self, by: &Found<'_>, reference: &Node) -> Target<'_, 'n> {
        let (candidates, how) = self.candidates(by, reference);
        let Some((first, others)) = candidates.split_first() else { return Target::Elsewhere };
        let unclear = |code, why| {
            let at = Position::path(first.path.clone());
            Target::Unclear(first, Issue::new(code, at, why))
        };
        if first.kind == "Patient" && self.has_a_rival(first) {
            return unclear(IssueCode::SeveralValues, "different persons under one address or number");
        }
        if how == How::Id {
            return unclear(IssueCode::ReferenceUnclear, "what may be of another server");
        }
        let mut same_kind = others.iter().filter(|other| other.kind == first.kind);
        if same_kind.any(|other| !is_one(first, other, how)) {
            return unclear(IssueCode::ReferenceUnclear, "one of several that it may mean");
        }
        Target::Here(first)
    }

    fn candidates(&self, by: &Found<'_>, reference: &Node) -> (Vec<&Found<'n>>, How) {
        let all = |is_meant: &dyn Fn(&Found<'_>) -> bool| -> Vec<&Found<'n>> {
            self.all.iter().filter(|found| is_meant(found)).collect()
        };
        if let Some(target) = text(reference, "reference").map(unversioned) {
            if let Some((kind, (system, value))) = conditional(target) {
                let bears =
                    |found: &Found<'_>| found.kind == kind && has_identifier(found.node, system, value);
                return (all(&bears), How::Identifier);
            }
            let (found, how) = self.at(by, target);
            if !found.is_empty() {
                return (found, how);
            }
        }
        let logical = text(reference, "identifier.system").zip(text(reference, "identifier.value"));
        let Some((system, value)) = logical else { return (Vec::new(), How::Identifier) };
        (all(&|found| has_identifier(found.node, system, value)), How::Identifier)
    }

    /// What stands at a literal reference.
    fn at(&self, by: &Found<'_>, target: &str) -> (Vec<&Found<'n>>, How) {
        let base = server(by);
        let url = match base {
            Some(base) if !is_absolute(target) => Cow::Owned(format!("{base}/{target}")),
            _ => Cow::Borrowed(target),
        };
        let there: Vec<_> = self.all.iter().filter(|found| found.full_url == Some(&url)).collect();
        if !there.is_empty() {
            return (there, How::Address);
        }
        let Some((rest, id)) = target.rsplit_once('/') else { return (there, How::Address) };
        let kind = rest.rsplit('/').next();
        let bears = |found: &&Found<'_>| kind == Some(found.kind) && text(found.node, "id") == Some(id);
        let same_id = self.all.iter().filter(bears);
        if is_absolute(&url) {
            // What stands at another URL is another. What has none could be meant, or be of another server.
            return (same_id.filter(|found| !has_url(found)).collect(), How::Id);
        }
        let same_id: Vec<_> = same_id.collect();
        let is_sure = self.servers.len() < 2 || !same_id.iter().any(|found| has_url(found));
        (same_id, if is_sure { How::Address } else { How::Id })
    }

    /// A literal reference in full, as far as the server is known that it belongs to.
    pub(super) fn whole<'t>(&self, by: &Found<'_>, target: &'t str) -> Cow<'t, str> {
        let target = unversioned(target);
        let only = self.servers.first().copied().filter(|_| self.servers.len() == 1);
        match server(by).or(only) {
            Some(base) if !is_absolute(target) => format!("{base}/{target}").into(),
            _ => target.into(),
        }
    }

    /// Whether another Patient is another person, by number or date of birth, and stands under the same address or
    /// NHS number: which of them is meant cannot be known.
    fn has_a_rival(&self, patient: &Found<'_>) -> bool {
        let person = |found: &Found<'_>| {
            let numbers = identifiers(found.node).filter(|(system, _)| *system == NhsNumber::SYSTEM);
            let numbers: Vec<String> = numbers.map(|(_, value)| value.to_owned()).collect();
            (numbers, text(found.node, "birthDate").map(str::to_owned))
        };
        let mut others = self.of_kind("Patient").filter(|other| other.path != patient.path);
        others.any(|other| {
            (is_same_address(patient, other) && person(other) != person(patient))
                || (shares_number(patient, other) && differ_in_birth(patient, other))
        })
    }
}

fn is_absolute(target: &str) -> bool {
    target.contains("://") || target.starts_with("urn:")
}

/// Whether it says where it is: a urn says only which entry it is.
fn has_url(found: &Found<'_>) -> bool {
    found.full_url.is_some_and(|url| url.contains("://"))
}

/// The server of an entry whose fullUrl is `[base]/Type/id`.
pub(super) fn server<'n>(found: &Found<'n>) -> Option<&'n str> {
    let (rest, _) = found.full_url.filter(|url| url.contains("://"))?.rsplit_once('/')?;
    rest.strip_suffix(found.kind)?.strip_suffix('/')
}

/// Whether two resources, both of which a reference may mean, are one.
fn is_one(first: &Found<'_>, other: &Found<'_>, how: How) -> bool {
    if first.node == other.node && first.full_url == other.full_url {
        return true;
    }
    match (first.kind, how) {
        // A rival was looked for already.
        ("Patient", How::Identifier) => !differ_in_birth(first, other) && !differ_in_number(first, other),
        ("Patient", _) => is_same_address(first, other) || shares_number(first, other),
        ("ServiceRequest" | "Task", _) | (_, How::Address | How::Id) => is_same_address(first, other),
        // An organisation or a person of the staff, written down twice.
        (_, How::Identifier) => true,
    }
}

fn is_same_address(one: &Found<'_>, other: &Found<'_>) -> bool {
    match (one.full_url, other.full_url) {
        (Some(one), Some(other)) => one == other,
        _ => text(one.node, "id").is_some() && text(one.node, "id") == text(other.node, "id"),
    }
}

/// The NHS numbers that a Patient has now.
fn numbers<'n>(patient: &Found<'n>) -> impl Iterator<Item = &'n str> {
    let current = items(patient.node, "identifier").iter().filter(|id| text(id, "use") != Some("old"));
    current.filter(|id| text(id, "system") == Some(NhsNumber::SYSTEM)).filter_map(|id| text(id, "value"))
}

fn shares_number(one: &Found<'_>, other: &Found<'_>) -> bool {
    numbers(one).any(|number| numbers(other).any(|other| other == number))
}

fn differ_in_number(one: &Found<'_>, other: &Found<'_>) -> bool {
    numbers(one).next().is_some() && numbers(other).next().is_some() && !shares_number(one, other)
}

/// Whether both say when the person was born, and one is not the other less exactly.
fn differ_in_birth(one: &Found<'_>, other: &Found<'_>) -> bool {
    let births = text(one.node, "birthDate").zip(text(other.node, "birthDate"));
    births.is_some_and(|(one, other)| !one.starts_with(other) && !other.starts_with(one))
}
