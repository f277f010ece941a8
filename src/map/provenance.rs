//! Provenance: which event, which program, which codeset made the resources of a Bundle.
//!
//! It is written by its own id, a UUID of the event's key and content, so that a repeat is the same Provenance
//! and a revision another one. It names the event by UUID, never by the source's event id, and says in words
//! what happened and when, so that [`super::back`] need not guess. Next:
//! `withdrawn`.

use uuid::Uuid;

use crate::event::{EventType, ReferralEvent, hash};
use crate::fhir::types::{
    CodeableConcept, Coding, Identifier, Meta, Occurred, Provenance, ProvenanceAgent, ProvenanceEntity,
    Reference, Text,
};

use super::entry::{Entry, Write};
use super::names::{NameKind, Names};
use super::refs::{Refs, plain};
use super::systems;

/// The UUID of an event.
pub(super) fn event_uuid(refs: &Refs<'_>, event: &ReferralEvent) -> Uuid {
    refs.names.uuid(NameKind::Event, &[&event.referral_id, event.key()])
}

/// UUID of the event's key and what it says: of its Provenance and of its message Bundle, and the key under which
/// it is delivered.
#[must_use]
pub fn revision_uuid(names: &Names, event: &ReferralEvent) -> Uuid {
    // An event is what it says; the record is an event of its own when it changes.
    let changes_record = matches!(event.event_type, EventType::DetailsChanged | EventType::ConsentChanged);
    let record = changes_record.then_some(&*event.record);
    let content = hash::of(&(event.event_type, event.occurred_at, &event.detail, record));
    names.uuid(NameKind::Event, &[&event.referral_id, event.key(), &content])
}

/// The Provenance of an event's Bundle.
pub(super) fn provenance(
    event: &ReferralEvent,
    targets: Vec<Reference>,
    recorded: &Text,
    agent: &Text,
    refs: &Refs<'_>,
) -> Entry {
    let event_uuid = Text::shared(&plain(event_uuid(refs, event)));
    let uuid = revision_uuid(refs.names, event);
    let system = refs.names.system(NameKind::Event);
    let resource = Provenance {
        id: Some(plain(uuid).into()),
        meta: Some(Meta { tag: vec![Coding::new(system.clone(), event_uuid.clone())], ..Meta::default() }),
        target: targets,
        occurred: event.occurred_at.map(|when| Occurred::DateTime(when.text().into())),
        activity: Some(CodeableConcept::text(event.event_type.label())),
        recorded: recorded.clone(),
        agent: vec![ProvenanceAgent {
            type_: Some(systems::ASSEMBLER.concept()),
            who: Reference { display: Some(agent.clone()), ..Reference::default() },
        }],
        entity: vec![ProvenanceEntity {
            role: "source".into(),
            what: Reference::logical(Identifier::new(system, event_uuid)),
        }],
        ..Provenance::default()
    };
    Entry { uuid, resource: resource.into(), write: Write::ById }
}
