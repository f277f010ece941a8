//! The strict layer over quick-xml's event reader.
//!
//! quick-xml finds where markup begins and ends; whether it is well-formed is decided here, because quick-xml alone
//! accepts most of the malformed documents of the W3C suite. Nothing recurses. Next: `attributes.rs`.

use std::io::BufRead;
use std::sync::Arc;

use quick_xml::errors::{Error, IllFormedError, SyntaxError};
use quick_xml::events::{BytesStart, Event as Raw};

use super::attributes::{self, Refused};
use super::chars::{all_chars, is_name, resolve, split_name};
use super::element::{Attribute, Child, Element};
use crate::event::{Issue, IssueCode, Position};
use crate::tree::{Limits, safe_name};

const XML: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

/// Declarations in scope at once: every name is looked up among them.
const MAX_SCOPE: usize = 128;

/// A reader of one document, event by event.
pub struct Reader<R> {
    inner: quick_xml::Reader<R>,
    buffer: Vec<u8>,
    limits: Limits,
    /// Names of the open elements, outermost first.
    open: Vec<String>,
    /// Prefixes in scope with the depth that declared them; the empty prefix is the default namespace.
    scope: Vec<(usize, String, Option<Arc<str>>)>,
    /// Where the event now read began.
    offset: usize,
    begun: bool,
    rooted: bool,
    nodes: usize,
}

/// One event. Comments and processing instructions are checked and passed over.
#[derive(Debug)]
pub enum Event {
    /// A start tag: the element without its children.
    Start(Element),
    /// The end of the innermost open element.
    End,
    /// A piece of text inside the root; pieces may follow one another.
    Text(String),
    /// The end of the document, after exactly one root.
    Eof,
}

pub(super) struct Fault {
    pub(super) code: IssueCode,
    pub(super) found: &'static str,
    pub(super) offset: usize,
    pub(super) path: String,
}

impl<R: BufRead> Reader<R> {
    /// A reader over UTF-8 text.
    pub fn new(source: R, limits: Limits) -> Self {
        let mut inner = quick_xml::Reader::from_reader(source);
        let config = inner.config_mut();
        config.check_comments = true;
        config.check_end_names = true;
        config.expand_empty_elements = true;
        Self {
            inner,
            buffer: Vec::new(),
            limits,
            open: Vec::new(),
            scope: Vec::new(),
            offset: 0,
            begun: false,
            rooted: false,
            nodes: 0,
        }
    }

    /// The next event.
    ///
    /// # Errors
    /// One [`Issue`] with the path of open elements and the byte where it happened. Nothing can be read after it.
    pub fn next_event(&mut self) -> Result<Event, Issue> {
        self.step().map_err(|fault| fault.issue())
    }

    /// Everything inside an element just begun, up to its end tag. Each call has the whole node limit for itself.
    ///
    /// # Errors
    /// As [`Reader::next_event`].
    pub fn element(&mut self, start: Element) -> Result<Element, Issue> {
        self.subtree(start).map_err(|fault| fault.issue())
    }

    /// The path of the open elements: `Bundle/entry`.
    #[must_use]
    pub fn path(&self) -> String {
        let names: Vec<&str> = self.open.iter().map(|name| safe_name(name)).collect();
        names.join("/")
    }

    pub(super) fn fault(&self, found: &'static str) -> Box<Fault> {
        self.fault_of(IssueCode::NotXml, found)
    }

    fn fault_of(&self, code: IssueCode, found: &'static str) -> Box<Fault> {
        Box::new(Fault { code, found, offset: self.offset, path: self.path() })
    }

    pub(super) fn subtree(&mut self, start: Element) -> Result<Element, Box<Fault>> {
        self.nodes = 0;
        let mut outer: Vec<Element> = Vec::new();
        let mut current = start;
        loop {
            match self.step()? {
                Event::Start(element) => {
                    self.nodes += 1 + element.attributes.len();
                    if self.nodes > self.limits.nodes {
                        return Err(self.fault_of(IssueCode::TooLarge, "more elements than the limit"));
                    }
                    outer.push(std::mem::replace(&mut current, element));
                }
                Event::Text(text) => match current.children.last_mut() {
                    Some(Child::Text(before)) => before.push_str(&text),
                    _ => current.children.push(Child::Text(text)),
                },
                Event::End => {
                    current.span.end = self.position();
                    match outer.pop() {
                        Some(mut parent) => {
                            parent.children.push(Child::Element(current));
                            current = parent;
                        }
                        None => return Ok(current),
                    }
                }
                Event::Eof => return Err(self.fault("the end of the text inside an element")),
            }
        }
    }

    fn position(&self) -> usize {
        usize::try_from(self.inner.buffer_position()).unwrap_or(usize::MAX)
    }

