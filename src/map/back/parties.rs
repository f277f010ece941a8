//! The record's part of FHIR: the person, the referrer, the service, the request itself. Next: [`super::ours`].

use crate::codeset::{Codeset, SctId, WellKnown};
use crate::event::field::Field;
use crate::event::kinds::{EventType, ServiceKind};
use crate::event::{Issue, IssueCode, NhsNumber, OdsCode, Position};
use crate::map::systems;
use crate::tree::Node;

use super::address::Target;
use super::facts::Facts;
use super::patient::{is_old, patient_facts};
use super::pool::{Found, Pool, conditional, identifiers, is_restricted, items, notes, text};
use super::whose::is_torn;

/// The person a reference points at; `person_system` is the system of local identifiers.
pub(super) fn person(facts: &mut Facts, pool: &Pool<'_>, by: &Found<'_>, member: &str, person_system: &str) {
    let Some(reference) = by.node.get(member) else { return };
    let target = pool.target(by, reference);
    if let Target::Unclear(found, issue) = &target
        && found.kind == "Patient"
    {
        facts.note(issue.clone());
    }
    let patient = target.found().filter(|found| found.kind == "Patient");
    if pool.is_restricted || patient.is_some_and(|patient| is_restricted(patient.node)) {
        facts.known(Field::Protected, "true", by);
    }
    if let Some(patient) = patient {
        pool.used(patient);
        if is_torn(pool, by, reference) {
            let at = Position::path(by.at(&format!("{member}.identifier")));
            facts.note(Issue::new(IssueCode::OtherPerson, at, "another NHS number than the Patient's"));
        }
        return patient_facts(facts, pool, patient, person_system);
    }
    let mut identify = |system: &str, value: &str, path: &str| {
        if system == NhsNumber::SYSTEM {
            facts.put(Field::NhsNumber, Some(value), by, path);
        } else if system == person_system || !facts.has(Field::LocalId) {
            facts.put(Field::LocalId, Some(value), by, path);
        }
    };
    if let (Some(system), Some(value)) =
        (text(reference, "identifier.system"), text(reference, "identifier.value"))
    {
        identify(system, value, &format!("{member}.identifier"));
    } else if let Some((_, (system, value))) = text(reference, "reference").and_then(conditional) {
        identify(system, value, &format!("{member}.reference"));
    } else if let Some(("Patient", id)) =
        text(reference, "reference").and_then(|target| target.rsplit_once('/'))
    {
        // A logical id is the clinical system's own, but it is all there is.
        identify("", id, &format!("{member}.reference"));
    }
}

/// An organisation: its ODS code and its name.
pub(super) fn organisation(
    facts: &mut Facts,
    pool: &Pool<'_>,
    by: &Found<'_>,
    reference: &Node,
    path: &str,
    (ods, name): (Field, Field),
) {
    if let Some(found) = pool.resolve(by, reference).filter(|found| found.kind == "Organization") {
        pool.used(found);
        let code =
            identifiers(found.node).find(|(system, _)| *system == OdsCode::SYSTEM).map(|(_, value)| value);
        facts.put(ods, code, found, "identifier");
        facts.put(name, text(found.node, "name"), found, "name");
        return;
    }
    let conditional = text(reference, "reference").and_then(conditional).map(|(_, id)| id);
    let logical = text(reference, "identifier.system").zip(text(reference, "identifier.value"));
    let code =
        conditional.or(logical).filter(|(system, _)| *system == OdsCode::SYSTEM).map(|(_, value)| value);
    facts.put(ods, code, by, path);
    facts.put(name, text(reference, "display"), by, path);
}

/// Who asked.
pub(super) fn requester(facts: &mut Facts, pool: &Pool<'_>, request: &Found<'_>) {
    let Some(reference) = request.node.get("requester") else { return };
    let fields = (Field::ReferrerOds, Field::ReferrerOrganisation);
    let is_person = Some(reference) == request.node.get("subject")
        || text(reference, "reference").is_some_and(|target| target.starts_with("Patient"));
    if is_person {
        facts.known(Field::ReferrerKind, "self", request);
        return;
    }
    let Some(found) = pool.resolve(request, reference) else {
        if text(reference, "type") == Some("Organization")
            || text(reference, "reference").is_some_and(|r| r.starts_with("Organization"))
        {
            organisation(facts, pool, request, reference, "requester", fields);
        } else {
            facts.put(Field::ReferrerName, text(reference, "display"), request, "requester.display");
        }
        return;
    };
    pool.used(found);
    match found.kind {
        "PractitionerRole" => {
            let person = found.node.get("practitioner").and_then(|one| pool.resolve(found, one));
            match person {
                Some(person) => {
                    pool.used(person);
                    practitioner(facts, person);
                }
                None => {
                    facts.put(Field::ReferrerName, text(reference, "display"), request, "requester.display")
                }
            }
            if let Some(organization) = found.node.get("organization") {
                organisation(facts, pool, found, organization, "organization", fields);
            }
            let role =
                text(found.node, "code[0].text").or_else(|| text(found.node, "code[0].coding[0].display"));
            facts.put(Field::ReferrerRole, role, found, "code[0]");
            for contact in items(found.node, "telecom").iter().filter(|contact| !is_old(contact)) {
                let field = match text(contact, "system") {
                    Some("phone") => Field::ReferrerPhone,
                    Some("email") => Field::ReferrerEmail,
                    _ => continue,
                };
                facts.put(field, text(contact, "value"), found, "telecom");
            }
        }
        "Practitioner" => practitioner(facts, found),
        "Organization" => organisation(facts, pool, request, reference, "requester", fields),
        _ => {}
    }
}

