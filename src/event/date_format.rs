//! [`DateFormat`]: the form in which a column writes its dates, as a profile states it.
//!
//! Letters `d m y H M S` stand for digits (`dd/mm/yyyy`, `d-mmm-yyyy HH:MM`), `mmm` and `mmmm` for English
//! month names, everything else for itself. `d` and `m` alone take one or two digits. There is no two-digit
//! year. `iso` is `YYYY-MM-DD` with or without a time, and is understood in every column, because it cannot
//! be misread. Next: [`super::kinds`].

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use super::issue::IssueCode;
use super::when::When;

/// A compiled date format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DateFormat {
    parts: Vec<Part>,
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Day,
    Month,
    MonthName,
    Year,
    Hour,
    Minute,
    Second,
    Literal(char),
}

/// Reads up to `most` leading digits, at least `least`.
fn number(text: &str, least: usize, most: usize) -> Option<(i16, &str)> {
    let digits = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if digits < least {
        return None;
    }
    let (number, rest) = text.split_at_checked(digits)?;
    Some((number.parse().ok()?, rest))
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

fn month_name(text: &str) -> Option<(i16, &str)> {
    let letters = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (name, rest) = text.split_at_checked(letters)?;
    let name = name.to_ascii_lowercase();
    let matches = |month: &str| {
        name == month
            || (name.len() == 3 && month.starts_with(&name))
            || (name == "sept" && month == "september")
    };
    let at = MONTHS.iter().position(|month| matches(month))?;
    Some((i16::try_from(at).ok()? + 1, rest))
}

impl DateFormat {
    /// Compiles a format.
    ///
    /// # Errors
    /// A sentence for the person who wrote the profile.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "iso" {
            return Ok(Self { parts: Vec::new(), text: text.to_owned() });
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let run = rest.chars().take_while(|c| *c == first).count();
            let (part, taken) = match (first, run) {
                ('d', 1 | 2) => (Part::Day, run),
                ('m', 1 | 2) => (Part::Month, run),
                ('m', 3 | 4) => (Part::MonthName, run),
                ('y', 4) => (Part::Year, run),
                ('y', _) => {
                    return Err(format!(
                        "date format {text:?}: write the year as yyyy; two-digit years are refused"
                    ));
                }
                ('H', 1 | 2) => (Part::Hour, run),
                ('M', 1 | 2) => (Part::Minute, run),
                ('S', 1 | 2) => (Part::Second, run),
                ('d' | 'm' | 'H' | 'M' | 'S', _) => {
                    return Err(format!("date format {text:?}: too many {first:?}"));
                }
                (c, _) if c.is_ascii_alphabetic() && c != 'T' => {
                    return Err(format!(
                        "date format {text:?}: unknown letter {c:?}; use d m y H M S, or \"iso\""
                    ));
                }
                (c, _) => (Part::Literal(c), 1),
            };
            parts.push(part);
            rest = rest.get(taken * first.len_utf8()..).unwrap_or_default();
        }
        let has = |p: Part| parts.contains(&p);
        if !has(Part::Year) {
            return Err(format!("date format {text:?}: it has no year (yyyy)"));
        }
        if has(Part::Day) && !has(Part::Month) && !has(Part::MonthName) {
            return Err(format!("date format {text:?}: a day without a month"));
        }
        if has(Part::Hour) != has(Part::Minute) || (has(Part::Hour) && !has(Part::Day)) {
            return Err(format!("date format {text:?}: a time needs a day, hours (HH) and minutes (MM)"));
        }
        Ok(Self { parts, text: text.to_owned() })
    }

    /// The format as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Reads a date. Local times are of `zone`; the flag says that the autumn's repeated hour was met.
    ///
    /// # Errors
    /// [`IssueCode::DateTwoDigitYear`], [`IssueCode::DateMissingHour`] or [`IssueCode::DateFormat`].
    pub fn read(&self, text: &str, zone: &TimeZone) -> Result<(When, bool), IssueCode> {
        let text = text.trim_matches(' ');
        if self.parts.is_empty() || looks_iso(text) {
            return When::parse_iso(text, zone);
        }
        let (mut year, mut month, mut day) = (None, None, None);
        let (mut hour, mut minute, mut second) = (None, None, None);
        let mut rest = text;
        for part in &self.parts {
            let (slot, (value, after)) = match part {
                Part::Literal(c) => {
                    rest = rest.strip_prefix(*c).ok_or(IssueCode::DateFormat)?;
                    continue;
                }
                Part::Year => match number(rest, 4, 4) {
                    Some(read) => (&mut year, read),
                    None if number(rest, 2, 2).is_some() => return Err(IssueCode::DateTwoDigitYear),
                    None => return Err(IssueCode::DateFormat),
                },
                Part::MonthName => (&mut month, month_name(rest).ok_or(IssueCode::DateFormat)?),
                Part::Day => (&mut day, number(rest, 1, 2).ok_or(IssueCode::DateFormat)?),
                Part::Month => (&mut month, number(rest, 1, 2).ok_or(IssueCode::DateFormat)?),
                Part::Hour => (&mut hour, number(rest, 1, 2).ok_or(IssueCode::DateFormat)?),
                Part::Minute => (&mut minute, number(rest, 2, 2).ok_or(IssueCode::DateFormat)?),
                Part::Second => (&mut second, number(rest, 2, 2).ok_or(IssueCode::DateFormat)?),
            };
            *slot = Some(value);
            rest = after;
        }
        if !rest.is_empty() {
            return Err(IssueCode::DateFormat);
        }
        let small = |n: i16| i8::try_from(n).map_err(|_| IssueCode::DateFormat);
        match (year, month, day) {
            (Some(year @ 1000..=9999), None, None) => Ok((When::Year(year), false)),
            (Some(year @ 1000..=9999), Some(month @ 1..=12), None) => {
                Ok((When::Month(year, small(month)?), false))
            }
            (Some(year @ 1000..=9999), Some(month), Some(day)) => {
                let date = Date::new(year, small(month)?, small(day)?).map_err(|_| IssueCode::DateFormat)?;
                match (hour, minute) {
                    (Some(hour), Some(minute)) => {
                        let time = Time::new(small(hour)?, small(minute)?, small(second.unwrap_or(0))?, 0)
                            .map_err(|_| IssueCode::DateFormat)?;
                        When::local(DateTime::from_parts(date, time), zone)
                    }
                    _ => Ok((When::Day(date), false)),
                }
            }
            _ => Err(IssueCode::DateFormat),
        }
    }
}

