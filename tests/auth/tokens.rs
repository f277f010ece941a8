//! The life of a token: one request for many, renewal, 401, and a token endpoint in trouble.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sp_fhir::endpoint::auth::Authorise;
use sp_fhir::outbox::Reason;

use crate::server::Mood;
use crate::world::{World, header};

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// So many at once.
async fn many(kind: &Arc<dyn Authorise>, count: usize) -> Vec<Result<String, Reason>> {
    let tasks: Vec<_> = (0..count)
        .map(|_| {
            let kind = Arc::clone(kind);
            tokio::spawn(async move { header(&*kind).await })
        })
        .collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_at_once_ask_for_one_token() {
    let world = World::new().await;
    let nhs: Arc<dyn Authorise> = Arc::new(world.nhs());
    world.server.lock().wait = Duration::from_millis(100);
    assert_eq!(many(&nhs, 100).await, vec![Ok("Bearer canary-token-1".to_owned()); 100]);
    assert_eq!(world.asked(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_failure_is_shared_as_well() {
    let world = World::new().await;
    let nhs: Arc<dyn Authorise> = Arc::new(world.nhs());
    world.server.lock().wait = Duration::from_millis(100);
    world.server.lock().mood = Mood::Answers(503, String::new());
    assert_eq!(many(&nhs, 100).await, vec![Err(Reason::Unavailable); 100]);
    assert_eq!(world.asked(), 1);
    // For a moment nobody asks again, then one does.
    assert_eq!((header(&*nhs).await, world.asked()), (Err(Reason::Unavailable), 1));
    world.server.lock().mood = Mood::Well;
    world.clock.advance(seconds(6));
    assert!(many(&nhs, 100).await.iter().all(Result::is_ok));
    assert_eq!(world.asked(), 2);
}

#[tokio::test]
async fn a_token_is_renewed_at_four_fifths_of_its_life() {
    let world = World::new().await;
    world.server.lock().life = json!(500);
    let nhs = world.nhs();
    assert_eq!(header(&nhs).await.unwrap(), "Bearer canary-token-1");
    world.clock.advance(seconds(399));
    assert_eq!(header(&nhs).await.unwrap(), "Bearer canary-token-1");
    world.clock.advance(seconds(1));
    assert_eq!(header(&nhs).await.unwrap(), "Bearer canary-token-2");
    assert_eq!(world.asked(), 2);
}

#[tokio::test]
async fn while_renewing_fails_the_old_token_is_used_to_its_end() {
    let world = World::new().await;
    world.server.lock().life = json!("500");
    let nhs = world.nhs();
    header(&nhs).await.unwrap();
    world.server.lock().mood = Mood::Answers(500, String::new());
    world.clock.advance(seconds(400));
    assert_eq!(header(&nhs).await.unwrap(), "Bearer canary-token-1");
    assert_eq!(header(&nhs).await.unwrap(), "Bearer canary-token-1");
    assert_eq!(world.asked(), 2, "not in every call");
    world.clock.advance(seconds(89));
    assert_eq!(header(&nhs).await.unwrap(), "Bearer canary-token-1");
    world.clock.advance(seconds(1));
    assert_eq!(header(&nhs).await, Err(Reason::Unavailable));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_401_in_the_middle_of_a_batch_brings_one_new_token() {
    let world = World::new().await;
    let nhs: Arc<dyn Authorise> = Arc::new(world.nhs());
    let old = nhs.header().await.unwrap();
    assert_eq!(world.call(&old).await, 200);
    world.server.lock().valid.clear();
    for _ in 0..10 {
        assert_eq!(world.call(&old).await, 401);
        nhs.refused();
    }
    assert!(many(&nhs, 50).await.iter().all(|value| value.as_deref() == Ok("Bearer canary-token-2")));
    // Late answers to requests with the old token.
    nhs.refused();
    nhs.refused();
    let new = nhs.header().await.unwrap();
    assert_eq!(world.call(&new).await, 200);
    assert_eq!(world.asked(), 2);
}

#[tokio::test]
async fn tokens_that_are_always_refused_do_not_make_a_loop() {
    let world = World::new().await;
    let nhs = world.nhs();
    for _ in 0..100 {
        let value = nhs.header().await.unwrap();
        world.server.lock().valid.clear();
        assert_eq!(world.call(&value).await, 401);
        nhs.refused();
        world.clock.advance(seconds(1));
    }
    // The first, one at once, one after a minute.
    assert_eq!(world.asked(), 3);
}

#[tokio::test]
async fn an_answer_that_is_no_token_is_unavailable_or_unauthorised() {
    let world = World::new().await;
    let nhs = world.nhs();
    let large = format!(r#"{{"access_token":"t","padding":"{}"}}"#, "x".repeat(70_000));
    for (status, body, reason) in [
        (
            400,
            r#"{"error":"invalid_request","error_description":"grant_type is invalid","message_id":"a-b-c-d-e"}"#,
            Reason::Unauthorised,
        ),
        (401, r#"{"error":"public_key error"}"#, Reason::Unauthorised),
        (403, "<html>", Reason::Unauthorised),
        (404, "{}", Reason::Unavailable),
        (429, "{}", Reason::Unavailable),
        (502, "<html>", Reason::Unavailable),
        (201, r#"{"access_token":"t"}"#, Reason::Unavailable),
        (200, "<html>", Reason::Unavailable),
        (200, r#"{"access_token":"t","token_type":"MAC"}"#, Reason::Unavailable),
        (200, &large, Reason::Unavailable),
    ] {
        world.server.lock().mood = Mood::Answers(status, body.to_owned());
        world.clock.advance(seconds(6));
        assert_eq!(header(&nhs).await, Err(reason), "{status}");
    }
    world.server.lock().mood = Mood::Well;
    world.clock.advance(seconds(6));
    header(&nhs).await.unwrap();
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = World::new().await;
    let world = World::new().await;
    let nhs = world.nhs();
    for to in [other.server.token_url(), world.server.token_url()] {
        world.server.lock().mood = Mood::Redirects(to);
        world.clock.advance(seconds(6));
        assert_eq!(header(&nhs).await, Err(Reason::Unavailable));
    }
    assert_eq!((world.asked(), other.asked()), (2, 0));
}

#[tokio::test]
async fn a_token_endpoint_that_is_down_is_unavailable() {
    let world = World::new().await;
    world.nhs();
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut settings = world.nhs_settings(world.folder.path().join("key.pem"), None);
    settings.token_url = format!("http://{gone}/oauth2/token");
    let nhs = sp_fhir::endpoint::auth::nhs_jwt::NhsJwt::open(settings, world.client()).unwrap();
    assert_eq!(header(&nhs).await, Err(Reason::Unavailable));
}

#[tokio::test]
async fn a_caller_that_goes_away_holds_up_nobody() {
    let world = World::new().await;
    let nhs = world.nhs();
    world.server.lock().wait = Duration::from_secs(5);
    assert!(tokio::time::timeout(Duration::from_millis(200), header(&nhs)).await.is_err());
    world.server.lock().wait = Duration::ZERO;
    header(&nhs).await.unwrap();
}
