//! Text tables: where records end, and where cells end inside one.
//!
//! What it is: RFC 4180 as spreadsheets write it, cut without copying. [`cut`] runs on the reading thread and
//! looks only for quotes and line ends; [`cells`] runs on a worker. What it is not: forgiving about quotes. A
//! quote opens only at the start of a cell; after the closing one only a delimiter or the end of the line may
//! follow. Elsewhere a quote is a character like any other. An open quote therefore cannot swallow the rows
//! below it: the record is refused and reading goes on with the line after the one where the quote opened.
//! Invariant: [`cells`] finds in a record exactly what [`cut`] saw. Next: [`splitter`].

mod splitter;

use super::dialect::Dialect;
use super::scan::{find1, find2};

pub(crate) use splitter::Splitter;

const QUOTE: u8 = b'"';

/// Where the record that starts at some place ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The record's text ends before `end`; the next one starts at `next`.
    Record { end: usize, next: usize },
    /// A quote that does not close properly; the line where it opened ends before `end`.
    Broken { end: usize, resume: usize },
    /// The bytes end first; `quote` is where a quote stands open.
    More { quote: Option<usize> },
}

/// Finds the end of the record that starts at `start`; `last` when no bytes follow.
pub(crate) fn cut(bytes: &[u8], start: usize, dialect: Dialect, last: bool) -> Cut {
    let Dialect { delimiter, terminator } = dialect;
    let mut at = start;
    loop {
        let Some(found) = find2(bytes, at, QUOTE, terminator) else {
            return if last { the_rest(bytes, start) } else { Cut::More { quote: None } };
        };
        if bytes.get(found) == Some(&terminator) {
            return Cut::Record { end: line_end(bytes, start, found), next: found + 1 };
        }
        let opens = found == start || bytes.get(found - 1) == Some(&delimiter);
        if !opens {
            at = found + 1;
            continue;
        }
        let mut inside = found + 1;
        at = loop {
            let Some(quote) = find1(bytes, inside, QUOTE) else {
                return if last {
                    broken(bytes, start, found, terminator)
                } else {
                    Cut::More { quote: Some(found) }
                };
            };
            // Blanks between the closing quote and the delimiter are what people type; they mean nothing.
            let after = skip_blanks(bytes, quote + 1, delimiter);
            match bytes.get(after) {
                Some(&QUOTE) if after == quote + 1 => inside = quote + 2,
                Some(&b) if b == delimiter || b == terminator => break after,
                Some(b'\r')
                    if bytes.get(after + 1) == Some(&terminator) || (last && after + 1 == bytes.len()) =>
                {
                    break after;
                }
                Some(b'\r') if after + 1 == bytes.len() => return Cut::More { quote: Some(found) },
                None if last => return the_rest(bytes, start),
                None => return Cut::More { quote: Some(found) },
                Some(_) => return broken(bytes, start, found, terminator),
            }
        };
    }
}

/// The last record of a file that does not end with a line's end, or ends with half of one.
fn the_rest(bytes: &[u8], start: usize) -> Cut {
    Cut::Record { end: line_end(bytes, start, bytes.len()), next: bytes.len() }
}

fn skip_blanks(bytes: &[u8], from: usize, delimiter: u8) -> usize {
    let blank = |b: &&u8| **b == b' ' || (**b == b'\t' && delimiter != b'\t');
    from + bytes.get(from..).unwrap_or_default().iter().take_while(blank).count()
}

fn line_end(bytes: &[u8], start: usize, terminator: usize) -> usize {
    let carriage = terminator > start && bytes.get(terminator - 1) == Some(&b'\r');
    if carriage { terminator - 1 } else { terminator }
}

/// The broken record is everything up to the end of the line in which the quote opened.
fn broken(bytes: &[u8], start: usize, quote: usize, terminator: u8) -> Cut {
    match find1(bytes, quote, terminator) {
        Some(found) => Cut::Broken { end: line_end(bytes, start, found), resume: found + 1 },
        None => Cut::Broken { end: bytes.len(), resume: bytes.len() },
    }
}

