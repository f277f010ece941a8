//! [`OdsCode`]: an organisation's code in the NHS Organisation Data Service.
//!
//! Shape only: 3 to 12 capital letters and digits (lower case is folded, as ODS codes have no case). Whether
//! the organisation exists is not known here. Next: [`super::postcode`].

use std::fmt;

use serde::Serialize;

use super::issue::IssueCode;

/// An ODS code of the right shape.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct OdsCode(String);

impl OdsCode {
    /// The identifier system of ODS organisation codes in UK Core.
    pub const SYSTEM: &'static str = "https://fhir.nhs.uk/Id/ods-organization-code";

    /// Parses a code, removing spaces around it and folding it to capitals.
    ///
    /// # Errors
    /// [`IssueCode::OdsCodeFormat`] when the shape is wrong.
    pub fn parse(text: &str) -> Result<Self, IssueCode> {
        let text = text.trim_matches(' ');
        if (3..=12).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric()) {
            Ok(Self(text.to_ascii_uppercase()))
        } else {
            Err(IssueCode::OdsCodeFormat)
        }
    }

    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a value looks like a GP practice's code (a letter and five digits): used to draft profiles.
    #[must_use]
    pub fn looks_like_practice(text: &str) -> bool {
        let mut bytes = text.bytes();
        text.len() == 6
            && bytes.next().is_some_and(|b| b.is_ascii_uppercase())
            && bytes.all(|b| b.is_ascii_digit())
    }
}

impl fmt::Debug for OdsCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OdsCode({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shape_decides() {
        assert_eq!(OdsCode::parse(" m85063 ").unwrap().as_str(), "M85063");
        for bad in ["", "M8", "M85 063", "M85063-1", "ÄBC", "ABCDEFGHIJKLM"] {
            assert_eq!(OdsCode::parse(bad), Err(IssueCode::OdsCodeFormat), "{bad}");
        }
        assert!(OdsCode::looks_like_practice("M85063"));
        assert!(!OdsCode::looks_like_practice("85063M"));
    }
}
