//! [`Report`]: what a reconciliation found, with counts that add up; as text and as JSON.
//!
//! Accepted is the sum of all states; resources of ours and unknown ones are the sum of all classes. What this is not: a place
//! for content. Invariant: everything that is not matched is listed with both sides. Next: [`super::csv`].

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::outbox::State;

use super::diff::{Class, Line, Note, Side};

/// What was found at one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AtEndpoint {
    /// Its name.
    pub endpoint: String,
    /// Every resource, compared.
    pub lines: Vec<Line>,
    /// Resources that it may have: nobody knows yet what came of their entries.
    pub in_doubt: u64,
    /// Types and identifier systems that it could not be asked to list: what is unknown there is not found.
    pub not_listed: Vec<(String, String)>,
}

impl AtEndpoint {
    /// How many resources are in each class; every class is there.
    #[must_use]
    pub fn classes(&self) -> BTreeMap<Class, u64> {
        let mut classes: BTreeMap<Class, u64> = Class::ALL.iter().map(|(class, ..)| (*class, 0)).collect();
        for line in &self.lines {
            *classes.entry(line.class).or_default() += 1;
        }
        classes
    }

    /// Resources that the endpoint said it has.
    #[must_use]
    pub fn ours(&self) -> u64 {
        self.lines.iter().filter(|line| line.class != Class::Unknown).count() as u64
    }

    /// Everything that a person should look at.
    pub fn not_matched(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| line.class != Class::Matched)
    }
}

/// What a reconciliation found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// When it was made.
    pub at: Timestamp,
    /// How many entries are in each state, by endpoint; the empty name is of those for which no endpoint is known.
    pub states: BTreeMap<(String, State), u64>,
    /// What was found, by endpoint.
    pub endpoints: Vec<AtEndpoint>,
    /// The endpoints that could not be read, and why: nothing is said of them.
    pub not_read: Vec<String>,
}

impl Report {
    /// Entries that were accepted.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.states.values().sum()
    }

    /// Whether nothing is anything but matched.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.not_read.is_empty() && self.endpoints.iter().all(|at| at.not_matched().next().is_none())
    }

    /// Entries by state, over all endpoints.
    #[must_use]
    pub fn by_state(&self) -> Vec<(&'static str, u64)> {
        let total = |state: State| {
            let of_state = self.states.iter().filter(|((_, of), _)| *of == state);
            of_state.map(|(_, count)| count).sum::<u64>()
        };
        State::ALL.iter().map(|(state, word, _)| (*word, total(*state))).collect()
    }

    /// The summary for a person.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = format!("{:>10}  entries accepted\n", self.accepted());
        for (word, count) in self.by_state().into_iter().filter(|(_, count)| *count > 0) {
            let _ = writeln!(out, "{count:>10}  {word}");
        }
        for at in &self.endpoints {
            let _ = writeln!(out, "{}: {} resources that it should hold", at.endpoint, at.ours());
            for (class, count) in at.classes() {
                if count > 0 || class == Class::Matched {
                    let _ = writeln!(out, "{count:>10}  {}", class.as_str());
                }
            }
            if at.in_doubt > 0 {
                let _ = writeln!(
                    out,
                    "{:>10}  in doubt, not compared: their entries are still open",
                    at.in_doubt
                );
            }
            for (resource_type, system) in &at.not_listed {
                let _ =
                    writeln!(out, "  it cannot list {resource_type} of {system}: unknown ones are not found");
            }
        }
        for why in &self.not_read {
            let _ = writeln!(out, "{why}");
        }
        out
    }

    /// The report as JSON.
    #[must_use]
    pub fn json(&self) -> String {
        let states: serde_json::Map<String, Value> =
            self.by_state().into_iter().map(|(word, count)| (word.to_owned(), json!(count))).collect();
        let endpoints: Vec<Value> = self.endpoints.iter().map(endpoint).collect();
        let by_endpoint = self.states.iter().map(
            |((endpoint, state), count)| json!({"endpoint": endpoint, "state": state.as_str(), "count": count}),
        );
        let value = json!({
            "at": self.at.to_string(),
            "accepted": self.accepted(),
            "states": states,
            "by_endpoint": by_endpoint.collect::<Vec<_>>(),
            "endpoints": endpoints,
            "not_read": self.not_read,
        });
        format!("{value:#}\n")
    }
}

