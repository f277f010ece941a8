//! Encounter: a contact with the person that took place. Next: [`super::care_plan`].

use crate::event::kinds::ContactMode;
use crate::fhir::types::{Encounter, Period};

use super::entry::{Entry, meta};
use super::names::NameKind;
use super::notes::Notes;
use super::own::Context;
use super::systems::{self, Structural};

/// The class of an encounter by how the contact took place; virtual when nothing is known.
pub(super) const fn class(mode: Option<ContactMode>) -> Structural {
    match mode {
        Some(ContactMode::InPerson | ContactMode::Group) => systems::AMBULATORY,
        Some(ContactMode::Home) => systems::HOME_HEALTH,
        Some(ContactMode::Telephone | ContactMode::Video | ContactMode::Written) | None => systems::VIRTUAL,
    }
}

/// The contact. Its period is the date: the event says no more.
pub(super) fn encounter(context: &Context<'_>, notes: &mut Notes) -> Entry {
    let uuid = context.uuid(NameKind::Encounter, None);
    let identifier = context.identifier(NameKind::Encounter, uuid);
    if context.event.detail.note.is_some() {
        // R4's Encounter has no note; the report says so instead of dropping it in silence.
        notes.remark(crate::event::IssueCode::NotCarried, "note", "a note on a contact");
    }
    let encounter = Encounter {
        meta: meta("Encounter"),
        identifier: vec![identifier],
        status: "finished".into(),
        class: class(context.event.detail.mode).coding(),
        subject: Some(context.refs.subject()),
        based_on: context.based_on(),
        period: context.date().map(|date| Period { start: Some(date.clone()), end: Some(date) }),
        service_provider: context.parties.provider(),
        ..Encounter::default()
    };
    context.update(uuid, encounter)
}
