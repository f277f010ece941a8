//! Delivering: entries are claimed, their requests stored, and what came of them is written down.
//!
//! Invariant: whoever holds no lease changes nothing; an attempt is counted before anything of it is prepared. Next:
//! [`super::upkeep`].

use jiff::Timestamp;

use crate::endpoint::{self, Target};
use crate::outbox::retry::RetryPolicy;
use crate::outbox::transition::{self, Cause, Standing};
use crate::outbox::{Entry, Outcome, Placed, Reason, Receipt, Refusal, State};

use super::heed::tell_arrived;
use super::meanwhile::{arrived, fulfil};
use super::ripple::wake;
use super::row::{Row, later};
use super::rows::{Result, Rows};
use super::types::{Attempt, Claim, Claimed, Lease, Recorded};
use super::{Settled, StoreError};

/// Claims due entries.
pub(super) fn claim(rows: &mut dyn Rows, ask: &Claim<'_>) -> Result<Vec<Claimed>> {
    let mut taken = Vec::new();
    let policy = RetryPolicy::default();
    while taken.len() < ask.limit {
        let Some(mut row) = rows.due(ask.endpoint, ask.now)? else { break };
        let standing = row.standing();
        // What is too old is never sent, even when nobody has swept yet.
        if row.state == State::Pending && row.expires_at <= ask.now {
            match transition::next(&standing, &Cause::TooOld, &policy, 0.0) {
                Ok(change) => rows.change(&mut row, &change, ask.now)?,
                Err(_) => break,
            }
            continue;
        }
        let Ok(change) = transition::next(&standing, &Cause::Claimed, &policy, 0.0) else { break };
        let alone =
            row.attempts > 0 && !row.has_request && rows.attempts(row.id)?.last().is_some_and(is_lost);
        row.token += 1;
        row.owner = ask.owner;
        row.lease_until = Some(later(ask.now, ask.lease));
        rows.change(&mut row, &change, ask.now)?;
        let lease = Lease { id: row.id, token: row.token };
        match content(rows, &row)? {
            Some((mut parcel, request)) => {
                if row.waived.contains(&Reason::Divergent) {
                    parcel.let_stand = rows.differing(row.id)?;
                }
                taken.push(Claimed {
                    entry: row.entry(rows.first_open(row.referral)?),
                    lease,
                    ask_first: standing.state == State::Unknown,
                    alone,
                    parcel,
                    request,
                    known: rows.known(row.referral, &row.endpoint)?,
                });
            }
            // One that cannot be read must not stop the others.
            None => {
                let cause = Cause::Ended(Outcome::Rejected(Refusal::of(Reason::Poison)));
                let settled = Settled {
                    cause,
                    policy: &policy,
                    jitter: 0.0,
                    contents: Vec::new(),
                    differing: Vec::new(),
                    now: ask.now,
                };
                settle(rows, &lease, &settled)?;
            }
        }
    }
    Ok(taken)
}

