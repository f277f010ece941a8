//! JSON text cut into records without parsing it.
//!
//! What it is: three splitters. [`Lines`]: one value a line, where a bad line never harms the next.
//! [`Stream`]: the elements of one array, or values one after another over several lines. What it is not: a
//! JSON parser; a worker parses each record with [`crate::tree::json`]. The splitter only follows strings and
//! brackets, so that an element with an error inside is refused alone as long as its brackets balance.
//! Invariant: between elements only what JSON allows there is accepted; nothing is passed over in silence.

#[cfg(feature = "daemon")]
use std::ops::Range;
use std::sync::Arc;

use super::batch::Batch;
use super::error::{SourceError, SourceErrorKind};
use super::layout::Layout;
use super::scan::find1;
use super::text::{PIECE, Text};
use crate::event::IssueCode;

/// Where a JSON value ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// Before this place.
    End(usize),
    /// Not before the bytes do.
    More,
}

/// Finds the end of the value that starts at `start` (which is no white space).
pub(crate) fn value(bytes: &[u8], start: usize, last: bool) -> Value {
    let (mut at, mut depth) = (start, 0_usize);
    loop {
        match bytes.get(at) {
            None if last && depth == 0 && at > start => return Value::End(at),
            None => return Value::More,
            Some(b'"') => match string(bytes, at) {
                Some(end) => at = end,
                None => return Value::More,
            },
            Some(b'{' | b'[') => {
                if depth == 0 && at > start {
                    return Value::End(at);
                }
                depth += 1;
                at += 1;
                continue;
            }
            Some(b'}' | b']') if depth == 0 => return Value::End(at),
            Some(b'}' | b']') => {
                depth -= 1;
                at += 1;
            }
            Some(b',' | b' ' | b'\t' | b'\n' | b'\r') if depth == 0 => return Value::End(at),
            Some(_) => {
                at += 1;
                continue;
            }
        }
        if depth == 0 {
            // After a string or a closing bracket the value is over; what follows is the caller's business.
            return Value::End(at);
        }
    }
}

/// The place after the closing quote of the string that opens at `start`.
fn string(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        let found = super::scan::find2(bytes, at, b'"', b'\\')?;
        if bytes.get(found) == Some(&b'"') {
            return Some(found + 1);
        }
        at = found + 2;
    }
}

/// Where the elements of a JSON array stand that is there as a whole, and from where on it is none; nothing where it is one
/// to its end. It is cut as [`Stream`] does, without parsing. At most so many elements are wanted: where there are
/// more, the rest is left out.
#[cfg(feature = "daemon")]
pub(crate) fn elements(bytes: &[u8], most: usize) -> (Vec<Range<usize>>, Option<usize>) {
    let mut found = Vec::new();
    let (mut at, mut state) = (0, State::Before);
    loop {
        at = skip_space(bytes, at);
        match (state, bytes.get(at)) {
            (State::After, None) => return (found, None),
            (State::Before, Some(b'[')) => state = State::First,
            (State::First | State::Separator, Some(b']')) => state = State::After,
            (State::Separator, Some(b',')) => state = State::Element,
            (State::First | State::Element, Some(_)) => match value(bytes, at, true) {
                Value::End(end) if end > at => {
                    found.push(at..end);
                    if found.len() > most {
                        return (found, None);
                    }
                    (at, state) = (end, State::Separator);
                    continue;
                }
                _ => return (found, Some(at)),
            },
            _ => return (found, Some(at)),
        }
        at += 1;
    }
}

fn skip_space(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')).count()
}

/// Text read ahead of the records, and the place of both in the file.
struct Pending {
    text: Text,
    pending: String,
    offset: u64,
    ended: bool,
    row: u64,
}

impl Pending {
    fn new(text: Text, pending: String) -> Self {
        Self { text, pending, offset: 0, ended: false, row: 1 }
    }

    /// Reads on, twice as far as there is text already, so that a long record is not searched again and again.
    fn fill(&mut self) -> Result<(), SourceError> {
        let enough = self.pending.len() * 2;
        loop {
            self.ended = !self.text.fill(&mut self.pending).map_err(|e| e.at_row(self.row))?;
            if self.ended || self.pending.len() >= enough {
                return Ok(());
            }
        }
    }

    /// Gives the first `at` bytes to the batch.
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

/// One value a line.
pub(crate) struct Lines {
    from: Pending,
    limit: usize,
    passing_over: bool,
}

impl Lines {
    pub(crate) fn new(text: Text, pending: String, limit: usize) -> Self {
        Self { from: Pending::new(text, pending), limit, passing_over: false }
    }

    pub(crate) fn notes(&self) -> &[String] {
        self.from.text.notes()
    }

    pub(crate) fn next_batch(
        &mut self,
        layout: &Arc<Layout>,
        file: &Arc<str>,
    ) -> Result<Option<Batch>, SourceError> {
        let mut batch = Batch::new(layout, file);
        let mut at = 0;
        loop {
            let bytes = self.from.pending.as_bytes();
            let (end, next) = match find1(bytes, at, b'\n') {
                Some(end) => (end, end + 1),
                None if self.from.ended && at < bytes.len() => (bytes.len(), bytes.len()),
                None if at > 0 => return Ok(Some(self.from.hand_out(batch, at))),
                None if self.from.ended => return Ok(None),
                None if bytes.len() > self.limit => {
                    self.line(&mut batch, 0, bytes.len());
                    self.passing_over = true;
                    at = self.from.pending.len();
                    continue;
                }
                None => {
                    self.from.fill()?;
                    continue;
                }
            };
            self.line(&mut batch, at, end);
            self.passing_over = false;
            self.from.row += 1;
            at = next;
        }
    }