/// Whether a text begins like `2026-03-04`, which no other format's day-first reading can mean.
fn looks_iso(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 10
        && bytes.iter().take(4).all(u8::is_ascii_digit)
        && bytes.get(4) == Some(&b'-')
        && bytes.get(7) == Some(&b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: &str, text: &str) -> Result<String, IssueCode> {
        DateFormat::parse(format).unwrap().read(text, When::london()).map(|(when, _)| when.to_string())
    }

    #[test]
    fn formats_read_what_they_say() {
        for (format, text, iso) in [
            ("dd/mm/yyyy", "04/03/2026", "2026-03-04"),
            ("d/m/yyyy", "4/3/2026", "2026-03-04"),
            ("dd mmm yyyy", "04 Mar 2026", "2026-03-04"),
            ("d mmmm yyyy", "4 September 2026", "2026-09-04"),
            ("mm/yyyy", "03/2026", "2026-03"),
            ("yyyy", "2026", "2026"),
            ("dd/mm/yyyy HH:MM", "04/07/2026 09:30", "2026-07-04T09:30:00+01:00"),
            ("dd/mm/yyyy", "2026-03-04", "2026-03-04"),
            ("iso", "2026-03", "2026-03"),
        ] {
            assert_eq!(read(format, text).as_deref(), Ok(iso), "{format} {text}");
        }
    }

    #[test]
    fn wrong_dates_are_refused_with_a_reason() {
        assert_eq!(read("dd/mm/yyyy", "04/03/26"), Err(IssueCode::DateTwoDigitYear));
        assert_eq!(read("dd/mm/yyyy", "31/02/2026"), Err(IssueCode::DateFormat));
        assert_eq!(read("dd/mm/yyyy", "03/13/2026"), Err(IssueCode::DateFormat));
        assert_eq!(read("dd/mm/yyyy", "04/03/2026 "), Ok("2026-03-04".into()));
        assert_eq!(read("dd/mm/yyyy", "04/03/2026x"), Err(IssueCode::DateFormat));
        assert_eq!(read("dd/mm/yyyy HH:MM", "29/03/2026 01:30"), Err(IssueCode::DateMissingHour));
    }

    #[test]
    fn bad_formats_are_refused_when_compiled() {
        for bad in ["dd/mm/yy", "dd/mm", "dd yyyy", "yyyy HH:MM", "dd/mm/yyyy HH", "%d/%m/%Y"] {
            assert!(DateFormat::parse(bad).is_err(), "{bad}");
        }
    }
}
