//! One referral, from its rows to what is written of it: the whole of the work of a worker.
//!
//! Pure but for its inputs: the same rows, profile, codeset and settings give the same pieces and the same
//! report. Every row ends in exactly one way. Next: `rows`, what is read; [`super::since`], what changed;
//! `account`, what is said about it.

mod gather;

pub use gather::{Ending, Gathered, RefusedRows};

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use jiff::civil::Date;

use crate::codeset::Codeset;
use crate::event::kinds::Share;
use crate::event::{Issue, IssueCode, Position, ReferralEvent, Severity, prsb};
use crate::map::fold::{self, Folded};
use crate::map::hold::{names_two_persons, needs_hold};
use crate::map::mapper::{Mapped, Settings};
use crate::map::names::Names;
use crate::map::share::{Sharing, Statement, decide, heed, heed_together, statement};
use crate::map::shelf::Shelf;
use crate::source::{BadRecord, Scratch};

use super::consents::to_be_heeded;
use super::duplicates::OpenReferral;
use super::earlier::{Earlier, Learnt};
use super::group::{Digest16, FileScene, Place, RowText};
use super::interpret::Interpreter;
use super::known::{Against, Export, Known};
use super::read_back::Said;
use super::rejects::Reject;
use super::report::{Report, RowEnd, count};
use super::rows::ReadRow;
use super::since;
use super::whose::{ANOTHER_NUMBER, give_number};

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
    /// Whether what other rows said is kept beyond this run, as a store keeps it: a mended row is then never alone.
    pub remembers: bool,
    /// What the whole input says about persons, found before anything is written.
    pub known: OnceLock<Known>,
}

/// What a worker made of some referrals.
#[derive(Default)]
pub struct Done {
    /// Mapped referrals, in order, each with the names of its source.
    pub mapped: Vec<(Arc<Names>, Mapped)>,
    /// What the worker keeps between referrals.
    pub shelf: Shelf,
    /// Events as they are, when canonical events are wanted instead.
    pub events: Vec<ReferralEvent>,
    /// Rows set aside.
    pub rejects: Vec<Reject>,
    /// Open referrals with an NHS number.
    pub open: Vec<OpenReferral>,
    /// Events that were read out of FHIR.
    pub read_back: Vec<Said>,
    /// Counts.
    pub report: Report,
    /// What it is done for.
    pub purpose: Purpose,
    /// What is learnt of an earlier export.
    pub(super) learnt: Learnt,
}

/// What a referral is converted for. The code is the same, so that what would be done and what is done cannot differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// To be written.
    #[default]
    Write,
    /// To see which rows are set aside: nothing is mapped.
    Try,
    /// To learn what an earlier export made of it: nothing is mapped.
    Learn,
}

impl Shop {
    /// Sets aside a record that could not even be split off.
    pub fn refuse(&self, file: usize, bad: &BadRecord, done: &mut Done) {
        let row = RowText { file, row: bad.row, text: bad.text.clone() };
        let row = ReadRow { row: &row, events: Vec::new(), issues: vec![bad.issue.clone()] };
        self.reject(&row, RowEnd::Refused, done);
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
        if current.is_empty() && !previous.is_empty() {
            if self.read_all(previous, scratch).iter().any(|row| !row.is_refused()) {
                done.report.no_longer_in_export += 1;
            }
            return;
        }
        self.convert_beside(&previous, current, scratch, done);
    }

    /// Converts the rows that one export has of a referral, beside those of earlier exports.
    pub(super) fn convert_beside(
        &self,
        previous: &[&RowText],
        current: Vec<&RowText>,
        scratch: &mut Scratch,
        done: &mut Done,
    ) {
        let earlier = self.earlier(previous, scratch);
        self.convert_after(&earlier, current, scratch, done);
    }

    /// Converts the rows that one export has of a referral, knowing what was sent before.
    pub(super) fn convert_after(
        &self,
        earlier: &Earlier,
        current: Vec<&RowText>,
        scratch: &mut Scratch,
        done: &mut Done,
    ) {
        let now = self.read_all(current, scratch);
        let (refused, good): (Vec<_>, Vec<_>) = now.into_iter().partition(ReadRow::is_refused);
        // A row that is refused may still say what must be heeded.
        let heeded = refused.iter().find_map(|row| self.to_be_heeded(row, scratch));
        let set_aside = stated(&refused);
        for row in refused {
            self.reject(&row, RowEnd::Refused, done);
        }
        match heeded {
            _ if good.is_empty() => {}
            Some(found) => self.set_aside(good, IssueCode::HeldConsentUnclear, &found, done),
            None => self.convert_good(earlier, good, set_aside, done),
        }
    }

