//! Whose number it is: rows that cannot be right together are held, together.

use serde_json::{Value, json};

use crate::command::{Bench, Ran, sp};
use crate::output::{adds_up, cases, lines, number};
use crate::persons::event;
use crate::scheme::{PROFILE, Row, another_referral, csv, nhs_number, rows};

fn convert(rows: &[Row], more: &[&str]) -> (Ran, Value, Vec<String>) {
    let bench = Bench::new();
    let (profile, input) = (bench.file("p.toml", PROFILE), bench.file("in.csv", csv(rows)));
    bench.file("none.csv", csv(&[]));
    let (ran, report) = bench.convert_with_report(&input, &profile, more);
    adds_up(&report);
    let written = cases(&lines(&ran.out)).into_iter().collect();
    (ran, report, written)
}

fn found(report: &Value, code: &str) -> Vec<(u64, String)> {
    let issues = report["issues"].as_array().unwrap().iter().filter(|issue| issue["code"] == code);
    issues
        .map(|issue| (issue["row"].as_u64().unwrap(), issue["found"].as_str().unwrap().to_owned()))
        .collect()
}

/// As rows come, and sorted by referral.
const BOTH_WAYS: [&[&str]; 2] = [&[], &["--since", "@none.csv"]];

#[test]
fn one_number_with_two_dates_of_birth_is_held() {
    let other = another_referral(1, 4).with("Born", "1999-09-09");
    for more in BOTH_WAYS {
        let (ran, report, written) = convert(&[Row::new(1), Row::new(2), Row::new(3), other.clone()], more);
        assert_eq!(written, ["TW-2", "TW-3"], "{}", ran.err);
        ran.ended(1).says(&["[held-birth-dates]", "in.csv:2", "in.csv:5", "find out whose number it is"]);
        assert_eq!(number(&report, "held/held-birth-dates"), 2);
        for (_, found) in found(&report, "held-birth-dates") {
            assert!(found.contains("in.csv:2 and ") && found.contains("in.csv:5 have different"), "{found}");
        }
    }
    // Another spelling of a date, a date less precise and no date are no other person.
    for born in ["1911", "1911-04", "", "1911-04-02"] {
        let (ran, _, written) = convert(&[Row::new(1), another_referral(1, 4).with("Born", born)], &[]);
        assert_eq!(written, ["TW-1", "TW-4"], "{born}: {}", ran.err);
    }
}

/// The evidence of a row that is refused for something else is evidence; that of an earlier export is history.
#[test]
fn a_refused_row_counts_and_an_earlier_export_does_not() {
    let other = another_referral(1, 4).with("Born", "1999-09-09");
    let (ran, report, written) = convert(&[Row::new(1), other.clone().with("Accepted", "soon")], &[]);
    assert_eq!(
        (written.len(), number(&report, "rows/held"), number(&report, "rows/refused")),
        (0, 1, 1),
        "{}",
        ran.err
    );
    let bench = Bench::new();
    let profile = bench.file("p.toml", PROFILE);
    bench.file("before.csv", csv(&[Row::new(1).with("Born", "1999-09-09"), other]));
    let input = bench.file("in.csv", csv(&[Row::new(1), another_referral(1, 4)]));
    // A transaction has no Patient to say it.
    let more = ["--since", "@before.csv", "--form", "collection"];
    let ran = bench.convert(&input, &profile, &more).ended(0);
    assert_eq!(cases(&lines(&ran.out)).len(), 2);
}

#[test]
fn one_person_with_two_numbers_is_held() {
    let other = another_referral(1, 4).with("NHS", &nhs_number(77));
    for more in BOTH_WAYS {
        let (ran, report, written) = convert(&[Row::new(1), Row::new(2), other.clone()], more);
        assert_eq!(written, ["TW-2"], "{}", ran.err);
        ran.ended(1).says(&["[held-nhs-numbers]", "in.csv:2", "in.csv:4"]);
        assert_eq!(number(&report, "held/held-nhs-numbers"), 2);
    }
}

