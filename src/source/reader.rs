//! [`Reader`]: opens one input, finds out what it is, and gives out its records in batches.
//!
//! What it is: an iterator for the one thread that reads; it holds no more than a batch and one record. What it
//! is not: a parser; batches go to workers. Invariant: every record of the file is in exactly one batch, good or
//! bad, or the iterator ends with an error that says where it stopped. Next: [`super::detect`].

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::batch::Batch;
use super::bytes;
use super::csv;
use super::detect::{self, Kind, Shape};
use super::dialect;
use super::error::{SourceError, SourceErrorKind};
use super::heading;
use super::input::Input;
use super::json::{Lines, Stream};
use super::layout::Layout;
use super::options::{Format, Options};
use super::rejects;
use super::text::Text;
use super::xlsx::Sheet;
use super::xml;

/// At most so many rows of a text table stand above its headings, blank ones included.
const MAX_ABOVE: u64 = 10_000;

/// Reads one input to its end.
pub struct Reader {
    file: Arc<str>,
    layout: Arc<Layout>,
    splitter: Splitter,
    notes: Vec<String>,
    read: Arc<AtomicU64>,
    finished: bool,
}

enum Splitter {
    Csv(csv::Splitter),
    Lines(Lines),
    Stream(Stream),
    Xml(xml::Splitter),
    Document(Option<String>),
    Sheet(Sheet),
}

impl Reader {
    /// Opens an input and reads as far as its headings.
    ///
    /// # Errors
    /// It cannot be read, is empty, is of a kind that is not read here, or has no heading where one was asked for.
    pub fn open(input: &Input, options: &Options) -> Result<Self, SourceError> {
        let read = Arc::new(AtomicU64::new(0));
        let opened = Self::open_as(input, options, &read).map_err(|e| e.in_file(&input.name))?;
        let (layout, splitter, notes) = opened;
        Ok(Self {
            file: Arc::clone(&input.name),
            layout: Arc::new(layout),
            splitter,
            notes,
            read,
            finished: false,
        })
    }

    fn open_as(
        input: &Input,
        options: &Options,
        read: &Arc<AtomicU64>,
    ) -> Result<(Layout, Splitter, Vec<String>), SourceError> {
        let limits = &options.limits;
        let raw = input.open().map_err(SourceError::io)?;
        let mut content = bytes::open(raw, limits.max_decompressed, Arc::clone(read))?;
        match detect::kind(&content.head)? {
            Kind::Empty => Err(empty()),
            Kind::Workbook => {
                let (sheet, layout, notes) = Sheet::open(content.reader, options)?;
                Ok((layout, Splitter::Sheet(sheet), notes))
            }
            Kind::Text { encoding, mark } => {
                // A file of refused records is UTF-8, whatever the file was that it came from.
                let own = content
                    .head
                    .windows(rejects::REASON.len())
                    .any(|part| part == rejects::REASON.as_bytes());
                let stated = options.encoding.map(super::Encoding::decoder).filter(|_| !own);
                let mut skipped = [0_u8; 3];
                let mark = skipped.get_mut(..mark).unwrap_or_default();
                content.reader.read_exact(mark).map_err(SourceError::io)?;
                Self::open_text(input, options, Text::new(content.reader, stated.or(encoding)))
            }
        }
    }

