//! Each thing that can happen to our resources at a server is found, and nothing else.

use std::sync::Arc;

use serde_json::{Value, json};
use sp_fhir::outbox::State;
use sp_fhir::reconcile::diff::Note;
use sp_fhir::reconcile::{AtEndpoint, Class, Line};
use sp_fhir::store::Store;

use crate::driver::{Driver, delete, search, store};
use crate::need;
use crate::parcels::Person;
use crate::world::World;

/// The servers that run.
fn servers(test: &str) -> Vec<String> {
    ["SP_FHIR_HFS", "SP_FHIR_MEDPLUM"].iter().filter_map(|variable| need(test, variable)).collect()
}

/// A world in which referrals of some people are delivered; the first has a second event.
async fn delivered(base: &str, people: usize) -> World {
    let world = World::new(Arc::new(Driver::new(base).endpoint));
    for n in 0..people {
        let person = Person::new();
        store(base, &person.patient()).await;
        world.accept(&person, if n == 0 { &["referred", "attended"] } else { &["referred"] });
    }
    assert_eq!(world.deliver().await, people as u64 + 1, "{base}");
    world
}

impl World {
    fn system(&self, kind: &str) -> String {
        let word = if kind == "ServiceRequest" { "referral".to_owned() } else { kind.to_lowercase() };
        format!("{}/{word}", self.source)
    }

    /// Where each referral's resource of a type is, in the order of their first entries.
    async fn stored(&self, base: &str, kind: &str) -> Vec<Value> {
        let at = self.compare().await;
        let mut lines: Vec<&Line> = at.lines.iter().filter(|line| line.resource_type == kind).collect();
        lines.sort_by_key(|line| line.entry);
        let mut found = Vec::new();
        for line in lines {
            let mut resources = search(base, kind, &self.system(kind), &line.name).await;
            assert_eq!(resources.len(), 1, "{base} {kind}");
            found.push(resources.remove(0));
        }
        found
    }
}

/// What is not matched, by class, type and note, in order; after the counts were added up.
fn found(base: &str, world: &World, at: &AtEndpoint) -> Vec<(Class, String, Option<Note>)> {
    let counts = world.store().counts().unwrap();
    assert_eq!(counts.values().sum::<u64>(), world.entries().len() as u64, "{base}");
    let classes = at.classes();
    assert_eq!(classes.values().sum::<u64>(), at.ours() + classes[&Class::Unknown], "{base}");
    assert_eq!(classes.values().sum::<u64>(), at.lines.len() as u64, "{base}");
    assert_eq!(at.in_doubt, 0, "{base}");
    let mut found: Vec<_> =
        at.not_matched().map(|line| (line.class, line.resource_type.clone(), line.note)).collect();
    found.sort_by_key(|(class, kind, note)| (*class, kind.clone(), note.map(Note::as_str)));
    found
}

#[tokio::test]
async fn what_was_delivered_is_acknowledged_and_all_matched() {
    for base in servers("what_was_delivered_is_acknowledged_and_all_matched") {
        let world = delivered(&base, 3).await;
        let at = world.compare().await;
        assert_eq!(found(&base, &world, &at), [], "{base}");
        assert_eq!(at.not_listed, [], "{base}: it can list");
        assert!(at.ours() > 3 * 3, "{base}: {}", at.ours());
        let round = world.read_back().await;
        assert_eq!((round.acknowledged, round.not_there, round.unread), (4, 0, None), "{base}");
        assert!(world.entries().iter().all(|entry| entry.state == State::Acknowledged), "{base}");
        assert_eq!(world.read_back().await.acknowledged, 0, "{base}: once");
    }
}

