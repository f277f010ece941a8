//! The one total order of a referral's events.
//!
//! Events are grouped by Europe/London calendar day; a month or a year counts as its last day, an event
//! without a date comes after all others. Within a day: by the source's sequence if every event has one, else by
//! instant if every event has a time, else by rank. Ties: rank, instant, event id. What the source *recorded*
//! when never decides, because exports record everything at once. Invariant: any permutation of the same
//! events comes out the same. Next: [`super::fold`].

use std::cmp::Ordering;

use jiff::civil::Date;

use crate::event::{EventType, ReferralEvent};

/// Sorts events into the order in which they are folded.
pub fn sort(events: &mut [ReferralEvent]) {
    events.sort_by(|a, b| day(a).cmp(&day(b)).then_with(|| a.event_id.cmp(&b.event_id)));
    let mut rest = &mut *events;
    while let Some(first) = rest.first().map(day) {
        let end = rest.iter().position(|event| day(event) != first).unwrap_or(rest.len());
        let Some((group, after)) = rest.split_at_mut_checked(end) else { return };
        sort_day(group);
        rest = after;
    }
    reroute_after_rejection(events);
    reopen_before_closing(events);
}

/// A reopening without a date (what a status column said before the referral closed again) stands between the two
/// closings; of several, the last before the last closing.
fn reopen_before_closing(events: &mut [ReferralEvent]) {
    let reopens = |event: &ReferralEvent| {
        event.event_type == EventType::Reopened && event.occurred_at.is_none() && !event.is_status_slot
    };
    let count = events.iter().filter(|event| reopens(event)).count();
    for n in 0..count {
        let from = events.iter().enumerate().filter(|(_, event)| reopens(event)).nth(n).map(|(at, _)| at);
        let closings = || events.iter().enumerate().filter(|(_, event)| closes(event)).map(|(at, _)| at);
        let to = (closings().count() + n).checked_sub(count + 1).and_then(|nth| closings().nth(nth));
        if let (Some(from), Some(to)) = (from, to)
            && let Some(between) = events.get_mut(to + 1..=from)
        {
            between.rotate_right(1);
        }
    }
}

fn closes(event: &ReferralEvent) -> bool {
    let ends = matches!(
        event.event_type,
        EventType::Completed | EventType::ClosedWithoutCompletion | EventType::Cancelled
    );
    ends && event.occurred_at.is_some() && !event.is_status_slot && event.detail.count.is_none()
}

/// A rerouting without a date (an export's service that changed after a rejection) follows the rejection.
fn reroute_after_rejection(events: &mut [ReferralEvent]) {
    let undated =
        |event: &ReferralEvent| event.event_type == EventType::Rerouted && event.occurred_at.is_none();
    let rejected = |event: &ReferralEvent| event.event_type == EventType::Rejected;
    if let (Some(from), Some(to)) = (events.iter().rposition(undated), events.iter().rposition(rejected))
        && from > to + 1
        && let Some(between) = events.get_mut(to + 1..=from)
    {
        between.rotate_right(1);
    }
}

/// The day, with undated events last.
fn day(event: &ReferralEvent) -> (bool, Option<Date>) {
    let day = event.occurred_at.map(|when| when.day());
    (day.is_none(), day)
}

fn sort_day(events: &mut [ReferralEvent]) {
    let by_sequence = events.iter().all(|event| event.sequence.is_some());
    let instant = |event: &ReferralEvent| event.occurred_at.and_then(|when| when.instant());
    let by_instant = !by_sequence && events.iter().all(|event| instant(event).is_some());
    events.sort_by(|a, b| {
        let leading = if by_sequence {
            a.sequence.cmp(&b.sequence)
        } else if by_instant {
            instant(a).cmp(&instant(b))
        } else {
            Ordering::Equal
        };
        leading
            .then_with(|| a.event_type.cmp(&b.event_type))
            .then_with(|| instant(a).cmp(&instant(b)))
            .then_with(|| a.event_id.cmp(&b.event_id))
    });
}
