//! `--since`: what is unchanged is not said again, and what changed is all that is said.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::command::{Bench, Ran, fixtures};
use crate::output::{adds_up, cases, lines, number, resources, walk};
use crate::scheme::{LOG_PROFILE, PROFILE, Row, csv, log, log_file, rows, shuffled};

fn since(before: &[Row], after: &[Row]) -> (Ran, Value) {
    let bench = Bench::new();
    bench.file("before.csv", csv(before));
    let (input, profile) = (bench.file("after.csv", csv(after)), bench.file("p.toml", PROFILE));
    let (ran, report) = bench.convert_with_report(&input, &profile, &["--since", "@before.csv"]);
    adds_up(&report);
    (ran, report)
}

#[track_caller]
fn prints_nothing(ran: &Ran, report: &Value, unchanged: u64) {
    assert!(ran.out.is_empty(), "{}", ran.text());
    assert_eq!(number(report, "rows/unchanged"), unchanged, "{}", report["rows"]);
    assert_eq!(number(report, "bundles"), 0);
}

/// Only these cases are printed, and every Bundle is of one of them.
#[track_caller]
fn prints_only(ran: &Ran, expected: &[&str]) -> Vec<Value> {
    let bundles = lines(&ran.out);
    assert!(!bundles.is_empty(), "{}", ran.err);
    let expected: BTreeSet<String> = expected.iter().map(|case| (*case).to_owned()).collect();
    assert_eq!(cases(&bundles), expected);
    bundles
}

#[test]
fn an_unchanged_export_prints_nothing() {
    let all = rows(1..30);
    let (ran, report) = since(&all, &all);
    prints_nothing(&ran.ended(0), &report, 29);
    let (ran, report) = since(&all, &shuffled(&all, 7));
    prints_nothing(&ran.ended(0), &report, 29);
}

/// Also for every fixture, with its mistakes: refused and held rows stay so, everything else is unchanged.
#[test]
fn an_unchanged_fixture_prints_nothing() {
    for fixture in fixtures() {
        let bench = Bench::new();
        let (_, first) = bench.convert_with_report(&fixture.export, &fixture.profile, &[]);
        let more = ["--since", fixture.export.to_str().unwrap()];
        let (ran, report) = bench.convert_with_report(&fixture.export, &fixture.profile, &more);
        assert!(ran.out.is_empty(), "{}: {}", fixture.name, ran.text());
        assert_eq!(report["refused"], first["refused"], "{}", fixture.name);
        assert_eq!(report["held"], first["held"], "{}", fixture.name);
        assert_eq!(number(&report, "rows/converted"), 0, "{}", fixture.name);
        assert_eq!(number(&report, "no_longer_in_export"), 0, "{}", fixture.name);
    }
}

#[test]
fn one_edited_cell_prints_only_its_referral() {
    let before = rows(1..20);
    for (column, value) in [
        ("Note", "Now says no"),
        ("Need", "Bereft"),
        ("Accepted", "2026-02-27"),
        ("Contacted", "2026-03-30"),
        ("Service", "Harbour health coaches"),
    ] {
        let mut after = before.clone();
        after[6] = after[6].clone().with(column, value);
        let (ran, report) = since(&before, &after);
        let ran = ran.ended(0);
        prints_only(&ran, &["TW-7"]);
        assert_eq!(number(&report, "rows/converted"), 1, "{column}");
        assert_eq!(number(&report, "rows/unchanged"), 18, "{column}");
    }
}

/// A transaction has no Patient: a surname is in none of its resources. A collection has, and says it.
#[test]
fn what_would_be_sent_unchanged_is_not_sent() {
    let before = rows(1..20);
    for (column, value) in [
        ("Phone", "07700 900999"),
        ("Postcode", "ZZ99 1AA"),
        ("Family", "Pryce-Jones"),
        ("Practice", "Z99982"),
    ] {
        let mut after = before.clone();
        after[6] = after[6].clone().with(column, value);
        let (ran, report) = since(&before, &after);
        prints_nothing(&ran.ended(0), &report, 19);
        let bench = Bench::new();
        bench.file("before.csv", csv(&before));
        let (input, profile) = (bench.file("after.csv", csv(&after)), bench.file("p.toml", PROFILE));
        let more = ["--since", "@before.csv", "--form", "collection"];
        assert_eq!(lines(&bench.convert(&input, &profile, &more).ended(0).out).len(), 1, "{column}");
    }
    // Where something is sent, the Task keeps its date.
    let after = vec![Row::new(2).with("Service", "Harbour health coaches")];
    let (ran, _) = since(&[Row::new(2)], &after);
    let bundles = prints_only(&ran.ended(0), &["TW-2"]);
    let task = bundles.iter().flat_map(resources).find(|r| r["resourceType"] == "Task").unwrap();
    assert_eq!(task["lastModified"], "2026-03-03");
}

