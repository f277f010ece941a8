//! [`Row`]: the rules of a profile applied to one record, each making its events.
//!
//! What it is: names, conditions, dates, types and ids of events. What it is not: how a field gets its value, which is
//! [`super::set`]'s. Invariant: an event's id depends on the referral, the rule and, for repeats, the date, never on the
//! order of rows. Next: [`super::set`].

use std::borrow::Cow;
use std::sync::Arc;

use super::{dates, different, referred_date, says, set};
use crate::event::build::{Draft, Header, Reading};
use crate::event::detail::{Detail, Part};
use crate::event::finish::{self, Identities};
use crate::event::issue::kind_of;
use crate::event::kinds::EventType;
use crate::event::{Issue, IssueCode, Position, Record, ReferralEvent};
use crate::profile::compile::{Column, CountRule, EventRule, Fill, From, Profile, StatusRule, TypeOf};
use crate::profile::named_columns;
use crate::profile::raw::{CaseNumber, ExportKind};
use crate::profile::values::{ValueMap, fold};
use crate::profile::view::{ProfilePlaces, View};
use crate::tree::Node;

pub(super) struct Row<'a> {
    pub(super) profile: &'a Profile,
    pub(super) identities: &'a Identities,
    pub(super) header: Header,
    pub(super) record: Arc<Record>,
    pub(super) issues: Vec<Issue>,
    pub(super) events: Vec<ReferralEvent>,
}

/// Several values where there can be one; it has been reported.
struct Several;

impl Row<'_> {
    fn report(&mut self, code: IssueCode, column: Option<Column>, found: impl Into<Cow<'static, str>>) {
        let column = column.and_then(|column| self.profile.column_name(column)).cloned();
        self.issues.push(Issue::new(code, Position { column, ..Position::default() }, found));
    }

    /// A case number that numbers people becomes a referral's with the referred date; a case number that could
    /// be an NHS number does not travel as the case reference either.
    pub(super) fn name_the_referral(&mut self, view: View<'_>, record: &mut Record) {
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
    pub(super) fn is_unnamable(&mut self) -> bool {
        let refused = self.header.referral_id.as_deref().and_then(|id| self.identities.opaque(id).err());
        self.issues.extend(refused.map(|code| Issue::new(code, Position::path("referral_id"), "")));
        refused.is_some()
    }

    /// The one value of a column. Several are reported, and none of them is taken.
    fn one(&mut self, view: View<'_>, column: Column) -> Result<Option<String>, Several> {
        match view.several(self.profile, column) {
            None => Ok(view.first(self.profile, column)),
            Some(count) => {
                self.report(IssueCode::SeveralValues, Some(column), different(count));
                Err(Several)
            }
        }
    }

    fn holds(&mut self, view: View<'_>, rule: &EventRule) -> bool {
        let Some(when) = &rule.when else { return true };
        let Ok(value) = self.one(view, when.column) else { return false };
        let value = value.map(|value| fold(&value)).unwrap_or_default();
        (when.is.is_empty() || when.is.contains(&value)) && !when.is_not.contains(&value)
    }

    pub(super) fn all_rules(&mut self, view: View<'_>) {
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
            self.report(IssueCode::NothingHappened, None, named_columns::could_be_filled(self.profile));
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
            let happened = match rule.event_type {
                TypeOf::ByValue(column, _) => event_type.map(|_| column),
                TypeOf::Fixed(_) => None,
            };
            self.without_date(view, rule, happened);
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
                let day = when.text();
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
        named_columns::name_columns(self.profile, date, self.issues.iter_mut().skip(before));
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
        let Some(value) = self.one(view, column).ok()? else {
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

    /// A rule without its date makes nothing; what the row says about it all the same is not passed over: details, or
    /// in a column of its own that it happened. An element that is a text where a whole event belongs says something
    /// that nobody reads.
    fn without_date(&mut self, view: View<'_>, rule: &EventRule, happened: Option<Column>) {
        let said = rule.fields.iter().find_map(|fill| match &fill.from {
            From::Column(column) | From::Given(column, _) | From::Family(column, _) => {
                view.first(self.profile, *column).map(|_| *column)
            }
            From::Columns(columns, _) => {
                columns.iter().copied().find(|column| view.first(self.profile, *column).is_some())
            }
            From::Constant(_) => None,
        });
        if let Some(said) = said.or(happened) {
            self.report(IssueCode::DateMissing, Some(said), format!("rule {}", rule.id));
        } else if let View::Tree(node @ Node::String(_), Some((path, _))) = view {
            let at = Position { column: Some(path.into()), ..Position::default() };
            self.issues.push(Issue::new(IssueCode::WrongShape, at, node.kind()));
        }
    }

    /// Parts that have no meaning on the type the value gave are listed, not sent. The reason for an end that is
    /// not a completion is its status reason.
    fn keep_allowed(&mut self, event_type: EventType, detail: &mut Detail) {
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
        let Ok(Some(value)) = self.one(view, rule.column) else { return };
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
