//! [`Planner`]: from what is known and what came in to what is stored and sent.
//!
//! It folds, decides about consent and holds, maps, and renders, all with the same code as `sp-fhir convert`. Next:
//! `knowing.rs`, then `verdict.rs` and [`crate::store`], which writes plans down.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use crate::codeset::Codeset;
use crate::convert::since::{self, Update};
use crate::event::finish::Identities;
use crate::event::{EventType, IssueCode, ReferralEvent};
use crate::map::fold::{Folded, Role};
use crate::map::hold::{is_number_put_right, names_two_persons};
use crate::map::mapper::Settings;
use crate::map::names::{NameKind, Names};
use crate::map::provenance::revision_uuid;
use crate::map::refs::plain;
use crate::map::share::decide;
use crate::outbox::{Reason, State};

use super::again::{Today, keep_in_order, never_set_back};
use super::consent::{hear_others, lasting_of, not_lifted, puts_in_doubt, still_forbids, stored_record};
use super::holds::{active_since, london, names_differ};
use super::knowing::{as_known, fold_of, released};
use super::known::{Known, Submission, Unsent, number_key, person_keys, request_key};
use super::made::{DEFAULT_EXPIRY, Disposition, NewEntry, Plan, Verdict};
use super::render::left_out;
use super::route::Routes;
use super::verdict::may_say_nothing_new;
use super::whose::Whose;

/// Makes plans.
#[derive(Clone, Debug)]
pub struct Planner {
    /// The loaded codeset.
    pub codeset: Arc<Codeset>,
    /// Mapping choices; the instant of recording is replaced by the instant of planning.
    pub settings: Settings,
    /// Where things go.
    pub routes: Routes,
    /// What the deployer gave for identity.
    pub identities: Identities,
}

impl Planner {
    /// The referral's UUID.
    #[must_use]
    pub fn referral(source: &str, referral_id: &str) -> Uuid {
        Names::new(source).uuid(NameKind::Referral, &[referral_id])
    }

    /// Plans a submission.
    #[must_use]
    pub fn plan(&self, known: &Known, came: &Submission, unsent: &[Unsent], now: jiff::Timestamp) -> Plan {
        let came = &as_known(known, came);
        let (mut plan, held) = self.plan_events(known, came, unsent, now);
        plan.heed(known, came, held == Some(Reason::ConsentNone));
        plan
    }

