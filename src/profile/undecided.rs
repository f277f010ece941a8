//! What a person has yet to decide: every value that is `"?"`, with what may stand there.
//!
//! What it is: the words for each place, used in two ways. [`annotate`] puts them beside each `"?"` of a draft;
//! [`issues`] says them when somebody tries to use the profile all the same. What it is not: a default for any of
//! them. Invariant: a profile with a `"?"` never compiles. Next: [`super::compile`].

use std::sync::Arc;

use super::places::{Places, Step, shown};
use super::synonyms::words;
use crate::event::field::{Field, Kind};
use crate::event::kinds::EventType;
use crate::event::{Issue, IssueCode, Position};

/// How a comment that says what to decide begins.
const MARK: &str = "# decide: ";

/// Every value that is not decided, as an issue with its line and its choices.
pub(super) fn issues(text: &str, places: &Places, file: &Arc<str>) -> Vec<Issue> {
    let lines: Vec<&str> = text.lines().collect();
    let issue = |(path, line): &(Vec<Step>, u64)| {
        let written = usize::try_from(*line).ok().and_then(|line| lines.get(line - 1));
        // What the draft wrote beside it knows the file; the table below only the key.
        let said = written.and_then(|line| line.split_once(MARK)).map(|(_, said)| said.trim().to_owned());
        let choose = said.unwrap_or_else(|| choices(path, places));
        let at = Position {
            file: Some(Arc::clone(file)),
            row: Some(*line),
            path: Some(shown(path).into()),
            ..Position::default()
        };
        Issue::new(IssueCode::ProfileUndecided, at, format!("\"?\": {choose}"))
    };
    places.undecided.iter().map(issue).collect()
}

/// A draft with the choices beside every `"?"` that has no comment yet.
pub(super) fn annotate(text: &str) -> String {
    let places = Places::of(text);
    let mut out = String::with_capacity(text.len() * 2);
    for (n, line) in (1u64..).zip(text.lines()) {
        out.push_str(line);
        let here = places.undecided.iter().find(|(_, at)| *at == n);
        if let (Some((path, _)), false) = (here, line.contains(MARK)) {
            out.push_str(&format!(" {MARK}{}", choices(path, &places)));
        }
        out.push('\n');
    }
    out
}

/// What may stand at a place.
fn choices(path: &[Step], places: &Places) -> String {
    let names: Vec<&str> = path
        .iter()
        .filter_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Item(_) => None,
        })
        .collect();
    match names.as_slice() {
        ["source"] => "a URI of your own that names the sending system, for ever the same".to_owned(),
        ["export"] => {
            "\"snapshot\" (the whole file again each time) or \"events\" (a log that only grows)".to_owned()
        }
        ["rows"] => "\"per-referral\", or \"per-need\" where a referral has one row for each need".to_owned(),
        ["case_number"] => {
            "\"referral\", or \"person\" where the number is a person's, who may be referred again".to_owned()
        }
        ["values", _, value, "event"] => events(value),
        ["values", map, value] => of_map(map, value, places),
        [.., "date_format"] => "dd/mm/yyyy or mm/dd/yyyy; no day in the file is above 12".to_owned(),
        [.., "name_order"] => "\"given family\" or \"family, given\"".to_owned(),
        [.., "system"] => "snomed, read-v2 or ctv3".to_owned(),
        ["event", "type"] => events(""),
        ["event", "date" | "type", ..] => "the column that says when, or what, it was".to_owned(),
        ["fields", field, rest @ ..] | ["event", "fields", field, rest @ ..] => of_field(field, rest),
        [.., "column"] => "the name of a column".to_owned(),
        _ => "see docs/PROFILES.md".to_owned(),
    }
}

/// The words for an entry of a value map: those of the field or rule that uses the map.
fn of_map(map: &str, value: &str, places: &Places) -> String {
    let user = places.uses.iter().find(|(name, _)| name == map).map(|(_, path)| path.as_slice());
    let keys: Vec<&str> = user
        .into_iter()
        .flatten()
        .filter_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Item(_) => None,
        })
        .collect();
    match keys.as_slice() {
        ["fields", field] | ["event", "fields", field] => of_field(field, &["otherwise"]),
        ["event" | "status", ..] => format!("{{ event = \"…\" }}: {}", events(value)),
        _ => "see docs/PROFILES.md".to_owned(),
    }
}

