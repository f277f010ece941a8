//! What versions become, with resources of invented people.

use std::sync::Arc;

use super::*;
use crate::codeset::Codeset;
use crate::event::build::NhsNumberRule;
use crate::event::finish::Identities;
use crate::outbox::Placed;
use crate::pull::fresh::{logical_focus, note_keys};
use crate::tree::{Limits, json};

const PATIENT: &str = r#"{"resourceType":"Patient","id":"p1","identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number",
    "value":"9990004218"}],"name":[{"family":"Fôn","given":["Nia"]}],"birthDate":"1951-08-09",
    "generalPractitioner":[{"reference":"Organization/o1"}]}"#;
const PRACTICE: &str = r#"{"resourceType":"Organization","id":"o1","name":"Elm Surgery",
    "identifier":[{"system":"https://fhir.nhs.uk/Id/ods-organization-code","value":"M85063"}]}"#;
const REQUEST: &str = r#"{"resourceType":"ServiceRequest","id":"r1","meta":{"versionId":"1","lastUpdated":"2026-11-02T09:00:00Z"},
    "identifier":[{"system":"https://gp.example/request","value":"GP-77a"}],"status":"active","intent":"order",
    "subject":{"reference":"Patient/p1"},"authoredOn":"2026-11-02","reasonCode":[{"text":"Lonely"}]}"#;
const OURS: &str = "5f0c1f0e-8a57-5d3c-9b1e-2f6a7c1d9e10";

fn found(text: &str) -> Found {
    Found::read(&json::parse(text.as_bytes(), &Limits::default()).unwrap()).unwrap()
}

fn task(version: &str, identifier: &str, more: &str) -> Found {
    found(&format!(
        r#"{{"resourceType":"Task","id":"t1","meta":{{"versionId":"{version}","lastUpdated":"2026-11-03T09:00:00Z"}},
        {identifier}"intent":"order","focus":{{"reference":"ServiceRequest/r1"}},"for":{{"reference":"Patient/p1"}},
        "lastModified":"2026-11-03T08:30:00Z",{more}}}"#
    ))
}

