//! [`Reading`]: how one raw value becomes a checked one, or an issue.
//!
//! Text is trimmed and free of control characters, dates are real ones, words are of their list. An empty value is
//! no value and no issue; a wrong one is reported at its place and gives nothing. What this is not: it knows no
//! fields; that is `set`, the next file to read, which calls it once per value.

use std::borrow::Cow;

use jiff::tz::TimeZone;

use super::blank::{is_invisible, is_plain, trim};
use super::build::{MAX_ID, MAX_TEXT, NhsNumberRule, Place, Places, Raw};
use super::date_format::DateFormat;
use super::detail::ScoreValue;
use super::issue::{Issue, IssueCode, kind_of};
use super::nhs_number::NhsNumber;
use super::term::Term;
use super::when::When;

/// How values are read.
pub struct Reading<'a> {
    /// The zone of local times.
    pub zone: &'a TimeZone,
    /// How strict to be with NHS numbers.
    pub nhs_number: NhsNumberRule,
    /// Turns places into positions.
    pub places: &'a dyn Places,
    /// Everything found so far.
    pub issues: &'a mut Vec<Issue>,
}

impl Reading<'_> {
    /// Reports an issue at a place.
    pub fn report(&mut self, code: IssueCode, place: Place, found: impl Into<Cow<'static, str>>) {
        self.issues.push(Issue::new(code, self.places.position(place), found));
    }

    /// Reads text: trimmed, without control characters other than line breaks and tabs, not too long.
    /// Empty text is no value.
    pub(super) fn text(&mut self, raw: Raw<'_>, place: Place, limit: usize) -> Option<String> {
        self.checked(raw, place, limit).map(Cow::into_owned)
    }

    /// The same, not yet a copy: for what is read on.
    fn checked<'r>(&mut self, raw: Raw<'r>, place: Place, limit: usize) -> Option<Cow<'r, str>> {
        let text = match raw {
            Raw::Text(text) => text,
            Raw::Number(_) => {
                return self
                    .wrong_shape(place, "a number; write it as a text string, between quotation marks");
            }
            Raw::Bool(_) => return self.wrong_shape(place, "true or false where text belongs"),
            Raw::Term(Term { text: Some(text), code: None, .. }) => Cow::Owned(text),
            Raw::Term(_) => return self.wrong_shape(place, "a coded term where text belongs"),
        };
        let trimmed = trim(&text);
        if trimmed.is_empty() {
            return None;
        }
        if trimmed.len() > limit {
            self.report(
                IssueCode::TextTooLong,
                place,
                format!("{} bytes; the limit is {limit}", trimmed.len()),
            );
            return None;
        }
        // U+FFFE and U+FFFF have no place in XML, so a resource that held one could not be written as XML.
        let has_no_place = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        if !is_plain(trimmed) && (trimmed.chars().any(has_no_place) || !crate::tree::xml::is_text(trimmed)) {
            self.report(IssueCode::NulCharacter, place, kind_of(trimmed));
            return None;
        }
        let blanks = trimmed.len() != text.len();
        Some(match text {
            Cow::Borrowed(text) if blanks => Cow::Borrowed(trim(text)),
            Cow::Owned(text) if blanks => Cow::Owned(trim(&text).to_owned()),
            text => text,
        })
    }

    pub(super) fn id(&mut self, raw: Raw<'_>, place: Place) -> Option<String> {
        let id = self.text(raw, place, MAX_ID)?;
        // Two identifiers that look the same are one: the other has come with a joined file or a copied cell.
        if !is_plain(&id) && id.chars().any(|c| c.is_control() || is_invisible(c)) {
            self.report(IssueCode::NulCharacter, place, kind_of(&id));
            return None;
        }
        Some(id)
    }

    fn wrong_shape<T>(&mut self, place: Place, found: &'static str) -> Option<T> {
        self.report(IssueCode::WrongShape, place, found);
        None
    }

    pub(super) fn parse<T>(
        &mut self,
        raw: Raw<'_>,
        place: Place,
        parse: impl Fn(&str) -> Result<T, IssueCode>,
    ) -> Option<T> {
        let text = self.checked(raw, place, MAX_TEXT)?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(code) => {
                self.report(code, place, kind_of(&text));
                None
            }
        }
    }

    pub(super) fn word<T>(
        &mut self,
        raw: Raw<'_>,
        place: Place,
        words: &[&str],
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.checked(raw, place, MAX_TEXT)?;
        let value = parse(&text);
        if value.is_none() {
            self.report(
                IssueCode::ValueNotListed,
                place,
                format!("{}; listed: {}", kind_of(&text), words.join(", ")),
            );
        }
        value
    }

    pub(super) fn term(&mut self, raw: Raw<'_>, place: Place) -> Option<Term> {
        match raw {
            Raw::Term(mut term) => {
                if let Some(text) = term.text.take() {
                    term.text = self.text(Raw::Text(Cow::Owned(text)), place, MAX_TEXT);
                }
                (term.text.is_some() || term.code.is_some()).then_some(term)
            }
            other => self.text(other, place, MAX_TEXT).map(Term::words),
        }
    }

    pub(super) fn boolean(&mut self, raw: Raw<'_>, place: Place) -> Option<bool> {
        match raw {
            Raw::Bool(value) => Some(value),
            other => self.word(other, place, &["true", "false"], |text| match text {
                "true" | "TRUE" => Some(true),
                "false" | "FALSE" => Some(false),
                _ => None,
            }),
        }
    }

    pub(super) fn integer<T: std::str::FromStr>(&mut self, raw: Raw<'_>, place: Place) -> Option<T> {
        let raw = match raw {
            Raw::Number(text) => Raw::Text(text),
            other => other,
        };
        self.parse(raw, place, |text| {
            let plain = text.bytes().all(|b| b.is_ascii_digit());
            text.parse().ok().filter(|_| plain).ok_or(IssueCode::NumberFormat)
        })
    }

    pub(super) fn scalar(&mut self, raw: Raw<'_>, place: Place) -> Option<ScoreValue> {
        let text = match raw {
            Raw::Number(text) => text.into_owned(),
            other => self.text(other, place, MAX_TEXT)?,
        };
        Some(score_value(text))
    }

    /// Reads a date, in a stated format or in FHIR's own.
    pub fn date(&mut self, raw: Raw<'_>, place: Place, format: Option<&DateFormat>) -> Option<When> {
        let text = self.checked(raw, place, MAX_TEXT)?;
        let read = match format {
            Some(format) => format.read(&text, self.zone),
            None if text.contains('/') => Err(IssueCode::DateAmbiguous),
            None => When::parse_iso(&text, self.zone),
        };
        match read {
            Ok((when, repeated)) => {
                if repeated {
                    self.report(IssueCode::DateRepeatedHour, place, "a local time that occurs twice");
                }
                Some(when)
            }
            Err(code) => {
                self.report(code, place, kind_of(&text));
                None
            }
        }
    }

    pub(super) fn nhs_number(&mut self, raw: Raw<'_>, place: Place) -> Option<NhsNumber> {
        let text = self.checked(raw, place, MAX_TEXT)?;
        match NhsNumber::parse(&text) {
            Ok(number) => Some(number),
            Err(IssueCode::NhsNumberCheckDigit) if self.nhs_number == NhsNumberRule::Warn => {
                let at = self.places.position(place);
                self.issues.push(Issue::new(IssueCode::NhsNumberCheckDigit, at, kind_of(&text)).softened());
                NhsNumber::parse_unchecked_digit(&text).ok()
            }
            Err(code) => {
                self.report(code, place, kind_of(&text));
                None
            }
        }
    }
}

