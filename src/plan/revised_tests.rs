//! What a later row says less, or no more: what was sent is withdrawn, and neither number nor consent comes loose.

use super::tests::{PERSON, after, event, now, planner, states, submission, with_consent};
use super::*;
use crate::event::detail::{Score, ScoreValue};
use crate::event::term::Term;
use crate::outbox::{Reason, State};

const SOURCE: &str = "https://elmfield-sp.example/cases";

/// A row with a measurement of each of these measures.
fn measured(measures: &[&str]) -> Submission {
    let mut assessed = event("assessed", "assessed", "2026-03-08", PERSON);
    assessed.detail.scores = measures
        .iter()
        .map(|measure| Score {
            id: (*measure).to_owned(),
            measure: Term { text: Some((*measure).to_owned()), controlled: true, ..Term::default() },
            value: ScoreValue::Decimal("7".into()),
            unit: None,
            part_of: None,
        })
        .collect();
    submission(vec![event("referred", "referred", "2026-03-04", PERSON), assessed], true)
}

/// Status of each Observation of a Bundle.
fn observations(disposition: &Disposition) -> Vec<String> {
    let bundle = &disposition.parcel().expect("it is sent").bundle;
    let bundle: serde_json::Value = serde_json::from_str(bundle).expect("our own JSON");
    let resources = bundle["entry"].as_array().expect("entries").iter().map(|entry| &entry["resource"]);
    let found = resources.filter(|resource| resource["resourceType"] == "Observation");
    let mut found: Vec<String> =
        found.map(|found| found["status"].as_str().unwrap_or_default().to_owned()).collect();
    found.sort();
    found
}

#[test]
fn a_score_that_a_revision_no_longer_has_is_withdrawn_also_when_it_waits_first() {
    let planner = planner();
    let first = planner.plan(&Known::default(), &measured(&["a", "b"]), &[], now());
    assert_eq!(observations(&first.entries[1].disposition), ["final", "final"]);
    let known = after(&Known::default(), &first);
    let second = planner.plan(&known, &measured(&["b"]), &[], now());
    assert_eq!(observations(&second.entries[0].disposition), ["entered-in-error", "final"]);
    // It waited, and is planned again when only the last revision is the event.
    let known = after(&known, &second);
    let entry = &second.entries[0];
    let unsent = [Unsent {
        key: entry.key,
        event_id: entry.event_id.clone(),
        state: State::Held,
        reason: Some(Reason::ConsentUnclear),
        waived: Vec::new(),
    }];
    let again = planner.replan(&known, SOURCE, "R1", &unsent, now());
    assert_eq!(observations(&again.replanned[0].1), ["entered-in-error", "final"]);
    // The one revision may never have left when the next comes: that one withdraws what both took away.
    let third = planner.plan(&known, &measured(&[]), &[], now());
    assert_eq!(observations(&third.entries[0].disposition), ["entered-in-error", "entered-in-error"]);
    // Back again, and not withdrawn beside it.
    let back = planner.plan(&after(&known, &third), &measured(&["a"]), &[], now());
    assert_eq!(observations(&back.entries[0].disposition), ["entered-in-error", "final"]);
}

