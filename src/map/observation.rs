//! Observation: a score, a coded statement, a missed contact, a count. Next: [`super::encounter`].

use std::collections::BTreeMap;

use crate::codeset::WellKnown;
use crate::event::detail::{Score, ScoreValue};
use crate::event::kinds::{EventType, ServiceKind};
use crate::fhir::types::{
    Annotation, CodeableConcept, Decimal, Effective, Observation, ObservationComponent, Quantity, Text, Value,
};

use super::entry::{Entry, meta};
use super::names::NameKind;
use super::notes::Notes;
use super::own::Context;
use super::{coding, systems};

/// An Observation of this event with everything but its code and value.
fn observation(context: &Context<'_>, part: Option<&str>) -> (uuid::Uuid, Observation) {
    let uuid = context.uuid(NameKind::Observation, part);
    let observation = Observation {
        meta: meta("Observation"),
        identifier: vec![context.identifier(NameKind::Observation, uuid)],
        based_on: context.based_on(),
        status: "final".into(),
        subject: Some(context.refs.subject()),
        effective: context.date().map(Effective::DateTime),
        performer: context.parties.provider().into_iter().collect(),
        ..Observation::default()
    };
    (uuid, observation)
}

fn notes_of(context: &Context<'_>, notes: &mut Notes) -> Vec<Annotation> {
    context
        .free_text(context.event.detail.note.as_ref(), notes, "note")
        .map(Annotation::text)
        .into_iter()
        .collect()
}

/// A statement in words, for what has no verified code.
pub(super) fn statement(context: &Context<'_>, words: &'static str, notes: &mut Notes) -> Entry {
    let (uuid, mut observation) = observation(context, None);
    observation.code = CodeableConcept::text(words);
    observation.note = notes_of(context, notes);
    context.update(uuid, observation)
}

/// The person declined. The code is only for a referral to a link worker.
pub(super) fn declined(context: &Context<'_>, notes: &mut Notes) -> Entry {
    let (uuid, mut observation) = observation(context, None);
    let kind = context.record.service.kind;
    observation.code = match (kind, context.coder.codeset.well_known(WellKnown::Declined)) {
        (Some(ServiceKind::LinkWorker), Some(concept)) => CodeableConcept::coding(coding::snomed(concept)),
        _ => {
            let label = kind.map_or("service", ServiceKind::label);
            CodeableConcept::text(format!("{label} declined"))
        }
    };
    observation.value = context
        .event
        .detail
        .status_reason
        .as_ref()
        .and_then(|reason| context.coder.code(reason, "outcome", "status_reason", notes))
        .map(Value::CodeableConcept);
    observation.note = notes_of(context, notes);
    context.update(uuid, observation)
}

/// A contact that failed, or a count of them. A count says its own label and no code: the code stands for one
/// occurrence.
pub(super) fn missed(context: &Context<'_>, notes: &mut Notes) -> Entry {
    let (uuid, mut observation) = observation(context, None);
    let event = context.event;
    if let Some(count) = event.detail.count {
        let label =
            event.detail.count_label.clone().map_or(Text::Fixed(event.event_type.label()), Text::from);
        observation.code = CodeableConcept::text(label);
        observation.value = i32::try_from(count).ok().map(Value::Integer);
        return context.update(uuid, observation);
    }
    let role = match event.event_type {
        EventType::DidNotAttend => WellKnown::DidNotAttend,
        _ => WellKnown::ContactFailed,
    };
    observation.code = context.coder.codeset.well_known(role).map_or_else(
        || CodeableConcept::text(event.event_type.label()),
        |concept| CodeableConcept::coding(coding::snomed(concept)),
    );
    observation.note = notes_of(context, notes);
    context.update(uuid, observation)
}

/// One Observation per score; scores that are parts of one measure are its components.
pub(super) fn scores(context: &Context<'_>, notes: &mut Notes) -> Vec<Entry> {
    let scores = &context.event.detail.scores;
    let mut groups: BTreeMap<&str, Vec<&Score>> = BTreeMap::new();
    let mut entries = Vec::new();
    for score in scores {
        match &score.part_of {
            Some(whole) => groups.entry(whole).or_default().push(score),
            None => entries.extend(single(context, score, notes)),
        }
    }
    entries.extend(groups.into_iter().filter_map(|(whole, parts)| compound(context, whole, &parts, notes)));
    entries
}

fn single(context: &Context<'_>, score: &Score, notes: &mut Notes) -> Option<Entry> {
    // By the score's own id, however many are filled today: tomorrow there may be more.
    let (uuid, mut observation) = observation(context, Some(&score.id));
    observation.category = vec![systems::SURVEY.concept()];
    observation.code = measure(context, score, notes)?;
    observation.value = Some(value(context, score, notes)?);
    Some(context.update(uuid, observation))
}

fn compound(context: &Context<'_>, whole: &str, parts: &[&Score], notes: &mut Notes) -> Option<Entry> {
    let (uuid, mut observation) = observation(context, Some(&format!("{whole}/parts")));
    observation.category = vec![systems::SURVEY.concept()];
    observation.code = CodeableConcept::text(whole.to_owned());
    for score in parts {
        if let (Some(code), Some(value)) = (measure(context, score, notes), value(context, score, notes)) {
            observation.component.push(ObservationComponent { code, value: Some(value) });
        }
    }
    (!observation.component.is_empty()).then(|| context.update(uuid, observation))
}

fn measure(context: &Context<'_>, score: &Score, notes: &mut Notes) -> Option<CodeableConcept> {
    context.coder.code(&score.measure, "outcome", "scores[].measure", notes)
}

/// A score's value: a whole number, a quantity, or words where words may leave.
fn value(context: &Context<'_>, score: &Score, notes: &mut Notes) -> Option<Value> {
    let quantity = |text: &str| {
        Decimal::parse(text.to_owned()).map(|value| {
            Value::Quantity(Quantity {
                value: Some(value),
                unit: score.unit.clone().map(Text::from),
                system: score.unit.is_some().then_some(Text::Fixed(systems::UCUM)),
                code: score.unit.clone().map(Text::from),
                ..Quantity::default()
            })
        })
    };
    match &score.value {
        ScoreValue::Integer(value) if score.unit.is_none() => Some(Value::Integer(*value)),
        ScoreValue::Integer(value) => quantity(&value.to_string()),
        ScoreValue::Decimal(text) => quantity(text),
        ScoreValue::Text(text) if text.is_empty() => None,
        ScoreValue::Text(text) => context.free_text(Some(text), notes, "scores[].value").map(Value::String),
    }
}
