//! Servers that misbehave: nothing is lost, nothing twice, and nothing leaves the endpoint's own address.

use std::collections::BTreeSet;

use serde_json::json;
use sp_fhir::pull::read::PullError;

use crate::stub::{Cap, Manner, Stub};
use crate::world::{World, patient, request, task};

const OWNER: &str = "Organization/us";

/// A stub with one person and so many requests, each with its Task, accepted.
async fn with(requests: usize, page_size: usize) -> Stub {
    let stub = Stub::start(page_size).await;
    let person = stub.put("p1", patient("9990004218"));
    for n in 0..requests {
        let of = stub.put(&format!("r{n:03}"), request(&format!("GP-{n:03}x"), &person, OWNER));
        let mut task = task(&of, &person, OWNER);
        task["status"] = json!("accepted");
        stub.put(&format!("t{n:03}"), task);
    }
    stub
}

#[tokio::test]
async fn what_changed_comes_once_and_again_only_when_it_changes() {
    let stub = with(2, 100).await;
    let world = World::new(&stub.base, OWNER);
    let pulled = world.puller.once().await.unwrap();
    assert_eq!((pulled.new, pulled.events, pulled.refused), (4, 4, 0));
    let words = |kind: &str, case: &str| (kind.to_owned(), case.to_owned());
    let first = world.events();
    assert!(first.contains(&words("referred", "GP-000x")) && first.contains(&words("accepted", "GP-001x")));
    let event = world.kept.events.lock().unwrap()[0].clone();
    assert_eq!(event["source"], crate::world::SOURCE);
    assert_eq!(event["record"]["fulfils"]["value"], "GP-000x");
    assert_eq!(event["record"]["person"]["nhs_number"], "9990004218");

    world.clear();
    assert_eq!(world.puller.once().await.unwrap().new, 0);
    stub.change("Task/t001", "status", json!("completed"));
    assert_eq!(world.puller.once().await.unwrap().events, 1);
    assert_eq!(world.events(), [words("completed", "GP-001x")]);
    assert_eq!(world.puller.once().await.unwrap().new, 0);
    assert_eq!(*world.kept.batches.lock().unwrap(), 2, "a poll without news hands nothing over");
    assert!(stub.paths().iter().all(|path| !path.contains("9990004218")), "no NHS number in a URL");
}

#[tokio::test]
async fn a_task_that_names_its_request_by_identifier_alone_is_pulled_with_it() {
    let stub = Stub::start(100).await;
    let person = stub.put("p1", patient("9990004218"));
    stub.put("r1", request("GP-1x", &person, "Organization/other"));
    let mut task = task("unused", &person, OWNER);
    task["focus"] = json!({"identifier": {"system": "https://gp.example/request", "value": "GP-1x"}});
    task["status"] = json!("accepted");
    stub.put("t1", task.clone());
    let world = World::new(&stub.base, OWNER);
    let pulled = world.puller.once().await.unwrap();
    assert_eq!((pulled.events, pulled.refused), (2, 0));
    let words = |kind: &str| (kind.to_owned(), "GP-1x".to_owned());
    assert_eq!(world.events(), [words("referred"), words("accepted")]);
    assert_eq!(world.puller.once().await.unwrap().new, 0);
    // Two requests of one name cannot be told apart: a person is told why.
    stub.put("r2", request("GP-1x", &person, "Organization/other"));
    stub.change("Task/t1", "status", json!("completed"));
    let pulled = world.puller.once().await.unwrap();
    assert_eq!((pulled.events, pulled.refused), (0, 1));
    assert!(stub.paths().iter().all(|path| !path.contains("GP-1x")), "asked for in a form");
}

