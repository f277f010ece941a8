//! SMART Backend Services.

use std::time::Duration;

use jsonwebtoken::Algorithm;
use serde_json::json;
use sp_fhir::endpoint::auth::smart::{Smart, SmartAlgorithm, SmartSettings};
use sp_fhir::outbox::Reason;

use crate::world::{World, header, key};

fn settings(world: &World, algorithm: SmartAlgorithm) -> SmartSettings {
    let registered = match algorithm {
        SmartAlgorithm::Rs384 => Algorithm::RS384,
        SmartAlgorithm::Es384 => Algorithm::ES384,
    };
    let key = world.register("smart-1", registered);
    world.server.lock().issuer = "our-client".to_owned();
    SmartSettings {
        base: world.server.base(),
        token_url: None,
        client_id: "our-client".to_owned(),
        scope: "system/Task.cruds system/Patient.rs".to_owned(),
        algorithm,
        key_file: world.secret_file("smart.pem", &key.serialize_pem()),
        kid: Some("smart-1".to_owned()),
    }
}

#[tokio::test]
async fn both_algorithms_are_accepted_with_the_scope() {
    for algorithm in [SmartAlgorithm::Rs384, SmartAlgorithm::Es384] {
        let world = World::new().await;
        world.server.lock().life = json!(300);
        let smart = Smart::open(settings(&world, algorithm), world.client()).unwrap();
        assert_eq!(header(&smart).await.as_deref(), Ok("Bearer canary-token-1"), "{algorithm:?}");
        assert_eq!(world.server.lock().scope.as_deref(), Some("system/Task.cruds system/Patient.rs"));
    }
}

#[tokio::test]
async fn the_token_endpoint_is_looked_for_once_an_hour() {
    let world = World::new().await;
    world.server.lock().life = json!(300);
    let smart = Smart::open(settings(&world, SmartAlgorithm::Es384), world.client()).unwrap();
    for _ in 0..11 {
        header(&smart).await.unwrap();
        world.clock.advance(Duration::from_secs(301));
    }
    assert_eq!((world.asked(), world.server.lock().discovered), (11, 1));
    world.clock.advance(Duration::from_secs(600));
    header(&smart).await.unwrap();
    assert_eq!(world.server.lock().discovered, 2);
}

#[tokio::test]
async fn a_token_endpoint_outside_the_origin_of_the_base_gets_nothing() {
    let other = World::new().await;
    let world = World::new().await;
    let elsewhere = other.server.token_url();
    let port = world.server.base().rsplit(':').next().unwrap().trim_end_matches("/fhir").to_owned();
    for url in [
        elsewhere.clone(),
        elsewhere.replace("127.0.0.1", "localhost"),
        format!("http://localhost:{port}/oauth2/token"),
        format!("http://user@127.0.0.1:{port}/oauth2/token"),
        format!("https://127.0.0.1:{port}/oauth2/token"),
        format!("http://127.0.0.1:{port}@evil.example/oauth2/token"),
        "/oauth2/token".to_owned(),
    ] {
        world.server.lock().configuration["token_endpoint"] = json!(url);
        let smart = Smart::open(settings(&world, SmartAlgorithm::Es384), world.client()).unwrap();
        assert_eq!(header(&smart).await, Err(Reason::Unauthorised), "{url}");
    }
    assert_eq!((world.asked(), other.asked()), (0, 0));

    // Configured by us, it is right.
    let mut ours = settings(&world, SmartAlgorithm::Es384);
    ours.token_url = Some(elsewhere);
    other.server.lock().issuer = "our-client".to_owned();
    let known = world.server.lock().keys["smart-1"].clone();
    other.server.lock().keys.insert("smart-1".to_owned(), known);
    header(&Smart::open(ours, world.client()).unwrap()).await.unwrap();
    assert_eq!((world.asked(), other.asked()), (0, 1));
}

#[tokio::test]
async fn a_configuration_that_names_no_token_endpoint_gives_no_token() {
    let world = World::new().await;
    for (document, reason) in [
        (json!({}), Reason::Unauthorised),
        (json!({ "token_endpoint": 7 }), Reason::Unauthorised),
        (json!([]), Reason::Unauthorised),
    ] {
        world.server.lock().configuration = document;
        let smart = Smart::open(settings(&world, SmartAlgorithm::Es384), world.client()).unwrap();
        assert_eq!(header(&smart).await, Err(reason));
    }
    let mut without = settings(&world, SmartAlgorithm::Es384);
    without.base = world.server.base().replace("/fhir", "/none");
    assert_eq!(header(&Smart::open(without, world.client()).unwrap()).await, Err(Reason::Unavailable));
}

#[tokio::test]
async fn es384_needs_a_key_on_p_384() {
    let world = World::new().await;
    let mut wrong = settings(&world, SmartAlgorithm::Es384);
    wrong.key_file = world.secret_file("p256.pem", &key(Algorithm::ES256).serialize_pem());
    let said = Smart::open(wrong, world.client()).unwrap_err().to_string();
    assert!(said.contains("P-384"), "{said}");
}
