//! What the person does not share does not leave, and no person's data stands where it has no business: not on
//! standard error, not in the report, not in a URL.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::command::{Bench, fixtures};
use crate::output::{lines, walk};
use crate::scheme::{COLUMNS, PROFILE, Row, csv, nhs_number, rows};

/// A row in which everything personal is unlike anything else.
fn canary(n: u32, share: &str) -> Row {
    Row::new(n)
        .with("Case", &format!("canarycase{n}"))
        .with("Person", &format!("canaryperson{n}"))
        .with("Given", &format!("Canarygiven{n}"))
        .with("Family", &format!("Canaryfamily{n}"))
        .with("Address", &format!("{n} Canaryaddress"))
        .with("Postcode", "ZZ99 9ZZ")
        .with("Phone", &format!("07700 955{n:03}"))
        .with("Share", share)
        .with("Need", &format!("Canaryneed{n}"))
        .with("Note", &format!("Canarynote{n}"))
        .with("Contacted", "2026-03-03")
        .with("Closed", "2026-04-04")
        .with("End", "Goals met")
        .with("Message", &format!("Canarymessage{n}"))
}

/// Nothing of these rows' cells, but what is common to all, is in a text.
#[track_caller]
fn is_silent(text: &str, rows: &[Row], but: &[&str]) {
    for row in rows {
        for column in COLUMNS.iter().filter(|column| !but.contains(column)) {
            let value = row.get(column);
            if value.to_lowercase().contains("canary")
                || matches!(*column, "NHS" | "Phone") && !value.is_empty()
            {
                assert!(!text.contains(value), "{column} {value} is in:\n{text}");
            }
        }
    }
}

const FORMS: [&[&str]; 5] = [
    &[],
    &["--form", "message"],
    &["--form", "collection"],
    &["--form", "collection", "--pack", "one"],
    &["--form", "collection", "--pack", "per-referral"],
];

#[test]
fn nothing_leaves_of_who_shares_nothing() {
    let bench = Bench::new();
    let profile = bench.file("p.toml", PROFILE);
    let silent = vec![canary(501, "None"), canary(502, "None")];
    let input = bench.file("in.csv", csv(&[silent.clone(), rows(1..3)].concat()));
    for form in FORMS {
        let (ran, report) = bench.convert_with_report(&input, &profile, form);
        let ran = ran.ended(0);
        assert_eq!(report["rows"]["not_shared"], 2);
        is_silent(ran.text(), &silent, &[]);
        is_silent(&ran.err, &silent, &[]);
        is_silent(&report.to_string(), &silent, &[]);
        assert!(!ran.text().to_lowercase().contains("canary"), "{form:?}");
    }
    bench.convert(&input, &profile, &["--form", "bulk", "-o", "@bulk/"]).ended(0);
    for file in std::fs::read_dir(bench.path("bulk")).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        is_silent(&text, &silent, &[]);
        assert!(!text.to_lowercase().contains("canary"));
    }
}

#[test]
fn only_codes_leave_of_who_shares_codes_only() {
    let bench = Bench::new();
    let profile = bench.file("p.toml", PROFILE);
    let quiet = vec![canary(601, "Codes"), canary(602, "Codes")];
    let input = bench.file("in.csv", csv(&quiet));
    // Names and identifiers route the referral; a free-text need goes to whoever codes, in the report alone.
    let may_leave = ["Case", "Person", "NHS", "Given", "Family"];
    for form in FORMS {
        let (ran, report) = bench.convert_with_report(&input, &profile, form);
        let ran = ran.ended(0);
        assert!(!ran.out.is_empty());
        is_silent(ran.text(), &quiet, &may_leave);
        assert!(!ran.text().contains("ZZ99 9ZZ"), "{form:?}: a postcode left");
        is_silent(&ran.err, &quiet, &[]);
        is_silent(&report.to_string(), &quiet, &["Need"]);
        assert!(ran.text().contains(&nhs_number(601)), "{form:?}: nothing that can be routed left");
    }
    // The same rows with full consent do carry all of it: the test above could fail.
    let input = bench.file("in.csv", csv(&[canary(601, "Full")]));
    let ran = bench.convert(&input, &profile, &["--form", "collection"]).ended(0);
    for word in ["Canaryneed", "Canarynote", "Canarymessage", "Canaryaddress", "07700 955601", "ZZ99 9ZZ"] {
        assert!(ran.text().contains(word), "{word}");
    }
    is_silent(&ran.err, &[canary(601, "Full")], &[]);
}

