//! What is known of a referral, made ready for the fold: with what was stated of consent elsewhere and before, with what a
//! person has released, and with what came completed by it. Pure. Next: `verdict.rs`.

use std::borrow::Cow;

use crate::convert::reopened::told_apart;
use crate::convert::whose::give_number;
use crate::event::{EventType, ReferralEvent};
use crate::map::fold::{self, Folded};
use crate::map::names::Names;

use super::consent::{hear_others, still_forbids};
use super::holds::london;
use super::known::{Known, Submission};
use super::planner::entry_key;

/// Events whose sensitive content may leave: a person released this very version.
pub(super) fn released(known: &Known, revised: &[(ReferralEvent, u32)]) -> Vec<String> {
    let is_released = |(event, number): &&(ReferralEvent, u32)| {
        known.released.contains(&entry_key(&Names::new(&event.source), event, *number))
            && revised.iter().all(|(other, _)| other.event_id != event.event_id)
    };
    let all = known.events.iter().filter(|_| !known.released.is_empty());
    all.filter(is_released).map(|(event, _)| event.event_id.clone()).collect()
}

/// What is known, folded, with what was stated of consent elsewhere and before and counts today.
pub(super) fn fold_of(known: &Known, now: jiff::Timestamp) -> Folded {
    let mut folded = fold::fold(known.events.iter().map(|(event, _)| event.clone()).collect());
    folded.revised.clone_from(&known.earlier);
    if !known.earlier.is_empty() {
        // The newest event has the record of today.
        let newest = known.events.last().map(|(event, _)| event);
        folded.consents_elsewhere.extend(still_forbids(known, newest));
    }
    hear_others(&mut folded, known, now.to_zoned(london()).date());
    folded
}

/// What came, with the referral's NHS number where it was left out or cleared, because a referral is one person's; and
/// with the closing of a referral that had been reopened under a name of its own.
pub(super) fn as_known<'c>(known: &Known, came: &'c Submission) -> Cow<'c, Submission> {
    let lacks_number = came.events.iter().any(|event| event.record.person.nhs_number.is_none());
    let reopens = |(event, _): &(ReferralEvent, u32)| event.event_type == EventType::Reopened;
    let was_reopened = came.snapshot && known.events.iter().any(reopens);
    if !lacks_number && !was_reopened {
        return Cow::Borrowed(came);
    }
    let before: Vec<ReferralEvent> = known.events.iter().map(|(event, _)| event.clone()).collect();
    let mut came = came.clone();
    give_number(&mut came.events, &before);
    if was_reopened {
        came.events = told_apart(&before, came.events).now;
    }
    Cow::Owned(came)
}
