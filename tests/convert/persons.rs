//! Whose referral it is, and what the person shares: never another person's, never more than was agreed.

use serde_json::{Value, json};

use crate::command::{Bench, RECORDED_AT, Ran, sp};
use crate::output::{lines, resources};
use crate::scheme::{PROFILE, Row, another_referral, csv, nhs_number};

/// One canonical event of a referral by a GP.
pub(crate) fn event(id: &str, referral: &str, kind: &str, day: &str, person: u32, more: &Value) -> Value {
    let mut event = json!({
        "source": "https://weir.example/log", "event_id": id, "referral_id": referral, "type": kind, "occurred_at": day,
        "record": {
            "person": {"nhs_number": nhs_number(person)},
            "referrer": {"kind": "gp"},
            "service": {"kind": "link-worker", "name": "Weir link workers"},
            "consent": {"share": "full", "date": "2026-01-01"}
        }
    });
    for (key, value) in more.as_object().unwrap() {
        match (key.as_str(), event.get_mut("record")) {
            ("person" | "consent", Some(record)) => record[key] = value.clone(),
            _ => event[key] = value.clone(),
        }
    }
    event
}

fn convert(events: &[Value]) -> Ran {
    let bench = Bench::new();
    let text: String = events.iter().map(|event| format!("{event}\n")).collect();
    let input = bench.file("events.ndjson", text);
    sp(&["convert".as_ref(), input.as_os_str(), "--recorded-at".as_ref(), RECORDED_AT.as_ref()])
}

#[test]
fn a_referral_that_names_two_persons_is_held() {
    let ran = convert(&[
        event("1", "R1", "referred", "2026-03-01", 1, &json!({})),
        event("2", "R1", "attended", "2026-03-09", 2, &json!({})),
    ]);
    assert!(ran.out.is_empty(), "{}", ran.text());
    ran.ended(3).says(&["held-two-persons"]);
}

#[test]
fn one_local_identifier_with_the_number_is_one_person() {
    let known = json!({"person": {"nhs_number": nhs_number(1), "local_id": "P1"}});
    let local = json!({"person": {"local_id": "P1"}});
    let ran = convert(&[
        event("1", "R1", "referred", "2026-03-01", 1, &known),
        event("2", "R1", "attended", "2026-03-09", 1, &local),
    ]);
    let bundles = lines(&ran.ended(0).out);
    let tasks = || bundles.iter().flat_map(resources).filter(|resource| resource["resourceType"] == "Task");
    // The number holds for the whole referral: the second event does not take it off the person's record.
    assert_eq!(tasks().count(), 2);
    assert!(tasks().all(|task| task["for"]["identifier"]["value"] == nhs_number(1).as_str()), "{bundles:?}");
    // Another local identifier without the number may be anyone's.
    let ran = convert(&[
        event("1", "R1", "referred", "2026-03-01", 1, &known),
        event("2", "R1", "attended", "2026-03-09", 1, &json!({"person": {"local_id": "P2"}})),
    ]);
    assert!(ran.out.is_empty(), "{}", ran.text());
    ran.ended(3).says(&["held-two-persons"]);
}

#[test]
fn a_withdrawal_known_only_by_the_local_identifier_counts_for_the_person() {
    let both = json!({"person": {"nhs_number": nhs_number(1), "local_id": "P1"}});
    let local = json!({"person": {"local_id": "P1"}, "consent": {"share": "none", "date": "2026-02-01"}});
    let ran = convert(&[
        event("1", "R1", "referred", "2026-03-01", 1, &both),
        event("2", "R2", "consent_changed", "2026-02-01", 1, &local),
    ]);
    assert!(ran.out.is_empty(), "{}", ran.text());
}

