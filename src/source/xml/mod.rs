//! XML text cut into records.
//!
//! What it is: a scanner of tags ([`mod@token`]), and a splitter that gives out each row element as it is written. What
//! it is not: a parser; [`super::xml_node`] parses a record, on a worker. Nor is it aware of namespaces: local names
//! count. A DOCTYPE is refused wherever it stands. Invariant: a record is one element from
//! its opening to its closing tag; a fault inside it refuses it alone. Next: [`super::xml_node`].

mod detect;
mod prologue;
mod token;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::batch::Batch;
use super::error::{SourceError, SourceErrorKind};
use super::layout::Layout;
use super::options::Options;
use super::scan::find1;
use super::text::{PIECE, Text};
use crate::event::IssueCode;

use detect::{RowElement, detect};
use prologue::doctype;
use token::local;

pub(crate) use prologue::{declared_encoding, refuse_doctype, root_is_fhir};
pub(crate) use token::{Token, token};

const DEEPEST: usize = 64;

/// Cuts a stream of XML into records.
pub(crate) struct Splitter {
    text: Text,
    pending: String,
    offset: u64,
    ended: bool,
    rows: RowElement,
    /// Names of the open elements around the records.
    stack: Vec<String>,
    rooted: bool,
    row: u64,
    limit: usize,
    /// Where the first record stood, and what else stands there: elements that are not read.
    level: Option<usize>,
    beside: BTreeMap<String, u64>,
}

impl Splitter {
    /// What a person should know about how the text was read.
    pub(crate) fn notes(&self) -> Vec<String> {
        let others: Vec<String> = self.beside.iter().map(|(name, n)| format!("`{name}` ({n})")).collect();
        let note = format!("elements beside the records were not read: {}", others.join(", "));
        self.text.notes().iter().cloned().chain((!others.is_empty()).then_some(note)).collect()
    }

    pub(crate) fn open(
        mut text: Text,
        mut pending: String,
        options: &Options,
    ) -> Result<(Self, Vec<String>), SourceError> {
        let mut ended = false;
        let rows = match &options.records {
            Some(name) => RowElement { name: name.clone(), depth: None },
            None => loop {
                // The more is seen the surer the choice; a piece shows hundreds of records.
                if ended || pending.len() >= PIECE / 2 {
                    if pending.contains("<!DOCTYPE") {
                        refuse_doctype(&pending)?;
                    }
                    break detect(&pending).ok_or_else(|| {
                        let title = "no element of this XML repeats";
                        SourceError::new(
                            SourceErrorKind::NotFound,
                            title,
                            "name the element that is a record",
                        )
                    })?;
                }
                ended = !text.fill(&mut pending)?;
            },
        };
        let notes = match rows.depth {
            Some(_) => vec![format!("each `{}` element was read as a record", rows.name)],
            None => Vec::new(),
        };
        let limit = options.limits.max_record_bytes;
        let level = rows.depth;
        let it = Self {
            text,
            pending,
            offset: 0,
            ended,
            rows,
            stack: Vec::new(),
            rooted: false,
            row: 0,
            limit,
            level,
            beside: BTreeMap::new(),
        };
        Ok((it, notes))
    }

    pub(crate) fn next_batch(
        &mut self,
        layout: &Arc<Layout>,
        file: &Arc<str>,
    ) -> Result<Option<Batch>, SourceError> {
        let mut batch = Batch::new(layout, file);
        let mut at = 0;
        loop {
            let found = find1(self.pending.as_bytes(), at, b'<');
            let between = self.pending.get(at..found.unwrap_or(self.pending.len())).unwrap_or_default();
            if self.stack.is_empty() && !between.trim_start_matches('\u{feff}').trim().is_empty() {
                return self.stop(batch, at, "there is text outside the root element");
            }
            let Some(open) = found else {
                at = self.pending.len();
                match self.more(&mut batch, layout, file, &mut at)? {
                    Some(full) => return Ok(Some(full)),
                    None if !self.ended => continue,
                    None => return self.finish(batch, at),
                }
            };
            match token(self.pending.as_bytes(), open) {
                Token::Doctype => return Err(doctype().at_row(self.row + 1)),
                Token::Other { end } => at = end,
                Token::Close { name, end } => {
                    if self.stack.pop().as_deref()
                        != Some(self.pending.get(name.0..name.1).unwrap_or_default())
                    {
                        return self.stop(batch, at, "a closing tag has no opening tag");
                    }
                    at = end;
                }
                Token::Open { name, end, empty } => {
                    if self.stack.is_empty() && std::mem::replace(&mut self.rooted, true) {
                        return self.stop(batch, at, "there is a second root element");
                    }
                    let is_row = local(&self.pending, name) == self.rows.name
                        && self.rows.depth.is_none_or(|depth| depth == self.stack.len());
                    if !is_row {
                        if self.level == Some(self.stack.len()) && self.beside.len() < 20 {
                            let name = local(&self.pending, name).to_owned();
                            *self.beside.entry(name).or_default() += 1;
                        }
                        if !empty {
                            self.stack.push(self.pending.get(name.0..name.1).unwrap_or_default().to_owned());
                        }
                        if self.stack.len() > DEEPEST {
                            return self.stop(batch, at, IssueCode::TooDeep.title());
                        }
                        at = end;
                        continue;
                    }
                    self.level.get_or_insert(self.stack.len());
                    match self.element_end(name, end, empty)? {
                        Some(end) => {
                            self.row += 1;
                            if end - open > self.limit {
                                let cut = self.pending.floor_char_boundary(open + 1024);
                                let text = self.pending.get(open..cut).unwrap_or_default();
                                let found = super::rejects::cut("a record", self.limit);
                                batch.refuse(self.row, text, IssueCode::TooLarge, found);
                            } else {
                                batch.add_span(self.row, open, end);
                            }
                            at = end;
                        }
                        None if self.ended => return self.stop(batch, open, "the XML ends inside a record"),
                        None => {
                            at = open;
                            if let Some(full) = self.more(&mut batch, layout, file, &mut at)? {
                                // The row's tag is read again with the next batch.
                                return Ok(Some(full));
                            }
                        }
                    }
                }
                Token::More if self.ended => return self.stop(batch, open, "the XML ends inside a tag"),
                Token::More => {
                    at = open;
                    if let Some(full) = self.more(&mut batch, layout, file, &mut at)? {
                        return Ok(Some(full));
                    }
                }
            }
        }
    }

