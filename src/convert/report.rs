//! [`Report`]: what happened to every row, in counts that add up.
//!
//! Rows in = converted + unchanged + held + not shared + refused + blank; [`Report::adds_up`] is asserted at the
//! end of every run. Reports of workers are merged, so everything here is a sum or a sorted list: the same
//! whatever the number of workers. It holds no person's data but the words of terms that need a coder, which
//! only `--report` writes out. Next: [`super::run`].

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::event::kinds::{EventType, Share};
use crate::event::{Issue, IssueCode, ReferralEvent, Severity};
use crate::map::mapper::Mapped;
use crate::map::notes::NeedsCoding;

/// A count by name.
pub type Counts = BTreeMap<String, u64>;

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowEnd {
    /// Its events were written.
    Converted,
    /// Nothing about it is new (`--since`).
    Unchanged,
    /// A person must decide first.
    Held,
    /// The person shares nothing.
    NotShared,
    /// It is wrong.
    Refused,
}

/// Rows by what became of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Rows {
    /// Every row of the input, blank ones included, heading lines not.
    pub read: u64,
    /// Written.
    pub converted: u64,
    /// Nothing new.
    pub unchanged: u64,
    /// Waiting for a person.
    pub held: u64,
    /// Not shared by the person's wish.
    pub not_shared: u64,
    /// Wrong.
    pub refused: u64,
    /// Blank.
    pub blank: u64,
}

/// A term that needs a coder, with how often it came.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct TermToCode {
    /// Where in the event it stood.
    pub field: &'static str,
    /// Why it has no code.
    pub why: &'static str,
    /// Whether the profile's value map lists the words.
    pub controlled: bool,
    /// The words; absent when the source gave only a code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// An issue in the list of the report.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ListedIssue {
    /// The file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<Arc<str>>,
    /// The row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
    /// Column or path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Arc<str>>,
    /// `error`, `warning` or `information`.
    pub severity: &'static str,
    /// Stable code.
    pub code: &'static str,
    /// What kind of value was found.
    pub found: String,
    /// What to do.
    pub remedy: &'static str,
}

/// At most this many issues are listed; all are counted.
pub const MAX_LISTED: usize = 10_000;
/// At most this many different terms are listed; all are counted.
pub const MAX_TERMS: usize = 10_000;

/// A file of refused and held rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RejectsFile {
    /// Its path.
    pub file: String,
    /// How many rows are in it.
    pub rows: u64,
}

/// How many records had the elements the PRSB standard makes mandatory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Completeness {
    /// Referrals looked at.
    pub referrals: u64,
    /// Referrals with every mandatory element.
    pub complete: u64,
    /// Missing elements by PRSB path.
    pub missing: Counts,
}

/// The report of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Program and version.
    pub program: String,
    /// Codeset and version.
    pub codeset: String,
    /// Profile, when there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Whether the profile was drafted and not reviewed.
    pub profile_not_reviewed: bool,
    /// When the run recorded what it made.
    pub recorded_at: String,
    /// Rows by what became of them.
    pub rows: Rows,
    /// Referrals written.
    pub referrals: u64,
    /// Bundles written.
    pub bundles: u64,
    /// Resources written, by type.
    pub resources: Counts,
    /// Events written, by type.
    pub events: Counts,
    /// Events without a date.
    pub undated: u64,
    /// Referrals that answer a request of the clinical system.
    pub joins: u64,
    /// Refused rows by reason (the first error of each row).
    pub refused: Counts,
    /// Refused rows by every reason: a row counts once for each of its errors.
    pub refused_by_any_reason: Counts,
    /// Held rows by reason.
    pub held: Counts,
    /// The files of `--rejects`, with how many rows went into each.
    pub rejects: Vec<RejectsFile>,
    /// Of the refused and held rows those that cannot be mended and converted without the rest of their export.
    pub not_alone: u64,
    /// Warnings and information, by code.
    pub remarks: Counts,
    /// Things withheld by the level of consent or because they are sensitive.
    pub withheld: u64,
    /// How many terms need a coder.
    pub needs_coding: u64,
    /// Referrals by practice (ODS code).
    pub by_practice: Counts,
    /// Referrals by month of referral.
    pub by_month: Counts,
    /// Referrals by reason: coded ones by SNOMED CT code, others by the profile's words, the rest as `(free text)`.
    pub by_reason: Counts,
    /// Referrals by service.
    pub by_service: Counts,
    /// Columns that went nowhere.
    pub columns_unused: Vec<String>,
    /// Referrals that an earlier export had and this one has not (`--since`).
    pub no_longer_in_export: u64,
    /// Persons with two open referrals within 28 days.
    pub possible_duplicates: u64,
    /// PRSB completeness.
    pub prsb: Completeness,
    /// Terms that need a coder, with counts.
    #[serde(serialize_with = "terms")]
    pub terms: BTreeMap<TermToCode, u64>,
    /// The issues, sorted by place.
    pub issues: Vec<ListedIssue>,
    /// How many issues the list leaves out.
    pub issues_not_listed: u64,
    /// What a person should know about how the files were read.
    pub notes: Vec<String>,
}

