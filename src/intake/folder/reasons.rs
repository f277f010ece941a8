//! [`Reasons`]: what stands beside a file of which something was refused.
//!
//! What one cause did to many rows is told once, with all of the rows, as ranges. What this is not: where the rows are; they
//! stand untouched, each with its own reasons, in the file of refused rows. Pure. Next: `aside.rs`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use serde::Serialize;

use crate::convert::Report;
use crate::convert::report::ListedIssue;

/// As it is written.
#[derive(Debug, Serialize)]
pub(super) struct Reasons {
    /// Why the file as a whole could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// Of how many rows what is wrong, or worth saying.
    reasons: Vec<Reason>,
    /// The report, whose list of issues is `reasons`.
    report: Report,
}

/// One cause.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Reason {
    severity: &'static str,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<Arc<str>>,
    found: String,
    remedy: &'static str,
    /// How often.
    count: u64,
    /// On which rows, as ranges; empty where it is about the whole file.
    #[serde(skip_serializing_if = "String::is_empty")]
    rows: String,
}

impl Reasons {
    pub(super) fn of(error: Option<String>, report: &Report) -> Self {
        let reasons = folded(&report.issues);
        Self { error, reasons, report: Report { issues: Vec::new(), ..report.clone() } }
    }
}

/// The same cause once, in the order in which causes are first met.
fn folded(issues: &[ListedIssue]) -> Vec<Reason> {
    let mut causes: Vec<(&ListedIssue, Vec<u64>, u64)> = Vec::new();
    let mut known = BTreeMap::new();
    for issue in issues {
        let cause = (issue.code, &issue.place, &issue.found, issue.severity);
        let at = *known.entry(cause).or_insert(causes.len());
        if at == causes.len() {
            causes.push((issue, Vec::new(), 0));
        }
        if let Some((_, rows, count)) = causes.get_mut(at) {
            rows.extend(issue.row);
            *count += 1;
        }
    }
    let reason = |(issue, rows, count): (&ListedIssue, Vec<u64>, u64)| Reason {
        severity: issue.severity,
        code: issue.code,
        place: issue.place.clone(),
        found: issue.found.clone(),
        remedy: issue.remedy,
        count,
        rows: ranges(rows),
    };
    causes.into_iter().map(reason).collect()
}

/// `2-4, 7` of 2, 3, 4, 7.
fn ranges(mut rows: Vec<u64>) -> String {
    rows.sort_unstable();
    rows.dedup();
    let mut text = String::new();
    for range in rows.chunk_by(|one, next| one + 1 == *next) {
        let (Some(first), Some(last)) = (range.first(), range.last()) else { continue };
        let comma = if text.is_empty() { "" } else { ", " };
        let _ = match first == last {
            true => write!(text, "{comma}{first}"),
            false => write!(text, "{comma}{first}-{last}"),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issue(row: Option<u64>, code: &'static str, found: &str) -> ListedIssue {
        let place = Some(Arc::from("source"));
        let (severity, remedy) = ("error", "do it");
        ListedIssue { file: None, row, place, severity, code, found: found.to_owned(), remedy }
    }

    #[test]
    fn one_cause_is_told_once_and_loses_no_row() {
        let mut issues: Vec<ListedIssue> =
            (2..=1001).map(|row| issue(Some(row), "source-missing", "")).collect();
        issues.remove(500);
        issues.insert(7, issue(Some(9), "date", "a word"));
        issues.push(issue(Some(1001), "date", "a number"));
        issues.push(issue(None, "date", "a word"));
        let told: Vec<_> = folded(&issues).into_iter().map(|one| (one.code, one.count, one.rows)).collect();
        let told: Vec<_> = told.iter().map(|(code, count, rows)| (*code, *count, rows.as_str())).collect();
        assert_eq!(told, [("source-missing", 999, "2-501, 503-1001"), ("date", 2, "9"), ("date", 1, "1001")]);
    }
}
