//! What docs/PROFILES.md claims, claim by claim, held against the code.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use sp_fhir::event::finish::Identities;
use sp_fhir::event::kinds::EventType;
use sp_fhir::profile::Profile;
use sp_fhir::profile::read::{RowEvents, read};
use sp_fhir::profile::view::View;
use sp_fhir::tree::{Limits, json};

const PROFILE: &str = r#"
name = "t"
source = "https://t.example/cases"
export = "snapshot"
[fields]
referral_id = "id"
"person.nhs_number" = "nhs"
"person.gender" = { column = "sex", values = "sex" }
"referrer.kind" = { column = "by", values = "by", otherwise = "other-agency" }
"service.kind" = { constant = "link-worker" }
[[event]]
id = "referred"
type = "referred"
date = "received"
fields.reasons = [{ column = "needs", values = "need", split = ";" }]
[[event]]
id = "seen"
type = "attended"
date = { column = "seen", split = ";", date_format = "d mmm yyyy" }
when = { column = "went", is_not = ["no"] }
[[event]]
id = "closed"
type = { column = "why", values = "why" }
date = "closed"
fields.outcome = { column = "why", values = "why" }
[[status]]
id = "status"
column = "status"
values = "why"
[[count]]
id = "dnas"
column = "dnas"
type = "did_not_attend"
label = "Missed"
[values.sex]
F = "female"
"Not asked" = ""
[values.by]
GP = "gp"
[values.need]
Debt = {}
"Refuge place" = { sensitive = true }
[values.why]
"Goals met" = { event = "completed" }
Open = { event = "contacted" }
Duplicate = { event = "none" }
"#;

/// A record with some members besides those that every one has.
fn of(members: &str) -> RowEvents {
    let profile = Profile::parse(PROFILE, "t").unwrap();
    let text = format!(r#"{{"id":"1","nhs":"9990004218","by":"GP","received":"2026-03-04"{members}}}"#);
    let node = json::parse(text.as_bytes(), &Limits::default()).unwrap();
    read(&profile, View::Tree(&node, None), &Identities::default())
}

fn types(row: &RowEvents) -> Vec<&'static str> {
    row.events.iter().map(|event| event.event_type.as_str()).collect()
}

fn codes(row: &RowEvents) -> Vec<&'static str> {
    row.issues.iter().map(|issue| issue.code.as_str()).collect()
}

