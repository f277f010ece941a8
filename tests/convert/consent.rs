//! What a refused row says of consent holds the person's other referrals, and only theirs.

use serde_json::json;

use crate::command::{Bench, Ran, sp};
use crate::output::{adds_up, cases, lines, number};
use crate::persons::event;
use crate::scheme::{COLUMNS, PROFILE, Row, another_referral, csv, nhs_number, shuffled};

/// Converts rows of the scheme; the cases that were written, and the counts.
fn convert(profile: &str, rows: &[Row], more: &[&str]) -> (Ran, Vec<String>, [u64; 3]) {
    let bench = Bench::new();
    let (profile, input) = (bench.file("p.toml", profile), bench.file("in.csv", csv(rows)));
    bench.file("empty.csv", csv(&[]));
    let (ran, report) = bench.convert_with_report(&input, &profile, more);
    adds_up(&report);
    let counts = ["converted", "held", "refused"].map(|end| number(&report, &format!("rows/{end}")));
    let written = cases(&lines(&ran.out)).into_iter().collect();
    (ran, written, counts)
}

fn refused_withdrawal() -> Row {
    another_referral(1, 2).with("Share", "None").with("Accepted", "soon")
}

#[test]
fn a_refused_withdrawal_holds_the_persons_other_referrals() {
    let rows = [Row::new(1), refused_withdrawal(), Row::new(3)];
    for more in [&[][..], &["--since", "@empty.csv"]] {
        let (ran, written, counts) = convert(PROFILE, &rows, more);
        assert_eq!((written, counts), (vec!["TW-3".to_owned()], [1, 1, 1]), "{}", ran.err);
        let ran = ran.ended(1).says(&["[held-consent-unclear]", "in.csv:2", "mend the row named here"]);
        assert!(!ran.text().contains(&nhs_number(1)));
    }
}

/// The message says which row, in the report and in the rejects.
#[test]
fn the_row_is_named() {
    let bench = Bench::new();
    let (profile, input) = (
        bench.file("p.toml", PROFILE),
        bench.file("in.csv", csv(&[Row::new(1), Row::new(3), refused_withdrawal()])),
    );
    let (_, report) = bench.convert_with_report(&input, &profile, &["--rejects", "@r.csv"]);
    let held =
        report["issues"].as_array().unwrap().iter().find(|issue| issue["code"] == "held-consent-unclear");
    let held = held.unwrap();
    assert_eq!(held["row"], 2);
    let found = held["found"].as_str().unwrap();
    assert!(found.ends_with("in.csv:4 says that nothing is shared"), "{found}");
    let rejects = String::from_utf8(bench.read("r.csv")).unwrap();
    assert!(rejects.contains("in.csv:4 says that nothing is shared"), "{rejects}");
}

/// Whatever the mistake is, and however little of the person is left.
#[test]
fn whatever_can_be_read_of_the_person_and_the_consent_counts() {
    let other = another_referral(1, 2);
    for (what, row) in [
        (
            "a date of consent that cannot be read",
            other.clone().with("Share", "None").with("Share date", "May"),
        ),
        ("a word that is not mapped", other.clone().with("Share", "Withdrawn")),
        ("codes only from when?", other.clone().with("Share", "Codes").with("Share date", "31/31/2026")),
        ("a date without a word", other.clone().with("Share", "")),
        ("a number that is wrong", other.clone().with("Share", "None").with("NHS", "9990000000")),
        ("no local identifier", refused_withdrawal().with("Person", "")),
    ] {
        let (ran, written, counts) = convert(PROFILE, &[Row::new(1), row, Row::new(3)], &[]);
        assert_eq!((written, counts), (vec!["TW-3".to_owned()], [1, 1, 1]), "{what}: {}", ran.err);
    }
}

/// A refused row that allows everything, or is only wrong in something else, holds nobody.
#[test]
fn a_refused_row_that_forbids_nothing_holds_nobody() {
    let other = another_referral(1, 2);
    for row in [
        other.clone().with("Accepted", "soon"),
        other.clone().with("Share date", "May"),
        other.clone().with("Share", "Codes").with("Accepted", "soon"),
        Row::new(2).with("Share", "None").with("Accepted", "soon"),
    ] {
        let (ran, _, counts) = convert(PROFILE, &[Row::new(1), row, Row::new(3)], &[]);
        assert_eq!(counts, [2, 0, 1], "{}", ran.err);
    }
}

