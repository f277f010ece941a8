//! [`Entry`]: a resource on its way into a Bundle, with its identity and how it is to be written.
//!
//! Which write form a resource takes is a rule of the resource, not of the output; the output's form decides
//! only whether it is spelled out ([`super::bundle`]). Next: `parties.rs`.

use uuid::Uuid;

use crate::fhir::types::{Identifier, Meta, Resource, Text};

use super::systems;

/// How a resource is written in a transaction.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// Update by identifier: `PUT Type?identifier=`. Ours; the last write counts.
    Update(Identifier),
    /// Create unless it is there: `POST` with `ifNoneExist`. Not ours; what is there stays.
    CreateOnce(Identifier),
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

/// Metadata naming the UK Core profile, where the type has one.
pub(super) fn meta(resource_type: &str) -> Option<Meta> {
    systems::profile(resource_type)
        .map(|profile| Meta { profile: vec![Text::Borrowed(profile)], ..Meta::default() })
}
