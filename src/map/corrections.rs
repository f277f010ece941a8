//! Corrections are applied before anything is ordered: a corrected event takes the correction's date and content, an event
//! entered in error is left out. Pure. Next: [`super::order`].

use std::collections::HashMap;

use crate::event::kinds::EventType;
use crate::event::{IssueCode, ReferralEvent};

use super::fold::{Folded, Role};

/// An event that amends another, and how.
pub(super) type Amendment = (ReferralEvent, Role);

/// Splits events into those that are folded, corrected, and those that amended them. Of several corrections of
/// one event the last by sequence, date and id counts; withdrawal beats correction. An amendment without its
/// target is reported and left out.
pub(super) fn apply_corrections(
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
