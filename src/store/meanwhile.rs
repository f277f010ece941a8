//! What is decided about an entry while it is under way: its request may be at the endpoint, so it can be neither withdrawn
//! nor held then. It is noted, and done as soon as the entry is known not to stand there.
//!
//! An entry comes back when its attempt was put off or its worker is gone before anything was sent; one that is unknown,
//! when it was asked for and is absent. What was found there stays delivered. Invariant: between the note and its
//! fulfilment nothing of the entry is sent. Next: [`super::deliver`].

use jiff::Timestamp;

use crate::outbox::retry::RetryPolicy;
use crate::outbox::transition::{self, Cause};
use crate::outbox::{EntryId, Reason, State};
use crate::plan::Disposition;
use crate::plan::unchanged::is_same;

use super::StoreError;
use super::heed::OURSELVES;
use super::notice::NOT_RESENT;
use super::row::Row;
use super::rows::{Result, Rows};
use super::types::AuditLine;

fn name(id: EntryId) -> String {
    format!("meanwhile/{id}")
}

/// What was decided of an entry meanwhile; nothing where it goes on as it is.
fn noted(rows: &mut dyn Rows, id: EntryId) -> Result<Option<(State, Option<Reason>)>> {
    let Some(word) = rows.note(&name(id))?.filter(|word| !word.is_empty()) else { return Ok(None) };
    let mut words = word.split(' ');
    let state = words.next().and_then(State::parse);
    let state = state.ok_or(StoreError::Damaged("what was decided of an entry under way"))?;
    Ok(Some((state, words.next().and_then(Reason::parse))))
}

/// The last word of a note where what is kept of the entry is no longer what is under way.
const ANEW: &str = "anew";

fn is_kept_anew(rows: &mut dyn Rows, id: EntryId) -> Result<bool> {
    // A note of an earlier version says so by its state alone.
    let says = |word: String| word.ends_with(ANEW) || word == State::Pending.as_str();
    Ok(rows.note(&name(id))?.is_some_and(says))
}

/// Notes what an entry under way becomes if it comes back.
pub(super) fn foresee(rows: &mut dyn Rows, row: &Row, disposition: &Disposition) -> Result<()> {
    let word = match disposition {
        Disposition::Send(parcel) => {
            // Its request stays what it is as long as the same would be said; once it was to be another, it is made anew.
            let was = match rows.parcel(row.id) {
                Err(StoreError::Damaged(_)) => None,
                was => was?,
            };
            if noted(rows, row.id)?.is_none() && was.is_some_and(|was| is_same(&was, parcel)) {
                return Ok(());
            }
            rows.put_parcel(row.id, parcel)?;
            format!("{}  {ANEW}", State::Pending.as_str())
        }
        other => {
            let (state, reason) = other.state();
            let anew = if is_kept_anew(rows, row.id)? { ANEW } else { "" };
            format!("{} {} {anew}", state.as_str(), reason.map_or("", Reason::as_str))
        }
    };
    rows.set_note(&name(row.id), &word)
}

/// Whether something was decided of an entry that was, or is, under way: then what is kept of it need not be what was sent.
pub(super) fn is_noted(rows: &mut dyn Rows, id: EntryId) -> Result<bool> {
    noted(rows, id).map(|noted| noted.is_some())
}

/// Does what was decided meanwhile about an entry that certainly does not stand at the endpoint, and says whether
/// something was.
pub(super) fn fulfil(rows: &mut dyn Rows, row: &mut Row, now: Timestamp) -> Result<bool> {
    let Some((state, reason)) = noted(rows, row.id)? else { return Ok(false) };
    let policy = RetryPolicy::default();
    if row.state == State::InFlight {
        let stopped = Cause::Stopped(reason.unwrap_or(Reason::Conflict));
        let Ok(change) = transition::next(&row.standing(), &stopped, &policy, 0.0) else { return Ok(false) };
        rows.change(row, &change, now)?;
    } else if !row.is_unsent() {
        return Ok(false);
    } else if row.is_held() && state != State::NotShared {
        // What the endpoint or a person holds stays held; released, it is planned again.
        return Ok(false);
    }
    let cause = match (state, reason) {
        (State::NotShared, Some(Reason::ConsentNone)) => Cause::ConsentWithdrawn,
        _ => Cause::Replanned(state, reason),
    };
    let Ok(change) = transition::next(&row.standing(), &cause, &policy, 0.0) else { return Ok(false) };
    let due = row.next_at;
    rows.change(row, &change, now)?;
    if row.state == State::Pending {
        // An endpoint's wait is not shortened because the content changed.
        row.next_at = due;
        rows.save(row)?;
    }
    forget(rows, row.id)?;
    if row.state != State::Pending {
        let line = AuditLine {
            at: now,
            actor: OURSELVES.to_owned(),
            action: NOT_RESENT.to_owned(),
            reason: "decided while it was under way: it came back, and nothing more of it is sent".to_owned(),
        };
        rows.add_audit(row.id, &line)?;
    }
    Ok(true)
}

/// It was delivered after all: what was decided for another end is forgotten, but not that what is kept of it is not what
/// was sent.
pub(super) fn arrived(rows: &mut dyn Rows, id: EntryId) -> Result<()> {
    if is_kept_anew(rows, id)? { Ok(()) } else { forget(rows, id) }
}

/// It was planned again since, or ended.
pub(super) fn forget(rows: &mut dyn Rows, id: EntryId) -> Result<()> {
    if rows.note(&name(id))?.is_some_and(|word| !word.is_empty()) {
        rows.set_note(&name(id), "")?;
    }
    Ok(())
}
