//! What must be heeded beyond the referral it is about: withdrawn consent, records that were refused, and records of one
//! person that contradict each other.
//!
//! Next: [`super::deliver`].

use std::collections::BTreeSet;

use jiff::Timestamp;
use uuid::Uuid;

use crate::event::kinds::Share;
use crate::event::{Issue, IssueCode, Position, When};
use crate::outbox::{EntryId, Reason, State};
use crate::plan::known::PersonKey;
use crate::plan::whose::{Dispute, Whose};
use crate::plan::{Doubt, Plan, Planner, nothing_may_leave};

use super::again::known_of;
use super::ripple::replan;
use super::row::{Referral, Row};
use super::rows::{Result, Rows};
use super::types::AuditLine;

/// Who is written into the audit for what the program notices by itself.
pub(super) const OURSELVES: &str = "sp-fhir";

/// Notes what refused records say of consent, and holds what it concerns and has not left.
pub(super) fn heed(rows: &mut dyn Rows, doubts: &[Doubt], planner: &Planner, now: Timestamp) -> Result<()> {
    note(rows, doubts, now)?;
    let keys: Vec<PersonKey> = doubts.iter().flat_map(|doubt| &doubt.keys).copied().collect();
    look_at(rows, &keys, None, planner, now)
}

/// Writes doubts down. What was released before one arose waits again.
pub(super) fn note(rows: &mut dyn Rows, doubts: &[Doubt], now: Timestamp) -> Result<()> {
    let day = now.to_zoned(When::london().clone()).date();
    for doubt in doubts {
        if !rows.add_doubt(doubt, day)? {
            continue;
        }
        for key in &doubt.keys {
            for referral in rows.concerned(*key)? {
                unsettle(rows, referral, Reason::ConsentUnclear)?;
            }
        }
    }
    Ok(())
}

/// Plans again what has not left of everyone concerned, but for one referral.
pub(super) fn look_at(
    rows: &mut dyn Rows,
    keys: &[PersonKey],
    but: Option<Uuid>,
    planner: &Planner,
    now: Timestamp,
) -> Result<()> {
    let mut concerned = BTreeSet::new();
    for key in keys.iter().collect::<BTreeSet<_>>() {
        concerned.extend(rows.concerned(*key)?);
    }
    for referral in concerned.into_iter().filter(|referral| Some(*referral) != but) {
        replan(rows, referral, Row::is_unsent, planner, now)?;
    }
    Ok(())
}

/// Plans again what has not left of the referrals that a record of another one has begun, or ceased, to contradict, and of
/// those that share because one of these says so.
pub(super) fn disputes(
    rows: &mut dyn Rows,
    id: Uuid,
    before: Option<&Referral>,
    after: &Referral,
    planner: &Planner,
    now: Timestamp,
) -> Result<()> {
    let nobody = Whose::default();
    let was = before.map_or(&nobody, |before| &before.whose);
    if *was == after.whose {
        return Ok(());
    }
    let mut others = BTreeSet::new();
    for one in before.into_iter().chain([after]) {
        others.extend(rows.others(id, &one.source, &one.persons)?);
        if let Some(number) = one.number {
            others.extend(rows.numbered(id, number)?);
        }
    }
    let mut concerned = BTreeSet::new();
    let mut is_unsettled = false;
    for other in others {
        let Some(found) = rows.referral(other)? else { continue };
        let says_of_two = was.names_two() != after.whose.names_two();
        let (said, says) = (was.against(&found.whose), after.whose.against(&found.whose));
        if !says_of_two && said == says {
            continue;
        }
        if let Some(reason) = says.and_then(Dispute::reason).filter(|_| said != says) {
            unsettle(rows, other, reason)?;
            is_unsettled |= unsettle(rows, id, reason)?;
        }
        concerned.insert(other);
        concerned.extend(sharing_by(rows, other, &found)?);
    }
    if !concerned.is_empty() {
        concerned.extend(sharing_by(rows, id, after)?);
    }
    // Of itself all was planned just now, but for what is released no more.
    if is_unsettled {
        concerned.insert(id);
    } else {
        concerned.remove(&id);
    }
    for other in concerned {
        replan(rows, other, Row::is_unsent, planner, now)?;
    }
    Ok(())
}