    pub(super) fn step(&mut self) -> Result<Event, Box<Fault>> {
        // Whether quick-xml decodes UTF-16 by its mark depends on what else is in the build; here it never counts.
        if !self.begun
            && let Ok([0xFE, 0xFF, ..] | [0xFF, 0xFE, ..]) = self.inner.get_mut().fill_buf()
        {
            return Err(self.fault_of(IssueCode::BadEncoding, "UTF-16"));
        }
        loop {
            self.offset = self.position();
            // Taken out so that the event may borrow it while `self` is asked about names.
            let mut buffer = std::mem::take(&mut self.buffer);
            buffer.clear();
            let event = match self.inner.read_event_into(&mut buffer) {
                Ok(raw) => Self::checked(raw),
                Err(error) => Err(refusal(&error)),
            };
            let event = match event {
                Ok(piece) => self.take(piece),
                Err((code, found)) => Err(self.fault_of(code, found)),
            };
            self.buffer = buffer;
            self.begun = true;
            if let Some(event) = event? {
                return Ok(event);
            }
        }
    }

    /// What can be judged from the event alone.
    fn checked(raw: Raw<'_>) -> Result<Piece<'_>, (IssueCode, &'static str)> {
        let malformed = |found| (IssueCode::NotXml, found);
        let legal = |text: &str| match all_chars(text) {
            true => Ok(()),
            false if text.contains('\0') => Err((IssueCode::NulCharacter, "a NUL")),
            false => Err(malformed("a character that XML does not allow")),
        };
        Ok(match raw {
            Raw::Start(start) | Raw::Empty(start) => Piece::Start(start),
            Raw::End(_) => Piece::End,
            Raw::Text(text) => {
                legal(&text)?;
                if text.contains("]]>") {
                    return Err(malformed("`]]>` in text"));
                }
                Piece::Text(text.xml10_content().into_owned(), false)
            }
            Raw::CData(text) => {
                legal(&text)?;
                Piece::Text(text.xml10_content().into_owned(), true)
            }
            Raw::GeneralRef(name) => match resolve(&name) {
                Some(character) => Piece::Text(character.to_string(), true),
                None => return Err(malformed("a reference that is not defined")),
            },
            Raw::Comment(text) => {
                legal(&text)?;
                Piece::Nothing
            }
            Raw::PI(instruction) => {
                legal(&instruction)?;
                let target = instruction.target();
                if !is_name(target) || target.contains(':') || target.eq_ignore_ascii_case("xml") {
                    return Err(malformed("a processing instruction without a proper name"));
                }
                Piece::Nothing
            }
            Raw::Decl(declaration) => {
                declaration_ok(declaration.strip_prefix("xml").unwrap_or_default())?;
                Piece::Declaration
            }
            Raw::DocType(_) => return Err((IssueCode::Doctype, "")),
            Raw::Eof => Piece::Eof,
        })
    }

    /// What depends on where in the document it stands.
    fn take(&mut self, piece: Piece<'_>) -> Result<Option<Event>, Box<Fault>> {
        match piece {
            Piece::Start(start) => self.start(&start).map(|element| Some(Event::Start(element))),
            Piece::End => {
                while self.scope.last().is_some_and(|(depth, ..)| *depth >= self.open.len()) {
                    self.scope.pop();
                }
                self.open.pop();
                Ok(Some(Event::End))
            }
            Piece::Text(text, _) if !self.open.is_empty() => Ok(Some(Event::Text(text))),
            Piece::Text(text, marked) if marked || !text.trim_matches([' ', '\t', '\n']).is_empty() => {
                Err(self.fault("text outside the root element"))
            }
            Piece::Text(..) | Piece::Nothing => Ok(None),
            Piece::Declaration if self.begun => {
                Err(self.fault("an XML declaration that is not at the start"))
            }
            Piece::Declaration => Ok(None),
            Piece::Eof if !self.open.is_empty() => Err(self.fault("the end of the text inside an element")),
            Piece::Eof if !self.rooted => Err(self.fault("no root element")),
            Piece::Eof => Ok(Some(Event::Eof)),
        }
    }

    fn start(&mut self, start: &BytesStart<'_>) -> Result<Element, Box<Fault>> {
        if self.open.is_empty() && self.rooted {
            return Err(self.fault("a second root element"));
        }
        if self.open.len() == self.limits.depth {
            return Err(self.fault_of(IssueCode::TooDeep, "one level too many"));
        }
        self.rooted = true;
        let name = start.name();
        let name: &str = name.as_ref();
        self.open.push(name.to_owned());
        let Some((prefix, _)) = split_name(name) else {
            return Err(self.fault("a malformed element name"));
        };
        let raw = attributes::read(start.attributes_raw()).map_err(|refused| match refused {
            Refused::Malformed(found) => self.fault(found),
            Refused::TooMany(found) => self.fault_of(IssueCode::TooLarge, found),
        })?;
        let mut plain = Vec::new();
        for (name, value) in raw {
            match name.strip_prefix("xmlns") {
                Some("") => self.declare("", value)?,
                Some(prefix) if prefix.starts_with(':') => {
                    self.declare(prefix.trim_start_matches(':'), value)?
                }
                _ => plain.push((name, value)),
            }
        }
        let namespace = self.namespace(prefix.unwrap_or_default())?;
        let mut attributes: Vec<Attribute> = Vec::with_capacity(plain.len());
        for (name, value) in plain {
            let attribute = match split_name(name) {
                Some((None, _)) => Attribute { name: name.to_owned(), namespace: None, value },
                Some((Some(prefix), _)) => {
                    Attribute { name: name.to_owned(), namespace: self.namespace(prefix)?, value }
                }
                None => return Err(self.fault("a malformed attribute name")),
            };
            let same = |other: &Attribute| {
                other.local() == attribute.local() && other.namespace == attribute.namespace
            };
            if attributes.iter().any(same) {
                return Err(self.fault("one attribute twice"));
            }
            attributes.push(attribute);
        }
        let span = self.offset..self.offset;
        Ok(Element { name: name.to_owned(), namespace, attributes, children: Vec::new(), span })
    }

    fn declare(&mut self, prefix: &str, uri: String) -> Result<(), Box<Fault>> {
        let proper = match (prefix, uri.as_str()) {
            ("xml", uri) => uri == XML,
            ("xmlns", _) | (_, XML | XMLNS) => false,
            ("", _) => true,
            (prefix, uri) => is_name(prefix) && !prefix.contains(':') && !uri.is_empty(),
        };
        if !proper {
            return Err(self.fault("a namespace declaration that is not allowed"));
        }
        if self.scope.len() == MAX_SCOPE {
            return Err(self.fault_of(IssueCode::TooLarge, "more than 128 namespaces in scope"));
        }
        let uri = if uri.is_empty() { None } else { Some(Arc::from(uri)) };
        self.scope.push((self.open.len(), prefix.to_owned(), uri));
        Ok(())
    }

    fn namespace(&self, prefix: &str) -> Result<Option<Arc<str>>, Box<Fault>> {
        match self.scope.iter().rev().find(|(_, name, _)| name == prefix) {
            Some((_, _, uri)) => Ok(uri.clone()),
            None if prefix.is_empty() => Ok(None),
            None if prefix == "xml" => Ok(Some(Arc::from(XML))),
            None => Err(self.fault("a prefix that is not declared")),
        }
    }
}

/// An event after the checks that need no context.
enum Piece<'a> {
    Start(BytesStart<'a>),
    End,
    /// Text, and whether it came from CDATA or a reference (which may not stand outside the root at all).
    Text(String, bool),
    Declaration,
    Nothing,
    Eof,
}

/// The XML declaration after `xml`: version, then encoding, then standalone (production 23).
fn declaration_ok(content: &str) -> Result<(), (IssueCode, &'static str)> {
    let malformed = (IssueCode::NotXml, "a malformed XML declaration");
    if content.contains('&') {
        return Err(malformed);
    }
    let attributes = attributes::read(content).map_err(|_| malformed)?;
    let mut expected = ["version", "encoding", "standalone"].iter();
    if attributes.first().is_none_or(|(name, _)| *name != "version") {
        return Err(malformed);
    }
    for (name, value) in attributes {
        if !expected.any(|expected| *expected == name) {
            return Err(malformed);
        }
        match name {
            "version"
                if value
                    .strip_prefix("1.")
                    .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())) => {}
            "encoding" if value.eq_ignore_ascii_case("utf-8") => {}
            "encoding" => return Err((IssueCode::BadEncoding, "another encoding than UTF-8 declared")),
            "standalone" if value == "yes" || value == "no" => {}
            _ => return Err(malformed),
        }
    }
    Ok(())
}

