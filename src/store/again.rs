//! Planning again: what is known of a referral is put before the planner once more, and what became of its unsent entries
//! is written down.
//!
//! Consent stated elsewhere, another record of the person, a person's decision or the calendar give cause. What follows from
//! it for other referrals is `ripple.rs`. Next: [`super::heed`].

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use crate::event::{EventType, ReferralEvent, When};
use crate::outbox::ends::Looks;
use crate::outbox::retry::RetryPolicy;
use crate::outbox::transition::{self, Cause};
use crate::outbox::{Reason, State};
use crate::plan::doubt::referral_key;
use crate::plan::known::{PersonKey, number_key, person_keys, request_key};
use crate::plan::{Disposition, Known, Plan, Planner, Submission, Unsent};

use super::another::names_another;
use super::heed::{answers, first_to_answer};
use super::meanwhile::{foresee, forget};
use super::others::others_of;
use super::row::{Referral, Row, later};
use super::rows::{Result, Rows};

/// How long an entry without an endpoint waits before the configuration is asked again.
const ASK_ROUTES_AGAIN: Duration = Duration::from_secs(600);
/// Whatever was overlooked is looked at by then.
const ONCE_A_DAY: Duration = Duration::from_secs(24 * 3600);

/// What came of planning a referral again.
pub(super) struct Again {
    /// All its entries as they are then.
    pub(super) entries: Vec<Row>,
    /// Whether what it states of consent counts otherwise than before in the person's other referrals.
    pub(super) states_otherwise: bool,
    /// Whether it answered its request before, and does no more.
    pub(super) stepped_back: bool,
}

/// Plans the chosen entries of a referral again. Of those under way that would be chosen, had they come back, it is noted what
/// becomes of them if they do.
pub(super) fn plan_again(
    rows: &mut dyn Rows,
    id: Uuid,
    choose: impl Fn(&Row) -> bool,
    planner: &Planner,
    now: Timestamp,
) -> Result<Again> {
    let unchanged = |entries| Again { entries, states_otherwise: false, stepped_back: false };
    let Some(referral) = rows.referral(id)? else { return Ok(unchanged(Vec::new())) };
    let mut entries = rows.rows_of(id)?;
    let as_unsent = |row: &Row| if row.is_under_way() { row.come_back() } else { row.clone() };
    let unsent: Vec<Unsent> =
        entries.iter().map(as_unsent).filter(|row| choose(row)).map(|row| row.unsent()).collect();
    if unsent.is_empty() {
        return Ok(unchanged(entries));
    }
    let known = known_of(rows, id, &referral, &entries)?;
    if known.events.is_empty() {
        // It was pulled and goes to a webhook as it is.
        return Ok(unchanged(entries));
    }
    let (did_answer, was_early) = (answers(&entries), is_early(&entries));
    let plan = planner.replan(&known, &referral.source, &referral.referral_id, &unsent, now);
    // What amends a statement counts from the day on which it is no longer in doubt.
    let amends = |(event, _): &(ReferralEvent, u32)| {
        matches!(event.event_type, EventType::Corrected | EventType::EnteredInError)
    };
    let counts_otherwise = plan.statements != referral.statements && known.events.iter().any(amends);
    let is_stated = !referral.statements.is_empty();
    if counts_otherwise {
        rows.put_referral(id, &Referral { statements: plan.statements.clone(), ..referral })?;
    }
    redo(rows, &mut entries, &plan, now)?;
    let states_otherwise = counts_otherwise || is_stated && was_early && !is_early(&entries);
    let stepped_back = did_answer && !answers(&entries);
    Ok(Again { entries, states_otherwise, stepped_back })
}

/// Whether the day has not come of something that the referral says.
fn is_early(entries: &[Row]) -> bool {
    entries.iter().any(|row| row.is_held() && row.reason == Some(Reason::FutureDate))
}

/// What is known of a referral of which nothing new came.
pub(super) fn known_of(rows: &mut dyn Rows, id: Uuid, referral: &Referral, entries: &[Row]) -> Result<Known> {
    let came = Submission {
        source: referral.source.as_str().into(),
        referral_id: referral.referral_id.as_str().into(),
        events: Vec::new(),
        snapshot: false,
        versioned: false,
    };
    known(rows, id, Some(referral), &came, entries)
}