/// Whatever is wrong with a row, and in whatever column, the complaint names the place and never the value.
#[test]
fn complaints_never_repeat_what_they_complain_of() {
    let bench = Bench::new();
    let profile = bench.file("p.toml", PROFILE);
    let mut bad: Vec<Row> = Vec::new();
    for (n, column) in (700..).zip(COLUMNS) {
        for (k, wrong) in
            ["CANARYvalue", "CANARY\u{1}control", "CANARY,\"quoted\"\nlines", "#CANARY!"].iter().enumerate()
        {
            bad.push(canary(n + 30 * u32::try_from(k).unwrap(), "Full").with(column, wrong));
        }
    }
    bad.push(canary(900, "Full").with("Case", &nhs_number(77)));
    bad.push(canary(901, "Full").with("Case", "canarycase901").with("NHS", &nhs_number(901)));
    bad.push(canary(902, "Full").with("Case", "canarycase901").with("NHS", &nhs_number(901)));
    bad.push(canary(903, "Full").with("Referred", "2027-01-01"));
    bad.push(canary(904, "Full").with("NHS", "9990000000"));
    let input = bench.file("in.csv", csv(&bad));
    let (ran, report) = bench.convert_with_report(&input, &profile, &["--rejects", "@r.csv"]);
    assert!(report["rows"]["refused"].as_u64().unwrap() > 20, "{}", report["rows"]);
    // Free-text needs of rows that went through are for whoever codes.
    let mut said = report.clone();
    said["terms"] = Value::Null;
    // Counts by practice and by service name organisations, whatever the column held.
    said["by_practice"] = Value::Null;
    said["by_service"] = Value::Null;
    for text in [&ran.err, &said.to_string()] {
        is_silent(text, &bad, &[]);
        assert!(!text.to_lowercase().contains("canary"), "{text}");
        assert!(!text.contains(&nhs_number(77)));
    }
    let told = crate::command::sp(&[
        "validate".as_ref(),
        input.as_os_str(),
        "--profile".as_ref(),
        profile.as_os_str(),
    ]);
    for text in [told.text(), &told.err] {
        assert!(!text.to_lowercase().contains("canary"), "{text}");
        is_silent(text, &bad, &[]);
    }
    // The rows themselves are where they should be.
    assert!(String::from_utf8(bench.read("r.csv")).unwrap().contains("CANARYvalue"));
}

/// Ten digits that pass for an NHS number.
fn numbers(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let digits: Vec<char> = text.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    for run in digits
        .split(|c| !c.is_ascii_digit())
        .filter(|run| run.len() == 10 && run.starts_with(&['9', '9', '9']))
    {
        found.insert(run.iter().collect());
    }
    found
}

/// The numbers of a fixture, as its `full` and `codes_only` Patients carry them.
fn known(patients: &[u8]) -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    for line in lines(patients) {
        walk(&line, "", &mut |_, value| {
            if value["system"] == "https://fhir.nhs.uk/Id/nhs-number" {
                known.insert(value["value"].as_str().unwrap().to_owned());
            }
        });
    }
    known
}

#[test]
fn an_nhs_number_is_in_no_url_but_the_subject_of_a_transaction() {
    let bench = Bench::new();
    let mut sets: Vec<_> = fixtures().into_iter().map(|f| (f.name, f.export, f.profile)).collect();
    let own = (bench.file("in.csv", csv(&rows(1..9))), bench.file("p.toml", PROFILE));
    sets.push(("tidewell".to_owned(), own.0, own.1));
    for (name, export, profile) in sets {
        let all = known(&bench.convert(&export, &profile, &["--form", "collection"]).out);
        assert!(!all.is_empty(), "{name}");
        for form in ["transaction", "collection"] {
            let (ran, report) = bench.convert_with_report(&export, &profile, &["--form", form]);
            for text in [&ran.err, &report.to_string()] {
                assert!(all.iter().all(|number| !text.contains(number)), "{name}: {text}");
                assert!(numbers(text).is_empty(), "{name}: {:?}", numbers(text));
            }
            let mut subjects = 0;
            for line in lines(&ran.out) {
                walk(&line, "", &mut |key, value| {
                    let Value::String(text) = value else { return };
                    if !matches!(
                        key,
                        "url"
                            | "fullUrl"
                            | "reference"
                            | "ifNoneExist"
                            | "system"
                            | "id"
                            | "uri"
                            | "endpoint"
                    ) {
                        return;
                    }
                    if form == "transaction"
                        && key == "reference"
                        && let Some(number) =
                            text.strip_prefix("Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|")
                    {
                        assert!(all.contains(number), "{name}: {text}");
                        subjects += 1;
                        return;
                    }
                    assert!(all.iter().all(|number| !text.contains(number)), "{name}: {key} {text}");
                });
            }
            assert_eq!(subjects > 0, form == "transaction", "{name}");
        }
    }
}
