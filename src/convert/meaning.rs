//! What the records of a file are when nobody says, and how a file is read as its profile states it.
//!
//! Next: [`super::interpret`].

use std::sync::Arc;

use crate::codeset::Codeset;
use crate::profile::raw::FileTable;
use crate::profile::shipped;
use crate::source::{Encoding, Format, Input, Layout, Options, Parsed, Reader, Scratch};

use super::error::{ConvertError, Issues};
use super::interpret::Meaning;

/// FHIR, else the shipped profile whose whole heading matches, else canonical events; nothing when it is none of them.
///
/// # Errors
/// The file cannot be read.
pub fn of(input: &Input, codeset: &Arc<Codeset>) -> Result<Option<Meaning>, ConvertError> {
    let reader = Reader::open(input, &Options::default())?;
    let layout = Arc::clone(reader.layout());
    if matches!(layout.format(), Format::FhirJson | Format::FhirXml) {
        return Ok(Some(Meaning::Fhir(Arc::clone(codeset))));
    }
    if let Some(shipped) = shipped::matching(layout.header()) {
        let profile = shipped.profile().map_err(|issues| ConvertError::Profile(Issues(issues)))?;
        return Ok(Some(Meaning::Export(Arc::new(profile))));
    }
    let is_events =
        matches!(layout.format(), Format::Ndjson | Format::JsonArray) && is_events(reader, &layout);
    Ok(is_events.then_some(Meaning::Events))
}

/// Whether the first record is a canonical event.
fn is_events(mut reader: Reader, layout: &Layout) -> bool {
    let mut scratch = Scratch::default();
    let Some(Ok(batch)) = reader.next() else { return false };
    let Some(record) = batch.records().next() else { return false };
    match layout.parse(record.text, &mut scratch) {
        Ok(Parsed::Tree(node)) => node.get("event_id").is_some() && node.get("type").is_some(),
        _ => false,
    }
}

/// How files are read, as the profile states it.
///
/// # Errors
/// The delimiter or the encoding stated is none.
pub fn options(file: Option<&FileTable>) -> Result<Options, ConvertError> {
    let Some(file) = file else { return Ok(Options::default()) };
    let wrong = |what: String| ConvertError::Configuration(what);
    let delimiter = match file.delimiter.as_deref() {
        None => None,
        Some("tab" | "\t") => Some(b'\t'),
        Some(text) => match text.as_bytes() {
            [byte] if byte.is_ascii() => Some(*byte),
            _ => {
                return Err(wrong(format!(
                    "the profile's file.delimiter {text:?} must be one character, or \"tab\""
                )));
            }
        },
    };
    let encoding = match file.encoding.as_deref() {
        None => None,
        Some(label) => Some(
            Encoding::from_label(label)
                .ok_or_else(|| wrong(format!("the profile's file.encoding {label:?} is not known")))?,
        ),
    };
    Ok(Options {
        delimiter,
        encoding,
        sheet: file.sheet.clone(),
        header_row: file.header_row,
        heading_rows: file.heading_rows,
        records: file.records.clone(),
        ..Options::default()
    })
}
