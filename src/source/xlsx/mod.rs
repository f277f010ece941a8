//! Workbooks: the rows of one sheet, each as a line of CSV.
//!
//! What it is: a thread of its own that reads the sheet cell by cell and sends pieces of a few hundred rows, so
//! that memory is bounded by the table of shared strings and a fault in the workbook library ends the file and
//! nothing else. What it is not: a reader of old `.xls`, of `.xlsb` or of `.ods`; they are named and refused.
//! Invariant: a row's number is the sheet's own. Next: [`rows`].

mod rows;
mod whence;

use std::io::{BufReader, Cursor, Read, Seek};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use calamine::{Reader as _, SheetType, SheetVisible, Xlsx, XlsxError};

use super::batch::Batch;
use super::error::{SourceError, SourceErrorKind};
use super::layout::Layout;
use super::options::{Format, Options};
use super::reader::heading_line;
use super::sheet_heading::{self, Region, Top};
use super::tall;
use super::text::PIECE;
use super::zip;
use crate::event::IssueCode;

use rows::{Fault, Rows, SheetRow};
use whence::{Whence, hidden};

/// How many rows that are not blank are looked at for the headings.
const TOP_ROWS: usize = 40;

trait Seekable: Read + Seek + Send {}
impl<T: Read + Seek + Send> Seekable for T {}
type File = BufReader<Box<dyn Seekable>>;

/// The rows of one sheet.
pub(crate) struct Sheet {
    pieces: Receiver<Result<Piece, SourceError>>,
    finished: bool,
}

/// Some rows, on their way from the sheet's thread.
#[derive(Default)]
struct Piece {
    /// Only in the first piece.
    heading: Option<(Vec<String>, Vec<String>)>,
    text: String,
    /// Row number and end of each record in the text.
    ends: Vec<(u64, usize)>,
    bad: Vec<(u64, String, IssueCode, String)>,
    blank: u64,
    last: bool,
}

impl Sheet {
    /// Opens the sheet that the options name, or the first one with a heading.
    pub(crate) fn open(
        from: Box<dyn Read + Send>,
        options: &Options,
    ) -> Result<(Self, Layout, Vec<String>), SourceError> {
        let file = seekable(from, options)?;
        let (send, pieces) = sync_channel(2);
        let options = options.clone();
        std::thread::Builder::new()
            .name("workbook".to_owned())
            .spawn(move || {
                if let Err(error) = run(file, &options, &send) {
                    // Nobody listens when the reader was dropped, and then nobody needs to.
                    let _ = send.send(Err(error));
                }
            })
            .map_err(SourceError::io)?;
        let first = pieces.recv().map_err(|_| died())??;
        let (heading, notes) = first.heading.ok_or_else(died)?;
        let line = heading_line(&heading, b',');
        Ok((Self { pieces, finished: false }, Layout::table(Format::Xlsx, b',', line, &heading), notes))
    }

    pub(crate) fn next_batch(
        &mut self,
        layout: &Arc<Layout>,
        file: &Arc<str>,
    ) -> Result<Option<Batch>, SourceError> {
        if self.finished {
            return Ok(None);
        }
        let piece = self.pieces.recv().map_err(|_| died())??;
        self.finished = piece.last;
        let mut batch = Batch::new(layout, file);
        let mut start = 0;
        for (row, end) in piece.ends {
            batch.add_span(row, start, end);
            start = end;
        }
        batch.set_text(piece.text);
        for (row, text, code, found) in piece.bad {
            batch.refuse(row, &text, code, found);
        }
        batch.add_blank(piece.blank);
        Ok(Some(batch))
    }
}

