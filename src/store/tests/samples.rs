//! Invented referrals, and what is needed to plan them.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::codeset::Codeset;
use crate::event::build::NhsNumberRule;
use crate::event::finish::Identities;
use crate::event::{ReferralEvent, read};
use crate::map::mapper::Settings;
use crate::map::refs::Form;
use crate::outbox::retry::RetryPolicy;
use crate::outbox::transition::Cause;
use crate::outbox::{Outcome, Placed, Receipt};
use crate::plan::{Planner, Route, Routes, Submission};
use crate::store::{Claim, Claimed, Decision, MemoryStore, Settled, SqliteStore, Store};
use crate::tree::{Limits, json};

pub(crate) const SOURCE: &str = "https://elmfield-sp.example/cases";
pub(crate) const OTHER_SOURCE: &str = "https://harbour-sp.example/cases";
pub(crate) const DAY: u64 = 24 * 3600;

/// A day in spring, at noon.
pub(crate) fn start() -> Timestamp {
    "2026-04-15T11:00:00Z".parse().unwrap()
}

pub(crate) fn planner() -> Planner {
    let route = |endpoint: &str, ods: &str| Route {
        endpoint: endpoint.into(),
        practices: vec![ods.into()],
        test: true,
        expires_after: Duration::from_secs(20 * DAY),
        answers: true,
    };
    Planner {
        codeset: Codeset::embedded().unwrap(),
        settings: Settings {
            form: Form::Transaction,
            code_in_every_bundle: true,
            recorded_at: start(),
            agent: "sp-fhir test".into(),
            repair_codes: false,
            create_patient: false,
        },
        routes: Routes(vec![route("north", "M85063"), route("south", "B82002")]),
        identities: Identities::default(),
    }
}

/// One event to be.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) source: &'static str,
    pub(crate) referral: String,
    pub(crate) event: String,
    pub(crate) kind: &'static str,
    pub(crate) day: String,
    pub(crate) number: Option<&'static str>,
    pub(crate) practice: &'static str,
    pub(crate) share: Option<(&'static str, &'static str)>,
    pub(crate) referrer: &'static str,
    pub(crate) protected: bool,
    pub(crate) family: &'static str,
    pub(crate) birth: &'static str,
    /// Absent: made of the number.
    pub(crate) local: Option<&'static str>,
    pub(crate) target: Option<&'static str>,
    /// The clinical system's request that it answers.
    pub(crate) request: Option<&'static str>,
    /// A reason and whether it is sensitive.
    pub(crate) need: Option<(&'static str, bool)>,
    /// A question that was answered in the person's own words.
    pub(crate) answer: Option<&'static str>,
}

pub(crate) fn told(referral: &str, kind: &'static str, day: &str) -> Told {
    Told {
        source: SOURCE,
        referral: referral.to_owned(),
        event: format!("{referral}/{kind}"),
        kind,
        day: day.to_owned(),
        number: Some("9990004218"),
        practice: "M85063",
        share: None,
        referrer: "gp",
        protected: false,
        family: "Ashdown",
        birth: "1951-08-02",
        local: None,
        target: None,
        request: None,
        need: None,
        answer: None,
    }
}

impl Told {
    pub(crate) fn event(&self) -> ReferralEvent {
        let mut person = serde_json::json!({
            "local_id": "P-17", "family": self.family, "given": ["Merel"], "birth_date": self.birth,
            "practice_ods": self.practice,
        });
        if let Some(number) = self.number {
            person["nhs_number"] = number.into();
            person["local_id"] = format!("P-{}", &number[7..]).into();
        }
        if let Some(local) = self.local {
            person["local_id"] = local.into();
        }
        if self.protected {
            person["protected"] = true.into();
        }
        let mut record = serde_json::json!({
            "person": person, "referrer": {"kind": self.referrer}, "service": {"kind": "link-worker"},
        });
        if let Some((share, day)) = self.share {
            record["consent"] = serde_json::json!({"share": share});
            if !day.is_empty() {
                record["consent"]["date"] = day.into();
            }
        }
        if let Some(request) = self.request {
            record["fulfils"] = serde_json::json!({"system": "https://gp.example/request", "value": request});
        }
        let mut wire = serde_json::json!({
            "schema": "sp-fhir-event/1", "source": self.source, "event_id": self.event, "referral_id": self.referral,
            "type": self.kind, "occurred_at": self.day, "record": record,
        });
        if let Some(target) = self.target {
            wire["target_event_id"] = target.into();
        }
        if let Some((text, sensitive)) = self.need {
            let term = serde_json::json!({"text": text, "controlled": true, "sensitive": sensitive});
            wire["detail"] = serde_json::json!({"reasons": [term], "note": "said in confidence"});
        }
        if let Some(answer) = self.answer {
            wire["detail"] =
                serde_json::json!({"answers": [{"id": "q1", "question": "What matters?", "value": answer}]});
        }
        let node = json::parse(&serde_json::to_vec(&wire).unwrap(), &Limits::default()).unwrap();
        let (event, issues) = read::read(&node, &Identities::default(), NhsNumberRule::Reject);
        event.unwrap_or_else(|| panic!("{issues:?}"))
    }
}

pub(crate) fn submission(snapshot: bool, told: &[Told]) -> Submission {
    let first = told.first().unwrap();
    Submission {
        source: Arc::from(first.source),
        referral_id: Arc::from(first.referral.as_str()),
        events: told.iter().map(Told::event).collect(),
        snapshot,
        versioned: false,
    }
}

pub(crate) fn by() -> Decision {
    Decision { actor: "j.marsh".into(), reason: "agreed with the practice".into() }
}

/// Both stores, each empty; the folder lives as long as the second.
pub(crate) fn both() -> (Vec<Box<dyn Store>>, tempfile::TempDir) {
    let (store, dir) = sqlite();
    (vec![Box::new(MemoryStore::new()), Box::new(store)], dir)
}

pub(crate) fn sqlite() -> (SqliteStore, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("data")).unwrap();
    (store, dir)
}

pub(crate) fn take(store: &mut dyn Store, endpoint: &str, now: Timestamp) -> Vec<Claimed> {
    let ask = Claim { endpoint, limit: 10, lease: Duration::from_secs(60), owner: 7, now };
    store.claim(&ask).unwrap()
}

pub(crate) fn settled(cause: Cause, policy: &RetryPolicy, now: Timestamp) -> Settled<'_> {
    Settled { cause, policy, jitter: 0.5, contents: Vec::new(), differing: Vec::new(), now }
}

pub(crate) fn accepted() -> Outcome {
    Outcome::Accepted(Receipt {
        status: Some(200),
        placed: vec![Placed {
            resource_type: "ServiceRequest".into(),
            uuid: "u-1".into(),
            id: "41".into(),
            version: Some("1".into()),
        }],
    })
}

/// Claims everything due and settles it as accepted.
pub(crate) fn deliver(store: &mut dyn Store, endpoint: &str, now: Timestamp) -> usize {
    let claimed = take(store, endpoint, now);
    for one in &claimed {
        assert!(store.record_request(&one.lease, "{}", now).unwrap().may_send());
        let cause = Cause::Ended(accepted());
        store.settle(&one.lease, &settled(cause, &RetryPolicy::default(), now)).unwrap().unwrap();
    }
    claimed.len()
}
