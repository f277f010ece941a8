//! Endings in doubt, counted, and what the servers hold afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use sp_fhir::clock::{Clock as _, ManualClock, SystemClock};
use sp_fhir::map::names::{NameKind, Names};
use sp_fhir::outbox::transition::Cause;
use sp_fhir::outbox::{Outcome, Reason, State};
use sp_fhir::reconcile::Class;
use sp_fhir::relay::attempt::Attempted;
use sp_fhir::relay::run::Watcher;
use uuid::Uuid;

use crate::driver::Driver;
use crate::lossy::Lossy;
use crate::parcels::Person;
use crate::stub::{Manner, Stub};
use crate::world::World;

const REFERRALS: usize = 20;
/// Types of which each resource is about one person.
const KINDS: [&str; 7] =
    ["ServiceRequest", "Task", "Encounter", "Communication", "Consent", "Observation", "Provenance"];
const EVENTS: [&str; 3] = ["referred", "attended", "completed"];

/// How many endings in doubt are wanted of each server.
fn wanted() -> u64 {
    std::env::var("SP_FHIR_AMBIGUOUS").ok().and_then(|text| text.parse().ok()).unwrap_or(200)
}

/// Counts the endings in doubt, by attempt.
#[derive(Default)]
struct Doubts {
    unknown: AtomicU64,
    other: Mutex<BTreeMap<String, u64>>,
}

impl Watcher for Doubts {
    fn attempted(&self, _endpoint: &str, attempted: &Attempted) {
        if let Cause::Ended(Outcome::Unknown { .. }) = attempted.cause {
            self.unknown.fetch_add(1, Ordering::Relaxed);
        }
        let word = match &attempted.cause {
            Cause::Ended(outcome) => outcome.as_str().to_owned(),
            other => format!("{other:?}"),
        };
        *self.other.lock().unwrap().entry(word).or_default() += 1;
    }

    fn reachable(&self, _endpoint: &str, _is_reachable: bool) {}
}

/// What one round came to.
struct Round {
    doubts: u64,
    /// Entries by state.
    states: BTreeMap<String, usize>,
    /// Our identities at the server with how many resources have each.
    held: BTreeMap<(String, String), usize>,
    /// Referrals of which the server holds something more than once.
    doubled: BTreeSet<Uuid>,
    /// Referrals with something that reconciliation lists as more than one, or with an entry that is held for it.
    found: BTreeSet<Uuid>,
    /// What is not matched, else.
    other: Vec<String>,
}

/// Our identifier of a resource, or its tag where its type has none.
fn identity(resource: &Value, source: &str) -> Option<(String, String)> {
    let kind = resource["resourceType"].as_str()?.to_owned();
    let ours = |list: &Value, name: &str| {
        let of_source =
            |one: &&Value| one["system"].as_str().is_some_and(|system| system.starts_with(source));
        list.as_array()?.iter().find(of_source)?[name].as_str().map(str::to_owned)
    };
    let name = ours(&resource["identifier"], "value").or_else(|| ours(&resource["meta"]["tag"], "code"))?;
    Some((kind, name))
}