/// The workbook's bytes where they can be read from any place, once its parts were found sound.
fn seekable(mut from: Box<dyn Read + Send>, options: &Options) -> Result<File, SourceError> {
    // A zip archive is read from its end. Most workbooks are small; a large one goes to an unnamed file.
    let mut bytes = Vec::new();
    (&mut from).take(32 << 20).read_to_end(&mut bytes).map_err(SourceError::io)?;
    let file: Box<dyn Seekable> = if bytes.len() < 32 << 20 {
        Box::new(Cursor::new(bytes))
    } else {
        let mut file = tempfile::tempfile().map_err(SourceError::io)?;
        std::io::copy(&mut Cursor::new(bytes).chain(from), &mut file).map_err(SourceError::io)?;
        Box::new(file)
    };
    let mut file = BufReader::new(file);
    let parts = zip::parts(&mut file)?;
    zip::refuse_others(&parts)?;
    zip::check(&mut file, &parts, &options.limits)?;
    file.rewind().map_err(SourceError::io)?;
    Ok(file)
}

/// The names of the sheets that a person sees.
pub(crate) fn sheets(from: Box<dyn Read + Send>, options: &Options) -> Result<Vec<String>, SourceError> {
    let book: Xlsx<File> = Xlsx::new(seekable(from, options)?).map_err(broken)?;
    let seen = |sheet: &&calamine::Sheet| {
        sheet.typ == SheetType::WorkSheet && sheet.visible == SheetVisible::Visible
    };
    Ok(book.sheets_metadata().iter().filter(seen).map(|sheet| sheet.name.clone()).collect())
}

/// The thread ended without a last piece: the workbook made the library fail.
fn died() -> SourceError {
    let remedy = "open it in a spreadsheet program and save it as .xlsx again, or as CSV";
    SourceError::new(SourceErrorKind::Malformed, "the workbook could not be read", remedy)
}

fn broken(error: XlsxError) -> SourceError {
    if let XlsxError::Io(error) = error {
        return SourceError::io(error);
    }
    if matches!(error, XlsxError::Password) {
        return SourceError::new(
            SourceErrorKind::Unsupported,
            "the workbook has a password",
            "save it without one",
        );
    }
    died()
}

type Pieces = SyncSender<Result<Piece, SourceError>>;

fn run(file: File, options: &Options, send: &Pieces) -> Result<(), SourceError> {
    let mut book: Xlsx<File> = Xlsx::new(file).map_err(broken)?;
    let sheets = book.sheets_metadata().to_vec();
    let sheets: Vec<_> = sheets.into_iter().filter(|s| s.typ == SheetType::WorkSheet).collect();
    let names: Vec<String> = match &options.sheet {
        Some(wanted) => {
            let same = |name: &str| name == wanted || name.trim().eq_ignore_ascii_case(wanted.trim());
            let exact = sheets.iter().find(|s| s.name == *wanted);
            let found = exact.or_else(|| sheets.iter().find(|s| same(&s.name))).map(|s| s.name.clone());
            found.into_iter().collect()
        }
        None => {
            sheets.iter().filter(|s| s.visible == SheetVisible::Visible).map(|s| s.name.clone()).collect()
        }
    };
    if names.is_empty() {
        let title = match hidden(&sheets) {
            0 => format!("there is no such sheet among the workbook's {}", sheets.len()),
            hidden => {
                format!("there is no such sheet among the workbook's {} ({hidden} hidden)", sheets.len())
            }
        };
        return Err(SourceError::new(SourceErrorKind::NotFound, title, "name one of its sheets"));
    }
    for name in &names {
        let merged = regions(&mut book, name)?;
        let rows = Rows::new(book.worksheet_cells_reader(name).map_err(broken)?, &options.limits);
        let whence = Whence { sheets: &sheets, name, is_chosen: options.sheet.is_some() };
        if read_sheet(rows, &merged, &whence, options, send)? {
            return Ok(());
        }
    }
    let (title, remedy) = match options.header_row {
        Some(row) => {
            (format!("row {row} is blank; it was stated to be the heading"), "check the heading row")
        }
        None => ("the workbook has no sheet with anything in it".to_owned(), "check the export"),
    };
    let kind = if options.header_row.is_some() { SourceErrorKind::NotFound } else { SourceErrorKind::Empty };
    Err(SourceError::new(kind, title, remedy))
}

fn regions(book: &mut Xlsx<File>, sheet: &str) -> Result<Vec<Region>, SourceError> {
    let merged = book.merge_cells_by_sheet_name(sheet).map_err(broken)?;
    let column = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
    Ok(merged.iter().map(|d| (d.start.0, d.end.0, column(d.start.1), column(d.end.1))).collect())
}

