//! The report as CSV, safe to open in a spreadsheet.
//!
//! One table: rows `entries` count entries by state, rows `endpoints` name those that could not be read, rows `resources` count resources by class, and each row `resource` is
//! one that is not matched. A cell that a spreadsheet could take for a formula gets an apostrophe before it, because
//! ids and versions are a server's own words. Quoting is RFC 4180's. Next: [`super::html`].

use super::diff::{Line, Side};
use super::report::Report;

const HEADINGS: [&str; 14] = [
    "row",
    "endpoint",
    "word",
    "count",
    "note",
    "type",
    "system",
    "name",
    "referral",
    "entry",
    "our_id",
    "our_version",
    "their_ids",
    "their_versions",
];

/// The report as CSV.
#[must_use]
pub fn write(report: &Report) -> String {
    let mut out = String::new();
    row(&mut out, HEADINGS.map(str::to_owned));
    for ((endpoint, state), count) in &report.states {
        row(&mut out, counted("entries", endpoint, state.as_str(), *count));
    }
    for why in &report.not_read {
        let mut cells = counted("endpoints", "", "not-read", 0).map(Some);
        set(&mut cells, 3, String::new());
        set(&mut cells, 4, why.clone());
        row(&mut out, cells.map(Option::unwrap_or_default));
    }
    for at in &report.endpoints {
        for (class, count) in at.classes() {
            row(&mut out, counted("resources", &at.endpoint, class.as_str(), count));
        }
        row(&mut out, counted("resources", &at.endpoint, "in-doubt", at.in_doubt));
        for (resource_type, system) in &at.not_listed {
            let mut cells = counted("resources", &at.endpoint, "not-listed", 0).map(Some);
            set(&mut cells, 3, String::new());
            set(&mut cells, 5, resource_type.clone());
            set(&mut cells, 6, system.clone());
            row(&mut out, cells.map(Option::unwrap_or_default));
        }
        for line in at.not_matched() {
            row(&mut out, listed(&at.endpoint, line));
        }
    }
    out
}

fn counted(kind: &str, endpoint: &str, word: &str, count: u64) -> [String; HEADINGS.len()] {
    let mut cells = [const { None }; HEADINGS.len()];
    for (at, cell) in
        [kind.to_owned(), endpoint.to_owned(), word.to_owned(), count.to_string()].into_iter().enumerate()
    {
        set(&mut cells, at, cell);
    }
    cells.map(Option::unwrap_or_default)
}

fn set(cells: &mut [Option<String>], at: usize, text: String) {
    if let Some(cell) = cells.get_mut(at) {
        *cell = Some(text);
    }
}

fn listed(endpoint: &str, line: &Line) -> [String; HEADINGS.len()] {
    let together = |of: &dyn Fn(&Side) -> String| line.theirs.iter().map(of).collect::<Vec<_>>().join(" ");
    let ours = line.ours.as_ref();
    [
        "resource".to_owned(),
        endpoint.to_owned(),
        line.class.as_str().to_owned(),
        String::new(),
        line.note.map(|note| note.as_str().to_owned()).unwrap_or_default(),
        line.resource_type.clone(),
        line.system.clone().unwrap_or_default(),
        line.name.clone(),
        line.referral.map(|referral| referral.to_string()).unwrap_or_default(),
        line.entry.map(|entry| entry.to_string()).unwrap_or_default(),
        ours.map(|side| side.id.clone()).unwrap_or_default(),
        ours.and_then(|side| side.version.clone()).unwrap_or_default(),
        together(&|side| side.id.clone()),
        together(&|side| side.version.clone().unwrap_or_else(|| "–".to_owned())),
    ]
}

fn row(out: &mut String, cells: [String; HEADINGS.len()]) {
    for (at, text) in cells.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        cell(text, out);
    }
    out.push_str("\r\n");
}

/// One cell: made harmless, then quoted where it must be.
fn cell(text: &str, out: &mut String) {
    let prefix = if is_formula(text) { "'" } else { "" };
    if text.contains(['"', ',', '\r', '\n']) {
        out.push('"');
        out.push_str(prefix);
        out.push_str(&text.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(prefix);
        out.push_str(text);
    }
}

/// Whether a spreadsheet could take it for a formula. Space before it does not make it harmless everywhere.
fn is_formula(text: &str) -> bool {
    const STARTS: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
    text.starts_with(['\t', '\r', '\n']) || text.trim_start().starts_with(STARTS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::report::tests::report;

    #[test]
    fn a_cell_is_never_a_formula() {
        for (text, expected) in [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "\"'\r=1\""),
            ("\n=1", "\"'\n=1\""),
            ("＝1", "'＝1"),
            ("＋1", "'＋1"),
            ("－1", "'－1"),
            ("＠A", "'＠A"),
            (" =1", "' =1"),
            ("\u{a0}=1", "'\u{a0}=1"),
            ("=1,\"2\"", "\"'=1,\"\"2\"\"\""),
            ("a=1", "a=1"),
            ("7", "7"),
            ("a,b", "\"a,b\""),
            ("a\"b", "\"a\"\"b\""),
            ("", ""),
        ] {
            let mut out = String::new();
            cell(text, &mut out);
            assert_eq!(out, expected, "{text:?}");
        }
    }

    #[test]
    fn every_row_has_every_column_and_the_counts_are_there() {
        let text = write(&report());
        let mut reader = ::csv::ReaderBuilder::new().flexible(false).from_reader(text.as_bytes());
        let rows: Vec<::csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        let of = |kind: &str| rows.iter().filter(|row| &row[0] == kind).collect::<Vec<_>>();
        let sum = |kind: &str| of(kind).iter().filter_map(|row| row[3].parse::<u64>().ok()).sum::<u64>();
        assert_eq!(sum("entries"), report().accepted());
        assert_eq!(sum("resources"), 5 + 2, "every class, and those in doubt");
        assert_eq!(of("resource").len(), 4);
        assert_eq!(&of("resource")[1][13], "'=cmd|'/c calc'!A1<script>");
        assert_eq!(&of("resource")[3][7], "'-1+1");
        assert!(text.ends_with("\r\n") && !text.replace("\r\n", "").contains('\n'));
    }
}
