//! A practice's FHIR server in miniature, so that the example runs without one: one Patient, and one request of the practice's.

use std::io;

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Who the request is for: this service, as the practice's server names it.
pub(crate) const SERVICE: &str = "Organization/link-workers";

/// Starts it on loopback and gives its base.
pub(crate) async fn start() -> io::Result<String> {
    let router = Router::new()
        .route("/fhir/metadata", get(|| async { answer(&capability()) }))
        .route("/fhir/Patient/{id}", get(|| async { answer(&patient()) }))
        .route("/fhir/{kind}/_search", post(|Path(kind): Path<String>| async move { answer(&found(&kind)) }))
        .fallback(|| async { StatusCode::NOT_FOUND });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}/fhir", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(base)
}

fn answer(resource: &Value) -> String {
    resource.to_string()
}

fn capability() -> Value {
    json!({"resourceType": "CapabilityStatement", "status": "active", "fhirVersion": "4.0.1", "format": ["json"]})
}

fn patient() -> Value {
    json!({"resourceType": "Patient", "id": "p1",
        "identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990004226"}],
        "name": [{"family": "Okafor", "given": ["Ben"]}], "birthDate": "1948-02-11"})
}

fn found(kind: &str) -> Value {
    let request = json!({"resourceType": "ServiceRequest", "id": "r1",
        "meta": {"versionId": "1", "lastUpdated": "2026-11-02T09:00:00Z"},
        "identifier": [{"system": "https://practice.example/request", "value": "GP-77"}],
        "status": "active", "intent": "order", "subject": {"reference": "Patient/p1"}, "authoredOn": "2026-11-02",
        "performer": [{"reference": SERVICE}], "reasonCode": [{"text": "Loneliness"}]});
    let entries = if kind == "ServiceRequest" { vec![json!({"resource": request})] } else { Vec::new() };
    json!({"resourceType": "Bundle", "type": "searchset", "entry": entries})
}
