//! A stream of text, cut into batches of records.
//!
//! What it is: the reading thread's half of [`super`]: text comes in pieces, whole records go out, and what is too
//! large or badly quoted is refused by itself. What it is not: aware of headings; [`crate::source::reader`] takes
//! those off the front. Invariant: memory is bounded by a piece and one record. Next: [`crate::source::layout`].

use std::sync::Arc;

use super::{Cut, broken, cut, is_blank};
use crate::event::IssueCode;
use crate::source::batch::Batch;
use crate::source::dialect::Dialect;
use crate::source::error::{SourceError, SourceErrorKind};
use crate::source::layout::Layout;
use crate::source::options::Limits;
use crate::source::rejects;
use crate::source::text::{PIECE, Text};

/// Cuts a stream of text into batches of records.
pub(crate) struct Splitter {
    text: Text,
    dialect: Dialect,
    limits: Limits,
    /// Text read and not yet given out; it starts at the start of a record.
    pending: String,
    /// How much of `pending` went into headings. Dropped at once for many records, not one by one: each drop moves the rest.
    taken: usize,
    /// Where `pending` starts in the whole text.
    offset: u64,
    /// The number of the record that starts `pending`.
    row: u64,
    ended: bool,
    broken: u64,
    /// Inside a record above the size limit: its text is passed over until the line ends.
    passing_over: bool,
}

impl Splitter {
    /// `pending` is the text read so far; `row` is the number of its first record.
    pub(crate) fn new(text: Text, dialect: Dialect, limits: Limits, pending: String, offset: u64) -> Self {
        Self {
            text,
            dialect,
            limits,
            pending,
            taken: 0,
            offset,
            row: 1,
            ended: false,
            broken: 0,
            passing_over: false,
        }
    }

    pub(crate) fn notes(&self) -> &[String] {
        self.text.notes()
    }

    /// Takes one record off the front, for headings: its number and text. `None` at the end of the file.
    pub(crate) fn take_one(&mut self) -> Result<Option<(u64, String)>, SourceError> {
        loop {
            let at = self.taken;
            match cut(self.pending.as_bytes(), at, self.dialect, self.ended) {
                Cut::Record { next, .. } if self.ended && next == at => return Ok(None),
                Cut::Record { end, next } => {
                    let record = self.pending.get(at..end).unwrap_or_default().to_owned();
                    self.taken = next;
                    self.offset += (next - at) as u64;
                    self.row += 1;
                    if !self.text.bad_before(0, self.offset).is_empty() {
                        return Err(SourceError::new(
                            SourceErrorKind::Malformed,
                            "the heading row holds bytes that are not text in the file's encoding",
                            "save the file as UTF-8, or state its encoding",
                        )
                        .at_row(self.row - 1));
                    }
                    return Ok(Some((self.row - 1, record)));
                }
                Cut::More { .. } if self.pending.len() - at <= self.limits.max_record_bytes => {
                    self.drop_taken();
                    self.ended = !self.text.fill(&mut self.pending)?;
                }
                Cut::More { quote: None } => {
                    let title = format!("a heading row of more than {} bytes", self.limits.max_record_bytes);
                    return Err(SourceError::new(
                        SourceErrorKind::TooLarge,
                        title,
                        "check that this is a text table with one row a line",
                    )
                    .at_row(self.row));
                }
                Cut::More { .. } | Cut::Broken { .. } => {
                    return Err(SourceError::new(
                        SourceErrorKind::Malformed,
                        "a quote in the heading row does not close",
                        "close the quote, or state the delimiter",
                    )
                    .at_row(self.row));
                }
            }
        }
    }

    fn drop_taken(&mut self) {
        self.pending.drain(..std::mem::take(&mut self.taken));
    }

    /// The next records; `None` at the end of the file.
    pub(crate) fn next_batch(
        &mut self,
        layout: &Arc<Layout>,
        file: &Arc<str>,
    ) -> Result<Option<Batch>, SourceError> {
        self.drop_taken();
        let mut batch = Batch::new(layout, file);
        let mut at = 0;
        while !self.ended || at < self.pending.len() {
            match cut(self.pending.as_bytes(), at, self.dialect, self.ended) {
                Cut::Record { end, next } => {
                    self.record(&mut batch, at, end);
                    at = next;
                }
                Cut::Broken { end, resume } => {
                    self.broken(&mut batch, at, end)?;
                    at = resume;
                }
                Cut::More { .. } if self.pending.len() - at <= self.limits.max_record_bytes => {
                    if at > 0 {
                        return Ok(Some(self.hand_out(batch, at)));
                    }
                    self.ended = !self.text.fill(&mut self.pending)?;
                }
                Cut::More { quote: Some(quote) } => {
                    let Cut::Broken { end, resume } =
                        broken(self.pending.as_bytes(), at, quote, self.dialect.terminator)
                    else {
                        continue;
                    };
                    self.broken(&mut batch, at, end)?;
                    self.passing_over = resume == self.pending.len();
                    at = resume;
                }
                Cut::More { quote: None } => {
                    if !self.passing_over {
                        self.too_large(&mut batch, at);
                        self.passing_over = true;
                    }
                    at = self.pending.len();
                }
            }
        }
        Ok((at > 0).then(|| self.hand_out(batch, at)))
    }

    fn record(&mut self, batch: &mut Batch, at: usize, end: usize) {
        if std::mem::take(&mut self.passing_over) {
            return;
        }
        let record = self.pending.as_bytes().get(at..end).unwrap_or_default();
        if is_blank(record, self.dialect.delimiter) {
            batch.add_blank(1);
        } else if record.len() > self.limits.max_record_bytes {
            self.too_large(batch, at);
            return;
        } else {
            batch.add_span(self.row, at, end);
        }
        self.row += 1;
    }

    fn broken(&mut self, batch: &mut Batch, at: usize, end: usize) -> Result<(), SourceError> {
        if std::mem::take(&mut self.passing_over) {
            return Ok(());
        }
        let end = self.pending.floor_char_boundary(end.min(at + self.limits.max_record_bytes));
        let text = self.pending.get(at..end).unwrap_or_default();
        batch.refuse(self.row, text, IssueCode::QuoteOpen, "");
        self.row += 1;
        self.broken += 1;
        if self.broken > self.limits.max_broken_rows {
            return Err(SourceError::new(
                SourceErrorKind::Malformed,
                format!("more than {} rows with quotes that do not close", self.limits.max_broken_rows),
                "check the delimiter and how the file was exported",
            )
            .at_row(self.row));
        }
        Ok(())
    }

    /// Refuses a record that is not kept whole; the first part is enough to find it by.
    fn too_large(&mut self, batch: &mut Batch, at: usize) {
        let end = self.pending.floor_char_boundary(at + 1024);
        let text = self.pending.get(at..end).unwrap_or_default();
        let limit = self.limits.max_record_bytes;
        batch.refuse(self.row, text, IssueCode::TooLarge, rejects::cut("a row", limit));
        self.row += 1;
    }

    fn hand_out(&mut self, mut batch: Batch, at: usize) -> Batch {
        let rest = self.pending.get(at..).unwrap_or_default();
        let mut text = String::with_capacity(rest.len() + PIECE + 16);
        text.push_str(rest);
        std::mem::swap(&mut text, &mut self.pending);
        text.truncate(at);
        batch.set_text(text);
        let end = self.offset + at as u64;
        batch.refuse_at(&self.text.bad_before(self.offset, end), IssueCode::BadEncoding);
        self.offset = end;
        batch
    }
}
