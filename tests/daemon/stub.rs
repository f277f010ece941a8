//! A FHIR server of the tests' own: it says who it is, searches, and takes Tasks; it can be told to misbehave. Next:
//! `check.rs`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Response, Uri, header};
use serde_json::{Value, json};

/// How it behaves.
pub(crate) struct Manner {
    /// Seconds by which its clock is ahead.
    pub(crate) ahead: i64,
    pub(crate) version: &'static str,
    /// The token it wants, if any.
    pub(crate) token: Option<&'static str>,
    /// Writes anew whatever a condition says.
    pub(crate) ignores_conditions: bool,
    pub(crate) refuses_deletes: bool,
    /// Answers every search with this status.
    pub(crate) searches: u16,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            ahead: 0,
            version: "4.0.1",
            token: None,
            ignores_conditions: false,
            refuses_deletes: false,
            searches: 200,
        }
    }
}

pub(crate) struct Inner {
    pub(crate) manner: Manner,
    /// By id.
    pub(crate) tasks: BTreeMap<String, Value>,
    /// Method and path of each request.
    pub(crate) asked: Vec<String>,
    next: u32,
}

/// A running stub.
pub(crate) struct Stub {
    pub(crate) at: SocketAddr,
    inner: Arc<Mutex<Inner>>,
    _runtime: tokio::runtime::Runtime,
}

impl Stub {
    pub(crate) fn start(manner: Manner) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let inner =
            Arc::new(Mutex::new(Inner { manner, tasks: BTreeMap::new(), asked: Vec::new(), next: 0 }));
        let state = Arc::clone(&inner);
        let routes =
            Router::new().fallback(move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
                let state = Arc::clone(&state);
                async move { state.lock().unwrap().answer(&method, &uri, &headers, &body) }
            });
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let at = listener.local_addr().unwrap();
        runtime.spawn(async move { axum::serve(listener, routes).await });
        Self { at, inner, _runtime: runtime }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// An endpoint at this server, named `gp`.
    pub(crate) fn endpoint(&self, more: &str) -> String {
        format!(
            "[[endpoint]]\nname = \"gp\"\nkind = \"fhir\"\nurl = \"http://{}/fhir\"\ntest = true\n{more}\n",
            self.at
        )
    }
}

impl Inner {
    fn answer(&mut self, method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Response<Body> {
        let path = uri.path().trim_start_matches('/');
        self.asked.push(format!("{method} {path}"));
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if path == "token" {
            let right = text("authorization") == "Basic c3AtZmhpcjphbi1pbnZlbnRlZC1zZWNyZXQ=";
            let token = json!({"access_token": self.manner.token, "token_type": "Bearer", "expires_in": 300});
            return if right {
                self.reply(200, &token)
            } else {
                self.reply(401, &json!({"error": "invalid_client"}))
            };
        }
        if let Some(token) = self.manner.token
            && text("authorization") != format!("Bearer {token}")
        {
            return self.reply(401, &json!({}));
        }
        let path = path.trim_start_matches("fhir").trim_matches('/');
        let steps: Vec<&str> = path.split('/').collect();
        let given = || serde_json::from_slice::<Value>(body).unwrap();
        match (method.as_str(), steps.as_slice()) {
            ("GET", ["metadata"]) => {
                let statement = json!({
                    "resourceType": "CapabilityStatement", "fhirVersion": self.manner.version,
                    "rest": [{"mode": "server", "interaction": [{"code": "transaction"}]}]
                });
                self.reply(200, &statement)
            }
            ("POST", [kind, "_search"]) => {
                let form = String::from_utf8_lossy(body);
                let found: Vec<Value> = self
                    .tasks
                    .values()
                    .filter(|task| *kind == "Task" && form.contains(uuid_of(task)))
                    .map(|task| json!({"resource": task}))
                    .collect();
                let set = json!({"resourceType": "Bundle", "type": "searchset", "total": found.len(), "entry": found});
                self.reply(self.manner.searches, &set)
            }
            ("POST", ["Task"]) => {
                let (status, task) = self.put(&given());
                self.reply(status, &task)
            }
            ("POST", [""]) => {
                let (status, task) = self.put(&given()["entry"][0]["resource"]);
                let location = format!("Task/{}/_history/2", task["id"].as_str().unwrap());
                let answer = json!({"resourceType": "Bundle", "type": "transaction-response",
                    "entry": [{"response": {"status": format!("{status} OK"), "location": location}}]});
                self.reply(200, &answer)
            }
            ("DELETE", ["Task", id]) if !self.manner.refuses_deletes => {
                self.tasks.remove(*id);
                self.reply(204, &Value::Null)
            }
            ("DELETE", _) => self.reply(405, &json!({})),
            _ => self.reply(404, &json!({})),
        }
    }

    fn put(&mut self, task: &Value) -> (u16, Value) {
        let known = self.tasks.values().find(|known| uuid_of(known) == uuid_of(task)).cloned();
        if let Some(known) = known.filter(|_| !self.manner.ignores_conditions) {
            return (200, known);
        }
        self.next += 1;
        let mut task = task.clone();
        task["id"] = json!(format!("t{}", self.next));
        self.tasks.insert(format!("t{}", self.next), task.clone());
        (201, task)
    }

    fn reply(&self, status: u16, body: &Value) -> Response<Body> {
        let now = SystemTime::now();
        let by = Duration::from_secs(self.manner.ahead.unsigned_abs());
        let date = if self.manner.ahead < 0 { now - by } else { now + by };
        let builder = Response::builder().status(status).header(header::DATE, httpdate::fmt_http_date(date));
        builder
            .header(header::CONTENT_TYPE, "application/fhir+json")
            .body(Body::from(body.to_string()))
            .unwrap()
    }
}

/// The UUID of a Task's identifier.
fn uuid_of(task: &Value) -> &str {
    task["identifier"][0]["value"].as_str().unwrap().rsplit(':').next().unwrap()
}
