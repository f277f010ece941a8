//! `sp-fhir profile new` and `profile check` as a person meets them: draft, decide what is asked, convert.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A caseload saved by a spreadsheet: title rows, semicolons, Windows-1252, plain headings.
const CASELOAD: &str = "Caseload of the Môrfa scheme;;;;;;;;;;;;\r\nPrinted 01/11/2026;;;;;;;;;;;;\r\n\r\n\
Case No.;NHS No.;Surname/Last name;First name;D.O.B.;Post code;GP practice code;Referred by;Date in;Main issue;Closed on;How closed;Consent to share (Y/N)\r\n\
M/1;999 819 3036;Gwyn-Hüber;Aoife;13/02/1950;ZZ99 3VZ;Z99961;GP;04/03/2026;Loneliness;17/05/2026;Goals met;Y\r\n\
M/2;9995351501;Müller;Seán;05/11/1983;ZZ99 3CZ;Z99961;GP;15/03/2026;Money worries;;;N\r\n\
M/3;9991704531;Prys;Nesta;30/06/1977;;Z99962;Self;23/03/2026;Bereavement;02/06/2026;Declined;Y\r\n";

/// Cases inside an object, with a list of contacts each.
const CASES: &str = r#"{"meta":{"count":1},"data":{"cases":[{"caseNumber":"H-1","client":{"nhsNo":"9992129069",
"surname":"Haf","dob":"1961-02-03","gpPractice":{"odsCode":"Z99971"}},"referral":{"dateReceived":"2026-03-01",
"referredBy":"GP","reasons":["Debt"],"consentToShare":false},"service":{"kind":"Link worker"},
"contacts":[{"date":"2026-03-11","outcome":"Attended"},{"date":"2026-03-21","outcome":"DNA"}]}]}}"#;

fn run(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_sp-fhir")).current_dir(folder).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn caseload() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = CASELOAD.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let path = folder.path().join("caseload.csv");
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

#[test]
fn what_is_asked_is_all_that_is_needed() {
    let (folder, _) = caseload();
    let here = folder.path();
    let (code, draft, asked) =
        run(here, &["profile", "new", "caseload.csv", "--source", "https://m.example/cases"]);
    assert_eq!(code, Some(0), "{asked}");
    assert!(draft.contains("header_row = 4"), "{draft}");
    assert!(asked.contains("3 to decide"), "{asked}");
    for place in [
        "fields.\"service.kind\".constant: \"link-worker\"",
        "values.consent.Y:",
        "values.end.Declined.event: whose no",
    ] {
        assert!(asked.contains(place), "{place} in {asked}");
    }
    // Forgotten, they are refused, each with its line.
    fs::write(here.join("p.toml"), &draft).unwrap();
    let (code, out, said) = run(here, &["convert", "caseload.csv", "--profile", "p.toml"]);
    assert_eq!((code, out.as_str()), (Some(5), ""));
    assert_eq!(said.matches("error[profile-undecided]").count(), 3, "{said}");
    let line = 1 + draft.lines().position(|line| line.contains("\"Declined\" = ")).unwrap();
    assert!(said.contains(&format!("p.toml:{line}:values.end.Declined.event")), "{said}");
    // Decided as the messages say, the draft runs.
    let decided = draft
        .replace("constant = \"?\"", "constant = \"link-worker\"")
        .replace("\"Y\" = \"?\"", "\"Y\" = \"full\"")
        .replace("event = \"?\"", "event = \"declined\"");
    fs::write(here.join("p.toml"), decided).unwrap();
    let (code, _, said) = run(here, &["profile", "check", "p.toml", "caseload.csv"]);
    assert!(code == Some(0) && said.contains("every column the profile names is there"), "{said}");
    let (code, out, said) = run(here, &["convert", "caseload.csv", "--profile", "p.toml"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("not reviewed"), "{said}");
    assert_eq!(out.lines().count(), 4, "M/1 and M/3: referred and closed; M/2 shares nothing");
}

#[test]
fn a_heading_elsewhere_is_said_where_columns_are_missing() {
    let (folder, _) = caseload();
    let profile = "name = \"m\"\nsource = \"https://m.example/cases\"\nexport = \"snapshot\"\n[fields]\nreferral_id = \"Case No.\"\n\
        \"service.kind\" = { constant = \"other\" }\n[[event]]\nid = \"referred\"\ntype = \"referred\"\ndate = \"Date in\"\n";
    fs::write(folder.path().join("p.toml"), profile).unwrap();
    let (code, out, _) = run(folder.path(), &["profile", "check", "p.toml", "caseload.csv"]);
    assert!(code == Some(5) && out.contains("caseload.csv:4: warning[heading-elsewhere]"), "{out}");
    let (code, _, said) = run(folder.path(), &["convert", "caseload.csv", "--profile", "p.toml"]);
    assert!(code == Some(5) && said.contains("found header_row = 4"), "{said}");
}

#[test]
fn records_inside_an_object_are_found_and_a_draft_with_nothing_to_decide_runs() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("cases.json"), CASES).unwrap();
    let (code, draft, said) = run(folder.path(), &["profile", "new", "cases.json"]);
    assert!(code == Some(0) && draft.contains("records = \"data.cases\""), "{draft}");
    assert!(said.starts_with("Nothing is left to decide."), "{said}\n{draft}");
    fs::write(folder.path().join("p.toml"), draft).unwrap();
    let arguments = ["convert", "cases.json", "--profile", "p.toml", "--source", "https://h.example/cases"];
    let (code, _, said) = run(folder.path(), &arguments);
    assert!(code == Some(0) && said.contains("1 not shared"), "{said}");
}

