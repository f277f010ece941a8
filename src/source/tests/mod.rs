//! Tests of the readers through their public face: bytes in, rows, trees and refusals out.

mod csv;
mod encodings;
mod json;
mod rejects;
mod xlsx;
mod xml;

use std::path::PathBuf;

use super::{Format, Input, Options, Parsed, Reader, Scratch, SourceError, SourceErrorKind};
use crate::event::IssueCode;
use crate::tree::{self, Node};

/// Everything that came out of one file.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    format: Option<Format>,
    header: Vec<String>,
    rows: Vec<(u64, Vec<String>)>,
    trees: Vec<(u64, Node)>,
    /// Refused by the splitter or by `Layout::parse`, in row order.
    bad: Vec<(u64, IssueCode)>,
    blank: u64,
    notes: Vec<String>,
    error: Option<SourceError>,
}

impl Outcome {
    /// The trees as compact JSON.
    fn json(&self) -> Vec<String> {
        self.trees.iter().map(|(_, node)| json_of(node)).collect()
    }

    fn cells(&self) -> Vec<Vec<&str>> {
        self.rows.iter().map(|(_, cells)| cells.iter().map(String::as_str).collect()).collect()
    }

    fn row_numbers(&self) -> Vec<u64> {
        self.rows.iter().map(|(row, _)| *row).chain(self.trees.iter().map(|(row, _)| *row)).collect()
    }

    fn error_kind(&self) -> Option<SourceErrorKind> {
        self.error.as_ref().map(SourceError::kind)
    }
}

fn json_of(node: &Node) -> String {
    let mut out = Vec::new();
    tree::json::write(node, &mut out);
    String::from_utf8(out).unwrap()
}

/// Reads a file of this name and content to its end.
fn read_as(name: &str, content: impl AsRef<[u8]>, options: &Options) -> Outcome {
    read_input(&Input::bytes(name, content.as_ref()), options)
}

fn read(content: impl AsRef<[u8]>) -> Outcome {
    read_as("export", content, &Options::default())
}

fn read_input(input: &Input, options: &Options) -> Outcome {
    let mut outcome = Outcome::default();
    let mut reader = match Reader::open(input, options) {
        Ok(reader) => reader,
        Err(error) => return Outcome { error: Some(error), ..outcome },
    };
    outcome.format = Some(reader.layout().format());
    outcome.header = reader.layout().header().iter().map(ToString::to_string).collect();
    let mut scratch = Scratch::default();
    for batch in &mut reader {
        let batch = match batch {
            Ok(batch) => batch,
            Err(error) => {
                outcome.error = Some(error);
                break;
            }
        };
        outcome.blank += batch.blank();
        for record in batch.records() {
            match batch.layout.parse(record.text, &mut scratch) {
                Ok(Parsed::Row(row)) => {
                    outcome.rows.push((record.row, row.iter().map(str::to_owned).collect()))
                }
                Ok(Parsed::Tree(node)) => outcome.trees.push((record.row, node)),
                Ok(Parsed::FhirXml(text)) => outcome.rows.push((record.row, vec![text.into_owned()])),
                Err(issue) => outcome.bad.push((record.row, issue.code)),
            }
        }
        outcome.bad.extend(batch.bad().iter().map(|b| (b.row, b.issue.code)));
    }
    outcome.bad.sort_by_key(|(row, _)| *row);
    outcome.notes = reader.notes();
    outcome
}

/// Third-party bad input, where the environment says it is.
fn test_data(folder: &str) -> Option<PathBuf> {
    match std::env::var_os("SP_FHIR_TEST_DATA") {
        Some(root) => Some(PathBuf::from(root).join("badinput").join(folder)),
        None => {
            println!("SKIPPED: {folder}: SP_FHIR_TEST_DATA is not set");
            None
        }
    }
}

fn files_in(folder: &std::path::Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    files
}
