//! Pulled events go to a webhook by the outbox: signed, in order, and once in effect whatever gets lost on the way.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use sp_fhir::clock::{Clock as _, ManualClock};
use sp_fhir::config::{Secret, SecretRef};
use sp_fhir::endpoint::auth::tls::TlsFiles;
use sp_fhir::endpoint::webhook::{self, Webhook};
use sp_fhir::intake::http::auth::Covered;
use sp_fhir::outbox::retry::RetryPolicy;
use sp_fhir::outbox::{Command, Entry, Reason, State};
use sp_fhir::relay::attempt::{Attempt, Attempted};
use sp_fhir::relay::run::Watcher;
use sp_fhir::relay::turn::Turn;
use sp_fhir::relay::{Attention, Pace, Relay};
use sp_fhir::store::{Claim, Claimed, Decision, Filter, Keeper, Onward};

use crate::receiver::{Door, KEY, LATER, Receiver, states};
use crate::stub::Stub;
use crate::world::{World, patient, request, task};

const OWNER: &str = "Organization/us";
const HOOK: &str = "case-management";

struct Nobody;

impl Watcher for Nobody {
    fn attempted(&self, _: &str, _: &Attempted) {}
    fn reachable(&self, _: &str, _: bool) {}
}

/// A clinical system with one accepted request, a puller of it, and a receiver of what is pulled.
struct Both {
    world: World,
    receiver: Receiver,
    relay: Relay,
    stub: Stub,
}

impl Both {
    async fn start() -> Self {
        let stub = Stub::start(100).await;
        let person = stub.put("p1", patient("9990004218"));
        let of = stub.put("r1", request("GP-1x", &person, OWNER));
        let mut task = task(&of, &person, OWNER);
        task["status"] = json!("accepted");
        stub.put("t1", task);
        let onward = Onward { endpoint: HOOK.into(), expires_after: Duration::from_secs(3600 * 24) };
        let world = World::with(&stub.base, OWNER, vec![onward]);
        let receiver = Receiver::start(Arc::clone(&world.clock)).await;
        let relay = relay(&receiver, &world.keeper, &world.clock);
        Self { world, receiver, relay, stub }
    }

    /// Everything due, a good while later.
    async fn later(&self) -> u64 {
        self.world.clock.advance(LATER);
        self.relay.drain().await.unwrap()
    }

    async fn states(&self) -> Vec<(State, u64)> {
        states(&self.world.keeper, HOOK).await.into_iter().collect()
    }

    async fn claim(&self) -> Vec<Claimed> {
        let now = self.world.clock.now();
        let lease = Duration::from_secs(300);
        let ask = move |store: &mut dyn sp_fhir::store::Store| {
            store.claim(&Claim { endpoint: HOOK, limit: 9, lease, owner: 9, now })
        };
        self.world.keeper.run(ask).await.unwrap()
    }

    /// What a daemon does that starts after another was killed.
    async fn take_over(&self) -> u64 {
        let now = self.world.clock.now();
        let free = move |store: &mut dyn sp_fhir::store::Store| {
            store.free(HOOK, jiff::Timestamp::MAX, &RetryPolicy::default(), 0.5, now)
        };
        self.world.keeper.run(free).await.unwrap()
    }
}

fn relay(receiver: &Receiver, keeper: &Keeper, clock: &Arc<ManualClock>) -> Relay {
    let endpoint = Webhook::open(webhook::Settings {
        name: HOOK.into(),
        url: receiver.url.clone(),
        key: Secret::open(SecretRef::File(receiver.key.path().to_owned()), 32).unwrap(),
        tls: TlsFiles::default(),
        limits: sp_fhir::endpoint::fhir_rest::client::Limits {
            exchange: Duration::from_millis(500),
            ..webhook::limits()
        },
        clock: Arc::clone(clock) as Arc<_>,
    });
    Relay {
        attempt: Arc::new(Attempt {
            endpoint: Arc::new(endpoint.unwrap()),
            keeper: keeper.clone(),
            clock: Arc::clone(clock) as Arc<_>,
            policy: RetryPolicy { max_attempts: 3, ..RetryPolicy::default() },
            turn: Turn::default(),
            is_for_test: true,
        }),
        pace: Pace::default(),
        owner: 1,
        bell: Arc::default(),
        watcher: Arc::new(Nobody),
    }
}

