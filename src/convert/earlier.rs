//! [`Earlier`]: what the earlier exports said of a referral, added up one after the other, oldest first.
//!
//! Each is converted as it was then, by the same code and beside what that export said as a whole, only that nothing is
//! mapped: what was refused, held or not shared was not sent, and what was sent first says whose the referral is. What
//! this is not: a memory. An export that is not given is not known. Next: [`super::since`], which compares it with the
//! export of today.

use crate::event::kinds::Share;
use crate::event::{IssueCode, NhsNumber, ReferralEvent};
use crate::map::fold::{self, Folded};
use crate::map::share::{Sharing, Statement, decide, statement};
use crate::source::Scratch;

use super::group::RowText;
use super::referral::{Done, Purpose, Shop};
use super::report::RowEnd;
use super::rows::ReadRow;
use super::whose::number_of;

/// What is known of a referral from earlier exports.
#[derive(Default)]
pub(super) struct Earlier {
    /// What had been sent: nothing of what was refused, held, or not shared.
    pub(super) sent: Vec<ReferralEvent>,
    /// How much was shared when something was sent last.
    pub(super) level: Option<Share>,
    /// What was stated of consent, whether or not anything was sent.
    pub(super) statements: Vec<Statement>,
    /// What rows stated that were set aside: it may forbid, it cannot allow.
    pub(super) doubtful: Vec<Statement>,
    /// The statements that counted when something was sent last, beside those of what was sent.
    sent_under: Vec<Statement>,
    /// Whose the referral was when it was first sent.
    number: Option<NhsNumber>,
}

/// What one earlier export adds.
#[derive(Default)]
pub(super) struct Learnt {
    /// Everything known after it, if it was sent.
    pub(super) all: Vec<ReferralEvent>,
    /// Under what it was sent.
    sent: Option<(Share, Vec<Statement>)>,
    statements: Vec<Statement>,
    doubtful: Vec<Statement>,
}

impl Learnt {
    /// A referral that nothing held, and its rows.
    pub(super) fn write(&mut self, folded: &Folded, rows: &[ReadRow<'_>]) {
        self.statements.extend(stated(rows));
        let level = decide(folded);
        if let Sharing::Level(share @ (Share::Full | Share::CodesOnly)) = level
            && !folded.steps.is_empty()
        {
            self.sent = Some((share, folded.consents_elsewhere.clone()));
        }
    }

    /// A row that was set aside. What was refused states nothing: today's export is taken to say it again or to have
    /// mended it. Only what changed after it was sent may forbid, as what was held may.
    pub(super) fn set_aside(&mut self, row: &ReadRow<'_>, end: RowEnd) {
        let has_changed = || row.issues.iter().any(|issue| issue.code == IssueCode::EventChanged);
        if end == RowEnd::Held || has_changed() {
            self.doubtful.extend(stated(std::slice::from_ref(row)));
        }
    }
}

fn stated(rows: &[ReadRow<'_>]) -> impl Iterator<Item = Statement> {
    rows.iter().flat_map(|row| &row.events).filter_map(statement)
}

impl Earlier {
    /// Whether events name another person than those that were sent first, or leave open whether they do; what is
    /// known of the number has been given to them.
    pub(super) fn is_of_another(&self, events: &[ReferralEvent]) -> bool {
        let is_other = |event: &ReferralEvent| event.record.person.nhs_number != self.number;
        self.number.is_some() && events.iter().any(is_other)
    }

    /// Whether what was sent went to a person known by the local identifier only, and events now have the number.
    pub(super) fn lacked_the_number(&self, events: &[ReferralEvent]) -> bool {
        !self.sent.is_empty() && self.number.is_none() && number_of(events).is_some()
    }

    /// What had been sent, folded as it was decided then.
    pub(super) fn folded(&self) -> Folded {
        let mut folded = fold::fold(self.sent.clone());
        folded.consents_elsewhere.clone_from(&self.sent_under);
        folded
    }

    fn add(&mut self, learnt: Learnt) {
        self.statements.extend(learnt.statements);
        self.doubtful.extend(learnt.doubtful);
        if let Some((level, under)) = learnt.sent {
            let number = || learnt.all.iter().find_map(|event| event.record.person.nhs_number);
            self.number = self.number.or_else(number);
            (self.sent, self.sent_under, self.level) = (learnt.all, under, Some(level));
        }
    }
}

impl Shop {
    /// Adds up the rows of earlier exports, which stand in the order of their files.
    pub(super) fn earlier(&self, rows: &[&RowText], scratch: &mut Scratch) -> Earlier {
        let mut earlier = Earlier::default();
        for rows in rows.chunk_by(|a, b| self.export(a.file) == self.export(b.file)) {
            let mut done = Done { purpose: Purpose::Learn, ..Done::default() };
            self.convert_after(&earlier, rows.to_vec(), scratch, &mut done);
            earlier.add(done.learnt);
        }
        earlier
    }
}
