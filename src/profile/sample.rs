//! [`Sample`]: the first records of a file, column by column, for checking and drafting a profile.
//!
//! A table's columns are its headings. A tree's are the paths of its values: names joined by dots, lists walked
//! through; `repeats` lists the paths whose elements are objects that occur several times. It holds patient data and
//! is never printed. Next: [`super::check`].

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::tree::Node;

/// The first records of a file.
#[derive(Clone, Default)]
pub struct Sample {
    /// The columns, in the order in which they were met.
    pub columns: Vec<SampleColumn>,
    /// Whether the records are trees, in which an absent path says little.
    pub is_tree: bool,
    /// Paths of repeated objects.
    pub repeats: BTreeSet<String>,
    /// How many records were looked at.
    pub records: usize,
}

/// One column of a sample.
#[derive(Clone)]
pub struct SampleColumn {
    /// The heading or path.
    pub name: Arc<str>,
    /// Its values that are not blank.
    pub values: Vec<String>,
}

impl fmt::Debug for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sample {{ {} columns, {} records }}", self.columns.len(), self.records)
    }
}

impl Sample {
    /// A table's columns, without values yet.
    #[must_use]
    pub fn table(header: &[Arc<str>]) -> Self {
        let columns = header.iter().map(|name| SampleColumn { name: Arc::clone(name), values: Vec::new() });
        Self { columns: columns.collect(), ..Self::default() }
    }

    /// For records that are trees.
    #[must_use]
    pub fn trees() -> Self {
        Self { is_tree: true, ..Self::default() }
    }

    /// Adds a row of a table.
    pub fn add_row<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) {
        self.records += 1;
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            let cell = cell.trim();
            if !cell.is_empty() {
                column.values.push(cell.to_owned());
            }
        }
    }

    /// Adds a record that is a tree.
    pub fn add_tree(&mut self, node: &Node) {
        self.records += 1;
        self.walk(node, "");
    }

    /// The names of the columns.
    #[must_use]
    pub fn header(&self) -> Vec<Arc<str>> {
        self.columns.iter().map(|column| Arc::clone(&column.name)).collect()
    }

    /// The path of the innermost repeated object that a path leads through.
    #[must_use]
    pub fn repeated_above(&self, path: &str) -> Option<&str> {
        let above =
            |outer: &&String| path.strip_prefix(outer.as_str()).is_some_and(|rest| rest.starts_with('.'));
        self.repeats.iter().filter(above).max_by_key(|outer| outer.len()).map(String::as_str)
    }

    fn walk(&mut self, node: &Node, path: &str) {
        match node {
            Node::Array(items) => {
                if items.iter().any(|item| item.as_object().is_some()) && !path.is_empty() {
                    self.repeats.insert(path.to_owned());
                }
                items.iter().for_each(|item| self.walk(item, path));
            }
            Node::Object(members) => {
                for (name, child) in members {
                    let below = match (path, name.as_str()) {
                        // The text of an XML element with attributes is found under the element's own path.
                        (_, "#text") => path.to_owned(),
                        ("", _) => name.clone(),
                        _ => format!("{path}.{name}"),
                    };
                    self.walk(child, &below);
                }
            }
            Node::Null => self.value(path, ""),
            Node::Bool(value) => self.value(path, if *value { "true" } else { "false" }),
            Node::Number(text) | Node::String(text) => self.value(path, text),
        }
    }

    fn value(&mut self, path: &str, value: &str) {
        let at = self.columns.iter().position(|column| &*column.name == path).unwrap_or_else(|| {
            self.columns.push(SampleColumn { name: path.into(), values: Vec::new() });
            self.columns.len() - 1
        });
        let value = value.trim();
        if let Some(column) = self.columns.get_mut(at).filter(|_| !value.is_empty()) {
            column.values.push(value.to_owned());
        }
    }
}

/// A profile's column as the path that a sample has: without the marks of a list and of an element's text.
#[must_use]
pub fn plain(column: &str) -> String {
    let plain = column.replace("[]", "");
    plain.strip_suffix(".#text").map_or(plain.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Limits, json};

    #[test]
    fn trees_become_paths() {
        let node = json::parse(
            br##"{"id":7,"a":{"@x":"1","#text":"t"},"l":["p","q"],"c":[{"at":"d"},{"at":null}]}"##,
            &Limits::default(),
        );
        let mut sample = Sample::trees();
        sample.add_tree(&node.unwrap());
        let seen: Vec<_> = sample.columns.iter().map(|c| (&*c.name, c.values.len())).collect();
        assert_eq!(seen, [("id", 1), ("a.@x", 1), ("a", 1), ("l", 2), ("c.at", 1)]);
        assert_eq!(sample.repeated_above("c.at"), Some("c"));
        assert_eq!(sample.repeated_above("cat"), None);
        assert_eq!(plain("c[].at.#text"), "c.at");
    }
}
