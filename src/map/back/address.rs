//! Where a reference points: FHIR's rules for references between the entries of a Bundle (R4, Bundle, "Resolving
//! references in Bundles").
//!
//! An absolute reference means the entry with that fullUrl. A relative one is completed with the server that the
//! entry it stands in comes from; where that is not said, a type and an id are enough as long as the Bundle is of
//! one server. An identifier means whatever bears it. What this is not: a guess. Invariant: an id says who it is
//! only on its own server, and what may mean two resources means neither. Next: [`super::whose`].

use std::borrow::Cow;

use crate::event::{Issue, IssueCode, Position};
use crate::tree::Node;

use super::index::{Group, differ_in_birth, numbers, share_number};
use super::pool::{Found, Pool, conditional, text, unversioned};

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
    /// By type and id alone, where there may be another server: the first that may be meant.
    Id(usize),
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
        let Some((group, how)) = self.candidates(by, reference) else { return Target::Elsewhere };
        let first = match how {
            How::Id(place) => Some(place),
            How::Address | How::Identifier => group.members.first().copied(),
        };
        let Some(first) = first.and_then(|place| self.all.get(place)) else { return Target::Elsewhere };
        let unclear = |code, why| {
            let at = Position::path(first.path.clone());
            Target::Unclear(first, Issue::new(code, at, why))
        };
        if first.kind == "Patient" && self.index.has_a_rival(first) {
            return unclear(IssueCode::SeveralValues, "different persons under one address or number");
        }
        if matches!(how, How::Id(_)) {
            return unclear(IssueCode::ReferenceUnclear, "what may be of another server");
        }
        let all_one = || {
            let mut others = group.members.iter().skip(1).filter_map(|place| self.all.get(*place));
            others.all(|other| other.kind != first.kind || is_one(first, other, how))
        };
        if !group.is_one.get_or_init(all_one) {
            return unclear(IssueCode::ReferenceUnclear, "one of several that it may mean");
        }
        Target::Here(first)
    }

    fn candidates(&self, by: &Found<'_>, reference: &Node) -> Option<(&Group, How)> {
        if let Some(target) = text(reference, "reference").map(unversioned) {
            if let Some((kind, name)) = conditional(target) {
                return Some((self.index.bearing(Some(kind), name)?, How::Identifier));
            }
            if let Some(found) = self.at(by, target) {
                return Some(found);
            }
        }
        let logical = text(reference, "identifier.system").zip(text(reference, "identifier.value"))?;
        Some((self.index.bearing(None, logical)?, How::Identifier))
    }

    /// What stands at a literal reference.
    fn at(&self, by: &Found<'_>, target: &str) -> Option<(&Group, How)> {
        let base = server(by);
        let url = match base {
            Some(base) if !is_absolute(target) => Cow::Owned(format!("{base}/{target}")),
            _ => Cow::Borrowed(target),
        };
        if let Some(there) = self.index.at_url(&url) {
            return Some((there, How::Address));
        }
        let (rest, id) = target.rsplit_once('/')?;
        let same_id = self.index.with_id(rest.rsplit('/').next()?, id)?;
        if is_absolute(&url) {
            // What stands at another URL is another. What has none could be meant, or be of another server.
            return Some((same_id, How::Id(same_id.first_without_url?)));
        }
        let is_sure = self.servers.len() < 2 || !same_id.has_url;
        let how =
            || if is_sure { Some(How::Address) } else { same_id.members.first().map(|it| How::Id(*it)) };
        Some((same_id, how()?))
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
}

fn is_absolute(target: &str) -> bool {
    target.contains("://") || target.starts_with("urn:")
}

/// The server of an entry whose fullUrl is `[base]/Type/id`.
pub(super) fn server<'n>(found: &Found<'n>) -> Option<&'n str> {
    let (rest, _) = found.full_url.filter(|_| found.has_url())?.rsplit_once('/')?;
    rest.strip_suffix(found.kind)?.strip_suffix('/')
}

/// Whether two resources, both of which a reference may mean, are one.
fn is_one(first: &Found<'_>, other: &Found<'_>, how: How) -> bool {
    if first.node == other.node && first.full_url == other.full_url {
        return true;
    }
    match (first.kind, how) {
        // A rival was looked for already.
        ("Patient", How::Identifier) => !born_apart(first, other) && !differ_in_number(first, other),
        ("Patient", _) => is_same_address(first, other) || share_number(first, other),
        ("ServiceRequest" | "Task", _) | (_, How::Address | How::Id(_)) => is_same_address(first, other),
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

fn differ_in_number(one: &Found<'_>, other: &Found<'_>) -> bool {
    numbers(one).next().is_some() && numbers(other).next().is_some() && !share_number(one, other)
}

/// Whether both say when the person was born, and one is not the other less exactly.
fn born_apart(one: &Found<'_>, other: &Found<'_>) -> bool {
    let births = text(one.node, "birthDate").zip(text(other.node, "birthDate"));
    births.is_some_and(|(one, other)| differ_in_birth(one, other))
}
