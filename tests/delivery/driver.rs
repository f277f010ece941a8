//! Drives one endpoint as the relay does, and keeps what a store would keep.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use secrecy::SecretString;
use sp_fhir::clock::ManualClock;
use sp_fhir::endpoint::auth::Authorise;
use sp_fhir::endpoint::auth::tls::TlsFiles;
use sp_fhir::endpoint::fhir_rest::base::Base;
use sp_fhir::endpoint::fhir_rest::client::{self, Client, Limits};
use sp_fhir::endpoint::fhir_rest::fill::ProvenanceForm;
use sp_fhir::endpoint::fhir_rest::{FhirRest, Settings};
use sp_fhir::endpoint::{Endpoint, Found, Known, Prepared, Request, Work};
use sp_fhir::outbox::{Outcome, Parcel, Reason, Receipt};

/// An endpoint with what is known of it.
pub(crate) struct Driver {
    pub(crate) endpoint: FhirRest,
    pub(crate) known: Vec<Known>,
    pub(crate) token: Arc<Token>,
}

/// A token that is counted.
#[derive(Default)]
pub(crate) struct Token {
    pub(crate) value: Option<&'static str>,
    pub(crate) refused: Mutex<u32>,
}

impl Authorise for Token {
    fn header(&self) -> Work<'_, Result<Option<SecretString>, Reason>> {
        Box::pin(async { Ok(self.value.map(SecretString::from)) })
    }

    fn refused(&self) {
        *self.refused.lock().unwrap() += 1;
    }
}

/// What an attempt came to.
#[derive(Debug, PartialEq)]
pub(crate) enum Came {
    Accepted,
    Already,
    Held(Reason),
    LetStand,
    Ended(Outcome),
}

impl Driver {
    pub(crate) fn new(base: &str) -> Self {
        Self::with(base, Token::default(), Limits::default(), Vec::new())
    }

    /// With a service of its own, as real servers name it.
    #[allow(dead_code)]
    pub(crate) fn owned(base: &str, owner: &str) -> Self {
        Self::made(base, Token::default(), Limits::default(), Vec::new(), Some(owner))
    }

    pub(crate) fn with(base: &str, token: Token, limits: Limits, practices: Vec<String>) -> Self {
        Self::made(base, token, limits, practices, Some(crate::parcels::SERVICE))
    }

    /// With a Provenance of this form.
    #[allow(dead_code)]
    pub(crate) fn signing(base: &str, form: ProvenanceForm) -> Self {
        let owner = Some(crate::parcels::SERVICE);
        Self::of(base, Token::default(), Limits::default(), Vec::new(), owner, Some(form))
    }

    pub(crate) fn made(
        base: &str,
        token: Token,
        limits: Limits,
        practices: Vec<String>,
        owner: Option<&str>,
    ) -> Self {
        Self::of(base, token, limits, practices, owner, None)
    }

    fn of(
        base: &str,
        token: Token,
        limits: Limits,
        practices: Vec<String>,
        owner: Option<&str>,
        provenance: Option<ProvenanceForm>,
    ) -> Self {
        let token = Arc::new(token);
        let client = Client::open(client::Settings {
            base: Base::parse(base).unwrap(),
            auth: Arc::clone(&token) as Arc<dyn Authorise>,
            limits,
            tls: TlsFiles::default(),
            clock: Arc::new(ManualClock::new(now(), 1)),
            skew: Arc::default(),
        });
        let endpoint = FhirRest::new(Settings {
            name: "gp".into(),
            practices,
            owner: owner.map(str::to_owned),
            provenance,
            client: client.unwrap(),
            clock: Arc::new(ManualClock::new(now(), 1)),
        });
        Self { endpoint, known: Vec::new(), token }
    }

    /// Prepares; the request must come out.
    pub(crate) async fn ready(&self, parcel: &Parcel) -> Request {
        match self.endpoint.prepare(parcel, &self.known).await {
            Prepared::Ready(request) => request,
            other => panic!("not ready: {other:?}"),
        }
    }

