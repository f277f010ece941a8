//! The written forms of R4's primitive datatypes (<http://hl7.org/fhir/R4/datatypes.html#primitive>).
//!
//! What it is: one check per datatype, without regular expressions. What it is not: terminology. Invariant: text that
//! passes can be written as JSON and as XML. Next: `check.rs`.

use crate::tree::Node;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Primitive {
    Boolean,
    Integer,
    UnsignedInt,
    PositiveInt,
    Decimal,
    Text,
    Code,
    Id,
    Uri,
    Oid,
    Uuid,
    Date,
    DateTime,
    Instant,
    Time,
    Base64,
}

impl Primitive {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "boolean" => Self::Boolean,
            "integer" => Self::Integer,
            "unsignedInt" => Self::UnsignedInt,
            "positiveInt" => Self::PositiveInt,
            "decimal" => Self::Decimal,
            "string" | "markdown" => Self::Text,
            "code" => Self::Code,
            "id" => Self::Id,
            "uri" | "url" | "canonical" => Self::Uri,
            "oid" => Self::Oid,
            "uuid" => Self::Uuid,
            "date" => Self::Date,
            "dateTime" => Self::DateTime,
            "instant" => Self::Instant,
            "time" => Self::Time,
            "base64Binary" => Self::Base64,
            _ => return None,
        })
    }

    /// The JSON form of an attribute's text. Text of the wrong form becomes a string, which the check refuses.
    pub(super) fn node(self, text: &str) -> Node {
        match (self, text) {
            (Self::Boolean, "true") => Node::Bool(true),
            (Self::Boolean, "false") => Node::Bool(false),
            (Self::Integer | Self::UnsignedInt | Self::PositiveInt | Self::Decimal, _)
                if crate::tree::json::is_number(text.as_bytes()) =>
            {
                Node::Number(text.to_owned())
            }
            _ => Node::String(text.to_owned()),
        }
    }

    /// Whether the JSON value has this datatype's form.
    pub(super) fn allows(self, node: &Node) -> bool {
        match (self, node) {
            (Self::Boolean, Node::Bool(_)) | (Self::Decimal, Node::Number(_)) => true,
            (Self::Integer, Node::Number(text)) => text.parse::<i32>().is_ok(),
            (Self::UnsignedInt, Node::Number(text)) => text.parse::<i32>().is_ok_and(|n| n >= 0),
            (Self::PositiveInt, Node::Number(text)) => text.parse::<i32>().is_ok_and(|n| n >= 1),
            (_, Node::String(text)) => self.allows_text(text),
            _ => false,
        }
    }

    fn allows_text(self, text: &str) -> bool {
        if text.is_empty() {
            return false;
        }
        match self {
            Self::Boolean | Self::Integer | Self::UnsignedInt | Self::PositiveInt | Self::Decimal => false,
            Self::Text => crate::tree::xml::is_text(text),
            Self::Code => {
                crate::tree::xml::is_text(text)
                    && text.split(char::is_whitespace).all(|word| !word.is_empty())
            }
            Self::Id => {
                text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
            }
            Self::Uri => crate::tree::xml::is_text(text) && !text.contains(char::is_whitespace),
            Self::Oid => text.strip_prefix("urn:oid:").is_some_and(|oid| {
                oid.starts_with(['0', '1', '2'])
                    && oid.contains('.')
                    && oid.split('.').all(|arc| {
                        !arc.is_empty()
                            && arc.bytes().all(|b| b.is_ascii_digit())
                            && (arc == "0" || !arc.starts_with('0'))
                    })
            }),
            Self::Uuid => text.strip_prefix("urn:uuid:").is_some_and(|uuid| {
                let groups: Vec<usize> = uuid.split('-').map(str::len).collect();
                groups == [8, 4, 4, 4, 12] && uuid.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
            }),
            Self::Date => is_date(text),
            Self::DateTime => is_date(text) || is_instant(text),
            Self::Instant => is_instant(text),
            Self::Time => is_time(text),
            Self::Base64 => {
                let plain = |b: &u8| !b" \t\r\n".contains(b);
                let data = text.trim_end_matches(['=', ' ', '\t', '\r', '\n']);
                text.bytes().filter(plain).count() % 4 == 0
                    && text.bytes().filter(|&b| b == b'=').count() <= 2
                    && data.bytes().filter(plain).all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/')
            }
        }
    }
}

