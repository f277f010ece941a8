//! The summary of a run, for a person, on standard error: what became of every row, why, and what to do next.
//!
//! It holds no patient's data: free-text terms are counted, never shown. Next: [`super::validate`].

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use anstyle::{AnsiColor, Style};

use crate::convert::Report;
use crate::convert::report::Counts;
use crate::event::IssueCode;

use super::edge;

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const LOOK: Style = AnsiColor::Yellow.on_default().bold();

/// Rows, places and terms shown before "…".
const SHOWN: usize = 5;

/// Prints the summary.
pub(super) fn print(report: &Report, took: Duration, rejects: Option<&Path>, report_file: Option<&Path>) {
    edge::say(&text(report, took, rejects, report_file));
}

fn text(report: &Report, took: Duration, rejects: Option<&Path>, report_file: Option<&Path>) -> String {
    let mut out = String::new();
    let rows = &report.rows;
    let _ = writeln!(
        out,
        "{} rows in {:.1} s: {GOOD}{} converted{GOOD:#}{}{}{}{}{}",
        rows.read,
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
        "{} referrals, {} Bundles; recorded at {}",
        report.referrals, report.bundles, report.recorded_at
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
    reasons(&mut out, &format!("{BAD}refused{BAD:#}"), &report.refused, report);
    reasons(&mut out, &format!("{LOOK}held{LOOK:#}"), &report.held, report);
    reasons(&mut out, "remark", &report.remarks, report);
    if report.needs_coding > 0 {
        let _ =
            writeln!(out, "{LOOK}needs coding:{LOOK:#} {} terms went without a code", report.needs_coding);
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
        let _ = writeln!(out, "no longer in the export: {} referrals", report.no_longer_in_export);
    }
    if report.prsb.referrals > 0 {
        let prsb = &report.prsb;
        let _ = writeln!(
            out,
            "PRSB mandatory elements complete in {} of {} referrals",
            prsb.complete, prsb.referrals
        );
    }
    if rows.refused + rows.held > 0 {
        match rejects {
            Some(path) => {
                let _ = writeln!(
                    out,
                    "refused and held rows, with reasons: {} (mend them and convert that file alone)",
                    path.display()
                );
            }
            None => {
                let _ = writeln!(out, "--rejects FILE writes refused and held rows aside, with reasons");
            }
        }
    }
    out.truncate(out.trim_end().len());
    out
}

fn part(n: u64, what: &str) -> String {
    if n == 0 { String::new() } else { format!(", {n} {what}") }
}

/// Counts by reason, each with where it first happened and what to do.
fn reasons(out: &mut String, label: &str, counts: &Counts, report: &Report) {
    let mut sorted: Vec<_> = counts.iter().collect();
    sorted.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    for (code, n) in sorted {
        let known = IssueCode::ALL.iter().find(|known| known.as_str() == code);
        let title = known.map_or(code.as_str(), |code| code.title());
        let places: Vec<String> = report
            .issues
            .iter()
            .filter(|issue| issue.code == code && issue.row.is_some())
            .take(SHOWN)
            .map(|issue| match &issue.place {
                Some(place) => format!("{} ({place})", issue.row.unwrap_or_default()),
                None => issue.row.unwrap_or_default().to_string(),
            })
            .collect();
        let _ = write!(out, "{label} {n}: {title} [{code}]");
        let fields: Vec<&str> = report
            .issues
            .iter()
            .filter(|issue| issue.code == code && issue.row.is_none())
            .filter_map(|issue| issue.place.as_deref())
            .take(SHOWN)
            .collect();
        if !fields.is_empty() {
            let _ = write!(out, ": {}", fields.join(", "));
        }
        if !places.is_empty() {
            let more = if u64::try_from(places.len()).is_ok_and(|shown| shown < *n) { ", …" } else { "" };
            let _ = write!(out, "; row {}{more}", places.join(", "));
        }
        out.push('\n');
        if let Some(known) = known.filter(|known| known.severity() != crate::event::Severity::Information) {
            let _ = writeln!(out, "    {}", known.remedy());
        }
    }
}
