//! Where the headings of a sheet are.
//!
//! What it is: title rows are passed over, and rows of merged headings are found and joined, as a person would.
//! What it is not: a guess that cannot be overridden; [`super::Options`] states the row and how many.
//! Invariant: rows here are counted from 0, as the sheet's own merged regions are. Next: [`super::heading`].

use std::collections::BTreeMap;

use super::heading;
use super::options::Options;

/// A merged region: first row, last row, first column, last column.
pub(crate) type Region = (u32, u32, usize, usize);

/// The beginning of a sheet: the cells of its rows, blank rows absent.
pub(crate) type Top = BTreeMap<u32, Vec<String>>;

/// The headings, and the last row that they stand in.
pub(crate) fn find(top: &Top, merged: &[Region], options: &Options) -> Option<(Vec<String>, u32)> {
    let (first, last) = match options.header_row {
        Some(row) => {
            let last = u32::try_from(row.checked_sub(1)?).ok()?;
            top.get(&last)?;
            let rows = u32::try_from(options.heading_rows).ok()?;
            let first = if rows > 0 { last.saturating_sub(rows - 1) } else { above(top, merged, last) };
            (first, last)
        }
        None => {
            let row = candidate(top)?;
            let last = below(top, merged, row);
            let first = above(top, merged, row);
            match u32::try_from(options.heading_rows).ok()? {
                0 => (first, last),
                // Stated how many, not where: the widest row is the lowest when merged cells stand above it.
                rows if first < row || last > row => (last.saturating_sub(rows - 1), last),
                rows => (row, row + rows - 1),
            }
        }
    };
    let mut rows: Vec<Vec<String>> = top.range(first..=last).map(|(_, cells)| cells.clone()).collect();
    let numbers: Vec<u32> = top.range(first..=last).map(|(&row, _)| row).collect();
    let lowest = rows.last()?.clone();
    let width = rows.iter().map(Vec::len).max()?;
    let stated = options.heading_rows > 1;
    let count = rows.len();
    for (n, (cells, row)) in rows.iter_mut().zip(&numbers).enumerate() {
        cells.resize(width, String::new());
        if n + 1 == count {
            break;
        }
        for &(_, _, from, to) in merged.iter().filter(|(first, ..)| first == row) {
            let value = cells.get(from).cloned().unwrap_or_default();
            cells.iter_mut().take(to.saturating_add(1)).skip(from).for_each(|cell| cell.clone_from(&value));
        }
        if stated && !merged.iter().any(|(first, ..)| first == row) {
            heading::spread(cells, &lowest);
        }
    }
    let mut joined = heading::join(&rows);
    while joined.last().is_some_and(String::is_empty) {
        joined.pop();
    }
    (!joined.is_empty()).then_some((joined, last))
}

/// How many cells have something in them.
pub(crate) fn filled(cells: &[String]) -> usize {
    cells.iter().filter(|cell| !cell.trim().is_empty()).count()
}

/// The first row that is nearly as wide as the widest and holds only words.
fn candidate(top: &Top) -> Option<u32> {
    let widest = top.values().map(|cells| filled(cells)).max()?;
    let enough = enough(widest);
    let wide = || top.iter().filter(|(_, cells)| filled(cells) >= enough);
    wide().find(|(_, cells)| are_words(cells)).or_else(|| wide().next()).map(|(&row, _)| row)
}

/// How many cells a row of headings has at least, where the widest row has so many.
pub(crate) fn enough(widest: usize) -> usize {
    (widest * 3).div_ceil(5).max(widest.min(2))
}

/// Whether no cell is a number or a date.
pub(crate) fn are_words(cells: &[String]) -> bool {
    !cells.iter().any(|cell| cell.trim().parse::<f64>().is_ok() || looks_like_date(cell.trim()))
}