    fn open_text(
        input: &Input,
        options: &Options,
        mut text: Text,
    ) -> Result<(Layout, Splitter, Vec<String>), SourceError> {
        let limits = &options.limits;
        let mut pending = String::new();
        let more = text.fill(&mut pending)?;
        let whole = !more || pending.len() < super::text::PIECE / 2;
        let ending = input.ending();
        let shape = detect::shape(&pending, whole, &ending, options.records.is_some());
        Ok(match shape {
            Shape::Empty => return Err(empty()),
            Shape::Table => {
                let (layout, splitter) = open_csv(text, pending, &ending, options)?;
                (layout, Splitter::Csv(splitter), Vec::new())
            }
            Shape::Lines { fhir: false } => (
                Layout::trees(Format::Ndjson),
                Splitter::Lines(Lines::new(text, pending, limits.max_record_bytes)),
                Vec::new(),
            ),
            Shape::Lines { fhir: true } => {
                let lines = Lines::new(text, pending, limits.max_document_bytes);
                (Layout::trees(Format::FhirJson), Splitter::Lines(lines), Vec::new())
            }
            Shape::Array { fhir } => {
                let format = if fhir { Format::FhirJson } else { Format::JsonArray };
                let limit = if fhir { limits.max_document_bytes } else { limits.max_record_bytes };
                (Layout::trees(format), Splitter::Stream(Stream::array(text, pending, limit)), Vec::new())
            }
            Shape::Sequence { fhir } => {
                let format = if fhir { Format::FhirJson } else { Format::Ndjson };
                let limit = if fhir { limits.max_document_bytes } else { limits.max_record_bytes };
                let notes = if !fhir && whole && detect::is_one_value(&pending) {
                    vec![
                        "the file is one JSON object and was read as one record; if its records are in an array inside \
                         it, state the path of that array"
                            .to_owned(),
                    ]
                } else {
                    Vec::new()
                };
                (Layout::trees(format), Splitter::Stream(Stream::sequence(text, pending, limit)), notes)
            }
            Shape::Inside => {
                let whole = read_whole(&mut text, pending, limits.max_document_bytes)?;
                let array = detect::array_inside(&whole, options.records.as_deref().unwrap_or_default())?;
                let rest = Text::new(Box::new(std::io::empty()), None);
                let stream = Stream::array(rest, array, limits.max_record_bytes);
                (Layout::trees(Format::JsonArray), Splitter::Stream(stream), text.notes().to_vec())
            }
            Shape::FhirXml => {
                let whole = read_whole(&mut text, pending, limits.max_document_bytes)?;
                xml::refuse_doctype(&whole)?;
                (Layout::trees(Format::FhirXml), Splitter::Document(Some(whole)), text.notes().to_vec())
            }
            Shape::Xml => {
                let (splitter, notes) = xml::Splitter::open(text, pending, options)?;
                (Layout::trees(Format::Xml), Splitter::Xml(splitter), notes)
            }
        })
    }

    /// The name of the file as the user gave it.
    #[must_use]
    pub fn file(&self) -> &Arc<str> {
        &self.file
    }

    /// What its records have in common.
    #[must_use]
    pub fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// What a person should know about how the file was read; complete once the iterator has ended.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let later = match &self.splitter {
            Splitter::Csv(s) => s.notes().to_vec(),
            Splitter::Lines(s) => s.notes().to_vec(),
            Splitter::Stream(s) => s.notes().to_vec(),
            Splitter::Xml(s) => s.notes(),
            Splitter::Document(_) | Splitter::Sheet(_) => Vec::new(),
        };
        self.notes.iter().cloned().chain(later).collect()
    }

    /// A counter of the bytes read so far, as stored (compressed, if the file is): for a progress bar.
    #[must_use]
    pub fn bytes_read(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.read)
    }

    fn next_batch(&mut self) -> Result<Option<Batch>, SourceError> {
        let (layout, file) = (&self.layout, &self.file);
        match &mut self.splitter {
            Splitter::Csv(s) => s.next_batch(layout, file),
            Splitter::Lines(s) => s.next_batch(layout, file),
            Splitter::Stream(s) => s.next_batch(layout, file),
            Splitter::Xml(s) => s.next_batch(layout, file),
            Splitter::Sheet(s) => s.next_batch(layout, file),
            Splitter::Document(text) => Ok(text.take().map(|text| {
                let mut batch = Batch::new(layout, file);
                batch.push(1, text.trim());
                batch
            })),
        }
    }
}

impl Iterator for Reader {
    type Item = Result<Batch, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.finished {
            return None;
        }
        let next = self.next_batch().map_err(|e| e.in_file(&self.file)).transpose();
        self.finished = !matches!(next, Some(Ok(_)));
        next
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reader {{ file: {}, {:?} }}", self.file, self.layout)
    }
}

fn empty() -> SourceError {
    SourceError::new(SourceErrorKind::Empty, "the file is empty", "check the export")
}

fn read_whole(text: &mut Text, mut pending: String, limit: usize) -> Result<String, SourceError> {
    while text.fill(&mut pending)? {
        if pending.len() > limit {
            return Err(SourceError::new(
                SourceErrorKind::TooLarge,
                format!("a document of more than {limit} bytes, which must be held in memory"),
                "split it, or use JSON lines or a top-level array",
            ));
        }
    }
    if !text.bad_before(0, u64::MAX).is_empty() {
        return Err(SourceError::new(
            SourceErrorKind::Malformed,
            "bytes that are not text in the file's encoding",
            "save the file as UTF-8",
        ));
    }
    Ok(pending)
}

