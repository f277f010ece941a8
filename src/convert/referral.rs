//! One referral, from its rows to what is written of it: the whole of the work of a worker.
//!
//! Pure but for its inputs: the same rows, profile, codeset and settings give the same pieces and the same
//! report. Every row ends in exactly one way. Next: [`super::since`], for what changed.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use jiff::civil::Date;

use crate::codeset::Codeset;
use crate::event::kinds::{EventType, Share};
use crate::event::{Issue, IssueCode, NhsNumber, Position, ReferralEvent, Severity, prsb};
use crate::map::fold::{self, Folded};
use crate::map::mapper::{Mapped, Mapper, Settings, needs_hold};
use crate::map::names::{NameKind, Names};
use crate::map::share::Statement;

use super::group::{Digest16, FileScene, RowText, digest16};
use super::interpret::Interpreter;
use super::report::{Report, RowEnd, count};
use super::since;
use crate::source::Scratch;

/// Everything a worker needs, shared by all.
pub struct Shop {
    /// The files.
    pub files: Vec<FileScene>,
    /// How records become events.
    pub interpreter: Interpreter,
    /// The codeset.
    pub codeset: Arc<Codeset>,
    /// Mapping choices.
    pub settings: Settings,
    /// The day of the run, in London.
    pub today: Date,
    /// Referral ids on more than one row, where rows are converted as they come.
    pub twice: HashSet<Digest16>,
    /// Whether a missing PRSB element refuses the row.
    pub require_prsb: bool,
    /// Whether canonical events are wanted instead of FHIR.
    pub as_events: bool,
    /// Changes of consent by person, found while the events of a log are sorted.
    pub consents: OnceLock<HashMap<Digest16, Vec<Statement>>>,
}

/// What tells persons of one source apart: the NHS number, else the source's own identifier.
#[must_use]
pub fn person_key(event: &ReferralEvent) -> Option<Digest16> {
    let person = &event.record.person;
    let id = person.nhs_number.as_ref().map(NhsNumber::as_str).or(person.local_id.as_deref())?;
    Some(digest16(format!("{}\u{1f}{id}", event.source).as_bytes()))
}

/// A row that is not written, with the reasons.
pub struct Reject {
    /// Index of its file.
    pub file: usize,
    /// Its number.
    pub row: u64,
    /// The line of the rejects file.
    pub line: String,
}

/// A person with an open referral, for finding possible duplicates.
pub struct OpenReferral {
    /// Hash of the NHS number.
    pub person: Digest16,
    /// Hash of the referral.
    pub referral: Digest16,
    /// Days since 1970 of the referral.
    pub day: i32,
    /// Index of its file.
    pub file: usize,
    /// Its row.
    pub row: u64,
}

/// What a worker made of some referrals.
#[derive(Default)]
pub struct Done {
    /// Mapped referrals, in order, each with the names of its source.
    pub mapped: Vec<(Names, Mapped)>,
    /// Events as they are, when canonical events are wanted instead.
    pub events: Vec<ReferralEvent>,
    /// Rows set aside.
    pub rejects: Vec<Reject>,
    /// Open referrals with an NHS number.
    pub open: Vec<OpenReferral>,
    /// Counts.
    pub report: Report,
}

/// A row with what was read from it.
struct ReadRow<'a> {
    row: &'a RowText,
    events: Vec<ReferralEvent>,
    issues: Vec<Issue>,
}

