//! [`Earlier`]: what the earlier exports said of a referral, added up one after the other, oldest first.
//!
//! Each is taken as this program took it then: what had to be held, or was not shared, was not sent, and what was
//! sent first says whose the referral is. What this is not: a memory. An export that is not given is not known.
//! Next: [`super::since`], which compares it with the export of today.

use std::collections::HashSet;

use crate::event::kinds::Share;
use crate::event::{IssueCode, NhsNumber, ReferralEvent};
use crate::map::fold::{self, Folded};
use crate::map::hold::{names_two_persons, needs_hold};
use crate::map::share::{Sharing, Statement, decide, statement};
use crate::source::Scratch;

use super::group::RowText;
use super::referral::Shop;
use super::since;
use super::whose::{give_number, number_of};

/// What is known of a referral from earlier exports.
#[derive(Default)]
pub(super) struct Earlier {
    /// What had been sent: nothing of what was disputed, held, or not shared.
    pub(super) sent: Vec<ReferralEvent>,
    /// How much was shared when something was sent last.
    pub(super) level: Option<Share>,
    /// What was stated of consent, whether or not anything was sent.
    statements: Vec<Statement>,
    /// The statements that counted when something was sent last.
    sent_under: Vec<Statement>,
    /// Whose the referral was when it was first sent.
    number: Option<NhsNumber>,
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

    /// What earlier exports stated that still counts beside what these events state. In a snapshot the row of today
    /// is the same statement, edited: what it said before may forbid what it allows now, never allow more.
    pub(super) fn statements_beside(&self, events: &[ReferralEvent], snapshot: bool) -> Vec<Statement> {
        let stated = events.iter().filter_map(|event| event.record.consent.as_ref());
        let today = stated.map(|consent| consent.share).reduce(Share::min_of).unwrap_or(Share::None);
        let forbids = |(_, share): &&Statement| !snapshot || today.min_of(*share) == *share;
        self.statements.iter().filter(forbids).copied().collect()
    }

    /// What had been sent, folded as it was decided then.
    pub(super) fn folded(&self) -> Folded {
        let mut folded = fold::fold(self.sent.clone());
        folded.consents_elsewhere.clone_from(&self.sent_under);
        folded
    }
}

impl Shop {
    /// Adds up the rows of earlier exports, which stand in the order of their files.
    pub(super) fn earlier(&self, rows: &[&RowText], scratch: &mut Scratch) -> Earlier {
        let mut earlier = Earlier::default();
        let export = |row: &RowText| self.files.get(row.file).map(|file| file.export);
        for rows in rows.chunk_by(|a, b| export(a) == export(b)) {
            let mut read = self.read_all(rows.to_vec(), scratch);
            read.retain(|row| !row.is_refused());
            let events = self.one_record(read.into_iter().flat_map(|row| row.events).collect());
            self.learn(&mut earlier, events);
        }
        earlier
    }

    /// Adds what one export said.
    fn learn(&self, earlier: &mut Earlier, events: Vec<ReferralEvent>) {
        let (mut now, _disputed) = fold::deduplicate(events);
        let mut stated: Vec<Statement> = now.iter().filter_map(statement).collect();
        let snapshot = self.interpreter.is_snapshot();
        give_number(&mut now, &earlier.sent);
        if !snapshot {
            let changed = since::changed(&earlier.sent, &now);
            now.retain(|event| !changed.contains(&event.event_id));
        }
        let beside = earlier.statements_beside(&now, snapshot);
        let known = if now.is_empty() || earlier.is_of_another(&now) {
            None
        } else {
            since::remember(earlier.sent.clone(), now, snapshot).ok()
        };
        if known.is_none() {
            // Whose it is, or what it is, a person had to decide: it may forbid, it cannot allow.
            stated.retain(|(_, share)| *share != Share::Full);
        }
        let beside = [beside, stated.clone()].concat();
        earlier.statements.extend(stated);
        let Some(mut all) = known else { return };
        let mut folded = fold::fold(all.clone());
        folded.consents_elsewhere.clone_from(&beside);
        let held = names_two_persons(&folded) || needs_hold(&folded, self.today).is_some();
        let Sharing::Level(share) = decide(&folded) else { return };
        if held || share == Share::None {
            return;
        }
        let lost: HashSet<&str> = folded
            .remarks
            .iter()
            .filter(|(_, issue)| issue.code == IssueCode::TargetUnknown)
            .map(|(id, _)| id.as_str())
            .collect();
        all.retain(|event| !lost.contains(event.event_id.as_str()));
        earlier.number =
            earlier.number.or_else(|| all.iter().find_map(|event| event.record.person.nhs_number));
        earlier.sent = all;
        earlier.sent_under = beside;
        earlier.level = Some(share);
    }
}
