//! XML 1.0 with namespaces, strictly, into [`Element`] trees.
//!
//! What it is: [`parse`] for a whole document, [`Reader`] for one that is too large to hold (records are taken out of
//! it one by one). What it is not: lenient, or able to expand anything: a DOCTYPE of any kind is refused, so the only
//! references are the five predefined ones and characters by number. Invariant: every element's tags matched, names
//! and characters were legal, prefixes were declared, attributes were unique. Next: `element.rs`, then `reader.rs`.

mod attributes;
mod chars;
mod element;
mod reader;

pub use element::{Attribute, Child, Element};
pub use reader::{Event, Reader};

use super::{Limits, line_column};
use crate::event::{Issue, Position};

/// Reads a whole document and gives its root element. A byte order mark of UTF-8 is allowed.
///
/// # Errors
/// One [`Issue`]: where (`Bundle/entry at 3:14`, line and column from 1) and what was wrong.
pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Element, Issue> {
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut reader = Reader::new(text, *limits);
    root(&mut reader).map_err(|fault| {
        let place = line_column(text, fault.offset);
        let path = if fault.path.is_empty() { place } else { format!("{} at {place}", fault.path) };
        Issue::new(fault.code, Position::path(path), fault.found)
    })
}

fn root(reader: &mut Reader<&[u8]>) -> Result<Element, Box<reader::Fault>> {
    let mut root = None;
    loop {
        match reader.step()? {
            Event::Start(start) => root = Some(reader.subtree(start)?),
            Event::Eof => return root.ok_or_else(|| reader.fault("no root element")),
            Event::Text(_) | Event::End => {}
        }
    }
}

#[cfg(test)]
mod tests;
