//! A receiver of pulled events: sp-fhir's own HTTP intake, with its own verifier, behind a door that misbehaves as told.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use sp_fhir::clock::ManualClock;
use sp_fhir::codeset::Codeset;
use sp_fhir::config::{Config, HttpAuth, Places, SecretRef};
use sp_fhir::daemon::Parts;
use sp_fhir::daemon::kept::Kept;
use sp_fhir::event::finish::Identities;
use sp_fhir::intake::http::auth::Covered;
use sp_fhir::intake::http::{self, Auth, Intake, Limits, Readiness};
use sp_fhir::outbox::State;
use sp_fhir::plan::Planner;
use sp_fhir::store::{Filter, Keeper, MemoryStore};
use sp_fhir::telemetry::Metrics;
use tokio::net::TcpListener;

pub(crate) const KEY: &str = "0123456789abcdef0123456789abcdef";

/// How the door answers the next requests.
#[derive(Clone, Debug, Default)]
pub(crate) enum Door {
    /// As the intake does.
    #[default]
    Open,
    /// With this status and header, once; the intake sees nothing.
    Says(u16, Option<(&'static str, String)>),
    /// With a page to sign in and status 200, as a gateway does, once.
    SignIn,
    /// With 409 and the request's own idempotency key, once.
    HasIt,
    /// The intake takes it, and its answer is lost, once.
    LosesAnswer,
}

/// What came to the door.
pub(crate) struct Came {
    pub(crate) method: String,
    pub(crate) uri: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Came {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

pub(crate) struct Receiver {
    pub(crate) url: String,
    pub(crate) key: tempfile::NamedTempFile,
    keeper: Keeper,
    planner: Arc<Planner>,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    door: Door,
    came: Vec<Came>,
}

impl Receiver {
    pub(crate) async fn start(clock: Arc<ManualClock>) -> Self {
        let mut key = tempfile::NamedTempFile::new().unwrap();
        key.write_all(KEY.as_bytes()).unwrap();
        let parts = Parts::of(Config::parse("", None, &Places::default()).unwrap()).unwrap();
        let (keeper, _) = Keeper::start(MemoryStore::new(), 64).unwrap();
        let kept = Kept {
            keeper: keeper.clone(),
            planner: Arc::clone(&parts.planner),
            clock: Arc::clone(&clock) as Arc<_>,
            metrics: Arc::new(Metrics::default()),
            bell: Arc::default(),
        };
        let auth = HttpAuth::Hmac(SecretRef::File(key.path().to_owned()));
        let settings = parts.config.http.clone().unwrap();
        let intake = Intake::new(
            &settings,
            Limits::default(),
            http::Parts {
                auth: Auth::open(&auth).unwrap(),
                keep: Arc::new(kept),
                clock,
                codeset: Codeset::embedded().unwrap(),
                identities: Identities::default(),
                ready: Arc::new(Readiness::default),
            },
        );
        let inner = Arc::new(Mutex::new(Inner::default()));
        let door = Arc::clone(&inner);
        let guard = move |request: Request, next: Next| pass(Arc::clone(&door), request, next);
        let app = http::router(Arc::new(intake)).layer(from_fn(guard));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/events", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, key, keeper, planner: parts.planner, inner }
    }

    pub(crate) fn door(&self, door: Door) {
        self.inner.lock().unwrap().door = door;
    }

    /// Posts a body, signed anew. Gives the status.
    pub(crate) async fn post(&self, body: &str, revisions: Option<&str>, now: jiff::Timestamp) -> u16 {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let nonce = format!("{:032x}", NEXT.fetch_add(1, Ordering::Relaxed));
        let covered = Covered {
            timestamp: &now.as_second().to_string(),
            nonce: &nonce,
            media_type: "application/json",
            idempotency_key: "",
            revisions: revisions.unwrap_or_default(),
        };
        let signature = covered.sign(KEY.as_bytes(), body.as_bytes());
        let mut request = reqwest::Client::new()
            .post(&self.url)
            .header("content-type", "application/json")
            .header("x-sp-fhir-timestamp", now.as_second())
            .header("x-sp-fhir-nonce", nonce)
            .header("x-sp-fhir-signature", signature);
        if let Some(word) = revisions {
            request = request.header("x-sp-fhir-revisions", word);
        }
        request.body(body.to_owned()).send().await.unwrap().status().as_u16()
    }

    pub(crate) fn planner(&self) -> Arc<Planner> {
        Arc::clone(&self.planner)
    }

    /// What came to the door, but probes.
    pub(crate) fn came(&self) -> Vec<Came> {
        let came = std::mem::take(&mut self.inner.lock().unwrap().came);
        came.into_iter().filter(|came| came.method == "POST").collect()
    }

    /// The kinds of the events that the intake has, in the order in which it took them.
    pub(crate) async fn has(&self) -> Vec<String> {
        let all = |store: &mut dyn sp_fhir::store::Store| {
            store.entries(&Filter { limit: 100, ..Filter::default() })
        };
        let entries = self.keeper.run(all).await.unwrap();
        entries.iter().map(|entry| entry.event_type.as_str().to_owned()).collect()
    }
}

async fn pass(inner: Arc<Mutex<Inner>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let came = Came {
        method: parts.method.to_string(),
        uri: parts.uri.to_string(),
        headers: parts.headers.clone(),
        body: String::from_utf8(bytes.to_vec()).unwrap(),
    };
    let key = came.header("idempotency-key").to_owned();
    let door = {
        let mut inner = inner.lock().unwrap();
        let is_post = came.method == "POST";
        inner.came.push(came);
        if is_post { std::mem::take(&mut inner.door) } else { Door::Open }
    };
    let says = |status: u16| StatusCode::from_u16(status).unwrap();
    match door {
        Door::Open => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Door::Says(status, None) => says(status).into_response(),
        Door::Says(status, Some(header)) => (says(status), [header]).into_response(),
        Door::SignIn => axum::response::Html("<p>Please sign in</p>").into_response(),
        Door::HasIt => (says(409), [("idempotency-key", key)]).into_response(),
        Door::LosesAnswer => {
            next.run(Request::from_parts(parts, Body::from(bytes))).await;
            std::future::pending().await
        }
    }
}

/// How many entries of an endpoint are in each state.
pub(crate) async fn states(keeper: &Keeper, endpoint: &str) -> BTreeMap<State, u64> {
    let counts = keeper.run(|store| store.counts()).await.unwrap();
    counts.into_iter().filter(|((name, _), _)| name == endpoint).map(|((_, state), n)| (state, n)).collect()
}

/// Longer than any settle time or wait of a test's policy.
pub(crate) const LATER: Duration = Duration::from_secs(100);
