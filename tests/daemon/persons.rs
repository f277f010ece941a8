//! What one record says of a person holds the person's others, in a store that was filled by other means before.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use crate::files;
use crate::people::{PRACTICE, Person};
use crate::sender::Client;
use crate::world::{FILES, World, arrived, count};

const LIMIT: Duration = Duration::from_secs(60);

/// Hands events to the store with a command of its own; gives its exit code.
fn send(world: &World, name: &str, events: &[Value]) -> i32 {
    let lines: Vec<String> = events.iter().map(Value::to_string).collect();
    let file = world.path().join(name);
    fs::write(&file, lines.join("\n")).unwrap();
    world.run(&["send", file.to_str().unwrap(), "--quiet"]).code
}

fn because(world: &World, reason: &str) -> usize {
    world.entries(&["--state", "held", "--reason", reason]).len()
}

#[test]
fn a_refused_record_about_consent_holds_what_waits_in_the_store() {
    let world = World::new(FILES);
    let (one, other) = (Person::new(1, PRACTICE), Person::new(2, PRACTICE));
    let events = [one.event("A", 0), one.event("A", 1), one.event("B", 0), other.event("C", 0)];
    assert_eq!(send(&world, "first.ndjson", &events), 0);
    assert_eq!(count(&world.status(), "pending"), 4);
    // Refused for its date; what it says of consent is heeded.
    let mut less = one.event("A", 2);
    less["type"] = "consent_changed".into();
    less["detail"] = json!({});
    less["record"]["consent"] = json!({"share": "codes_only", "date": "2026-03-04"});
    let mut refused = less.clone();
    refused["occurred_at"] = "the fourth".into();
    assert_ne!(send(&world, "second.ndjson", &[refused.clone()]), 0);
    assert_eq!(because(&world, "consent-unclear"), 3);
    let daemon = world.start();
    assert_eq!(Client::new().event(daemon.at(), &refused).status, 422);
    let status = world.wait_idle(LIMIT);
    assert_eq!((arrived(&status), count(&status, "held")), (1, 3), "{status:#}");
    // After kill -9 it is known still.
    daemon.kill();
    let daemon = world.start();
    assert_eq!(Client::new().event(daemon.at(), &one.event("B", 1)).status, 202);
    assert_eq!(because(&world, "consent-unclear"), 4);
    assert_eq!(Client::new().event(daemon.at(), &less).status, 202);
    let status = world.wait_idle(LIMIT);
    assert_eq!((arrived(&status), count(&status, "held")), (6, 0), "{status:#}");
    assert_eq!(status["accepted"].as_u64(), Some(6));
    daemon.stop();
}

#[test]
fn one_number_with_two_dates_of_birth_waits_for_a_person() {
    let world = World::new(FILES);
    let daemon = world.start();
    let person = Person::new(3, PRACTICE);
    let mut other = person.event("B", 0);
    other["record"]["person"]["birth_date"] = "1946-09-23".into();
    let both = json!([person.event("A", 0), other]).to_string();
    let reply = Client::new().post(daemon.at(), "/events", "application/json", &both);
    assert!(matches!(reply.status, 202 | 207), "{}", reply.body);
    let status = world.wait_idle(LIMIT);
    assert_eq!((arrived(&status), count(&status, "held")), (0, 2), "{status:#}");
    assert_eq!(because(&world, "birth-dates-differ"), 2);
    assert_eq!(world.run(&["outbox", "release", "1", "--why", "seen the passport"]).code, 0);
    assert_eq!(arrived(&world.wait_idle(LIMIT)), 1);
    daemon.stop();
}

