//! Refused and held rows: untouched, explained, and nothing is lost once they are mended.

use std::path::Path;

use rust_xlsxwriter::Workbook;

use crate::command::{Bench, fixtures};
use crate::output::{adds_up, lines, number, set};
use crate::scheme::{COLUMNS, LOG_HEADING, LOG_PROFILE, PROFILE, Row, another_referral, csv, rows, table};

#[test]
fn the_counts_of_every_fixture_add_up() {
    let bench = Bench::new();
    for fixture in fixtures() {
        for more in [
            &[][..],
            &["--form", "collection"],
            &["--form", "bulk", "-o", "@bulk/", "--replace"],
            &["--form", "events"],
        ] {
            let (_, report) = bench.convert_with_report(&fixture.export, &fixture.profile, more);
            adds_up(&report);
            assert!(number(&report, "rows/read") > 0, "{}", fixture.name);
        }
        // As many lines of rejects as rows refused and held: some rows are several lines, so they are read back.
        let rejects = ["--rejects", "@rejects.csv"];
        let (ran, first) = bench.convert_with_report(&fixture.export, &fixture.profile, &rejects);
        let aside = number(&first, "rows/refused") + number(&first, "rows/held");
        assert_eq!(ran.code, Some(i32::from(aside > 0)), "{}", fixture.name);
        if aside == 0 {
            continue;
        }
        let again = ["--rejects", "@again.csv"];
        let (ran, second) = bench.convert_with_report(&bench.path("rejects.csv"), &fixture.profile, &again);
        adds_up(&second);
        assert_eq!(number(&second, "rows/read"), aside, "{}", fixture.name);
        // None was mended: each is refused again, for the same reason or because it cannot stand alone.
        if number(&first, "not_alone") > 0 {
            assert_eq!(number(&second, "not_alone"), number(&first, "not_alone"), "{}", fixture.name);
            assert!(lines(&ran.out).is_empty(), "{}", fixture.name);
            continue;
        }
        assert_eq!(second["refused"], first["refused"], "{}: {}", fixture.name, ran.err);
        assert_eq!(second["held"], first["held"], "{}: {}", fixture.name, ran.err);
        assert!(bench.read("again.csv") == bench.read("rejects.csv"), "{}", fixture.name);
    }
}

/// A row that is refused is the same bytes, whatever its dialect; the reasons stand after it.
#[test]
fn refused_rows_are_untouched() {
    let bench = Bench::new();
    let odd = Row::new(2)
        .with("NHS", "1")
        .with("Given", " \"Bet\"; the, elder ")
        .with("Note", "two\r\nlines, \"quoted\"; and a tab\there")
        .with("Address", "Tŷ Gwyn | Ffordd y Môr");
    for (delimiter, end) in [(',', "\n"), (';', "\r\n"), ('\t', "\r\n"), ('|', "\n")] {
        let input = bench.file("in.csv", table(&[Row::new(1), odd.clone(), Row::new(3)], delimiter, end));
        let profile = bench.file("p.toml", PROFILE);
        bench.convert(&input, &profile, &["--rejects", "@r.csv"]).ended(1).says(&["r.csv"]);
        let rejects = String::from_utf8(bench.read("r.csv")).unwrap();
        let heading = format!(
            "{}{delimiter}sp_fhir_reason{delimiter}sp_fhir_remedy",
            COLUMNS.join(&delimiter.to_string())
        );
        assert!(rejects.starts_with(&heading), "{rejects}");
        let row = format!("{}{delimiter}", odd.line(delimiter));
        assert_eq!(rejects.matches(&row).count(), 1, "{delimiter:?}: {rejects}");
        let after = rejects.split_once(&row).unwrap().1;
        assert!(
            after.contains("nhs-number-format at NHS") && after.contains("give the ten digits"),
            "{after}"
        );
        assert!(!rejects.contains("TW-1") && !rejects.contains("TW-3"));
    }
}

