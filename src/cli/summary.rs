//! The summary of a run, for a person, on standard error: what became of every row, why, and what to do next.
//!
//! It holds no patient's data: free-text terms are counted, never shown. Next: [`super::validate`].

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use anstyle::{AnsiColor, Style};

use crate::convert::Report;
use crate::convert::report::{Counts, ListedIssue};
use crate::event::IssueCode;

use super::edge;

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const LOOK: Style = AnsiColor::Yellow.on_default().bold();

/// Rows, places and terms shown before "…".
const SHOWN: usize = 5;

/// Prints the summary.
pub(super) fn print(report: &Report, took: Duration, report_file: Option<&Path>) {
    edge::say(&text(report, took, report_file));
}

fn text(report: &Report, took: Duration, report_file: Option<&Path>) -> String {
    let mut out = String::new();
    let rows = &report.rows;
    let _ = writeln!(
        out,
        "{} in {:.1} s: {GOOD}{} converted{GOOD:#}{}{}{}{}{}",
        counted(rows.read, "row"),
        took.as_secs_f64(),
        rows.converted,
        part(rows.unchanged, "unchanged"),
        part(rows.held, "held for a person"),
        part(rows.not_shared, "not shared"),
        part(rows.refused, "refused"),
        part(rows.blank, "blank"),
    );
    let _ = writeln!(
        out,
        "{}, {}; recorded at {}",
        counted(report.referrals, "referral"),
        counted(report.bundles, "Bundle"),
        report.recorded_at
    );
    if report.profile_not_reviewed {
        let _ = writeln!(
            out,
            "{LOOK}not reviewed:{LOOK:#} the profile is a draft; check it and remove `draft = true`"
        );
    }
    for note in &report.notes {
        let _ = writeln!(out, "note: {note}");
    }
    // Every reason, not only the first of each row: a row is mended once.
    reasons(&mut out, &format!("{BAD}refused{BAD:#}"), &report.refused_by_any_reason, report);
    reasons(&mut out, &format!("{LOOK}held{LOOK:#}"), &report.held, report);
    reasons(&mut out, "remark", &report.remarks, report);
    if report.needs_coding > 0 {
        let _ = writeln!(
            out,
            "{LOOK}needs coding:{LOOK:#} {} went without a code",
            counted(report.needs_coding, "term")
        );
        let mut terms: Vec<_> = report.terms.iter().filter(|(term, _)| term.controlled).collect();
        terms.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        for (term, n) in terms.into_iter().take(SHOWN) {
            let _ =
                writeln!(out, "  {n:>6}  {} ({})", term.text.as_deref().unwrap_or("(a code)"), term.field);
        }
        if report_file.is_none() {
            let _ = writeln!(out, "  --report FILE lists them all");
        }
    }
    if !report.columns_unused.is_empty() {
        let _ = writeln!(out, "columns that go nowhere: {}", report.columns_unused.join(", "));
    }
    if report.no_longer_in_export > 0 {
        let _ = writeln!(out, "no longer in the export: {}", counted(report.no_longer_in_export, "referral"));
    }
    if report.prsb.referrals > 0 {
        let prsb = &report.prsb;
        let _ = writeln!(
            out,
            "{} of {} with everything that the PRSB standard makes mandatory",
            prsb.complete,
            counted(prsb.referrals, "referral")
        );
    }
    aside(&mut out, report);
    out.truncate(out.trim_end().len());
    out
}

/// Where the refused and held rows are.
fn aside(out: &mut String, report: &Report) {
    if report.rows.refused + report.rows.held == 0 {
        return;
    }
    if report.rejects.is_empty() {
        let _ = writeln!(out, "--rejects FILE writes refused and held rows aside, with reasons");
    }
    for file in report.rejects.iter().filter(|file| file.rows > 0) {
        let how = match report.not_alone {
            0 => "; mend them and convert that file alone",
            all if all == report.rows.refused + report.rows.held => "",
            _ => "; mend those not marked not-alone and convert that file alone",
        };
        let _ = writeln!(
            out,
            "refused and held rows, with reasons: {} ({}{how})",
            file.file,
            counted(file.rows, "row")
        );
    }
    if report.not_alone > 0 {
        let _ = writeln!(
            out,
            "{LOOK}{} not to be converted without the rest of the export (not-alone):{LOOK:#} other rows say what \
             they do not. Mend them in the export itself and convert the whole export again",
            counted(report.not_alone, "row")
        );
    }
}

fn counted(n: u64, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

fn part(n: u64, what: &str) -> String {
    if n == 0 { String::new() } else { format!(", {n} {what}") }
}

/// Counts by reason, each with where it first happened and what to do.
pub(super) fn reasons(out: &mut String, label: &str, counts: &Counts, report: &Report) {
    let mut sorted: Vec<_> = counts.iter().collect();
    sorted.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    for (code, n) in sorted {
        let known = IssueCode::ALL.iter().find(|known| known.as_str() == code);
        let title = known.map_or(code.as_str(), |code| code.title());
        // The label says so already.
        let title = title.strip_prefix("held: ").unwrap_or(title);
        let shown = || report.issues.iter().filter(|issue| issue.code == code).take(SHOWN);
        let places: Vec<String> = shown().filter_map(place).collect();
        let _ = write!(out, "{label} {n}: {title} [{code}]");
        // What was found, where it is the same everywhere.
        if let Some(first) = shown().next().filter(|first| !first.found.is_empty())
            && shown().all(|issue| issue.found == first.found)
        {
            let _ = write!(out, " (found {})", first.found);
        }
        if !places.is_empty() {
            let more = if u64::try_from(places.len()).is_ok_and(|shown| shown < *n) { ", …" } else { "" };
            let _ = write!(out, "\n    at {}{more}", places.join(", "));
        }
        out.push('\n');
        if let Some(known) = known.filter(|known| known.severity() != crate::event::Severity::Information) {
            let _ = writeln!(out, "    {}", known.remedy());
        }
    }
}

/// `file:row:column`, as far as it is known.
fn place(issue: &ListedIssue) -> Option<String> {
    let row = issue.row.map(|row| row.to_string());
    let parts = [issue.file.as_deref(), row.as_deref(), issue.place.as_deref()];
    let known: Vec<&str> = parts.into_iter().flatten().collect();
    (!known.is_empty()).then(|| known.join(":"))
}