fn our_task(version: &str, more: &str) -> Found {
    let identifier =
        format!(r#""identifier":[{{"system":"https://elmfield-sp.example/cases/task","value":"{OURS}"}}],"#);
    task(version, &identifier, more)
}

fn base() -> Base {
    Base::parse("https://gp.example/fhir").unwrap()
}

fn judged(fresh: Vec<(Found, Whose)>) -> Judged {
    judged_with(fresh, &[PATIENT, PRACTICE, REQUEST])
}

fn judged_with(fresh: Vec<(Found, Whose)>, related: &[&str]) -> Judged {
    judge_fresh(fresh.into_iter().map(|(found, whose)| Fresh::of(found, whose)).collect(), related)
}

fn judge_fresh(fresh: Vec<Fresh>, related: &[&str]) -> Judged {
    let codeset = Codeset::embedded().unwrap();
    let identities =
        Identities { source: Some(Arc::from("https://gp.example/requests")), ..Identities::default() };
    let back = Back { codeset: &codeset, identities: &identities, nhs_number: NhsNumberRule::Reject };
    let related = related.iter().map(|text| found(text));
    let met = related.map(|found| ((found.kind.clone(), found.id.clone()), found)).collect();
    let related = Related { met, ..Related::default() };
    judge(&back, &base(), fresh, &related)
}

fn theirs(found: Found) -> Vec<(Found, Whose)> {
    vec![(found, Whose::Theirs)]
}

#[test]
fn a_request_of_theirs_is_referred_with_its_identifier_and_its_person() {
    let judged = judged(theirs(found(REQUEST)));
    let [event] = judged.events.as_slice() else { panic!("{judged:?}") };
    assert_eq!((event.event_type, &*event.referral_id), (EventType::Referred, "GP-77a"));
    assert_eq!((&*event.source, event.event_id.as_str()), ("https://gp.example/requests", "GP-77a/referred"));
    let fulfils = event.record.fulfils.as_ref().unwrap();
    assert_eq!((&*fulfils.system, &*fulfils.value), ("https://gp.example/request", "GP-77a"));
    assert_eq!(event.record.person.nhs_number.as_ref().unwrap().as_str(), "9990004218");
    assert_eq!(event.record.person.practice_ods.as_ref().unwrap().as_str(), "M85063");
    assert_eq!(event.recorded_at, Some("2026-11-02T09:00:00Z".parse().unwrap()));
    assert_eq!(judged.done.len(), 1);
}

#[test]
fn a_task_says_how_far_it_got_each_version_for_itself() {
    for (status, event_type) in [
        ("accepted", Some(EventType::Accepted)),
        ("rejected", Some(EventType::Rejected)),
        ("cancelled", Some(EventType::Cancelled)),
        ("on-hold", Some(EventType::OnHold)),
        ("completed", Some(EventType::Completed)),
        ("failed", Some(EventType::ClosedWithoutCompletion)),
        ("in-progress", Some(EventType::Accepted)),
        ("requested", None),
        ("draft", None),
    ] {
        let judged = judged(theirs(task("4", "", &format!(r#""status":"{status}""#))));
        let types: Vec<EventType> = judged.events.iter().map(|event| event.event_type).collect();
        assert_eq!(types, event_type.into_iter().collect::<Vec<_>>(), "{status}");
        assert!(judged.refused.is_empty() && judged.done.len() == 1, "{status}: {judged:?}");
        if let Some(event) = judged.events.first() {
            assert_eq!(event.event_id, format!("GP-77a/{}/Task/t1/4", event.event_type.as_str()));
            assert_eq!(event.record.fulfils.as_ref().unwrap().value, "GP-77a");
        }
    }
}

#[test]
fn a_request_comes_before_its_task_whatever_the_order() {
    let fresh =
        vec![(task("2", "", r#""status":"accepted""#), Whose::Theirs), (found(REQUEST), Whose::Theirs)];
    let types: Vec<EventType> = judged(fresh).events.iter().map(|event| event.event_type).collect();
    assert_eq!(types, [EventType::Referred, EventType::Accepted]);
}

#[test]
fn a_withdrawn_request_withdraws_its_event() {
    let withdrawn = REQUEST.replace("\"active\"", "\"entered-in-error\"");
    let judged = judged(theirs(found(&withdrawn)));
    assert_eq!(judged.events[0].event_type, EventType::EnteredInError);
    assert_eq!(judged.events[0].target_event_id.as_deref(), Some("GP-77a/referred"));
}

#[test]
fn a_revoked_request_is_cancelled_once_and_by_itself() {
    let revoked = REQUEST.replace("\"active\"", "\"revoked\"");
    let ids = |judged: &Judged| judged.events.iter().map(|event| event.event_id.clone()).collect::<Vec<_>>();
    let judged_request = judged(theirs(found(&revoked)));
    assert_eq!(ids(&judged_request), ["GP-77a/referred", "GP-77a/request/cancelled"]);
    // Its Task's Bundle holds it, too, and says only what the Task says.
    let fresh = theirs(task("4", "", r#""status":"accepted""#));
    let judged_task = judged_with(fresh, &[PATIENT, PRACTICE, &revoked]);
    assert_eq!(ids(&judged_task), ["GP-77a/accepted/Task/t1/4"]);
}

#[test]
fn what_cannot_be_read_is_refused_with_reasons_and_without_values() {
    let changed = REQUEST
        .replace("\"intent\"", "\"modifierExtension\":[{\"url\":\"x\",\"valueBoolean\":true}],\"intent\"");
    for bad in [
        changed,
        REQUEST.replace("\"2026-11-02\"", "\"Nia Fôn 2026\""),
        REQUEST.replace("[{\"text\":\"Lonely\"}]", "5"),
    ] {
        let judged = judged(theirs(found(&bad)));
        assert!(judged.events.is_empty());
        let [refused] = judged.refused.as_slice() else { panic!("{judged:?}") };
        assert_eq!((refused.resource.as_str(), judged.done.len()), ("ServiceRequest/r1", 1));
        assert!(!refused.issues.is_empty() && !format!("{:?}", refused.issues).contains("Nia"));
    }
}

/// What we know of our Task when we sent it as `sent` and the endpoint gave it a version.
fn known(sent: &Found, version: &str) -> Whose {
    let placed = Placed {
        resource_type: "Task".into(),
        uuid: OURS.into(),
        id: "t1".into(),
        version: Some(version.into()),
    };
    let base = base();
    let content = content::digest(&sent.node, &References::new(&base, [&placed]));
    Whose::Ours(vec![Known { placed, content }])
}

#[test]
fn of_our_own_task_only_what_others_may_change_becomes_an_event() {
    let sent = our_task("1", r#""status":"requested""#);
    let judge_one = |found: Found| judged(vec![(found, known(&sent, "1"))]);
    // Our own version, and the same under another one.
    for same in [our_task("1", r#""status":"requested""#), our_task("2", r#""status":"requested""#)] {
        let judged = judge_one(same);
        assert_eq!((judged.events.len(), judged.divergent.len(), judged.done.len()), (0, 0, 1));
    }
    let accepted = judge_one(our_task("2", r#""status":"accepted","note":[{"text":"Seen"}]"#));
    assert_eq!(accepted.events[0].event_type, EventType::Accepted);
    assert!(accepted.divergent.is_empty());
    let rejected = judge_one(our_task("2", r#""status":"rejected","statusReason":{"text":"Out of area"}"#));
    assert_eq!(
        rejected.events[0].detail.status_reason.as_ref().unwrap().text.as_deref(),
        Some("Out of area")
    );
    // The work goes on already; that somebody wrote a word to it does not take it back to accepted.
    let under_way = judge_one(our_task("2", r#""status":"in-progress","businessStatus":{"text":"Rang"}"#));
    assert_eq!(under_way.events[0].event_type, EventType::DetailsChanged);
    // The same of one that is only asked for: who is to do it, or what stands in its way.
    for more in [r#""owner":{"display":"Team B"}"#, r#""businessStatus":{"text":"Waiting list"}"#] {
        let told = judge_one(our_task("2", &format!(r#""status":"requested",{more}"#)));
        assert_eq!(told.events[0].event_type, EventType::DetailsChanged, "{more}");
        assert_eq!(told.events[0].event_id, "GP-77a/details_changed/Task/t1/2");
    }
    // What is ours alone.
    let diverged = judge_one(our_task("2", r#""status":"accepted","priority":"stat""#));
    assert_eq!((diverged.events.len(), diverged.divergent.as_slice()), (0, &["Task/t1".to_owned()][..]));
    // Our name on another resource.
    let mut copied = our_task("2", r#""status":"accepted""#);
    copied.id = "t9".into();
    assert_eq!(judge_one(copied).divergent, ["Task/t9"]);
}

/// The same version, with the notes at these places not met before.
fn noted(found: &Found, whose: &Whose, notes: &[usize]) -> Fresh {
    Fresh { notes: notes.to_vec(), ..Fresh::of(found.clone(), whose.clone()) }
}

#[test]
fn a_word_about_a_task_is_told_once_however_far_it_got_and_whose_ever_it_is() {
    let related = [PATIENT, PRACTICE, REQUEST];
    for status in ["requested", "accepted", "completed"] {
        let said = format!(r#""status":"{status}""#);
        let words = format!(r#"{said},"note":[{{"text":"Rang, no answer"}},{{"text":"Rang again"}}]"#);
        let answered = || {
            let left = task("1", "", &said);
            let base = base();
            let content = content::digest_answer(&left.node, &References::new(&base, []));
            let placed = Placed {
                resource_type: "Task".into(),
                uuid: "t1".into(),
                id: "t1".into(),
                version: Some("1".into()),
            };
            Whose::Answered(vec![Known { placed, content }])
        };
        let ours = known(&our_task("1", &said), "2");
        for (found, whose) in [(our_task("2", &words), ours), (task("2", "", &words), answered())] {
            for (places, expected) in
                [(&[0, 1][..], "Rang, no answer\n\nRang again"), (&[1][..], "Rang again")]
            {
                let told = judge_fresh(vec![noted(&found, &whose, places)], &related);
                let [event] = told.events.as_slice() else { panic!("{status}: {told:?}") };
                assert_eq!(event.event_type, EventType::DetailsChanged, "{status}");
                assert_eq!(event.event_id, "GP-77a/details_changed/Task/t1/2", "{status}");
                assert_eq!(event.detail.note.as_deref(), Some(expected), "{status}");
            }
            // Met before: they say nothing any more.
            let told = judge_fresh(vec![noted(&found, &whose, &[])], &related);
            assert!(told.events.is_empty() && told.done.len() == 1, "{status}");
        }
    }
}

#[test]
fn a_word_with_what_they_ask_is_told_beside_it_and_once() {
    let said = |status: &str, places: &[usize]| {
        let task =
            task("4", "", &format!(r#""status":"{status}","note":[{{"text":"Ring in the morning"}}]"#));
        let judged = judge_fresh(vec![noted(&task, &Whose::Theirs, places)], &[PATIENT, PRACTICE, REQUEST]);
        let told = |event: &ReferralEvent| (event.event_type, event.detail.note.clone());
        judged.events.iter().map(told).collect::<Vec<_>>()
    };
    let note = || Some("Ring in the morning".to_owned());
    assert_eq!(said("requested", &[0]), [(EventType::DetailsChanged, note())]);
    assert_eq!(said("requested", &[]), []);
    assert_eq!(said("draft", &[0]), []);
    assert_eq!(said("accepted", &[0]), [(EventType::Accepted, note())]);
    assert_eq!(said("accepted", &[]), [(EventType::Accepted, None)]);
    // One that does not say when it was changed: its version does.
    let undated = task("4", "", r#""status":"requested","note":[{"text":"x"}]"#);
    let mut undated = noted(&undated, &Whose::Theirs, &[0]);
    let Node::Object(members) = &mut undated.found.node else { panic!() };
    members.retain(|(name, _)| name != "lastModified");
    let told = judge_fresh(vec![undated], &[PATIENT, PRACTICE, REQUEST]);
    assert_eq!(told.events.len(), 1, "{told:?}");
}

#[test]
fn notes_are_known_one_by_one_in_whatever_version() {
    let keys =
        |version: &str, notes: &str| note_keys(&our_task(version, &format!(r#""note":[{notes}]"#)), "gp");
    let (one, two) = (r#"{"text":"Rang"}"#, r#"{"text":"Rang","time":"2026-11-03"}"#);
    let both = keys("2", &format!("{one},{two}"));
    assert_eq!(both, [keys("9", one), keys("1", two)].concat());
    assert_ne!(both[0], both[1]);
    assert!(keys("1", "").is_empty() && note_keys(&found(REQUEST), "gp").is_empty());
}

#[test]
fn a_task_that_names_its_request_by_identifier_is_about_the_one_that_has_it() {
    let focus =
        r#"{"type":"ServiceRequest","identifier":{"system":"https://gp.example/request","value":"GP-77a"}}"#;
    let node = r#"{"resourceType":"Task","id":"t1","meta":{"versionId":"2"},"intent":"order","status":"accepted",
        "focus":F,"for":{"reference":"Patient/p1"},"lastModified":"2026-11-03"}"#;
    let task = found(&node.replace('F', focus));
    assert_eq!(logical_focus(&task), Some(("https://gp.example/request", "GP-77a")));
    let with = |focus: Focus| {
        let fresh = Fresh { focus, ..Fresh::of(task.clone(), Whose::Theirs) };
        judge_fresh(vec![fresh], &[PATIENT, PRACTICE, REQUEST])
    };
    let judged = with(Focus::At(("ServiceRequest".into(), "r1".into())));
    let [event] = judged.events.as_slice() else { panic!("{judged:?}") };
    assert_eq!((event.event_type, &*event.referral_id), (EventType::Accepted, "GP-77a"));
    assert!(event.record.person.practice_ods.is_some(), "what the request says is there");
    let judged = with(Focus::Several);
    assert_eq!((judged.events.len(), judged.done.len()), (0, 1));
    assert_eq!(judged.refused[0].issues[0].code, IssueCode::SeveralRequests);
    // What points somewhere, or at something else, is left as it is stated.
    for other in [
        r#"{"reference":"ServiceRequest/r1","identifier":{"system":"s","value":"v"}}"#,
        r#"{"type":"CarePlan","identifier":{"system":"s","value":"v"}}"#,
        r#"{"identifier":{"value":"v"}}"#,
    ] {
        assert_eq!(logical_focus(&found(&node.replace('F', other))), None, "{other}");
    }
}

#[test]
fn our_own_answer_is_no_news_and_what_they_do_with_it_is_theirs() {
    let left = task("3", "", r#""status":"accepted","priority":"urgent""#);
    let base = base();
    let content = content::digest_answer(&left.node, &References::new(&base, []));
    let placed = |version: &str| Placed {
        resource_type: "Task".into(),
        uuid: "t1".into(),
        id: "t1".into(),
        version: Some(version.into()),
    };
    let answered = |found: Found, version: &str, content: &str| {
        let known = vec![Known { placed: placed(version), content: content.into() }];
        let judged = judged(vec![(found, Whose::Answered(known))]);
        assert_eq!((judged.done.len(), judged.divergent.len()), (1, 0));
        judged.events.iter().map(|event| event.event_type).collect::<Vec<_>>()
    };
    // With what we said kept beside it, as it is.
    let kept = content + &"0".repeat(64);
    assert!(answered(left.clone(), "3", &kept).is_empty());
    assert!(answered(left.clone(), "unknown", &kept).is_empty(), "a lost answer, told by its content");
    let noted = task("4", "", r#""status":"accepted","priority":"stat","note":[{"text":"x"}]"#);
    assert!(answered(noted, "3", &kept).is_empty(), "nothing of how far it got");
    let cancelled = task("4", "", r#""status":"cancelled""#);
    assert_eq!(answered(cancelled.clone(), "3", &kept), [EventType::Cancelled]);
    // An answer that never arrived leaves everything theirs.
    assert_eq!(answered(cancelled, "unknown", ""), [EventType::Cancelled]);
}

#[test]
fn what_looks_like_ours_and_is_not_known_is_looked_at_again() {
    let task = our_task("1", r#""status":"accepted""#);
    assert_eq!(our_name(&task), Some(("https://elmfield-sp.example/cases", OURS)));
    let judged = judged(vec![(task, Whose::Unclear)]);
    assert_eq!((judged.unclear.len(), judged.done.len(), judged.events.len()), (1, 0, 0));
    // Another system's own UUID, and its own `task` system with its own numbers.
    for identifier in [
        r#"{"system":"https://gp.example/request","value":"5f0c1f0e-8a57-5d3c-9b1e-2f6a7c1d9e10"}"#,
        r#"{"system":"https://gp.example/task","value":"12"}"#,
        r#"{"system":"https://gp.example/task","value":"5f0c1f0e-8a57-4d3c-9b1e-2f6a7c1d9e10"}"#,
    ] {
        let theirs = self::task("1", &format!(r#""identifier":[{identifier}],"#), r#""status":"accepted""#);
        assert_eq!(our_name(&theirs), None, "{identifier}");
    }
}

#[test]
fn a_task_whose_request_is_not_to_be_had_says_what_it_can() {
    let judged = judged_with(theirs(task("2", "", r#""status":"accepted""#)), &[]);
    let [event] = judged.events.as_slice() else { panic!("{judged:?}") };
    assert_eq!((&*event.referral_id, event.record.fulfils.is_none()), ("r1", true));
}
