//! What a file is, from its first bytes, and what its text holds, from its first characters.
//!
//! What it is: two looks at the head of a file. The name's ending only decides where the content leaves a
//! choice. What it is not: reading. Invariant: a kind of file that is not read here is named, with what to do.
//! Next: [`super::dialect`] for tables.

use std::collections::HashMap;

use serde_json::value::RawValue;

use super::error::{SourceError, SourceErrorKind};
use super::json::{Value, value};
use super::rejects::{self, Record};
use super::xml;

/// What the first bytes say.
pub(crate) enum Kind {
    Empty,
    /// A workbook, perhaps; the zip archive's list of parts decides.
    Workbook,
    /// Text, with the encoding where it shows, and the length of the byte order mark.
    Text {
        encoding: Option<&'static encoding_rs::Encoding>,
        mark: usize,
    },
}

/// What the text holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Empty,
    Table,
    Lines {
        fhir: bool,
    },
    Array {
        fhir: bool,
    },
    Sequence {
        fhir: bool,
    },
    /// A JSON object that holds the array of records.
    Inside,
    Xml,
    FhirXml,
}

/// Kinds of file that people do try: first bytes, what it is, what to do.
const NOT_READ: &[(&[u8], &str, &str)] = &[
    (b"%PDF", "a PDF", "export the data as CSV or XLSX instead"),
    (
        &[0xd0, 0xcf, 0x11, 0xe0],
        "an old Excel workbook (.xls) or one with a password",
        "save it as .xlsx without a password",
    ),
    (b"{\\rtf", "a word processor's document", "export the data as CSV or XLSX instead"),
    (b"\x89PNG", "a picture", "export the data as CSV or XLSX instead"),
    (&[0xff, 0xd8, 0xff], "a picture", "export the data as CSV or XLSX instead"),
    (b"BZh", "compressed with bzip2", "decompress it, or use gzip or Zstandard"),
    (&[0xfd, b'7', b'z', b'X', b'Z'], "compressed with xz", "decompress it, or use gzip or Zstandard"),
    (b"7z\xbc\xaf", "a 7-Zip archive", "unpack it first"),
    (b"SQLite format 3", "a database", "export the table as CSV"),
    (b"PAR1", "a Parquet file", "export the table as CSV"),
    (&[0xff, 0xfe, 0, 0], "UTF-32 text", "save the file as UTF-8"),
    (&[0, 0, 0xfe, 0xff], "UTF-32 text", "save the file as UTF-8"),
];

/// Looks at the first bytes.
pub(crate) fn kind(head: &[u8]) -> Result<Kind, SourceError> {
    if head.is_empty() {
        return Ok(Kind::Empty);
    }
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return Ok(Kind::Workbook);
    }
    if let Some((_, what, remedy)) = NOT_READ.iter().find(|(magic, ..)| head.starts_with(magic)) {
        return Err(SourceError::new(SourceErrorKind::Unsupported, format!("this is {what}"), *remedy));
    }
    for (mark, encoding) in [
        (&b"\xef\xbb\xbf"[..], encoding_rs::UTF_8),
        (b"\xff\xfe", encoding_rs::UTF_16LE),
        (b"\xfe\xff", encoding_rs::UTF_16BE),
    ] {
        if head.starts_with(mark) {
            return Ok(Kind::Text { encoding: Some(encoding), mark: mark.len() });
        }
    }
    let sample = head.get(..4096).unwrap_or(head);
    let nul = sample.iter().filter(|&&b| b == 0).count();
    if nul * 4 > sample.len() {
        return Err(SourceError::new(
            SourceErrorKind::Unsupported,
            "not text, or UTF-16 without a byte order mark",
            "save the file as UTF-8, or state its encoding",
        ));
    }
    let control =
        sample.iter().filter(|&&b| b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)).count();
    if control * 20 > sample.len() + 100 {
        return Err(SourceError::new(
            SourceErrorKind::Unsupported,
            "this is not text",
            "give a CSV, XLSX, JSON or XML export",
        ));
    }
    Ok(Kind::Text { encoding: xml::declared_encoding(head), mark: 0 })
}

