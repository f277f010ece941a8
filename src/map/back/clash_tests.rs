//! Requests and events that would be taken for one another; others' resources beside ours; labels that restrict.

use super::address_tests::{at, entry, patient, read_as, read_bundle, request};
use super::tests::{EVENTS, RECORD, SOURCE, bundles, event, parse, read_back};
use crate::codeset::Codeset;
use crate::event::{EventType, ReferralEvent};
use crate::map::refs::Form;
use crate::tree::Node;

const ONE: &str = "9990012342";
const TWO: &str = "9990185107";
const LABEL: &str =
    r#""security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"R"}]"#;

fn ids(events: &[ReferralEvent]) -> Vec<&str> {
    events.iter().map(|event| event.event_id.as_str()).collect()
}

fn errors<'a>(issues: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    let informs = ["not-carried", "undated", "nhs-number-missing", "request-elsewhere"];
    issues.iter().filter(|(code, _)| !informs.contains(code)).map(|(code, at)| (*code, at.as_str())).collect()
}

fn task(id: &str, status: &str, focus: &str, day: u8, more: &str) -> String {
    let url = format!("urn:uuid:task-{id}");
    let focus = at(focus);
    entry(
        &url,
        "Task",
        id,
        &format!(
            r#"{more}"status":"{status}","intent":"order","focus":{focus},"lastModified":"2026-03-0{day}""#
        ),
    )
}

fn persons() -> [String; 2] {
    [patient("urn:uuid:a", "1", ONE, "1950-02-01"), patient("urn:uuid:b", "2", TWO, "1960-02-01")]
}

#[test]
fn two_requests_under_one_number_are_both_refused() {
    let named = |system: &str| format!(r#"{{"system":"https://{system}.example","value":"7"}}"#);
    let url = |server: &str| format!("https://{server}.example/ServiceRequest/7");
    let read = |one: (&str, &str), other: (&str, &str), more: &[String]| {
        let mut entries = persons().to_vec();
        entries.push(request(&url(one.0), "7", one.1, &at("urn:uuid:a")));
        entries.push(request(&url(other.0), "7", other.1, &at("urn:uuid:b")));
        entries.extend_from_slice(more);
        read_bundle("", &entries)
    };
    let both = [
        ("duplicate-referral-id", "Bundle.entry[2].resource"),
        ("duplicate-referral-id", "Bundle.entry[3].resource"),
    ];
    let (a, b) = (named("a"), named("b"));
    for (one, other) in
        [(("a", ""), ("b", "")), (("a", a.as_str()), ("b", b.as_str())), (("a", ""), ("a", ""))]
    {
        // What was done on either cannot be told apart, too.
        let more = [task("1", "accepted", "https://a.example/ServiceRequest/7", 3, "")];
        let (events, issues) = read(one, other, &more);
        assert_eq!(ids(&events), [""; 0], "{one:?} {other:?}");
        let found = errors(&issues);
        assert!(both.iter().all(|issue| found.contains(issue)), "{one:?} {other:?}: {found:?}");
    }
    // A Task about a request that is not here, whose number another request has.
    let logical = format!(
        r#"{{"resource":{{"resourceType":"Task","status":"rejected","intent":"order","lastModified":"2026-03-04",
        "focus":{{"identifier":{b}}},"for":{}}}}}"#,
        at("urn:uuid:b")
    );
    let entries =
        [persons().to_vec(), vec![request(&url("a"), "7", &a, &at("urn:uuid:a")), logical]].concat();
    let (events, issues) = read_bundle("", &entries);
    assert_eq!((ids(&events), errors(&issues)), (vec![], both.to_vec()));
    // The same entry twice is one request.
    let once = request(&url("a"), "7", &a, &at("urn:uuid:a"));
    let (events, issues) = read_bundle("", &[persons().to_vec(), vec![once.clone(), once]].concat());
    assert_eq!(
        (ids(&events), issues),
        (vec!["7/referred"], vec![("not-carried", "Bundle.entry[1].resource".to_owned())])
    );
}

