//! Every form, pack, format and ending of the output says the same of the same rows.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use serde_json::Value;
use sp_fhir::fhir::{read_json, read_xml};
use sp_fhir::tree::Node;

use crate::command::{Bench, fixtures};
use crate::output::{lines, number, resources, walk};
use crate::scheme::{PROFILE, csv, rows};

fn scheme(bench: &Bench) -> (std::path::PathBuf, std::path::PathBuf) {
    (bench.file("in.csv", csv(&rows(1..14))), bench.file("p.toml", PROFILE))
}

/// A resource's own identity: type and first identifier.
fn identity(resource: &Value) -> String {
    format!(
        "{} {}",
        resource["resourceType"],
        resource["identifier"].get(0).unwrap_or(&resource["identifier"])
    )
}

#[test]
fn a_transaction_holds_each_identity_once_and_writes_it_by_identifier() {
    let bench = Bench::new();
    for fixture in fixtures() {
        let ran = bench.convert(&fixture.export, &fixture.profile, &[]);
        for bundle in lines(&ran.out) {
            assert_eq!(bundle["type"], "transaction");
            let (mut urls, mut written) = (BTreeSet::new(), BTreeSet::new());
            let entries = bundle["entry"].as_array().unwrap();
            for entry in entries {
                let (resource, request) = (&entry["resource"], &entry["request"]);
                let kind = resource["resourceType"].as_str().unwrap();
                assert!(urls.insert(entry["fullUrl"].as_str().unwrap()), "{} twice", entry["fullUrl"]);
                let target = match request["method"].as_str().unwrap() {
                    "PUT" => request["url"].as_str().unwrap(),
                    "POST" => request["ifNoneExist"].as_str().unwrap(),
                    other => panic!("{other}"),
                };
                assert!(written.insert((kind, target)), "{kind} {target} twice");
                if target.contains("identifier=") {
                    assert!(resource["id"].is_null(), "{kind} written by query carries an id");
                    let (system, value) =
                        target.split_once("identifier=").unwrap().1.split_once('|').unwrap();
                    let mut own = false;
                    walk(&resource["identifier"], "", &mut |_, id| {
                        own |= id["system"] == system && id["value"] == value;
                    });
                    assert!(own, "{kind} is not what {target} finds");
                } else {
                    assert_eq!(kind, "Provenance", "{target}");
                }
                assert_ne!(kind, "Patient");
            }
            // What a reference names is in the Bundle, or is a question to the server.
            walk(&bundle, "", &mut |key, value| {
                if key == "reference" && value.is_string() {
                    let text = value.as_str().unwrap();
                    assert!(urls.contains(text) || text.contains("?identifier="), "{}: {text}", fixture.name);
                }
            });
        }
    }
}

#[test]
fn a_message_begins_with_its_header() {
    let bench = Bench::new();
    let (input, profile) = scheme(&bench);
    let ran = bench.convert(&input, &profile, &["--form", "message"]).ended(0);
    let transactions = bench.convert(&input, &profile, &[]).ended(0);
    let messages = lines(&ran.out);
    assert_eq!(messages.len(), lines(&transactions.out).len());
    let mut ids = BTreeSet::new();
    for bundle in &messages {
        assert_eq!(bundle["type"], "message");
        assert!(bundle["timestamp"].is_string());
        assert!(
            ids.insert(bundle["identifier"]["value"].as_str().unwrap().to_owned()),
            "an identifier twice"
        );
        let header = &bundle["entry"][0]["resource"];
        assert_eq!(header["resourceType"], "MessageHeader");
        assert_eq!(header["eventCoding"]["system"], "https://tidewell.example/message-events");
        assert_eq!(header["eventCoding"]["code"], "referral");
        assert_eq!(header["source"]["endpoint"], "https://tidewell.example/endpoint");
        let focus = header["focus"][0]["reference"].as_str().unwrap();
        let entries = bundle["entry"].as_array().unwrap();
        let focused =
            entries.iter().find(|entry| entry["fullUrl"] == focus).expect("the focus is in the Bundle");
        assert_eq!(focused["resource"]["resourceType"], "ServiceRequest");
        assert!(entries.iter().all(|entry| entry["request"].is_null()));
        let patient =
            resources(bundle).find(|r| r["resourceType"] == "Patient").expect("the Patient is whole");
        assert!(patient["name"].is_array() && patient["birthDate"].is_string());
        let named: Vec<&str> = header_count(bundle);
        assert_eq!(named.len(), 1);
    }
    // Deterministic: the same identifiers the next time.
    assert!(bench.convert(&input, &profile, &["--form", "message"]).out == ran.out);
}

fn header_count(bundle: &Value) -> Vec<&str> {
    resources(bundle)
        .filter_map(|r| r["resourceType"].as_str())
        .filter(|kind| *kind == "MessageHeader")
        .collect()
}

