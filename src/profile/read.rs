//! Reads one record through a profile: one row, many events.
//!
//! The referral-level fields are read once; then each rule whose date is there makes an event. Any error
//! refuses the whole row, so that no half of it leaves. Pure. Next: [`super::check`].

use std::borrow::Cow;
use std::sync::Arc;

use crate::event::build::{Draft, Header, Raw, Reading};
use crate::event::detail::Detail;
use crate::event::field::{Field, Kind};
use crate::event::finish::{self, Identities};
use crate::event::issue::kind_of;
use crate::event::kinds::EventType;
use crate::event::{Issue, IssueCode, Position, Record, ReferralEvent, Term};
use crate::tree::Node;

use super::compile::{Column, CountRule, EventRule, Fill, From, NameOrder, Profile, StatusRule, TypeOf};
use super::places;
use super::raw::{CaseNumber, ExportKind};
use super::values::{ValueMap, fold};
use super::view::{NO_PLACE, ProfilePlaces, Value, View};

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
    // Two senders may both have a REF001.
    let id = match profile.fields.iter().find(|fill| fill.field == Field::Source) {
        Some(source) => format!("{}\u{1f}{id}", joined(profile, view, &source.from).unwrap_or_default()),
        None => id,
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
    each_value(profile, view, fill, &mut |value, column| {
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
    places::name_columns(profile, None, issues.iter_mut());
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

struct Row<'a> {
    profile: &'a Profile,
    identities: &'a Identities,
    header: Header,
    record: Arc<Record>,
    issues: Vec<Issue>,
    events: Vec<ReferralEvent>,
}

impl Row<'_> {
    fn report(&mut self, code: IssueCode, column: Option<Column>, found: impl Into<Cow<'static, str>>) {
        let column = column.and_then(|column| self.profile.column_name(column)).cloned();
        self.issues.push(Issue::new(code, Position { column, ..Position::default() }, found));
    }

    /// A case number that numbers people becomes a referral's with the referred date; a case number that could
    /// be an NHS number does not travel as the case reference either.
    fn name_the_referral(&mut self, view: View<'_>, record: &mut Record) {
        let Some(id) = self.header.referral_id.clone() else {
            self.issues.push(Issue::new(IssueCode::RequiredMissing, Position::path("referral_id"), ""));
            return;
        };
        if self.profile.case_number == CaseNumber::Person {
            match referred_date(self.profile, view, &mut self.issues) {
                Some(when) => {
                    record.case_reference.get_or_insert_with(|| id.clone());

                    self.header.referral_id = Some(format!("{id}/{when}"));
                }
                None => self.report(
                    IssueCode::RequiredMissing,
                    None,
                    "the referred date, which tells this person's referrals apart",
                ),
            }
        }
        if let Ok(opaque) = self.identities.opaque(&id)
            && (opaque != id || record.case_reference.as_deref().is_some_and(Identities::must_replace))
        {
            record.case_reference = Some(opaque);
        }
    }

    /// Whether the case number may not leave and there is no key to replace it with; reported once.
    fn is_unnamable(&mut self) -> bool {
        let refused = self.header.referral_id.as_deref().and_then(|id| self.identities.opaque(id).err());
        self.issues.extend(refused.map(|code| Issue::new(code, Position::path("referral_id"), "")));
        refused.is_some()
    }

    fn holds(&self, view: View<'_>, rule: &EventRule) -> bool {
        let Some(when) = &rule.when else { return true };
        let value = view.first(self.profile, when.column).map(|value| fold(&value)).unwrap_or_default();
        (when.is.is_empty() || when.is.contains(&value)) && !when.is_not.contains(&value)
    }

    fn all_rules(&mut self, view: View<'_>) {
        let profile = self.profile;
        for rule in &profile.events {
            self.rule(view, rule);
        }
        for rule in &profile.statuses {
            self.status(view, rule);
        }
        for rule in &profile.counts {
            self.count(view, rule);
        }
        if self.events.is_empty() && !self.issues.iter().any(Issue::is_error) {
            self.report(IssueCode::NothingHappened, None, places::could_be_filled(profile));
        }
    }

    fn rule(&mut self, view: View<'_>, rule: &EventRule) {
        let views = match &rule.each {
            Some(path) => view.each(path),
            None => vec![view],
        };
        let mut on_day = Vec::new();
        for view in views {
            if let View::Tree(node, Some((path, _))) = view
                && !matches!(node, Node::Object(_) | Node::String(_))
            {
                let at = Position { column: Some(path.into()), ..Position::default() };
                self.issues.push(Issue::new(IssueCode::WrongShape, at, node.kind()));
                continue;
            }
            if self.holds(view, rule) {
                self.rule_once(view, rule, &mut on_day);
            }
        }
    }

    /// One element of a rule: one event, or one per date of a split cell.
    fn rule_once(&mut self, view: View<'_>, rule: &EventRule, on_day: &mut Vec<(String, u32)>) {
        let Some(date) = &rule.date else { return };
        let dates = self.dates(view, date);
        if dates.is_empty() && says(self.profile, view, Some(date)) {
            // It is there and was refused.
            return;
        }
        let event_type = match &rule.event_type {
            TypeOf::Fixed(event_type) => Some(*event_type),
            TypeOf::ByValue(column, values) => self.type_by_value(view, *column, values, !dates.is_empty()),
        };
        if dates.is_empty() {
            self.without_date(view, rule);
            return;
        }
        let Some(event_type) = event_type else { return };
        for (when, sequence) in dates {
            let mut draft = Draft::default();
            let places = ProfilePlaces { profile: self.profile };
            let mut reading = Reading {
                zone: &self.profile.zone,
                nhs_number: self.profile.nhs_number,
                places: &places,
                issues: &mut self.issues,
            };
            for fill in &rule.fields {
                set(self.profile, view, fill, &mut draft, &mut reading);
            }
            let mut detail = draft.detail;
            if matches!(rule.event_type, TypeOf::ByValue(..)) {
                self.keep_allowed(event_type, &mut detail);
            }
            let mut header =
                Header { event_type: Some(event_type), occurred_at: Some(when), ..self.header.clone() };
            header.recorded_at = draft.header.recorded_at.or(header.recorded_at);
            header.sequence = draft.header.sequence.or(header.sequence).or(sequence);
            header.target_event_id = draft.header.target_event_id.or(header.target_event_id);
            if self.profile.export == ExportKind::Snapshot {
                let referral = header.referral_id.clone().unwrap_or_default();
                let day = when.to_string();
                let id = if rule.repeats {
                    let n = match on_day.iter_mut().find(|(known, _)| *known == day) {
                        Some((_, n)) => {
                            *n += 1;
                            *n
                        }
                        None => {
                            on_day.push((day.clone(), 1));
                            1
                        }
                    };
                    if n == 1 {
                        format!("{referral}/{}/{day}", rule.id)
                    } else {
                        format!("{referral}/{}/{day}/{n}", rule.id)
                    }
                } else {
                    format!("{referral}/{}", rule.id)
                };
                header.event_id = Some(id);
            }
            self.push(header, detail, Some(date));
        }
    }

    fn push(&mut self, header: Header, detail: Detail, date: Option<&Fill>) {
        let record = Arc::clone(&self.record);
        let before = self.issues.len();
        let event = finish::event(header, detail, &record, self.identities, &mut self.issues);
        places::name_columns(self.profile, date, self.issues.iter_mut().skip(before));
        self.events.extend(event);
    }

    /// The dates of a rule, and for none of them a sequence: exports have no order but their dates.
    fn dates(&mut self, view: View<'_>, fill: &Fill) -> Vec<(crate::event::When, Option<u64>)> {
        dates(self.profile, view, fill, &mut self.issues)
    }

    fn type_by_value(
        &mut self,
        view: View<'_>,
        column: Column,
        values: &ValueMap,
        dated: bool,
    ) -> Option<EventType> {
        let Some(value) = view.first(self.profile, column) else {
            if dated {
                self.report(
                    IssueCode::RequiredMissing,
                    Some(column),
                    "a date without the value that says what happened",
                );
            }
            return None;
        };
        match values.get(&value) {
            Some(entry) => {
                EventType::parse(entry.event.as_deref().or(entry.word.as_deref()).unwrap_or_default())
            }
            None => {
                self.report(
                    IssueCode::ValueNotMapped,
                    Some(column),
                    format!("{}; map: values.{}", kind_of(&value), values.name),
                );
                None
            }
        }
    }

    /// A rule without its date makes nothing; what the row says about it all the same is not passed over.
    fn without_date(&mut self, view: View<'_>, rule: &EventRule) {
        let said = rule.fields.iter().find_map(|fill| match &fill.from {
            From::Column(column) | From::Given(column, _) | From::Family(column, _) => {
                view.first(self.profile, *column).map(|_| *column)
            }
            From::Columns(columns, _) => {
                columns.iter().copied().find(|column| view.first(self.profile, *column).is_some())
            }
            From::Constant(_) => None,
        });
        if said.is_some() {
            self.report(IssueCode::DateMissing, said, format!("rule {}", rule.id));
        }
    }

    /// Parts that have no meaning on the type the value gave are listed, not sent. The reason for an end that is
    /// not a completion is its status reason.
    fn keep_allowed(&mut self, event_type: EventType, detail: &mut Detail) {
        use crate::event::detail::Part;
        finish::tidy(detail);
        if event_type != EventType::Completed
            && detail.status_reason.is_none()
            && Detail::allowed(event_type, Part::StatusReason)
        {
            detail.status_reason = detail.outcome.take();
        }
        let extra: Vec<Part> = detail.parts().filter(|part| !Detail::allowed(event_type, *part)).collect();
        for part in extra {
            match part {
                Part::Reasons => detail.reasons.clear(),
                Part::Mode => detail.mode = None,
                Part::Scores => detail.scores.clear(),
                Part::Answers => detail.answers.clear(),
                Part::Plan => (detail.plan, detail.goals) = (None, Vec::new()),
                Part::Outcome => detail.outcome = None,
                Part::StatusReason => detail.status_reason = None,
                Part::To => (detail.to, detail.what) = (None, None),
                Part::Count => (detail.count, detail.count_label) = (None, None),
                Part::Message => (detail.message, detail.actions) = (None, None),
            }
            self.report(IssueCode::NotCarried, None, format!("{part:?} on {}", event_type.as_str()));
        }
    }

    fn status(&mut self, view: View<'_>, rule: &StatusRule) {
        let Some(event_type) = self.type_by_value(view, rule.column, &rule.values, false) else { return };
        let header = Header {
            event_type: Some(event_type),
            event_id: self.header.referral_id.as_ref().map(|id| format!("{id}/{}", rule.id)),
            is_status_slot: true,
            ..self.header.clone()
        };
        self.push(header, Detail::default(), None);
    }

    fn count(&mut self, view: View<'_>, rule: &CountRule) {
        let Some(value) = view.first(self.profile, rule.column) else { return };
        let count = match value.parse::<u32>() {
            Ok(0) => return,
            Ok(count) => count,
            Err(_) => {
                self.report(IssueCode::NumberFormat, Some(rule.column), kind_of(&value));
                return;
            }
        };
        let header = Header {
            event_type: Some(rule.event_type),
            event_id: self.header.referral_id.as_ref().map(|id| format!("{id}/{}", rule.id)),
            ..self.header.clone()
        };
        self.push(
            header,
            Detail { count: Some(count), count_label: Some(rule.label.clone()), ..Detail::default() },
            None,
        );
    }
}

fn raw(value: Value<'_>) -> Raw<'_> {
    match value {
        Value::Text(text) => Raw::Text(text),
        Value::Number(text) => Raw::Number(Cow::Borrowed(text)),
        Value::Bool(value) => Raw::Bool(value),
        // A list or an object where a value belongs is refused by whatever it is read as.
        Value::Other => Raw::Term(Term { code: Some(String::new()), ..Term::default() }),
    }
}

/// Calls back for every non-blank value of a fill, split where the profile says so.
fn each_value<'a>(profile: &Profile, view: View<'a>, fill: &Fill, each: &mut dyn FnMut(Value<'a>, Column)) {
    let mut hand_out = |value: Value<'a>, column: Column| match (&value, fill.split.as_deref()) {
        (Value::Text(text), Some(split)) if !split.is_empty() => {
            for part in text.split(split).map(str::trim).filter(|part| !part.is_empty()) {
                each(Value::Text(Cow::Owned(part.to_owned())), column);
            }
        }
        (Value::Text(text), _) if text.trim().is_empty() => {}
        _ => each(value, column),
    };
    match &fill.from {
        From::Column(column) => view.values(profile, *column, &mut |value| hand_out(value, *column)),
        From::Constant(constant) => hand_out(Value::Text(Cow::Owned(constant.clone())), NO_PLACE),
        From::Columns(columns, _) => {
            let place = columns.first().copied().unwrap_or(NO_PLACE);
            if let Some(text) = joined(profile, view, &fill.from) {
                hand_out(Value::Text(Cow::Owned(text)), place);
            }
        }
        From::Given(column, order) => {
            if let Some((given, _)) = view.first(profile, *column).and_then(|name| split_name(&name, *order))
            {
                hand_out(Value::Text(Cow::Owned(given)), *column);
            }
        }
        From::Family(column, order) => {
            if let Some((_, family)) = view.first(profile, *column).and_then(|name| split_name(&name, *order))
            {
                hand_out(Value::Text(Cow::Owned(family)), *column);
            }
        }
    }
}

/// A value of one column, or of several joined; blank ones are left out.
fn joined(profile: &Profile, view: View<'_>, from: &From) -> Option<String> {
    match from {
        From::Column(column) => view.first(profile, *column),
        From::Columns(columns, join) => {
            let parts: Vec<_> = columns.iter().filter_map(|column| view.first(profile, *column)).collect();
            (!parts.is_empty()).then(|| parts.join(join))
        }
        From::Constant(constant) => Some(constant.clone()),
        From::Given(..) | From::Family(..) => None,
    }
}

/// Given names and family name.
fn split_name(name: &str, order: NameOrder) -> Option<(String, String)> {
    let (given, family) = match order {
        NameOrder::FamilyGiven => name.split_once(',').map(|(family, given)| (given, family))?,
        NameOrder::GivenFamily => name.trim().rsplit_once(' ')?,
    };
    Some((given.trim().to_owned(), family.trim().to_owned()))
}

/// Sets a field from its fill.
pub(super) fn set(
    profile: &Profile,
    view: View<'_>,
    fill: &Fill,
    draft: &mut Draft,
    reading: &mut Reading<'_>,
) {
    if let Some(term) = &fill.term {
        draft.set(fill.field, fill.index, Raw::Term(term.clone()), NO_PLACE, None, reading);
        return;
    }
    if let From::Given(column, order) | From::Family(column, order) = fill.from
        && view.first(profile, column).is_some_and(|name| split_name(&name, order).is_none())
    {
        // Said once, for the family name. Who has no family name on record is for a person to match.
        if fill.field == Field::FamilyName {
            let at = reading.places.position(column);
            let found = "a name that is not written as name_order states";
            reading.issues.push(Issue::new(IssueCode::WrongShape, at, found).softened());
        }
        return;
    }
    let is_constant = matches!(fill.from, From::Constant(_));
    let words = fill.words.and_then(|column| view.first(profile, column));
    let mut coded = false;
    each_value(profile, view, fill, &mut |value, column| {
        coded = true;
        let place = if is_constant { NO_PLACE } else { column };
        let text = match &value {
            Value::Text(text) => text.trim().to_owned(),
            // Exports write ids as numbers; an NHS number that was a number has lost what tells it is whole.
            Value::Number(text) if fill.field != Field::NhsNumber => (*text).to_owned(),
            Value::Bool(value) => value.to_string(),
            _ => {
                draft.set(fill.field, fill.index, raw(value), place, fill.date.as_ref(), reading);
                return;
            }
        };
        let raw = match (fill.field.kind(), &fill.values) {
            (Kind::Term(_), values) => {
                Raw::Term(term(text, values.as_deref(), fill, words.clone(), is_constant))
            }
            (_, None) => match value {
                Value::Number(_) if matches!(fill.field.kind(), Kind::Scalar | Kind::Integer) => {
                    self::raw(value)
                }
                _ => Raw::Text(Cow::Owned(text)),
            },
            (_, Some(values)) => match (values.get(&text), &fill.otherwise) {
                (Some(entry), _) => Raw::Text(Cow::Owned(entry.word.clone().unwrap_or(text))),
                (None, Some(otherwise)) => Raw::Text(Cow::Owned(otherwise.clone())),
                (None, None) => {
                    reading.report(
                        IssueCode::ValueNotMapped,
                        place,
                        format!("{}; map: values.{}", kind_of(&text), values.name),
                    );
                    return;
                }
            },
        };
        draft.set(fill.field, fill.index, raw, place, fill.date.as_ref(), reading);
    });
    // Words whose code was left blank are still what the source said.
    if let (false, Some(words)) = (coded, words) {
        let place = fill.words.unwrap_or(NO_PLACE);
        let raw = Raw::Term(term(
            words,
            fill.values.as_deref(),
            &Fill { system: None, ..fill.clone() },
            None,
            false,
        ));
        draft.set(fill.field, fill.index, raw, place, None, reading);
    }
}

/// A term out of a cell: through the value map, as a code, or as words.
fn term(
    text: String,
    values: Option<&ValueMap>,
    fill: &Fill,
    words: Option<String>,
    is_constant: bool,
) -> Term {
    if let Some(entry) = values.and_then(|values| values.get(&text)) {
        return Term {
            text: Some(entry.text.clone().unwrap_or(text)),
            code: entry.code.clone(),
            system: entry.system.as_deref().and_then(crate::event::term::TermSystem::parse),
            controlled: true,
            sensitive: entry.sensitive,
            selected: false,
        };
    }
    match fill.system {
        Some(system) => {
            Term { text: words, code: Some(text), system: Some(system), selected: true, ..Term::default() }
        }
        None => Term { text: Some(text), controlled: is_constant, ..Term::default() },
    }
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
    }
}