/// quick-xml's own refusals, in our words: its messages may quote the document.
fn refusal(error: &Error) -> (IssueCode, &'static str) {
    let found = match error {
        Error::Syntax(SyntaxError::UnclosedDoctype)
        | Error::IllFormed(IllFormedError::MissingDoctypeName) => {
            return (IssueCode::Doctype, "");
        }
        Error::Encoding(_) => return (IssueCode::BadEncoding, "bytes that are not UTF-8"),
        Error::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            return (IssueCode::BadEncoding, "bytes that are not UTF-8");
        }
        Error::Io(_) => "the source could not be read on",
        Error::Syntax(_) => "markup that is not closed",
        Error::IllFormed(IllFormedError::MismatchedEndTag { .. } | IllFormedError::UnmatchedEndTag(_)) => {
            "an end tag that closes another element"
        }
        Error::IllFormed(IllFormedError::DoubleHyphenInComment) => "`--` in a comment",
        Error::IllFormed(IllFormedError::UnclosedReference) => "`&` that begins no reference",
        _ => "malformed markup",
    };
    (IssueCode::NotXml, found)
}

impl Fault {
    fn issue(&self) -> Issue {
        let separator = if self.path.is_empty() { "" } else { " at " };
        Issue::new(
            self.code,
            Position::path(format!("{}{separator}byte {}", self.path, self.offset)),
            self.found,
        )
    }
}

impl<R> std::fmt::Debug for Reader<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("xml::Reader")
    }
}