#[tokio::test]
async fn pulled_events_are_posted_in_order_signed_and_delivered() {
    let both = Both::start().await;
    assert_eq!(both.world.puller.once().await.unwrap().events, 2);
    assert_eq!(both.states().await, [(State::Pending, 2)]);
    assert_eq!(both.world.kept.events.lock().unwrap().len(), 2, "the sinks have them too");
    assert_eq!(both.relay.drain().await.unwrap(), 2);
    assert_eq!(both.states().await, [(State::Delivered, 2)]);
    assert_eq!(both.receiver.has().await, ["referred", "accepted"]);

    let came = both.receiver.came();
    let keys: Vec<String> = {
        let all =
            |store: &mut dyn sp_fhir::store::Store| store.entries(&Filter { limit: 9, ..Filter::default() });
        let entries = both.world.keeper.run(all).await.unwrap();
        entries.iter().map(|entry| entry.key.to_string()).collect()
    };
    let sent: Vec<&str> = came.iter().map(|came| came.header("idempotency-key")).collect();
    assert_eq!(sent, keys, "the entry's key names the request");
    for came in &came {
        assert_eq!((came.uri.as_str(), came.header("content-type")), ("/events", "application/json"));
        let event: Value = serde_json::from_str(&came.body).unwrap();
        assert_eq!(event["referral_id"], "GP-1x");
        let (at, nonce) = (came.header("x-sp-fhir-timestamp"), came.header("x-sp-fhir-nonce"));
        let covered = Covered {
            timestamp: at,
            nonce,
            media_type: "application/json",
            idempotency_key: came.header("idempotency-key"),
            revisions: "recorded-at",
        };
        assert_eq!(came.header("x-sp-fhir-signature"), covered.sign(KEY.as_bytes(), came.body.as_bytes()));
        let head = format!("{} {:?}", came.uri, came.headers);
        assert!(!head.contains("9990004218") && !head.contains("Wyn") && !head.contains("GP-1x"), "{head}");
    }
    // A poll without news posts nothing.
    both.world.puller.once().await.unwrap();
    assert_eq!(both.later().await, 0);
}

#[tokio::test]
async fn an_edited_request_is_a_revision_at_our_own_intake_and_its_earlier_version_says_nothing() {
    let both = Both::start().await;
    both.world.puller.once().await.unwrap();
    assert_eq!(both.relay.drain().await.unwrap(), 2);
    both.stub.change("ServiceRequest/r1", "reasonCode", json!([{"text": "Housing"}]));
    assert_eq!(both.world.puller.once().await.unwrap().events, 1);
    assert_eq!(both.relay.drain().await.unwrap(), 1);
    assert_eq!(both.states().await, [(State::Delivered, 3)]);
    assert_eq!(both.receiver.has().await, ["referred", "accepted", "referred"]);
    // The first version again, as if it had been held up on its way.
    let came = both.receiver.came();
    assert!(came.iter().all(|came| came.header("x-sp-fhir-revisions") == "recorded-at"));
    let again = both.receiver.post(&came[0].body, Some("recorded-at"), both.world.clock.now()).await;
    assert_eq!((again, both.receiver.has().await.len()), (200, 3));
    // Who does not say that events are versions is refused as ever.
    let unsaid = both.receiver.post(&came[0].body, None, both.world.clock.now()).await;
    assert_eq!((unsaid, both.receiver.has().await.len()), (409, 3));
}

#[tokio::test]
async fn an_error_is_followed_by_the_same_request_under_a_new_signature() {
    for door in [
        Door::Says(500, None),
        Door::Says(502, None),
        Door::Says(503, None),
        Door::Says(429, Some(("retry-after", "60".into()))),
        Door::Says(307, Some(("location", "http://attacker.example/".into()))),
        Door::SignIn,
    ] {
        let both = Both::start().await;
        both.world.puller.once().await.unwrap();
        both.receiver.door(door.clone());
        assert_eq!(both.relay.drain().await.unwrap(), 1, "{door:?}: the second waits for the first");
        assert!(both.receiver.has().await.is_empty());
        both.later().await;
        assert_eq!(both.receiver.has().await, ["referred", "accepted"], "{door:?}");
        assert_eq!(both.states().await, [(State::Delivered, 2)], "{door:?}");
        let came = both.receiver.came();
        let [first, second, _] = came.as_slice() else { panic!("{door:?}") };
        assert_eq!(first.header("idempotency-key"), second.header("idempotency-key"));
        assert_eq!(first.body, second.body);
        assert_ne!(first.header("x-sp-fhir-nonce"), second.header("x-sp-fhir-nonce"));
    }
}

