//! [`Places`]: on which line of the file each key of a profile stands, and which values are `"?"`.
//!
//! What it is: one walk over the TOML before anything is made of it. What it is not: a check; unknown keys are
//! [`super::raw`]'s. Invariant: a line is that of the value's first character, from 1. Next: [`super::undecided`].

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

/// Keys whose values are text of the export or of the person who writes: a question mark there is a question mark.
const OWN_TEXT: &[&str] = &["join", "split", "is", "is_not"];

/// One step into a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A key of a table.
    Key(String),
    /// An element of a list, from 0.
    Item(usize),
}

/// Where the keys of a profile stand.
#[derive(Debug, Default)]
pub(super) struct Places {
    lines: BTreeMap<String, u64>,
    /// The path and line of every value that is `"?"`.
    pub(super) undecided: Vec<(Vec<Step>, u64)>,
    /// Which keys use which value map: the map's name, and the path of the table that names it.
    pub(super) uses: Vec<(String, Vec<Step>)>,
}

impl Places {
    /// Walks over a profile; nothing is found in what is no TOML.
    pub(super) fn of(text: &str) -> Self {
        let mut places = Self::default();
        if let Ok(table) = DeTable::parse(text) {
            places.table(text, table.get_ref(), &mut Vec::new());
        }
        // Tables are sorted by their keys; a person reads from the top.
        places.undecided.sort_by_key(|(_, line)| *line);
        places
    }

    fn table(&mut self, text: &str, table: &DeTable<'_>, path: &mut Vec<Step>) {
        for (key, value) in table {
            if let ("values", DeValue::String(map)) = (key.get_ref().as_ref(), value.get_ref()) {
                self.uses.push((map.to_string(), path.clone()));
            }
            path.push(Step::Key(key.get_ref().to_string()));
            self.lines.insert(plain(&shown(path)), line_of(text, key.span().start));
            self.value(text, value.get_ref(), value.span().start, path);
            path.pop();
        }
    }

    fn value(&mut self, text: &str, value: &DeValue<'_>, at: usize, path: &mut Vec<Step>) {
        match value {
            DeValue::String(word) if word.trim() == "?" => {
                let own = |step: &Step| matches!(step, Step::Key(key) if OWN_TEXT.contains(&key.as_str()));
                if !path.iter().any(own) {
                    self.undecided.push((path.clone(), line_of(text, at)));
                }
            }
            DeValue::Table(table) => self.table(text, table, path),
            DeValue::Array(items) => {
                for (n, item) in items.iter().enumerate() {
                    path.push(Step::Item(n));
                    self.lines.insert(plain(&shown(path)), line_of(text, item.span().start));
                    self.value(text, item.get_ref(), item.span().start, path);
                    path.pop();
                }
            }
            _ => {}
        }
    }

    /// The line of a key, or of the innermost table around it that is there.
    pub(super) fn line(&self, path: &str) -> Option<u64> {
        let mut path = plain(path);
        loop {
            if let Some(line) = self.lines.get(&path) {
                return Some(*line);
            }
            let cut = path.rfind(['.', '['])?;
            path.truncate(cut);
        }
    }
}

/// A path as messages write it: `event[0].fields."person.name"`.
pub(super) fn shown(path: &[Step]) -> String {
    let mut out = String::new();
    for step in path {
        match step {
            Step::Item(n) => out.push_str(&format!("[{n}]")),
            Step::Key(key) => {
                if !out.is_empty() {
                    out.push('.');
                }
                let bare = key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
                if bare && !key.is_empty() { out.push_str(key) } else { out.push_str(&format!("{key:?}")) }
            }
        }
    }
    out
}

/// A path without the quotes that keys may or may not have.
fn plain(path: &str) -> String {
    path.chars().filter(|c| !matches!(c, '"' | '\\')).collect()
}

/// The line of a place in a text, from 1.
pub(super) fn line_of(text: &str, at: usize) -> u64 {
    let before = text.get(..at).unwrap_or(text);
    before.bytes().filter(|b| *b == b'\n').count() as u64 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "name = \"t\"\n[fields]\n\"person.name\" = { column = \"N\",\n name_order = \"?\" }\n\
        [[event]]\nid = \"a\"\nfields.reasons = [\n  \"x\",\n  { column = \"y\", values = \"m\", split = \"?\" },\n]\n\
        when = { column = \"c\", is = [\"?\"] }\n[values.m]\n\"?\" = \"no\"\n";

    #[test]
    fn lines_are_found_with_and_without_quotes() {
        let places = Places::of(TEXT);
        assert_eq!(places.line("fields.\"person.name\""), Some(3));
        assert_eq!(places.line("fields.person.name"), Some(3));
        assert_eq!(places.line("event[0].fields.\"reasons\"[1].column"), Some(9));
        // What is not there is shown where it would be.
        assert_eq!(places.line("event[0].date"), Some(5));
        assert_eq!(places.line("source"), None);
    }

    #[test]
    fn only_values_that_someone_must_decide_are_undecided() {
        let places = Places::of(TEXT);
        let found: Vec<_> = places.undecided.iter().map(|(path, line)| (shown(path), *line)).collect();
        assert_eq!(found, [("fields.\"person.name\".name_order".to_owned(), 4)]);
        assert_eq!(places.uses.len(), 1);
        assert_eq!(shown(&places.uses[0].1), "event[0].fields.reasons[1]");
    }
}
