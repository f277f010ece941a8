//! One referral, from its rows to what is written of it: the whole of the work of a worker.
//!
//! Pure but for its inputs: the same rows, profile, codeset and settings give the same pieces and the same
//! report. Every row ends in exactly one way. Next: [`super::since`], for what changed.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use jiff::civil::Date;

use crate::codeset::Codeset;
use crate::event::kinds::{EventType, Share};
use crate::event::{Issue, IssueCode, Position, ReferralEvent, Severity, prsb};
use crate::map::fold::{self, Folded};
use crate::map::mapper::{Mapped, Mapper, Settings, names_two_persons, needs_hold};
use crate::map::names::Names;
use crate::map::patient;
use crate::map::share::{Sharing, Statement, decide, statement};

use super::consents::{ByPerson, person_keys};
use super::group::{Digest16, FileScene, RowText, digest16};
use super::interpret::Interpreter;
use super::report::{Report, RowEnd, count};
use super::since;
use crate::source::{BadRecord, Scratch};

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
    /// What was stated about persons' consent, found in the first pass over the input.
    pub consents: OnceLock<ByPerson>,
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
    /// Sets aside a record that could not even be split off.
    pub fn refuse(&self, file: usize, bad: &BadRecord, done: &mut Done) {
        let row = RowText { file, row: bad.row, text: bad.text.clone() };
        self.reject(
            &ReadRow { row: &row, events: Vec::new(), issues: vec![bad.issue.clone()] },
            RowEnd::Refused,
            done,
        );
    }

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
        self.refuse_repeats(&mut before, scratch);
        before.retain(|row| !row.issues.iter().any(Issue::is_error));
        let mut now: Vec<ReadRow<'_>> = current.into_iter().map(|row| self.read(row, scratch)).collect();
        self.refuse_repeats(&mut now, scratch);

        let (refused, good): (Vec<_>, Vec<_>) =
            now.into_iter().partition(|row| row.issues.iter().any(Issue::is_error));
        // A row that is refused may still say what must be heeded.
        let withdrawn = refused.iter().any(|row| self.withdraws(row, scratch));
        for row in refused {
            self.reject(&row, RowEnd::Refused, done);
        }
        if withdrawn {
            self.set_aside(
                good,
                IssueCode::HeldNoConsent,
                "a refused row of this referral says nothing is shared",
                done,
            );
            return;
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
        let earlier = self.one_record(before.into_iter().flat_map(|row| row.events).collect());
        let earlier_statements: Vec<Statement> = earlier.iter().filter_map(statement).collect();
        let (earlier, level_before) = self.what_was_sent(earlier);
        let mut update = match since::update(earlier, events, self.interpreter.is_snapshot()) {
            Ok(update) => update,
            Err((code, found)) => return self.set_aside(good, code, found, done),
        };
        update.folded.consents_elsewhere = self.consents_of(&update.folded);
        update.folded.consents_elsewhere.extend(earlier_statements);
        if level_before == Some(Share::CodesOnly) && decide(&update.folded) == Sharing::Level(Share::Full) {
            // What was withheld before may leave now.
            update.wanted = None;
        }
        self.unknown_targets(&update.folded, &mut good, done);
        if good.is_empty() {
            return;
        }
        if names_two_persons(&update.folded) {
            return self.set_aside(good, IssueCode::HeldTwoPersons, "", done);
        }
        if let Some((code, found)) = needs_hold(&update.folded, self.today) {
            return self.set_aside(good, code, found, done);
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

    /// What was stated about the person's consent anywhere in the input.
    fn consents_of(&self, folded: &Folded) -> Vec<Statement> {
        let Some(consents) = self.consents.get().filter(|consents| !consents.is_empty()) else {
            return Vec::new();
        };
        let keys = folded.steps.iter().flat_map(|step| person_keys(&step.event));
        keys.filter_map(|person| consents.get(&person)).flatten().copied().collect()
    }

    /// What of the earlier export had been sent, and how much was shared: nothing of what was disputed, held, or
    /// not shared then.
    fn what_was_sent(&self, earlier: Vec<ReferralEvent>) -> (Vec<ReferralEvent>, Option<Share>) {
        let (earlier, _disputed) = fold::deduplicate(earlier);
        if earlier.is_empty() {
            return (Vec::new(), None);
        }
        let mut old = fold::fold(earlier.clone());
        old.consents_elsewhere = Vec::new();
        match (needs_hold(&old, self.today), decide(&old)) {
            (None, Sharing::Level(share)) if share != Share::None => (earlier, Some(share)),
            _ => (Vec::new(), None),
        }
    }

    fn withdraws(&self, row: &ReadRow<'_>, scratch: &mut Scratch) -> bool {
        self.files
            .get(row.row.file)
            .is_some_and(|file| self.interpreter.withdraws(&file.layout, &file.bound, &row.row.text, scratch))
    }

    /// Sets rows aside for one reason: held when the reason says so, else refused.
    fn set_aside(&self, rows: Vec<ReadRow<'_>>, code: IssueCode, found: &'static str, done: &mut Done) {
        let end = if code.as_str().starts_with("held-") { RowEnd::Held } else { RowEnd::Refused };
        for mut row in rows {
            row.issues.push(self.issue(row.row, code, found));
            self.reject(&row, end, done);
        }
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
        let mut mapped =
            mapper.map(&names, &folded, patient::uuid(&self.interpreter.identities, &names, last));
        if let Some(wanted) = &wanted {
            mapped.events.retain(|event| wanted.contains(&event.event_id));
        }
        let end = match mapped.share {
            Some(Share::None) | None => RowEnd::NotShared,
            Some(_) if mapped.events.is_empty() => RowEnd::Unchanged,
            Some(_) => RowEnd::Converted,
        };
        let withdrawn_now = end == RowEnd::NotShared && wanted.is_some();
        let is_sent = |row: &ReadRow<'_>| row.events.iter().any(|event| mapped.has(&event.event_id));
        // What is new may be about the referral as a whole: then it is every row's.
        let per_row = wanted.is_some() && good.iter().any(is_sent);
        for row in &good {
            self.remark(row, &folded, &mapped, done);
            if withdrawn_now {
                done.report.issues(&[self.issue(row.row, IssueCode::WithdrawnAfterSending, "")]);
            }
            let unchanged = end == RowEnd::Converted && per_row && !is_sent(row);
            done.report.row(if unchanged { RowEnd::Unchanged } else { end });
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
    use crate::fhir::types::{CodeableConcept, Resource};
    let sent =
        mapped.events.iter().flat_map(|event| &event.entries).find_map(|entry| match &entry.resource {
            Resource::ServiceRequest(request) => Some(&request.reason_code),
            _ => None,
        });
    let controlled: HashSet<&str> = folded
        .steps
        .iter()
        .filter(|step| step.event.event_type == EventType::Referred)
        .flat_map(|step| &step.event.detail.reasons)
        .filter(|term| term.controlled)
        .filter_map(|term| term.text.as_deref())
        .collect();
    let name = |concept: &CodeableConcept| match (concept.coding.first(), concept.text.as_deref()) {
        (Some(coding), _) => {
            let code = coding.code.as_deref().unwrap_or_default();
            format!("{code} {}", coding.display.as_deref().unwrap_or_default()).trim().to_owned()
        }
        (None, Some(text)) if controlled.contains(text) => text.to_owned(),
        (None, _) => "(free text)".to_owned(),
    };
    let mut names: Vec<String> = sent.into_iter().flatten().map(name).collect();
    names.sort_unstable();
    names.dedup();
    names
}
