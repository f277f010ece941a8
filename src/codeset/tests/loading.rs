//! Loading: other people's codesets, and what is refused.

use super::*;

const VERSION: &str = "http://snomed.info/sct/83821000000107/version/20251126";

/// A codeset of one need, with the given ValueSet and manifest parts.
fn try_load(value_set: &str, entry: &str, manifest: &str) -> Result<Codeset, CodesetError> {
    let empty = r#"{"resourceType":"ValueSet","compose":{"include":[]}}"#;
    let manifest = format!(
        r#"{{"id":"mine","version":"1",{manifest}"files":[
            {{"name":"need.json","role":"concepts","group":"need",{entry}"sha256":"{}"}},
            {{"name":"sensitive.json","role":"sensitive","sha256":"{}"}}]}}"#,
        load::checksum(value_set.as_bytes()),
        load::checksum(empty.as_bytes()),
    );
    Codeset::from_files([
        ("manifest.json".to_owned(), manifest.into_bytes()),
        ("need.json".to_owned(), value_set.as_bytes().to_vec()),
        ("sensitive.json".to_owned(), empty.as_bytes().to_vec()),
    ])
}

fn includes(rest: &str) -> String {
    format!(
        r#"{{"resourceType":"ValueSet","compose":{{"include":[{{"system":"http://snomed.info/sct",{rest}}}]}}}}"#
    )
}

fn error(value_set: &str, entry: &str) -> String {
    try_load(value_set, entry, "").unwrap_err().to_string()
}

