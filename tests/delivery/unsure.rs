//! What is not found is not taken for what is not there: pages, caches and indexes of a stub.

use serde_json::{Value, json};
use sp_fhir::endpoint::Endpoint as _;
use sp_fhir::outbox::{Outcome, Parcel, Reason};

use crate::driver::{Came, Driver};
use crate::parcels::{Person, referral};
use crate::stub::{Manner, Stub};

/// A referral of which the first event is delivered.
async fn delivered(kinds: &[&str]) -> (Stub, Driver, Vec<Parcel>) {
    let stub = Stub::start(Manner::Correct).await;
    let person = Person::new();
    stub.put(person.patient());
    let mut driver = Driver::new(&stub.base);
    let parcels = referral(&person, "unsure", kinds);
    assert_eq!(driver.deliver(&parcels[0]).await, Came::Accepted);
    (stub, driver, parcels)
}

/// As somebody of the practice writes on a request of ours.
fn edited(stub: &Stub, kind: &str) -> Value {
    let mut resource = stub.all(kind).remove(0);
    resource["priority"] = json!("urgent");
    stub.put(resource)
}

#[tokio::test]
async fn an_empty_page_that_speaks_of_more_is_not_nothing() {
    for kind in ["ServiceRequest", "Task"] {
        let (stub, mut driver, parcels) = delivered(&["referred", "attended"]).await;
        let edited = edited(&stub, kind);
        stub.behave(Manner::EmptyFirstPage(kind));
        let came = driver.deliver(&parcels[1]).await;
        let waits = matches!(came, Came::Ended(Outcome::Deferred { reason: Reason::Unavailable, .. }));
        assert!(waits, "{kind}: {came:?}");
        assert_eq!(stub.all(kind), [edited], "{kind}");
        // Nor is a Patient, where it is the Patient who is not shown.
        stub.behave(Manner::EmptyFirstPage("Patient"));
        let came = driver.deliver(&parcels[1]).await;
        assert!(matches!(came, Came::Ended(Outcome::Deferred { .. })), "{came:?}");
    }
}

#[tokio::test]
async fn every_reading_asks_for_what_is_there_now() {
    let (stub, mut driver, parcels) = delivered(&["referred", "attended"]).await;
    let other = Person::new();
    stub.put(other.patient());
    let other = referral(&other, "other", &["referred"]).remove(0);
    stub.behave(Manner::Caches);
    let edited = edited(&stub, "ServiceRequest");
    assert_eq!(driver.deliver(&parcels[1]).await, Came::Held(Reason::Divergent));
    assert_eq!(stub.all("ServiceRequest"), [edited]);
    stub.behave(Manner::Correct);
    let request = driver.ready(&other).await;
    driver.endpoint.look(&request).await;
    driver.endpoint.read(&[request], &driver.known).await.unwrap();
    driver.endpoint.list("Task", "https://elmfield-sp.example/cases/task").await.unwrap();
    driver.endpoint.probe().await.unwrap();
    assert_eq!(stub.cacheable(), Vec::<String>::new());
}

#[tokio::test]
async fn what_an_index_does_not_show_yet_is_asked_for_at_its_place() {
    for kind in ["ServiceRequest", "Task"] {
        let (stub, mut driver, parcels) = delivered(&["referred", "attended", "completed"]).await;
        stub.behave(Manner::Lags(kind));
        let request = driver.ready(&parcels[1]).await;
        assert_eq!(driver.deliver(&parcels[1]).await, Came::Accepted, "{kind}");
        let counts = stub.counts();
        assert_eq!((counts["ServiceRequest"], counts["Task"]), (1, 1), "{kind}: no second one");
        // Read back, it is there.
        assert_eq!(driver.deliver(&parcels[1]).await, Came::Already, "{kind}");
        let sights = driver.endpoint.read(&[request], &driver.known).await.unwrap();
        assert!(sights.iter().all(|sight| sight.copies.len() == 1), "{kind}: {sights:?}");
        // And what somebody changed is seen.
        let edited = edited(&stub, kind);
        assert_eq!(driver.deliver(&parcels[2]).await, Came::Held(Reason::Divergent), "{kind}");
        assert_eq!(stub.all(kind), [edited], "{kind}");
    }
}
