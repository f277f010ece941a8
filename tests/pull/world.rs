//! A puller, its store, its clock, and a sink that keeps what it was given.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use sp_fhir::clock::ManualClock;
use sp_fhir::codeset::Codeset;
use sp_fhir::endpoint::Work;
use sp_fhir::endpoint::auth::none::NoAuth;
use sp_fhir::endpoint::auth::tls::TlsFiles;
use sp_fhir::endpoint::fhir_rest::base::Base;
use sp_fhir::endpoint::fhir_rest::client::{self, Client, Limits};
use sp_fhir::endpoint::fhir_rest::{self, FhirRest};
use sp_fhir::event::finish::Identities;
use sp_fhir::pull::run::{Puller, Settings};
use sp_fhir::pull::sink::{Batch, Sink, SinkError};
use sp_fhir::store::{Keeper, MemoryStore, Onward};

pub(crate) const SOURCE: &str = "https://gp.example/requests";

/// Keeps what it is given; refuses while it is told to.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) events: Mutex<Vec<Value>>,
    pub(crate) batches: Mutex<usize>,
    pub(crate) refuses: Mutex<bool>,
}

impl Sink for Kept {
    fn hand_over<'a>(&'a self, batch: &'a Batch<'a>) -> Work<'a, Result<(), SinkError>> {
        Box::pin(async move {
            if *self.refuses.lock().unwrap() {
                return Err(SinkError { sink: "test".into(), problem: "full".into() });
            }
            *self.batches.lock().unwrap() += 1;
            let events = batch.events.iter().map(|event| serde_json::to_value(event).unwrap());
            self.events.lock().unwrap().extend(events);
            Ok(())
        })
    }
}

pub(crate) struct World {
    pub(crate) puller: Puller,
    pub(crate) kept: Arc<Kept>,
    pub(crate) keeper: Keeper,
    pub(crate) clock: Arc<ManualClock>,
}

impl World {
    pub(crate) fn new(base: &str, owner: &str) -> Self {
        Self::with(base, owner, Vec::new())
    }

    pub(crate) fn with(base: &str, owner: &str, webhooks: Vec<Onward>) -> Self {
        let clock = Arc::new(ManualClock::new("2099-01-01T00:00:00Z".parse().unwrap(), 1));
        let client = Client::open(client::Settings {
            base: Base::parse(base).unwrap(),
            auth: Arc::new(NoAuth::at(base).unwrap()),
            limits: Limits::default(),
            tls: TlsFiles::default(),
            clock: Arc::clone(&clock) as Arc<_>,
            skew: Arc::default(),
        });
        let server = FhirRest::new(fhir_rest::Settings {
            name: "gp".into(),
            practices: Vec::new(),
            owner: Some(owner.into()),
            provenance: None,
            client: client.unwrap(),
            clock: Arc::clone(&clock) as Arc<_>,
        });
        let (keeper, _) = Keeper::start(MemoryStore::new(), 16).unwrap();
        let kept = Arc::new(Kept::default());
        let puller = Puller::new(Settings {
            server: Arc::new(server),
            keeper: keeper.clone(),
            clock: Arc::clone(&clock) as Arc<_>,
            codeset: Codeset::embedded().unwrap(),
            identities: Identities { source: Some(Arc::from(SOURCE)), ..Identities::default() },
            owner: Some(owner.into()),
            requester: None,
            overlap: Duration::from_secs(600),
            sinks: vec![Arc::clone(&kept) as Arc<dyn Sink>],
            webhooks,
        });
        Self { puller, kept, keeper, clock }
    }

    /// Types of the events handed over so far, with their referral's id.
    pub(crate) fn events(&self) -> Vec<(String, String)> {
        let text = |event: &Value, key: &str| event[key].as_str().unwrap().to_owned();
        let events = self.kept.events.lock().unwrap();
        events.iter().map(|event| (text(event, "type"), text(event, "referral_id"))).collect()
    }

    /// Forgets what was handed over.
    pub(crate) fn clear(&self) {
        self.kept.events.lock().unwrap().clear();
    }

    pub(crate) async fn cursor(&self, kind: &str, parameter: &str, owner: &str) -> Option<String> {
        let name = format!("pull/gp/{kind}?{parameter}={owner}");
        self.keeper.run(move |store| store.note(&name)).await.unwrap()
    }
}

pub(crate) fn patient(number: &str) -> Value {
    json!({"resourceType": "Patient", "identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": number}],
        "name": [{"family": "Wyn", "given": ["Małgorzata"]}], "birthDate": "1964-09-23"})
}

pub(crate) fn request(case: &str, patient: &str, owner: &str) -> Value {
    json!({"resourceType": "ServiceRequest", "identifier": [{"system": "https://gp.example/request", "value": case}],
        "status": "active", "intent": "order", "subject": {"reference": patient}, "authoredOn": "2026-11-02",
        "performer": [{"reference": owner}], "reasonCode": [{"text": "Lonely"}]})
}

pub(crate) fn task(request: &str, patient: &str, owner: &str) -> Value {
    json!({"resourceType": "Task", "status": "requested", "intent": "order", "focus": {"reference": request},
        "for": {"reference": patient}, "owner": {"reference": owner}, "lastModified": "2026-11-03T08:30:00Z"})
}
