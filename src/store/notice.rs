//! [`Notice`]: what was sent and may now be shared no more, or not all of it. It stands until a person has seen to it.
//!
//! A notice is a line of an entry's history that neither a later one nor the word `seen` of a person follows. Of what came
//! back unsent (`not-resent`) none stands. What this is not: a state; what the endpoint has stays *delivered*. Next:
//! [`super::upkeep`].

use jiff::Timestamp;
use uuid::Uuid;

use crate::event::kinds::Share;
use crate::event::{Issue, IssueCode, Position};
use crate::outbox::{Command, EntryId, State};
use crate::plan::{Known, Plan, Planner, Submission, Verdict, level};

use super::again::known_of;
use super::heed::OURSELVES;
use super::row::Row;
use super::rows::{Result, Rows};
use super::types::{Acted, AuditLine, Decision, Notice};

/// What notices are about.
pub(super) const CODES: [IssueCode; 2] = [IssueCode::WithdrawnAfterSending, IssueCode::NarrowedAfterSending];
/// What an entry's history says of one that came back unsent: the endpoint has nothing of it.
pub(super) const NOT_RESENT: &str = "not-resent";

/// The notice that a history leaves standing.
pub(super) fn standing(state: State, audit: &[AuditLine]) -> Option<IssueCode> {
    let may_be_there =
        matches!(state, State::InFlight | State::Unknown | State::Delivered | State::Acknowledged);
    let code = |line: &AuditLine| CODES.into_iter().find(|code| code.as_str() == line.action);
    let ends = |line: &AuditLine| [Command::Seen.as_str(), NOT_RESENT].contains(&line.action.as_str());
    let last = audit.iter().rfind(|line| code(line).is_some() || ends(line))?;
    code(last).filter(|_| may_be_there)
}

/// Entries with a notice, by number.
pub(super) fn list(rows: &mut dyn Rows, after: EntryId, limit: usize) -> Result<Vec<Notice>> {
    let mut found = Vec::new();
    for (id, code) in rows.notices(after, limit)? {
        let Some(row) = rows.row(id)? else { continue };
        found.push(Notice { entry: row.entry(rows.first_open(row.referral)?), code });
    }
    Ok(found)
}

/// How many there are of each kind.
pub(super) fn counts(rows: &mut dyn Rows) -> Result<Vec<(IssueCode, u64)>> {
    let found = rows.notices(0, usize::MAX)?;
    let count = |code| found.iter().filter(|(_, of)| *of == code).count() as u64;
    Ok(CODES.into_iter().map(|code| (code, count(code))).filter(|(_, count)| *count > 0).collect())
}

/// A person has seen to it.
pub(super) fn see(rows: &mut dyn Rows, row: &Row, by: &Decision, now: Timestamp) -> Result<Acted> {
    let first = rows.notices(row.id.saturating_sub(1), 1)?;
    if first.first().is_none_or(|(id, _)| *id != row.id) {
        return Ok(Acted::NotPossible(row.state));
    }
    let line = AuditLine {
        at: now,
        actor: by.actor.clone(),
        action: Command::Seen.as_str().to_owned(),
        reason: by.reason.clone(),
    };
    rows.add_audit(row.id, &line)?;
    Ok(Acted::Done(Box::new(row.entry(rows.first_open(row.referral)?))))
}

/// Of which referrals everything could leave before a submission, so that it can be told whether that is over.
pub(super) fn open_before(
    rows: &mut dyn Rows,
    own: (Uuid, &Known),
    others: &[Uuid],
    now: Timestamp,
) -> Result<Vec<Uuid>> {
    let mut open = Vec::new();
    if level(own.1, now) == Some(Share::Full) {
        open.push(own.0);
    }
    for other in others {
        let Some(referral) = rows.referral(*other)? else { continue };
        let entries = rows.rows_of(*other)?;
        if level(&known_of(rows, *other, &referral, &entries)?, now) == Some(Share::Full) {
            open.push(*other);
        }
    }
    Ok(open)
}

/// Lists, for a person, what was sent in words of a referral of which only codes may leave any more. Of several versions of
/// an event the endpoint has the last.
pub(super) fn list_narrowed(
    rows: &mut dyn Rows,
    id: Uuid,
    planner: &Planner,
    issues: &mut Vec<(String, Issue)>,
    now: Timestamp,
) -> Result<()> {
    let Some(referral) = rows.referral(id)? else { return Ok(()) };
    let entries = rows.rows_of(id)?;
    let known = known_of(rows, id, &referral, &entries)?;
    if level(&known, now) != Some(Share::CodesOnly) {
        return Ok(());
    }
    let code = IssueCode::NarrowedAfterSending;
    for (event, fields) in planner.withheld(&known, &referral.source, now) {
        let sent = entries.iter().rfind(|row| row.event_id == event && row.may_be_there());
        let Some(row) = sent else { continue };
        if rows.audit(row.id)?.iter().any(|line| line.action == code.as_str()) {
            continue;
        }
        let fields = fields.join(", ");
        let line = AuditLine {
            at: now,
            actor: OURSELVES.to_owned(),
            action: code.as_str().to_owned(),
            reason: format!("{}: {fields}", code.title()),
        };
        rows.add_audit(row.id, &line)?;
        issues.push((event, Issue::new(code, Position::path("record.consent"), fields)));
    }
    Ok(())
}

/// Whoever sent the change hears of it too: what was found about entries of other events, or of other referrals, is said
/// of the last event that was taken.
pub(super) fn tell_sender(came: &Submission, plan: &Plan, found: &[(String, Issue)]) -> Vec<(String, Issue)> {
    let taken = plan
        .verdicts
        .iter()
        .rfind(|(_, verdict)| matches!(verdict, Verdict::New | Verdict::Revised))
        .map(|(id, _)| id);
    let Some(to) = taken.or(came.events.last().map(|event| &event.event_id)) else { return Vec::new() };
    let is_of = |code: IssueCode| move |(_, issue): &&(String, Issue)| issue.code == code;
    let codes = CODES.into_iter().chain([IssueCode::WithdrawnWhileSending]);
    let untold = codes.filter(|code| {
        found.iter().any(|one| is_of(*code)(&one))
            && !found.iter().filter(is_of(*code)).any(|(id, _)| id == to)
    });
    untold.map(|code| (to.clone(), Issue::new(code, Position::path("record.consent"), ""))).collect()
}
