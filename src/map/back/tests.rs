//! CSV → event → FHIR → event: what the mapping says it keeps, it keeps. Others' FHIR: `foreign_tests.rs`.

use std::path::Path;

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

pub(super) const SOURCE: &str = "https://elmfield-sp.example/cases";

/// Everything a record can say that comes back.
pub(super) const RECORD: &str = r#"{
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
pub(super) const EVENTS: &[(&str, &str, &str)] = &[
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

pub(super) fn parse(text: &str) -> Node {
    tree::json::parse(text.as_bytes(), &Limits::default()).unwrap()
}

pub(super) fn event(kind: &str, date: &str, detail: &str, record: &Node) -> ReferralEvent {
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
pub(super) fn bundles(
    codeset: &Codeset,
    events: Vec<ReferralEvent>,
    form: Form,
) -> Vec<(ReferralEvent, Vec<u8>)> {
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

pub(super) fn read_back(codeset: &Codeset, bytes: &[u8]) -> (Vec<ReferralEvent>, Vec<Issue>) {
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
