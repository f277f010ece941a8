//! What is new between an earlier export and this one, for one referral.
//!
//! Both are folded together; only events that are new or say something else than before are wanted. A change of
//! the referral's record is one `details_changed`, of the consent one `consent_changed`, of the service after a
//! rejection one `rerouted`. A date that was cleared stays in the fold and is listed. Pure. Without an earlier
//! export everything is wanted. Next: [`super::render`].

use std::collections::HashSet;
use std::sync::Arc;

use crate::event::kinds::EventType;
use crate::event::{Detail, Issue, IssueCode, Position, ReferralEvent};
use crate::map::fold::{self, Folded, Step};
use crate::map::machine::{State, TaskStatus};

/// What is to be written of a referral.
pub struct Update {
    /// Everything known, folded.
    pub folded: Folded,
    /// Ids of the events that are wanted; all of them when absent.
    pub wanted: Option<HashSet<String>>,
}

/// Why a change cannot go through.
pub type Refusal = (IssueCode, &'static str);

/// Compares and folds. `before` is empty when there is no earlier export, or the referral is new.
///
/// # Errors
/// A change that a person must decide, or that an event source may not make.
pub fn update(
    before: Vec<ReferralEvent>,
    now: Vec<ReferralEvent>,
    snapshot: bool,
) -> Result<Update, Refusal> {
    if before.is_empty() {
        return Ok(Update { folded: fold::fold(now), wanted: None });
    }
    let (before, _) = fold::deduplicate(before);
    let old = fold::fold(before.clone());
    let mut wanted: HashSet<String> = HashSet::new();
    let mut remarks = Vec::new();
    for event in &now {
        match before.iter().find(|known| known.event_id == event.event_id) {
            None => {
                wanted.insert(event.event_id.clone());
            }
            Some(known) if known.says_the_same_as(event) => {}
            Some(_) if !snapshot => return Err((IssueCode::EventChanged, "")),
            Some(known) => {
                refuse_new_episode(known, event, &old)?;
                if event.is_status_slot && event.event_type < known.event_type {
                    remarks.push((event, IssueCode::StatusColumnDisagrees));
                }
                wanted.insert(event.event_id.clone());
            }
        }
    }
    let mut remarks: Vec<(String, Issue)> =
        remarks.into_iter().map(|(event, code)| (event.event_id.clone(), issue(event, code))).collect();
    let (old_record, new_record) = match (before.last(), now.last()) {
        (Some(old), Some(new)) => (Arc::clone(&old.record), Arc::clone(&new.record)),
        _ => return Ok(Update { folded: old, wanted: Some(wanted) }),
    };
    let (old_number, new_number) = (old_record.person.nhs_number, new_record.person.nhs_number);
    if old_number.is_some() && new_number.is_some() && old_number != new_number {
        return Err((IssueCode::HeldTwoPersons, "another NHS number than in the earlier export"));
    }
    let mut union = now.clone();
    for known in before {
        if union.iter().all(|event| event.event_id != known.event_id) {
            if snapshot {
                remarks.push((
                    union.first().map(|e| e.event_id.clone()).unwrap_or_default(),
                    issue(&known, IssueCode::DateCleared),
                ));
            }
            union.push(if snapshot {
                ReferralEvent { record: Arc::clone(&new_record), ..known }
            } else {
                known
            });
        }
    }
    if snapshot && old_record != new_record {
        let template = now.last().cloned();
        union.extend(
            template.into_iter().flat_map(|event| record_changes(&event, &old, &old_record, &mut wanted)),
        );
    }
    let mut folded = fold::fold(union);
    folded.remarks.extend(remarks);
    catch_up(&mut folded, &wanted);
    Ok(Update { folded, wanted: Some(wanted) })
}

fn issue(event: &ReferralEvent, code: IssueCode) -> Issue {
    Issue::new(code, Position::path(event.event_type.as_str()), event.event_type.label())
}

/// A referred date that moved past the end of the referral may be a correction or a new episode: a person says.
fn refuse_new_episode(known: &ReferralEvent, event: &ReferralEvent, old: &Folded) -> Result<(), Refusal> {
    if event.event_type != EventType::Referred || event.occurred_at == known.occurred_at {
        return Ok(());
    }
    let ended = old.state().filter(|state| state.ended).and_then(|state| state.outcome);
    let end = ended.and_then(|at| old.steps.get(at)).and_then(|step| step.event.occurred_at);
    match (end, event.occurred_at) {
        (Some(end), Some(referred)) if referred.day() > end.day() => {
            Err((IssueCode::NewEpisodeOrCorrection, ""))
        }
        _ => Ok(()),
    }
}

/// The events that a changed record stands for.
fn record_changes(
    event: &ReferralEvent,
    old: &Folded,
    old_record: &crate::event::Record,
    wanted: &mut HashSet<String>,
) -> Vec<ReferralEvent> {
    let record = &event.record;
    let make = |event_type: EventType, name: &str, detail: Detail| ReferralEvent {
        event_id: format!("{}/{name}", event.referral_id),
        event_type,
        occurred_at: None,
        is_status_slot: false,
        target_event_id: None,
        sequence: None,
        detail,
        ..event.clone()
    };
    let mut changes = Vec::new();
    let rejected = old.state().is_some_and(|state| state.task == TaskStatus::Rejected);
    if rejected && record.service != old_record.service {
        let to = Some(record.service.clone());
        changes.push(make(EventType::Rerouted, "rerouted", Detail { to, ..Detail::default() }));
    }
    if record.consent != old_record.consent {
        changes.push(make(EventType::ConsentChanged, "consent_changed", Detail::default()));
    }
    let same_but = {
        let mut same = (**record).clone();
        same.consent.clone_from(&old_record.consent);
        same
    };
    if same_but != *old_record && changes.iter().all(|change| change.event_type != EventType::Rerouted) {
        changes.push(make(EventType::DetailsChanged, "details_changed", Detail::default()));
    }
    wanted.extend(changes.iter().map(|change| change.event_id.clone()));
    changes
}

/// A late event or a revision is sent with the state of everything known, not with that of its day: what the
/// clinical system already has is never set back.
fn catch_up(folded: &mut Folded, wanted: &HashSet<String>) {
    let is_old = |step: &Step| !wanted.contains(&step.event.event_id);
    let Some(last_old) = folded.steps.iter().rposition(is_old) else { return };
    let last: Option<State> = folded.state();
    for step in folded.steps.iter_mut().take(last_old) {
        if wanted.contains(&step.event.event_id) {
            step.state = last;
        }
    }
}