/// One round. What is late comes less than so many milliseconds late.
async fn round(manner: Manner, seed: u64, latest: u64) -> Round {
    let stub = Stub::start(manner).await;
    let lossy = Lossy::to(&stub.base, seed, latest).await;
    let world = World::new(Arc::new(Driver::new(&lossy.base).endpoint));
    let names = Names::new(&world.source);
    let mut referrals = BTreeMap::new();
    for _ in 0..REFERRALS {
        let person = Person::new();
        let patient = stub.put(person.patient());
        world.accept(&person, &EVENTS);
        let referral = names.uuid(NameKind::Referral, &[&format!("{}x", person.number)]);
        referrals.insert(format!("Patient/{}", patient["id"].as_str().unwrap()), referral);
    }
    let clock = Arc::new(ManualClock::new(SystemClock.now(), seed));
    let doubts = Arc::new(Doubts::default());
    let relay = world.relay(Arc::clone(&clock) as _, Arc::clone(&doubts) as _);
    // The clock leaps over every wait; all that is late arrives while the next attempts are made.
    for turn in 0..120 {
        if turn == 100 {
            lossy.heal().await;
        }
        relay.drain().await.unwrap();
        clock.advance(Duration::from_secs(600));
        let is_open = |state: State| !matches!(state, State::Delivered | State::Held | State::DeadLetter);
        if !world.entries().iter().any(|entry| is_open(entry.state)) {
            break;
        }
    }
    lossy.heal().await;
    let mut states = BTreeMap::new();
    let mut found = BTreeSet::new();
    for entry in world.entries() {
        if entry.reason == Some(Reason::Duplicate) {
            found.insert(entry.referral);
        }
        let reason = entry.reason.map(|reason| format!(" {}", reason.as_str())).unwrap_or_default();
        *states.entry(format!("{}{reason}", entry.state.as_str())).or_default() += 1;
    }
    let mut held = BTreeMap::new();
    let mut doubled = BTreeSet::new();
    for kind in KINDS {
        for resource in stub.all(kind) {
            let Some(identity) = identity(&resource, &world.source) else { continue };
            let count: &mut usize = held.entry(identity).or_default();
            *count += 1;
            let about =
                ["subject", "for", "patient"].iter().find_map(|name| resource[name]["reference"].as_str());
            if *count > 1
                && let Some(about) = about
            {
                doubled.insert(referrals[about]);
            }
        }
    }
    let at = world.compare().await;
    found.extend(
        at.lines.iter().filter(|line| line.class == Class::Duplicate).filter_map(|line| line.referral),
    );
    let is_other = |class| !matches!(class, Class::Matched | Class::Duplicate);
    let other = at.lines.iter().filter(|line| is_other(line.class)).map(|line| format!("{line:?}")).collect();
    Round { doubts: doubts.unknown.load(Ordering::Relaxed), states, held, doubled, found, other }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_correct_servers_nothing_is_lost_and_nothing_doubled() {
    for manner in [Manner::Correct, Manner::ConflictOnReplay] {
        let (mut doubts, mut rounds) = (0, 0);
        while doubts < wanted() {
            let round = round(manner.clone(), rounds + 1, 60).await;
            assert_eq!(
                round.states,
                BTreeMap::from([("delivered".to_owned(), REFERRALS * EVENTS.len())]),
                "{manner:?}"
            );
            let of = |kind: &str| round.held.keys().filter(|(k, _)| k == kind).count();
            // Each event has its Provenance, each contact its Encounter, each outcome its message.
            let kinds = [("ServiceRequest", 1), ("Task", 1), ("Encounter", 1), ("Provenance", EVENTS.len())];
            for (kind, each) in kinds {
                assert_eq!(of(kind), REFERRALS * each, "{manner:?} {kind}");
            }
            let doubled: Vec<_> = round.held.iter().filter(|(_, held)| **held != 1).collect();
            assert!(doubled.is_empty(), "{manner:?}: {doubled:?}");
            assert!(round.found.is_empty() && round.other.is_empty(), "{:?} {:?}", round.found, round.other);
            assert!(round.doubts > 0, "{manner:?}: the way loses nothing");
            doubts += round.doubts;
            rounds += 1;
        }
        eprintln!("{manner:?}: {doubts} endings in doubt in {rounds} rounds, 0 lost, 0 doubled");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_a_server_that_ignores_conditions_every_double_is_found() {
    let (mut doubts, mut rounds, mut doubled) = (0, 100, 0);
    while doubts < wanted() || doubled == 0 {
        // So late that it was asked after, found absent and sent again meanwhile: nothing else doubles any more.
        let round = round(Manner::IgnoresConditions, rounds + 1, 2000).await;
        let missed: Vec<_> = round.doubled.difference(&round.found).collect();
        assert!(missed.is_empty(), "not found: {missed:?}; states {:?}; {:?}", round.states, round.other);
        let invented: Vec<_> = round.found.difference(&round.doubled).collect();
        assert!(invented.is_empty(), "found and not there: {invented:?}");
        assert!(
            round.held.values().any(|held| *held > 1) != round.doubled.is_empty(),
            "a double about nobody"
        );
        doubled += round.doubled.len();
        doubts += round.doubts;
        rounds += 1;
    }
    eprintln!(
        "a server that ignores conditions: {doubts} endings in doubt, {doubled} referrals doubled, all found"
    );
}
