//! [`SctId`]: a SNOMED CT concept identifier.
//!
//! What it is: a number of 6 to 18 digits whose check digit (Verhoeff) and partition say "concept". What it is
//! not: proof that the concept exists or is active; only a codeset can say that. Invariant: there is no way to
//! have one except by parsing. Next: [`super::concept`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A SNOMED CT concept identifier (SCTID), checked for shape.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SctId(u64);

/// Why a text is not a SNOMED CT concept identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SctIdError {
    /// Something other than the digits 0 to 9 is in it.
    #[error("a SNOMED CT identifier has digits only")]
    NotDigits,
    /// Fewer than 6 or more than 18 digits.
    #[error("a SNOMED CT identifier has 6 to 18 digits")]
    Length,
    /// It starts with 0.
    #[error("a SNOMED CT identifier does not start with 0")]
    LeadingZero,
    /// The last digit does not agree with the others (Verhoeff).
    #[error("the check digit is wrong")]
    CheckDigit,
    /// A description, a relationship, or no known kind of component: the partition digits are not 00 or 10.
    #[error("the identifier is not one of a concept")]
    NotAConcept,
}

impl SctId {
    /// Parses the digits, nothing around them.
    ///
    /// # Errors
    /// The first thing wrong with the shape.
    pub fn parse(text: &str) -> Result<Self, SctIdError> {
        let bytes = text.as_bytes();
        if !bytes.iter().all(u8::is_ascii_digit) {
            return Err(SctIdError::NotDigits);
        }
        if !(6..=18).contains(&bytes.len()) {
            return Err(SctIdError::Length);
        }
        if bytes.first() == Some(&b'0') {
            return Err(SctIdError::LeadingZero);
        }
        let value = bytes.iter().fold(0u64, |value, digit| value * 10 + u64::from(digit - b'0'));
        if verhoeff(value) != 0 {
            return Err(SctIdError::CheckDigit);
        }
        // The two digits before the check digit. Format 10 carries a seven-digit namespace before them.
        match value / 10 % 100 {
            0 => Ok(Self(value)),
            10 if bytes.len() >= 11 => Ok(Self(value)),
            _ => Err(SctIdError::NotAConcept),
        }
    }

    /// The identifier as a number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The namespace of the extension that made it (`1000000` for the UK), or `None` for an identifier of the
    /// International Edition.
    #[must_use]
    pub const fn namespace(self) -> Option<u32> {
        if self.0 / 10 % 100 == 10 { Some((self.0 / 1_000 % 10_000_000) as u32) } else { None }
    }
}

/// The Verhoeff sum of a number and its check digit: 0 when they agree.
fn verhoeff(mut number: u64) -> u8 {
    let (mut sum, mut place) = (0u8, 0u32);
    while number > 0 {
        let mut digit = (number % 10) as u8;
        for _ in 0..place % 8 {
            digit = permute(digit);
        }
        sum = dihedral(sum, digit);
        number /= 10;
        place += 1;
    }
    sum
}

/// Verhoeff's permutation of one digit.
const fn permute(digit: u8) -> u8 {
    match digit {
        0 => 1,
        1 => 5,
        2 => 7,
        3 => 6,
        4 => 2,
        5 => 8,
        6 => 3,
        7 => 0,
        8 => 9,
        _ => 4,
    }
}

/// The product of two digits as symmetries of the pentagon (0 to 4 turn it, 5 to 9 flip it).
const fn dihedral(left: u8, right: u8) -> u8 {
    match (left < 5, right < 5) {
        (true, true) => (left + right) % 5,
        (true, false) => (left + right - 5) % 5 + 5,
        (false, true) => (left - right) % 5 + 5,
        (false, false) => (left + 5 - right) % 5,
    }
}

impl FromStr for SctId {
    type Err = SctIdError;
    fn from_str(text: &str) -> Result<Self, SctIdError> {
        Self::parse(text)
    }
}

impl fmt::Display for SctId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for SctId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SctId({})", self.0)
    }
}

impl Serialize for SctId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SctId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_concepts_of_the_international_and_the_uk_edition() {
        for text in ["267076002", "871731000000106", "999007691000230101", "1659111000000107", "32911000"] {
            assert_eq!(SctId::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(SctId::parse("871731000000106").unwrap().namespace(), Some(1_000_000));
        assert_eq!(SctId::parse("267076002").unwrap().namespace(), None);
    }

    #[test]
    fn says_what_is_wrong() {
        let cases = [
            ("871731000000107", SctIdError::CheckDigit),
            ("224165006", SctIdError::CheckDigit), // circulates in public code; 224165005 is the real one
            ("871731000000160", SctIdError::CheckDigit), // two digits swapped
            ("0267076002", SctIdError::LeadingZero),
            ("12345", SctIdError::Length),
            ("", SctIdError::Length),
            ("1234567890123456789", SctIdError::Length),
            ("8.71731E+14", SctIdError::NotDigits),
            (" 267076002", SctIdError::NotDigits),
            ("２67076002", SctIdError::NotDigits),
            ("754365011", SctIdError::NotAConcept), // a description
        ];
        for (text, error) in cases {
            assert_eq!(SctId::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn every_single_wrong_digit_and_every_swap_of_neighbours_is_caught() {
        let text = b"871731000000106";
        for place in 0..text.len() {
            for digit in b'0'..=b'9' {
                let mut wrong = text.to_vec();
                wrong[place] = digit;
                let parsed = SctId::parse(std::str::from_utf8(&wrong).unwrap());
                assert_eq!(parsed.is_ok(), wrong == text, "{place} {digit}");
            }
            if place + 1 < text.len() && text[place] != text[place + 1] {
                let mut swapped = text.to_vec();
                swapped.swap(place, place + 1);
                assert!(SctId::parse(std::str::from_utf8(&swapped).unwrap()).is_err(), "{place}");
            }
        }
    }
}
