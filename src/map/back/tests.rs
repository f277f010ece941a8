//! CSV → event → FHIR → event: what the mapping says it keeps, it keeps. And others' FHIR, never a panic.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;
use uuid::Uuid;

use super::Back;
use crate::codeset::Codeset;
use crate::event::build::NhsNumberRule;
use crate::event::finish::Identities;
use crate::event::kinds::EventType;
use crate::event::read::read;
use crate::event::term::Term;
use crate::event::{Issue, IssueCode, ReferralEvent};
use crate::fhir::{json, read_json, read_xml, write_xml};
use crate::map::bundle::{MessageSettings, event_bundle};
use crate::map::bundle_json::Writer;
use crate::map::fold::fold;
use crate::map::mapper::{Mapper, Settings};
use crate::map::names::Names;
use crate::map::refs::Form;
use crate::map::shelf::Shelf;
use crate::tree::{self, Limits, Node};

const SOURCE: &str = "https://elmfield-sp.example/cases";

/// Everything a record can say that comes back.
const RECORD: &str = r#"{
    "person": {"nhs_number": "9990004218", "nhs_number_status": "01", "local_id": "P7", "family": "Fôn",
        "given": ["Nia", "Mair"], "prefix": "Ms", "preferred_name": "Nia F", "former_family": ["Pugh"],
        "birth_date": "1951-08", "gender": "female", "address_lines": ["1 Elm Row", "Upper Elm"], "city": "Elmfield",
        "postcode": "ZZ99 3WZ", "phone": "01632 960001", "mobile": "07700 900001", "email": "nia@mail.example",
        "practice_ods": "M85063", "practice_name": "Elm Surgery"},
    "referrer": {"source": "Own GP list", "name": "Dr A Quill", "role": "GP partner", "organisation_ods": "M85099",
        "organisation_name": "Oak Surgery", "phone": "01632 960009", "email": "quill@oak.example"},
    "service": {"kind": "link-worker", "name": "Elmfield Link", "organisation_name": "Elmfield Charity",
        "organisation_ods": "AB123"},
    "consent": {"share": "full", "date": "2026-03-01"}, "risk": "Lone visit risk", "priority": "urgent",
    "based_on": [{"system": "https://fhir.nhs.uk/Id/UBRN", "value": "000049973982"}]}"#;