/// A row known by one identifier only is found through a row that has both.
#[test]
fn identifiers_that_stand_together_are_one_person() {
    let only_local = refused_withdrawal().with("NHS", "");
    let only_number = another_referral(1, 5).with("Person", "");
    let (ran, written, counts) = convert(PROFILE, &[Row::new(1), only_local, only_number, Row::new(3)], &[]);
    assert_eq!((written, counts), (vec!["TW-3".to_owned()], [1, 2, 1]), "{}", ran.err);
    // The same where the row is good: then it is no riddle, and nothing is shared.
    let good = another_referral(1, 2).with("NHS", "").with("Share", "None").with("Share date", "2026-05-01");
    let only_number = another_referral(1, 5).with("Person", "");
    let (ran, written, _) = convert(PROFILE, &[Row::new(1), good, only_number, Row::new(3)], &[]);
    assert_eq!(written, ["TW-3"], "{}", ran.err);
}

/// Mended in the export, all of it is as the person wished. Of the rows set aside the one that was held is never converted
/// without its export: whether the row that holds it is there, and stays, is not known.
#[test]
fn what_was_held_is_no_longer_once_the_export_is_mended() {
    let bench = Bench::new();
    let profile = bench.file("p.toml", PROFILE);
    let export = csv(&[Row::new(1), refused_withdrawal()]);
    let input = bench.file("in.csv", &export);
    bench.convert(&input, &profile, &["--rejects", "@r.csv"]).ended(3);
    let mended = |text: &str| text.replace(",soon,", ",2026-05-01,");
    let rejects = String::from_utf8(bench.read("r.csv")).unwrap();
    for (text, refused) in [(mended(&export), 0), (mended(&rejects), 1)] {
        let (ran, report) = bench.convert_with_report(&bench.file("m.csv", text), &profile, &[]);
        assert!(ran.out.is_empty(), "{}", ran.text());
        assert_eq!(number(&report, "rows/not_shared"), 2 - refused);
        assert_eq!(number(&report, "rows/refused"), refused);
    }
}

/// Canonical events: a change of consent that cannot be used holds the person; another event's codes only does not.
#[test]
fn a_refused_change_of_consent_in_a_log_holds_the_person() {
    let convert = |kind: &str, share: &str| {
        let bench = Bench::new();
        let wrong = json!({"consent": {"share": share, "date": "2026-02-01"}, "occurred_at": "soon"});
        let events = [
            event("1", "R1", "referred", "2026-03-01", 1, &json!({})),
            event("2", "R2", kind, "2026-02-01", 1, &wrong),
            event("3", "R3", "referred", "2026-03-01", 3, &json!({})),
        ];
        let text: String = events.iter().map(|event| format!("{event}\n")).collect();
        let input = bench.file("events.ndjson", text);
        let ran = sp(&[
            "convert".as_ref(),
            input.as_os_str(),
            "--recorded-at".as_ref(),
            "2026-11-20T12:00:00Z".as_ref(),
        ]);
        assert_eq!(ran.code, Some(1), "{}", ran.err);
        (ran.text().contains(&nhs_number(1)), ran.text().contains(&nhs_number(3)))
    };
    for (kind, share, goes) in [
        ("consent_changed", "codes_only", false),
        ("consent_changed", "none", false),
        ("consent_changed", "some", false),
        ("consent_changed", "full", true),
        ("referred", "none", false),
        ("referred", "codes_only", true),
        ("no-such-event", "codes_only", false),
    ] {
        assert_eq!(convert(kind, share), (goes, true), "{kind} {share}");
    }
}

