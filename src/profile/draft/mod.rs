//! A first profile for a file that has none, written by looking at headings and values.
//!
//! What it is: TOML with comments, `draft = true`, to be read by a person; what it cannot know is `"?"` with the choices
//! beside it, and such a profile is refused until somebody has chosen. What it is not: a guess at what a person shares,
//! at whose no "Declined" was or at what kind of service it is; a value is written down only when it is of a short
//! list of words. Invariant: with every `"?"` settled, the draft compiles. Pure. Next: `fields`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::check::holds_values;
use super::placing::{Placed, place};
use super::raw::FileTable;
use super::sample::{Sample, SampleColumn};
use super::sniff;
use super::synonyms::Role;
use super::undecided;
use super::value_words::{self, Proposal};
use super::values::fold;
use crate::codeset::Codeset;
use crate::event::field::Field;

mod events;
mod fields;
mod lists;
mod words;

use words::{look, quoted};

/// What was said or found out about the file when it was opened, which the profile must repeat.
#[derive(Clone, Debug, Default)]
pub struct Hints {
    /// Name for the profile.
    pub name: String,
    /// URI of the sending system.
    pub source: Option<String>,
    /// How the file is laid out.
    pub file: FileTable,
}

/// Writes a draft.
#[must_use]
pub fn draft(sample: &Sample, hints: &Hints, codeset: &Codeset) -> String {
    let placed = place(sample, None);
    let mut writer = Writer { codeset, maps: BTreeMap::new(), out: String::new() };
    let is_log = has(&placed, Role::Field(Field::EventId)).is_some();
    writer.head(&placed, hints, is_log, sample);
    writer.fields(&placed, sample.records);
    if is_log {
        writer.log(&placed);
    } else {
        writer.events(&placed, !sample.repeats.is_empty());
        for path in &sample.repeats {
            let says_text =
                sample.columns.iter().any(|column| *column.name == **path && !column.values.is_empty());
            writer.list(path, &place(sample, Some(path)), &placed, says_text);
        }
        writer.status_and_counts(&placed);
    }
    writer.values();
    undecided::annotate(&writer.out)
}

/// How many columns of a sample a draft would use: for choosing between two readings of one file.
#[must_use]
pub fn understood(sample: &Sample) -> usize {
    let used = |below: Option<&str>| {
        let of_use = |here: &Placed<'_>| here.role.is_some_and(|role| role != Role::Nothing);
        place(sample, below).iter().filter(|here| of_use(here)).count()
    };
    used(None) + sample.repeats.iter().map(|path| used(Some(path))).sum::<usize>()
}

/// Whether a sample has a column that tells a person or a referral from others.
#[must_use]
pub fn tells_apart(sample: &Sample) -> bool {
    const OF_ONE: &[Role] = &[
        Role::Field(Field::ReferralId),
        Role::Field(Field::NhsNumber),
        Role::Field(Field::LocalId),
        Role::Field(Field::FamilyName),
        Role::FullName,
    ];
    place(sample, None).iter().any(|here| here.role.is_some_and(|role| OF_ONE.contains(&role)))
}

/// Whether the first row of a table holds values instead of headings: numbers as long as somebody's, or dates. Such a
/// "heading" is a person's and must not be shown.
#[must_use]
pub fn is_headless(sample: &Sample) -> bool {
    let header: Vec<Arc<str>> = sample.columns.iter().map(|column| Arc::clone(&column.name)).collect();
    !sample.is_tree && holds_values(&header)
}

/// The column that has a role.
fn has<'p>(placed: &'p [Placed<'_>], role: Role) -> Option<&'p SampleColumn> {
    placed.iter().find(|here| here.role == Some(role)).map(|here| here.column)
}

type Propose<'a> = &'a dyn Fn(&str) -> Proposal;

struct Writer<'a> {
    codeset: &'a Codeset,
    /// Value maps: per name, folded value to value, entry and comment.
    maps: BTreeMap<&'static str, BTreeMap<String, (String, Proposal)>>,
    out: String,
}

