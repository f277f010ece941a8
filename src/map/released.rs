//! What a person released although it is sensitive goes out under a restricted security label.
//!
//! A referral is mapped twice, without what was released and with it: where the two differ, released content shows, and
//! that resource is labelled. So no mapping of a resource can forget to. Next: [`super::withdrawn`].

use crate::fhir::types::Resource;

use super::entry::{Entry, Write};
use super::mapper::{EventEntries, Mapped};
use super::systems;

/// The referral with what was released, labelled where it is not as without.
pub(super) fn labelled(plain: &Mapped, mut open: Mapped) -> Mapped {
    for event in &mut open.events {
        let without = plain.events.iter().find(|known| known.event_id == event.event_id);
        for entry in event.entries.iter_mut().filter(|entry| entry.write == Write::Update) {
            if without.is_none_or(|without| !has(without, entry)) {
                restrict(&mut entry.resource);
            }
        }
    }
    open
}

fn has(event: &EventEntries, entry: &Entry) -> bool {
    event.entries.iter().any(|known| known.uuid == entry.uuid && known.resource == entry.resource)
}

fn restrict(resource: &mut Resource) {
    resource.meta_mut().security = vec![systems::RESTRICTED.coding()];
}
