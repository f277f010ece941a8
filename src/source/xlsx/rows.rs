//! The rows of a sheet, one cell after another.
//!
//! What it is: cells put together into rows that have something in them. What it is not: a keeper of types: a cell is
//! the text that [`cells`] makes of it. Invariant: rows come in the order of their numbers, and a sheet
//! whose cells do not is refused. Next: [`cells`].

use calamine::{DataRef, XlsxCellReader};

use super::{File, broken, died};
use crate::source::cells;
use crate::source::error::{SourceError, SourceErrorKind};
use crate::source::options::Limits;
use crate::source::rejects;

/// One row of the sheet that has something in it.
pub(super) struct SheetRow {
    /// From 0, as the sheet's file counts.
    pub(super) number: u32,
    pub(super) cells: Vec<String>,
    /// Columns with an error value, or with a formula whose value was never stored.
    pub(super) errors: Vec<(usize, Fault)>,
}

/// Why a cell has no value that could be used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It holds an error value.
    Error,
    /// It holds a formula, and whatever wrote the workbook never worked it out.
    NoValue,
}

/// A cell that has something in it: row, column, text.
type Cell = (u32, usize, Result<String, Fault>);

/// The rows of a sheet that have something in them, one after another.
pub(super) struct Rows<'a> {
    cells: XlsxCellReader<'a, File>,
    ahead: Option<Cell>,
    last: Option<u32>,
    /// The library must not be asked again after it said that there are no more cells.
    ended: bool,
    max_columns: usize,
}

impl<'a> Rows<'a> {
    pub(super) fn new(cells: XlsxCellReader<'a, File>, limits: &Limits) -> Self {
        Self { cells, ahead: None, last: None, ended: false, max_columns: limits.max_columns }
    }

    /// The next cell that has something in it.
    fn cell(&mut self) -> Result<Option<Cell>, SourceError> {
        if let Some(ahead) = self.ahead.take() {
            return Ok(Some(ahead));
        }
        while !self.ended {
            let Some(cell) = self.cells.next_cell_with_formula_metadata().map_err(broken)? else {
                self.ended = true;
                break;
            };
            let text = match (&cell.value, &cell.formula) {
                (DataRef::Empty, Some(_)) => Err(Fault::NoValue),
                (value, _) => cells::text(value).ok_or(Fault::Error),
            };
            if text.as_ref().is_ok_and(|t| t.trim().is_empty()) {
                continue;
            }
            let (row, column) = cell.pos;
            let column = usize::try_from(column).unwrap_or(usize::MAX);
            if column >= self.max_columns {
                let title = format!("a cell in column {} of row {}", column + 1, row + 1);
                let remedy = "delete what stands far to the right";
                return Err(SourceError::new(SourceErrorKind::TooLarge, title, remedy));
            }
            return Ok(Some((row, column, text)));
        }
        Ok(None)
    }

    pub(super) fn next_row(&mut self) -> Result<Option<SheetRow>, SourceError> {
        let Some(first) = self.cell()? else { return Ok(None) };
        let number = first.0;
        if self.last.is_some_and(|last| last >= number) {
            return Err(died());
        }
        self.last = Some(number);
        let mut row = SheetRow { number, cells: Vec::new(), errors: Vec::new() };
        let mut next = Some(first);
        while let Some((at, column, text)) = next {
            if at != number {
                self.ahead = Some((at, column, text));
                break;
            }
            if row.cells.len() <= column {
                row.cells.resize(column + 1, String::new());
            }
            if let Err(fault) = text {
                row.errors.push((column, fault));
            }
            if let Some(cell) = row.cells.get_mut(column) {
                *cell = text.unwrap_or_else(|_| rejects::ERROR_VALUE.to_owned());
            }
            next = self.cell()?;
        }
        Ok(Some(row))
    }
}
