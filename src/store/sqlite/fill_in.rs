//! What an older program did not write down of referrals, filled in from their events when a store is brought up.
//!
//! Which request of the clinical system a referral answers, who named it first, and whom it is about. So what comes to such a
//! store is held by what stands there at once, not only after the next event of each. A referral whose events cannot be read is
//! passed over: it says so when it is next used. Next: `referrals.rs`.

use rusqlite::Connection;
use uuid::Uuid;

use super::tables::Tables;
use super::{Result, payload, referrals};
use crate::event::ReferralEvent;
use crate::map::fold::{Role, fold};
use crate::map::hold::names_two_persons;
use crate::plan::known::{PersonKey, request_key};
use crate::plan::whose::Whose;
use crate::store::StoreError;
use crate::store::row::Referral;

/// The newest form that lacks any of it.
pub(super) const LAST_WITHOUT: u32 = 3;

/// Fills in. The connection holds a transaction.
pub(super) fn fill_in(connection: &Connection) -> Result<()> {
    let tables = Tables::new(connection);
    let ids = tables.list("SELECT uuid FROM referral", [], |row| Ok(Uuid::from_bytes(row.get(0)?)))?;
    let mut found = Vec::new();
    for id in ids {
        let both = said(&tables, id).and_then(|said| Ok((said, referrals::referral(&tables, id)?)));
        match both {
            Ok((Some(said), Some(referral))) => {
                let since = said.since;
                found.push((since, id, Referral { asks: said.asks, whose: said.whose, ..referral }));
            }
            Ok(_) | Err(StoreError::Damaged(_)) => {}
            Err(error) => return Err(error),
        }
    }
    found.sort_by_key(|(since, id, _)| (*since, *id));
    for (.., id, _) in &found {
        tables.execute("DELETE FROM asked WHERE referral = ?1", [id.into_bytes()])?;
    }
    found.iter().try_for_each(|(.., id, referral)| referrals::put_referral(&tables, *id, referral))
}

/// What the events of a referral say.
struct Said {
    asks: Option<PersonKey>,
    /// The number of the event since which they name that request; of one that names none, of its last.
    since: Option<i64>,
    whose: Whose,
}

/// Nothing of what was only pulled: it has no events.
fn said(tables: &Tables<'_>, id: Uuid) -> Result<Option<Said>> {
    let sql = "SELECT id, current, place, payload FROM event WHERE referral = ?1 ORDER BY id";
    let rows: Vec<(i64, bool, Option<i64>, ReferralEvent)> = tables.list(sql, [id.into_bytes()], |row| {
        let event = payload::event(row.get_ref(3)?.as_blob().unwrap_or_default())?;
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, event))
    })?;
    let mut current: Vec<_> = rows.iter().filter(|(_, current, ..)| *current).collect();
    current.sort_by_key(|(.., place, _)| *place);
    let folded = fold(current.into_iter().map(|(.., event)| event.clone()).collect());
    let Some(last) = folded.steps.last().map(|step| &step.event) else { return Ok(None) };
    let asks = request_key(last);
    let mut since = None;
    for (number, .., event) in &rows {
        // Who named another in between came back later.
        since = match (asks, request_key(event)) {
            (Some(asks), Some(named)) if asks == named => since.or(Some(*number)),
            _ => None,
        };
    }
    // As planning has it: what was entered in error contradicts nobody.
    let stands = folded.steps.iter().any(|step| !matches!(step.role, Role::Withdraws(_)));
    let whose = if stands { Whose::of(last).of_two(names_two_persons(&folded)) } else { Whose::default() };
    Ok(Some(Said { asks, since: since.or(rows.last().map(|(number, ..)| *number)), whose }))
}
