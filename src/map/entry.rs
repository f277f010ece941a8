//! [`Entry`]: a resource on its way into a Bundle, with its identity and how it is to be written.
//!
//! Which write form a resource takes is a rule of the resource, not of the output; the output's form decides
//! only whether it is spelled out ([`super::bundle`]). Next: `parties.rs`.

use uuid::Uuid;

use crate::fhir::types::{Identifier, Meta, Resource, Text};

use super::systems;

/// How a resource is written in a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// Update by identifier: `PUT Type?identifier=`, with [`Entry::key`]. Ours; the last write counts.
    Update,
    /// Create unless it is there: `POST` with `ifNoneExist`, with [`Entry::key`]. Not ours; what is there stays.
    CreateOnce,
    /// `PUT Type/id`: for Provenance, which has no identifier.
    ById,
    /// Not written in a transaction: the clinical system's own.
    Never,
}

/// A resource with its identity.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The UUID of [`super::names`].
    pub uuid: Uuid,
    /// The resource.
    pub resource: Resource,
    /// How it is written.
    pub write: Write,
}

impl Entry {
    /// The identifier by which the resource is found: its first.
    #[must_use]
    pub fn key(&self) -> Option<&Identifier> {
        macro_rules! first {
            ($($several:ident)*) => { match &self.resource {
                $(Resource::$several(resource) => resource.identifier.first(),)*
                Resource::QuestionnaireResponse(resource) => resource.identifier.as_ref(),
                _ => None,
            } };
        }
        first!(
            CarePlan Communication Consent Encounter Flag Goal HealthcareService Observation Organization Patient
            Practitioner PractitionerRole ServiceRequest Task
        )
    }
}

/// Metadata naming the UK Core profile, where the type has one.
pub(super) fn meta(resource_type: &str) -> Option<Meta> {
    systems::profile(resource_type)
        .map(|profile| Meta { profile: vec![Text::Fixed(profile)], ..Meta::default() })
}
