//! From an XML tree to the JSON form of the same resource.
//!
//! What it is: the mapping of <http://hl7.org/fhir/R4/xml.html> read backwards, guided by the element table. What it is
//! not: the check of values and cardinality, which runs on the JSON form afterwards. Invariant: nothing in the XML is
//! passed over but comments, processing instructions, white space between elements and `xsi:` attributes. Next:
//! `to_xml.rs`.

use super::narrative;
use super::table::{Kind, TABLE, Type};
use crate::event::{Issue, IssueCode, Position};
use crate::tree::xml::{Attribute, Child, Element};
use crate::tree::{Node, safe_name};

const FHIR: &str = "http://hl7.org/fhir";
const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
const MAX_ISSUES: usize = 100;

pub(super) fn resource(root: &Element, source: &[u8]) -> Result<Node, Vec<Issue>> {
    let mut reader = Reader { source, path: Vec::new(), issues: Vec::new() };
    let node = reader.resource(root);
    if reader.issues.is_empty() { Ok(node) } else { Err(reader.issues) }
}

struct Reader<'a> {
    source: &'a [u8],
    path: Vec<&'a str>,
    issues: Vec<Issue>,
}

impl<'a> Reader<'a> {
    fn issue(&mut self, name: &str, code: IssueCode, found: &'static str) {
        if self.issues.len() < MAX_ISSUES {
            let mut path: Vec<&str> = self.path.iter().map(|name| safe_name(name)).collect();
            // Our own words for what has no name.
            path.push(if matches!(name, "text()" | "*") { name } else { safe_name(name) });
            self.issues.push(Issue::new(code, Position::path(path.join("/")), found));
        }
    }

    fn resource(&mut self, element: &'a Element) -> Node {
        let name = element.local();
        if element.namespace.as_deref() != Some(FHIR) {
            self.issue(name, IssueCode::WrongShape, "an element outside the FHIR namespace");
            return Node::Null;
        }
        let Some(found) = TABLE.resource(name) else {
            match TABLE.other(name) {
                Some(other) => self.issue(other, IssueCode::FhirTypeNotRead, other),
                None => self.issue(name, IssueCode::ValueNotListed, "no resource type of R4"),
            }
            return Node::Null;
        };
        let mut members = vec![("resourceType".to_owned(), Node::String(name.to_owned()))];
        self.path.push(name);
        self.members(found, element, &mut members);
        self.path.pop();
        Node::Object(members)
    }

    fn members(&mut self, found: &'static Type, element: &'a Element, members: &mut Vec<(String, Node)>) {
        for attribute in &element.attributes {
            match found.member(&attribute.name) {
                Some((_, _, definition, _)) if definition.attribute => {
                    members.push((attribute.name.clone(), Node::String(attribute.value.clone())));
                }
                _ => self.stray(attribute),
            }
        }
        for child in self.children(element) {
            let name = child.local();
            let Some((_, _, definition, kind)) = found.member(name).filter(|(_, _, e, _)| !e.attribute)
            else {
                self.issue(name, IssueCode::UnknownField, "an element");
                continue;
            };
            let namespace = if kind == Kind::Xhtml { narrative::XHTML } else { FHIR };
            if child.namespace.as_deref() != Some(namespace) {
                self.issue(name, IssueCode::WrongShape, "an element of another namespace");
                continue;
            }
            let is_it = |other: &str| other.strip_prefix('_').unwrap_or(other) == name;
            if !definition.many && members.iter().any(|(other, _)| is_it(other)) {
                self.issue(name, IssueCode::WrongShape, "a second one of what may not repeat");
                continue;
            }
            self.path.push(name);
            match kind {
                Kind::Primitive(primitive) => {
                    let (value, companion) = self.primitive(child);
                    let value = value.map(|text| primitive.node(text));
                    put(members, format!("_{name}"), definition.many, companion);
                    put(members, name.to_owned(), definition.many, value);
                }
                Kind::Complex(at) => {
                    let mut inner = Vec::new();
                    if let Some(found) = TABLE.types.get(at) {
                        self.members(found, child, &mut inner);
                    }
                    put(members, name.to_owned(), definition.many, Some(Node::Object(inner)));
                }
                Kind::Resource => {
                    let node = self.container(child);
                    put(members, name.to_owned(), definition.many, Some(node));
                }
                Kind::Xhtml => {
                    let text = narrative::text(child, self.source);
                    put(members, name.to_owned(), definition.many, Some(Node::String(text)));
                }
            }
            self.path.pop();
        }
        members.retain_mut(|(_, value)| match value {
            Node::Array(items) => items.iter().any(|item| !item.is_null()),
            _ => true,
        });
    }

    /// The value of a primitive and the rest of it (id, extensions).
    fn primitive(&mut self, element: &'a Element) -> (Option<&'a str>, Option<Node>) {
        let mut value = None;
        let mut rest = Vec::new();
        for attribute in &element.attributes {
            match attribute.name.as_str() {
                "value" => value = Some(attribute.value.as_str()),
                "id" => rest.push(("id".to_owned(), Node::String(attribute.value.clone()))),
                _ => self.stray(attribute),
            }
        }
        let mut extensions = Vec::new();
        for child in self.children(element) {
            let is_extension = child.local() == "extension" && child.namespace.as_deref() == Some(FHIR);
            let Some(found) = TABLE.get("Extension").filter(|_| is_extension) else {
                self.issue(child.local(), IssueCode::UnknownField, "an element");
                continue;
            };
            let mut inner = Vec::new();
            self.path.push("extension");
            self.members(found, child, &mut inner);
            self.path.pop();
            extensions.push(Node::Object(inner));
        }
        if !extensions.is_empty() {
            rest.push(("extension".to_owned(), Node::Array(extensions)));
        }
        if value.is_none() && rest.is_empty() {
            self.issue("@value", IssueCode::RequiredMissing, "nothing");
        }
        (value, (!rest.is_empty()).then_some(Node::Object(rest)))
    }

    /// `contained`, `Bundle.entry.resource` and the like: exactly one resource inside.
    fn container(&mut self, element: &'a Element) -> Node {
        for attribute in &element.attributes {
            self.stray(attribute);
        }
        let children = self.children(element);
        match children.as_slice() {
            [child] => self.resource(child),
            _ => {
                self.issue("*", IssueCode::WrongShape, "not exactly one resource");
                Node::Null
            }
        }
    }

    /// The child elements; other text than white space is an issue.
    fn children(&mut self, element: &'a Element) -> Vec<&'a Element> {
        let is_space = |text: &str| text.trim_matches([' ', '\t', '\r', '\n']).is_empty();
        if element.children.iter().any(|child| matches!(child, Child::Text(text) if !is_space(text))) {
            self.issue("text()", IssueCode::WrongShape, "text between elements");
        }
        element.elements().collect()
    }

    fn stray(&mut self, attribute: &Attribute) {
        if attribute.namespace.as_deref() != Some(XSI) {
            self.issue(&format!("@{}", attribute.name), IssueCode::UnknownField, "an attribute");
        }
    }
}

/// Adds a value. A repeating primitive keeps a null where it has none, so that `_name` stays in step.
fn put(members: &mut Vec<(String, Node)>, name: String, many: bool, value: Option<Node>) {
    if !many {
        members.extend(value.map(|value| (name, value)));
        return;
    }
    match members.iter_mut().find(|(other, _)| *other == name) {
        Some((_, Node::Array(items))) => items.push(value.unwrap_or_default()),
        _ => members.push((name, Node::Array(vec![value.unwrap_or_default()]))),
    }
}