/// Whether a record has no text in any cell: an empty line, or the `,,,` that spreadsheets write for one.
pub(crate) fn is_blank(record: &[u8], delimiter: u8) -> bool {
    let mut inside = false;
    let mut bytes = record.iter().peekable();
    while let Some(&byte) = bytes.next() {
        let blank = match byte {
            // A doubled quote inside quotes is a quote as text; so is a delimiter there.
            QUOTE if inside && bytes.peek() == Some(&&QUOTE) => false,
            QUOTE => {
                inside = !inside;
                true
            }
            _ if byte == delimiter => !inside,
            b' ' | b'\t' | b'\r' => true,
            _ => false,
        };
        if !blank {
            return false;
        }
    }
    true
}

/// One cell of a record: where it stands in the record as written, and where its value is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    /// With its quotes, as written.
    pub(crate) written: (usize, usize),
    /// The value; in `unquoted` where the cell holds doubled quotes, else in the record.
    pub(crate) value: (usize, usize),
    pub(crate) copied: bool,
}

/// Finds the cells of one record. `false` when its quoting is broken.
pub(crate) fn cells(record: &str, delimiter: u8, found: &mut Vec<Cell>, unquoted: &mut String) -> bool {
    found.clear();
    unquoted.clear();
    let bytes = record.as_bytes();
    let mut start = 0;
    loop {
        let end = if bytes.get(start) == Some(&QUOTE) {
            match quoted(record, start, delimiter, unquoted) {
                Some(cell) => {
                    found.push(cell);
                    cell.written.1
                }
                None => return false,
            }
        } else {
            let end = find1(bytes, start, delimiter).unwrap_or(bytes.len());
            found.push(Cell { written: (start, end), value: (start, end), copied: false });
            end
        };
        if end >= bytes.len() {
            return true;
        }
        start = end + 1;
    }
}

fn quoted(record: &str, start: usize, delimiter: u8, unquoted: &mut String) -> Option<Cell> {
    let bytes = record.as_bytes();
    let (mut inside, mut copied_from) = (start + 1, None);
    loop {
        let quote = find1(bytes, inside, QUOTE)?;
        if bytes.get(quote + 1) == Some(&QUOTE) {
            copied_from.get_or_insert(unquoted.len());
            unquoted.push_str(record.get(inside..=quote)?);
            inside = quote + 2;
            continue;
        }
        let end = skip_blanks(bytes, quote + 1, delimiter);
        if bytes.get(end).is_some_and(|&b| b != delimiter) {
            return None;
        }
        return Some(match copied_from {
            None => Cell { written: (start, end), value: (start + 1, quote), copied: false },
            Some(from) => {
                unquoted.push_str(record.get(inside..quote)?);
                Cell { written: (start, end), value: (from, unquoted.len()), copied: true }
            }
        });
    }
}

/// How many cells a record has.
pub(crate) fn count_cells(record: &[u8], delimiter: u8) -> usize {
    let (mut count, mut at) = (1, 0);
    loop {
        if record.get(at) == Some(&QUOTE) {
            at += 1;
            while let Some(quote) = find1(record, at, QUOTE) {
                at = quote + 1;
                if record.get(at) != Some(&QUOTE) {
                    break;
                }
                at += 1;
            }
        }
        match find1(record, at, delimiter) {
            Some(place) => at = place + 1,
            None => return count,
        }
        count += 1;
    }
}

/// Puts a value into a cell, quoted only where it must be.
pub(crate) fn write_cell(value: &str, delimiter: u8, out: &mut String) {
    let special = |b: u8| b == delimiter || matches!(b, QUOTE | b'\n' | b'\r');
    let edge_blank = value.starts_with(' ') || value.ends_with(' ');
    if !edge_blank && !value.bytes().any(special) {
        out.push_str(value);
        return;
    }
    out.push('"');
    for (n, piece) in value.split('"').enumerate() {
        if n > 0 {
            out.push_str("\"\"");
        }
        out.push_str(piece);
    }
    out.push('"');
}
