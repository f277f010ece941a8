//! [`Layout`]: what every record of one file has in common, and how a worker parses one of them.
//!
//! What it is: format, headings and delimiter, shared by all workers of a file. What it is not: state; the
//! buffers live in [`Scratch`], one per worker. Invariant: [`Layout::parse`] gives exactly as many cells as
//! [`Layout::header`] has names. Next: [`super::rejects`].

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::csv::{self, Cell};
use super::heading::{self, OWN_PREFIX};
use super::options::Format;
use super::rejects;
use super::{xml, xml_node};
use crate::event::{Issue, IssueCode, Position};
use crate::tree::{self, Node};

/// What every record of one file has in common.
pub struct Layout {
    format: Format,
    header: Arc<[Arc<str>]>,
    delimiter: u8,
    /// Cells of a row, with the columns of an earlier refusal.
    columns: usize,
    /// Which cells are kept, where some are not.
    kept: Option<Box<[usize]>>,
    /// The heading as written, or made up for a workbook.
    heading: String,
    limits: tree::Limits,
}

/// One record, parsed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Parsed<'a> {
    /// A row of a table.
    Row(Row<'a>),
    /// A JSON value, or an XML element in the form that [`super::xml_to_node`] describes.
    Tree(Node),
    /// A FHIR resource in XML, as text: its reader needs the order and the namespaces.
    FhirXml(Cow<'a, str>),
}

/// The cells of one row.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    record: &'a str,
    unquoted: &'a str,
    cells: &'a [Cell],
}

/// Buffers for parsing, one per worker, used again for every record.
#[derive(Default)]
pub struct Scratch {
    cells: Vec<Cell>,
    unquoted: String,
}

impl Layout {
    pub(crate) fn table(format: Format, delimiter: u8, heading: String, cells: &[String]) -> Self {
        let own = |cell: &String| cell.trim().starts_with(OWN_PREFIX);
        let kept: Vec<usize> = cells.iter().enumerate().filter(|(_, c)| !own(c)).map(|(n, _)| n).collect();
        let header = heading::names(cells.iter().filter(|c| !own(c))).into();
        let all = kept.len() == cells.len();
        let kept = (!all).then(|| kept.into_boxed_slice());
        Self {
            format,
            header,
            delimiter,
            columns: cells.len(),
            kept,
            heading,
            limits: tree::Limits::default(),
        }
    }

    pub(crate) fn trees(format: Format) -> Self {
        Self {
            format,
            header: Arc::from([]),
            delimiter: b',',
            columns: 0,
            kept: None,
            heading: String::new(),
            limits: tree::Limits::default(),
        }
    }

    /// What the file holds.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// The names of the columns, unique and in order; empty unless the file is a table.
    #[must_use]
    pub fn header(&self) -> &Arc<[Arc<str>]> {
        &self.header
    }

    /// The heading row as it is written.
    pub(crate) fn heading(&self) -> &str {
        &self.heading
    }

    /// The delimiter of a text table (and of the rows that stand for those of a workbook).
    #[must_use]
    pub fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// Parses one record of this file.
    ///
    /// # Errors
    /// One issue without file and row; the caller knows them.
    pub fn parse<'a>(&self, raw: &'a str, scratch: &'a mut Scratch) -> Result<Parsed<'a>, Issue> {
        match self.format {
            Format::Csv | Format::Xlsx => self.row(raw, scratch).map(Parsed::Row),
            Format::JsonArray | Format::Ndjson | Format::FhirJson => self.json(raw),
            Format::Xml => xml_node::to_node(raw, &self.limits).map(Parsed::Tree),
            Format::FhirXml => Ok(Parsed::FhirXml(Cow::Borrowed(raw))),
        }
    }

