//! [`Concept`]: one SNOMED CT concept the codeset knows, and why it may or may not leave.
//!
//! What it is: the facts of one line of the codeset. What it is not: a FHIR Coding; `map` makes that from it.
//! Invariant: only the loader makes one, so a code that no file lists cannot be had as a `Concept`.
//! Next: [`super::resolve`].

use super::sctid::SctId;

/// How far the published lists are to be trusted about a concept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Confidence {
    /// In at least one published list, and no list contradicts it.
    Seen,
    /// The lists disagree about its meaning.
    Conflicting,
    /// Probably no longer active.
    Inactive,
    /// A newer concept has taken its place.
    Superseded,
    /// No list that names its publisher and document has it.
    Unverified,
}

impl Confidence {
    /// The word used in the codeset's files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::Conflicting => "conflicting",
            Self::Inactive => "inactive",
            Self::Superseded => "superseded",
            Self::Unverified => "unverified",
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        [Self::Seen, Self::Conflicting, Self::Inactive, Self::Superseded, Self::Unverified]
            .into_iter()
            .find(|confidence| confidence.as_str() == word)
    }
}

/// One concept of the loaded codeset.
#[derive(Clone, Debug)]
pub struct Concept {
    pub(crate) id: SctId,
    pub(crate) code_text: Box<str>,
    pub(crate) term: Option<Box<str>>,
    pub(crate) listed_as: Option<Box<str>>,
    pub(crate) semantic_tag: Option<Box<str>>,
    pub(crate) groups: Vec<Box<str>>,
    pub(crate) confidence: Confidence,
    pub(crate) emit: bool,
    pub(crate) sensitive: Option<Box<str>>,
    pub(crate) source: Box<str>,
    pub(crate) release: Option<Box<str>>,
}

impl Concept {
    /// The identifier.
    #[must_use]
    pub const fn id(&self) -> SctId {
        self.id
    }

    /// The identifier's digits, ready to be written as `Coding.code`.
    #[must_use]
    pub fn code_text(&self) -> &str {
        &self.code_text
    }

    /// The UK preferred term, for `Coding.display`. Absent when only an international or a US list gave the
    /// words: then the coding is sent without `display`.
    #[must_use]
    pub fn term(&self) -> Option<&str> {
        self.term.as_deref()
    }

    /// The words the concept is listed under, for people and reports: the UK term where there is one, else the
    /// words of the list it was found in. Never sent as `display`.
    #[must_use]
    pub fn listed_as(&self) -> Option<&str> {
        self.term.as_deref().or(self.listed_as.as_deref())
    }

    /// The semantic tag (`finding`, `procedure`) where a list showed it. Never part of a display.
    #[must_use]
    pub fn semantic_tag(&self) -> Option<&str> {
        self.semantic_tag.as_deref()
    }

    /// The groups it is in: the kinds of field it may stand in (`need`, `service`, `source`…).
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.groups.iter().map(AsRef::as_ref)
    }

    /// Is it in this group?
    #[must_use]
    pub fn in_group(&self, group: &str) -> bool {
        self.groups.iter().any(|own| **own == *group)
    }

    /// How far the lists are to be trusted about it.
    #[must_use]
    pub const fn confidence(&self) -> Confidence {
        self.confidence
    }

    /// May it leave? False for all that is not `seen`, whatever the file says.
    #[must_use]
    pub const fn is_emittable(&self) -> bool {
        self.emit && matches!(self.confidence, Confidence::Seen)
    }

    /// Does the code itself disclose what a person may not want known (abuse, safeguarding)?
    #[must_use]
    pub const fn is_sensitive(&self) -> bool {
        self.sensitive.is_some()
    }

    /// Why it is on the sensitive list.
    #[must_use]
    pub fn sensitive_because(&self) -> Option<&str> {
        self.sensitive.as_deref()
    }

    /// The lists it was found in: publisher key (explained in the manifest) and document, `; ` between them.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The SNOMED CT release that verified it, as `Coding.version`. `None` without a loaded release.
    #[must_use]
    pub fn release(&self) -> Option<&str> {
        self.release.as_deref()
    }
}

/// Why a concept may not leave although the codeset knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotEmittable {
    /// No list with a named publisher and document has it.
    #[error("no named published list has it")]
    Unverified,
    /// The lists disagree about its meaning.
    #[error("published lists disagree about it")]
    Conflicting,
    /// A newer concept has taken its place.
    #[error("a newer code has taken its place")]
    Superseded,
    /// It was seen, but not in a list that is enough without a loaded release.
    #[error("the lists it was seen in are not enough without a SNOMED CT release")]
    NotCleared,
    /// The Read or CTV3 row is a suggestion, not a map.
    #[error("the pairing of this Read code with SNOMED CT is only a suggestion")]
    Suggestion,
}

/// Why a code cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeProblem {
    /// No file of the codeset has it.
    #[error("the codeset does not have this code")]
    Unknown,
    /// It is probably no longer active.
    #[error("the code is probably inactive")]
    Inactive,
    /// The codeset knows it but does not let it leave.
    #[error("the code may not be sent: {0}")]
    NotEmittable(NotEmittable),
    /// It may leave, but not from this field.
    #[error("the code is not one of this field's group")]
    WrongGroup,
}

impl Concept {
    /// Why it may not leave from a field of this group, or `None` when it may. No group: any field.
    #[must_use]
    pub fn problem(&self, group: Option<&str>) -> Option<CodeProblem> {
        let why = match self.confidence {
            Confidence::Inactive => return Some(CodeProblem::Inactive),
            Confidence::Conflicting => NotEmittable::Conflicting,
            Confidence::Superseded => NotEmittable::Superseded,
            Confidence::Unverified => NotEmittable::Unverified,
            Confidence::Seen if !self.emit => NotEmittable::NotCleared,
            Confidence::Seen => {
                let fits = group.is_none_or(|group| self.in_group(group));
                return (!fits).then_some(CodeProblem::WrongGroup);
            }
        };
        Some(CodeProblem::NotEmittable(why))
    }
}
