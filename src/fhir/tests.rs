//! What is taken, what is refused, and that our own structs pass the table.

use super::types::*;
use super::*;
use crate::event::IssueCode;
use crate::tree::Node;

fn issues(text: &str) -> Vec<(IssueCode, String)> {
    read_json(text.as_bytes())
        .map(|_| Vec::new())
        .unwrap_or_else(|issues| issues)
        .into_iter()
        .map(|issue| (issue.code, issue.at.path.unwrap().to_string()))
        .collect()
}

/// A ServiceRequest that is right, with more members; `extra` may also replace what is there.
fn request(extra: &str) -> String {
    format!(
        "{{\"resourceType\":\"ServiceRequest\",\"status\":\"active\",\"intent\":\"order\",\
         \"subject\":{{\"reference\":\"Patient/1\"}}{}{extra}}}",
        if extra.is_empty() { "" } else { "," }
    )
}

#[test]
fn what_is_not_r4_is_refused_by_path() {
    use IssueCode::{
        FhirPrimitive, NarrativeActive, RequiredMissing, UnknownField, ValueNotListed, WrongShape,
    };
    assert_eq!(issues(&request("")), []);
    for (extra, code, path) in [
        ("\"priority\":\"bogus\"", ValueNotListed, "ServiceRequest.priority"),
        ("\"authoredOn\":\"31/12/2025\"", FhirPrimitive, "ServiceRequest.authoredOn"),
        ("\"authoredOn\":\"2025-01-01T10:00:00\"", FhirPrimitive, "ServiceRequest.authoredOn"),
        ("\"surprise\":1", UnknownField, "ServiceRequest.surprise"),
        ("\"category\":[]", WrongShape, "ServiceRequest.category"),
        ("\"category\":{}", WrongShape, "ServiceRequest.category"),
        ("\"category\":[{}]", WrongShape, "ServiceRequest.category[0]"),
        ("\"category\":[null]", WrongShape, "ServiceRequest.category[0]"),
        ("\"code\":[{\"text\":\"x\"}]", WrongShape, "ServiceRequest.code"),
        ("\"code\":{\"text\":\"\"}", FhirPrimitive, "ServiceRequest.code.text"),
        ("\"code\":null", WrongShape, "ServiceRequest.code"),
        ("\"_code\":{\"id\":\"x\"}", UnknownField, "ServiceRequest._code"),
        ("\"id\":\"a/b\"", FhirPrimitive, "ServiceRequest.id"),
        ("\"doNotPerform\":\"true\"", FhirPrimitive, "ServiceRequest.doNotPerform"),
        ("\"quantityQuantity\":{\"value\":\"1.0\"}", FhirPrimitive, "ServiceRequest.quantityQuantity.value"),
        (
            "\"occurrenceDateTime\":\"2026\",\"occurrencePeriod\":{\"start\":\"2026\"}",
            WrongShape,
            "ServiceRequest.occurrencePeriod",
        ),
        ("\"extension\":[{\"valueString\":\"x\"}]", RequiredMissing, "ServiceRequest.extension[0].url"),
        ("\"extension\":[{\"url\":\"urn:x\"}]", WrongShape, "ServiceRequest.extension[0]"),
        (
            "\"extension\":[{\"url\":\"urn:x\",\"valueString\":\"x\",\"extension\":[{\"url\":\"a\",\"valueCode\":\"b\"}]}]",
            WrongShape,
            "ServiceRequest.extension[0]",
        ),
        ("\"instantiatesUri\":[null,\"urn:x\"]", WrongShape, "ServiceRequest.instantiatesUri[0]"),
        (
            "\"instantiatesUri\":[\"urn:x\"],\"_instantiatesUri\":[null]",
            WrongShape,
            "ServiceRequest._instantiatesUri",
        ),
        (
            "\"instantiatesUri\":[\"urn:x\"],\"_instantiatesUri\":[null,{\"id\":\"a\"}]",
            WrongShape,
            "ServiceRequest._instantiatesUri",
        ),
        ("\"_authoredOn\":{\"id\":\"a\",\"other\":1}", UnknownField, "ServiceRequest._authoredOn.other"),
        ("\"fhir_comments\":[\"x\"]", UnknownField, "ServiceRequest.fhir_comments"),
        (
            "\"contained\":[{\"resourceType\":\"Nonsense\"}]",
            ValueNotListed,
            "ServiceRequest.contained[0].resourceType",
        ),
        ("\"contained\":[{\"id\":\"x\"}]", RequiredMissing, "ServiceRequest.contained[0].resourceType"),
        (
            "\"text\":{\"status\":\"generated\",\"div\":\"<div xmlns='http://www.w3.org/1999/xhtml'><script/></div>\"}",
            NarrativeActive,
            "ServiceRequest.text.div",
        ),
    ] {
        assert_eq!(issues(&request(extra)), [(code, path.to_owned())], "{extra}");
    }
    let bare = issues("{\"resourceType\":\"ServiceRequest\"}");
    assert_eq!(bare.iter().filter(|(code, _)| *code == RequiredMissing).count(), 3, "{bare:?}");
    assert_eq!(issues("[]").first().map(|(code, _)| *code), Some(RequiredMissing));
    let many: Vec<String> = (0..500).map(|n| format!("\"x{n}\":1")).collect();
    assert_eq!(issues(&request(&many.join(","))).len(), 100);
}