/// Looks at the first characters. `whole` when they are the whole file.
pub(crate) fn shape(head: &str, whole: bool, ending: &str, inside: bool) -> Shape {
    let start = head.trim_start();
    let bytes = start.as_bytes();
    let tabular = matches!(ending, "csv" | "tsv" | "tab");
    match bytes.first() {
        None if whole => Shape::Empty,
        Some(b'{') if rejects::is_wrapped(start) => Shape::Lines { fhir: wraps_resource(start) },
        Some(b'{') if inside => Shape::Inside,
        Some(b'{') => {
            let line = start.split('\n').next().unwrap_or_default().trim_end();
            let one_a_line = matches!(value(line.as_bytes(), 0, true), Value::End(end) if end == line.len());
            let fhir = is_resource(start);
            // A pretty-printed value ends further down; a broken line is still a line when the next one begins
            // a value of its own.
            let next = start.split('\n').nth(1).unwrap_or_default().trim_start();
            // `{"cases": [` with an object on the next line is one value, not a broken line.
            let goes_on = line.ends_with(['[', '{', ',', ':']);
            if one_a_line || (next.starts_with('{') && !goes_on) {
                Shape::Lines { fhir }
            } else {
                Shape::Sequence { fhir }
            }
        }
        Some(b'[') => {
            let inner = start.get(1..).unwrap_or_default().trim_start();
            let json = inner.is_empty() || inner.starts_with(['{', '[', ']']) || !tabular;
            if json { Shape::Array { fhir: is_resource(inner) } } else { Shape::Table }
        }
        Some(b'<') => {
            if xml::root_is_fhir(start) {
                Shape::FhirXml
            } else {
                Shape::Xml
            }
        }
        Some(_) if matches!(ending, "json" | "ndjson" | "jsonl" | "geojsonl") => Shape::Lines { fhir: false },
        Some(_) | None => Shape::Table,
    }
}

/// Whether the first of some refused records is a FHIR resource.
fn wraps_resource(text: &str) -> bool {
    match rejects::unwrap(text.split('\n').next().unwrap_or_default()) {
        Some(Record::Json(json)) => is_resource(json.trim_start()),
        Some(Record::Xml(xml)) => xml::root_is_fhir(&xml),
        None => false,
    }
}

/// Whether a JSON object says `resourceType` among its own members, as far as its text is there.
fn is_resource(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.first() != Some(&b'{') {
        return false;
    }
    let space = |at: usize| {
        let rest = bytes.get(at..).unwrap_or_default();
        at + rest.iter().take_while(|b| b.is_ascii_whitespace()).count()
    };
    let mut at = space(1);
    // Members, one after another; anything odd ends the look.
    while bytes.get(at) == Some(&b'"') {
        let Value::End(key_end) = value(bytes, at, false) else { return false };
        if bytes.get(at..key_end) == Some(b"\"resourceType\"") {
            return true;
        }
        at = space(key_end);
        if bytes.get(at) != Some(&b':') {
            return false;
        }
        let Value::End(end) = value(bytes, space(at + 1), false) else { return false };
        at = space(end);
        if bytes.get(at) != Some(&b',') {
            return false;
        }
        at = space(at + 1);
    }
    false
}

/// Whether a text is a single JSON value and nothing else.
pub(crate) fn is_one_value(text: &str) -> bool {
    let text = text.trim();
    value(text.as_bytes(), 0, true) == Value::End(text.len())
}

/// The text of the array at a dotted path inside a JSON object.
pub(crate) fn array_inside(text: &str, path: &str) -> Result<String, SourceError> {
    let broken = |e: serde_json::Error| {
        let title = format!("this is not JSON, at line {} column {}", e.line(), e.column());
        SourceError::new(SourceErrorKind::Malformed, title, "mend the JSON")
    };
    let whole: &RawValue = serde_json::from_str(text).map_err(broken)?;
    let mut here = whole.get();
    for step in path.split('.') {
        let object: Option<HashMap<String, &RawValue>> = serde_json::from_str(here).ok();
        here = object.as_ref().and_then(|o| o.get(step)).map(|v| v.get()).ok_or_else(|| {
            let title = format!("there is no `{step}` in this JSON object where `{path}` leads");
            SourceError::new(SourceErrorKind::NotFound, title, "correct the path of the records")
        })?;
    }
    if !here.starts_with('[') {
        let title = format!("`{path}` is not an array");
        return Err(SourceError::new(SourceErrorKind::NotFound, title, "correct the path of the records"));
    }
    Ok(here.to_owned())
}
