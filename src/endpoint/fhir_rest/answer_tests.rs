//! Which Task is ours to answer, with Tasks of invented people.

use super::*;
use crate::outbox::Placed;
use crate::tree::{Limits, json};

const US: &str = "Organization/us";

fn node(text: &str) -> Node {
    json::parse(text.as_bytes(), &Limits::default()).unwrap()
}

fn task(id: &str, status: &str, owner: &str) -> Node {
    let owner =
        if owner.is_empty() { String::new() } else { format!(r#","owner":{{"reference":"{owner}"}}"#) };
    node(&format!(r#"{{"resourceType":"Task","id":"{id}","status":"{status}"{owner}}}"#))
}

fn known(id: &str, content: &str) -> Known {
    let placed = Placed { resource_type: "Task".into(), uuid: id.into(), id: id.into(), version: None };
    Known { placed, content: content.into() }
}

/// The id of the Task that is chosen.
fn chosen(
    tasks: &[Node],
    owner: Option<&str>,
    again: bool,
    known: &[Known],
) -> Result<Option<String>, Reason> {
    let fulfils = Fulfils { system: "s".into(), value: "v".into(), task: None, instead_of: None, again };
    let wanted = Wanted { request: Node::Null, id: "55".into(), tasks: Vec::new() };
    let answering = Answering { fulfils: &fulfils, wanted: &wanted, owner };
    let base = Base::parse("https://gp.example/fhir").unwrap();
    let tasks: Vec<&Node> = tasks.iter().collect();
    let found = choose(&tasks, &answering, known, &base)?;
    Ok(found.and_then(|task| type_and_id(task)).map(|(_, id)| id.to_owned()))
}

#[test]
fn the_task_for_us_is_chosen_and_no_other() {
    let one = |id: &str| Ok(Some(id.to_owned()));
    let choose = |tasks: &[Node]| chosen(tasks, Some(US), false, &[]);
    assert_eq!(choose(&[]), Ok(None), "there is none: ours is made");
    assert_eq!(choose(&[task("1", "requested", US)]), one("1"));
    assert_eq!(choose(&[task("1", "requested", "https://gp.example/fhir/Organization/us")]), one("1"));
    assert_eq!(choose(&[task("1", "requested", "")]), one("1"), "whoever the request is for may take it");
    assert_eq!(choose(&[task("1", "requested", ""), task("2", "accepted", US)]), one("2"));
    assert_eq!(choose(&[task("1", "requested", "Organization/others"), task("2", "accepted", US)]), one("2"));
    assert_eq!(choose(&[task("1", "cancelled", US), task("2", "requested", US)]), one("2"));
    assert_eq!(choose(&[task("1", "cancelled", US)]), one("1"), "and then held, because it has ended");
    assert_eq!(choose(&[task("1", "entered-in-error", US)]), Ok(None));
    // Of others, or of we cannot say whom.
    assert_eq!(choose(&[task("1", "requested", "Organization/others")]), Err(Reason::RequestNotFound));
    assert_eq!(chosen(&[task("1", "requested", US)], None, false, &[]), Err(Reason::RequestNotFound));
    assert_eq!(chosen(&[task("1", "requested", "")], None, false, &[]), one("1"));
    // Two that cannot be told apart.
    assert_eq!(choose(&[task("1", "requested", US), task("2", "accepted", US)]), Err(Reason::Duplicate));
    assert_eq!(choose(&[task("1", "completed", US), task("2", "failed", US)]), Err(Reason::Duplicate));
}

#[test]
fn what_was_answered_before_is_answered_again() {
    let two = [task("1", "accepted", US), task("2", "requested", US)];
    assert_eq!(chosen(&two, Some(US), false, &[known("1", "x")]), Ok(Some("1".into())));
    // Only foretold, never written.
    assert_eq!(chosen(&two, Some(US), false, &[known("1", "")]), Err(Reason::Duplicate));
    // It is gone, or about another request now.
    assert_eq!(chosen(&[], Some(US), false, &[known("1", "x")]), Err(Reason::Divergent));
    assert_eq!(chosen(&[], Some(US), false, &[known("1", "")]), Ok(None));
}

#[test]
fn a_later_task_of_ours_leaves_a_finished_one_alone() {
    let over = [task("1", "completed", US)];
    assert_eq!(chosen(&over, Some(US), true, &[known("1", "x")]), Ok(None));
    let asked_again = [task("1", "completed", US), task("2", "requested", US)];
    assert_eq!(chosen(&asked_again, Some(US), true, &[known("1", "x")]), Ok(Some("2".into())));
}

#[test]
fn a_reference_by_the_requests_identifier_takes_its_place() {
    let fulfils =
        Fulfils { system: "s".into(), value: "v".into(), task: None, instead_of: None, again: false };
    let mut resource = node(
        r#"{"basedOn":[{"type":"ServiceRequest","identifier":{"system":"s","value":"v"}},
        {"type":"ServiceRequest","identifier":{"system":"s","value":"w"}}],"subject":{"identifier":{"system":"s","value":"v"}}}"#,
    );
    point(&mut resource, &fulfils, "55");
    let expected = node(
        r#"{"basedOn":[{"type":"ServiceRequest","identifier":{"system":"s","value":"v"},"reference":"ServiceRequest/55"},
        {"type":"ServiceRequest","identifier":{"system":"s","value":"w"}}],"subject":{"identifier":{"system":"s","value":"v"}}}"#,
    );
    assert!(resource == expected);
}
