//! fhirbolt's strict reader must take everything we emit, as JSON and as XML, and give the same values back.
//!
//! Everything the fixtures become (`fixtures/*/expected/bundles.ndjson`), some built here, and the NDJSON file of resources
//! that `SP_FHIR_ORACLE_BUNDLES` names, if it does.

// clippy sees an integration test as production code.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use sp_fhir::fhir::fhirbolt::{from_fhirbolt, to_fhirbolt};
use sp_fhir::fhir::types::*;
use sp_fhir::fhir::{FhirResource, checked, read_json, write_xml};
use sp_fhir::tree::Node;

fn sorted(node: &Node) -> Node {
    match node {
        Node::Array(items) => Node::Array(items.iter().map(sorted).collect()),
        Node::Object(members) => {
            let mut members: Vec<_> =
                members.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            members.sort_by(|a, b| a.0.cmp(&b.0));
            Node::Object(members)
        }
        other => other.clone(),
    }
}

fn built_here() -> Vec<FhirResource> {
    let who = Reference::logical(Identifier::new("https://fhir.nhs.uk/Id/nhs-number", "9990004218"));
    let code = CodeableConcept::coding(Coding::new("http://snomed.info/sct", "871731000000106"));
    let request = ServiceRequest {
        status: "active".into(),
        intent: "order".into(),
        code: Some(code.clone()),
        subject: who.clone(),
        authored_on: Some("2026-03".into()),
        note: vec![Annotation::text("Fôn \"x\"\nline")],
        ..ServiceRequest::default()
    };
    let score = Observation {
        status: "final".into(),
        code: code.clone(),
        subject: Some(who),
        effective: Some(Effective::DateTime("2026-06-12".into())),
        value: Some(Value::Integer(7)),
        component: vec![ObservationComponent {
            code,
            value: Some(Value::Quantity(Quantity { value: Decimal::parse("3.10"), ..Quantity::default() })),
            ..ObservationComponent::default()
        }],
        ..Observation::default()
    };
    let entry = |resource: Resource| BundleEntry { resource: Some(resource), ..BundleEntry::default() };
    let entry = vec![entry(request.into()), entry(score.into())];
    let bundle = Bundle { type_: "collection".into(), entry, ..Bundle::default() };
    vec![checked(&bundle.into()).unwrap()]
}

/// What the command makes of every fixture, as the golden test holds it; what is built here; and any more.
fn emitted() -> Vec<FhirResource> {
    let mut emitted = built_here();
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let folders = std::fs::read_dir(fixtures).unwrap().map(|entry| entry.unwrap().path());
    let files = folders.map(|folder| folder.join("expected/bundles.ndjson")).filter(|file| file.is_file());
    for file in files.chain(std::env::var_os("SP_FHIR_ORACLE_BUNDLES").map(std::path::PathBuf::from)) {
        let text = std::fs::read_to_string(file).unwrap();
        let lines = text.lines().filter(|line| !line.is_empty());
        emitted.extend(lines.map(|line| read_json(line.as_bytes()).unwrap()));
    }
    assert!(emitted.len() > 100, "{} resources", emitted.len());
    emitted
}

#[test]
fn fhirbolt_takes_what_we_emit_and_gives_it_back() {
    let emitted = emitted();
    for resource in &emitted {
        let theirs = to_fhirbolt(resource).unwrap_or_else(|error| panic!("{error}"));
        let back = from_fhirbolt(&theirs).unwrap_or_else(|error| panic!("{error}"));
        assert!(sorted(back.node()) == sorted(resource.node()), "JSON");

        // Back as JSON: fhirbolt writes a line break in an XML attribute bare, and XML readers make a space of it.
        let xml = write_xml(resource).unwrap();
        let theirs: fhirbolt::model::r4::Resource = fhirbolt::xml::from_slice(&xml, None).unwrap();
        let back = from_fhirbolt(&theirs).unwrap_or_else(|error| panic!("{error}"));
        assert!(sorted(back.node()) == sorted(resource.node()), "XML");
    }
    println!("{} resources through fhirbolt", emitted.len());
}