fn open_csv(
    text: Text,
    mut pending: String,
    ending: &str,
    options: &Options,
) -> Result<(Layout, csv::Splitter), SourceError> {
    if options
        .delimiter
        .is_some_and(|d| !d.is_ascii() || d.is_ascii_alphanumeric() || matches!(d, b'"' | b'\n' | b'\r'))
    {
        let (title, remedy) = ("the delimiter stated cannot be one", "state a comma, semicolon, tab or bar");
        return Err(SourceError::new(SourceErrorKind::Unsupported, title, remedy));
    }
    let head = pending.get(..pending.floor_char_boundary(bytes::HEAD)).unwrap_or_default();
    let hint = matches!(ending, "tsv" | "tab").then_some(b'\t');
    let (dialect, skip) = dialect::detect(head, head.len() == pending.len(), options.delimiter, hint);
    pending.drain(..skip);
    let mut splitter = csv::Splitter::new(text, dialect, options.limits.clone(), pending, skip as u64);

    // The heading is the first row that is not blank, or the one stated.
    let rows = options.heading_rows.max(1) - 1;
    let mut above: VecDeque<String> = VecDeque::new();
    let heading = loop {
        let Some((row, record)) = splitter.take_one()? else {
            if options.header_row.is_none() {
                return Err(empty());
            }
            let (title, remedy) = ("the heading row is not there", "check the heading row that was stated");
            return Err(SourceError::new(SourceErrorKind::NotFound, title, remedy));
        };
        let blank = csv::is_blank(record.as_bytes(), dialect.delimiter);
        // A file of refused records has its headings in the first row, whatever the file had that it came from.
        let own = row == 1 && record.contains(rejects::REASON);
        if own || options.header_row.map_or(!blank, |wanted| row == wanted) {
            if own {
                above.clear();
            }
            break record;
        }
        if row > MAX_ABOVE {
            let title = format!("more than {MAX_ABOVE} rows above the headings");
            let remedy = match options.header_row {
                Some(_) => "check the heading row that was stated",
                None => "delete the blank rows above the headings",
            };
            return Err(SourceError::new(SourceErrorKind::TooLarge, title, remedy));
        }
        above.push_back(record);
        if above.len() > rows {
            above.pop_front();
        }
    };
    let lower = heading_cells(&heading, dialect.delimiter)?;
    if lower.len() > options.limits.max_columns {
        let title = format!("{} columns", lower.len());
        return Err(SourceError::new(SourceErrorKind::TooLarge, title, "check the delimiter"));
    }
    if above.is_empty() {
        return Ok((Layout::table(Format::Csv, dialect.delimiter, heading, &lower), splitter));
    }
    let mut stacked = Vec::new();
    for record in &above {
        let mut upper = heading_cells(record, dialect.delimiter)?;
        heading::spread(&mut upper, &lower);
        stacked.push(upper);
    }
    stacked.push(lower);
    let joined = heading::join(&stacked);
    let line = heading_line(&joined, dialect.delimiter);
    Ok((Layout::table(Format::Csv, dialect.delimiter, line, &joined), splitter))
}

/// A heading row as a line of text.
pub(crate) fn heading_line<S: AsRef<str>>(cells: &[S], delimiter: u8) -> String {
    let mut line = String::new();
    for (n, cell) in cells.iter().enumerate() {
        if n > 0 {
            line.push(char::from(delimiter));
        }
        csv::write_cell(cell.as_ref(), delimiter, &mut line);
    }
    line
}

fn heading_cells(record: &str, delimiter: u8) -> Result<Vec<String>, SourceError> {
    let (mut cells, mut unquoted) = (Vec::new(), String::new());
    if !csv::cells(record, delimiter, &mut cells, &mut unquoted) {
        let (title, remedy) =
            ("a quote in the heading row does not close", "close the quote, or state the delimiter");
        return Err(SourceError::new(SourceErrorKind::Malformed, title, remedy));
    }
    let text = |cell: &csv::Cell| {
        let from = if cell.copied { unquoted.as_str() } else { record };
        from.get(cell.value.0..cell.value.1).unwrap_or_default().to_owned()
    };
    Ok(cells.iter().map(text).collect())
}
