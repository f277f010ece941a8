//! Step 3: code. Looks codes and words up in a [`Codeset`]: data, replaceable, with a source for every row.
//!
//! What it is: pure look-ups in tables loaded once ([`Codeset::embedded`], [`Codeset::from_files`]). What it is not: a
//! terminology server; it knows what its files list and nothing else. Invariant: a code that no file lists cannot
//! come out, and one that a file lists without `emit` comes out only as a refusal with a reason.
//! Next: [`concept`] for what is known of a code, [`resolve`] for how a raw code is decided, `load` for how files
//! become tables; `docs/CODES.md` and `codesets/README.md` for the data.

use std::sync::Arc;

use foldhash::HashMap;

pub mod concept;
mod damage;
#[cfg(feature = "convert")]
mod dir;
mod embedded;
pub mod error;
mod fold;
mod form;
mod load;
pub mod manifest;
pub mod read;
pub mod resolve;
pub mod sctid;
#[cfg(test)]
mod tests;
pub mod well_known;

pub use concept::{CodeProblem, Concept, Confidence, NotEmittable};
pub use error::CodesetError;
pub use fold::fold;
pub use manifest::{Licence, Proves, Source};
pub use read::{Ctv3, ReadCodeError, ReadV2};
pub use resolve::{CodeSystemKind, Given, Resolved};
pub use sctid::{SctId, SctIdError};
pub use well_known::WellKnown;

/// A loaded codeset: concepts, Read pairs, local terms.
#[derive(Debug)]
pub struct Codeset {
    name_and_version: String,
    title: String,
    concepts: Vec<Concept>,
    by_id: HashMap<SctId, u32>,
    /// Every identifier, ascending: damaged codes are searched in it.
    sorted_ids: Vec<SctId>,
    /// Per group, folded words and raw wordings to what they mean.
    terms: HashMap<Box<str>, HashMap<Box<str>, Term>>,
    read_v2: HashMap<ReadV2, ReadRow>,
    ctv3: HashMap<Ctv3, ReadRow>,
    reverse: HashMap<SctId, ReadPair>,
    well_known: HashMap<WellKnown, SctId>,
    sources: Vec<(String, Source)>,
    licences: Vec<Licence>,
}

/// What a local term means.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Term {
    Coded(u32),
    Ambiguous,
    /// Looked at, and no code fits: why, and whether the words themselves disclose.
    Unmapped {
        because: Box<str>,
        sensitive: Option<Box<str>>,
    },
}

/// One row of a Read map.
#[derive(Debug)]
struct ReadRow {
    concept: u32,
    term: Option<Box<str>>,
    note: Option<Box<str>>,
    source: Box<str>,
    emit: bool,
}

/// What [`Codeset::by_term`] found.
#[derive(Clone, Copy, Debug)]
pub enum TermMatch<'a> {
    /// The words mean this concept, and it may leave from a field of that group.
    Coded(&'a Concept),
    /// More than one concept of the group has these words.
    Ambiguous,
    /// No concept: the words are unknown, or known to have no code ([`Codeset::unmapped_because`]).
    Unmapped,
}

/// What a Read code maps to.
#[derive(Clone, Copy, Debug)]
pub struct ReadMatch<'a> {
    /// The SNOMED CT concept. It may still not be allowed to leave: ask [`Concept::problem`].
    pub concept: &'a Concept,
    /// The words the published list gives the Read code.
    pub term: Option<&'a str>,
    /// May the Read code leave, and the concept for it? False: the pairing is only a suggestion.
    pub emit: bool,
    /// Why it is only a suggestion, or what else was noted.
    pub note: Option<&'a str>,
    /// The list the pairing is from.
    pub source: &'a str,
}

/// The Read codes of a SNOMED CT concept, where the pair is reviewed and one to one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadPair {
    /// Its Read v2 code.
    pub read_v2: Option<ReadV2>,
    /// Its CTV3 code.
    pub ctv3: Option<Ctv3>,
}

impl Codeset {
    /// The codeset that ships with the program. Parsed on first use, then shared.
    ///
    /// # Errors
    /// None in a release that passed its tests; the signature is that of any other codeset.
    pub fn embedded() -> Result<Arc<Self>, CodesetError> {
        embedded::get()
    }

