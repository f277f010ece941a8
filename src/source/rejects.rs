//! Refused records, written so that they can be mended and read again.
//!
//! What it is: a table's row untouched with two columns after it, or one line of JSON around a tree's text; and
//! the way back. What it is not: a report. Invariant: what is read back is the record alone, and a record that
//! was not mended is refused again for the same reason. Next: [`super::layout`], which chooses between the two.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::csv;
use crate::event::{Issue, IssueCode, Position};

/// The column or key that holds the reasons.
pub(crate) const REASON: &str = "sp_fhir_reason";
/// The column or key that holds what to do.
pub(crate) const REMEDY: &str = "sp_fhir_remedy";

/// What stands for a workbook's error value in the text of its row. A row of a file of refused records that still holds
/// it was not mended.
pub(crate) const ERROR_VALUE: &str = "#ERROR";

/// The refusal of a row that holds one, by the column's index.
pub(crate) fn formula_error(column: usize) -> Issue {
    Issue::new(
        IssueCode::FormulaError,
        Position::default(),
        format!("an error value in column {}", column + 1),
    )
}

/// What the reason says of a record of which only the beginning is kept.
pub(crate) const CUT: &str = "only its beginning is kept";

/// Why a record that is too large is refused.
pub(crate) fn cut(what: &str, limit: usize) -> String {
    format!("{what} of more than {limit} bytes; {CUT}")
}

/// The refusal of a beginning: whatever is made of it, the rest is in the source alone.
pub(crate) fn is_cut() -> Issue {
    Issue::new(IssueCode::TooLarge, Position::default(), CUT)
}

/// A record taken out of its wrapping.
pub(crate) enum Record {
    Json(String),
    Xml(String),
}

#[derive(Deserialize)]
struct Wrapped<'a> {
    #[serde(borrow)]
    record: Option<&'a RawValue>,
    record_text: Option<String>,
    record_xml: Option<String>,
}

/// Whether a text begins like a line that [`tree_line`] made.
pub(crate) fn is_wrapped(raw: &str) -> bool {
    let inside = raw.trim_start().strip_prefix('{').map(|inside| inside.trim_start());
    inside.and_then(|inside| inside.strip_prefix('"')).is_some_and(|inside| inside.starts_with(REASON))
}

/// The reasons that stand in a line that [`tree_line`] made.
pub(crate) fn reasons_of(raw: &str) -> String {
    #[derive(Deserialize)]
    struct Reasons {
        sp_fhir_reason: Option<String>,
    }
    serde_json::from_str::<Reasons>(raw).ok().and_then(|told| told.sp_fhir_reason).unwrap_or_default()
}

/// Undoes [`tree_line`]; `None` when the text is a record itself.
pub(crate) fn unwrap(raw: &str) -> Option<Record> {
    if !is_wrapped(raw) {
        return None;
    }
    let wrapped: Wrapped = serde_json::from_str(raw).ok()?;
    if let Some(xml) = wrapped.record_xml {
        return Some(Record::Xml(xml));
    }
    wrapped.record.map(|r| r.get().to_owned()).or(wrapped.record_text).map(Record::Json)
}

pub(crate) fn table_line(raw: &str, delimiter: u8, issues: &[Issue]) -> String {
    let mut line = String::with_capacity(raw.len() + 128);
    let whole = csv::cells(raw, delimiter, &mut Vec::new(), &mut String::new());
    let mut remedies = remedies(issues);
    if whole {
        line.push_str(raw);
    } else {
        // With its quote open the row would swallow the reasons and the rows below: it becomes one cell.
        csv::write_cell(raw, b'"', &mut line);
    }
    let alone = issues.iter().all(|issue| issue.code != IssueCode::NotAlone);
    if alone && (!whole || holds_a_row(raw, delimiter)) {
        remedies.push_str(UNWRAP);
    }
    for text in [reasons(issues), remedies] {
        line.push(char::from(delimiter));
        csv::write_cell(&text, delimiter, &mut line);
    }
    line.push('\n');
    line
}

/// What must be done beside mending a quotation mark, once the row stands in one cell.
const UNWRAP: &str = "; the whole row stands in one cell here: in a text editor take away that cell's own quotation \
    marks, the first and the last, and write one for every two inside";

/// Whether a row is one cell that holds a row with a quotation mark that does not close: one that was not mended.
fn holds_a_row(raw: &str, delimiter: u8) -> bool {
    let (mut cells, mut unquoted) = (Vec::new(), String::new());
    let whole = csv::cells(raw, delimiter, &mut cells, &mut unquoted);
    let [cell] = cells.as_slice() else { return false };
    let text = if cell.copied { unquoted.as_str() } else { raw };
    let inside = text.get(cell.value.0..cell.value.1).unwrap_or_default();
    whole && !csv::cells(inside, delimiter, &mut Vec::new(), &mut String::new())
}

pub(crate) fn tree_line(raw: &str, is_xml: bool, issues: &[Issue]) -> String {
    let text = |s: &str| serde_json::Value::from(s).to_string();
    let mut line =
        format!("{{\"{REASON}\":{},\"{REMEDY}\":{}", text(&reasons(issues)), text(&remedies(issues)));
    let (key, value) = match unwrap(raw) {
        Some(Record::Xml(xml)) => ("record_xml", text(&xml)),
        None if is_xml => ("record_xml", text(raw)),
        Some(Record::Json(json)) => json_value(&json),
        None => json_value(raw),
    };
    line.push_str(",\"");
    line.push_str(key);
    line.push_str("\":");
    line.push_str(&value);
    line.push_str("}\n");
    line
}

/// JSON goes in as JSON, on one line; text that is not JSON goes in as a string.
fn json_value(raw: &str) -> (&'static str, String) {
    if serde_json::from_str::<&RawValue>(raw).is_ok() {
        // A line break in valid JSON stands between tokens, never inside a string.
        return ("record", raw.trim().replace(['\n', '\r'], " "));
    }
    ("record_text", serde_json::Value::from(raw).to_string())
}

fn reasons(issues: &[Issue]) -> String {
    let one = |issue: &Issue| {
        let place = issue.at.column.as_ref().or(issue.at.path.as_ref());
        let place = place.map(|p| format!(" at {p}")).unwrap_or_default();
        let found = if issue.found.is_empty() { String::new() } else { format!(" (found {})", issue.found) };
        format!("{}{place}: {}{found}", issue.code.as_str(), issue.code.title())
    };
    join(issues.iter().map(one))
}

fn remedies(issues: &[Issue]) -> String {
    join(issues.iter().map(|issue| issue.code.remedy().to_owned()))
}

fn join(parts: impl Iterator<Item = String>) -> String {
    let mut seen: Vec<String> = Vec::new();
    for part in parts {
        if !seen.contains(&part) {
            seen.push(part);
        }
    }
    seen.join(" | ")
}