    /// One attempt, with one look where it is in doubt.
    pub(crate) async fn deliver(&mut self, parcel: &Parcel) -> Came {
        let request = match self.endpoint.prepare(parcel, &self.known).await {
            Prepared::Ready(request) => request,
            Prepared::Held(reason) => return Came::Held(reason),
            Prepared::Divergent(_) => return Came::Held(Reason::Divergent),
            Prepared::Already(_) => return Came::Already,
            Prepared::LetStand => return Came::LetStand,
            Prepared::Ended(outcome) => return Came::Ended(outcome),
        };
        let outcome = self.endpoint.send(&request).await;
        self.settle(&request, outcome).await
    }

    pub(crate) async fn settle(&mut self, request: &Request, outcome: Outcome) -> Came {
        match outcome {
            Outcome::Accepted(receipt) => {
                self.learn(request, receipt);
                Came::Accepted
            }
            Outcome::Unknown { .. } => match self.endpoint.look(request).await {
                Found::Applied(receipt) => {
                    self.learn(request, receipt);
                    Came::Accepted
                }
                Found::Wrong(reason) => Came::Held(reason),
                Found::Changed | Found::Absent | Found::Unclear(_) => Came::Ended(outcome),
            },
            other => Came::Ended(other),
        }
    }

    fn learn(&mut self, request: &Request, receipt: Receipt) {
        for placed in receipt.placed {
            let target = request.targets.iter().find(|target| target.uuid == placed.uuid).expect("a target");
            let content = target.content.clone();
            self.known.retain(|known| known.placed.uuid != placed.uuid);
            self.known.push(Known { placed, content });
        }
    }
}

pub(crate) fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

/// A Bundle's targets that are ours, each found by a search of the test's own: how many the server holds.
pub(crate) async fn counts(base: &str, request: &Request) -> Vec<(String, usize)> {
    let mut counts = Vec::new();
    for target in request.targets.iter().filter(|target| target.ours) {
        let Some(system) = &target.system else { continue };
        let found = search(base, &target.resource_type, system, &target.uuid).await;
        counts.push((target.resource_type.clone(), found.len()));
    }
    counts
}

pub(crate) async fn search(base: &str, kind: &str, system: &str, value: &str) -> Vec<serde_json::Value> {
    let form =
        format!("identifier={system}|{value}").replace(':', "%3A").replace('/', "%2F").replace('|', "%7C");
    let answer = reqwest::Client::new()
        .post(format!("{base}/{kind}/_search"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form)
        .send()
        .await
        .unwrap();
    let bundle: serde_json::Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    bundle["entry"].as_array().into_iter().flatten().map(|entry| entry["resource"].clone()).collect()
}

/// Stores a resource at a server, as its own staff would. Gives it as it is stored.
pub(crate) async fn store(base: &str, resource: &serde_json::Value) -> serde_json::Value {
    let kind = resource["resourceType"].as_str().unwrap();
    let http = reqwest::Client::new();
    let request = match resource["id"].as_str() {
        Some(id) => http.put(format!("{base}/{kind}/{id}")),
        None => http.post(format!("{base}/{kind}")),
    };
    let request = request.header("content-type", "application/fhir+json").body(resource.to_string());
    let answer = request.send().await.unwrap();
    let (status, bytes) = (answer.status(), answer.bytes().await.unwrap());
    assert!(status.is_success(), "{status}: {}", String::from_utf8_lossy(&bytes));
    serde_json::from_slice(&bytes).unwrap()
}

/// Deletes a resource at a server, as its own staff would.
#[allow(dead_code)]
pub(crate) async fn delete(base: &str, resource: &serde_json::Value) {
    let (kind, id) = (resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap());
    let answer = reqwest::Client::new().delete(format!("{base}/{kind}/{id}")).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.status());
}