/// Mended rejects, converted alone, give exactly the Bundles that were missing: together they are what a file without
/// a mistake gives.
#[test]
fn mended_rejects_give_what_was_missing() {
    let bench = Bench::new();
    let good = rows(1..12);
    let breaks: [(usize, &str, &str); 4] = [
        (2, "Practice", "the surgery"),
        (3, "Referred", "2026-02-30"),
        (7, "End", "Gone fishing"),
        (9, "Share", "Maybe"),
    ];
    let mut broken = good.clone();
    for (at, column, value) in breaks {
        broken[at] = broken[at].clone().with(column, value);
    }
    for (delimiter, end) in [(',', "\n"), (';', "\r\n")] {
        let whole = bench.file("whole.csv", table(&good, delimiter, end));
        let input = bench.file("in.csv", table(&broken, delimiter, end));
        let profile = bench.file("p.toml", PROFILE);
        let expected = bench.convert(&whole, &profile, &[]).ended(0).out;
        let first = bench.convert(&input, &profile, &["--rejects", "@r.csv"]).ended(1).out;
        let mut rejects = String::from_utf8(bench.read("r.csv")).unwrap();
        for (at, column, value) in breaks {
            let wrong = broken[at].line(delimiter);
            assert!(rejects.contains(&wrong), "{value}");
            rejects = rejects.replace(&wrong, &good[at].line(delimiter));
            assert!(!column.is_empty());
        }
        let mended = bench.file("mended.csv", rejects);
        let (second, report) = bench.convert_with_report(&mended, &profile, &[]);
        let second = second.ended(0);
        assert!(
            !second.err.contains("go nowhere"),
            "our own columns are no columns of the export: {}",
            second.err
        );
        assert_eq!(number(&report, "rows/converted"), 4);
        assert_eq!(set(&[first, second.out].concat()), set(&expected));
    }
}

/// A rejects file is UTF-8, also where the profile says that the export is not.
#[test]
fn rejects_of_another_encoding_are_read_back() {
    let bench = Bench::new();
    let stated = "\n[file]\nencoding = \"windows-1252\"\ndelimiter = \";\"\n";
    let profile = bench.file("p.toml", PROFILE.replace("\n[fields]", &format!("{stated}\n[fields]")));
    let good = Row::new(1).with("Family", "Gwynfôr–Pábris").with("Note", "£5 a week");
    let bad = good.clone().with("Accepted", "soon");
    let encoded = |text: &str| encoding_rs::WINDOWS_1252.encode(text).0.into_owned();
    let whole = bench.file("whole.csv", encoded(&table(std::slice::from_ref(&good), ';', "\r\n")));
    let input = bench.file("in.csv", encoded(&table(std::slice::from_ref(&bad), ';', "\r\n")));
    let expected = bench.convert(&whole, &profile, &["--form", "collection"]).ended(0);
    assert!(expected.text().contains("Gwynfôr–Pábris"));
    bench.convert(&input, &profile, &["--rejects", "@r.csv"]).ended(3);
    let rejects = String::from_utf8(bench.read("r.csv")).unwrap();
    let mended = bench.file("m.csv", rejects.replace(&bad.line(';'), &good.line(';')));
    let out = bench.convert(&mended, &profile, &["--form", "collection"]).ended(0);
    assert!(out.out == expected.out, "{}", out.text());
}

/// A good row is not refused because a bad one stands beside it, and a run without refused rows leaves an empty
/// rejects file in place of an older one.
#[test]
fn an_old_rejects_file_does_not_stay() {
    let bench = Bench::new();
    let profile = bench.file("p.toml", PROFILE);
    let input = bench.file("in.csv", csv(&[Row::new(1), Row::new(2).with("NHS", "1")]));
    bench.convert(&input, &profile, &["--rejects", "@r.csv"]).ended(1);
    assert!(String::from_utf8(bench.read("r.csv")).unwrap().contains("TW-2"));
    let input = bench.file("in.csv", csv(&rows(1..3)));
    bench.convert(&input, &profile, &["--rejects", "@r.csv"]).ended(0);
    assert!(!String::from_utf8(bench.read("r.csv")).unwrap().contains("TW-2"));
}

