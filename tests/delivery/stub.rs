//! A FHIR server of the test's own, small and in memory, that can be told to misbehave.
//!
//! It knows what delivery needs: transactions, search by identifier, reading and writing by id. Correct unless told
//! otherwise; what it holds can be counted from outside.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri, header};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// How it behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// As R4 says, one transaction at a time.
    Correct,
    /// Looks first and writes 50 ms later: two at once see nothing there.
    Racy,
    /// Answers the second sending of the same bytes with 409, though nothing is wrong.
    ConflictOnReplay,
    /// Writes anew whatever the condition says.
    IgnoresConditions,
    /// Answers 200, rolls nothing back, and refuses the entries of one type with a status inside.
    RefusesEntry(&'static str, u16),
    /// Does it, then answers 200 with something else.
    Answers(&'static str),
    /// Does it, then answers with this status.
    Status(u16),
    /// Does nothing and answers with this status and `Retry-After`.
    Busy(u16, &'static str),
    /// Does it, and names a Location at another address.
    ForeignLocation,
    /// Does it, and leaves every Location out.
    NoLocation,
    /// Sends every request elsewhere.
    Redirects(String),
    /// Answers with a body without end.
    Endless,
    /// Answers 410 where something is to be changed that was deleted.
    SaysGone,
    /// Takes one resource at a time, and gives a gateway's page for its statement.
    OneByOneBehindAPage,
    /// Answers what is written one at a time with a page to sign in, status 200, and does nothing.
    SignIn,
    /// Takes one resource at a time, and answers with nothing but the version.
    TerselyOneByOne,
    /// Answers 403 to searches of one type.
    #[allow(dead_code, reason = "the tests of reconciling use it")]
    RefusesSearch(&'static str),
    /// Takes one resource at a time, and says so.
    NoTransactions,
    /// Its index of a type lags behind: no search and no condition finds one of it.
    Lags(&'static str),
    /// Its searches for a type give an empty first page, which names a total and a next one.
    EmptyFirstPage(&'static str),
    /// Its searches give Tasks without these elements, and say so.
    Subsets(&'static [&'static str]),
    /// It never gives the whole of a Task, and says so.
    Masks,
    /// Gives the result of a search again to whoever does not ask for a new one.
    Caches,
}

/// A running stub.
pub(crate) struct Stub {
    pub(crate) base: String,
    inner: Arc<Inner>,
}

struct Inner {
    manner: Mutex<Manner>,
    held: Mutex<Held>,
    seen: Mutex<Seen>,
    /// What somebody does as soon as the next transaction was written: type, element, value.
    edit: Mutex<Option<(&'static str, &'static str, Value)>>,
    /// What each search found last.
    searches: Mutex<HashMap<(String, String), Value>>,
}

#[derive(Clone, Default)]
struct Held {
    /// By `Type/id`, with the version inside.
    resources: BTreeMap<String, Value>,
    next: u64,
}

/// What came in.
#[derive(Default)]
struct Seen {
    bodies: HashSet<Vec<u8>>,
    targets: Vec<String>,
    authorization: Vec<String>,
    /// Every reading that would have taken an old answer.
    cacheable: Vec<String>,
}

impl Stub {
    pub(crate) async fn start(manner: Manner) -> Self {
        let inner = Arc::new(Inner {
            manner: Mutex::new(manner),
            held: Mutex::default(),
            seen: Mutex::default(),
            edit: Mutex::default(),
            searches: Mutex::default(),
        });
        let state = Arc::clone(&inner);
        let app =
            axum::Router::new().fallback(move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
                let state = Arc::clone(&state);
                async move { state.answer(&method, &uri, &headers, &body).await }
            });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/fhir", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { base, inner }
    }

    pub(crate) fn behave(&self, manner: Manner) {
        *lock(&self.inner.manner) = manner;
    }

    /// As soon as the next transaction is written, somebody changes the first resource of a type in it.
    #[allow(dead_code)]
    pub(crate) fn edit_after_writing(&self, kind: &'static str, name: &'static str, value: Value) {
        *lock(&self.inner.edit) = Some((kind, name, value));
    }

    /// How many resources of each type it holds.
    pub(crate) fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for key in lock(&self.inner.held).resources.keys() {
            let kind = key.split('/').next().unwrap().to_owned();
            *counts.entry(kind).or_default() += 1;
        }
        counts
    }

    /// Every path and query that was asked for.
    pub(crate) fn targets(&self) -> Vec<String> {
        lock(&self.inner.seen).targets.clone()
    }

    /// Every reading that did not ask for what is there now.
    pub(crate) fn cacheable(&self) -> Vec<String> {
        lock(&self.inner.seen).cacheable.clone()
    }

    /// Every `Authorization` that came.
    pub(crate) fn authorization(&self) -> Vec<String> {
        lock(&self.inner.seen).authorization.clone()
    }

    pub(crate) fn put(&self, resource: Value) -> Value {
        lock(&self.inner.held).put(resource)
    }

    /// The resources of a type.
    pub(crate) fn all(&self, kind: &str) -> Vec<Value> {
        let held = lock(&self.inner.held);
        let is_kind = |key: &&String| key.starts_with(&format!("{kind}/"));
        held.resources.keys().filter(is_kind).map(|key| held.resources[key].clone()).collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    async fn answer(&self, method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Response<Body> {
        let manner = lock(&self.manner).clone();
        let is_repeat = {
            let mut seen = lock(&self.seen);
            seen.targets.push(uri.to_string());
            let is_reading = method == Method::GET || uri.path().ends_with("/_search");
            if is_reading && headers.get(header::CACHE_CONTROL).is_none_or(|value| value != "no-cache") {
                seen.cacheable.push(uri.to_string());
            }
            seen.authorization
                .extend(headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned()));
            !seen.bodies.insert(body.to_vec())
        };
        let path = uri.path().trim_start_matches("/fhir").trim_matches('/');
        if let Manner::Redirects(to) = &manner {
            let builder = Response::builder().status(307).header(header::LOCATION, format!("{to}/{path}"));
            return builder.body(Body::empty()).unwrap();
        }
        let is_write = method == Method::POST && path.is_empty();
        match (&manner, is_write) {
            (Manner::Busy(status, wait), true) => {
                let builder = Response::builder().status(*status).header(header::RETRY_AFTER, *wait);
                return builder.body(Body::empty()).unwrap();
            }
            (Manner::ConflictOnReplay, true) if is_repeat => return outcome(409, "conflict"),
            _ => {}
        }
        let steps: Vec<&str> = path.split('/').collect();
        let is_behind_a_page = manner == Manner::OneByOneBehindAPage;
        let is_one_by_one =
            matches!(manner, Manner::NoTransactions | Manner::TerselyOneByOne | Manner::SignIn)
                || is_behind_a_page;
        match (method.as_str(), steps.as_slice()) {
            ("POST", [""]) if !is_one_by_one => {
                self.transaction(&manner, &serde_json::from_slice(body).unwrap()).await
            }
            ("POST", [""]) => outcome(404, "not-supported"),
            ("POST", [kind, "_search"]) if matches!(manner, Manner::RefusesSearch(of) if of == *kind) => {
                outcome(403, "forbidden")
            }
            ("POST", [kind, "_search"]) => {
                let form = String::from_utf8(body.to_vec()).unwrap();
                let (name, value) = form.split('&').next().unwrap().split_once('=').unwrap();
                let value = decode(value).replace('\\', "");
                if matches!(manner, Manner::EmptyFirstPage(of) if of == *kind) {
                    return reply(
                        200,
                        &json!({"resourceType": "Bundle", "type": "searchset", "total": 1, "entry": [],
                            "link": [{"relation": "next", "url": "?page=2"}]}),
                    );
                }
                let anew = headers.get(header::CACHE_CONTROL).is_some_and(|value| value == "no-cache");
                let mut old = lock(&self.searches);
                if let Some(old) = old.get(&(path.to_owned(), form.clone()))
                    && manner == Manner::Caches
                    && !anew
                {
                    return reply(200, old);
                }
                let held = lock(&self.held);
                let found = match decode(name).as_str() {
                    "identifier" if matches!(manner, Manner::Lags(of) if of == *kind) => Vec::new(),
                    "identifier" => held.matching(kind, &value),
                    "patient" => held.pointing(kind, "for", &value),
                    name => held.pointing(kind, name, &value),
                };
                drop(held);
                let entries: Vec<Value> = found
                    .into_iter()
                    .map(|resource| shown(&manner, resource, true))
                    .map(|resource| json!({"resource": resource}))
                    .collect();
                let bundle = json!({"resourceType": "Bundle", "type": "searchset", "total": entries.len(), "entry": entries});
                old.insert((path.to_owned(), form), bundle.clone());
                reply(200, &bundle)
            }
            ("GET", ["metadata"]) if is_behind_a_page => {
                Response::builder().body(Body::from("<html>maintenance</html>")).unwrap()
            }
            ("GET", ["metadata"]) if is_one_by_one => reply(
                200,
                &json!({"resourceType": "CapabilityStatement", "rest": [{"mode": "server", "interaction": [{"code": "batch"}]}]}),
            ),
            // As a system's own staff writes something new.
            ("POST", [_]) if headers.get("if-none-exist").is_none() && !is_one_by_one => {
                reply(201, &lock(&self.held).put(serde_json::from_slice(body).unwrap()))
            }
            ("POST" | "PUT", [_] | [_, _]) => self.single(&manner, path, uri.query(), headers, body),
            ("DELETE", [kind, id]) => {
                lock(&self.held).resources.remove(&format!("{kind}/{id}"));
                outcome(200, "informational")
            }
            ("GET", [kind, id]) => match lock(&self.held).resources.get(&format!("{kind}/{id}")) {
                Some(resource) => reply(200, &shown(&manner, resource.clone(), false)),
                None => outcome(404, "not-found"),
            },
            _ => outcome(404, "not-found"),
        }
    }

    /// A write outside a transaction.
    fn single(
        &self,
        manner: &Manner,
        path: &str,
        query: Option<&str>,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Response<Body> {
        if *manner == Manner::SignIn {
            let builder = Response::builder().header(header::CONTENT_TYPE, "text/html");
            return builder.header(header::ETAG, "\"65\"").body(Body::from("<html>sign in</html>")).unwrap();
        }
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        let url = query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
        let method = if text("if-none-exist").is_some() { "POST" } else { "PUT" };
        let mut resource: Value = serde_json::from_slice(body).unwrap();
        let entry = json!({
            "resource": resource.clone(),
            "request": {"method": method, "url": url, "ifMatch": text("if-match"), "ifNoneExist": text("if-none-exist")},
        });
        let mut held = lock(&self.held);
        match place(&held, manner, &entry) {
            Ok((id, is_new, write)) => {
                let id = id.unwrap_or_else(|| held.fresh());
                resource["id"] = json!(id);
                let key = format!("{}/{id}", resource["resourceType"].as_str().unwrap());
                let stored = if write { held.put(resource) } else { held.resources[&key].clone() };
                if *manner == Manner::TerselyOneByOne && !is_new {
                    let etag = format!("W/\"{}\"", stored["meta"]["versionId"].as_str().unwrap());
                    return Response::builder().header(header::ETAG, etag).body(Body::empty()).unwrap();
                }
                reply(if is_new { 201 } else { 200 }, &stored)
            }
            Err((status, code)) => outcome(status, code),
        }
    }

    async fn transaction(&self, manner: &Manner, bundle: &Value) -> Response<Body> {
        let entries = bundle["entry"].as_array().unwrap();
        let before = lock(&self.held).clone();
        if *manner == Manner::Racy {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let mut held = lock(&self.held);
        // What the conditions see: a racy server decides on what was there a moment ago.
        let view = if *manner == Manner::Racy { before } else { held.clone() };
        let mut after = held.clone();
        let mut answers = Vec::new();
        let mut ids: HashMap<String, String> = HashMap::new();
        let mut writes = Vec::new();
        for entry in entries {
            let kind = entry["resource"]["resourceType"].as_str().unwrap();
            if let Manner::RefusesEntry(refused, status) = manner
                && kind == *refused
            {
                answers
                    .push(json!({"response": {"status": status.to_string(), "outcome": issue("conflict")}}));
                continue;
            }
            match place(&view, manner, entry) {
                Ok((id, is_new, write)) => {
                    let id = id.unwrap_or_else(|| after.fresh());
                    if let Some(url) = entry["fullUrl"].as_str() {
                        ids.insert(url.to_owned(), format!("{kind}/{id}"));
                    }
                    answers.push(json!({"response": {"status": if is_new { "201 Created" } else { "200 OK" }}, "at": format!("{kind}/{id}")}));
                    if write {
                        writes.push((answers.len() - 1, id, entry["resource"].clone()));
                    }
                }
                Err((status, code)) => return outcome(status, code),
            }
        }
        for (_, id, resource) in &writes {
            let mut text = resource.to_string();
            for (urn, literal) in &ids {
                text = text.replace(urn, literal);
            }
            let mut resource: Value = serde_json::from_str(&text).unwrap();
            resource["id"] = json!(id);
            after.put(resource);
        }
        for answer in &mut answers {
            let Some(at) = answer["at"].as_str().map(str::to_owned) else { continue };
            let version = after.resources[&at]["meta"]["versionId"].as_str().unwrap().to_owned();
            answer.as_object_mut().unwrap().remove("at");
            match manner {
                Manner::NoLocation => {}
                Manner::ForeignLocation => {
                    answer["response"]["location"] = json!(format!("https://elsewhere.example/fhir/{at}"));
                }
                _ => {
                    answer["response"]["location"] = json!(format!("{at}/_history/{version}"));
                    answer["response"]["etag"] = json!(format!("W/\"{version}\""));
                }
            }
        }
        *held = after;
        if let Some((kind, name, value)) = lock(&self.edit).take() {
            let is_kind = |(key, _): &(&String, &Value)| key.starts_with(&format!("{kind}/"));
            let mut edited = held.resources.iter().find(is_kind).unwrap().1.clone();
            edited[name] = value;
            held.put(edited);
        }
        drop(held);
        match manner {
            Manner::Answers(text) => Response::new(Body::from(*text)),
            Manner::Status(status) => outcome(*status, "exception"),
            Manner::Endless => Response::new(Body::from(vec![b' '; 64 << 20])),
            _ => reply(
                200,
                &json!({"resourceType": "Bundle", "type": "transaction-response", "entry": answers}),
            ),
        }
    }
}

/// A resource as it is shown: a part of it, with a label that says so.
fn shown(manner: &Manner, mut resource: Value, is_search: bool) -> Value {
    if resource["resourceType"] == "Task" {
        match manner {
            Manner::Subsets(names) if is_search => {
                names.iter().for_each(|name| drop(resource.as_object_mut().unwrap().remove(*name)));
                resource["meta"]["tag"] = json!([{"code": "SUBSETTED"}]);
            }
            Manner::Masks => resource["meta"]["security"] = json!([{"code": "MASKED"}]),
            _ => {}
        }
    }
    resource
}

/// Where an entry goes: an id where one is there, whether it is new, and whether it is written at all.
fn place(
    view: &Held,
    manner: &Manner,
    entry: &Value,
) -> Result<(Option<String>, bool, bool), (u16, &'static str)> {
    let request = &entry["request"];
    let kind = entry["resource"]["resourceType"].as_str().unwrap();
    let url = request["url"].as_str().unwrap();
    let conditional = request["ifNoneExist"].as_str().or_else(|| url.split_once('?').map(|(_, query)| query));
    if let Some(query) = conditional {
        if *manner == Manner::IgnoresConditions {
            return Ok((None, true, true));
        }
        let query = decode(query.split_once('=').unwrap().1);
        let lags = matches!(manner, Manner::Lags(of) if *of == kind);
        let found = if lags { Vec::new() } else { view.matching(kind, &query) };
        let is_update = request["method"] == "PUT";
        return match found.as_slice() {
            [] => Ok((None, true, true)),
            [one] => Ok((Some(one["id"].as_str().unwrap().to_owned()), false, is_update)),
            _ => Err((412, "multiple-matches")),
        };
    }
    let id = url.split_once('/').unwrap().1;
    let there = view.resources.get(url);
    if let Some(wanted) = request["ifMatch"].as_str() {
        // What is gone has no version: servers say so in one of these ways.
        let gone = if *manner == Manner::SaysGone { (410, "deleted") } else { (412, "conflict") };
        let version = there.ok_or(gone)?["meta"]["versionId"].as_str().unwrap();
        if wanted != format!("W/\"{version}\"") {
            return Err((412, "conflict"));
        }
    }
    Ok((Some(id.to_owned()), there.is_none(), true))
}

impl Held {
    fn fresh(&mut self) -> String {
        self.next += 1;
        format!("s{}", self.next)
    }

    fn put(&mut self, mut resource: Value) -> Value {
        let kind = resource["resourceType"].as_str().unwrap().to_owned();
        let id = resource["id"].as_str().map_or_else(|| self.fresh(), str::to_owned);
        let key = format!("{kind}/{id}");
        let version = self.resources.get(&key).map_or(0, |old| {
            old["meta"]["versionId"].as_str().and_then(|text| text.parse::<u64>().ok()).unwrap()
        });
        resource["id"] = json!(id);
        resource["meta"]["versionId"] = json!((version + 1).to_string());
        self.resources.insert(key, resource.clone());
        resource
    }

    /// Resources that point at something with an element of the parameter's name.
    fn pointing(&self, kind: &str, name: &str, place: &str) -> Vec<Value> {
        let points = |value: &Value| value["reference"] == place || value[0]["reference"] == place;
        let is = |resource: &&Value| resource["resourceType"] == kind && points(&resource[name]);
        self.resources.values().filter(is).cloned().collect()
    }

    fn matching(&self, kind: &str, query: &str) -> Vec<Value> {
        let (system, value) = query.split_once('|').unwrap();
        let is = |resource: &&Value| {
            let has = |list: &Value, name: &str| {
                list.as_array().into_iter().flatten().any(|one| one["system"] == system && one[name] == value)
            };
            resource["resourceType"] == kind
                && (has(&resource["identifier"], "value") || has(&resource["meta"]["tag"], "code"))
        };
        self.resources.values().filter(is).cloned().collect()
    }
}

fn reply(status: u16, body: &Value) -> Response<Body> {
    let builder = Response::builder().status(StatusCode::from_u16(status).unwrap());
    builder.header(header::CONTENT_TYPE, "application/fhir+json").body(Body::from(body.to_string())).unwrap()
}

fn issue(code: &str) -> Value {
    json!({"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": code}]})
}

fn outcome(status: u16, code: &str) -> Response<Body> {
    reply(status, &issue(code))
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// A way to a server that passes requests on and may cut the answer of a transaction off.
pub(crate) struct Proxy {
    pub(crate) base: String,
    cuts: Arc<Mutex<Option<usize>>>,
}

impl Proxy {
    pub(crate) async fn to(base: &str) -> Self {
        let rest = base.strip_prefix("http://").unwrap();
        let (address, path) =
            rest.split_once('/').map_or((rest, String::new()), |(a, p)| (a, format!("/{p}")));
        let address = address.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = format!("http://{}{path}", listener.local_addr().unwrap());
        let cuts = Arc::new(Mutex::new(None));
        let shared = Arc::clone(&cuts);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (address, cuts) = (address.clone(), Arc::clone(&shared));
                tokio::spawn(async move { pass(client, &address, &cuts).await });
            }
        });
        Self { base: own, cuts }
    }

    /// From now on, answers to transactions end after so many bytes. None: not at all.
    pub(crate) fn cut_after(&self, bytes: Option<usize>) {
        *lock(&self.cuts) = bytes;
    }
}

/// One connection: requests and answers take turns, as HTTP/1.1 without pipelining does.
async fn pass(client: TcpStream, address: &str, cuts: &Mutex<Option<usize>>) -> Option<()> {
    let server = TcpStream::connect(address).await.ok()?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let is_write = Arc::new(Mutex::new(false));
    let writes = Arc::clone(&is_write);
    let up = tokio::spawn(async move {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
            let head = String::from_utf8_lossy(&buffer[..read.min(64)]).into_owned();
            if let Some(target) = head.strip_prefix("POST ").and_then(|rest| rest.split(' ').next()) {
                *lock(&writes) = !target.ends_with("/_search");
            } else if head.starts_with("GET ") {
                *lock(&writes) = false;
            }
            if to_server.write_all(&buffer[..read]).await.is_err() {
                break;
            }
        }
    });
    let mut buffer = vec![0; 64 << 10];
    while let Ok(read @ 1..) = from_server.read(&mut buffer).await {
        let cut = if *lock(&is_write) { *lock(cuts) } else { None };
        let pass = cut.map_or(read, |bytes| bytes.min(read));
        to_client.write_all(&buffer[..pass]).await.ok()?;
        if cut.is_some() {
            break;
        }
    }
    up.abort();
    None
}