#[test]
fn an_edited_resource_is_taken_as_a_later_version() {
    let world = World::new(FILES);
    let daemon = world.start();
    let person = Person::new(4, PRACTICE);
    let post = |updated: &str, day: &str| {
        let request = json!({
            "resourceType": "ServiceRequest", "id": "r1", "meta": {"lastUpdated": updated},
            "identifier": [{"system": "https://gp.example/case-reference", "value": "G-1"}],
            "status": "active", "intent": "order", "authoredOn": day,
            "subject": {"identifier": {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": person.number}},
        });
        let reply = Client::new().post(daemon.at(), "/fhir", "application/fhir+json", &request.to_string());
        reply.json()["results"][0]["status"].as_u64().unwrap()
    };
    for (updated, day, status) in [
        ("2026-03-04T09:00:00Z", "2026-03-04", 202),
        ("2026-03-04T09:00:00Z", "2026-03-04", 200),
        ("2026-03-04T09:00:00Z", "2026-03-05", 409),
        ("2026-03-06T09:00:00Z", "2026-03-05", 202),
        ("2026-03-05T09:00:00Z", "2026-03-04", 200),
    ] {
        assert_eq!(post(updated, day), status, "{updated} {day}");
    }
    assert_eq!(world.status()["accepted"].as_u64(), Some(2));
    daemon.stop();
}

#[test]
fn what_is_sensitive_goes_when_a_person_says_so() {
    let world = World::new(FILES);
    let daemon = world.start();
    let mut event = Person::new(5, PRACTICE).event("A", 0);
    event["detail"] = json!({"reasons": [{"text": "Refuge", "controlled": true, "sensitive": true}]});
    assert_eq!(Client::new().event(daemon.at(), &event).status, 202);
    world.wait_idle(LIMIT);
    let shown = world.run(&["outbox", "show", "1"]).stdout;
    assert!(shown.contains("sensitive-withheld by sp-fhir"), "{shown}");
    let release = |option: &str| world.run(&["outbox", "release", "1", option, "--why", "she asked for it"]);
    for option in ["--ours", "--theirs"] {
        assert_eq!(release(option).code, 1, "nothing of it differs");
    }
    assert_eq!(release("--sensitive").code, 0);
    let status = world.wait_idle(LIMIT);
    assert_eq!((arrived(&status), status["accepted"].as_u64()), (2, Some(2)), "{status:#}");
    let sent = files::in_order(&world.outgoing());
    let has = |bundle: &Value, words: &str| bundle.to_string().contains(words);
    assert_eq!((has(&sent[0], "Refuge"), has(&sent[1], "Refuge")), (false, true));
    let labelled = |bundle: &Value| {
        let entries = bundle["entry"].as_array().unwrap().clone();
        let of = entries.into_iter().filter(|entry| entry["resource"]["meta"]["security"][0]["code"] == "R");
        of.map(|entry| entry["resource"]["resourceType"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!((labelled(&sent[0]), labelled(&sent[1])), (vec![], vec!["ServiceRequest".to_owned()]));
    assert!(world.run(&["outbox", "show", "2"]).stdout.contains("release-sensitive by j.marsh"));
    daemon.stop();
}

/// What is set aside was not taken: nothing in the store could be released, so the command must say it.
#[test]
fn rows_that_are_set_aside_are_told_by_send_as_refused_ones_are() {
    let world = World::new(FILES);
    let (one, other) = (Person::new(1, PRACTICE), Person::new(2, PRACTICE));
    let (mut first, mut second) = (one.event("A", 0), other.event("C", 0));
    for event in [&mut first, &mut second] {
        event["record"]["person"]["local_id"] = "P-1".into();
    }
    let lines = [first.to_string(), second.to_string(), other.event("B", 0).to_string()];
    fs::write(world.path().join("events.ndjson"), lines.join("\n")).unwrap();
    let said = world.run(&["send", "events.ndjson"]);
    assert_eq!(said.code, 1, "{}{}", said.stdout, said.stderr);
    for part in ["3 rows: 1 taken", "2 set aside", "2 held-nhs-numbers", "--rejects FILE keeps"] {
        assert!(said.stderr.contains(part), "{part}: {}", said.stderr);
    }
    let only = lines[..2].join("\n");
    fs::write(world.path().join("events.ndjson"), only).unwrap();
    let said = world.run(&["send", "events.ndjson", "--rejects", "rejects.ndjson"]);
    assert_eq!(said.code, 3, "{}{}", said.stdout, said.stderr);
    let kept = fs::read_to_string(world.path().join("rejects.ndjson")).unwrap();
    assert_eq!(kept.matches("held-nhs-numbers").count(), 2, "{kept}");
}