    /// The plan without what refused and repeated events say of consent, and why nothing may go out, if so.
    fn plan_events(
        &self,
        known: &Known,
        came: &Submission,
        unsent: &[Unsent],
        now: jiff::Timestamp,
    ) -> (Plan, Option<Reason>) {
        let referral = Self::referral(&came.source, &came.referral_id);
        let mut plan = Plan::empty(referral);
        let accepted = self.sort_out(known, came, &mut plan);
        let before: Vec<ReferralEvent> = known.events.iter().map(|(event, _)| event.clone()).collect();
        let update = if puts_number_right(known, &accepted, came.snapshot) {
            since::update_whose(before, accepted, came.snapshot)
        } else {
            since::update(before, accepted, came.snapshot)
        };
        let update = match update {
            Ok(update) => update,
            Err((code, _)) => {
                plan.refuse_rest(code);
                let folded = fold_of(known, now);
                let held = self.hold(known, &folded, now, &[]);
                self.describe(known, &folded, held, now, &mut plan);
                return (plan, held);
            }
        };
        let Update { mut folded, mut wanted } = update;
        folded.revised.extend(known.earlier.iter().cloned());
        if let Some(wanted) = wanted.as_mut().filter(|_| came.versioned) {
            // A later version may differ only in the record, which is no event's own elsewhere.
            let revised = plan.verdicts.iter().filter(|(_, verdict)| *verdict == Verdict::Revised);
            wanted.extend(revised.map(|(id, _)| id.clone()));
            since::catch_up(&mut folded, wanted, |id| known.stored(id).is_some());
        }
        let is_wanted = |id: &str| wanted.as_ref().is_none_or(|wanted| wanted.contains(id));
        for step in &folded.steps {
            let event = &step.event;
            let stored = known.stored(&event.event_id);
            match stored {
                _ if is_wanted(&event.event_id) => {
                    plan.events.push((original(came, event), stored.map_or(1, |(_, number)| number + 1)));
                }
                Some((stored, number)) if stored.record != event.record => {
                    let record = stored_record(known, stored, &event.record, came.snapshot);
                    if record != stored.record {
                        plan.records.push((ReferralEvent { record, ..stored.clone() }, *number));
                    }
                }
                _ => {}
            }
        }
        // An event that the fold has no place for (a correction whose target has not come) is stored all the same.
        let without_step = came.events.iter().filter(|event| {
            is_wanted(&event.event_id)
                && plan.is_taken(&event.event_id)
                && folded.steps.iter().all(|step| step.event.event_id != event.event_id)
        });
        let without_step: Vec<ReferralEvent> = without_step.cloned().collect();
        for event in &without_step {
            let number = known.revision_of(&event.event_id) + 1;
            plan.events.push((event.clone(), number));
        }
        if came.snapshot || came.versioned {
            folded.consents_elsewhere.extend(still_forbids(known, came.events.last()));
            plan.issues.extend(not_lifted(&folded, came.events.last()));
        }
        hear_others(&mut folded, known, now.to_zoned(london()).date());
        folded.released = released(known, &plan.events);
        plan.issues.extend(folded.remarks.iter().cloned());
        never_set_back(&mut folded, known, unsent);
        keep_in_order(&mut folded, known, |id| plan.events.iter().any(|(event, _)| event.event_id == id));
        let held = self.hold(known, &folded, now, &[]);
        self.describe(known, &folded, held, now, &mut plan);
        plan.issues.extend(names_differ(known, &folded));
        plan.statements_changed = plan.statements != known.statements;
        let mapped = self.map(&folded, known, &came.source, now);
        plan.issues.extend(mapped.notes.remarks.iter().cloned());
        let events = std::mem::take(&mut plan.events);
        for (event, number) in &events {
            let found = mapped.events.iter().find(|made| made.event_id == event.event_id);
            let names = Names::new(&event.source);
            let key = entry_key(&names, event, *number);
            let missing = without_step.iter().any(|lost| lost.event_id == event.event_id);
            let disposition = match held {
                Some(Reason::ConsentNone) => Disposition::NotShared(Reason::ConsentNone),
                _ if missing => left_out(event),
                _ => self.dispose(&mapped, &folded, found, held),
            };
            plan.entries.push(NewEntry {
                key,
                event_id: event.event_id.clone(),
                event_type: event.event_type,
                may_say_nothing_new: may_say_nothing_new(event, known),
                disposition,
            });
        }
        plan.events = events;
        let same_person = known.events.last().is_none_or(|(last, _)| {
            folded.steps.last().is_some_and(|step| step.event.record.person == last.record.person)
        });
        let asked = known.events.last().and_then(|(last, _)| request_key(last));
        let same_ask = known.events.is_empty() || asked == plan.asks;
        // What came may hold what waits, or restrict it, whenever it happened.
        let before = fold_of(known, now);
        let same_share = known.events.is_empty() || decide(&before) == decide(&folded);
        let same_hold = self.hold(known, &before, now, &[]) == held;
        plan.again = plan.statements_changed || !same_person || !same_ask || !same_share || !same_hold;
        let redo = unsent.iter().filter(|entry| entry.state == State::Held || plan.again);
        let today = Today { known, folded: &folded, source: &came.source, now };
        plan.replanned = self.redo(&today, &mapped, held, redo);
        (plan, held)
    }

    /// The key of an entry, by its event and the number of its revision.
    #[must_use]
    pub fn key(event: &ReferralEvent, revision: u32) -> Uuid {
        entry_key(&Names::new(&event.source), event, revision)
    }

    /// Whether something of an event stays here because it is sensitive.
    #[must_use]
    pub fn withholds(&self, known: &Known, event: &ReferralEvent, now: jiff::Timestamp) -> bool {
        let mut folded = fold_of(known, now);
        folded.released = released(known, &[]);
        let remarks = self.map(&folded, known, &event.source, now).notes.remarks;
        remarks.iter().any(|(id, issue)| *id == event.event_id && issue.code == IssueCode::SensitiveWithheld)
    }

