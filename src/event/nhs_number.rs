//! [`NhsNumber`]: ten digits that identify a person in England, Wales and the Isle of Man.
//!
//! Parse-only. Spaces and hyphens of the printed form are removed; any other character is refused, so are
//! full-width and Arabic digits (they are not ASCII), a wrong Modulus 11 check digit, one digit repeated
//! ten times (which passes the check), and the ranges that Scotland (CHI) and Northern Ireland (Health and
//! Care) use in the same shape: those are local identifiers. Invariant: a value of this type has passed
//! [`NhsNumber::parse`], or failed only its check digit and came through [`NhsNumber::parse_unchecked_digit`].
//! Source of the check: NHS Data Dictionary, NHS NUMBER. Next: [`super::ods_code`].

use std::fmt;

use serde::{Serialize, Serializer};

use super::issue::IssueCode;

/// An NHS number: ten ASCII digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NhsNumber([u8; 10]);

/// First number that is not a CHI (0101000000–3112999999) or Health and Care (3200000001–3999999999) one.
const FIRST_ENGLAND: u64 = 4_000_000_000;
/// First number of the range set aside for tests.
const FIRST_TEST: u64 = 9_990_000_000;

impl NhsNumber {
    /// The identifier system of NHS numbers in UK Core.
    pub const SYSTEM: &'static str = "https://fhir.nhs.uk/Id/nhs-number";

    /// Parses the printed or the plain form.
    ///
    /// # Errors
    /// The issue code that says which rule failed.
    pub fn parse(text: &str) -> Result<Self, IssueCode> {
        let number = Self::digits(text)?;
        if number.check_digit_is_right() { Ok(number) } else { Err(IssueCode::NhsNumberCheckDigit) }
    }

    /// Parses like [`Self::parse`] but lets a wrong check digit pass: only for `nhs_number = "warn"`, which
    /// exists because published examples hold numbers that fail. The caller reports the warning.
    ///
    /// # Errors
    /// The issue code of any other rule that failed.
    pub fn parse_unchecked_digit(text: &str) -> Result<Self, IssueCode> {
        Self::digits(text)
    }

    fn digits(text: &str) -> Result<Self, IssueCode> {
        let mut digits = [0u8; 10];
        let mut slots = digits.iter_mut();
        for byte in text.trim_matches(' ').bytes().filter(|b| !matches!(b, b' ' | b'-')) {
            match slots.next() {
                Some(slot) if byte.is_ascii_digit() => *slot = byte,
                _ => return Err(IssueCode::NhsNumberFormat),
            }
        }
        if slots.next().is_some() {
            return Err(IssueCode::NhsNumberFormat);
        }
        let number = Self(digits);
        if digits.iter().all(|d| *d == b'0') || digits.windows(2).all(|w| matches!(w, [a, b] if a == b)) {
            Err(IssueCode::NhsNumberRepeated)
        } else if number.value() < FIRST_ENGLAND {
            Err(IssueCode::NhsNumberNotEngland)
        } else {
            Ok(number)
        }
    }

    /// Whether the tenth digit is the Modulus 11 check digit of the first nine (weights 10 to 2).
    #[must_use]
    pub fn check_digit_is_right(&self) -> bool {
        modulus_11_is_right(&self.0)
    }

    fn value(self) -> u64 {
        self.0.iter().fold(0, |n, d| n * 10 + u64::from(d - b'0'))
    }

    /// Whether it is in the range 999 000 0000 to 999 999 9999, which is never given to a person.
    #[must_use]
    pub fn is_test(&self) -> bool {
        self.value() >= FIRST_TEST
    }

