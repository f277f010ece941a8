//! [`Facts`]: the fields of one event as they were found in FHIR, each with its place, on their way through
//! [`crate::event::build`]. Next: [`super::parties`].

use crate::event::build::{Draft, NhsNumberRule, Place, Places, Raw, Reading};
use crate::event::field::Field;
use crate::event::finish::{self, Identities};
use crate::event::term::{Term, TermSystem};
use crate::event::{Issue, Position, ReferralEvent, When};
use crate::map::systems;
use crate::tree::Node;

use super::pool::{Found, items, text};

/// The fields of one event.
#[derive(Default)]
pub(super) struct Facts {
    values: Vec<(Field, u16, Raw<'static>)>,
    paths: Vec<String>,
    /// What was found besides; an error among it refuses the event.
    beside: Vec<Issue>,
}

impl Facts {
    /// Sets a field from text found at a path of a resource.
    pub(super) fn put(&mut self, field: Field, value: Option<&str>, found: &Found<'_>, path: &str) {
        self.put_at(field, 0, value, found, path);
    }

    /// The same for an entry of a list.
    pub(super) fn put_at(
        &mut self,
        field: Field,
        index: u16,
        value: Option<&str>,
        found: &Found<'_>,
        path: &str,
    ) {
        if let Some(value) = value {
            self.raw(field, index, Raw::Text(value.to_owned().into()), found.at(path));
        }
    }

    /// Sets a field to something that is known without a place of its own.
    pub(super) fn known(&mut self, field: Field, value: &str, found: &Found<'_>) {
        self.raw(field, 0, Raw::Text(value.to_owned().into()), found.path.clone());
    }

    /// Sets a field from a CodeableConcept.
    pub(super) fn term(
        &mut self,
        field: Field,
        index: u16,
        concept: Option<&Node>,
        found: &Found<'_>,
        path: &str,
    ) {
        if let Some(term) = concept.and_then(term) {
            self.raw(field, index, Raw::Term(term), found.at(path));
        }
    }

    fn raw(&mut self, field: Field, index: u16, raw: Raw<'static>, path: String) {
        self.values.push((field, index, raw));
        self.paths.push(path);
    }

    /// Notes what was found besides the fields; an error refuses the event whatever they say.
    pub(super) fn note(&mut self, issue: Issue) {
        self.beside.push(issue);
    }

    /// Whether a field was found.
    pub(super) fn has(&self, field: Field) -> bool {
        self.values.iter().any(|(known, ..)| *known == field)
    }

    /// Takes fields over that are not here yet.
    pub(super) fn also(&mut self, other: Self) {
        let before = self.values.len();
        self.beside.extend(other.beside);
        for ((field, index, raw), path) in other.values.into_iter().zip(other.paths) {
            let here = self.values.iter().take(before).any(|(known, ..)| *known == field);
            if !here {
                self.raw(field, index, raw, path);
            }
        }
    }

    /// A copy, for several events with one record.
    pub(super) fn copy(&self) -> Self {
        Self { values: self.values.clone(), paths: self.paths.clone(), beside: self.beside.clone() }
    }

    /// Builds the event. Issues carry the place in FHIR; those of the event as a whole, that of `about`.
    pub(super) fn build(
        self,
        about: &Found<'_>,
        identities: &Identities,
        nhs_number: NhsNumberRule,
        issues: &mut Vec<Issue>,
    ) -> Option<ReferralEvent> {
        let mut draft = Draft::default();
        let mut found = self.beside;
        let places = FhirPlaces(&self.paths);
        let mut reading = Reading { zone: When::london(), nhs_number, places: &places, issues: &mut found };
        // In the table's order, because some fields need another to be there before them.
        let mut values: Vec<_> = (0u32..).zip(self.values).collect();
        values.sort_by_key(|(_, (field, index, _))| (*field, *index));
        for (place, (field, index, raw)) in values {
            draft.set(field, index, raw, place, None, &mut reading);
        }
        let refused = found.iter().any(Issue::is_error);
        let mut last = Vec::new();
        let event = finish::whole(draft, identities, &mut last).filter(|_| !refused);
        for issue in &mut last {
            let field = issue.at.path.take().unwrap_or_default();
            issue.at.path = Some(format!("{} ({field})", about.path).into());
        }
        for issue in found.into_iter().chain(last) {
            if !issues.contains(&issue) {
                issues.push(issue);
            }
        }
        event
    }
}

struct FhirPlaces<'a>(&'a [String]);

impl Places for FhirPlaces<'_> {
    fn position(&self, place: Place) -> Position {
        let path = usize::try_from(place).ok().and_then(|at| self.0.get(at));
        Position::path(path.cloned().unwrap_or_default())
    }
}

/// A term of a CodeableConcept: a Read code where the source used one, else the first coding; the words are the
/// concept's text, else the coding's display.
pub(super) fn term(concept: &Node) -> Option<Term> {
    let codings = items(concept, "coding");
    let system = |coding: &Node| match text(coding, "system") {
        Some(systems::SNOMED) => Some(TermSystem::Snomed),
        Some(systems::READ_V2) => Some(TermSystem::ReadV2),
        Some(systems::CTV3) => Some(TermSystem::Ctv3),
        _ => None,
    };
    let read = |coding: &&Node| matches!(system(coding), Some(TermSystem::ReadV2 | TermSystem::Ctv3));
    let coding = codings.iter().find(read).or_else(|| codings.iter().find(|coding| system(coding).is_some()));
    let words = text(concept, "text").or_else(|| codings.iter().find_map(|coding| text(coding, "display")));
    let term = Term {
        text: words.map(str::to_owned),
        code: coding.and_then(|coding| text(coding, "code")).map(str::to_owned),
        system: coding.and_then(system),
        selected: coding
            .and_then(|coding| coding.get("userSelected"))
            .and_then(Node::as_bool)
            .unwrap_or(false),
        ..Term::default()
    };
    (term.text.is_some() || term.code.is_some()).then_some(term)
}
