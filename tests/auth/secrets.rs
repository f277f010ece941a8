//! No authentication, a static token, and client credentials with a secret.

use std::time::Duration;

use serde_json::json;
use sp_fhir::endpoint::auth::Authorise;
use sp_fhir::endpoint::auth::bearer::BearerFile;
use sp_fhir::endpoint::auth::client_credentials::{ClientCredentials, ClientCredentialsSettings, SecretIn};
use sp_fhir::endpoint::auth::none::NoAuth;
use sp_fhir::outbox::Reason;

use crate::world::{World, header, set_mode};

#[tokio::test]
async fn no_authentication_is_for_this_machine_only() {
    let none = NoAuth::at("http://127.0.0.1:8080/fhir").unwrap();
    assert!(none.header().await.unwrap().is_none());
    for base in ["https://fhir.example.org/", "http://10.0.0.7/", "http://localhost.example.org/", ""] {
        assert!(NoAuth::at(base).is_err(), "{base}");
    }
}

#[tokio::test]
async fn a_static_token_is_read_again_when_its_file_changes() {
    let world = World::new().await;
    let file = world.secret_file("token", "first-token\n");
    let bearer = BearerFile::open("https://fhir.example.org/", file.clone()).unwrap();
    assert_eq!(header(&bearer).await.unwrap(), "Bearer first-token");
    world.secret_file("token", "other-token\n"); // of the same length
    assert_eq!(header(&bearer).await.unwrap(), "Bearer other-token");
    for bad in ["", "two words", "two\nlines"] {
        world.secret_file("token", bad);
        assert_eq!(header(&bearer).await.unwrap(), "Bearer other-token", "the last good one stays");
        assert!(BearerFile::open("https://fhir.example.org/", file.clone()).is_err());
    }
    assert!(BearerFile::open("http://fhir.example.org/", world.secret_file("token", "t")).is_err());
}

#[tokio::test]
async fn a_401_makes_a_static_token_be_read_again() {
    let world = World::new().await;
    let file = world.secret_file("token", "first");
    let bearer = BearerFile::open("https://fhir.example.org/", file.clone()).unwrap();
    // Changed in place, with the same length and date: only a 401 tells.
    let date = std::fs::metadata(&file).unwrap().modified().unwrap();
    std::fs::write(&file, "other").unwrap();
    std::fs::File::options().write(true).open(&file).unwrap().set_modified(date).unwrap();
    assert_eq!(header(&bearer).await.unwrap(), "Bearer first");
    bearer.refused();
    assert_eq!(header(&bearer).await.unwrap(), "Bearer other");
}

#[tokio::test]
async fn a_secret_that_others_may_read_is_refused() {
    let world = World::new().await;
    let file = world.secret_file("token", "a-token");
    // 0440 of root is how service managers hand a secret to a service's group.
    let root = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(&file).unwrap()) == 0;
    for (mode, allowed) in [
        (0o600, true),
        (0o400, true),
        (0o700, true),
        (0o644, false),
        (0o604, false),
        (0o620, false),
        (0o660, false),
        (0o440, root),
    ] {
        set_mode(&file, mode);
        let opened = BearerFile::open("https://fhir.example.org/", file.clone());
        assert_eq!(opened.is_ok(), allowed, "{mode:o}");
        if let Err(problem) = opened {
            assert!(problem.to_string().contains("0600"), "{problem}");
        }
    }
}

#[tokio::test]
async fn a_client_secret_goes_into_the_header_or_into_the_form() {
    for place in [SecretIn::Header, SecretIn::Body] {
        let world = World::new().await;
        let basic = place == SecretIn::Header;
        world.server.lock().life = json!(300);
        // In the header both are encoded as in a form, and so is the form itself.
        let expected = if basic { "p%40ss%3A+w%2F" } else { "p@ss: w/" };
        world.server.lock().secret = Some((basic, "us".to_owned(), expected.to_owned()));
        let settings = ClientCredentialsSettings {
            token_url: world.server.token_url(),
            client_id: "us".to_owned(),
            secret_file: world.secret_file("secret", "p@ss: w/\n"),
            secret_in: place,
            scope: Some("system/*.rs".to_owned()),
        };
        let kind = ClientCredentials::open(settings.clone(), world.client()).unwrap();
        assert_eq!(header(&kind).await.as_deref(), Ok("Bearer canary-token-1"), "{place:?}");
        assert_eq!(world.server.lock().scope.as_deref(), Some("system/*.rs"));

        world.server.lock().secret = Some((basic, "us".to_owned(), "new".to_owned()));
        world.clock.advance(Duration::from_secs(400));
        assert_eq!(header(&kind).await, Err(Reason::Unauthorised));
        world.secret_file("secret", "new");
        world.clock.advance(Duration::from_secs(6));
        assert_eq!(header(&kind).await.as_deref(), Ok("Bearer canary-token-2"), "{place:?}");

        let plain =
            ClientCredentialsSettings { token_url: "http://auth.example.org/token".to_owned(), ..settings };
        assert!(ClientCredentials::open(plain, world.client()).is_err());
    }
}
