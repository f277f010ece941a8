//! Step 3 to 4: a [`Term`] of the source becomes a CodeableConcept that may leave.
//!
//! The gate of the whole library: a SNOMED CT or Read code leaves only if the loaded codeset holds it and lets
//! it leave from this field; anything else goes as words, if words may leave, and is listed for a coder. What
//! it is not: a guesser. A damaged code is repaired only on request and with exactly one candidate. Next:
//! [`super::notes`], where everything left out is written down.

use crate::codeset::{CodeSystemKind, Codeset, Concept, Given, Resolved, SctId, TermMatch, WellKnown};
use crate::event::issue::kind_of;
use crate::event::kinds::Share;
use crate::event::term::{Term, TermSystem};
use crate::event::{IssueCode, ReferralEvent};
use crate::fhir::types::{CodeableConcept, Coding, Text};

use super::notes::Notes;
use super::systems;

/// Codes terms for one event at one level of sharing.
pub struct Coder<'a> {
    /// The loaded codeset.
    pub codeset: &'a Codeset,
    /// Whether damaged codes with exactly one candidate are repaired.
    pub repair: bool,
    /// How much may leave.
    pub share: Share,
    /// Whether a person has released what is sensitive.
    pub released: bool,
}

/// The coder of each event: what is sensitive leaves only of those that a person has released.
#[derive(Clone, Copy)]
pub struct Coders<'a> {
    /// Withholds what is sensitive.
    pub plain: &'a Coder<'a>,
    /// Withholds nothing for that.
    pub open: &'a Coder<'a>,
    /// Ids of the events that were released.
    pub released: &'a [String],
}

impl<'a> Coders<'a> {
    /// The coder of an event.
    #[must_use]
    pub fn of(&self, event: &ReferralEvent) -> &'a Coder<'a> {
        if self.released.contains(&event.event_id) { self.open } else { self.plain }
    }
}

/// A codeset group; empty means that no code is looked for.
pub type Group = &'static str;

