//! Reads one record through a profile: one row, many events.
//!
//! What it is: the referral-level fields read once, then every rule whose date is there makes an event. What it is not:
//! a judge of several rows of one referral, which is [`crate::convert`]'s. Invariant: any error refuses the whole row,
//! so that no half of it leaves. Pure. Next: `row`.

use std::sync::Arc;

use crate::event::blank::as_seen;
use crate::event::build::{Draft, Header, Reading};
use crate::event::field::Field;
use crate::event::finish::{self, Identities};
use crate::event::kinds::EventType;
use crate::event::{Issue, IssueCode, ReferralEvent};

use super::compile::{EventRule, Fill, Profile, TypeOf};
use super::named_columns;
use super::raw::CaseNumber;
use super::view::{ProfilePlaces, View};

mod row;
mod set;
mod value;

use row::Row;
pub(super) use set::set;
use set::{different, raw};
pub(super) use value::each_value;
use value::{joined, several};

/// What one record gave.
#[derive(Debug, Default)]
pub struct RowEvents {
    /// The events, none when the row is refused.
    pub events: Vec<ReferralEvent>,
    /// Everything found; positions without file and row.
    pub issues: Vec<Issue>,
}

impl RowEvents {
    /// Whether the row is refused.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.issues.iter().any(Issue::is_error)
    }
}

/// What groups the records of a referral: its id as the source wrote it, and where the source numbers people the
/// referred date too; nothing when the id is blank.
#[must_use]
pub fn referral_key(profile: &Profile, view: View<'_>) -> Option<String> {
    let fill = profile.fields.iter().find(|fill| fill.field == Field::ReferralId)?;
    let id = joined(profile, view, &fill.from)?;
    // An id with a character that nobody sees is refused, beside the referral that it looks like.
    let id = as_seen(&id);
    // Two senders may both have a REF001.
    let id = match profile.fields.iter().find(|fill| fill.field == Field::Source) {
        Some(source) => format!("{}\u{1f}{id}", joined(profile, view, &source.from).unwrap_or_default()),
        None => id.into_owned(),
    };
    if profile.case_number != CaseNumber::Person {
        return Some(id);
    }
    // What is wrong with the date is said when the row is read.
    let when = referred_date(profile, view, &mut Vec::new());
    Some(when.map_or_else(|| id.clone(), |when| format!("{id}/{when}")))
}

/// The date that tells a person's referrals apart.
fn referred_date(profile: &Profile, view: View<'_>, issues: &mut Vec<Issue>) -> Option<crate::event::When> {
    let referred = |rule: &&EventRule| matches!(rule.event_type, TypeOf::Fixed(EventType::Referred));
    let fill = profile.events.iter().find(referred)?.date.as_ref()?;
    dates(profile, view, fill, issues).into_iter().next().map(|(when, _)| when)
}

/// The dates that a column gives.
fn dates(
    profile: &Profile,
    view: View<'_>,
    fill: &Fill,
    issues: &mut Vec<Issue>,
) -> Vec<(crate::event::When, Option<u64>)> {
    let mut dates = Vec::new();
    let places = ProfilePlaces { profile };
    let mut reading =
        Reading { zone: &profile.zone, nhs_number: profile.nhs_number, places: &places, issues };
    if let Some((column, count)) = several(profile, view, fill) {
        reading.report(IssueCode::SeveralValues, column, different(count));
        return dates;
    }
    each_value(profile, view, fill, &mut |value, column| {
        // A date that is written twice happened once.
        if fill.split.is_none() && !dates.is_empty() {
            return;
        }
        dates.extend(reading.date(raw(value), column, fill.date.as_ref()).map(|when| (when, None)));
    });
    dates
}

/// Reads a record.
#[must_use]
pub fn read(profile: &Profile, view: View<'_>, identities: &Identities) -> RowEvents {
    let mut issues = Vec::new();
    let places = ProfilePlaces { profile };
    let mut reading =
        Reading { zone: &profile.zone, nhs_number: profile.nhs_number, places: &places, issues: &mut issues };
    let mut draft = Draft::default();
    for fill in &profile.fields {
        set(profile, view, fill, &mut draft, &mut reading);
    }
    let Draft { header, mut record, .. } = draft;
    finish::check_record(&mut record, &mut issues);
    named_columns::name_columns(profile, None, issues.iter_mut());
    if says(profile, view, profile.fields.iter().find(|fill| fill.field == Field::NhsNumber)) {
        // A number that was refused is not one that is missing.
        issues.retain(|issue| !matches!(issue.code, IssueCode::NhsNumberMissing | IssueCode::NoPerson));
    }
    let header = Header { source: header.source.or_else(|| profile.source.clone()), ..header };
    let mut row = Row { profile, identities, header, record: Arc::default(), issues, events: Vec::new() };
    row.name_the_referral(view, &mut record);
    row.record = Arc::new(record);
    // A row that cannot be named makes no events, and one complaint.
    if row.header.referral_id.is_some() && !row.is_unnamable() {
        row.all_rules(view);
    }
    let Row { mut events, issues: found, .. } = row;
    // A cell that two rules read is wrong once.
    let mut issues: Vec<Issue> = Vec::with_capacity(found.len());
    for issue in found {
        if !issues.contains(&issue) {
            issues.push(issue);
        }
    }
    if issues.iter().any(Issue::is_error) {
        events.clear();
    }
    RowEvents { events, issues }
}