#[test]
fn a_word_outside_its_map_is_refused_unless_otherwise_says_what_it_is() {
    assert_eq!(codes(&of(r#","sex":"Female""#)), ["value-not-mapped"]);
    assert_eq!(codes(&of(r#","why":"Tired of it","closed":"2026-04-01""#)), ["value-not-mapped"]);
    assert_eq!(codes(&of(r#","status":"Somewhere""#)), ["value-not-mapped"]);
    let profile = Profile::parse(PROFILE, "t").unwrap();
    let node = json::parse(
        br#"{"id":"1","nhs":"9990004218","by":"Hairdresser","received":"2026-03-04"}"#,
        &Limits::default(),
    );
    let row = read(&profile, View::Tree(&node.unwrap(), None), &Identities::default());
    assert_eq!(row.events[0].record.referrer.kind.unwrap().as_str(), "other-agency");
}

#[test]
fn a_blank_word_is_no_value() {
    let row = of(r#","sex":"Not asked""#);
    assert!(codes(&row).is_empty() && row.events[0].record.person.gender.is_none());
}

#[test]
fn a_term_outside_its_map_is_free_text_and_one_inside_has_the_maps_spelling() {
    let row = of(r#","needs":"DEBT ; Cats;refuge place""#);
    let reasons = &row.events[0].detail.reasons;
    let seen: Vec<_> =
        reasons.iter().map(|term| (term.text.as_deref().unwrap(), term.controlled, term.sensitive)).collect();
    assert_eq!(seen, [("Debt", true, false), ("Cats", false, false), ("Refuge place", true, true)]);
    assert!(codes(&row).is_empty());
}

#[test]
fn several_dates_in_a_cell_are_several_events_when_the_condition_holds() {
    assert_eq!(types(&of(r#","seen":"5 Mar 2026; 6 Mar 2026""#)), ["referred", "attended", "attended"]);
    assert_eq!(types(&of(r#","seen":"5 Mar 2026","went":" NO ""#)), ["referred"]);
}

#[test]
fn slash_dates_need_a_format_and_years_four_digits() {
    assert_eq!(codes(&of(r#","closed":"01/04/2026","why":"Goals met""#)), ["date-ambiguous"]);
    assert_eq!(codes(&of(r#","seen":"5 Mar 26""#)), ["date-two-digit-year"]);
}

#[test]
fn the_word_decides_what_kind_of_event_it_is_or_that_it_is_none() {
    let row = of(r#","why":"goals  met","closed":"2026-04-01""#);
    assert_eq!(types(&row), ["referred", "completed"]);
    assert_eq!(row.events[1].detail.outcome.as_ref().unwrap().text.as_deref(), Some("Goals met"));
    let row = of(r#","why":"Duplicate","closed":"2026-04-01""#);
    assert_eq!((types(&row), codes(&row)), (vec!["referred"], vec![]));
}

#[test]
fn a_status_has_no_date_and_a_count_of_nought_makes_nothing() {
    let row = of(r#","status":"open""#);
    assert!(row.events[1].is_status_slot && row.events[1].occurred_at.is_none());
    assert_eq!(row.events[1].event_type, EventType::Contacted);
    assert_eq!(types(&of(r#","dnas":"0""#)), ["referred"]);
    assert_eq!(types(&of(r#","dnas":" ""#)), ["referred"]);
    assert_eq!(of(r#","dnas":"2""#).events[1].detail.count, Some(2));
}

/// What is wrong with the profile when one line of it is another.
fn wrong(line: &str, other: &str) -> Vec<String> {
    assert!(PROFILE.contains(line), "{line}");
    let issues = Profile::parse(&PROFILE.replacen(line, other, 1), "p.toml").err().unwrap_or_default();
    issues.iter().map(ToString::to_string).collect()
}

#[test]
fn a_key_that_is_unknown_or_does_nothing_is_refused_with_its_line() {
    for (line, other, says) in [
        ("export = \"snapshot\"", "export = \"snapshot\"\nexprot = \"x\"", "p.toml:5:"),
        (
            "received\"",
            "received\"\nfields.mode = { column = \"m\", otherwise = \"home\" }",
            "otherwise goes with values",
        ),
        ("values = \"need\", split", "values = \"need\", otherwise = \"x\", split", "is sent as free text"),
        (
            "\"nhs\"",
            "{ column = \"nhs\", split = \";\" }",
            "split is for fields that may occur several times",
        ),
        ("\"nhs\"", "{ column = \"nhs\", join = \",\" }", "join goes with columns"),
        ("\"nhs\"", "{ column = \"nhs\", name_order = \"given family\" }", "name_order is for"),
        (
            "column = \"why\", values = \"why\" }\ndate",
            "column = \"why\", values = \"why\", otherwise = \"x\" }\ndate",
            "otherwise does nothing here",
        ),
        (
            "type = \"attended\"",
            "type = \"attended\"\nfields.outcome = \"o\"",
            "has no meaning on an event of type attended",
        ),
        ("{ column = \"why\", values = \"why\" }\ndate", "\"cancelled\"\ndate", "use status_reason"),
        ("id = \"dnas\"", "id = \"status\"", "two rules have the id"),
        ("\"nhs\"", "\"?\"", "p.toml:7:fields.\"person.nhs_number\": error[profile-undecided]"),
    ] {
        let found = wrong(line, other);
        assert!(found.iter().any(|issue| issue.contains(says)), "{says}: {found:#?}");
    }
}
