//! Dates that cannot be: before birth, beyond a human life, or what a program makes of an empty cell.
//!
//! They are well written, so no format finds them; sent, they would stand in a clinical record as facts. Partial
//! dates are given the benefit: only what is wrong for certain is refused. What this is not: a check against
//! today, which the pure core does not know ([`crate::map::hold`] holds dates in the future). Next:
//! [`super::finish`], which calls it.

use jiff::ToSpan;
use jiff::civil::{Date, date};

use super::issue::{Issue, IssueCode, Position};
use super::person::Record;
use super::when::When;

/// The day the NHS began. Nothing was referred to it, or agreed about it, before.
const NHS_BEGAN: Date = date(1948, 7, 5);
/// Spreadsheets count days from here: an empty cell, or one that holds only a time, becomes one of the first.
const SPREADSHEET_ZERO: (Date, Date) = (date(1899, 12, 30), date(1900, 1, 9));
/// Unix counts from here. As a date of birth it may be meant.
const UNIX_ZERO: Date = date(1970, 1, 1);
/// Nobody is known to have lived longer.
const LONGEST_LIFE: i32 = 130;

/// Checks the dates of a record: birth and consent.
pub(super) fn of_record(record: &Record, issues: &mut Vec<Issue>) {
    let is_zero = |when: &When| (SPREADSHEET_ZERO.0..=SPREADSHEET_ZERO.1).contains(&when.day());
    if record.person.birth_date.as_ref().is_some_and(is_zero) {
        issues.push(issue(IssueCode::DateTooEarly, "person.birth_date"));
    }
    let consent = record.consent.as_ref().and_then(|consent| consent.date);
    if consent.is_some_and(is_too_early) {
        issues.push(issue(IssueCode::DateTooEarly, "consent.date"));
    }
}

/// Checks the date of an event, by itself and against the date of birth.
pub(super) fn of_event(when: When, record: &Record, issues: &mut Vec<Issue>) {
    if is_too_early(when) {
        issues.push(issue(IssueCode::DateTooEarly, "occurred_at"));
        return;
    }
    let Some(birth) = record.person.birth_date else { return };
    if when.day() < birth.first_day() {
        issues.push(issue(IssueCode::BeforeBirth, "occurred_at"));
    } else if birth.day().saturating_add(LONGEST_LIFE.years()) < when.first_day() {
        issues.push(issue(IssueCode::AgeImpossible, "occurred_at"));
    }
}

fn is_too_early(when: When) -> bool {
    when.day() < NHS_BEGAN || (when.first_day() == UNIX_ZERO && when.day() == UNIX_ZERO)
}

fn issue(code: IssueCode, path: &'static str) -> Issue {
    Issue::new(code, Position::path(path), "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(event: &str, birth: &str) -> Vec<IssueCode> {
        let when = |text| When::parse_iso(text, When::london()).unwrap().0;
        let mut record = Record::default();
        record.person.birth_date = Some(when(birth));
        let mut issues = Vec::new();
        of_record(&record, &mut issues);
        of_event(when(event), &record, &mut issues);
        issues.iter().map(|issue| issue.code).collect()
    }

    #[test]
    fn only_what_is_wrong_for_certain_is_refused() {
        use IssueCode as C;
        for (event, birth, expected) in [
            ("2026-03-04", "1951-08-11", &[][..]),
            ("2026-03-04", "2026-03-04", &[]),
            ("2026-03-04", "2026-03-05", &[C::BeforeBirth]),
            ("2026", "2026-03-05", &[]),
            ("2026-03-04", "2026", &[]),
            ("2025-12-31", "2026", &[C::BeforeBirth]),
            ("2026-03-04", "1896-03-04", &[]),
            ("2026-03-05", "1896-03-04", &[C::AgeImpossible]),
            ("2026", "1896", &[]),
            ("2027", "1896", &[C::AgeImpossible]),
            ("1899-12-30", "1951-08-11", &[C::DateTooEarly]),
            ("1904-01-01", "1951-08-11", &[C::DateTooEarly]),
            ("1970-01-01", "1951-08-11", &[C::DateTooEarly]),
            ("1970-01-01T00:00:00Z", "1951-08-11", &[C::DateTooEarly]),
            ("1970", "1951-08-11", &[]),
            ("1970-01-02", "1970-01-01", &[]),
            ("2026-03-04", "1900-01-01", &[C::DateTooEarly]),
            ("2026-03-04", "1900-01-10", &[]),
        ] {
            assert_eq!(found(event, birth), expected, "{event} {birth}");
        }
    }
}