impl Shop {
    /// Converts the rows of one referral.
    pub fn convert(&self, rows: &[RowText], scratch: &mut Scratch, done: &mut Done) {
        if self.interpreter.is_fhir() {
            for row in rows {
                self.read_back(self.read(row, scratch), done);
            }
            return;
        }
        let (previous, current): (Vec<&RowText>, Vec<&RowText>) =
            rows.iter().partition(|row| self.files.get(row.file).is_some_and(|file| file.previous));
        let mut before: Vec<ReadRow<'_>> = previous.into_iter().map(|row| self.read(row, scratch)).collect();
        before.retain(|row| !row.issues.iter().any(Issue::is_error));
        let mut now: Vec<ReadRow<'_>> = current.into_iter().map(|row| self.read(row, scratch)).collect();
        self.refuse_repeats(&mut now, scratch);

        let (refused, good): (Vec<_>, Vec<_>) =
            now.into_iter().partition(|row| row.issues.iter().any(Issue::is_error));
        for row in refused {
            self.reject(&row, RowEnd::Refused, done);
        }
        if good.is_empty() {
            if !before.is_empty()
                && rows.iter().all(|row| self.files.get(row.file).is_some_and(|f| f.previous))
            {
                done.report.no_longer_in_export += 1;
            }
            return;
        }
        self.convert_good(before, good, done);
    }

    /// FHIR becomes events, as they are: a Bundle may hold any number of referrals, and what a clinical system
    /// already holds is not withheld from the scheme that sent it.
    fn read_back(&self, mut row: ReadRow<'_>, done: &mut Done) {
        if row.issues.iter().any(Issue::is_error) {
            self.reject(&row, RowEnd::Refused, done);
            return;
        }
        done.report.issues(&row.issues);
        done.report.row(if row.events.is_empty() { RowEnd::Unchanged } else { RowEnd::Converted });
        for event in &row.events {
            count(&mut done.report.events, event.event_type.as_str());
        }
        done.events.append(&mut row.events);
    }

    fn convert_good(&self, before: Vec<ReadRow<'_>>, mut good: Vec<ReadRow<'_>>, done: &mut Done) {
        let events: Vec<_> = good.iter().flat_map(|row| row.events.iter().cloned()).collect();
        let events = self.one_record(events);
        let (events, disputed) = fold::deduplicate(events);
        if !disputed.is_empty() {
            let ids: HashSet<&str> = disputed.iter().map(|event| event.event_id.as_str()).collect();
            for row in &mut good {
                if row.events.iter().any(|event| ids.contains(event.event_id.as_str())) {
                    row.issues.push(self.issue(row.row, IssueCode::DuplicateEventId, ""));
                }
            }
            let (refused, rest): (Vec<_>, Vec<_>) =
                good.into_iter().partition(|row| row.issues.iter().any(Issue::is_error));
            for row in refused {
                self.reject(&row, RowEnd::Refused, done);
            }
            // What is left is converted as if the disputed rows were not there.
            if !rest.is_empty() {
                self.convert_good(before, rest, done);
            }
            return;
        }
        let earlier = before.into_iter().flat_map(|row| row.events).collect();
        let mut update = match since::update(self.one_record(earlier), events, self.interpreter.is_snapshot())
        {
            Ok(update) => update,
            Err((code, found)) => {
                let end = if code.as_str().starts_with("held-") { RowEnd::Held } else { RowEnd::Refused };
                for mut row in good {
                    row.issues.push(self.issue(row.row, code, found));
                    self.reject(&row, end, done);
                }
                return;
            }
        };
        update.folded.consents_elsewhere = self.consents_of(&update.folded);
        self.unknown_targets(&update.folded, &mut good, done);
        if good.is_empty() {
            return;
        }
        if let Some(code) = needs_hold(&update.folded, self.today) {
            for mut row in good {
                row.issues.push(self.issue(row.row, code, ""));
                self.reject(&row, RowEnd::Held, done);
            }
            return;
        }
        let missing = self.prsb_missing(&update.folded, done);
        if self.require_prsb && !missing.is_empty() {
            for mut row in good {
                let found = missing.join("; ");
                let at = Position::row(self.name(row.row.file), row.row.row);
                let issue = Issue::new(IssueCode::PrsbMandatoryMissing, at, found);
                row.issues.push(Issue { severity: Severity::Error, ..issue });
                self.reject(&row, RowEnd::Refused, done);
            }
            return;
        }
        self.write(update, good, done);
    }

