//! Invented people and what happens to their referrals. Next: `sender.rs`.

use serde_json::{Value, json};

use crate::common::test_number;

/// The practice of everybody who is not said to have another.
pub(crate) const PRACTICE: &str = "Z99961";
pub(crate) const SOURCE: &str = "https://elmfield-sp.example/cases";

/// The life of a referral, as it is sent.
pub(crate) const LIFE: [(&str, &str); 4] = [
    ("referred", r#"{"reasons":["Loneliness / isolation"]}"#),
    ("accepted", "{}"),
    ("attended", r#"{"mode":"home"}"#),
    ("completed", r#"{"outcome":"better","message":"Joined the choir."}"#),
];

/// An invented person.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) number: String,
    pub(crate) family: String,
    pub(crate) practice: &'static str,
}

impl Person {
    /// The person of a number; each number another.
    pub(crate) fn new(number: u32, practice: &'static str) -> Self {
        // One of two neighbours always has a check digit.
        let middle = [number * 2, number * 2 + 1];
        let number = middle.iter().find_map(|middle| test_number(middle % 1_000_000)).unwrap();
        Self { number, family: "Ŵyn-Öztürk".into(), practice }
    }

    /// The Patient as a clinical system would hold it.
    pub(crate) fn patient(&self) -> Value {
        json!({
            "resourceType": "Patient",
            "identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": self.number}],
            "name": [{"family": self.family, "given": ["Małgorzata"]}],
            "birthDate": "1964-09-23",
            "generalPractitioner": [
                {"identifier": {"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": self.practice}}
            ],
        })
    }

    /// One event of a referral of this person.
    pub(crate) fn event(&self, case: &str, place: usize) -> Value {
        let (kind, detail) = LIFE[place];
        let detail: Value = serde_json::from_str(detail).unwrap();
        json!({
            "source": SOURCE, "event_id": format!("{case}/{kind}"), "referral_id": case, "type": kind,
            "occurred_at": format!("2026-03-{:02}", place + 2), "detail": detail,
            "record": {
                "person": {"nhs_number": self.number, "family": self.family, "given": ["Małgorzata"],
                    "birth_date": "1964-09-23", "practice_ods": self.practice},
                "referrer": {"kind": "gp", "name": "Dr Efa Prydderch", "organisation_ods": self.practice},
                "service": {"kind": "link-worker", "name": "Elmfield link workers"},
                "consent": {"share": "full", "date": "2026-03-01"},
            },
        })
    }
}

/// Chance that can be had again: from `SP_FHIR_SEED`, or from the clock. Printed, so that a failure tells it.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new() -> Self {
        let given = std::env::var("SP_FHIR_SEED").ok().and_then(|seed| seed.parse().ok());
        let clock = || {
            let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
            u64::try_from(since.as_nanos() % u128::from(u64::MAX)).unwrap()
        };
        let seed = given.unwrap_or_else(clock) | 1;
        eprintln!("SP_FHIR_SEED={seed}");
        Self(seed)
    }

    /// Another of its kind, with numbers of its own.
    pub(crate) fn another(&mut self) -> Self {
        Self(self.below(u64::MAX) | 1)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % limit
    }
}
