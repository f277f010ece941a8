//! Answering a request of the clinical system's, at a stub: its Task is updated under the version that was read, and
//! nothing else of theirs is written.

use serde_json::{Value, json};
use sp_fhir::endpoint::{Endpoint, Found, Prepared};
use sp_fhir::outbox::{Outcome, Reason};

use crate::driver::{Came, Driver, delete, search, store};
use crate::need;
use crate::parcels::{Person, REQUESTS, SERVICE, answering, referral};
use crate::stub::{Manner, Proxy, Stub};

const CASE: &str = "GP-77a";

/// A request of the practice for a person, as its staff would write it.
fn request(stub: &Stub, person: &Person) -> String {
    let patient = stub.put(person.patient());
    let subject = format!("Patient/{}", patient["id"].as_str().unwrap());
    let wanted = stub.put(json!({
        "resourceType": "ServiceRequest", "status": "active", "intent": "order", "subject": {"reference": subject},
        "identifier": [{"system": REQUESTS, "value": CASE}], "performer": [{"reference": SERVICE}],
    }));
    wanted["id"].as_str().unwrap().to_owned()
}

/// Its Task for us.
fn task(stub: &Stub, request: &str) -> Value {
    let wanted = &stub.all("ServiceRequest").into_iter().find(|found| found["id"] == request).unwrap();
    stub.put(json!({
        "resourceType": "Task", "id": "their-task", "status": "requested", "intent": "order", "priority": "urgent",
        "focus": {"reference": format!("ServiceRequest/{request}")}, "for": wanted["subject"],
        "owner": {"reference": SERVICE}, "authoredOn": "2026-02-27T09:00:00Z", "lastModified": "2026-02-27T09:00:00Z",
        "note": [{"text": "Ring in the morning"}],
        "output": [{"type": {"text": "Letter"}, "valueString": "sent"}],
    }))
}

fn their_task(stub: &Stub) -> Value {
    let mut tasks = stub.all("Task");
    assert_eq!(tasks.len(), 1, "one Task, and no second one");
    tasks.remove(0)
}

/// A stub with a request and its Task, and what we have to say of it.
async fn start(kinds: &[&str]) -> (Stub, Driver, Vec<sp_fhir::outbox::Parcel>, Value) {
    let stub = Stub::start(Manner::Correct).await;
    let person = Person::new();
    let request = request(&stub, &person);
    let task = task(&stub, &request);
    let driver = Driver::new(&stub.base);
    (stub, driver, answering(&person, "answer", kinds, CASE), task)
}

/// Everything of a Task that is not ours to write.
fn rest(task: &Value) -> Value {
    let mut rest = task.clone();
    let ours =
        ["status", "statusReason", "businessStatus", "output", "executionPeriod", "lastModified", "meta"];
    for name in ours {
        rest.as_object_mut().unwrap().remove(name);
    }
    rest
}

