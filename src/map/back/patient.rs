//! What a Patient says of the person. Next: [`super::parties`].

use crate::event::field::Field;
use crate::event::{Issue, IssueCode, NhsNumber, Position};
use crate::map::systems;
use crate::tree::{Node, safe_name};

use super::facts::Facts;
use super::parties::organisation;
use super::pool::{Found, Pool, items, text};

/// Whether a contact or an address is one that was: it reaches somebody else now, or nobody.
pub(super) fn is_old(contact: &Node) -> bool {
    text(contact, "use") == Some("old")
}

/// Elements of a Patient that are read, or say nothing about the person. Any other is listed.
const READ: &[&str] = &[
    "resourceType",
    "id",
    "meta",
    "text",
    "language",
    "contained",
    "extension",
    "identifier",
    "name",
    "telecom",
    "gender",
    "birthDate",
    "address",
    "generalPractitioner",
];

/// Lists what is not read of a Patient. One that was replaced by another is no longer the person's record: what was
/// written about it may be in the other's name by now.
fn unread(facts: &mut Facts, patient: &Found<'_>) {
    for (name, value) in patient.node.as_object().unwrap_or_default() {
        let says_nothing = matches!(
            (name.as_str(), value.as_bool()),
            ("active", Some(true)) | ("deceasedBoolean", Some(false))
        );
        if !says_nothing && !READ.contains(&name.strip_prefix('_').unwrap_or(name)) {
            let at = Position::path(patient.at(safe_name(name)));
            facts.note(Issue::new(IssueCode::NotCarried, at, value.kind()));
        }
    }
    for (index, link) in items(patient.node, "link").iter().enumerate() {
        if text(link, "type") == Some("replaced-by") {
            let at = Position::path(patient.at(&format!("link[{index}].type")));
            facts.note(Issue::new(IssueCode::FhirModifier, at, "a Patient that another has replaced"));
        }
    }
}

/// Which of the names is the person's: one for every day before one for a while, and both before one that the person is
/// only called by.
fn rank(name: &Node) -> u8 {
    match text(name, "use") {
        Some("official" | "usual") => 0,
        None => 1,
        Some("nickname") => 3,
        Some("anonymous") => 4,
        Some(_) => 2,
    }
}

/// Everything of a Patient.
pub(super) fn patient_facts(facts: &mut Facts, pool: &Pool<'_>, patient: &Found<'_>, person_system: &str) {
    let node = patient.node;
    unread(facts, patient);
    let mut number: Option<&str> = None;
    for (index, id) in items(node, "identifier").iter().enumerate() {
        let path = format!("identifier[{index}].value");
        match (text(id, "system"), text(id, "value")) {
            // A number that was replaced is not the person's any more.
            (Some(NhsNumber::SYSTEM), _) if text(id, "use") == Some("old") => {}
            (Some(NhsNumber::SYSTEM), value @ Some(_)) if number.is_some() && value != number => {
                let at = Position::path(patient.at(&path));
                facts.note(Issue::new(IssueCode::SeveralValues, at, "two current NHS numbers"));
            }
            (Some(NhsNumber::SYSTEM), value) => {
                number = number.or(value);
                facts.put(Field::NhsNumber, value, patient, &path);
                let status = items(id, "extension")
                    .iter()
                    .find(|extension| text(extension, "url") == Some(systems::NHS_NUMBER_VERIFICATION_STATUS))
                    .and_then(|extension| text(extension, "valueCodeableConcept.coding[0].code"));
                facts.put(Field::NhsNumberStatus, status, patient, &path);
            }
            (system, Some(value)) if system == Some(person_system) || !facts.has(Field::LocalId) => {
                facts.put(Field::LocalId, Some(value), patient, &path);
            }
            _ => {}
        }
    }
    let mut old = 0;
    let is_whole = |name: &&Node| match text(name, "use") {
        Some("usual") => name.get("family").is_some(),
        other => !matches!(other, Some("old" | "maiden")),
    };
    let best = items(node, "name").iter().filter(is_whole).map(rank).min();
    for (index, name) in items(node, "name").iter().enumerate() {
        let at = |part: &str| format!("name[{index}].{part}");
        match text(name, "use") {
            Some("usual") if name.get("family").is_none() => {
                facts.put(Field::PreferredName, text(name, "text"), patient, &at("text"));
            }
            Some("old" | "maiden") => {
                facts.put_at(Field::FormerFamily, old, text(name, "family"), patient, &at("family"));
                old += 1;
            }
            _ if Some(rank(name)) == best
                && !facts.has(Field::FamilyName)
                && !facts.has(Field::GivenName) =>
            {
                facts.put(Field::FamilyName, text(name, "family"), patient, &at("family"));
                for (given, part) in (0u16..).zip(items(name, "given")) {
                    facts.put_at(Field::GivenName, given, part.as_str(), patient, &at("given"));
                }
                facts.put(Field::NamePrefix, text(name, "prefix[0]"), patient, &at("prefix"));
            }
            _ => {
                let at = Position::path(patient.at(&format!("name[{index}]")));
                facts.note(Issue::new(IssueCode::NotCarried, at, "another name"));
            }
        }
    }
    for (index, contact) in items(node, "telecom").iter().enumerate().filter(|(_, contact)| !is_old(contact))
    {
        let field = match (text(contact, "system"), text(contact, "use")) {
            (Some("email"), _) => Field::Email,
            (Some("phone"), Some("mobile")) => Field::Mobile,
            (Some("phone"), _) => Field::Phone,
            _ => continue,
        };
        if !facts.has(field) {
            facts.put(field, text(contact, "value"), patient, &format!("telecom[{index}].value"));
        }
    }
    facts.put(Field::BirthDate, text(node, "birthDate"), patient, "birthDate");
    facts.put(Field::Gender, text(node, "gender"), patient, "gender");
    if let Some((at, address)) = items(node, "address").iter().enumerate().find(|(_, one)| !is_old(one)) {
        let path = |part: &str| format!("address[{at}].{part}");
        for (index, line) in (0u16..).zip(items(address, "line")) {
            facts.put_at(Field::AddressLine, index, line.as_str(), patient, &path("line"));
        }
        facts.put(Field::City, text(address, "city"), patient, &path("city"));
        facts.put(Field::Postcode, text(address, "postalCode"), patient, &path("postalCode"));
    }
    if let Some(practice) = items(node, "generalPractitioner").first() {
        let fields = (Field::PracticeOds, Field::PracticeName);
        organisation(facts, pool, patient, practice, "generalPractitioner[0]", fields);
    }
}
