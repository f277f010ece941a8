//! What is new between an earlier export and this one, for one referral.
//!
//! Both are folded together; only events that are new or say something else than before are wanted. A change of
//! the referral's record is one `details_changed`, of the consent one `consent_changed`, of the service after a
//! rejection one `rerouted`. A date that was cleared stays in the fold and is listed; so does a status that says less. Where the source sends events
//! and not states, an event that says something else than before is refused, and what was sent stands. Pure. Without
//! an earlier export everything is wanted. Next: [`super::render`].

use std::collections::HashSet;
use std::sync::Arc;

use crate::event::kinds::EventType;
use crate::event::{Detail, Issue, IssueCode, Position, Record, ReferralEvent};
use crate::map::fold::{self, Folded, Step};
use crate::map::machine::{State, TaskStatus};

use super::by_id::ById;
use super::reopened::{self, ToldApart, is_end, is_followed, told_apart};
use super::whose::is_another;

/// What is to be written of a referral.
pub struct Update {
    /// Everything known, folded.
    pub folded: Folded,
    /// Ids of the events that are wanted; all of them when absent.
    pub wanted: Option<HashSet<String>>,
}

/// Why a change cannot go through.
pub type Refusal = (IssueCode, &'static str);

/// Events of an event source that say something else than when they were sent. They are to be refused; the others of
/// the referral go on as if these had been repeated unchanged: that is what the clinical system was told, and the
/// only way to change it is a `corrected`, which is an event of its own.
#[must_use]
pub fn changed(before: &[ReferralEvent], now: &[ReferralEvent]) -> HashSet<String> {
    let known = ById::new(before);
    let differs = |event: &&ReferralEvent| {
        known.get(&event.event_id).is_some_and(|known| !known.says_the_same_as(event))
    };
    now.iter().filter(differs).map(|event| event.event_id.clone()).collect()
}

/// Compares and folds. `before` is empty when there is no earlier export, or the referral is new; the events of a
/// source that sends events have passed [`changed`].
///
/// # Errors
/// A change that a person must decide.
pub fn update(
    before: Vec<ReferralEvent>,
    now: Vec<ReferralEvent>,
    snapshot: bool,
) -> Result<Update, Refusal> {
    update_of(before, now, snapshot, false)
}

/// The same of a referral of which nothing was ever sent: whose it is may still be put right, and whether it names two
/// persons then, the fold shows.
///
/// # Errors
/// A change that a person must decide.
pub fn update_whose(
    before: Vec<ReferralEvent>,
    now: Vec<ReferralEvent>,
    snapshot: bool,
) -> Result<Update, Refusal> {
    update_of(before, now, snapshot, true)
}

fn update_of(
    before: Vec<ReferralEvent>,
    now: Vec<ReferralEvent>,
    snapshot: bool,
    whose: bool,
) -> Result<Update, Refusal> {
    if before.is_empty() {
        return Ok(Update { folded: fold::fold(now), wanted: None });
    }
    let known: HashSet<String> = before.iter().map(|event| event.event_id.clone()).collect();
    let Joined { all, wanted, remarks, record_before, revised } = join(before, now, snapshot, whose)?;
    let mut folded = fold::fold(all);
    folded.revised = revised;
    folded.remarks.extend(remarks);
    folded.record_before = record_before;
    catch_up(&mut folded, &wanted, |id| known.contains(id));
    Ok(Update { folded, wanted: Some(wanted) })
}

/// What is known of a referral once an export has been added to what was known before.
///
/// # Errors
/// A change that a person must decide: nothing of it is known then.
pub fn remember(
    before: Vec<ReferralEvent>,
    now: Vec<ReferralEvent>,
    snapshot: bool,
) -> Result<Vec<ReferralEvent>, Refusal> {
    if before.is_empty() { Ok(now) } else { Ok(join(before, now, snapshot, false)?.all) }
}

/// Two exports together.
struct Joined {
    all: Vec<ReferralEvent>,
    wanted: HashSet<String>,
    remarks: Remarks,
    /// The record as it was, where it changed.
    record_before: Option<Arc<Record>>,
    /// Events that say something else now, as they were.
    revised: Vec<ReferralEvent>,
}

fn join(
    before: Vec<ReferralEvent>,
    now: Vec<ReferralEvent>,
    snapshot: bool,
    whose: bool,
) -> Result<Joined, Refusal> {
    let (before, _) = fold::deduplicate(before);
    let old = fold::fold(before.clone());
    let ToldApart { now, over, closes } =
        if snapshot { told_apart(&before, now) } else { ToldApart { now, over: None, closes: false } };
    let (mut wanted, mut remarks) = compare(&before, &now, &old, closes)?;
    let (old_record, template) = match (before.last(), now.last()) {
        (Some(old), Some(new)) => (Arc::clone(&old.record), new.clone()),
        _ => return Ok(Joined { all: before, wanted, remarks, record_before: None, revised: Vec::new() }),
    };
    // Whose the referral is cannot be guessed. In a log, which keeps every record, the fold shows the rest.
    let numbers = (old_record.person.nhs_number, template.record.person.nhs_number);
    let compares = !whose && (snapshot || matches!(numbers, (Some(_), Some(_))));
    if let Some(found) = is_another(&old_record.person, &template.record.person).filter(|_| compares) {
        return Err((IssueCode::HeldTwoPersons, found));
    }
    let revised = before.iter().filter(|known| wanted.contains(&known.event_id)).cloned().collect();
    let by_id = ById::new(&before);
    let now = now.into_iter().map(|event| if closes { event } else { at_its_height(event, &by_id) });
    let now = now.chain(over.inspect(|over| {
        wanted.insert(over.event_id.clone());
    }));
    let now = now.collect();
    let mut all = together(before, now, snapshot, &mut remarks);
    let changed = snapshot && old_record != template.record;
    if changed {
        let changes = record_changes(&template, &old, &old_record, &mut wanted);
        all.retain(|event| changes.iter().all(|change| change.event_id != event.event_id));
        all.extend(changes);
    }
    Ok(Joined { all, wanted, remarks, record_before: changed.then_some(old_record), revised })
}

/// Whether a status column says less than it did.
fn is_set_back(known: &ReferralEvent, event: &ReferralEvent) -> bool {
    event.is_status_slot && event.event_type < known.event_type
}

/// A status column is a floor: what says less than before leaves the floor where it was.
fn at_its_height(event: ReferralEvent, before: &ById<'_>) -> ReferralEvent {
    match before.get(&event.event_id).filter(|known| is_set_back(known, &event)) {
        Some(known) => ReferralEvent { record: event.record, ..known.clone() },
        None => event,
    }
}

/// Remarks, each with the id of the event it is about.
type Remarks = Vec<(String, Issue)>;

/// Ids of the events that are new or revised, and what is to be said about them.
fn compare(
    before: &[ReferralEvent],
    now: &[ReferralEvent],
    old: &Folded,
    closes: bool,
) -> Result<(HashSet<String>, Remarks), Refusal> {
    let (mut wanted, mut remarks) = (HashSet::new(), Remarks::new());
    let before = ById::new(before);
    for event in now {
        match before.get(&event.event_id) {
            Some(known) if known.says_the_same_as(event) => continue,
            Some(known) if is_set_back(known, event) && !closes => {
                remarks.push((event.event_id.clone(), issue(event, IssueCode::StatusSetBack)));
                continue;
            }
            Some(known) => {
                refuse_new_episode(known, event, old, now)?;
            }
            None => {}
        }
        wanted.insert(event.event_id.clone());
    }
    Ok((wanted, remarks))
}

/// The events of both exports. In a snapshot those that are gone were cleared, and bear the record of today.
fn together(
    before: Vec<ReferralEvent>,
    now: Vec<ReferralEvent>,
    snapshot: bool,
    remarks: &mut Remarks,
) -> Vec<ReferralEvent> {
    let by_id = ById::new(&now);
    let gone: Vec<ReferralEvent> = before.into_iter().filter(|known| !by_id.has(&known.event_id)).collect();
    let mut all = now;
    for known in gone {
        let Some(first) = all.first().filter(|_| snapshot) else {
            all.push(known);
            continue;
        };
        if !stands_for_a_record(&known) && !is_followed(&known, &all) {
            remarks.push((first.event_id.clone(), issue(&known, IssueCode::DateCleared)));
        }
        let record = Arc::clone(&first.record);
        all.push(ReferralEvent { record, ..known });
    }
    all
}

fn issue(event: &ReferralEvent, code: IssueCode) -> Issue {
    Issue::new(code, Position::path(event.event_type.as_str()), event.event_type.label())
}

/// A referred date that moved past the end of the referral may be a correction or a new episode: a person says. An end
/// that a status column said has no date: then it is one that moved on while the column no longer says so.
fn refuse_new_episode(
    known: &ReferralEvent,
    event: &ReferralEvent,
    old: &Folded,
    now: &[ReferralEvent],
) -> Result<(), Refusal> {
    if event.event_type != EventType::Referred || event.occurred_at == known.occurred_at {
        return Ok(());
    }
    let ended = old.state().filter(|state| state.ended).and_then(|state| state.outcome);
    let Some(end) = ended.and_then(|at| old.steps.get(at)) else { return Ok(()) };
    let Some(referred) = event.occurred_at else { return Ok(()) };
    let is_past = match end.event.occurred_at {
        Some(end) => referred.day() > end.day(),
        None => {
            let stands = now.iter().any(|now| is_end(now) || now.event_type == end.event.event_type);
            !stands && known.occurred_at.is_some_and(|known| referred.day() > known.day())
        }
    };
    if is_past { Err((IssueCode::NewEpisodeOrCorrection, "")) } else { Ok(()) }
}

/// Names of the events that a changed record stands for, and of what a status column said.
const STAND_INS: [(EventType, &str); 4] = [
    (EventType::Reopened, reopened::STAND_IN),
    (EventType::Rerouted, "rerouted"),
    (EventType::ConsentChanged, "consent_changed"),
    (EventType::DetailsChanged, "details_changed"),
];

/// Whether an event was made of a changed record before: no row brings it, so no row can take it away.
fn stands_for_a_record(event: &ReferralEvent) -> bool {
    let name = event.key().split('/').next().unwrap_or_default();
    event.occurred_at.is_none() && STAND_INS.contains(&(event.event_type, name))
}

/// The events that a changed record stands for. A second change takes the place of the first, but for another
/// rerouting, which is another Task.
fn record_changes(
    event: &ReferralEvent,
    old: &Folded,
    old_record: &Record,
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
        let stand_in =
            |step: &&Step| step.event.event_type == EventType::Rerouted && stands_for_a_record(&step.event);
        let name = match old.steps.iter().filter(stand_in).count() {
            0 => "rerouted".to_owned(),
            earlier => format!("rerouted/{}", earlier + 1),
        };
        changes.push(make(EventType::Rerouted, &name, Detail { to, ..Detail::default() }));
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
/// clinical system already has is never set back. It has what was known before, also of what is revised now: of two
/// revisions the first does not say that the second is still to come.
pub fn catch_up(folded: &mut Folded, wanted: &HashSet<String>, is_known: impl Fn(&str) -> bool) {
    let was_there = |step: &Step| !wanted.contains(&step.event.event_id) || is_known(&step.event.event_id);
    let Some(last_known) = folded.steps.iter().rposition(was_there) else { return };
    let last: Option<State> = folded.state();
    for step in folded.steps.iter_mut().take(last_known) {
        if wanted.contains(&step.event.event_id) {
            step.state = last;
        }
    }
}
