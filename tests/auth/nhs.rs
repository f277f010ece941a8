//! The NHS API platform's signed JWT.

use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use sp_fhir::clock::Clock;
use sp_fhir::endpoint::auth::Authorise;
use sp_fhir::endpoint::auth::nhs_jwt::NhsJwt;
use sp_fhir::outbox::Reason;

use crate::world::{World, clock, header, key};

#[tokio::test]
async fn a_signed_assertion_brings_a_token_that_the_api_takes() {
    let world = World::new().await;
    let nhs = world.nhs();
    let value = nhs.header().await.unwrap();
    assert_eq!(world.call(&value).await, 200);
    assert_eq!(world.server.lock().kid.as_deref(), Some("test-1"));
    assert_eq!(world.call(&None).await, 401, "the API does check");
}

#[tokio::test]
async fn each_assertion_has_a_jti_of_its_own() {
    let world = World::new().await;
    let nhs = world.nhs();
    for _ in 0..5 {
        header(&nhs).await.unwrap();
        world.clock.advance(Duration::from_secs(700));
    }
    assert_eq!(world.server.lock().jti.len(), 5);
    // Another process with the same randomness would repeat one: the server refuses it.
    let again = clock(7);
    let repeated = NhsJwt::open(
        world.nhs_settings(world.folder.path().join("key.pem"), None),
        world.client_at(again.clone()),
    );
    again.advance(Duration::from_secs(3500));
    assert_eq!(header(&repeated.unwrap()).await, Err(Reason::Unauthorised));
    assert_eq!(world.server.lock().said.as_deref(), Some("Non-unique 'jti' claim in client_assertion JWT"));
}

#[tokio::test]
async fn the_window_of_exp_leaves_room_for_clocks_that_differ() {
    // Seconds by which the server is ahead of us, whether it gives a token, and whether we say that clocks differ.
    for (ahead, given, fine) in [
        (0, true, true),
        (60, true, true),
        (240, true, false),
        (250, true, false),
        (251, false, false),
        (-60, true, true),
        (-70, true, false),
        (-71, false, false),
        (-3600, false, false),
    ] {
        let world = World::new().await;
        world.server.lock().ahead = ahead;
        let result = header(&world.nhs()).await;
        assert_eq!(result.is_ok(), given, "{ahead} s");
        assert_eq!(result.err(), (!given).then_some(Reason::Unauthorised));
        assert_eq!((world.skew.seconds(), world.skew.is_fine()), (Some(ahead), fine), "{ahead} s");
    }
}

#[tokio::test]
async fn a_swapped_key_file_is_used_without_a_restart() {
    let world = World::new().await;
    let nhs = world.nhs();
    header(&nhs).await.unwrap();
    let second = world.register("test-2", Algorithm::RS512);
    world.server.lock().keys.remove("test-1");
    world.secret_file("key.pem", &format!("kid: test-2\n{}", second.serialize_pem()));
    world.clock.advance(Duration::from_secs(600));
    header(&nhs).await.unwrap();
    assert_eq!(world.server.lock().kid.as_deref(), Some("test-2"));
}

#[tokio::test]
async fn a_damaged_key_file_does_not_replace_a_good_one() {
    let world = World::new().await;
    let nhs = world.nhs();
    let small = key(Algorithm::ES384).serialize_pem();
    for content in ["", "kid: x\n-----BEGIN PRIVATE KEY-----\nAAAA", &small] {
        world.secret_file("key.pem", content);
        world.clock.advance(Duration::from_secs(600));
        header(&nhs).await.unwrap();
        assert_eq!(world.server.lock().kid.as_deref(), Some("test-1"));
    }
    std::fs::remove_file(world.folder.path().join("key.pem")).unwrap();
    world.clock.advance(Duration::from_secs(600));
    header(&nhs).await.unwrap();
}

#[tokio::test]
async fn a_key_that_the_server_does_not_know_is_unauthorised() {
    let world = World::new().await;
    let nhs = world.nhs();
    world.server.lock().keys.clear();
    assert_eq!(header(&nhs).await, Err(Reason::Unauthorised));
    let other = key(Algorithm::RS512);
    world.register("test-1", Algorithm::RS512);
    world.secret_file("key.pem", &format!("kid: test-1\n{}", other.serialize_pem()));
    world.clock.advance(Duration::from_secs(6));
    assert_eq!(header(&nhs).await, Err(Reason::Unauthorised));
    assert_eq!(world.server.lock().said.as_deref(), Some("JWT signature verification failed"));
}

