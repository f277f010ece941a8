//! What becomes of their Task, with Tasks of invented people.

use super::*;
use crate::endpoint::fhir_rest::base::Base;
use crate::tree::{Limits, json};

fn node(text: &str) -> Node {
    json::parse(text.as_bytes(), &Limits::default()).unwrap()
}

fn task(members: &str) -> Node {
    node(&format!(r#"{{"resourceType":"Task","id":"7",{members}}}"#))
}

/// What was done before: as it was left, or moved on since.
#[derive(Clone, Copy)]
enum Last<'n> {
    Nothing,
    AsLeft(&'n Node),
    MovedOn(&'n Node),
}

fn told(theirs: &Node, ours: &Node, last: Last<'_>, is_resumed: bool) -> Result<Option<Node>, Reason> {
    let base = Base::parse("https://gp.example/fhir").unwrap();
    let references = References::new(&base, []);
    let said = |node: &Node| content::digest_said(node, &references);
    let before = match last {
        Last::Nothing => None,
        Last::AsLeft(then) => Some((true, said(then))),
        Last::MovedOn(then) => Some((false, said(then))),
    };
    let period = OfPeriod { start: true, end: true };
    let before = before.as_ref().map(|(is_as_left, said)| Before {
        is_as_left: *is_as_left,
        said,
        period,
        is_held: matches!(last, Last::MovedOn(then) if then.get("status").and_then(Node::as_str) == Some("on-hold")),
    });
    let ours = Ours { task: ours, said: &said(ours), is_resumed };
    Ok(merge(theirs, ours, before, &references)?.map(|(merged, _)| merged))
}

fn merged(theirs: &Node, ours: &Node, last: Last<'_>) -> Result<Option<Node>, Reason> {
    told(theirs, ours, last, false)
}

fn status(status: &str) -> Node {
    task(&format!(r#""status":"{status}""#))
}

#[test]
fn only_what_we_may_write_changes() {
    let theirs = task(
        r#""meta":{"versionId":"3","lastUpdated":"x","tag":[{"code":"t"}]},"status":"requested","_status":{"id":"a"},
        "intent":"order","priority":"urgent","note":[{"text":"Ring first"}],"owner":{"reference":"Organization/us"},
        "businessStatus":{"text":"Triage"},"authoredOn":"2026-03-01","input":[{"type":{"text":"x"},"valueString":"y"}],
        "output":[{"type":{"text":"Letter"},"valueString":"sent"}]"#,
    );
    let ours = task(
        r#""status":"completed","lastModified":"2026-03-09","owner":{"reference":"urn:uuid:o"},"note":[{"text":"no"}],
        "output":[{"type":{"text":"Outcome"},"valueCodeableConcept":{"text":"better"}}]"#,
    );
    let first = merged(&theirs, &ours, Last::Nothing).unwrap().unwrap();
    let expected = task(
        r#""meta":{"tag":[{"code":"t"}]},"status":"completed",
        "intent":"order","priority":"urgent","note":[{"text":"Ring first"}],"owner":{"reference":"Organization/us"},
        "authoredOn":"2026-03-01","input":[{"type":{"text":"x"},"valueString":"y"}],
        "output":[{"type":{"text":"Letter"},"valueString":"sent"},
        {"type":{"text":"Outcome"},"valueCodeableConcept":{"text":"better"}}],"lastModified":"2026-03-09""#,
    );
    assert!(first == expected);
    // A second time changes nothing, whatever is known: no outcome twice.
    for last in [Last::Nothing, Last::AsLeft(&ours), Last::MovedOn(&theirs)] {
        assert_eq!(merged(&first, &ours, last), Ok(None));
    }
    // Another outcome of ours replaces ours, and only ours.
    let other = node(
        &String::from_utf8({
            let mut bytes = Vec::new();
            json::write(&ours, &mut bytes);
            bytes
        })
        .unwrap()
        .replace("better", "much better"),
    );
    let second = merged(&first, &other, Last::AsLeft(&ours)).unwrap().unwrap();
    assert_eq!(second.get("output").unwrap().as_array().unwrap().len(), 2);
}

#[test]
fn a_step_that_the_machine_does_not_have_waits_for_a_person() {
    for (from, to, allowed) in [
        ("requested", "accepted", true),
        ("requested", "rejected", true),
        ("requested", "in-progress", true),
        ("requested", "completed", true),
        ("received", "accepted", true),
        ("accepted", "in-progress", true),
        ("accepted", "failed", true),
        ("in-progress", "on-hold", true),
        ("on-hold", "accepted", false),
        ("on-hold", "in-progress", false),
        ("on-hold", "completed", true),
        ("accepted", "rejected", false),
        ("in-progress", "accepted", false),
        ("draft", "accepted", false),
        ("cancelled", "accepted", false),
        ("cancelled", "completed", false),
        ("completed", "in-progress", false),
        ("rejected", "accepted", false),
        ("failed", "completed", false),
        ("", "accepted", false),
        ("of-their-own", "accepted", false),
    ] {
        let done = merged(&status(from), &status(to), Last::Nothing);
        assert_eq!(done.as_ref().is_ok_and(Option::is_some), allowed, "{from} {to}");
        assert_eq!(done == Err(Reason::Divergent), !allowed, "{from} {to}");
    }
}

#[test]
fn what_we_said_ourselves_we_may_take_back() {
    let completed = status("completed");
    assert_eq!(merged(&completed, &status("in-progress"), Last::Nothing), Err(Reason::Divergent));
    for to in ["in-progress", "requested", "cancelled"] {
        let done = merged(&completed, &status(to), Last::AsLeft(&completed));
        assert!(done.unwrap().is_some(), "{to}");
    }
    // They moved it on since.
    let cancelled = status("cancelled");
    assert_eq!(
        merged(&cancelled, &status("completed"), Last::MovedOn(&status("accepted"))),
        Err(Reason::Divergent)
    );
    assert_eq!(merged(&cancelled, &status("accepted"), Last::MovedOn(&status("accepted"))), Ok(None));
    // That our referral was an error does not make their Task one.
    assert_eq!(merged(&status("requested"), &status("entered-in-error"), Last::Nothing), Ok(None));
    let accepted = status("accepted");
    assert_eq!(
        merged(&accepted, &status("entered-in-error"), Last::AsLeft(&accepted)),
        Err(Reason::Divergent)
    );
}

#[test]
fn the_period_of_the_work_is_ours_only_while_it_stands_as_we_left_it() {
    let period = |task: Node| task.get("executionPeriod").cloned();
    let dated =
        |status: &str, period: &str| task(&format!(r#""status":"{status}","executionPeriod":{{{period}}}"#));
    let began = dated("in-progress", r#""start":"2026-03-04""#);
    let first = merged(&status("accepted"), &began, Last::Nothing).unwrap().unwrap();
    assert!(period(first.clone()) == period(began.clone()));
    // A date that was corrected, and nothing else.
    let corrected = dated("in-progress", r#""start":"2026-03-03""#);
    let mended = merged(&first, &corrected, Last::AsLeft(&began)).unwrap().unwrap();
    assert!(period(mended) == period(corrected.clone()));
    let theirs = dated("in-progress", r#""start":"2026-03-01""#);
    let done = dated("completed", r#""start":"2026-03-03","end":"2026-03-09""#);
    let ended = merged(&theirs, &done, Last::MovedOn(&began)).unwrap().unwrap();
    assert!(period(ended) == period(dated("completed", r#""start":"2026-03-01","end":"2026-03-09""#)));
    // Nothing that we know takes theirs out.
    let kept = merged(&theirs, &status("on-hold"), Last::Nothing).unwrap().unwrap();
    assert!(period(kept) == period(theirs));
}

#[test]
fn a_hold_of_theirs_is_lifted_by_our_resumed_or_by_an_end_and_by_nothing_else() {
    let held = task(r#""status":"on-hold","statusReason":{"text":"in hospital"}"#);
    let (accepted, began) = (status("accepted"), status("in-progress"));
    let word = |done: Result<Option<Node>, Reason>| {
        done.map(|done| done.and_then(|task| task.get("status")?.as_str().map(str::to_owned)))
    };
    for last in [Last::Nothing, Last::MovedOn(&accepted)] {
        assert_eq!(word(merged(&held, &began, last)), Err(Reason::Divergent));
        assert_eq!(word(told(&held, &began, last, true)), Ok(Some("in-progress".into())));
        for end in ["completed", "failed", "cancelled"] {
            assert_eq!(word(merged(&held, &status(end), last)), Ok(Some(end.into())));
        }
        assert_eq!(word(told(&held, &status("requested"), last, true)), Err(Reason::Divergent));
    }
    // We have nothing new to say; but that the work goes on is new to them.
    assert_eq!(word(merged(&held, &accepted, Last::MovedOn(&accepted))), Ok(None));
    assert_eq!(word(told(&held, &accepted, Last::MovedOn(&accepted), true)), Ok(Some("accepted".into())));
    // A hold of ours is ours to lift, also after they wrote something else on the Task.
    let ours = status("on-hold");
    for last in [Last::AsLeft(&ours), Last::MovedOn(&ours)] {
        assert_eq!(word(merged(&held, &accepted, last)), Ok(Some("accepted".into())));
    }
}

#[test]
fn what_they_ended_keeps_their_reason() {
    let theirs = task(r#""status":"cancelled","statusReason":{"text":"Asked to wait"}"#);
    let ours = task(r#""status":"cancelled","statusReason":{"text":"Moved away"}"#);
    assert_eq!(merged(&theirs, &ours, Last::Nothing), Ok(None));
    let again =
        merged(&ours, &task(r#""status":"cancelled","statusReason":{"text":"Died"}"#), Last::AsLeft(&ours));
    assert_eq!(again.unwrap().unwrap().path("statusReason.text").and_then(Node::as_str), Some("Died"));
}

#[test]
fn a_business_status_goes_with_the_status_it_is_about() {
    let missed = task(r#""status":"requested","businessStatus":{"text":"Contact failed"}"#);
    let first = merged(&status("requested"), &missed, Last::Nothing).unwrap().unwrap();
    assert!(first.get("businessStatus").is_some());
    let next = merged(&first, &status("in-progress"), Last::AsLeft(&missed)).unwrap().unwrap();
    assert!(next.get("businessStatus").is_none());
    // Theirs stays while the status does.
    let theirs = task(r#""status":"in-progress","businessStatus":{"text":"Rang"}"#);
    assert_eq!(merged(&theirs, &status("in-progress"), Last::MovedOn(&status("accepted"))), Ok(None));
}

#[test]
fn a_date_never_goes_back_and_never_before_the_asking() {
    for (there, ours, expected) in [
        (r#""authoredOn":"2026-03-05""#, "2026-03-06", Some("2026-03-06")),
        (r#""authoredOn":"2026-03-05""#, "2026-03-05", Some("2026-03-05")),
        (r#""authoredOn":"2026-03-05""#, "2026-03-04", None),
        (r#""authoredOn":"2026-03-05T10:00:00Z""#, "2026-03-05", None),
        (r#""lastModified":"2026-03-07T10:00:00Z""#, "2026-03-06", Some("2026-03-07T10:00:00Z")),
        (r#""lastModified":"2026-03-07T10:00:00Z""#, "2026-03-08", Some("2026-03-08")),
    ] {
        let theirs = task(&format!(r#""status":"requested",{there}"#));
        let ours = task(&format!(r#""status":"accepted","lastModified":"{ours}""#));
        let merged = merged(&theirs, &ours, Last::Nothing).unwrap().unwrap();
        assert_eq!(merged.get("lastModified").and_then(Node::as_str), expected, "{there}");
    }
}

#[test]
fn a_task_that_may_mean_something_else_is_not_written() {
    for odd in [
        r#""status":"requested","modifierExtension":[{"url":"x","valueBoolean":true}]"#,
        r#""status":"requested","restriction":{"modifierExtension":[{"url":"x"}]}"#,
        r#""status":"requested","implicitRules":"x""#,
    ] {
        assert_eq!(merged(&task(odd), &status("accepted"), Last::Nothing), Err(Reason::Divergent), "{odd}");
    }
}
