//! What is sent for one event: its Bundle, who it is about, and which request of the clinical system it answers.
//!
//! Next: [`super::route`].

use uuid::Uuid;

use crate::event::{ReferralEvent, When};
use crate::fhir;
use crate::map::bundle;
use crate::map::fold::Folded;
use crate::map::mapper::{EventEntries, Settings};
use crate::map::names::{NameKind, Names};
use crate::map::refs::plain;
use crate::outbox::parcel::Fulfils;
use crate::outbox::{Parcel, Subject};

/// The parcel of an event. `last` is the referral's last event, whose record counts for the person.
pub(super) fn parcel(
    made: &EventEntries,
    folded: &Folded,
    last: &ReferralEvent,
    settings: &Settings,
) -> Parcel {
    let names = Names::new(&last.source);
    let recorded = settings.recorded_at.to_string();
    let bundle = bundle::event_bundle(made.clone(), settings.form, None, &names, &recorded);
    let mut bytes = Vec::with_capacity(8 << 10);
    fhir::json::append(&bundle, &mut bytes);
    Parcel {
        subject: subject(last),
        bundle: String::from_utf8(bytes).unwrap_or_default(),
        fulfils: fulfils(made, folded, &names).map(Box::new),
        let_stand: Vec::new(),
    }
}

/// The clinical system's request that an event's Bundle answers, and which Task of the Bundle does.
fn fulfils(made: &EventEntries, folded: &Folded, names: &Names) -> Option<Fulfils> {
    let step = folded.steps.iter().find(|step| step.event.event_id == made.event_id)?;
    let request = step.event.record.fulfils.as_ref()?;
    let number = step.state.map(|state| state.task_number);
    let uuid =
        number.map(|number| names.uuid(NameKind::Task, &[&step.event.referral_id, &number.to_string()]));
    let brings = |uuid: &Uuid| {
        made.entries.iter().any(|entry| entry.uuid == *uuid && entry.resource.type_name() == "Task")
    };
    Some(Fulfils {
        system: request.system.clone(),
        value: request.value.clone(),
        instead_of: Some(plain(names.uuid(NameKind::Referral, &[&step.event.referral_id]))),
        task: uuid.filter(brings).map(plain),
        again: number.is_some_and(|number| number > 1),
    })
}

fn subject(event: &ReferralEvent) -> Subject {
    let person = &event.record.person;
    let whole = person.birth_date.filter(|when| matches!(when, When::Day(_)));
    Subject {
        nhs_number: person.nhs_number.map(|number| number.as_str().to_owned()),
        families: person.family.iter().chain(&person.former_family).cloned().collect(),
        birth_date: whole.map(|when| when.day().to_string()),
        practice: person.practice_ods.as_ref().map(|ods| ods.as_str().to_owned()),
    }
}