#[tokio::test]
async fn an_answer_updates_their_task_and_nothing_else_of_theirs() {
    let kinds = ["referred", "accepted", "contact_failed", "attended", "attended", "completed"];
    let (stub, mut driver, parcels, made) = start(&kinds).await;
    let expected = [
        ("requested", "1", 1),
        ("accepted", "2", 1),
        ("accepted", "3", 1),
        ("in-progress", "4", 1),
        // A second contact says nothing more of how far it got.
        ("in-progress", "4", 1),
        ("completed", "5", 2),
    ];
    for ((parcel, kind), (status, version, outputs)) in parcels.iter().zip(kinds).zip(expected) {
        assert_eq!(driver.deliver(parcel).await, Came::Accepted, "{kind}");
        if kind == "accepted" {
            assert!(stub.all("Organization").is_empty() && stub.all("HealthcareService").is_empty());
        }
        let task = their_task(&stub);
        assert_eq!(
            (&task["status"], &task["meta"]["versionId"]),
            (&json!(status), &json!(version)),
            "{kind}"
        );
        assert_eq!(task["output"].as_array().unwrap().len(), outputs, "{kind}");
        assert_eq!(task["businessStatus"].is_object(), kind == "contact_failed", "{kind}");
        assert_eq!(rest(&task), rest(&made), "{kind}");
        // The same again changes nothing.
        assert_eq!(driver.deliver(parcel).await, Came::Already, "{kind}");
        assert_eq!(their_task(&stub), task, "{kind}");
    }
    let task = their_task(&stub);
    // No party was made that only our own Task would have pointed at.
    let held = format!("{:?}", ["Encounter", "Communication"].map(|kind| stub.all(kind)));
    for organization in stub.all("Organization") {
        assert!(held.contains(&format!("Organization/{}", organization["id"].as_str().unwrap())));
    }
    assert_eq!(task["output"][0]["valueString"], "sent");
    assert_eq!(task["output"][1]["valueCodeableConcept"]["text"], "better");
    assert_eq!(task["lastModified"], "2026-03-06");
    assert_eq!(task["executionPeriod"], json!({"start": "2026-03-04", "end": "2026-03-06"}));
    let wanted = stub.all("ServiceRequest");
    assert_eq!(
        (wanted.len(), &wanted[0]["meta"]["versionId"]),
        (1, &json!("1")),
        "never a second, never written"
    );
    let place = format!("ServiceRequest/{}", wanted[0]["id"].as_str().unwrap());
    for kind in ["Encounter", "Communication", "Observation"] {
        let own = stub.all(kind);
        assert!(!own.is_empty(), "{kind}");
        for resource in own {
            assert_eq!(resource["basedOn"][0]["reference"], place, "{kind}");
        }
    }
    assert!(stub.all("Provenance").iter().any(|signed| {
        signed["target"].as_array().unwrap().iter().any(|target| target["reference"] == "Task/their-task")
    }));
}

#[tokio::test]
async fn when_the_work_began_as_they_wrote_it_stands() {
    let (stub, mut driver, parcels, mut made) = start(&["referred", "attended", "completed"]).await;
    made["executionPeriod"] = json!({"start": "2026-02-28T10:00:00Z"});
    stub.put(made);
    for parcel in &parcels {
        assert_ne!(driver.deliver(parcel).await, Came::Held(Reason::Divergent));
    }
    let period = json!({"start": "2026-02-28T10:00:00Z", "end": "2026-03-03"});
    assert_eq!(their_task(&stub)["executionPeriod"], period);
}

