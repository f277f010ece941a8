//! Who may send: before anything is parsed.

use std::io::Write as _;
use std::time::Duration;

use sp_fhir::config::{HttpAuth, SecretRef};
use sp_fhir::intake::http::auth::sign;

use crate::fake::{Reply, Server, Setting, event};

const TOKEN: &str = "a-token-of-good-length";
const KEY: &str = "0123456789abcdef0123456789abcdef";
const NOW: i64 = 1_795_176_000;

fn secret(text: &str) -> (tempfile::NamedTempFile, SecretRef) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let place = SecretRef::File(file.path().to_owned());
    (file, place)
}

#[test]
fn a_bearer_token_is_asked_for_before_the_body_is_parsed() {
    let (file, place) = secret(TOKEN);
    let server = Server::start(Setting { auth: HttpAuth::Bearer(place), ..Setting::default() });
    let with = |value: Option<&str>, body: &str| {
        let mut headers = vec![("Content-Type", "application/json")];
        headers.extend(value.map(|value| ("Authorization", value)));
        server.send("POST", "/events", &headers, body.as_bytes())
    };
    let good = format!("Bearer {TOKEN}");
    for value in [
        None,
        Some("Bearer"),
        Some("Bearer "),
        Some("Bearer a-token-of-good-lengtH"),
        Some("Basic abc"),
        Some(TOKEN),
    ] {
        let reply = with(value, "{not json");
        assert_eq!((reply.status, reply.code().as_str()), (401, "unauthorised"), "{value:?}");
        assert!(reply.head.contains("\r\nwww-authenticate: bearer"), "{}", reply.head);
    }
    assert_eq!(with(Some(&good), "{not json").status, 400);
    assert_eq!(with(Some(&good), &event("R1", "referred", 1)).status, 202);
    // A new token is taken without a restart, the old one no longer.
    std::fs::write(file.path(), "another-token-of-good-length").unwrap();
    assert_eq!(with(Some(&good), &event("R1", "referred", 1)).status, 401);
    assert_eq!(with(Some("bearer another-token-of-good-length"), &event("R1", "referred", 1)).status, 200);
    std::fs::write(file.path(), "").unwrap();
    assert_eq!(with(Some("Bearer "), &event("R1", "referred", 1)).code(), "credentials-unusable");
    // Health needs no token.
    assert_eq!(server.get("/health/live").status, 200);
}

fn signed(server: &Server, at: i64, nonce: &str, body: &[u8], sent: &[u8]) -> Reply {
    let signature = sign(KEY.as_bytes(), at, nonce, body);
    let headers = [
        ("Content-Type", "application/json"),
        ("X-Sp-Fhir-Timestamp", &at.to_string()),
        ("X-Sp-Fhir-Nonce", nonce),
        ("X-Sp-Fhir-Signature", &signature),
    ];
    server.send("POST", "/events", &headers, sent)
}

#[test]
fn a_signed_body_is_taken_once_within_five_minutes() {
    let (_file, place) = secret(KEY);
    let server = Server::start(Setting { auth: HttpAuth::Hmac(place), ..Setting::default() });
    let body = event("R1", "referred", 1);
    let body = body.as_bytes();
    let nonce = |n: u32| format!("nonce-0000-0000-{n}");
    assert_eq!(signed(&server, NOW, &nonce(1), body, body).status, 202);
    assert_eq!(signed(&server, NOW, &nonce(1), body, body).status, 401, "a replay");
    assert_eq!(signed(&server, NOW, &nonce(2), body, body).status, 200);
    assert_eq!(signed(&server, NOW - 300, &nonce(3), body, body).status, 200);
    assert_eq!(signed(&server, NOW - 301, &nonce(4), body, body).status, 401);
    assert_eq!(signed(&server, NOW + 301, &nonce(5), body, body).status, 401);
    assert_eq!(signed(&server, i64::MIN, &nonce(6), body, body).status, 401);
    let other = event("R2", "referred", 1);
    assert_eq!(signed(&server, NOW, &nonce(7), body, other.as_bytes()).status, 401, "another body");
    assert_eq!(signed(&server, NOW, &nonce(7), body, &body[..body.len() - 1]).status, 401, "cut short");
    assert_eq!(signed(&server, NOW, "short", body, body).status, 401);
    assert_eq!(signed(&server, NOW, "a nonce with spaces in it", body, body).status, 401);
    assert_eq!(server.json(&event("R1", "referred", 1)).status, 401, "unsigned");
    // A wrong signature does not use up a nonce.
    assert_eq!(signed(&server, NOW, &nonce(7), body, body).status, 200);
    assert_eq!(server.keep.count(), 1);
    server.clock.advance(Duration::from_secs(301));
    assert_eq!(signed(&server, NOW, &nonce(8), body, body).status, 401);
}

#[test]
fn without_authentication_another_hosts_name_is_refused() {
    let server = Server::start(Setting::default());
    let body = event("R1", "referred", 1);
    let request = |host: &str| {
        format!(
            "POST /events HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    assert_eq!(Reply::parse(&server.raw(request("rebound.example").as_bytes())).status, 421);
    assert_eq!(Reply::parse(&server.raw(request("127.0.0.1:1").as_bytes())).status, 202);
}
