//! What references inside a Bundle point at, and what of a Patient is never passed over.

use std::sync::Arc;

use super::Back;
use crate::codeset::Codeset;
use crate::event::build::NhsNumberRule;
use crate::event::finish::Identities;
use crate::event::{NhsNumber, ReferralEvent};
use crate::fhir::read_json;

/// Events, and the code and place of each issue.
pub(super) type Outcome = (Vec<ReferralEvent>, Vec<(&'static str, String)>);

pub(super) fn read_as(source: &str, bundle: &str) -> Outcome {
    let codeset = Codeset::embedded().unwrap();
    let identities = Identities { source: Some(Arc::from(source)), ..Identities::default() };
    let back = Back { codeset: &codeset, identities: &identities, nhs_number: NhsNumberRule::Reject };
    let (events, issues) =
        back.read(&read_json(bundle.as_bytes()).unwrap_or_else(|i| panic!("{i:?}: {bundle}")));
    (events, issues.into_iter().map(|issue| (issue.code.as_str(), issue.at.to_string())).collect())
}

pub(super) fn read_bundle(more: &str, entries: &[String]) -> Outcome {
    let entries = entries.join(",");
    let bundle = format!(r#"{{"resourceType":"Bundle","type":"collection",{more}"entry":[{entries}]}}"#);
    read_as("https://s.example", &bundle)
}

/// An entry at a URL, or at none, of a resource with an id.
pub(super) fn entry(url: &str, kind: &str, id: &str, more: &str) -> String {
    let url = if url.is_empty() { String::new() } else { format!(r#""fullUrl":"{url}","#) };
    format!(r#"{{{url}"resource":{{"resourceType":"{kind}","id":"{id}",{more}}}}}"#)
}

pub(super) fn patient(url: &str, id: &str, number: &str, born: &str) -> String {
    let system = NhsNumber::SYSTEM;
    let more = format!(r#""identifier":[{{"system":"{system}","value":"{number}"}}],"birthDate":"{born}""#);
    entry(url, "Patient", id, &more)
}

pub(super) fn request(url: &str, id: &str, identifier: &str, subject: &str) -> String {
    let more = format!(
        r#""identifier":[{identifier}],"status":"active","intent":"order","subject":{subject},"authoredOn":"2026-03-01""#
    )
    .replace(r#""identifier":[],"#, "");
    entry(url, "ServiceRequest", id, &more)
}

pub(super) fn at(target: &str) -> String {
    format!(r#"{{"reference":"{target}"}}"#)
}

/// The number of each event's person.
fn numbers((events, _): &Outcome) -> Vec<&str> {
    let number = |event: &'_ ReferralEvent| event.record.person.nhs_number.is_some();
    assert!(events.iter().all(number));
    events.iter().filter_map(|event| Some(event.record.person.nhs_number.as_ref()?.as_str())).collect()
}

fn codes((_, issues): &Outcome) -> Vec<&'static str> {
    let informs = ["not-carried", "undated", "nhs-number-missing", "request-elsewhere"];
    issues.iter().map(|(code, _)| *code).filter(|code| !informs.contains(code)).collect()
}

const ONE: &str = "9990012342";
const TWO: &str = "9990185107";

#[test]
fn a_relative_reference_is_of_the_server_that_its_own_entry_is_of() {
    let persons = [
        patient("https://a.example/Patient/1", "1", ONE, "1950-02-01"),
        patient("https://b.example/fhir/Patient/1", "1", TWO, "1960-02-01"),
    ];
    let read = |by: &str, subject: &str| {
        let mut entries = persons.to_vec();
        entries.push(request(by, "9", "", &at(subject)));
        read_bundle("", &entries)
    };
    for subject in ["Patient/1", "Patient/1/_history/2", "https://b.example/fhir/Patient/1"] {
        assert_eq!(numbers(&read("https://b.example/fhir/ServiceRequest/9", subject)), [TWO], "{subject}");
    }
    assert_eq!(numbers(&read("https://a.example/ServiceRequest/9", "Patient/1")), [ONE]);
    // Where it does not say where it is from, either may be meant.
    for by in ["", "urn:uuid:5d2f7ab4-7c2f-4a53-93ad-3a50e0c5d1a1"] {
        let read = read(by, "Patient/1");
        assert!(read.0.is_empty() && codes(&read) == ["reference-unclear"], "{by}: {:?}", read.1);
    }
}

#[test]
fn an_id_says_who_it_is_only_on_its_own_server() {
    let urn = "urn:uuid:5d2f7ab4-7c2f-4a53-93ad-3a50e0c5d1a1";
    for url in ["", urn] {
        for (by, subject) in [
            ("https://b.example/ServiceRequest/9", "https://b.example/Patient/1"),
            ("https://b.example/ServiceRequest/9", "Patient/1"),
            (urn, "https://b.example/Patient/1"),
        ] {
            let entries = [patient(url, "1", ONE, "1950-02-01"), request(by, "9", "", &at(subject))];
            let read = read_bundle("", &entries);
            assert!(read.0.is_empty(), "{url} {by} {subject}");
            assert_eq!(codes(&read), ["reference-unclear"], "{url} {by} {subject}");
        }
    }
    // Where nothing says where it is from, type and id are all there is.
    for (url, by) in [("", ""), (urn, ""), ("", urn), ("https://a.example/Patient/1", "")] {
        let entries = [patient(url, "1", ONE, "1950-02-01"), request(by, "9", "", &at("Patient/1"))];
        assert_eq!(numbers(&read_bundle("", &entries)), [ONE], "{url} {by}");
    }
}

#[test]
fn a_task_is_about_a_request_of_its_own_server() {
    let of = |server: &str, kind: &str, id: &str| format!("https://{server}.example/{kind}/{id}");
    let task = |url: &str, focus: &str, more: &str| {
        let more = format!(
            r#""status":"completed","intent":"order","focus":{},{more}"lastModified":"2026-03-05""#,
            at(focus)
        );
        entry(url, "Task", "1", &more)
    };
    let read = |task: String| {
        read_bundle(
            "",
            &[
                patient(&of("a", "Patient", "1"), "1", ONE, "1950-02-01"),
                patient(&of("b", "Patient", "1"), "1", TWO, "1960-02-01"),
                request(
                    &of("a", "ServiceRequest", "7"),
                    "7",
                    r#"{"system":"https://a.example","value":"A7"}"#,
                    &at("Patient/1"),
                ),
                request(
                    &of("b", "ServiceRequest", "7"),
                    "7",
                    r#"{"system":"https://b.example","value":"B7"}"#,
                    &at("Patient/1"),
                ),
                task,
            ],
        )
    };
    let of_b = read(task(&of("b", "Task", "1"), "ServiceRequest/7", ""));
    assert_eq!(
        of_b.0.iter().map(|e| e.event_id.as_str()).collect::<Vec<_>>(),
        ["A7/referred", "B7/referred", "B7/completed"]
    );
    assert_eq!(numbers(&of_b), [ONE, TWO, TWO]);
    // The same words mean another person on another server.
    let torn = read(task(
        &of("b", "Task", "1"),
        &of("a", "ServiceRequest", "7"),
        r#""for":{"reference":"Patient/1"},"#,
    ));
    assert_eq!((torn.0.len(), codes(&torn)), (2, vec!["other-person"]));
    let unclear = read(task("", "ServiceRequest/7", ""));
    assert_eq!((unclear.0.len(), codes(&unclear)), (2, vec!["reference-unclear"]));
}

#[test]
fn one_number_on_two_persons_is_nobodys() {
    let by_number = format!(r#"{{"identifier":{{"system":"{}","value":"{ONE}"}}}}"#, NhsNumber::SYSTEM);
    let by_search = at(&format!("Patient?identifier={}|{ONE}", NhsNumber::SYSTEM));
    for subject in [by_number, by_search, at("urn:uuid:b")] {
        let read = |born: &str| {
            let entries = [
                patient("urn:uuid:a", "1", ONE, "1950-02-01"),
                patient("urn:uuid:b", "2", ONE, born),
                request("urn:uuid:c", "9", "", &subject),
            ];
            read_bundle("", &entries)
        };
        let two = read("1990-01-01");
        assert!(two.0.is_empty() && codes(&two) == ["several-values"], "{subject}: {:?}", two.1);
        for same in ["1950-02-01", "1950-02"] {
            assert_eq!(numbers(&read(same)), [ONE], "{subject} {same}");
        }
    }
}

#[test]
fn what_a_patient_says_of_its_record_is_not_passed_over() {
    let read = |more: &str| {
        let system = NhsNumber::SYSTEM;
        let more = format!(r#""identifier":[{{"system":"{system}","value":"{ONE}"}}],{more}"#);
        let entries =
            [entry("urn:uuid:a", "Patient", "1", &more), request("urn:uuid:c", "9", "", &at("urn:uuid:a"))];
        read_bundle("", &entries)
    };
    let (events, issues) =
        read(r#""active":false,"deceasedBoolean":true,"link":[{"other":{"display":"x"},"type":"seealso"}]"#);
    assert_eq!(events.len(), 1);
    for member in ["active", "deceasedBoolean", "link"] {
        assert!(
            issues.contains(&("not-carried", format!("Bundle.entry[0].resource.{member}"))),
            "{issues:?}"
        );
    }
    assert_eq!(read(r#""active":true,"deceasedBoolean":false"#).1, []);
    let replaced = read(r#""link":[{"other":{"reference":"Patient/77"},"type":"replaced-by"}]"#);
    assert!(replaced.0.is_empty() && codes(&replaced) == ["fhir-modifier"], "{:?}", replaced.1);
    // The name is the one for every day, wherever it stands.
    for other in ["nickname", "anonymous", "temp"] {
        let names = format!(
            r#""name":[{{"use":"{other}","family":"Not","given":["Her"]}},{{"use":"official","family":"Vale","given":["Una"]}}]"#
        );
        let (events, issues) = read(&names);
        assert_eq!(events[0].record.person.family.as_deref(), Some("Vale"), "{other}");
        assert_eq!(events[0].record.person.given, ["Una"], "{other}");
        assert_eq!(issues, [("not-carried", "Bundle.entry[0].resource.name[0]".to_owned())], "{other}");
    }
    let (events, _) = read(r#""name":[{"use":"nickname","family":"Only","given":["This"]}]"#);
    assert_eq!(events[0].record.person.family.as_deref(), Some("Only"));
}
