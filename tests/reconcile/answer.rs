//! Once round: the practice asks, the request is pulled, the scheme answers it, and what it answered is read back; at a
//! stub and at real servers.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use sp_fhir::clock::{Clock as _, SystemClock};
use sp_fhir::codeset::Codeset;
use sp_fhir::endpoint::{Prepared, Work};
use sp_fhir::event::finish::Identities;
use sp_fhir::outbox::retry::RetryPolicy;
use sp_fhir::outbox::transition::Cause;
use sp_fhir::outbox::{Outcome, State};
use sp_fhir::pull::run::{Puller, Settings};
use sp_fhir::pull::sink::{Batch, Sink, SinkError};
use sp_fhir::reconcile::Class;
use sp_fhir::store::{Claim, Settled};

use crate::driver::{Driver, delete, search, store};
use crate::need;
use crate::parcels::{Person, REQUESTS};
use crate::stub::{Manner, Stub};
use crate::world::World;

/// Keeps the types of the events that it is given.
#[derive(Default)]
struct Kept(Mutex<Vec<String>>);

impl Sink for Kept {
    fn hand_over<'a>(&'a self, batch: &'a Batch<'a>) -> Work<'a, Result<(), SinkError>> {
        let words = batch.events.iter().map(|event| event.event_type.as_str().to_owned());
        self.0.lock().unwrap().extend(words);
        Box::pin(async { Ok(()) })
    }
}

/// A practice that has asked a service for something, and the scheme that serves it.
struct Asked {
    base: String,
    person: Person,
    case: String,
    wanted: Value,
    task: Value,
    world: World,
    puller: Puller,
    kept: Arc<Kept>,
}

fn place(resource: &Value) -> String {
    format!("{}/{}", resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap())
}

async fn read(base: &str, place: &str) -> Value {
    let answer = reqwest::get(format!("{base}/{place}")).await.unwrap();
    assert!(answer.status().is_success(), "{place}: {}", answer.status());
    serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
}

impl Asked {
    async fn at(base: &str) -> Self {
        let person = Person::new();
        let us = place(
            &store(base, &json!({"resourceType": "Organization", "name": "Elmfield link workers"})).await,
        );
        let subject = place(&store(base, &person.patient()).await);
        // Of this run alone: real servers outlive one.
        let case = format!("GP-{}x", us.rsplit('/').next().unwrap().replace('-', "y"));
        let wanted = json!({"resourceType": "ServiceRequest", "identifier": [{"system": REQUESTS, "value": case}],
            "status": "active", "intent": "order", "subject": {"reference": subject}, "authoredOn": "2026-02-27",
            "performer": [{"reference": us}], "reasonCode": [{"text": "Lonely"}]});
        let wanted = store(base, &wanted).await;
        let task = json!({"resourceType": "Task", "status": "requested", "intent": "order", "priority": "urgent",
            "focus": {"reference": place(&wanted)}, "for": {"reference": subject}, "owner": {"reference": us},
            "authoredOn": "2026-02-27T09:00:00Z", "lastModified": "2026-02-27T09:00:00Z",
            "note": [{"text": "Ring in the morning"}]});
        let task = store(base, &task).await;
        let world = World::new(Arc::new(Driver::owned(base, &us).endpoint));
        let kept = Arc::new(Kept::default());
        let puller = Puller::new(Settings {
            server: Arc::new(Driver::owned(base, &us).endpoint),
            keeper: world.keeper.clone(),
            clock: Arc::new(SystemClock),
            codeset: Codeset::embedded().unwrap(),
            identities: Identities {
                source: Some(Arc::from("https://gp.example/requests")),
                ..Identities::default()
            },
            owner: Some(us),
            requester: None,
            overlap: Duration::from_secs(3600),
            sinks: vec![Arc::clone(&kept) as Arc<dyn Sink>],
            webhooks: Vec::new(),
        });
        Self { base: base.to_owned(), person, case, wanted, task, world, puller, kept }
    }

    /// The types of the events that a poll brings.
    async fn pull(&self) -> Vec<String> {
        let pulled = self.puller.once().await.unwrap();
        assert_eq!((pulled.refused, pulled.divergent, pulled.unclear.len()), (0, 0, 0), "{}", self.base);
        std::mem::take(&mut self.kept.0.lock().unwrap())
    }