/// What merged cells below the headings mean. One within a single row covers no other row.
fn merged_note(merged: &[Region], heading_row: u32) -> Option<String> {
    let below = || merged.iter().filter(|(_, last, ..)| *last > heading_row);
    let is_tall = below().any(|(first, last, ..)| last > first);
    let counts = match is_tall {
        true => "its first row and column only, and the other rows are refused",
        false => "its first column only",
    };
    let count = below().count();
    (count > 0).then(|| format!("{count} merged cells below the headings: each value counts for {counts}"))
}

/// Sends a sheet; `false` when it has no heading.
fn read_sheet(
    mut rows: Rows<'_>,
    merged: &[Region],
    whence: &Whence<'_>,
    options: &Options,
    send: &Pieces,
) -> Result<bool, SourceError> {
    let mut waiting = Vec::new();
    let stated = options.header_row.and_then(|row| u32::try_from(row).ok()).unwrap_or(0);
    while waiting.len() < TOP_ROWS || waiting.last().is_some_and(|row: &SheetRow| row.number < stated) {
        match rows.next_row()? {
            Some(row) => waiting.push(row),
            None => break,
        }
        if waiting.len() > 10_000 {
            break;
        }
    }
    let top: Top = waiting.iter().map(|row| (row.number, row.cells.clone())).collect();
    let Some((heading, heading_row)) = sheet_heading::find(&top, merged, options) else { return Ok(false) };

    let mut notes = whence.notes(heading_row);
    notes.extend(merged_note(merged, heading_row));
    let mut tall = tall::Tall::new(merged, heading_row);
    let width = heading.len();
    let mut piece = Piece { heading: Some((heading, notes)), ..Piece::default() };
    if send.send(Ok(std::mem::take(&mut piece))).is_err() {
        return Ok(true);
    }
    let mut expected = heading_row + 1;
    let mut waiting = waiting.into_iter().filter(|row| row.number > heading_row);
    loop {
        let row = match waiting.next() {
            Some(row) => row,
            None => match rows.next_row()? {
                Some(row) => row,
                None => break,
            },
        };
        piece.blank += u64::from(row.number.saturating_sub(expected));
        expected = row.number + 1;
        let covered = tall.covers(row.number, &row.cells);
        add(&mut piece, row, &covered, width, options.limits.max_record_bytes);
        if piece.text.len() >= PIECE && send.send(Ok(std::mem::take(&mut piece))).is_err() {
            return Ok(true);
        }
    }
    piece.last = true;
    let _ = send.send(Ok(piece));
    Ok(true)
}

fn add(piece: &mut Piece, mut row: SheetRow, covered: &[Region], width: usize, limit: usize) {
    if row.cells.len() < width {
        row.cells.resize(width, String::new());
    }
    let number = u64::from(row.number) + 1;
    for &(_, _, from, to) in covered {
        // As an error value is: so that the row is refused again unless it was mended.
        let blank = row.cells.iter_mut().take(to + 1).skip(from).filter(|cell| cell.trim().is_empty());
        blank.for_each(|cell| super::rejects::ERROR_VALUE.clone_into(cell));
    }
    let line = heading_line(&row.cells, b',');
    if line.len() > limit {
        let cut = line.floor_char_boundary(1024);
        let found = super::rejects::cut("a row", limit);
        piece.bad.push((number, line.get(..cut).unwrap_or_default().to_owned(), IssueCode::TooLarge, found));
    } else if let Some(&(column, fault)) = row.errors.first() {
        let what = match fault {
            Fault::Error => "an error value",
            Fault::NoValue => "a formula without a stored value",
        };
        let found = format!("{what} in column {}", column + 1);
        piece.bad.push((number, line, IssueCode::FormulaError, found));
    } else if !covered.is_empty() {
        let found = format!("covered by {}", tall::ranges(covered));
        piece.bad.push((number, line, IssueCode::MergedCells, found));
    } else {
        piece.text.push_str(&line);
        piece.ends.push((number, piece.text.len()));
    }
}