#[test]
fn what_is_r4_is_taken_and_kept() {
    for extra in [
        "\"instantiatesUri\":[null,\"urn:x\"],\"_instantiatesUri\":[{\"id\":\"a\"},null]",
        "\"_authoredOn\":{\"extension\":[{\"url\":\"urn:x\",\"valueCode\":\"unknown\"}]}",
        "\"quantityQuantity\":{\"value\":1.50}",
        "\"contained\":[{\"resourceType\":\"Immunization\",\"anything\":[[]]}]",
        "\"text\":{\"status\":\"generated\",\"div\":\"<div xmlns='http://www.w3.org/1999/xhtml'>&amp; <b>b</b></div>\"}",
    ] {
        let text = request(extra);
        let resource = read_json(text.as_bytes()).unwrap_or_else(|issues| panic!("{extra}: {issues:?}"));
        assert_eq!(String::from_utf8(write_json(&resource)).unwrap(), text);
    }
    let other = read_json(b"\xEF\xBB\xBF{\"resourceType\":\"Immunization\",\"x\":3.10}").unwrap();
    assert!(!other.is_modelled() && write_json(&other).ends_with(b"3.10}"));
    assert_eq!(write_xml(&other).unwrap_err().first().unwrap().code, IssueCode::FhirTypeNotRead);
}

fn xml_issue(text: &str) -> (IssueCode, String) {
    let issue = read_xml(text.as_bytes()).unwrap_err().swap_remove(0);
    (issue.code, issue.at.path.unwrap().to_string())
}

#[test]
fn xml_as_senders_write_it() {
    let plain = r#"<Patient xmlns="http://hl7.org/fhir"><id value="a"/><text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml">a &amp; <b>b</b> c</div></text><name id="n"><given value="A&#10;B"/><given id="g"/></name><birthDate value="1951-08"><extension url="urn:x"><valueDecimal value="3.10"/></extension></birthDate></Patient>"#;
    let prefixed = "\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?><?xml-stylesheet href=\"x\"?><!-- c -->\
        <f:Patient xmlns:f=\"http://hl7.org/fhir\" xmlns:h=\"http://www.w3.org/1999/xhtml\"\
        \n xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:schemaLocation=\"http://hl7.org/fhir patient.xsd\">\
        <f:birthDate value=\"1951-08\"><f:extension url=\"urn:x\"><f:valueDecimal value=\"3.10\"/></f:extension></f:birthDate>\
        \n <f:id value=\"a\"/><!-- c --><f:text><f:status value=\"generated\"/><h:div>a &amp; <h:b>b</h:b> c</h:div></f:text>\
        <f:name id=\"n\"><f:given value=\"A&#xA;B\"/><f:given id=\"g\"/></f:name></f:Patient>";
    for text in [plain, prefixed] {
        let patient = read_xml(text.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(write_xml(&patient).unwrap()).unwrap(), plain);
        assert_eq!(
            patient.node().path("_birthDate.extension[0].valueDecimal").and_then(Node::as_number),
            Some("3.10")
        );
        assert_eq!(patient.node().path("name[0]._given[1].id").and_then(Node::as_str), Some("g"));
        assert!(patient.node().path("name[0]._given[0]").unwrap().is_null());
    }
}