    /// One event of the scheme's, delivered.
    async fn answer(&self, kind: &str, day: u32) -> u64 {
        self.world.answer(&self.person, kind, day, &self.case);
        self.world.deliver().await
    }

    async fn their_task(&self) -> Value {
        read(&self.base, &place(&self.task)).await
    }
}

async fn once_round(base: &str) {
    let asked = Asked::at(base).await;
    // Their Task is only requested; the word with it is told beside the request.
    assert_eq!(asked.pull().await, ["referred", "details_changed"], "{base}");
    let steps = [
        ("referred", "requested"),
        ("accepted", "accepted"),
        ("attended", "in-progress"),
        ("completed", "completed"),
    ];
    for (day, (kind, status)) in (1..).zip(steps) {
        assert_eq!(asked.answer(kind, day).await, 1, "{base} {kind}");
        let task = asked.their_task().await;
        assert_eq!(task["status"], status, "{base} {kind}");
        // Our own answer is no news.
        assert_eq!(asked.pull().await, [""; 0], "{base} {kind}");
        // An export that says the same again.
        assert_eq!(asked.answer(kind, day).await, 0, "{base} {kind}");
        assert_eq!(asked.their_task().await["meta"]["versionId"], task["meta"]["versionId"], "{base} {kind}");
    }
    // A word of theirs on their Task is told, once; ours go on under it.
    let mut noted = asked.their_task().await;
    let words = json!([{"text": "Ring in the morning"}, {"text": "Daughter's number has changed"}]);
    noted["note"] = words.clone();
    store(base, &noted).await;
    assert_eq!(asked.pull().await, ["details_changed"], "{base}");
    assert_eq!(asked.pull().await, [""; 0], "{base}");
    let task = asked.their_task().await;
    let outputs = task["output"].as_array().unwrap();
    assert_eq!((outputs.len(), &outputs[0]["valueCodeableConcept"]["text"]), (1, &json!("better")), "{base}");
    assert_eq!(task["note"], words, "{base}");
    for name in ["priority", "focus", "for", "owner", "authoredOn", "intent"] {
        assert_eq!(task[name], asked.task[name], "{base}: {name} is theirs");
    }
    // Their request was not written, and nobody made a second one.
    let wanted = read(base, &place(&asked.wanted)).await;
    assert_eq!(wanted["meta"]["versionId"], asked.wanted["meta"]["versionId"], "{base}");
    assert_eq!(search(base, "ServiceRequest", REQUESTS, &asked.case).await.len(), 1, "{base}");
    let ours = search(base, "ServiceRequest", &format!("{}/referral", asked.world.source), "").await;
    assert!(ours.is_empty(), "{base}");

    // Both sides agree, their Task among what is compared.
    let at = asked.world.compare().await;
    assert_eq!(at.not_matched().count(), 0, "{base}: {:?}", at.lines);
    let compared = at.lines.iter().filter(|line| line.resource_type == "Task");
    let compared: Vec<_> = compared.map(|line| (line.name.as_str(), line.class)).collect();
    assert_eq!(compared, [(asked.task["id"].as_str().unwrap(), Class::Matched)], "{base}");
    assert!(at.lines.iter().all(|line| line.resource_type != "ServiceRequest"), "{base}");
    let round = asked.world.read_back().await;
    assert_eq!((round.acknowledged, round.not_there, round.unread), (4, 0, None), "{base}");
    assert!(asked.world.entries().iter().all(|entry| entry.state == State::Acknowledged), "{base}");

    // What the practice does with it afterwards is news again, and stands as progress.
    let mut filed = task;
    filed["businessStatus"] = json!({"text": "Filed"});
    store(base, &filed).await;
    assert_eq!(asked.pull().await, ["completed"], "{base}");
    assert_eq!(asked.world.compare().await.not_matched().count(), 0, "{base}: further along");
    filed["focus"] = json!({"reference": "ServiceRequest/somebody-elses"});
    if store_if_taken(base, &filed).await {
        let at = asked.world.compare().await;
        let found: Vec<_> = at.not_matched().map(|line| (line.resource_type.as_str(), line.class)).collect();
        assert_eq!(found, [("Task", Class::Divergent)], "{base}: about another request now");
    }
}

