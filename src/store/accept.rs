//! Accepting: what is known is put before the planner, and its plan is written down.
//!
//! Invariant: one plan is written in one transaction; whoever calls this holds it. Next: [`super::again`].

use jiff::Timestamp;
use uuid::Uuid;

use crate::event::{Issue, ReferralEvent};
use crate::outbox::{EntryId, Reason, State};
use crate::plan::known::{PersonKey, number_key, person_keys};
use crate::plan::unchanged::{SaidBefore, is_same};
use crate::plan::{Disposition, Known, NewEntry, Plan, Planner, Submission, Unsent, Verdict};

use super::StoreError;
use super::again::{self, concerned_by, look_again, redo};
use super::another::{self, weigh};
use super::heed::{
    disputes, let_go, list_returned, list_sent, list_withheld, look_at, note, twins, unsettle,
};
use super::meanwhile::is_noted;
use super::notice::{list_narrowed, open_before, tell_sender};
use super::ripple::replan;
use super::row::{Referral, Row, later};
use super::rows::{Result, Rows};
use super::types::{Acceptance, AcceptedEvent, Answer};

/// Accepts a submission.
pub(super) fn accept(
    rows: &mut dyn Rows,
    came: &Submission,
    planner: &Planner,
    now: Timestamp,
) -> Result<Acceptance> {
    let id = Planner::referral(&came.source, &came.referral_id);
    let before = rows.referral(id)?;
    let mut entries = if before.is_some() { rows.rows_of(id)? } else { Vec::new() };
    let mut known = again::known(rows, id, before.as_ref(), came, &entries)?;
    let unsent = |entries: &[Row]| -> Vec<Unsent> {
        entries.iter().filter(|row| row.is_unsent()).map(Row::unsent).collect()
    };
    let mut plan = planner.plan(&known, came, &unsent(&entries), now);
    let concerned = weigh_doubts(rows, &mut known, (id, came), &plan, now)?;
    let mut is_unsettled = !concerned.is_empty();
    for reason in other_than_released(before.as_ref(), &known, came, &plan) {
        is_unsettled |= unsettle(rows, id, reason)?;
    }
    if is_unsettled {
        // What was released before that is released no more.
        entries = rows.rows_of(id)?;
        known = again::known(rows, id, before.as_ref(), came, &entries)?;
        plan = planner.plan(&known, came, &unsent(&entries), now);
    }
    let names_another = before.is_some() && weigh(rows, came, &plan)?;
    if names_another && known.names_another {
        // It was put right: what comes with that need not wait.
        known.names_another = another::names_another(rows, id)?;
        plan = planner.plan(&known, came, &unsent(&entries), now);
    }
    leave_out_unchanged(rows, &mut plan, &entries)?;
    keep_what_is_same(rows, &mut plan, &entries)?;

    let mut issues = plan.issues.clone();
    let took_something = plan.takes_something();
    let after = referral(came, before.as_ref(), &plan);
    let persons_changed = before.as_ref().is_some_and(|before| before.persons != after.persons);
    let states = !(plan.statements.is_empty() && known.statements.is_empty());
    let consent_changed = took_something && (plan.statements_changed || persons_changed && states);
    // Also those of whom it was taken for before.
    let persons: Vec<PersonKey> =
        after.persons.iter().chain(before.iter().flat_map(|before| &before.persons)).copied().collect();
    let others = if consent_changed { rows.others(id, &came.source, &persons)? } else { Vec::new() };
    let open = if consent_changed { open_before(rows, (id, &known), &others, now)? } else { Vec::new() };
    if took_something {
        rows.put_referral(id, &after)?;
    }
    for (event, revision) in &plan.events {
        rows.add_event(id, event, *revision)?;
    }
    for (event, revision) in &plan.records {
        rows.put_record(id, event, *revision)?;
    }
    redo(rows, &mut entries, &plan, now)?;
    let mut made = Vec::new();
    for new in &plan.entries {
        if entries.iter().all(|row| row.key != new.key) {
            let row = rows.add(row_of(new, &plan, now), new.disposition.parcel())?;
            made.push(row.id);
            list_withheld(rows, &row, &plan, now)?;
            entries.push(row);
        }
    }
    if !concerned.is_empty() {
        // What was refused here may hold what waits in this referral too; what was mended may let it go.
        entries = replan(rows, id, Row::is_unsent, planner, now)?;
        look_at(rows, &concerned, Some(id), planner, now)?;
    }
    if names_another {
        entries = replan(rows, id, Row::is_unsent, planner, now)?;
    }
    if took_something && plan.again {
        // What is under way may come back.
        let away: Vec<EntryId> = entries.iter().filter(|row| row.is_under_way()).map(|row| row.id).collect();
        entries = replan(rows, id, |row| away.contains(&row.id), planner, now)?;
    }
    if consent_changed {
        let said = issues.len();
        list_sent(rows, id, &mut issues, now)?;
        list_returned(rows, id, &mut issues, now)?;
        for other in others {
            replan(rows, other, Row::is_unsent, planner, now)?;
            list_sent(rows, other, &mut issues, now)?;
            list_returned(rows, other, &mut issues, now)?;
        }
        for narrowed in open {
            list_narrowed(rows, narrowed, planner, &mut issues, now)?;
        }
        let told = tell_sender(came, &plan, issues.get(said..).unwrap_or_default());
        issues.extend(told);
    }
    if took_something {
        disputes(rows, id, before.as_ref(), &after, planner, now)?;
        twins(rows, id, before.as_ref(), &after, planner, now)?;
        let_go(rows, id, before.and_then(|before| before.asks), planner, now)?;
        // What follows elsewhere may come back to it.
        entries = rows.rows_of(id)?;
    }
    Ok(answer(id, &plan, &entries, &made, issues))
}

