//! Events for tests, made from the table of fields so that a new field is tested without being listed again.

use crate::event::build::{Draft, NhsNumberRule, Places, Raw, Reading};
use crate::event::detail::Detail;
use crate::event::field::{Field, Kind, Scope};
use crate::event::finish::{self, Identities};
use crate::event::kinds::EventType;
use crate::event::{Issue, Position, ReferralEvent, When};
use crate::tree::{Limits, Node, json};

struct Nowhere;
impl Places for Nowhere {
    fn position(&self, place: u32) -> Position {
        Position::path(place.to_string())
    }
}

/// Sets fields and finishes: an event, or the issues that it did not become one.
pub(crate) fn build(values: &[(Field, u16, String)]) -> Result<ReferralEvent, Vec<Issue>> {
    let mut issues = Vec::new();
    let mut draft = Draft::default();
    let mut reading = Reading {
        zone: When::london(),
        nhs_number: NhsNumberRule::Reject,
        places: &Nowhere,
        issues: &mut issues,
    };
    for (field, index, text) in values {
        draft.set(*field, *index, Raw::Text(text.as_str().into()), 0, None, &mut reading);
    }
    finish::whole(draft, &Identities::default(), &mut issues).ok_or(issues)
}

/// Whether an event of a type may carry a field.
pub(crate) fn may_carry(event: EventType, field: Field) -> bool {
    if field.scope() != Scope::Detail {
        return true;
    }
    let mut issues = Vec::new();
    let mut draft = Draft::default();
    let mut reading = Reading {
        zone: When::london(),
        nhs_number: NhsNumberRule::Reject,
        places: &Nowhere,
        issues: &mut issues,
    };
    draft.set(field, 0, Raw::Text(sample(field).into()), 0, None, &mut reading);
    if field == Field::CountLabel {
        draft.detail.count = Some(1);
    }
    draft.detail.parts().all(|part| Detail::allowed(event, part))
}

/// A value that fits a field.
pub(crate) fn sample(field: Field) -> &'static str {
    match field {
        Field::Source => "https://elmfield-sp.example/cases",
        Field::Type => "referred",
        Field::NhsNumber => "9990004218",
        Field::Postcode => "ZZ99 3WZ",
        Field::PracticeOds | Field::ReferrerOds | Field::ServiceOds | Field::ToOds => "M85063",
        Field::FulfilsSystem | Field::BasedOnSystem => "https://gp.example/requests",
        Field::PrsbPath => "Person demographics > Religion",
        Field::OccurredAt => "2026-03-04",
        Field::BirthDate => "1951-08",
        other => match other.kind() {
            Kind::Text | Kind::Term(_) => "some words",
            Kind::Date => "2026-03-04T09:30:00Z",
            Kind::Instant => "2026-07-04T09:30:00Z",
            Kind::Integer => "3",
            Kind::Scalar => "3.10",
            Kind::Boolean => "true",
            Kind::Word(words) => words.first().copied().unwrap_or_default(),
        },
    }
}

/// The wire form of an event.
pub(crate) fn wire(event: &ReferralEvent) -> Node {
    json::parse(&serde_json::to_vec(event).unwrap(), &Limits::default()).unwrap()
}

/// Sets a value in a tree by a path whose lists have one entry.
pub(crate) fn put(node: &mut Node, path: &str, value: Node) {
    let (step, rest) = path.split_once('.').map_or((path, None), |(step, rest)| (step, Some(rest)));
    let name = step.trim_end_matches("[]");
    if !matches!(node, Node::Object(_)) {
        *node = Node::Object(Vec::new());
    }
    let Node::Object(members) = node else { return };
    if !members.iter().any(|(key, _)| key == name) {
        let new = if step.ends_with("[]") { Node::Array(vec![Node::Null]) } else { Node::Null };
        members.push((name.to_owned(), new));
    }
    let mut at = &mut members.iter_mut().find(|(key, _)| key == name).unwrap().1;
    if let Node::Array(items) = at {
        at = items.first_mut().unwrap();
    }
    match rest {
        Some(rest) => put(at, rest, value),
        None => *at = value,
    }
}

/// A field's sample as its JSON value.
pub(crate) fn sample_node(field: Field) -> Node {
    let text = sample(field).to_owned();
    match field.kind() {
        Kind::Boolean => Node::Bool(true),
        Kind::Integer => Node::Number(text),
        Kind::Term(_) => Node::Object(vec![("text".to_owned(), Node::String(text))]),
        _ => Node::String(text),
    }
}

/// Two events that between them have every field: a correction, and an attendance with a count.
pub(crate) fn full() -> [Node; 2] {
    [EventType::Corrected, EventType::Attended].map(|event| {
        let mut node = Node::Null;
        for field in Field::ALL.iter().filter(|field| may_carry(event, **field)) {
            if *field != Field::TargetEventId || event == EventType::Corrected {
                put(&mut node, &field.wire_path(), sample_node(*field));
            }
        }
        put(&mut node, "type", Node::String(event.as_str().to_owned()));
        node
    })
}

/// The least an event can be.
pub(crate) fn least() -> Node {
    let mut node = Node::Null;
    for field in [
        Field::Source,
        Field::EventId,
        Field::ReferralId,
        Field::Type,
        Field::OccurredAt,
        Field::NhsNumber,
        Field::ServiceKind,
    ] {
        put(&mut node, &field.wire_path(), sample_node(field));
    }
    node
}