#[test]
fn xml_that_is_not_r4_is_refused() {
    use IssueCode::{
        FhirPrimitive, FhirTypeNotRead, RequiredMissing, UnknownField, ValueNotListed, WrongShape,
    };
    let patient = |inside: &str| format!("<Patient xmlns=\"http://hl7.org/fhir\">{inside}</Patient>");
    for (inside, code, path) in [
        ("<surprise value='x'/>", UnknownField, "Patient/surprise"),
        ("<gender value='x'/>", ValueNotListed, "Patient.gender"),
        ("<gender value='male'/><gender value='male'/>", WrongShape, "Patient/gender"),
        ("<gender id='x'/><gender value='male'/>", WrongShape, "Patient/gender"),
        ("<gender/>", RequiredMissing, "Patient/gender/@value"),
        ("<gender other='x' value='male'/>", UnknownField, "Patient/gender/@other"),
        ("<active value='1'/>", FhirPrimitive, "Patient.active"),
        ("<name/>", WrongShape, "Patient.name[0]"),
        ("text", WrongShape, "Patient/text()"),
        ("<name xmlns='urn:x'/>", WrongShape, "Patient/name"),
        ("<contained><Immunization/></contained>", FhirTypeNotRead, "Patient/contained/Immunization"),
        ("<contained/>", WrongShape, "Patient/contained/*"),
        ("<contained><Nonsense/></contained>", ValueNotListed, "Patient/contained/Nonsense"),
    ] {
        assert_eq!(xml_issue(&patient(inside)), (code, path.to_owned()), "{inside}");
    }
    assert_eq!(xml_issue("<Patient/>").0, WrongShape);
    assert_eq!(xml_issue(&patient("<active value='true'/>").replace("</Patient>", "")).0, IssueCode::NotXml);
    assert_eq!(xml_issue(&format!("<!DOCTYPE x>{}", patient(""))).0, IssueCode::Doctype);
}

fn people() -> Vec<Resource> {
    let who = Reference::logical(Identifier::new("https://fhir.nhs.uk/Id/nhs-number", "9990004218"));
    let code = CodeableConcept::coding(
        Coding::new("http://snomed.info/sct", "871731000000106").with_display("x \"y\""),
    );
    let meta = Some(Meta { profile: vec!["urn:p".into()], ..Meta::default() });
    let service_request = ServiceRequest {
        id: Some("a".into()),
        meta: meta.clone(),
        extension: vec![Extension::new("urn:x", Value::CodeableConcept(code.clone()))],
        identifier: vec![Identifier::new("urn:s", "1")],
        status: "active".into(),
        intent: "order".into(),
        do_not_perform: Some(false),
        code: Some(code.clone()),
        subject: who.clone(),
        occurrence: Some(Occurrence::Period(Period { start: Some("2026".into()), end: None })),
        authored_on: Some("2026-03-04".into()),
        note: vec![Annotation { author: Some(Author::String("x".into())), ..Annotation::text("Fôn\nline") }],
        ..ServiceRequest::default()
    };
    let observation = Observation {
        status: "final".into(),
        code: code.clone(),
        effective: Some(Effective::DateTime("2026-03-04".into())),
        value: Some(Value::Integer(7)),
        component: vec![ObservationComponent {
            code: CodeableConcept::text("part"),
            value: Some(Value::Quantity(Quantity { value: Decimal::parse("3.10"), ..Quantity::default() })),
        }],
        ..Observation::default()
    };
    let task = Task {
        status: "requested".into(),
        intent: "order".into(),
        for_: Some(who.clone()),
        output: vec![TaskParameter { type_: code.clone(), value: Some(Value::Boolean(true)) }],
        ..Task::default()
    };
    let flag = Flag { status: "active".into(), code, subject: who, ..Flag::default() };
    vec![service_request.into(), observation.into(), task.into(), flag.into()]
}

