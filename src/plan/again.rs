//! What was never attempted is planned again: consent was stated elsewhere, a person released something, a record changed,
//! or time has passed.
//!
//! Invariant: the reason that an entry shows is one that holds today, and the most decisive of them. Pure. Next:
//! [`super::holds`].

use jiff::Timestamp;
use uuid::Uuid;

use crate::event::kinds::Share;
use crate::map::fold::{Folded, Step};
use crate::map::mapper::Mapped;
use crate::map::share::{Sharing, decide};
use crate::outbox::{Reason, State};

use super::holds::is_ours_to_lift;
use super::knowing::{fold_of, released};
use super::known::{Known, Unsent};
use super::made::{Disposition, Plan};
use super::planner::Planner;
use super::render::left_out;

/// A referral as it is today.
pub(super) struct Today<'t> {
    pub(super) known: &'t Known,
    pub(super) folded: &'t Folded,
    pub(super) source: &'t str,
    pub(super) now: Timestamp,
}

impl Planner {
    /// Plans the unsent entries of a referral again.
    #[must_use]
    pub fn replan(
        &self,
        known: &Known,
        source: &str,
        referral_id: &str,
        unsent: &[Unsent],
        now: Timestamp,
    ) -> Plan {
        let mut plan = Plan::empty(Self::referral(source, referral_id));
        let mut folded = fold_of(known, now);
        folded.released = released(known, &[]);
        never_set_back(&mut folded, known, unsent);
        keep_in_order(&mut folded, known, |_| false);
        let held = self.hold(known, &folded, now, &[]);
        self.describe(known, &folded, held, now, &mut plan);
        let mapped = self.map(&folded, known, source, now);
        let today = Today { known, folded: &folded, source, now };
        plan.replanned = self.redo(&today, &mapped, held, unsent.iter());
        plan
    }

    /// What becomes of unsent entries; only those of which something changes.
    pub(super) fn redo<'u>(
        &self,
        today: &Today<'_>,
        mapped: &Mapped,
        held: Option<Reason>,
        unsent: impl Iterator<Item = &'u Unsent>,
    ) -> Vec<(Uuid, Disposition)> {
        // Where anything was said of consent, what a person said because nothing was known counts no more.
        let unsaid = decide(today.folded) == Sharing::Held;
        let is_agreed = |entry: &&Unsent| unsaid && entry.waived.contains(&Reason::NoConsent);
        let (agreed, others): (Vec<&Unsent>, Vec<&Unsent>) = unsent.partition(is_agreed);
        let anew = |entry: &&Unsent| self.anew(today, mapped, held, entry);
        let mut redone: Vec<_> = others.iter().filter_map(anew).collect();
        if !agreed.is_empty() {
            // The person who released these says that there is consent: to codes, which is the least. Of others that
            // wait for consent nobody has said so. It has no date: it is later than nothing that was said or is in doubt.
            let mut folded = today.folded.clone();
            folded.consents_elsewhere.push((None, Share::CodesOnly));
            let today = Today { folded: &folded, ..*today };
            let held = self.hold(today.known, &folded, today.now, &[]);
            let mapped = self.map(&folded, today.known, today.source, today.now);
            redone.extend(agreed.iter().filter_map(|entry| self.anew(&today, &mapped, held, entry)));
        }
        redone
    }

    fn anew(
        &self,
        today: &Today<'_>,
        mapped: &Mapped,
        held: Option<Reason>,
        entry: &Unsent,
    ) -> Option<(Uuid, Disposition)> {
        let Today { known, folded, now, .. } = *today;
        let held = match held {
            Some(reason) if entry.waived.contains(&reason) => self.hold(known, folded, now, &entry.waived),
            other => other,
        };
        let found = mapped.events.iter().find(|made| made.event_id == entry.event_id);
        let in_fold = folded.steps.iter().any(|step| step.event.event_id == entry.event_id);
        let disposition = match entry.reason {
            // Where nothing may leave, there is nothing to find out either.
            _ if held == Some(Reason::ConsentNone) => Disposition::NotShared(Reason::ConsentNone),
            // Only the endpoint, or the person who set it, lifts such a hold.
            Some(reason) if entry.state == State::Held && !is_ours_to_lift(reason) => {
                Disposition::Hold(reason)
            }
            _ if !in_fold => {
                let stored = known.stored(&entry.event_id);
                stored.map_or(Disposition::Hold(Reason::TargetUnknown), |(event, _)| left_out(event))
            }
            _ => self.dispose(mapped, folded, found, held),
        };
        let unchanged = entry.state == State::Held
            && matches!(&disposition, Disposition::Hold(reason) if Some(*reason) == entry.reason);
        (!unchanged).then_some((entry.key, disposition))
    }
}

/// What goes out after a later event of its referral has gone out carries that event's state: the endpoint is never set
/// back to an earlier one. So does a revision that has not gone out: what was known when it came goes out before it.
pub(super) fn never_set_back(folded: &mut Folded, known: &Known, unsent: &[Unsent]) {
    let last = folded.state();
    let waits = |step: &Step| unsent.iter().any(|entry| entry.event_id == step.event.event_id);
    let is_revised = |step: &Step| known.stored(&step.event.event_id).is_some_and(|(_, number)| *number > 1);
    for step in folded.steps.iter_mut().filter(|step| waits(step) && is_revised(step)) {
        step.state = last;
    }
    let is_sent = |step: &Step| known.sent.contains(&step.event.event_id);
    let Some(last) = folded.steps.iter().rposition(is_sent) else { return };
    let state = folded.steps.get(last).and_then(|step| step.state);
    // What was sent goes out again where it was revised, or released.
    let goes = |step: &&mut Step| {
        let waits = waits(step);
        !(waits && is_revised(step)) && (waits || !known.sent.contains(&step.event.event_id))
    };
    for step in folded.steps.iter_mut().take(last).filter(goes) {
        step.state = state;
    }
}

/// Of what waits nothing carries an earlier state than what goes out before it: an event that came late goes out last, and was
/// planned with the state of all that was known. What is new (`is_new`) has that state already.
pub(super) fn keep_in_order(folded: &mut Folded, known: &Known, is_new: impl Fn(&str) -> bool) {
    let mut furthest = folded.steps.iter().rposition(|step| known.sent.contains(&step.event.event_id));
    let mut late = Vec::new();
    for event in &known.waits {
        let Some(at) = folded.steps.iter().position(|step| step.event.event_id == *event) else { continue };
        match furthest.filter(|furthest| *furthest > at) {
            Some(furthest) => late.push((at, folded.steps.get(furthest).and_then(|step| step.state))),
            None => furthest = Some(at),
        }
    }
    for (at, state) in late {
        if let Some(step) = folded.steps.get_mut(at).filter(|step| !is_new(&step.event.event_id)) {
            step.state = state;
        }
    }
}
