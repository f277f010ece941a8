//! Headings: from the text of one or more rows to one name per column.
//!
//! What it is: trimming, joining the rows of a merged heading, and making names unique where a person can see
//! it. What it is not: matching against a profile. Invariant: as many names as columns, none
//! empty, no two equal but for case.

use std::collections::HashSet;
use std::sync::Arc;

/// Columns and keys that this program adds to rejected records and takes no notice of when it reads them.
pub(crate) const OWN_PREFIX: &str = "sp_fhir_";

/// One name per column.
pub(crate) fn names<S: AsRef<str>>(cells: impl IntoIterator<Item = S>) -> Vec<Arc<str>> {
    // A profile finds a column whatever its case, so names that differ in nothing else are one name twice.
    let mut seen: HashSet<String> = HashSet::new();
    let mut names = Vec::new();
    for (n, cell) in cells.into_iter().enumerate() {
        let plain = tidy(cell.as_ref());
        let plain = if plain.is_empty() { format!("Column {}", n + 1) } else { plain };
        let mut name: Arc<str> = Arc::from(plain.as_str());
        let mut count = 1;
        while !seen.insert(name.to_lowercase()) {
            count += 1;
            name = Arc::from(format!("{plain} ({count})"));
        }
        names.push(name);
    }
    names
}

/// A heading without line breaks, byte order marks and spaces at its ends.
fn tidy(cell: &str) -> String {
    let space = |c: char| c.is_whitespace() || c == '\u{feff}';
    cell.split(space).filter(|s| !s.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Joins rows of headings that stand above one another, upper first: `Contact / First`. A row's empty cells have
/// been filled from merged cells by the caller where they are.
pub(crate) fn join(rows: &[Vec<String>]) -> Vec<String> {
    let width = rows.iter().map(Vec::len).max().unwrap_or(0);
    let column = |n: usize| {
        let mut parts: Vec<String> = Vec::new();
        for part in rows.iter().filter_map(|row| row.get(n)).map(|cell| tidy(cell)) {
            if !part.is_empty() && parts.last() != Some(&part) {
                parts.push(part);
            }
        }
        parts.join(" / ")
    };
    (0..width).map(column).collect()
}

/// Repeats a heading over the empty cells to its right, as a merged cell looks once it was saved as text, but
/// only where the row below has a heading of its own.
pub(crate) fn spread(upper: &mut [String], lower: &[String]) {
    let mut last = String::new();
    for (cell, below) in upper.iter_mut().zip(lower) {
        if cell.trim().is_empty() {
            if !below.trim().is_empty() {
                cell.clone_from(&last);
            }
        } else {
            last.clone_from(cell);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_visible() {
        let of = |cells: &[&str]| -> Vec<String> { names(cells).iter().map(ToString::to_string).collect() };
        assert_eq!(
            of(&["Need", " Need ", "", "Need", "First\n name", "Need (2)"]),
            ["Need", "Need (2)", "Column 3", "Need (3)", "First name", "Need (2) (2)"]
        );
        assert_eq!(of(&["Share", "share ", "SHARE"]), ["Share", "share (2)", "SHARE (3)"]);
    }

    #[test]
    fn merged_headings_are_joined() {
        let mut upper: Vec<String> = ["NHS No", "Contact", "", "Notes"].map(String::from).to_vec();
        let lower: Vec<String> = ["", "First", "Last", ""].map(String::from).to_vec();
        spread(&mut upper, &lower);
        assert_eq!(join(&[upper, lower]), ["NHS No", "Contact / First", "Contact / Last", "Notes"]);
    }
}
