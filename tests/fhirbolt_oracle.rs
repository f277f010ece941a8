//! fhirbolt's strict reader must take everything we emit, as JSON and as XML, and give the same values back.
//!
//! `SP_FHIR_ORACLE_BUNDLES` names an NDJSON file of resources; without it a few built here are used.

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

fn emitted() -> Vec<FhirResource> {
    let Some(path) = std::env::var_os("SP_FHIR_ORACLE_BUNDLES") else { return built_here() };
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().filter(|line| !line.is_empty()).map(|line| read_json(line.as_bytes()).unwrap()).collect()
}

#[test]
fn fhirbolt_takes_what_we_emit_and_gives_it_back() {
    let emitted = emitted();
    assert!(!emitted.is_empty());
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
