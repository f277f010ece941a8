//! The document, the routes and the server agree.

use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;

use sp_fhir::intake::http::ROUTES;

use crate::fake::{Server, Setting};

fn document() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json")).unwrap()
}

#[test]
fn what_is_served_is_the_document_that_is_checked_in() {
    let server = Server::start(Setting::default());
    assert_eq!(server.get("/openapi.json").body, document());
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/event.schema.json");
    assert_eq!(server.get("/event.schema.json").body, fs::read_to_string(schema).unwrap());
}

#[test]
fn every_route_is_in_the_document_and_served_and_no_other() {
    let value: serde_json::Value = serde_json::from_str(&document()).unwrap();
    let paths = value["paths"].as_object().unwrap();
    let listed: usize = paths.values().map(|methods| methods.as_object().unwrap().len()).sum();
    assert_eq!(listed, ROUTES.len());
    let server = Server::start(Setting::default());
    for (method, path) in ROUTES {
        assert!(paths[path][method].is_object(), "{method} {path}");
        let reply = server.send(&method.to_ascii_uppercase(), path, &[], b"");
        assert!(!matches!(reply.status, 404 | 405), "{method} {path}: {}", reply.status);
        if method == "get" {
            assert!(paths[path][method]["responses"][reply.status.to_string()].is_object());
        }
    }
}

#[test]
fn readiness_is_the_daemons() {
    let server = Server::start(Setting::default());
    assert_eq!(server.get("/health/ready").status, 200);
    server.ready.store(false, Ordering::SeqCst);
    let reply = server.get("/health/ready");
    assert_eq!(
        (reply.status, reply.body.as_str()),
        (503, r#"{"ready":false,"reasons":["the store has stopped"],"notes":[]}"#)
    );
    assert_eq!(server.get("/health/live").status, 200);
}
