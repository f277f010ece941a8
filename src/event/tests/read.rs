//! The wire form reads back; what is wrong with it is said, at its path.

use proptest::prelude::*;

use super::samples::{build, full, least, may_carry, put, sample, sample_node, wire};
use crate::event::build::NhsNumberRule;
use crate::event::field::{Field, Kind};
use crate::event::finish::Identities;
use crate::event::kinds::EventType;
use crate::event::read::{MAX_LIST, read};
use crate::event::{Issue, IssueCode, ReferralEvent};
use crate::tree::Node;

fn read_it(node: &Node) -> (Option<ReferralEvent>, Vec<Issue>) {
    read(node, &Identities::default(), NhsNumberRule::Reject)
}

/// What was found wrong, and where.
fn wrong(node: &Node) -> Vec<(IssueCode, String)> {
    let (event, issues) = read_it(node);
    assert_eq!(event.is_none(), issues.iter().any(Issue::is_error), "{issues:?}");
    issues.into_iter().map(|issue| (issue.code, issue.at.to_string())).collect()
}

fn text(text: &str) -> Node {
    Node::String(text.to_owned())
}

#[test]
fn every_field_can_be_set() {
    let mut seen = std::collections::BTreeSet::new();
    for node in full() {
        let (event, issues) = read_it(&node);
        assert!(issues.iter().all(|issue| issue.code == IssueCode::NotCarried), "{issues:?}");
        let back = wire(&event.unwrap());
        for field in Field::ALL {
            let path = field.wire_path().replace("[]", "[0]");
            if let Some(given) = node.path(&path) {
                assert!(back.path(&path) == Some(given), "{path}");
                seen.insert(*field);
            }
        }
    }
    let unset: Vec<_> = Field::ALL.iter().filter(|field| !seen.contains(field)).collect();
    assert!(unset.is_empty(), "{unset:?}");
}

#[test]
fn the_least_event_and_its_schema() {
    let mut node = least();
    assert_eq!(wrong(&node), []);
    put(&mut node, "schema", text("sp-fhir-event/1"));
    assert_eq!(wrong(&node), []);
    put(&mut node, "schema", text("sp-fhir-event/2"));
    assert_eq!(wrong(&node), [(IssueCode::ValueNotListed, "schema".into())]);
    put(&mut node, "schema", Node::Number("1".into()));
    assert_eq!(wrong(&node), [(IssueCode::WrongShape, "schema".into())]);
}

#[test]
fn unknown_fields_are_named_at_every_level() {
    for path in
        ["colour", "record.colour", "record.person.colour", "detail.colour", "detail.reasons[].colour"]
    {
        let mut node = least();
        put(&mut node, "detail.reasons[].text", text("lonely"));
        put(&mut node, path, Node::Bool(true));
        assert_eq!(wrong(&node), [(IssueCode::UnknownField, path.replace("[]", "[0]"))]);
    }
    let mut node = least();
    put(&mut node, "Nia Fon", Node::Bool(true));
    assert_eq!(wrong(&node), [(IssueCode::UnknownField, "?".into())]);
}

#[test]
fn every_field_refuses_null_and_the_wrong_shape() {
    for field in Field::ALL {
        for bad in [Node::Null, Node::Array(Vec::new())] {
            let mut node = if may_carry(EventType::Referred, *field) { least() } else { Node::Null };
            put(&mut node, &field.wire_path(), bad);
            let path = field.wire_path().replace("[]", "[0]");
            assert!(wrong(&node).contains(&(IssueCode::WrongShape, path.clone())), "{path}");
        }
        if !matches!(field.kind(), Kind::Integer | Kind::Scalar) {
            let mut node = Node::Null;
            put(&mut node, &field.wire_path(), Node::Number("7".into()));
            let path = field.wire_path().replace("[]", "[0]");
            assert!(wrong(&node).contains(&(IssueCode::WrongShape, path.clone())), "{path}");
        }
    }
    for (path, bad) in
        [("record", Node::Null), ("detail.scores", Node::Null), ("record.person", Node::Bool(true))]
    {
        let mut node = least();
        put(&mut node, path, bad);
        assert!(wrong(&node).contains(&(IssueCode::WrongShape, path.into())), "{path}");
    }
    for node in [Node::Null, Node::Array(vec![least()])] {
        assert!(wrong(&node).contains(&(IssueCode::WrongShape, "event".into())));
    }
}

