//! Against real servers: helios-hfs, which validates and resolves references, and the Medplum router, which rolls
//! nothing back.

use serde_json::{Value, json};
use sp_fhir::clock::{Clock as _, SystemClock};
use sp_fhir::endpoint::fhir_rest::question::{Finding, Question, Verdict};
use sp_fhir::endpoint::fhir_rest::{inquiry, trial};
use sp_fhir::endpoint::{Endpoint, Found, Prepared};
use sp_fhir::outbox::{Outcome, Reason};

use crate::driver::{Came, Driver, counts, search, store};
use crate::need;
use crate::parcels::{Person, referral};

/// The servers that run, by name.
fn servers(test: &str) -> Vec<String> {
    ["SP_FHIR_HFS", "SP_FHIR_MEDPLUM"].iter().filter_map(|variable| need(test, variable)).collect()
}

#[tokio::test]
async fn a_referral_is_pushed_twice_and_stands_once() {
    for base in servers("a_referral_is_pushed_twice_and_stands_once") {
        let person = Person::new();
        store(&base, &person.patient()).await;
        let mut driver = Driver::new(&base);
        let kinds = ["referred", "accepted", "attended", "assessed", "completed"];
        for (parcel, kind) in referral(&person, "twice", &kinds).iter().zip(kinds) {
            let request = driver.ready(parcel).await;
            assert_eq!(driver.endpoint.look(&request).await, Found::Absent, "{base} {kind}");
            let outcome = driver.endpoint.send(&request).await;
            assert!(matches!(outcome, Outcome::Accepted(_)), "{base} {kind}: {outcome:?}");
            assert!(matches!(driver.endpoint.look(&request).await, Found::Applied(_)), "{base} {kind}");
            assert_eq!(driver.settle(&request, outcome).await, Came::Accepted, "{base} {kind}");
            // The same event again: everything is there already.
            let again = driver.endpoint.prepare(parcel, &driver.known).await;
            assert!(matches!(again, Prepared::Already(_)), "{base} {kind}: {again:?}");
            // The same bytes again: a store that was put back, or an answer that nobody saw.
            let outcome = driver.endpoint.send(&request).await;
            let is_repeat =
                matches!(outcome, Outcome::Accepted(_) | Outcome::Deferred { reason: Reason::Conflict, .. });
            assert!(is_repeat, "{base} {kind}: {outcome:?}");
            if kind == "referred" {
                assert_eq!(driver.settle(&request, outcome).await, Came::Accepted);
            }
            assert!(matches!(driver.endpoint.look(&request).await, Found::Applied(_)), "{base} {kind}");
            for (resource_type, count) in counts(&base, &request).await {
                assert_eq!(count, 1, "{base} {kind}: {resource_type}");
            }
        }
    }
}

/// The identifier by which we name the first target of a type.
fn own(request: &sp_fhir::endpoint::Request, kind: &str) -> (String, String) {
    let target = request.targets.iter().find(|target| target.resource_type == kind).expect("a target");
    (target.system.clone().expect("a system"), target.uuid.clone())
}

async fn stored(base: &str, request: &sp_fhir::endpoint::Request, kind: &str) -> Value {
    let (system, value) = own(request, kind);
    let mut found = search(base, kind, &system, &value).await;
    assert_eq!(found.len(), 1, "{kind}");
    found.remove(0)
}

#[tokio::test]
async fn progress_of_others_is_kept_and_any_other_change_is_held() {
    for base in servers("progress_of_others_is_kept_and_any_other_change_is_held") {
        let person = Person::new();
        store(&base, &person.patient()).await;
        let mut driver = Driver::new(&base);
        let parcels = referral(&person, "foreign", &["referred", "details_changed", "attended", "assessed"]);
        let request = driver.ready(&parcels[0]).await;
        let outcome = driver.endpoint.send(&request).await;
        assert_eq!(driver.settle(&request, outcome).await, Came::Accepted, "{base}");

        // The practice takes the Task; an event that says nothing of progress leaves it so.
        let mut task = stored(&base, &request, "Task").await;
        task["status"] = json!("accepted");
        task["note"] = json!([{"text": "Seen by the practice"}]);
        store(&base, &task).await;
        let parcel = changed(&parcels[0]);
        assert_eq!(driver.deliver(&parcel).await, Came::Accepted, "{base}");
        let task = stored(&base, &request, "Task").await;
        assert_eq!(
            (&task["status"], &task["note"][0]["text"]),
            (&json!("accepted"), &json!("Seen by the practice"))
        );

        // We have news of our own: they count, and the note stays.
        assert_eq!(driver.deliver(&parcels[2]).await, Came::Accepted, "{base}");
        let mut task = stored(&base, &request, "Task").await;
        assert_eq!(
            (&task["status"], &task["note"][0]["text"]),
            (&json!("in-progress"), &json!("Seen by the practice"))
        );

        // What is ours alone is changed by somebody.
        task["priority"] = json!("stat");
        store(&base, &task).await;
        assert_eq!(driver.deliver(&parcels[3]).await, Came::Held(Reason::Divergent), "{base}");
        task.as_object_mut().unwrap().remove("priority");
        store(&base, &task).await;
        assert_eq!(driver.deliver(&parcels[3]).await, Came::Accepted, "{base}");
        let mut wanted = stored(&base, &request, "ServiceRequest").await;
        wanted["doNotPerform"] = json!(true);
        store(&base, &wanted).await;
        let parcel = changed(&parcels[3]);
        assert_eq!(driver.deliver(&parcel).await, Came::Held(Reason::Divergent), "{base}");
    }
}