/// Whether the record has any value for a fill.
pub(super) fn says(profile: &Profile, view: View<'_>, fill: Option<&Fill>) -> bool {
    let mut said = false;
    if let Some(fill) = fill {
        each_value(profile, view, fill, &mut |_, _| said = true);
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Severity;
    use crate::tree::{Limits, json};

    const PROFILE: &str = r##"
        name = "t"
        source = "https://t.example/cases"
        export = "snapshot"
        [fields]
        referral_id = "id"
        "person.local_id" = "person"
        "person.nhs_number" = "nhs"
        "person.name" = { column = "name", name_order = "family, given" }
        "service.kind" = { constant = "link-worker" }
        [[event]]
        id = "referred"
        each = "log"
        when = { column = "what", is = ["in"] }
        type = "referred"
        date = "at"
        fields.reasons = "/reasons"
        [[event]]
        id = "log"
        each = "log"
        when = { column = "what", is_not = ["in"] }
        type = { column = "what", values = "what" }
        date = "at"
        fields.outcome = "why"
        fields.note = "note"
        [values.what]
        seen = { event = "attended" }
        done = { event = "completed" }
        lost = { event = "closed_without_completion" }
    "##;

    fn of(record: &str) -> RowEvents {
        let profile = Profile::parse(PROFILE, "t").unwrap();
        let node = json::parse(record.as_bytes(), &Limits::default()).unwrap();
        read(&profile, View::Tree(&node, None), &Identities::default())
    }

    fn issues(row: &RowEvents) -> Vec<(&'static str, Severity)> {
        row.issues.iter().map(|issue| (issue.code.as_str(), issue.severity)).collect()
    }

    #[test]
    fn a_rule_below_a_list_reaches_the_record_around_it() {
        let row =
            of(r#"{"id":"1","person":"p","nhs":"9990004218","name":"A, B","reasons":["Debt","Housing"],
            "log":[{"at":"2026-03-04","what":"in"},{"at":"2026-03-05","what":"seen"}]}"#);
        let reasons: Vec<usize> = row.events.iter().map(|event| event.detail.reasons.len()).collect();
        assert_eq!((reasons, issues(&row)), (vec![2, 0], vec![]));
    }

    #[test]
    fn the_reason_of_an_unfinished_end_is_its_status_reason() {
        let row = of(r#"{"id":"1","person":"p","nhs":"9990004218","name":"A, B","log":[
            {"at":"2026-03-04","what":"done","why":"x"},{"at":"2026-03-05","what":"lost","why":"y"}]}"#);
        let of = |at: usize| row.events.get(at).map(|event| &event.detail).unwrap();
        assert!(of(0).outcome.is_some() && of(0).status_reason.is_none());
        assert!(of(1).outcome.is_none() && of(1).status_reason.is_some());
    }

    #[test]
    fn what_is_there_and_wrong_is_said_once() {
        let bad =
            of(r#"{"id":"1","nhs":"9990004219","name":"A, B","log":[{"at":"2026-03-04","what":"seen"}]}"#);
        assert_eq!(issues(&bad), [("nhs-number-check-digit", Severity::Error)]);
        let date = of(
            r#"{"id":"1","person":"p","nhs":"9990004218","name":"A, B","log":[{"at":"04.03.26","what":"seen","note":"n"}]}"#,
        );
        assert_eq!(issues(&date), [("date-format", Severity::Error)]);
        let shape = of(r#"{"id":"1","person":"p","nhs":"9990004218","name":"A, B","log":[7]}"#);
        assert_eq!(issues(&shape), [("wrong-shape", Severity::Error)]);
    }

    #[test]
    fn nothing_is_passed_over_in_silence() {
        let name = of(
            r#"{"id":"1","person":"p","nhs":"9990004218","name":"A B","log":[{"at":"2026-03-04","what":"seen"}]}"#,
        );
        assert_eq!(issues(&name), [("wrong-shape", Severity::Warning)]);
        let none = of(r#"{"id":"1","person":"p","nhs":"9990004218","name":"A, B","log":[]}"#);
        assert_eq!(issues(&none), [("nothing-happened", Severity::Error)]);
        let with = |more: &str| {
            of(&format!(
                r#"{{"id":"1","person":"p","nhs":"9990004218","name":"A, B","log":[
                {{"at":"2026-03-04","what":"seen"}},{more}]}}"#
            ))
        };
        assert_eq!(issues(&with(r#"{"what":"done"}"#)), [("date-missing", Severity::Warning)]);
        assert_eq!(issues(&with(r#""done""#)), [("wrong-shape", Severity::Error)]);
        assert_eq!(issues(&with("null")), []);
    }

    const ONE: &str = r##"
        name = "one"
        source = "https://t.example/cases"
        export = "snapshot"
        [fields]
        referral_id = "id"
        "person.nhs_number" = "nhs"
        "person.given" = "given"
        "person.address_lines" = { columns = ["street", "house"] }
        "referrer.kind" = { constant = "gp" }
        "service.kind" = { constant = "link-worker" }
        "consent.share" = { column = "share", values = "share" }
        [[event]]
        id = "referred"
        type = "referred"
        date = "in"
        when = { column = "how", is_not = ["void"] }
        fields.reasons = [{ column = "need" }, { column = "code", system = "snomed", words = "word" }]
        fields.note = "note"
        [[status]]
        id = "status"
        column = "status"
        values = "status"
        [[count]]
        id = "missed"
        column = "missed"
        type = "did_not_attend"
        label = "Missed"
        [values.share]
        Full = "full"
        None = "none"
        [values.status]
        Open = { event = "accepted" }
        Shut = { event = "completed" }
    "##;

    fn one(more: &str) -> RowEvents {
        let profile = Profile::parse(ONE, "t").unwrap();
        let nhs = if more.contains(r#""nhs""#) { "" } else { r#""nhs":"9990004218","# };
        let record = format!(r#"{{"id":"1",{nhs}{more}}}"#);
        let node = json::parse(record.as_bytes(), &Limits::default()).unwrap();
        read(&profile, View::Tree(&node, None), &Identities::default())
    }

    #[test]
    fn one_of_two_values_is_never_taken() {
        let cases = [
            (r#""in":"2026-03-04","nhs":["9990004218","9990012342"]"#, "nhs"),
            (r#""in":"2026-03-04","share":["None","Full"]"#, "share"),
            (r#""in":"2026-03-04","share":["Full","None"]"#, "share"),
            (r#""in":["2026-03-04","2026-03-09"]"#, "in"),
            (r#""in":"2026-03-04","how":["void","kept"]"#, "how"),
            (r#""in":"2026-03-04","note":["a","b"]"#, "note"),
            (r#""in":"2026-03-04","house":["1","2"],"street":"Elm Row""#, "house"),
            (r#""in":"2026-03-04","code":"267076002","word":["a","b"]"#, "word"),
            (r#""in":"2026-03-04","status":["Open","Shut"]"#, "status"),
            (r#""in":"2026-03-04","missed":[1,2]"#, "missed"),
        ];
        for (more, column) in cases {
            let row = one(more);
            assert_eq!(issues(&row), [("several-values", Severity::Error)], "{more}");
            assert_eq!(row.issues.first().unwrap().at.column.as_deref(), Some(column), "{more}");
            assert!(row.events.is_empty(), "{more}");
        }
    }

    #[test]
    fn a_value_written_twice_is_one_and_lists_take_all() {
        let row = one(r#""in":["2026-03-04","2026-03-04"],"share":["Full",""," Full"],"note":["a","a"],
            "given":["Nia","Mair"],"need":["Debt","Housing"],"status":["Open","Open"],"missed":[2,2]"#);
        assert_eq!(issues(&row), []);
        let first = row.events.first().unwrap();
        assert_eq!((row.events.len(), first.detail.reasons.len()), (3, 2));
        assert_eq!(first.record.person.given.len(), 2);
    }

    #[test]
    fn a_consent_of_two_minds_is_none_that_can_be_read() {
        let profile = Profile::parse(ONE, "t").unwrap();
        for share in [r#"["Full","None"]"#, r#"["None","Full"]"#] {
            let record = format!(r#"{{"id":"1","nhs":"9990004218","share":{share},"in":"2026-03-04"}}"#);
            let node = json::parse(record.as_bytes(), &Limits::default()).unwrap();
            let about = crate::profile::about::about(&profile, View::Tree(&node, None));
            assert_eq!(about.consent, crate::profile::about::Said::Unreadable);
            assert!(about.person.nhs_number.is_some());
        }
    }
}