#[test]
fn a_change_of_consent_entered_in_error_does_not_count() {
    let codes =
        json!({"consent": {"share": "codes_only", "date": "2026-01-01"}, "detail": {"note": "SECRET"}});
    let full = json!({"consent": {"share": "full", "date": "2026-02-01"}});
    let recalled = json!({"consent": {"share": "codes_only", "date": "2026-01-01"}, "target_event_id": "2"});
    let ran = convert(&[
        event("1", "R1", "referred", "2026-01-05", 1, &codes),
        event("2", "R1", "consent_changed", "2026-02-01", 1, &full),
        event("3", "R1", "entered_in_error", "2026-02-02", 1, &recalled),
    ]);
    assert!(!ran.out.is_empty() && !ran.text().contains("SECRET"), "{}", ran.text());
}

#[test]
fn a_protected_mark_on_any_event_holds_the_referral() {
    let marked = json!({"person": {"nhs_number": nhs_number(1), "protected": true}});
    let ran = convert(&[
        event("1", "R1", "referred", "2026-03-01", 1, &marked),
        event("2", "R1", "attended", "2026-03-09", 1, &json!({})),
    ]);
    assert!(ran.out.is_empty());
    ran.ended(3).says(&["held-protected"]);
}

#[test]
fn the_name_of_a_sensitive_service_stays_here() {
    let refuge = json!({"detail": {
        "what": {"text": "Refuge", "controlled": true, "sensitive": true}, "to": {"name": "Harbour House"}
    }});
    let ran = convert(&[
        event("1", "R1", "referred", "2026-03-01", 1, &json!({})),
        event("2", "R1", "referred_on", "2026-03-09", 1, &refuge),
    ]);
    let text = ran.text().to_owned();
    assert!(!text.contains("Harbour House") && !text.contains("Refuge"), "{text}");
    assert_eq!(lines(&ran.ended(0).out).len(), 2);
}

#[test]
fn an_onward_referral_is_never_the_referral_itself() {
    let ran = convert(&[
        event("9", "R1", "referred", "2026-03-01", 1, &json!({})),
        event("1", "R1", "referred_on", "2026-03-09", 1, &json!({"detail": {"to": {"name": "Walks"}}})),
    ]);
    let bundles = lines(&ran.ended(0).out);
    let tasks: Vec<&Value> = bundles[1]["entry"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["resource"]["resourceType"] == "Task")
        .collect();
    assert_eq!(tasks.len(), 2);
    assert_ne!(tasks[0]["fullUrl"], tasks[1]["fullUrl"]);
}

#[test]
fn a_correction_taken_back_leaves_the_event_as_it_was() {
    let corrected = json!({"target_event_id": "2", "detail": {"mode": "home"}});
    let back = json!({"target_event_id": "3"});
    let ran = convert(&[
        event("1", "R1", "referred", "2026-03-01", 1, &json!({})),
        event("2", "R1", "attended", "2026-03-09", 1, &json!({"detail": {"mode": "in-person"}})),
        event("3", "R1", "corrected", "2026-03-09", 1, &corrected),
        event("4", "R1", "entered_in_error", "2026-03-10", 1, &back),
    ]);
    let encounters: Vec<String> = lines(&ran.ended(0).out)
        .iter()
        .flat_map(|bundle| bundle["entry"].as_array().unwrap().clone())
        .filter(|entry| entry["resource"]["resourceType"] == "Encounter")
        .map(|entry| format!("{} {}", entry["resource"]["status"], entry["resource"]["class"]["code"]))
        .collect();
    assert!(
        !encounters.is_empty() && encounters.iter().all(|said| said == "\"finished\" \"AMB\""),
        "{encounters:?}"
    );
}

#[test]
fn a_row_that_repeats_an_old_consent_lifts_no_withdrawal() {
    let bench = Bench::new();
    let profile = bench.file("p.toml", PROFILE);
    let withdrawn = Row::new(1).with("Share", "None").with("Share date", "2026-05-01");
    bench.file("before.csv", csv(&[withdrawn]));
    let input = bench.file("after.csv", csv(&[Row::new(1)]));
    let ran = bench.convert(&input, &profile, &["--since", "@before.csv"]);
    assert!(ran.out.is_empty(), "{}", ran.text());
}