#[tokio::test]
async fn a_file_that_is_not_the_key_we_need_is_refused_at_the_start() {
    let world = World::new().await;
    let rsa = key(Algorithm::RS512).serialize_pem();
    let open = |content: &str, kid: Option<&str>| {
        let file = world.secret_file("other.pem", content);
        NhsJwt::open(world.nhs_settings(file, kid), world.client())
            .map(drop)
            .map_err(|problem| problem.to_string())
    };
    assert!(open(&rsa, Some("test-9")).is_ok(), "the configured kid counts where the file has none");
    assert!(open(&rsa, None).unwrap_err().contains("no `kid`"));
    for wrong in
        ["", "text", &key(Algorithm::ES384).serialize_pem(), &rsa.replace("PRIVATE", "ENCRYPTED PRIVATE")]
    {
        let said = open(wrong, Some("x")).unwrap_err();
        assert!(said.contains("other.pem: RS512 needs an RSA private key"), "{said}");
    }
    let mut settings = world.nhs_settings(world.folder.path().join("absent.pem"), None);
    assert!(NhsJwt::open(settings.clone(), world.client()).is_err());
    settings.token_url = "http://api.service.nhs.uk/oauth2/token".to_owned();
    assert!(NhsJwt::open(settings, world.client()).unwrap_err().to_string().contains("https"));
}

/// The server refuses what it should: otherwise its acceptance would prove nothing.
#[tokio::test]
async fn the_server_refuses_every_other_assertion() {
    let world = World::new().await;
    let pair = world.register("test-1", Algorithm::RS512);
    world.server.lock().issuer = "key".to_owned();
    let signing = EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes()).unwrap();
    let now = world.clock.now().as_second();
    let url = world.server.token_url();
    let good = json!({ "iss": "key", "sub": "key", "aud": url, "jti": "a", "exp": now + 300 });
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    let head = |algorithm, kid: Option<&str>, typ: Option<&str>| {
        let mut header = Header::new(algorithm);
        (header.kid, header.typ) = (kid.map(str::to_owned), typ.map(str::to_owned));
        header
    };
    let usual = || head(Algorithm::RS512, Some("test-1"), Some("JWT"));
    let cases = [
        (usual(), good.clone(), 200, ""),
        (usual(), good.clone(), 400, "Non-unique 'jti'"),
        (head(Algorithm::RS512, None, Some("JWT")), with("jti", json!("b")), 400, "Missing 'kid' header"),
        (
            head(Algorithm::RS512, Some("other"), Some("JWT")),
            with("jti", json!("b")),
            401,
            "no matching public key",
        ),
        (head(Algorithm::RS512, Some("test-1"), None), with("jti", json!("b")), 400, "Invalid 'typ'"),
        (head(Algorithm::RS384, Some("test-1"), Some("JWT")), with("jti", json!("b")), 400, "Invalid 'alg'"),
        (usual(), with("aud", json!(format!("{url}/"))), 401, "'aud'"),
        (usual(), with("aud", json!("https://api.service.nhs.uk/oauth2/token")), 401, "'aud'"),
        (usual(), with("sub", json!("other")), 400, "'iss'/'sub'"),
        (usual(), with("iss", json!("other")), 400, "'iss'/'sub'"),
        (usual(), with("exp", json!(now + 311)), 400, "more than 5 minutes in future"),
        (usual(), with("exp", json!(now - 11)), 400, "expired"),
        (usual(), with("exp", json!((now + 60).to_string())), 400, "must be an integer"),
        (usual(), with("jti", json!(7)), 400, "'jti'"),
        (usual(), json!({ "iss": "key", "sub": "key", "aud": url, "jti": "c", "exp": now + 310 }), 200, ""),
    ];
    for (header, claims, status, said) in cases {
        let jwt = jsonwebtoken::encode(&header, &claims, &signing).unwrap();
        let body = format!(
            "grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion={jwt}"
        );
        let answer = reqwest::Client::new().post(&url).body(body).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{claims} {said}");
        let text = answer.text().await.unwrap();
        assert!(text.contains(said), "{text}");
        assert_eq!(text.contains("message_id"), status != 200);
    }
}
