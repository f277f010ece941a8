//! Codes that a spreadsheet has rewritten as numbers.
//!
//! What it is: from a damaged text to the identifiers it may have been. What it is not: repair; the caller
//! decides, and only with exactly one candidate. Invariant: a candidate is always an identifier of the list given.
//!
//! Spreadsheets keep 15 significant digits: typed or imported numbers lose the rest to zeros (cut), other programs
//! round half up (`1659111000000107` becomes `…100`), and the usual cell format prints `1.65911E+15`. Thousands
//! separators and a decimal part of zeros come with number formats.

use super::sctid::SctId;

/// A text read as a number a spreadsheet may have printed for an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Printed {
    /// The number as printed, without exponent.
    value: u64,
    /// How many significant digits were printed.
    digits: u32,
    /// Printed with an exponent: rounded, never cut.
    exponent: bool,
}

/// Significant digits a spreadsheet keeps.
const KEPT: u32 = 15;

impl Printed {
    /// Reads the text; `None` when no spreadsheet prints a number like that.
    pub(crate) fn read(text: &str) -> Option<Self> {
        // A leading apostrophe is the spreadsheet's own mark for "this is text".
        let text = text.trim().trim_start_matches('\'');
        if let Some((mantissa, exponent)) = text.split_once(['e', 'E']) {
            return Self::read_exponent(mantissa, exponent);
        }
        let whole = match text.rsplit_once(['.', ',']) {
            // A decimal part of nothing but zeros; three of them after a comma may as well be a thousand.
            Some((whole, zeros))
                if zeros.len() != 3 && !zeros.is_empty() && zeros.bytes().all(|b| b == b'0') =>
            {
                whole
            }
            _ => text,
        };
        let value = ungroup(whole)?;
        Some(Self { value, digits: length(value).min(KEPT), exponent: false })
    }

    fn read_exponent(mantissa: &str, exponent: &str) -> Option<Self> {
        let power: u32 = exponent.strip_prefix('+').unwrap_or(exponent).parse().ok()?;
        let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, ""));
        let one_digit = matches!(whole.as_bytes(), [b'1'..=b'9']);
        if !one_digit || fraction.len() > 17 || !fraction.bytes().all(|b| b.is_ascii_digit()) || power > 17 {
            return None;
        }
        // Trailing zeros beyond the exponent say nothing and would make it a fraction.
        let places = fraction.len().min(usize::try_from(power).ok()?);
        let (kept, beyond) = fraction.split_at_checked(places)?;
        if beyond.bytes().any(|b| b != b'0') {
            return None;
        }
        let digits = 1 + u32::try_from(places).ok()?;
        let value: u64 = format!("{whole}{kept}").parse().ok()?;
        let value = value.checked_mul(10u64.checked_pow(power + 1 - digits)?)?;
        Some(Self { value, digits, exponent: true })
    }

    /// Is this what is left of `id`?
    fn is_left_of(self, id: u64) -> bool {
        if id == self.value {
            return true;
        }
        let lost = length(id).saturating_sub(self.digits);
        let Some(unit) = 10u64.checked_pow(lost) else { return false };
        let rounded = (id + unit / 2) / unit * unit;
        let cut = id / unit * unit;
        lost > 0 && (rounded == self.value || (!self.exponent && cut == self.value))
    }

    /// The identifiers of `sorted` (ascending) that a spreadsheet would have printed like this.
    pub(crate) fn candidates(self, sorted: &[SctId]) -> impl Iterator<Item = SctId> + '_ {
        // Nothing further away than one unit of the last printed digit can have been rounded to it.
        let unit = 10u64.saturating_pow(length(self.value).saturating_sub(self.digits));
        let from = self.value.saturating_sub(unit);
        let to = self.value.saturating_add(unit);
        let start = sorted.partition_point(|id| id.get() < from);
        sorted
            .iter()
            .skip(start)
            .take_while(move |id| id.get() <= to)
            .filter(move |id| self.is_left_of(id.get()))
            .copied()
    }
}

/// Number of decimal digits.
const fn length(value: u64) -> u32 {
    match value.checked_ilog10() {
        Some(log) => log + 1,
        None => 1,
    }
}

/// Digits, with or without thousands separators: `1659111000000100`, `1,659,111,000,000,100`.
fn ungroup(text: &str) -> Option<u64> {
    let is_separator =
        |c: char| matches!(c, ',' | '.' | '\'' | '\u{2019}' | ' ' | '\u{a0}' | '\u{2009}' | '\u{202f}');
    let mut value = 0u64;
    for (n, part) in text.split(is_separator).enumerate() {
        let whole_text = part.len() == text.len();
        let fits = whole_text || part.len() == 3 || (n == 0 && matches!(part.len(), 1..=2));
        if !fits || part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let scale = 10u64.checked_pow(u32::try_from(part.len()).ok()?)?;
        value = value.checked_mul(scale)?.checked_add(part.parse().ok()?)?;
    }
    (value > 0 && !text.starts_with('0') && length(value) <= 18).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(text: &str) -> Vec<u64> {
        let mut known: Vec<SctId> = [
            "267076002",
            "871731000000106",
            "871711000000103",
            "1659111000000107",
            "1364141000000107",
            "1065391000000104",
            "999007691000230101",
        ]
        .iter()
        .map(|text| SctId::parse(text).unwrap())
        .collect();
        known.sort();
        Printed::read(text)
            .map(|printed| printed.candidates(&known).map(SctId::get).collect())
            .unwrap_or_default()
    }

    #[test]
    fn what_spreadsheets_print_leads_back() {
        assert_eq!(ids("1659111000000100"), [1_659_111_000_000_107]); // cut
        assert_eq!(ids("1659111000000110"), [1_659_111_000_000_107]); // rounded
        assert_eq!(ids("1.65911E+15"), [1_659_111_000_000_107]);
        assert_eq!(ids("1,65911E+15"), [1_659_111_000_000_107]);
        assert_eq!(ids("1.65911e15"), [1_659_111_000_000_107]);
        assert_eq!(ids("8.71731E+14"), [871_731_000_000_106]);
        assert_eq!(ids("1.06539E+15"), [1_065_391_000_000_104]);
        assert_eq!(ids("8.717E+14"), [871_711_000_000_103, 871_731_000_000_106]);
        assert_eq!(ids("1,659,111,000,000,100"), [1_659_111_000_000_107]);
        assert_eq!(ids("1 659 111 000 000 100"), [1_659_111_000_000_107]);
        assert_eq!(ids("871,731,000,000,106"), [871_731_000_000_106]);
        assert_eq!(ids("871731000000106.0"), [871_731_000_000_106]);
        assert_eq!(ids("871,731,000,000,106.00"), [871_731_000_000_106]);
        assert_eq!(ids("999007691000230000"), [999_007_691_000_230_101]);
        assert_eq!(ids("9.99008E+17"), [999_007_691_000_230_101]);
        assert_eq!(ids("2.67076002E+08"), [267_076_002]);
        assert_eq!(ids("'267076002"), [267_076_002]);
    }

    #[test]
    fn what_they_do_not_print_leads_nowhere() {
        for text in [
            "267076000",        // nine digits survive
            "871731000000100",  // so do fifteen
            "1659111000000200", // another number
            "1.65912E+15",
            "1.65911E-15",
            "1.65911E+99",
            "16.5911E+14",
            "1,65,9111000000100",
            "0267076002",
            "lonely",
            "",
            "E+15",
            "1.2.3E+15",
            "99999999999999999999999",
        ] {
            assert!(ids(text).is_empty(), "{text}");
        }
    }
}
