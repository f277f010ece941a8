//! FHIR of others: a clinical system's request, its Task and the work on it; published examples, never a panic.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Back;
use crate::codeset::Codeset;
use crate::event::build::NhsNumberRule;
use crate::event::finish::Identities;
use crate::event::kinds::EventType;
use crate::event::term::Term;
use crate::event::{IssueCode, ReferralEvent};
use crate::fhir::{read_json, read_xml};
use crate::map::fold::fold;
use crate::tree::Node;

/// A GP system's own request, with a Task that was finished.
const FOREIGN: &str = r#"{"resourceType": "Bundle", "type": "searchset", "entry": [
    {"fullUrl": "https://gp.example/ServiceRequest/1", "resource": {"resourceType": "ServiceRequest", "id": "1",
        "identifier": [{"system": "https://gp.example/requests", "value": "SR-1"}], "status": "active", "intent": "order",
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "871731000000106"}]},
        "subject": {"identifier": {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990004218"}},
        "authoredOn": "2026-03-02", "requester": {"reference": "Practitioner/2", "display": "Dr A Quill"},
        "performer": [{"display": "Elmfield Link"}], "occurrenceDateTime": "2026-04-01",
        "reasonCode": [{"text": "Lonely"}]}},
    {"fullUrl": "https://gp.example/Task/9", "resource": {"resourceType": "Task", "id": "9", "status": "completed",
        "intent": "order", "focus": {"reference": "ServiceRequest/1"}, "lastModified": "2026-05-01T10:00:00Z",
        "output": [{"type": {"text": "Outcome"}, "valueCodeableConcept": {"text": "Goals met"}}]}},
    {"resource": {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}}]}"#;

fn read_foreign(text: &str) -> (Vec<ReferralEvent>, Vec<(IssueCode, String)>) {
    let codeset = Codeset::embedded().unwrap();
    let identities = Identities { source: Some(Arc::from("https://gp.example")), ..Identities::default() };
    let back = Back { codeset: &codeset, identities: &identities, nhs_number: NhsNumberRule::Reject };
    let (events, issues) = back.read(&read_json(text.as_bytes()).unwrap());
    (events, issues.into_iter().map(|issue| (issue.code, issue.at.to_string())).collect())
}

#[test]
fn a_clinical_systems_request_and_task() {
    let (events, issues) = read_foreign(FOREIGN);
    let [referred, completed] = events.as_slice() else { panic!("{issues:?}") };
    assert_eq!((referred.event_type, completed.event_type), (EventType::Referred, EventType::Completed));
    assert_eq!(referred.event_id, "SR-1/referred");
    assert_eq!(completed.event_id, "SR-1/completed");
    assert!(referred.record == completed.record);
    assert_eq!(referred.record.fulfils.as_ref().map(|id| id.value.as_str()), Some("SR-1"));
    assert_eq!(referred.record.service.kind.map(|kind| kind.as_str()), Some("link-worker"));
    assert_eq!(referred.record.referrer.name.as_deref(), Some("Dr A Quill"));
    assert_eq!(referred.detail.reasons, [Term::words("Lonely")]);
    assert_eq!(completed.detail.outcome, Some(Term::words("Goals met")));
    let not_carried = |path: &str| issues.contains(&(IssueCode::NotCarried, path.to_owned()));
    assert!(not_carried("Bundle.entry[0].resource.occurrenceDateTime"), "{issues:?}");
    assert!(not_carried("Bundle.entry[2].resource"), "{issues:?}");
}

