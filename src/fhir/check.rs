//! A JSON tree held against the element table.
//!
//! What it is: unknown elements, wrong shapes, cardinality, empty things, nulls, choice elements, primitive forms, short
//! required code lists, companions (`_birthDate`), narrative. What it is not: profiles, invariants (but for the two on
//! extensions and narrative), reference targets. Invariant: all issues at once, up to [`MAX_ISSUES`]; resources of
//! types not modelled pass unread. Next: `narrative.rs`, then `read.rs`.

use std::fmt::Write as _;

use super::narrative;
use super::table::{Element, Kind, TABLE, Type};
use crate::event::{Issue, IssueCode, Position};
use crate::tree::{Node, safe_name};

/// Issues reported for one resource; a file of rubbish need not be listed whole.
const MAX_ISSUES: usize = 100;

/// The issues of one resource; none means it may be used.
pub(super) fn resource(node: &Node) -> Vec<Issue> {
    let mut checker = Checker { path: Vec::new(), issues: Vec::new() };
    checker.resource(node);
    checker.issues
}

/// The value of `resourceType`.
pub(super) fn type_of(node: &Node) -> Option<&str> {
    node.get("resourceType")?.as_str()
}

struct Checker<'a> {
    path: Vec<(&'a str, Option<usize>)>,
    issues: Vec<Issue>,
}

impl<'a> Checker<'a> {
    fn issue(&mut self, code: IssueCode, found: &'static str) {
        if self.issues.len() == MAX_ISSUES {
            return;
        }
        let mut path = String::new();
        for (name, index) in &self.path {
            path.push_str(if path.is_empty() { "" } else { "." });
            path.push_str(safe_name(name));
            if let Some(index) = index {
                let _ = write!(path, "[{index}]");
            }
        }
        self.issues.push(Issue::new(code, Position::path(path), found));
    }

    fn at(&mut self, name: &'a str, code: IssueCode, found: &'static str) {
        self.path.push((name, None));
        self.issue(code, found);
        self.path.pop();
    }

    fn resource(&mut self, node: &'a Node) {
        let Some(name) = type_of(node) else {
            return self.at("resourceType", IssueCode::RequiredMissing, node.kind());
        };
        if let Some(found) = TABLE.resource(name) {
            let outermost = self.path.is_empty();
            if outermost {
                self.path.push((found.name, None));
            }
            self.complex(found, node);
            if outermost {
                self.path.pop();
            }
        } else if TABLE.other(name).is_none() {
            self.at("resourceType", IssueCode::ValueNotListed, "no resource type of R4");
        }
    }

    fn complex(&mut self, found: &'static Type, node: &'a Node) {
        let Some(members) = node.as_object() else {
            return self.issue(IssueCode::WrongShape, node.kind());
        };
        if members.is_empty() {
            return self.issue(IssueCode::WrongShape, "an empty object");
        }
        let mut present: Vec<Option<usize>> = vec![None; found.elements.len()];
        for (name, value) in members {
            if found.resource && name == "resourceType" {
                continue;
            }
            let bare = name.strip_prefix('_');
            let Some((at, choice, element, kind)) = found.member(bare.unwrap_or(name)) else {
                self.at(name, IssueCode::UnknownField, value.kind());
                continue;
            };
            if bare.is_some() && !matches!(kind, Kind::Primitive(_)) || (bare.is_some() && element.attribute)
            {
                self.at(name, IssueCode::UnknownField, value.kind());
                continue;
            }
            if let Some(slot) = present.get_mut(at) {
                if slot.is_some_and(|other| other != choice) {
                    self.at(name, IssueCode::WrongShape, "a second type of one choice element");
                }
                *slot = Some(choice);
            }
            match bare {
                Some(bare) => self.companion(name, node.get(bare), element, value),
                None => self.element(name, node, element, kind, value),
            }
        }
        for (element, present) in found.elements.iter().zip(&present) {
            if element.required && present.is_none() {
                self.at(element.name, IssueCode::RequiredMissing, "nothing");
            }
        }
        if found.name == "Extension" {
            let nested = node.get("extension").is_some();
            let valued = members.iter().any(|(name, _)| name.trim_start_matches('_').starts_with("value"));
            if nested == valued {
                self.issue(
                    IssueCode::WrongShape,
                    if nested { "a value and extensions" } else { "an empty extension" },
                );
            }
        }
    }

