//! What we emit, judged by FHIR software that is not ours: two validators and two servers.
//!
//! The Bundles are those of the worked example and of every folder in `fixtures/`, made by the real binary. Every
//! resource must pass helios-hfs `$validate` with UK Core loaded, and rh-validator, without an error; every
//! transaction is sent to helios-hfs and to the Medplum router twice, and must leave one resource per identity.
//!
//! The servers are real processes on loopback, started by `scripts/servers start`. Where they are not there the tests
//! say `SKIPPED` on standard error and pass: `cargo test` needs Rust only. This is not the place for what our own
//! code can judge (golden files, properties): a failure here means that somebody else's software disagrees.
//!
//! Read next: `bundles.rs` (what is sent), `validators.rs`, `delivery.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr
)]

mod bundles;
#[path = "../common/mod.rs"]
mod common;
mod delivery;
mod http;
mod validators;

use common::need;
use http::Server;
use serde_json::{Value, json};

#[test]
fn every_resource_passes_two_validators() {
    let test = "every_resource_passes_two_validators";
    let Some(hfs) = need(test, "SP_FHIR_HFS") else { return };
    let Some(rh_check) = need(test, "SP_FHIR_RH_CHECK") else { return };
    let mut resources = bundles::resources(bundles::all());
    let other_forms = bundles::other_forms();
    resources.extend(bundles::resources(&other_forms));
    let mut findings = validators::rh_check(&rh_check, &resources);
    // The Bundles of the other forms as Bundles, too: a message has rules of its own. (rh-validator takes a Bundle
    // apart, so it is not asked.)
    resources.extend(bundles::whole(&other_forms));
    findings.extend(validators::hfs(&Server::at(&hfs), &resources));
    validators::judge(&findings, resources.len());
}

/// A validator that accepted everything would let the test above pass: each must refuse what is plainly wrong, in R4
/// itself and in a UK Core profile.
#[test]
fn both_validators_refuse_what_is_wrong() {
    let test = "both_validators_refuse_what_is_wrong";
    let Some(hfs) = need(test, "SP_FHIR_HFS") else { return };
    let Some(rh_check) = need(test, "SP_FHIR_RH_CHECK") else { return };
    let hfs = Server::at(&hfs);
    let number = json!({"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990004218"});
    let valid = json!({
        "resourceType": "Patient",
        "meta": {"profile": ["https://fhir.hl7.org.uk/StructureDefinition/UKCore-Patient"]},
        "identifier": [number.clone()],
        "birthDate": "1951-08-11",
    });
    let changed = |element: &str, value: Value| {
        let mut patient = valid.clone();
        patient[element] = value;
        patient
    };
    let cases = [
        ("a valid Patient", valid.clone(), false),
        ("R4: a date that is none", changed("birthDate", json!("11/08/1951")), true),
        ("R4: a code outside a required binding", changed("gender", json!("w")), true),
        ("R4: an element that does not exist", changed("nhsNumber", json!("9990004218")), true),
        (
            "UK Core: an NHS number without a value",
            changed("identifier", json!([{"system": number["system"]}])),
            true,
        ),
        ("UK Core: two NHS numbers", changed("identifier", json!([number, number])), true),
    ];
    for (what, json, wrong) in cases {
        if wrong {
            // The server that is loaded in the tests below must refuse to store it, too.
            assert_eq!(hfs.post("Patient", &json).status, 422, "{what}");
        }
        let resource = [bundles::Resource { place: what.to_owned(), json }];
        for findings in [validators::hfs(&hfs, &resource), validators::rh_check(&rh_check, &resource)] {
            assert_eq!(validators::errors(&findings) > 0, wrong, "{what}: {findings:?}");
        }
    }
}

#[test]
fn twice_into_hfs_leaves_one_resource_per_identity() {
    let Some(base) = need("twice_into_hfs_leaves_one_resource_per_identity", "SP_FHIR_HFS") else { return };
    delivery::load_twice_and_count(&Server::at(&base), delivery::Subjects::AsWritten);
}

#[test]
fn twice_into_medplum_leaves_one_resource_per_identity() {
    let Some(base) = need("twice_into_medplum_leaves_one_resource_per_identity", "SP_FHIR_MEDPLUM") else {
        return;
    };
    // It stores a conditional reference as it is written, so the subject is found first, as the daemon does.
    delivery::load_twice_and_count(&Server::at(&base), delivery::Subjects::ResolvedFirst);
}