/// A row that is no record, or one of whose cells cannot be used, is heeded as far as it can be made out.
#[test]
fn a_withdrawal_in_a_row_that_cannot_be_read_holds_the_person() {
    let withdrawn = || another_referral(1, 2).with("Share", "None");
    let text = |torn: &str| format!("{}{torn}\n", csv(&[Row::new(1), Row::new(3)])).into_bytes();
    let line = |row: &Row| row.line(',');
    let one_cell_more = text(&(line(&withdrawn()) + ",more"));
    let quote_open = text(&line(&withdrawn()).replace(",Anwen,", ",\"Anwen,"));
    let nul = text(&line(&withdrawn()).replace("Anwen", "An\0wen"));
    let mut other_encoding = text(&line(&withdrawn().with("Given", "Anw~n").with("Need", "Tŷ")));
    let tilde = other_encoding.iter().position(|byte| *byte == b'~').unwrap();
    other_encoding[tilde] = 0xea;
    for input in [one_cell_more, quote_open, nul, other_encoding] {
        for more in [&[][..], &["--since", "@empty.csv"]] {
            let bench = Bench::new();
            let (profile, input) = (bench.file("p.toml", PROFILE), bench.file("in.csv", &input));
            bench.file("empty.csv", csv(&[]));
            let (ran, report) = bench.convert_with_report(&input, &profile, more);
            adds_up(&report);
            let ran = ran.ended(1).says(&["[held-consent-unclear]"]);
            assert_eq!(cases(&lines(&ran.out)).into_iter().collect::<Vec<_>>(), ["TW-3"], "{}", ran.err);
        }
    }
    // One that forbids nothing holds nobody.
    let (bench, torn) = (Bench::new(), text(&(line(&another_referral(1, 2)) + ",more")));
    let (profile, input) = (bench.file("p.toml", PROFILE), bench.file("in.csv", torn));
    let (_, report) = bench.convert_with_report(&input, &profile, &[]);
    assert_eq!((number(&report, "rows/converted"), number(&report, "rows/refused")), (2, 1));
}

/// Nobody can be held for it; that must be said, and whatever says whose it is must hold.
#[test]
fn a_withdrawal_of_nobody_is_reported_as_one() {
    let nobody = refused_withdrawal().with("NHS", "99900").with("Person", "");
    let bench = Bench::new();
    let profile = bench.file("p.toml", PROFILE);
    let input = bench.file("in.csv", csv(&[Row::new(1), nobody.clone(), Row::new(3)]));
    let (ran, report) = bench.convert_with_report(&input, &profile, &[]);
    ran.ended(1).says(&["[withdrawal-not-attributed]", "in.csv:3"]);
    let issues = report["issues"].as_array().unwrap();
    assert!(issues.iter().any(|issue| issue["code"] == "withdrawal-not-attributed"), "{issues:?}");
    // Somebody is named, or nothing is withdrawn: then it is not said.
    for known in [nobody.clone().with("Person", "P77"), nobody.clone().with("Share", "Full")] {
        let input = bench.file("in.csv", csv(&[Row::new(1), known]));
        let (ran, _) = bench.convert_with_report(&input, &profile, &[]);
        assert!(!ran.err.contains("withdrawal-not-attributed"), "{}", ran.err);
    }
}

/// Records of JSON and XML that cannot be parsed, as rows of a table that are torn.
#[test]
fn a_withdrawal_in_a_record_that_cannot_be_parsed_holds_the_person() {
    let profile = PROFILE.replace("[fields]", "[file]\nrecords = \"row\"\n\n[fields]");
    let json = |row: &Row| {
        let cells = COLUMNS.iter().map(|column| (column.to_string(), row.get(column).into()));
        serde_json::Value::Object(cells.collect()).to_string()
    };
    let xml = |row: &Row| {
        let name = |column: &str| column.replace(' ', "_");
        let cells = COLUMNS.iter().map(|column| format!("<{0}>{1}</{0}>", name(column), row.get(column)));
        format!("<row>{}</row>\n", cells.collect::<String>())
    };
    let withdrawn = another_referral(1, 2).with("Share", "None");
    let torn = json(&withdrawn);
    let torn = [
        torn.replace("\"Given\"", "\"Given\":\"A\",\"Given\""),
        torn.replace("\"Given\"", "Given"),
        torn.replace("Anwen", "An\\u0000wen"),
        torn.replace("Anwen", "An\\ud800wen"),
        torn.trim_end_matches('}').to_owned(),
    ];
    let xml_profile =
        COLUMNS.iter().filter(|column| column.contains(' ')).fold(profile.clone(), |text, column| {
            text.replace(&format!("\"{column}\""), &format!("\"{}\"", column.replace(' ', "_")))
        });
    let entity = xml(&withdrawn).replace("Anwen", "An&wen;");
    let mut files: Vec<(&str, &str, String)> = torn
        .iter()
        .map(|torn| {
            ("in.ndjson", PROFILE, format!("{}\n{torn}\n{}\n", json(&Row::new(1)), json(&Row::new(3))))
        })
        .collect();
    let rows = format!("<rows>{}{entity}{}</rows>", xml(&Row::new(1)), xml(&Row::new(3)));
    files.push(("in.xml", &xml_profile, rows));
    for (name, profile, text) in files {
        let bench = Bench::new();
        let (profile, input) = (bench.file("p.toml", profile), bench.file(name, &text));
        let (ran, report) = bench.convert_with_report(&input, &profile, &["--rejects", "@r.ndjson"]);
        adds_up(&report);
        let ran = ran.ended(1).says(&["[held-consent-unclear]"]);
        assert_eq!(cases(&lines(&ran.out)).into_iter().collect::<Vec<_>>(), ["TW-3"], "{text}: {}", ran.err);
        // So it is when what was set aside is converted by itself, as it is.
        let again = bench.convert(&bench.path("r.ndjson"), &profile, &[]);
        assert!(again.out.is_empty(), "{text}: {}", again.text());
    }
}

