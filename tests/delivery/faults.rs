//! Against stubs: what each misbehaviour comes to, and that nothing is lost or doubled by it.

use std::time::Duration;

use serde_json::json;
use sp_fhir::endpoint::fhir_rest::client::Limits;
use sp_fhir::endpoint::fhir_rest::fill::ProvenanceForm;
use sp_fhir::endpoint::{Endpoint, Found, Known, Prepared};
use sp_fhir::outbox::{Outcome, Parcel, Reason};

use crate::driver::{Came, Driver, Token};
use crate::parcels::{PRACTICE, Person, referral};
use crate::stub::{Manner, Proxy, Stub};

/// A stub that knows the person, and a parcel about them.
async fn start(manner: Manner) -> (Stub, Driver, Parcel, Person) {
    let stub = Stub::start(manner).await;
    let person = Person::new();
    stub.put(person.patient());
    let driver = Driver::new(&stub.base);
    let parcel = referral(&person, "fault", &["referred"]).remove(0);
    (stub, driver, parcel, person)
}

fn held_once(stub: &Stub) {
    for (kind, count) in stub.counts() {
        // The referrer's organisation and the scheme's.
        let most = if kind == "Organization" { 2 } else { 1 };
        assert!(count <= most, "{kind}: {count}");
    }
    assert_eq!(stub.counts()["ServiceRequest"], 1);
    assert_eq!(stub.counts()["Task"], 1);
    assert_eq!(stub.counts()["Provenance"], 1);
}