fn bundle() -> Bundle {
    let entry = |resource: Resource| BundleEntry {
        full_url: Some("urn:uuid:5d5ffed6-a68e-5748-90d1-71f7906ab630".into()),
        request: Some(BundleRequest {
            method: "PUT".into(),
            url: format!("{}?identifier=urn:s|1", resource.type_name()).into(),
            ..BundleRequest::default()
        }),
        resource: Some(resource),
        ..BundleEntry::default()
    };
    Bundle {
        type_: "transaction".into(),
        entry: people().into_iter().map(entry).collect(),
        ..Bundle::default()
    }
}

#[test]
fn our_structs_write_the_same_bytes_as_serde_json_and_pass_the_table() {
    let bundle = Resource::from(bundle());
    let bytes = json::to_vec(&bundle);
    assert_eq!(String::from_utf8(bytes.clone()).unwrap(), serde_json::to_string(&bundle).unwrap());
    let read = checked(&bundle).unwrap();
    assert_eq!(write_json(&read), bytes);
    // R4 order in both directions: what comes back from XML has the same bytes.
    assert_eq!(write_json(&read_xml(&write_xml(&read).unwrap()).unwrap()), bytes);
    assert_eq!(format!("{bundle:?} {:?}", people()), "Bundle [ServiceRequest, Observation, Task, Flag]");
}

#[test]
fn a_forgotten_mandatory_element_is_found() {
    let issues = checked(&Flag::default().into()).unwrap_err();
    let paths: Vec<_> = issues.iter().filter_map(|issue| issue.at.path.as_deref()).collect();
    assert_eq!(paths, ["Flag.code", "Flag.subject", "Flag.status"]);
}

/// Prints the rate (`cargo test --release -- --nocapture five_megabytes`); fails only when something is quadratic.
#[test]
fn five_megabytes_read_and_write_in_bounded_time() {
    let one = bundle();
    let mut big = one.clone();
    let size = json::to_vec(&one).len();
    big.entry = (0..5_000_000 / size).flat_map(|_| one.entry.clone()).collect();
    let time = |name: &str, bytes: usize, run: &mut dyn FnMut()| {
        let start = std::time::Instant::now();
        run();
        let took = start.elapsed();
        println!("{name}: {:.0} MB/s, {} ms", bytes as f64 / took.as_secs_f64() / 1e6, took.as_millis());
        assert!(took.as_secs() < 20, "{name}");
    };
    let mut bytes = Vec::new();
    for _ in 0..5 {
        bytes.clear();
        let mut out = std::mem::take(&mut bytes);
        time("typed to JSON", 5_000_000, &mut || json::append(&big, &mut out));
        bytes = out;
    }
    let mut serde = Vec::new();
    time("typed to JSON by serde_json", bytes.len(), &mut || serde = serde_json::to_vec(&big).unwrap());
    assert_eq!(serde, bytes);
    let mut read = None;
    time("read JSON into a tree", bytes.len(), &mut || {
        read = crate::tree::json::parse(&bytes, &crate::tree::Limits::default()).ok();
    });
    let mut resource = None;
    time("read JSON and check", bytes.len(), &mut || resource = read_json(&bytes).ok());
    let mut xml = Vec::new();
    time("write XML", bytes.len(), &mut || xml = write_xml(resource.as_ref().unwrap()).unwrap());
    time("read XML and check", xml.len(), &mut || {
        let limits = crate::tree::Limits { nodes: usize::MAX, ..crate::tree::Limits::default() };
        assert_eq!(read_xml_within(&xml, &limits).as_ref(), Ok(resource.as_ref().unwrap()));
    });
}