#[test]
fn what_changes_the_meaning_is_never_passed_over() {
    for (from, to, path) in [
        (r#""status": "active""#, r#""doNotPerform": true, "status": "active""#, "doNotPerform"),
        (
            r#""status": "active""#,
            r#""implicitRules": "https://a.example", "status": "active""#,
            "implicitRules",
        ),
        (
            r#""display": "Elmfield Link""#,
            r#""display": "Elmfield Link", "extension": [{"url": "https://a.example", "valueString": "x"}]"#,
            "",
        ),
        (
            r#""status": "active""#,
            r#""modifierExtension": [{"url": "https://a.example", "valueBoolean": true}], "status": "active""#,
            "modifierExtension",
        ),
    ] {
        let (events, issues) = read_foreign(&FOREIGN.replacen(from, to, 1));
        let refused = issues.contains(&(IssueCode::FhirModifier, format!("Bundle.entry[0].resource.{path}")));
        assert_eq!(refused, !path.is_empty(), "{path}: {issues:?}");
        assert_eq!(
            events.iter().any(|event| event.event_type == EventType::Referred),
            path.is_empty(),
            "{path}"
        );
    }
    let (events, _) = read_foreign(&FOREIGN.replacen("\"active\"", "\"entered-in-error\"", 1));
    assert_eq!(events[0].event_type, EventType::EnteredInError);
    assert_eq!(events[0].target_event_id.as_deref(), Some("SR-1/referred"));
    let (events, issues) = read_foreign(&FOREIGN.replacen("\"completed\"", "\"entered-in-error\"", 1));
    assert_eq!(events.len(), 1);
    assert!(issues.contains(&(IssueCode::FhirModifier, "Bundle.entry[1].resource.status".into())));
    for (from, to) in [("\"active\"", "\"draft\""), ("\"order\"", "\"proposal\"")] {
        let (events, _) = read_foreign(&FOREIGN.replacen(from, to, 1));
        assert!(events.iter().all(|event| event.event_type != EventType::Referred), "{to}");
    }
}

/// What is folded of a request without a Task, by the status of the request.
#[test]
fn a_request_that_has_ended_never_comes_back_open() {
    use crate::map::machine::{RequestStatus, TaskStatus};
    let request = |status: &str, task: &str| {
        let text = FOREIGN.replacen("\"active\"", &format!("\"{status}\""), 1);
        let from = text.find(r#"{"fullUrl": "https://gp.example/Task/9""#).unwrap();
        let to = text.find(r#"{"resource": {"resourceType": "Observation""#).unwrap();
        if task.is_empty() {
            return [&text[..from], &text[to..]].concat();
        }
        text.replacen("\"completed\"", &format!("\"{task}\""), if status == "completed" { 2 } else { 1 })
    };
    for (status, task, ids, folded) in [
        (
            "revoked",
            "",
            &["referred", "request/cancelled"][..],
            (TaskStatus::Cancelled, RequestStatus::Revoked),
        ),
        (
            "completed",
            "",
            &["referred", "request/completed"],
            (TaskStatus::Completed, RequestStatus::Completed),
        ),
        ("on-hold", "", &["referred", "request/on_hold"], (TaskStatus::OnHold, RequestStatus::OnHold)),
        ("active", "", &["referred"], (TaskStatus::Requested, RequestStatus::Active)),
        // A Task that says when is enough; one that has not noticed is not.
        ("revoked", "cancelled", &["referred", "cancelled"], (TaskStatus::Cancelled, RequestStatus::Revoked)),
        (
            "revoked",
            "in-progress",
            &["referred", "request/cancelled", "accepted"],
            (TaskStatus::Cancelled, RequestStatus::Revoked),
        ),
        ("on-hold", "on-hold", &["referred", "on_hold"], (TaskStatus::OnHold, RequestStatus::OnHold)),
    ] {
        let (events, issues) = read_foreign(&request(status, task));
        let found: Vec<_> = events.iter().map(ReferralEvent::key).collect();
        assert_eq!(found, ids, "{status} {task}: {issues:?}");
        let said = issues.contains(&(IssueCode::Undated, "Bundle.entry[0].resource.status".into()));
        assert_eq!(said, ids.iter().any(|id| id.starts_with("request/")), "{status} {task}: {issues:?}");
        let state = fold(events).state().unwrap();
        assert_eq!((state.task, state.request), folded, "{status} {task}");
    }
    // One that should never have been made is withdrawn, and was never referred.
    let (events, _) = read_foreign(&request("entered-in-error", ""));
    assert_eq!(events.iter().map(|event| event.event_type).collect::<Vec<_>>(), [EventType::EnteredInError]);
    assert_eq!(fold(events).state(), None);
}

#[test]
fn what_no_longer_reaches_the_person_is_not_read() {
    let patient = r#"{"resource": {"resourceType": "Patient", "id": "p",
        "identifier": [{"system": "https://gp.example/person", "value": "P1"}], "telecom": [
        {"system": "phone", "use": "old", "value": "01632 960001"},
        {"system": "phone", "use": "home", "value": "01632 960002"},
        {"system": "email", "use": "old", "value": "old@mail.example"}],
        "address": [{"use": "old", "city": "Oldham", "postalCode": "ZZ99 3WZ"}, {"use": "home", "city": "Elmfield"}]}},
        {"resource": {"resourceType": "ServiceRequest", "id": "1", "status": "active", "intent": "order",
        "authoredOn": "2026-03-02", "subject": {"reference": "Patient/p"}}}"#;
    let (events, issues) =
        read_foreign(&format!(r#"{{"resourceType": "Bundle", "type": "collection", "entry": [{patient}]}}"#));
    let [referred] = events.as_slice() else { panic!("{issues:?}") };
    let person = &referred.record.person;
    assert_eq!(person.phone.as_deref(), Some("01632 960002"));
    assert_eq!((person.email.as_deref(), person.city.as_deref()), (None, Some("Elmfield")));
}

#[test]
fn work_on_a_request_is_read_and_its_withdrawal_is_not_passed_over() {
    let observation = r#"{"resourceType": "Observation", "status": "final", "code": {"text": "x"}}"#;
    let based = r#""basedOn": [{"reference": "ServiceRequest/1"}]"#;
    let more = [
        format!(
            r#"{{"resourceType": "Observation", "id": "o", "status": "final", "code": {{"text": "ONS4"}}, {based},
            "effectiveDateTime": "2026-03-08", "valueQuantity": {{"value": 3.10, "code": "1"}}}}"#
        ),
        format!(
            r#"{{"resourceType": "Encounter", "id": "e", "status": "finished", {based}, "period": {{"start": "2026-03-09"}},
            "class": {{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "HH"}}}}"#
        ),
        format!(
            r#"{{"resourceType": "CarePlan", "id": "c", "status": "entered-in-error", "intent": "plan", {based},
            "subject": {{"display": "x"}}}}"#
        ),
    ];
    let (events, issues) = read_foreign(&FOREIGN.replacen(observation, &more.join("}, {\"resource\": "), 1));
    let found: Vec<_> = events.iter().map(|event| event.event_id.as_str()).collect();
    assert_eq!(
        found,
        ["SR-1/referred", "SR-1/completed", "SR-1/contacted/e", "SR-1/assessed/o"],
        "{issues:?}"
    );
    assert_eq!(events[2].detail.mode.map(|mode| mode.as_str()), Some("home"));
    assert!(events[3].detail.scores[0].value == crate::event::detail::ScoreValue::Decimal("3.10".into()));
    assert!(
        issues.contains(&(IssueCode::FhirModifier, "Bundle.entry[4].resource.status".into())),
        "{issues:?}"
    );
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn published_examples_give_events_or_clear_issues() {
    let Some(root) = std::env::var_os("SP_FHIR_TEST_DATA") else {
        println!("SKIPPED: published_examples_give_events_or_clear_issues: SP_FHIR_TEST_DATA is not set");
        return;
    };
    let mut paths = Vec::new();
    files(&Path::new(&root).join("examples"), &mut paths);
    paths.sort();
    let codeset = Codeset::embedded().unwrap();
    let identities = Identities { source: Some(Arc::from("https://gp.example")), ..Identities::default() };
    let back = Back { codeset: &codeset, identities: &identities, nhs_number: NhsNumberRule::Warn };
    let (mut read_in, mut events_of, mut requests, mut silent) = (0, 0, 0, Vec::new());
    for path in paths {
        let bytes = std::fs::read(&path).unwrap();
        let resource = match path.extension().and_then(|e| e.to_str()) {
            Some("json") => read_json(&bytes),
            Some("xml") => read_xml(&bytes),
            _ => continue,
        };
        let Ok(resource) = resource else { continue };
        let (events, issues) = back.read(&resource);
        read_in += 1;
        events_of += events.len();
        if matches!(resource.type_name(), "ServiceRequest" | "Task") {
            requests += 1;
            let only_requested = resource.node().get("status").and_then(Node::as_str) == Some("requested");
            if events.is_empty() && issues.is_empty() && !only_requested {
                silent.push(path);
            }
        } else if events.is_empty() && issues.is_empty() && resource.type_name() != "Bundle" {
            silent.push(path);
        }
    }
    println!("{read_in} examples, {requests} requests and Tasks, {events_of} events");
    assert!(requests > 10 && events_of > 5 && silent.is_empty(), "{requests} {events_of} {silent:?}");
}
