//! A profile held against a file before any row is converted: columns that are not there, columns that go nowhere,
//! fields that nothing fills.
//!
//! Headings are not patient data and may be shown; values are not looked at. Pure. Next: [`super::draft`].

use std::sync::Arc;

use super::compile::{Profile, TypeOf};
use super::sample::{Sample, SampleColumn, plain};
use super::sniff;
use super::values::fold;
use crate::event::field::Field;
use crate::event::kinds::EventType;
use crate::event::{Issue, IssueCode, Position};
use crate::near::nearest;

/// Fields that most referrals need, and what their absence means.
const WANTED: &[(Field, &str)] = &[
    (Field::FamilyName, "the clinical system compares it with its own"),
    (Field::BirthDate, "the clinical system compares it with its own"),
    (Field::PracticeOds, "without it nothing can be routed"),
    (Field::ReferrerKind, "consent rules depend on it"),
    (Field::ConsentShare, "referrals from a practice are then sent as codes only, all others held"),
];

/// Holds a profile against a table's heading.
#[must_use]
pub fn check(profile: &Profile, header: &[Arc<str>]) -> Vec<Issue> {
    let mut issues = columns(profile, header, false);
    issues.extend(fields(profile));
    issues
}

/// Holds a profile against the first records of a file. In trees a path that was not met is only a warning:
/// it may occur further down.
#[must_use]
pub fn check_sample(profile: &Profile, sample: &Sample) -> Vec<Issue> {
    // In a tree a path may be empty in one record and have paths below it in another.
    let is_above = |name: &str| {
        let below = format!("{name}.");
        sample.columns.iter().any(|column| column.name.starts_with(&below))
    };
    let seen =
        |column: &&SampleColumn| !(sample.is_tree && column.values.is_empty() && is_above(&column.name));
    let header: Vec<Arc<str>> =
        sample.columns.iter().filter(seen).map(|column| Arc::clone(&column.name)).collect();
    let mut issues = columns(profile, &header, sample.is_tree);
    issues.extend(fields(profile));
    issues
}

fn at_column(name: &str) -> Position {
    Position { column: Some(name.into()), ..Position::default() }
}

/// A heading for people to read. A run of six digits or more is no heading but somebody's number: a file without
/// its heading row, or an object keyed by NHS numbers.
pub(super) fn masked(name: &str) -> String {
    let mut shown = String::with_capacity(name.len());
    let mut digits = String::new();
    for c in name.chars().chain(['\0']) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        shown.push_str(if digits.len() >= 6 { "…" } else { &digits });
        digits.clear();
        shown.push(c);
    }
    shown.pop();
    shown
}

/// Whether a heading holds what only a value can be: a long number or a date. Then the row that should hold the headings
/// is somebody's, and none of it may be shown.
#[must_use]
pub fn holds_values(header: &[Arc<str>]) -> bool {
    let is_number = |name: &str| {
        let digits = name.bytes().filter(u8::is_ascii_digit).count();
        digits >= 9 && name.bytes().all(|b| b.is_ascii_digit() || b" -".contains(&b))
    };
    let is_value =
        |name: &str| masked(name) != name || is_number(name) || sniff::dates(&[name.to_owned()]).is_some();
    header.iter().any(|name| is_value(name))
}

