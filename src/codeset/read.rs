//! [`ReadV2`] and [`Ctv3`]: codes of the two older NHS code systems.
//!
//! What they are: codes checked for shape. What they are not: proof that the code exists. Invariants: case is
//! kept, because `9N4F.` and `9N4f.` are different codes; dots are part of the code; a Read v2 code always has its
//! two-character term code, `00` (the preferred term) when the source gave none. Next: `load`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A Read v2 code: five characters and the two-character term code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReadV2([u8; 7]);

/// A CTV3 (Read version 3) code: five characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ctv3([u8; 5]);

/// Why a text is not a Read code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadCodeError {
    /// Read v2 has 5 or 7 characters, CTV3 has 5.
    #[error("a Read v2 code has 5 or 7 characters, a CTV3 code has 5")]
    Length,
    /// Something other than letters, digits and the dots that fill a code up at its end.
    #[error("a Read code has letters and digits, then dots that fill it to five characters")]
    Characters,
    /// The term code of Read v2 is not two letters or digits.
    #[error("the two-character term code of a Read v2 code has letters or digits only")]
    TermCode,
}

/// Letters and digits, then dots only, at least one character before the dots.
fn is_key(key: &[u8]) -> bool {
    let filled = key.iter().take_while(|c| c.is_ascii_alphanumeric()).count();
    filled > 0 && key.iter().skip(filled).all(|c| *c == b'.')
}

impl ReadV2 {
    /// Parses 5 characters (term code `00` implied) or 7, nothing around them.
    ///
    /// # Errors
    /// The first thing wrong with the shape.
    pub fn parse(text: &str) -> Result<Self, ReadCodeError> {
        let bytes: [u8; 7] = match text.len() {
            5 => {
                let mut bytes = *b".....00";
                for (place, given) in bytes.iter_mut().zip(text.bytes()) {
                    *place = given;
                }
                bytes
            }
            7 => text.as_bytes().try_into().map_err(|_| ReadCodeError::Length)?,
            _ => return Err(ReadCodeError::Length),
        };
        let [a, b, c, d, e, f, g] = bytes;
        if !is_key(&[a, b, c, d, e]) {
            return Err(ReadCodeError::Characters);
        }
        if !(f.is_ascii_alphanumeric() && g.is_ascii_alphanumeric()) {
            return Err(ReadCodeError::TermCode);
        }
        Ok(Self(bytes))
    }

    /// All seven characters, the form sent in FHIR (`8T09.00`).
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only ASCII gets past `parse`.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// True for term code `00`: the code's preferred term.
    #[must_use]
    pub const fn is_preferred_term(&self) -> bool {
        matches!(self.0, [.., b'0', b'0'])
    }
}

impl Ctv3 {
    /// Parses 5 characters, nothing around them.
    ///
    /// # Errors
    /// The first thing wrong with the shape.
    pub fn parse(text: &str) -> Result<Self, ReadCodeError> {
        let bytes: [u8; 5] = text.as_bytes().try_into().map_err(|_| ReadCodeError::Length)?;
        if is_key(&bytes) { Ok(Self(bytes)) } else { Err(ReadCodeError::Characters) }
    }

    /// The five characters, the form sent in FHIR (`XaaEC`).
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Parse, print and serialise as text; the same for both kinds of code.
macro_rules! as_text {
    ($name:ident) => {
        impl FromStr for $name {
            type Err = ReadCodeError;
            fn from_str(text: &str) -> Result<Self, ReadCodeError> {
                Self::parse(text)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.as_str())
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}
as_text!(ReadV2);
as_text!(Ctv3);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_characters_imply_term_code_00() {
        let code = ReadV2::parse("8T09.").unwrap();
        assert_eq!(code.as_str(), "8T09.00");
        assert_eq!(code, ReadV2::parse("8T09.00").unwrap());
        assert!(code.is_preferred_term());
        assert_ne!(code, ReadV2::parse("8T09.11").unwrap());
        assert_eq!(ReadV2::parse("8HHq000").unwrap().as_str(), "8HHq000");
    }

    #[test]
    fn case_and_dots_are_part_of_the_code() {
        assert_ne!(ReadV2::parse("9N4F.").unwrap(), ReadV2::parse("9N4f.").unwrap());
        assert_ne!(Ctv3::parse("Xa1kG").unwrap(), Ctv3::parse("Xa1kg").unwrap());
        assert_eq!(ReadV2::parse("8T09"), Err(ReadCodeError::Length));
        assert_eq!(Ctv3::parse("13G4.").unwrap().as_str(), "13G4.");
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, error) in [
            ("", ReadCodeError::Length),
            ("8T09.0", ReadCodeError::Length),
            ("8.09.", ReadCodeError::Characters),
            (".....", ReadCodeError::Characters),
            ("8T0 .", ReadCodeError::Characters),
            ("8T0é", ReadCodeError::Characters),
            ("8T09...", ReadCodeError::TermCode),
        ] {
            assert_eq!(ReadV2::parse(text), Err(error), "{text}");
        }
        assert_eq!(Ctv3::parse("XaaEC00"), Err(ReadCodeError::Length));
        assert_eq!(Ctv3::parse("Xa-EC"), Err(ReadCodeError::Characters));
    }
}
