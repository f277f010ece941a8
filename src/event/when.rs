//! [`When`]: a year, a month, a day, or an instant with its offset; and how local dates are read.
//!
//! A partial date stays partial and a date never becomes midnight. Local times are Europe/London unless the
//! reader is told otherwise; the hour the autumn repeats takes its earlier offset (the caller warns), the hour
//! the spring skips is refused. Invariant: a `When` is a real calendar date between years 1000 and 9999.
//! The printed form is FHIR's `dateTime`. Next: [`super::date_format`], which reads the forms exports use.

use std::fmt;
use std::sync::LazyLock;

use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{Timestamp, Zoned};
use serde::{Serialize, Serializer};

use super::issue::IssueCode;

/// Europe/London, by which days are told apart. UTC only if the built-in time-zone copy were missing.
static LONDON: LazyLock<TimeZone> = LazyLock::new(|| TimeZone::get("Europe/London").unwrap_or(TimeZone::UTC));

/// When something happened, as precisely as the source knew it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum When {
    /// A year.
    Year(i16),
    /// A month of a year.
    Month(i16, i8),
    /// A day.
    Day(Date),
    /// An instant, with the offset it was given in. Sub-second digits are kept to the nanosecond.
    Instant(Timestamp, Offset),
}

impl When {
    /// Reads FHIR's `dateTime`: `YYYY`, `YYYY-MM`, `YYYY-MM-DD`, or with a time and an offset. A time without
    /// an offset is local time in `zone`. The flag says that the autumn's repeated hour was met.
    ///
    /// # Errors
    /// [`IssueCode::DateFormat`], or [`IssueCode::DateMissingHour`] for a local time that never was.
    pub fn parse_iso(text: &str, zone: &TimeZone) -> Result<(Self, bool), IssueCode> {
        let text = text.trim_matches(' ');
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        match text.len() {
            4 if digits(text) => Self::year(text).map(|w| (w, false)),
            7 => match text.split_once('-') {
                Some((year, month)) if year.len() == 4 && digits(year) && digits(month) => {
                    Self::month(year, month).map(|w| (w, false))
                }
                _ => Err(IssueCode::DateFormat),
            },
            10 => parse_day(text).map(|day| (Self::Day(day), false)),
            16.. => Self::parse_iso_time(text, zone),
            _ => Err(IssueCode::DateFormat),
        }
    }

    fn parse_iso_time(text: &str, zone: &TimeZone) -> Result<(Self, bool), IssueCode> {
        let (day, time) = text.split_at_checked(10).ok_or(IssueCode::DateFormat)?;
        let day = parse_day(day)?;
        let time = time.strip_prefix(['T', ' ']).ok_or(IssueCode::DateFormat)?;
        let zone_at = time.find(['Z', '+', '-']).unwrap_or(time.len());
        let (clock, offset) = time.split_at_checked(zone_at).ok_or(IssueCode::DateFormat)?;
        if !matches!(clock.len(), 5 | 8..=18) {
            return Err(IssueCode::DateFormat);
        }
        let clock: jiff::civil::Time = clock.parse().map_err(|_| IssueCode::DateFormat)?;
        let local = day.to_datetime(clock);
        match offset {
            "" => Self::local(local, zone),
            "Z" => Ok((Self::at(local, Offset::UTC)?, false)),
            _ => Ok((Self::at(local, parse_offset(offset).ok_or(IssueCode::DateFormat)?)?, false)),
        }
    }

    /// A local time in a zone; the flag says that the earlier of two offsets was taken.
    ///
    /// # Errors
    /// [`IssueCode::DateMissingHour`] in the spring gap, [`IssueCode::DateFormat`] out of range.
    pub fn local(local: DateTime, zone: &TimeZone) -> Result<(Self, bool), IssueCode> {
        match zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => Ok((Self::at(local, offset)?, false)),
            AmbiguousOffset::Fold { before, .. } => Ok((Self::at(local, before)?, true)),
            AmbiguousOffset::Gap { .. } => Err(IssueCode::DateMissingHour),
        }
    }

    fn at(local: DateTime, offset: Offset) -> Result<Self, IssueCode> {
        offset.to_timestamp(local).map(|t| Self::Instant(t, offset)).map_err(|_| IssueCode::DateFormat)
    }

    fn year(text: &str) -> Result<Self, IssueCode> {
        match text.parse() {
            Ok(year @ 1000..=9999) => Ok(Self::Year(year)),
            _ => Err(IssueCode::DateFormat),
        }
    }

    fn month(year: &str, month: &str) -> Result<Self, IssueCode> {
        match (year.parse(), month.parse()) {
            (Ok(year @ 1000..=9999), Ok(month @ 1..=12)) => Ok(Self::Month(year, month)),
            _ => Err(IssueCode::DateFormat),
        }
    }

    /// The Europe/London calendar day it counts as: a month or a year counts as its last day.
    #[must_use]
    pub fn day(&self) -> Date {
        match *self {
            Self::Year(year) => Date::new(year, 12, 31).unwrap_or_default(),
            Self::Month(year, month) => {
                Date::new(year, month, 1).map(Date::last_of_month).unwrap_or_default()
            }
            Self::Day(day) => day,
            Self::Instant(at, _) => Zoned::new(at, LONDON.clone()).date(),
        }
    }

    /// The first Europe/London calendar day that it can mean: a month or a year begins with its first day.
    #[must_use]
    pub fn first_day(&self) -> Date {
        match *self {
            Self::Year(year) => Date::new(year, 1, 1).unwrap_or_default(),
            Self::Month(year, month) => Date::new(year, month, 1).unwrap_or_default(),
            Self::Day(_) | Self::Instant(..) => self.day(),
        }
    }

    /// Whether it lies after a day for certain: a month or a year still running does not.
    #[must_use]
    pub fn is_after(&self, day: Date) -> bool {
        self.first_day() > day
    }

    /// FHIR's `dateTime`. As `to_string`, which asks for room several times where a day needs ten bytes once.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Day(day) => String::from_utf8(day_digits(*day).to_vec()).unwrap_or_default(),
            _ => self.to_string(),
        }
    }

    /// FHIR's `date`: as precise as known, but never with a time (a birth date has none).
    #[must_use]
    pub fn day_text(&self) -> String {
        match self {
            Self::Instant(..) => Self::Day(self.day()).text(),
            _ => self.text(),
        }
    }

    /// The instant, when a time is known.
    #[must_use]
    pub const fn instant(&self) -> Option<Timestamp> {
        match self {
            Self::Instant(at, _) => Some(*at),
            _ => None,
        }
    }

    /// Europe/London's rules, for readers.
    #[must_use]
    pub fn london() -> &'static TimeZone {
        &LONDON
    }
}

