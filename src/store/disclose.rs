//! What a person releases although it is sensitive: it goes as a revision of its event, under a restricted label.
//!
//! Next: [`super::upkeep`].

use jiff::Timestamp;

use crate::outbox::{Command, EntryId, Reason, State};
use crate::plan::Planner;

use super::again::known_of;
use super::ripple::replan;
use super::row::{Row, later};
use super::rows::{Result, Rows};
use super::types::{Acted, AuditLine, Decision};

/// Releases what was withheld of an entry's event. What has not left takes it along; what was delivered is followed by a
/// revision with an entry of its own. Possible only where something of the newest version of the event was withheld.
pub(super) fn disclose(
    rows: &mut dyn Rows,
    mut row: Row,
    by: &Decision,
    planner: &Planner,
    now: Timestamp,
) -> Result<Acted> {
    let not_possible = Ok(Acted::NotPossible(row.state));
    let Some(referral) = rows.referral(row.referral)? else { return Ok(Acted::NoSuchEntry) };
    let entries = rows.rows_of(row.referral)?;
    let known = known_of(rows, row.referral, &referral, &entries)?;
    let found = known.events.iter().find(|(event, _)| event.event_id == row.event_id);
    let Some((event, number)) = found else { return not_possible };
    if Planner::key(event, *number) != row.key || !planner.withholds(&known, event, now) {
        return not_possible;
    }
    match row.state {
        State::Pending | State::Held => {
            row.waived.push(Reason::Sensitive);
            rows.save(&row)?;
        }
        State::Delivered | State::Acknowledged => {
            let next = number.saturating_add(1);
            rows.add_event(row.referral, event, next)?;
            audit(rows, row.id, by, now)?;
            row = rows.add(revision(&row, Planner::key(event, next), now), None)?;
        }
        _ => return not_possible,
    }
    audit(rows, row.id, by, now)?;
    replan(rows, row.referral, |other| other.id == row.id, planner, now)?;
    let Some(row) = rows.row(row.id)? else { return Ok(Acted::NoSuchEntry) };
    Ok(Acted::Done(Box::new(row.entry(rows.first_open(row.referral)?))))
}

/// The entry of a revision; what it sends is planned next.
fn revision(row: &Row, key: uuid::Uuid, now: Timestamp) -> Row {
    let mut waived = row.waived.clone();
    waived.push(Reason::Sensitive);
    Row {
        key,
        state: State::Held,
        reason: Some(Reason::Sensitive),
        waived,
        attempts: 0,
        has_request: false,
        token: 0,
        lease_until: None,
        next_at: now,
        accepted_at: now,
        changed_at: now,
        expires_at: later(now, row.keep_for),
        ..row.clone()
    }
}

fn audit(rows: &mut dyn Rows, id: EntryId, by: &Decision, now: Timestamp) -> Result<()> {
    let line = AuditLine {
        at: now,
        actor: by.actor.clone(),
        action: Command::ReleaseSensitive.as_str().to_owned(),
        reason: by.reason.clone(),
    };
    rows.add_audit(id, &line)
}