    /// Changes of consent that the person's other referrals recorded.
    fn consents_of(&self, folded: &Folded) -> Vec<Statement> {
        let Some(consents) = self.consents.get().filter(|consents| !consents.is_empty()) else {
            return Vec::new();
        };
        let person = folded.steps.last().and_then(|step| person_key(&step.event));
        person.and_then(|person| consents.get(&person).cloned()).unwrap_or_default()
    }

    /// Counts how complete a referral is by the PRSB standard.
    fn prsb_missing(&self, folded: &Folded, done: &mut Done) -> Vec<&'static str> {
        let Some(last) = folded.steps.last() else { return Vec::new() };
        let details: Vec<_> = folded.steps.iter().map(|step| &step.event.detail).collect();
        let missing = prsb::completeness(&last.event.record, &details).mandatory_missing;
        done.report.prsb.referrals += 1;
        done.report.prsb.complete += u64::from(missing.is_empty());
        for path in &missing {
            count(&mut done.report.prsb.missing, path);
        }
        missing
    }

    /// Rows whose correction has no target in the input wait for it.
    fn unknown_targets(&self, folded: &Folded, good: &mut Vec<ReadRow<'_>>, done: &mut Done) {
        let lost: HashSet<&str> = folded
            .remarks
            .iter()
            .filter(|(_, issue)| issue.code == IssueCode::TargetUnknown)
            .map(|(id, _)| id.as_str())
            .collect();
        if lost.is_empty() {
            return;
        }
        let all = std::mem::take(good);
        for mut row in all {
            if row.events.iter().any(|event| lost.contains(event.event_id.as_str())) {
                row.issues.push(self.issue(row.row, IssueCode::TargetUnknown, ""));
                self.reject(&row, RowEnd::Held, done);
            } else {
                good.push(row);
            }
        }
    }

    fn write(&self, update: since::Update, good: Vec<ReadRow<'_>>, done: &mut Done) {
        let since::Update { folded, wanted } = update;
        let Some(last) = folded.steps.last().map(|step| &step.event) else {
            // Rows that say nothing that happened are accounted for all the same.
            for row in &good {
                self.remark(row, &folded, &Mapped::default(), done);
                done.report.row(RowEnd::Unchanged);
            }
            return;
        };
        let names = Names::new(&last.source);
        let mapper = Mapper { codeset: &self.codeset, settings: &self.settings };
        let mut mapped = mapper.map(&names, &folded, self.patient_uuid(&names, last));
        if let Some(wanted) = &wanted {
            mapped.events.retain(|event| wanted.contains(&event.event_id));
        }
        let end = match mapped.share {
            Some(Share::None) | None => RowEnd::NotShared,
            Some(_) if mapped.events.is_empty() => RowEnd::Unchanged,
            Some(_) => RowEnd::Converted,
        };
        for row in &good {
            self.remark(row, &folded, &mapped, done);
            done.report.row(end);
        }
        if end == RowEnd::Converted {
            let events: Vec<&ReferralEvent> = folded.steps.iter().map(|step| &step.event).collect();
            done.report.activity(&events, &reasons(&mapped, &folded), mapped.share.unwrap_or(Share::None));
            done.report.mapped(&mapped);
            self.note_open(&folded, &good, last, done);
            if self.as_events {
                let wanted = |id: &str| mapped.events.iter().any(|event| event.event_id == id);
                done.events.extend(events.into_iter().filter(|event| wanted(&event.event_id)).cloned());
            } else {
                done.mapped.push((names, mapped));
            }
        }
    }

    /// UUID of the Patient. Never made from an NHS number in the clear: see [`crate::map::names`].
    fn patient_uuid(&self, names: &Names, event: &ReferralEvent) -> uuid::Uuid {
        let person = &event.record.person;
        if let Some(local) = &person.local_id {
            return names.uuid(NameKind::Person, &[local]);
        }
        let keyed = person.nhs_number.and_then(|number| {
            self.interpreter
                .identities
                .opaque_key
                .as_ref()
                .and_then(|_| self.interpreter.identities.opaque(number.as_str()).ok())
        });
        match keyed {
            Some(keyed) => names.uuid(NameKind::Person, &[&keyed]),
            None => names.uuid(NameKind::Person, &[&event.referral_id]),
        }
    }

    /// The issues of a row: its own, the fold's and the mapping's about its events.
    fn remark(&self, row: &ReadRow<'_>, folded: &Folded, mapped: &Mapped, done: &mut Done) {
        let mut issues = row.issues.clone();
        let of_row = |id: &str| row.events.iter().any(|event| event.event_id == id);
        let found = folded.remarks.iter().chain(&mapped.notes.remarks);
        issues.extend(found.filter(|(id, _)| of_row(id)).map(|(_, issue)| {
            let mut issue = issue.clone();
            issue.at = issue.at.within(&self.name(row.row.file), row.row.row);
            issue
        }));
        done.report.issues(&issues);
    }

    fn note_open(&self, folded: &Folded, good: &[ReadRow<'_>], last: &ReferralEvent, done: &mut Done) {
        let open = folded.state().filter(|state| !state.ended);
        let day = open
            .and_then(|state| folded.steps.get(state.opened_by))
            .and_then(|step| step.event.occurred_at)
            .map(|when| when.day());
        if let (Some(day), Some(number), Some(row)) = (day, last.record.person.nhs_number, good.first()) {
            let epoch = jiff::civil::date(1970, 1, 1);
            done.open.push(OpenReferral {
                person: digest16(number.as_str().as_bytes()),
                referral: digest16(format!("{}\u{1f}{}", last.source, last.referral_id).as_bytes()),
                day: epoch.until(day).map(|span| span.get_days()).unwrap_or_default(),
                file: row.row.file,
                row: row.row.row,
            });
        }
    }

    fn read<'a>(&self, row: &'a RowText, scratch: &mut Scratch) -> ReadRow<'a> {
        let Some(file) = self.files.get(row.file) else {
            return ReadRow { row, events: Vec::new(), issues: Vec::new() };
        };
        let read = self.interpreter.events(&file.layout, &file.bound, &row.text, scratch);
        let mut issues = read.issues;
        for issue in &mut issues {
            issue.at = std::mem::take(&mut issue.at).within(&file.name, row.row);
        }
        let mut events = read.events;
        if issues.iter().any(Issue::is_error) {
            events.clear();
        }
        ReadRow { row, events, issues }
    }

    /// Two rows of one referral where a row is a referral: all of them are refused. Where rows were converted as
    /// they came, the ids that occur twice were found before.
    fn refuse_repeats(&self, rows: &mut [ReadRow<'_>], scratch: &mut Scratch) {
        if self.interpreter.rows_share_referrals() {
            if self.interpreter.is_snapshot() {
                self.refuse_disagreement(rows);
            }
            return;
        }
        let several = rows.len() > 1;
        for row in rows {
            // By the key they were found by: the id that the events bear may be another, made from it.
            let mut repeated = || {
                let file = self.files.get(row.row.file)?;
                let key = self.interpreter.key(&file.layout, &file.bound, &row.row.text, scratch)?;
                Some(self.twice.contains(&digest16(&key)))
            };
            if several || (!self.twice.is_empty() && repeated() == Some(true)) {
                row.issues.push(self.issue(row.row, IssueCode::DuplicateReferralId, ""));
            }
        }
    }

    /// Rows of one referral, one per need, must agree on everything but the needs.
    fn refuse_disagreement(&self, rows: &mut [ReadRow<'_>]) {
        let agree = |a: &ReferralEvent, b: &ReferralEvent| {
            a.event_id != b.event_id || {
                let without = |event: &ReferralEvent| {
                    let mut detail = event.detail.clone();
                    detail.reasons.clear();
                    (event.event_type, event.occurred_at, detail)
                };
                without(a) == without(b)
            }
        };
        let good: Vec<&ReadRow<'_>> = rows.iter().filter(|row| !row.events.is_empty()).collect();
        let first = good.first().map(|row| row.events.clone()).unwrap_or_default();
        let disagree = good.iter().skip(1).any(|row| {
            row.events.len() != first.len()
                || row.events.iter().zip(&first).any(|(a, b)| !agree(a, b) || a.record != b.record)
        });
        if disagree {
            for row in rows {
                row.issues.push(self.issue(row.row, IssueCode::RowsDisagree, ""));
            }
        }
    }

    /// Merges rows that are needs of one referral: the reasons of an event are those of all rows.
    fn one_record(&self, events: Vec<ReferralEvent>) -> Vec<ReferralEvent> {
        if !(self.interpreter.is_snapshot() && self.interpreter.rows_share_referrals()) {
            return events;
        }
        let mut merged: Vec<ReferralEvent> = Vec::new();
        for event in events {
            match merged.iter_mut().find(|known| known.event_id == event.event_id) {
                Some(known) => {
                    for reason in event.detail.reasons {
                        if !known.detail.reasons.contains(&reason) {
                            known.detail.reasons.push(reason);
                        }
                    }
                }
                None => merged.push(event),
            }
        }
        // The order of the rows must not matter.
        for event in &mut merged {
            event.detail.reasons.sort_by(|a, b| (&a.text, &a.code).cmp(&(&b.text, &b.code)));
        }
        merged
    }

    fn reject(&self, row: &ReadRow<'_>, end: RowEnd, done: &mut Done) {
        done.report.row(end);
        let first = row.issues.iter().find(|issue| issue.is_error());
        let reason = first.map_or("unknown", |issue| issue.code.as_str());
        count(if end == RowEnd::Held { &mut done.report.held } else { &mut done.report.refused }, reason);
        done.report.issues(&row.issues);
        if let Some(file) = self.files.get(row.row.file) {
            let line = file.layout.reject_line(&row.row.text, &row.issues);
            done.rejects.push(Reject { file: row.row.file, row: row.row.row, line });
        }
    }

    fn name(&self, file: usize) -> Arc<str> {
        self.files.get(file).map_or_else(|| "".into(), |file| Arc::clone(&file.name))
    }

    fn issue(&self, row: &RowText, code: IssueCode, found: &'static str) -> Issue {
        Issue::new(code, Position::row(self.name(row.file), row.row), found)
    }
}

/// The reasons of a referral for the activity table: by code where one was sent, else by the profile's words.
fn reasons(mapped: &Mapped, folded: &Folded) -> Vec<String> {
    use crate::fhir::types::Resource;
    let sent =
        mapped.events.iter().flat_map(|event| &event.entries).find_map(|entry| match &entry.resource {
            Resource::ServiceRequest(request) => Some(&request.reason_code),
            _ => None,
        });
    let mut names: Vec<String> = sent
        .into_iter()
        .flatten()
        .map(|concept| match concept.coding.first() {
            Some(coding) => format!(
                "{} {}",
                coding.code.as_deref().unwrap_or_default(),
                coding.display.as_deref().or(concept.text.as_deref()).unwrap_or_default()
            )
            .trim()
            .to_owned(),
            None => concept.text.as_deref().map_or_else(String::new, str::to_owned),
        })
        .collect();
    let controlled: HashSet<&str> = folded
        .steps
        .iter()
        .filter(|step| step.event.event_type == EventType::Referred)
        .flat_map(|step| &step.event.detail.reasons)
        .filter(|term| term.controlled)
        .filter_map(|term| term.text.as_deref())
        .collect();
    for name in &mut names {
        if !name.starts_with(|c: char| c.is_ascii_digit()) && !controlled.contains(name.as_str()) {
            "(free text)".clone_into(name);
        }
    }
    names.sort_unstable();
    names.dedup();
    names
}
