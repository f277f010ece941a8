//! [`Node`]: one JSON value, nothing lost.
//!
//! What it is: a tree whose numbers are text and whose objects keep their order. What it is not: a map; objects are
//! short, and a search from the front is what they need. Invariant: no object holds one key twice when it came from
//! [`super::json::parse`]. Next: [`super::json`].

use std::fmt;

/// One JSON value.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub enum Node {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as the text it was (`3.10`, `-1.0e-10`).
    Number(String),
    /// A string, escapes resolved.
    String(String),
    /// A list.
    Array(Vec<Node>),
    /// Members in their order.
    Object(Vec<(String, Node)>),
}

impl Node {
    /// A member of an object by name.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_object()?.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// An item of an array.
    #[must_use]
    pub fn at(&self, index: usize) -> Option<&Self> {
        self.as_array()?.get(index)
    }

    /// A value by a path such as `person.name[0].family`. The empty path is the value itself.
    #[must_use]
    pub fn path(&self, path: &str) -> Option<&Self> {
        let mut node = self;
        for step in path.split('.').filter(|step| !step.is_empty()) {
            let (name, mut indexes) = step.split_at(step.find('[').unwrap_or(step.len()));
            if !name.is_empty() {
                node = node.get(name)?;
            }
            while let Some((index, rest)) = indexes.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
                node = node.at(index.parse().ok()?)?;
                indexes = rest;
            }
            if !indexes.is_empty() {
                return None;
            }
        }
        Some(node)
    }

    /// The text of a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The digits of a number.
    #[must_use]
    pub fn as_number(&self) -> Option<&str> {
        if let Self::Number(text) = self { Some(text) } else { None }
    }

    /// A boolean.
    #[must_use]
    pub const fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    /// The items of an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Self]> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }

    /// The members of an object.
    #[must_use]
    pub fn as_object(&self) -> Option<&[(String, Self)]> {
        if let Self::Object(members) = self { Some(members) } else { None }
    }

    /// Whether this is `null`.
    #[must_use]
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// What kind of value this is, for [`crate::event::Issue`]: never the value.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

impl fmt::Debug for Node {
    /// The kind only: the value may be a person's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}

#[cfg(test)]
mod tests {
    use crate::tree::{Limits, json};

    #[test]
    fn paths_find_members_and_items() {
        let node = json::parse(br#"{"a":{"b":[{"c":"x"},[1,2.50]]}}"#, &Limits::default()).unwrap();
        assert_eq!(node.path("a.b[0].c").unwrap().as_str(), Some("x"));
        assert_eq!(node.path("a.b[1][1]").unwrap().as_number(), Some("2.50"));
        assert_eq!(node.path("").unwrap(), &node);
        for absent in ["a.c", "a.b[2]", "a.b[x]", "a.b[0", "a.b[0]c", "a[0]"] {
            assert!(node.path(absent).is_none(), "{absent}");
        }
        assert_eq!(format!("{node:?}"), "an object");
    }
}