/// What is to be delivered; nothing when it is missing or cannot be read back.
fn content(rows: &mut dyn Rows, row: &Row) -> Result<Option<(crate::outbox::Parcel, Option<String>)>> {
    let both = rows.parcel(row.id).and_then(|parcel| Ok((parcel, rows.request(row.id)?)));
    match both {
        Ok((Some(parcel), request)) => Ok(Some((parcel, request))),
        Ok((None, _)) | Err(StoreError::Damaged(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Stores a request, if the lease still holds and nothing was decided meanwhile. Whatever comes here does not stand at the
/// endpoint: nothing was sent yet, or it was put off, or it was asked for and is absent.
pub(super) fn record_request(
    rows: &mut dyn Rows,
    lease: &Lease,
    request: &str,
    now: Timestamp,
) -> Result<Recorded> {
    let Some(mut row) = leased(rows, lease)? else { return Ok(Recorded::LeaseLost) };
    if row.lease_until.is_none_or(|until| until <= now) {
        return Ok(Recorded::LeaseLost);
    }
    if fulfil(rows, &mut row, now)? {
        wake(rows, &row, now)?;
        let attempts = rows.attempts(row.id)?;
        let attempt = running(&attempts).cloned().unwrap_or_else(|| started(&attempts, now));
        let cause = Cause::Stopped(row.reason.unwrap_or(Reason::Conflict));
        rows.put_attempt(row.id, &ended(attempt, &cause, now))?;
        let first_open = rows.first_open(row.referral)?;
        return Ok(Recorded::Stopped(Box::new(row.entry(first_open))));
    }
    foretell(rows, &row, request)?;
    rows.put_request(row.id, Some(request))?;
    row.has_request = true;
    rows.save(&row)?;
    let attempts = rows.attempts(row.id)?;
    if running(&attempts).is_none() {
        rows.put_attempt(row.id, &started(&attempts, now))?;
    }
    Ok(Recorded::MaySend)
}

/// Notes which Tasks of the clinical system's a request is about to update: met there before the answer to the request is,
/// they are known as work of ours. (What bears our identifier is known by that.)
fn foretell(rows: &mut dyn Rows, row: &Row, request: &str) -> Result<()> {
    #[derive(serde::Deserialize)]
    struct Targets {
        targets: Vec<endpoint::Target>,
    }
    // A store keeps requests as they are; what is none tells nothing.
    let Ok(Targets { targets }) = serde_json::from_str(request) else { return Ok(()) };
    let mut answers = targets.into_iter().filter(endpoint::Target::is_answer).peekable();
    if answers.peek().is_none() {
        return Ok(());
    }
    let known = rows.known(row.referral, &row.endpoint)?;
    for Target { resource_type, uuid, .. } in answers {
        let same = |known: &endpoint::Known| {
            known.placed.resource_type == resource_type && known.placed.uuid == uuid
        };
        if !known.iter().any(same) {
            let placed = Placed { resource_type, id: uuid.clone(), uuid, version: None };
            let nothing_yet = endpoint::Known { placed, content: String::new() };
            rows.put_known(row.referral, &row.endpoint, &nothing_yet)?;
        }
    }
    Ok(())
}

/// Writes down what came of a claim.
pub(super) fn settle(rows: &mut dyn Rows, lease: &Lease, settled: &Settled<'_>) -> Result<Option<Entry>> {
    let Some(mut row) = leased(rows, lease)? else { return Ok(None) };
    let now = settled.now;
    let attempts = rows.attempts(row.id)?;
    let standing = Standing { crashes: crashes(&attempts), ..row.standing() };
    let Ok(change) = transition::next(&standing, &settled.cause, settled.policy, settled.jitter) else {
        return Ok(None);
    };
    let attempt = running(&attempts).cloned().unwrap_or_else(|| started(&attempts, now));
    rows.put_attempt(row.id, &ended(attempt, &settled.cause, now))?;
    let mut is_first = false;
    if let Cause::Ended(Outcome::Accepted(receipt) | Outcome::Duplicate(receipt)) = &settled.cause {
        learn(rows, &row, receipt, &settled.contents)?;
        is_first = fix_endpoint(rows, &row, now)?;
    }
    if matches!(settled.cause, Cause::Stopped(_)) {
        // What a person let stand has moved, or something else is the matter: it is seen and decided anew.
        row.waived.retain(|waived| *waived != Reason::Divergent);
    }
    if !row.waived.contains(&Reason::Divergent) {
        rows.put_differing(row.id, &settled.differing)?;
    }
    rows.change(&mut row, &change, now)?;
    let is_stopped = fulfil(rows, &mut row, now)?;
    tell_arrived(rows, &row, now)?;
    if row.state == State::Delivered {
        arrived(rows, row.id)?;
    }
    // What has certainly not arrived holds up less than what is under way; what has arrived may settle where the rest goes.
    if is_first || is_stopped || !row.may_be_there() && !row.has_request {
        wake(rows, &row, now)?;
    }
    Ok(Some(row.entry(rows.first_open(row.referral)?)))
}

/// The entry of a lease that nobody has taken over.
fn leased(rows: &mut dyn Rows, lease: &Lease) -> Result<Option<Row>> {
    Ok(rows.row(lease.id)?.filter(|row| row.state == State::InFlight && row.token == lease.token))
}

/// The attempt that has begun and not ended.
pub(super) fn running(attempts: &[Attempt]) -> Option<&Attempt> {
    attempts.last().filter(|attempt| attempt.outcome.is_none())
}

/// Whether its worker was gone before it ended.
fn is_lost(attempt: &Attempt) -> bool {
    attempt.outcome.as_deref() == Some(Attempt::LOST)
}

/// How often in a row the entry was to blame for that.
fn crashes(attempts: &[Attempt]) -> u32 {
    let is_crash =
        |attempt: &&Attempt| is_lost(attempt) && attempt.reason.as_deref() == Some(Reason::Poison.as_str());
    // Of attempts that were lost without blame nothing follows.
    let lost = attempts.iter().rev().take_while(|attempt| is_lost(attempt));
    u32::try_from(lost.filter(is_crash).count()).unwrap_or(u32::MAX)
}

/// The next attempt.
pub(super) fn started(attempts: &[Attempt], now: Timestamp) -> Attempt {
    Attempt {
        number: attempts.last().map_or(0, |last| last.number).saturating_add(1),
        started_at: now,
        ended_at: None,
        outcome: None,
        reason: None,
        status: None,
        codes: Vec::new(),
    }
}

fn ended(mut attempt: Attempt, cause: &Cause, now: Timestamp) -> Attempt {
    let (word, reason) = match cause {
        Cause::Ended(outcome) => (outcome.as_str(), reason_of(outcome)),
        Cause::Stopped(reason) => ("stopped", Some(*reason)),
        Cause::LetStand => ("let-stand", Some(Reason::ByOperator)),
        Cause::Crashed => (Attempt::LOST, Some(Reason::Poison)),
        _ => ("", None),
    };
    // Of one that was lost nobody knows when it ended.
    attempt.ended_at = (word != Attempt::LOST).then_some(now);
    attempt.outcome = Some(word.to_owned());
    attempt.reason = reason.map(|reason| reason.as_str().to_owned());
    if let Cause::Ended(outcome) = cause {
        attempt.status = outcome.status();
        if let Outcome::Rejected(refusal) = outcome {
            attempt.codes.clone_from(&refusal.codes);
        }
    }
    attempt
}

const fn reason_of(outcome: &Outcome) -> Option<Reason> {
    match outcome {
        Outcome::Accepted(_) | Outcome::Duplicate(_) => None,
        Outcome::Rejected(refusal) => Some(refusal.reason),
        Outcome::Deferred { reason, .. } | Outcome::Unknown { reason, .. } => Some(*reason),
    }
}

/// Keeps where the resources are, and what was last sent of each.
fn learn(
    rows: &mut dyn Rows,
    row: &Row,
    receipt: &Receipt,
    contents: &[((String, String), String)],
) -> Result<()> {
    let before = rows.known(row.referral, &row.endpoint)?;
    for placed in &receipt.placed {
        let same =
            |resource_type: &str, uuid: &str| resource_type == placed.resource_type && uuid == placed.uuid;
        let sent = contents.iter().find(|((kind, uuid), _)| same(kind, uuid)).map(|(_, content)| content);
        let old = before.iter().find(|known| same(&known.placed.resource_type, &known.placed.uuid));
        let content = sent.or(old.map(|known| &known.content)).cloned().unwrap_or_default();
        rows.put_known(row.referral, &row.endpoint, &endpoint::Known { placed: placed.clone(), content })?;
    }
    Ok(())
}

/// The first delivery says where the referral belongs, and what waits for another endpoint belongs there, too: it is planned
/// again at the next upkeep and held until then, because what is sent to one endpoint need not be right for another. Says
/// whether this was the first.
fn fix_endpoint(rows: &mut dyn Rows, row: &Row, now: Timestamp) -> Result<bool> {
    let Some(mut referral) = rows.referral(row.referral)? else { return Ok(false) };
    if referral.endpoint.is_some() {
        return Ok(false);
    }
    referral.endpoint = Some(row.endpoint.clone());
    referral.practice.clone_from(&row.practice);
    rows.put_referral(row.referral, &referral)?;
    for mut other in rows.rows_of(row.referral)? {
        if other.state == State::Pending && other.endpoint != row.endpoint {
            let cause = Cause::Replanned(State::Held, Some(Reason::NoEndpoint));
            if let Ok(change) = transition::next(&other.standing(), &cause, &RetryPolicy::default(), 0.0) {
                rows.change(&mut other, &change, now)?;
            }
        }
    }
    Ok(true)
}