/// Exactly `width` digits, as a number.
fn number(text: Option<&str>, width: usize) -> Option<u32> {
    let text = text?;
    (text.len() == width && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// `YYYY`, `YYYY-MM` or a whole day that the calendar has.
fn is_date(text: &str) -> bool {
    let mut parts = text.split('-');
    let Some(year @ 1..) = number(parts.next(), 4) else { return false };
    let Some(month) = parts.next() else { return true };
    let Some(month @ 1..=12) = number(Some(month), 2) else { return false };
    let Some(day) = parts.next() else { return true };
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    };
    number(Some(day), 2).is_some_and(|day| (1..=days).contains(&day)) && parts.next().is_none()
}

/// A whole day, a time with seconds, and a zone (`Z` or `+hh:mm` up to 14 hours).
fn is_instant(text: &str) -> bool {
    let Some((date, rest)) = text.split_once('T') else { return false };
    let (time, zone) = rest.split_at(rest.find(['Z', '+', '-']).unwrap_or(rest.len()));
    let zone_ok = zone == "Z"
        || zone.strip_prefix(['+', '-']).and_then(|zone| zone.split_once(':')).is_some_and(
            |(hours, minutes)| {
                matches!(
                    (number(Some(hours), 2), number(Some(minutes), 2)),
                    (Some(0..=13), Some(0..=59)) | (Some(14), Some(0))
                )
            },
        );
    date.len() == 10 && is_date(date) && zone_ok && is_time(time)
}

/// `hh:mm:ss` with any fraction; 60 is a leap second.
fn is_time(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let mut parts = whole.split(':');
    matches!(number(parts.next(), 2), Some(0..=23))
        && matches!(number(parts.next(), 2), Some(0..=59))
        && matches!(number(parts.next(), 2), Some(0..=60))
        && parts.next().is_none()
        && !fraction.is_empty()
        && fraction.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(primitive: Primitive, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(primitive.allows(&primitive.node(text)), "{primitive:?} {text:?} refused");
        }
        for text in bad {
            assert!(!primitive.allows(&primitive.node(text)), "{primitive:?} {text:?} taken");
        }
    }

    #[test]
    fn dates_and_times() {
        check(
            Primitive::Date,
            &["2026", "2026-03", "2026-03-04", "2024-02-29", "2000-02-29"],
            &[
                "",
                "31/12/2025",
                "2025-13",
                "2025-13-45",
                "2025-02-29",
                "1900-02-29",
                "0000",
                "2025-3-4",
                "2025-03-04T",
                "2025-03-04-01",
                "2025-",
                "+2025",
            ],
        );
        check(
            Primitive::DateTime,
            &[
                "2026",
                "2026-03-04",
                "2026-03-04T09:30:00Z",
                "2026-03-04T09:30:00.123+01:00",
                "2015-06-30T23:59:60Z",
                "2026-03-04T00:00:00-14:00",
            ],
            &[
                "2026-03-04T09:30:00",
                "2026-03-04T09:30Z",
                "2026-03T09:30:00Z",
                "2026-03-04T24:00:00Z",
                "2026-03-04 09:30:00Z",
                "2026-03-04T09:30:00+15:00",
                "2026-03-04T09:30:00.Z",
                "2026-03-04T09:30:00z",
            ],
        );
        check(Primitive::Instant, &["2026-11-20T12:00:00Z"], &["2026-11-20", "2026-11-20T12:00:00"]);
        check(Primitive::Time, &["09:30:00", "23:59:59.5"], &["09:30", "24:00:00", "9:30:00", "09:30:00Z"]);
    }

    #[test]
    fn numbers_and_booleans() {
        check(Primitive::Integer, &["0", "-5", "2147483647"], &["2147483648", "1.0", "1e3", "+1", "01", "x"]);
        check(Primitive::PositiveInt, &["1"], &["0", "-1"]);
        check(Primitive::UnsignedInt, &["0"], &["-1"]);
        check(Primitive::Decimal, &["3.10", "-1.0e-10", "0"], &["1.", "NaN", "", ".5"]);
        check(Primitive::Boolean, &["true", "false"], &["True", "1", ""]);
        assert!(!Primitive::Decimal.allows(&Node::String("1.0".into())));
        assert!(!Primitive::Text.allows(&Node::Number("1".into())));
    }

    #[test]
    fn words() {
        check(Primitive::Code, &["final", "a b"], &[" a", "a ", "a  b", "a\u{1}", ""]);
        check(Primitive::Id, &["a-B.9"], &["a_b", "a b", "../x", ""]);
        assert!(!Primitive::Id.allows(&Node::String("a".repeat(65))));
        check(Primitive::Uri, &["urn:x", "a"], &["a b", "", "a\n"]);
        check(
            Primitive::Oid,
            &["urn:oid:2.16.840"],
            &["2.16", "urn:oid:3.1", "urn:oid:2", "urn:oid:2.01", "urn:oid:2..1"],
        );
        check(
            Primitive::Uuid,
            &["urn:uuid:5d5ffed6-a68e-5748-90d1-71f7906ab630"],
            &["5d5ffed6-a68e-5748-90d1-71f7906ab630", "urn:uuid:x"],
        );
        check(Primitive::Base64, &["QQ==", "QUJD", "QUJD\nQUI="], &["Q", "QQ=", "Q Q=!", "====", "=QQQ"]);
        check(Primitive::Text, &[" ", "Fôn\r\n"], &["", "\0", "\u{b}", "\u{ffff}"]);
    }
}
