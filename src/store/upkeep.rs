//! Upkeep: lost leases, age, the calendar; and what people decide about an entry.
//!
//! Next: [`super::keeper`].

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::endpoint::Known;
use crate::outbox::retry::RetryPolicy;
use crate::outbox::transition::{self, Cause};
use crate::outbox::{Command, EntryId, Placed, Reason, State};
use crate::plan::Planner;

use super::StoreError;
use super::again::look_again;
use super::another;
use super::deliver::{running, started};
use super::disclose::disclose;
use super::heed::{first_to_answer, let_go};
use super::meanwhile::fulfil;
use super::notice::see;
use super::ripple::{replan, wake};
use super::row::{Row, later};
use super::rows::{Result, Rows};
use super::types::{Acted, Attempt, AuditLine, Decision, EntryDetail, Swept};

/// At most so many entries of each kind in one sweep, so that nothing else waits long. The next sweep goes on.
pub(super) const SWEEP: usize = 500;
/// More than can be in flight: endpoints times what each takes at once.
const IN_FLIGHT: usize = 100_000;

/// Frees what is in flight, at one endpoint or at all, and has a lease that ends before an instant.
pub(super) fn free(
    rows: &mut dyn Rows,
    endpoint: Option<&str>,
    before: Timestamp,
    policy: &RetryPolicy,
    jitter: f64,
    now: Timestamp,
) -> Result<u64> {
    let mut freed = 0;
    for mut row in rows.lost(before, IN_FLIGHT)? {
        if endpoint.is_some_and(|endpoint| endpoint != row.endpoint) {
            continue;
        }
        let spread = spread(jitter, row.id);
        let Ok(change) = transition::next(&row.standing(), &Cause::LeaseLost, policy, spread) else {
            continue;
        };
        let attempts = rows.attempts(row.id)?;
        let mut attempt = running(&attempts).cloned().unwrap_or_else(|| started(&attempts, now));
        attempt.outcome = Some(Attempt::LOST.to_owned());
        attempt.reason = change.reason.map(|reason| reason.as_str().to_owned());
        rows.put_attempt(row.id, &attempt)?;
        rows.change(&mut row, &change, now)?;
        fulfil(rows, &mut row, now)?;
        if !row.has_request {
            wake(rows, &row, now)?;
        }
        freed += 1;
    }
    Ok(freed)
}

/// Frees, expires, and plans again.
pub(super) fn sweep(
    rows: &mut dyn Rows,
    planner: &Planner,
    policy: &RetryPolicy,
    jitter: f64,
    now: Timestamp,
) -> Result<Swept> {
    let leases_lost = free(rows, None, now, policy, jitter, now)?;
    let mut swept = Swept { leases_lost, ..Swept::default() };
    for mut row in rows.too_old(now, SWEEP)? {
        if let Ok(change) = transition::next(&row.standing(), &Cause::TooOld, policy, jitter) {
            rows.change(&mut row, &change, now)?;
            swept.expired += 1;
        }
    }
    let due = rows.held_due(now, SWEEP)?;
    let referrals: BTreeSet<_> = due.iter().map(|row| row.referral).collect();
    for referral in referrals {
        // What changes for one may change for those that wait beside it.
        let held = rows.rows_of(referral)?.into_iter().filter(Row::is_held);
        let held: BTreeSet<EntryId> = held.map(|row| row.id).collect();
        let entries = match replan(rows, referral, |row| held.contains(&row.id), planner, now) {
            // One that cannot be read must not stop the others: it stays held, and a person is told when it is looked at.
            Err(StoreError::Damaged(_)) => rows.rows_of(referral)?,
            entries => entries?,
        };
        for mut row in entries.into_iter().filter(|row| held.contains(&row.id)) {
            match row.state {
                State::Held => keep_held(rows, &mut row, now)?,
                State::Pending => swept.released += 1,
                _ => {}
            }
        }
    }
    rows.forget_seen(now)?;
    Ok(swept)
}

/// Still held: the next day, or the next configuration, may change that.
fn keep_held(rows: &mut dyn Rows, row: &mut Row, now: Timestamp) -> Result<()> {
    let again = row.reason.and_then(|reason| look_again(reason, now));
    match again {
        Some(again) if row.next_at <= now => {
            row.next_at = again;
            rows.save(row)
        }
        _ => Ok(()),
    }
}

/// Entries lost together do not come back together.
fn spread(jitter: f64, id: EntryId) -> f64 {
    let step = i32::try_from(id.rem_euclid(1000)).map_or(0.0, f64::from);
    (step.mul_add(0.618_033_988_75, jitter)).fract()
}