#[test]
fn an_incomplete_object_is_said_once() {
    for (given, missing) in [
        ("record.fulfils.value", "record.fulfils.system"),
        ("record.fulfils.system", "record.fulfils.value"),
        ("record.based_on[].value", "record.based_on[].system"),
        ("record.based_on[].system", "record.based_on[].value"),
        ("record.prsb[].path", "record.prsb[].value"),
        ("record.consent.date", "record.consent.share"),
    ] {
        let mut node = least();
        let field = Field::ALL.iter().find(|field| field.wire_path() == given).unwrap();
        put(&mut node, given, sample_node(*field));
        assert_eq!(wrong(&node), [(IssueCode::RequiredMissing, missing.replace("[]", "[0]"))], "{given}");
    }
    let mut node = least();
    put(&mut node, "type", text("assessed"));
    put(&mut node, "detail.scores[].measure", text("ONS4"));
    let at = |path: &str| (IssueCode::RequiredMissing, path.to_owned());
    assert_eq!(wrong(&node), [at("detail.scores[0].id"), at("detail.scores[0].value")]);
}

#[test]
fn all_issues_at_once_with_their_paths() {
    let mut node = least();
    put(&mut node, "record.person.nhs_number", text("9990004219"));
    put(&mut node, "record.person.birth_date", text("11/08/1951"));
    put(&mut node, "record.service", Node::Object(Vec::new()));
    put(&mut node, "occurred_at", text("yesterday"));
    put(&mut node, "detail.outcome", text("better"));
    put(&mut node, "detail.reasons[].code", Node::Number("1".into()));
    put(&mut node, "detail.reasons[].system", text("icd10"));
    let found = wrong(&node);
    for (code, path) in [
        (IssueCode::NhsNumberCheckDigit, "record.person.nhs_number"),
        (IssueCode::DateAmbiguous, "record.person.birth_date"),
        (IssueCode::RequiredMissing, "record.service.kind"),
        (IssueCode::DateFormat, "occurred_at"),
        (IssueCode::UnknownField, "detail"),
        (IssueCode::WrongShape, "detail.reasons[0].code"),
        (IssueCode::ValueNotListed, "detail.reasons[0].system"),
    ] {
        assert!(found.contains(&(code, path.to_owned())), "{path}: {found:?}");
    }
}

#[test]
fn a_term_needs_words_or_a_code_and_lists_end() {
    let mut node = least();
    put(&mut node, "detail.reasons[].controlled", Node::Bool(true));
    assert_eq!(wrong(&node), [(IssueCode::RequiredMissing, "detail.reasons[0]".into())]);
    let mut node = least();
    put(&mut node, "detail.reasons", Node::Array(vec![text("x"); MAX_LIST + 1]));
    assert_eq!(wrong(&node), [(IssueCode::TooLarge, "detail.reasons".into())]);
}

/// Text as an event holds it: no control characters, nothing around it.
fn words() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9'\u{e9}\u{1f642}&<\"\\\\/]( ?[a-zA-Z0-9'\u{e9}\u{1f642}&<\"\\\\/\n]){0,12}"
        .prop_map(|text| text.trim().to_owned())
}

fn value(field: Field) -> BoxedStrategy<String> {
    match (field, field.kind()) {
        (_, Kind::Word(listed)) => proptest::sample::select(listed).prop_map(str::to_owned).boxed(),
        (Field::RecordedAt, _) => Just("2026-07-04T09:30:00.125+01:00".to_owned()).boxed(),
        (_, Kind::Date) => proptest::sample::select(
            &[
                "1951",
                "2026-02",
                "2024-02-29",
                "2026-03-04T09:30:00Z",
                "2026-10-25T01:30",
                "2026-07-04T09:30:00.5-03:30",
            ][..],
        )
        .prop_map(str::to_owned)
        .boxed(),
        (_, Kind::Integer) => (0u32..90).prop_map(|n| n.to_string()).boxed(),
        (_, Kind::Scalar) => prop_oneof![words(), "-?[0-9]{1,9}(\\.[0-9]{1,3})?"].boxed(),
        (_, Kind::Boolean) => Just("true".to_owned()).boxed(),
        (_, Kind::Text | Kind::Term(_)) if sample(field) == "some words" && field != Field::PrsbPath => {
            words().prop_map(|text| text.replace('\n', " ")).boxed()
        }
        _ => Just(sample(field).to_owned()).boxed(),
    }
}