/// Reasons of which the facts are others now: what a person released in spite of one they released of what was known then.
/// (What other records and refused ones say is unsettled where it arises: `heed.rs`.)
fn other_than_released(
    before: Option<&Referral>,
    known: &Known,
    came: &Submission,
    plan: &Plan,
) -> Vec<Reason> {
    let Some(before) = before.filter(|_| plan.takes_something()) else { return Vec::new() };
    let practice =
        |event: Option<&ReferralEvent>| event.and_then(|one| one.record.person.practice_ods.clone());
    let was = practice(known.events.last().map(|(event, _)| event));
    let mut reasons = Vec::new();
    if before.asks != plan.asks {
        reasons.push(Reason::RequestTaken);
    }
    if before.number != plan.number {
        reasons.extend([Reason::PossibleDuplicate, Reason::BirthDates, Reason::NhsNumbers]);
    }
    if was != practice(came.events.last()) {
        reasons.push(Reason::PracticeChanged);
    }
    reasons
}

/// Writes down the doubts of a plan, forgets those that it mends, and gives whom the difference concerns.
fn weigh_doubts(
    rows: &mut dyn Rows,
    known: &mut Known,
    (id, came): (Uuid, &Submission),
    plan: &Plan,
    now: Timestamp,
) -> Result<Vec<PersonKey>> {
    let mut concerned = Vec::new();
    if known.doubted.is_some() && !plan.mended.is_empty() {
        concerned.extend(rows.mend(&plan.mended)?);
    }
    note(rows, &plan.doubts, now)?;
    concerned.extend(plan.doubts.iter().flat_map(|doubt| &doubt.keys));
    if !concerned.is_empty() {
        let mut persons: Vec<PersonKey> = came.events.iter().flat_map(person_keys).collect();
        persons.extend(&plan.persons);
        let mut numbers: Vec<PersonKey> = came.events.iter().filter_map(number_key).collect();
        numbers.extend(plan.number);
        known.doubted = rows.doubted(&concerned_by(id, &persons, &numbers))?;
    }
    Ok(concerned)
}

/// What would be sent as it was sent last is not sent: it ends at once.
fn leave_out_unchanged(rows: &mut dyn Rows, plan: &mut Plan, entries: &[Row]) -> Result<()> {
    let asks = |new: &NewEntry| new.may_say_nothing_new && matches!(new.disposition, Disposition::Send(_));
    if !plan.entries.iter().any(asks) {
        return Ok(());
    }
    let mut before = SaidBefore::default();
    for row in entries.iter().filter(|row| row.endpoint == plan.endpoint) {
        if goes_or_went(row.state) && is_noted(rows, row.id)? {
            // What the endpoint has of it need not be what is kept of it: all is sent again rather than left out.
            return Ok(());
        }
        let anew = plan.replanned.iter().find(|(key, _)| *key == row.key).map(|(_, anew)| anew);
        if !anew.map_or(goes_or_went(row.state), |anew| anew.parcel().is_some()) {
            continue;
        }
        let parcel = match anew.and_then(Disposition::parcel) {
            Some(parcel) => Some(parcel.clone()),
            None => match rows.parcel(row.id) {
                // What went before is not known: it is sent again rather than left out.
                Err(StoreError::Damaged(_)) => return Ok(()),
                parcel => parcel?,
            },
        };
        if let Some(parcel) = parcel {
            before.note(&parcel.bundle);
        }
    }
    for new in &mut plan.entries {
        let Disposition::Send(parcel) = &new.disposition else { continue };
        if new.may_say_nothing_new && before.has(&parcel.bundle) {
            new.disposition = Disposition::NotShared(Reason::Unchanged);
        } else {
            before.note(&parcel.bundle);
        }
    }
    Ok(())
}