/// The code of a referral is recorded once in an episode: in `referred`, and as words in later Bundles.
#[test]
fn a_collection_carries_the_referral_code_once() {
    let bench = Bench::new();
    let (input, profile) = scheme(&bench);
    for form in ["collection", "message"] {
        let mut coded: BTreeMap<String, usize> = BTreeMap::new();
        for bundle in lines(&bench.convert(&input, &profile, &["--form", form]).ended(0).out) {
            for request in resources(&bundle).filter(|r| r["resourceType"] == "ServiceRequest") {
                let count = coded.entry(identity(request)).or_default();
                *count += usize::from(request["code"]["coding"][0]["code"] == "871731000000106");
                assert!(request["code"]["coding"].is_array() || request["code"]["text"].is_string());
            }
        }
        assert_eq!(coded.len(), 13);
        assert!(coded.values().all(|count| *count == 1), "{form}: {coded:?}");
    }
    for bundle in lines(&bench.convert(&input, &profile, &[]).ended(0).out) {
        for request in resources(&bundle).filter(|r| r["resourceType"] == "ServiceRequest") {
            assert_eq!(request["code"]["coding"][0]["code"], "871731000000106", "a full PUT must carry it");
        }
    }
}

#[test]
fn packs_hold_each_identity_once_in_its_last_state() {
    let bench = Bench::new();
    let (input, profile) = scheme(&bench);
    let last_states = |out: &[u8]| -> BTreeMap<String, String> {
        let bundles = lines(out);
        let tasks = bundles.iter().flat_map(resources).filter(|r| r["resourceType"] == "Task");
        tasks.map(|task| (identity(task), task["status"].to_string())).collect()
    };
    let events = bench.convert(&input, &profile, &["--form", "collection"]).ended(0).out;
    let referrals =
        bench.convert(&input, &profile, &["--form", "collection", "--pack", "per-referral"]).ended(0).out;
    let one = bench.convert(&input, &profile, &["--form", "collection", "--pack", "one"]).ended(0).out;
    let expected = last_states(&events);
    assert_eq!(expected.len(), 13);
    assert_eq!(expected.values().filter(|status| *status == "\"completed\"").count(), 3);
    assert_eq!((lines(&referrals).len(), lines(&one).len()), (13, 1));
    for out in [&referrals, &one] {
        assert_eq!(last_states(out), expected);
        for bundle in lines(out) {
            let mut seen = BTreeSet::new();
            for entry in bundle["entry"].as_array().unwrap() {
                assert!(entry["request"].is_null());
                assert!(seen.insert(entry["fullUrl"].to_string()), "{} twice", entry["fullUrl"]);
            }
            walk(&bundle, "", &mut |key, value| {
                if key == "reference" && value.is_string() {
                    assert!(seen.contains(&value.to_string()), "{value} is not in the Bundle");
                }
            });
        }
    }
}

#[test]
fn per_event_files_are_the_lines() {
    let bench = Bench::new();
    let (input, profile) = scheme(&bench);
    let expected: BTreeSet<String> =
        bench.convert(&input, &profile, &[]).ended(0).text().lines().map(str::to_owned).collect();
    bench.convert(&input, &profile, &["--pack", "per-event", "-o", "@out/"]).ended(0);
    let files: BTreeSet<String> =
        files(&bench.path("out")).into_values().map(|bytes| String::from_utf8(bytes).unwrap()).collect();
    assert_eq!(files.len(), expected.len());
    assert!(files.iter().all(|file| expected.contains(file.trim_end())));
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    // The list of them is for the next run.
    entries
        .filter(|entry| entry.file_name() != ".sp-fhir-files")
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
        .collect()
}

#[test]
fn bulk_files_stand_on_their_own() {
    let bench = Bench::new();
    let mut sets: Vec<_> = fixtures().into_iter().map(|f| (f.name, f.export, f.profile)).collect();
    let (input, profile) = scheme(&bench);
    sets.push(("tidewell".to_owned(), input, profile));
    for (name, export, profile) in sets {
        let folder = format!("bulk-{name}");
        let ran = bench.convert(&export, &profile, &["--form", "bulk", "-o", &format!("@{folder}/")]);
        assert!(ran.out.is_empty());
        let mut ids = BTreeSet::new();
        let mut references = BTreeSet::new();
        let files = files(&bench.path(&folder));
        assert!(
            files.contains_key("Patient.ndjson") && files.contains_key("ServiceRequest.ndjson"),
            "{name}"
        );
        for (file, bytes) in &files {
            for resource in lines(bytes) {
                let kind = resource["resourceType"].as_str().unwrap();
                assert_eq!(*file, format!("{kind}.ndjson"));
                let id = resource["id"].as_str().expect("a literal id");
                assert!(ids.insert(format!("{kind}/{id}")), "{name}: {kind}/{id} twice");
                read_json(resource.to_string().as_bytes())
                    .unwrap_or_else(|issues| panic!("{kind}: {issues:?}"));
                walk(&resource, "", &mut |key, value| {
                    if key == "reference" && value.is_string() {
                        references.insert(value.as_str().unwrap().to_owned());
                    }
                });
            }
        }
        assert!(!references.is_empty());
        let lost: Vec<_> = references.difference(&ids).collect();
        assert!(lost.is_empty(), "{name}: references that resolve nowhere: {lost:?}");
    }
}