    /// The ten digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Whether a text would pass the NHS number check once spaces and hyphens are gone. Case numbers that do are
/// replaced by a keyed hash, whatever country's number they are.
#[must_use]
pub fn passes_modulus_11(text: &str) -> bool {
    let mut digits = [0u8; 10];
    let mut slots = digits.iter_mut();
    for byte in text.bytes().filter(|b| !matches!(b, b' ' | b'-')) {
        match slots.next() {
            Some(slot) if byte.is_ascii_digit() => *slot = byte,
            _ => return false,
        }
    }
    slots.next().is_none() && modulus_11_is_right(&digits)
}

/// Whether a text of any length holds ten digits, with nothing but spaces and hyphens between them, that pass the NHS number
/// check: of whatever country, and no part of a longer number.
#[must_use]
pub fn holds_nhs_number(text: &str) -> bool {
    let starts = text.char_indices().filter(|(at, letter)| {
        let before = text.get(..*at).and_then(|before| before.chars().next_back());
        letter.is_ascii_digit() && !before.is_some_and(|before| before.is_ascii_digit())
    });
    starts.map(|(at, _)| text.get(at..).unwrap_or_default()).any(begins_with_nhs_number)
}

fn begins_with_nhs_number(text: &str) -> bool {
    let mut digits = [0u8; 10];
    let mut slots = digits.iter_mut();
    let mut letters = text.chars();
    loop {
        match letters.next().map(|letter| (letter, u8::try_from(letter))) {
            Some((letter, Ok(byte))) if letter.is_ascii_digit() => {
                let Some(slot) = slots.next() else { return false };
                *slot = byte;
                if slots.len() == 0 {
                    break;
                }
            }
            Some((letter, _))
                if letter.is_whitespace() || matches!(letter, '-' | '\u{2010}'..='\u{2013}') => {}
            _ => return false,
        }
    }
    !letters.next().is_some_and(|next| next.is_ascii_digit()) && modulus_11_is_right(&digits)
}

fn modulus_11_is_right(digits: &[u8; 10]) -> bool {
    let (check, head) = match digits.split_last() {
        Some((check, head)) => (u32::from(check - b'0'), head),
        None => return false,
    };
    let sum: u32 = head.iter().zip((2..=10).rev()).map(|(d, weight)| u32::from(d - b'0') * weight).sum();
    match 11 - sum % 11 {
        11 => check == 0,
        10 => false,
        expected => check == expected,
    }
}

/// Redacted: an NHS number is never shown by accident.
impl fmt::Debug for NhsNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NhsNumber(…)")
    }
}

impl Serialize for NhsNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn printed_and_plain_forms_are_one_number() {
        let plain = NhsNumber::parse("9990004218").unwrap();
        assert_eq!(NhsNumber::parse("999 000 4218").unwrap(), plain);
        assert_eq!(NhsNumber::parse("999-000-4218").unwrap(), plain);
        assert_eq!(plain.as_str(), "9990004218");
        assert!(plain.is_test());
        assert_eq!(format!("{plain:?}"), "NhsNumber(…)");
    }

    #[test]
    fn each_rule_refuses_with_its_own_code() {
        for (text, code) in [
            ("", IssueCode::NhsNumberFormat),
            ("999000421", IssueCode::NhsNumberFormat),
            ("99900042180", IssueCode::NhsNumberFormat),
            ("999.000.4218", IssueCode::NhsNumberFormat),
            ("９９９０００４２１８", IssueCode::NhsNumberFormat),
            ("٩٩٩٠٠٠٤٢١٨", IssueCode::NhsNumberFormat),
            ("9.990004218E9", IssueCode::NhsNumberFormat),
            ("9990004219", IssueCode::NhsNumberCheckDigit),
            ("3478526985", IssueCode::NhsNumberNotEngland),
            ("4857773456", IssueCode::NhsNumberCheckDigit),
            ("1111111111", IssueCode::NhsNumberRepeated),
            ("0000000000", IssueCode::NhsNumberRepeated),
            ("0101000001", IssueCode::NhsNumberNotEngland),
        ] {
            assert_eq!(NhsNumber::parse(text), Err(code), "{text}");
        }
    }

    #[test]
    fn an_nhs_number_is_found_in_a_sentence() {
        for text in [
            "9990004218",
            "999 000 4218 rang",
            "rang about 999-000-4218.",
            "ref 12 999\u{a0}000\u{a0}4218",
            "999\u{2013}000 4218, 14:30",
            "NHS9990004218x",
        ] {
            assert!(holds_nhs_number(text), "{text}");
        }
        for text in [
            "",
            "patient registered",
            "999 000 4219",
            "99900042180",
            "19990004218",
            "999.000.4218",
            "999 000 421",
            "call 0113 496 0000 on 2026-11-20",
            "é 9990004",
        ] {
            assert!(!holds_nhs_number(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn one_changed_digit_is_always_noticed(head in 400_000_000u64..999_999_999, at in 0usize..10, by in 1u8..10) {
            let sum: u64 = head.to_string().bytes().zip((2..=10u64).rev()).map(|(d, w)| u64::from(d - b'0') * w).sum();
            let check = match 11 - sum % 11 { 11 => 0, c => c };
            prop_assume!(check != 10);
            let right = format!("{head}{check}");
            prop_assume!(NhsNumber::parse(&right).is_ok());
            let mut wrong = right.into_bytes();
            wrong[at] = b'0' + (wrong[at] - b'0' + by) % 10;
            prop_assert!(NhsNumber::parse(&String::from_utf8(wrong).unwrap()).is_err());
        }

        #[test]
        fn nothing_panics(text in "\\PC*") { let _ = NhsNumber::parse(&text); let _ = (passes_modulus_11(&text), holds_nhs_number(&text)); }
    }
}
