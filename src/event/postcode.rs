//! [`Postcode`]: a UK postcode in its printed form, one space before the last three characters.
//!
//! Shape only (source: the general form of British Standard BS 7666 as published by the Office for National
//! Statistics postcode directory guide): an outward code of 2–4 characters that starts with a letter, and an
//! inward code of a digit and two letters. Next: [`super::when`].

use std::fmt;

use serde::Serialize;

use super::issue::IssueCode;

/// A UK postcode.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Postcode(String);

impl Postcode {
    /// Parses a postcode with or without its space, in either case.
    ///
    /// # Errors
    /// [`IssueCode::PostcodeFormat`] when the shape is wrong.
    pub fn parse(text: &str) -> Result<Self, IssueCode> {
        let mut code: String = text.chars().filter(|c| *c != ' ').collect();
        code.make_ascii_uppercase();
        if !code.is_ascii() || !(5..=7).contains(&code.len()) {
            return Err(IssueCode::PostcodeFormat);
        }
        let (outward, inward) = code.split_at(code.len() - 3);
        let mut inward_bytes = inward.bytes();
        let inward_fits = inward_bytes.next().is_some_and(|b| b.is_ascii_digit())
            && inward_bytes.all(|b| b.is_ascii_uppercase());
        let outward_fits = outward.bytes().next().is_some_and(|b| b.is_ascii_uppercase())
            && outward.bytes().any(|b| b.is_ascii_digit())
            && outward.bytes().all(|b| b.is_ascii_alphanumeric());
        if inward_fits && outward_fits {
            Ok(Self(format!("{outward} {inward}")))
        } else {
            Err(IssueCode::PostcodeFormat)
        }
    }

    /// The printed form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Redacted: a postcode says where a person lives.
impl fmt::Debug for Postcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Postcode(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        for (text, printed) in
            [("zz99 3wz", "ZZ99 3WZ"), ("ZZ993WZ", "ZZ99 3WZ"), ("N1 9ZZ", "N1 9ZZ"), ("W1A0AX", "W1A 0AX")]
        {
            assert_eq!(Postcode::parse(text).unwrap().as_str(), printed);
        }
        for bad in ["", "ZZ99", "12345", "ZZ99 WWW", "ZZ99 3W", "ŻZ99 3WZ", "AAAA 1AA"] {
            assert_eq!(Postcode::parse(bad), Err(IssueCode::PostcodeFormat), "{bad}");
        }
    }
}
