//! What only shows when a profile is seen whole: fields that must be filled, keys that exclude one another, ids used twice.
//!
//! What it is not: a look at single keys, which is done where they are read. Next: [`crate::profile::check`].

use super::{Compiler, CountRule, EventRule, Fill, StatusRule, TypeOf};
use crate::event::field::Field;
use crate::event::kinds::EventType;
use crate::profile::raw::{CaseNumber, ExportKind, ProfileFile};

impl Compiler {
    /// What only shows when the profile is seen whole.
    pub(super) fn whole(
        &mut self,
        file: &ProfileFile,
        fields: &[Fill],
        events: &[EventRule],
        statuses: &[StatusRule],
        counts: &[CountRule],
    ) {
        let filled = |field: Field| fields.iter().any(|fill| fill.field == field);
        if !filled(Field::ReferralId) {
            self.wrong("fields.referral_id", "nothing fills it; without it nothing can be named");
        }
        if !filled(Field::ServiceKind) {
            self.wrong(
                "fields.\"service.kind\"",
                "give the kind of service by column or constant: link-worker, health-coach…",
            );
        }
        match file.export {
            ExportKind::Events if !filled(Field::EventId) => {
                self.wrong(
                    "fields.event_id",
                    "a log of events must give each an id; else set export = \"snapshot\"",
                );
            }
            ExportKind::Snapshot if filled(Field::EventId) => {
                self.wrong(
                    "fields.event_id",
                    "in a snapshot event ids are made from the rules; remove it, or set export = \"events\"",
                );
            }
            _ => {}
        }
        if file.event.is_empty() && file.status.is_empty() {
            self.wrong("event", "no rule makes an event; add at least one [[event]]");
        }
        if file.export == ExportKind::Events && (!statuses.is_empty() || !counts.is_empty()) {
            self.wrong("status", "status and count columns belong to snapshots");
        }
        if file.case_number == CaseNumber::Person
            && !events.iter().any(|rule| matches!(rule.event_type, TypeOf::Fixed(EventType::Referred)))
        {
            self.wrong(
                "case_number",
                "\"person\" needs an [[event]] of type referred, whose date tells referrals apart",
            );
        }
        let mut ids: Vec<&str> = events.iter().map(|r| r.id.as_str()).collect();
        ids.extend(statuses.iter().map(|r| r.id.as_str()));
        ids.extend(counts.iter().map(|r| r.id.as_str()));
        ids.sort_unstable();
        let twice: Vec<String> = ids
            .windows(2)
            .filter_map(|pair| match pair {
                [a, b] if a == b => Some((*a).to_owned()),
                _ => None,
            })
            .collect();
        for id in twice {
            self.wrong("event", format!("two rules have the id {id:?}"));
        }
    }
}