    fn line(&mut self, batch: &mut Batch, start: usize, end: usize) {
        if self.passing_over {
            return;
        }
        let row = self.from.row;
        let line = self.from.pending.get(start..end).unwrap_or_default();
        let text = line.trim_ascii();
        if text.is_empty() {
            batch.add_blank(1);
        } else if line.len() > self.limit {
            let cut = line.floor_char_boundary(1024);
            let found = super::rejects::cut("a line", self.limit);
            batch.refuse(row, line.get(..cut).unwrap_or_default(), IssueCode::TooLarge, found);
        } else {
            let lead = line.len() - line.trim_ascii_start().len();
            batch.add_span(row, start + lead, start + lead + text.len());
        }
    }
}

/// What stands where in a [`Stream`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the `[` of an array.
    Before,
    /// After `[`: an element or `]`.
    First,
    /// After `,`: an element.
    Element,
    /// After an element: `,` or `]`.
    Separator,
    /// After `]`: nothing more.
    After,
    /// Between values that follow one another.
    Sequence,
}

/// The elements of an array, or values one after another, over any number of lines.
pub(crate) struct Stream {
    from: Pending,
    state: State,
    limit: usize,
}

impl Stream {
    /// The elements of the array that the text holds.
    pub(crate) fn array(text: Text, pending: String, limit: usize) -> Self {
        Self { from: Pending::new(text, pending), state: State::Before, limit }
    }

    /// Values one after another.
    pub(crate) fn sequence(text: Text, pending: String, limit: usize) -> Self {
        Self { from: Pending::new(text, pending), state: State::Sequence, limit }
    }

    pub(crate) fn notes(&self) -> &[String] {
        self.from.text.notes()
    }

    pub(crate) fn next_batch(
        &mut self,
        layout: &Arc<Layout>,
        file: &Arc<str>,
    ) -> Result<Option<Batch>, SourceError> {
        let mut batch = Batch::new(layout, file);
        let mut at = 0;
        loop {
            at = skip_space(self.from.pending.as_bytes(), at);
            let bytes = self.from.pending.as_bytes();
            let Some(&byte) = bytes.get(at) else {
                if !self.from.ended && at == 0 {
                    self.from.fill()?;
                    continue;
                }
                if at > 0 {
                    return Ok(Some(self.from.hand_out(batch, at)));
                }
                return match self.state {
                    State::After | State::Sequence => Ok(None),
                    _ => Err(self.fault("the JSON array does not end")),
                };
            };
            match (self.state, byte) {
                (State::Before, b'[') => self.state = State::First,
                (State::First | State::Separator, b']') => self.state = State::After,
                (State::Separator, b',') => self.state = State::Element,
                (State::Sequence, b) if !matches!(b, b'{' | b'[') => {
                    return self.stop(batch, at, "there is text after a JSON value");
                }
                (State::First | State::Element | State::Sequence, _) => {
                    match value(bytes, at, self.from.ended) {
                        Value::End(end) if end > at && end - at <= self.limit => {
                            batch.add_span(self.from.row, at, end);
                            self.from.row += 1;
                            at = end;
                            if self.state != State::Sequence {
                                self.state = State::Separator;
                            }
                            continue;
                        }
                        Value::End(end) if end > at => {
                            let cut = self.from.pending.floor_char_boundary(at + 1024);
                            let text = self.from.pending.get(at..cut).unwrap_or_default();
                            let found = super::rejects::cut("a record", self.limit);
                            batch.refuse(self.from.row, text, IssueCode::TooLarge, found);
                            self.from.row += 1;
                            at = end;
                            if self.state != State::Sequence {
                                self.state = State::Separator;
                            }
                            continue;
                        }
                        Value::End(_) => {
                            return self.stop(
                                batch,
                                at,
                                "a comma or bracket stands where a JSON value must be",
                            );
                        }
                        Value::More if self.from.ended => {
                            return self.stop(
                                batch,
                                at,
                                "a JSON value does not end; a quote or bracket is missing",
                            );
                        }
                        Value::More if bytes.len() - at > self.limit => {
                            return self.stop(
                                batch,
                                at,
                                "a JSON value is larger than the limit, or does not end",
                            );
                        }
                        Value::More if at > 0 => return Ok(Some(self.from.hand_out(batch, at))),
                        Value::More => self.from.fill()?,
                    }
                    continue;
                }
                (State::After, _) => {
                    return self.stop(batch, at, "there is text after the end of the JSON array");
                }
                _ => {
                    return self.stop(
                        batch,
                        at,
                        "a comma or the end of the array is missing between JSON values",
                    );
                }
            }
            at += 1;
        }
    }

    /// Hands out what came before the fault, and on the next call reports it.
    fn stop(&mut self, batch: Batch, at: usize, title: &'static str) -> Result<Option<Batch>, SourceError> {
        if at > 0 && !batch.is_empty() {
            return Ok(Some(self.from.hand_out(batch, at)));
        }
        Err(self.fault(title))
    }

    fn fault(&self, title: &'static str) -> SourceError {
        let remedy = "mend the JSON at this record; the records before it were read";
        SourceError::new(SourceErrorKind::Malformed, title, remedy).at_row(self.from.row)
    }
}