/// Rejects of several files with one heading go into one file; with different headings, into one each.
#[test]
fn rejects_of_several_files() {
    let bench = Bench::new();
    let profile = bench.file("p.toml", PROFILE);
    let bad = |n| Row::new(n).with("Accepted", "soon");
    std::fs::create_dir(bench.path("in")).unwrap();
    bench.file("in/a.csv", csv(&[bad(1), Row::new(2)]));
    bench.file("in/b.csv", csv(&[bad(3), Row::new(4)]));
    bench.convert(&bench.path("in"), &profile, &["--rejects", "@r.csv"]).ended(1);
    let rejects = String::from_utf8(bench.read("r.csv")).unwrap();
    assert_eq!(rejects.matches("sp_fhir_reason").count(), 1);
    assert!(rejects.find("TW-1").unwrap() < rejects.find("TW-3").unwrap());
    bench.file("in/b.csv", table(&[bad(3), Row::new(4)], ';', "\n"));
    let told = bench.convert(&bench.path("in"), &profile, &["--rejects", "@s.csv"]).ended(1);
    told.says(&["s.csv (1 row;", "s.2.csv (1 row;"]);
    let (one, two) = (bench.read("s.csv"), bench.read("s.2.csv"));
    assert!(String::from_utf8(one).unwrap().contains("TW-1"));
    assert!(String::from_utf8(two).unwrap().contains("TW-3"));
}

/// Rows and records in one run go into a file each, named for what is in it; every one is told, and each can be
/// converted alone. A file that an earlier run left beside them is not taken for one of this run's.
#[test]
fn rejects_of_several_kinds_of_file() {
    let bench = Bench::new();
    let profile = bench.file("p.toml", PROFILE);
    let record = |row: &Row| {
        let members = COLUMNS.iter().map(|column| ((*column).to_owned(), row.get(column).into()));
        serde_json::Value::Object(members.filter(|(_, value)| *value != "").collect()).to_string()
    };
    let bad = |n| Row::new(n).with("Accepted", "soon");
    std::fs::create_dir(bench.path("in")).unwrap();
    bench.file("in/a.csv", csv(&[bad(1), Row::new(2), bad(3)]));
    bench.file("in/b.ndjson", [record(&bad(4)), record(&Row::new(5))].join("\n"));
    let (ran, report) = bench.convert_with_report(&bench.path("in"), &profile, &["--rejects", "@r.csv"]);
    ran.ended(1).says(&[
        "r.csv (2 rows",
        "r.2.ndjson (1 row;",
        "a.csv:2:Accepted",
        "a.csv:4:Accepted",
        "b.ndjson:1:Accepted",
    ]);
    let rows: Vec<u64> =
        report["rejects"].as_array().unwrap().iter().map(|file| file["rows"].as_u64().unwrap()).collect();
    assert_eq!(rows, [2, 1], "{}", report["rejects"]);
    assert!(report["rejects"][1]["file"].as_str().unwrap().ends_with("r.2.ndjson"));
    for (name, rows) in [("r.csv", 2), ("r.2.ndjson", 1)] {
        let (ran, report) = bench.convert_with_report(&bench.path(name), &profile, &[]);
        ran.ended(3);
        assert_eq!(number(&report, "rows/refused"), rows, "{name}");
    }
    let told = bench.convert(&bench.path("in/a.csv"), &profile, &["--rejects", "@r.csv"]).ended(1);
    told.says(&["r.csv (2 rows", "r.2.ndjson: left by an earlier run"]);
}

