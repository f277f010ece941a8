//! What cannot be judged now is asked for again at each poll until it can, however far the cursor has moved meanwhile.

use std::time::Duration;

use serde_json::json;

use crate::stub::{Manner, Stub};
use crate::world::{World, patient, request, task};

const OWNER: &str = "Organization/us";

fn told(world: &World) -> Vec<(String, String)> {
    let told = world.events();
    world.clear();
    told
}

fn words(kind: &str, case: &str) -> (String, String) {
    (kind.to_owned(), case.to_owned())
}

#[tokio::test]
async fn a_request_whose_person_cannot_be_read_is_told_when_the_person_can_be() {
    for (status, body) in [
        (403, "{}"),
        (404, "{}"),
        (500, "{}"),
        (200, "<html>sign in"),
        (200, r#"{"resourceType":"OperationOutcome","issue":[]}"#),
    ] {
        let stub = Stub::start(100).await;
        let person = stub.put("p1", patient("9990004218"));
        stub.put("r1", request("GP-1x", &person, OWNER));
        stub.behave(Manner::Answers("Patient/p1", status, body));
        let world = World::new(&stub.base, OWNER);
        let pulled = world.puller.once().await.unwrap();
        assert_eq!((pulled.new, pulled.events, pulled.refused, pulled.unclear.len()), (1, 0, 0, 1), "{body}");
        let unclear = &pulled.unclear[0];
        assert_eq!(unclear.resource(), "ServiceRequest/r1");
        assert!(unclear.why.starts_with("Patient/p1 ") && !unclear.is_overdue, "{unclear:?}");
        // Others push the cursor on, further than the overlap.
        let other = stub.put("p2", patient("9990004218"));
        for n in 2..4 {
            stub.pace(3600);
            stub.put(&format!("r{n}"), request(&format!("GP-{n}x"), &other, OWNER));
            assert_eq!(world.puller.once().await.unwrap().events, 1, "{body}");
        }
        world.clear();
        world.clock.advance(Duration::from_secs(25 * 3600));
        let pulled = world.puller.once().await.unwrap();
        assert_eq!((pulled.new, pulled.events), (0, 0), "{body}");
        assert!(pulled.unclear[0].is_overdue, "{body}");
        stub.behave(Manner::Correct);
        let pulled = world.puller.once().await.unwrap();
        assert_eq!((told(&world), pulled.unclear), (vec![words("referred", "GP-1x")], vec![]), "{body}");
        assert_eq!(world.puller.once().await.unwrap().new, 0, "{body}");
    }
}

#[tokio::test]
async fn one_resource_that_cannot_be_read_makes_unclear_only_what_leans_on_it() {
    for status in [400, 500, 503] {
        let stub = Stub::start(100).await;
        let person = stub.put("p1", patient("9990004218"));
        let by = |case: &str, who: &str| {
            let mut request = request(case, &person, OWNER);
            request["requester"] = json!({"reference": who});
            request
        };
        stub.put("bad", json!({"resourceType": "Practitioner"}));
        stub.put("r1", by("GP-1x", "Practitioner/bad"));
        stub.put("r2", by("GP-2x", "Practitioner/none"));
        stub.behave(Manner::Answers("Practitioner/bad", status, "{}"));
        let world = World::new(&stub.base, OWNER);
        let pulled = world.puller.once().await.unwrap();
        assert_eq!(told(&world), [words("referred", "GP-2x")]);
        assert_eq!(pulled.unclear[0].why, format!("Practitioner/bad cannot be read (HTTP {status})"));
        stub.behave(Manner::Correct);
        world.puller.once().await.unwrap();
        assert_eq!(told(&world), [words("referred", "GP-1x")]);
    }
}

#[tokio::test]
async fn what_is_given_to_another_service_before_it_is_clear_is_never_told() {
    let stub = Stub::start(100).await;
    let person = stub.put("p1", patient("9990004218"));
    stub.put("r1", request("GP-1x", &person, OWNER));
    stub.behave(Manner::Answers("Patient/p1", 403, "{}"));
    let world = World::new(&stub.base, OWNER);
    assert_eq!(world.puller.once().await.unwrap().unclear.len(), 1);
    stub.change("ServiceRequest/r1", "performer", json!([{"reference": "Organization/lab"}]));
    stub.behave(Manner::Correct);
    let pulled = world.puller.once().await.unwrap();
    assert_eq!((pulled.events, pulled.unclear.len()), (0, 0));
}

#[tokio::test]
async fn a_request_that_another_numbers_as_we_do_is_theirs() {
    let stub = Stub::start(100).await;
    let person = stub.put("p1", patient("9990004218"));
    let number = "5f0c1f0e-8a57-5d3c-9b1e-2f6a7c1d9e10";
    let mut wanted = request(number, &person, OWNER);
    wanted["identifier"][0]["system"] = json!("https://pcn.example/referral");
    let of = stub.put("r1", wanted);
    let mut task = task(&of, &person, OWNER);
    task["status"] = json!("accepted");
    task["identifier"] = json!([{"system": "https://pcn.example/task", "value": number}]);
    stub.put("t1", task);
    let world = World::new(&stub.base, OWNER);
    let pulled = world.puller.once().await.unwrap();
    assert_eq!((pulled.events, pulled.unclear.len()), (2, 0), "{pulled:?}");
    assert_eq!(told(&world), [words("referred", number), words("accepted", number)]);
}