impl Coder<'_> {
    /// Whether free text may leave.
    #[must_use]
    pub const fn free_text(&self) -> bool {
        matches!(self.share, Share::Full)
    }

    /// The concept to send for a term, or nothing when nothing of it may leave. `field` names the term's place
    /// in the event.
    pub fn code(
        &self,
        term: &Term,
        group: Group,
        field: &'static str,
        notes: &mut Notes,
    ) -> Option<CodeableConcept> {
        if !self.released && self.is_sensitive(term, group) {
            notes.remark(IssueCode::SensitiveWithheld, field, "a sensitive term");
            return None;
        }
        let codings = self.codings(term, group, field, notes);
        let display = codings.first().and_then(|coding| coding.display.as_deref());
        let text = term
            .text
            .as_deref()
            .filter(|_| term.controlled || self.free_text())
            .filter(|text| display != Some(*text))
            .map(|text| Text::from(text.to_owned()));
        if codings.is_empty() && text.is_none() {
            if term.text.is_some() {
                notes.remark(IssueCode::ConsentWithheld, field, "uncoded words");
            }
            return None;
        }
        Some(CodeableConcept { coding: codings, text })
    }

    /// Whether a term discloses more than the person may want known: by the profile, or by its code.
    #[must_use]
    pub fn is_sensitive(&self, term: &Term, group: Group) -> bool {
        term.sensitive
            || term.text.as_deref().is_some_and(|text| self.codeset.discloses(group, text).is_some())
            || term.code.as_deref().is_some_and(|code| self.code_discloses(kind(term.system), code))
    }

    /// Whether a code discloses, or what it may have been, or one that stands with others in its cell
    /// (`706893006 |term|`).
    fn code_discloses(&self, system: CodeSystemKind, code: &str) -> bool {
        match self.codeset.resolve(None, system, code) {
            Resolved::Coded { concept, .. } | Resolved::NotEmittable { concept, .. } => {
                concept.is_sensitive()
            }
            Resolved::Damaged { candidates } => candidates.iter().any(|concept| concept.is_sensitive()),
            Resolved::Malformed | Resolved::Unknown => code
                .split(|c: char| !c.is_ascii_alphanumeric() && c != '.')
                .filter(|part| !part.is_empty() && *part != code)
                .any(|part| self.code_discloses(system, part)),
        }
    }

    fn codings(&self, term: &Term, group: Group, field: &'static str, notes: &mut Notes) -> Vec<Coding> {
        let Some(code) = &term.code else { return self.by_words(term, group, field, notes) };
        let wanted = (!group.is_empty()).then_some(group);
        // A value map may name any code that may leave; the group only narrows what a damaged code may have been.
        let resolved = match self.codeset.resolve(wanted, kind(term.system), code) {
            Resolved::NotEmittable { .. } => self.codeset.resolve(None, kind(term.system), code),
            other => other,
        };
        let why = match resolved {
            // These two say what happened to the referral; only the event itself may say so.
            Resolved::Coded { concept, .. } if self.is_lifecycle(concept) => {
                notes.remark(IssueCode::CodeReplaced, field, "the code of a referral or a decline");
                return Vec::new();
            }
            Resolved::Coded { concept, given } => return codings(concept, given, term.selected),
            Resolved::Damaged { candidates } => {
                if let ([concept], true) = (candidates.as_slice(), self.repair) {
                    notes.remark(IssueCode::CodeRepaired, field, kind_of(code));
                    return codings(concept, Given::Snomed, term.selected);
                }
                IssueCode::CodeDamaged
            }
            Resolved::Malformed => IssueCode::CodeMalformed,
            Resolved::Unknown => IssueCode::CodeUnknown,
            Resolved::NotEmittable { .. } => IssueCode::CodeNotEmittable,
        };
        // The source chose a code; which one, the words beside it cannot say, so they are given none.
        notes.remark(why, field, kind_of(code));
        notes.needs_coding(term, field, why);
        Vec::new()
    }

    fn is_lifecycle(&self, concept: &Concept) -> bool {
        [WellKnown::Referred, WellKnown::Declined]
            .into_iter()
            .any(|role| self.codeset.well_known(role).is_some_and(|known| known.id == concept.id))
    }

    fn by_words(&self, term: &Term, group: Group, field: &'static str, notes: &mut Notes) -> Vec<Coding> {
        let found = self.by_words_quietly(term, group);
        if found.is_empty() && !group.is_empty() {
            notes.needs_coding(term, field, IssueCode::TermUnmapped);
        }
        found
    }

    fn by_words_quietly(&self, term: &Term, group: Group) -> Vec<Coding> {
        match term.text.as_deref() {
            Some(text) if !group.is_empty() => match self.codeset.by_term(group, text) {
                TermMatch::Coded(concept) => codings(concept, Given::Snomed, false),
                TermMatch::Ambiguous | TermMatch::Unmapped => Vec::new(),
            },
            _ => Vec::new(),
        }
    }
}

fn kind(system: Option<TermSystem>) -> CodeSystemKind {
    match system {
        None | Some(TermSystem::Snomed) => CodeSystemKind::Snomed,
        Some(TermSystem::ReadV2) => CodeSystemKind::ReadV2,
        Some(TermSystem::Ctv3) => CodeSystemKind::Ctv3,
    }
}

/// SNOMED CT first, then the Read code the source used.
fn codings(concept: &Concept, given: Given, selected: bool) -> Vec<Coding> {
    let mut snomed = snomed(concept);
    let chosen = selected.then_some(true);
    let read = match given {
        Given::Snomed => {
            snomed.user_selected = chosen;
            return vec![snomed];
        }
        Given::ReadV2(code) => Coding::new(systems::READ_V2, code.as_str().to_owned()),
        Given::Ctv3(code) => Coding::new(systems::CTV3, code.as_str().to_owned()),
    };
    vec![snomed, Coding { user_selected: chosen, ..read }]
}

/// A SNOMED CT coding of a concept of the codeset; `version` only when a release verified it.
#[must_use]
pub fn snomed(concept: &Concept) -> Coding {
    Coding {
        system: Some(Text::Fixed(systems::SNOMED)),
        version: concept.release().map(|release| Text::from(release.to_owned())),
        code: Some(Text::from(concept.code_text().to_owned())),
        display: concept.term().map(|term| Text::from(term.to_owned())),
        ..Coding::default()
    }
}

/// Whether a text is the id of an emittable concept: used by checks, never to make codings.
#[must_use]
pub fn may_leave(codeset: &Codeset, code: &str) -> bool {
    SctId::parse(code).is_ok_and(|id| codeset.emittable(id, None).is_ok())
}
