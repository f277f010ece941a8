//! The organisations, the service and the professional of a referral.
//!
//! They are made once per record and put into a Bundle only if something in it points at them. They are
//! written by conditional create: the clinical system's own data about organisations is never updated. Next:
//! [`super::service_request`].

use std::cell::Cell;
use std::sync::Arc;

use uuid::Uuid;

use crate::event::OdsCode;
use crate::event::kinds::{ReferrerKind, Share};
use crate::event::person::{Record, Service};
use crate::fhir::types::{
    CodeableConcept, ContactPoint, HealthcareService, HumanName, Identifier, Organization, Practitioner,
    PractitionerRole, Reference, Resource, Text,
};

use super::entry::{Entry, Write, meta};
use super::names::NameKind;
use super::refs::{Refs, plain};
use super::shelf::Shelf;

/// A party as it is known from what the record says of it, the same in every referral that says so.
pub(super) struct Known {
    uuid: Uuid,
    resource: Resource,
    /// With the display.
    reference: Reference,
}

impl Known {
    fn new(refs: &Refs<'_>, uuid: Uuid, resource: impl Into<Resource>, display: Option<&str>) -> Self {
        let resource = resource.into();
        let reference = Reference {
            reference: Some(Text::shared(&refs.target(resource.type_name(), uuid))),
            display: display.map(Text::shared),
            ..Reference::default()
        };
        Self { uuid, resource, reference }
    }
}

/// A party: a resource that may be needed, and whether it is.
struct Party {
    known: Arc<Known>,
    used: Cell<bool>,
}

impl Party {
    const fn new(known: Arc<Known>) -> Self {
        Self { known, used: Cell::new(false) }
    }

    fn point(&self) -> Reference {
        self.used.set(true);
        self.known.reference.clone()
    }

    /// Without saying that it is needed, and without the display.
    fn reference(&self) -> Reference {
        Reference { display: None, ..self.known.reference.clone() }
    }

    fn entry(&self) -> Entry {
        Entry { uuid: self.known.uuid, resource: self.known.resource.clone(), write: Write::CreateOnce }
    }
}

/// The parties of one record.
pub(super) struct Parties {
    /// The referring organisation.
    referrer: Option<Party>,
    /// The referring professional, and the role.
    practitioner: Option<(Party, Party)>,
    /// The practice the person is registered with, if it is another one.
    practice: Option<Party>,
    /// The organisation that provides the service.
    provider: Option<Party>,
    /// The service.
    service: Option<Party>,
    is_self_referral: bool,
}

/// An organisation by its ODS code, or else by its name under the source's own system.
fn organisation(shelf: &Shelf, refs: &Refs<'_>, ods: Option<&OdsCode>, name: Option<&str>) -> Option<Party> {
    let id = ods.map(OdsCode::as_str).or(name)?;
    let make = || {
        let uuid = refs.names.uuid(NameKind::Organization, &[id]);
        let key = match ods {
            Some(ods) => Identifier::new(OdsCode::SYSTEM, ods.as_str().to_owned()),
            None => Identifier::new(refs.names.system(NameKind::Organization), plain(uuid)),
        };
        let resource = Organization {
            meta: meta("Organization"),
            identifier: vec![key],
            name: name.map(|name| Text::from(name.to_owned())),
            ..Organization::default()
        };
        Known::new(refs, uuid, resource, name)
    };
    let said =
        ["organisation", refs.names.source(), ods.map_or("", OdsCode::as_str), name.unwrap_or_default()];
    Some(Party::new(shelf.party(&said, make)))
}

/// A service, by its identifier in the source or else by its name.
fn service(shelf: &Shelf, refs: &Refs<'_>, service: &Service, provider: Option<&Party>) -> Option<Party> {
    let name = service.name.as_deref();
    let id = service.id.as_deref().or(name)?;
    let make = || {
        let uuid = refs.names.uuid(NameKind::Service, &[id]);
        let resource = HealthcareService {
            meta: meta("HealthcareService"),
            identifier: vec![Identifier::new(refs.names.system(NameKind::Service), plain(uuid))],
            provided_by: provider.map(Party::reference),
            name: service.name.clone().map(Text::from),
            ..HealthcareService::default()
        };
        Known::new(refs, uuid, resource, name)
    };
    let provided_by =
        provider.and_then(|party| party.known.reference.reference.as_deref()).unwrap_or_default();
    let said = ["service", refs.names.source(), id, name.unwrap_or_default(), provided_by];
    Some(Party::new(shelf.party(&said, make)))
}

