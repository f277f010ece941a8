//! What of a changed referral would be sent as it was sent before: it is not sent again.
//!
//! A surname is in no transaction, a note in none of a person who shares codes only: their change is known and says
//! nothing new. Provenance does not count, because it is about the sending. An event that is new is always sent. Next:
//! [`super::account`], which asks.

use std::collections::HashMap;

use uuid::Uuid;

use crate::event::{EventType, ReferralEvent};
use crate::fhir::types::Resource;
use crate::map::fold::Folded;
use crate::map::mapper::{EventEntries, Mapped};

use super::by_id::ById;

/// Whether an event, to be sent, could say what was said before: then it is worth comparing. Another date is another
/// thing said, also where only Provenance bears it.
pub(super) fn may_be_unchanged(event: &EventEntries, now: &Now<'_>, sent: &ById<'_>) -> bool {
    let Some(now) = now.get(event.event_id.as_str()) else { return false };
    let stands_in = match event.event_type {
        EventType::DetailsChanged | EventType::ConsentChanged => true,
        EventType::Reopened => !now.is_status_slot,
        _ => false,
    };
    let same = || sent.get(&now.event_id).is_some_and(|sent| sent.occurred_at == now.occurred_at);
    (stands_in && now.occurred_at.is_none()) || same()
}

/// The events of a referral as they are now, by their ids.
pub(super) type Now<'f> = HashMap<&'f str, &'f ReferralEvent>;

/// The events of a fold by their ids.
pub(super) fn now(folded: &Folded) -> Now<'_> {
    folded.steps.iter().rev().map(|step| (step.event.event_id.as_str(), &step.event)).collect()
}

/// Leaves out what is as it was sent last. `before` is the referral as it was sent, mapped.
pub(super) fn leave_out(mapped: &mut Mapped, now: &Now<'_>, before: &Mapped, sent: &ById<'_>) {
    let mut last: HashMap<Uuid, Resource> = HashMap::new();
    before.events.iter().for_each(|event| take(event, &mut last));
    mapped.events.retain(|event| {
        let same = |(uuid, resource): (Uuid, &Resource)| last.get(&uuid) == Some(resource);
        let unchanged = may_be_unchanged(event, now, sent) && said(event).all(same);
        if !unchanged {
            take(event, &mut last);
        }
        !unchanged
    });
}

fn said(event: &EventEntries) -> impl Iterator<Item = (Uuid, &Resource)> {
    let all = event.entries.iter().map(|entry| (entry.uuid, &entry.resource));
    all.filter(|(_, resource)| !matches!(resource, Resource::Provenance(_)))
}

fn take(event: &EventEntries, last: &mut HashMap<Uuid, Resource>) {
    last.extend(said(event).map(|(uuid, resource)| (uuid, resource.clone())));
}
