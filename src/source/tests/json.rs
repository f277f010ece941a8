//! JSON arrays, lines and documents.

use super::*;

#[test]
fn an_array_of_any_layout() {
    for text in [
        r#"[{"a":1.50},{"a":"x,]}"}]"#,
        " [ {\"a\":1.50} ,\n\n{\"a\":\"x,]}\"}\n]\n",
        "\u{feff}[{\"a\":1.50},{\"a\":\"x,]}\"}]",
    ] {
        let out = read(text);
        assert_eq!(out.format, Some(Format::JsonArray));
        assert_eq!(out.json(), [r#"{"a":1.50}"#, r#"{"a":"x,]}"}"#]);
        assert_eq!((out.row_numbers(), out.error.is_none()), (vec![1, 2], true));
    }
    assert!(read("[]").error.is_none());
}

#[test]
fn a_fault_inside_an_element_refuses_it_alone() {
    let out = read(r#"[{"a":1},{"a":tru},{"a":1,"a":2},{"a":[3}],{"a":"\u0000"},{"a":4}]"#);
    assert_eq!(out.row_numbers(), [1, 6]);
    let codes: Vec<IssueCode> = out.bad.iter().map(|(_, code)| *code).collect();
    assert_eq!(
        codes,
        [IssueCode::NotJson, IssueCode::DuplicateKey, IssueCode::NotJson, IssueCode::NulCharacter]
    );
    assert!(out.error.is_none());
}

#[test]
fn the_array_itself_is_strict() {
    for (text, rows) in [
        (r#"[{"a":1} {"a":2}]"#, 1),
        (r#"[{"a":1},]"#, 1),
        (r#"[,{"a":1}]"#, 0),
        (r#"[{"a":1}"#, 1),
        (r#"[{"a":1},"#, 1),
        (r#"[{"a":1}] x"#, 1),
        (r#"[{"a":1}]]"#, 1),
        (r#"[{"a":1},{"a":"#, 1),
    ] {
        let out = read(text);
        assert_eq!(out.error_kind(), Some(SourceErrorKind::Malformed), "{text}");
        assert_eq!(out.trees.len(), rows, "{text}");
        assert!(out.error.unwrap().row().is_some(), "{text}");
    }
}

#[test]
fn lines_stand_for_themselves() {
    let out = read("{\"a\":1}\n\n{\"a\":\n{\"a\":3}{}\r\n  {\"a\":4}  \n{\"a\":5}");
    assert_eq!(out.format, Some(Format::Ndjson));
    assert_eq!(out.row_numbers(), [1, 5, 6]);
    assert_eq!(out.bad, [(3, IssueCode::NotJson), (4, IssueCode::NotJson)]);
    assert_eq!(out.blank, 1);
    // The first line may be the broken one.
    let out = read_as("e.ndjson", "{\"a\":1,}\n{\"a\":2}\n", &Options::default());
    assert_eq!((out.trees.len(), out.bad), (1, vec![(1, IssueCode::NotJson)]));
}

#[test]
fn values_over_several_lines_follow_one_another() {
    let out = read("{\n \"a\": 1\n}\n{\n \"a\": 2\n}\n");
    assert_eq!(out.json(), [r#"{"a":1}"#, r#"{"a":2}"#]);
    assert!(read("{\n \"cases\": [{\"a\": 1}]\n}").notes[0].contains("one JSON object"));
    assert_eq!(read("{\n\"a\":").error_kind(), Some(SourceErrorKind::Malformed));
}

#[test]
fn an_array_inside_an_object() {
    let options = Options { records: Some("data.cases".into()), ..Options::default() };
    let text = r#"{"when":"x","data":{"n":2,"cases":[{"a":1},{"a":2}]}}"#;
    let out = read_as("e.json", text, &options);
    assert_eq!(out.json(), [r#"{"a":1}"#, r#"{"a":2}"#]);
    for wrong in ["data.none", "when", "data", "none.cases"] {
        let options = Options { records: Some(wrong.into()), ..Options::default() };
        assert_eq!(
            read_as("e.json", text, &options).error_kind(),
            Some(SourceErrorKind::NotFound),
            "{wrong}"
        );
    }
}

#[test]
fn fhir_is_recognised() {
    let bundle = "{\n \"resourceType\": \"Bundle\",\n \"type\": \"collection\"\n}\n";
    let out = read(bundle);
    assert_eq!((out.format, out.trees.len()), (Some(Format::FhirJson), 1));
    let out = read("{\"id\":\"1\",\"resourceType\":\"Task\"}\n{\"resourceType\":\"Task\"}\n");
    assert_eq!((out.format, out.trees.len()), (Some(Format::FhirJson), 2));
    // A mention further down does not make a record a resource.
    assert_eq!(read("{\"a\":{\"resourceType\":\"Task\"}}\n").format, Some(Format::Ndjson));
    let xml = "<?xml version=\"1.0\"?>\n<Task xmlns=\"http://hl7.org/fhir\"><id value=\"1\"/></Task>";
    let out = read(xml);
    assert_eq!((out.format, out.rows.len()), (Some(Format::FhirXml), 1));
    assert_eq!(read(format!("<!DOCTYPE x>{}", &xml[22..])).error_kind(), Some(SourceErrorKind::Malformed));
}

#[test]
fn depth_is_bounded() {
    let deep = format!("[{}{},{{\"a\":1}}]", "[".repeat(100_000), "]".repeat(100_000));
    let out = read(&deep);
    assert_eq!((out.bad.as_slice(), out.trees.len()), (&[(1, IssueCode::TooDeep)][..], 1));
    assert_eq!(read("[".repeat(100_000)).error_kind(), Some(SourceErrorKind::Malformed));
    assert_eq!(read("{\"a\":".repeat(100_000)).error_kind(), Some(SourceErrorKind::Malformed));
}

#[test]
fn records_over_piece_borders() {
    let mut text = "[".to_owned();
    for n in 0..5000 {
        text.push_str(&format!("{{\"n\":{n},\"t\":\"{}\"}},", "ô\\\"]".repeat(60)));
    }
    text.push_str("{\"n\":\"last\"}]");
    assert!(text.len() > 1 << 20);
    let out = read(&text);
    assert_eq!((out.trees.len(), out.bad.len(), out.error.is_none()), (5001, 0, true));
    assert_eq!(out.trees[4999].1.get("n").unwrap().as_number(), Some("4999"));
}

#[test]
fn json_test_suite() {
    let Some(folder) = test_data("JSONTestSuite") else { return };
    let (mut accepted, mut refused) = (0, 0);
    for path in files_in(&folder.join("test_parsing")) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read(&path).unwrap();
        // As the element of an array, and as a line of its own, where the text allows it.
        let array = [b"[", text.as_slice(), b"]"].concat();
        let whole = |out: &Outcome| out.error.is_none() && out.bad.is_empty() && out.trees.len() == 1;
        let clean = whole(&read_as("e.json", &array, &Options::default()));
        match name.as_bytes()[0] {
            b'y' => {
                // Two things that JSON allows are refused on purpose: a key twice, and a NUL.
                let by_choice = name.contains("duplicated_key")
                    || name.contains("null_escape")
                    || name.contains("escaped_null");
                assert_eq!(clean, !by_choice, "{name}");
                accepted += 1;
            }
            b'n' => {
                // A fragment that only the brackets around it complete is two elements, or none.
                assert!(!clean, "{name}");
                let alone = read_as("e.ndjson", &text, &Options::default());
                assert!(!whole(&alone) || alone.format == Some(Format::JsonArray), "{name}");
                refused += 1;
            }
            _ => {}
        }
        // As the file itself: never a panic, and arrays with faults never come through whole.
        let itself = read_as("e.json", &text, &Options::default());
        if name.starts_with("n_") {
            assert!(itself.error.is_some() || !itself.bad.is_empty(), "{name}");
        }
    }
    assert_eq!((accepted, refused), (95, 188));
}

#[test]
fn naughty_strings_come_through_unchanged() {
    let Some(folder) = test_data("blns") else { return };
    let strings: Vec<String> =
        serde_json::from_slice(&std::fs::read(folder.join("blns.json")).unwrap()).unwrap();
    let records: Vec<serde_json::Value> = strings.iter().map(|s| serde_json::json!({"text": s})).collect();
    let lines: String = records.iter().map(|r| format!("{r}\n")).collect();
    for text in [serde_json::Value::from(records).to_string(), lines] {
        let out = read(text);
        assert!(out.bad.is_empty() && out.error.is_none());
        let found: Vec<&str> =
            out.trees.iter().map(|(_, n)| n.get("text").unwrap().as_str().unwrap()).collect();
        assert_eq!(found, strings);
    }
}
