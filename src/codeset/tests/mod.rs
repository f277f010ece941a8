//! Tests of the loader, of the look-ups, and of the shipped data.

mod data;
mod gate;
mod loading;
mod lookup;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::*;

fn uk_sp() -> Arc<Codeset> {
    Codeset::embedded().expect("the shipped codeset loads")
}

fn id(text: &str) -> SctId {
    SctId::parse(text).unwrap()
}

/// The ids whose line says `emit`, read from the shipped files without the loader.
fn listed_as_emit() -> BTreeSet<u64> {
    let mut found = BTreeSet::new();
    for (_, bytes) in embedded::FILES {
        let json: Value = serde_json::from_slice(bytes).unwrap();
        let concepts = json["compose"]["include"][0]["concept"].as_array().cloned().unwrap_or_default();
        for line in concepts {
            if line["extension"][0]["extension"][0]
                == serde_json::json!({"url": "emit", "valueBoolean": true})
            {
                found.insert(line["code"].as_str().unwrap().parse().unwrap());
            }
        }
    }
    found
}