/// Names, order and cardinality of our structs are R4's.
#[test]
fn our_structs_agree_with_the_table() {
    let parts: &[(&str, &[(&str, &str)])] = &[
        ("Address", Address::FIELDS),
        ("Annotation", Annotation::FIELDS),
        ("Bundle.entry", BundleEntry::FIELDS),
        ("Bundle.entry.request", BundleRequest::FIELDS),
        ("Bundle.entry.response", BundleResponse::FIELDS),
        ("Bundle.link", BundleLink::FIELDS),
        ("CarePlan.activity", CarePlanActivity::FIELDS),
        ("CarePlan.activity.detail", CarePlanActivityDetail::FIELDS),
        ("CodeableConcept", CodeableConcept::FIELDS),
        ("Coding", Coding::FIELDS),
        ("Communication.payload", CommunicationPayload::FIELDS),
        ("ContactPoint", ContactPoint::FIELDS),
        ("Encounter.location", EncounterLocation::FIELDS),
        ("Encounter.participant", EncounterParticipant::FIELDS),
        ("Extension", Extension::FIELDS),
        ("Goal.target", GoalTarget::FIELDS),
        ("HumanName", HumanName::FIELDS),
        ("Identifier", Identifier::FIELDS),
        ("MessageHeader.destination", MessageDestination::FIELDS),
        ("MessageHeader.response", MessageResponse::FIELDS),
        ("MessageHeader.source", MessageSource::FIELDS),
        ("Meta", Meta::FIELDS),
        ("Observation.component", ObservationComponent::FIELDS),
        ("OperationOutcome.issue", OperationOutcomeIssue::FIELDS),
        ("Patient.communication", PatientCommunication::FIELDS),
        ("Patient.contact", PatientContact::FIELDS),
        ("Period", Period::FIELDS),
        ("Procedure.performer", ProcedurePerformer::FIELDS),
        ("Provenance.agent", ProvenanceAgent::FIELDS),
        ("Provenance.entity", ProvenanceEntity::FIELDS),
        ("Quantity", Quantity::FIELDS),
        ("QuestionnaireResponse.item", QuestionnaireResponseItem::FIELDS),
        ("QuestionnaireResponse.item.answer", QuestionnaireResponseAnswer::FIELDS),
        ("Reference", Reference::FIELDS),
        ("Task.output", TaskParameter::FIELDS),
    ];
    for (name, fields) in RESOURCES.iter().chain(parts) {
        let known = super::table::TABLE.get(name).unwrap_or_else(|| panic!("{name}"));
        let mut last = None;
        for (field, rust) in *fields {
            let at = known.elements.iter().position(|element| element.name == *field);
            let at = at
                .or_else(|| known.member(field).map(|found| found.0))
                .unwrap_or_else(|| panic!("{name}.{field}"));
            let element = &known.elements[at];
            assert!(last < Some(at), "{name}.{field} is out of order");
            last = Some(at);
            assert_eq!(rust.starts_with("Vec"), element.many, "{name}.{field}: {rust}");
            // A choice has no empty value to stand for "not given", so a mandatory one is an `Option` all the same.
            let optional = rust.starts_with("Option");
            assert!(
                element.many || optional != element.required || element.name.ends_with("[x]"),
                "{name}.{field}"
            );
        }
    }
    let choices = [
        Value::CHOICES,
        Effective::CHOICES,
        Occurrence::CHOICES,
        Occurred::CHOICES,
        Performed::CHOICES,
        Onset::CHOICES,
        Abatement::CHOICES,
        Deceased::CHOICES,
        Start::CHOICES,
        Detail::CHOICES,
        Content::CHOICES,
        Event::CHOICES,
        Scheduled::CHOICES,
        Author::CHOICES,
    ];
    for choice in choices.concat() {
        assert!(super::table::TABLE.types.iter().any(|known| known.member(choice).is_some()), "{choice}");
    }
}