fn looks_like_date(cell: &str) -> bool {
    cell.len() >= 8 && cell.bytes().all(|b| b.is_ascii_digit() || b"-/.:T ".contains(&b))
}

/// Regions that join headings: over several columns but not over the whole table, which is a title.
fn groups(merged: &[Region], row: u32, width: usize) -> impl Iterator<Item = &Region> {
    merged.iter().filter(move |(first, _, from, to)| *first == row && to > from && to - from + 1 < width)
}

/// The upper row of the headings whose lowest row this is.
fn above(top: &Top, merged: &[Region], row: u32) -> u32 {
    let width = top.get(&row).map_or(0, |cells| cells.len());
    let mut first = row;
    while let Some(upper) = first.checked_sub(1).filter(|upper| top.contains_key(upper)) {
        let reaches = merged.iter().any(|&(from, to, ..)| from <= upper && to >= first && from != to);
        if groups(merged, upper, width).next().is_none() && !reaches {
            break;
        }
        first = upper;
    }
    first
}

/// The lowest row of the headings that begin in this one.
fn below(top: &Top, merged: &[Region], row: u32) -> u32 {
    let width = top.get(&row).map_or(0, |cells| cells.len());
    let tall = merged.iter().filter(|&&(first, last, from, to)| first == row && last > first && from == to);
    let lowest = tall.map(|&(_, last, ..)| last).max();
    if let Some(last) = lowest.filter(|last| last - row < 4 && top.contains_key(last)) {
        return last;
    }
    let beneath = |&(_, _, from, to): &Region| {
        let cells = top.get(&(row + 1)).map(|cells| cells.iter().take(to + 1).skip(from));
        cells.is_some_and(|mut cells| cells.all(|cell| !cell.trim().is_empty()))
    };
    if groups(merged, row, width + 1).any(beneath) { row + 1 } else { row }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn top(rows: &[(u32, &[&str])]) -> Top {
        rows.iter().map(|(n, cells)| (*n, cells.iter().map(|c| (*c).to_owned()).collect())).collect()
    }

    #[test]
    fn titles_are_passed_over() {
        let top = top(&[
            (0, &["Social prescribing"]),
            (2, &["Case", "Need", "Date"]),
            (3, &["7", "Debt", "2024-05-01"]),
        ]);
        let (names, row) = find(&top, &[], &Options::default()).unwrap();
        assert_eq!((names.join("|"), row), ("Case|Need|Date".into(), 2));
    }

    #[test]
    fn groups_above_and_tall_cells_are_joined() {
        let rows: &[(u32, &[&str])] = &[
            (0, &["Title over all", "", "", ""]),
            (1, &["Case", "Contact", "", "Notes"]),
            (2, &["", "First", "Last", ""]),
            (3, &["7", "a", "b", "c"]),
        ];
        let merged = [(0, 0, 0, 3), (1, 1, 1, 2), (1, 2, 0, 0), (1, 2, 3, 3)];
        let (names, row) = find(&top(rows), &merged, &Options::default()).unwrap();
        assert_eq!((names.join("|"), row), ("Case|Contact / First|Contact / Last|Notes".into(), 2));
        // Without tall cells, and stated by row.
        for options in [Options::default(), Options { header_row: Some(3), ..Options::default() }] {
            let rows: &[(u32, &[&str])] = &[
                (1, &["", "Contact", "", ""]),
                (2, &["Case", "First", "Last", "Notes"]),
                (3, &["7", "a", "b", "c"]),
            ];
            let (names, row) = find(&top(rows), &[(1, 1, 1, 2)], &options).unwrap();
            assert_eq!((names.join("|"), row), ("Case|Contact / First|Contact / Last|Notes".into(), 2));
        }
    }

    #[test]
    fn a_stated_row_that_is_blank_is_not_there() {
        let top = top(&[(0, &["a", "b"])]);
        assert!(find(&top, &[], &Options { header_row: Some(2), ..Options::default() }).is_none());
    }
}
