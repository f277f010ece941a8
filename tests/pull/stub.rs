//! A FHIR server of the test's own: search by what a puller asks, in pages, and reading by id; told how to misbehave.

use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::http::header::DATE;
use axum::http::{HeaderValue, Method, Response, StatusCode, Uri};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// How it behaves.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Manner {
    #[default]
    Correct,
    /// The last page names the first again.
    Circle,
    /// The next page is at this address.
    NextAt(String),
    /// The page of this number is a 500.
    FailsAt(usize),
    /// After the first page, the resource of this id is deleted.
    Deletes(&'static str),
    /// After the first page, the resource of this id is changed.
    Changes(&'static str),
    /// Cuts off at 100 and names no next page.
    NoNext,
    /// The same, and sorts nothing.
    NoNextUnsorted,
    /// Gives so many and names no next page.
    Cap(Cap),
    /// Gives everybody's.
    Ignores,
    /// Knows no `_lastUpdated`.
    NoTime,
    /// The resource at this place with this status and body.
    Answers(&'static str, u16, &'static str),
    /// A sign-in page.
    Html,
    /// Its clock stands in the year 2020.
    Late,
}

/// A server that cuts off.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Cap {
    pub(crate) at: usize,
    /// Says how many there are.
    pub(crate) total: bool,
    /// The same, but only where it is asked for nothing else.
    pub(crate) counts: bool,
    /// The newest first.
    pub(crate) reverse: bool,
}

#[derive(Clone)]
pub(crate) struct Stub {
    pub(crate) base: String,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    manner: Manner,
    held: Vec<Value>,
    /// Seconds since the first day began, and between one change and the next.
    now: i64,
    step: i64,
    page_size: usize,
    pages: usize,
    paths: Vec<String>,
}

impl Stub {
    pub(crate) async fn start(page_size: usize) -> Self {
        let inner = Arc::new(Mutex::new(Inner { page_size, step: 60, ..Inner::default() }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/fhir", listener.local_addr().unwrap());
        let stub = Self { base, inner };
        let serving = stub.clone();
        let app = axum::Router::new().fallback(move |method: Method, uri: Uri, body: Bytes| {
            let stub = serving.clone();
            async move { stub.dated(stub.answer(&method, &uri, &body)) }
        });
        tokio::spawn(async move { axum::serve(listener, app).await });
        stub
    }

    pub(crate) fn behave(&self, manner: Manner) {
        let mut inner = self.inner.lock().unwrap();
        (inner.manner, inner.pages) = (manner, 0);
    }

    /// Keeps a resource, a minute later than the one before, and gives its place.
    pub(crate) fn put(&self, id: &str, mut resource: Value) -> String {
        let mut inner = self.inner.lock().unwrap();
        resource["id"] = json!(id);
        inner.put(resource)
    }

    pub(crate) fn change(&self, place: &str, member: &str, value: Value) {
        self.inner.lock().unwrap().change(place, member, value);
    }

    /// Loses everything, as one that was set up anew.
    pub(crate) fn forget(&self) {
        self.inner.lock().unwrap().held.clear();
    }

    /// From now on so many seconds lie between one change and the next.
    pub(crate) fn pace(&self, step: i64) {
        self.inner.lock().unwrap().step = step;
    }

    /// Every path and query that was asked for.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.inner.lock().unwrap().paths.clone()
    }

    fn dated(&self, mut answer: Response<Body>) -> Response<Body> {
        if self.inner.lock().unwrap().manner == Manner::Late {
            let date = HeaderValue::from_static("Wed, 01 Jan 2020 00:00:00 GMT");
            answer.headers_mut().insert(DATE, date);
        }
        answer
    }

    fn answer(&self, method: &Method, uri: &Uri, body: &[u8]) -> Response<Body> {
        let mut inner = self.inner.lock().unwrap();
        inner.paths.push(uri.to_string());
        let path = uri.path().trim_start_matches("/fhir").trim_start_matches('/').to_owned();
        if inner.manner == Manner::Html {
            return answer(StatusCode::OK, "<html>".into());
        }
        if let Some(kind) = path.strip_suffix("/_search").filter(|_| method == Method::POST) {
            let form = String::from_utf8(body.to_vec())
                .unwrap()
                .replace("%2F", "/")
                .replace("%3A", ":")
                .replace("%7C", "|");
            return inner.search(&self.base, kind, &form, 0);
        }
        if let Some(query) = uri.query().filter(|query| query.starts_with("_page=")) {
            let (page, form) = query.trim_start_matches("_page=").split_once('&').unwrap();
            return inner.search(&self.base, &path, form, page.parse().unwrap());
        }
        if let Manner::Answers(at, status, body) = inner.manner
            && at == path
        {
            return answer(StatusCode::from_u16(status).unwrap(), body.into());
        }
        let found = inner.held.iter().find(|held| place(held) == path);
        found.map_or_else(
            || answer(StatusCode::NOT_FOUND, "{}".into()),
            |held| answer(StatusCode::OK, held.to_string()),
        )
    }
}

fn place(resource: &Value) -> String {
    format!("{}/{}", resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap())
}

impl Inner {
    fn put(&mut self, mut resource: Value) -> String {
        let at = place(&resource);
        let before = self.held.iter().find(|held| place(held) == at);
        let version =
            before.map_or(1, |held| held["meta"]["versionId"].as_str().unwrap().parse::<u32>().unwrap() + 1);
        self.now += self.step;
        let first: jiff::Timestamp = "2026-11-20T00:00:00.5Z".parse().unwrap();
        let updated = (first + jiff::SignedDuration::from_secs(self.now)).to_string();
        resource["meta"] = json!({"versionId": version.to_string(), "lastUpdated": updated});
        self.held.retain(|held| place(held) != at);
        self.held.push(resource);
        at
    }

