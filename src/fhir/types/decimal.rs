//! [`Decimal`]: a FHIR decimal kept as the text it was written in.
//!
//! What it is: a JSON number that remembers its digits (`3.10` stays `3.10`, because FHIR gives trailing zeros a
//! meaning). What it is not: arithmetic. Invariant: the text is a JSON number. Next: `value.rs`.

use serde::{Serialize, Serializer};

use super::Text;
use crate::fhir::json::Json;
use crate::tree::json::is_number;

/// A decimal as text. Serialised as a bare JSON number.
#[derive(Clone, PartialEq, Eq)]
pub struct Decimal(Text);

impl Decimal {
    /// Takes the text of a JSON number; `None` when it is not one (`1.`, `+1`, `01`, `1e`, `NaN`).
    #[must_use]
    pub fn parse(text: impl Into<Text>) -> Option<Self> {
        let text = text.into();
        is_number(text.as_bytes()).then_some(Self(text))
    }

    /// The text, digit for digit.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Decimal {
    fn default() -> Self {
        Self("0".into())
    }
}

impl From<i32> for Decimal {
    fn from(value: i32) -> Self {
        Self(value.to_string().into())
    }
}

impl std::fmt::Debug for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Decimal")
    }
}

impl Json for Decimal {
    #[inline]
    fn value(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0.as_bytes());
    }
}

impl Serialize for Decimal {
    /// Through serde_json's raw value: the digits pass unchanged whether or not `arbitrary_precision` is on.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::value::RawValue::from_string(self.0.to_string())
            .map_err(|_| serde::ser::Error::custom("not a JSON number"))?
            .serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_json_numbers_and_digit_for_digit() {
        for good in ["0", "-0", "3.10", "1.0e-10", "100", "0.00", "-12.5E+3", "1659111000000107"] {
            let decimal = Decimal::parse(good).unwrap();
            assert_eq!(serde_json::to_string(&decimal).unwrap(), good);
            assert_eq!(crate::fhir::json::to_vec(&decimal), good.as_bytes());
        }
        for bad in ["", "-", "+1", "01", "1.", ".5", "1e", "1e+", "NaN", "1 ", "0x1", "1.2.3", "--1", "1e5.2"]
        {
            assert!(Decimal::parse(bad).is_none(), "{bad}");
        }
    }
}