    /// What a refused row says of consent that must be heeded.
    fn to_be_heeded(&self, row: &ReadRow<'_>, scratch: &mut Scratch) -> Option<String> {
        let file = self.files.get(row.row.file)?;
        let (_, about) = self.interpreter.key_and_about(&file.layout, &file.bound, &row.row.text, scratch);
        let said = to_be_heeded(&about)?;
        Some(format!("{} {said}", self.at(row.place())))
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
            done.read_back.push(Said::new(event, row.place()));
        }
        done.events.append(&mut row.events);
    }

    /// Converts rows of which each is right in itself; `set_aside` is what other rows of the referral stated of consent.
    fn convert_good(
        &self,
        earlier: &Earlier,
        mut good: Vec<ReadRow<'_>>,
        mut set_aside: Vec<Statement>,
        done: &mut Done,
    ) {
        let snapshot = self.interpreter.is_snapshot();
        let export = good.first().and_then(|row| self.said_in(row.row.file));
        let events: Vec<_> = good.iter().flat_map(|row| row.events.iter().cloned()).collect();
        let (mut events, disputed) = fold::deduplicate(self.one_record(events));
        if !disputed.is_empty() {
            let ids = disputed.into_iter().map(|event| event.event_id).collect();
            let (refused, rest) = with_events(good, &ids);
            return self.convert_others(earlier, refused, rest, set_aside, IssueCode::DuplicateEventId, done);
        }
        if !snapshot {
            let changed = since::changed(&earlier.sent, &events);
            if !changed.is_empty() {
                let (refused, rest) = with_events(good, &changed);
                return self.convert_others(earlier, refused, rest, set_aside, IssueCode::EventChanged, done);
            }
        }
        if give_number(&mut events, &earlier.sent) {
            for row in &mut good {
                row.issues.retain(|issue| issue.code != IssueCode::NhsNumberMissing);
            }
        }
        if earlier.is_of_another(&events) {
            return self.set_aside(good, IssueCode::HeldTwoPersons, ANOTHER_NUMBER, done);
        }
        let has_the_number_now = earlier.lacked_the_number(&events);
        let all = match done.purpose {
            Purpose::Learn => {
                since::remember(earlier.sent.clone(), events.clone(), snapshot).unwrap_or_default()
            }
            Purpose::Write | Purpose::Try => Vec::new(),
        };
        let mut update = match since::update(earlier.sent.clone(), events, snapshot) {
            Ok(update) => update,
            Err((code, found)) => return self.set_aside(good, code, found, done),
        };
        let lost = lost_targets(&update.folded);
        done.learnt.all = all;
        done.learnt.all.retain(|event| !lost.contains(&event.event_id));
        let (waiting, good) = with_events(good, &lost);
        set_aside.extend(stated(&waiting));
        self.hold_waiting(waiting, done);
        if good.is_empty() {
            return;
        }
        let elsewhere = export.map(|export| export.consents(&update.folded)).unwrap_or_default();
        update.folded.consents_elsewhere = elsewhere.certain;
        set_aside.extend(elsewhere.doubtful);
        set_aside.extend_from_slice(&earlier.doubtful);
        if snapshot {
            // The row of today is the same statement, edited.
            heed_together(&mut update.folded, &earlier.statements);
        } else {
            update.folded.consents_elsewhere.extend_from_slice(&earlier.statements);
        }
        heed(&mut update.folded, &set_aside);
        let is_lifted =
            earlier.level == Some(Share::CodesOnly) && decide(&update.folded) == Sharing::Level(Share::Full);
        if is_lifted || has_the_number_now {
            // What was withheld before may leave now; what hung on a local identifier belongs to the person.
            update.wanted = None;
        }
        match self.hold(export, &update.folded) {
            // That nobody recorded consent is nothing against what the rows do say.
            Some((IssueCode::HeldNoConsent, _)) if done.purpose == Purpose::Try => {}
            Some((code, found)) => self.set_aside(good, code, &found, done),
            None => self.convert_complete(update, earlier, good, done),
        }
    }

    /// Refuses the rows of some events, and converts the others as if these were not there; but what they state of
    /// consent may forbid.
    fn convert_others(
        &self,
        earlier: &Earlier,
        refused: Vec<ReadRow<'_>>,
        rest: Vec<ReadRow<'_>>,
        mut set_aside: Vec<Statement>,
        code: IssueCode,
        done: &mut Done,
    ) {
        set_aside.extend(stated(&refused));
        self.set_aside(refused, code, "", done);
        if !rest.is_empty() {
            self.convert_good(earlier, rest, set_aside, done);
        }
    }

    /// Why a referral waits for a person: by itself, or by what other rows say of the person.
    fn hold(&self, export: Option<&Export>, folded: &Folded) -> Option<(IssueCode, String)> {
        if names_two_persons(folded) {
            return Some((IssueCode::HeldTwoPersons, String::new()));
        }
        let own = || needs_hold(folded, self.today).map(|(code, found)| (code, found.to_owned()));
        let by_others = export.and_then(|export| export.hold(folded));
        by_others.map(|against| (against.code, self.said(&against))).or_else(own)
    }

    /// What rows elsewhere say, with their places.
    pub(super) fn said(&self, against: &Against) -> String {
        let places: Vec<String> = against.places.iter().map(|place| self.at(*place)).collect();
        format!("{} {}", places.join(" and "), against.what)
    }

    /// Converts a referral unless it must be complete by the PRSB standard and is not.
    fn convert_complete(
        &self,
        update: since::Update,
        earlier: &Earlier,
        good: Vec<ReadRow<'_>>,
        done: &mut Done,
    ) {
        let counts = done.purpose == Purpose::Write || self.require_prsb;
        let missing = if counts { self.prsb_missing(&update.folded, done) } else { Vec::new() };
        if !self.require_prsb || missing.is_empty() {
            return self.write(update, earlier, &good, done);
        }
        for mut row in good {
            let at = Position::row(self.name(row.row.file), row.row.row);
            let issue = Issue::new(IssueCode::PrsbMandatoryMissing, at, missing.join("; "));
            row.issues.push(Issue { severity: Severity::Error, ..issue });
            self.reject(&row, RowEnd::Refused, done);
        }
    }

    /// Sets rows aside for one reason: held when the reason says so, else refused.
    fn set_aside(&self, rows: Vec<ReadRow<'_>>, code: IssueCode, found: &str, done: &mut Done) {
        let end = if code.as_str().starts_with("held-") { RowEnd::Held } else { RowEnd::Refused };
        for mut row in rows {
            row.issues.push(self.issue(row.row, code, found.to_owned()));
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
    fn hold_waiting(&self, rows: Vec<ReadRow<'_>>, done: &mut Done) {
        for mut row in rows {
            row.issues.push(self.issue(row.row, IssueCode::TargetUnknown, ""));
            self.reject(&row, RowEnd::Held, done);
        }
    }

    /// Which export a file is of.
    pub(super) fn export(&self, file: usize) -> usize {
        self.files.get(file).map_or(0, |file| file.export)
    }

    /// What the export of a file says as a whole.
    pub(super) fn said_in(&self, file: usize) -> Option<&Export> {
        self.known.get()?.of(self.export(file))
    }

    /// The name of a file.
    pub(super) fn name(&self, file: usize) -> Arc<str> {
        self.files.get(file).map_or_else(|| "".into(), |file| Arc::clone(&file.name))
    }

    /// A place as a person writes it: `file:row`.
    pub(super) fn at(&self, place: Place) -> String {
        format!("{}:{}", self.name(place.file()), place.row)
    }

    pub(super) fn issue(&self, row: &RowText, code: IssueCode, found: impl Into<Cow<'static, str>>) -> Issue {
        Issue::new(code, Position::row(self.name(row.file), row.row), found)
    }
}

/// What rows state of consent.
fn stated(rows: &[ReadRow<'_>]) -> Vec<Statement> {
    rows.iter().flat_map(|row| &row.events).filter_map(statement).collect()
}

/// The rows of some events, and the others.
fn with_events<'a>(rows: Vec<ReadRow<'a>>, ids: &HashSet<String>) -> (Vec<ReadRow<'a>>, Vec<ReadRow<'a>>) {
    rows.into_iter().partition(|row| row.events.iter().any(|event| ids.contains(&event.event_id)))
}

/// The events of which the target is not there.
fn lost_targets(folded: &Folded) -> HashSet<String> {
    let lost = folded.remarks.iter().filter(|(_, issue)| issue.code == IssueCode::TargetUnknown);
    lost.map(|(id, _)| id.clone()).collect()
}