fn columns(profile: &Profile, header: &[Arc<str>], is_tree: bool) -> Vec<Issue> {
    let key = |name: &str| if is_tree { plain(name) } else { fold(name) };
    let known: Vec<String> = header.iter().map(|name| key(name)).collect();
    let named: Vec<String> = profile.columns.iter().map(|name| key(name)).collect();
    let ignored: Vec<String> = profile.ignore.iter().map(|name| key(name)).collect();
    let mut issues = Vec::new();
    let wanted =
        profile.columns.iter().map(AsRef::as_ref).zip(&named).map(|(name, key)| (name, key, is_tree));
    // What is ignored and not there does no harm, but may be a name that was mistyped.
    let passed_over =
        profile.ignore.iter().map(String::as_str).zip(&ignored).map(|(name, key)| (name, key, true));
    // A file without headings: what stands in their place is a person's.
    let is_headless = !is_tree && holds_values(header) && named.iter().any(|key| !known.contains(key));
    // What the profile names already is not what it meant by another name.
    let free: Vec<_> = header.iter().zip(&known).filter(|(_, key)| !named.contains(key)).collect();
    let free_keys: Vec<&String> = free.iter().map(|(_, key)| *key).collect();
    for (name, key, soften) in wanted.chain(passed_over) {
        if known.contains(key) {
            continue;
        }
        let near = if is_headless { None } else { nearest(key, &free_keys) };
        let found = near
            .and_then(|at| free.get(at))
            .map(|(heading, _)| format!("a column {heading:?}, which is near"))
            .unwrap_or_default();
        let issue = Issue::new(IssueCode::ColumnUnknown, at_column(name), found);
        issues.push(if soften { issue.softened() } else { issue });
    }
    let under = |name: &str| {
        ignored
            .iter()
            .any(|outer| is_tree && name.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.')))
    };
    // A list that the profile looks into is used, whatever stands where it should be.
    let looked_into = |name: &str| {
        let list = format!("{name}[].");
        profile.columns.iter().any(|column| column.starts_with(&list))
    };
    for (heading, key) in header.iter().zip(&known).filter(|_| !is_headless) {
        if is_tree && looked_into(key) {
            continue;
        }
        if !named.contains(key) && !ignored.contains(key) && !under(key) {
            issues.push(Issue::new(IssueCode::ColumnUnused, at_column(heading), ""));
        }
    }
    for issue in &mut issues {
        issue.at.column = issue.at.column.as_deref().map(|name| masked(name).into());
        issue.found = masked(&issue.found).into();
    }
    issues
}

fn fields(profile: &Profile) -> Vec<Issue> {
    let filled = |field: Field| profile.fields.iter().any(|fill| fill.field == field);
    let mut issues = Vec::new();
    let mut unfilled = |path: &'static str, why: &'static str| {
        issues.push(Issue::new(IssueCode::FieldUnfilled, Position::path(path), why));
    };
    if profile.source.is_none() {
        unfilled("source", "nothing in the profile; it must then be given for each run");
    }
    match (filled(Field::NhsNumber), filled(Field::LocalId)) {
        (true, _) => {}
        (false, true) => unfilled(Field::NhsNumber.path(), "no referral can be matched to a person"),
        (false, false) => {
            unfilled(Field::NhsNumber.path(), "and no person.local_id: every row will be refused")
        }
    }
    for (field, why) in WANTED.iter().filter(|(field, _)| !filled(*field)) {
        unfilled(field.path(), why);
    }
    if !may_be(profile, EventType::Referred) {
        unfilled("event", "no rule makes a `referred` event");
    }
    issues
}

/// Whether some rule can make an event of this type.
fn may_be(profile: &Profile, wanted: EventType) -> bool {
    let by_rule = profile.events.iter().any(|rule| match &rule.event_type {
        TypeOf::Fixed(event_type) => *event_type == wanted,
        TypeOf::ByValue(_, values) => values
            .iter()
            .any(|(_, entry)| entry.event.as_deref().or(entry.word.as_deref()) == Some(wanted.as_str())),
    });
    by_rule
        || profile.statuses.iter().any(|status| {
            status.values.iter().any(|(_, entry)| entry.event.as_deref() == Some(wanted.as_str()))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_no_headings() {
        assert_eq!(masked("9990004218.name"), "….name");
        assert_eq!(masked("Need 2"), "Need 2");
        assert_eq!(masked("ONS4 2026"), "ONS4 2026");
        assert_eq!(masked("9990004218"), "…");
    }

    const PROFILE: &str = r#"
        name = "t"
        export = "snapshot"
        ignore = ["Town", "Twn"]
        [fields]
        referral_id = "Case Ref"
        "person.local_id" = "Client"
        "service.kind" = { constant = "link-worker" }
        [[event]]
        id = "referred"
        type = "referred"
        date = "Recieved"
    "#;

    fn of(text: &str, header: &[&str]) -> Vec<String> {
        let profile = Profile::parse(text, "t").unwrap();
        let header: Vec<Arc<str>> = header.iter().map(|name| Arc::from(*name)).collect();
        let line = |issue: Issue| {
            format!("{} {} {} {}", issue.severity.as_str(), issue.code.as_str(), issue.at, issue.found)
        };
        check(&profile, &header).into_iter().map(line).collect()
    }

    #[test]
    fn columns_are_compared_both_ways() {
        let issues = of(PROFILE, &["case  ref", "Client", "Received", "Town", "Notes"]);
        assert_eq!(
            issues.first().unwrap(),
            "error column-unknown Recieved a column \"Received\", which is near"
        );
        assert_eq!(issues.get(1).unwrap(), "warning column-unknown Twn a column \"Town\", which is near");
        let unused: Vec<_> = issues.iter().filter(|i| i.contains("column-unused")).collect();
        assert_eq!(unused, ["information column-unused Received ", "information column-unused Notes "]);
    }

    #[test]
    fn a_column_that_the_profile_uses_is_not_what_another_name_meant() {
        let text = PROFILE.replace("\"Recieved\"", "\"Case Refs\"");
        let issues = of(&text, &["Case Ref", "Client", "Town"]);
        assert_eq!(issues.first().unwrap(), "error column-unknown Case Refs ");
    }

    #[test]
    fn fields_that_most_referrals_need_are_missed() {
        let issues = of(PROFILE, &["Case Ref", "Client", "Recieved", "Town", "Twn"]);
        let paths: Vec<&str> = issues.iter().map(|i| i.split(' ').nth(2).unwrap()).collect();
        assert_eq!(
            paths,
            [
                "source",
                "person.nhs_number",
                "person.family",
                "person.birth_date",
                "person.practice_ods",
                "referrer.kind",
                "consent.share"
            ]
        );
        let other = PROFILE.replace("type = \"referred\"", "type = \"accepted\"");
        assert!(of(&other, &["Case Ref", "Client", "Recieved"]).iter().any(|i| i.contains("no rule makes")));
    }
}