    /// Reads on, after giving out what is complete.
    fn more(
        &mut self,
        batch: &mut Batch,
        layout: &Arc<Layout>,
        file: &Arc<str>,
        at: &mut usize,
    ) -> Result<Option<Batch>, SourceError> {
        if *at > 0 {
            let full = std::mem::replace(batch, Batch::new(layout, file));
            let full = self.hand_out(full, *at);
            *at = 0;
            if !full.is_empty() {
                return Ok(Some(full));
            }
        }
        if self.pending.len() > self.limit {
            let title = format!("a record of more than {} bytes, or one that does not end", self.limit);
            let error = SourceError::new(SourceErrorKind::TooLarge, title, "mend or split it");
            return Err(error.at_row(self.row + 1));
        }
        self.ended = !self.text.fill(&mut self.pending).map_err(|e| e.at_row(self.row + 1))?;
        Ok(None)
    }

    /// The place after the closing tag of the row element whose opening tag ends at `from`.
    fn element_end(
        &self,
        name: (usize, usize),
        from: usize,
        empty: bool,
    ) -> Result<Option<usize>, SourceError> {
        if empty {
            return Ok(Some(from));
        }
        let text = self.pending.as_str();
        let own = text.get(name.0..name.1).unwrap_or_default();
        let (mut at, mut same) = (from, 1_usize);
        while let Some(open) = find1(text.as_bytes(), at, b'<') {
            match token(text.as_bytes(), open) {
                Token::Doctype => return Err(doctype().at_row(self.row + 1)),
                Token::More => return Ok(None),
                Token::Other { end } => at = end,
                Token::Open { name, end, empty } => {
                    same += usize::from(!empty && text.get(name.0..name.1) == Some(own));
                    at = end;
                }
                // Only the row's own name is counted: a tag left open inside does not reach into the next row.
                Token::Close { name, end } => {
                    same -= usize::from(text.get(name.0..name.1) == Some(own));
                    if same == 0 {
                        return Ok(Some(end));
                    }
                    at = end;
                }
            }
        }
        Ok(None)
    }

    fn hand_out(&mut self, mut batch: Batch, at: usize) -> Batch {
        let rest = self.pending.get(at..).unwrap_or_default().to_owned();
        let mut text = std::mem::replace(&mut self.pending, rest);
        text.truncate(at);
        batch.set_text(text);
        let end = self.offset + at as u64;
        batch.refuse_at(&self.text.bad_before(self.offset, end), IssueCode::BadEncoding);
        self.offset = end;
        batch
    }

    fn finish(&mut self, batch: Batch, at: usize) -> Result<Option<Batch>, SourceError> {
        if !self.stack.is_empty() || !self.rooted {
            return self.stop(batch, at, "the XML ends inside an element");
        }
        if !batch.is_empty() {
            return Ok(Some(self.hand_out(batch, at)));
        }
        if self.row == 0 {
            let title = format!("there is no `{}` element", self.rows.name);
            return Err(SourceError::new(
                SourceErrorKind::NotFound,
                title,
                "name the element that is a record",
            ));
        }
        Ok(None)
    }

    fn stop(&mut self, batch: Batch, at: usize, title: &'static str) -> Result<Option<Batch>, SourceError> {
        if !batch.is_empty() {
            return Ok(Some(self.hand_out(batch, at)));
        }
        let remedy = "mend the XML after this record; the records before it were read";
        Err(SourceError::new(SourceErrorKind::Malformed, title, remedy).at_row(self.row + 1))
    }
}