#[tokio::test]
async fn a_version_that_moved_is_read_again_and_merged() {
    let (stub, mut driver, parcels, _) = start(&["referred", "accepted"]).await;
    let request = driver.ready(&parcels[1]).await;
    assert!(request.body.contains(r#""ifMatch":"W/\"1\"""#), "never blind");
    let mut moved = their_task(&stub);
    moved["note"] = json!([{"text": "Ring in the evening"}]);
    stub.put(moved);
    let outcome = driver.endpoint.send(&request).await;
    assert!(matches!(outcome, Outcome::Deferred { reason: Reason::Conflict, .. }), "{outcome:?}");
    assert_eq!(their_task(&stub)["status"], "requested");
    // A conflict is prepared anew.
    assert_eq!(driver.deliver(&parcels[1]).await, Came::Accepted);
    let task = their_task(&stub);
    assert_eq!(
        (&task["status"], &task["note"][0]["text"]),
        (&json!("accepted"), &json!("Ring in the evening"))
    );
}

#[tokio::test]
async fn an_answer_that_was_lost_is_found_and_stands_once() {
    for cut in [0, 20, 300] {
        let kinds = ["accepted", "attended", "completed"];
        let stub = Stub::start(Manner::Correct).await;
        let person = Person::new();
        task(&stub, &request(&stub, &person));
        let proxy = Proxy::to(&stub.base).await;
        let mut driver = Driver::new(&proxy.base);
        let kinds: Vec<&str> = std::iter::once("referred").chain(kinds).collect();
        for parcel in answering(&person, "lost", &kinds, CASE) {
            let request = driver.ready(&parcel).await;
            proxy.cut_after(Some(cut));
            let outcome = driver.endpoint.send(&request).await;
            proxy.cut_after(None);
            assert!(matches!(outcome, Outcome::Unknown { .. }), "{cut}: {outcome:?}");
            assert_eq!(driver.settle(&request, outcome).await, Came::Accepted, "{cut}");
            // Somebody who sends it again all the same is refused, and then finds it there.
            driver.known.clear();
            assert_eq!(driver.deliver(&parcel).await, Came::Already, "{cut}");
        }
        let task = their_task(&stub);
        assert_eq!(
            (&task["status"], task["output"].as_array().unwrap().len()),
            (&json!("completed"), 2),
            "{cut}"
        );
        assert_eq!(task["meta"]["versionId"], "4", "{cut}: written three times");
    }
}

#[tokio::test]
async fn an_answer_that_never_arrived_is_absent_and_moved_on_is_no_reason_to_repeat_it() {
    let (stub, mut driver, parcels, _) = start(&["referred", "completed"]).await;
    let request = driver.ready(&parcels[1]).await;
    assert_eq!(driver.endpoint.look(&request).await, Found::Absent);
    assert!(matches!(driver.endpoint.send(&request).await, Outcome::Accepted(_)));
    // Nobody saw the answer, and the practice has added to the Task since.
    let mut moved = their_task(&stub);
    moved["businessStatus"] = json!({"text": "Filed"});
    moved["output"].as_array_mut().unwrap().push(json!({"type": {"text": "Letter"}, "valueString": "filed"}));
    stub.put(moved);
    assert!(matches!(driver.endpoint.look(&request).await, Found::Applied(_)));
    let again = driver.endpoint.send(&request).await;
    assert!(matches!(again, Outcome::Deferred { reason: Reason::Conflict, .. }), "{again:?}");
    assert_eq!(driver.deliver(&parcels[1]).await, Came::Already);
    assert_eq!(their_task(&stub)["output"].as_array().unwrap().len(), 3, "theirs, theirs, and ours once");
}

#[tokio::test]
async fn a_task_that_they_ended_meanwhile_holds_the_answer_and_nothing_is_written() {
    for status in ["cancelled", "completed", "failed", "rejected"] {
        let (stub, mut driver, parcels, _) = start(&["referred", "accepted", "attended"]).await;
        assert_eq!(driver.deliver(&parcels[1]).await, Came::Accepted, "{status}");
        let mut ended = their_task(&stub);
        ended["status"] = json!(status);
        let ended = stub.put(ended);
        let before = stub.counts();
        assert_eq!(driver.deliver(&parcels[2]).await, Came::Held(Reason::Divergent), "{status}");
        assert_eq!((their_task(&stub), stub.counts()), (ended, before), "{status}");
    }
}

#[tokio::test]
async fn what_they_deleted_is_noticed_when_it_is_answered_and_not_made_again() {
    for manner in [Manner::Correct, Manner::SaysGone] {
        let (stub, mut driver, parcels, made) = start(&["referred", "accepted", "attended"]).await;
        stub.behave(manner.clone());
        assert_eq!(driver.deliver(&parcels[1]).await, Came::Accepted);
        // Between reading and writing.
        let request = driver.ready(&parcels[2]).await;
        delete(&stub.base, &made).await;
        let outcome = driver.endpoint.send(&request).await;
        let is_conflict = matches!(outcome, Outcome::Deferred { reason: Reason::Conflict, .. });
        assert!(is_conflict, "{manner:?}: {outcome:?}");
        // Read again: the Task that we answered is gone.
        assert_eq!(driver.deliver(&parcels[2]).await, Came::Held(Reason::Divergent), "{manner:?}");
        delete(&stub.base, &stub.all("ServiceRequest")[0]).await;
        assert_eq!(driver.deliver(&parcels[2]).await, Came::Held(Reason::RequestNotFound), "{manner:?}");
        assert!(stub.all("Task").is_empty() && stub.all("ServiceRequest").is_empty(), "{manner:?}");
    }
}

#[tokio::test]
async fn a_task_that_they_ended_stands_where_a_person_says_so_and_what_is_ours_goes() {
    let (stub, mut driver, mut parcels, _) = start(&["referred", "accepted", "attended", "on_hold"]).await;
    assert_eq!(driver.deliver(&parcels[1]).await, Came::Accepted);
    let mut ended = their_task(&stub);
    ended["status"] = json!("cancelled");
    let ended = stub.put(ended);
    let Prepared::Divergent(seen) = driver.endpoint.prepare(&parcels[2], &driver.known).await else {
        panic!()
    };
    let seen_as: Vec<_> = seen.iter().map(ToString::to_string).collect();
    assert_eq!(
        seen_as,
        [format!("Task/their-task/_history/{}", ended["meta"]["versionId"].as_str().unwrap())]
    );
    for parcel in &mut parcels {
        parcel.let_stand.clone_from(&seen);
    }
    assert_eq!(driver.deliver(&parcels[2]).await, Came::Accepted);
    assert_eq!((their_task(&stub), stub.counts()["Encounter"]), (ended.clone(), 1));
    // What says nothing but how far it got has nothing left to send.
    assert_eq!(driver.deliver(&parcels[3]).await, Came::LetStand);
    // They moved it again: nobody has seen that.
    stub.put(ended);
    assert_eq!(driver.deliver(&parcels[3]).await, Came::Held(Reason::Divergent));
}

#[tokio::test]
async fn a_request_that_they_took_back_is_not_accepted_but_may_be_refused() {
    for (kind, came) in [("accepted", Came::Held(Reason::Divergent)), ("rejected", Came::Accepted)] {
        let (stub, mut driver, parcels, _) = start(&["referred", kind]).await;
        let mut wanted = stub.all("ServiceRequest").remove(0);
        wanted["status"] = json!("revoked");
        stub.put(wanted);
        assert_eq!(driver.deliver(&parcels[1]).await, came, "{kind}");
    }
}

#[tokio::test]
async fn where_there_is_no_task_one_of_ours_is_made_about_their_request() {
    let stub = Stub::start(Manner::Correct).await;
    let person = Person::new();
    let wanted = request(&stub, &person);
    let mut driver = Driver::new(&stub.base);
    for parcel in answering(&person, "none", &["referred", "accepted", "completed"], CASE) {
        assert_eq!(driver.deliver(&parcel).await, Came::Accepted);
        assert_eq!(driver.deliver(&parcel).await, Came::Already);
    }
    let task = their_task(&stub);
    assert_eq!(task["focus"]["reference"], format!("ServiceRequest/{wanted}"));
    assert_eq!(task["identifier"][0]["system"], "https://elmfield-sp.example/cases/task");
    assert_eq!((&task["status"], stub.counts()["ServiceRequest"]), (&json!("completed"), 1));
}

#[tokio::test]
async fn a_task_that_names_its_request_by_identifier_alone_is_answered() {
    let (stub, mut driver, parcels, _) = start(&["referred", "accepted", "completed"]).await;
    let mut task = their_task(&stub);
    let focus = json!({"type": "ServiceRequest", "identifier": {"system": REQUESTS, "value": CASE}});
    task["focus"] = focus.clone();
    stub.put(task);
    for parcel in &parcels {
        assert_eq!(driver.deliver(parcel).await, Came::Accepted);
    }
    let task = their_task(&stub);
    assert_eq!((&task["status"], &task["focus"]), (&json!("completed"), &focus));
    assert!(stub.targets().iter().all(|target| !target.contains(CASE)), "asked for in a form");
}

#[tokio::test]
async fn real_servers_find_a_task_that_names_its_request_by_identifier_alone() {
    let test = "real_servers_find_a_task_that_names_its_request_by_identifier_alone";
    for base in ["SP_FHIR_HFS", "SP_FHIR_MEDPLUM"].iter().filter_map(|variable| need(test, variable)) {
        let person = Person::new();
        let subject = store(&base, &person.patient()).await;
        let subject = json!({"reference": format!("Patient/{}", subject["id"].as_str().unwrap())});
        let case = format!("GP-{}x", person.number);
        let named = json!({"system": REQUESTS, "value": case});
        let wanted = json!({"resourceType": "ServiceRequest", "status": "active", "intent": "order",
            "identifier": [named], "subject": subject});
        store(&base, &wanted).await;
        let focus = json!({"type": "ServiceRequest", "identifier": named});
        let task = json!({"resourceType": "Task", "status": "requested", "intent": "order", "focus": focus,
            "for": subject});
        let task = store(&base, &task).await;
        let mut driver = Driver::new(&base);
        let parcels = answering(&person, "named", &["referred", "accepted"], &case);
        assert_eq!(driver.deliver(&parcels[1]).await, Came::Accepted, "{base}");
        let answer = reqwest::get(format!("{base}/Task/{}", task["id"].as_str().unwrap())).await.unwrap();
        let task: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert_eq!(
            (&task["status"], &task["focus"]["identifier"]),
            (&json!("accepted"), &focus["identifier"]),
            "{base}"
        );
    }
}

#[tokio::test]
async fn a_task_of_another_service_is_left_alone() {
    let (stub, mut driver, parcels, _) = start(&["referred", "accepted"]).await;
    let mut task = their_task(&stub);
    task["owner"] = json!({"reference": "Organization/others"});
    let task = stub.put(task);
    assert_eq!(driver.deliver(&parcels[1]).await, Came::Held(Reason::RequestNotFound));
    assert_eq!(their_task(&stub), task);
}

#[tokio::test]
async fn what_is_named_only_later_or_no_more_never_stands_there_as_two_asks() {
    let stub = Stub::start(Manner::Correct).await;
    let person = Person::new();
    let asked = request(&stub, &person);
    let before = task(&stub, &asked);
    let mut driver = Driver::new(&stub.base);
    // A row that does not say which request it answers, and says it the next day.
    let unsaid = referral(&person, "later", &["referred", "accepted", "attended"]);
    let said = answering(&person, "later", &["referred", "accepted", "attended"], CASE);
    assert_eq!(driver.deliver(&unsaid[0]).await, Came::Accepted);
    let counts = stub.counts();
    assert_eq!(driver.deliver(&said[1]).await, Came::Held(Reason::Duplicate));
    assert_eq!(stub.counts(), counts);
    // The practice takes ours back.
    let ours =
        |stub: &Stub| stub.all("ServiceRequest").into_iter().find(|found| found["id"] != asked).unwrap();
    let mut revoked = ours(&stub);
    revoked["status"] = json!("revoked");
    stub.put(revoked);
    let ours = stub.all("Task").into_iter().find(|found| found["id"] != before["id"]).unwrap();
    stub.put(json!({"resourceType": "Task", "id": ours["id"], "status": "entered-in-error"}));
    driver.known.retain(|known| known.placed.resource_type != "Task");
    assert_eq!(driver.deliver(&said[1]).await, Came::Accepted);
    let answered = stub.all("Task").into_iter().find(|found| found["id"] == before["id"]).unwrap();
    assert_eq!(answered["status"], "accepted");
    // And says it no more.
    let counts = stub.counts();
    assert_eq!(driver.deliver(&unsaid[2]).await, Came::Held(Reason::Duplicate));
    assert_eq!(stub.counts(), counts);
}

#[tokio::test]
async fn a_request_that_is_not_there_or_about_somebody_else_is_held() {
    let stub = Stub::start(Manner::Correct).await;
    let (person, other) = (Person::new(), Person::new());
    stub.put(person.patient());
    let mut driver = Driver::new(&stub.base);
    let parcels = answering(&person, "nowhere", &["referred", "accepted"], CASE);
    for parcel in &parcels {
        assert_eq!(driver.deliver(parcel).await, Came::Held(Reason::RequestNotFound));
    }
    let task = task(&stub, &request(&stub, &other));
    let before = stub.counts();
    for parcel in &parcels {
        assert_eq!(driver.deliver(parcel).await, Came::Held(Reason::IdentifierCollision));
    }
    assert_eq!((their_task(&stub), stub.counts()), (task, before));
    // Two requests of one name cannot be told apart.
    request(&stub, &Person::new());
    assert_eq!(driver.deliver(&parcels[1]).await, Came::Held(Reason::Duplicate));
}

#[tokio::test]
async fn real_servers_hold_an_answer_to_the_version_that_was_read() {
    let test = "real_servers_hold_an_answer_to_the_version_that_was_read";
    for base in ["SP_FHIR_HFS", "SP_FHIR_MEDPLUM"].iter().filter_map(|variable| need(test, variable)) {
        let person = Person::new();
        let place = |resource: &Value| {
            format!("{}/{}", resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap())
        };
        let us = place(&store(&base, &json!({"resourceType": "Organization", "name": "Elmfield"})).await);
        let subject = place(&store(&base, &person.patient()).await);
        let case = format!("GP-{}x", us.rsplit('/').next().unwrap().replace('-', "y"));
        let wanted = json!({"resourceType": "ServiceRequest", "status": "active", "intent": "order",
            "identifier": [{"system": REQUESTS, "value": case}], "subject": {"reference": subject}});
        let wanted = place(&store(&base, &wanted).await);
        let task = json!({"resourceType": "Task", "status": "requested", "intent": "order",
            "focus": {"reference": wanted}, "for": {"reference": subject}, "owner": {"reference": us}});
        let mut task = store(&base, &task).await;
        let mut driver = Driver::owned(&base, &us);
        let parcels = answering(&person, "real", &["referred", "accepted", "attended", "completed"], &case);
        // It moves between reading and writing.
        let request = driver.ready(&parcels[1]).await;
        task["note"] = json!([{"text": "Ring in the evening"}]);
        store(&base, &task).await;
        let outcome = driver.endpoint.send(&request).await;
        assert!(matches!(outcome, Outcome::Deferred { reason: Reason::Conflict, .. }), "{base}: {outcome:?}");
        for parcel in &parcels[1..] {
            let request = driver.ready(parcel).await;
            let outcome = driver.endpoint.send(&request).await;
            assert!(matches!(outcome, Outcome::Accepted(_)), "{base}: {outcome:?}");
            // As if the answer had been lost: it is found, and the same bytes do no harm.
            assert!(matches!(driver.endpoint.look(&request).await, Found::Applied(_)), "{base}");
            let again = driver.endpoint.send(&request).await;
            let is_refused = matches!(again, Outcome::Deferred { reason: Reason::Conflict, .. });
            assert!(is_refused, "{base}: {again:?}");
            assert_eq!(driver.deliver(parcel).await, Came::Already, "{base}");
        }
        let answer = reqwest::get(format!("{base}/{}", place(&task))).await.unwrap();
        let task: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert_eq!(
            (&task["status"], &task["note"][0]["text"]),
            (&json!("completed"), &json!("Ring in the evening"))
        );
        assert_eq!(task["output"].as_array().unwrap().len(), 1, "{base}");
        assert_eq!(search(&base, "ServiceRequest", REQUESTS, &case).await.len(), 1, "{base}");
        // They take it back to where we cannot follow.
        let mut task = task;
        task["status"] = json!("cancelled");
        store(&base, &task).await;
        let late =
            answering(&person, "real", &["referred", "accepted", "attended", "on_hold"], &case).remove(3);
        assert_eq!(driver.deliver(&late).await, Came::Held(Reason::Divergent), "{base}");
        // And delete it between reading and writing: it is not made again.
        task["status"] = json!("in-progress");
        let task = store(&base, &task).await;
        assert_eq!(driver.deliver(&late).await, Came::Accepted, "{base}");
        let request = driver.ready(&parcels[3]).await;
        delete(&base, &task).await;
        let outcome = driver.endpoint.send(&request).await;
        assert!(matches!(outcome, Outcome::Deferred { reason: Reason::Conflict, .. }), "{base}: {outcome:?}");
        assert_eq!(driver.deliver(&parcels[3]).await, Came::Held(Reason::Divergent), "{base}");
        let answer = reqwest::get(format!("{base}/{}", place(&task))).await.unwrap();
        assert!(matches!(answer.status().as_u16(), 404 | 410), "{base}: {}", answer.status());
    }
}

#[tokio::test]
async fn without_transactions_each_is_sent_by_itself_and_never_blind() {
    let (stub, mut driver, parcels, made) = start(&["referred", "accepted", "completed"]).await;
    stub.behave(Manner::NoTransactions);
    for parcel in &parcels {
        assert_eq!(driver.deliver(parcel).await, Came::Accepted);
    }
    let task = their_task(&stub);
    assert_eq!((&task["status"], rest(&task)), (&json!("completed"), rest(&made)));
    let Prepared::Already(_) = driver.endpoint.prepare(&parcels[2], &driver.known).await else { panic!() };
}
