//! The JSON Schema (2020-12) of an event's wire form, made from the table of fields and the lists of words.
//!
//! It says what a schema can say in one look: names, shapes, words, what must be there. What it is not: the
//! whole check. Dates that exist, check digits and which part goes with which type of event are the business
//! of [`super::build`] and [`super::finish`]; the descriptions say so. Invariant: what [`super::read`] takes
//! fits this schema. docs/event.schema.json is this document; a test holds them equal. Next: [`super::read`].

use super::build::{MAX_ID, MAX_TEXT};
use super::field::{Field, Kind};
use super::read::{EVENT, MAX_LIST, REQUIRED, Shape};
use super::referral_event::SCHEMA;
use super::term::TermSystem;
use crate::tree::{Node, json};

/// Where the schema says it lives. The host is reserved and leads nowhere.
pub const ID: &str = "https://sp-fhir.example/schema/sp-fhir-event/1";

/// What must be there in every event, by object.
const ALWAYS: &[(&str, &[&str])] = &[
    ("", &["event_id", "referral_id", "type", "record"]),
    ("record", &["person", "service"]),
    ("record.service", &["kind"]),
];

const ABOUT: &str = "One thing that happened to one social-prescribing referral. `source` may be left out where \
    the deployer names the sending system. `occurred_at` may be left out only with `status_slot` or `detail.count`. \
    Which parts of `detail` go with which type is in docs/MAPPING.md.";

/// FHIR's dateTime, and the same without seconds or offset (then it is Europe/London time).
const DATE: &str = "^[0-9]{4}(-[0-9]{2}(-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?)?)?$";
/// The same, with a time.
const INSTANT: &str =
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:[0-9]{2})?$";

/// The schema as indented JSON.
#[must_use]
pub fn document() -> Vec<u8> {
    json::pretty(&schema())
}

/// The schema.
#[must_use]
pub fn schema() -> Node {
    let mut members = vec![
        member("$schema", text("https://json-schema.org/draft/2020-12/schema")),
        member("$id", text(ID)),
        member("title", text("sp-fhir event, version 1")),
        member("description", text(ABOUT)),
    ];
    if let Node::Object(event) = shape(&EVENT) {
        members.extend(event);
    }
    members.push(member("if", only("type", member("enum", words(&["corrected", "entered_in_error"])))));
    members.push(member("then", object(vec![member("required", words(&["target_event_id"]))])));
    let no_target = object(vec![member("required", words(&["target_event_id"]))]);
    members.push(member("else", object(vec![member("not", no_target)])));
    members.push(member("$defs", object(vec![member("term", term())])));
    object(members)
}

fn shape(shape: &Shape) -> Node {
    match shape {
        Shape::Object(place, members) => of_object(place, members),
        Shape::List(item) => object(vec![
            member("type", text("array")),
            member("maxItems", number(MAX_LIST)),
            member("items", self::shape(item)),
        ]),
        Shape::Value(field) => value(*field),
    }
}