/// A number stays as it was written; a whole number that fits 32 bits is an integer; all else is text.
fn score_value(text: String) -> ScoreValue {
    let digits = text.strip_prefix('-').unwrap_or(&text);
    let plain_integer = !digits.is_empty()
        && digits.bytes().all(|b| b.is_ascii_digit())
        && (digits == "0" || !digits.starts_with('0'));
    if plain_integer && let Ok(integer) = text.parse() {
        return ScoreValue::Integer(integer);
    }
    let decimal = digits.split_once('.').is_some_and(|(whole, part)| {
        !whole.is_empty()
            && !part.is_empty()
            && whole.len() + part.len() <= 18
            && (whole == "0" || !whole.starts_with('0'))
            && whole.bytes().chain(part.bytes()).all(|b| b.is_ascii_digit())
    });
    if decimal { ScoreValue::Decimal(text) } else { ScoreValue::Text(text) }
}

/// An absolute URI: a scheme, a colon, and no spaces or control characters. A trailing slash is removed.
///
/// # Errors
/// [`IssueCode::UriFormat`].
pub fn parse_uri(text: &str) -> Result<String, IssueCode> {
    let (scheme, rest) = text.split_once(':').ok_or(IssueCode::UriFormat)?;
    let scheme_fits = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    let rest = rest.trim_end_matches('/');
    let rest_fits = !rest.is_empty()
        && rest.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"|\"<>".contains(c));
    if scheme_fits && rest_fits { Ok(format!("{scheme}:{rest}")) } else { Err(IssueCode::UriFormat) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_keep_their_digits() {
        for (written, value) in [
            ("7", ScoreValue::Integer(7)),
            ("-3", ScoreValue::Integer(-3)),
            ("3.10", ScoreValue::Decimal("3.10".into())),
            ("07", ScoreValue::Text("07".into())),
            ("4294967296", ScoreValue::Text("4294967296".into())),
            ("1e5", ScoreValue::Text("1e5".into())),
            (".5", ScoreValue::Text(".5".into())),
            ("much better", ScoreValue::Text("much better".into())),
        ] {
            assert!(score_value(written.to_owned()) == value, "{written}");
        }
    }

    #[test]
    fn uris_lose_their_trailing_slash_and_must_be_absolute() {
        assert_eq!(parse_uri("https://a.example/x/").as_deref(), Ok("https://a.example/x"));
        for bad in ["", "a.example", "https:", "https://", "https://a b", "1x://a", "https://a|b"] {
            assert!(parse_uri(bad).is_err(), "{bad}");
        }
    }
}
