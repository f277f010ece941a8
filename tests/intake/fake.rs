//! A fake keeper, a server around it, and a client that sends raw bytes.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use sp_fhir::clock::ManualClock;
use sp_fhir::codeset::Codeset;
use sp_fhir::config::{Config, Http, HttpAuth, Places};
use sp_fhir::endpoint::Work;
use sp_fhir::event::finish::Identities;
use sp_fhir::event::{IssueCode, ReferralEvent};
use sp_fhir::intake::http::{Auth, Intake, Limits, Parts, Readiness, router, serve};
use sp_fhir::intake::keep::Keep;
use sp_fhir::outbox::State;
use sp_fhir::plan::{Doubt, Submission};
use sp_fhir::store::{Acceptance, AcceptedEvent, Answer, StoreError};
use tokio::sync::watch;
use uuid::Uuid;

/// Knows events by source and id.
#[derive(Default)]
pub(crate) struct Fake {
    pub(crate) events: Mutex<BTreeMap<(String, String), (i64, ReferralEvent)>>,
    pub(crate) submissions: Mutex<Vec<Submission>>,
    pub(crate) doubts: Mutex<Vec<Doubt>>,
    pub(crate) nonces: Mutex<Vec<String>>,
    pub(crate) busy: AtomicBool,
    pub(crate) stopped: AtomicBool,
    pub(crate) calls: AtomicUsize,
    /// Done while events are handed over.
    pub(crate) meanwhile: Mutex<Option<Box<dyn Fn() + Send>>>,
}

impl Fake {
    pub(crate) fn count(&self) -> usize {
        self.events.lock().unwrap().len()
    }

    fn answer(&self, event: &ReferralEvent, came: &Submission) -> Answer {
        let mut events = self.events.lock().unwrap();
        let next = i64::try_from(events.len()).unwrap() + 1;
        let key = |id: i64| Uuid::from_u128(u128::try_from(id).unwrap());
        match events.get_mut(&(event.source.to_string(), event.event_id.clone())) {
            Some((id, known)) if known.says_the_same_as(event) => {
                Answer::Repeat { id: Some(*id), key: Some(key(*id)) }
            }
            Some((_, known))
                if !(came.snapshot || came.versioned && known.recorded_at < event.recorded_at) =>
            {
                Answer::Refused(IssueCode::EventChanged)
            }
            Some((id, known)) => {
                *known = event.clone();
                Answer::Accepted { id: *id, key: key(*id), state: State::Pending }
            }
            None => {
                events.insert((event.source.to_string(), event.event_id.clone()), (next, event.clone()));
                Answer::Accepted { id: next, key: key(next), state: State::Pending }
            }
        }
    }
}

impl Keep for Fake {
    fn accept(&self, came: Vec<Submission>) -> Work<'_, Result<Vec<Acceptance>, StoreError>> {
        Box::pin(async move {
            self.calls.fetch_add(1, Ordering::SeqCst);
            if let Some(meanwhile) = self.meanwhile.lock().unwrap().as_ref() {
                meanwhile();
            }
            if self.busy.load(Ordering::SeqCst) {
                return Err(StoreError::Busy);
            }
            if self.stopped.load(Ordering::SeqCst) {
                return Err(StoreError::Stopped);
            }
            let answers = came.iter().map(|submission| Acceptance {
                events: submission
                    .events
                    .iter()
                    .map(|event| AcceptedEvent {
                        event_id: event.event_id.clone(),
                        answer: self.answer(event, submission),
                    })
                    .collect(),
                ..Acceptance::default()
            });
            let answers = answers.collect();
            self.submissions.lock().unwrap().extend(came);
            Ok(answers)
        })
    }

    fn heed(&self, doubts: Vec<Doubt>) -> Work<'_, Result<(), StoreError>> {
        Box::pin(async move {
            if self.busy.load(Ordering::SeqCst) {
                return Err(StoreError::Busy);
            }
            self.doubts.lock().unwrap().extend(doubts);
            Ok(())
        })
    }

    fn see(&self, _: &'static str, key: String, _: Timestamp) -> Work<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            let mut nonces = self.nonces.lock().unwrap();
            let new = !nonces.contains(&key);
            nonces.push(key);
            Ok(new)
        })
    }
}

