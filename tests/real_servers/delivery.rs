//! Sends every transaction to a server twice and asks the server what it holds then.
//!
//! "Twice" is the whole output, then the whole output again: what a scheme does that loads the same file on two days.
//! Nothing may be created the second time, and each identity must name exactly one resource, in its last state.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::bundles::{self, Set};
use crate::http::{Server, query_pairs};

/// What is done about a reference by query (`Patient?identifier=…`) before a Bundle is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subjects {
    /// Nothing: the server resolves it, as R4 asks of a transaction.
    AsWritten,
    /// The test looks the Patient up and writes its id: for a server that would store the query as it stands.
    ResolvedFirst,
}

/// What an entry's request says its resource is known by.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Identity {
    /// A search that must find one resource: type and decoded query.
    Query(String, Vec<(String, String)>),
    /// `Type/id`.
    Id(String),
}

/// The test: see the module.
pub(crate) fn load_twice_and_count(server: &Server, subjects: Subjects) {
    let sets = bundles::all();
    create_patients(server, sets);
    let patients = patient_versions(server, sets);
    let last = last_states(sets);
    let expected = expected_counts(server, &last);

    for round in [1, 2] {
        for set in sets {
            for (line, bundle) in transactions(set) {
                let sent = if subjects == Subjects::ResolvedFirst {
                    resolve(server, bundle)
                } else {
                    bundle.clone()
                };
                send(server, set, *line, &sent, round);
            }
        }
    }

    for (identity, (place, resource)) in &last {
        let stored = the_one(server, identity, place);
        assert_eq!(stored["status"], resource["status"], "{place}: not the last state: {stored}");
        no_open_reference(&stored, place);
    }
    for (resource_type, expected) in expected {
        assert_eq!(server.count(&resource_type, &[]), expected, "{resource_type}: resources at the server");
    }
    assert_eq!(patient_versions(server, sets), patients, "a Patient was written to");
    let sent: usize = sets.iter().map(|set| transactions(set).count()).sum();
    eprintln!("{sent} Bundles sent twice, {} identities, one resource each", last.len());
}

/// Bundles that a server can be sent; the other forms are only validated.
fn transactions(set: &Set) -> impl Iterator<Item = &(usize, Value)> {
    set.bundles.iter().filter(|(_, bundle)| bundle["type"] == "transaction")
}

/// Posts one Bundle and looks at every entry of the answer: a 200 can hold an entry that failed.
fn send(server: &Server, set: &Set, line: usize, bundle: &Value, round: u8) {
    let reply = server.post("", bundle);
    let name = &set.name;
    assert_eq!(reply.status, 200, "{name}, bundle {line}, round {round}: {}", reply.body);
    let entries = bundle["entry"].as_array().expect("a Bundle with entries");
    let answers = reply.body["entry"].as_array().cloned().unwrap_or_default();
    assert_eq!(answers.len(), entries.len(), "{name}, bundle {line}, round {round}: answers: {}", reply.body);
    for (index, (entry, answer)) in entries.iter().zip(&answers).enumerate() {
        let place = bundles::place(name, line, index, &entry["resource"]);
        let status = answer["response"]["status"].as_str().unwrap_or("no status");
        let good = status.starts_with("200") || (round == 1 && status.starts_with("201"));
        assert!(good, "{place}, round {round}: {status}: {answer}");
    }
}

/// The last resource sent under each identity, and where it stands.
fn last_states(sets: &[Set]) -> BTreeMap<Identity, (String, Value)> {
    let mut last = BTreeMap::new();
    for set in sets {
        for (line, bundle) in transactions(set) {
            for (index, entry) in bundle["entry"].as_array().into_iter().flatten().enumerate() {
                let place = bundles::place(&set.name, *line, index, &entry["resource"]);
                last.insert(identity(&entry["request"], &place), (place, entry["resource"].clone()));
            }
        }
    }
    last
}

fn identity(request: &Value, place: &str) -> Identity {
    let url = request["url"].as_str().unwrap_or_else(|| panic!("{place}: no request.url"));
    match (request["method"].as_str(), request["ifNoneExist"].as_str(), url.split_once('?')) {
        (Some("POST"), Some(query), None) => Identity::Query(url.into(), query_pairs(query)),
        (Some("PUT"), None, Some((resource_type, query))) => {
            Identity::Query(resource_type.into(), query_pairs(query))
        }
        (Some("PUT"), None, None) if url.contains('/') => Identity::Id(url.into()),
        _ => panic!("{place}: this request is not safe to repeat: {request}"),
    }
}