#[tokio::test]
async fn what_they_deleted_of_what_was_answered_is_missing() {
    let stub = Stub::start(Manner::Correct).await;
    let asked = Asked::at(&stub.base).await;
    for (day, kind) in [(1, "referred"), (2, "accepted"), (3, "attended")] {
        assert_eq!(asked.answer(kind, day).await, 1);
    }
    assert_eq!(asked.world.compare().await.not_matched().count(), 0);
    for (deleted, expected) in
        [(&asked.wanted, vec!["ServiceRequest"]), (&asked.task, vec!["ServiceRequest", "Task"])]
    {
        delete(&asked.base, deleted).await;
        let at = asked.world.compare().await;
        let mut missing: Vec<_> =
            at.not_matched().map(|line| (line.resource_type.as_str(), line.class)).collect();
        missing.sort_unstable();
        let expected: Vec<_> = expected.into_iter().map(|kind| (kind, Class::Missing)).collect();
        assert_eq!(missing, expected);
    }
    let lines = asked.world.compare().await.lines;
    let request = lines.iter().find(|line| line.resource_type == "ServiceRequest").unwrap();
    assert_eq!((request.name.as_str(), request.entry), (asked.wanted["id"].as_str().unwrap(), Some(3)));
}

#[tokio::test]
async fn an_answer_under_way_is_not_taken_for_news() {
    let stub = Stub::start(Manner::Correct).await;
    let asked = Asked::at(&stub.base).await;
    assert_eq!(asked.pull().await, ["referred", "details_changed"]);
    assert_eq!(asked.answer("referred", 1).await, 1);
    asked.world.answer(&asked.person, "accepted", 2, &asked.case);
    // The relay sends it, and a poll comes before the relay has written down what came of it.
    let now = SystemClock.now();
    let lease = Duration::from_secs(60);
    let claimed = asked
        .world
        .keeper
        .run(move |store| store.claim(&Claim { endpoint: "gp", limit: 1, lease, owner: 1, now }));
    let claimed = claimed.await.unwrap().remove(0);
    let endpoint = &asked.world.endpoint;
    let Prepared::Ready(request) = endpoint.prepare(&claimed.parcel, &claimed.known).await else { panic!() };
    let text = serde_json::to_string(&request).unwrap();
    let lease = claimed.lease;
    let stored = asked.world.keeper.run(move |store| store.record_request(&lease, &text, now)).await;
    assert!(stored.unwrap().may_send());
    let outcome = endpoint.send(&request).await;
    assert!(matches!(outcome, Outcome::Accepted(_)), "{outcome:?}");
    let pulled = asked.puller.once().await.unwrap();
    assert_eq!((pulled.events, pulled.unclear.len()), (0, 1), "looked at again");
    let contents = request.targets.iter();
    let contents =
        contents.map(|target| ((target.resource_type.clone(), target.uuid.clone()), target.content.clone()));
    let contents = contents.collect();
    let settled = asked.world.keeper.run(move |store| {
        let policy = RetryPolicy::default();
        store.settle(
            &lease,
            &Settled {
                cause: Cause::Ended(outcome),
                policy: &policy,
                jitter: 0.0,
                contents,
                differing: Vec::new(),
                now,
            },
        )
    });
    assert_eq!(settled.await.unwrap().unwrap().state, State::Delivered);
    assert_eq!(asked.pull().await, [""; 0]);
}

/// Stores it, unless the server will not point at what is not there.
async fn store_if_taken(base: &str, resource: &Value) -> bool {
    let sent = reqwest::Client::new().put(format!("{base}/{}", place(resource)));
    let answer = sent.header("content-type", "application/fhir+json").body(resource.to_string()).send().await;
    answer.unwrap().status().is_success()
}

#[tokio::test]
async fn a_request_is_pulled_answered_and_read_back_at_a_stub() {
    let stub = Stub::start(Manner::Correct).await;
    once_round(&stub.base).await;
}

#[tokio::test]
async fn a_request_is_pulled_answered_and_read_back_at_real_servers() {
    let test = "a_request_is_pulled_answered_and_read_back_at_real_servers";
    for base in ["SP_FHIR_HFS", "SP_FHIR_MEDPLUM"].iter().filter_map(|variable| need(test, variable)) {
        once_round(&base).await;
    }
}