/// A name that promises a workbook would be a lie: nothing is read, and the name to give is told.
#[test]
fn rejects_are_never_a_workbook() {
    let bench = Bench::new();
    let (input, profile) = (bench.file("in.csv", csv(&rows(1..3))), bench.file("p.toml", PROFILE));
    for (name, better) in [("@r.xlsx", "r.csv"), ("@r.XLSX", "r.csv"), ("@r.xml", "r.ndjson")] {
        let ran = bench.convert(&input, &profile, &["--rejects", name, "-o", "@out.ndjson"]).ended(2);
        assert!(ran.says(&["--rejects", better]).out.is_empty());
        assert!(!bench.path("out.ndjson").exists());
    }
}

/// NDJSON and JSON give NDJSON, XML gives its element's text in NDJSON; both are read back.
#[test]
fn rejects_of_trees_are_ndjson() {
    let bench = Bench::new();
    let profile = bench.file("p.toml", PROFILE);
    let object = |row: &Row| {
        let members = COLUMNS.iter().map(|column| ((*column).to_owned(), row.get(column).into()));
        serde_json::Value::Object(members.filter(|(_, value)| *value != "").collect()).to_string()
    };
    let good = rows(1..4);
    let bad = good[1].clone().with("Accepted", "soon");
    let expected = set(&bench.convert(&bench.file("whole.csv", csv(&good)), &profile, &[]).ended(0).out);
    let records = [object(&good[0]), object(&bad), object(&good[2])];
    for (name, text) in
        [("in.ndjson", records.join("\n")), ("in.json", format!("[\n{}\n]", records.join(",\n")))]
    {
        let input = bench.file(name, text);
        let first = bench.convert(&input, &profile, &["--rejects", "@r.ndjson"]).ended(1).out;
        let rejects = String::from_utf8(bench.read("r.ndjson")).unwrap();
        let parsed = lines(rejects.as_bytes());
        assert_eq!(parsed.len(), 1, "{rejects}");
        assert!(parsed[0]["sp_fhir_reason"].as_str().unwrap().contains("date-format"));
        assert_eq!(parsed[0]["record"]["Case"], "TW-2");
        assert!(rejects.contains(&object(&bad)), "the record is untouched: {rejects}");
        let mended = bench.file("m.ndjson", rejects.replace(&object(&bad), &object(&good[1])));
        let second = bench.convert(&mended, &profile, &[]).ended(0).out;
        assert_eq!(set(&[first, second].concat()), expected, "{name}");
    }
}

/// A workbook gives CSV under the workbook's headings, which the same profile reads.
#[test]
fn rejects_of_a_workbook_are_csv() {
    let bench = Bench::new();
    let profile = bench.file("p.toml", PROFILE);
    let good = rows(1..4);
    let bad = good[1].clone().with("Accepted", "soon");
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    sheet.write(0, 0, "Tidewell, as of today").unwrap();
    for (column, name) in (0..).zip(COLUMNS) {
        sheet.write(2, column, name).unwrap();
        for (row, values) in (3..).zip([&good[0], &bad, &good[2]]) {
            sheet.write(row, column, values.get(name)).unwrap();
        }
    }
    let input = bench.path("in.xlsx");
    book.save(&input).unwrap();
    let first = bench.convert(&input, &profile, &["--rejects", "@r.csv"]).ended(1);
    let first = first.says(&["in.xlsx:5:Accepted"]).out;
    let rejects = String::from_utf8(bench.read("r.csv")).unwrap();
    assert!(rejects.starts_with("Case,Person,NHS,"), "{rejects}");
    let mended =
        bench.file("m.csv", rejects.replacen(",soon,", &format!(",{},", good[1].get("Accepted")), 1));
    let second = bench.convert(&mended, &profile, &[]).ended(0).out;
    let expected = bench.convert(&bench.file("whole.csv", csv(&good)), &profile, &[]).ended(0).out;
    assert_eq!(set(&[first, second].concat()), set(&expected));
}