/// A server that stops when it is dropped.
pub(crate) struct Server {
    pub(crate) at: SocketAddr,
    pub(crate) keep: Arc<Fake>,
    pub(crate) ready: Arc<AtomicBool>,
    pub(crate) clock: Arc<ManualClock>,
    stop: watch::Sender<bool>,
    runtime: Option<tokio::runtime::Runtime>,
}

/// What a test sets.
pub(crate) struct Setting {
    pub(crate) auth: HttpAuth,
    pub(crate) limits: Limits,
    pub(crate) http: Http,
}

impl Default for Setting {
    fn default() -> Self {
        let http = Config::parse("", None, &Places::default()).unwrap().http.unwrap();
        Self { auth: HttpAuth::None, limits: Limits::default(), http }
    }
}

impl Server {
    pub(crate) fn start(setting: Setting) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let keep = Arc::new(Fake::default());
        let ready = Arc::new(AtomicBool::new(true));
        let clock = Arc::new(ManualClock::new("2026-11-20T12:00:00Z".parse().unwrap(), 7));
        let is_ready = Arc::clone(&ready);
        let intake = Intake::new(
            &setting.http,
            setting.limits,
            Parts {
                auth: Auth::open(&setting.auth).unwrap(),
                keep: Arc::clone(&keep) as Arc<dyn Keep>,
                clock: Arc::clone(&clock) as Arc<dyn sp_fhir::clock::Clock>,
                codeset: Codeset::embedded().unwrap(),
                identities: Identities::default(),
                ready: Arc::new(move || {
                    let ready = is_ready.load(Ordering::SeqCst);
                    let reasons = if ready { Vec::new() } else { vec!["the store has stopped".to_owned()] };
                    Readiness { ready, reasons, ..Readiness::default() }
                }),
            },
        );
        let (stop, stopped) = watch::channel(false);
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let at = listener.local_addr().unwrap();
        runtime.spawn(serve(listener, router(Arc::new(intake)), setting.limits, stopped));
        Self { at, keep, ready, clock, stop, runtime: Some(runtime) }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.at).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// Sends bytes as they are and reads to the end of the connection.
    pub(crate) fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        stream.write_all(bytes).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n",
            body.len()
        );
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        Reply::parse(&self.raw(&[request.as_bytes(), body].concat()))
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], b"")
    }

    pub(crate) fn json(&self, body: &str) -> Reply {
        self.send("POST", "/events", &[("Content-Type", "application/json")], body.as_bytes())
    }

    pub(crate) fn stop(&self) {
        let _ = self.stop.send(true);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(5));
        }
    }
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Self { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    pub(crate) fn value(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The code of an OperationOutcome's first issue.
    pub(crate) fn code(&self) -> String {
        let value = self.value();
        assert_eq!(value["resourceType"], "OperationOutcome", "{value}");
        assert!(self.head.contains("content-type: application/fhir+json"), "{}", self.head);
        value["issue"][0]["details"]["coding"][0]["code"].as_str().unwrap().to_owned()
    }
}

/// An event of an invented person.
pub(crate) fn event(referral: &str, kind: &str, day: u32) -> String {
    event_of(referral, kind, day, "full")
}

pub(crate) fn event_of(referral: &str, kind: &str, day: u32, share: &str) -> String {
    format!(
        r#"{{"source":"https://scheme.example/cases","event_id":"{referral}/{kind}","referral_id":"{referral}","type":"{kind}","occurred_at":"2026-03-{day:02}","record":{{"person":{{"nhs_number":"9990004218","family":"Fôn-Quill","birth_date":"1950-04-01","practice_ods":"M85063"}},"service":{{"kind":"link-worker"}},"consent":{{"share":"{share}"}}}}}}"#
    )
}
