//! Refused records: written, mended, read again.

use super::*;
use crate::event::{Issue, Position};

/// Refuses every record of a file, and gives what a file of refused records would hold.
fn refuse_all(name: &str, content: &str, options: &Options) -> String {
    let input = Input::bytes(name, content.as_bytes());
    let mut out = String::new();
    let mut reader = Reader::open(&input, options).unwrap();
    let layout = std::sync::Arc::clone(reader.layout());
    out.push_str(&layout.reject_header().unwrap_or_default());
    let at = Position { column: Some("Need, \"other\"".into()), ..Position::default() };
    let issues = [Issue::new(IssueCode::RequiredMissing, at, "nothing")];
    for batch in &mut reader {
        let batch = batch.unwrap();
        let mut lines: Vec<(u64, String)> =
            batch.records().map(|r| (r.row, layout.reject_line(r.text, &issues))).collect();
        lines.extend(
            batch.bad().iter().map(|b| (b.row, layout.reject_line(&b.text, std::slice::from_ref(&b.issue)))),
        );
        lines.sort();
        out.extend(lines.into_iter().map(|(_, line)| line));
    }
    out
}

#[test]
fn rows_come_back_untouched() {
    for delimiter in [',', ';', '\t', '|'] {
        let d = delimiter;
        let content =
            format!("Case{d}Need{d}Need{d}\r\n7{d}\"a{d}\"\"b\"\"\nc\" {d}x{d}\r\n8{d}y \"z\"{d}{d}ô\r\n");
        let first = refuse_all("e.csv", &content, &Options::default());
        assert!(
            first.starts_with(&format!(
                "Case{d}Need{d}Need{d}{d}sp_fhir_reason{d}sp_fhir_remedy\n7{d}\"a{d}\"\"b\"\"\nc\" {d}x{d}{d}"
            )),
            "{first}"
        );
        let (before, after) = (read(&content), read(&first));
        assert_eq!((&before.header, before.cells()), (&after.header, after.cells()));
        assert!(after.bad.is_empty());
        // Refused again, it does not grow.
        assert_eq!(refuse_all("e.csv", &first, &Options::default()), first);
    }
}

#[test]
fn unmended_rows_are_refused_again() {
    let content = "a,b\n1\n2,\"open\n3,4,5\n";
    assert_eq!(read(content).bad.len(), 3);
    let first = refuse_all("e.csv", content, &Options::default());
    let again = read(&first);
    assert_eq!(again.bad.len(), 3, "{first}");
    assert!(again.rows.is_empty());
    // Only the row that stands in one cell says that it must be taken out, and says so again when it was not.
    assert_eq!(first.matches("stands in one cell").count(), 1, "{first}");
    assert_eq!(refuse_all("e.csv", &first, &Options::default()).matches("stands in one cell").count(), 1);
    // Mended, the rows are read.
    let mended = first.replace("\n1,", "\n1,x,").replace("\"2,\"\"open\"", "2,open").replace("3,4,5", "3,4");
    assert_eq!(read(&mended).cells(), [["1", "x"], ["2", "open"], ["3", "4"]]);
}

#[test]
fn a_stated_heading_row_does_not_hinder() {
    let options = Options { header_row: Some(3), ..Options::default() };
    let first = refuse_all("e.csv", "Title\n\na,b\n1,2\n", &options);
    assert_eq!(read_as("r.csv", &first, &options).cells(), [["1", "2"]]);
}

#[test]
fn trees_come_back_as_they_were() {
    let xml = "<x><c i='1'><n>a &amp; \"b\"</n></c><c i='2'><n>2</n></c></x>";
    for (name, content) in [
        ("e.json", "[{\"a\":1.50,\n \"b\":\"x\\ny\"},{\"a\":2}]"),
        ("e.ndjson", "{\"a\":1}\n{\"a\":{\"sp\":[1]}}\n"),
        ("e.xml", xml),
    ] {
        let first = refuse_all(name, content, &Options::default());
        let (before, after) = (read_as(name, content, &Options::default()), read(&first));
        assert_eq!(after.format, Some(Format::Ndjson));
        assert_eq!(before.json(), after.json(), "{first}");
        assert_eq!(refuse_all("r.ndjson", &first, &Options::default()), first);
    }
}

#[test]
fn broken_json_is_kept_as_text() {
    let first = refuse_all("e.ndjson", "{\"a\":1}\n{\"a\":tru}\n", &Options::default());
    assert!(first.contains(r#""record_text":"{\"a\":tru}""#), "{first}");
    let again = read(&first);
    assert_eq!((again.trees.len(), again.bad), (1, vec![(2, IssueCode::NotJson)]));
    assert_eq!(read(first.replace("tru}", "true}")).json(), [r#"{"a":1}"#, r#"{"a":true}"#]);
}

#[test]
fn own_keys_are_no_part_of_a_record() {
    assert_eq!(read("{\"a\":1,\"sp_fhir_reason\":\"x\"}\n").json(), [r#"{"a":1}"#]);
    let out = read("sp_fhir_reason,a,sp_fhir_x,b\nwhy,1,2,3\n");
    assert_eq!(
        (out.header.as_slice(), out.cells()),
        (&["a".to_owned(), "b".to_owned()][..], vec![vec!["1", "3"]])
    );
}

#[test]
fn resources_come_back_as_resources() {
    let xml = "<Task xmlns=\"http://hl7.org/fhir\"><id value=\"1\"/></Task>";
    for (name, content) in [("e.xml", xml), ("e.json", "{\n\"resourceType\": \"Task\"}")] {
        let first = refuse_all(name, content, &Options::default());
        // What the profile says about the export does not hinder.
        let options = Options { records: Some("data.cases".into()), ..Options::default() };
        let (before, after) =
            (read_as(name, content, &Options::default()), read_as("r.ndjson", &first, &options));
        assert_eq!(after.format, Some(Format::FhirJson), "{first}");
        assert_eq!((before.rows, before.trees), (after.rows, after.trees));
    }
}
