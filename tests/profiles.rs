//! Drafting and checking profiles, against the fixtures.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sp_fhir::codeset::Codeset;
use sp_fhir::convert::sample::sample;
use sp_fhir::event::Severity;
use sp_fhir::profile::check::check_sample;
use sp_fhir::profile::compile::{Fill, From, TypeOf};
use sp_fhir::profile::draft::{Hints, draft};
use sp_fhir::profile::sample::{Sample, plain};
use sp_fhir::profile::shipped::SHIPPED;
use sp_fhir::profile::{Profile, shipped};
use sp_fhir::source::{Encoding, Input, Options, Reader};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

fn export(name: &str) -> PathBuf {
    let entries = std::fs::read_dir(folder(name)).unwrap().map(|entry| entry.unwrap().path());
    entries.into_iter().find(|path| path.file_stem().is_some_and(|stem| stem == "export")).unwrap()
}

fn sampled(name: &str, profile: &Profile) -> Sample {
    let options = Options {
        sheet: profile.file.sheet.clone(),
        records: profile.file.records.clone(),
        encoding: profile.file.encoding.as_deref().and_then(Encoding::from_label),
        ..Options::default()
    };
    sample(Reader::open(&Input::path(export(name)), &options).unwrap(), 500).unwrap()
}

#[test]
fn every_fixture_fits_its_profile() {
    for shipped in SHIPPED {
        let profile = Profile::parse(shipped.text, shipped.name).unwrap();
        let sample = sampled(shipped.name, &profile);
        let issues = check_sample(&profile, &sample);
        let bad: Vec<String> = issues
            .iter()
            .filter(|issue| issue.severity == Severity::Error || issue.code.as_str() == "column-unused")
            .map(ToString::to_string)
            .collect();
        assert!(bad.is_empty(), "{}:\n{}", shipped.name, bad.join("\n"));
        if !sample.is_tree {
            assert_eq!(shipped::matching(&sample.header()).map(|found| found.name), Some(shipped.name));
        }
    }
}

/// What reads which column: (field or kind of date, column).
fn pairs(profile: &Profile) -> BTreeSet<(String, String)> {
    let mut pairs = BTreeSet::new();
    let mut add = |what: &str, fill: &Fill| {
        if let From::Column(column) | From::Family(column, _) = fill.from {
            pairs.insert((what.to_owned(), plain(profile.column_name(column).unwrap())));
        }
    };
    for fill in &profile.fields {
        add(fill.field.path(), fill);
    }
    for rule in &profile.events {
        rule.fields.iter().for_each(|fill| add(fill.field.path(), fill));
        add("a date", rule.date.as_ref().unwrap());
    }
    for rule in &profile.events {
        if let TypeOf::ByValue(column, _) = rule.event_type {
            pairs.insert(("a type".to_owned(), plain(profile.column_name(column).unwrap())));
        }
    }
    for rule in &profile.statuses {
        pairs.insert(("a status".to_owned(), plain(profile.column_name(rule.column).unwrap())));
    }
    for rule in &profile.counts {
        pairs.insert(("a count".to_owned(), plain(profile.column_name(rule.column).unwrap())));
    }
    pairs
}

/// A draft with everything decided, as a person in a hurry would.
fn settled(draft: &str) -> String {
    let decide = |line: &str| {
        let decision = match line {
            _ if line.starts_with("rows = ") => "per-need",
            _ if line.contains("date_format") => "dd/mm/yyyy",
            _ if line.contains("service.kind") => "link-worker",
            _ if line.starts_with("type = ") => "completed",
            _ if line.contains("event = ") => "none",
            _ if line.contains("codes_only") => "codes_only",
            _ => "",
        };
        line.replace("\"?\"", &format!("{decision:?}"))
    };
    draft.lines().map(|line| decide(line) + "\n").collect()
}

#[test]
fn a_draft_comes_near_the_reviewed_profile() {
    let codeset = Codeset::embedded().unwrap();
    for shipped in SHIPPED {
        let reviewed = Profile::parse(shipped.text, shipped.name).unwrap();
        let sample = sampled(shipped.name, &reviewed);
        let hints = Hints { name: "drafted".to_owned(), source: None, file: reviewed.file.clone() };
        let text = draft(&sample, &hints, &codeset);
        if let Some(to) = std::env::var_os("SP_FHIR_DRAFTS") {
            std::fs::write(Path::new(&to).join(format!("{}.toml", shipped.name)), &text).unwrap();
        }
        // No export says what kind of service it is, so there is always something to decide.
        let undecided = Profile::parse(&text, "draft").unwrap_err();
        assert!(undecided.iter().all(|issue| issue.code.as_str() == "profile-undecided"), "{undecided:?}");
        assert_eq!(undecided.len(), text.matches("# decide: ").count(), "{text}");
        let drafted = Profile::parse(&settled(&text), "draft").unwrap_or_else(|issues| {
            let lines: Vec<String> = issues.iter().map(ToString::to_string).collect();
            panic!("{}:\n{}\n{text}", shipped.name, lines.join("\n"))
        });
        assert!(drafted.draft && drafted.source.is_none() && drafted.export == reviewed.export);
        let (wanted, found) = (pairs(&reviewed), pairs(&drafted));
        let missed: Vec<_> = wanted.difference(&found).collect();
        let added: Vec<_> = found.difference(&wanted).collect();
        assert!(
            missed.len() * 5 <= wanted.len() && added.len() * 4 <= wanted.len(),
            "{}: missed {missed:?}\nadded {added:?}",
            shipped.name
        );
    }
}

