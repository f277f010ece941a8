//! [`Folded`]: a referral as the fold of its events.
//!
//! Events come in any order, repeated or not; out come the ordered events, the state after each, and what
//! deserves a person's look. Corrections are applied before ordering: a corrected event takes the correction's
//! date and content, an event entered in error is left out. A status column is a floor under the dated events.
//! Pure: the same set of events folds to the same value. Next: [`super::mapper`], which turns the steps into
//! resources.

use std::collections::HashMap;
use std::sync::Arc;

use crate::event::kinds::EventType;
use crate::event::{Issue, IssueCode, Position, Record, ReferralEvent};

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

    fn remark(&mut self, event: &ReferralEvent, code: IssueCode) {
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
    for id in disputed.iter().map(|event| event.event_id.clone()).collect::<Vec<_>>() {
        if let Some(found) = kept.iter().position(|event| event.event_id == id) {
            disputed.push(kept.remove(found));
        }
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

/// An event that amends another, and how.
type Amendment = (ReferralEvent, Role);

/// Splits events into those that are folded, corrected, and those that amended them. Of several corrections of
/// one event the last by sequence, date and id counts; withdrawal beats correction. An amendment without its
/// target is reported and left out.
fn apply_corrections(
    events: Vec<ReferralEvent>,
    folded: &mut Folded,
) -> (Vec<ReferralEvent>, Vec<Amendment>) {
    let (mut amending, mut base): (Vec<_>, Vec<_>) = events
        .into_iter()
        .partition(|event| matches!(event.event_type, EventType::Corrected | EventType::EnteredInError));
    if amending.is_empty() {
        return (base, Vec::new());
    }
    amending.sort_by_key(|event| {
        (
            event.event_type == EventType::EnteredInError,
            event.sequence,
            event.occurred_at.map(|when| (when.day(), when.instant())),
            event.event_id.clone(),
        )
    });
    // A correction that was itself entered in error is as if it had never been made.
    let recalled: HashMap<String, String> = amending
        .iter()
        .filter(|event| event.event_type == EventType::EnteredInError)
        .filter_map(|event| Some((event.target_event_id.clone()?, event.event_id.clone())))
        .collect();
    let targets: HashMap<String, String> = amending
        .iter()
        .filter_map(|event| Some((event.event_id.clone(), event.target_event_id.clone()?)))
        .collect();
    let first: Vec<ReferralEvent> = base.clone();
    let mut amendments = Vec::new();
    for event in amending {
        let mut target = event.target_event_id.clone().unwrap_or_default();
        let withdraws_an_event = base.iter().any(|candidate| candidate.event_id == target);
        // A correction of a correction is a correction of the event itself.
        for _ in 0..targets.len() {
            match targets.get(&target) {
                Some(further) => target.clone_from(further),
                None => break,
            }
        }
        let Some(found) = base.iter().position(|candidate| candidate.event_id == target) else {
            let was_there = first.iter().any(|candidate| candidate.event_id == target);
            if !was_there {
                folded.remark(&event, IssueCode::TargetUnknown);
            }
            continue;
        };
        if event.event_type == EventType::EnteredInError && withdraws_an_event {
            let target = base.remove(found);
            amendments.push((event, Role::Withdraws(Box::new(target))));
        } else if let Some(corrected) = base.get_mut(found) {
            if event.event_type == EventType::Corrected && !recalled.contains_key(&event.event_id) {
                corrected.detail = event.detail.clone();
                corrected.occurred_at = event.occurred_at.or(corrected.occurred_at);
            }
            let is = Box::new(corrected.clone());
            let was = first.iter().find(|candidate| candidate.event_id == target).cloned();
            amendments.push((event, Role::Corrects { was: was.map_or_else(|| is.clone(), Box::new), is }));
        }
    }
    // Every amendment sends its target as it stands when all are taken together.
    for (_, role) in &mut amendments {
        if let Role::Corrects { is, .. } = role
            && let Some(last) = base.iter().find(|candidate| candidate.event_id == is.event_id)
        {
            **is = last.clone();
        }
    }
    (base, amendments)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::when::When;
    use crate::map::machine::TaskStatus;
    use proptest::prelude::*;

    pub(crate) fn event(id: &str, event_type: EventType, day: &str) -> ReferralEvent {
        ReferralEvent {
            source: "https://a.example".into(),
            event_id: format!("R1/{id}"),
            referral_id: "R1".into(),
            event_type,
            occurred_at: When::parse_iso(day, When::london()).ok().map(|(when, _)| when),
            recorded_at: None,
            sequence: None,
            target_event_id: None,
            is_status_slot: false,
            detail: crate::event::Detail::default(),
            record: Arc::new(Record::default()),
        }
    }

    fn amending(id: &str, event_type: EventType, day: &str, target: &str) -> ReferralEvent {
        ReferralEvent { target_event_id: Some(format!("R1/{target}")), ..event(id, event_type, day) }
    }

    fn codes(folded: &Folded) -> Vec<IssueCode> {
        folded.remarks.iter().map(|(_, issue)| issue.code).collect()
    }

    #[test]
    fn rank_orders_a_day_without_times() {
        let folded = fold(vec![
            event("closed", EventType::Completed, "2026-03-04"),
            event("accepted", EventType::Accepted, "2026-03-04"),
            event("referred", EventType::Referred, "2026-03-04"),
        ]);
        assert_eq!(folded.state().map(|s| s.task), Some(TaskStatus::Completed));
        assert!(folded.remarks.is_empty());
    }

    #[test]
    fn a_correction_moves_its_target() {
        let folded = fold(vec![
            event("referred", EventType::Referred, "2026-03-04"),
            event("dna", EventType::DidNotAttend, "2026-03-10"),
            amending("fix", EventType::Corrected, "2026-03-02", "dna"),
        ]);
        let order: Vec<_> = folded.steps.iter().map(|s| s.event.event_type).collect();
        assert_eq!(order, [EventType::DidNotAttend, EventType::Referred, EventType::Corrected]);
        assert_eq!(codes(&folded), [IssueCode::NothingToActOn]);
    }

    #[test]
    fn withdrawing_the_referral_withdraws_its_task() {
        let folded = fold(vec![
            event("referred", EventType::Referred, "2026-03-04"),
            amending("oops", EventType::EnteredInError, "2026-03-05", "referred"),
        ]);
        assert_eq!(folded.state().map(|s| s.task), Some(TaskStatus::EnteredInError));
    }

    #[test]
    fn an_unknown_target_is_reported() {
        let folded = fold(vec![amending("fix", EventType::Corrected, "2026-03-02", "gone")]);
        assert_eq!(codes(&folded), [IssueCode::TargetUnknown]);
        assert!(folded.steps.is_empty());
    }

    #[test]
    fn a_status_column_is_a_floor() {
        let slot = |event_type| ReferralEvent {
            is_status_slot: true,
            occurred_at: None,
            ..event("status", event_type, "")
        };
        let referred = event("referred", EventType::Referred, "2026-03-04");
        let accepted = event("accepted", EventType::Accepted, "2026-03-05");
        let ahead = fold(vec![referred.clone(), slot(EventType::Completed)]);
        assert_eq!(ahead.state().map(|s| s.task), Some(TaskStatus::Completed));
        assert_eq!(codes(&ahead), [IssueCode::Undated]);
        let behind = fold(vec![referred.clone(), accepted, slot(EventType::Referred)]);
        assert_eq!(behind.state().map(|s| s.task), Some(TaskStatus::Accepted));
        assert_eq!(codes(&behind), [IssueCode::StatusColumnDisagrees]);
        let level = fold(vec![referred, slot(EventType::Referred)]);
        assert_eq!((level.steps.len(), codes(&level)), (1, vec![]));
    }

    #[test]
    fn the_same_id_with_other_content_is_set_apart_whole() {
        let one = event("x", EventType::Attended, "2026-03-04");
        let other = event("x", EventType::Attended, "2026-03-05");
        let (kept, disputed) = deduplicate(vec![one.clone(), one.clone(), other]);
        assert_eq!((kept.len(), disputed.len()), (0, 2));
        assert_eq!(deduplicate(vec![one.clone(), one]).0.len(), 1);
    }

    #[test]
    fn a_count_changes_no_status() {
        let count = ReferralEvent {
            occurred_at: None,
            detail: crate::event::Detail { count: Some(2), ..crate::event::Detail::default() },
            ..event("dna", EventType::DidNotAttend, "")
        };
        let folded = fold(vec![event("referred", EventType::Referred, "2026-03-04"), count]);
        assert_eq!(folded.steps.len(), 2);
        assert_eq!(folded.steps[1].state, folded.steps[0].state);
        assert_eq!(folded.state().and_then(|s| s.business_status), None);
    }

    fn any_event() -> impl Strategy<Value = ReferralEvent> {
        (0usize..22, 1i32..5, prop::option::of(0u64..4), prop::bool::ANY, 0u32..6).prop_map(
            |(kind, day, sequence, timed, id)| {
                let time = if timed { format!("T{:02}:30:00Z", 8 + id) } else { String::new() };
                let event_type = EventType::ALL[kind];
                ReferralEvent {
                    sequence,
                    ..event(
                        &format!("{kind}-{day}-{timed}-{id}-{sequence:?}"),
                        event_type,
                        &format!("2026-03-{day:02}{time}"),
                    )
                }
            },
        )
    }

    proptest! {
        #[test]
        fn order_and_repetition_do_not_matter(
            events in prop::collection::vec(any_event(), 0..9),
            shuffle in prop::collection::vec(any::<u32>(), 18),
        ) {
            let (unique, _) = deduplicate(events.clone());
            let expected = fold(unique);
            let mut twice: Vec<_> = events.iter().cloned().chain(events.iter().cloned()).zip(shuffle).collect();
            twice.sort_by_key(|(_, key)| *key);
            let (again, disputed) = deduplicate(twice.into_iter().map(|(event, _)| event).collect());
            prop_assert!(disputed.is_empty());
            prop_assert_eq!(fold(again), expected);
        }
    }
}
