//! What should be stated about a file so that it is read as a person would read it: heading row, sheet, records.
//!
//! What it is: second looks at a file, for drafts and checks. What it is not: part of reading; a conversion never acts on
//! a suggestion, because what is stated must mean the same tomorrow. Invariant: nothing is suggested where the first
//! look was right already. Next: `options`, where it is stated.

use std::sync::Arc;

use super::bytes::{self, Content};
use super::csv;
use super::detect::{self, Kind};
use super::error::SourceError;
use super::input::Input;
use super::options::{Format, Options};
use super::reader::Reader;
use super::rejects;
use super::sheet_heading::{Top, are_words, enough, filled};
use super::xlsx;

/// How many rows are looked at for headings.
const TOP_ROWS: u32 = 40;
/// How many arrays inside a JSON object are offered.
const ARRAYS: usize = 20;

/// Where the headings of a text table seem to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heading {
    /// The lowest row of headings, from 1.
    pub row: u64,
    /// How many rows of headings stand above one another.
    pub rows: usize,
}

/// The heading of a text table, where it is not simply the first row: below title rows, or in two rows.
///
/// # Errors
/// The file cannot be read.
pub fn heading(input: &Input, options: &Options) -> Result<Option<Heading>, SourceError> {
    if !matches!(kind(input, options)?, Some((Kind::Text { .. }, _))) {
        return Ok(None);
    }
    let from_the_top = Options { header_row: Some(1), heading_rows: 0, ..options.clone() };
    let mut reader = Reader::open(input, &from_the_top)?;
    let layout = Arc::clone(reader.layout());
    if layout.format() != Format::Csv || layout.heading().contains(rejects::REASON) {
        return Ok(None);
    }
    let mut top = Top::new();
    let mut add = |row: u64, text: &str| {
        let (mut cells, mut unquoted) = (Vec::new(), String::new());
        let row = u32::try_from(row).unwrap_or(u32::MAX);
        if row > TOP_ROWS || !csv::cells(text, layout.delimiter(), &mut cells, &mut unquoted) {
            return;
        }
        let of = |cell: &csv::Cell| {
            let from = if cell.copied { unquoted.as_str() } else { text };
            from.get(cell.value.0..cell.value.1).unwrap_or_default().to_owned()
        };
        let cells: Vec<String> = cells.iter().map(of).collect();
        if filled(&cells) > 0 {
            top.insert(row, cells);
        }
    };
    add(1, layout.heading());
    if let Some(batch) = reader.next() {
        let batch = batch?;
        batch
            .records()
            .take_while(|record| record.row <= u64::from(TOP_ROWS))
            .for_each(|record| add(record.row, record.text));
    }
    Ok(of_rows(&top))
}

/// The heading of rows that are counted from 1.
fn of_rows(top: &Top) -> Option<Heading> {
    let (&first, cells) = top.first_key_value()?;
    let widest = top.values().map(|cells| filled(cells)).max()?;
    let row = if filled(cells) >= enough(widest) {
        first
    } else {
        let is_heading = |cells: &[String]| filled(cells) >= enough(widest) && are_words(cells);
        *top.iter().find(|(_, cells)| is_heading(cells))?.0
    };
    let upper = top.get(&row)?;
    let heading = if top.get(&(row + 1)).is_some_and(|lower| stands_under(upper, lower)) {
        Heading { row: u64::from(row) + 1, rows: 2 }
    } else if row > first
        && top.get(&(row - 1)).is_some_and(|above| stands_over(above, upper) || stands_under(above, upper))
    {
        Heading { row: u64::from(row), rows: 2 }
    } else {
        Heading { row: u64::from(row), rows: 1 }
    };
    (heading.rows > 1 || row > first).then_some(heading)
}

fn is_blank(cells: &[String], at: usize) -> bool {
    cells.get(at).is_none_or(|cell| cell.trim().is_empty())
}

/// Whether a row holds the lower headings of groups, and nothing where the upper row has no group: `Case,Contact,,Notes`
/// over `,First,Last,`.
fn stands_under(upper: &[String], lower: &[String]) -> bool {
    let width = upper.iter().rposition(|cell| !cell.trim().is_empty()).map_or(0, |last| last + 1);
    let width = width.max(lower.iter().rposition(|cell| !cell.trim().is_empty()).map_or(0, |last| last + 1));
    let is_group = |at: usize| is_blank(upper, at) || (at + 1 < width && is_blank(upper, at + 1));
    let fits = |at: usize| is_blank(lower, at) != is_group(at);
    !is_blank(upper, 0) && (0..width).any(is_group) && (0..width).all(fits) && are_words(lower)
}

/// Whether a row holds the names of groups over some of the headings: `,,Contact,,Closure,` over a whole row.
fn stands_over(groups: &[String], headings: &[String]) -> bool {
    let named = |at: usize| !is_blank(groups, at);
    is_blank(groups, 0)
        && filled(groups) > 1
        && (0..groups.len()).filter(|at| named(*at)).all(|at| !is_blank(headings, at))
}

/// The dotted paths of the arrays of objects inside a file that is one JSON object, in the order of the file.
///
/// # Errors
/// The file cannot be read.
pub fn arrays(input: &Input, options: &Options) -> Result<Vec<String>, SourceError> {
    let Some((Kind::Text { mark, .. }, content)) = kind(input, options)? else { return Ok(Vec::new()) };
    Ok(arrays_in(content.head.get(mark..).unwrap_or_default()))
}