/// What is known of a referral.
pub(super) fn known(
    rows: &mut dyn Rows,
    id: Uuid,
    referral: Option<&Referral>,
    came: &Submission,
    entries: &[Row],
) -> Result<Known> {
    // Whose it was taken for before a mistyped number was put right says nothing about it.
    let said = came.events.iter().rev().find_map(number_key);
    let before = referral.filter(|one| one.endpoint.is_some() || said.is_none() || one.number == said);
    let mut persons: Vec<PersonKey> = came.events.iter().flat_map(person_keys).collect();
    persons.extend(before.iter().flat_map(|referral| &referral.persons));
    persons.sort_unstable();
    persons.dedup();
    let source = &*came.source;
    let numbers: BTreeSet<PersonKey> =
        came.events.iter().filter_map(number_key).chain(before.and_then(|one| one.number)).collect();
    let others = others_of(rows, id, source, &persons, &numbers)?;
    let doubted = rows.doubted(&concerned_by(id, &persons, &numbers))?;
    let number = came.events.iter().rev().find_map(number_key).or(referral.and_then(|one| one.number));
    let twins = match number {
        Some(number) => rows.twins(source, number)?,
        None => Vec::new(),
    };
    let (events, earlier) = match referral {
        Some(_) => (rows.events(id)?, rows.earlier(id)?),
        None => (Vec::new(), Vec::new()),
    };
    // Which of several is answered, the fold says: the last in time, not the last that came.
    let asks: BTreeSet<PersonKey> =
        came.events.iter().chain(events.iter().map(|(event, _)| event)).filter_map(request_key).collect();
    let mut taken = Vec::new();
    for asks in asks {
        taken.extend(first_to_answer(rows, id, asks)?.map(|_| asks));
    }
    // Where something may have been written already, the rest belongs, delivered or not.
    let on_the_way = || entries.iter().find(|row| row.may_be_there() || row.has_request);
    let (endpoint, practice) = match referral.and_then(|one| one.endpoint.clone()) {
        Some(endpoint) => (Some(endpoint), referral.and_then(|one| one.practice.clone())),
        None => match on_the_way() {
            Some(row) => (Some(row.endpoint.clone()), row.practice.clone()),
            None => (None, None),
        },
    };
    let sent = entries.iter().filter(|row| row.may_be_there()).map(|row| row.event_id.clone()).collect();
    let waits = entries.iter().filter(|row| row.state.is_open()).map(|row| row.event_id.clone()).collect();
    let released =
        entries.iter().filter(|row| row.waived.contains(&Reason::Sensitive)).map(|row| row.key).collect();
    // Of several versions of an event the newest counts.
    let waived: BTreeMap<&str, &Row> = entries.iter().map(|row| (row.event_id.as_str(), row)).collect();
    let waived = waived.into_iter().filter(|(_, row)| row.goes_or_went() && !row.waived.is_empty());
    let waived = waived.map(|(event, row)| (event.to_owned(), row.waived.clone())).collect();
    Ok(Known {
        events,
        earlier,
        statements: referral.map(|one| one.statements.clone()).unwrap_or_default(),
        endpoint,
        practice,
        twins,
        sent,
        waits,
        released,
        waived,
        names_another: names_another(rows, id)?,
        others,
        taken,
        doubted,
    })
}

/// The keys under which a doubt would concern a referral.
pub(super) fn concerned_by<'k>(
    id: Uuid,
    persons: &[PersonKey],
    numbers: impl IntoIterator<Item = &'k PersonKey>,
) -> Vec<PersonKey> {
    let mut keys = vec![referral_key(id)];
    keys.extend(persons);
    keys.extend(numbers);
    keys
}

/// Writes down what became of entries that were planned again.
pub(super) fn redo(rows: &mut dyn Rows, entries: &mut [Row], plan: &Plan, now: Timestamp) -> Result<()> {
    for (key, disposition) in &plan.replanned {
        let Some(row) = entries.iter_mut().find(|row| row.key == *key) else { continue };
        if row.is_under_way() {
            foresee(rows, row, disposition)?;
            continue;
        }
        let cause = match disposition {
            Disposition::NotShared(Reason::ConsentNone) => Cause::ConsentWithdrawn,
            other => {
                let (state, reason) = other.state();
                Cause::Replanned(state, reason)
            }
        };
        let Ok(change) = transition::next(&row.standing(), &cause, &RetryPolicy::default(), 0.0) else {
            continue;
        };
        let (was, due) = (row.state, row.next_at);
        if !matches!(disposition, Disposition::NotShared(_)) {
            row.endpoint.clone_from(&plan.endpoint);
            row.practice.clone_from(&plan.practice);
            row.keep_for = plan.expires_after;
        }
        if let Some(parcel) = disposition.parcel() {
            rows.put_parcel(row.id, parcel)?;
        }
        rows.change(row, &change, now)?;
        forget(rows, row.id)?;
        let next_at = match (was, row.state) {
            // An endpoint's wait is not shortened because the content changed.
            (State::Pending, State::Pending) => due,
            _ => row.reason.and_then(|reason| look_again(reason, now)).unwrap_or(row.next_at),
        };
        if next_at != row.next_at {
            row.next_at = next_at;
            rows.save(row)?;
        }
    }
    Ok(())
}

/// When a held entry is to be planned again by itself.
pub(super) fn look_again(reason: Reason, now: Timestamp) -> Option<Timestamp> {
    match reason.looks() {
        Looks::Midnight => {
            let london = When::london();
            let tomorrow = now.to_zoned(london.clone()).date().tomorrow().ok()?;
            Some(tomorrow.to_zoned(london.clone()).ok()?.timestamp())
        }
        Looks::TenMinutes => Some(later(now, ASK_ROUTES_AGAIN)),
        Looks::Store => Some(later(now, ONCE_A_DAY)),
        Looks::Told | Looks::Person | Looks::Relay | Looks::Nobody => None,
    }
}
