//! [`Planner`]: from what is known and what came in to what is stored and sent.
//!
//! It folds, decides about consent and holds, maps, and renders, all with the same code as `sp-fhir convert`. Next:
//! [`crate::store`], which writes plans down.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use uuid::Uuid;

use crate::codeset::Codeset;
use crate::convert::since::{self, Update};
use crate::event::finish::Identities;
use crate::event::kinds::Share;
use crate::event::{EventType, IssueCode, ReferralEvent, When};
use crate::map::fold::{self, Folded, Step};
use crate::map::hold::{names_two_persons, needs_hold};
use crate::map::mapper::{EventEntries, Mapped, Mapper, Settings};
use crate::map::names::{NameKind, Names};
use crate::map::patient;
use crate::map::provenance::revision_uuid;
use crate::map::refs::plain;
use crate::map::share::{Statement, statement};
use crate::map::shelf::Shelf;
use crate::outbox::{Reason, State};

use super::known::{Known, Submission, Unsent, number_key, person_keys};
use super::made::{DEFAULT_EXPIRY, Disposition, NewEntry, Plan, Verdict};
use super::parcels;
use super::route::{Route, Routes};

/// Another source's referral of the same person within so many days may be the same one.
const TWIN_DAYS: i32 = 28;

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
        let referral = Self::referral(&came.source, &came.referral_id);
        let mut plan = Plan::empty(referral);
        let accepted = self.sort_out(known, came, &mut plan);
        let before: Vec<ReferralEvent> = known.events.iter().map(|(event, _)| event.clone()).collect();
        let old_statements = lasting(&before);
        let update = match since::update(before, accepted, came.snapshot) {
            Ok(update) => update,
            Err((code, _)) => {
                plan.refuse_rest(code);
                self.describe(known, &fold_of(known), &mut plan);
                return plan;
            }
        };
        let Update { mut folded, wanted } = update;
        let is_wanted = |id: &str| wanted.as_ref().is_none_or(|wanted| wanted.contains(id));
        for step in &folded.steps {
            let event = &step.event;
            let stored = known.events.iter().find(|(stored, _)| stored.event_id == event.event_id);
            match stored {
                _ if is_wanted(&event.event_id) => {
                    plan.events.push((original(came, event), stored.map_or(1, |(_, number)| number + 1)));
                }
                Some((stored, number)) if stored.record != event.record => {
                    plan.records.push((
                        ReferralEvent { record: Arc::clone(&event.record), ..stored.clone() },
                        *number,
                    ));
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
        folded.consents_elsewhere.clone_from(&known.elsewhere);
        plan.issues.extend(folded.remarks.iter().cloned());
        never_set_back(&mut folded, known);
        self.describe(known, &folded, &mut plan);
        plan.statements_changed = lasting_of(&folded) != old_statements;
        let held = self.hold(known, &folded, now, &[]);
        let mapped = self.map(&folded, known, came, now);
        plan.issues.extend(mapped.notes.remarks.iter().cloned());
        let events = std::mem::take(&mut plan.events);
        for (event, number) in &events {
            let found = mapped.events.iter().find(|made| made.event_id == event.event_id);
            let names = Names::new(&event.source);
            let key = entry_key(&names, event, *number);
            let missing = without_step.iter().any(|lost| lost.event_id == event.event_id);
            let disposition =
                if missing { left_out(event) } else { self.dispose(&mapped, &folded, found, held) };
            plan.entries.push(NewEntry {
                key,
                event_id: event.event_id.clone(),
                event_type: event.event_type,
                disposition,
            });
        }
        plan.events = events;
        let same_person = known.events.last().is_none_or(|(last, _)| {
            folded.steps.last().is_some_and(|step| step.event.record.person == last.record.person)
        });
        let again = plan.statements_changed || !same_person;
        let redo = unsent.iter().filter(|entry| entry.state == State::Held || again);
        plan.replanned = self.redo(&mapped, &folded, held, known, now, redo);
        plan
    }

    /// Plans the unsent entries of a referral again: consent was stated elsewhere, a person released one, or time
    /// has passed.
    #[must_use]
    pub fn replan(
        &self,
        known: &Known,
        source: &str,
        referral_id: &str,
        unsent: &[Unsent],
        now: jiff::Timestamp,
    ) -> Plan {
        let mut plan = Plan::empty(Self::referral(source, referral_id));
        let mut folded = fold_of(known);
        folded.consents_elsewhere.clone_from(&known.elsewhere);
        if unsent.iter().any(|entry| entry.waived.contains(&Reason::NoConsent)) {
            // The person who released it says that there is consent: to codes, which is the least.
            folded.consents_elsewhere.push((Some(now.to_zoned(london()).date()), Share::CodesOnly));
        }
        never_set_back(&mut folded, known);
        self.describe(known, &folded, &mut plan);
        let came = Submission {
            source: source.into(),
            referral_id: referral_id.into(),
            events: Vec::new(),
            snapshot: false,
        };
        let held = self.hold(known, &folded, now, &[]);
        let mapped = self.map(&folded, known, &came, now);
        plan.replanned = self.redo(&mapped, &folded, held, known, now, unsent.iter());
        plan
    }

    fn redo<'u>(
        &self,
        mapped: &Mapped,
        folded: &Folded,
        held: Option<Reason>,
        known: &Known,
        now: jiff::Timestamp,
        unsent: impl Iterator<Item = &'u Unsent>,
    ) -> Vec<(Uuid, Disposition)> {
        let mut redone = Vec::new();
        for entry in unsent {
            let held = match held {
                Some(reason) if entry.waived.contains(&reason) => {
                    self.hold(known, folded, now, &entry.waived)
                }
                other => other,
            };
            let found = mapped.events.iter().find(|made| made.event_id == entry.event_id);
            let in_fold = folded.steps.iter().any(|step| step.event.event_id == entry.event_id);
            let disposition = match entry.reason {
                // Only the endpoint, or the person who set it, lifts such a hold.
                Some(reason) if entry.state == State::Held && !is_ours_to_lift(reason) => {
                    Disposition::Hold(reason)
                }
                _ if !in_fold => known
                    .events
                    .iter()
                    .find(|(event, _)| event.event_id == entry.event_id)
                    .map_or(Disposition::Hold(Reason::TargetUnknown), |(event, _)| left_out(event)),
                _ => self.dispose(mapped, folded, found, held),
            };
            let unchanged = entry.state == State::Held
                && matches!(&disposition, Disposition::Hold(reason) if Some(*reason) == entry.reason);
            if !unchanged {
                redone.push((entry.key, disposition));
            }
        }
        redone
    }

    /// Tells repeats, revisions and conflicts apart; gives the events that go into the fold.
    fn sort_out(&self, known: &Known, came: &Submission, plan: &mut Plan) -> Vec<ReferralEvent> {
        let (_, disputed) = fold::deduplicate(came.events.clone());
        let disputed: HashSet<&str> = disputed.iter().map(|event| event.event_id.as_str()).collect();
        let mut accepted: Vec<ReferralEvent> = Vec::new();
        for event in &came.events {
            let stored = known.events.iter().find(|(stored, _)| stored.event_id == event.event_id);
            let verdict = match stored {
                _ if disputed.contains(event.event_id.as_str()) => {
                    Verdict::Refused(IssueCode::DuplicateEventId)
                }
                Some((stored, _)) if stored.says_the_same_as(event) => Verdict::Repeat,
                Some(_) if !came.snapshot => Verdict::Refused(IssueCode::EventChanged),
                Some(_) => Verdict::Revised,
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

    /// Where a referral goes: to the endpoint of its first delivery, else to that of the person's practice.
    fn route(&self, known: &Known, last: &ReferralEvent) -> Option<&Route> {
        let practice = last.record.person.practice_ods.as_ref().map(|ods| ods.as_str());
        match &known.endpoint {
            Some(endpoint) => self.routes.named(endpoint),
            None => self.routes.of(practice),
        }
    }

    fn describe(&self, known: &Known, folded: &Folded, plan: &mut Plan) {
        let Some(last) = folded.steps.last().map(|step| &step.event) else { return };
        let practice = last.record.person.practice_ods.as_ref().map(|ods| ods.as_str().to_owned());
        let route = self.route(known, last);
        plan.endpoint = route.map(|route| route.endpoint.clone()).unwrap_or_default();
        plan.practice = known.practice.clone().or(practice);
        plan.expires_after = route.map_or(DEFAULT_EXPIRY, |route| route.expires_after);
        plan.persons = person_keys(last);
        plan.number = number_key(last);
        plan.statements = lasting_of(folded);
        plan.active_since = active_since(folded);
    }

    /// Why nothing of the referral may go out now, if so.
    fn hold(
        &self,
        known: &Known,
        folded: &Folded,
        now: jiff::Timestamp,
        waived: &[Reason],
    ) -> Option<Reason> {
        let last = folded.steps.last().map(|step| &step.event)?;
        let today = now.to_zoned(london()).date();
        let person = &last.record.person;
        let practice = person.practice_ods.as_ref().map(|ods| ods.as_str());
        let route = self.route(known, last);
        let moved = || match (&known.practice, practice) {
            (Some(first), Some(now)) => !first.eq_ignore_ascii_case(now),
            _ => false,
        };
        let opened = active_since(folded);
        let twin = |other: &Date| opened.is_some_and(|day| days_between(day, *other) <= TWIN_DAYS);
        let reasons = [
            names_two_persons(folded).then_some(Reason::TwoPersons),
            needs_hold(folded, today).and_then(|(code, _)| Reason::of_issue(code)),
            person.nhs_number.is_none().then_some(Reason::NeedsIdentity),
            route.is_none().then_some(Reason::NoEndpoint),
            route.and_then(|route| wrong_kind_of_number(route, last)),
            moved().then_some(Reason::PracticeChanged),
            known.twins.iter().any(twin).then_some(Reason::PossibleDuplicate),
        ];
        reasons.into_iter().flatten().find(|reason| !waived.contains(reason))
    }

    fn map(&self, folded: &Folded, known: &Known, came: &Submission, now: jiff::Timestamp) -> Mapped {
        let names = Names::new(&came.source);
        let settings = Settings {
            recorded_at: jiff::Timestamp::from_second(now.as_second()).unwrap_or(now),
            ..self.settings.clone()
        };
        let shelf = Shelf::default();
        let mapper = Mapper { codeset: &self.codeset, settings: &settings, shelf: &shelf };
        let Some(last) = folded.steps.last() else { return Mapped::default() };
        let patient = patient::uuid(&self.identities, &names, &last.event);
        if self.route(known, &last.event).is_some_and(|route| route.answers) {
            mapper.map_answering(&names, folded, patient)
        } else {
            mapper.map(&names, folded, patient)
        }
    }

    fn dispose(
        &self,
        mapped: &Mapped,
        folded: &Folded,
        made: Option<&EventEntries>,
        held: Option<Reason>,
    ) -> Disposition {
        // What must wait for a person waits, whatever else is the matter.
        if let Some(reason) = held {
            return Disposition::Hold(reason);
        }
        match (mapped.share, made) {
            (Some(Share::None) | None, _) => Disposition::NotShared(Reason::ConsentNone),
            (_, None) => Disposition::NotShared(Reason::NothingToSend),
            (_, Some(made)) => match folded.steps.last() {
                Some(step) => Disposition::Send(parcels::parcel(made, folded, &step.event, &self.settings)),
                None => Disposition::NotShared(Reason::NothingToSend),
            },
        }
    }
}

/// What becomes of an event that the fold has no step for: a correction waits for its target; a status column that says
/// no more than the dated events has nothing to send.
fn left_out(event: &ReferralEvent) -> Disposition {
    if event.target_event_id.is_some() {
        Disposition::Hold(Reason::TargetUnknown)
    } else {
        Disposition::NotShared(Reason::NothingToSend)
    }
}

impl Known {
    fn revision_of(&self, id: &str) -> u32 {
        self.events.iter().find(|(event, _)| event.event_id == id).map_or(0, |(_, number)| *number)
    }
}

/// What goes out after a later event of its referral has gone out carries that event's state: the endpoint is never set
/// back to an earlier one.
fn never_set_back(folded: &mut Folded, known: &Known) {
    let is_sent = |step: &Step| known.sent.contains(&step.event.event_id);
    let Some(last) = folded.steps.iter().rposition(is_sent) else { return };
    let state = folded.steps.get(last).and_then(|step| step.state);
    for step in folded.steps.iter_mut().take(last).filter(|step| !known.sent.contains(&step.event.event_id)) {
        step.state = state;
    }
}

fn fold_of(known: &Known) -> Folded {
    fold::fold(known.events.iter().map(|(event, _)| event.clone()).collect())
}

/// The event as it came, not as a later correction leaves it in the fold.
fn original(came: &Submission, folded: &ReferralEvent) -> ReferralEvent {
    let submitted = came.events.iter().find(|event| event.event_id == folded.event_id);
    submitted.unwrap_or(folded).clone()
}

/// The key of an event's first version is that of its Provenance; of later versions one derived from it, because
/// an event may come back to what it once said.
fn entry_key(names: &Names, event: &ReferralEvent, number: u32) -> Uuid {
    let first = revision_uuid(names, event);
    if number <= 1 {
        return first;
    }
    names.uuid(NameKind::Event, &[&plain(first), "revision", &number.to_string()])
}

/// Statements that count for the person: a change of consent, or that nothing may be shared.
fn lasting(events: &[ReferralEvent]) -> Vec<Statement> {
    let counts = |event: &&ReferralEvent| {
        event.event_type == EventType::ConsentChanged
            || statement(event).is_some_and(|(_, share)| share == Share::None)
    };
    let mut statements: Vec<Statement> = events.iter().filter(counts).filter_map(statement).collect();
    statements.sort_by_key(|(date, share)| (*date, share.as_str()));
    statements.dedup();
    statements
}

fn lasting_of(folded: &Folded) -> Vec<Statement> {
    let events: Vec<ReferralEvent> = folded.steps.iter().map(|step| step.event.clone()).collect();
    lasting(&events)
}

fn active_since(folded: &Folded) -> Option<Date> {
    let state = folded.state().filter(|state| !state.ended)?;
    folded.steps.get(state.opened_by)?.event.occurred_at.map(|when| when.day())
}

/// A 999 number belongs to a test endpoint, and nobody else's does.
fn wrong_kind_of_number(route: &Route, event: &ReferralEvent) -> Option<Reason> {
    let is_test = event.record.person.nhs_number?.as_str().starts_with("999");
    match (is_test, route.test) {
        (true, false) => Some(Reason::TestNumberAtLive),
        (false, true) => Some(Reason::RealNumberAtTest),
        _ => None,
    }
}

/// Holds that planning itself set, and lifts when their cause is gone.
const fn is_ours_to_lift(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::NeedsIdentity
            | Reason::NoConsent
            | Reason::Protected
            | Reason::FutureDate
            | Reason::TwoPersons
            | Reason::PossibleDuplicate
            | Reason::TestNumberAtLive
            | Reason::RealNumberAtTest
            | Reason::NoEndpoint
            | Reason::PracticeChanged
            | Reason::TargetUnknown
    )
}

fn days_between(one: Date, other: Date) -> i32 {
    one.until(other).map_or(i32::MAX, |span| span.get_days().abs())
}

fn london() -> TimeZone {
    When::london().clone()
}
