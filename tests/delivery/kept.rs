//! What others wrote on a Task stays when ours says more, at a stub; and what cannot be both waits for a person.

use serde_json::{Value, json};
use sp_fhir::outbox::{Outcome, Parcel, Reason};

use crate::driver::{Came, Driver};
use crate::parcels::{Person, REQUESTS, SERVICE, answering, referral};
use crate::stub::{Manner, Stub};

/// A referral of ours of which the first event is delivered.
async fn delivered(kinds: &[&str]) -> (Stub, Driver, Vec<Parcel>) {
    let stub = Stub::start(Manner::Correct).await;
    let person = Person::new();
    stub.put(person.patient());
    let mut driver = Driver::new(&stub.base);
    let parcels = referral(&person, "kept", kinds);
    assert_eq!(driver.deliver(&parcels[0]).await, Came::Accepted);
    (stub, driver, parcels)
}

/// The same of one that answers their request, on their Task.
async fn answered(kinds: &[&str]) -> (Stub, Driver, Vec<Parcel>) {
    let stub = Stub::start(Manner::Correct).await;
    let person = Person::new();
    let patient = stub.put(person.patient());
    let subject = json!({"reference": format!("Patient/{}", patient["id"].as_str().unwrap())});
    let request = stub.put(json!({
        "resourceType": "ServiceRequest", "status": "active", "intent": "order", "subject": subject,
        "identifier": [{"system": REQUESTS, "value": "GP-9x"}],
    }));
    stub.put(json!({
        "resourceType": "Task", "status": "requested", "intent": "order", "for": subject, "owner": {"reference": SERVICE},
        "focus": {"reference": format!("ServiceRequest/{}", request["id"].as_str().unwrap())},
    }));
    let mut driver = Driver::new(&stub.base);
    let parcels = answering(&person, "kept", kinds, "GP-9x");
    assert_eq!(driver.deliver(&parcels[0]).await, Came::Accepted);
    (stub, driver, parcels)
}

fn task(stub: &Stub) -> Value {
    let mut tasks = stub.all("Task");
    assert_eq!(tasks.len(), 1);
    tasks.remove(0)
}

fn write(stub: &Stub, elements: &Value) -> Value {
    let mut task = task(stub);
    for (name, value) in elements.as_object().unwrap() {
        task[name] = value.clone();
    }
    stub.put(task)
}

#[tokio::test]
async fn what_others_wrote_on_our_task_stays_whatever_ours_says_next() {
    let kinds = ["referred", "details_changed", "attended", "completed"];
    let (stub, mut driver, parcels) = delivered(&kinds).await;
    let theirs = json!({
        "status": "accepted", "owner": {"reference": "Practitioner/77", "display": "Link worker"},
        "businessStatus": {"text": "First call booked"}, "note": [{"text": "Ring in the morning"}],
        "output": [{"type": {"text": "Booking"}, "valueString": "12 March"}],
    });
    write(&stub, &theirs);
    for (parcel, (kind, status)) in parcels[1..].iter().zip([
        ("details_changed", "accepted"),
        ("attended", "in-progress"),
        ("completed", "completed"),
    ]) {
        let came = driver.deliver(parcel).await;
        assert!(matches!(came, Came::Accepted | Came::Already), "{kind}: {came:?}");
        let task = task(&stub);
        assert_eq!(task["status"], status, "{kind}");
        for name in ["owner", "businessStatus", "note"] {
            assert_eq!(task[name], theirs[name], "{kind} {name}");
        }
        assert_eq!(task["output"][0], theirs["output"][0], "{kind}");
        assert_eq!(driver.deliver(parcel).await, Came::Already, "{kind}");
    }
    let outputs = task(&stub)["output"].clone();
    assert_eq!((outputs.as_array().unwrap().len(), &outputs[1]["type"]["text"]), (2, &json!("Outcome")));
}

#[tokio::test]
async fn what_both_wrote_of_one_thing_waits_for_a_person_and_nothing_is_written() {
    let (stub, mut driver, parcels) = delivered(&["referred", "contact_failed"]).await;
    let theirs = write(&stub, &json!({"businessStatus": {"text": "First call booked"}}));
    assert_eq!(driver.deliver(&parcels[1]).await, Came::Held(Reason::Divergent));
    assert_eq!(task(&stub), theirs);
}

#[tokio::test]
async fn a_hold_that_they_set_stays_until_we_say_that_the_work_goes_on_or_has_ended() {
    let kinds = ["referred", "accepted", "attended", "resumed", "completed"];
    let hold = json!({"status": "on-hold", "statusReason": {"text": "in hospital"}});
    for is_theirs in [false, true] {
        for (last, status) in [(3, "in-progress"), (4, "completed")] {
            let (stub, mut driver, parcels) =
                if is_theirs { answered(&kinds).await } else { delivered(&kinds).await };
            let held = write(&stub, &hold);
            for parcel in &parcels[1..3] {
                assert_eq!(driver.deliver(parcel).await, Came::Held(Reason::Divergent), "{is_theirs}");
            }
            assert_eq!(task(&stub), held, "{is_theirs}");
            assert_eq!(driver.deliver(&parcels[last]).await, Came::Accepted, "{is_theirs}");
            assert_eq!(
                (&task(&stub)["status"], &task(&stub)["statusReason"]),
                (&json!(status), &Value::Null)
            );
        }
    }
}

#[tokio::test]
async fn a_part_of_a_task_is_never_written_back_for_the_whole() {
    let more = json!({
        "description": "Call the carer first", "input": [{"type": {"text": "Risk"}, "valueString": "Dog"}],
        "note": [{"text": "Ring in the morning"}],
    });
    for is_theirs in [false, true] {
        let start = async || match is_theirs {
            true => answered(&["referred", "accepted"]).await,
            false => delivered(&["referred", "accepted"]).await,
        };
        let (stub, mut driver, parcels) = start().await;
        let added = if is_theirs { more.clone() } else { json!({"note": more["note"]}) };
        write(&stub, &added);
        stub.behave(Manner::Subsets(&["description", "input", "note", "owner"]));
        assert_eq!(driver.deliver(&parcels[1]).await, Came::Accepted, "{is_theirs}");
        let task = task(&stub);
        assert_eq!((&task["status"], &task["meta"]["tag"]), (&json!("accepted"), &Value::Null));
        for (name, value) in added.as_object().unwrap() {
            assert_eq!(&task[name], value, "{is_theirs}");
        }
        // Where the whole is not to be had, nothing is written.
        let (stub, mut driver, parcels) = start().await;
        let held = write(&stub, &added);
        stub.behave(Manner::Masks);
        let came = driver.deliver(&parcels[1]).await;
        let Came::Ended(Outcome::Rejected(refusal)) = &came else { panic!("{is_theirs}: {came:?}") };
        assert_eq!(
            (refusal.reason, &*refusal.codes),
            (Reason::RefusedByEndpoint, &["incomplete Task.meta".to_owned()][..])
        );
        assert_eq!(stub.all("Task"), [held], "{is_theirs}");
    }
}
