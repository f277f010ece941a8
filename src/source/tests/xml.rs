//! XML exports.

use super::*;

fn with_row(name: &str) -> Options {
    Options { records: Some(name.into()), ..Options::default() }
}

#[test]
fn a_repeated_element_is_a_record() {
    let text = "<?xml version='1.0'?><!-- x --><e:export xmlns:e='urn:x'><e:header><v>1</v></e:header>\
        <e:case id='7'><e:need>Debt &amp; housing</e:need><need><![CDATA[<b>]]></need><gone/></e:case>\
        <e:case id=\"8\"><note a='1'>x&#244;</note></e:case></e:export>\n";
    let out = read(text);
    assert_eq!(out.format, Some(Format::Xml));
    assert_eq!(
        out.json(),
        [
            r##"{"@id":"7","need":["Debt & housing","<b>"],"gone":""}"##,
            r##"{"@id":"8","note":{"@a":"1","#text":"xô"}}"##,
        ]
    );
    assert_eq!((out.row_numbers(), out.error.is_none()), (vec![1, 2], true));
    assert_eq!(
        out.notes,
        [
            "each `case` element was read as a record",
            "elements beside the records were not read: `header` (1)",
        ]
    );
    assert_eq!(read_as("e.xml", text, &with_row("case")).json(), out.json());
}

#[test]
fn records_may_stand_deeper() {
    let text = "<x><meta><a>1</a></meta><cases><case><n>1</n></case><case><n>2</n></case></cases></x>";
    assert_eq!(read(text).json(), [r#"{"n":"1"}"#, r#"{"n":"2"}"#]);
    let one = "<cases><case><n>1</n><need>a</need><need>b</need></case></cases>";
    assert_eq!(read(one).json(), [r#"{"n":"1","need":["a","b"]}"#]);
}

#[test]
fn a_fault_inside_a_record_refuses_it_alone() {
    let text =
        "<x><c><n>1</n></c><c><n>2</c><c><n>&other;</n></c><c a='1' a='2'><n>4</n></c><c><n>5</n></c></x>";
    let out = read(text);
    assert_eq!(out.row_numbers(), [1, 5]);
    assert!(out.bad.iter().all(|(_, code)| *code == IssueCode::NotXml) && out.bad.len() == 3);
}

#[test]
fn doctype_depth_and_attributes() {
    let body = "<x><c><n>1</n></c><c><n>2</n></c></x>";
    for text in [
        format!("<!DOCTYPE x>{body}"),
        format!("<?xml version='1.0'?>\n<!DOCTYPE x [<!ENTITY a 'b'>]>{body}"),
    ] {
        let error = read(&text).error.unwrap();
        assert!(error.to_string().contains("DOCTYPE"), "{error}");
    }
    let inside = "<x><c><n>1</n></c><c><!DOCTYPE y><n>2</n></c></x>";
    assert!(read_as("e.xml", inside, &with_row("c")).error.unwrap().to_string().contains("DOCTYPE"));
    let deep = format!("<x><c>{}{}</c><c><n>1</n></c></x>", "<d>".repeat(10_000), "</d>".repeat(10_000));
    let out = read(&deep);
    assert_eq!((out.bad.as_slice(), out.trees.len()), (&[(1, IssueCode::TooDeep)][..], 1));
    let around = format!("{}<c/>", "<d>".repeat(1000));
    assert_eq!(read_as("e.xml", around, &with_row("c")).error_kind(), Some(SourceErrorKind::Malformed));
    let attributes: String = (0..65).map(|n| format!(" a{n}='1'")).collect();
    let out = read(format!("<x><c{attributes}/><c><n>1</n></c></x>"));
    assert_eq!((out.bad.as_slice(), out.trees.len()), (&[(1, IssueCode::TooLarge)][..], 1));
}

#[test]
fn the_document_itself_is_strict() {
    for (text, rows) in [
        ("<x><c><n>1</n></c><c><n>2</n></c>", 2),
        ("<x><c><n>1</n></c><c><n>2", 1),
        ("<x><c><n>1</n></c></y>", 1),
        ("<x><c><n>1</n></c></x><x/>", 1),
        ("<x><c><n>1</n></c></x>text", 1),
        ("<x><c><n>1</n></c", 0),
    ] {
        let out = read_as("e.xml", text, &with_row("c"));
        assert_eq!(out.error_kind(), Some(SourceErrorKind::Malformed), "{text}");
        assert_eq!(out.trees.len(), rows, "{text}");
    }
    assert_eq!(read_as("e.xml", "<x><y/></x>", &with_row("c")).error_kind(), Some(SourceErrorKind::NotFound));
    assert_eq!(read("<x>text</x>").error_kind(), Some(SourceErrorKind::NotFound));
}

#[test]
fn a_declared_encoding_is_used() {
    let out = read(b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><x><c><n>F\xf4n</n></c></x>");
    assert_eq!(out.json(), [r#"{"n":"Fôn"}"#]);
}

#[test]
fn records_over_piece_borders() {
    let mut text = "<x>".to_owned();
    for n in 0..5000 {
        text.push_str(&format!("<c i='>{n}'><!-- </c> -->{}</c>\n", "<n>ô]]&gt;</n>".repeat(20)));
    }
    text.push_str("</x>");
    let out = read(&text);
    assert_eq!((out.trees.len(), out.bad.len(), out.error.is_none()), (5000, 0, true));
    assert_eq!(out.trees[4999].1.get("@i").unwrap().as_str(), Some(">4999"));
}