/// What waits and would be planned today as it was stays as it is, with the request of an attempt that was put off.
fn keep_what_is_same(rows: &mut dyn Rows, plan: &mut Plan, entries: &[Row]) -> Result<()> {
    let mut same = Vec::new();
    for (key, disposition) in &plan.replanned {
        let is_there = |row: &&Row| {
            row.key == *key
                && row.state == State::Pending
                && (&row.endpoint, &row.practice) == (&plan.endpoint, &plan.practice)
        };
        let Some((row, parcel)) = entries.iter().find(is_there).zip(disposition.parcel()) else { continue };
        match rows.parcel(row.id) {
            // It is made anew.
            Err(StoreError::Damaged(_)) => {}
            was => same.extend(was?.filter(|was| is_same(was, parcel)).map(|_| *key)),
        }
    }
    plan.replanned.retain(|(key, _)| !same.contains(key));
    Ok(())
}

/// Whether the endpoint has what an entry says, or will have it before what comes now.
const fn goes_or_went(state: State) -> bool {
    matches!(
        state,
        State::Pending | State::InFlight | State::Unknown | State::Delivered | State::Acknowledged
    )
}

fn referral(came: &Submission, before: Option<&Referral>, plan: &Plan) -> Referral {
    Referral {
        source: came.source.to_string(),
        referral_id: came.referral_id.to_string(),
        endpoint: before.and_then(|before| before.endpoint.clone()),
        practice: before.and_then(|before| before.practice.clone()),
        number: plan.number,
        asks: plan.asks,
        active_since: plan.active_since,
        whose: plan.whose.clone(),
        persons: persons(plan),
        statements: plan.statements.clone(),
    }
}

fn persons(plan: &Plan) -> Vec<PersonKey> {
    let mut persons = plan.persons.clone();
    persons.sort_unstable();
    persons.dedup();
    persons
}

fn row_of(new: &NewEntry, plan: &Plan, now: Timestamp) -> Row {
    let (state, reason) = new.disposition.state();
    Row {
        id: 0,
        key: new.key,
        referral: plan.referral,
        event_id: new.event_id.clone(),
        event_type: new.event_type,
        endpoint: plan.endpoint.clone(),
        practice: plan.practice.clone(),
        state,
        reason,
        waived: Vec::new(),
        attempts: 0,
        has_request: false,
        token: 0,
        owner: 0,
        lease_until: None,
        next_at: reason.and_then(|reason| look_again(reason, now)).unwrap_or(now),
        accepted_at: now,
        changed_at: now,
        expires_at: later(now, plan.expires_after),
        keep_for: plan.expires_after,
    }
}

/// What is told: of each submitted event what became of it, and of every entry that no such answer names.
fn answer(
    id: Uuid,
    plan: &Plan,
    entries: &[Row],
    made: &[EntryId],
    issues: Vec<(String, Issue)>,
) -> Acceptance {
    let last = |event_id: &str| entries.iter().rev().find(|row| row.event_id == event_id);
    let accepted = |row: &Row| Answer::Accepted { id: row.id, key: row.key, state: row.state };
    let mut told: Vec<EntryId> = Vec::new();
    let mut events = Vec::with_capacity(plan.verdicts.len());
    for (event_id, verdict) in &plan.verdicts {
        let last = last(event_id);
        let new = last.filter(|row| made.contains(&row.id) && !told.contains(&row.id));
        let answer = match (verdict, new) {
            (Verdict::Refused(code), _) => Answer::Refused(*code),
            (Verdict::New | Verdict::Revised, Some(row)) => {
                told.push(row.id);
                accepted(row)
            }
            _ => Answer::Repeat { id: last.map(|row| row.id), key: last.map(|row| row.key) },
        };
        events.push(AcceptedEvent { event_id: event_id.clone(), answer });
    }
    let more = entries
        .iter()
        .filter(|row| made.contains(&row.id) && !told.contains(&row.id))
        .map(|row| AcceptedEvent { event_id: row.event_id.clone(), answer: accepted(row) })
        .collect();
    Acceptance { referral: id, events, more, issues }
}
