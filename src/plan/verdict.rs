//! What each submitted event is: new, a revision, a repeat, or refused.
//!
//! Next: [`super::holds`].

use std::cmp::Ordering;
use std::collections::HashSet;

use crate::event::{EventType, IssueCode, ReferralEvent};
use crate::map::fold;

use super::doubt::heeded;
use super::known::{Known, Submission};
use super::made::{Plan, Verdict};
use super::planner::Planner;

impl Planner {
    /// Tells repeats, revisions and conflicts apart; gives the events that go into the fold.
    pub(super) fn sort_out(&self, known: &Known, came: &Submission, plan: &mut Plan) -> Vec<ReferralEvent> {
        let (_, disputed) = fold::deduplicate(came.events.clone());
        let disputed: HashSet<&str> = disputed.iter().map(|event| event.event_id.as_str()).collect();
        let mut accepted: Vec<ReferralEvent> = Vec::new();
        for event in &came.events {
            let stored = known.stored(&event.event_id);
            let verdict = match stored {
                _ if disputed.contains(event.event_id.as_str()) => {
                    Verdict::Refused(IssueCode::DuplicateEventId)
                }
                Some((stored, _)) => of_known(stored, event, came),
                None if accepted.iter().any(|other| other.event_id == event.event_id) => Verdict::Repeat,
                None => Verdict::New,
            };
            // A repeat takes part in a snapshot, where it says that the event still stands and what the record is.
            let takes_part = match verdict {
                Verdict::Refused(_) => false,
                Verdict::Repeat => came.snapshot && stored.is_some(),
                _ => true,
            };
            if takes_part {
                accepted.push(event.clone());
            }
            plan.verdicts.push((event.event_id.clone(), verdict));
        }
        accepted
    }
}

/// What an event is whose id is known.
fn of_known(stored: &ReferralEvent, event: &ReferralEvent, came: &Submission) -> Verdict {
    let is_same = stored.says_the_same_as(event);
    let versions = came.versioned.then(|| event.recorded_at.cmp(&stored.recorded_at));
    match versions {
        Some(Ordering::Greater) if is_same && stored.record == event.record => Verdict::Repeat,
        Some(Ordering::Greater) => Verdict::Revised,
        // A version from before the one that is known says nothing new.
        Some(Ordering::Less) if event.recorded_at.is_some() => Verdict::Repeat,
        _ if is_same => Verdict::Repeat,
        _ if came.snapshot => Verdict::Revised,
        _ => Verdict::Refused(IssueCode::EventChanged),
    }
}

/// Whether an event says something of consent that must be heeded and goes no further: it is refused, or it repeats an
/// event and only what it says of consent is another.
pub(super) fn is_unheard(
    event: &ReferralEvent,
    verdict: &Verdict,
    stored: Option<&ReferralEvent>,
    snapshot: bool,
) -> bool {
    let unheard = match verdict {
        Verdict::Refused(_) => true,
        Verdict::Repeat if !snapshot => {
            stored.is_some_and(|stored| stored.record.consent != event.record.consent)
        }
        _ => false,
    };
    unheard && heeded(event)
}

/// Whether all that an event brings may have been sent before: a revision of the same date, or what stands for a changed
/// record. What is new is always sent; so is another date, also where only Provenance bears it.
pub(super) fn may_say_nothing_new(event: &ReferralEvent, known: &Known) -> bool {
    let stands_in = match event.event_type {
        EventType::DetailsChanged | EventType::ConsentChanged => event.occurred_at.is_none(),
        EventType::Reopened => event.occurred_at.is_none() && !event.is_status_slot,
        _ => false,
    };
    let same_date = |(stored, _): &(ReferralEvent, u32)| stored.occurred_at == event.occurred_at;
    stands_in || known.stored(&event.event_id).is_some_and(same_date)
}
