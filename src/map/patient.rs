//! Patient: whole where the output holds one, at the level the person shares.
//!
//! In a transaction the clinical system's own Patient is pointed at and never written, unless the deployer
//! asks for `create-if-missing`. Next: [`super::provenance`].

use uuid::Uuid;

use crate::event::finish::Identities;
use crate::event::kinds::Share;
use crate::event::person::Person;
use crate::event::{NhsNumber, ReferralEvent};
use crate::fhir::types::{
    Address, CodeableConcept, Coding, ContactPoint, Extension, HumanName, Identifier, Patient, Reference,
    Text, Value,
};

use super::coding::Coder;
use super::entry::{Entry, Write, meta};
use super::names::{NameKind, Names};
use super::notes::Notes;
use super::refs::Refs;
use super::systems;

/// UUID of the Patient: of the source's own identifier of the person, else of the NHS number under the deployer's
/// key, else of the referral. Never made from an NHS number in the clear: see [`super::names`].
#[must_use]
pub fn uuid(identities: &Identities, names: &Names, event: &ReferralEvent) -> Uuid {
    let person = &event.record.person;
    if let Some(local) = &person.local_id {
        return names.uuid(NameKind::Person, &[local]);
    }
    let number = person.nhs_number.filter(|_| identities.opaque_key.is_some());
    match number.and_then(|number| identities.opaque(number.as_str()).ok()) {
        Some(keyed) => names.uuid(NameKind::Person, &[&keyed]),
        // Apart from local identifiers: `42` may be one person's number and another's case.
        None => names.uuid(NameKind::Person, &["of", "referral", &event.referral_id]),
    }
}

fn text(value: &str) -> Text {
    Text::from(value.to_owned())
}

fn telecom(system: &'static str, use_: &'static str, value: Option<&String>) -> Option<ContactPoint> {
    value.map(|value| ContactPoint {
        system: Some(system.into()),
        value: Some(text(value)),
        use_: Some(use_.into()),
        ..ContactPoint::default()
    })
}

fn names(person: &Person) -> Vec<HumanName> {
    let mut names = Vec::new();
    if person.family.is_some() || !person.given.is_empty() {
        names.push(HumanName {
            use_: Some("official".into()),
            family: person.family.as_deref().map(text),
            given: person.given.iter().map(|given| text(given)).collect(),
            prefix: person.prefix.as_deref().map(text).into_iter().collect(),
            ..HumanName::default()
        });
    }
    names.extend(person.preferred_name.as_deref().map(|name| HumanName {
        use_: Some("usual".into()),
        text: Some(text(name)),
        ..HumanName::default()
    }));
    names.extend(person.former_family.iter().map(|family| HumanName {
        use_: Some("old".into()),
        family: Some(text(family)),
        ..HumanName::default()
    }));
    names
}

fn identifiers(person: &Person, refs: &Refs<'_>) -> Vec<Identifier> {
    let mut identifiers = Vec::new();
    if let Some(number) = person.nhs_number {
        let status = person.nhs_number_status.map(|status| {
            let coding = Coding::new(systems::NHS_NUMBER_VERIFICATION_STATUS_ENGLAND, status.as_str())
                .with_display(status.label());
            Extension::new(
                systems::NHS_NUMBER_VERIFICATION_STATUS,
                Value::CodeableConcept(CodeableConcept::coding(coding)),
            )
        });
        identifiers.push(Identifier {
            extension: status.into_iter().collect(),
            ..Identifier::new(NhsNumber::SYSTEM, number.as_str().to_owned())
        });
    }
    if let Some(local) = &person.local_id {
        identifiers.push(Identifier::new(refs.names.system(NameKind::Person), local.clone()));
    }
    identifiers
}

/// The Patient of a referral.
pub(super) fn patient(
    uuid: Uuid,
    person: &Person,
    practice: Option<Reference>,
    refs: &Refs<'_>,
    coder: &Coder<'_>,
    notes: &mut Notes,
) -> Entry {
    let full = coder.share == Share::Full;
    let address = (full
        && (!person.address_lines.is_empty() || person.city.is_some() || person.postcode.is_some()))
    .then(|| Address {
        line: person.address_lines.iter().map(|line| text(line)).collect(),
        city: person.city.as_deref().map(text),
        postal_code: person.postcode.as_ref().map(|code| text(code.as_str())),
        ..Address::default()
    });
    let withheld = !full
        && (person.phone.is_some()
            || person.mobile.is_some()
            || person.email.is_some()
            || !person.address_lines.is_empty());
    if withheld {
        notes.remark(crate::event::IssueCode::ConsentWithheld, "person", "address or telecom");
    }
    let mut telecoms: Vec<ContactPoint> =
        telecom("phone", "home", person.safe_phone.as_ref()).into_iter().collect();
    if full && person.safe_phone.is_none() {
        telecoms.extend(telecom("phone", "home", person.phone.as_ref()));
        telecoms.extend(telecom("phone", "mobile", person.mobile.as_ref()));
        telecoms.extend(telecom("email", "home", person.email.as_ref()));
    }
    if person.communication_needs.is_some() || person.ethnicity.is_some() {
        // UK Core wants codes we cannot verify there: Patient.communication.language, the ethnic category.
        notes.remark(crate::event::IssueCode::NotCarried, "person", "communication needs or ethnicity");
    }
    let identifier = identifiers(person, refs);
    let write = if identifier.is_empty() { Write::Never } else { Write::CreateOnce };
    let resource = Patient {
        meta: meta("Patient"),
        identifier,
        name: names(person),
        telecom: telecoms,
        gender: person.gender.map(|gender| gender.as_str().into()),
        birth_date: person.birth_date.map(|when| when.day_text().into()),
        address: address.into_iter().collect(),
        general_practitioner: practice.into_iter().collect(),
        ..Patient::default()
    };
    Entry { uuid, resource: resource.into(), write }
}