#[test]
fn the_record_element_and_the_sheet_are_written_down() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let (_, draft, _) = run(&fixtures, &["profile", "new", "case-system/export.xml"]);
    assert!(draft.contains("\n[file]\nrecords = \"case\"\n"), "{draft}");
    let (_, draft, _) = run(&fixtures, &["profile", "new", "link-worker-sheet/export.xlsx"]);
    assert!(draft.contains("\n[file]\nsheet = \"Caseload\"\n"), "{draft}");
    let (_, draft, _) = run(&fixtures, &["profile", "new", "one-row-per-need/export.csv"]);
    assert!(draft.contains("\nrows = \"?\" # decide: \"per-need\" or \"per-referral\"\n"), "{draft}");
}

#[test]
fn values_in_place_of_headings_are_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("bare.csv"),
        "9996805794,Ann Rees,14/03/2026\n9993625264,Ben Ali,02/04/2026\n",
    )
    .unwrap();
    let (code, out, said) = run(folder.path(), &["profile", "new", "bare.csv"]);
    assert!(code == Some(5) && out.is_empty() && said.contains("holds values"), "{said}");
    assert!(!said.contains("Rees") && !said.contains("9996805794"), "{said}");
}

#[test]
fn a_check_shows_no_values_in_place_of_headings() {
    let folder = tempfile::tempdir().unwrap();
    let rows = "9996805794,Ann Rees,14/03/2026,Family\n9993625264,Ben Ali,02/04/2026,Other\n";
    fs::write(folder.path().join("bare.csv"), rows).unwrap();
    let profile = "name = \"t\"\nsource = \"https://t.example/c\"\nexport = \"snapshot\"\n[fields]\n\
        referral_id = \"Ref\"\n\"person.nhs_number\" = \"NHS\"\n\"person.family\" = \"Ann Ree\"\n\
        \"service.kind\" = { constant = \"link-worker\" }\n[[event]]\nid = \"r\"\ntype = \"referred\"\n\
        date = { column = \"Referred\", date_format = \"dd/mm/yyyy\" }\n";
    fs::write(folder.path().join("p.toml"), profile).unwrap();
    let (code, out, said) = run(folder.path(), &["profile", "check", "p.toml", "bare.csv"]);
    assert!(code == Some(5) && out.is_empty() && said.contains("holds values"), "{code:?} {said}");
    let convert = run(folder.path(), &["convert", "bare.csv", "--profile", "p.toml"]);
    assert!(convert.0 == Some(5) && convert.2.contains("column-unknown"), "{convert:?}");
    for said in [said, convert.2] {
        assert!(!said.contains("Rees") && !said.contains("9996805794") && !said.contains("2026"), "{said}");
    }
}

#[test]
fn a_cover_sheet_is_said_with_the_sheet_that_has_the_headings() {
    let folder = tempfile::tempdir().unwrap();
    let mut book = rust_xlsxwriter::Workbook::new();
    let cover = book.add_worksheet().set_name("Cover").unwrap();
    cover.write_row(0, 0, ["Report", "Made by"]).unwrap();
    cover.write_row(1, 0, ["Caseload", "Office"]).unwrap();
    let cases = book.add_worksheet().set_name("Cases 26").unwrap();
    cases.write_row(0, 0, ["Ref", "NHS", "Referred"]).unwrap();
    cases.write_row(1, 0, ["1", "9996805794", "14/03/2026"]).unwrap();
    book.save(folder.path().join("book.xlsx")).unwrap();
    let profile = "name = \"t\"\nsource = \"https://t.example/c\"\nexport = \"snapshot\"\n[fields]\n\
        referral_id = \"Ref\"\n\"person.nhs_number\" = \"NHS\"\n\"service.kind\" = { constant = \"link-worker\" }\n\
        [[event]]\nid = \"r\"\ntype = \"referred\"\ndate = { column = \"Referred\", date_format = \"dd/mm/yyyy\" }\n";
    fs::write(folder.path().join("p.toml"), profile).unwrap();
    for command in
        [&["profile", "check", "p.toml", "book.xlsx"][..], &["convert", "book.xlsx", "--profile", "p.toml"]]
    {
        let (code, out, said) = run(folder.path(), command);
        assert_eq!(code, Some(5), "{said}");
        // A check lists what is no error on standard output.
        let said = out + &said;
        assert!(said.contains("sheet 1 of 2 was read") && said.contains("sheet = \"Cases 26\""), "{said}");
    }
}
