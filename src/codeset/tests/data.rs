//! The shipped data: what it must hold, whatever is edited in it. `SP_FHIR_UPDATE=1` rewrites the checksums.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::*;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("codesets/uk-sp")
}

/// Concepts per group: those that may leave, those that may not.
fn counts(set: &Codeset) -> BTreeMap<&str, (usize, usize)> {
    let mut counts = BTreeMap::new();
    for concept in set.iter() {
        for group in concept.groups() {
            let (yes, no) = counts.entry(group).or_insert((0, 0));
            *(if concept.is_emittable() { yes } else { no }) += 1;
        }
    }
    counts
}

#[test]
fn manifest_checksums_are_fresh() {
    let path = folder().join("manifest.json");
    let mut manifest = std::fs::read_to_string(&path).unwrap();
    let json: Value = serde_json::from_str(&manifest).unwrap();
    let mut stale = Vec::new();
    for file in json["files"].as_array().unwrap() {
        let (name, old) = (file["name"].as_str().unwrap(), file["sha256"].as_str().unwrap());
        let new = load::checksum(&std::fs::read(folder().join(name)).unwrap());
        if new != old {
            manifest = manifest.replace(old, &new);
            stale.push(name.to_owned());
        }
    }
    if std::env::var_os("SP_FHIR_UPDATE").is_some() {
        std::fs::write(path, manifest).unwrap();
    } else {
        assert!(stale.is_empty(), "changed files: {stale:?}; run again with SP_FHIR_UPDATE=1");
    }
}

