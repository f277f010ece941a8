//! What follows for other referrals when one was planned again, or when what came of an attempt changed what others hang on.
//!
//! A referral hangs on another by what that one states of consent, and by whether it answers the same request. Where a planner
//! is at hand, those that hang on it are planned again at once, and those that hang on them, until nothing follows. Where none is (an
//! attempt ended, a lease was lost), what is held is due at the next upkeep ([`wake`]). What this is not: the only way;
//! what planning holds is planned again once a day in any case (`again.rs`). Next: [`super::heed`].

use std::collections::{BTreeSet, VecDeque};

use jiff::Timestamp;
use uuid::Uuid;

use crate::outbox::Reason;
use crate::plan::Planner;

use super::again::{Again, plan_again};
use super::heed::{list_returned, list_sent, waits_for};
use super::row::Row;
use super::rows::{Result, Rows};

/// Why a referral is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Because {
    /// Another of the person's states something else of consent.
    Consent,
    /// Another does not answer the request any more.
    Request,
}

/// Plans the chosen entries of a referral again, and whatever follows from that elsewhere. Gives all its entries as they are
/// then.
pub(super) fn replan(
    rows: &mut dyn Rows,
    id: Uuid,
    choose: impl Fn(&Row) -> bool,
    planner: &Planner,
    now: Timestamp,
) -> Result<Vec<Row>> {
    let first = plan_again(rows, id, choose, planner, now)?;
    let mut queue = VecDeque::new();
    follow(rows, id, &first, &mut queue)?;
    if queue.is_empty() {
        return Ok(first.entries);
    }
    list_returned(rows, id, &mut Vec::new(), now)?;
    // Each is looked at once for each cause: two that hang on each other do not go on for ever.
    let mut seen = BTreeSet::new();
    while let Some((other, because)) = queue.pop_front() {
        if !seen.insert((other, because)) {
            continue;
        }
        let again = match because {
            Because::Consent => {
                let again = plan_again(rows, other, Row::is_unsent, planner, now)?;
                list_sent(rows, other, &mut Vec::new(), now)?;
                list_returned(rows, other, &mut Vec::new(), now)?;
                again
            }
            Because::Request => plan_again(rows, other, waits_for(Reason::RequestTaken), planner, now)?,
        };
        follow(rows, other, &again, &mut queue)?;
    }
    rows.rows_of(id)
}

fn follow(rows: &mut dyn Rows, id: Uuid, again: &Again, queue: &mut VecDeque<(Uuid, Because)>) -> Result<()> {
    if !again.states_otherwise && !again.stepped_back {
        return Ok(());
    }
    let Some(referral) = rows.referral(id)? else { return Ok(()) };
    if again.states_otherwise {
        let others = rows.others(id, &referral.source, &referral.persons)?;
        queue.extend(others.into_iter().map(|other| (other, Because::Consent)));
    }
    if let Some(asks) = referral.asks.filter(|_| again.stepped_back) {
        let others = rows.asking(asks)?.into_iter().filter(|other| *other != id);
        queue.extend(others.map(|other| (other, Because::Request)));
    }
    Ok(())
}

/// Has looked at again at the next upkeep what planning holds of an entry's referral, and what waits because that referral
/// answers a request first: the entry has come back, or ended, or was delivered as the first.
pub(super) fn wake(rows: &mut dyn Rows, row: &Row, now: Timestamp) -> Result<()> {
    let passes = |row: &Row| row.reason.is_some_and(|reason| reason.looks().is_by_itself());
    make_due(rows, row.referral, passes, now)?;
    let Some(asks) = rows.referral(row.referral)?.and_then(|referral| referral.asks) else { return Ok(()) };
    for other in rows.asking(asks)?.into_iter().filter(|other| *other != row.referral) {
        make_due(rows, other, waits_for(Reason::RequestTaken), now)?;
    }
    Ok(())
}

fn make_due(rows: &mut dyn Rows, id: Uuid, which: impl Fn(&Row) -> bool, now: Timestamp) -> Result<()> {
    for mut row in rows.rows_of(id)? {
        if row.is_held() && which(&row) && row.next_at > now {
            row.next_at = now;
            rows.save(&row)?;
        }
    }
    Ok(())
}
