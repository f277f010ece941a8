//! Records of a referral that were refused because they name another person: what of it has not left waits until they are put
//! right, or a person has found out.
//!
//! Where nothing of a referral was sent, a mistyped number can be corrected ([`crate::plan`]); what else names another person is
//! refused, and whose the referral is, is in question from then on. Kept as a note of digests, one for each refused record. Next:
//! [`super::accept`].

use uuid::Uuid;

use crate::event::IssueCode;
use crate::plan::{Plan, Planner, Submission, Verdict};

use super::rows::{Result, Rows};

fn name(referral: Uuid) -> String {
    format!("another/{referral}")
}

/// Whether a refused record names another person.
pub(super) fn names_another(rows: &mut dyn Rows, referral: Uuid) -> Result<bool> {
    Ok(rows.note(&name(referral))?.is_some_and(|word| !word.is_empty()))
}

/// Notes the records that name another person, and forgets those that were put right: in a snapshot by the next row that is
/// taken or known, else by the event of the same id. Says whether anything changed.
pub(super) fn weigh(rows: &mut dyn Rows, came: &Submission, plan: &Plan) -> Result<bool> {
    let before = rows.note(&name(plan.referral))?.unwrap_or_default();
    let mut refused: Vec<String> = before.split_whitespace().map(str::to_owned).collect();
    for (event_id, verdict) in &plan.verdicts {
        let of = if came.snapshot { came.referral_id.as_ref() } else { event_id.as_str() };
        let digest = Planner::referral(&came.source, of).simple().to_string();
        match verdict {
            Verdict::Refused(IssueCode::HeldTwoPersons) if !refused.contains(&digest) => refused.push(digest),
            Verdict::Refused(_) => {}
            _ => refused.retain(|known| *known != digest),
        }
    }
    let after = refused.join(" ");
    if after == before {
        return Ok(false);
    }
    rows.set_note(&name(plan.referral), &after)?;
    Ok(true)
}

/// A person has found out whose it is.
pub(super) fn settle(rows: &mut dyn Rows, referral: Uuid) -> Result<()> {
    if names_another(rows, referral)? { rows.set_note(&name(referral), "") } else { Ok(()) }
}