/// Canonical events that are no JSON: their names say what stands where.
#[test]
fn a_withdrawal_in_an_event_that_cannot_be_parsed_holds_the_person() {
    let convert = |changed: &dyn Fn(String) -> String, more: &serde_json::Value| {
        let bench = Bench::new();
        let both = json!({"person": {"nhs_number": nhs_number(1), "local_id": "P1"}});
        let events = [
            event("1", "R1", "referred", "2026-03-01", 1, &both).to_string(),
            changed(event("2", "R2", "referred", "2026-02-01", 1, more).to_string()),
            event("3", "R3", "referred", "2026-03-01", 3, &json!({})).to_string(),
        ];
        let input = bench.file("events.ndjson", events.map(|event| event + "\n").concat());
        let ran = sp(&[
            "convert".as_ref(),
            input.as_os_str(),
            "--recorded-at".as_ref(),
            "2026-11-20T12:00:00Z".as_ref(),
        ]);
        assert_eq!(ran.code, Some(1), "{}", ran.err);
        assert!(ran.text().contains(&nhs_number(3)), "{}", ran.err);
        (ran.text().contains(&nhs_number(1)), ran.err.contains("withdrawal-not-attributed"))
    };
    let cut = |text: String| text.trim_end_matches('}').to_owned();
    let twice = |text: String| text.replacen('{', "{\"type\":\"referred\",", 1);
    let none = json!({"consent": {"share": "none"}});
    assert_eq!(convert(&cut, &none), (false, false));
    assert_eq!(convert(&twice, &none), (false, false));
    let local = json!({"consent": {"share": "none"}, "person": {"local_id": "P1"}});
    assert_eq!(convert(&cut, &local), (false, false));
    assert_eq!(convert(&cut, &json!({"consent": {"share": "none"}, "person": {}})), (true, true));
    assert_eq!(convert(&cut, &json!({"consent": {"share": "full"}})), (true, false));
}

