//! Whose a resource is: it becomes part of a referral only where it is about the referral's person.
//!
//! A reference can name a person in several ways: a Patient that is here, a literal reference, an identifier. Two
//! references name one person when they have one of these in common and do not state NHS numbers that differ. What
//! this is not: a search for the person by name or date of birth. Invariant: what cannot be shown to be about the
//! request's person is not. Next: [`super::others`].

use crate::event::{Issue, IssueCode, NhsNumber, Position};
use crate::tree::Node;

use super::pool::{Found, Pool, conditional, identifiers, text};

/// The members that say whom a resource is about.
const MEMBERS: [&str; 3] = ["subject", "for", "patient"];

/// Everything that one reference says of a person.
#[derive(Default)]
struct Named {
    /// NHS numbers: of the Patient, and of the reference itself.
    numbers: Vec<String>,
    /// Whether the reference states another NHS number than the Patient that it points at.
    torn: bool,
    /// Other identifiers, and where the person's record is.
    names: Vec<String>,
}

/// Whether a resource about a request may be read with it; if it is about another person, says so.
pub(super) fn is_about_the_person(
    pool: &Pool<'_>,
    found: &Found<'_>,
    request: &Found<'_>,
    issues: &mut Vec<Issue>,
) -> bool {
    let Some(member) = of_another(pool, found, request) else { return true };
    if pool.tells(found, request) {
        let at = Position::path(found.at(member));
        issues.push(Issue::new(IssueCode::OtherPerson, at, request.path.clone()));
    }
    false
}

/// Whether a resource about a request may be read with it.
pub(super) fn is_about(pool: &Pool<'_>, found: &Found<'_>, request: &Found<'_>) -> bool {
    of_another(pool, found, request).is_none()
}

/// The member by which a resource about a request is about another person, if it is.
fn of_another(pool: &Pool<'_>, found: &Found<'_>, request: &Found<'_>) -> Option<&'static str> {
    let (member, reference) = MEMBERS.iter().find_map(|member| Some((*member, found.node.get(member)?)))?;
    let subject = request.node.get("subject")?;
    let (theirs, ours) = (named(pool, found, reference), named(pool, request, subject));
    let literal = |by, reference| text(reference, "reference").map(|target| pool.whole(by, target));
    let is_same = reference == subject && literal(found, reference) == literal(request, subject);
    (!is_same && !theirs.is_one_with(&ours)).then_some(member)
}

/// Whether a reference states another NHS number than the Patient that it points at.
pub(super) fn is_torn(pool: &Pool<'_>, by: &Found<'_>, reference: &Node) -> bool {
    named(pool, by, reference).torn
}

impl Named {
    fn is_one_with(&self, other: &Self) -> bool {
        let within = |some: &[String], all: &[String]| some.iter().all(|one| all.contains(one));
        if self.torn || other.torn {
            return false;
        }
        if !self.numbers.is_empty() && !other.numbers.is_empty() {
            return within(&self.numbers, &other.numbers) || within(&other.numbers, &self.numbers);
        }
        self.names.iter().any(|name| other.names.contains(name))
    }

    fn identifier(&mut self, (system, value): (&str, &str)) {
        if system == NhsNumber::SYSTEM {
            self.numbers.push(value.chars().filter(|c| !matches!(c, ' ' | '-')).collect());
        } else {
            self.names.push(format!("{system}|{value}"));
        }
    }
}

fn named(pool: &Pool<'_>, by: &Found<'_>, reference: &Node) -> Named {
    let mut named = Named::default();
    if let Some(patient) = pool.resolve(by, reference).filter(|found| found.kind == "Patient") {
        named.names.push(patient.path.clone());
        identifiers(patient.node).for_each(|id| named.identifier(id));
    }
    let of_patient = named.numbers.len();
    identifiers(reference).for_each(|id| named.identifier(id));
    if let Some(target) = text(reference, "reference") {
        match conditional(target) {
            Some((_, id)) => named.identifier(id),
            None => named.names.push(pool.whole(by, target).into_owned()),
        }
    }
    let (patients, stated) = named.numbers.split_at(of_patient);
    named.torn = !patients.is_empty() && stated.iter().any(|number| !patients.contains(number));
    named
}