/// As a list, because JSON has no structured keys.
fn terms<S: serde::Serializer>(terms: &BTreeMap<TermToCode, u64>, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Counted<'a> {
        count: u64,
        field: &'a str,
        why: &'a str,
        controlled: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        text: Option<&'a str>,
    }
    let mut listed: Vec<_> = terms
        .iter()
        .map(|(term, count)| Counted {
            count: *count,
            field: term.field,
            why: term.why,
            controlled: term.controlled,
            text: term.text.as_deref(),
        })
        .collect();
    listed.sort_by(|a, b| b.count.cmp(&a.count).then(a.field.cmp(b.field)).then(a.text.cmp(&b.text)));
    serializer.collect_seq(listed)
}

/// Adds one to a count.
pub fn count(counts: &mut Counts, name: &str) {
    add(counts, name, 1);
}

fn add(counts: &mut Counts, name: &str, n: u64) {
    match counts.get_mut(name) {
        Some(count) => *count += n,
        None => {
            counts.insert(name.to_owned(), n);
        }
    }
}

fn merge(into: &mut Counts, from: Counts) {
    for (name, n) in from {
        *into.entry(name).or_default() += n;
    }
}

impl Report {
    /// Counts what became of a row.
    pub fn row(&mut self, end: RowEnd) {
        self.rows.read += 1;
        match end {
            RowEnd::Converted => self.rows.converted += 1,
            RowEnd::Unchanged => self.rows.unchanged += 1,
            RowEnd::Held => self.rows.held += 1,
            RowEnd::NotShared => self.rows.not_shared += 1,
            RowEnd::Refused => self.rows.refused += 1,
        }
    }

    /// Counts why a row was set aside.
    pub fn reasons(&mut self, end: RowEnd, issues: &[Issue]) {
        let mut codes: Vec<&str> = Vec::new();
        for issue in issues.iter().filter(|issue| issue.is_error()) {
            if !codes.contains(&issue.code.as_str()) {
                codes.push(issue.code.as_str());
            }
        }
        let first = codes.first().copied().unwrap_or("unknown");
        if end == RowEnd::Held {
            count(&mut self.held, first);
            return;
        }
        count(&mut self.refused, first);
        codes.into_iter().for_each(|code| count(&mut self.refused_by_any_reason, code));
    }

    /// Counts blank rows.
    pub fn blank(&mut self, blank: u64) {
        self.rows.read += blank;
        self.rows.blank += blank;
    }

    /// Whether every row is accounted for.
    #[must_use]
    pub const fn adds_up(&self) -> bool {
        let r = &self.rows;
        r.read == r.converted + r.unchanged + r.held + r.not_shared + r.refused + r.blank
    }

    /// Counts and lists issues. Errors are counted by row, not here.
    pub fn issues(&mut self, issues: &[Issue]) {
        for issue in issues {
            if issue.severity != Severity::Error {
                count(&mut self.remarks, issue.code.as_str());
            }
            match issue.code {
                IssueCode::ConsentWithheld | IssueCode::SensitiveWithheld => self.withheld += 1,
                IssueCode::Undated => self.undated += 1,
                _ => {}
            }
            if self.issues.len() >= MAX_LISTED {
                self.issues_not_listed += 1;
                continue;
            }
            self.issues.push(ListedIssue {
                file: issue.at.file.clone(),
                row: issue.at.row,
                place: issue.at.column.clone().or_else(|| issue.at.path.clone()),
                severity: issue.severity.as_str(),
                code: issue.code.as_str(),
                found: issue.found.to_string(),
                remedy: issue.code.remedy(),
            });
        }
    }

