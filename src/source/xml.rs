//! XML text cut into records.
//!
//! What it is: a scanner of tags ([`token`]), and a splitter that gives out each row element as it is written. What
//! it is not: a parser; [`super::xml_node`] parses a record, on a worker. Nor is it aware of namespaces: local names
//! count. A DOCTYPE is refused wherever it stands. Invariant: a record is one element from
//! its opening to its closing tag; a fault inside it refuses it alone. Next: [`super::xml_node`].

use std::collections::BTreeMap;
use std::sync::Arc;

use super::batch::Batch;
use super::error::{SourceError, SourceErrorKind};
use super::layout::Layout;
use super::options::Options;
use super::scan::find1;
use super::text::{PIECE, Text};
use crate::event::IssueCode;

const FHIR: &str = "http://hl7.org/fhir";
const DEEPEST: usize = 64;

/// One piece of markup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// `<name …>` or `<name …/>`.
    Open { name: (usize, usize), end: usize, empty: bool },
    /// `</name>`.
    Close { name: (usize, usize), end: usize },
    /// A comment, a CDATA section or a processing instruction.
    Other { end: usize },
    /// `<!DOCTYPE`, or any other declaration.
    Doctype,
    /// The bytes end first.
    More,
}

/// Reads the markup that starts with the `<` at `at`.
pub(crate) fn token(bytes: &[u8], at: usize) -> Token {
    let rest = bytes.get(at..).unwrap_or_default();
    let until = |end: &[u8], from: usize| {
        let mut place = at + from;
        loop {
            let Some(found) = find1(bytes, place, b'>') else { return Token::More };
            if found + 1 >= at + from + end.len() && bytes.get(..=found).is_some_and(|b| b.ends_with(end)) {
                return Token::Other { end: found + 1 };
            }
            place = found + 1;
        }
    };
    match rest {
        [b'<', b'!', b'-', b'-', ..] => until(b"-->", 4),
        [b'<', b'!', b'[', b'C', b'D', b'A', b'T', b'A', b'[', ..] => until(b"]]>", 9),
        [b'<', b'!', ..] if rest.len() < 9 => Token::More,
        [b'<', b'!', ..] => Token::Doctype,
        [b'<', b'?', ..] => until(b"?>", 2),
        [b'<', b'/', ..] => match find1(bytes, at, b'>') {
            Some(end) => {
                let name = name_end(bytes, at + 2, end);
                Token::Close { name: (at + 2, name), end: end + 1 }
            }
            None => Token::More,
        },
        _ => {
            let mut place = at + 1;
            loop {
                let Some(byte) = bytes.get(place) else { return Token::More };
                match byte {
                    b'>' => break,
                    b'"' | b'\'' => match find1(bytes, place + 1, *byte) {
                        Some(close) => place = close + 1,
                        None => return Token::More,
                    },
                    _ => place += 1,
                }
            }
            let empty = bytes.get(place - 1) == Some(&b'/');
            Token::Open { name: (at + 1, name_end(bytes, at + 1, place)), end: place + 1, empty }
        }
    }
}

fn name_end(bytes: &[u8], from: usize, limit: usize) -> usize {
    let name = bytes.get(from..limit).unwrap_or_default();
    from + name.iter().take_while(|b| !b.is_ascii_whitespace() && **b != b'/').count()
}