#[test]
fn a_number_that_a_later_row_leaves_out_stays_the_referrals() {
    let planner = planner();
    let local =
        |record: &str, id: &str| record.replace(r#""family""#, &format!(r#""local_id":"{id}","family""#));
    let whole = local(PERSON, "P1");
    let without = |record: &str| record.replace(r#""nhs_number":"9990000018","#, "");
    let cleared = without(&whole);
    for snapshot in [true, false] {
        let row = |record: &str, accepted: bool| {
            let mut events = vec![event("referred", "referred", "2026-03-04", record)];
            events.extend(accepted.then(|| event("accepted", "accepted", "2026-03-06", record)));
            // A log sends what is new.
            submission(if snapshot || !accepted { events } else { events.split_off(1) }, snapshot)
        };
        let first = planner.plan(&Known::default(), &row(&whole, false), &[], now());
        let known = after(&Known::default(), &first);
        let plan = planner.plan(&known, &row(&cleared, true), &[], now());
        assert_eq!(states(&plan), [("R1/accepted", State::Pending, None)], "{snapshot}");
        let bundle = &plan.entries[0].disposition.parcel().expect("it is sent").bundle;
        assert!(bundle.contains("nhs-number|9990000018"), "{snapshot}");
        assert_eq!((plan.number, &plan.persons), (first.number, &first.persons), "{snapshot}");
        // Nothing of it is news another time.
        let again = planner.plan(&after(&known, &plan), &row(&cleared, true), &[], now());
        assert!(again.entries.is_empty() && again.records.is_empty(), "{snapshot}");
    }
    // Another local identifier beside it is another person, perhaps.
    let first = submission(vec![event("referred", "referred", "2026-03-04", &whole)], true);
    let known = after(&Known::default(), &planner.plan(&Known::default(), &first, &[], now()));
    let other = without(&local(PERSON, "P2"));
    let other = submission(vec![event("attended", "attended", "2026-03-06", &other)], false);
    let plan = planner.plan(&known, &other, &[], now());
    assert_eq!(states(&plan), [("R1/attended", State::Held, Some(Reason::TwoPersons))]);
}

/// A row by its consent, with a plan of a day so that each brings something new.
fn row(share: &str, date: &str, day: &str) -> Submission {
    let record = match (share, date) {
        ("", _) => PERSON.to_owned(),
        (share, "") => format!(r#"{PERSON},"consent":{{"share":"{share}"}}"#),
        _ => with_consent(share, date),
    };
    let mut plan = event(&format!("plan/{day}"), "plan_agreed", day, &record);
    plan.detail.plan = Some(Term::words("Walk weekly"));
    submission(vec![event("referred", "referred", "2026-03-04", &record), plan], true)
}

#[test]
fn an_earlier_consent_only_forbids() {
    let planner = planner();
    let level = |plan: &Plan| {
        let entry = plan.entries.iter().find(|entry| entry.event_id.contains("plan")).expect("a plan");
        match &entry.disposition {
            Disposition::Send(parcel) if parcel.bundle.contains("Walk weekly") => "full",
            Disposition::Send(_) => "codes_only",
            Disposition::NotShared(Reason::ConsentNone) => "none",
            other => panic!("{other:?}"),
        }
    };
    for (rows, applied) in [
        // What says less counts, whatever its date; so does a consent that is no longer there.
        (&[("full", "2026-03-01"), ("none", "2026-01-01")][..], "none"),
        (&[("full", "2026-03-01"), ("codes_only", "2026-01-01")], "codes_only"),
        (&[("full", "2026-03-01"), ("codes_only", "")], "codes_only"),
        (&[("full", "2026-03-01"), ("", "")], "codes_only"),
        // What says more lifts nothing unless it is dated later, also a row later.
        (&[("none", "2026-02-01"), ("full", "2026-01-01")], "none"),
        (&[("none", "2026-02-01"), ("full", "2026-01-01"), ("full", "2026-01-01")], "none"),
        (&[("none", "2026-02-01"), ("full", ""), ("full", "2026-01-01"), ("", "")], "none"),
        (&[("codes_only", "2026-02-01"), ("full", "2026-01-01"), ("full", "2026-01-01")], "codes_only"),
        (&[("none", "2026-02-01"), ("full", "2026-03-01")], "full"),
        (&[("none", "2026-02-01"), ("codes_only", "2026-03-01"), ("codes_only", "2026-03-01")], "codes_only"),
    ] {
        let mut known = Known::default();
        let mut last = None;
        for (n, (share, date)) in rows.iter().enumerate() {
            let plan = planner.plan(&known, &row(share, date, &format!("2026-04-{:02}", n + 1)), &[], now());
            known = after(&known, &plan);
            last = Some(plan);
        }
        let plan = last.expect("a row");
        assert_eq!(level(&plan), applied, "{rows:?}");
        // So it is when it is planned again without a row.
        let entry = plan.entries.iter().find(|entry| entry.event_id.contains("plan")).expect("a plan");
        let (state, reason) = (State::Held, Some(Reason::ConsentUnclear));
        let unsent =
            [Unsent { key: entry.key, event_id: entry.event_id.clone(), state, reason, waived: Vec::new() }];
        let again = planner.replan(&known, SOURCE, "R1", &unsent, now());
        assert_eq!(again.replanned[0].1.state(), entry.disposition.state(), "{rows:?}");
        assert_eq!(
            again.replanned[0].1.parcel().map(|parcel| parcel.bundle.contains("Walk weekly")),
            entry.disposition.parcel().map(|parcel| parcel.bundle.contains("Walk weekly")),
            "{rows:?}"
        );
        // The same row another time says nothing.
        let (share, date) = rows[rows.len() - 1];
        let same = planner.plan(&known, &row(share, date, &format!("2026-04-{:02}", rows.len())), &[], now());
        assert!(same.entries.is_empty() && !same.statements_changed, "{rows:?} {:?}", states(&same));
    }
}

#[test]
fn a_referral_reopened_by_a_status_column_closes_again() {
    let planner = planner();
    let row = |status: &str, closed: &str| {
        let slot = crate::event::ReferralEvent {
            is_status_slot: true,
            occurred_at: None,
            ..event("status", status, "2026-03-04", PERSON)
        };
        let closed = event("closed", "completed", closed, PERSON);
        submission(vec![event("referred", "referred", "2026-03-04", PERSON), closed, slot], true)
    };
    /// The last Task of a plan: whose it is, and how far it got.
    fn task(plan: &Plan) -> (String, String) {
        let mut parcels = plan.entries.iter().filter_map(|entry| entry.disposition.parcel());
        let bundle = &parcels.next_back().expect("it is sent").bundle;
        let bundle: serde_json::Value = serde_json::from_str(bundle).expect("our own JSON");
        let mut resources =
            bundle["entry"].as_array().expect("entries").iter().map(|entry| &entry["resource"]);
        let task = resources.find(|resource| resource["resourceType"] == "Task").expect("a Task");
        (task["identifier"][0]["value"].to_string(), task["status"].to_string())
    }
    let mut known = Known::default();
    let mut next = |row: Submission| {
        let plan = planner.plan(&known, &row, &[], now());
        known = after(&known, &plan);
        plan
    };
    let (first, done) = task(&next(row("completed", "2026-04-05")));
    let (second, open) = task(&next(row("reopened", "2026-04-05")));
    assert!(second != first && done.contains("completed") && open.contains("requested"), "{done} {open}");
    let closed = next(row("completed", "2026-06-01"));
    assert_eq!(task(&closed), (second.clone(), done.clone()));
    assert!(closed.issues.iter().all(|(_, issue)| issue.code != crate::event::IssueCode::StatusSetBack));
    let same = next(row("completed", "2026-06-01"));
    assert!(same.entries.is_empty() && same.verdicts.iter().all(|(_, verdict)| *verdict == Verdict::Repeat));
    let (third, open) = task(&next(row("reopened", "2026-06-01")));
    assert!(third != second && open.contains("requested"), "{open}");
    assert_eq!(task(&next(row("completed", "2026-08-01"))), (third, done));
}

/// How far the Task of what is sent got.
fn task_status(disposition: &Disposition) -> String {
    let bundle = &disposition.parcel().expect("it is sent").bundle;
    let bundle: serde_json::Value = serde_json::from_str(bundle).expect("our own JSON");
    let mut resources = bundle["entry"].as_array().expect("entries").iter().map(|entry| &entry["resource"]);
    let task = resources.find(|resource| resource["resourceType"] == "Task").expect("a Task");
    task["status"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn what_is_revised_together_bears_the_state_of_all_of_it() {
    let planner = planner();
    let row = |assessed: &str, closed: &str| {
        submission(
            vec![
                event("referred", "referred", "2026-03-04", PERSON),
                event("assessed", "assessed", assessed, PERSON),
                event("closed", "completed", closed, PERSON),
            ],
            true,
        )
    };
    let first = planner.plan(&Known::default(), &row("2026-04-02", "2026-04-02"), &[], now());
    let sent = ["R1/referred", "R1/assessed", "R1/closed"].map(str::to_owned);
    for sent in [sent.to_vec(), Vec::new()] {
        let waits = sent.is_empty();
        let known = Known { sent, ..after(&Known::default(), &first) };
        let second = planner.plan(&known, &row("2026-04-03", "2026-04-03"), &[], now());
        let statuses: Vec<String> =
            second.entries.iter().map(|entry| task_status(&entry.disposition)).collect();
        assert_eq!(statuses, ["completed", "completed"], "{waits}");
        // So it is when it waited and is planned again, also where nothing of the referral has gone out.
        let known = after(&known, &second);
        let unsent: Vec<Unsent> = second
            .entries
            .iter()
            .map(|entry| Unsent {
                key: entry.key,
                event_id: entry.event_id.clone(),
                state: State::Held,
                reason: Some(Reason::ConsentUnclear),
                waived: Vec::new(),
            })
            .collect();
        let again = planner.replan(&known, SOURCE, "R1", &unsent, now());
        let statuses: Vec<String> =
            again.replanned.iter().map(|(_, disposition)| task_status(disposition)).collect();
        assert_eq!(statuses, ["completed", "completed"], "{waits}");
    }
}

#[test]
fn a_later_version_of_which_only_the_record_changed_sets_nothing_back() {
    let planner = planner();
    let at = |recorded: &str, record: &str| {
        let recorded = recorded.parse::<jiff::Timestamp>().expect("an instant");
        crate::event::ReferralEvent {
            recorded_at: Some(recorded),
            ..event("referred", "referred", "2026-03-04", record)
        }
    };
    let versions = |events| Submission { versioned: true, ..submission(events, false) };
    let closed = event("closed", "completed", "2026-04-02", PERSON);
    let came = versions(vec![at("2026-03-04T09:00:00Z", PERSON), closed]);
    let first = planner.plan(&Known::default(), &came, &[], now());
    let sent = ["R1/referred", "R1/closed"].map(str::to_owned).to_vec();
    let known = Known { sent, ..after(&Known::default(), &first) };
    let edited = PERSON.replace(r#""person":{"#, r#""person":{"phone":"0113 496 0000","#);
    assert_ne!(edited, PERSON);
    let second = planner.plan(&known, &versions(vec![at("2026-05-01T09:00:00Z", &edited)]), &[], now());
    assert_eq!(states(&second), [("R1/referred", State::Pending, None)]);
    assert_eq!(task_status(&second.entries[0].disposition), "completed");
}
