//! From the JSON form of a resource to XML (<http://hl7.org/fhir/R4/xml.html>).
//!
//! Invariant: elements stand in R4 order whatever the order of the JSON members, and a value is written character for
//! character (line breaks in attributes as references, or they would come back as spaces). Next: [`super::types`].

use super::check::type_of;
use super::table::{Kind, TABLE, Type};
use crate::event::{Issue, IssueCode, Position};
use crate::tree::{Node, xml};

/// The whole document, without an XML declaration: UTF-8 is XML's own default.
pub(super) fn document(node: &Node) -> Result<Vec<u8>, Vec<Issue>> {
    let mut writer = Writer { out: String::with_capacity(4096), issues: Vec::new() };
    writer.resource(node, true);
    if writer.issues.is_empty() { Ok(writer.out.into_bytes()) } else { Err(writer.issues) }
}

struct Writer {
    out: String,
    issues: Vec<Issue>,
}

impl Writer {
    fn resource(&mut self, node: &Node, root: bool) {
        let name = type_of(node).unwrap_or_default();
        match (TABLE.resource(name), TABLE.other(name)) {
            (Some(found), _) => {
                self.open(found.name);
                if root {
                    self.attribute("xmlns", "http://hl7.org/fhir");
                }
                self.complex(found, node, found.name);
            }
            (None, other) => {
                let name = other.unwrap_or_default();
                self.issues.push(Issue::new(IssueCode::FhirTypeNotRead, Position::path(name), name));
            }
        }
    }

    /// The rest of an element whose start tag is still open.
    fn complex<'a>(&mut self, found: &Type, node: &'a Node, name: &str) {
        for element in found.elements.iter().filter(|element| element.attribute) {
            if let Some(value) = node.get(element.name).and_then(Node::as_str) {
                self.attribute(element.name, value);
            }
        }
        let inside = self.begin_content();
        for element in found.elements.iter().filter(|element| !element.attribute) {
            for choice in &element.types {
                let value = node.get(choice.member());
                let companion = match choice.kind {
                    Kind::Primitive(_) => node.get(choice.companion()),
                    _ => None,
                };
                if value.is_none() && companion.is_none() {
                    continue;
                }
                if element.many {
                    let items = |node: Option<&Node>| node.and_then(Node::as_array).map_or(0, <[Node]>::len);
                    for index in 0..items(value).max(items(companion)) {
                        let at = |node: Option<&'a Node>| node.and_then(|node| node.at(index));
                        self.value(choice.kind, choice.member(), at(value), at(companion));
                    }
                } else {
                    self.value(choice.kind, choice.member(), value, companion);
                }
            }
        }
        self.close(name, inside);
    }

    fn value(&mut self, kind: Kind, name: &str, value: Option<&Node>, companion: Option<&Node>) {
        match (kind, value) {
            (Kind::Xhtml, Some(value)) => self.out.push_str(value.as_str().unwrap_or_default()),
            (Kind::Resource, Some(value)) => {
                self.open(name);
                self.out.push('>');
                self.resource(value, false);
                self.out.push_str("</");
                self.out.push_str(name);
                self.out.push('>');
            }
            (Kind::Complex(at), Some(value)) => {
                self.open(name);
                if let Some(found) = TABLE.types.get(at) {
                    self.complex(found, value, name);
                }
            }
            (Kind::Primitive(_), value) => self.primitive(name, value, companion),
            (_, None) => {}
        }
    }

    fn primitive(&mut self, name: &str, value: Option<&Node>, companion: Option<&Node>) {
        self.open(name);
        if let Some(id) = companion.and_then(|companion| companion.get("id")).and_then(Node::as_str) {
            self.attribute("id", id);
        }
        match value {
            Some(Node::String(text) | Node::Number(text)) => self.attribute("value", text),
            Some(Node::Bool(value)) => self.attribute("value", if *value { "true" } else { "false" }),
            _ => {}
        }
        let extensions = companion.and_then(|companion| companion.get("extension")).and_then(Node::as_array);
        let inside = self.begin_content();
        for extension in extensions.unwrap_or_default() {
            self.open("extension");
            if let Some(found) = TABLE.get("Extension") {
                self.complex(found, extension, "extension");
            }
        }
        self.close(name, inside);
    }

    fn open(&mut self, name: &str) {
        self.out.push('<');
        self.out.push_str(name);
    }

    fn attribute(&mut self, name: &str, value: &str) {
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        xml::escape(value, &mut self.out);
        self.out.push('"');
    }

    /// Ends the start tag and says where the content begins.
    fn begin_content(&mut self) -> usize {
        self.out.push('>');
        self.out.len()
    }

    /// Ends the element; one without content becomes an empty tag.
    fn close(&mut self, name: &str, inside: usize) {
        if self.out.len() == inside {
            self.out.pop();
            self.out.push_str("/>");
        } else {
            self.out.push_str("</");
            self.out.push_str(name);
            self.out.push('>');
        }
    }
}
