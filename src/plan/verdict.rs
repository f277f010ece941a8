//! What each submitted event is: new, a revision, a repeat, or refused; and what of consent is heeded of those that are not
//! taken.
//!
//! Next: [`super::holds`].

use std::cmp::Ordering;
use std::collections::HashSet;

use crate::event::{EventType, Issue, IssueCode, Position, ReferralEvent};
use crate::map::fold;

use super::doubt::{Doubt, heeded, mends, said};
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
        // It says nothing new.
        Some(Ordering::Less) if is_earlier(stored, event, came) => Verdict::Repeat,
        _ if is_same => Verdict::Repeat,
        _ if came.snapshot => Verdict::Revised,
        _ => Verdict::Refused(IssueCode::EventChanged),
    }
}

/// Whether it is a version from before the one that is known.
fn is_earlier(stored: &ReferralEvent, event: &ReferralEvent, came: &Submission) -> bool {
    came.versioned && event.recorded_at.is_some() && event.recorded_at < stored.recorded_at
}

impl Plan {
    /// Heeds what events say of consent that goes no further, and notes what the others mend. What only repeats a withdrawal
    /// that is known (`nothing_leaves`) tells the sender nothing new. Where it is news, an event that is known is refused
    /// like any other content under its id, so that the sender knows that it was not taken; but for a version from before
    /// the one that is known, which the sender cannot say otherwise.
    pub(super) fn heed(&mut self, known: &Known, came: &Submission, nothing_leaves: bool) {
        for (event, (id, verdict)) in came.events.iter().zip(&mut self.verdicts) {
            let stored = known.stored(&event.event_id).map(|(stored, _)| stored);
            if is_unheard(event, verdict, stored, came.snapshot) {
                self.doubts.push(Doubt::of(event));
                if nothing_leaves {
                    continue;
                }
                if *verdict == Verdict::Repeat
                    && stored.is_some_and(|stored| !is_earlier(stored, event, came))
                {
                    *verdict = Verdict::Refused(IssueCode::EventChanged);
                    let at = Position::path("record.consent");
                    self.issues.push((
                        id.clone(),
                        Issue::new(IssueCode::EventChanged, at, "another consent than before"),
                    ));
                }
                self.issues.push((id.clone(), said()));
            } else if matches!(verdict, Verdict::New | Verdict::Revised)
                || came.snapshot && *verdict == Verdict::Repeat
            {
                self.mended.extend(mends(event, came.snapshot));
            }
        }
    }
}

/// Whether an event says something of consent that must be heeded and goes no further: it is refused, or it repeats an
/// event and only what it says of consent is another.
fn is_unheard(
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