fn of_field(name: &str, rest: &[&str]) -> String {
    let Some(field) = Field::parse(name).or_else(|| Field::parse(&format!("{name}[]"))) else {
        return "the name of a column".to_owned();
    };
    let is_word = matches!(rest.last(), Some(&("constant" | "otherwise")));
    match field.kind() {
        Kind::Word(words) if is_word => {
            let list: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
            let list = list.join(", ");
            match field {
                Field::ServiceKind => {
                    format!("{list}; social prescribing codes are recorded for link-worker only")
                }
                Field::ConsentShare => format!("{list}; \"\" where it says nothing about sharing"),
                _ => format!("{list}, or \"\" for no value"),
            }
        }
        Kind::Boolean if is_word => "true or false".to_owned(),
        _ if is_word => "a value of your own".to_owned(),
        _ => format!("the column of: {}", field.doc().trim_end_matches('.')),
    }
}

/// The event types that a value may stand for.
fn events(value: &str) -> String {
    if words(value).iter().any(|word| word.starts_with("declin") || word.starts_with("refus")) {
        return "whose no was it? declined (the person's), rejected (the service's), cancelled (the referrer's); or \
                none, for no event"
            .to_owned();
    }
    const USUAL: [EventType; 9] = [
        EventType::Referred,
        EventType::Accepted,
        EventType::Contacted,
        EventType::Attended,
        EventType::OnHold,
        EventType::Completed,
        EventType::ClosedWithoutCompletion,
        EventType::Rejected,
        EventType::Cancelled,
    ];
    let list: Vec<&str> = USUAL.iter().map(|event_type| event_type.as_str()).collect();
    format!("an event type, such as {}; or none, for no event", list.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;

    const TEXT: &str = r#"name = "t"
export = "?"
[fields]
referral_id = "?"
"service.kind" = { constant = "?" }
"consent.share" = { column = "Share", values = "consent" }
"person.birth_date" = { column = "DOB", date_format = "?" }
[[event]]
id = "closed"
type = { column = "Why", values = "end" }
date = "?" # decide: "Closed" or "Ended"
[values.consent]
Yes = "?"
[values.end]
Declined = { event = "?" }
Stopped = { event = "?" }
"#;

    #[test]
    fn every_question_mark_is_refused_with_its_line_and_choices() {
        let issues = Profile::parse(TEXT, "my.toml").unwrap_err();
        let lines: Vec<String> = issues.iter().map(ToString::to_string).collect();
        let wanted = [
            (2, "export", "\"snapshot\""),
            (4, "fields.referral_id", "the column of: Identifier of the referral"),
            (5, "fields.\"service.kind\".constant", "\"link-worker\", \"health-coach\""),
            (7, "fields.\"person.birth_date\".date_format", "dd/mm/yyyy or mm/dd/yyyy"),
            (11, "event[0].date", "(found \"?\": \"Closed\" or \"Ended\")"),
            (13, "values.consent.Yes", "\"full\", \"codes_only\", \"none\""),
            (15, "values.end.Declined.event", "whose no was it?"),
            (16, "values.end.Stopped.event", "completed, closed_without_completion, rejected"),
        ];
        assert_eq!(lines.len(), wanted.len(), "{lines:#?}");
        for (line, (row, path, choice)) in lines.iter().zip(wanted) {
            assert!(line.starts_with(&format!("my.toml:{row}:{path}: error[profile-undecided]")), "{line}");
            assert!(line.contains(choice), "{line}");
        }
    }

    #[test]
    fn a_draft_says_the_choices_beside_each() {
        let text = annotate(TEXT);
        assert!(text.contains("constant = \"?\" } # decide: \"link-worker\""), "{text}");
        assert!(text.contains("date = \"?\" # decide: \"Closed\" or \"Ended\"\n"), "{text}");
        assert_eq!(text.matches(MARK).count(), 8);
        // What is written beside them changes nothing about what is refused.
        assert_eq!(Profile::parse(&text, "my.toml").unwrap_err().len(), 8);
    }
}