/// The person's other referrals, where this one allows something in them: not while it is in question whose it is.
fn sharing_by(rows: &mut dyn Rows, id: Uuid, referral: &Referral) -> Result<Vec<Uuid>> {
    if referral.statements.iter().all(|(_, share)| *share == Share::None) {
        return Ok(Vec::new());
    }
    rows.others(id, &referral.source, &referral.persons)
}

/// What a person released of a referral they released of what was known then: a reason that has arisen anew is decided
/// anew. Says whether something was released.
pub(super) fn unsettle(rows: &mut dyn Rows, id: Uuid, reason: Reason) -> Result<bool> {
    let mut is_unsettled = false;
    for mut row in rows.rows_of(id)?.into_iter().filter(|row| row.waived.contains(&reason)) {
        row.waived.retain(|waived| *waived != reason);
        rows.save(&row)?;
        is_unsettled = true;
    }
    Ok(is_unsettled)
}

/// Looks again at what waits because this referral may be a duplicate of it, where that has changed.
pub(super) fn twins(
    rows: &mut dyn Rows,
    id: Uuid,
    before: Option<&Referral>,
    after: &Referral,
    planner: &Planner,
    now: Timestamp,
) -> Result<()> {
    let Some(before) = before else { return Ok(()) };
    if (before.number, before.active_since) == (after.number, after.active_since) {
        return Ok(());
    }
    let Some(number) = before.number else { return Ok(()) };
    for other in rows.numbered(id, number)? {
        replan(rows, other, waits_for(Reason::PossibleDuplicate), planner, now)?;
    }
    Ok(())
}

/// Looks again at what waits because a referral answers a request first: it may answer it no more.
pub(super) fn let_go(
    rows: &mut dyn Rows,
    id: Uuid,
    asks: Option<PersonKey>,
    planner: &Planner,
    now: Timestamp,
) -> Result<()> {
    let Some(asks) = asks else { return Ok(()) };
    for other in rows.asking(asks)?.into_iter().filter(|other| *other != id) {
        replan(rows, other, waits_for(Reason::RequestTaken), planner, now)?;
    }
    Ok(())
}

/// Held for that reason.
pub(super) fn waits_for(reason: Reason) -> impl Fn(&Row) -> bool {
    move |row| row.is_held() && row.reason == Some(reason)
}

/// Whether something of a referral was sent, or may be, without waiting for another that answers the same request.
pub(super) fn answers(entries: &[Row]) -> bool {
    entries.iter().any(|row| row.counts() && !waits_for(Reason::RequestTaken)(row))
}

/// The referral that answers the same request as another and goes first, with the number of its first entry: of those that
/// have sent something the one that named the request first, else of those that may still send something. One that stepped
/// back comes after whoever answers instead; what waits for another is no answer.
pub(super) fn first_to_answer(
    rows: &mut dyn Rows,
    id: Uuid,
    asks: PersonKey,
) -> Result<Option<(Uuid, EntryId)>> {
    let mut may_answer = None;
    for other in rows.asking(asks)? {
        let entries = rows.rows_of(other)?;
        let first = entries.iter().find(|row| row.counts());
        let answered = first.map(|row| (other, row.id));
        if entries.iter().any(|row| row.may_be_there() || row.has_request && row.counts()) {
            return Ok(answered.filter(|_| other != id));
        }
        if may_answer.is_none() && answers(&entries) {
            may_answer = answered;
        }
    }
    Ok(may_answer.filter(|(other, _)| *other != id))
}