/// Reads `+HH:MM` or `-HH:MM`, up to 14 hours as FHIR allows.
fn parse_offset(text: &str) -> Option<Offset> {
    let (sign, rest) = text.split_at_checked(1)?;
    let (hours, minutes) = rest.split_once(':')?;
    let digits = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
    let (hours, minutes) = (
        digits(hours).then(|| hours.parse::<i32>())?.ok()?,
        digits(minutes).then(|| minutes.parse::<i32>())?.ok()?,
    );
    if hours > 14 || minutes > 59 {
        return None;
    }
    let seconds = hours * 3600 + minutes * 60;
    Offset::from_seconds(if sign == "-" { -seconds } else { seconds }).ok()
}

fn parse_day(text: &str) -> Result<Date, IssueCode> {
    let part = |from: usize, to: usize| {
        let part = text.get(from..to)?;
        if part.bytes().all(|b| b.is_ascii_digit()) { part.parse::<i16>().ok() } else { None }
    };
    match (part(0, 4), text.get(4..5), part(5, 7), text.get(7..8), part(8, 10)) {
        (Some(year @ 1000..=9999), Some("-"), Some(month @ 1..=12), Some("-"), Some(day @ 1..=31)) => {
            Date::new(year, i8::try_from(month).unwrap_or(0), i8::try_from(day).unwrap_or(0))
                .map_err(|_| IssueCode::DateFormat)
        }
        _ => Err(IssueCode::DateFormat),
    }
}

/// FHIR's `dateTime` form.
impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Year(year) => write!(f, "{year:04}"),
            Self::Month(year, month) => write!(f, "{year:04}-{month:02}"),
            Self::Day(day) => f.write_str(std::str::from_utf8(&day_digits(*day)).unwrap_or_default()),
            Self::Instant(at, offset) => write!(f, "{}", Instant(*at, *offset)),
        }
    }
}

/// `YYYY-MM-DD`, digit by digit: the commonest text there is, written in one go.
fn day_digits(day: Date) -> [u8; 10] {
    let digit = |number: u16, unit: u16| b'0' + u8::try_from(number / unit % 10).unwrap_or_default();
    let (y, m, d) =
        (day.year().unsigned_abs(), day.month().unsigned_abs().into(), day.day().unsigned_abs().into());
    [
        digit(y, 1000),
        digit(y, 100),
        digit(y, 10),
        digit(y, 1),
        b'-',
        digit(m, 10),
        digit(m, 1),
        b'-',
        digit(d, 10),
        digit(d, 1),
    ]
}

/// Prints an instant as FHIR wants it: seconds always, `Z` for UTC.
struct Instant(Timestamp, Offset);

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.1 == Offset::UTC {
            write!(f, "{}", self.0)
        } else {
            write!(f, "{}", self.0.display_with_offset(self.1))
        }
    }
}

/// Redacted: a date of birth is a person's.
impl fmt::Debug for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Year(_) => "When::Year(…)",
            Self::Month(..) => "When::Month(…)",
            Self::Day(_) => "When::Day(…)",
            Self::Instant(..) => "When::Instant(…)",
        })
    }
}

impl Serialize for When {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(String, bool), IssueCode> {
        When::parse_iso(text, When::london()).map(|(when, fold)| (when.to_string(), fold))
    }

    #[test]
    fn partial_dates_stay_partial() {
        for text in ["1951", "1951-08", "1951-08-11", "2026-03-04T09:30:00Z", "2026-07-04T09:30:00+01:00"] {
            assert_eq!(read(text), Ok((text.to_owned(), false)));
        }
    }

    #[test]
    fn local_times_take_the_zone() {
        assert_eq!(read("2026-07-04T09:30"), Ok(("2026-07-04T09:30:00+01:00".into(), false)));
        assert_eq!(read("2026-01-04 09:30:15"), Ok(("2026-01-04T09:30:15Z".into(), false)));
        assert_eq!(read("2026-10-25T01:30"), Ok(("2026-10-25T01:30:00+01:00".into(), true)));
        assert_eq!(read("2026-03-29T01:30"), Err(IssueCode::DateMissingHour));
    }

    #[test]
    fn impossible_dates_are_refused() {
        for bad in [
            "",
            "26",
            "0999",
            "2026-13",
            "2026-02-30",
            "2026-2-3",
            "2026-02-03T",
            "2026-02-03T25:00",
            "04/03/2026",
            "２０２６",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn days_are_londons() {
        let late = When::parse_iso("2026-07-03T23:30:00Z", When::london()).unwrap().0;
        assert_eq!(late.day().to_string(), "2026-07-04");
        assert_eq!(When::Month(2026, 2).day().to_string(), "2026-02-28");
        assert_eq!(When::Year(2026).day().to_string(), "2026-12-31");
    }
}
