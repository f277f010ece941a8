//! [`Codeset::resolve`]: one code as the source gave it, decided.
//!
//! What it is: the only way from a raw code to a concept that may leave. What it is not: policy; whether a damaged
//! code is repaired, or a sensitive one withheld, is the caller's decision. Invariant: `Coded` is returned for a
//! code only when a file lists exactly that code and lets it leave.

use super::concept::{CodeProblem, Concept, NotEmittable};
use super::damage::Printed;
use super::read::{Ctv3, ReadV2};
use super::sctid::SctId;
use super::{Codeset, ReadMatch};

/// The code systems a raw code may be of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CodeSystemKind {
    /// SNOMED CT.
    Snomed,
    /// Read codes version 2, five bytes.
    ReadV2,
    /// Clinical Terms Version 3.
    Ctv3,
}

impl CodeSystemKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Snomed, Self::ReadV2, Self::Ctv3];

    /// The FHIR system URI.
    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            Self::Snomed => "http://snomed.info/sct",
            Self::ReadV2 => "http://read.info/readv2",
            Self::Ctv3 => "http://read.info/ctv3",
        }
    }

    /// The HL7 v3 object identifier used in the NHS.
    #[must_use]
    pub const fn oid(self) -> &'static str {
        match self {
            Self::Snomed => "2.16.840.1.113883.2.1.3.2.4.15",
            Self::ReadV2 => "2.16.840.1.113883.2.1.6.2",
            Self::Ctv3 => "2.16.840.1.113883.2.1.3.2.4.14",
        }
    }

    /// The kind of a FHIR system URI or an `urn:oid:` of one.
    #[must_use]
    pub fn from_uri(uri: &str) -> Option<Self> {
        let oid = uri.strip_prefix("urn:oid:").unwrap_or_default();
        let international = oid == "2.16.840.1.113883.6.96";
        Self::ALL
            .into_iter()
            .find(|kind| uri == kind.uri() || oid == kind.oid() || (international && *kind == Self::Snomed))
    }
}

/// The code the source gave, when it was found as given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// The SNOMED CT code itself.
    Snomed,
    /// A Read v2 code whose row may leave beside the SNOMED CT code.
    ReadV2(ReadV2),
    /// A CTV3 code whose row may leave beside the SNOMED CT code.
    Ctv3(Ctv3),
}

/// What became of a raw code.
#[derive(Clone, Debug)]
pub enum Resolved<'a> {
    /// Found, and it may leave from a field of this group.
    Coded {
        /// The concept.
        concept: &'a Concept,
        /// What the source gave.
        given: Given,
    },
    /// Not in the codeset, but what a spreadsheet makes of at least one code that is, and that may leave from
    /// this field. Repair only on request, and only with exactly one candidate.
    Damaged {
        /// The codes it may have been, ascending.
        candidates: Vec<&'a Concept>,
    },
    /// No code of this system looks like that.
    Malformed,
    /// It looks right, but the codeset does not have it.
    Unknown,
    /// The codeset has it and does not let it leave from this field.
    NotEmittable {
        /// The concept.
        concept: &'a Concept,
        /// Why not.
        problem: CodeProblem,
    },
}

impl Codeset {
    /// Decides one raw code of a field. `group` is the field's group; `None` for a field that takes any.
    /// Spaces around the code do not count; everything else does.
    #[must_use]
    pub fn resolve(&self, group: Option<&str>, system: CodeSystemKind, raw: &str) -> Resolved<'_> {
        let raw = raw.trim();
        match system {
            CodeSystemKind::Snomed => self.resolve_snomed(group, raw),
            CodeSystemKind::ReadV2 => ReadV2::parse(raw).map_or(Resolved::Malformed, |code| {
                resolve_read(group, self.read_v2(&code), Given::ReadV2(code))
            }),
            CodeSystemKind::Ctv3 => Ctv3::parse(raw)
                .map_or(Resolved::Malformed, |code| resolve_read(group, self.ctv3(&code), Given::Ctv3(code))),
        }
    }

    fn resolve_snomed(&self, group: Option<&str>, raw: &str) -> Resolved<'_> {
        let parsed = SctId::parse(raw);
        if let Some(concept) = parsed.ok().and_then(|id| self.concept(id)) {
            return decide(group, concept, Given::Snomed);
        }
        // Before "unknown": one rounded number in ten passes the check digit by chance.
        let candidates = self.damaged_candidates(group, raw);
        match (candidates.is_empty(), parsed) {
            (false, _) => Resolved::Damaged { candidates },
            (true, Ok(_)) => Resolved::Unknown,
            (true, Err(_)) => Resolved::Malformed,
        }
    }

    /// The codes that may leave from this group and that a spreadsheet would have turned into `raw`, ascending.
    fn damaged_candidates(&self, group: Option<&str>, raw: &str) -> Vec<&Concept> {
        let Some(printed) = Printed::read(raw) else { return Vec::new() };
        printed.candidates(self.sorted_ids()).filter_map(|id| self.emittable(id, group).ok()).collect()
    }
}

fn resolve_read<'a>(group: Option<&str>, row: Option<ReadMatch<'a>>, given: Given) -> Resolved<'a> {
    match row {
        None => Resolved::Unknown,
        Some(row) if !row.emit => Resolved::NotEmittable {
            concept: row.concept,
            problem: CodeProblem::NotEmittable(NotEmittable::Suggestion),
        },
        Some(row) => decide(group, row.concept, given),
    }
}

fn decide<'a>(group: Option<&str>, concept: &'a Concept, given: Given) -> Resolved<'a> {
    match concept.problem(group) {
        None => Resolved::Coded { concept, given },
        Some(problem) => Resolved::NotEmittable { concept, problem },
    }
}
