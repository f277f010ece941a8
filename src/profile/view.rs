//! [`View`]: one record as a profile sees it, whether a row of a table or a tree of JSON or XML.
//!
//! Columns are numbers of [`super::compile::Column`]; a [`Bound`] says where each is in this file. Next:
//! [`super::read`].

use std::borrow::Cow;
use std::sync::Arc;

use crate::event::Position;
use crate::event::blank::trim;
use crate::event::build::{Place, Places};
use crate::tree::Node;

use super::compile::{Column, Profile};

/// The cells of a row, by index.
pub trait Cells {
    /// The cell, or nothing where the row has none.
    fn cell(&self, index: usize) -> Option<&str>;
}

/// Where the profile's columns are in one file.
#[derive(Clone, Debug)]
pub struct Bound {
    /// Per column of the profile, its index in a table; empty for trees.
    pub indexes: Vec<Option<usize>>,
}

impl Bound {
    /// Finds the profile's columns in a heading. Headings are compared without case and surrounding space.
    #[must_use]
    pub fn table(profile: &Profile, header: &[Arc<str>]) -> Self {
        let folded: Vec<String> = header.iter().map(|name| super::values::fold(name)).collect();
        let find = |name: &Arc<str>| {
            header.iter().position(|known| known == name).or_else(|| {
                let name = super::values::fold(name);
                folded.iter().position(|known| *known == name)
            })
        };
        Self { indexes: profile.columns.iter().map(find).collect() }
    }

    /// For records that are trees.
    #[must_use]
    pub const fn tree() -> Self {
        Self { indexes: Vec::new() }
    }
}

/// One record.
#[derive(Clone, Copy)]
pub enum View<'a> {
    /// A row of a table.
    Row(&'a dyn Cells, &'a Bound),
    /// A tree; below a repeated element, the element, its path, and the record around it.
    Tree(&'a Node, Option<(&'a str, &'a Node)>),
}

/// A value as it stands in the record.
#[derive(Clone)]
pub enum Value<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// A JSON number.
    Number(&'a str),
    /// True or false.
    Bool(bool),
    /// An object or a list where a value should be.
    Other,
}

impl Value<'_> {
    /// It as trimmed text; empty where it is no value.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Text(text) => trim(text),
            Self::Number(text) => text,
            Self::Bool(true) => "true",
            Self::Bool(false) => "false",
            Self::Other => "",
        }
    }
}

impl<'a> View<'a> {
    /// Every value in a column: one or none in a table, several where a tree repeats.
    pub fn values(&self, profile: &Profile, column: Column, each: &mut dyn FnMut(Value<'a>)) {
        match self {
            Self::Row(cells, bound) => {
                let index = usize::try_from(column)
                    .ok()
                    .and_then(|column| bound.indexes.get(column).copied().flatten());
                if let Some(cell) = index.and_then(|index| cells.cell(index)) {
                    each(Value::Text(Cow::Borrowed(cell)));
                }
            }
            Self::Tree(node, outer) => {
                let Some(name) = profile.column_name(column) else { return };
                match outer {
                    None => walk(node, name, each),
                    // A rule with `each` reads below its element; a column without its path is the record's.
                    Some((path, record)) => {
                        match name.strip_prefix(path).and_then(|rest| rest.strip_prefix("[].")) {
                            Some(below) => walk(node, below, each),
                            None => walk(record, name, each),
                        }
                    }
                }
            }
        }
    }

    /// The first value of a column as trimmed text; nothing when it is blank.
    #[must_use]
    pub fn first(&self, profile: &Profile, column: Column) -> Option<String> {
        let mut first = None;
        self.values(profile, column, &mut |value| {
            if first.is_none() {
                let text = value.text();
                if !text.is_empty() {
                    first = Some(text.to_owned());
                }
            }
        });
        first
    }

    /// How many different values a column has, where they are several: never in a table, only where a path of a
    /// tree reaches more than one. Blanks are left out, and the same value twice is one.
    #[must_use]
    pub fn several(&self, profile: &Profile, column: Column) -> Option<usize> {
        if let Self::Row(..) = self {
            return None;
        }
        let (mut first, mut others) = (None::<Value<'a>>, Vec::<Value<'a>>::new());
        self.values(profile, column, &mut |value| match &first {
            _ if value.text().is_empty() => {}
            None => first = Some(value),
            Some(first) => {
                if first.text() != value.text() && others.iter().all(|known| known.text() != value.text()) {
                    others.push(value);
                }
            }
        });
        (!others.is_empty()).then(|| others.len() + 1)
    }

    /// The elements of a repeated path, each as a view of its own.
    #[must_use]
    pub fn each(&self, path: &'a str) -> Vec<View<'a>> {
        match self {
            Self::Row(..) => Vec::new(),
            Self::Tree(record, _) => {
                let mut found = Vec::new();
                nodes(record, path, &mut |node| {
                    // An XML list without elements is an empty string.
                    if !matches!(node, Node::Null) && node.as_str().is_none_or(|text| !text.trim().is_empty())
                    {
                        found.push(View::Tree(node, Some((path, record))));
                    }
                });
                found
            }
        }
    }
}

/// Calls back for every node at a dotted path; lists on the way are walked through.
fn nodes<'a>(node: &'a Node, path: &str, each: &mut dyn FnMut(&'a Node)) {
    if let Node::Array(items) = node {
        items.iter().for_each(|item| nodes(item, path, each));
        return;
    }
    if path.is_empty() {
        each(node);
        return;
    }
    let (head, rest) = path.split_once('.').unwrap_or((path, ""));
    match node {
        // An XML element without attributes is its text.
        Node::String(_) if head == "#text" => each(node),
        _ => {
            if let Some(child) = node.get(head) {
                nodes(child, rest, each);
            }
        }
    }
}

fn walk<'a>(node: &'a Node, path: &str, each: &mut dyn FnMut(Value<'a>)) {
    nodes(node, path, &mut |node| match node {
        Node::Null => {}
        Node::Bool(value) => each(Value::Bool(*value)),
        Node::Number(text) => each(Value::Number(text)),
        Node::String(text) => each(Value::Text(Cow::Borrowed(text))),
        // XML: an element with attributes keeps its text beside them.
        Node::Object(_) => match node.get("#text") {
            Some(Node::String(text)) => each(Value::Text(Cow::Borrowed(text))),
            _ => each(Value::Other),
        },
        Node::Array(_) => each(Value::Other),
    });
}

/// Positions of a record read through a profile: the place is the profile's column.
pub struct ProfilePlaces<'a> {
    /// The profile.
    pub profile: &'a Profile,
}

/// The place of what has no column: a constant, the row as a whole.
pub const NO_PLACE: Place = Place::MAX;

impl Places for ProfilePlaces<'_> {
    fn position(&self, place: Place) -> Position {
        Position { column: self.profile.column_name(place).cloned(), ..Position::default() }
    }
}
