//! Parcels of invented people, made by the planner as the daemon makes them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use sp_fhir::codeset::Codeset;
use sp_fhir::event::ReferralEvent;
use sp_fhir::event::build::NhsNumberRule;
use sp_fhir::event::finish::Identities;
use sp_fhir::event::person::ExternalId;
use sp_fhir::event::read::read;
use sp_fhir::map::mapper::Settings;
use sp_fhir::map::refs::Form;
use sp_fhir::outbox::Parcel;
use sp_fhir::plan::{Known, Planner, Route, Routes, Submission};
use sp_fhir::tree::{Limits, json};

use crate::common::test_number;

pub(crate) const PRACTICE: &str = "Z99961";
const SOURCE: &str = "https://elmfield-sp.example/cases";
/// The service, as Tasks of a stub name their owner.
pub(crate) const SERVICE: &str = "Organization/us";
/// The system of the clinical system's own requests.
pub(crate) const REQUESTS: &str = "https://gp.example/request";

/// An invented person with a number of the test range that no other test uses.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) number: String,
    pub(crate) family: String,
    pub(crate) birth_date: &'static str,
}

impl Person {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        // Real servers outlive a run of the tests: start somewhere else each time.
        let start = std::process::id() % 9000 * 100;
        loop {
            let middle = start + NEXT.fetch_add(1, Ordering::Relaxed);
            if let Some(number) = test_number(middle % 1_000_000) {
                return Self { number, family: "Ŵyn-Öztürk".into(), birth_date: "1964-09-23" };
            }
        }
    }

    /// The Patient as a clinical system would hold it.
    pub(crate) fn patient(&self) -> serde_json::Value {
        serde_json::json!({
            "resourceType": "Patient",
            "identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": self.number}],
            "name": [{"family": "WYN ÖZTÜRK", "given": ["Małgorzata"]}],
            "birthDate": self.birth_date,
            "generalPractitioner": [
                {"identifier": {"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": PRACTICE}}
            ],
        })
    }
}

/// A planner that sends everything to one endpoint, for test numbers.
pub(crate) fn planner(endpoint: &str) -> Planner {
    Planner {
        codeset: Codeset::embedded().unwrap(),
        settings: Settings {
            form: Form::Transaction,
            code_in_every_bundle: true,
            recorded_at: "2026-11-20T12:00:00Z".parse().unwrap(),
            agent: "tests".into(),
            repair_codes: false,
            create_patient: false,
        },
        routes: Routes(vec![Route {
            endpoint: endpoint.to_owned(),
            practices: Vec::new(),
            test: true,
            expires_after: std::time::Duration::from_secs(86400),
            answers: true,
        }]),
        identities: Identities::default(),
    }
}

/// One parcel per event of a referral, in their order.
pub(crate) fn referral(person: &Person, case: &str, kinds: &[&str]) -> Vec<Parcel> {
    planned(person, case, kinds, None)
}

/// The same for a referral that answers a request of the clinical system.
pub(crate) fn answering(person: &Person, case: &str, kinds: &[&str], request: &str) -> Vec<Parcel> {
    planned(person, case, kinds, Some(request))
}

fn planned(person: &Person, case: &str, kinds: &[&str], request: Option<&str>) -> Vec<Parcel> {
    let planner = planner("gp");
    let mut known = Known::default();
    let mut parcels = Vec::new();
    for (day, kind) in (1..).zip(kinds) {
        let referral = format!("{case}-{}x", person.number);
        let mut event = event(SOURCE, &referral, &format!("{case}/{kind}/{day}"), person, (kind, day));
        if let Some(request) = request {
            fulfil(&mut event, request);
        }
        let came = Submission {
            source: Arc::clone(&event.source),
            referral_id: Arc::from(&*event.referral_id),
            events: vec![event.clone()],
            snapshot: false,
            versioned: false,
        };
        let plan = planner.plan(&known, &came, &[], "2026-11-20T12:00:00Z".parse().unwrap());
        assert_eq!(plan.entries.len(), 1, "{kind}: {:?}", plan.verdicts);
        let (state, reason) = plan.entries[0].disposition.state();
        let parcel = plan.entries[0].disposition.parcel();
        parcels.push(parcel.unwrap_or_else(|| panic!("{kind}: {state:?} {reason:?}")).clone());
        known.events.push((event, 1));
        known.endpoint = Some("gp".into());
    }
    parcels
}

/// Lets an event name the request of the clinical system that its referral answers.
pub(crate) fn fulfil(event: &mut ReferralEvent, request: &str) {
    let request = ExternalId { system: REQUESTS.into(), value: request.into() };
    Arc::make_mut(&mut event.record).fulfils = Some(request);
}

/// An event of a referral of a person: its kind, and its day in March.
pub(crate) fn event(
    source: &str,
    referral: &str,
    id: &str,
    person: &Person,
    (kind, day): (&str, u32),
) -> ReferralEvent {
    let detail = match kind {
        "referred" => r#""reasons":["Loneliness / isolation"]"#,
        "attended" => r#""mode":"home""#,
        "assessed" => r#""scores":[{"id":"a","measure":"ONS4","value":3}]"#,
        "completed" => r#""outcome":"better","message":"Joined the choir.""#,
        _ => "",
    };
    let Person { number, family, birth_date } = person;
    let text = format!(
        r#"{{"source":"{source}","event_id":"{id}","referral_id":"{referral}",
        "type":"{kind}","occurred_at":"2026-03-{day:02}","detail":{{{detail}}},"record":{{
        "person":{{"nhs_number":"{number}","family":"{family}","birth_date":"{birth_date}","practice_ods":"{PRACTICE}"}},
        "referrer":{{"name":"Dr Efa Prydderch","organisation_ods":"{PRACTICE}"}},
        "service":{{"kind":"link-worker","name":"Elmfield link workers"}},
        "consent":{{"share":"full","date":"2026-03-01"}}}}}}"#
    );
    let node = json::parse(text.as_bytes(), &Limits::default()).unwrap();
    let (event, issues) = read(&node, &Identities::default(), NhsNumberRule::Reject);
    event.unwrap_or_else(|| panic!("{kind}: {issues:?}"))
}
