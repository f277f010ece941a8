//! `POST /fhir`: what we wrote, read back.

use std::fs;
use std::path::Path;

use sp_fhir::fhir::{read_json, write_xml};

use crate::fake::{Server, Setting};

fn bundle() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("fixtures/worked-example/expected/bundles.ndjson")).unwrap();
    text.lines().next().unwrap().to_owned()
}

#[test]
fn a_bundle_becomes_events_in_json_and_in_xml() {
    let server = Server::start(Setting::default());
    let json = bundle();
    let reply = server.send("POST", "/fhir", &[("Content-Type", "application/fhir+json")], json.as_bytes());
    assert_eq!(reply.status, 202, "{reply:?}");
    assert!(reply.value()["taken"].as_u64().unwrap() > 0);
    let taken = server.keep.count();
    let xml = write_xml(&read_json(json.as_bytes()).unwrap()).unwrap();
    let again = server.send("POST", "/fhir", &[("Content-Type", "application/fhir+xml")], &xml);
    assert_eq!((again.status, server.keep.count()), (200, taken), "{again:?}");
}

#[test]
fn a_resource_without_a_referral_is_no_success() {
    let server = Server::start(Setting::default());
    let patient = br#"{"resourceType":"Patient","name":[{"family":"Quill"}]}"#;
    let reply = server.send("POST", "/fhir", &[("Content-Type", "application/fhir+json")], patient);
    assert_eq!((reply.status, reply.code().as_str()), (422, "no-events"), "{reply:?}");
    assert!(!reply.body.contains("Quill"));
}

#[test]
fn wrong_fhir_is_refused_whole() {
    let server = Server::start(Setting::default());
    for (kind, body, status, code) in [
        ("application/fhir+json", r#"{"resourceType":"Task","status":3}"#, 422, None),
        ("application/fhir+json", "{", 400, Some("not-json")),
        ("application/fhir+json", "\u{feff}{\"resourceType\":\"Task\"}", 400, Some("not-json")),
        ("application/fhir+xml", "<!DOCTYPE a><Task xmlns=\"http://hl7.org/fhir\"/>", 400, Some("doctype")),
        ("application/fhir+xml", "<Task", 400, Some("not-xml")),
        ("application/json", "{}", 415, Some("media-type")),
    ] {
        let reply = server.send("POST", "/fhir", &[("Content-Type", kind)], body.as_bytes());
        assert_eq!(reply.status, status, "{reply:?}");
        assert!(code.is_none_or(|code| code == reply.code()), "{reply:?}");
    }
    assert_eq!(server.keep.count(), 0);
}

#[test]
fn an_edited_resource_is_a_revision_when_its_version_is_later() {
    let server = Server::start(Setting::default());
    let request = |updated: &str, day: &str| {
        format!(
            r#"{{"resourceType":"ServiceRequest","id":"r1"{updated},"identifier":[{{"system":"https://gp.example/case-reference","value":"G-1"}}],"status":"active","intent":"order","subject":{{"identifier":{{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990004218"}}}},"authoredOn":"2026-03-{day}"}}"#
        )
    };
    let updated = |at: &str| format!(r#","meta":{{"versionId":"1","lastUpdated":"2026-03-{at}T09:00:00Z"}}"#);
    for (body, status) in [
        (request(&updated("04"), "04"), 202),
        (request(&updated("04"), "04"), 200),
        (request(&updated("04"), "05"), 409),
        (request(&updated("06"), "05"), 202),
        (request("", "07"), 409),
    ] {
        let reply =
            server.send("POST", "/fhir", &[("Content-Type", "application/fhir+json")], body.as_bytes());
        assert_eq!(reply.value()["results"][0]["status"], status, "{reply:?}");
    }
    assert_eq!(server.keep.count(), 1);
    assert!(server.keep.submissions.lock().unwrap().iter().all(|came| came.versioned && !came.snapshot));
}
