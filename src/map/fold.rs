//! [`Folded`]: a referral as the fold of its events.
//!
//! Events come in any order, repeated or not; out come the ordered events, the state after each, and what
//! deserves a person's look. Corrections are applied before ordering: a corrected event takes the correction's
//! date and content, an event entered in error is left out. A status column is a floor under the dated events.
//! Pure: the same set of events folds to the same value. Next: [`super::mapper`], which turns the steps into
//! resources.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::event::kinds::EventType;
use crate::event::{Issue, IssueCode, Position, Record, ReferralEvent};

use super::corrections::apply_corrections;
use super::machine::{Remark, State};
use super::order;
use super::share::Statement;

/// One event of a folded referral.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The event, corrected.
    pub event: ReferralEvent,
    /// The state after it; absent while nothing was referred.
    pub state: Option<State>,
    /// What the event does besides its own resources.
    pub role: Role,
}

/// How an event stands in the fold.
#[derive(Clone, Debug, PartialEq)]
pub enum Role {
    /// An event like any other.
    Plain,
    /// It rewrites the resources of an event.
    Corrects {
        /// The event as it was reported first.
        was: Box<ReferralEvent>,
        /// The event as corrected.
        is: Box<ReferralEvent>,
    },
    /// It withdraws the resources of an event, given here as it was.
    Withdraws(Box<ReferralEvent>),
}

/// A referral, folded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Folded {
    /// The events in order, each with the state after it.
    pub steps: Vec<Step>,
    /// Warnings, each with the id of the event it is about.
    pub remarks: Vec<(String, Issue)>,
    /// What was stated about the person's consent in other referrals, put here by whoever knows them.
    pub consents_elsewhere: Vec<Statement>,
    /// Ids of events whose sensitive content a person has released, put here by whoever knows them.
    pub released: Vec<String>,
    /// The record as an earlier export had it, where it has changed since; put here by whoever knows it.
    pub record_before: Option<Arc<Record>>,
    /// Events that said something else before, as they were, each as often as it was revised; put here by whoever
    /// knows them.
    pub revised: Vec<ReferralEvent>,
}

impl Folded {
    /// The state now.
    #[must_use]
    pub fn state(&self) -> Option<State> {
        self.steps.last().and_then(|step| step.state)
    }

    pub(super) fn remark(&mut self, event: &ReferralEvent, code: IssueCode) {
        let issue = Issue::new(code, Position::path(event.event_type.as_str()), event.event_type.label());
        self.remarks.push((event.event_id.clone(), issue));
    }
}

/// Up to this many events, looking through them is quicker than a table of them.
const FEW: usize = 32;

/// Removes repeats of the same event; events with one id and different content are set apart.
///
/// Two events are the same when type, date and content are; what was recorded when does not count. The
/// referral-level record may differ: the one recorded last is kept.
#[must_use]
pub fn deduplicate(events: Vec<ReferralEvent>) -> (Vec<ReferralEvent>, Vec<ReferralEvent>) {
    let mut kept: Vec<ReferralEvent> = Vec::with_capacity(events.len());
    let mut table = (events.len() > FEW).then(|| HashMap::with_capacity(events.len()));
    let mut disputed = Vec::new();
    for event in events {
        let at = match &mut table {
            Some(table) => *table.entry(event.event_id.clone()).or_insert(kept.len()),
            None => kept.iter().position(|known| known.event_id == event.event_id).unwrap_or(kept.len()),
        };
        match kept.get_mut(at) {
            None => kept.push(event),
            Some(known) if known.says_the_same_as(&event) => {
                if known.recorded_order() < event.recorded_order() {
                    *known = event;
                }
            }
            Some(_) => disputed.push(event),
        }
    }
    if !disputed.is_empty() {
        let ids: HashSet<String> = disputed.iter().map(|event| event.event_id.clone()).collect();
        disputed.extend(kept.extract_if(.., |event| ids.contains(&event.event_id)));
    }
    (kept, disputed)
}

/// Folds the events of one referral. They must be of one referral and have been deduplicated.
#[must_use]
pub fn fold(events: Vec<ReferralEvent>) -> Folded {
    let mut folded = Folded::default();
    let (mut base, amendments) = apply_corrections(events, &mut folded);
    order::sort(&mut base);
    let (slots, dated): (Vec<_>, Vec<_>) = base.into_iter().partition(|event| event.is_status_slot);
    let mut state = None;
    for event in dated {
        let at = folded.steps.len();
        // A count says how often, not when: it is told, and changes nothing.
        let (next, remark) = match event.detail.count {
            Some(_) => {
                folded.remark(&event, IssueCode::Undated);
                (state, Remark::None)
            }
            None => State::advance(state, event.event_type, at),
        };
        match remark {
            Remark::None => {}
            Remark::NotAllowed => folded.remark(&event, IssueCode::StepNotAllowed),
            Remark::AfterTheEnd => folded.remark(&event, IssueCode::AfterTheEnd),
            Remark::NothingToActOn => folded.remark(&event, IssueCode::NothingToActOn),
        }
        state = next;
        folded.steps.push(Step { event, state, role: Role::Plain });
    }
    for slot in slots {
        state = status_slot(state, slot, &mut folded);
    }
    for (event, role) in amendments {
        let last = match (&role, folded.steps.last().and_then(|step| step.state)) {
            (Role::Withdraws(target), before) if target.event_type == EventType::Referred => {
                before.or_else(|| State::advance(None, EventType::Referred, 0).0).map(|state| {
                    if folded.steps.iter().any(|step| step.event.event_type == EventType::Referred) {
                        state
                    } else {
                        state.in_error()
                    }
                })
            }
            (_, before) => before,
        };
        folded.steps.push(Step { event, state: last, role });
    }
    if folded.state().is_some_and(|state| state.task == super::machine::TaskStatus::Rejected)
        && let Some(step) =
            folded.steps.iter().rev().find(|step| step.event.event_type == EventType::Rejected)
    {
        let event = step.event.clone();
        folded.remark(&event, IssueCode::NeedsNewService);
    }
    folded
}

/// A status column acts only if it is ahead of the dated events.
fn status_slot(state: Option<State>, event: ReferralEvent, folded: &mut Folded) -> Option<State> {
    let known = state.map_or(EventType::Offered, State::as_event);
    let at = folded.steps.len();
    if event.event_type == known || (state.is_none() && matches!(event.event_type, EventType::Offered)) {
        return state;
    }
    // "Declined" in the status column of a referral that a dated `declined` ended says the same.
    let says_it = |step: &Step| step.event.event_type == event.event_type && step.event.occurred_at.is_some();
    let said_by_dates = || folded.steps.iter().any(says_it);
    if state.is_some_and(|state| state.ended) && said_by_dates() {
        return state;
    }
    if state.is_some() && event.event_type < known {
        folded.remark(&event, IssueCode::StatusColumnDisagrees);
        return state;
    }
    let (next, remark) = State::advance(state, event.event_type, at);
    match remark {
        Remark::None | Remark::NotAllowed => {}
        Remark::AfterTheEnd => {
            folded.remark(&event, IssueCode::StatusColumnDisagrees);
            return state;
        }
        Remark::NothingToActOn => folded.remark(&event, IssueCode::NothingToActOn),
    }
    folded.remark(&event, IssueCode::Undated);
    folded.steps.push(Step { event, state: next, role: Role::Plain });
    next
}

#[cfg(test)]
#[path = "fold_tests.rs"]
mod tests;