#[tokio::test]
async fn no_identifier_of_a_person_stands_in_a_url() {
    let (stub, mut driver, parcel, person) = start(Manner::Correct).await;
    assert_eq!(driver.deliver(&parcel).await, Came::Accepted);
    assert_eq!(driver.deliver(&parcel).await, Came::Already);
    held_once(&stub);
    for target in stub.targets() {
        assert!(!target.contains(&person.number) && !target.contains('?'), "{target}");
    }
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_is_in_doubt_and_asking_finds_it() {
    for manner in [
        Manner::Answers("<html><body>Welcome</body></html>"),
        Manner::Answers(r#"{"resourceType":"Bundle","type":"transaction-response","entry":[{"resp"#),
        Manner::Answers(r#"{"resourceType":"OperationOutcome","issue":[]}"#),
        Manner::Answers(""),
        Manner::Status(500),
        Manner::Status(502),
        Manner::Status(504),
        Manner::Endless,
    ] {
        let (stub, mut driver, parcel, _) = start(manner.clone()).await;
        let request = driver.ready(&parcel).await;
        let outcome = driver.endpoint.send(&request).await;
        let in_doubt = matches!(outcome, Outcome::Unknown { reason: Reason::AnswerLost, .. });
        assert!(in_doubt, "{manner:?}: {outcome:?}");
        assert_eq!(driver.settle(&request, outcome).await, Came::Accepted, "{manner:?}");
        held_once(&stub);
        assert_eq!(driver.deliver(&parcel).await, Came::Already, "{manner:?}");
    }
}

#[tokio::test]
async fn a_cut_connection_is_in_doubt_wherever_it_was_cut() {
    let (stub, _, _, _) = start(Manner::Correct).await;
    let proxy = Proxy::to(&stub.base).await;
    for bytes in [0, 1, 20, 200, 400] {
        let person = Person::new();
        stub.put(person.patient());
        let mut driver = Driver::new(&proxy.base);
        for parcel in referral(&person, "cut", &["referred", "attended", "completed"]) {
            let request = driver.ready(&parcel).await;
            proxy.cut_after(Some(bytes));
            let outcome = driver.endpoint.send(&request).await;
            proxy.cut_after(None);
            let in_doubt = matches!(outcome, Outcome::Unknown { reason: Reason::AnswerLost, .. });
            assert!(in_doubt, "{bytes}: {outcome:?}");
            // Sent again without asking, it would do no harm here; asked, it is there.
            assert_eq!(driver.settle(&request, outcome).await, Came::Accepted, "{bytes}");
        }
    }
    let counts = stub.counts();
    assert_eq!((counts["ServiceRequest"], counts["Task"], counts["Encounter"]), (5, 5, 5));
    assert_eq!(counts["Provenance"], 15);
}

#[tokio::test]
async fn what_never_arrived_is_absent_and_may_be_sent() {
    let (stub, mut driver, parcel, _) = start(Manner::Correct).await;
    let request = driver.ready(&parcel).await;
    assert_eq!(driver.endpoint.look(&request).await, Found::Absent);
    let outcome = driver.endpoint.send(&request).await;
    assert_eq!(driver.settle(&request, outcome).await, Came::Accepted);
    // An update that did not arrive: the older state is there, and is not taken for the newer.
    let parcels = referral(&Person::new(), "older", &["referred", "attended"]);
    let Prepared::Held(reason) = driver.endpoint.prepare(&parcels[1], &driver.known).await else { panic!() };
    assert_eq!(reason, Reason::PatientNotFound);
    held_once(&stub);
}

#[tokio::test]
async fn an_older_state_is_not_taken_for_the_newer() {
    let stub = Stub::start(Manner::Correct).await;
    let person = Person::new();
    stub.put(person.patient());
    let mut driver = Driver::new(&stub.base);
    let parcels = referral(&person, "older", &["referred", "accepted"]);
    assert_eq!(driver.deliver(&parcels[0]).await, Came::Accepted);
    let request = driver.ready(&parcels[1]).await;
    assert_eq!(driver.endpoint.look(&request).await, Found::Absent);
    let outcome = driver.endpoint.send(&request).await;
    assert_eq!(driver.settle(&request, outcome).await, Came::Accepted);
    assert!(matches!(driver.endpoint.look(&request).await, Found::Applied(_)));
}

#[tokio::test]
async fn a_failed_entry_inside_a_200_is_no_success_and_mends() {
    let (stub, mut driver, parcel, _) = start(Manner::RefusesEntry("Task", 412)).await;
    let came = driver.deliver(&parcel).await;
    assert!(matches!(came, Came::Ended(Outcome::Deferred { reason: Reason::Conflict, .. })), "{came:?}");
    assert_eq!(stub.counts().get("Task"), None);
    stub.behave(Manner::Correct);
    assert_eq!(driver.deliver(&parcel).await, Came::Accepted);
    held_once(&stub);
    let (_, mut driver, parcel, _) = start(Manner::RefusesEntry("Task", 422)).await;
    let came = driver.deliver(&parcel).await;
    assert!(matches!(came, Came::Ended(Outcome::Rejected(_))), "{came:?}");
}

#[tokio::test]
async fn a_409_on_replay_is_read_back_and_found() {
    let (stub, mut driver, parcel, _) = start(Manner::ConflictOnReplay).await;
    let request = driver.ready(&parcel).await;
    assert!(matches!(driver.endpoint.send(&request).await, Outcome::Accepted(_)));
    let again = driver.endpoint.send(&request).await;
    assert!(matches!(again, Outcome::Deferred { reason: Reason::Conflict, .. }), "{again:?}");
    // A conflict is prepared anew.
    assert_eq!(driver.deliver(&parcel).await, Came::Already);
    held_once(&stub);
}

#[tokio::test]
async fn a_place_elsewhere_or_nowhere_is_asked_for() {
    for manner in [Manner::ForeignLocation, Manner::NoLocation] {
        let (stub, mut driver, parcel, _) = start(manner.clone()).await;
        assert_eq!(driver.deliver(&parcel).await, Came::Accepted, "{manner:?}");
        let placed = |kind: &str| driver.known.iter().any(|known| known.placed.resource_type == kind);
        assert!(placed("ServiceRequest") && placed("Task"), "{manner:?}");
        held_once(&stub);
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_the_token_stays() {
    let elsewhere = Stub::start(Manner::Correct).await;
    let stub = Stub::start(Manner::Correct).await;
    let person = Person::new();
    stub.put(person.patient());
    let token = Token { value: Some("Bearer invented"), ..Token::default() };
    let driver = Driver::with(&stub.base, token, Limits::default(), Vec::new());
    let parcel = referral(&person, "redirect", &["referred"]).remove(0);
    let request = driver.ready(&parcel).await;
    stub.behave(Manner::Redirects(elsewhere.base.clone()));
    let outcome = driver.endpoint.send(&request).await;
    assert!(matches!(outcome, Outcome::Deferred { reason: Reason::Unavailable, .. }), "{outcome:?}");
    let found = driver.endpoint.look(&request).await;
    assert_eq!(found, Found::Unclear(Reason::Unavailable));
    assert!(driver.endpoint.probe().await.is_err());
    assert!(elsewhere.targets().is_empty());
    assert!(!stub.authorization().is_empty());
    assert!(stub.authorization().iter().all(|value| value == "Bearer invented"));
}

#[tokio::test]
async fn busy_endpoints_say_how_long_and_are_believed_within_bounds() {
    for (status, wait, expected) in [
        (503, "120", Some(120)),
        (429, "Fri, 20 Nov 2026 12:10:00 GMT", Some(600)),
        (503, "315360000", Some(3600)),
        (503, "soon", None),
        (408, "-1", None),
    ] {
        let (stub, mut driver, parcel, _) = start(Manner::Busy(status, wait)).await;
        let expected = Outcome::Deferred {
            reason: Reason::Unavailable,
            status: Some(status),
            retry_after: expected.map(Duration::from_secs),
        };
        assert_eq!(driver.deliver(&parcel).await, Came::Ended(expected), "{status} {wait}");
        assert_eq!(stub.counts().get("Task"), None);
    }
}

#[tokio::test]
async fn credentials_that_are_refused_are_said_to_be() {
    let (_stub, mut driver, parcel, _) = start(Manner::Busy(401, "1")).await;
    let came = driver.deliver(&parcel).await;
    assert!(matches!(came, Came::Ended(Outcome::Deferred { reason: Reason::Unauthorised, .. })), "{came:?}");
    assert_eq!(*driver.token.refused.lock().unwrap(), 1);
}

#[tokio::test]
async fn no_connection_is_no_doubt() {
    let (stub, driver, parcel, _) = start(Manner::Correct).await;
    let request = driver.ready(&parcel).await;
    let closed = Driver::new("http://127.0.0.1:9/fhir");
    let outcome = closed.endpoint.send(&request).await;
    assert!(
        matches!(outcome, Outcome::Deferred { reason: Reason::Unavailable, status: None, .. }),
        "{outcome:?}"
    );
    assert_eq!(closed.endpoint.probe().await, Err(Reason::Unavailable));
    assert_eq!(driver.endpoint.probe().await, Ok(()));
    assert_eq!(stub.counts().get("Task"), None);
}

#[tokio::test]
async fn a_slow_answer_is_in_doubt() {
    let stub = Stub::start(Manner::Racy).await;
    let person = Person::new();
    stub.put(person.patient());
    let limits = Limits { exchange: Duration::from_millis(25), ..Limits::default() };
    let slow = Driver::with(&stub.base, Token::default(), limits, Vec::new());
    let patient = Driver::new(&stub.base);
    let parcel = referral(&person, "slow", &["referred"]).remove(0);
    let request = patient.ready(&parcel).await;
    let outcome = slow.endpoint.send(&request).await;
    assert!(matches!(outcome, Outcome::Unknown { reason: Reason::AnswerLost, .. }), "{outcome:?}");
}

#[tokio::test]
async fn two_of_ours_are_found_and_held() {
    // Two workers at once at a server that looks first and writes later: what single-flight in the relay prevents.
    let (stub, driver, parcel, _) = start(Manner::Racy).await;
    let request = driver.ready(&parcel).await;
    let (one, other) = tokio::join!(driver.endpoint.send(&request), driver.endpoint.send(&request));
    assert!(matches!((&one, &other), (Outcome::Accepted(_), Outcome::Accepted(_))), "{one:?} {other:?}");
    assert_eq!(stub.counts()["ServiceRequest"], 2, "the stub does not race");
    assert_eq!(driver.endpoint.look(&request).await, Found::Wrong(Reason::Duplicate));
    assert_eq!(driver.endpoint.prepare(&parcel, &[]).await, Prepared::Held(Reason::Duplicate));

    // A server that knows no conditions: the second sending doubles, and it is seen.
    let (_stub, mut driver, parcel, _) = start(Manner::IgnoresConditions).await;
    assert_eq!(driver.deliver(&parcel).await, Came::Accepted);
    assert_eq!(driver.deliver(&parcel).await, Came::Already);
    let request = Driver::new(&_stub.base).endpoint.prepare(&parcel, &[]).await;
    assert!(matches!(request, Prepared::Already(_)), "{request:?}");
}

#[tokio::test]
async fn the_practice_is_found_through_what_the_patient_names() {
    let system = "https://fhir.nhs.uk/Id/ods-organization-code";
    let stub = Stub::start(Manner::Correct).await;
    stub.put(json!({"resourceType": "Organization", "id": "org", "identifier": [{"system": system, "value": PRACTICE}]}));
    stub.put(json!({"resourceType": "Organization", "id": "far", "identifier": [{"system": system, "value": "Z99900"}]}));
    stub.put(json!({"resourceType": "PractitionerRole", "id": "role", "organization": {"reference": "Organization/org"}}));
    for (general, practices, expected) in [
        (json!([{"reference": "Organization/org"}]), vec![], Came::Accepted),
        (json!([{"reference": "PractitionerRole/role"}]), vec![PRACTICE], Came::Accepted),
        (json!([{"reference": format!("{}/Organization/org", stub.base)}]), vec![], Came::Accepted),
        (json!([{"reference": "Organization/far"}]), vec![], Came::Held(Reason::PracticeUnknown)),
        (json!([{"reference": "Organization/none"}]), vec![], Came::Held(Reason::PracticeUnknown)),
        (
            json!([{"reference": "https://elsewhere.example/Organization/org"}]),
            vec![],
            Came::Held(Reason::PracticeUnknown),
        ),
        (json!([{"reference": "Organization/org"}]), vec!["Z99900"], Came::Held(Reason::PracticeUnknown)),
        (json!([]), vec![], Came::Held(Reason::PracticeUnknown)),
    ] {
        let person = Person::new();
        let mut patient = person.patient();
        patient["generalPractitioner"] = general.clone();
        stub.put(patient);
        let practices = practices.into_iter().map(str::to_owned).collect();
        let mut driver = Driver::with(&stub.base, Token::default(), Limits::default(), practices);
        let parcel = referral(&person, "practice", &["referred"]).remove(0);
        assert_eq!(driver.deliver(&parcel).await, expected, "{general}");
    }
}

#[tokio::test]
async fn without_transactions_each_resource_goes_once_on_its_own() {
    let stub = Stub::start(Manner::NoTransactions).await;
    let person = Person::new();
    stub.put(person.patient());
    let mut driver = Driver::new(&stub.base);
    for parcel in referral(&person, "single", &["referred", "attended", "completed"]) {
        let request = driver.ready(&parcel).await;
        assert_eq!(driver.endpoint.look(&request).await, Found::Absent);
        for _ in 0..2 {
            let outcome = driver.endpoint.send(&request).await;
            let repeated = matches!(outcome, Outcome::Deferred { reason: Reason::Conflict, .. });
            assert!(repeated || driver.settle(&request, outcome).await == Came::Accepted);
        }
        assert!(matches!(driver.endpoint.look(&request).await, Found::Applied(_)));
        assert_eq!(driver.deliver(&parcel).await, Came::Already);
    }
    let counts = stub.counts();
    assert_eq!((counts["ServiceRequest"], counts["Task"], counts["Provenance"]), (1, 1, 3));
    let text = serde_json::to_string(&stub.all("Task")).unwrap()
        + &serde_json::to_string(&stub.all("Provenance")).unwrap();
    assert!(!text.contains("urn:uuid:"), "a reference points into the Bundle");
    assert_eq!(stub.all("Task")[0]["status"], "completed");
    for target in stub.targets() {
        assert!(!target.contains(&person.number), "{target}");
    }
}

#[tokio::test]
async fn what_is_no_statement_of_what_it_can_do_is_not_kept() {
    let (stub, mut driver, parcel, _) = start(Manner::OneByOneBehindAPage).await;
    // What is needed is assumed, and is not there.
    let came = driver.deliver(&parcel).await;
    assert!(matches!(came, Came::Ended(Outcome::Rejected(_))), "{came:?}");
    stub.behave(Manner::NoTransactions);
    assert_eq!(driver.deliver(&parcel).await, Came::Accepted);
    // A statement is asked for once.
    let asked = || stub.targets().iter().filter(|target| target.ends_with("/metadata")).count();
    let before = asked();
    assert_eq!(driver.deliver(&parcel).await, Came::Already);
    assert_eq!(asked(), before);
}

#[tokio::test]
async fn a_page_to_sign_in_is_no_word_that_something_was_written() {
    let stub = Stub::start(Manner::NoTransactions).await;
    let person = Person::new();
    stub.put(person.patient());
    let mut driver = Driver::new(&stub.base);
    let parcels = referral(&person, "page", &["referred", "accepted", "attended"]);
    assert_eq!(driver.deliver(&parcels[0]).await, Came::Accepted);
    let before = stub.all("Task");
    stub.behave(Manner::SignIn);
    let came = driver.deliver(&parcels[1]).await;
    assert!(matches!(came, Came::Ended(Outcome::Unknown { reason: Reason::AnswerLost, .. })), "{came:?}");
    assert_eq!(stub.all("Task"), before);
    // An answer that says no more than the version is one.
    stub.behave(Manner::TerselyOneByOne);
    for parcel in &parcels[1..] {
        assert_eq!(driver.deliver(parcel).await, Came::Accepted);
    }
    let task = stub.all("Task").remove(0);
    assert_eq!(known(&driver, "Task").placed.version.as_deref(), task["meta"]["versionId"].as_str());
}

#[tokio::test]
async fn two_organisations_with_one_code_stop_no_referral() {
    let system = "https://fhir.nhs.uk/Id/ods-organization-code";
    for manner in [Manner::Correct, Manner::NoTransactions] {
        let (stub, mut driver, _, person) = start(manner.clone()).await;
        for (id, active) in [("old", false), ("org", true), ("other", true)] {
            let identifier = json!([{"system": system, "value": PRACTICE}]);
            stub.put(
                json!({"resourceType": "Organization", "id": id, "active": active, "identifier": identifier}),
            );
        }
        let parcels = referral(&person, "two", &["referred", "attended"]);
        let came = driver.deliver(&parcels[0]).await;
        let is_conflict = matches!(came, Came::Ended(Outcome::Deferred { reason: Reason::Conflict, .. }));
        assert!(is_conflict, "{manner:?}: {came:?}");
        // Prepared anew, it points at the one in use.
        let request = driver.ready(&parcels[0]).await;
        assert_eq!(driver.deliver(&parcels[0]).await, Came::Accepted, "{manner:?}");
        // Read back, it is what was sent.
        let sights = driver.endpoint.read(&[request], &driver.known).await.unwrap();
        let held = |kind: &str| -> Vec<Option<usize>> {
            let of = sights.iter().filter(|sight| sight.resource_type == kind);
            of.flat_map(|sight| sight.copies.iter().map(|copy| copy.holds)).collect()
        };
        assert_eq!((held("ServiceRequest"), held("Task")), (vec![Some(0)], vec![Some(0)]), "{manner:?}");
        assert_eq!(driver.deliver(&parcels[0]).await, Came::Already, "{manner:?}");
        let text = |kind: &str| serde_json::to_string(&stub.all(kind)).unwrap();
        assert!(text("PractitionerRole").contains("Organization/org"), "{}", text("PractitionerRole"));
        let organisations = stub.counts()["Organization"];
        // After a restart it is found out anew, and what stands there is known for ours.
        let mut again = Driver::new(&stub.base);
        again.known = driver.known.clone();
        assert_ne!(again.deliver(&parcels[1]).await, Came::Held(Reason::Divergent), "{manner:?}");
        assert_eq!(again.deliver(&parcels[1]).await, Came::Accepted, "{manner:?}");
        assert_eq!(stub.counts()["Organization"], organisations, "{manner:?}");
    }
}

/// What is known of the first resource of a type.
fn known<'d>(driver: &'d Driver, kind: &str) -> &'d Known {
    driver.known.iter().find(|known| known.placed.resource_type == kind).unwrap()
}

#[tokio::test]
async fn a_version_that_somebody_made_before_we_looked_is_not_taken_for_ours() {
    // The answer is lost, or says nothing of where things are: both are asked about.
    for manner in [Manner::Answers(""), Manner::NoLocation] {
        for provenance in [ProvenanceForm::ById, ProvenanceForm::LeftOut] {
            let stub = Stub::start(Manner::Correct).await;
            let person = Person::new();
            stub.put(person.patient());
            let mut driver = Driver::signing(&stub.base, provenance);
            let parcels = referral(&person, "edited", &["referred", "details_changed", "attended"]);
            let request = driver.ready(&parcels[0]).await;
            stub.behave(manner.clone());
            if manner == Manner::NoLocation {
                // Between the answer and the question somebody accepts it.
                stub.edit_after_writing("Task", "status", json!("accepted"));
            }
            let outcome = driver.endpoint.send(&request).await;
            stub.behave(Manner::Correct);
            if manner != Manner::NoLocation {
                let mut task = stub.all("Task").remove(0);
                task["status"] = json!("accepted");
                stub.put(task);
            }
            assert_eq!(driver.settle(&request, outcome).await, Came::Accepted, "{manner:?} {provenance:?}");
            assert_eq!(stub.all("Task")[0]["meta"]["versionId"], "2", "{manner:?}: it was not sent again");
            assert_eq!(known(&driver, "Task").placed.version, None, "{manner:?}: that version is theirs");
            assert_eq!(known(&driver, "ServiceRequest").placed.version.as_deref(), Some("1"), "{manner:?}");
            // It stands as progress: kept while we have no news, and no reason to hold anything.
            assert_eq!(driver.deliver(&parcels[0]).await, Came::Already, "{manner:?}");
            assert_eq!(driver.deliver(&parcels[2]).await, Came::Accepted, "{manner:?}");
            assert_eq!(stub.all("Task")[0]["status"], "in-progress", "{manner:?}");
        }
    }
}

#[tokio::test]
async fn what_somebody_changed_of_ours_before_we_looked_is_not_written_over_and_held() {
    for (kind, name, value) in
        [("ServiceRequest", "doNotPerform", json!(true)), ("Task", "priority", json!("stat"))]
    {
        let (stub, mut driver, parcel, _) = start(Manner::Correct).await;
        let request = driver.ready(&parcel).await;
        stub.behave(Manner::Answers(""));
        let outcome = driver.endpoint.send(&request).await;
        stub.behave(Manner::Correct);
        let mut edited = stub.all(kind).remove(0);
        edited[name] = value.clone();
        let edited = stub.put(edited);
        assert!(matches!(outcome, Outcome::Unknown { .. }), "{kind}: {outcome:?}");
        assert_eq!(driver.endpoint.look(&request).await, Found::Changed, "{kind}");
        // So it is prepared anew, and a person is shown what stands there.
        let Prepared::Divergent(differing) = driver.endpoint.prepare(&parcel, &driver.known).await else {
            panic!("{kind}")
        };
        assert!(differing.iter().any(|placed| placed.resource_type == kind), "{kind}");
        assert_eq!(driver.deliver(&parcel).await, Came::Held(Reason::Divergent), "{kind}");
        assert_eq!(stub.all(kind), [edited], "{kind}");
    }
}