/// Lists, for a person, what the endpoint has or may have of a referral of which nothing may be shared any more. Of what is
/// under way no more is said than is known: [`tell_arrived`] says what became of it.
pub(super) fn list_sent(
    rows: &mut dyn Rows,
    id: Uuid,
    issues: &mut Vec<(String, Issue)>,
    now: Timestamp,
) -> Result<()> {
    let Some(referral) = rows.referral(id)? else { return Ok(()) };
    let entries: Vec<Row> = rows.rows_of(id)?.into_iter().filter(Row::may_be_there).collect();
    if entries.is_empty() {
        return Ok(());
    }
    let known = known_of(rows, id, &referral, &entries)?;
    if !nothing_may_leave(&known, now) {
        return Ok(());
    }
    for row in entries {
        let code = match row.is_under_way() {
            true => IssueCode::WithdrawnWhileSending,
            false => IssueCode::WithdrawnAfterSending,
        };
        if !is_listed(rows, &row, code)? {
            list(rows, &row, code, now)?;
            issues.push((row.event_id, Issue::new(code, Position::path("record.consent"), "")));
        }
    }
    Ok(())
}

/// Lists, for a person, what ended because nothing might be shared, now that something may again: it is not sent by itself.
pub(super) fn list_returned(
    rows: &mut dyn Rows,
    id: Uuid,
    issues: &mut Vec<(String, Issue)>,
    now: Timestamp,
) -> Result<()> {
    let Some(referral) = rows.referral(id)? else { return Ok(()) };
    let entries: Vec<Row> = rows.rows_of(id)?;
    if !entries.iter().any(Row::is_withdrawn)
        || nothing_may_leave(&known_of(rows, id, &referral, &entries)?, now)
    {
        return Ok(());
    }
    let code = IssueCode::ConsentReturned;
    for row in entries.into_iter().filter(Row::is_withdrawn) {
        if !is_listed(rows, &row, code)? {
            list(rows, &row, code, now)?;
            issues.push((row.event_id, Issue::new(code, Position::path("record.consent"), "")));
        }
    }
    Ok(())
}

/// Says of an entry during whose sending consent was withdrawn, and that the endpoint turned out to have, what is now known;
/// unless more may be shared again by then.
pub(super) fn tell_arrived(rows: &mut dyn Rows, row: &Row, now: Timestamp) -> Result<()> {
    let code = IssueCode::WithdrawnAfterSending;
    if row.is_under_way()
        || !row.may_be_there()
        || !is_listed(rows, row, IssueCode::WithdrawnWhileSending)?
        || is_listed(rows, row, code)?
    {
        return Ok(());
    }
    let Some(referral) = rows.referral(row.referral)? else { return Ok(()) };
    let entries = rows.rows_of(row.referral)?;
    let known = known_of(rows, row.referral, &referral, &entries)?;
    if nothing_may_leave(&known, now) { list(rows, row, code, now) } else { Ok(()) }
}

fn is_listed(rows: &mut dyn Rows, row: &Row, code: IssueCode) -> Result<bool> {
    Ok(rows.audit(row.id)?.iter().any(|line| line.action == code.as_str()))
}

/// Writes a line into an entry's history.
fn list(rows: &mut dyn Rows, row: &Row, code: IssueCode, now: Timestamp) -> Result<()> {
    let line = AuditLine {
        at: now,
        actor: OURSELVES.to_owned(),
        action: code.as_str().to_owned(),
        reason: code.title().to_owned(),
    };
    rows.add_audit(row.id, &line)
}

/// Lists, for a person, that something sensitive of an entry stays here: only a person may send it.
pub(super) fn list_withheld(rows: &mut dyn Rows, row: &Row, plan: &Plan, now: Timestamp) -> Result<()> {
    let code = IssueCode::SensitiveWithheld;
    let withheld = plan.issues.iter().any(|(event, issue)| *event == row.event_id && issue.code == code);
    if !withheld || matches!(row.state, State::NotShared) {
        return Ok(());
    }
    list(rows, row, code, now)
}
