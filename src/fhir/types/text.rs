//! [`Text`]: all text in FHIR types: fixed, owned, or shared.
//!
//! What it is: a string that cannot change. Constants (systems, codes, profile URLs) cost no allocation, and what a
//! referral repeats in every resource (its person, its source's systems) is shared rather than copied. What it is
//! not: a place for a single use to be shared: that is [`Text::Owned`]. Invariant: the three are equal when they read the
//! same. Next: `decimal.rs`.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// Text that cannot change.
#[derive(Clone)]
pub enum Text {
    /// A constant.
    Fixed(&'static str),
    /// Text that is used once; a clone copies it.
    Owned(String),
    /// Text that many resources say; a clone is a count.
    Shared(Arc<str>),
}

impl Text {
    /// Text that will be cloned.
    #[must_use]
    pub fn shared(text: &str) -> Self {
        Self::Shared(text.into())
    }
}

impl Deref for Text {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        match self {
            Self::Fixed(text) => text,
            Self::Owned(text) => text,
            Self::Shared(text) => text,
        }
    }
}

impl Default for Text {
    fn default() -> Self {
        Self::Fixed("")
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Text {}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        **self == **other
    }
}

impl From<&'static str> for Text {
    fn from(text: &'static str) -> Self {
        Self::Fixed(text)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::Owned(text)
    }
}

/// Without the text, which may be a person's.
impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Text")
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_when_they_read_the_same() {
        let all = [Text::from("a"), Text::from("a".to_owned()), Text::shared("a")];
        assert!(all.iter().all(|one| all.iter().all(|other| one == other && *other == "a")));
        assert_ne!(Text::from("b"), all[2]);
        assert_eq!(format!("{all:?}"), "[Text, Text, Text]");
    }
}
