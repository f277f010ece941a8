//! Servers that cannot be asked everything, or nothing now; and a store that was lost. With a stub of the test's own.

use std::sync::Arc;

use sp_fhir::outbox::{Reason, State};
use sp_fhir::reconcile::{Class, ReconcileError, compare};

use crate::driver::Driver;
use crate::parcels::Person;
use crate::stub::{Manner, Stub};
use crate::world::World;

/// A stub with one referral delivered to it.
async fn delivered(kinds: &[&str]) -> (Stub, World, Person) {
    let stub = Stub::start(Manner::Correct).await;
    let world = World::new(Arc::new(Driver::new(&stub.base).endpoint));
    let person = Person::new();
    stub.put(person.patient());
    world.accept(&person, kinds);
    assert_eq!(world.deliver().await, kinds.len() as u64);
    (stub, world, person)
}

#[tokio::test]
async fn what_a_server_cannot_list_is_said_and_the_rest_compared() {
    // The stub knows no identifier without a value: it finds nothing, though there is something.
    let (stub, world, _) = delivered(&["referred", "attended"]).await;
    let at = world.compare().await;
    assert_eq!(at.not_matched().count(), 0, "{at:?}");
    let is_listed = |kind: &str| !at.not_listed.iter().any(|(not, _)| not == kind);
    assert!(!is_listed("ServiceRequest") && !is_listed("Task"), "{:?}", at.not_listed);
    let person = |target: &String| target.contains("nhs-number") || target.contains("999");
    assert!(!stub.targets().iter().any(person), "no identifier of a person stands in a URL");
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_read_gives_no_report_and_acknowledges_nothing() {
    let (stub, world, _) = delivered(&["referred", "attended"]).await;
    stub.behave(Manner::Redirects("http://127.0.0.1:1".into()));
    let report = compare(world.endpoint.as_ref(), &mut world.store()).await;
    let Err(ReconcileError::Endpoint { endpoint, .. }) = report else { panic!("{report:?}") };
    assert_eq!(endpoint, "gp");
    let round = world.read_back().await;
    assert_eq!((round.acknowledged, round.not_there), (0, 0));
    assert!(matches!(round.unread, Some(Reason::Unavailable | Reason::RefusedByEndpoint)), "{round:?}");
    assert!(world.entries().iter().all(|entry| entry.state == State::Delivered));
    stub.behave(Manner::Correct);
    assert_eq!(world.read_back().await.acknowledged, 2);
}

#[tokio::test]
async fn one_referral_that_cannot_be_read_holds_up_no_other_and_its_type_is_named() {
    // The first of them has an Encounter, and the server lets nobody search those.
    let (stub, world, _) = delivered(&["referred", "attended"]).await;
    let other = Person::new();
    stub.put(other.patient());
    world.accept(&other, &["referred"]);
    assert_eq!(world.deliver().await, 1);
    stub.behave(Manner::RefusesSearch("Encounter"));
    let round = world.read_back().await;
    assert_eq!((round.acknowledged, round.put_off, round.unread), (1, 2, None), "{round:?}");
    let report = compare(world.endpoint.as_ref(), &mut world.store()).await;
    let Err(error) = report else { panic!("{report:?}") };
    assert!(error.to_string().contains("cannot be read for Encounter"), "{error}");
    stub.behave(Manner::Correct);
    assert_eq!(world.read_back().await.acknowledged, 2);
}

#[tokio::test]
async fn what_is_there_already_is_in_the_record_of_a_new_store() {
    let (stub, lost, person) = delivered(&["referred"]).await;
    let writes = || stub.targets().iter().filter(|target| *target == "/fhir").count();
    assert_eq!(writes(), 1);
    let mut world = World::new(Arc::new(Driver::new(&stub.base).endpoint));
    world.source.clone_from(&lost.source);
    world.accept(&person, &["referred"]);
    assert_eq!(world.deliver().await, 1);
    assert_eq!(writes(), 1, "nothing was sent again");
    let (before, now) = (lost.compare().await, world.compare().await);
    assert!(now.ours() > 0);
    assert_eq!(now.classes()[&Class::Matched], now.ours());
    assert_eq!(now.classes(), before.classes());
    assert_eq!(world.read_back().await.acknowledged, 1);
}
