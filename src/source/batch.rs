//! [`Batch`]: some hundred raw records in one piece of text, as the reading thread hands them to the workers.
//!
//! What it is: text and the places where records begin and end in it. What it is not: parsed; a worker does
//! that with [`Layout::parse`]. Invariant: spans lie on character boundaries of `text`, in rising row order.
//! Next: [`super::layout`].

use std::fmt;
use std::sync::Arc;

use super::layout::Layout;
use crate::event::{Issue, IssueCode, Position};

/// Where one record stands in its batch's text.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: usize,
    end: usize,
    row: u64,
}

/// One record as it stood in the file, decoded to UTF-8 and otherwise untouched.
#[derive(Clone, Copy)]
pub struct RawRecord<'a> {
    /// Its number as a person counts: the heading of a table has one too; a blank line has one.
    pub row: u64,
    /// Its text without the line's end.
    pub text: &'a str,
}

/// A record that was refused before it could be parsed.
#[derive(Clone)]
pub struct BadRecord {
    /// Its number.
    pub row: u64,
    /// Its text; for a record above the size limit only the beginning.
    pub text: String,
    /// Why, with file and row filled in.
    pub issue: Issue,
}

/// Consecutive records of one file.
pub struct Batch {
    /// What they have in common.
    pub layout: Arc<Layout>,
    /// The file's name as the user gave it.
    pub file: Arc<str>,
    text: String,
    spans: Vec<Span>,
    bad: Vec<BadRecord>,
    blank: u64,
}

impl Batch {
    pub(crate) fn new(layout: &Arc<Layout>, file: &Arc<str>) -> Self {
        Self {
            layout: Arc::clone(layout),
            file: Arc::clone(file),
            text: String::new(),
            spans: Vec::new(),
            bad: Vec::new(),
            blank: 0,
        }
    }

    /// The records, in order.
    pub fn records(&self) -> impl ExactSizeIterator<Item = RawRecord<'_>> {
        self.spans.iter().map(|span| RawRecord {
            row: span.row,
            text: self.text.get(span.start..span.end).unwrap_or_default(),
        })
    }

    /// The refused ones, in order.
    #[must_use]
    pub fn bad(&self) -> &[BadRecord] {
        &self.bad
    }

    /// How many blank lines or rows were passed over.
    #[must_use]
    pub fn blank(&self) -> u64 {
        self.blank
    }

    /// How many records it holds, good and bad, without the blank ones.
    #[must_use]
    pub fn len(&self) -> usize {
        self.spans.len() + self.bad.len()
    }

    /// Whether it holds no record at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of text, for rates.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    pub(crate) fn add_span(&mut self, row: u64, start: usize, end: usize) {
        self.spans.push(Span { start, end, row });
    }

    pub(crate) fn push(&mut self, row: u64, text: &str) {
        let start = self.text.len();
        self.text.push_str(text);
        self.add_span(row, start, self.text.len());
    }

    pub(crate) fn refuse(
        &mut self,
        row: u64,
        text: &str,
        code: IssueCode,
        found: impl Into<std::borrow::Cow<'static, str>>,
    ) {
        let issue = Issue::new(code, Position::row(Arc::clone(&self.file), row), found);
        self.bad.push(BadRecord { row, text: text.to_owned(), issue });
    }

    pub(crate) fn add_blank(&mut self, count: u64) {
        self.blank += count;
    }

    /// Gives the batch the text that its spans point into.
    pub(crate) fn set_text(&mut self, text: String) {
        self.text = text;
    }

    /// Moves the records that contain one of the places (byte offsets into the text) to the refused ones.
    pub(crate) fn refuse_at(&mut self, places: &[usize], code: IssueCode) {
        if places.is_empty() {
            return;
        }
        let (text, file, bad) = (&self.text, &self.file, &mut self.bad);
        self.spans.retain(|span| {
            let from = places.partition_point(|&place| place < span.start);
            if places.get(from).is_none_or(|&place| place >= span.end) {
                return true;
            }
            let issue = Issue::new(code, Position::row(Arc::clone(file), span.row), "");
            let text = text.get(span.start..span.end).unwrap_or_default().to_owned();
            bad.push(BadRecord { row: span.row, text, issue });
            false
        });
        bad.sort_by_key(|b| b.row);
    }
}

impl fmt::Debug for RawRecord<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawRecord {{ row: {}, text: {} bytes }}", self.row, self.text.len())
    }
}

impl fmt::Debug for BadRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BadRecord {{ row: {}, issue: {} }}", self.row, self.issue)
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Batch {{ file: {}, records: {}, bad: {}, blank: {} }}",
            self.file,
            self.spans.len(),
            self.bad.len(),
            self.blank
        )
    }
}