/// Values for some fields of an event of any type.
fn values() -> impl Strategy<Value = Vec<(Field, u16, String)>> {
    proptest::sample::select(EventType::ALL).prop_flat_map(|event| {
        let fields = Field::ALL.iter().copied().filter(move |field| {
            may_carry(event, *field) && !matches!(field, Field::Type | Field::TargetEventId)
        });
        let amends = matches!(event, EventType::Corrected | EventType::EnteredInError);
        let each: Vec<_> = fields
            .map(|field| {
                let always = sample_is_required(field);
                let some = prop_oneof![Just(always), Just(true)];
                (some, proptest::collection::vec(value(field), many(field))).prop_map(
                    move |(there, values)| {
                        let many = if field.is_list() { values.len() } else { 1 };
                        let values = values.into_iter().take(if there { many } else { 0 });
                        (0u16..).zip(values).map(|(index, value)| (field, index, value)).collect::<Vec<_>>()
                    },
                )
            })
            .collect();
        each.prop_map(move |each| {
            let mut all = each.concat();
            all.push((Field::Type, 0, event.as_str().to_owned()));
            if amends {
                all.push((Field::TargetEventId, 0, "R1/referred".to_owned()));
            }
            all
        })
    })
}

/// Two of each part of an object in a list, so that the parts fit together; one or two of anything else.
const fn many(field: Field) -> std::ops::Range<usize> {
    if matches!(
        field,
        Field::Reason | Field::Goal | Field::GivenName | Field::FormerFamily | Field::AddressLine
    ) {
        1..3
    } else {
        2..3
    }
}

/// What every event needs, and what parts of one object need of each other.
fn sample_is_required(field: Field) -> bool {
    matches!(
        field,
        Field::Source
            | Field::EventId
            | Field::ReferralId
            | Field::OccurredAt
            | Field::NhsNumber
            | Field::ServiceKind
            | Field::ConsentShare
            | Field::FulfilsSystem
            | Field::BasedOnSystem
            | Field::BasedOnValue
            | Field::PrsbPath
            | Field::PrsbValue
            | Field::ScoreId
            | Field::ScoreMeasure
            | Field::ScoreValue
            | Field::AnswerId
            | Field::AnswerValue
    )
}

proptest! {
    #[test]
    fn events_read_back_equal(values in values()) {
        // Lists of objects whose parts came in different numbers do not become an event.
        let Ok(event) = build(&values) else { return Ok(()) };
        let node = wire(&event);
        let (back, issues) = read_it(&node);
        prop_assert!(back == Some(event), "{issues:?}");
        prop_assert!(!issues.iter().any(Issue::is_error));
    }
}

#[test]
fn most_generated_events_are_built() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let built =
        (0..200).filter(|_| build(&values().new_tree(&mut runner).unwrap().current()).is_ok()).count();
    assert!(built > 60, "{built} of 200");
}

#[test]
fn prsb_paths_are_the_standards() {
    for (path, code) in [
        ("Person demographics > Religion", IssueCode::NotCarried),
        ("Person demographics > Date of birth", IssueCode::NotCarried),
        ("Person demographics > Colour", IssueCode::ValueNotListed),
    ] {
        let mut node = least();
        put(&mut node, "record.prsb[].path", text(path));
        put(&mut node, "record.prsb[].value", text("x"));
        assert_eq!(wrong(&node), [(code, "record.prsb.path".into())], "{path}");
    }
}

#[test]
fn coded_terms_read_back() {
    let mut node = least();
    for (name, value) in [
        ("text", text("lonely")),
        ("code", text("9N4F.")),
        ("system", text("read-v2")),
        ("controlled", Node::Bool(true)),
        ("sensitive", Node::Bool(true)),
        ("selected", Node::Bool(true)),
    ] {
        put(&mut node, &format!("detail.reasons[].{name}"), value);
    }
    let event = read_it(&node).0.unwrap();
    assert!(wire(&event).path("detail.reasons") == node.path("detail.reasons"));
    assert!(read_it(&wire(&event)).0 == Some(event));
}
