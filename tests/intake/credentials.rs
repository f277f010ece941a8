//! Who may send: before anything is parsed.

use std::io::Write as _;
use std::time::Duration;

use sp_fhir::config::{HttpAuth, SecretRef};
use sp_fhir::intake::http::auth::Covered;

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
    let timestamp = at.to_string();
    let media_type = "application/json";
    let signature =
        Covered { timestamp: &timestamp, nonce, media_type, ..Covered::default() }.sign(KEY.as_bytes(), body);
    let headers = [
        ("Content-Type", "application/json"),
        ("X-Sp-Fhir-Timestamp", &timestamp),
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
fn every_header_that_alters_meaning_is_under_the_signature() {
    let (_file, place) = secret(KEY);
    let server = Server::start(Setting { auth: HttpAuth::Hmac(place), ..Setting::default() });
    let body = event("R1", "referred", 1);
    let timestamp = NOW.to_string();
    let mut n = 0;
    let mut send = |covered: &[&str; 3], sent: &[(&str, &str)]| {
        n += 1;
        let nonce = format!("nonce-0000-0000-{n}");
        let [media_type, idempotency_key, revisions] = *covered;
        let covered =
            Covered { timestamp: &timestamp, nonce: &nonce, media_type, idempotency_key, revisions };
        let signature = covered.sign(KEY.as_bytes(), body.as_bytes());
        let own = [
            ("X-Sp-Fhir-Timestamp", timestamp.as_str()),
            ("X-Sp-Fhir-Nonce", &nonce),
            ("X-Sp-Fhir-Signature", &signature),
        ];
        server.send("POST", "/events", &[&own[..], sent].concat(), body.as_bytes()).status
    };
    let (json, lines) = (("Content-Type", "application/json"), ("Content-Type", "application/x-ndjson"));
    let (revisions, other) = (("X-SP-FHIR-Revisions", "recorded-at"), ("X-SP-FHIR-Revisions", "other"));
    let (key, no_key) = (("Idempotency-Key", "K-1"), ("Idempotency-Key", ""));
    let plain = ["application/json", "", ""];
    assert_eq!(send(&plain, &[json]), 202);
    assert_eq!(
        send(&plain, &[("Content-Type", "Application/JSON; charset=utf-8")]),
        200,
        "the reader is the same"
    );
    assert_eq!(send(&plain, &[json, no_key]), 200);
    assert_eq!(send(&["application/json", "K-1", "recorded-at"], &[json, key, revisions]), 200);
    for (what, covered, sent) in [
        ("revisions added", plain, vec![json, revisions]),
        ("revisions taken away", ["application/json", "", "recorded-at"], vec![json]),
        ("revisions changed", ["application/json", "", "recorded-at"], vec![json, other]),
        ("revisions twice", ["application/json", "", "recorded-at"], vec![json, revisions, other]),
        ("another reader", plain, vec![lines]),
        ("two readers", plain, vec![json, lines]),
        ("key added", plain, vec![json, key]),
        ("key for revisions", ["application/json", "recorded-at", ""], vec![json, revisions]),
    ] {
        assert_eq!(send(&covered, &sent), 401, "{what}");
    }
}

/// What another program signs: the example of docs/openapi.json and docs/OPERATIONS.md.
#[test]
fn the_documented_example_is_what_is_signed_and_no_other_version_is_taken() {
    let covered = Covered {
        timestamp: "1795176000",
        nonce: "nonce-0000-0000-1",
        media_type: "application/json",
        idempotency_key: "",
        revisions: "recorded-at",
    };
    let signature = covered.sign(KEY.as_bytes(), b"{}");
    for document in [include_str!("../../docs/openapi.json"), include_str!("../../docs/OPERATIONS.md")] {
        assert!(document.contains(&signature), "{signature}");
    }
    let (_file, place) = secret(KEY);
    let server = Server::start(Setting { auth: HttpAuth::Hmac(place), ..Setting::default() });
    let send = |signature: &str| {
        let headers = [
            ("Content-Type", "application/json"),
            ("X-Sp-Fhir-Timestamp", "1795176000"),
            ("X-Sp-Fhir-Nonce", "nonce-0000-0000-1"),
            ("X-SP-FHIR-Revisions", "recorded-at"),
            ("X-Sp-Fhir-Signature", signature),
        ];
        server.send("POST", "/events", &headers, b"{}").status
    };
    let hexadecimal = signature.strip_prefix("v2=").unwrap();
    for prefix in ["sha256=", "v1=", "v2", "v3=", ""] {
        assert_eq!(send(&format!("{prefix}{hexadecimal}")), 401, "{prefix}");
    }
    assert_eq!(send(&signature), 422, "it is let in; it is no event");
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