#[test]
fn a_new_row_prints_only_itself() {
    let before = rows(1..10);
    let mut after = before.clone();
    after.insert(4, Row::new(40));
    let (ran, report) = since(&before, &after);
    prints_only(&ran.ended(0), &["TW-40"]);
    assert_eq!(number(&report, "rows/unchanged"), 9);
}

#[test]
fn a_row_that_is_gone_is_listed_and_changes_nothing() {
    let before = rows(1..10);
    let (ran, report) = since(&before, &before[2..]);
    prints_nothing(&ran.ended(0).says(&["no longer in the export: 2"]), &report, 7);
    assert_eq!(number(&report, "no_longer_in_export"), 2);
}

#[test]
fn a_cleared_date_stays_and_is_listed() {
    let before = rows(1..10);
    let mut after = before.clone();
    after[3] = after[3].clone().with("Contacted", "");
    let (ran, report) = since(&before, &after);
    prints_nothing(&ran.ended(0).says(&["[date-cleared]"]), &report, 9);
    assert_eq!(number(&report, "remarks/date-cleared"), 1);
    // The event is still part of the state: what is sent with the next change says in-progress, not accepted.
    let before = vec![Row::new(2)];
    let after = vec![Row::new(2).with("Contacted", "").with("Note", "Changed")];
    let (ran, _) = since(&before, &after);
    let bundles = prints_only(&ran.ended(0), &["TW-2"]);
    let task = bundles.iter().flat_map(resources).filter(|r| r["resourceType"] == "Task").last().unwrap();
    assert_eq!(task["status"], "in-progress");
}

#[test]
fn a_change_of_consent_is_told() {
    let before = rows(1..6);
    let changed = |share: &str| {
        let mut after = before.clone();
        after[2] = after[2].clone().with("Share", share).with("Share date", "2026-06-01");
        after
    };
    let (ran, report) = since(&before, &changed("Codes"));
    let ran = ran.ended(0);
    prints_only(&ran, &["TW-3"]);
    assert_eq!(number(&report, "events/consent_changed"), 1, "{}", report["events"]);
    assert!(!ran.text().contains("hates fuss"), "a note left although only codes are shared");
    // Nothing is shared any more: nothing leaves.
    let (ran, report) = since(&before, &changed("None"));
    let ran = ran.ended(0);
    assert!(ran.out.is_empty(), "{}", ran.text());
    assert_eq!(number(&report, "rows/not_shared"), 1);
    assert_eq!(number(&report, "rows/unchanged"), 4);
}

/// The Flags of some Bundles: what each says and whether it still holds.
fn flags(bundles: &[Value]) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let of = |flag: &Value| {
        (text(&flag["identifier"][0]["value"]), text(&flag["code"]["text"]), text(&flag["status"]))
    };
    bundles.iter().flat_map(resources).filter(|r| r["resourceType"] == "Flag").map(of).collect()
}