#[tokio::test]
async fn a_note_on_their_own_task_is_told_once() {
    let stub = with(1, 100).await;
    let world = World::new(&stub.base, OWNER);
    world.puller.once().await.unwrap();
    let told = |world: &World| {
        let events = world.kept.events.lock().unwrap();
        let note = |event: &serde_json::Value| event["detail"]["note"].as_str().map(str::to_owned);
        events.iter().map(note).collect::<Vec<_>>()
    };
    let (rang, again) = (json!({"text": "Rang, no answer"}), json!({"text": "Rang again"}));
    world.clear();
    stub.change("Task/t000", "note", json!([rang]));
    world.puller.once().await.unwrap();
    assert_eq!(told(&world), [Some("Rang, no answer".to_owned())]);
    world.clear();
    stub.change("Task/t000", "note", json!([rang, again]));
    world.puller.once().await.unwrap();
    assert_eq!(told(&world), [Some("Rang again".to_owned())]);
    world.clear();
    stub.change("Task/t000", "status", json!("completed"));
    world.puller.once().await.unwrap();
    assert_eq!((told(&world), world.events()[0].0.as_str()), (vec![None], "completed"));
}

#[tokio::test]
async fn pages_that_change_while_they_are_read_lose_nothing() {
    for manner in [Manner::Correct, Manner::Deletes("t000"), Manner::Changes("t001")] {
        let stub = with(0, 3).await;
        let person = stub.put("p1", patient("9990004218"));
        for n in 0..10 {
            let of =
                stub.put(&format!("r{n:03}"), request(&format!("GP-{n:03}x"), &person, "Organization/other"));
            let mut task = task(&of, &person, OWNER);
            task["status"] = json!("accepted");
            stub.put(&format!("t{n:03}"), task);
        }
        let world = World::new(&stub.base, OWNER);
        stub.behave(manner.clone());
        for _ in 0..3 {
            world.puller.once().await.unwrap();
        }
        let accepted: BTreeSet<String> =
            world.events().into_iter().filter(|(kind, _)| kind == "accepted").map(|(_, case)| case).collect();
        // What was deleted after its page was read had been accepted; a change adds an event of its own.
        assert_eq!(accepted.len(), 10, "{manner:?}");
        let ids: Vec<String> = {
            let events = world.kept.events.lock().unwrap();
            events.iter().map(|event| event["event_id"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{manner:?}: nothing twice");
        let on_hold = usize::from(matches!(manner, Manner::Changes(_)));
        assert_eq!(ids.len(), 20 + on_hold, "{manner:?}");
    }
}

#[tokio::test]
async fn a_page_that_fails_in_the_middle_moves_nothing() {
    let stub = with(5, 2).await;
    let world = World::new(&stub.base, OWNER);
    // Three pages of requests, three of Tasks: the second of the requests fails.
    stub.behave(Manner::FailsAt(2));
    let failed = world.puller.once().await;
    assert!(matches!(failed, Err(PullError::Endpoint { status: Some(500), .. })), "{failed:?}");
    assert_eq!(world.cursor("ServiceRequest", "performer", OWNER).await, None);
    // The Tasks were read whole, and the requests that they are about with them.
    assert_eq!(world.events().len(), 10);
    assert_eq!(world.cursor("Task", "owner", OWNER).await.as_deref(), Some("start again"));
    stub.behave(Manner::Correct);
    assert_eq!(world.puller.once().await.unwrap().new, 0);
    assert!(world.cursor("Task", "owner", OWNER).await.unwrap().starts_with("2026-11-20T"));
}

#[tokio::test]
async fn a_next_page_elsewhere_is_not_asked_for() {
    let other = Stub::start(100).await;
    for address in [
        format!("{}/Task?_page=1&x=1", other.base),
        "http://attacker.example/fhir/Task?_page=1&x=1".to_owned(),
        "//attacker.example/fhir?_page=1".to_owned(),
        "/other-tenant/Task?_page=1&x=1".to_owned(),
    ] {
        let stub = with(2, 2).await;
        let world = World::new(&stub.base, OWNER);
        stub.behave(Manner::NextAt(address.clone()));
        let failed = world.puller.once().await;
        assert!(matches!(failed, Err(PullError::ForeignLink)), "{address}: {failed:?}");
        assert!(world.events().is_empty());
        assert!(stub.paths().iter().all(|path| !path.contains("_page")), "{address}");
    }
    assert!(other.paths().is_empty(), "nothing was sent there");
}

#[tokio::test]
async fn pages_in_a_circle_end() {
    let stub = with(2, 2).await;
    let world = World::new(&stub.base, OWNER);
    stub.behave(Manner::Circle);
    assert!(matches!(world.puller.once().await, Err(PullError::Circle)));
    assert!(world.events().is_empty());
    assert!(stub.paths().len() < 10);
}

#[tokio::test]
async fn a_server_that_cuts_off_without_a_next_page_is_read_on_by_time_or_refused() {
    let stub = with(130, 1000).await;
    let world = World::new(&stub.base, OWNER);
    stub.behave(Manner::NoNext);
    assert_eq!(world.puller.once().await.unwrap().events, 260);
    assert_eq!(world.puller.once().await.unwrap().new, 0);
    let world = World::new(&stub.base, OWNER);
    stub.behave(Manner::NoNextUnsorted);
    assert!(matches!(world.puller.once().await, Err(PullError::CutOff)));
    assert!(world.events().is_empty());
}

#[tokio::test]
async fn what_a_server_gives_unasked_is_nobodys_event() {
    let stub = with(1, 100).await;
    let of = stub.put("r9", request("LAB-9x", "Patient/p1", "Organization/lab"));
    stub.put("t9", task(&of, "Patient/p1", "Organization/lab"));
    let world = World::new(&stub.base, OWNER);
    stub.behave(Manner::Ignores);
    let failed = world.puller.once().await;
    let Err(PullError::NotAsked { resource, parameter }) = failed else { panic!("{failed:?}") };
    assert_eq!((resource.as_str(), parameter), ("ServiceRequest/r9", "performer"));
    assert!(world.events().is_empty());
    assert_eq!(world.cursor("Task", "owner", OWNER).await, None);
    stub.behave(Manner::Correct);
    assert_eq!(world.puller.once().await.unwrap().events, 2);
    assert!(world.events().iter().all(|(_, case)| case == "GP-000x"));
}

/// A stub with one person and so many requests, none with a Task.
async fn with_requests(requests: usize, page_size: usize, seconds_apart: i64) -> (Stub, String) {
    let stub = Stub::start(page_size).await;
    let person = stub.put("p1", patient("9990004218"));
    stub.pace(seconds_apart);
    for n in 0..requests {
        stub.put(&format!("r{n:03}"), request(&format!("GP-{n:03}x"), &person, OWNER));
    }
    (stub, person)
}

/// Polls until there is no more, which must not take long.
async fn to_the_end(world: &World) {
    for _ in 0..6 {
        if !world.puller.once().await.unwrap().more {
            return;
        }
    }
    panic!("no end");
}

#[tokio::test]
async fn more_than_one_poll_reads_is_read_on_in_the_next_though_it_lies_within_the_overlap() {
    // 230 pages within four minutes; the overlap is ten.
    let (stub, person) = with_requests(230, 1, 1).await;
    let world = World::new(&stub.base, OWNER);
    let first = world.puller.once().await.unwrap();
    assert!(first.more && first.events == 200, "{first:?}");
    to_the_end(&world).await;
    let cases = |world: &World| world.events().into_iter().map(|(_, case)| case).collect::<Vec<_>>();
    let told = cases(&world);
    assert_eq!((told.len(), told.iter().collect::<BTreeSet<_>>().len()), (230, 230), "each once");
    // What is new stands behind everything that lies within the overlap.
    stub.put("rnew", request("GP-newx", &person, OWNER));
    world.clear();
    to_the_end(&world).await;
    assert_eq!(cases(&world), ["GP-newx"]);
}

#[tokio::test]
async fn more_than_one_poll_reads_within_one_second_is_read_all_the_same() {
    let (stub, _) = with_requests(210, 1, 0).await;
    let world = World::new(&stub.base, OWNER);
    to_the_end(&world).await;
    assert_eq!(world.events().len(), 210, "no poll can begin within a second");
}

#[tokio::test]
async fn a_server_that_gives_fewer_than_asked_for_is_read_to_the_end_or_refused() {
    let cap = Cap { at: 50, ..Cap::default() };
    for cap in [cap, Cap { total: true, ..cap }, Cap { counts: true, ..cap }] {
        let (stub, _) = with_requests(120, 100, 60).await;
        let world = World::new(&stub.base, OWNER);
        stub.behave(Manner::Cap(cap));
        assert_eq!(world.puller.once().await.unwrap().events, 120, "{cap:?}");
        assert_eq!(world.puller.once().await.unwrap().new, 0, "{cap:?}");
    }
    // The newest first: what is missing cannot be asked for.
    let cap = Cap { reverse: true, ..cap };
    for cap in [cap, Cap { total: true, ..cap }, Cap { counts: true, ..cap }] {
        let (stub, _) = with_requests(120, 100, 60).await;
        let world = World::new(&stub.base, OWNER);
        stub.behave(Manner::Cap(cap));
        assert!(matches!(world.puller.once().await, Err(PullError::CutOff)), "{cap:?}");
        assert!(world.events().is_empty());
        assert_eq!(world.cursor("ServiceRequest", "performer", OWNER).await, None, "it moves over nothing");
        // What it counts as whole is whole.
        stub.behave(Manner::Cap(Cap { at: 120, ..cap }));
        let whole = world.puller.once().await;
        assert_eq!(whole.is_ok_and(|pulled| pulled.events == 120), cap.total || cap.counts, "{cap:?}");
    }
}

#[tokio::test]
async fn a_server_that_knows_no_time_gives_nothing_twice() {
    let stub = with(3, 100).await;
    let world = World::new(&stub.base, OWNER);
    stub.behave(Manner::NoTime);
    assert_eq!(world.puller.once().await.unwrap().events, 6);
    assert_eq!(world.puller.once().await.unwrap().new, 0);
}

#[tokio::test]
async fn another_resource_under_the_same_id_and_version_is_told() {
    let stub = with(1, 100).await;
    let world = World::new(&stub.base, OWNER);
    world.puller.once().await.unwrap();
    world.clear();
    // The server was restored, and gave the id to somebody else's request.
    stub.forget();
    let person = stub.put("p1", patient("9990004218"));
    stub.put("r000", request("GP-777x", &person, OWNER));
    world.puller.once().await.unwrap();
    assert_eq!(world.events(), [("referred".to_owned(), "GP-777x".to_owned())]);
}

#[tokio::test]
async fn what_an_earlier_version_of_sp_fhir_has_told_is_not_told_again() {
    let stub = with(1, 100).await;
    let world = World::new(&stub.base, OWNER);
    let (until, now) = (jiff::Timestamp::MAX, "2099-01-01T00:00:00Z".parse().unwrap());
    let before = move |store: &mut dyn sp_fhir::store::Store| {
        store.see("pull", "gp/ServiceRequest/r000/1", until, now)?;
        store.see("pull", "gp/Task/t000/1", until, now)?;
        store.set_note("pull/gp/Task?owner=Organization/us", "2026-11-20T00:01:00Z again")
    };
    world.keeper.run(before).await.unwrap();
    assert_eq!(world.puller.once().await.unwrap().new, 0);
    stub.change("Task/t000", "status", json!("completed"));
    assert_eq!(world.puller.once().await.unwrap().events, 1);
}

#[tokio::test]
async fn what_a_sink_refuses_comes_again() {
    let stub = with(1, 100).await;
    let world = World::new(&stub.base, OWNER);
    *world.kept.refuses.lock().unwrap() = true;
    assert!(matches!(world.puller.once().await, Err(PullError::Sink(_))));
    assert_eq!(world.cursor("Task", "owner", OWNER).await, None);
    *world.kept.refuses.lock().unwrap() = false;
    assert_eq!(world.puller.once().await.unwrap().events, 2);
}

#[tokio::test]
async fn a_sign_in_page_is_no_answer_and_a_server_that_is_gone_is_said() {
    let stub = with(1, 100).await;
    let world = World::new(&stub.base, OWNER);
    stub.behave(Manner::Html);
    assert!(matches!(world.puller.once().await, Err(PullError::NotASearchSet)));
    let world = World::new("http://127.0.0.1:9/fhir", OWNER);
    assert!(matches!(world.puller.once().await, Err(PullError::Endpoint { status: None, .. })));
    let (stop, stopping) = tokio::sync::watch::channel(false);
    let running =
        tokio::spawn(async move { world.puller.run(std::time::Duration::from_millis(1), stopping).await });
    tokio::time::sleep(std::time::Duration::from_millis(30)).await;
    stop.send(true).unwrap();
    running.await.unwrap().unwrap();
}
