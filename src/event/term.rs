//! [`Term`]: something the source said that may have a code: a need, an outcome, a reason.
//!
//! A term keeps the source's own words and the code it came with, unverified. Whether the code exists, may
//! leave, or can be found for the words is decided later by [`crate::map::coding`] against the loaded
//! codeset. A term the profile's value map lists is *controlled*: its words may leave at every level of
//! sharing; any other words are free text. Next: [`super::detail`].

use std::fmt;

use serde::{Serialize, Serializer};

/// The system a source's code is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TermSystem {
    /// SNOMED CT.
    Snomed,
    /// Read version 2, 5-byte set.
    ReadV2,
    /// Clinical Terms Version 3 (Read codes).
    Ctv3,
}

impl TermSystem {
    /// Every system.
    pub const ALL: [Self; 3] = [Self::Snomed, Self::ReadV2, Self::Ctv3];

    /// The word used in events and profiles.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Snomed => "snomed",
            Self::ReadV2 => "read-v2",
            Self::Ctv3 => "ctv3",
        }
    }

    /// Finds the system by its word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == text)
    }
}

impl Serialize for TermSystem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Words, a code, or both, as the source gave them.
#[derive(Clone, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Term {
    /// The source's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The source's code, as text, unverified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The code's system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<TermSystem>,
    /// Whether the profile's value map lists these words.
    #[serde(skip_serializing_if = "is_false")]
    pub controlled: bool,
    /// Whether the profile marks the term as one that must not leave on its own.
    #[serde(skip_serializing_if = "is_false")]
    pub sensitive: bool,
    /// Whether the source, not the profile's value map, chose the code.
    #[serde(skip_serializing_if = "is_false")]
    pub selected: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
pub(super) const fn is_false(value: &bool) -> bool {
    !*value
}

impl Term {
    /// A term of words alone.
    #[must_use]
    pub fn words(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..Self::default() }
    }
}

/// Redacted: a term is about a person.
impl fmt::Debug for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.code.is_some() { "Term(coded, …)" } else { "Term(…)" })
    }
}