#[test]
fn a_withdrawal_in_one_row_counts_for_the_persons_other_rows() {
    let bench = Bench::new();
    let profile = bench.file("p.toml", PROFILE);
    let other = another_referral(1, 2).with("Share", "None").with("Share date", "2026-05-01");
    let input = bench.file("in.csv", csv(&[Row::new(1), other, Row::new(3)]));
    let bundles = lines(&bench.convert(&input, &profile, &[]).ended(0).out);
    let text = serde_json::to_string(&bundles).unwrap();
    assert!(!text.contains(&nhs_number(1)) && text.contains(&nhs_number(3)), "{text}");
}

#[test]
fn two_sources_may_use_one_case_number() {
    let bench = Bench::new();
    let with_source = PROFILE
        .replace("source = \"https://tidewell.example/cases\"\n", "")
        .replace("\"person.phone\" = \"Phone\"", "source = \"Phone\"");
    let profile = bench.file("p.toml", with_source);
    let row = |source: &str, n: u32| Row::new(n).with("Case", "REF001").with("Phone", source);
    let input = bench.file("in.csv", csv(&[row("https://a.example", 1), row("https://b.example", 2)]));
    let bundles = lines(&bench.convert(&input, &profile, &[]).ended(0).out);
    let subjects: std::collections::BTreeSet<String> = bundles
        .iter()
        .flat_map(|bundle| bundle["entry"].as_array().unwrap().clone())
        .filter(|entry| entry["resource"]["resourceType"] == "ServiceRequest")
        .map(|entry| format!("{} {}", entry["fullUrl"], entry["resource"]["subject"]["reference"]))
        .collect();
    assert_eq!(subjects.len(), 2, "{subjects:?}");
}

#[test]
fn a_score_keeps_its_identity_when_another_is_filled_in() {
    let score = |id: &str| json!({"id": id, "measure": {"text": id, "controlled": true}, "value": 7});
    let urls = |scores: &[Value]| -> std::collections::BTreeSet<String> {
        let assessed = json!({"detail": {"scores": scores}});
        let ran = convert(&[
            event("1", "R1", "referred", "2026-03-01", 1, &json!({})),
            event("2", "R1", "assessed", "2026-03-09", 1, &assessed),
        ]);
        let bundles = lines(&ran.ended(0).out);
        let entries = bundles.iter().flat_map(|bundle| bundle["entry"].as_array().unwrap().clone());
        let scores = entries.filter(|entry| entry["resource"]["resourceType"] == "Observation");
        scores.map(|entry| entry["fullUrl"].to_string()).collect()
    };
    let (one, two) = (urls(&[score("s1")]), urls(&[score("s1"), score("s2")]));
    assert_eq!((one.len(), two.len()), (1, 2));
    assert!(one.is_subset(&two), "{one:?} {two:?}");
}

#[test]
fn an_event_id_on_two_referrals_refuses_both() {
    // In any order, far apart or not, and the others of both referrals go on.
    let ran = convert(&[
        event("1", "R1", "referred", "2026-03-01", 1, &json!({})),
        event("2", "R1", "attended", "2026-03-09", 1, &json!({})),
        event("3", "R2", "referred", "2026-03-01", 2, &json!({})),
        event("2", "R2", "attended", "2026-03-09", 2, &json!({})),
        event("4", "R3", "referred", "2026-03-02", 3, &json!({})),
        // Another source has ids of its own.
        event("4", "R3", "referred", "2026-03-02", 3, &json!({"source": "https://other.example/log"})),
    ]);
    let ran = ran.ended(1).says(&["duplicate-event-id"]);
    assert_eq!(lines(&ran.out).len(), 4, "{}", ran.text());
    assert!(!ran.text().contains("Encounter"), "{}", ran.text());
}

#[test]
fn a_row_of_which_nothing_is_written_is_not_counted_converted() {
    let ran = convert(&[
        event("1", "R1", "referred", "2026-03-01", 1, &json!({})),
        event("2", "R1", "attended", "2026-03-09", 1, &json!({})),
        event("3", "R1", "entered_in_error", "2026-03-10", 1, &json!({"target_event_id": "2"})),
    ]);
    let ran = ran.ended(0).says(&["2 converted, 1 unchanged"]);
    assert_eq!(lines(&ran.out).len(), 2, "{}", ran.text());
}
