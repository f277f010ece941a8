//! Which sheet of a workbook was read, and which were not, in words.
//!
//! What it is: the notes of a report. What it is not: a choice; that is [`super::run`]'s. Invariant: what is said of it goes
//! into reports and logs, and a sheet may be named after the person it is about: so sheets have numbers here, not
//! names. Next: [`crate::source::sheet_heading`].

use calamine::SheetVisible;

pub(super) fn hidden(sheets: &[calamine::Sheet]) -> usize {
    sheets.iter().filter(|sheet| sheet.visible != SheetVisible::Visible).count()
}

/// Which sheet of which is read.
pub(super) struct Whence<'a> {
    pub(super) sheets: &'a [calamine::Sheet],
    pub(super) name: &'a str,
    /// Whether it was asked for by name.
    pub(super) is_chosen: bool,
}

impl Whence<'_> {
    pub(super) fn notes(&self, heading_row: u32) -> Vec<String> {
        let all = self.sheets.len();
        let at = self.sheets.iter().position(|sheet| sheet.name == self.name);
        let number = at.map_or(1, |at| at + 1);
        let is_hidden =
            at.and_then(|at| self.sheets.get(at)).is_some_and(|s| s.visible != SheetVisible::Visible);
        let word = if is_hidden { "hidden sheet" } else { "sheet" };
        let mut notes =
            vec![format!("{word} {number} of {all} was read, with its headings in row {}", heading_row + 1)];
        let hidden = hidden(self.sheets) - usize::from(is_hidden);
        if all > 1 && (!self.is_chosen || hidden > 0) {
            let others = if all == 2 {
                "1 other sheet was".to_owned()
            } else {
                format!("{} other sheets were", all - 1)
            };
            let of_them = if hidden > 0 { format!(", {hidden} of them hidden") } else { String::new() };
            notes.push(format!("{others} not read{of_them}"));
        }
        notes
    }
}