/// Does what a person decided.
pub(super) fn act(
    rows: &mut dyn Rows,
    id: EntryId,
    command: Command,
    by: &Decision,
    planner: &Planner,
    now: Timestamp,
) -> Result<Acted> {
    let Some(mut row) = rows.row(id)? else { return Ok(Acted::NoSuchEntry) };
    if command == Command::ReleaseSensitive {
        return disclose(rows, row, by, planner, now);
    }
    if command == Command::Seen {
        return see(rows, &row, by, now);
    }
    let (standing, policy) = (row.standing(), RetryPolicy::default());
    let Ok(change) = transition::next(&standing, &Cause::Command(command), &policy, 0.0) else {
        return Ok(Acted::NotPossible(row.state));
    };
    let differing = rows.differing(id)?;
    let chooses = matches!(command, Command::ReleaseOurs | Command::AcceptTheirs);
    // Where no version was shown nobody can have seen what it is about; and what is theirs is never ours to write over.
    let is_theirs = |seen: &Placed| seen.uuid == seen.id;
    if chooses && differing.is_empty() || command == Command::ReleaseOurs && differing.iter().any(is_theirs) {
        return Ok(Acted::NotPossible(row.state));
    }
    if command == Command::ReleaseOurs {
        know(rows, &row, &differing)?;
    }
    if command == Command::AcceptTheirs {
        row.waived.push(Reason::Divergent);
    }
    let waived = standing.reason.filter(|reason| command == Command::Release && reason.may_be_waived());
    row.waived.extend(waived.filter(|reason| !row.waived.contains(reason)));
    if chooses || matches!(command, Command::Release | Command::Retry) {
        // A person has looked at it today: its time begins again.
        row.expires_at = later(now, row.keep_for);
    }
    if command == Command::Release && standing.reason == Some(Reason::TwoPersons) {
        another::settle(rows, row.referral)?;
    }
    rows.change(&mut row, &change, now)?;
    let line = AuditLine {
        at: now,
        actor: by.actor.clone(),
        action: action(command, &differing),
        reason: by.reason.clone(),
    };
    rows.add_audit(id, &line)?;
    // What goes on without having been sent is planned with what is known today; consent may be another. What waits beside
    // it shows what holds it today.
    if row.state == State::Pending || row.is_under_way() {
        replan(rows, row.referral, |other| other.id == id || other.is_held(), planner, now)?;
    }
    if row.state == State::Discarded {
        let asks = rows.referral(row.referral)?.and_then(|referral| referral.asks);
        let_go(rows, row.referral, asks, planner, now)?;
    }
    let Some(row) = rows.row(id)? else { return Ok(Acted::NoSuchEntry) };
    Ok(Acted::Done(Box::new(row.entry(rows.first_open(row.referral)?))))
}

/// From now on these versions are known, and an update with exactly them as `If-Match` may go over them. What we sent last
/// stays what it was, so that the progress of others can be told from ours.
fn know(rows: &mut dyn Rows, row: &Row, seen: &[Placed]) -> Result<()> {
    let known = rows.known(row.referral, &row.endpoint)?;
    for placed in seen {
        let same = |known: &&Known| {
            known.placed.resource_type == placed.resource_type && known.placed.uuid == placed.uuid
        };
        let content = known.iter().find(same).map(|known| known.content.clone()).unwrap_or_default();
        rows.put_known(row.referral, &row.endpoint, &Known { placed: placed.clone(), content })?;
    }
    Ok(())
}

/// What the audit calls a decision: where it is about versions at the endpoint, it names them.
fn action(command: Command, differing: &[Placed]) -> String {
    let word = command.as_str().to_owned();
    if !matches!(command, Command::ReleaseOurs | Command::AcceptTheirs) {
        return word;
    }
    differing.iter().fold(word, |word, found| word + " " + &found.to_string())
}

/// Notes that an entry was read back.
pub(super) fn read_back(rows: &mut dyn Rows, id: EntryId, now: Timestamp) -> Result<bool> {
    let Some(mut row) = rows.row(id)? else { return Ok(false) };
    match transition::next(&row.standing(), &Cause::ReadBack, &RetryPolicy::default(), 0.0) {
        Ok(change) => rows.change(&mut row, &change, now).map(|()| true),
        Err(_) => Ok(false),
    }
}

/// An entry with its history.
pub(super) fn detail(rows: &mut dyn Rows, id: EntryId) -> Result<Option<EntryDetail>> {
    let Some(row) = rows.row(id)? else { return Ok(None) };
    let waits = row.is_held() && row.reason == Some(Reason::RequestTaken);
    let asks = if waits { rows.referral(row.referral)?.and_then(|referral| referral.asks) } else { None };
    let answered_by = match asks {
        Some(asks) => first_to_answer(rows, row.referral, asks)?,
        None => None,
    };
    Ok(Some(EntryDetail {
        theirs_stands: row.waived.contains(&Reason::Divergent),
        entry: row.entry(rows.first_open(row.referral)?),
        source: rows.referral(row.referral)?.map(|referral| referral.source).unwrap_or_default(),
        attempts: rows.attempts(id)?,
        audit: rows.audit(id)?,
        known: rows.known(row.referral, &row.endpoint)?,
        differing: rows.differing(id)?,
        answered_by,
    }))
}
