//! Secrets have no way out: not into logs at their most talkative, not into errors, not into `Debug`.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jsonwebtoken::Algorithm;
use sp_fhir::endpoint::auth::Authorise;
use sp_fhir::endpoint::auth::bearer::BearerFile;
use sp_fhir::endpoint::auth::client_credentials::{ClientCredentials, ClientCredentialsSettings, SecretIn};
use sp_fhir::endpoint::auth::smart::{Smart, SmartAlgorithm, SmartSettings};

use crate::server::Mood;
use crate::world::{World, header};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_secret_is_logged_or_printed() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    // For the whole process: what the other tests say at the same time is looked through as well.
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let world = World::new().await;
    let nhs = world.nhs();
    let smart_key = world.register("smart-1", Algorithm::ES384);
    let smart = Smart::open(
        SmartSettings {
            base: world.server.base(),
            token_url: None,
            client_id: "canary-api-key".to_owned(),
            scope: "system/*.rs".to_owned(),
            algorithm: SmartAlgorithm::Es384,
            key_file: world.secret_file("smart.pem", &smart_key.serialize_pem()),
            kid: Some("smart-1".to_owned()),
        },
        world.client(),
    )
    .unwrap();
    let secret = |place, name| {
        ClientCredentials::open(
            ClientCredentialsSettings {
                token_url: world.server.token_url(),
                client_id: "us".to_owned(),
                secret_file: world.secret_file(name, "canary-secret"),
                secret_in: place,
                scope: None,
            },
            world.client(),
        )
        .unwrap()
    };
    let (first, second) = (secret(SecretIn::Header, "a"), secret(SecretIn::Body, "b"));
    let bearer = BearerFile::open(&world.server.base(), world.secret_file("c", "canary-bearer")).unwrap();
    let kinds: [&dyn Authorise; 5] = [&nhs, &smart, &first, &second, &bearer];

    let key_text = std::fs::read_to_string(world.folder.path().join("key.pem")).unwrap();
    let echo = |secret: &str| {
        let words = format!("you sent {secret} and eyJhbGciOiJSUzUxMiJ9.x.y");
        serde_json::json!({ "error": "invalid_client", "error_description": words, "message_id": secret })
            .to_string()
    };
    for mood in [
        || Mood::Well,
        || Mood::Answers(400, String::new()),
        || Mood::Answers(200, r#"{"access_token":"canary token"}"#.to_owned()),
        || Mood::Answers(503, String::new()),
    ] {
        for (place, (kind, secret)) in
            kinds.into_iter().zip(["", "", "canary-secret", "canary-secret", ""]).enumerate()
        {
            // The first two sign, the next two send the secret, in the header and in the form.
            let expected = (place == 2, "us".to_owned(), secret.to_owned());
            world.server.lock().secret = (!secret.is_empty()).then_some(expected);
            world.server.lock().mood = match mood() {
                Mood::Answers(400, _) => Mood::Answers(400, echo(secret)),
                other => other,
            };
            let _ = header(kind).await;
            kind.refused();
        }
        world.clock.advance(Duration::from_secs(700));
    }
    assert_eq!(world.server.lock().issued, 4, "all went well first");
    world.server.lock().secret = None;
    // A broken file is spoken of by name.
    world.secret_file("key.pem", "canary-broken");
    world.secret_file("c", "canary broken");
    for kind in kinds {
        let _ = header(kind).await;
    }
    let debug = format!("{nhs:?} {smart:?} {first:?} {second:?} {bearer:?}");
    let mut text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    for said in [
        "it repeats what we sent",
        "the authorisation server gave no token",
        "last good one stays",
        "is not a bearer token",
    ] {
        assert!(text.contains(said), "the log is on: {said}\n{text}");
    }
    text.push_str(&debug);
    let line_of_key = key_text.lines().nth(5).unwrap();
    for secret in [
        "canary-token",
        "canary token",
        "canary-secret",
        "canary-bearer",
        "canary-broken",
        "canary broken",
        "eyJ",
        line_of_key,
    ] {
        assert!(!text.contains(secret), "{secret} in: {text}");
    }
}
