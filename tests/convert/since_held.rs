//! What an earlier run held, refused or did not share was not sent: mended, it is.
//!
//! Each export is really converted in its turn, and what the last sends is all that the first did not.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::command::{Bench, RECORDED_AT, Ran};
use crate::output::{cases, lines, number};
use crate::persons::event;
use crate::scheme::{PROFILE, Row, another_referral, csv, nhs_number};

/// Converts one export after the other, each with those before it, and the last once more.
fn in_turn(exports: &[(String, &str)], more: &[&str]) -> Vec<(Ran, Value)> {
    let bench = Bench::new();
    let profile = bench.file("p.toml", PROFILE);
    let names: Vec<String> =
        exports.iter().enumerate().map(|(n, (_, ending))| format!("{n}.{ending}")).collect();
    let files: Vec<_> = exports.iter().zip(&names).map(|((text, _), name)| bench.file(name, text)).collect();
    let turns = (0..exports.len()).map(|n| (n, n)).chain([(exports.len() - 1, exports.len())]);
    let mut ran = Vec::new();
    for (this, before) in turns {
        let since = names[..before].iter().flat_map(|name| ["--since".to_owned(), format!("@{name}")]);
        let since: Vec<String> = since.collect();
        let more: Vec<&str> = more.iter().copied().chain(since.iter().map(String::as_str)).collect();
        ran.push(if exports[this].1 == "csv" {
            bench.convert_with_report(&files[this], &profile, &more)
        } else {
            events_with_report(&bench, this, &more)
        });
    }
    ran
}

/// Canonical events, without a profile.
fn events_with_report(bench: &Bench, this: usize, more: &[&str]) -> (Ran, Value) {
    let report = bench.path("report.json");
    let mut command = crate::command::binary();
    command.arg("convert").arg(bench.path(&format!("{this}.ndjson")));
    command.args(["--recorded-at", RECORDED_AT, "--report"]).arg(&report);
    bench.add(&mut command, more);
    let output = command.output().unwrap();
    let ran = Ran {
        code: output.status.code(),
        out: output.stdout,
        err: String::from_utf8(output.stderr).unwrap(),
        took: std::time::Duration::ZERO,
    };
    (ran, serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap())
}

/// Of two exports: what the first sent, what the second did, and that the same once more sends nothing.
#[track_caller]
fn sent(first: (String, &str), second: (String, &str), more: &[&str]) -> [BTreeSet<String>; 2] {
    let ran = in_turn(&[first, second], more);
    let [first, second, again] = ran.as_slice() else { panic!("three runs") };
    assert!(again.0.out.is_empty(), "{}", again.0.text());
    for (ran, report) in [second, again] {
        assert!(!ran.err.contains("withdrawn-after-sending"), "{}", ran.err);
        assert_eq!(number(report, "remarks/withdrawn-after-sending"), 0);
    }
    [first, second].map(|(ran, _)| cases(&lines(&ran.out)))
}

fn table(rows: &[Row]) -> (String, &'static str) {
    (csv(rows), "csv")
}

fn log(events: &[Value]) -> (String, &'static str) {
    (events.iter().map(|event| format!("{event}\n")).collect(), "ndjson")
}

fn set(cases: &[&str]) -> BTreeSet<String> {
    cases.iter().map(|case| (*case).to_owned()).collect()
}

#[test]
fn what_other_rows_held_in_an_earlier_export_is_sent_once_they_are_mended() {
    let (one, two) = (Row::bare(1), another_referral(1, 2));
    let both = set(&["TW-1", "TW-2"]);
    for wrong in [
        two.clone().with("Share", "Perhaps"),
        two.clone().with("Born", "1951-01-01"),
        two.clone().with("NHS", &nhs_number(9)),
        two.clone().with("Share", "None").with("Share date", "2026-31-02"),
    ] {
        let sent = sent(table(&[one.clone(), wrong.clone()]), table(&[one.clone(), two.clone()]), &[]);
        assert_eq!(sent, [set(&[]), both.clone()], "{}", wrong.line(','));
    }
}