/// How many resources of each type the server must hold at the end: those it has, and one for each new identity.
fn expected_counts(server: &Server, last: &BTreeMap<Identity, (String, Value)>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for (identity, (_, resource)) in last {
        let resource_type = resource["resourceType"].as_str().expect("a type").to_owned();
        let known = match identity {
            Identity::Query(resource_type, query) => server.count(resource_type, query),
            Identity::Id(path) => u64::from(server.get(path, &[]).status == 200),
        };
        let count = counts.entry(resource_type.clone()).or_insert_with(|| server.count(&resource_type, &[]));
        if known == 0 {
            *count += 1;
        }
    }
    counts
}

/// The one resource an identity names; any other number is the failure this test is for.
fn the_one(server: &Server, identity: &Identity, place: &str) -> Value {
    match identity {
        Identity::Id(path) => {
            let reply = server.get(path, &[]);
            assert_eq!(reply.status, 200, "{place}: GET {path}: {}", reply.body);
            reply.body
        }
        Identity::Query(resource_type, query) => {
            let mut found = server.search(resource_type, query);
            assert_eq!(found.len(), 1, "{place}: {resource_type} {query:?} finds {} resources", found.len());
            assert_eq!(server.count(resource_type, query), 1, "{place}: {resource_type} {query:?}");
            found.remove(0)
        }
    }
}

/// A stored resource must not point at something only its Bundle knew, or at a search.
fn no_open_reference(stored: &Value, place: &str) {
    for reference in references(stored) {
        let open = reference.starts_with("urn:uuid:") || reference.contains('?');
        assert!(!open, "{place}: stored with the reference {reference}");
    }
}

/// The Patients that Bundles name by query, as decoded queries.
fn named_patients(sets: &[Set]) -> BTreeSet<Vec<(String, String)>> {
    let bundles = sets.iter().flat_map(transactions).map(|(_, bundle)| bundle);
    let queries = bundles.flat_map(references).filter_map(|reference| {
        let (resource_type, query) = reference.split_once('?')?;
        assert_eq!(resource_type, "Patient", "only a Patient is referred to by query: {reference}");
        Some(query_pairs(query))
    });
    queries.collect()
}

/// The clinical system holds its Patients already. Conditional updates, so that a second run finds them.
fn create_patients(server: &Server, sets: &[Set]) {
    for query in named_patients(sets) {
        let whole = sets.iter().flat_map(|set| &set.patients).find(|patient| has_identifier(patient, &query));
        let patient = whole.cloned().unwrap_or_else(|| {
            let (system, value) = query[0].1.split_once('|').expect("identifier=system|value");
            json!({"resourceType": "Patient", "identifier": [{"system": system, "value": value}]})
        });
        let reply = server.put("Patient", &query, &patient);
        assert!(matches!(reply.status, 200 | 201), "Patient {query:?}: {} {}", reply.status, reply.body);
    }
}

fn has_identifier(patient: &Value, query: &[(String, String)]) -> bool {
    let tokens = patient["identifier"].as_array().into_iter().flatten().map(|identifier| {
        format!(
            "{}|{}",
            identifier["system"].as_str().unwrap_or(""),
            identifier["value"].as_str().unwrap_or("")
        )
    });
    query.iter().any(|(name, token)| name == "identifier" && tokens.clone().any(|own| own == *token))
}

/// Each named Patient's id and version: what must be the same at the end.
fn patient_versions(server: &Server, sets: &[Set]) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or("none").to_owned();
    let versions = named_patients(sets).into_iter().map(|query| {
        let patient = the_one(server, &Identity::Query("Patient".into(), query), "a named Patient");
        (text(&patient["id"]), text(&patient["meta"]["versionId"]))
    });
    versions.collect()
}

/// The Bundle with each reference by query replaced by the id the server gives for it.
fn resolve(server: &Server, bundle: &Value) -> Value {
    let mut resolved = bundle.clone();
    visit_references(&mut resolved, &mut |reference| {
        if let Some((resource_type, query)) = reference.clone().split_once('?') {
            let found =
                the_one(server, &Identity::Query(resource_type.into(), query_pairs(query)), reference);
            *reference = format!("{resource_type}/{}", found["id"].as_str().expect("an id"));
        }
    });
    resolved
}

fn references(json: &Value) -> Vec<String> {
    let mut all = Vec::new();
    visit_references(&mut json.clone(), &mut |reference| all.push(reference.clone()));
    all
}

/// Calls `visit` on every `reference` there is, at any depth.
fn visit_references(json: &mut Value, visit: &mut impl FnMut(&mut String)) {
    match json {
        Value::Array(items) => items.iter_mut().for_each(|item| visit_references(item, visit)),
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text) if name == "reference" => visit(text),
                    other => visit_references(other, visit),
                }
            }
        }
        _ => {}
    }
}
