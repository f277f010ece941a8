//! One XML record made a tree.
//!
//! What it is: an element as the kind of tree that JSON gives, so that a profile's paths serve both. What it is not:
//! FHIR XML, whose namespaces and order matter; that is [`crate::tree::xml`]. Invariant: bounded depth, attributes
//! and size, and no DOCTYPE. Next: [`super::layout`].

use quick_xml::events::{BytesStart, Event};

use crate::event::{Issue, IssueCode, Position};
use crate::tree::{Limits, MAX_ATTRIBUTES, Node};

/// An element as a tree of the kind that JSON gives, so that one profile language serves both.
///
/// The record is an object. An attribute is a member `@name`; a child is a member by its local name, an array
/// where it repeats; a child with text alone is a string, an empty one the empty string, one marked
/// `xsi:nil="true"` null; text beside children or attributes is `#text`. Comments are left out.
///
/// # Errors
/// Not well-formed, a DOCTYPE, or beyond the limits; the position is `line:column` inside the record.
pub fn to_node(xml: &str, limits: &Limits) -> Result<Node, Issue> {
    let mut reader = quick_xml::Reader::from_str(xml);
    reader.config_mut().check_comments = true;
    let mut open: Vec<Element> = Vec::new();
    let mut root: Option<Node> = None;
    let mut nodes = 0_usize;
    loop {
        let place = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let at = || Position::path(crate::tree::line_column(xml.as_bytes(), place));
        let fault = |found: &'static str| Issue::new(IssueCode::NotXml, at(), found);
        let event = reader.read_event().map_err(|e| fault(kind_of_fault(&e)))?;
        match event {
            Event::Start(ref tag) | Event::Empty(ref tag) => {
                if open.is_empty() && root.is_some() {
                    return Err(fault("a second element after the record"));
                }
                if open.len() >= limits.depth {
                    return Err(Issue::new(IssueCode::TooDeep, at(), "one level too many"));
                }
                let element = Element::new(tag).map_err(|(code, found)| Issue::new(code, at(), found))?;
                nodes += 1 + element.members.len();
                if nodes > limits.nodes {
                    return Err(Issue::new(IssueCode::TooLarge, at(), "more elements than the limit"));
                }
                open.push(element);
                if matches!(event, Event::Empty(_)) {
                    close(&mut open, &mut root);
                }
            }
            Event::End(_) => close(&mut open, &mut root),
            Event::Text(text) => {
                let text = text.xml10_content();
                text_in(&mut open, &text).map_err(fault)?;
            }
            Event::CData(text) => {
                let text = text.xml10_content();
                text_in(&mut open, &text).map_err(fault)?;
            }
            Event::GeneralRef(reference) => {
                let mut buffer = [0_u8; 4];
                let resolved = match reference.resolve_char_ref() {
                    Ok(Some('\0')) => return Err(Issue::new(IssueCode::NulCharacter, at(), "")),
                    Ok(Some(c)) => &*c.encode_utf8(&mut buffer),
                    Ok(None) => quick_xml::escape::resolve_predefined_entity(&reference.into_inner())
                        .ok_or_else(|| fault("an entity that XML itself does not define"))?,
                    Err(_) => return Err(fault("a character reference that is no character")),
                };
                text_in(&mut open, resolved).map_err(fault)?;
            }
            Event::DocType(_) => return Err(Issue::new(IssueCode::Doctype, at(), "")),
            Event::Comment(_) | Event::PI(_) | Event::Decl(_) => {}
            Event::Eof => {
                if !open.is_empty() {
                    return Err(fault("the end of the text inside an element"));
                }
                return root.ok_or_else(|| fault("no element"));
            }
        }
    }
}

/// What was wrong, without the names and text that the parser's own messages repeat.
fn kind_of_fault(error: &quick_xml::Error) -> &'static str {
    match error {
        quick_xml::Error::Syntax(_) => "markup that does not end",
        quick_xml::Error::IllFormed(_) => "tags that do not match",
        quick_xml::Error::InvalidAttr(_) => "an attribute that is not well-formed",
        quick_xml::Error::Escape(_) => "an escape that is not well-formed",
        _ => "text that is not XML",
    }
}

struct Element {
    name: String,
    members: Vec<(String, Node)>,
    text: String,
    nil: bool,
}

impl Element {
    fn new(tag: &BytesStart<'_>) -> Result<Self, (IssueCode, &'static str)> {
        let mut it = Self {
            name: tag.local_name().as_ref().to_owned(),
            members: Vec::new(),
            text: String::new(),
            nil: false,
        };
        for attribute in tag.attributes() {
            let attribute =
                attribute.map_err(|_| (IssueCode::NotXml, "an attribute that is not well-formed"))?;
            let full = attribute.key.as_ref();
            if full == "xmlns" || full.starts_with("xmlns:") {
                continue;
            }
            let value = attribute
                .normalized_value(quick_xml::XmlVersion::Implicit1_0)
                .map_err(|_| (IssueCode::NotXml, "an escape in an attribute that is not well-formed"))?;
            if value.contains('\0') {
                return Err((IssueCode::NulCharacter, ""));
            }
            if full == "xsi:nil" {
                it.nil = matches!(value.as_ref(), "true" | "1");
                continue;
            }
            let mut name = format!("@{}", attribute.key.local_name().as_ref());
            if it.members.iter().any(|(known, _)| *known == name) {
                name = format!("@{full}");
            }
            it.members.push((name, Node::String(value.into_owned())));
            if it.members.len() > MAX_ATTRIBUTES {
                return Err((IssueCode::TooLarge, "more attributes than the limit"));
            }
        }
        Ok(it)
    }

    fn add(&mut self, name: String, child: Node) {
        match self.members.iter_mut().find(|(known, _)| *known == name) {
            None => self.members.push((name, child)),
            Some((_, Node::Array(items))) => items.push(child),
            Some((_, one)) => {
                let first = std::mem::take(one);
                *one = Node::Array(vec![first, child]);
            }
        }
    }

    fn into_node(mut self, is_root: bool) -> Node {
        if self.members.is_empty() && !is_root {
            return if self.nil && self.text.is_empty() { Node::Null } else { Node::String(self.text) };
        }
        if !self.text.trim().is_empty() {
            self.members.push(("#text".to_owned(), Node::String(self.text)));
        }
        Node::Object(self.members)
    }
}

fn close(open: &mut Vec<Element>, root: &mut Option<Node>) {
    let Some(element) = open.pop() else { return };
    match open.last_mut() {
        Some(parent) => {
            let name = element.name.clone();
            parent.add(name, element.into_node(false));
        }
        None => *root = Some(element.into_node(true)),
    }
}

fn text_in(open: &mut [Element], text: &str) -> Result<(), &'static str> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return Err("text outside the record's element"),
    }
    Ok(())
}