#[test]
fn two_tasks_that_say_the_same_are_two_events() {
    let read = |tasks: &[String]| {
        let of =
            request("urn:uuid:c", "9", r#"{"system":"https://a.example","value":"R9"}"#, &at("urn:uuid:a"));
        read_bundle("", &[vec![persons()[0].clone(), of], tasks.to_vec()].concat())
    };
    let accepted = |id: &str, day| task(id, "accepted", "urn:uuid:c", day, "");
    let (events, issues) = read(&[accepted("4", 2), accepted("5", 7)]);
    // The earliest goes by what it went by alone, wherever it stands.
    assert_eq!((ids(&events), issues), (vec!["R9/referred", "R9/accepted", "R9/accepted/5"], vec![]));
    assert_eq!(ids(&read(&[accepted("4", 2)]).0), ["R9/referred", "R9/accepted"]);
    let turned = read(&[accepted("5", 7), accepted("4", 2), accepted("6", 2)]);
    assert_eq!(ids(&turned.0), ["R9/referred", "R9/accepted/5", "R9/accepted", "R9/accepted/6"]);
    // When it was made counts before when it was last changed.
    let made = |id: &str, day, on: u8| {
        task(id, "accepted", "urn:uuid:c", day, &format!(r#""authoredOn":"2026-02-0{on}","#))
    };
    let (events, _) = read(&[made("4", 2, 8), made("5", 7, 1)]);
    assert_eq!(ids(&events), ["R9/referred", "R9/accepted/4", "R9/accepted"]);
    // One Task in two versions that say the same of different days.
    let (events, issues) = read(&[accepted("4", 2), accepted("4", 7)]);
    let both = [
        ("duplicate-event-id", "Bundle.entry[2].resource"),
        ("duplicate-event-id", "Bundle.entry[3].resource"),
    ];
    assert_eq!((ids(&events), errors(&issues)), (vec!["R9/referred"], both.to_vec()));
    let (events, issues) = read(&[accepted("4", 2), accepted("4", 7), accepted("5", 8)]);
    assert_eq!((ids(&events), errors(&issues)), (vec!["R9/referred", "R9/accepted/5"], both.to_vec()));
}

#[test]
fn what_is_deleted_or_failed_is_no_event() {
    let of = request("urn:uuid:c", "9", "", &at("urn:uuid:a"));
    for (member, value, refused) in [
        (
            "request",
            r#"{"method":"DELETE","url":"ServiceRequest/9"}"#,
            Some("Bundle.entry[1].request.method"),
        ),
        ("request", r#"{"method":"PUT","url":"ServiceRequest/9"}"#, None),
        ("response", r#"{"status":"404 Not Found"}"#, Some("Bundle.entry[1].response.status")),
        ("response", r#"{"status":"500"}"#, Some("Bundle.entry[1].response.status")),
        ("response", r#"{"status":"201 Created"}"#, None),
    ] {
        let of = of.replacen('{', &format!(r#"{{"{member}":{value},"#), 1);
        let (events, issues) = read_bundle("", &[persons()[0].clone(), of]);
        assert_eq!(events.len(), usize::from(refused.is_none()), "{value}");
        let wanted: Vec<_> = refused.map(|at| ("fhir-modifier", at)).into_iter().collect();
        assert_eq!(errors(&issues), wanted, "{value}");
    }
}

#[test]
fn a_history_is_refused_whole() {
    let entries = [persons()[0].clone(), request("urn:uuid:c", "9", "", &at("urn:uuid:a"))].join(",");
    for (kind, events) in [("history", 0), ("searchset", 1)] {
        let bundle = format!(r#"{{"resourceType":"Bundle","type":"{kind}","entry":[{entries}]}}"#);
        let (read, issues) = read_as("https://s.example", &bundle);
        assert_eq!(read.len(), events);
        assert_eq!(errors(&issues).is_empty(), events == 1, "{issues:?}");
        assert!(events == 1 || errors(&issues) == [("fhir-history", "Bundle.type")], "{issues:?}");
    }
}

/// A Bundle of ours with more entries, and what its own event was.
fn with_ours(
    form: Form,
    change: impl Fn(&str) -> String,
) -> (ReferralEvent, Vec<ReferralEvent>, Vec<(String, String)>) {
    let codeset = Codeset::embedded().unwrap();
    let given = event("referred", "2026-03-02", EVENTS[1].2, &parse(RECORD));
    let (given, bytes) = bundles(&codeset, vec![given], form).remove(0);
    let text = change(&String::from_utf8(bytes).unwrap());
    let (events, issues) = match text.contains("https://gp.example") {
        true => {
            let (events, issues) = read_as("https://gp.example", &text);
            (events, issues.into_iter().map(|(code, at)| (code.to_owned(), at)).collect())
        }
        false => {
            let (events, issues) = read_back(&codeset, text.as_bytes());
            (events, issues.into_iter().map(|i| (i.code.as_str().to_owned(), i.at.to_string())).collect())
        }
    };
    (given, events, issues)
}

#[test]
fn anothers_request_beside_ours_is_read() {
    let theirs = [
        patient("https://gp.example/Patient/1", "1", ONE, "1950-02-01"),
        request(
            "https://gp.example/ServiceRequest/3",
            "3",
            r#"{"system":"https://gp.example/requests","value":"R3"}"#,
            &at("Patient/1"),
        ),
    ]
    .join(",");
    for form in [Form::Transaction, Form::Message, Form::Collection] {
        let (given, events, issues) =
            with_ours(form, |text| text.replacen(r#""entry":["#, &format!(r#""entry":[{theirs},"#), 1));
        // MessageHeader must be first for a message to be one, but reading does not ask.
        let [ours, theirs] = events.as_slice() else { panic!("{form:?} {issues:?}") };
        assert_eq!((&*ours.source, ours.event_type), (SOURCE, EventType::Referred));
        assert_eq!(ours.event_id, given.event_id);
        assert_eq!((&*theirs.source, theirs.event_id.as_str()), ("https://gp.example", "R3/referred"));
        assert_eq!(theirs.record.person.nhs_number.as_ref().map(|number| number.as_str()), Some(ONE));
    }
}

#[test]
fn anothers_provenance_is_not_taken_for_ours() {
    let provenance = entry(
        "urn:uuid:p",
        "Provenance",
        "p",
        r#""recorded":"2026-03-01T00:00:00Z","target":[{"reference":"urn:uuid:c"}],"agent":[{"who":{"display":"x"}}],
        "entity":[{"role":"source","what":{"identifier":{"system":"https://ehr.example/audit/event","value":"123"}}}]"#,
    );
    let entries = [persons()[0].clone(), request("urn:uuid:c", "9", "", &at("urn:uuid:a")), provenance];
    let (events, issues) = read_bundle("", &entries);
    assert_eq!(ids(&events), ["9/referred"]);
    assert_eq!(issues, [("not-carried", "Bundle.entry[2].resource".to_owned())]);
}

#[test]
fn a_label_on_our_patient_protects_and_one_on_what_was_released_does_not() {
    let labelled = |kind: &'static str| {
        move |text: &str| {
            let from = format!(r#""resourceType":"{kind}","meta":{{"#);
            assert!(text.contains(&from), "{kind}");
            text.replacen(&from, &format!("{from}{LABEL},"), 1)
        }
    };
    let protects = |(_, events, issues): (_, Vec<ReferralEvent>, Vec<_>)| {
        let [event] = events.as_slice() else { panic!("{issues:?}") };
        event.record.person.protected
    };
    assert!(!protects(with_ours(Form::Collection, str::to_owned)));
    assert!(protects(with_ours(Form::Collection, labelled("Patient"))));
    assert!(!protects(with_ours(Form::Collection, labelled("ServiceRequest"))));
    assert!(!protects(with_ours(Form::Collection, labelled("Task"))));
    for form in [Form::Transaction, Form::Collection] {
        let whole =
            |text: &str| text.replacen(r#""entry":["#, &format!(r#""meta":{{{LABEL}}},"entry":["#), 1);
        assert!(protects(with_ours(form, whole)));
    }
}

#[test]
fn a_label_on_the_bundle_or_on_the_work_protects_the_referral() {
    let (meta, none) = (format!(r#""meta":{{{LABEL}}},"#), "");
    let read = |bundle: &str, of_task: &str, of_work: &str, focus: &str| {
        let work = format!(
            r#"{of_work}"status":"final","code":{{"text":"ONS4"}},"valueInteger":7,"effectiveDateTime":"2026-03-08",
            "basedOn":[{}]"#,
            at("urn:uuid:c")
        );
        let for_one = format!(r#"{of_task}"for":{},"#, at("urn:uuid:a"));
        let entries = [
            persons()[0].clone(),
            request("urn:uuid:c", "9", "", &at("urn:uuid:a")),
            task("4", "accepted", focus, 2, &for_one),
            entry("urn:uuid:o", "Observation", "o", &work),
        ];
        let (events, issues) = read_bundle(bundle, &entries);
        assert_eq!((events.len(), errors(&issues)), (3, vec![]), "{issues:?}");
        events.iter().map(|event| event.record.person.protected).collect::<Vec<_>>()
    };
    let here = "urn:uuid:c";
    assert_eq!(read(none, none, none, here), [false; 3]);
    assert_eq!(read(&meta, none, none, here), [true; 3]);
    assert_eq!(read(none, &meta, none, here), [true; 3]);
    assert_eq!(read(none, none, &meta, here), [true; 3]);
    // A Task about a request that is elsewhere is all there is of it.
    assert_eq!(read(none, &meta, none, "https://b.example/ServiceRequest/5"), [false, true, false]);
}

#[test]
fn all_notes_are_read_and_other_performers_are_listed() {
    let of = request("urn:uuid:c", "9", "", &at("urn:uuid:a")).replacen(
        r#""status""#,
        r#""note":[{"text":"one"},{"text":"lone visit risk"}],"performer":[{"display":"X"},{"display":"Y"}],"status""#,
        1,
    );
    let (events, issues) = read_bundle("", &[persons()[0].clone(), of]);
    let note = parse(r#"{"note":"one\nlone visit risk"}"#);
    let note = note.get("note").and_then(Node::as_str);
    assert_eq!(events[0].detail.note.as_deref(), note);
    assert_eq!(events[0].record.service.name.as_deref(), Some("X"));
    assert_eq!(issues, [("not-carried", "Bundle.entry[1].resource.performer[1]".to_owned())]);
}

#[test]
fn what_a_status_column_said_comes_back_without_a_date() {
    let codeset = Codeset::embedded().unwrap();
    for (kind, detail) in
        [("on_hold", "{}"), ("completed", r#"{"outcome": "Goals met"}"#), ("contacted", "{}")]
    {
        let record = parse(RECORD);
        let first = event("referred", "2026-03-02", EVENTS[1].2, &record);
        let mut undated = event(kind, "2026-03-03", detail, &record);
        undated.occurred_at = None;
        undated.is_status_slot = true;
        undated.event_id = "ELM/00042/status".to_owned();
        let made = bundles(&codeset, vec![first, undated], Form::Transaction);
        assert_eq!(made.len(), 2, "{kind}");
        let (events, issues) = read_back(&codeset, &made[1].1);
        let [back] = events.as_slice() else { panic!("{kind}: {issues:?}") };
        assert_eq!((back.occurred_at, back.is_status_slot), (None, true), "{kind}");
        assert_eq!((back.event_id.as_str(), back.event_type.as_str()), ("ELM/00042/status", kind));
    }
}
