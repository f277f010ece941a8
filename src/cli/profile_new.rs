//! `sp-fhir profile new`: a first profile for an export, by looking at it.
//!
//! What it is: finds out where headings and records are, drafts, and says what is left to decide. What it is not: the
//! draft itself, which is [`crate::profile::draft`]'s. Invariant: what was found out about the file's layout stands
//! in the draft, so that a conversion reads the file in the same way. Next: [`crate::source::suggest`].

use std::path::Path;
use std::sync::Arc;

use crate::convert::meaning;
use crate::convert::sample::sample;
use crate::convert::{ConvertError, Exit};
use crate::event::build::parse_uri;
use crate::profile::Profile;
use crate::profile::draft::{self, Hints};
use crate::profile::raw::FileTable;
use crate::profile::sample::Sample;
use crate::source::{Format, Input, Reader, suggest};

use super::profile::SAMPLE;
use super::{Outcome, edge};

/// Runs the command.
pub(super) fn run(file: &Path, sheet: Option<&str>, records: Option<&str>, source: Option<&str>) -> Outcome {
    if let Some(Err(code)) = source.map(parse_uri) {
        return Err(ConvertError::Usage(format!("--source: {}; {}", code.title(), code.remedy())));
    }
    let input = Input::path(file);
    if !input.is_repeatable() {
        return Err(ConvertError::Usage("a draft looks at its file more than once: give a file".to_owned()));
    }
    let stated = FileTable {
        sheet: sheet.map(str::to_owned),
        records: records.map(str::to_owned),
        ..FileTable::default()
    };
    let (table, sample) = layout(&input, stated)?;
    let name = file.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    if sample.records == 0 {
        return Err(ConvertError::Configuration(nothing_there(&input, &table, sample.is_tree)));
    }
    if draft::is_headless(&sample) {
        return Err(no_headings(&input));
    }
    let hints = Hints { name, source: source.map(str::to_owned), file: table };
    let text = draft::draft(&sample, &hints, &*edge::codeset(None)?);
    edge::print(&text)?;
    say_what_is_left(&text, &input.name, source.is_some());
    Ok(Exit::Done)
}

/// Why a file without headings can be neither drafted for nor checked: what stands in their place is not shown.
pub(super) fn no_headings(input: &Input) -> ConvertError {
    ConvertError::Configuration(format!(
        "{}: the row that should hold the headings holds values; add a row of headings above it",
        input.name
    ))
}

/// The records of a file read in one way.
fn read(input: &Input, table: &FileTable) -> Result<(Format, Sample), ConvertError> {
    let reader = Reader::open(input, &meaning::options(Some(table))?)?;
    let format = reader.layout().format();
    Ok((format, sample(reader, SAMPLE)?))
}

/// How a file is laid out, as far as it was not stated, and its first records read in that way.
fn layout(input: &Input, mut table: FileTable) -> Result<(FileTable, Sample), ConvertError> {
    let options = meaning::options(Some(&table))?;
    if table.sheet.is_none() {
        let sheets = suggest::sheets(input, &options)?;
        if sheets.len() > 1 {
            table.sheet = best_sheet(input, sheets);
        }
    }
    if let Some(heading) = suggest::heading(input, &options)? {
        table.header_row = Some(heading.row);
        table.heading_rows = if heading.rows > 1 { heading.rows } else { 0 };
    }
    let (format, sample) = read(input, &table)?;
    match format {
        Format::Ndjson if table.records.is_none() && sample.records <= 1 && !draft::tells_apart(&sample) => {
            let inside = suggest::arrays(input, &options)?;
            Ok(records_inside(input, &table, inside).unwrap_or((table, sample)))
        }
        Format::Xml if table.records.is_none() => {
            table.records = element(input, &table)?;
            Ok((table, sample))
        }
        _ => Ok((table, sample)),
    }
}

/// The sheet of which most columns are understood; the first of equals.
fn best_sheet(input: &Input, sheets: Vec<String>) -> Option<String> {
    let understood = |name: &String| {
        let table = FileTable { sheet: Some(name.clone()), ..FileTable::default() };
        // A sheet that cannot be read is not the one.
        read(input, &table).map_or(0, |(_, sample)| draft::understood(&sample).min(sample.records * 1000))
    };
    let scored: Vec<(usize, String)> = sheets.into_iter().map(|name| (understood(&name), name)).collect();
    let most = scored.iter().map(|(understood, _)| *understood).max()?;
    scored.into_iter().find(|(understood, _)| *understood == most && most > 0).map(|(_, name)| name)
}

/// The array inside a JSON object whose elements look like referrals or people; the first of several.
fn records_inside(input: &Input, table: &FileTable, arrays: Vec<String>) -> Option<(FileTable, Sample)> {
    arrays.into_iter().find_map(|path| {
        let table = FileTable { records: Some(path), ..table.clone() };
        let (_, sample) = read(input, &table).ok()?;
        draft::tells_apart(&sample).then_some((table, sample))
    })
}

/// The element that was taken for a record.
fn element(input: &Input, table: &FileTable) -> Result<Option<String>, ConvertError> {
    let mut reader = Reader::open(input, &meaning::options(Some(table))?)?;
    let Some(batch) = reader.next() else { return Ok(None) };
    let batch = batch?;
    Ok(batch.records().next().and_then(|record| suggest::element(record.text)).map(str::to_owned))
}

/// Why no draft can be made, and what to try.
fn nothing_there(input: &Input, table: &FileTable, is_tree: bool) -> String {
    let sheets = meaning::options(Some(table)).ok().and_then(|options| suggest::sheets(input, &options).ok());
    match sheets.as_deref() {
        Some([_, ..]) => format!(
            "{}: no rows below the headings; name another sheet with --sheet: {}",
            input.name,
            sheets.unwrap_or_default().join(", ")
        ),
        _ if is_tree => format!("{}: no records to look at; state where they are with --records", input.name),
        _ => format!("{}: no rows below the headings; a draft looks at their values", input.name),
    }
}

/// What a person must do before the draft can be used, line by line.
fn say_what_is_left(text: &str, export: &Arc<str>, has_source: bool) {
    let undecided = Profile::parse(text, "draft").err().unwrap_or_default();
    let source = if has_source { "" } else { " --source https://your-scheme.example/cases" };
    if undecided.is_empty() {
        edge::say(&format!(
            "Nothing is left to decide. Read the draft, then:\n  sp-fhir convert {export} --profile THIS-DRAFT.toml{source}"
        ));
        return;
    }
    edge::say(&format!(
        "{} to decide in this draft; write your choice in place of each \"?\":",
        undecided.len()
    ));
    for issue in &undecided {
        let line = issue.at.row.unwrap_or_default();
        let path = issue.at.path.as_deref().unwrap_or_default();
        let choices = issue.found.strip_prefix("\"?\": ").unwrap_or(&issue.found);
        edge::say(&format!("  line {line}: {path}: {choices}"));
    }
    edge::say(&format!(
        "Then:\n  sp-fhir profile check THIS-DRAFT.toml {export}\n  sp-fhir convert {export} --profile THIS-DRAFT.toml{source}"
    ));
}