/// Of a row that is too large only the beginning is kept: a withdrawal may stand in the rest of it.
#[test]
fn a_row_that_is_too_large_may_withdraw_consent() {
    let large = another_referral(1, 2).with("Note", &"x".repeat(2 << 20));
    let ordered = |first: &[&str], last: &[&str]| {
        let others = COLUMNS.iter().filter(|column| !first.contains(column) && !last.contains(column));
        let columns: Vec<&str> = first.iter().chain(others).chain(last).copied().collect();
        let line = |row: &Row| {
            let cells: Vec<String> =
                columns.iter().map(|column| crate::scheme::quoted(row.get(column), ',')).collect();
            cells.join(",") + "\n"
        };
        [columns.join(",") + "\n", line(&Row::new(1)), line(&large), line(&Row::new(3))].concat()
    };
    let not_asked = PROFILE
        .replace("{ column = \"Share\", values = \"share\" }", "{ constant = \"full\" }")
        .replace("[values.share]\nFull = \"full\"\nCodes = \"codes_only\"\nNone = \"none\"\n", "");
    for (what, profile, text, held, says) in [
        ("the rest says it", PROFILE, ordered(&["NHS"], &["Note", "Share"]), 1, "[held-consent-unclear]"),
        ("the rest is the note", PROFILE, ordered(&[], &["Note"]), 1, "[held-consent-unclear]"),
        ("the rest says who", PROFILE, ordered(&["Note"], &[]), 0, "[withdrawal-not-attributed]"),
        ("nobody is asked", &not_asked, ordered(&["NHS"], &["Note"]), 0, "[too-large]"),
    ] {
        let bench = Bench::new();
        let (profile, input) = (bench.file("p.toml", profile), bench.file("in.csv", &text));
        let (ran, report) = bench.convert_with_report(&input, &profile, &["--rejects", "@r.csv"]);
        adds_up(&report);
        assert_eq!(number(&report, "rows/held"), held, "{what}: {}", ran.err);
        let ran = ran.ended(1).says(&["[too-large]", says]);
        assert_eq!(ran.err.contains("withdrawal-not-attributed"), what == "the rest says who", "{what}");
        assert!(cases(&lines(&ran.out)).contains("TW-3"), "{what}: {}", ran.err);
        let rejects = String::from_utf8(bench.read("r.csv")).unwrap();
        assert!(rejects.contains("only its beginning is kept"), "{what}: {rejects}");
        // A beginning is no record, even where it looks like one.
        let again = bench.convert(&bench.path("r.csv"), &profile, &[]);
        assert!(again.out.is_empty(), "{what}: {}", again.text());
        again.says(&["[too-large]"]);
    }
}

#[test]
fn an_event_that_is_too_large_may_withdraw_consent() {
    let bench = Bench::new();
    let full = json!({"consent": {"share": "full"}});
    let events = [
        event("1", "R1", "referred", "2026-03-01", 1, &json!({})),
        event("2", "R2", "referred", "2026-03-01", 3, &json!({})),
    ];
    // The id of the referral stands at the beginning, the person after what makes it large.
    let mut rest = event("3", "R2", "attended", "2026-03-02", 3, &full);
    let mut first = |name: &str| rest.as_object_mut().unwrap().remove(name).unwrap();
    let (source, referral) = (first("source"), first("referral_id"));
    let (padding, rest) = ("x".repeat(2 << 20), rest.to_string());
    let large =
        format!("{{\"source\":{source},\"referral_id\":{referral},\"a\":\"{padding}\",{}", &rest[1..]);
    let text = format!("{}\n{}\n{large}\n", events[0], events[1]);
    let input = bench.file("events.ndjson", text);
    let ran = sp(&[
        "convert".as_ref(),
        input.as_os_str(),
        "--recorded-at".as_ref(),
        "2026-11-20T12:00:00Z".as_ref(),
    ]);
    let ran = ran.ended(1).says(&["[too-large]", "[held-consent-unclear]", "[withdrawal-not-attributed]"]);
    assert!(ran.text().contains(&nhs_number(1)) && !ran.text().contains(&nhs_number(3)), "{}", ran.err);
}

/// Two identifiers of one number are one person, however many rows lie between; and it is not chance, by the names that
/// the identifiers happen to have, which of them hear of it.
#[test]
fn a_withdrawal_reaches_every_identifier_that_rows_join() {
    let of = |person: &str, number: u32, case: u32| {
        let number = if number == 0 { String::new() } else { nhs_number(number) };
        another_referral(1, case).with("Person", person).with("NHS", &number)
    };
    for [one, two, three] in [["C1", "C2", "C3"], ["C2", "C1", "C3"], ["C4", "C3", "C1"], ["C3", "C4", "C9"]]
    {
        let rows = [
            of(one, 0, 1),
            of(one, 1, 2),
            of(two, 1, 3),
            of(three, 1, 4),
            of(two, 0, 5).with("Share", "None").with("Share date", "2026-06-01"),
            of(three, 0, 6),
        ];
        for seed in 0..4 {
            let bench = Bench::new();
            let (input, profile) =
                (bench.file("a.csv", csv(&shuffled(&rows, seed))), bench.file("p.toml", PROFILE));
            let ran = bench.convert(&input, &profile, &[]);
            assert!(ran.out.is_empty(), "{one} {two} {three}: {}", ran.text());
        }
    }
}