    fn change(&mut self, at: &str, member: &str, value: Value) {
        let mut resource = self.held.iter().find(|held| place(held) == at).unwrap().clone();
        resource[member] = value;
        self.put(resource);
    }

    fn search(&mut self, base: &str, kind: &str, form: &str, page: usize) -> Response<Body> {
        self.pages += 1;
        if self.manner == Manner::FailsAt(self.pages) {
            return answer(StatusCode::INTERNAL_SERVER_ERROR, "{}".into());
        }
        let parameter = |name: &str| {
            form.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
        };
        let from = parameter("_lastUpdated").map(|from| from.trim_start_matches("ge").to_owned());
        let matches = |held: &&Value| {
            let reference = |value: &Value, wanted: Option<String>| {
                self.manner == Manner::Ignores || wanted.is_none_or(|wanted| value["reference"] == wanted)
            };
            let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
            let updated = at(held["meta"]["lastUpdated"].as_str().unwrap());
            let is_late = from.as_ref().is_none_or(|from| updated >= at(from));
            let name = &held["identifier"][0];
            let is_named = parameter("identifier").is_none_or(|wanted| {
                wanted
                    .split_once('|')
                    .is_some_and(|(system, value)| name["system"] == system && name["value"] == value)
            });
            held["resourceType"] == kind
                && is_named
                && reference(&held["owner"], parameter("owner"))
                && reference(&held["performer"][0], parameter("performer"))
                && (is_late || self.manner == Manner::NoTime)
        };
        let mut found: Vec<Value> = self.held.iter().filter(matches).cloned().collect();
        if self.manner == Manner::NoNextUnsorted {
            found.reverse();
        }
        let cap = match self.manner {
            Manner::Cap(cap) => cap,
            Manner::NoNext | Manner::NoNextUnsorted => Cap { at: 100, ..Cap::default() },
            _ => Cap { at: self.page_size, ..Cap::default() },
        };
        if cap.reverse {
            found.reverse();
        }
        let is_count = parameter("_summary").is_some_and(|how| how == "count");
        let total = (cap.total || cap.counts && is_count).then_some(found.len());
        let size = if is_count && cap.counts { 0 } else { cap.at };
        let on_page: Vec<Value> = found.iter().skip(page * size).take(size).cloned().collect();
        let next = match &self.manner {
            Manner::NoNext | Manner::NoNextUnsorted | Manner::Cap(_) => None,
            Manner::NextAt(address) => Some(address.clone()),
            Manner::Circle => Some(format!("{base}/{kind}?_page=0&{form}")),
            _ if found.len() > (page + 1) * size => Some(format!("{base}/{kind}?_page={}&{form}", page + 1)),
            _ => None,
        };
        match self.manner.clone() {
            Manner::Deletes(id) if kind == "Task" => self.held.retain(|held| held["id"] != id),
            Manner::Changes(id) if kind == "Task" => {
                self.change(&format!("Task/{id}"), "status", json!("on-hold"));
                self.manner = Manner::Correct;
            }
            _ => {}
        }
        let entries: Vec<Value> = on_page
            .into_iter()
            .map(|resource| json!({"resource": resource, "search": {"mode": "match"}}))
            .collect();
        let links: Vec<Value> = next.into_iter().map(|url| json!({"relation": "next", "url": url})).collect();
        let mut bundle =
            json!({"resourceType": "Bundle", "type": "searchset", "link": links, "entry": entries});
        if let Some(total) = total {
            bundle["total"] = json!(total);
        }
        answer(StatusCode::OK, bundle.to_string())
    }
}

fn answer(status: StatusCode, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
}