impl Writer<'_> {
    fn line(&mut self, text: impl AsRef<str>) {
        self.out.push_str(text.as_ref());
        self.out.push('\n');
    }

    fn head(&mut self, placed: &[Placed<'_>], hints: &Hints, is_log: bool, sample: &Sample) {
        let records = match sample.records {
            1 => "1 record".to_owned(),
            n => format!("{n} records"),
        };
        self.line(format!(
            "# Drafted by sp-fhir from {records}; nobody has reviewed it yet. A value \"?\" is for a"
        ));
        self.line(
            "# person to decide: the profile is refused until it is. docs/PROFILES.md explains every key.",
        );
        self.line(format!("name = {}", quoted(&hints.name)));
        self.line("# Remove this line when a person has read the whole file.");
        self.line("draft = true");
        match &hints.source {
            Some(source) => self.line(format!("source = {}", quoted(source))),
            None => {
                self.line("# A URI of your own that names the sending system, for ever the same. Without it here, give");
                self.line("# --source with every run.");
                self.line("# source = \"https://your-scheme.example/cases\"");
            }
        }
        if is_log {
            self.line("# A log that only grows: each row has an id of its own.");
            self.line("export = \"events\"");
        } else {
            self.line(
                "# The whole file again each time: no column holds an id for each event, as a log's does.",
            );
            self.line("export = \"snapshot\"");
            self.rows(placed, sample);
        }
        let nowhere: Vec<String> = placed
            .iter()
            .filter(|here| here.role == Some(Role::Nothing))
            .map(|here| quoted(&here.column.name))
            .collect();
        if !nowhere.is_empty() {
            self.line(format!("# Columns that go nowhere.\nignore = [{}]", nowhere.join(", ")));
        }
        // In a tree a path may be empty in one record and have paths below it in another.
        let is_above = |name: &str| {
            let below = format!("{name}.");
            sample.columns.iter().any(|column| column.name.starts_with(&below))
        };
        for here in placed.iter().filter(|here| here.role.is_none() && !is_above(&here.column.name)) {
            let (name, kind) = (quoted(&here.column.name), look(here.column));
            self.line(format!(
                "# Not used, and listed by each run until it is, or is ignored: {name} ({kind})"
            ));
        }
        self.file(&hints.file);
    }

    /// Case numbers that repeat mean something; which of two things, only a person knows.
    fn rows(&mut self, placed: &[Placed<'_>], sample: &Sample) {
        let Some(column) = has(placed, Role::Field(Field::ReferralId)).filter(|_| !sample.is_tree) else {
            return;
        };
        let mut values: Vec<&String> = column.values.iter().collect();
        values.sort_unstable();
        values.dedup();
        // One or two repeated by mistake are refused row by row when the file is converted.
        if (column.values.len() - values.len()) * 5 > column.values.len() {
            let name = quoted(&column.name);
            self.line(format!("# {name} repeats. One row for each need of a referral: \"per-need\"."));
            self.line("# A person's number, with a row for each referral: \"per-referral\" and case_number = \"person\".");
            self.line("# One row for each event: the export must give each an id; ask for it.");
            self.line("rows = \"?\" # decide: \"per-need\" or \"per-referral\"");
        }
    }

    fn file(&mut self, file: &FileTable) {
        let text = |value: &Option<String>| value.as_deref().map(quoted);
        let keys = [
            ("delimiter", text(&file.delimiter)),
            ("encoding", text(&file.encoding)),
            ("sheet", text(&file.sheet)),
            ("header_row", file.header_row.map(|row| row.to_string())),
            ("heading_rows", (file.heading_rows > 0).then(|| file.heading_rows.to_string())),
            ("records", text(&file.records)),
        ];
        if keys.iter().any(|(_, value)| value.is_some()) {
            self.line("\n[file]");
        }
        for (key, value) in keys {
            if let Some(value) = value {
                self.line(format!("{key} = {value}"));
            }
        }
    }

    /// A column with a value map, when its values are a list.
    fn mapped(
        &mut self,
        column: &SampleColumn,
        name: &str,
        map: &'static str,
        propose: Propose<'_>,
    ) -> String {
        // Only needs are written several to a cell.
        let split = sniff::split(&column.values).filter(|_| map == "need");
        let parts: Vec<String> = match split {
            Some(split) => column.values.iter().flat_map(|cell| sniff::parts(cell, split)).collect(),
            None => column.values.clone(),
        };
        let Some(values) = sniff::list(&parts) else { return quoted(name) };
        let entries = self.maps.entry(map).or_default();
        for value in values {
            entries.entry(fold(value)).or_insert_with(|| (value.to_owned(), propose(value)));
        }
        let split = split.map(|split| format!(" split = {},", quoted(split))).unwrap_or_default();
        format!("{{ column = {},{split} values = {} }}", quoted(name), quoted(map))
    }

    fn term(&mut self, column: &SampleColumn, name: &str, map: &'static str, group: &'static str) -> String {
        let codeset = self.codeset;
        self.mapped(column, name, map, &|value: &str| value_words::term(codeset, group, value))
    }

    fn values(&mut self) {
        for (name, entries) in std::mem::take(&mut self.maps) {
            self.line(format!("\n[values.{name}]"));
            for (value, (entry, comment)) in entries.into_values() {
                let comment = if comment.is_empty() { comment } else { format!(" # {comment}") };
                self.line(format!("{} = {entry}{comment}", quoted(&value)));
            }
        }
    }
}