    /// Loads a codeset from files in memory: `manifest.json` and those it names. Others are not looked at.
    ///
    /// # Errors
    /// The first file that is missing, changed, malformed, or contradicts another.
    pub fn from_files(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Result<Self, CodesetError> {
        let files: Vec<(String, Vec<u8>)> = files.into_iter().collect();
        Self::load(files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())))
    }

    /// Its name and version, as stamped on what is made with it: `uk-sp 2026.11`.
    #[must_use]
    pub fn name_and_version(&self) -> &str {
        &self.name_and_version
    }

    /// What it is about, in words for people. May be empty.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Any known concept, also one that may not leave.
    #[must_use]
    pub fn concept(&self, id: SctId) -> Option<&Concept> {
        self.at(*self.by_id.get(&id)?)
    }

    /// The concept, if it may leave from a field of this group. No group: from any field.
    ///
    /// # Errors
    /// Why not.
    pub fn emittable(&self, id: SctId, group: Option<&str>) -> Result<&Concept, CodeProblem> {
        let concept = self.concept(id).ok_or(CodeProblem::Unknown)?;
        concept.problem(group).map_or(Ok(concept), Err)
    }

    /// What words mean in a field of this group. Folded as [`fold()`] says. Only concepts that may leave are found.
    #[must_use]
    pub fn by_term(&self, group: &str, words: &str) -> TermMatch<'_> {
        match self.term(group, words) {
            Some(Term::Coded(index)) => self.at(*index).map_or(TermMatch::Unmapped, TermMatch::Coded),
            Some(Term::Ambiguous) => TermMatch::Ambiguous,
            Some(Term::Unmapped { .. }) | None => TermMatch::Unmapped,
        }
    }

    /// Why words that were looked at have no code on purpose. `None`: nobody has looked at them.
    #[must_use]
    pub fn unmapped_because(&self, group: &str, words: &str) -> Option<&str> {
        match self.term(group, words) {
            Some(Term::Unmapped { because, .. }) => Some(because),
            _ => None,
        }
    }

    /// Why these words disclose what a person may not want known: their code is on the sensitive list, or the
    /// words are marked so although no code fits (*modern slavery*). `None` for all other words.
    #[must_use]
    pub fn discloses(&self, group: &str, words: &str) -> Option<&str> {
        match self.term(group, words)? {
            Term::Coded(index) => self.at(*index)?.sensitive_because(),
            Term::Unmapped { sensitive, .. } => sensitive.as_deref(),
            Term::Ambiguous => None,
        }
    }

    fn term(&self, group: &str, words: &str) -> Option<&Term> {
        let terms = self.terms.get(group)?;
        // The wordings of the table are keys as they stand, so the usual case folds nothing.
        terms.get(words).or_else(|| fold::with_folded(words, |folded| terms.get(folded)))
    }

    /// The concept a Read v2 code maps to. The term code counts: `9N42.11` is not `9N42.00`.
    #[must_use]
    pub fn read_v2(&self, code: &ReadV2) -> Option<ReadMatch<'_>> {
        self.read_match(self.read_v2.get(code)?)
    }

    /// The concept a CTV3 code maps to.
    #[must_use]
    pub fn ctv3(&self, code: &Ctv3) -> Option<ReadMatch<'_>> {
        self.read_match(self.ctv3.get(code)?)
    }

    fn read_match<'a>(&'a self, row: &'a ReadRow) -> Option<ReadMatch<'a>> {
        Some(ReadMatch {
            concept: self.at(row.concept)?,
            term: row.term.as_deref(),
            emit: row.emit,
            note: row.note.as_deref(),
            source: &row.source,
        })
    }

    /// The Read codes of a concept: only pairs the files call equivalent, that may leave, and that are one to one.
    #[must_use]
    pub fn read_for(&self, id: SctId) -> Option<&ReadPair> {
        self.reverse.get(&id)
    }

    /// The concept with a fixed part in the mapping, if this codeset has one for it that may leave.
    #[must_use]
    pub fn well_known(&self, role: WellKnown) -> Option<&Concept> {
        self.emittable(*self.well_known.get(&role)?, None).ok()
    }

    /// Every concept, in the order of the files.
    pub fn iter(&self) -> impl Iterator<Item = &Concept> {
        self.concepts.iter()
    }

    /// What the keys in [`Concept::source`] mean.
    pub fn sources(&self) -> impl Iterator<Item = (&str, &Source)> {
        self.sources.iter().map(|(key, source)| (key.as_str(), source))
    }

    /// The licences, with the attributions they ask for.
    #[must_use]
    pub fn licences(&self) -> &[Licence] {
        &self.licences
    }

    pub(crate) fn sorted_ids(&self) -> &[SctId] {
        &self.sorted_ids
    }

    fn at(&self, index: u32) -> Option<&Concept> {
        self.concepts.get(usize::try_from(index).ok()?)
    }
}