/// One referral's events: type, date, detail.
const EVENTS: &[(&str, &str, &str)] = &[
    ("offered", "2026-03-01", r#"{"note": "rang back"}"#),
    (
        "referred",
        "2026-03-02",
        r#"{"reasons": [{"text": "Loneliness", "controlled": true}, "Getting online"], "note": "prefers mornings"}"#,
    ),
    ("accepted", "2026-03-03T09:30:00Z", "{}"),
    ("contact_failed", "2026-03-04", r#"{"status_reason": "No answer"}"#),
    ("did_not_attend", "2026-03-05", r#"{"note": "was ill"}"#),
    ("contacted", "2026-03-06", "{}"),
    ("attended", "2026-03-07", r#"{"mode": "home"}"#),
    (
        "assessed",
        "2026-03-08",
        r#"{"scores": [{"id": "ons", "measure": "ONS4 total", "value": 7},
        {"id": "w", "measure": "Weight", "value": "81.50", "unit": "kg"},
        {"id": "a", "measure": "Anxiety", "value": "much better", "part_of": "Wheel"}],
        "answers": [{"id": "q1", "question": "How are you?", "value": "3.10"}]}"#,
    ),
    (
        "plan_agreed",
        "2026-03-09",
        r#"{"plan": "Walk weekly", "goals": ["Join the choir", "Cook"], "note": "with Ann"}"#,
    ),
    ("signposted", "2026-03-10", r#"{"what": "Library club"}"#),
    (
        "referred_on",
        "2026-03-11",
        r#"{"what": "Debt advice", "to": {"name": "Money Help", "organisation_name": "MH Trust"}}"#,
    ),
    ("on_hold", "2026-03-12", r#"{"status_reason": "In hospital"}"#),
    ("resumed", "2026-03-20", "{}"),
    ("details_changed", "2026-03-21", "{}"),
    ("consent_changed", "2026-03-21", "{}"),
    ("completed", "2026-03-30T10:00:00+01:00", r#"{"outcome": "Goals met"}"#),
];

fn parse(text: &str) -> Node {
    tree::json::parse(text.as_bytes(), &Limits::default()).unwrap()
}

fn event(kind: &str, date: &str, detail: &str, record: &Node) -> ReferralEvent {
    let text = |text: &str| Node::String(text.to_owned());
    let node = Node::Object(vec![
        ("source".to_owned(), text(SOURCE)),
        ("event_id".to_owned(), Node::String(format!("ELM/00042/{kind}"))),
        ("referral_id".to_owned(), text("ELM/00042")),
        ("type".to_owned(), text(kind)),
        ("occurred_at".to_owned(), text(date)),
        ("detail".to_owned(), parse(detail)),
        ("record".to_owned(), record.clone()),
    ]);
    let (event, issues) = read(&node, &Identities::default(), NhsNumberRule::Reject);
    event.unwrap_or_else(|| panic!("{issues:?}"))
}

/// The Bundles of a referral's events, each with the event as it was folded.
fn bundles(codeset: &Codeset, events: Vec<ReferralEvent>, form: Form) -> Vec<(ReferralEvent, Vec<u8>)> {
    let settings = Settings {
        form,
        code_in_every_bundle: true,
        recorded_at: Timestamp::UNIX_EPOCH,
        agent: "test".to_owned(),
        repair_codes: false,
        create_patient: false,
    };
    let names = Names::new(SOURCE);
    let folded = fold(events);
    let mapped = Mapper { codeset, settings: &settings, shelf: &Shelf::default() }.map(
        &names,
        &folded,
        Uuid::from_u128(7),
    );
    let message = MessageSettings {
        event_system: "https://a.example".into(),
        event_code: "referral".into(),
        endpoint: "https://a.example/in".into(),
        destination: None,
    };
    // The two ways to a Bundle's bytes are one.
    let mut writer = Writer::writes(form).then(|| Writer::new(form));
    let mut straight = Vec::new();
    for event in &mapped.events {
        writer.iter_mut().for_each(|writer| writer.append(event.entries.iter().collect(), &mut straight));
    }
    let find = |id: &str| folded.steps.iter().find(|step| step.event.event_id == id).unwrap().event.clone();
    let made: Vec<_> = mapped
        .events
        .clone()
        .into_iter()
        .map(|entries| {
            let event = find(&entries.event_id);
            let bundle = event_bundle(entries, form, Some(&message), &names, "1970-01-01T00:00:00Z");
            (event, json::to_vec(&bundle))
        })
        .collect();
    if writer.is_some() {
        assert!(straight == made.iter().flat_map(|(_, bytes)| bytes).copied().collect::<Vec<u8>>());
    }
    made
}

fn read_back(codeset: &Codeset, bytes: &[u8]) -> (Vec<ReferralEvent>, Vec<Issue>) {
    let back = Back { codeset, identities: &Identities::default(), nhs_number: NhsNumberRule::Reject };
    back.read(&read_json(bytes).unwrap_or_else(|issues| panic!("{issues:?}")))
}

/// Words and code, which are what a term keeps. A code may have been found for words on the way.
fn same_term(given: &Term, back: &Term) -> bool {
    given.text.as_ref().is_none_or(|text| back.text.as_ref() == Some(text))
        && given.code.as_ref().is_none_or(|code| back.code.as_ref() == Some(code))
}

fn same_terms<'a>(
    given: impl IntoIterator<Item = &'a Term>,
    back: impl IntoIterator<Item = &'a Term>,
) -> bool {
    let (given, back): (Vec<_>, Vec<_>) = (given.into_iter().collect(), back.into_iter().collect());
    given.len() == back.len() && given.iter().zip(back).all(|(given, back)| same_term(given, back))
}

/// What the module's documentation says comes back; the name of the first thing that did not.
fn lost(given: &ReferralEvent, back: &ReferralEvent, form: Form) -> Option<&'static str> {
    let (was, is) = (&given.detail, &back.detail);
    let (old, new) = (&*given.record, &*back.record);
    let opens = given.event_type == EventType::Referred;
    let requested = given.event_type != EventType::Offered;
    let patient = form != Form::Transaction;
    let (p, q) = (&old.person, &new.person);
    let (r, s) = (&old.referrer, &new.referrer);
    let checks = [
        ("source", given.source == back.source),
        ("type", given.event_type == back.event_type),
        ("occurred_at", given.occurred_at == back.occurred_at),
        ("referral_id", !requested || given.referral_id == back.referral_id),
        ("event_id", !requested || given.event_id == back.event_id),
        ("reasons", !opens || same_terms(&was.reasons, &is.reasons)),
        ("status_reason", same_terms(&was.status_reason, &is.status_reason)),
        ("outcome", same_terms(&was.outcome, &is.outcome)),
        ("plan", same_terms(&was.plan, &is.plan)),
        ("goals", same_terms(&was.goals, &is.goals)),
        ("what", same_terms(&was.what, &is.what)),
        ("mode", was.mode == is.mode),
        ("note", was.note == is.note),
        ("answers", was.answers == is.answers),
        ("scores", was.scores.len() == is.scores.len()),
        (
            "score",
            was.scores.iter().zip(&is.scores).all(|(a, b)| {
                same_term(&a.measure, &b.measure)
                    && a.value == b.value
                    && a.unit == b.unit
                    && a.part_of == b.part_of
            }),
        ),
        (
            "to",
            was.to.as_ref().and_then(|to| to.name.as_ref()) == is.to.as_ref().and_then(|to| to.name.as_ref()),
        ),
        ("nhs_number", p.nhs_number == q.nhs_number),
        (
            "person",
            !patient
                || (&p.family, &p.given, &p.prefix, &p.former_family, &p.preferred_name)
                    == (&q.family, &q.given, &q.prefix, &q.former_family, &q.preferred_name),
        ),
        (
            "born",
            !patient
                || (p.birth_date, p.gender, p.nhs_number_status)
                    == (q.birth_date, q.gender, q.nhs_number_status),
        ),
        (
            "address",
            !patient || (&p.address_lines, &p.city, &p.postcode) == (&q.address_lines, &q.city, &q.postcode),
        ),
        (
            "telecom",
            !patient
                || (&p.phone, &p.mobile, &p.email, &p.local_id)
                    == (&q.phone, &q.mobile, &q.email, &q.local_id),
        ),
        (
            "practice",
            !patient
                || p.practice_ods.is_none()
                || (&p.practice_ods, &p.practice_name) == (&q.practice_ods, &q.practice_name),
        ),
        ("referrer source", !requested || same_terms(&r.source, &s.source)),
        (
            "referrer",
            !requested
                || r.name.is_none()
                || (&r.name, &r.role, &r.phone, &r.email) == (&s.name, &s.role, &s.phone, &s.email),
        ),
        (
            "referring organisation",
            !requested
                || (&r.organisation_ods, &r.organisation_name) == (&s.organisation_ods, &s.organisation_name),
        ),
        ("service", !requested || old.service == new.service),
        ("priority", !requested || old.priority == new.priority),
        ("based_on", !requested || old.based_on == new.based_on),
        ("risk", !opens || same_terms(&old.risk, &new.risk)),
        ("consent", !opens || old.consent == new.consent),
        ("case_reference", !requested || old.case_reference == new.case_reference),
    ];
    checks.into_iter().find(|(_, kept)| !kept).map(|(name, _)| name)
}

/// The record without the members that a mask leaves out. What always stays is what an event cannot do without.
fn masked(mask: u64) -> Node {
    const STAYS: &[&str] = &[
        "family",
        "nhs_number",
        "kind",
        "share",
        "source",
        "organisation_name",
        "name",
        "person",
        "referrer",
        "service",
        "consent",
        "system",
        "value",
        "organisation_ods",
    ];
    fn thin(node: &mut Node, mask: &mut u64) {
        if let Node::Object(members) = node {
            members.retain(|(name, _)| {
                *mask = mask.rotate_right(1);
                STAYS.contains(&name.as_str()) || *mask & 1 == 0
            });
            members.iter_mut().for_each(|(_, value)| thin(value, mask));
        }
    }
    let mut record = parse(RECORD);
    thin(&mut record, &mut mask.clone());
    record
}

fn check(codeset: &Codeset, record: &Node, form: Form) {
    let events: Vec<_> =
        EVENTS.iter().map(|(kind, date, detail)| event(kind, date, detail, record)).collect();
    let bundles = bundles(codeset, events, form);
    assert!(bundles.len() >= EVENTS.len() - 2, "{}", bundles.len());
    for (given, bytes) in bundles {
        let (back, issues) = read_back(codeset, &bytes);
        let [back] = back.as_slice() else { panic!("{:?}: {issues:?}", given.event_type) };
        assert_eq!(lost(&given, back, form), None, "{:?} {form:?}: {issues:?}", given.event_type);
    }
}

#[test]
fn what_is_said_to_come_back_comes_back() {
    let codeset = Codeset::embedded().unwrap();
    for form in [Form::Transaction, Form::Message, Form::Collection] {
        check(&codeset, &parse(RECORD), form);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn whatever_the_record_lacks(mask in any::<u64>(), form in 0usize..3) {
        let codeset = Codeset::embedded().unwrap();
        check(&codeset, &masked(mask), [Form::Transaction, Form::Message, Form::Collection][form]);
    }
}

#[test]
fn codes_of_the_codeset_come_back_as_they_were() {
    let codeset = Codeset::embedded().unwrap();
    let codes: Vec<String> = codeset
        .iter()
        .filter(|c| c.is_emittable() && !c.is_sensitive() && c.in_group("need"))
        .map(|c| format!(r#"{{"code": "{}", "system": "snomed", "selected": true}}"#, c.code_text()))
        .collect();
    assert!(codes.len() > 20, "{}", codes.len());
    let given =
        event("referred", "2026-03-02", &format!(r#"{{"reasons": [{}]}}"#, codes.join(",")), &parse(RECORD));
    let (_, bytes) = bundles(&codeset, vec![given.clone()], Form::Transaction).remove(0);
    let back = read_back(&codeset, &bytes).0.remove(0);
    assert!(same_terms(&given.detail.reasons, &back.detail.reasons));
    assert!(back.detail.reasons.iter().all(|term| term.selected));
}

#[test]
fn xml_comes_back_as_json_does() {
    let codeset = Codeset::embedded().unwrap();
    let given = event("referred", "2026-03-02", EVENTS[1].2, &parse(RECORD));
    let (_, bytes) = bundles(&codeset, vec![given], Form::Collection).remove(0);
    let xml = write_xml(&read_json(&bytes).unwrap()).unwrap();
    let back =
        Back { codeset: &codeset, identities: &Identities::default(), nhs_number: NhsNumberRule::Reject };
    let (from_xml, _) = back.read(&read_xml(&xml).unwrap());
    assert!(from_xml == read_back(&codeset, &bytes).0);
}

#[test]
fn a_withdrawal_names_what_it_withdraws() {
    let codeset = Codeset::embedded().unwrap();
    let record = parse(RECORD);
    for (kind, detail) in [("referred", EVENTS[1].2), ("did_not_attend", "{}")] {
        let first = event("referred", "2026-03-02", EVENTS[1].2, &record);
        let target = event(kind, "2026-03-05", detail, &record);
        let mut oops = event("referred", "2026-03-06", "{}", &record);
        oops.event_type = EventType::EnteredInError;
        oops.event_id = "ELM/00042/entered_in_error".into();
        oops.target_event_id = Some(target.event_id.clone());
        let events = if kind == "referred" { vec![target, oops] } else { vec![first, target, oops] };
        let last = bundles(&codeset, events, Form::Transaction).pop().unwrap();
        let (back, issues) = read_back(&codeset, &last.1);
        assert_eq!(back.len(), 1, "{kind}: {issues:?}");
        assert_eq!(back[0].event_type, EventType::EnteredInError);
        assert_eq!(back[0].target_event_id, last.0.target_event_id, "{kind}");
    }
}

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

#[test]
fn what_no_resource_takes_up_is_listed() {
    let codeset = Codeset::embedded().unwrap();
    let record = parse(RECORD);
    let events = vec![
        event("referred", "2026-03-02", "{}", &record),
        event("accepted", "2026-03-03", r#"{"note": "called"}"#, &record),
        event("did_not_attend", "2026-03-04", r#"{"mode": "home"}"#, &record),
    ];
    let settings = Settings {
        form: Form::Transaction,
        code_in_every_bundle: true,
        recorded_at: Timestamp::UNIX_EPOCH,
        agent: "test".to_owned(),
        repair_codes: false,
        create_patient: false,
    };
    let mapper = Mapper { codeset: &codeset, settings: &settings, shelf: &Shelf::default() };
    let notes = mapper.map(&Names::new(SOURCE), &fold(events), Uuid::nil()).notes;
    let listed: Vec<_> = notes
        .remarks
        .iter()
        .filter(|(_, issue)| issue.code == IssueCode::NotCarried)
        .map(|(id, issue)| format!("{id} {}", issue.at))
        .collect();
    assert_eq!(listed, ["ELM/00042/accepted note", "ELM/00042/did_not_attend mode"]);
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

#[test]
fn the_worked_example_from_before_provenance_said_what_happened() {
    let Some(root) = std::env::var_os("SP_FHIR_TEST_DATA") else {
        println!("SKIPPED: the_worked_example: SP_FHIR_TEST_DATA is not set");
        return;
    };
    let codeset = Codeset::embedded().unwrap();
    for (name, kind) in [
        ("1-referred", EventType::Referred),
        ("2-assessed", EventType::Assessed),
        ("3-completed", EventType::Completed),
        ("declined", EventType::Declined),
    ] {
        let path = Path::new(&root).join("worked-example").join(format!("{name}.json"));
        let (events, issues) = read_back(&codeset, &std::fs::read(path).unwrap());
        assert_eq!(events.iter().map(|e| e.event_type).collect::<Vec<_>>(), [kind], "{name}: {issues:?}");
    }
}

/// A clinical system's request of one Patient, and resources about it.
fn about_one(resources: &str) -> (Vec<ReferralEvent>, Vec<(&'static str, String)>) {
    let bundle = format!(
        r#"{{"resourceType":"Bundle","type":"collection","entry":[
        {{"fullUrl":"https://a.example/Patient/p1","resource":{{"resourceType":"Patient","id":"p1","identifier":[
            {{"use":"old","system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990098727"}},
            {{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990012342"}}],"name":[{{"family":"One"}}]}}}},
        {{"fullUrl":"https://a.example/Patient/p2","resource":{{"resourceType":"Patient","id":"p2","identifier":[
            {{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990185107"}}],"name":[{{"family":"Two"}}]}}}},
        {{"fullUrl":"https://a.example/ServiceRequest/a1","resource":{{"resourceType":"ServiceRequest","id":"a1",
            "status":"active","intent":"order","subject":{{"reference":"Patient/p1"}},"authoredOn":"2026-03-02"}}}},
        {resources}]}}"#
    );
    let resource = read_json(bundle.as_bytes()).unwrap();
    let codeset = Codeset::embedded().unwrap();
    let identities = Identities { source: Some(Arc::from(SOURCE)), ..Identities::default() };
    let back = Back { codeset: &codeset, identities: &identities, nhs_number: NhsNumberRule::Reject };
    let (events, issues) = back.read(&resource);
    let errors = issues.iter().filter(|issue| issue.is_error());
    let path = |issue: &Issue| issue.at.path.as_deref().unwrap_or_default().to_owned();
    (events, errors.map(|issue| (issue.code.as_str(), path(issue))).collect())
}

fn task(of: &str) -> String {
    format!(
        r#"{{"resource":{{"resourceType":"Task","id":"t1","status":"completed","intent":"order",
        "focus":{{"reference":"ServiceRequest/a1"}},"for":{of},"lastModified":"2026-04-01"}}}}"#
    )
}

fn piece(kind: &str, more: &str, of: &str) -> String {
    format!(
        r#"{{"resource":{{"resourceType":"{kind}","id":"x1",{more},"subject":{of},
        "basedOn":[{{"reference":"ServiceRequest/a1"}}]}}}}"#
    )
}

#[test]
fn work_on_another_person_is_no_part_of_the_referral() {
    let encounter = r#""status":"finished","class":{"code":"VR"},"period":{"start":"2026-03-10"}"#;
    let observation =
        r#""status":"final","code":{"text":"ONS4"},"effectiveDateTime":"2026-03-10","valueInteger":7"#;
    let plan = r#""status":"active","intent":"plan","created":"2026-03-10","description":"Walk""#;
    let nhs = |number: &str| {
        format!(r#"{{"identifier":{{"system":"{}","value":"{number}"}}}}"#, crate::event::NhsNumber::SYSTEM)
    };
    let found = |number: &str| {
        format!(r#"{{"reference":"Patient?identifier={}|{number}"}}"#, crate::event::NhsNumber::SYSTEM)
    };
    let literal = |target: &str| format!(r#"{{"reference":"{target}"}}"#);
    let torn = format!(r#"{{"reference":"Patient/p1",{}"#, nhs("9990185107").trim_start_matches('{'));
    let others = [
        literal("Patient/p2"),
        literal("Patient/other"),
        literal("https://b.example/Patient/p1"),
        nhs("9990185107"),
        found("9990271488"),
        torn,
    ];
    for of in &others {
        for (resource, member) in [
            (task(of), "for"),
            (piece("Encounter", encounter, of), "subject"),
            (piece("Observation", observation, of), "subject"),
            (piece("CarePlan", plan, of), "subject"),
        ] {
            let (events, errors) = about_one(&resource);
            assert_eq!(
                errors,
                [("other-person", format!("Bundle.entry[3].resource.{member}"))],
                "{resource}"
            );
            assert_eq!(events.len(), 1, "only the request: {resource}");
        }
    }
    let same = [
        literal("Patient/p1"),
        literal("https://a.example/Patient/p1"),
        literal("Patient/p1/_history/3"),
        nhs("999 001 2342"),
        found("9990012342"),
    ];
    for of in &same {
        for resource in [task(of), piece("Encounter", encounter, of), piece("Observation", observation, of)] {
            let (events, errors) = about_one(&resource);
            assert_eq!((events.len(), errors), (2, vec![]), "{resource}");
            let number = |event: &ReferralEvent| {
                event.record.person.nhs_number.map(|number| number.as_str().to_owned())
            };
            assert!(events.iter().all(|event| number(event) == number(&events[0])));
        }
    }
}

#[test]
fn a_patient_has_one_current_nhs_number() {
    let patient = |second: &str| {
        let bundle = format!(
            r#"{{"resourceType":"Bundle","type":"collection","entry":[{{"resource":{{"resourceType":"Patient","id":"p1",
            "identifier":[{{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990012342"}},{second}]}}}},
            {{"resource":{{"resourceType":"ServiceRequest","id":"a1","status":"active","intent":"order",
            "subject":{{"reference":"Patient/p1"}},"authoredOn":"2026-03-02"}}}}]}}"#
        );
        let identities = Identities { source: Some(Arc::from(SOURCE)), ..Identities::default() };
        let codeset = Codeset::embedded().unwrap();
        let back = Back { codeset: &codeset, identities: &identities, nhs_number: NhsNumberRule::Reject };
        let (events, issues) = back.read(&read_json(bundle.as_bytes()).unwrap());
        let wrong: Vec<_> = issues.into_iter().filter(Issue::is_error).map(|i| (i.code, i.at.path)).collect();
        (events.len(), wrong)
    };
    let id = |number: &str, use_: &str| {
        format!(r#"{{"use":"{use_}","system":"https://fhir.nhs.uk/Id/nhs-number","value":"{number}"}}"#)
    };
    let at = Some("Bundle.entry[0].resource.identifier[1].value".into());
    assert_eq!(patient(&id("9990185107", "official")), (0, vec![(IssueCode::SeveralValues, at)]));
    assert_eq!(patient(&id("9990185107", "old")), (1, vec![]));
    assert_eq!(patient(&id("9990012342", "official")), (1, vec![]));
}

#[test]
fn a_request_that_names_two_persons_is_refused() {
    let request = |more: &str| {
        format!(
            r#"{{"resource":{{"resourceType":"ServiceRequest","id":"a2","status":"active","intent":"order",
            "authoredOn":"2026-03-02",{more}}}}}"#
        )
    };
    let subject = |number: &str| {
        request(&format!(
            r#""subject":{{"reference":"Patient/p1","identifier":{{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"{number}"}}}}"#
        ))
    };
    let (events, errors) = about_one(&subject("9990185107"));
    let at = "Bundle.entry[3].resource.subject.identifier".to_owned();
    assert_eq!((events.len(), errors), (1, vec![("other-person", at)]));
    let (events, errors) = about_one(&subject("999 001 2342"));
    assert_eq!((events.len(), errors), (2, vec![]));
    // Two Patients under one address: which of them is meant cannot be known.
    let patient = |number: &str| {
        format!(
            r#"{{"fullUrl":"https://a.example/Patient/p1","resource":{{"resourceType":"Patient","id":"p1","identifier":[
            {{"use":"old","system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990098727"}},
            {{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"{number}"}}]}}}}"#
        )
    };
    let (events, errors) = about_one(&patient("9990185107"));
    assert_eq!((events.len(), errors), (0, vec![("several-values", "Bundle.entry[0].resource".to_owned())]));
    let (events, errors) = about_one(&patient("9990012342"));
    assert_eq!((events.len(), errors), (1, vec![]));
}

#[test]
fn a_label_that_restricts_marks_the_referral_protected() {
    let label = r#""meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"R"}]}"#;
    let of_patient = format!(
        r#"{{"fullUrl":"https://a.example/Patient/p3","resource":{{"resourceType":"Patient","id":"p3",{label}}}}},
        {{"resource":{{"resourceType":"ServiceRequest","id":"a2","identifier":[{{"value":"2"}}],"status":"active",
        "intent":"order","authoredOn":"2026-03-02","subject":{{"reference":"https://a.example/Patient/p3",
        "identifier":{{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990271488"}}}}}}}}"#
    )
    .replace("\"id\":\"p3\",", r#""id":"p3","identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990271488"}],"#);
    let of_request = format!(
        r#"{{"resource":{{"resourceType":"ServiceRequest","id":"a2",{label},"status":"active","intent":"order",
        "authoredOn":"2026-03-02","subject":{{"reference":"Patient/p2"}}}}}}"#
    );
    for resources in [of_patient, of_request] {
        let (events, errors) = about_one(&resources);
        assert_eq!(errors, vec![], "{resources}");
        let protected: Vec<bool> = events.iter().map(|event| event.record.person.protected).collect();
        assert_eq!(protected, [false, true], "{resources}");
    }
}