#[test]
fn another_codeset_replaces_the_shipped_one() {
    let set = try_load(&includes(r#""concept":[{"code":"267076002","display":"Feeling lonely"}]"#), "", "")
        .unwrap();
    assert_eq!(set.name_and_version(), "mine 1");
    // Nobody said that it may leave.
    assert_eq!(
        set.emittable(id("267076002"), None).unwrap_err(),
        CodeProblem::NotEmittable(NotEmittable::NotCleared)
    );
    let set = try_load(
        &includes(r#""concept":[{"code":"267076002","display":"Feeling lonely"}]"#),
        r#""emit":true,"#,
        "",
    );
    let set = set.unwrap();
    assert!(matches!(set.by_term("need", "feeling lonely"), TermMatch::Coded(_)));
    assert_eq!(set.well_known(WellKnown::Referred).map(Concept::id), None);
}

#[test]
fn an_expansion_counts_and_inactive_codes_do_not_leave() {
    let expansion = r#"{"resourceType":"ValueSet","compose":{"include":[{"system":"http://snomed.info/sct","filter":[{}]}]},
      "expansion":{"contains":[{"system":"http://snomed.info/sct","code":"267076002","display":"Feeling lonely",
        "contains":[{"system":"http://snomed.info/sct","code":"32911000","inactive":true}]}]}}"#;
    assert!(error(expansion, r#""emit":true,"#).contains("32911000"));
    let set = try_load(expansion, "", "").unwrap();
    assert_eq!(set.emittable(id("32911000"), None).unwrap_err(), CodeProblem::Inactive);
    assert_eq!(set.iter().count(), 2);
}

#[test]
fn a_version_is_kept_only_when_a_release_verified_it() {
    let value_set = includes(&format!(r#""version":"{VERSION}","concept":[{{"code":"267076002"}}]"#));
    let release = |manifest: &str| {
        try_load(&value_set, "", manifest)
            .unwrap()
            .concept(id("267076002"))
            .unwrap()
            .release()
            .map(str::to_owned)
    };
    assert_eq!(release(""), None);
    assert_eq!(release(&format!(r#""verified_by_release":["{VERSION}"],"#)).as_deref(), Some(VERSION));
    assert!(uk_sp().iter().all(|concept| concept.release().is_none()));
}

#[test]
fn what_is_wrong_is_named_with_its_file() {
    let cases = [
        (includes(r#""concept":[{"code":"267076003"}]"#), "need.json: \"267076003\": the check digit is wrong"),
        (includes(r#""concept":[{"code":"267076002"},{"code":"267076002"}]"#), "need.json: 267076002 is listed twice"),
        (includes(r#""filter":[{"property":"concept"}]"#), "need.json: filters, imports"),
        (includes(r#""valueSet":["http://example.org/vs"]"#), "need.json: filters, imports"),
        (r#"{"resourceType":"ValueSet"}"#.into(), "need.json: neither"),
        (r#"{"resourceType":"ConceptMap"}"#.into(), "need.json: a ConceptMap where"),
        ("{".into(), "need.json: EOF"),
        (
            r#"{"resourceType":"ValueSet","compose":{"include":[{"system":"http://loinc.org","concept":[{"code":"1"}]}]}}"#
                .into(),
            "need.json: a system other than",
        ),
    ];
    for (value_set, expected) in cases {
        let found = error(&value_set, "");
        assert!(found.starts_with(expected), "{found}");
    }
}

#[test]
fn emit_needs_a_named_source_and_no_doubt() {
    let line = |parts: &str| {
        includes(&format!(
            r#""concept":[{{"code":"267076002","extension":[{{"url":"{}","extension":[{parts}]}}]}}]"#,
            form::EVIDENCE
        ))
    };
    let emit = r#"{"url":"emit","valueBoolean":true}"#;
    assert!(error(&line(emit), "").contains("`emit` needs sources"));
    let unverified = format!(r#"{emit},{{"url":"source","valueString":"unverified"}}"#);
    assert!(error(&line(&unverified), "").contains("`emit` needs sources"));
    let doubtful = format!(r#"{emit},{{"url":"confidence","valueCode":"conflicting"}}"#);
    assert!(error(&line(&doubtful), "").contains("conflicting and yet"));
    let named = format!(r#"{emit},{{"url":"source","valueString":"NHS list 1"}}"#);
    let source = r#""sources":{"NHS":{"publisher":"NHS","document":"a list","proves":"uk"}},"#;
    assert!(try_load(&line(&named), "", source).unwrap().emittable(id("267076002"), Some("need")).is_ok());
}

fn shipped() -> Vec<(String, Vec<u8>)> {
    embedded::FILES.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())).collect()
}

#[test]
fn a_changed_missing_or_foreign_file_is_refused_by_name() {
    let mut changed = shipped();
    let file = changed.iter_mut().find(|(name, _)| name == "ValueSet-need.json").unwrap();
    let place = file.1.iter().position(|b| *b == b'2').unwrap();
    file.1[place] = b'3';
    assert!(
        matches!(Codeset::from_files(changed), Err(CodesetError::Changed { file, .. }) if file == "ValueSet-need.json")
    );
    let mut missing = shipped();
    missing.retain(|(name, _)| name != "ConceptMap-ctv3.json");
    assert!(
        matches!(Codeset::from_files(missing), Err(CodesetError::FileMissing { file }) if file == "ConceptMap-ctv3.json")
    );
    let mut bare = shipped();
    bare.retain(|(name, _)| name != "manifest.json");
    assert!(matches!(Codeset::from_files(bare), Err(CodesetError::NoManifest)));
    let mut more = shipped();
    more.push(("notes.txt".to_owned(), b"not looked at".to_vec()));
    assert!(Codeset::from_files(more).is_ok());
}

#[test]
fn the_manifest_cannot_reach_outside_or_leave_out_the_sensitive_list() {
    let load = |files: &str| {
        let manifest = format!(r#"{{"id":"x","version":"1","files":[{files}]}}"#);
        Codeset::from_files([("manifest.json".to_owned(), manifest.into_bytes())]).unwrap_err().to_string()
    };
    assert!(load(r#"{"name":"../a.json","role":"sensitive","sha256":""}"#).contains("not a plain file name"));
    assert!(load(r#"{"name":"C:a.json","role":"sensitive","sha256":""}"#).contains("not a plain file name"));
    assert!(load("").contains("sensitive"));
    assert!(load(r#"{"name":"a","role":"concepts","sha256":""}"#).contains("a group is given"));
    assert!(load(r#"{"name":"a","role":"other","sha256":""}"#).contains("unknown variant"));
}

#[cfg(feature = "convert")]
#[test]
fn a_folder_loads_like_the_embedded_files() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("codesets/uk-sp");
    let set = Codeset::from_dir(&folder).unwrap();
    assert_eq!(set.iter().count(), uk_sp().iter().count());
    assert!(matches!(Codeset::from_dir(&folder.join("nowhere")), Err(CodesetError::NoManifest)));
}

/// Only a release build says anything about time: `cargo test --release --lib loads_fast -- --nocapture`.
#[test]
fn loads_fast() {
    let start = std::time::Instant::now();
    let set = Codeset::load(embedded::FILES.iter().copied()).unwrap();
    let took = start.elapsed();
    println!("{} loaded in {took:?}", set.name_and_version());
    assert!(cfg!(debug_assertions) || took.as_millis() < 50, "{took:?}");
}