/// Rows with one id, where the id that travels is another: made opaque, or with the referred date.
#[test]
fn an_id_twice_is_found_where_the_id_that_travels_is_another() {
    let bench = Bench::new();
    let profile = bench.file("p.toml", PROFILE);
    bench.file("a.key", "0123456789abcdef0123456789abcdef");
    let number = crate::scheme::nhs_number(99);
    let twins = [Row::new(1), Row::new(2).with("Case", &number), Row::new(3).with("Case", &number)];
    let input = bench.file("in.csv", csv(&twins));
    let ran = bench.convert(&input, &profile, &["--opaque-key", "@a.key"]).ended(1);
    ran.says(&["2 refused", "[duplicate-referral-id]", "in.csv:3", "in.csv:4"]);

    let profile = bench.file("person.toml", format!("case_number = \"person\"\n{PROFILE}"));
    let again = Row::new(1).with("Referred", "2026-08-08").with("Accepted", "");
    let twin = Row::new(1).with("Note", "the same referral");
    let input = bench.file("in.csv", csv(&[Row::new(1), again.clone()]));
    bench.convert(&input, &profile, &[]).ended(0);
    let ran = bench.convert(&input, &profile, &["--since", "@in.csv"]).ended(0);
    assert!(ran.out.is_empty(), "{}", ran.text());
    let input = bench.file("twin.csv", csv(&[Row::new(1), again, twin]));
    for more in [&[][..], &["--since", "@in.csv"]] {
        bench.convert(&input, &profile, more).ended(1).says(&[
            "2 refused",
            "[duplicate-referral-id]",
            "twin.csv:2",
            "twin.csv:4",
        ]);
    }
}

/// All rows of one id are refused, and only they.
#[test]
fn an_id_twice_refuses_all_its_rows() {
    let bench = Bench::new();
    let profile = bench.file("p.toml", PROFILE);
    let twin = Row::new(5).with("Case", "TW-2");
    let input = bench.file("in.csv", csv(&[Row::new(1), Row::new(2), Row::new(3), twin]));
    bench.convert(&input, &profile, &[]).ended(1).says(&[
        "2 refused",
        "[duplicate-referral-id]",
        "in.csv:3",
        "in.csv:5",
    ]);

    let profile = bench.file("log.toml", LOG_PROFILE);
    let log = crate::scheme::log(2, 3, 0);
    let mut other = log.clone();
    other.push(log[2].replace("note", "another note"));
    other.push(log[0].clone());
    let input = bench.file("log.csv", crate::scheme::log_file(&other));
    let (ran, report) = bench.convert_with_report(&input, &profile, &[]);
    ran.ended(1).says(&["2 refused", "[duplicate-event-id]", "log.csv:4", "log.csv:8"]);
    // The identical row is nothing new and no mistake.
    assert_eq!(number(&report, "rows/converted"), 6, "{}", report["rows"]);
    assert!(LOG_HEADING.starts_with("Event"));
    assert!(Path::new(&input).exists());
}

/// What another row says of the person's consent would be lost: the row is not converted without it.
#[test]
fn a_row_whose_person_withdrew_elsewhere_is_not_converted_alone() {
    let bench = Bench::new();
    let profile = bench.file("p.toml", PROFILE);
    let withdrawn =
        crate::scheme::another_referral(1, 2).with("Share", "None").with("Share date", "2026-04-01");
    let (good, bad) = (Row::new(1), Row::new(1).with("Accepted", "2026-02-30"));
    let (free, broken) = (Row::new(5), Row::new(5).with("Accepted", "2026-02-30"));
    let nobody = Row::new(6).with("NHS", "1");
    let input = bench.file("in.csv", csv(&[bad.clone(), withdrawn.clone(), broken.clone(), nobody.clone()]));
    let (ran, report) = bench.convert_with_report(&input, &profile, &["--rejects", "@r.csv"]);
    ran.says(&["2 rows not to be converted without the rest of the export"]);
    assert_eq!(number(&report, "not_alone"), 2);
    let rejects = String::from_utf8(bench.read("r.csv")).unwrap();
    let mended = rejects
        .replace(&bad.line(','), &good.line(','))
        .replace(&broken.line(','), &free.line(','))
        .replace(&nobody.line(','), &Row::new(6).line(','));
    let input = bench.file("m.csv", mended);
    let (ran, report) = bench.convert_with_report(&input, &profile, &["--rejects", "@again.csv"]);
    let ran = ran.ended(1).says(&["[not-alone]", "m.csv:2", "m.csv:4"]);
    let cases = crate::output::cases(&lines(&ran.out));
    assert_eq!(cases.into_iter().collect::<Vec<_>>(), ["TW-5"]);
    assert_eq!(number(&report, "refused/not-alone"), 2, "{}", report["refused"]);
    // The mark stays however often it is tried; in the export itself the mended row is what the export says.
    bench.convert(&bench.path("again.csv"), &profile, &[]).ended(3).says(&["[not-alone]"]);
    let input = bench.file("whole.csv", csv(&[good, withdrawn, free]));
    let (ran, report) = bench.convert_with_report(&input, &profile, &[]);
    assert_eq!(crate::output::cases(&lines(&ran.out)).into_iter().collect::<Vec<_>>(), ["TW-5"]);
    assert_eq!(number(&report, "rows/not_shared"), 2);
}

