//! Other people's collections of bad input, whole: as files of events, and as cells of a table.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::command::{Bench, sp};
use crate::hostile::survives;
use crate::output::{adds_up, lines, number};
use crate::scheme::{COLUMNS, PROFILE, Row, csv};

fn data(part: &str) -> Option<PathBuf> {
    match std::env::var_os("SP_FHIR_TEST_DATA").filter(|root| !root.is_empty()) {
        Some(root) => Some(Path::new(&root).join("badinput").join(part)),
        None => {
            eprintln!("SKIPPED: {part}: SP_FHIR_TEST_DATA is not set");
            None
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

#[test]
fn the_json_suite_as_files_of_events() {
    let Some(folder) = data("JSONTestSuite") else { return };
    let files = [files(&folder.join("test_parsing")), files(&folder.join("test_transform"))].concat();
    assert!(files.len() > 300, "{} files", files.len());
    let bench = Bench::new();
    let profile = bench.file("p.toml", PROFILE);
    let (next, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let name = path.file_name().unwrap().to_string_lossy().into_owned();
                    let ran = sp(&[
                        "convert".as_ref(),
                        path.as_os_str(),
                        "--profile".as_ref(),
                        profile.as_os_str(),
                    ]);
                    survives(&name, &ran);
                    assert!(ran.out.is_empty(), "{name}: something came out of it");
                    refused.fetch_add(usize::from(ran.code == Some(3)), Ordering::Relaxed);
                    // Without a profile: the doubtful ones are enough, the reading is the same.
                    if name.starts_with("i_") || !name.contains('_') {
                        let ran = sp(&[
                            "validate".as_ref(),
                            path.as_os_str(),
                            "--source".as_ref(),
                            "https://x.example".as_ref(),
                        ]);
                        survives(&name, &ran);
                        // None of them is an event.
                        assert!(
                            !matches!(ran.code, Some(0)) || ran.err.contains("0 records"),
                            "{name}: {}",
                            ran.err
                        );
                    }
                }
            });
        }
    });
    assert!(refused.into_inner() > 200);
}

/// Every text in four columns, one at a time, of a row that is good otherwise; so every column has dozens of them.
fn in_columns(texts: &[String]) -> Vec<Row> {
    let mut rows = Vec::new();
    for (at, text) in texts.iter().enumerate() {
        for k in 0..4 {
            let n = u32::try_from(rows.len() + 1).unwrap();
            rows.push(Row::bare(n).with(COLUMNS[(at + 6 * k) % COLUMNS.len()], text));
        }
    }
    rows
}

#[test]
fn naughty_strings_in_cells() {
    let Some(folder) = data("blns") else { return };
    let texts: Vec<String> =
        serde_json::from_slice(&std::fs::read(folder.join("blns.json")).unwrap()).unwrap();
    assert!(texts.len() > 400);
    let bench = Bench::new();
    let rows = in_columns(&texts);
    let (input, profile) = (bench.file("in.csv", csv(&rows)), bench.file("p.toml", PROFILE));
    let more = ["--rejects", "@r.csv", "--form", "collection"];
    let (ran, report) = bench.convert_with_report(&input, &profile, &more);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(!ran.err.contains("panicked"));
    adds_up(&report);
    assert_eq!(number(&report, "rows/read"), rows.len() as u64, "a string broke the table");
    assert!(number(&report, "rows/converted") > 500, "{}", report["rows"]);
    // Every Bundle is FHIR that reads back, and an unusual note comes through as it was.
    let bundles = lines(&ran.out);
    for line in ran.text().lines() {
        sp_fhir::fhir::read_json(line.as_bytes()).unwrap_or_else(|issues| panic!("{issues:?}: {line}"));
    }
    assert!(bundles.len() > 500);
    let spoken = "Ω≈ç√∫˜µ≤≥÷";
    assert!(texts.iter().any(|text| text == spoken) && ran.text().contains(spoken));
    // Nothing of it on standard error, where a terminal would obey it.
    assert!(!ran.err.contains(['\u{1b}', '\u{7}', '\u{202e}', '\u{feff}']));
    // And all of it can be XML.
    let xml = bench.convert(&input, &profile, &["--form", "collection", "--pack", "one", "--format", "xml"]);
    assert_eq!(xml.code, Some(1), "{}", xml.err);
    sp_fhir::fhir::read_xml(&xml.out).unwrap_or_else(|issues| panic!("{issues:?}"));
    let (again, second) = bench.convert_with_report(&bench.path("r.csv"), &profile, &["--rejects", "@s.csv"]);
    assert_eq!(number(&second, "rows/read"), number(&report, "rows/refused") + number(&report, "rows/held"));
    assert!(bench.read("s.csv") == bench.read("r.csv"), "{}", again.err);
}

#[test]
fn naughty_strings_in_json_and_the_suite_in_cells() {
    let (Some(blns), Some(suite)) = (data("blns"), data("JSONTestSuite")) else { return };
    let bench = Bench::new();
    let profile = bench.file("p.toml", PROFILE);
    let texts: Vec<String> = serde_json::from_slice(&std::fs::read(blns.join("blns.json")).unwrap()).unwrap();
    let record = |n: u32, column: &str, value: serde_json::Value| {
        let mut members: serde_json::Map<String, serde_json::Value> =
            COLUMNS.iter().map(|name| ((*name).to_owned(), Row::new(n).get(name).into())).collect();
        members.insert(column.to_owned(), value);
        serde_json::Value::Object(members).to_string() + "\n"
    };
    let ndjson: String = (1..)
        .zip(&texts)
        .map(|(n, text)| record(n, COLUMNS[n as usize % COLUMNS.len()], text.as_str().into()))
        .collect();
    let input = bench.file("in.ndjson", ndjson);
    let (ran, report) = bench.convert_with_report(&input, &profile, &[]);
    survives("in.ndjson", &ran);
    adds_up(&report);
    assert_eq!(number(&report, "rows/read"), texts.len() as u64);

    let cells: Vec<String> = files(&suite.join("test_parsing"))
        .iter()
        .filter_map(|path| String::from_utf8(std::fs::read(path).unwrap()).ok())
        .filter(|text| text.len() < 10_000)
        .collect();
    let rows: Vec<Row> = (1..)
        .zip(&cells)
        .map(|(n, text)| Row::new(n).with(COLUMNS[n as usize % COLUMNS.len()], text))
        .collect();
    let (ran, report) =
        bench.convert_with_report(&bench.file("in.csv", csv(&rows)), &profile, &["--rejects", "@r.csv"]);
    survives("in.csv", &ran);
    adds_up(&report);
    assert_eq!(number(&report, "rows/read"), rows.len() as u64);
}

#[test]
fn the_csv_spectrum_is_read() {
    let Some(folder) = data("csv-spectrum/csvs") else { return };
    let bench = Bench::new();
    let profile = bench.file("p.toml", PROFILE);
    for path in files(&folder) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let ran = bench.convert(&path, &profile, &[]);
        survives(&name, &ran);
        // Read as a table whose headings are not the profile's.
        assert_eq!(ran.code, Some(5), "{name}: {}", ran.err);
        let ran = sp(&["profile".as_ref(), "new".as_ref(), path.as_os_str()]);
        survives(&name, &ran);
    }
}