    /// The cells of a row of a table that is refused for what one of them holds; nothing where they cannot be told
    /// apart.
    pub(crate) fn refused_row<'a>(&self, raw: &'a str, scratch: &'a mut Scratch) -> Option<Row<'a>> {
        let Scratch { cells, unquoted } = scratch;
        let whole = self.format.is_table() && csv::cells(raw, self.delimiter, cells, unquoted);
        if !whole || cells.len() != self.columns {
            return None;
        }
        self.keep_own_out(cells);
        Some(Row { record: raw, unquoted, cells })
    }

    /// Leaves out the columns of an earlier refusal.
    fn keep_own_out(&self, cells: &mut Vec<Cell>) {
        if let Some(kept) = &self.kept {
            for (to, &from) in kept.iter().enumerate() {
                cells.swap(to, from);
            }
            cells.truncate(kept.len());
        }
    }

    fn row<'a>(&self, raw: &'a str, scratch: &'a mut Scratch) -> Result<Row<'a>, Issue> {
        if raw.as_bytes().contains(&0) {
            return Err(Issue::new(IssueCode::NulCharacter, Position::default(), ""));
        }
        let Scratch { cells, unquoted } = scratch;
        if !csv::cells(raw, self.delimiter, cells, unquoted) {
            return Err(Issue::new(IssueCode::QuoteOpen, Position::default(), ""));
        }
        if cells.len() != self.columns {
            let own = self.own_columns();
            let (has, wants) = (cells.len().saturating_sub(own), self.columns - own);
            let found = format!("{has} cells where the heading has {wants}");
            return Err(Issue::new(IssueCode::RowShape, Position::default(), found));
        }
        if self.kept.is_some() {
            self.keep_own_out(cells);
            // A refused row of a workbook is text now; its error value is still one until somebody mends it.
            let is_error = |cell: &csv::Cell| {
                let text = if cell.copied { unquoted.as_str() } else { raw };
                text.get(cell.value.0..cell.value.1) == Some(rejects::ERROR_VALUE)
            };
            if let Some(column) = cells.iter().position(is_error) {
                return Err(rejects::formula_error(column));
            }
        }
        Ok(Row { record: raw, unquoted, cells })
    }

