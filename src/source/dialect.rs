//! How a text table is written: its delimiter and the end of its lines, told from its first lines.
//!
//! What it is: a guess that a person would make too, overridden by [`super::Options`]. What it is not: a guess
//! about headings; the heading row is the first row that is not blank, unless stated.

use super::csv::{self, Cut};

/// The delimiters that are recognised.
pub(crate) const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// How many records are looked at.
const SAMPLE: usize = 50;

/// How records and cells are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dialect {
    pub(crate) delimiter: u8,
    /// The last byte of a line's end: LF (after an optional CR), or CR in files of old Macintosh programs.
    pub(crate) terminator: u8,
}

/// What the first lines say. The second part is the length of a leading `sep=;` line, which is no row.
pub(crate) fn detect(head: &str, whole: bool, stated: Option<u8>, hint: Option<u8>) -> (Dialect, usize) {
    let terminator = if head.contains('\n') || !head.contains('\r') { b'\n' } else { b'\r' };
    let (mut delimiter, mut skip) = (stated, 0);
    if let Some(rest) =
        head.get(..4).filter(|s| s.eq_ignore_ascii_case("sep=")).and_then(|_| head.as_bytes().get(4..))
    {
        let line_end = rest.iter().position(|&b| b == terminator);
        if let (Some(&own), Some(end @ 1..=2)) = (rest.first(), line_end) {
            delimiter = delimiter.or(Some(own));
            skip = 4 + end + 1;
        }
    }
    let sample = head.as_bytes().get(skip..).unwrap_or_default();
    let delimiter = delimiter.unwrap_or_else(|| guess(sample, whole, terminator, hint));
    (Dialect { delimiter, terminator }, skip)
}

/// The delimiter under which the records agree best on a number of cells; more cells decide between equals.
fn guess(sample: &[u8], whole: bool, terminator: u8, hint: Option<u8>) -> u8 {
    let score = |delimiter: u8| {
        let dialect = Dialect { delimiter, terminator };
        let counts = widths(sample, whole, dialect);
        let wide = counts.iter().copied().filter(|&n| n > 1);
        let (agree, width) =
            wide.map(|n| (counts.iter().filter(|&&m| m == n).count(), n)).max().unwrap_or((0, 1));
        // A heading row cut in two cells or more counts for more than rows that happen to agree.
        let heading = counts.first().is_some_and(|&n| n > 1 && n == width);
        (usize::from(heading) + agree * 2, width, usize::from(hint == Some(delimiter)))
    };
    // On a draw the earlier one in the list, the comma first of all.
    DELIMITERS
        .into_iter()
        .rev()
        .max_by_key(|&d| score(d))
        .filter(|&d| score(d).1 > 1)
        .or(hint)
        .unwrap_or(b',')
}

fn widths(sample: &[u8], whole: bool, dialect: Dialect) -> Vec<usize> {
    let mut counts = Vec::new();
    let mut at = 0;
    while counts.len() < SAMPLE && at < sample.len() {
        let (end, next) = match csv::cut(sample, at, dialect, whole) {
            Cut::Record { end, next } => (end, next),
            Cut::Broken { resume, .. } => {
                at = resume;
                continue;
            }
            Cut::More { .. } => break,
        };
        if let Some(record) = sample.get(at..end).filter(|r| !csv::is_blank(r, dialect.delimiter)) {
            counts.push(csv::count_cells(record, dialect.delimiter));
        }
        at = next;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(head: &str) -> (char, usize) {
        let (dialect, skip) = detect(head, true, None, None);
        (char::from(dialect.delimiter), skip)
    }

    #[test]
    fn the_usual_delimiters() {
        assert_eq!(of("a,b,c\n1,2,3\n"), (',', 0));
        assert_eq!(of("a;b;c\n1,5;2,5;3,5\n1,5;2,5;3,5\n"), (';', 0));
        assert_eq!(of("a\tb\n1,2,3\t2\n"), ('\t', 0));
        assert_eq!(of("a|b\n1|\"x,y,z\"\n"), ('|', 0));
        assert_eq!(of("only\none\n"), (',', 0));
    }

    #[test]
    fn delimiters_inside_quotes_do_not_count() {
        assert_eq!(of("a;b\n\"x,y\";2\n\"x,y\";2\n"), (';', 0));
    }

    #[test]
    fn the_sep_line_of_spreadsheets_is_no_row() {
        assert_eq!(of("sep=;\r\na;b\r\n"), (';', 7));
        assert_eq!(of("SEP=|\na,b|c\n"), ('|', 6));
    }

    #[test]
    fn old_macintosh_line_ends() {
        assert_eq!(detect("a,b\r1,2\r", true, None, None).0.terminator, b'\r');
        assert_eq!(detect("a,b\r\n1,2\r\n", true, None, None).0.terminator, b'\n');
    }
}