#[tokio::test]
async fn a_wait_that_the_receiver_asks_for_is_kept() {
    let both = Both::start().await;
    both.world.puller.once().await.unwrap();
    both.receiver.door(Door::Says(503, Some(("retry-after", "1000".into()))));
    both.relay.drain().await.unwrap();
    assert_eq!(both.later().await, 0);
    both.world.clock.advance(Duration::from_secs(1000));
    assert_eq!(both.relay.drain().await.unwrap(), 2);
}

#[tokio::test]
async fn an_answer_that_was_lost_leaves_the_event_there_once() {
    let both = Both::start().await;
    both.world.puller.once().await.unwrap();
    both.receiver.door(Door::LosesAnswer);
    both.relay.drain().await.unwrap();
    assert_eq!(both.states().await, [(State::Pending, 1), (State::Unknown, 1)]);
    assert_eq!(both.receiver.has().await, ["referred"]);
    both.later().await;
    assert_eq!(both.receiver.has().await, ["referred", "accepted"]);
    assert_eq!(both.states().await, [(State::Delivered, 2)]);
    assert_eq!(both.receiver.came().len(), 3);
}

#[tokio::test]
async fn a_process_killed_before_or_after_it_posted_leaves_the_event_there_once() {
    let both = Both::start().await;
    both.world.puller.once().await.unwrap();
    // Killed with the request stored, and not yet sent.
    let claimed = both.claim().await.remove(0);
    let endpoint = Arc::clone(&both.relay.attempt.endpoint);
    let sp_fhir::endpoint::Prepared::Ready(ready) = endpoint.prepare(&claimed.parcel, &[]).await else {
        panic!()
    };
    let (text, now) = (serde_json::to_string(&ready).unwrap(), both.world.clock.now());
    let lease = claimed.lease;
    assert!(
        both.world
            .keeper
            .run(move |store| store.record_request(&lease, &text, now))
            .await
            .unwrap()
            .may_send()
    );
    assert_eq!(both.take_over().await, 1);
    assert_eq!(both.later().await, 2);
    assert_eq!(both.receiver.has().await, ["referred", "accepted"]);

    // Killed with the request sent, and its answer not yet written down.
    let both = Both::start().await;
    both.world.puller.once().await.unwrap();
    let claimed = both.claim().await.remove(0);
    let (text, lease) = (serde_json::to_string(&ready).unwrap(), claimed.lease);
    let now = both.world.clock.now();
    assert!(
        both.world
            .keeper
            .run(move |store| store.record_request(&lease, &text, now))
            .await
            .unwrap()
            .may_send()
    );
    let outcome = both.relay.attempt.endpoint.send(&ready).await;
    assert_eq!(outcome.as_str(), "accepted");
    assert_eq!(both.take_over().await, 1);
    assert_eq!(both.later().await, 2);
    assert_eq!(both.receiver.has().await, ["referred", "accepted"]);
    assert_eq!(both.receiver.came().len(), 3);
    assert_eq!(both.states().await, [(State::Delivered, 2)]);
}

#[tokio::test]
async fn a_wrong_signature_is_refused_and_waits_for_the_right_key() {
    let both = Both::start().await;
    both.world.puller.once().await.unwrap();
    let ours = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(ours.path(), "another-key-of-thirty-two-bytes-and-more").unwrap();
    let wrong = relay_at(&both, &both.receiver.url, ours.path());
    wrong.drain().await.unwrap();
    assert!(both.receiver.has().await.is_empty());
    assert_eq!(both.states().await, [(State::Pending, 2)]);
    let entry = both.world.keeper.run(|store| store.entry(1)).await.unwrap().unwrap();
    assert_eq!((entry.entry.reason, entry.entry.attempts), (Some(Reason::Unauthorised), 0));
    std::fs::write(ours.path(), KEY).unwrap();
    both.world.clock.advance(LATER);
    wrong.drain().await.unwrap();
    assert_eq!(both.states().await, [(State::Delivered, 2)]);
}

