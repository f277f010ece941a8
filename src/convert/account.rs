//! What is written of a referral, and what the report says of its rows.
//!
//! Next: [`super::report`], where it is counted.

use std::collections::{HashMap, HashSet};

use crate::event::kinds::{EventType, Share};
use crate::event::{Issue, IssueCode, ReferralEvent};
use crate::map::fold::Folded;
use crate::map::mapper::{Mapped, Mapper};
use crate::map::patient;
use crate::source::Scratch;

use super::by_id::ById;
use super::consents::to_be_heeded;
use super::duplicates::OpenReferral;
use super::earlier::Earlier;
use super::group::{FileScene, digest16};
use super::known::Export;
use super::person_keys::{InSource, source_tag};
use super::referral::{Done, Purpose, Shop};
use super::rejects::Reject;
use super::report::RowEnd;
use super::rows::ReadRow;
use super::since;
use super::unchanged::{leave_out, may_be_unchanged, now};

/// What there is to say of a referral beside how its rows end.
#[derive(Default)]
struct Told {
    /// Whether nothing was sent before.
    is_first: bool,
    /// Whether something was sent before, and nothing may be any more.
    is_withdrawn: bool,
    /// How much may be sent, and was.
    level: Option<(IssueCode, String)>,
}

impl Shop {
    /// Maps a referral and accounts for its rows.
    pub(super) fn write(
        &self,
        update: since::Update,
        earlier: &Earlier,
        good: &[ReadRow<'_>],
        done: &mut Done,
    ) {
        match done.purpose {
            Purpose::Write => {}
            Purpose::Try => return,
            Purpose::Learn => return done.learnt.write(&update.folded, good),
        }
        let since::Update { folded, wanted } = update;
        let Some(last) = folded.steps.last().map(|step| &step.event) else {
            // Rows that say nothing that happened are accounted for all the same.
            let told = Told { is_first: wanted.is_none(), ..Told::default() };
            return self.account(&folded, &Mapped::default(), told, good, done);
        };
        let names = done.shelf.names(&last.source);
        let mapper = Mapper { codeset: &self.codeset, settings: &self.settings, shelf: &done.shelf };
        let subject = patient::uuid(&self.interpreter.identities, &names, last);
        let mut mapped = mapper.map(&names, &folded, subject);
        if let Some(wanted) = &wanted {
            mapped.events.retain(|event| wanted.contains(&event.event_id));
            // An event as such is more than what is sent of it.
            let (now, sent) = (now(&folded), ById::new(&earlier.sent));
            if !self.as_events && mapped.events.iter().any(|event| may_be_unchanged(event, &now, &sent)) {
                let before = mapper.map(&names, &earlier.folded(), subject);
                leave_out(&mut mapped, &now, &before, &sent);
            }
        }
        let told = Told {
            is_first: wanted.is_none(),
            is_withdrawn: end_of(&folded, &mapped) == RowEnd::NotShared
                && !earlier.sent.is_empty()
                && !mapper.map(&names, &earlier.folded(), subject).events.is_empty(),
            level: level_changed(&folded, &mapped, earlier),
        };
        self.account(&folded, &mapped, told, good, done);
        if end_of(&folded, &mapped) != RowEnd::Converted {
            return;
        }
        let events: Vec<&ReferralEvent> = folded.steps.iter().map(|step| &step.event).collect();
        done.report.activity(&events, &reasons(&mapped, &folded), mapped.share.unwrap_or(Share::None));
        done.report.mapped(&mapped);
        self.note_open(&folded, good, last, done);
        if self.as_events {
            let sent = ids(&mapped);
            done.events.extend(events.into_iter().filter(|event| sent.contains(&*event.event_id)).cloned());
        } else {
            done.mapped.push((names, mapped));
        }
    }

    /// Says of every row how it ended, and what there is to say about it.
    fn account(&self, folded: &Folded, mapped: &Mapped, told: Told, good: &[ReadRow<'_>], done: &mut Done) {
        let end = end_of(folded, mapped);
        let about_all = match end {
            RowEnd::NotShared if told.is_withdrawn => Some(IssueCode::WithdrawnAfterSending),
            // Nothing was sent before either: it is not that nothing is new.
            RowEnd::Unchanged if told.is_first => Some(IssueCode::NothingSent),
            _ => None,
        };
        let export = good.first().and_then(|row| self.said_in(row.row.file));
        let names = export.and_then(|export| export.names_differ(folded));
        let sent = ids(mapped);
        let is_sent = |row: &ReadRow<'_>| row.events.iter().any(|event| sent.contains(&*event.event_id));
        // What is new may be about the referral as a whole: then it is every row's.
        let per_row = good.iter().any(is_sent);
        let mut unsaid = Unsaid::new();
        for (n, (id, issue)) in folded.remarks.iter().chain(&mapped.notes.remarks).enumerate() {
            unsaid.entry(id).or_default().push((n, issue));
        }
        for (n, row) in good.iter().enumerate() {
            self.remark(row, &mut unsaid, done);
            // What is about the referral is said once, at its first row.
            if n == 0 {
                let names = names.as_ref().map(|names| self.issue(row.row, names.code, self.said(names)));
                let level =
                    told.level.as_ref().map(|(code, found)| self.issue(row.row, *code, found.clone()));
                let of_all =
                    about_all.map(|code| self.issue(row.row, code, "")).into_iter().chain(level).chain(names);
                done.report.issues(&of_all.collect::<Vec<_>>());
            }
            let unchanged = end == RowEnd::Converted && per_row && !is_sent(row);
            done.report.row(if unchanged { RowEnd::Unchanged } else { end });
        }
    }

    /// The issues of a row: its own, and what the fold and the mapping found about its events and was not said at
    /// another row of the same event.
    fn remark(&self, row: &ReadRow<'_>, unsaid: &mut Unsaid<'_>, done: &mut Done) {
        let mut issues = row.issues.clone();
        let mut of_row: Vec<_> = Vec::new();
        for event in &row.events {
            of_row.extend(unsaid.remove(event.event_id.as_str()).unwrap_or_default());
        }
        // As they were found.
        of_row.sort_unstable_by_key(|(n, _)| *n);
        issues.extend(of_row.into_iter().map(|(_, issue)| {
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
                place: row.place(),
            });
        }
    }

    /// Sets a row aside, with its reasons.
    pub(super) fn reject(&self, row: &ReadRow<'_>, end: RowEnd, done: &mut Done) {
        match done.purpose {
            Purpose::Write => {}
            Purpose::Try => {
                return done.rejects.push(Reject { place: row.place(), line: String::new() });
            }
            Purpose::Learn => return done.learnt.set_aside(row, end),
        }
        let file = self.files.get(row.row.file);
        let mut all = row.issues.clone();
        all.extend(file.filter(|_| end == RowEnd::Refused).and_then(|file| self.unattributed(row, file)));
        done.report.row(end);
        done.report.reasons(end, &all);
        done.report.issues(&all);
        let Some(file) = file else { return };
        let marked = all.iter().any(|issue| issue.code == IssueCode::NotAlone);
        let line = if marked || !self.needs_the_rest(row, file) {
            done.report.not_alone += u64::from(marked);
            file.layout.reject_line(&row.row.text, &all)
        } else {
            done.report.not_alone += 1;
            all.push(self.issue(row.row, IssueCode::NotAlone, ""));
            file.layout.reject_line(&row.row.text, &all)
        };
        done.rejects.push(Reject { place: row.place(), line });
    }

    /// Says so where a refused row forbids, or may forbid, that anything of a person leaves, and names neither number nor
    /// identifier: nothing can be held for that person.
    fn unattributed(&self, row: &ReadRow<'_>, file: &FileScene) -> Option<Issue> {
        if self.interpreter.is_fhir() {
            return None;
        }
        let too_large = row.issues.iter().map(|issue| issue.code).find(|code| *code == IssueCode::TooLarge);
        let code = too_large.or_else(|| row.issues.first().map(|issue| issue.code))?;
        let (layout, text) = (&file.layout, &row.row.text);
        let (key, about) =
            self.interpreter.key_and_about_refused(layout, &file.bound, text, code, &mut Scratch::default());
        to_be_heeded(&about)?;
        // Whom a number or an identifier stands for, only its source makes known.
        let has_source = about.source.is_some() || self.interpreter.identities.source.is_some();
        let named = about.person.nhs_number.is_some() || about.person.local_id.is_some();
        let names_nobody = !(has_source && named);
        let found = match key {
            Some(_) => "only the other rows of its referral are held",
            None => "nothing is held for it",
        };
        names_nobody.then(|| self.issue(row.row, IssueCode::WithdrawalNotAttributed, found))
    }

    /// Whether what other rows say would be lost if a mended row were converted alone: the other rows of its referral,
    /// an earlier export, the person's consent in another row, be it in doubt, or whose the number is; or, where it was set aside for what says whose it is or
    /// of which referral, that another row has the same number or id.
    fn needs_the_rest(&self, row: &ReadRow<'_>, file: &FileScene) -> bool {
        if self.remembers || self.interpreter.is_fhir() {
            return false;
        }
        if self.interpreter.rows_share_referrals() || self.files.iter().any(|file| file.previous) {
            return true;
        }
        if row.issues.iter().any(|issue| issue.code == IssueCode::HeldConsentUnclear) {
            return true;
        }
        let profile = self.interpreter.profile();
        if profile.is_some_and(|profile| row.issues.iter().any(|issue| profile.is_about_identity(issue))) {
            return true;
        }
        let text = &row.row.text;
        // What the reader refused, and what is no record.
        let of_form = |issue: &Issue| {
            issue.is_error() && issue.at.column.is_none() && !issue.code.as_str().starts_with("held-")
        };
        if row.issues.iter().any(of_form) && !self.interpreter.says_which(&file.layout, &file.bound, text) {
            return true;
        }
        let (_, about) =
            self.interpreter.key_and_about(&file.layout, &file.bound, text, &mut Scratch::default());
        let source = about.source.as_deref().or(self.interpreter.identities.source.as_deref());
        let keys = InSource::new(source_tag(source.unwrap_or_default()), &about.person);
        let states = |export: &Export| export.may_state_more_of(&keys, &about.person, row.place());
        self.said_in(row.row.file).is_none_or(states)
    }
}

/// What a person should know of how much is shared now and was before: what was sent stays where it is, and what is
/// not known to be the later word lifts nothing.
fn level_changed(folded: &Folded, mapped: &Mapped, earlier: &Earlier) -> Option<(IssueCode, String)> {
    let stated = folded.steps.last().and_then(|step| step.event.record.consent.as_ref());
    match (earlier.level?, mapped.share?) {
        (Share::Full, Share::CodesOnly) => {
            let known = ById::new(&earlier.sent);
            let sent = |id: &str| known.has(id);
            let withheld = mapped
                .notes
                .remarks
                .iter()
                .filter(|(id, issue)| issue.code == IssueCode::ConsentWithheld && sent(id))
                .filter_map(|(_, issue)| issue.at.path.as_deref());
            let mut words: Vec<&str> = withheld.collect();
            words.sort_unstable();
            words.dedup();
            Some((IssueCode::NarrowedAfterSending, words.join(", ")))
        }
        (Share::CodesOnly, Share::CodesOnly)
            if stated.is_some_and(|consent| consent.share == Share::Full) =>
        {
            Some((IssueCode::ConsentNotLifted, String::new()))
        }
        _ => None,
    }
}

/// What was found about events and is not said yet, by their ids; with the order in which it was found.
type Unsaid<'f> = HashMap<&'f str, Vec<(usize, &'f Issue)>>;

/// The ids of the events that are sent.
fn ids(mapped: &Mapped) -> HashSet<&str> {
    mapped.events.iter().map(|event| event.event_id.as_str()).collect()
}

/// How the rows of a referral end by what was mapped of it.
fn end_of(folded: &Folded, mapped: &Mapped) -> RowEnd {
    match mapped.share {
        _ if folded.steps.is_empty() => RowEnd::Unchanged,
        Some(Share::None) | None => RowEnd::NotShared,
        Some(_) if mapped.events.is_empty() => RowEnd::Unchanged,
        Some(_) => RowEnd::Converted,
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
