//! Accepting: what is known is put before the planner, and its plan is written down.
//!
//! Also planning again, for which consent, a person, or the calendar gives cause. Invariant: one plan is written in
//! one transaction; whoever calls this holds it. Next: [`super::deliver`].

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use crate::event::kinds::Share;
use crate::event::{Issue, IssueCode, Position, When};
use crate::map::fold;
use crate::map::share::{Sharing, decide};
use crate::outbox::retry::RetryPolicy;
use crate::outbox::transition::{self, Cause};
use crate::outbox::{EntryId, Reason, State};
use crate::plan::known::{PersonKey, number_key, person_keys};
use crate::plan::{Disposition, Known, NewEntry, Plan, Planner, Submission, Unsent, Verdict};

use super::row::{Referral, Row, later};
use super::rows::{Result, Rows};
use super::types::{Acceptance, AcceptedEvent, Answer, AuditLine};

/// How long an entry without an endpoint waits before the configuration is asked again.
const ASK_ROUTES_AGAIN: Duration = Duration::from_secs(600);

/// Who is written into the audit for what the program notices by itself.
const OURSELVES: &str = "sp-fhir";

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
    let known = known(rows, id, &came.source, before.as_ref(), came, &entries)?;
    let unsent: Vec<Unsent> = entries.iter().filter(|row| row.is_unsent()).map(Row::unsent).collect();
    let plan = planner.plan(&known, came, &unsent, now);

    let mut issues = plan.issues.clone();
    let took_something = !plan.events.is_empty() || !plan.records.is_empty();
    if took_something {
        rows.put_referral(id, &referral(came, before.as_ref(), &plan))?;
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
            entries.push(row);
        }
    }
    let persons_changed = before.as_ref().is_some_and(|before| before.persons != persons(&plan));
    if took_something && (plan.statements_changed || persons_changed && !plan.statements.is_empty()) {
        list_sent(rows, id, &came.source, &mut issues, now)?;
        for other in rows.others(id, &came.source, &plan.persons)? {
            replan(rows, other, Row::is_unsent, planner, now)?;
            list_sent(rows, other, &came.source, &mut issues, now)?;
        }
    }
    Ok(answer(id, &plan, &entries, &made, issues))
}

/// Plans the chosen entries of a referral again, and gives all its entries as they are then.
pub(super) fn replan(
    rows: &mut dyn Rows,
    id: Uuid,
    choose: impl Fn(&Row) -> bool,
    planner: &Planner,
    now: Timestamp,
) -> Result<Vec<Row>> {
    let Some(referral) = rows.referral(id)? else { return Ok(Vec::new()) };
    let mut entries = rows.rows_of(id)?;
    let unsent: Vec<Unsent> = entries.iter().filter(|row| choose(row)).map(Row::unsent).collect();
    if unsent.is_empty() {
        return Ok(entries);
    }
    let came = nothing(&referral);
    let known = known(rows, id, &referral.source, Some(&referral), &came, &entries)?;
    if known.events.is_empty() {
        // It was pulled and goes to a webhook as it is.
        return Ok(entries);
    }
    let plan = planner.replan(&known, &referral.source, &referral.referral_id, &unsent, now);
    redo(rows, &mut entries, &plan, now)?;
    Ok(entries)
}

fn nothing(referral: &Referral) -> Submission {
    Submission {
        source: referral.source.as_str().into(),
        referral_id: referral.referral_id.as_str().into(),
        events: Vec::new(),
        snapshot: false,
    }
}

/// What is known of a referral.
fn known(
    rows: &mut dyn Rows,
    id: Uuid,
    source: &str,
    referral: Option<&Referral>,
    came: &Submission,
    entries: &[Row],
) -> Result<Known> {
    let mut persons: Vec<PersonKey> = came.events.iter().flat_map(person_keys).collect();
    persons.extend(referral.iter().flat_map(|referral| &referral.persons));
    persons.sort_unstable();
    persons.dedup();
    let mut elsewhere = Vec::new();
    for other in rows.others(id, source, &persons)? {
        elsewhere.extend(rows.referral(other)?.map(|other| other.statements).unwrap_or_default());
    }
    let number = came.events.iter().rev().find_map(number_key).or(referral.and_then(|one| one.number));
    let twins = match number {
        Some(number) => rows.twins(source, number)?,
        None => Vec::new(),
    };
    let events = if referral.is_some() { rows.events(id)? } else { Vec::new() };
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
    Ok(Known { events, elsewhere, endpoint, practice, twins, sent })
}

fn referral(came: &Submission, before: Option<&Referral>, plan: &Plan) -> Referral {
    Referral {
        source: came.source.to_string(),
        referral_id: came.referral_id.to_string(),
        endpoint: before.and_then(|before| before.endpoint.clone()),
        practice: before.and_then(|before| before.practice.clone()),
        number: plan.number,
        active_since: plan.active_since,
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

/// Writes down what became of entries that were planned again.
fn redo(rows: &mut dyn Rows, entries: &mut [Row], plan: &Plan, now: Timestamp) -> Result<()> {
    for (key, disposition) in &plan.replanned {
        let Some(row) = entries.iter_mut().find(|row| row.key == *key) else { continue };
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
    match reason {
        Reason::FutureDate => {
            let london = When::london();
            let tomorrow = now.to_zoned(london.clone()).date().tomorrow().ok()?;
            Some(tomorrow.to_zoned(london.clone()).ok()?.timestamp())
        }
        Reason::NoEndpoint => Some(later(now, ASK_ROUTES_AGAIN)),
        _ => None,
    }
}

/// Lists, for a person, what the endpoint has or may have of a referral of which nothing may be shared any more.
fn list_sent(
    rows: &mut dyn Rows,
    id: Uuid,
    source: &str,
    issues: &mut Vec<(String, Issue)>,
    now: Timestamp,
) -> Result<()> {
    let Some(referral) = rows.referral(id)? else { return Ok(()) };
    let entries: Vec<Row> = rows.rows_of(id)?.into_iter().filter(Row::may_be_there).collect();
    if entries.is_empty() {
        return Ok(());
    }
    let known = known(rows, id, source, Some(&referral), &nothing(&referral), &entries)?;
    let mut folded = fold::fold(known.events.into_iter().map(|(event, _)| event).collect());
    folded.consents_elsewhere = known.elsewhere;
    if decide(&folded) != Sharing::Level(Share::None) {
        return Ok(());
    }
    let code = IssueCode::WithdrawnAfterSending;
    for row in entries {
        if rows.audit(row.id)?.iter().any(|line| line.action == code.as_str()) {
            continue;
        }
        let line = AuditLine {
            at: now,
            actor: OURSELVES.to_owned(),
            action: code.as_str().to_owned(),
            reason: code.title().to_owned(),
        };
        rows.add_audit(row.id, &line)?;
        issues.push((row.event_id, Issue::new(code, Position::path("record.consent"), "")));
    }
    Ok(())
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