/// Whom a row is about, once it is mended, only the whole export shows: another row may have the same number or id.
#[test]
fn a_row_set_aside_for_whose_it_is_is_not_converted_alone() {
    let bench = Bench::new();
    let profile = bench.file("p.toml", PROFILE);
    let one = Row::new(1);
    let same_number = crate::scheme::another_referral(1, 2);
    let born_another_day = same_number.clone().with("Born", "1999-09-09");
    let line = |row: &Row| row.line(',');
    for (bad, mended, whole) in [
        (
            line(&Row::new(2).with("NHS", "9990000000")),
            line(&Row::new(2).with("NHS", one.get("NHS"))),
            "held-birth-dates",
        ),
        (line(&same_number.with("Born", "31/31/1999")), line(&born_another_day), "held-birth-dates"),
        (
            line(&Row::new(2).with("Case", "")),
            line(&Row::new(2).with("Case", "TW-1")),
            "duplicate-referral-id",
        ),
        (
            line(&Row::new(2).with("Person", "").with("NHS", "")),
            line(&Row::new(2).with("Person", "P1")),
            "held-nhs-numbers",
        ),
        // What a row says that cannot be split into its cells is not known either.
        (
            line(&Row::new(2)).replace("Anwen", "\"Anwen"),
            line(&Row::new(2).with("Case", "TW-1")),
            "duplicate-referral-id",
        ),
    ] {
        let export = |other: &str| csv(std::slice::from_ref(&one)) + other + "\n";
        let input = bench.file("in.csv", export(&bad));
        let (ran, report) = bench.convert_with_report(&input, &profile, &["--rejects", "@r.csv"]);
        let ran = ran.ended(1).says(&["1 row not to be converted without the rest of the export"]);
        assert_eq!(number(&report, "not_alone"), 1, "{whole}");
        assert!(!ran.err.contains("convert that file alone"), "{}", ran.err);
        let rejects = String::from_utf8(bench.read("r.csv")).unwrap();
        let (heading, refused) = rejects.split_once('\n').unwrap();
        let told = refused.rsplit_once("not-alone").unwrap().1;
        let alone = format!("{heading}\n{mended},not-alone{told}");
        let ran = bench.convert(&bench.file("m.csv", alone), &profile, &[]).ended(3).says(&["[not-alone]"]);
        assert!(ran.out.is_empty(), "{}", ran.text());
        let input = bench.file("whole.csv", export(&mended));
        bench.convert(&input, &profile, &[]).ended(3).says(&[&format!("[{whole}]")]);
    }
}