/// Who rings the person must not go by an arrangement that was taken back.
#[test]
fn a_safe_contact_or_risk_that_is_gone_is_sent_as_inactive() {
    let profile = PROFILE
        .replace(
            "\"person.phone\" = \"Phone\"",
            "\"person.safe_contact\" = { column = \"Phone\", values = \"flag\" }",
        )
        .replace(
            "\"person.address_lines\" = \"Address\"",
            "risk = { column = \"Address\", values = \"flag\" }",
        )
        + "\n[values.flag]\n\"Text only\" = {}\n\"Lone visit\" = {}\n\"Dog\" = {}\n";
    let row = |safe: &str, risk: &str, share: &str| {
        Row::new(1).with("Phone", safe).with("Address", risk).with("Share", share)
    };
    let run = |before: &Row, after: &Row| {
        let bench = Bench::new();
        let (profile, input) =
            (bench.file("p.toml", &profile), bench.file("in.csv", csv(std::slice::from_ref(after))));
        bench.file("before.csv", csv(std::slice::from_ref(before)));
        let first = lines(&bench.convert(&bench.path("before.csv"), &profile, &[]).ended(0).out);
        let ran = bench.convert(&input, &profile, &["--since", "@before.csv"]).ended(0);
        (flags(&first), flags(&lines(&ran.out)))
    };
    for share in ["Full", "Codes"] {
        let (first, then) = run(&row("Text only", "Dog", share), &row("", "Dog", share));
        assert_eq!(first.len(), 2, "{first:?}");
        let said = |flag: &(String, String, String)| (flag.1.clone(), flag.2.clone());
        let expected =
            [("Text only", "inactive"), ("Dog", "active")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(then.iter().map(said).collect::<Vec<_>>(), expected);
        // The same two Flags, not new ones.
        assert!(then.iter().all(|flag| first.iter().any(|known| known.0 == flag.0)));
    }
    let (_, then) = run(&row("Text only", "Dog", "Full"), &row("Text only", "", "Full"));
    assert_eq!(then.iter().map(|flag| flag.2.as_str()).collect::<Vec<_>>(), ["active", "inactive"]);
    // Another value is sent as it is now; what never was is not taken back.
    let (_, then) = run(&row("Text only", "", "Full"), &row("Lone visit", "", "Full"));
    assert_eq!(then.iter().map(|flag| (&*flag.1, &*flag.2)).collect::<Vec<_>>(), [("Lone visit", "active")]);
    // Nothing of it leaves where nothing is shared.
    let gone = row("", "", "None").with("Share date", "2026-06-01");
    assert_eq!(run(&row("Text only", "Dog", "Full"), &gone).1, []);
}

/// In a log a `details_changed` takes it back; an event that is about something else does not.
#[test]
fn in_a_log_a_change_of_details_takes_a_safe_contact_back() {
    use crate::persons::event;
    use crate::scheme::nhs_number;
    use serde_json::json;
    let with = json!({"person": {"nhs_number": nhs_number(1), "safe_contact": {"text": "Text only", "controlled": true}}});
    let events = [
        event("1", "R1", "referred", "2026-03-01", 1, &with),
        event("2", "R1", "attended", "2026-03-05", 1, &json!({})),
        event("3", "R1", "details_changed", "2026-03-09", 1, &json!({})),
        event("4", "R1", "details_changed", "2026-03-12", 1, &json!({})),
    ];
    let bench = Bench::new();
    let text: String = events.iter().map(|event| format!("{event}\n")).collect();
    let input = bench.file("events.ndjson", text);
    let ran = crate::command::sp(&[
        "convert".as_ref(),
        input.as_os_str(),
        "--recorded-at".as_ref(),
        "2026-11-20T12:00:00Z".as_ref(),
    ]);
    let said = flags(&lines(&ran.ended(0).out));
    assert_eq!(said.iter().map(|flag| &*flag.2).collect::<Vec<_>>(), ["active", "inactive"]);
}

/// The service changed after a rejection, and the safe contact with it: both are told.
#[test]
fn a_rerouting_tells_a_safe_contact_that_is_gone() {
    let profile = PROFILE.replace(
        "\"person.phone\" = \"Phone\"",
        "\"person.safe_contact\" = { column = \"Phone\", values = \"flag\" }",
    ) + "\n[values.flag]\n\"Text only\" = {}\n";
    let before = Row::new(3)
        .with("Contacted", "")
        .with("Closed", "2026-05-05")
        .with("End", "Not suitable")
        .with("Phone", "Text only");
    let after = before.clone().with("Service", "Harbour health coaches").with("Phone", "");
    let bench = Bench::new();
    let (profile, input) = (bench.file("p.toml", profile), bench.file("in.csv", csv(&[after])));
    bench.file("before.csv", csv(&[before]));
    let ran = bench.convert(&input, &profile, &["--since", "@before.csv"]).ended(0);
    assert_eq!(flags(&lines(&ran.out)).iter().map(|flag| &*flag.2).collect::<Vec<_>>(), ["inactive"]);
}

#[test]
fn another_service_after_a_rejection_is_a_new_task() {
    let rejected = Row::new(3).with("Contacted", "").with("Closed", "2026-05-05").with("End", "Not suitable");
    let before = vec![Row::new(1), rejected.clone()];
    let after = vec![Row::new(1), rejected.clone().with("Service", "Harbour health coaches")];
    let bench = Bench::new();
    let (input, profile) = (bench.file("in.csv", csv(&before)), bench.file("p.toml", PROFILE));
    let tasks = |bundles: &[Value]| -> Vec<(String, String)> {
        let tasks = bundles.iter().flat_map(resources).filter(|r| r["resourceType"] == "Task");
        let both = |task: &Value| {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            (text(&task["identifier"][0]["value"]), text(&task["status"]))
        };
        tasks.map(both).collect()
    };
    let known: BTreeSet<String> = tasks(&lines(&bench.convert(&input, &profile, &[]).ended(0).out))
        .into_iter()
        .map(|(id, _)| id)
        .collect();
    let (ran, report) = since(&before, &after);
    let bundles = prints_only(&ran.ended(0), &["TW-3"]);
    assert_eq!(number(&report, "events/rerouted"), 1, "{}", report["events"]);
    let new: Vec<_> = tasks(&bundles).into_iter().filter(|(id, _)| !known.contains(id)).collect();
    assert_eq!(new.iter().map(|(_, status)| status.as_str()).collect::<Vec<_>>(), ["requested"]);
}

/// The service changed and nothing was rejected: the same referral, revised; no new Task.
#[test]
fn another_service_without_a_rejection_is_a_revision() {
    let after = vec![Row::new(1).with("Service", "Harbour health coaches")];
    let (ran, report) = since(&[Row::new(1)], &after);
    let bundles = prints_only(&ran.ended(0), &["TW-1"]);
    assert_eq!(number(&report, "events/rerouted"), 0);
    assert!(bundles.iter().flat_map(resources).any(|r| r["name"] == "Harbour health coaches"));
}

#[test]
fn a_referral_date_past_the_end_is_held() {
    // Row 4 is closed on 2026-04-05.
    let before = rows(1..6);
    let mut after = before.clone();
    after[3] = after[3].clone().with("Referred", "2026-07-01");
    let (ran, report) = since(&before, &after);
    let ran = ran.ended(1).says(&["[held-new-episode]", ".csv:5", "case_number"]);
    assert!(ran.out.is_empty(), "{}", ran.text());
    assert_eq!(number(&report, "held/held-new-episode"), 1);
    // Moved within the referral it is a correction.
    let mut after = before.clone();
    after[3] = after[3].clone().with("Referred", "2026-01-20");
    let (ran, _) = since(&before, &after);
    prints_only(&ran.ended(0), &["TW-4"]);
}

#[test]
fn a_log_adds_and_never_edits() {
    let bench = Bench::new();
    let profile = bench.file("log.toml", LOG_PROFILE);
    let before = log(6, 3, 0);
    bench.file("before.csv", log_file(&before));
    let run = |after: &[String]| {
        let input = bench.file("after.csv", log_file(after));
        bench.convert_with_report(&input, &profile, &["--since", "@before.csv"])
    };
    let (ran, report) = run(&shuffled(&before, 1));
    prints_nothing(&ran.ended(0), &report, 18);
    // A new event alone, without the rest of its referral.
    let added = log(6, 4, 0).into_iter().filter(|row| row.starts_with("E2-3;")).collect::<Vec<_>>();
    let (ran, _) = run(&added);
    let bundles = prints_only(&ran.ended(0), &["W-2"]);
    assert_eq!(bundles.len(), 1);
    // A changed event is refused; its referral's others are unchanged.
    let mut changed = before.clone();
    changed[7] = changed[7].replace("note", "other note");
    let (ran, report) = run(&changed);
    let ran = ran.says(&["[event-changed]", "add a `corrected` event"]);
    assert!(ran.out.is_empty(), "{}", ran.text());
    assert_eq!(number(&report, "refused/event-changed"), 1, "{}", report["refused"]);
    assert_eq!(number(&report, "rows/unchanged"), 17);
    adds_up(&report);
    // What is new of the same referral goes on, in the state that follows from what was sent before.
    let contacted = log(6, 3, 0).remove(13).replacen("E1-2;", "E1-9;", 1).replacen("2026-03", "2026-05", 1);
    let (ran, report) = run(&[changed, vec![contacted]].concat());
    let bundles = prints_only(&ran.says(&["[event-changed]"]), &["W-1"]);
    assert_eq!((bundles.len(), number(&report, "refused/event-changed")), (1, 1));
    assert_eq!(number(&report, "rows/converted"), 1);
    adds_up(&report);
    // The correction that should have been sent goes through.
    let correction = before[7].replacen("E1-1;", "C1;", 1).replace(";accepted;", ";corrected;");
    let fields: Vec<&str> = correction.splitn(6, ';').collect();
    let correction = [fields[0], fields[1], fields[2], fields[3], "E1-1", fields[5]].join(";");
    let (ran, _) = run(&[before.clone(), vec![correction]].concat());
    prints_only(&ran.ended(0), &["W-1"]);
}

/// What is printed after `--since` never says less of the state than what was printed before.
#[test]
fn a_late_event_does_not_set_the_state_back() {
    let before = vec![Row::new(4)];
    let late = vec![Row::new(4).with("Accepted", "2026-02-01")];
    let (ran, _) = since(&before, &late);
    for bundle in prints_only(&ran.ended(0), &["TW-4"]) {
        let mut statuses = Vec::new();
        for resource in resources(&bundle).filter(|r| r["resourceType"] == "Task") {
            walk(&resource["status"], "", &mut |_, value| statuses.push(value.clone()));
        }
        assert_eq!(statuses, ["completed"]);
    }
}

/// Two dates of one row that are corrected together: the first of the two does not open the referral again.
#[test]
fn of_two_revisions_the_first_does_not_set_the_state_back() {
    let before = vec![Row::new(4)];
    let corrected = vec![Row::new(4).with("Contacted", "2026-03-29").with("Closed", "2026-03-30")];
    let (ran, _) = since(&before, &corrected);
    let bundles = prints_only(&ran.ended(0), &["TW-4"]);
    assert_eq!(bundles.len(), 2);
    for bundle in bundles {
        for kind in ["Task", "ServiceRequest"] {
            let statuses: Vec<&str> = resources(&bundle)
                .filter(|resource| resource["resourceType"] == kind)
                .filter_map(|resource| resource["status"].as_str())
                .collect();
            assert_eq!(statuses, ["completed"], "{kind}");
        }
    }
}

#[test]
fn an_earlier_export_does_not_come_through_a_pipe() {
    let bench = Bench::new();
    let (input, profile) = (bench.file("in.csv", csv(&rows(1..3))), bench.file("p.toml", PROFILE));
    let ran =
        bench.convert(&input, &profile, &["--since", "-"]).ended(2).says(&["--since", "pipe", "give a file"]);
    assert!(ran.out.is_empty());
}

/// What a revised event no longer says is withdrawn: a score that was put on the wrong row, a message that was taken back.
#[test]
fn what_a_revised_event_no_longer_says_is_withdrawn() {
    let profile = PROFILE.replace(
        "date = \"Contacted\"\n",
        "date = \"Contacted\"\nscore = [{ id = \"a\", column = \"Code\", text = \"One\" }, { id = \"b\", column = \"Read\", text = \"Other\" }]\n",
    );
    let profile = profile.replace("type = \"contacted\"", "type = \"assessed\"").replace(
        "  { column = \"Code\", system = \"snomed\" },\n  { column = \"Read\", system = \"read-v2\" },\n",
        "",
    );
    let scored = Row::new(2).with("Code", "7").with("Read", "9");
    let once = |rows: [Row; 3]| {
        let bench = Bench::new();
        let [first, second, now] = rows.map(|row| csv(&[row]));
        bench.file("1.csv", first);
        bench.file("2.csv", second);
        let (input, profile) = (bench.file("now.csv", now), bench.file("p.toml", &profile));
        let (ran, report) =
            bench.convert_with_report(&input, &profile, &["--since", "@1.csv", "--since", "@2.csv"]);
        adds_up(&report);
        let bundles = lines(&ran.ended(0).out);
        let of_kind = |resource: &&Value| resource["resourceType"] == "Observation";
        let statuses = |resource: &Value| resource["status"].as_str().unwrap().to_owned();
        bundles.iter().flat_map(resources).filter(of_kind).map(statuses).collect::<Vec<_>>()
    };
    let cleared = scored.clone().with("Read", "");
    assert_eq!(once([scored.clone(), scored.clone(), cleared.clone()]), ["entered-in-error", "final"]);
    // It is withdrawn once, and comes back when it is put back.
    assert!(once([scored.clone(), cleared.clone(), cleared.clone()]).is_empty());
    assert_eq!(once([scored.clone(), cleared, scored]), ["final", "final"]);
}
