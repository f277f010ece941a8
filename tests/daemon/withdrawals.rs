//! A withdrawal under an id that is known: whoever sends it is told what becomes of it, by whatever way it comes. Next:
//! `world.rs`.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use crate::people::{PRACTICE, Person};
use crate::sender::Client;
use crate::world::{FILES, World, count};

fn codes(outcome: &Value) -> Vec<&str> {
    let issues = outcome["issue"].as_array().unwrap();
    issues.iter().map(|issue| issue["details"]["coding"][0]["code"].as_str().unwrap()).collect()
}

/// Whom it is about, and that nothing of them may be shared, under an event that is known.
fn withdrawn(case: &str, number: u32) -> Value {
    let mut event = Person::new(number, PRACTICE).event(case, 0);
    event["record"]["consent"] = json!({"share": "none", "date": "2026-03-09"});
    event
}

#[test]
fn a_known_event_that_now_withdraws_is_answered_as_what_it_is() {
    // Nothing is delivered: no endpoint has the practice.
    let world = World::new(&format!("{FILES}practices = [\"Z99962\"]\n"));
    let client = Client::new();
    let daemon = world.start();
    for (case, number) in [("C1", 11), ("C2", 12), ("C3", 13)] {
        let event = Person::new(number, PRACTICE).event(case, 0);
        assert_eq!(client.event(daemon.at(), &event).status, 202);
        assert_eq!(client.event(daemon.at(), &event).status, 200);
    }
    for _ in 0..2 {
        let reply = client.event(daemon.at(), &withdrawn("C1", 11));
        assert_eq!(reply.status, 409, "{}", reply.body);
        assert_eq!(codes(&reply.json()), ["event-changed", "consent-heeded"]);
    }
    let batch = json!([Person::new(12, PRACTICE).event("C2", 0), withdrawn("C2", 12)]);
    let twice = client.post(daemon.at(), "/events", "application/json", &batch.to_string()).json();
    assert_eq!((&twice["known"], &twice["refused"]), (&json!(1), &json!(1)), "{twice}");
    let batch = json!([Person::new(13, PRACTICE).event("C3", 0), withdrawn("C2", 12)]);
    let reply = client.post(daemon.at(), "/events", "application/json", &batch.to_string()).json();
    assert_eq!((&reply["taken"], &reply["known"], &reply["refused"]), (&json!(0), &json!(1), &json!(1)));
    assert_eq!(codes(&reply["results"][1]["outcome"]), ["event-changed", "consent-heeded"]);
    let unclear = || world.entries(&["--reason", "consent-unclear"]).len();
    assert_eq!(unclear(), 2, "of C1 and C2");

    fs::write(world.path().join("again.ndjson"), format!("{}\n", withdrawn("C3", 13))).unwrap();
    let said = world.run(&["send", "again.ndjson"]);
    assert_eq!(said.code, 3, "{}", said.stderr);
    for words in ["0 known already", "1 refused", "1 event-changed", "consent-heeded"] {
        assert!(said.stderr.contains(words), "{words}: {}", said.stderr);
    }
    assert_eq!(unclear(), 3);
    // What the sender is told to do helps.
    let mut corrected = withdrawn("C3", 13);
    corrected["event_id"] = "C3/fix".into();
    corrected["type"] = "corrected".into();
    corrected["target_event_id"] = "C3/referred".into();
    assert_eq!(client.event(daemon.at(), &corrected).status, 202);
    assert_eq!(unclear(), 2);
    assert_eq!(count(&world.status(), "withdrawn"), 1);
    drop(daemon);

    // A watched folder counts it so, too.
    let text = fs::read_to_string(world.config()).unwrap();
    let folder = "[[intake.folder]]\npath = \"inbox\"\nsettle = \"1s\"\n";
    world.configure(&text.replace("[intake]\nfolder = []\n", folder));
    let daemon = world.start();
    fs::write(world.data().join("inbox").join("again.ndjson"), format!("{}\n", withdrawn("C1", 11))).unwrap();
    let refused = world.data().join("inbox").join("refused");
    let reasons = || {
        let found = fs::read_dir(&refused).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
        found.into_iter().find(|path| path.to_string_lossy().ends_with(".reasons.json"))
    };
    for _ in 0..200 {
        if reasons().is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let reasons: Value = serde_json::from_slice(&fs::read(reasons().expect("reasons")).unwrap()).unwrap();
    let rows = &reasons["report"]["rows"];
    assert_eq!((&rows["unchanged"], &rows["refused"]), (&json!(0), &json!(1)), "{reasons}");
    drop(daemon);
}