#[test]
fn what_was_incomplete_when_it_had_to_be_complete_is_sent_once_it_is() {
    let record = |risk: &str| {
        let mut event = event(
            "1",
            "R1",
            "referred",
            "2026-03-01",
            1,
            &json!({"detail": {"reasons": [{"text": "Lonely"}]}}),
        );
        event["record"]["person"] = json!({
            "nhs_number": nhs_number(1), "family": "Pryce", "given": ["Anwen"], "birth_date": "1951-04-02", "gender": "female",
            "address_lines": ["1 Mill Lane"], "postcode": "ZZ99 3VZ", "phone": "07700 900001", "practice_ods": "Z99981"
        });
        event["record"]["referrer"] = json!({
            "kind": "gp", "name": "Dr Weir", "role": "GP", "source": {"text": "Surgery"}, "organisation_ods": "Z99981",
            "organisation_name": "Weir Surgery", "phone": "01632 960000", "email": "weir@surgery.example"
        });
        if !risk.is_empty() {
            event["record"]["risk"] = json!({"text": risk});
        }
        event
    };
    let ran = in_turn(&[log(&[record("")]), log(&[record("None known")])], &["--require", "prsb"]);
    assert!(ran[0].0.out.is_empty() && ran[0].0.err.contains("prsb-mandatory-missing"), "{}", ran[0].0.err);
    assert!(ran[1].0.text().contains("ServiceRequest"), "{}", ran[1].0.err);
    assert!(ran[2].0.out.is_empty());
}

#[test]
fn what_a_withdrawal_elsewhere_stopped_is_sent_once_it_is_lifted() {
    let referred = event("1", "R1", "referred", "2026-03-01", 1, &json!({"consent": {"share": "full"}}));
    let consent = |id: &str, day: &str, share: &str| {
        let more = json!({"consent": {"share": share, "date": day}});
        event(id, "R2", "consent_changed", day, 1, &more)
    };
    let stopped = vec![referred, consent("2", "2026-03-03", "none")];
    let lifted = [stopped.clone(), vec![consent("3", "2026-03-05", "full")]].concat();
    let ran = in_turn(&[log(&stopped), log(&lifted)], &[]);
    assert!(ran[0].0.out.is_empty());
    assert!(ran[1].0.text().contains("ServiceRequest"), "{}", ran[1].0.err);
    assert!(ran[2].0.out.is_empty());
}

/// A refused row of the same referral that says something of consent held the others.
#[test]
fn what_a_refused_row_held_is_sent_with_what_follows() {
    let referred = event("1", "R1", "referred", "2026-03-01", 1, &json!({"detail": {"note": "SECRET"}}));
    let wrong = event("2", "R1", "consent_changed", "2026-31-02", 1, &json!({"consent": {"share": "none"}}));
    let attended = event("3", "R1", "attended", "2026-03-09", 1, &json!({}));
    let before = vec![referred.clone(), wrong];
    let ran = in_turn(&[log(&before), log(&[referred, attended])], &[]);
    assert!(ran[0].0.out.is_empty(), "{}", ran[0].0.text());
    assert!(ran[1].0.text().contains("SECRET"), "{}", ran[1].0.err);
    assert!(ran[2].0.out.is_empty());
}

/// Nothing had been sent, so nothing is withdrawn after sending.
#[test]
fn what_was_not_shared_before_is_not_told_as_withdrawn_after_sending() {
    let rows = [Row::bare(1), another_referral(1, 2).with("Share", "None").with("Share date", "2026-03-01")];
    assert_eq!(sent(table(&rows), table(&rows), &[]), [set(&[]), set(&[])]);
}

/// An id on two referrals is refused in the export in which both stand, not for ever.
#[test]
fn an_id_that_went_to_another_referral_was_sent_with_its_first() {
    let at = |referral: &str| event("1", referral, "referred", "2026-03-01", 1, &json!({}));
    let ran = in_turn(&[log(&[at("R1")]), log(&[at("R2")]), log(&[at("R2")])], &[]);
    assert!(!ran[0].0.out.is_empty() && !ran[1].0.out.is_empty());
    assert!(ran[2].0.out.is_empty(), "{}", ran[2].0.text());
}

/// A later date that the row no longer has lifts nothing that another row forbids.
#[test]
fn a_date_that_was_cleared_lifts_no_withdrawal_of_another_row() {
    let at = |date: &str| Row::bare(1).with("Share date", date);
    let none = another_referral(1, 2).with("Share", "None").with("Share date", "2026-03-01");
    let exports = [table(&[at("2026-04-05"), none.clone()]), table(&[at(""), none])];
    let ran = in_turn(&exports, &[]);
    assert!(cases(&lines(&ran[0].0.out)).contains("TW-1"), "{}", ran[0].0.err);
    for (ran, report) in &ran[1..] {
        assert!(ran.out.is_empty(), "{}", ran.text());
        assert_eq!(number(report, "rows/not_shared"), 2);
        assert_eq!(number(report, "remarks/withdrawn-after-sending"), 1, "{}", report["remarks"]);
    }
}