/// A row of a log alone would fold to a state that its referral is not in.
#[test]
fn a_row_of_a_log_is_not_converted_alone() {
    let bench = Bench::new();
    let profile = bench.file("log.toml", LOG_PROFILE);
    let good = crate::scheme::log(1, 3, 0);
    let bad = good[0].replacen("2026-01-01", "2026-02-30", 1);
    let input =
        bench.file("in.csv", crate::scheme::log_file(&[std::slice::from_ref(&bad), &good[1..]].concat()));
    bench.convert(&input, &profile, &["--rejects", "@r.csv"]).ended(1).says(&["not-alone"]);
    let rejects = String::from_utf8(bench.read("r.csv")).unwrap();
    assert!(rejects.contains(&bad), "{rejects}");
    let mended = bench.file("m.csv", rejects.replace(&bad, &good[0]));
    let ran = bench.convert(&mended, &profile, &[]).ended(3).says(&["[not-alone]"]);
    assert!(ran.out.is_empty(), "{}", ran.text());
    // Records of a tree bear the mark in their wrapping.
    let event = crate::persons::event("1", "R1", "referred", "2026-02-30", 1, &serde_json::json!({}));
    let input = bench.file("events.ndjson", format!("{event}\n"));
    let told = |input: &Path| {
        let rejects = bench.path("e.ndjson");
        let at = ["--recorded-at", crate::command::RECORDED_AT, "--rejects"].map(std::ffi::OsStr::new);
        let all = ["convert".as_ref(), input.as_os_str()].into_iter().chain(at).chain([rejects.as_os_str()]);
        crate::command::sp(&all.collect::<Vec<_>>()).ended(3)
    };
    told(&input);
    let rejects = String::from_utf8(bench.read("e.ndjson")).unwrap();
    let mended = bench.file("em.ndjson", rejects.replace("2026-02-30", "2026-02-20"));
    assert!(told(&mended).says(&["[not-alone]"]).out.is_empty());
}

/// A refused row that may be a withdrawal stands in a rejects file of its own, because its export has one more column: what
/// it holds, or would hold once mended, must not be converted without it. So must what a dispute about the number would hold.
#[test]
fn a_row_held_by_a_doubt_elsewhere_is_never_converted_alone() {
    let bench = Bench::new();
    let profile = bench.file("p.toml", PROFILE);
    let doubt = another_referral(1, 2).with("Share", "None").with("Share date", "2026-31-02");
    let born = |n: u32, date: &str| another_referral(1, n).with("Born", date);
    let disputes = [born(2, "1951-01-01"), born(3, "1952-01-01")];
    for (row, others) in [
        (Row::bare(1), vec![doubt.clone()]),
        (Row::bare(1).with("Accepted", "soon"), vec![doubt.clone()]),
        (Row::bare(1).with("NHS", "").with("Accepted", "soon"), vec![doubt.clone()]),
        (Row::bare(1).with("Born", "").with("Accepted", "soon"), disputes.to_vec()),
    ] {
        let a = bench.file("a.csv", csv(std::slice::from_ref(&row)));
        let one_more = csv(&others).replace('\n', ",\n").replacen(",\n", ",Padding\n", 1);
        bench.file("b.csv", one_more);
        let more = ["@b.csv", "--rejects", "@r.csv"];
        let ran = bench.convert(&a, &profile, &more);
        assert!(ran.out.is_empty(), "{}", ran.text());
        let aside = String::from_utf8(bench.read("r.csv")).unwrap();
        let mended = bench.file("m.csv", aside.replace("soon", "2026-02-02"));
        let ran = bench.convert(&mended, &profile, &[]).ended(3).says(&["[not-alone]"]);
        assert!(ran.out.is_empty(), "{}", ran.text());
        for file in ["r.csv", "r.2.csv"] {
            let _ = std::fs::remove_file(bench.path(file));
        }
    }
    // A doubt of its own is mended with it.
    let a = bench.file("a.csv", csv(&[Row::bare(1).with("Share", "Perhaps")]));
    bench.convert(&a, &profile, &["--rejects", "@r.csv"]).ended(3);
    assert!(!String::from_utf8(bench.read("r.csv")).unwrap().contains("not-alone"));
}
