//! What the other referrals of a person say, and whether it is in question whose they are.
//!
//! Next: [`super::again`].

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::event::kinds::Share;
use crate::plan::known::{Other, PersonKey};

use super::row::Referral;
use super::rows::{Result, Rows};

/// Other referrals of the same numbers, or of the same person of the source.
pub(super) fn others_of(
    rows: &mut dyn Rows,
    id: Uuid,
    source: &str,
    persons: &[PersonKey],
    numbers: &BTreeSet<PersonKey>,
) -> Result<Vec<Other>> {
    let same_source: BTreeSet<Uuid> = rows.others(id, source, persons)?.into_iter().collect();
    let mut about = same_source.clone();
    for number in numbers {
        about.extend(rows.numbered(id, *number)?);
    }
    let mut seen = BTreeMap::new();
    let mut others = Vec::new();
    for other in about {
        let Some(found) = look(rows, &mut seen, other)? else { continue };
        let statements = if same_source.contains(&other) { found.statements.clone() } else { Vec::new() };
        // What allows nothing counts whosever it is.
        let allows = statements.iter().any(|(_, share)| *share != Share::None);
        let in_question = allows && is_disputed(rows, &mut seen, other, &found, id)?;
        others.push(Other { whose: found.whose, statements, in_question });
    }
    Ok(others)
}

/// Whether a referral other than this one contradicts it about whose it is.
fn is_disputed(
    rows: &mut dyn Rows,
    seen: &mut BTreeMap<Uuid, Option<Referral>>,
    id: Uuid,
    referral: &Referral,
    but: Uuid,
) -> Result<bool> {
    let mut about: BTreeSet<Uuid> =
        rows.others(id, &referral.source, &referral.persons)?.into_iter().collect();
    if let Some(number) = referral.number {
        about.extend(rows.numbered(id, number)?);
    }
    about.remove(&but);
    for other in about {
        if look(rows, seen, other)?.is_some_and(|other| referral.whose.is_disputed_by(&other.whose)) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn look(
    rows: &mut dyn Rows,
    seen: &mut BTreeMap<Uuid, Option<Referral>>,
    id: Uuid,
) -> Result<Option<Referral>> {
    if let Some(found) = seen.get(&id) {
        return Ok(found.clone());
    }
    let found = rows.referral(id)?;
    seen.insert(id, found.clone());
    Ok(found)
}
