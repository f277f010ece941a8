//! Merged cells that reach over several rows of a table.
//!
//! A person sees the value beside each of the rows; the workbook has it in the first. Which of the rows it was meant for
//! (a consent, a case number) cannot be known, so the others are refused with the range to look at. What this is not:
//! filling down. Invariant: rows come in rising order. Next: [`super::xlsx`].

use super::sheet_heading::Region;

/// The regions of a sheet that reach over several rows below the headings.
pub(crate) struct Tall {
    /// Not met yet, the last first.
    waiting: Vec<Region>,
    /// Begun, and with a value.
    open: Vec<Region>,
}

impl Tall {
    pub(crate) fn new(merged: &[Region], heading_row: u32) -> Self {
        let mut waiting: Vec<Region> = merged.to_vec();
        waiting.retain(|(first, last, ..)| *first > heading_row && last > first);
        waiting.sort_unstable_by(|one, other| other.cmp(one));
        Self { waiting, open: Vec::new() }
    }

    /// The regions whose value stands in a row above this one and reaches down to it, by column.
    pub(crate) fn covers(&mut self, row: u32, cells: &[String]) -> Vec<Region> {
        self.open.retain(|(_, last, ..)| *last >= row);
        let mut found = self.open.clone();
        found.sort_unstable_by_key(|(first, _, column, _)| (*column, *first));
        while let Some(region) = self.waiting.pop_if(|(first, ..)| *first <= row) {
            let (first, last, column, _) = region;
            // Where the row of the value has nothing in it at all, there is no value.
            let has_value = first == row && cells.get(column).is_some_and(|cell| !cell.trim().is_empty());
            if has_value && last > row {
                self.open.push(region);
            }
        }
        found
    }
}

/// Regions as a person writes them: B3:B5, D3:D4.
pub(crate) fn ranges(regions: &[Region]) -> String {
    regions.iter().copied().map(range).collect::<Vec<_>>().join(", ")
}

fn range((first, last, from, to): Region) -> String {
    format!("{}{}:{}{}", letters(from), first + 1, letters(to), last + 1)
}

/// A column's letters: A, Z, AA.
fn letters(column: usize) -> String {
    let (mut letters, mut rest) = (Vec::new(), column + 1);
    while rest > 0 {
        letters.push(char::from(b'A' + u8::try_from((rest - 1) % 26).unwrap_or_default()));
        rest = (rest - 1) / 26;
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_covers_the_rows_below_it_and_an_empty_one_none() {
        let merged = [(0, 1, 0, 0), (2, 4, 1, 1), (2, 3, 2, 2), (2, 3, 3, 3), (6, 7, 27, 28)];
        let mut tall = Tall::new(&merged, 1);
        let row = |filled: &[usize]| {
            let mut cells = vec![String::new(); 30];
            filled.iter().for_each(|at| cells[*at] = "x".to_owned());
            cells
        };
        let covered = |tall: &mut Tall, at, filled: &[usize]| ranges(&tall.covers(at, &row(filled)));
        assert_eq!(covered(&mut tall, 2, &[0, 1, 2]), "");
        assert_eq!(covered(&mut tall, 3, &[0]), "B3:B5, C3:C4");
        assert_eq!(covered(&mut tall, 4, &[0]), "B3:B5");
        assert_eq!(covered(&mut tall, 5, &[0]), "");
        assert_eq!(covered(&mut tall, 6, &[27]), "");
        assert_eq!(covered(&mut tall, 7, &[0]), "AB7:AC8");
        assert_eq!(covered(&mut tall, 8, &[0]), "");
        assert_eq!((letters(0), letters(25), letters(26)), ("A".into(), "Z".into(), "AA".into()));
    }
}