#[test]
fn a_draft_never_decides_what_is_shared_and_repeats_no_free_text() {
    let profile = shipped::named("referral-platform").unwrap().profile().unwrap();
    let text =
        draft(&sampled("referral-platform", &profile), &Hints::default(), &Codeset::embedded().unwrap());
    assert!(text.contains("\"Yes - everything\" = \"?\" # decide: \"full\", \"codes_only\", \"none\""));
    assert!(text.contains("\"Declined by client\" = { event = \"?\" } # decide: whose no was it?"));
    assert!(text.contains("\"service.kind\" = { constant = \"?\" } # decide: \"link-worker\""));
    for value in ["Gruffudd", "Widowed", "17/02/1948", "07700"] {
        assert!(!text.contains(value), "{value}");
    }
}

/// Fills the generated parts of docs/PROFILES.md and says whether they were right.
#[test]
fn the_document_lists_every_field_and_event() {
    use sp_fhir::event::field::{Field, Kind, Scope};
    use sp_fhir::event::kinds::EventType;
    use std::fmt::Write as _;

    let mut fields = String::from("| field | where | takes | meaning |\n|---|---|---|---|\n");
    for field in Field::ALL {
        if matches!(field, Field::Type | Field::OccurredAt | Field::StatusSlot) {
            continue; // keys of [[event]] and [[status]]
        }
        let place = match field.scope() {
            Scope::Header | Scope::Record => "referral",
            Scope::Detail => "event",
        };
        let takes = match field.kind() {
            Kind::Text => "text".to_owned(),
            Kind::Date => "date".to_owned(),
            Kind::Instant => "date and time".to_owned(),
            Kind::Integer => "whole number".to_owned(),
            Kind::Scalar => "number or text".to_owned(),
            Kind::Boolean => "`true`, `false`".to_owned(),
            Kind::Word(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
            Kind::Term("") => "words or code".to_owned(),
            Kind::Term(group) => format!("words or code ({group})"),
        };
        writeln!(fields, "| `{}` | {place} | {takes} | {} |", field.path(), field.doc()).unwrap();
    }
    let mut events = String::from("| type | label |\n|---|---|\n");
    for event_type in EventType::ALL {
        writeln!(events, "| `{}` | {} |", event_type.as_str(), event_type.label()).unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/PROFILES.md");
    let text = std::fs::read_to_string(&path).unwrap().replace("\r\n", "\n");
    let mut wanted = text.clone();
    for (name, table) in [("fields", fields), ("events", events)] {
        let mark = format!("<!-- generated: {name} -->\n");
        let start = wanted.find(&mark).unwrap() + mark.len();
        let end = start + wanted[start..].find("<!-- end -->").unwrap();
        wanted.replace_range(start..end, &table);
    }
    if std::env::var_os("SP_FHIR_UPDATE").is_some() {
        std::fs::write(&path, wanted).unwrap();
    } else {
        assert!(
            text == wanted,
            "docs/PROFILES.md is out of date: SP_FHIR_UPDATE=1 cargo test --test profiles"
        );
    }
}

#[test]
fn the_examples_of_the_document_compile() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/PROFILES.md");
    let text = std::fs::read_to_string(path).unwrap();
    let example = text.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    Profile::parse(example, "docs/PROFILES.md").unwrap();
    // The value maps are a part of a profile: they compile when added to a whole one that has none of that name.
    let maps = text.split("```toml\n").nth(2).and_then(|rest| rest.split("```").next()).unwrap();
    let head = example.split("[values.").next().unwrap().replace("\"need\"", "\"other\"");
    let whole = format!(
        "{head}\n[values.referrer]\nGP = \"gp\"\n[values.consent]\nNo = \"none\"\n[values.other]\nDebt = {{}}\n{maps}"
    );
    Profile::parse(&whole, "docs/PROFILES.md").unwrap();
}
