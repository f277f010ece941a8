//! The organisations, the service and the professional of a referral.
//!
//! They are made once per record and put into a Bundle only if something in it points at them. They are
//! written by conditional create: the clinical system's own data about organisations is never updated. Next:
//! [`super::service_request`].

use std::cell::Cell;

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

/// A party: a resource that may be needed, and whether it is.
struct Party {
    resource_type: &'static str,
    uuid: Uuid,
    display: Option<String>,
    used: Cell<bool>,
    build: Resource,
}

impl Party {
    fn point(&self, refs: &Refs<'_>) -> Reference {
        self.used.set(true);
        let mut reference = refs.to(self.resource_type, self.uuid);
        reference.display = self.display.clone().map(Text::from);
        reference
    }

    fn entry(&self) -> Entry {
        Entry { uuid: self.uuid, resource: self.build.clone(), write: Write::CreateOnce }
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
fn organisation(refs: &Refs<'_>, ods: Option<&OdsCode>, name: Option<&str>) -> Option<Party> {
    let (uuid, key) = match (ods, name) {
        (Some(ods), _) => (
            refs.names.uuid(NameKind::Organization, &[ods.as_str()]),
            Identifier::new(OdsCode::SYSTEM, ods.as_str().to_owned()),
        ),
        (None, Some(name)) => {
            let uuid = refs.names.uuid(NameKind::Organization, &[name]);
            (uuid, Identifier::new(refs.names.system(NameKind::Organization), plain(uuid)))
        }
        (None, None) => return None,
    };
    let resource = Organization {
        meta: meta("Organization"),
        identifier: vec![key],
        name: name.map(|name| Text::from(name.to_owned())),
        ..Organization::default()
    };
    Some(Party {
        resource_type: "Organization",
        uuid,
        display: name.map(str::to_owned),
        used: Cell::new(false),
        build: resource.into(),
    })
}

/// A service, by its identifier in the source or else by its name.
fn service(refs: &Refs<'_>, service: &Service, provider: Option<&Party>) -> Option<Party> {
    let key = service.id.as_deref().or(service.name.as_deref())?;
    let uuid = refs.names.uuid(NameKind::Service, &[key]);
    let key = Identifier::new(refs.names.system(NameKind::Service), plain(uuid));
    let resource = HealthcareService {
        meta: meta("HealthcareService"),
        identifier: vec![key],
        provided_by: provider.map(|provider| refs.to("Organization", provider.uuid)),
        name: service.name.clone().map(Text::from),
        ..HealthcareService::default()
    };
    Some(Party {
        resource_type: "HealthcareService",
        uuid,
        display: service.name.clone(),
        used: Cell::new(false),
        build: resource.into(),
    })
}

/// The professional and the role, named under the source's own system: exports seldom know an SDS identifier.
fn practitioner(refs: &Refs<'_>, record: &Record, at: Option<&Party>) -> Option<(Party, Party)> {
    let name = record.referrer.name.as_deref()?;
    let at_key = at.map(|party| plain(party.uuid)).unwrap_or_default();
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
        organization: at.map(|party| refs.to("Organization", party.uuid)),
        code: role_name.map(|role| CodeableConcept::text(role.to_owned())).into_iter().collect(),
        telecom: telecom("phone", &record.referrer.phone)
            .into_iter()
            .chain(telecom("email", &record.referrer.email))
            .collect(),
        ..PractitionerRole::default()
    };
    let party = |resource_type, uuid, build, display| Party {
        resource_type,
        uuid,
        display,
        used: Cell::new(false),
        build,
    };
    Some((
        party("Practitioner", person, resource.into(), None),
        party("PractitionerRole", role, role_resource.into(), Some(name.to_owned())),
    ))
}

impl Parties {
    /// The parties of a record; `service_now` is where the referral was rerouted to. The professional is named
    /// only at full sharing.
    pub(super) fn new(refs: &Refs<'_>, record: &Record, service_now: Option<&Service>, share: Share) -> Self {
        let referrer = organisation(
            refs,
            record.referrer.organisation_ods.as_ref(),
            record.referrer.organisation_name.as_deref(),
        );
        let practice =
            organisation(refs, record.person.practice_ods.as_ref(), record.person.practice_name.as_deref())
                .filter(|practice| referrer.as_ref().is_none_or(|referrer| referrer.uuid != practice.uuid));
        let to = service_now.unwrap_or(&record.service);
        let provider = organisation(refs, to.organisation_ods.as_ref(), to.organisation_name.as_deref());
        let service = service(refs, to, provider.as_ref());
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
            return Some(role.point(refs));
        }
        self.referrer.as_ref().map(|party| party.point(refs))
    }

    /// Who is asked: the service, else its organisation.
    pub(super) fn service(&self, refs: &Refs<'_>) -> Option<Reference> {
        if let (Some(_), Some(provider)) = (&self.service, &self.provider) {
            provider.used.set(true);
        }
        self.service.as_ref().or(self.provider.as_ref()).map(|party| party.point(refs))
    }

    /// The organisation that did the work.
    pub(super) fn provider(&self, refs: &Refs<'_>) -> Option<Reference> {
        self.provider.as_ref().map(|party| Reference { display: None, ..party.point(refs) })
    }

    /// The practice that is to know: the registered one, else the referring organisation.
    pub(super) fn practice(&self, refs: &Refs<'_>) -> Option<Reference> {
        let party = self.practice.as_ref().or(self.referrer.as_ref())?;
        Some(Reference { display: None, ..party.point(refs) })
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
            if party.used.take() && !seen.contains(&party.uuid) {
                seen.push(party.uuid);
                entries.push(party.entry());
            }
        }
        entries
    }
}
