//! Whom resources are about: another person's are no part of a referral.

use std::sync::Arc;

use super::Back;
use super::tests::SOURCE;
use crate::codeset::Codeset;
use crate::event::build::NhsNumberRule;
use crate::event::finish::Identities;
use crate::event::{Issue, IssueCode, ReferralEvent};
use crate::fhir::read_json;

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