/// Follows strings and brackets; whether it is JSON in all else does not matter here.
fn arrays_in(text: &[u8]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    // The key under which each open object stands; the outermost has none.
    let mut keys: Vec<String> = Vec::new();
    let (mut last, mut lists, mut at) = (String::new(), 0_usize, 0_usize);
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => {
                let rest = text.get(at + 1..).unwrap_or_default();
                let mut escaped = false;
                let end = rest.iter().position(|b| {
                    let ends = *b == b'"' && !escaped;
                    escaped = *b == b'\\' && !escaped;
                    ends
                });
                let Some(end) = end else { break };
                last = String::from_utf8_lossy(rest.get(..end).unwrap_or_default()).into_owned();
                at += end + 1;
            }
            b'{' if lists == 0 => keys.push(std::mem::take(&mut last)),
            b'}' if lists == 0 => drop(keys.pop()),
            b'[' => {
                let next = text.get(at + 1..).unwrap_or_default().iter().find(|b| !b.is_ascii_whitespace());
                if lists == 0 && next == Some(&b'{') && !keys.is_empty() && found.len() < ARRAYS {
                    let path: Vec<&str> =
                        keys.iter().skip(1).map(String::as_str).chain([last.as_str()]).collect();
                    // A dot in a name cannot be told from a step.
                    if path.iter().all(|name| !name.is_empty() && !name.contains('.')) {
                        found.push(path.join("."));
                    }
                }
                lists += 1;
            }
            b']' => lists = lists.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    found
}

/// The sheets of a workbook that a person sees; none when the file is no workbook.
///
/// # Errors
/// The file cannot be read.
pub fn sheets(input: &Input, options: &Options) -> Result<Vec<String>, SourceError> {
    match kind(input, options)? {
        Some((Kind::Workbook, content)) => xlsx::sheets(content.reader, options),
        _ => Ok(Vec::new()),
    }
}

/// What a file is, with its content; nothing when it can be read only once.
fn kind(input: &Input, options: &Options) -> Result<Option<(Kind, Content)>, SourceError> {
    if !input.is_repeatable() {
        return Ok(None);
    }
    let raw = input.open().map_err(SourceError::io)?;
    let content = bytes::open(raw, options.limits.max_decompressed, Arc::default())?;
    Ok(Some((detect::kind(&content.head)?, content)))
}

/// The local name of the element that a record of XML is.
#[must_use]
pub fn element(record: &str) -> Option<&str> {
    let name = record.trim_start().strip_prefix('<')?;
    let name = name.split([' ', '\t', '\r', '\n', '/', '>']).next()?;
    let local = name.rsplit(':').next().unwrap_or(name);
    (!local.is_empty() && !local.starts_with(['!', '?'])).then_some(local)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<(u64, usize)> {
        let input = Input::bytes("export.csv", text.as_bytes());
        heading(&input, &Options::default()).unwrap().map(|heading| (heading.row, heading.rows))
    }

    #[test]
    fn a_plain_heading_needs_no_suggestion() {
        assert_eq!(of("Case,Need,Date\n7,Debt,2026-03-04\n"), None);
        assert_eq!(of("\nCase,Need,Date\n7,Debt,2026-03-04\n"), None);
        // Few cells filled in a wide table are still a row, not a title.
        assert_eq!(of("Case,Need,2025,2026\nA,Debt,x,y\nB,Debt,x,y\n"), None);
        assert_eq!(of("Case\n7\n"), None);
    }

    #[test]
    fn titles_above_the_heading_are_passed_over() {
        assert_eq!(of("Caseload\n\nCase,Need,Date\n7,Debt,2026-03-04\n"), Some((3, 1)));
        assert_eq!(
            of("Caseload;;;\nPrinted;01/02/2026;;\nCase;Need;Date;By\n7;Debt;04/03/2026;x\n"),
            Some((3, 1))
        );
    }

    #[test]
    fn merged_headings_saved_as_text_are_two_rows() {
        assert_eq!(of("Case,Contact,,Notes\n,First,Last,\n7,a,b,c\n"), Some((2, 2)));
        assert_eq!(of("Title\nCase,Contact,,Notes\n,First,Last,\n7,a,b,c\n"), Some((3, 2)));
        assert_eq!(of(",,Contact,,Closure,\nCase,NHS,First,Last,Date,Why\n7,1,a,b,c,d\n"), Some((2, 2)));
        // The lower row is the wider one.
        let text = "Sheet\nRef,Client,,,Referral,,\n,Name,DOB,NHS,Date,From,Why\n1,a,b,c,d,e,f\n";
        assert_eq!(of(text), Some((3, 2)));
        // A first row of data is no heading.
        assert_eq!(of("Case,Contact,,Notes\n7,First,Last,x\n"), None);
    }

    #[test]
    fn arrays_of_objects_are_found_by_path() {
        let text =
            br#"{"made":"x [{","n":[1],"data":{"cases":[ {"id":1,"log":[{"at":2}]} ],"other":[{"a":1}]}}"#;
        assert_eq!(arrays_in(text), ["data.cases", "data.other"]);
        assert!(arrays_in(br#"[{"id":1,"log":[{"at":2}]}]"#).is_empty());
        assert_eq!(arrays_in(br#"{"a\"b":[{"x":1}],"cases":[{"#), ["a\\\"b", "cases"]);
    }

    #[test]
    fn an_element_is_named_without_its_prefix() {
        assert_eq!(element("<c:Case ref='1'>"), Some("Case"));
        assert_eq!(element("<case/>"), Some("case"));
        assert_eq!(element("text"), None);
    }
}