#[test]
fn every_file_is_in_the_manifest_and_in_the_binary() {
    let on_disk: BTreeSet<String> =
        std::fs::read_dir(folder()).unwrap().map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
    let embedded: BTreeSet<String> = embedded::FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
    let manifest: Value = serde_json::from_slice(embedded::FILES[0].1).unwrap();
    let mut named: BTreeSet<String> = manifest["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["name"].as_str().unwrap().to_owned())
        .collect();
    named.insert("manifest.json".to_owned());
    assert_eq!(on_disk, embedded);
    assert_eq!(on_disk, named);
}

#[test]
fn one_code_a_line() {
    for (name, bytes) in embedded::FILES.iter().skip(1) {
        let text = std::str::from_utf8(bytes).unwrap();
        let json: Value = serde_json::from_str(text).unwrap();
        let codes =
            json["compose"]["include"][0]["concept"].as_array().or(json["group"][0]["element"].as_array());
        let lines: Vec<&str> =
            text.lines().filter(|line| line.trim_start().starts_with("{\"code\"")).collect();
        assert_eq!(lines.len(), codes.unwrap().len(), "{name}");
        for line in lines {
            let line = line.trim().trim_end_matches(',');
            assert!(serde_json::from_str::<Value>(line).is_ok(), "{name}: {line}");
        }
    }
}

#[test]
fn counts_by_group() {
    let set = uk_sp();
    let expected = BTreeMap::from([
        ("lifecycle", (37, 13)),
        ("need", (249, 26)),
        ("service", (210, 51)),
        ("outcome", (58, 28)),
        ("source", (56, 5)),
        ("method", (117, 12)),
        ("role", (139, 1)),
        ("refset", (0, 31)),
    ]);
    assert_eq!(counts(&set), expected);
    assert_eq!(set.iter().count(), 1033);
    assert_eq!(set.iter().filter(|c| c.is_emittable()).count(), 866);
}

#[test]
fn the_figures_in_the_documents_are_true() {
    let set = uk_sp();
    let page = include_str!("../../../docs/CODES.md");
    for (group, (yes, no)) in counts(&set) {
        let row = format!("| {group} | {yes} | {no} |");
        assert!(page.contains(&row), "docs/CODES.md needs the row {row}");
    }
    let sensitive = set.iter().filter(|c| c.is_sensitive()).count();
    let read = |emit| set.read_v2.values().filter(|row| row.emit == emit).count();
    let ctv3 = |emit| set.ctv3.values().filter(|row| row.emit == emit).count();
    for figure in [
        format!("{} concepts", set.iter().count()),
        format!("{} may leave", set.iter().filter(|c| c.is_emittable()).count()),
        format!("{sensitive} concepts are on the sensitive list"),
        format!("Read v2 | {} | {} |", read(true), read(false)),
        format!("CTV3 | {} | {} |", ctv3(true), ctv3(false)),
    ] {
        assert!(page.contains(&figure), "docs/CODES.md needs {figure:?}");
    }
}

#[test]
fn nothing_leaves_without_a_list_that_is_enough() {
    let set = uk_sp();
    let sources: BTreeMap<&str, &Source> = set.sources().collect();
    for concept in set.iter() {
        assert!(!concept.source().is_empty());
        if !concept.is_emittable() {
            continue;
        }
        let international = concept.id().namespace().is_none();
        let lists =
            || concept.source().split("; ").filter(|list| !list.ends_with("(example or guide page only)"));
        let proves = |wanted| lists().any(|list| sources[list.split(' ').next().unwrap()].proves == wanted);
        assert!(
            proves(Proves::Uk) || (international && proves(Proves::International)),
            "{} {}",
            concept.id(),
            concept.source()
        );
        // The UK's own namespaces, and one donated to the International Edition whose id a UK list has.
        assert!(
            matches!(concept.id().namespace(), None | Some(1_000_000 | 1_000_119)),
            "{} is of another extension",
            concept.id()
        );
        assert!(concept.term().is_none() || proves(Proves::Uk), "{}: whose words are these?", concept.id());
    }
}

#[test]
fn displays_are_uk_terms_without_tags() {
    let us = ["caregiver", "neighbor", "counseling", "counselor", "program ", "honor ", "mold ", "labor "];
    for concept in uk_sp().iter() {
        let Some(term) = concept.term() else { continue };
        let padded = format!("{} ", term.to_lowercase());
        assert!(!us.iter().any(|word| padded.contains(word)), "{term}");
        for tag in ["(finding)", "(procedure)", "(situation)", "(foundation metadata concept)"] {
            assert!(!term.ends_with(tag), "{term}");
        }
    }
}

#[test]
fn codes_that_disclose_are_on_the_list_with_a_reason() {
    let set = uk_sp();
    for code in [
        "706893006",
        "766561000000109",
        "371772001",
        "404189009",
        "417430008",
        "514331000000104",
        "769411000000104",
    ] {
        assert!(set.concept(id(code)).unwrap().sensitive_because().is_some(), "{code}");
    }
    let telling =
        ["abuse", "violence", "safeguarding", "neglect", "exploitation", "prison", "asylum", "refugee"];
    // No concern found; a counsellor for drug abuse.
    let except = ["861931000000100", "401266006"];
    for concept in set.iter().filter(|c| !c.in_group("refset") && !except.contains(&c.code_text())) {
        let words = concept.listed_as().unwrap_or_default().to_lowercase();
        let telling = telling.iter().any(|word| words.contains(word));
        assert!(!telling || concept.is_sensitive(), "{} {words}", concept.id());
    }
    // Words on several codes would leave as text: none of those codes may be one that discloses.
    for (group, terms) in &set.terms {
        for (words, _) in terms.iter().filter(|(_, term)| **term == Term::Ambiguous) {
            let own =
                |c: &&Concept| c.in_group(group) && c.listed_as().is_some_and(|own| fold(own) == **words);
            assert!(!set.iter().filter(own).any(Concept::is_sensitive), "{group} {words}");
        }
    }
}

#[test]
fn the_map_of_words_is_complete_enough_to_review() {
    for (name, bytes) in embedded::FILES.iter().filter(|(name, _)| name.contains("terms")) {
        let json: Value = serde_json::from_slice(bytes).unwrap();
        for element in json["group"][0]["element"].as_array().unwrap() {
            let target = &element["target"][0];
            let equivalence = target["equivalence"].as_str().unwrap();
            // R4 (cmd-1) asks for a comment on narrower and inexact; we ask for it on unmatched too.
            if matches!(equivalence, "narrower" | "inexact" | "unmatched") {
                assert!(target["comment"].is_string(), "{name}: {element}");
            }
        }
    }
}

/// The tables the codeset was made from, when they are at hand.
#[test]
fn agrees_with_the_candidate_tables() {
    let Some(folder) = std::env::var_os("SP_FHIR_TEST_DATA").map(PathBuf::from) else {
        eprintln!("SKIPPED: agrees_with_the_candidate_tables: SP_FHIR_TEST_DATA is not set");
        return;
    };
    let set = uk_sp();
    let table = |name: &str| {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        text.lines()
            .skip(1)
            .map(|line| line.split('\t').map(str::to_owned).collect())
            .collect::<Vec<Vec<String>>>()
    };
    let rows = table("snomed-candidates.tsv");
    assert_eq!(rows.len(), set.iter().count());
    for row in rows {
        let concept = set.concept(id(&row[0])).unwrap();
        assert_eq!(concept.is_emittable(), row[5] == "yes", "{row:?}");
        // The one regrouping: a health coach is a role, not a step of a referral.
        let group = if row[0] == "432100008" { "role" } else { &row[3] };
        assert!(concept.in_group(group) && concept.groups().count() == 1, "{row:?}");
    }
    for row in table("read-candidates.tsv").iter().filter(|row| !row[2].is_empty()) {
        for code in row[0].split('/').map(str::trim).filter(|code| !code.is_empty()) {
            let found = set.read_v2(&ReadV2::parse(code).unwrap()).unwrap();
            // The table corrects this row itself: 13D..00 is Housing lack.
            if !(code == "13D.." && row[2] == "32911000") {
                assert_eq!(
                    (found.concept.code_text(), found.emit),
                    (row[2].as_str(), row[5] == "yes"),
                    "{row:?}"
                );
            }
        }
        for code in row[1].split('/').map(str::trim).filter(|code| !code.is_empty()) {
            let found = set.ctv3(&Ctv3::parse(code).unwrap()).unwrap();
            assert_eq!(
                (found.concept.code_text(), found.emit),
                (row[2].as_str(), row[5] == "yes"),
                "{row:?}"
            );
        }
    }
}