fn of_object(place: &str, members: &[(&'static str, Shape)]) -> Node {
    let mut properties = Vec::new();
    if place.is_empty() {
        let version = object(vec![
            member("const", text(SCHEMA)),
            member("description", text("The version of this form.")),
        ]);
        properties.push(member("schema", version));
    }
    properties.extend(members.iter().map(|(name, inner)| member(name, shape(inner))));
    let mut found = vec![member("type", text("object")), member("properties", object(properties))];
    let required = ALWAYS.iter().chain(REQUIRED).find(|(known, _)| *known == place);
    found.extend(required.map(|(_, names)| member("required", words(names))));
    if place == "record.person" {
        let one = |name: &str| object(vec![member("required", words(&[name]))]);
        found.push(member("anyOf", Node::Array(vec![one("nhs_number"), one("local_id")])));
    }
    found.push(member("additionalProperties", Node::Bool(false)));
    object(found)
}

fn value(field: Field) -> Node {
    let string = |more: Vec<(String, Node)>| [vec![member("type", text("string"))], more].concat();
    let pattern = |pattern: &str| string(vec![member("pattern", text(pattern))]);
    let at_most = |limit: usize| vec![member("maxLength", number(limit))];
    let mut members = match (field, field.kind()) {
        (Field::NhsNumber, _) => pattern("^ *([0-9][ -]*){10}$"),
        (Field::PracticeOds | Field::ReferrerOds | Field::ServiceOds | Field::ToOds, _) => {
            pattern("^ *[A-Za-z0-9]{3,12} *$")
        }
        (Field::Source | Field::FulfilsSystem | Field::BasedOnSystem, _) => {
            pattern("^[A-Za-z][A-Za-z0-9+.-]*:[^\\s|\"<>]+$")
        }
        (_, Kind::Date) => pattern(DATE),
        (_, Kind::Instant) => pattern(INSTANT),
        (_, Kind::Word(listed)) => vec![member("enum", words(listed))],
        (_, Kind::Boolean) => vec![member("type", text("boolean"))],
        (_, Kind::Integer) => vec![member("type", text("integer")), member("minimum", number(0))],
        (_, Kind::Scalar) => {
            let mut both = vec![member("type", words(&["number", "string"]))];
            both.extend(at_most(MAX_TEXT));
            both
        }
        (_, Kind::Term(_)) => vec![member("$ref", text("#/$defs/term"))],
        (field, Kind::Text) => string(at_most(if is_id(field) { MAX_ID } else { MAX_TEXT })),
    };
    members.push(member("description", text(field.doc())));
    object(members)
}

/// Whether a field is an identifier or a name that takes part in one.
const fn is_id(field: Field) -> bool {
    matches!(
        field,
        Field::EventId
            | Field::ReferralId
            | Field::TargetEventId
            | Field::LocalId
            | Field::ServiceId
            | Field::ToId
            | Field::FulfilsValue
            | Field::BasedOnValue
            | Field::CaseReference
            | Field::ScoreId
            | Field::ScoreUnit
            | Field::ScorePartOf
            | Field::AnswerId
    )
}

/// Words, a code, or both.
fn term() -> Node {
    let described = |mut members: Vec<(String, Node)>, about: &str| {
        members.push(member("description", text(about)));
        object(members)
    };
    let of_type = |name: &str| vec![member("type", text(name))];
    let string = |limit| vec![member("type", text("string")), member("maxLength", number(limit))];
    let systems = TermSystem::ALL.map(TermSystem::as_str);
    let properties = vec![
        member("text", described(string(MAX_TEXT), "The source's own words.")),
        member("code", described(string(MAX_ID), "The source's code, as text, never as a number.")),
        member(
            "system",
            described(vec![member("enum", words(&systems))], "The code's system; SNOMED CT unless given."),
        ),
        member("controlled", described(of_type("boolean"), "Whether the words are from a reviewed list.")),
        member("sensitive", described(of_type("boolean"), "Whether the term must not leave on its own.")),
        member("selected", described(of_type("boolean"), "Whether a person chose the code.")),
    ];
    let one = |name: &str| object(vec![member("required", words(&[name]))]);
    let coded = object(vec![
        member("type", text("object")),
        member("properties", object(properties)),
        member("anyOf", Node::Array(vec![one("text"), one("code")])),
        member("additionalProperties", Node::Bool(false)),
    ]);
    let plain = object(string(MAX_TEXT));
    object(vec![
        member("description", text("Words with or without a code: a string is the words alone.")),
        member("oneOf", Node::Array(vec![plain, coded])),
    ])
}

fn only(name: &str, rule: (String, Node)) -> Node {
    object(vec![member("properties", object(vec![member(name, object(vec![rule]))]))])
}

fn member(name: &str, value: Node) -> (String, Node) {
    (name.to_owned(), value)
}

fn object(members: Vec<(String, Node)>) -> Node {
    Node::Object(members)
}

fn text(text: &str) -> Node {
    Node::String(text.to_owned())
}

fn number(number: usize) -> Node {
    Node::Number(number.to_string())
}

fn words(words: &[&str]) -> Node {
    Node::Array(words.iter().map(|word| text(word)).collect())
}