    /// The text of a record of JSON or XML, taken out of the line that it was set aside in.
    pub(crate) fn inner<'a>(&self, raw: &'a str) -> Cow<'a, str> {
        match rejects::unwrap(raw) {
            Some(rejects::Record::Json(text) | rejects::Record::Xml(text)) => Cow::Owned(text),
            None => Cow::Borrowed(raw),
        }
    }

    fn json(&self, raw: &str) -> Result<Parsed<'static>, Issue> {
        let unwrapped = rejects::unwrap(raw);
        let node = match &unwrapped {
            None => tree::json::parse(raw.as_bytes(), &self.limits)?,
            Some(rejects::Record::Json(text)) => tree::json::parse(text.as_bytes(), &self.limits)?,
            Some(rejects::Record::Xml(text)) if xml::root_is_fhir(text) => {
                return Ok(Parsed::FhirXml(Cow::Owned(text.clone())));
            }
            Some(rejects::Record::Xml(text)) => xml_node::to_node(text, &self.limits)?,
        };
        Ok(Parsed::Tree(without_own_keys(node)))
    }

    /// The first line of a file of refused records, with the columns for the reasons; `None` where records are
    /// trees, because lines of JSON need no heading.
    #[must_use]
    pub fn reject_header(&self) -> Option<String> {
        self.format.is_table().then(|| {
            let mut line = self.without_own_columns(&self.heading);
            for name in [rejects::REASON, rejects::REMEDY] {
                line.push(char::from(self.delimiter));
                line.push_str(name);
            }
            line.push('\n');
            line
        })
    }

    /// One line of a file of refused records: the record as it was, then why, then what to do about it.
    #[must_use]
    pub fn reject_line(&self, raw: &str, issues: &[Issue]) -> String {
        if self.format.is_table() {
            let kept = self.without_own_columns(raw);
            rejects::table_line(&kept, self.delimiter, issues)
        } else {
            rejects::tree_line(raw, matches!(self.format, Format::Xml | Format::FhirXml), issues)
        }
    }

    /// Whether a record may be converted without the rest of the export that it was set aside from: not when its
    /// reasons say `not-alone`.
    #[must_use]
    pub fn stands_alone(&self, raw: &str) -> bool {
        !self.is_marked(raw, IssueCode::NotAlone.as_str())
    }

    /// Whether a record is more than the beginning of one that was too large and was set aside.
    #[must_use]
    pub fn is_whole(&self, raw: &str) -> bool {
        !self.is_marked(raw, rejects::CUT)
    }

    /// The refusal of such a beginning.
    #[must_use]
    pub fn cut_issue() -> Issue {
        rejects::is_cut()
    }

    /// Whether the reasons why a record was set aside contain a mark.
    fn is_marked(&self, raw: &str, mark: &str) -> bool {
        if !self.format.is_table() {
            return rejects::is_wrapped(raw) && rejects::reasons_of(raw).contains(mark);
        }
        let Some(kept) = &self.kept else { return false };
        let (mut cells, mut unquoted) = (Vec::new(), String::new());
        if !raw.contains(mark) || !csv::cells(raw, self.delimiter, &mut cells, &mut unquoted) {
            return false;
        }
        // A row of the wrong length has the reasons at its end.
        let whole = cells.len() == self.columns;
        let from = cells.len().saturating_sub(self.own_columns());
        let is_own = |n: &usize| if whole { !kept.contains(n) } else { *n >= from };
        let text = |cell: &Cell| raw.get(cell.written.0..cell.written.1).unwrap_or_default();
        cells.iter().enumerate().any(|(n, cell)| is_own(&n) && text(cell).contains(mark))
    }

    /// How many columns an earlier refusal added.
    fn own_columns(&self) -> usize {
        self.kept.as_ref().map_or(0, |kept| self.columns - kept.len())
    }

    /// A row's text without the columns of an earlier refusal; unchanged where there are none.
    fn without_own_columns(&self, raw: &str) -> String {
        let Some(kept) = &self.kept else { return raw.to_owned() };
        let (mut cells, mut unquoted) = (Vec::new(), String::new());
        if !csv::cells(raw, self.delimiter, &mut cells, &mut unquoted) {
            return raw.to_owned();
        }
        let text = |cell: &csv::Cell| raw.get(cell.written.0..cell.written.1).unwrap_or_default();
        let theirs: Vec<&str> = if cells.len() == self.columns {
            kept.iter().filter_map(|&n| cells.get(n)).map(text).collect()
        } else {
            // A row of the wrong length had the reasons put at its end.
            cells.iter().take(cells.len().saturating_sub(self.own_columns())).map(text).collect()
        };
        theirs.join(char::from(self.delimiter).encode_utf8(&mut [0; 4]))
    }
}

fn without_own_keys(node: Node) -> Node {
    match node {
        Node::Object(mut members) => {
            members.retain(|(key, _)| !key.starts_with(OWN_PREFIX));
            Node::Object(members)
        }
        other => other,
    }
}

impl<'a> Row<'a> {
    /// The value of a cell, counted from 0: quotes undone, otherwise as written.
    #[must_use]
    pub fn get(&self, column: usize) -> Option<&'a str> {
        let cell = self.cells.get(column)?;
        let text = if cell.copied { self.unquoted } else { self.record };
        text.get(cell.value.0..cell.value.1)
    }

    /// How many cells there are: as many as headings.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// The values in order.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let row = *self;
        (0..row.len()).map(move |n| row.get(n).unwrap_or_default())
    }
}

impl fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Row {{ {} cells }}", self.cells.len())
    }
}

impl fmt::Debug for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Layout {{ {}, {} columns }}", self.format.as_str(), self.header.len())
    }
}

impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scratch")
    }
}