/// A name without its prefix.
fn local(text: &str, (from, to): (usize, usize)) -> &str {
    let name = text.get(from..to).unwrap_or_default();
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// The encoding that an XML declaration states.
pub(crate) fn declared_encoding(head: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    let head = head.trim_ascii_start();
    let declaration = head.strip_prefix(b"<?xml")?.get(..200.min(head.len() - 5))?;
    let text = String::from_utf8_lossy(declaration);
    let label =
        text.split("?>").next()?.split("encoding").nth(1)?.trim_start().strip_prefix('=')?.trim_start();
    let quote = label.chars().next()?;
    let label = label.get(1..)?.split(quote).next()?;
    // Without a byte order mark these bytes are not UTF-16, whatever they say.
    encoding_rs::Encoding::for_label(label.as_bytes()).filter(|e| e.is_ascii_compatible())
}

/// Whether the root element stands in the FHIR namespace.
pub(crate) fn root_is_fhir(text: &str) -> bool {
    let mut at = 0;
    while let Some(open) = find1(text.as_bytes(), at, b'<') {
        match token(text.as_bytes(), open) {
            Token::Open { end, .. } => {
                let tag = text.get(open..end).unwrap_or_default();
                return ['"', '\''].iter().any(|q| tag.contains(&format!("{q}{FHIR}{q}")));
            }
            Token::Other { end } | Token::Close { end, .. } => at = end,
            Token::Doctype | Token::More => return false,
        }
    }
    false
}

fn doctype() -> SourceError {
    SourceError::new(SourceErrorKind::Malformed, IssueCode::Doctype.title(), IssueCode::Doctype.remedy())
}

/// Refuses a document with a DOCTYPE, whether it matters to the reader or not.
pub(crate) fn refuse_doctype(text: &str) -> Result<(), SourceError> {
    let mut at = 0;
    while let Some(open) = find1(text.as_bytes(), at, b'<') {
        match token(text.as_bytes(), open) {
            Token::Doctype => return Err(doctype()),
            Token::Open { end, .. } | Token::Other { end } | Token::Close { end, .. } => at = end,
            Token::More => return Ok(()),
        }
    }
    Ok(())
}

/// Which elements are the records.
#[derive(Clone, Debug, PartialEq, Eq)]
struct RowElement {
    name: String,
    /// How many elements enclose it, where it was detected; `None` accepts any place.
    depth: Option<usize>,
}

/// Detects the element that repeats: a child of the root, or of its only child.
fn detect(head: &str) -> Option<RowElement> {
    // Every element seen at depths 1 and 2: name, how often, and whether it holds elements.
    let mut seen: [Vec<(String, usize, bool)>; 2] = [Vec::new(), Vec::new()];
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(open) = find1(head.as_bytes(), at, b'<') {
        match token(head.as_bytes(), open) {
            Token::Open { name, end, empty } => {
                if let Some(parent) =
                    depth.checked_sub(2).and_then(|d| seen.get_mut(d)).and_then(|s| s.last_mut())
                {
                    parent.2 = true;
                }
                if let Some(level) = depth.checked_sub(1).and_then(|d| seen.get_mut(d)) {
                    let name = local(head, name);
                    match level.iter().position(|(known, ..)| known == name) {
                        // The one seen last stands last, so that its children are noted with it.
                        Some(n) => {
                            let mut known = level.remove(n);
                            known.1 += 1;
                            level.push(known);
                        }
                        None => level.push((
                            name.to_owned(),
                            1,
                            head.get(open..end).is_some_and(|t| t.contains('=')),
                        )),
                    }
                }
                depth += usize::from(!empty);
                at = end;
            }
            Token::Close { end, .. } => {
                depth = depth.checked_sub(1)?;
                at = end;
            }
            Token::Other { end } => at = end,
            Token::Doctype | Token::More => break,
        }
    }
    let [first, second] = seen;
    let most = |level: &[(String, usize, bool)]| {
        level
            .iter()
            .filter(|(_, n, holds)| *n > 1 && *holds)
            .max_by_key(|(_, n, _)| *n)
            .map(|(name, ..)| name.clone())
    };
    if let Some(name) = most(&first) {
        return Some(RowElement { name, depth: Some(1) });
    }
    // Nothing repeats under the root: either its children are lists of records, or there is one record.
    if let Some(name) = most(&second) {
        return Some(RowElement { name, depth: Some(2) });
    }
    let one = first.into_iter().rfind(|(_, _, holds)| *holds)?;
    Some(RowElement { name: one.0, depth: Some(1) })
}

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
