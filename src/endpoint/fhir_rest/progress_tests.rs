//! What becomes of our Task on which others wrote, with Tasks of invented people.

use super::*;
use crate::endpoint::fhir_rest::base::Base;
use crate::tree::{Limits, json};

fn task(members: &str) -> Node {
    json::parse(format!(r#"{{"resourceType":"Task",{members}}}"#).as_bytes(), &Limits::default()).unwrap()
}

/// What is sent, where we said the first, the second stands there, and we say the third.
fn merged(said: Option<&str>, there: &str, ours: &str, case: Case) -> Result<Node, Reason> {
    let base = Base::parse("https://gp.example/fhir").unwrap();
    let references = References::new(&base, []);
    let said = said.map(|said| Said::of(&task(said), &references));
    // As a store gives it back.
    let said = said.map(|said| Said::read(&format!("{}{}", "0".repeat(128), said.marks())).unwrap());
    let before =
        Before { said: said.as_ref(), is_decided: case == Case::Decided, is_resumed: case == Case::Resumed };
    let mut ours = task(ours);
    merge(&mut ours, &task(there), before, &references)?;
    Ok(ours)
}

#[derive(Clone, Copy, PartialEq)]
enum Case {
    Plain,
    Decided,
    Resumed,
}

fn same(one: &Node, other: &str) -> bool {
    let base = Base::parse("https://gp.example/fhir").unwrap();
    let references = References::new(&base, []);
    content::digest(one, &references) == content::digest(&task(other), &references)
}

const ASKED: &str =
    r#""status":"requested","owner":{"reference":"Organization/us"},"lastModified":"2026-03-01""#;
const BEGAN: &str =
    r#""status":"in-progress","owner":{"reference":"Organization/us"},"lastModified":"2026-03-05""#;
const TAKEN: &str = r#""status":"accepted","owner":{"reference":"Practitioner/77"},
    "businessStatus":{"text":"First call booked"},"lastModified":"2026-03-04T10:00:00Z",
    "output":[{"type":{"text":"Booking"},"valueString":"12 March"}]"#;

#[test]
fn ours_says_how_far_it_got_and_what_they_wrote_stays() {
    let first = merged(Some(ASKED), TAKEN, BEGAN, Case::Plain).unwrap();
    let expected = r#""status":"in-progress","owner":{"reference":"Practitioner/77"},
        "businessStatus":{"text":"First call booked"},"lastModified":"2026-03-05",
        "output":[{"type":{"text":"Booking"},"valueString":"12 March"}]"#;
    assert!(same(&first, expected));
    // With the next event, too: that it is theirs is not forgotten because we sent it along.
    let done = r#""status":"completed","owner":{"reference":"Organization/us"},"lastModified":"2026-03-09",
        "output":[{"type":{"text":"Outcome"},"valueCodeableConcept":{"text":"better"}}]"#;
    let second = merged(Some(BEGAN), expected, done, Case::Plain).unwrap();
    assert!(same(
        &second,
        r#""status":"completed","owner":{"reference":"Practitioner/77"},
        "businessStatus":{"text":"First call booked"},"lastModified":"2026-03-09",
        "output":[{"type":{"text":"Booking"},"valueString":"12 March"},
        {"type":{"text":"Outcome"},"valueCodeableConcept":{"text":"better"}}]"#
    ));
    // A date never goes back.
    let late = BEGAN.replace("2026-03-05", "2026-03-02");
    let merged = merged(Some(ASKED), TAKEN, &late, Case::Plain).unwrap();
    assert_eq!(merged.get("lastModified").and_then(Node::as_str), Some("2026-03-04T10:00:00Z"));
}

#[test]
fn where_we_have_no_news_theirs_stands_however_often_we_write() {
    assert!(same(&merged(Some(ASKED), TAKEN, ASKED, Case::Plain).unwrap(), TAKEN));
    // Also what they took out.
    let missed = r#""status":"requested","businessStatus":{"text":"Contact failed"}"#;
    let cleared = merged(Some(missed), r#""status":"requested""#, missed, Case::Plain).unwrap();
    assert!(cleared.get("businessStatus").is_none());
}

#[test]
fn what_we_said_ourselves_we_may_change_and_take_back() {
    let missed = r#""status":"requested","businessStatus":{"text":"Contact failed"}"#;
    let next = merged(Some(missed), missed, BEGAN, Case::Plain).unwrap();
    assert!(same(&next, BEGAN));
    let beside = format!(r#"{missed},"owner":{{"reference":"Practitioner/77"}}"#);
    let next = merged(Some(missed), &beside, r#""status":"in-progress""#, Case::Plain).unwrap();
    assert!(same(&next, r#""status":"in-progress","owner":{"reference":"Practitioner/77"}"#));
    // A correction of ours, back to what the machine would not allow.
    let corrected =
        merged(Some(BEGAN), &BEGAN.replace("Organization/us", "Practitioner/77"), ASKED, Case::Plain)
            .unwrap();
    assert_eq!(corrected.get("status").and_then(Node::as_str), Some("requested"));
    let outcome = |word: &str, more: &str| {
        format!(
            r#""status":"completed","output":[{more}{{"type":{{"text":"Outcome"}},"valueCodeableConcept":{{"text":"{word}"}}}}]"#
        )
    };
    let letter = r#"{"type":{"text":"Letter"},"valueString":"sent"},"#;
    let next =
        merged(Some(&outcome("better", "")), &outcome("better", letter), &outcome("worse", ""), Case::Plain);
    assert!(same(&next.unwrap(), &outcome("worse", letter)));
}

#[test]
fn where_both_say_something_else_a_person_decides() {
    let of = |text: &str| format!(r#""status":"requested","businessStatus":{{"text":"{text}"}}"#);
    let owned = |who: &str| format!(r#""status":"requested","owner":{{"reference":"Practitioner/{who}"}}"#);
    let reason = |text: &str| format!(r#""status":"cancelled","statusReason":{{"text":"{text}"}}"#);
    let outcome = |word: &str| {
        format!(
            r#""status":"completed","output":[{{"type":{{"text":"Outcome"}},"valueCodeableConcept":{{"text":"{word}"}}}}]"#
        )
    };
    for (said, there, ours) in [
        (of("a"), of("b"), of("c")),
        (owned("1"), owned("2"), owned("3")),
        (r#""status":"requested""#.to_owned(), reason("Died"), reason("Moved away")),
        (outcome("better"), outcome("worse"), outcome("much better")),
        (r#""status":"completed""#.to_owned(), outcome("worse"), outcome("much better")),
    ] {
        assert_eq!(merged(Some(&said), &there, &ours, Case::Plain).err(), Some(Reason::Divergent), "{ours}");
        assert!(same(&merged(Some(&said), &there, &ours, Case::Decided).unwrap(), &ours), "{ours}");
        // Of a store that was lost nothing is known.
        assert_eq!(merged(None, &there, &ours, Case::Plain).err(), Some(Reason::Divergent), "{ours}");
    }
}

#[test]
fn a_hold_of_theirs_is_lifted_by_our_resumed_or_by_an_end_and_by_nothing_else() {
    let held = r#""status":"on-hold","statusReason":{"text":"in hospital"}"#;
    let says = |status: &str| format!(r#""status":"{status}""#);
    let word = |done: Result<Node, Reason>| {
        done.map(|task| task.get("status").and_then(Node::as_str).unwrap_or_default().to_owned())
    };
    for said in [Some(says("requested")), Some(says("accepted")), None] {
        let said = said.as_deref();
        let began = says("in-progress");
        assert_eq!(word(merged(said, held, &began, Case::Plain)), Err(Reason::Divergent));
        assert_eq!(word(merged(said, held, &began, Case::Resumed)), Ok("in-progress".into()));
        assert_eq!(word(merged(said, held, &began, Case::Decided)), Ok("in-progress".into()));
        assert_eq!(word(merged(said, held, &says("completed"), Case::Plain)), Ok("completed".into()));
    }
    // What says nothing of how far it got leaves the hold and its reason; that the work goes on is news.
    let accepted = says("accepted");
    assert!(same(&merged(Some(&accepted), held, &accepted, Case::Plain).unwrap(), held));
    assert_eq!(word(merged(Some(&accepted), held, &accepted, Case::Resumed)), Ok("accepted".into()));
    // A hold of ours is ours to lift, whatever else they wrote on the Task.
    let ours = says("on-hold");
    let beside = format!(r#"{ours},"owner":{{"reference":"Practitioner/77"}}"#);
    assert_eq!(word(merged(Some(&ours), &beside, &accepted, Case::Plain)), Ok("accepted".into()));
}

#[test]
fn what_was_kept_by_an_earlier_version_says_nothing_of_it() {
    assert_eq!(Said::read(&"0".repeat(128)), None);
    assert_eq!(Said::read(""), None);
}