    fn element(
        &mut self,
        name: &'a str,
        parent: &'a Node,
        element: &'static Element,
        kind: Kind,
        value: &'a Node,
    ) {
        if !element.many {
            self.path.push((name, None));
            self.value(element, kind, value);
            self.path.pop();
            return;
        }
        let Some(items) = value.as_array() else {
            return self.at(name, IssueCode::WrongShape, value.kind());
        };
        if items.is_empty() {
            return self.at(name, IssueCode::WrongShape, "an empty array");
        }
        for (index, item) in items.iter().enumerate() {
            if item.is_null() && matches!(kind, Kind::Primitive(_)) {
                let companion = parent.get(&format!("_{name}")).and_then(|companion| companion.at(index));
                if companion.is_some_and(|companion| !companion.is_null()) {
                    continue;
                }
            }
            self.path.push((name, Some(index)));
            self.value(element, kind, item);
            self.path.pop();
        }
    }

    fn value(&mut self, element: &'static Element, kind: Kind, value: &'a Node) {
        match kind {
            Kind::Resource => self.resource(value),
            Kind::Complex(at) => {
                if let Some(found) = TABLE.types.get(at) {
                    self.complex(found, value);
                }
            }
            Kind::Xhtml => match value.as_str().map(narrative::check) {
                Some(Ok(())) => {}
                Some(Err((code, found))) => self.issue(code, found),
                None => self.issue(IssueCode::WrongShape, value.kind()),
            },
            Kind::Primitive(primitive) => {
                if matches!(value, Node::Array(_) | Node::Object(_) | Node::Null) {
                    self.issue(IssueCode::WrongShape, value.kind());
                } else if !primitive.allows(value) {
                    self.issue(IssueCode::FhirPrimitive, value.kind());
                } else if !element.codes.is_empty()
                    && !value.as_str().is_some_and(|code| element.codes.contains(&code))
                {
                    self.issue(IssueCode::ValueNotListed, value.kind());
                }
            }
        }
    }

    /// `_name`: ids and extensions of a primitive, in step with its values where it repeats.
    fn companion(
        &mut self,
        name: &'a str,
        values: Option<&'a Node>,
        element: &'static Element,
        companion: &'a Node,
    ) {
        if !element.many {
            self.path.push((name, None));
            self.identity(companion);
            self.path.pop();
            return;
        }
        let Some(items) = companion.as_array().filter(|items| items.iter().any(|item| !item.is_null()))
        else {
            return self.at(name, IssueCode::WrongShape, companion.kind());
        };
        if let Some(Node::Array(values)) = values
            && values.len() != items.len()
        {
            return self.at(name, IssueCode::WrongShape, "another length than its values");
        }
        for (index, item) in items.iter().enumerate() {
            self.path.push((name, Some(index)));
            if !item.is_null() {
                self.identity(item);
            } else if values.is_none() {
                self.issue(IssueCode::WrongShape, "null without a value");
            }
            self.path.pop();
        }
    }

    /// What every element has: an id and extensions. R4's `Period` has the same two first, so any type would do; the
    /// members are checked by name.
    fn identity(&mut self, node: &'a Node) {
        let Some(period) = TABLE.get("Period") else { return };
        match node.as_object() {
            Some([]) => self.issue(IssueCode::WrongShape, "an empty object"),
            Some(members) => {
                for (name, value) in members {
                    match period.member(name) {
                        Some((_, _, element, kind)) if name == "id" || name == "extension" => {
                            self.element(name, node, element, kind, value);
                        }
                        _ => self.at(name, IssueCode::UnknownField, value.kind()),
                    }
                }
            }
            None => self.issue(IssueCode::WrongShape, node.kind()),
        }
    }
}