/// The same event with another text of ours in the ServiceRequest.
fn changed(parcel: &sp_fhir::outbox::Parcel) -> sp_fhir::outbox::Parcel {
    let mut bundle: Value = serde_json::from_str(&parcel.bundle).unwrap();
    for entry in bundle["entry"].as_array_mut().unwrap() {
        if entry["resource"]["resourceType"] == "ServiceRequest" {
            entry["resource"]["patientInstruction"] = json!("Ring the office");
        }
    }
    sp_fhir::outbox::Parcel { bundle: bundle.to_string(), ..parcel.clone() }
}

#[tokio::test]
async fn a_version_that_moves_between_reading_and_writing_is_a_conflict() {
    for base in servers("a_version_that_moves_between_reading_and_writing_is_a_conflict") {
        let person = Person::new();
        store(&base, &person.patient()).await;
        let mut driver = Driver::new(&base);
        let parcels = referral(&person, "moved", &["referred", "attended"]);
        assert_eq!(driver.deliver(&parcels[0]).await, Came::Accepted, "{base}");
        let request = driver.ready(&parcels[1]).await;
        let mut task = stored(&base, &request, "Task").await;
        task["note"] = json!([{"text": "Seen by the practice"}]);
        store(&base, &task).await;
        let outcome = driver.endpoint.send(&request).await;
        assert!(matches!(outcome, Outcome::Deferred { reason: Reason::Conflict, .. }), "{base}: {outcome:?}");
        assert_eq!(stored(&base, &request, "Task").await["status"], "requested", "{base}");
        // Read again, it goes.
        assert_eq!(driver.deliver(&parcels[1]).await, Came::Accepted, "{base}");
        let task = stored(&base, &request, "Task").await;
        assert_eq!(
            (&task["status"], &task["note"][0]["text"]),
            (&json!("in-progress"), &json!("Seen by the practice"))
        );
        for (resource_type, count) in counts(&base, &request).await {
            assert_eq!(count, 1, "{base}: {resource_type}");
        }
    }
}

#[tokio::test]
async fn nothing_is_written_about_a_person_who_cannot_be_told() {
    for base in servers("nothing_is_written_about_a_person_who_cannot_be_told") {
        let (person, other) = (Person::new(), Person::new());
        let parcel = referral(&person, "person", &["referred"]).remove(0);
        let mut driver = Driver::new(&base);
        assert_eq!(driver.deliver(&parcel).await, Came::Held(Reason::PatientNotFound), "{base}");
        let mut patient = person.patient();
        patient["birthDate"] = json!("1964-09-24");
        let mut patient = store(&base, &patient).await;
        assert_eq!(driver.deliver(&parcel).await, Came::Held(Reason::OtherPerson), "{base}");
        patient["birthDate"] = json!(person.birth_date);
        store(&base, &patient).await;
        assert_eq!(driver.deliver(&parcel).await, Came::Accepted, "{base}");
        // Our resource, but the clinical system has it under another Patient now.
        let request = driver.endpoint.prepare(&changed(&parcel), &driver.known).await;
        let Prepared::Ready(request) = request else { panic!("{request:?}") };
        let stranger = store(&base, &other.patient()).await;
        let mut wanted = stored(&base, &request, "ServiceRequest").await;
        wanted["subject"] = json!({"reference": format!("Patient/{}", stranger["id"].as_str().unwrap())});
        store(&base, &wanted).await;
        assert_eq!(
            driver.deliver(&changed(&parcel)).await,
            Came::Held(Reason::IdentifierCollision),
            "{base}"
        );
        store(&base, &person.patient()).await;
        assert_eq!(driver.deliver(&parcel).await, Came::Held(Reason::PatientSeveral), "{base}");
    }
}

#[tokio::test]
async fn a_probe_that_writes_finds_nothing_wrong_and_leaves_nothing_behind() {
    for base in servers("a_probe_that_writes_finds_nothing_wrong_and_leaves_nothing_behind") {
        let driver = Driver::new(&base);
        let nobodys = || uuid::Builder::from_random_bytes(SystemClock.random()).into_uuid();
        let asked = inquiry::inquire(&driver.endpoint, nobodys()).await;
        // The driver's own clock stands still.
        let wrong =
            |finding: &&Finding| finding.verdict == Verdict::Wrong && finding.question != Question::ClockSkew;
        assert_eq!(asked.iter().find(wrong), None, "{base}");
        let value = nobodys();
        let found = trial::probe_writes(&driver.endpoint, value).await;
        let [one] = found.as_slice() else { panic!("{base}: {found:?}") };
        assert_eq!((one.question, one.verdict), (Question::Writes, Verdict::Good), "{base}: {found:?}");
        let left = search(&base, "Task", "urn:ietf:rfc:3986", &value.urn().to_string()).await;
        assert!(left.is_empty(), "{base}: {} left", left.len());
    }
}