    /// What of each event stays here because the person shares less than everything: its id and the fields.
    #[must_use]
    pub fn withheld(&self, known: &Known, source: &str, now: jiff::Timestamp) -> Vec<(String, Vec<String>)> {
        let remarks = self.map(&fold_of(known, now), known, source, now).notes.remarks;
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (id, issue) in remarks.into_iter().filter(|(_, issue)| issue.code == IssueCode::ConsentWithheld) {
            found.entry(id).or_default().extend(issue.at.path.as_deref().map(str::to_owned));
        }
        found.into_iter().collect()
    }

    pub(super) fn describe(
        &self,
        known: &Known,
        folded: &Folded,
        held: Option<Reason>,
        now: jiff::Timestamp,
        plan: &mut Plan,
    ) {
        let Some(last) = folded.steps.last().map(|step| &step.event) else { return };
        let practice = last.record.person.practice_ods.as_ref().map(|ods| ods.as_str().to_owned());
        let route = self.route(known, last);
        plan.endpoint = route.map(|route| route.endpoint.clone()).unwrap_or_default();
        plan.practice = known.practice.clone().or(practice);
        plan.expires_after = route.map_or(DEFAULT_EXPIRY, |route| route.expires_after);
        // What was entered in error contradicts nobody.
        let stands = folded.steps.iter().any(|step| !matches!(step.role, Role::Withdraws(_)));
        plan.whose =
            if stands { Whose::of(last).of_two(names_two_persons(folded)) } else { Whose::default() };
        plan.persons = person_keys(last);
        plan.number = number_key(last);
        plan.asks = request_key(last);
        // What a person released is in doubt no more as far as they said.
        let is_in_doubt = |event: &str| match known.waived.get(event) {
            Some(waived) => self.hold(known, folded, now, waived).is_some_and(puts_in_doubt),
            None => held.is_some_and(puts_in_doubt),
        };
        plan.statements = lasting_of(folded, known, is_in_doubt);
        plan.active_since = active_since(folded);
    }
}

impl Known {
    pub(super) fn stored(&self, id: &str) -> Option<&(ReferralEvent, u32)> {
        self.events.iter().find(|(event, _)| event.event_id == id)
    }

    fn revision_of(&self, id: &str) -> u32 {
        self.stored(id).map_or(0, |(_, number)| *number)
    }
}

/// Whether a mistyped NHS number is put right of which nothing was ever sent: by a row that says the same of the person
/// otherwise, or by a correction.
fn puts_number_right(known: &Known, now: &[ReferralEvent], snapshot: bool) -> bool {
    let Some(((before, _), last)) = known.events.last().zip(now.last()) else { return false };
    let is_unsent = known.endpoint.is_none() && known.sent.is_empty();
    let same = |event: &ReferralEvent| event.record.person.nhs_number == before.record.person.nhs_number;
    // A correction too may change the number of one person, not make the referral another's.
    let puts_right = |event: &ReferralEvent| {
        same(event) || is_number_put_right(&before.record.person, &event.record.person)
    };
    let corrects = || now.iter().all(|event| event.event_type == EventType::Corrected && puts_right(event));
    let put_right =
        if snapshot { is_number_put_right(&before.record.person, &last.record.person) } else { corrects() };
    is_unsent && put_right
}

/// The event as it came, not as a later correction leaves it in the fold.
fn original(came: &Submission, folded: &ReferralEvent) -> ReferralEvent {
    let submitted = came.events.iter().find(|event| event.event_id == folded.event_id);
    submitted.unwrap_or(folded).clone()
}

/// The key of an event's first version is that of its Provenance; of later versions one derived from it, because
/// an event may come back to what it once said.
pub(super) fn entry_key(names: &Names, event: &ReferralEvent, number: u32) -> Uuid {
    let first = revision_uuid(names, event);
    if number <= 1 {
        return first;
    }
    names.uuid(NameKind::Event, &[&plain(first), "revision", &number.to_string()])
}
