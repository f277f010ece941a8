//! What is read of the rows of one referral, and how rows that are one referral become one.
//!
//! Next: [`super::referral`], which decides about them.

use crate::event::{Issue, IssueCode, ReferralEvent};
use crate::source::Scratch;

use super::group::{Place, RowText, digest16};
use super::referral::Shop;

/// A row with what was read from it.
pub(super) struct ReadRow<'a> {
    pub(super) row: &'a RowText,
    pub(super) events: Vec<ReferralEvent>,
    pub(super) issues: Vec<Issue>,
}

impl ReadRow<'_> {
    pub(super) fn is_refused(&self) -> bool {
        self.issues.iter().any(Issue::is_error)
    }

    pub(super) fn place(&self) -> Place {
        Place::new(self.row.file, self.row.row)
    }
}

impl Shop {
    /// Reads rows, and refuses those that cannot stand beside each other.
    pub(super) fn read_all<'a>(&self, rows: Vec<&'a RowText>, scratch: &mut Scratch) -> Vec<ReadRow<'a>> {
        let mut read: Vec<_> = rows.into_iter().map(|row| self.read(row, scratch)).collect();
        self.refuse_repeats(&mut read, scratch);
        read
    }

    pub(super) fn read<'a>(&self, row: &'a RowText, scratch: &mut Scratch) -> ReadRow<'a> {
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
            } else {
                self.refuse_shared_events(rows);
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

    /// An event whose id is on another referral too: which of them happened cannot be known, so both are refused.
    fn refuse_shared_events(&self, rows: &mut [ReadRow<'_>]) {
        let Some(known) = self.known.get() else { return };
        for row in rows {
            let export = self.export(row.row.file);
            if row.events.iter().any(|event| known.is_elsewhere_too(event, export)) {
                row.issues.push(self.issue(
                    row.row,
                    IssueCode::DuplicateEventId,
                    "an id of several referrals",
                ));
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
    pub(super) fn one_record(&self, events: Vec<ReferralEvent>) -> Vec<ReferralEvent> {
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
}