fn practitioner(facts: &mut Facts, found: &Found<'_>) {
    let name = &items(found.node, "name").first();
    let whole = name.and_then(|name| text(name, "text"));
    let parts = || {
        let name = (*name)?;
        let given = items(name, "given").iter().filter_map(Node::as_str);
        let prefix = items(name, "prefix").iter().filter_map(Node::as_str);
        Some(prefix.chain(given).chain(text(name, "family")).collect::<Vec<_>>().join(" "))
    };
    let name = whole.map(str::to_owned).or_else(parts);
    facts.put(Field::ReferrerName, name.as_deref(), found, "name[0]");
}

/// The service a reference points at, under the fields given: name, ODS code, organisation.
pub(super) fn service(
    facts: &mut Facts,
    pool: &Pool<'_>,
    by: &Found<'_>,
    reference: &Node,
    fields: [Field; 3],
    path: &str,
) {
    let [name, ods, organisation_name] = fields;
    match pool.resolve(by, reference) {
        Some(found) if found.kind == "HealthcareService" => {
            pool.used(found);
            facts.put(name, text(found.node, "name"), found, "name");
            if let Some(provider) = found.node.get("providedBy") {
                organisation(facts, pool, found, provider, "providedBy", (ods, organisation_name));
            }
        }
        Some(found) if found.kind == "Organization" => {
            organisation(facts, pool, by, reference, path, (ods, organisation_name));
        }
        _ => facts.put(name, text(reference, "display"), by, path),
    }
}

/// The record's part of a ServiceRequest, all but the person and the service's kind.
pub(super) fn request(facts: &mut Facts, pool: &Pool<'_>, request: &Found<'_>) {
    let node = request.node;
    for extension in items(node, "extension") {
        if text(extension, "url") == Some(systems::SOURCE_OF_SERVICE_REQUEST) {
            facts.term(Field::ReferrerSource, 0, extension.get("valueCodeableConcept"), request, "extension");
        }
    }
    facts.put(Field::Priority, text(node, "priority"), request, "priority");
    requester(facts, pool, request);
    if let Some(performer) = items(node, "performer").first() {
        let fields = [Field::ServiceName, Field::ServiceOds, Field::ServiceOrganisation];
        service(facts, pool, request, performer, fields, "performer[0]");
    }
    let logical = items(node, "basedOn")
        .iter()
        .filter_map(|r| text(r, "identifier.system").zip(text(r, "identifier.value")));
    for (index, (system, value)) in (0u16..).zip(logical) {
        facts.put_at(Field::BasedOnSystem, index, Some(system), request, "basedOn");
        facts.put_at(Field::BasedOnValue, index, Some(value), request, "basedOn");
    }
}

/// What the request itself says happened: its reasons and note.
pub(super) fn reasons(facts: &mut Facts, request: &Found<'_>) {
    for (index, reason) in (0u16..).zip(items(request.node, "reasonCode")) {
        facts.term(Field::Reason, index, Some(reason), request, &format!("reasonCode[{index}]"));
    }
    facts.put(Field::Note, notes(request.node).as_deref(), request, "note");
}

/// Whether a CodeableConcept holds the code that plays a part.
pub(super) fn is(codeset: &Codeset, role: WellKnown, concept: Option<&Node>) -> bool {
    let Some(known) = codeset.well_known(role) else { return false };
    concept.map(|concept| items(concept, "coding")).unwrap_or_default().iter().any(|coding| {
        text(coding, "system") == Some(systems::SNOMED)
            && text(coding, "code").and_then(|code| SctId::parse(code).ok()) == Some(known.id())
    })
}

/// The kind of service that a code of a request, or of a decline, is about.
pub(super) fn service_kind(codeset: &Codeset, concept: Option<&Node>) -> Option<ServiceKind> {
    if is(codeset, WellKnown::Referred, concept) || is(codeset, WellKnown::Declined, concept) {
        return Some(ServiceKind::LinkWorker);
    }
    let words = text(concept?, "text")?;
    let label = words.strip_prefix("Referral to ").or_else(|| words.strip_suffix(" declined"))?;
    ServiceKind::ALL.iter().copied().find(|kind| kind.label() == label)
}

/// An event type by its words for people.
pub(super) fn type_by_label(label: &str) -> Option<EventType> {
    EventType::ALL.iter().copied().find(|event| event.label() == label)
}
