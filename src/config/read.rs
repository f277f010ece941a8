//! [`Read`]: from TOML to the tables of [`raw`](super::raw), with every key that is wrong told at once.
//!
//! Each table is read for itself, so that a mistake in one does not hide those of the others; and within a table a wrong
//! key is told, taken out, and the table read again. Invariant: no value is ever told, for it may be a secret in the wrong
//! place. Next: [`super::resolve`].

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::problem::Problem;
use super::raw::ConfigFile;
use crate::near::nearest;

const SEE: &str = "see the commented file that `sp-fhir init` writes";
/// The tables and keys outside of every table, and those of `[intake]`.
const TOP: &[&str] = &["data_folder", "store", "intake", "mapping", "endpoint", "log"];
const INTAKE: &[&str] = &["http", "folder"];

/// A configuration as far as it could be read.
#[derive(Debug)]
pub struct Read {
    /// What was read.
    pub file: ConfigFile,
    /// What could not be, key by key.
    pub problems: Vec<Problem>,
    /// Tables of which nothing could be read.
    unread: Vec<String>,
    /// The text's own tables.
    given: Table,
}

impl Read {
    /// Reads a configuration.
    ///
    /// # Errors
    /// The text is no TOML at all.
    pub fn of(text: &str) -> Result<Self, Problem> {
        // The error's own text quotes the line; a line may hold what should have been in a secret file.
        let mut table: Table = toml::from_str(text).map_err(|error| {
            let line = error.span().and_then(|span| text.get(..span.start));
            let line = line.map_or(1, |before| before.matches('\n').count() + 1);
            Problem::new(format!("line {line}"), error.message().trim(), "mend the TOML")
        })?;
        let mut read = Self {
            file: ConfigFile::default(),
            problems: Vec::new(),
            unread: Vec::new(),
            given: table.clone(),
        };
        let mut intake = match table.remove("intake") {
            None => Table::new(),
            Some(Value::Table(intake)) => intake,
            Some(_) => {
                read.wrong("intake".to_owned(), "not a table", SEE);
                Table::new()
            }
        };
        read.file = ConfigFile {
            data_folder: read.one(&mut table, "", "data_folder"),
            store: read.one(&mut table, "", "store").unwrap_or_default(),
            http: read.one(&mut intake, "intake.", "http").unwrap_or_default(),
            folder: read.many(&mut intake, "intake.", "folder"),
            mapping: read.one(&mut table, "", "mapping").unwrap_or_default(),
            endpoint: read.many(&mut table, "", "endpoint"),
            log: read.one(&mut table, "", "log").unwrap_or_default(),
        };
        for (above, left, known) in [("", &table, TOP), ("intake.", &intake, INTAKE)] {
            for key in left.keys() {
                read.wrong(format!("{above}{key}"), &not_known(key, known), SEE);
            }
        }
        Ok(read)
    }

