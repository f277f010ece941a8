//! How parts of a draft are spelled: strings, keys, ids, columns of dates.
//!
//! What it is not: a TOML writer; a draft has comments, so it is written as text. Invariant: whatever a heading or a value
//! holds, [`quoted`] makes one TOML string of it. Next: [`super::fields`].

use std::fmt::Write as _;

use crate::event::field::Field;
use crate::profile::sample::SampleColumn;
use crate::profile::sniff;
use crate::profile::synonyms::words;

/// A TOML string.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A field's key in TOML: lists without their mark.
pub(super) fn key(field: Field) -> String {
    let path = field.path().trim_end_matches("[]");
    if path.contains('.') { quoted(path) } else { path.to_owned() }
}

/// A column of dates, with its format where one must be stated.
pub(super) fn dated(column: &SampleColumn, name: &str) -> String {
    let name = quoted(name);
    match sniff::dates(&column.values) {
        Some(dates) => {
            let format = dates.format.map(|format| format!(", date_format = {}", quoted(&format)));
            let split = dates.split.map(|split| format!(", split = {}", quoted(split)));
            if format.is_none() && split.is_none() {
                return name;
            }
            format!("{{ column = {name}{}{} }}", format.unwrap_or_default(), split.unwrap_or_default())
        }
        None => name,
    }
}

/// An id of a rule or score: lower-case words with hyphens.
pub(super) fn id(text: &str) -> String {
    let id: String =
        words(text).join("-").chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    if id.is_empty() { "rule".to_owned() } else { id }
}

/// What a column looks like, in a word.
pub(super) fn look(column: &SampleColumn) -> &'static str {
    let values = &column.values;
    match () {
        () if values.is_empty() => "empty",
        () if sniff::dates(values).is_some() => "dates",
        () if sniff::are_yes_no(values) => "yes or no",
        () if sniff::are_integers(values) => "numbers",
        () if sniff::list(values).is_some() => "words",
        () => "text",
    }
}