fn endpoint(at: &AtEndpoint) -> Value {
    let classes: serde_json::Map<String, Value> =
        at.classes().into_iter().map(|(class, count)| (class.as_str().to_owned(), json!(count))).collect();
    let not_listed: Vec<Value> = at
        .not_listed
        .iter()
        .map(|(resource_type, system)| json!({"type": resource_type, "system": system}))
        .collect();
    json!({
        "endpoint": at.endpoint,
        "ours": at.ours(),
        "classes": classes,
        "in_doubt": at.in_doubt,
        "not_listed": not_listed,
        "not_matched": at.not_matched().map(line).collect::<Vec<_>>(),
    })
}

fn line(line: &Line) -> Value {
    let side = |side: &Side| json!({"id": side.id, "version": side.version});
    json!({
        "class": line.class.as_str(),
        "note": line.note.map(Note::as_str),
        "type": line.resource_type,
        "system": line.system,
        "name": line.name,
        "referral": line.referral.map(|referral| referral.to_string()),
        "entry": line.entry,
        "ours": line.ours.as_ref().map(side),
        "theirs": line.theirs.iter().map(side).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// One line of each class; what a server says in it is hostile.
    pub(in crate::reconcile) fn report() -> Report {
        let hostile = Side { id: "7".into(), version: Some("=cmd|'/c calc'!A1<script>".into()) };
        let line = |class, note, name: &str| Line {
            class,
            note,
            resource_type: "Task".into(),
            system: Some("https://elmfield-sp.example/cases/task".into()),
            name: name.into(),
            referral: (class != Class::Unknown).then(uuid::Uuid::nil),
            entry: (class != Class::Unknown).then_some(12),
            ours: (class != Class::Unknown).then(|| Side { id: "7".into(), version: Some("1".into()) }),
            theirs: vec![hostile.clone()],
        };
        Report {
            at: Timestamp::UNIX_EPOCH,
            states: [
                (("gp".to_owned(), State::Delivered), 1),
                (("gp".to_owned(), State::Acknowledged), 3),
                ((String::new(), State::Held), 2),
            ]
            .into(),
            endpoints: vec![AtEndpoint {
                endpoint: "gp".into(),
                lines: vec![
                    line(Class::Matched, None, "a"),
                    line(Class::Missing, None, "b"),
                    line(Class::Divergent, Some(Note::IdentifierCollision), "c"),
                    line(Class::Duplicate, None, "d"),
                    line(Class::Unknown, None, "-1+1"),
                ],
                in_doubt: 2,
                not_listed: vec![(
                    "ServiceRequest".into(),
                    "https://elmfield-sp.example/cases/referral".into(),
                )],
            }],
            not_read: vec!["endpoint two cannot be read for Encounter".into()],
        }
    }

    #[test]
    fn its_counts_add_up() {
        let report = report();
        let at = &report.endpoints[0];
        let unknown = at.classes()[&Class::Unknown];
        assert_eq!(at.ours() + unknown, at.classes().values().sum::<u64>());
        assert_eq!(at.ours() + unknown, at.lines.len() as u64);
        assert_eq!(report.accepted(), 6);
        assert_eq!(report.by_state().iter().map(|(_, count)| count).sum::<u64>(), 6);
        assert!(!report.is_clean());
    }

    #[test]
    fn as_json_it_lists_what_is_not_matched() {
        let value: Value = serde_json::from_str(&report().json()).unwrap();
        assert_eq!(value["accepted"], 6);
        assert_eq!(value["states"]["held"], 2);
        let at = &value["endpoints"][0];
        assert_eq!(at["classes"]["divergent"], 1);
        assert_eq!(at["not_matched"].as_array().unwrap().len(), 4);
        assert_eq!(at["not_matched"][1]["note"], "identifier-collision");
        assert_eq!(at["not_matched"][1]["ours"]["version"], "1");
        assert_eq!(at["not_listed"][0]["type"], "ServiceRequest");
        assert_eq!(value["not_read"][0], "endpoint two cannot be read for Encounter");
    }
}