/// Members in a fixed order, so that only values are compared.
fn sorted(node: &Node) -> Node {
    match node {
        Node::Array(items) => Node::Array(items.iter().map(sorted).collect()),
        Node::Object(members) => {
            let sorted: BTreeMap<_, _> =
                members.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            Node::Object(sorted.into_iter().collect())
        }
        other => other.clone(),
    }
}

#[test]
fn xml_says_what_json_says() {
    let bench = Bench::new();
    for fixture in fixtures() {
        let write = |format: &str, form: &str, pack: &str| {
            let folder = format!("{}-{format}-{form}-{pack}", fixture.name);
            let output = format!("@{folder}/");
            let more = ["--format", format, "--form", form, "--pack", pack, "-o", &output];
            bench.convert(&fixture.export, &fixture.profile, &more);
            files(&bench.path(&folder))
        };
        for (form, pack) in [("transaction", "per-event"), ("collection", "per-referral")] {
            let (json, xml) = (write("json", form, pack), write("xml", form, pack));
            assert!(!json.is_empty());
            assert_eq!(json.len(), xml.len());
            for (name, bytes) in json {
                let theirs = &xml[&name.replace(".json", ".xml")];
                let (json, xml) = (read_json(&bytes).unwrap(), read_xml(theirs).unwrap());
                assert!(sorted(json.node()) == sorted(xml.node()), "{}: {name} ({form})", fixture.name);
            }
        }
        let one = |format: &str| {
            let more = ["--form", "collection", "--pack", "one", "--format", format];
            bench.convert(&fixture.export, &fixture.profile, &more).out
        };
        let (json, xml) = (read_json(&one("json")).unwrap(), read_xml(&one("xml")).unwrap());
        assert!(sorted(json.node()) == sorted(xml.node()), "{}: one", fixture.name);
    }
}

#[test]
fn endings_choose_the_compression() {
    let bench = Bench::new();
    let (input, profile) = scheme(&bench);
    let plain = bench.convert(&input, &profile, &[]).ended(0).out;
    for name in ["out.ndjson", "out.ndjson.gz", "out.ndjson.zst"] {
        let ran = bench.convert(&input, &profile, &["-o", &format!("@{name}")]).ended(0);
        assert!(ran.out.is_empty());
        let written = bench.read(name);
        let mut text = Vec::new();
        if name.ends_with("gz") {
            assert_eq!(written[..2], [0x1f, 0x8b]);
            flate2::read::GzDecoder::new(&*written).read_to_end(&mut text).unwrap();
        } else if name.ends_with("zst") {
            assert_eq!(written[..4], [0x28, 0xb5, 0x2f, 0xfd]);
            text = zstd::decode_all(&*written).unwrap();
        } else {
            text = written;
        }
        assert!(text == plain, "{name}");
    }
    // And what was compressed is read by its content, whatever its name.
    let csv = std::fs::read(&input).unwrap();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut gz, &csv).unwrap();
    for (name, bytes) in [("a.gz", gz.finish().unwrap()), ("b.csv", zstd::encode_all(&*csv, 3).unwrap())] {
        let input = bench.file(name, bytes);
        assert!(bench.convert(&input, &profile, &[]).ended(0).out == plain, "{name}");
    }
}

/// The rejects and the report follow the same rule, and the report counts what was written.
#[test]
fn the_report_counts_what_was_written() {
    let bench = Bench::new();
    for fixture in fixtures() {
        let (ran, report) = bench.convert_with_report(&fixture.export, &fixture.profile, &[]);
        let bundles = lines(&ran.out);
        assert_eq!(number(&report, "bundles"), bundles.len() as u64, "{}", fixture.name);
        let mut types: BTreeMap<String, u64> = BTreeMap::new();
        for resource in bundles.iter().flat_map(resources) {
            *types.entry(resource["resourceType"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        assert_eq!(report["resources"], serde_json::json!(types), "{}", fixture.name);
        let events: u64 = report["events"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
        assert_eq!(events, bundles.len() as u64, "{}", fixture.name);
    }
}

/// Canonical events, converted in their turn, give the Bundles that the export gives.
#[test]
fn events_are_what_the_export_says() {
    let bench = Bench::new();
    let (input, profile) = scheme(&bench);
    let expected = bench.convert(&input, &profile, &[]).ended(0);
    bench.convert(&input, &profile, &["--form", "events", "-o", "@events.ndjson"]).ended(0);
    let events = bench.path("events.ndjson");
    crate::command::sp(&["validate".as_ref(), events.as_os_str()]).ended(0);
    let again = crate::command::sp(&[
        "convert".as_ref(),
        events.as_os_str(),
        "--recorded-at".as_ref(),
        crate::command::RECORDED_AT.as_ref(),
    ])
    .ended(0);
    assert_eq!(crate::output::set(&again.out), crate::output::set(&expected.out));
}