#[test]
fn another_family_name_is_warned_of() {
    let other = |name: &str| another_referral(1, 4).with("Family", name);
    for more in BOTH_WAYS {
        let (ran, report, written) = convert(&[Row::new(1), Row::new(2), other("Llewelyn")], more);
        assert_eq!(written, ["TW-1", "TW-2", "TW-4"], "{}", ran.err);
        ran.ended(0).says(&["[names-differ]", "in.csv:2", "in.csv:4"]);
        assert_eq!(number(&report, "remarks/names-differ"), 2);
        assert!(found(&report, "names-differ").iter().all(|(_, found)| found.contains("in.csv:2 and ")));
    }
    for same in ["PRYCE1", "Prycé 1", "Pryce-1", ""] {
        let (ran, report, _) = convert(&[Row::new(1), other(same)], &[]);
        assert_eq!(number(&report, "remarks/names-differ"), 0, "{same}: {}", ran.err);
    }
    // A former name on record joins the two.
    let bench = Bench::new();
    let profile = PROFILE.replace("\"person.phone\" = \"Phone\"", "\"person.former_family\" = \"Phone\"");
    let profile = bench.file("p.toml", profile);
    let married = other("Llewelyn").with("Phone", "Pryce1");
    let input = bench.file("in.csv", csv(&[Row::new(1), married]));
    let (_, report) = bench.convert_with_report(&input, &profile, &[]);
    assert_eq!(number(&report, "remarks/names-differ"), 0);
}

/// Two sources number their people apart; an NHS number is one person's everywhere.
#[test]
fn a_local_identifier_is_the_sources_own() {
    let bench = Bench::new();
    let with_source = PROFILE
        .replace("source = \"https://tidewell.example/cases\"\n", "")
        .replace("\"person.phone\" = \"Phone\"", "source = \"Phone\"");
    let profile = bench.file("p.toml", with_source);
    let of = |row: Row, source: &str| row.with("Phone", source);
    let (a, b) = ("https://a.example", "https://b.example");
    let input = bench.file("in.csv", csv(&[of(Row::new(1), a), of(Row::new(2).with("Person", "P1"), b)]));
    bench.convert(&input, &profile, &[]).ended(0);
    let other = another_referral(1, 2).with("Born", "1999-09-09");
    let input = bench.file("in.csv", csv(&[of(Row::new(1), a), of(other, b)]));
    bench.convert(&input, &profile, &[]).ended(3).says(&["[held-birth-dates]"]);
}

/// In a log a record may be put right by a later event; two referrals that end in disagreement are held.
#[test]
fn in_a_log_the_last_record_of_a_referral_counts() {
    let convert = |events: &[Value]| {
        let bench = Bench::new();
        let text: String = events.iter().map(|event| format!("{event}\n")).collect();
        let input = bench.file("events.ndjson", text);
        sp(&[
            "convert".as_ref(),
            input.as_os_str(),
            "--recorded-at".as_ref(),
            "2026-11-20T12:00:00Z".as_ref(),
        ])
    };
    let born = |date: &str| json!({"person": {"nhs_number": nhs_number(1), "birth_date": date}});
    let put_right = [
        event("1", "R1", "referred", "2026-03-01", 1, &born("1951-11-08")),
        event("2", "R1", "details_changed", "2026-03-09", 1, &born("1951-08-11")),
        event("3", "R2", "referred", "2026-04-09", 1, &born("1951-08-11")),
    ];
    assert!(!convert(&put_right).ended(0).out.is_empty());
    let apart =
        [&put_right[..2], &[event("3", "R2", "referred", "2026-04-09", 1, &born("1951-11-08"))]].concat();
    let ran = convert(&apart).ended(3).says(&["[held-birth-dates]"]);
    assert!(ran.out.is_empty());
}

/// Many rows in disagreement, whatever the number of workers and wherever they stand.
#[test]
fn the_same_rows_are_held_whatever_the_order() {
    let mut all = rows(1..200);
    for n in (1..200).step_by(9) {
        all.push(another_referral(n, 1000 + n).with("Born", "1999-09-09"));
    }
    let expected = convert(&all, &["--jobs", "1"]).2;
    assert_eq!(expected.len(), 199 - 23);
    let shuffled = crate::scheme::shuffled(&all, 5);
    for more in [&["--jobs", "2"][..], &["--jobs", "2", "--since", "@none.csv"]] {
        assert_eq!(convert(&shuffled, more).2, expected);
    }
}

/// The row that looks like a repeat says which other row it repeats.
#[test]
fn a_possible_duplicate_names_the_other_row() {
    let again = another_referral(1, 2)
        .with("Referred", "2026-01-20")
        .with("Accepted", "2026-02-20")
        .with("Contacted", "");
    let (ran, report, written) = convert(&[Row::new(1), Row::new(3), again], &[]);
    assert_eq!(written.len(), 3, "{}", ran.err);
    let found = found(&report, "possible-duplicate");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, 4);
    assert!(found[0].1.ends_with("in.csv:2"), "{}", found[0].1);
}
