//! A referral that was reopened and has closed again, where an export has one column for the closing date.
//!
//! The date of the second closing stands where that of the first stood, so it looks like a correction of it; and a status
//! column that goes from "Reopened" to "Closed" looks like one that was set back. But a closing of a later day than the one
//! that was known when the referral was reopened is another closing: it gets a name of its own (`completed/2`), and the
//! reopening, which has no date, its place between the two. What this is not: a guess about a closing without a date, or
//! one that did not move. Pure. Next: [`super::since`].

use crate::event::kinds::EventType;
use crate::event::{Detail, ReferralEvent};

/// The name of the event that stands for what a status column said.
pub(super) const STAND_IN: &str = "reopened-by-status";

/// Today's events, with later closings told apart from earlier ones.
pub struct ToldApart {
    /// They.
    pub now: Vec<ReferralEvent>,
    /// The reopening that is over now, where it is not known yet.
    pub(super) over: Option<ReferralEvent>,
    /// Whether the status column rightly says less than "Reopened".
    pub(super) closes: bool,
}

/// Tells them apart. What was told apart already stays as it is.
#[must_use]
pub fn told_apart(before: &[ReferralEvent], mut now: Vec<ReferralEvent>) -> ToldApart {
    let is_reopening = |event: &&ReferralEvent| event.event_type == EventType::Reopened;
    let slot = before.iter().filter(is_reopening).find(|event| event.is_status_slot).cloned();
    let days: Vec<_> = now.iter().filter(is_reopening).filter_map(day).collect();
    let stand_ins = before.iter().filter(is_reopening).filter(|event| is_stand_in(event)).count();
    for event in now.iter_mut().filter(|event| ends(event)) {
        let family: Vec<&ReferralEvent> =
            before.iter().filter(|known| is_same_closing(known, event)).collect();
        let Some(last) = family.iter().max_by_key(|known| number(known)) else { continue };
        let same_day = family.iter().find(|known| day(known) == day(event));
        let extras = before.iter().filter(|known| ends(known) && number(known) > 1).count();
        let by_status = slot.is_some() && extras <= stand_ins;
        let by_date =
            || days.iter().any(|reopened| day(last) <= Some(*reopened) && Some(*reopened) <= day(event));
        event.event_id = match same_day {
            Some(known) => known.event_id.clone(),
            None if day(event) > day(last) && (by_status || by_date()) => {
                format!("{}/{}", parts(event).0, number(last) + 1)
            }
            None => last.event_id.clone(),
        };
    }
    let status =
        slot.and_then(|slot| now.iter().find(|event| event.event_id == slot.event_id)).filter(|s| is_end(s));
    let earlier = |closing: &ReferralEvent| {
        let others = before.iter().filter(|known| ends(known) && known.event_id != closing.event_id);
        others.filter_map(day).max()
    };
    let is_known = |closing: &ReferralEvent| before.iter().any(|known| known.event_id == closing.event_id);
    let closing = now.iter().filter(|event| ends(event)).find(|closing| match earlier(closing) {
        Some(earlier) => day(closing) > Some(earlier),
        None => !is_known(closing),
    });
    let (Some(status), Some(closing)) = (status, closing) else {
        return ToldApart { now, over: None, closes: false };
    };
    let name = match stand_ins {
        0 => STAND_IN.to_owned(),
        known => format!("{STAND_IN}/{}", known + 1),
    };
    let over = earlier(closing).map(|_| ReferralEvent {
        event_id: format!("{}/{name}", status.referral_id),
        event_type: EventType::Reopened,
        is_status_slot: false,
        detail: Detail::default(),
        ..status.clone()
    });
    ToldApart { now, over, closes: true }
}

/// Whether a later closing has taken the place of this one in its column: so its date was not cleared.
pub(super) fn is_followed(known: &ReferralEvent, now: &[ReferralEvent]) -> bool {
    ends(known) && now.iter().any(|event| ends(event) && is_same_closing(known, event))
}

fn is_stand_in(event: &ReferralEvent) -> bool {
    event.occurred_at.is_none() && !event.is_status_slot
}

/// Whether an event closes its referral.
pub(super) const fn is_end(event: &ReferralEvent) -> bool {
    matches!(
        event.event_type,
        EventType::Completed | EventType::ClosedWithoutCompletion | EventType::Cancelled
    )
}

/// Whether an event is a closing with a date.
fn ends(event: &ReferralEvent) -> bool {
    is_end(event) && !event.is_status_slot && event.occurred_at.is_some() && event.detail.count.is_none()
}

fn day(event: &ReferralEvent) -> Option<jiff::civil::Date> {
    event.occurred_at.map(|when| when.day())
}

/// The name that closings of one column share, and which of them it is.
fn parts(event: &ReferralEvent) -> (&str, u32) {
    let id = event.event_id.as_str();
    match id.rsplit_once('/').and_then(|(name, n)| Some((name, n.parse().ok()?))) {
        Some((name, n)) if name.len() > event.referral_id.len() => (name, n),
        _ => (id, 1),
    }
}

fn number(event: &ReferralEvent) -> u32 {
    parts(event).1
}

fn is_same_closing(known: &ReferralEvent, event: &ReferralEvent) -> bool {
    ends(known) && parts(known).0 == parts(event).0
}