/// The professional and the role, named under the source's own system: exports seldom know an SDS identifier.
fn practitioner(refs: &Refs<'_>, record: &Record, at: Option<&Party>) -> Option<(Party, Party)> {
    let name = record.referrer.name.as_deref()?;
    let at_key = at.map(|party| plain(party.known.uuid)).unwrap_or_default();
    let person = refs.names.uuid(NameKind::Practitioner, &[&at_key, name]);
    let person_key = Identifier::new(refs.names.system(NameKind::Practitioner), plain(person));
    let resource = Practitioner {
        meta: meta("Practitioner"),
        identifier: vec![person_key],
        name: vec![HumanName { text: Some(name.to_owned().into()), ..HumanName::default() }],
        ..Practitioner::default()
    };
    let role_name = record.referrer.role.as_deref();
    let role = refs.names.uuid(NameKind::PractitionerRole, &[&at_key, name, role_name.unwrap_or_default()]);
    let role_key = Identifier::new(refs.names.system(NameKind::PractitionerRole), plain(role));
    let telecom = |system: &'static str, value: &Option<String>| {
        value.clone().map(|value| ContactPoint {
            system: Some(system.into()),
            value: Some(value.into()),
            use_: Some("work".into()),
            ..ContactPoint::default()
        })
    };
    let role_resource = PractitionerRole {
        meta: meta("PractitionerRole"),
        identifier: vec![role_key],
        practitioner: Some(refs.to("Practitioner", person)),
        organization: at.map(Party::reference),
        code: role_name.map(|role| CodeableConcept::text(role.to_owned())).into_iter().collect(),
        telecom: telecom("phone", &record.referrer.phone)
            .into_iter()
            .chain(telecom("email", &record.referrer.email))
            .collect(),
        ..PractitionerRole::default()
    };
    // Their telephone numbers and roles change from row to row: they are not kept.
    Some((
        Party::new(Arc::new(Known::new(refs, person, resource, None))),
        Party::new(Arc::new(Known::new(refs, role, role_resource, Some(name)))),
    ))
}

impl Parties {
    /// The parties of a record; `service_now` is where the referral was rerouted to. The professional is named
    /// only at full sharing.
    pub(super) fn new(
        shelf: &Shelf,
        refs: &Refs<'_>,
        record: &Record,
        service_now: Option<&Service>,
        share: Share,
    ) -> Self {
        let referrer = organisation(
            shelf,
            refs,
            record.referrer.organisation_ods.as_ref(),
            record.referrer.organisation_name.as_deref(),
        );
        let practice = organisation(
            shelf,
            refs,
            record.person.practice_ods.as_ref(),
            record.person.practice_name.as_deref(),
        )
        .filter(|practice| {
            referrer.as_ref().is_none_or(|referrer| referrer.known.uuid != practice.known.uuid)
        });
        let to = service_now.unwrap_or(&record.service);
        let provider =
            organisation(shelf, refs, to.organisation_ods.as_ref(), to.organisation_name.as_deref());
        let service = service(shelf, refs, to, provider.as_ref());
        let practitioner =
            if share == Share::Full { practitioner(refs, record, referrer.as_ref()) } else { None };
        Self {
            referrer,
            practitioner,
            practice,
            provider,
            service,
            is_self_referral: record.referrer.kind == Some(ReferrerKind::SelfReferral),
        }
    }

    /// Who asked: the professional in the role, else the organisation, else (of a self-referral) the person.
    pub(super) fn requester(&self, refs: &Refs<'_>) -> Option<Reference> {
        if self.is_self_referral {
            return Some(refs.subject());
        }
        if let Some((practitioner, role)) = &self.practitioner {
            practitioner.used.set(true);
            if let Some(organisation) = &self.referrer {
                organisation.used.set(true);
            }
            return Some(role.point());
        }
        self.referrer.as_ref().map(Party::point)
    }

    /// Who is asked: the service, else its organisation.
    pub(super) fn service(&self) -> Option<Reference> {
        if let (Some(_), Some(provider)) = (&self.service, &self.provider) {
            provider.used.set(true);
        }
        self.service.as_ref().or(self.provider.as_ref()).map(Party::point)
    }

    /// The organisation that did the work.
    pub(super) fn provider(&self) -> Option<Reference> {
        self.provider.as_ref().map(|party| Reference { display: None, ..party.point() })
    }

    /// The practice that is to know: the registered one, else the referring organisation.
    pub(super) fn practice(&self) -> Option<Reference> {
        let party = self.practice.as_ref().or(self.referrer.as_ref())?;
        Some(Reference { display: None, ..party.point() })
    }

    /// Entries for everything pointed at so far, in the order organisations, professional, service.
    pub(super) fn take_used(&self) -> Vec<Entry> {
        let mut seen = Vec::new();
        let mut entries = Vec::new();
        let professional = self.practitioner.as_ref();
        let parties = [self.referrer.as_ref(), self.practice.as_ref(), self.provider.as_ref()]
            .into_iter()
            .flatten()
            .chain(professional.map(|(person, _)| person))
            .chain(professional.map(|(_, role)| role))
            .chain(self.service.as_ref());
        for party in parties {
            if party.used.take() && !seen.contains(&party.known.uuid) {
                seen.push(party.known.uuid);
                entries.push(party.entry());
            }
        }
        entries
    }
}