    /// Whether a problem found later may only follow from one that was found here: what is missing may be there under a wrong
    /// key, and what was not read cannot be judged.
    #[must_use]
    pub fn may_explain(&self, key: &str) -> bool {
        let is_inside = |outer: &String| {
            key.strip_prefix(outer.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        let table = |key: &str| key.rsplit_once('.').map(|(table, _)| table.to_owned()).unwrap_or_default();
        self.unread.iter().any(is_inside)
            || self.problems.iter().any(|known| {
                known.key == key || (table(&known.key) == table(key) && !stands(&self.given, key))
            })
    }

    fn wrong(&mut self, key: String, what: &str, remedy: &str) {
        self.problems.push(Problem::new(key, what, remedy));
    }

    fn one<T: DeserializeOwned>(&mut self, table: &mut Table, above: &str, key: &str) -> Option<T> {
        let value = table.remove(key)?;
        let key = format!("{above}{key}");
        let read = self.value(value, &key);
        if read.is_none() {
            self.unread.push(key);
        }
        read
    }

    fn many<T: DeserializeOwned>(&mut self, table: &mut Table, above: &str, key: &str) -> Option<Vec<T>> {
        let value = table.remove(key)?;
        let key = format!("{above}{key}");
        let Value::Array(items) = value else {
            self.wrong(key.clone(), "not a list of tables", &format!("write [[{key}]]"));
            self.unread.push(key);
            return None;
        };
        let mut read = Vec::new();
        for (n, item) in items.into_iter().enumerate() {
            match self.value(item, &format!("{key}[{}]", n + 1)) {
                Some(item) => read.push(item),
                // The numbers of the others would be wrong.
                None => self.unread.push(key.clone()),
            }
        }
        Some(read)
    }

    /// Reads a value. What is wrong in it is told, taken out, and the rest read again.
    fn value<T: DeserializeOwned>(&mut self, mut value: Value, at: &str) -> Option<T> {
        let first = self.problems.len();
        loop {
            let error = match value.clone().try_into() {
                Ok(read) => return Some(read),
                Err(error) => error,
            };
            let mut fault = Fault::of(&error);
            let key = fault.steps.iter().fold(at.to_owned(), |key, step| format!("{key}.{step}"));
            if self.problems.iter().skip(first).any(|known| known.key == key) {
                // It is needed, and what stood there was told already: its table goes, where that is not the whole.
                fault.steps.pop();
                fault.is_missing = false;
            } else {
                self.wrong(key, &fault.what, SEE);
            }
            if !fault.take_out(&mut value) {
                return None;
            }
        }
    }
}

/// What the library found wrong first.
struct Fault {
    /// The way to the key.
    steps: Vec<String>,
    what: String,
    is_missing: bool,
}

impl Fault {
    fn of(error: &toml::de::Error) -> Self {
        // The library says the table on a line of its own.
        let told = error.to_string();
        let below = told.lines().find_map(|line| line.trim().strip_prefix("in `")?.strip_suffix('`'));
        let mut steps: Vec<String> =
            below.into_iter().flat_map(|below| below.split('.')).map(str::to_owned).collect();
        let message = error.message().lines().next().unwrap_or_default().trim();
        let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
        let (is_unknown, is_missing) =
            (message.starts_with("unknown field "), message.starts_with("missing field "));
        let what = match quoted.split_first() {
            Some((name, known)) if is_unknown => not_known(name, known),
            Some(_) if is_missing => "missing".to_owned(),
            Some((_, known)) if message.starts_with("unknown variant ") => {
                format!("none of the words it may be: {}", known.join(", "))
            }
            _ => without_values(message),
        };
        if let Some(name) = quoted.first().filter(|_| is_unknown || is_missing)
            && steps.last().is_none_or(|last| last != name)
        {
            steps.push((*name).to_owned());
        }
        Self { steps, what, is_missing }
    }

    /// Takes the key out, so that the next reading finds what else is wrong; in the place of one that is missing goes a word that
    /// is none.
    fn take_out(&self, value: &mut Value) -> bool {
        let Some((last, above)) = self.steps.split_last() else { return false };
        let table = above.iter().try_fold(value, |value, step| value.as_table_mut()?.get_mut(step));
        let Some(table) = table.and_then(Value::as_table_mut) else { return false };
        if self.is_missing {
            table.insert(last.clone(), Value::String(String::new())).is_none()
        } else {
            table.remove(last).is_some()
        }
    }
}

/// Whether a key stands in the tables as they were given.
fn stands(given: &Table, key: &str) -> bool {
    let mut table = Some(given);
    key.split('.').all(|step| {
        let (name, number) = match step.split_once('[') {
            Some((name, rest)) => (name, rest.trim_end_matches(']').parse::<usize>().ok()),
            None => (step, None),
        };
        let value = table.and_then(|table| table.get(name));
        let value = match (value, number.and_then(|number| number.checked_sub(1))) {
            (Some(Value::Array(items)), Some(place)) => items.get(place),
            (value, _) => value,
        };
        table = value.and_then(Value::as_table);
        value.is_some()
    })
}

fn not_known(key: &str, known: &[&str]) -> String {
    match nearest(key, known).and_then(|at| known.get(at)) {
        Some(near) => format!("a key that is not known; `{near}` is near"),
        None => format!("a key that is not known here; there are `{}`", known.join("`, `")),
    }
}

/// serde quotes a string of the wrong type (`invalid type: string "…"`): it may be a secret in the wrong place.
fn without_values(message: &str) -> String {
    match message.strip_prefix("invalid type: ").and_then(|rest| rest.rsplit_once(", expected ")) {
        Some((_, expected)) => {
            let expected = match expected {
                "f64" => "a number",
                "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number",
                "a boolean" => "true or false",
                "a sequence" => "a list",
                "a string" => "text between quotation marks",
                other => other,
            };
            format!("a value of the wrong type, expected {expected}")
        }
        None => message.to_owned(),
    }
}