    /// Counts what was written of a referral.
    pub fn mapped(&mut self, mapped: &Mapped) {
        // Resources are many and of few types: summed up here, each type is looked up once.
        let mut types: Vec<(&'static str, u64)> = Vec::new();
        for event in &mapped.events {
            count(&mut self.events, event.event_type.as_str());
            self.bundles += 1;
            for name in event.entries.iter().map(|entry| entry.resource.type_name()) {
                match types.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, n)) => *n += 1,
                    None => types.push((name, 1)),
                }
            }
        }
        for (name, n) in types {
            add(&mut self.resources, name, n);
        }
        for term in &mapped.notes.needs_coding {
            self.term(term);
        }
    }

    fn term(&mut self, term: &NeedsCoding) {
        self.needs_coding += 1;
        let key = TermToCode {
            field: term.field,
            why: term.why.as_str(),
            controlled: term.controlled,
            text: term.text.clone(),
        };
        if self.terms.len() < MAX_TERMS || self.terms.contains_key(&key) {
            *self.terms.entry(key).or_default() += 1;
        }
    }

    /// Counts a referral for the activity tables.
    pub fn activity(&mut self, events: &[&ReferralEvent], reasons: &[String], share: Share) {
        let Some(last) = events.last() else { return };
        self.referrals += 1;
        if last.record.fulfils.is_some() {
            self.joins += 1;
        }
        let practice = last.record.person.practice_ods.as_ref().map_or("(none)", |ods| ods.as_str());
        count(&mut self.by_practice, practice);
        let referred =
            events.iter().find(|event| event.event_type == EventType::Referred).and_then(|e| e.occurred_at);
        let month = referred.map(|when| {
            let mut month = when.text();
            month.truncate(7);
            month
        });
        count(&mut self.by_month, month.as_deref().unwrap_or("(not referred)"));
        if share != Share::None {
            for reason in reasons {
                count(&mut self.by_reason, reason);
            }
        }
        count(&mut self.by_service, last.record.service.name.as_deref().unwrap_or("(none)"));
    }

    /// Takes in another report: of a worker.
    pub fn merge(&mut self, other: Self) {
        let r = &mut self.rows;
        r.read += other.rows.read;
        r.converted += other.rows.converted;
        r.unchanged += other.rows.unchanged;
        r.held += other.rows.held;
        r.not_shared += other.rows.not_shared;
        r.refused += other.rows.refused;
        r.blank += other.rows.blank;
        self.referrals += other.referrals;
        self.bundles += other.bundles;
        self.undated += other.undated;
        self.joins += other.joins;
        self.withheld += other.withheld;
        self.needs_coding += other.needs_coding;
        self.not_alone += other.not_alone;
        self.no_longer_in_export += other.no_longer_in_export;
        self.possible_duplicates += other.possible_duplicates;
        merge(&mut self.resources, other.resources);
        merge(&mut self.events, other.events);
        merge(&mut self.refused, other.refused);
        merge(&mut self.refused_by_any_reason, other.refused_by_any_reason);
        merge(&mut self.held, other.held);
        merge(&mut self.remarks, other.remarks);
        merge(&mut self.by_practice, other.by_practice);
        merge(&mut self.by_month, other.by_month);
        merge(&mut self.by_reason, other.by_reason);
        merge(&mut self.by_service, other.by_service);
        self.prsb.referrals += other.prsb.referrals;
        self.prsb.complete += other.prsb.complete;
        merge(&mut self.prsb.missing, other.prsb.missing);
        for (term, n) in other.terms {
            if self.terms.len() < MAX_TERMS || self.terms.contains_key(&term) {
                *self.terms.entry(term).or_default() += n;
            }
        }
        let room = MAX_LISTED.saturating_sub(self.issues.len());
        let left_out = other.issues.len().saturating_sub(room) as u64;
        self.issues.extend(other.issues.into_iter().take(room));
        self.issues_not_listed += other.issues_not_listed + left_out;
        self.notes.extend(other.notes);
    }

    /// Sorts what came from several workers.
    pub fn finish(&mut self) {
        self.issues.sort();
    }
}
