//! [`ById`]: events of one referral, found by their id: quickly also where a log has tens of thousands of one referral.
//!
//! What this is not: a copy; it borrows the events. Next: [`super::since`], which compares two exports with it.

use std::collections::HashMap;

use crate::event::ReferralEvent;

/// Up to this many events, looking through them is quicker than a table of them.
const FEW: usize = 32;

/// Events by their ids; of two with one id, the first.
pub(super) struct ById<'e> {
    events: &'e [ReferralEvent],
    table: Option<HashMap<&'e str, &'e ReferralEvent>>,
}

impl<'e> ById<'e> {
    pub(super) fn new(events: &'e [ReferralEvent]) -> Self {
        let named = || events.iter().rev().map(|event| (event.event_id.as_str(), event));
        Self { events, table: (events.len() > FEW).then(|| named().collect()) }
    }

    pub(super) fn get(&self, id: &str) -> Option<&'e ReferralEvent> {
        match &self.table {
            Some(table) => table.get(id).copied(),
            None => self.events.iter().find(|event| event.event_id == id),
        }
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.get(id).is_some()
    }
}