#[tokio::test]
async fn a_refusal_is_a_dead_letter_that_a_person_sends_again() {
    let both = Both::start().await;
    both.world.puller.once().await.unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&told);
    let mut attention = Attention::new(both.world.keeper.clone(), move |entry: &Entry| {
        tell.lock().unwrap().push((entry.id, entry.state, entry.reason));
    });
    assert_eq!(attention.once().await.unwrap(), 0);
    both.receiver.door(Door::Says(422, None));
    both.relay.drain().await.unwrap();
    assert_eq!((attention.once().await.unwrap(), attention.once().await.unwrap()), (1, 0), "told once");
    assert_eq!(*told.lock().unwrap(), [(1, State::DeadLetter, Some(Reason::RefusedByEndpoint))]);
    assert_eq!(both.states().await, [(State::Pending, 1), (State::DeadLetter, 1)]);
    assert_eq!(both.later().await, 0, "the rest of the referral waits");
    retry(&both).await;
    // What comes to wait again is told again.
    both.receiver.door(Door::Says(403, None));
    both.relay.drain().await.unwrap();
    assert_eq!(attention.once().await.unwrap(), 0, "it waits as it did when it was told");
    retry(&both).await;
    assert_eq!(attention.once().await.unwrap(), 0);
    both.receiver.door(Door::Says(403, None));
    both.relay.drain().await.unwrap();
    assert_eq!(attention.once().await.unwrap(), 1);
    retry(&both).await;
    assert_eq!(both.relay.drain().await.unwrap(), 2);
    assert_eq!(both.receiver.has().await, ["referred", "accepted"]);
}

async fn retry(both: &Both) {
    let by = Decision { actor: "j.marsh".into(), reason: "the receiver was mended".into() };
    let (planner, now) = (both.receiver.planner(), both.world.clock.now());
    let act = move |store: &mut dyn sp_fhir::store::Store| store.act(1, Command::Retry, &by, &planner, now);
    both.world.keeper.run(act).await.unwrap();
}

#[tokio::test]
async fn a_409_is_a_repeat_only_where_it_names_the_key() {
    let both = Both::start().await;
    both.world.puller.once().await.unwrap();
    both.receiver.door(Door::HasIt);
    both.relay.drain().await.unwrap();
    assert_eq!(both.states().await, [(State::Delivered, 2)]);
    let both = Both::start().await;
    both.world.puller.once().await.unwrap();
    both.receiver.door(Door::Says(409, None));
    both.relay.drain().await.unwrap();
    assert_eq!(both.states().await, [(State::Pending, 1), (State::DeadLetter, 1)]);
}

#[tokio::test]
async fn a_receiver_that_is_gone_costs_no_attempts_and_a_probe_says_nothing_of_events() {
    let both = Both::start().await;
    assert_eq!(both.relay.attempt.endpoint.probe().await, Ok(()));
    both.world.puller.once().await.unwrap();
    let gone = relay_at(&both, "http://127.0.0.1:9/events", both.receiver.key.path());
    gone.drain().await.unwrap();
    assert_eq!(both.states().await, [(State::Pending, 2)]);
    let entry = both.world.keeper.run(|store| store.entry(1)).await.unwrap().unwrap().entry;
    assert_eq!((entry.reason, entry.attempts), (Some(Reason::Unavailable), 0));
    assert!(gone.attempt.endpoint.probe().await.is_err());
}

fn relay_at(both: &Both, url: &str, key: &std::path::Path) -> Relay {
    let mut relay = relay(&both.receiver, &both.world.keeper, &both.world.clock);
    let endpoint = Webhook::open(webhook::Settings {
        name: HOOK.into(),
        url: url.to_owned(),
        key: Secret::open(SecretRef::File(key.to_owned()), 32).unwrap(),
        tls: TlsFiles::default(),
        limits: webhook::limits(),
        clock: Arc::clone(&both.world.clock) as Arc<_>,
    });
    let attempt = Attempt {
        endpoint: Arc::new(endpoint.unwrap()),
        keeper: both.world.keeper.clone(),
        clock: Arc::clone(&both.world.clock) as Arc<_>,
        policy: RetryPolicy::default(),
        turn: Turn::default(),
        is_for_test: true,
    };
    relay.attempt = Arc::new(attempt);
    relay
}

#[test]
fn only_a_protected_address_is_posted_to() {
    let mut key = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut key, KEY.as_bytes()).unwrap();
    for (url, is_good) in [
        ("https://cases.example/sp-fhir", true),
        ("http://127.0.0.1:8087/events", true),
        ("http://cases.example/sp-fhir", false),
        ("https://user:secret@cases.example/", false),
        ("cases.example", false),
    ] {
        let opened = Webhook::open(webhook::Settings {
            name: HOOK.into(),
            url: url.into(),
            key: Secret::open(SecretRef::File(key.path().to_owned()), 32).unwrap(),
            tls: TlsFiles::default(),
            limits: webhook::limits(),
            clock: Arc::new(sp_fhir::clock::SystemClock),
        });
        assert_eq!(opened.is_ok(), is_good, "{url}");
    }
}