#[tokio::test]
async fn what_somebody_did_at_the_server_is_found_in_its_class() {
    for base in servers("what_somebody_did_at_the_server_is_found_in_its_class") {
        let world = delivered(&base, 6).await;
        let (tasks, wanted) =
            (world.stored(&base, "Task").await, world.stored(&base, "ServiceRequest").await);
        // Each change is made to another referral.
        delete(&base, &tasks[0]).await;
        let mut changed = wanted[1].clone();
        changed["priority"] = json!("stat");
        store(&base, &changed).await;
        let mut copy = tasks[2].clone();
        copy.as_object_mut().unwrap().remove("id");
        copy.as_object_mut().unwrap().remove("meta");
        store(&base, &copy).await;
        let mut other = wanted[3].clone();
        let stranger = store(&base, &Person::new().patient()).await;
        other["subject"] = json!({"reference": format!("Patient/{}", stranger["id"].as_str().unwrap())});
        store(&base, &other).await;
        // The practice takes the Task, and writes a note: that is news, and no fault.
        let mut moved = tasks[4].clone();
        moved["status"] = json!("accepted");
        moved["note"] = json!([{"text": "Seen by the practice"}]);
        store(&base, &moved).await;
        // Somebody else uses our identifier system.
        let mut strange = copy.clone();
        strange["identifier"][0]["value"] = json!("00000000-0000-5000-8000-000000000000");
        store(&base, &strange).await;

        let at = world.compare().await;
        let (task, request) = ("Task".to_owned(), "ServiceRequest".to_owned());
        assert_eq!(
            found(&base, &world, &at),
            [
                (Class::Missing, task.clone(), None),
                (Class::Divergent, request.clone(), Some(Note::Changed)),
                (Class::Divergent, request, Some(Note::IdentifierCollision)),
                (Class::Duplicate, task.clone(), None),
                (Class::Unknown, task, None),
            ],
            "{base}"
        );
        for line in at.not_matched().filter(|line| line.class == Class::Divergent) {
            let ours = line.ours.as_ref().expect("our side");
            assert_eq!(ours.id, line.theirs[0].id, "{base}");
            assert_ne!(ours.version, line.theirs[0].version, "{base}: somebody wrote a new version");
        }
        let twice = at.not_matched().find(|line| line.class == Class::Duplicate).unwrap();
        assert_eq!(twice.theirs.len(), 2, "{base}");

        // Four referrals are not there as sent, and the first of them has two entries.
        let round = world.read_back().await;
        assert_eq!((round.acknowledged, round.not_there), (2, 5), "{base}");
        let acknowledged =
            world.entries().iter().filter(|entry| entry.state == State::Acknowledged).count() as u64;
        assert_eq!(acknowledged, round.acknowledged, "{base}");
    }
}

#[tokio::test]
async fn a_state_that_was_put_back_is_no_progress() {
    for base in servers("a_state_that_was_put_back_is_no_progress") {
        let world = World::new(Arc::new(Driver::new(&base).endpoint));
        let person = Person::new();
        store(&base, &person.patient()).await;
        world.accept(&person, &["referred"]);
        assert_eq!(world.deliver().await, 1, "{base}");
        let before = world.stored(&base, "Task").await.remove(0);
        world.accept(&person, &["referred", "attended"]);
        assert_eq!(world.deliver().await, 1, "{base}");
        let now = world.stored(&base, "Task").await.remove(0);
        assert_ne!(before["status"], now["status"], "{base}");
        let mut back = now.clone();
        for name in ["status", "lastModified", "businessStatus", "statusReason", "owner"] {
            back[name] = before[name].clone();
        }
        let back = back.as_object().unwrap().iter().filter(|(_, value)| !value.is_null());
        let back: serde_json::Map<String, Value> =
            back.map(|(name, value)| (name.clone(), value.clone())).collect();
        store(&base, &Value::Object(back)).await;
        let at = world.compare().await;
        let expected = [(Class::Divergent, "Task".to_owned(), Some(Note::OlderState))];
        assert_eq!(found(&base, &world, &at), expected, "{base}");
        // The first entry's work is there, the second's is not.
        let round = world.read_back().await;
        assert_eq!((round.acknowledged, round.not_there), (1, 1), "{base}");
    }
}
