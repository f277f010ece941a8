//! Back from FHIR to events: what we wrote ourselves, and what a clinical system wrote.
//!
//! What a Provenance of ours names becomes the event it names (`ours`). Anything else, in the same Bundle or in
//! another, is read as a clinical system's: each ServiceRequest is `referred`, each Task says how far it got (`others`), and what is
//! based on the request is the work on it (`work`). A request that was revoked, completed or put on hold, where no Task here
//! says when, is `cancelled`, `completed` or `on_hold` as well, without a date: it never comes back as an open referral.
//!
//! **What comes back of our own Bundles** (share = full; transaction, message or collection, one per event):
//! source; referral id (the case reference, where the names agree); type and date, or that a status column said it
//! without one; event id where its key is the type's word, alone or with its date, or `status`; NHS number with status, and in forms that hold the Patient names, birth
//! date, gender, address, telecom, local id and practice; referrer's source, name, role, organisation, contact,
//! and that it was the person; service kind, name and organisation; priority; `based_on`; consent with date;
//! flags; reasons, scores (measure, value, unit, `part_of`), answers, plan, goals, outcome, status reason, what a
//! referral went on to, counts, the contact's mode, notes outside contacts. Terms keep words and code.
//!
//! **What does not**: `recorded_at` (it becomes when the version that was read was made), `sequence`, ids of scores, a
//! service's id, whether a term was controlled or sensitive; the kind of a professional referrer; `contacted` by telephone, video or in writing (all virtual);
//! how the message to the GP was divided. What is met and not used is listed ([`IssueCode::NotCarried`]).
//!
//! What this is not: a merge. Invariant: `modifierExtension`, `implicitRules`, `doNotPerform` and
//! `entered-in-error` are never passed over: they refuse the resource or become `entered_in_error`. Events are
//! built by [`crate::event::build`] like all others. Next: `pool`, `index` and `address`, then `ours`, `others` and `clash`.

mod address;
#[cfg(test)]
mod address_tests;
mod clash;
#[cfg(test)]
mod clash_tests;
mod detail;
mod facts;
#[cfg(test)]
mod foreign_tests;
mod index;
#[cfg(test)]
mod large_tests;
mod others;
mod ours;
mod parties;
mod patient;
#[cfg(test)]
mod person_tests;
mod pool;
mod scene;
#[cfg(test)]
mod tests;
mod unread;
mod whose;
mod work;
mod written;

use crate::codeset::Codeset;
use crate::event::build::NhsNumberRule;
use crate::event::finish::Identities;
use crate::event::kinds::EventType;
use crate::event::{Issue, IssueCode, Position, ReferralEvent};
use crate::fhir::FhirResource;
use pool::Pool;

/// Whether an event was read from a request itself, not from a Task about it.
#[must_use]
pub fn is_of_request(event: &ReferralEvent) -> bool {
    matches!(event.event_type, EventType::Referred | EventType::EnteredInError)
        || event.key().starts_with("request/")
}

/// Reads FHIR back into events.
pub struct Back<'a> {
    /// The loaded codeset: which codes say that a referral was made, or declined.
    pub codeset: &'a Codeset,
    /// The source of what does not name one, and the key of opaque case numbers.
    pub identities: &'a Identities,
    /// How strict to be with NHS numbers.
    pub nhs_number: NhsNumberRule,
}

impl Back<'_> {
    /// The events of a Bundle or of a single resource, and everything wrong or not carried. Events stand in the
    /// order of the input.
    #[must_use]
    pub fn read(&self, resource: &FhirResource) -> (Vec<ReferralEvent>, Vec<Issue>) {
        let mut issues = Vec::new();
        let pool = Pool::new(resource, &mut issues);
        let mut events = Vec::new();
        for provenance in pool.of_kind("Provenance") {
            events.extend(self.ours(&pool, provenance, &mut issues));
        }
        let mut claims = Vec::new();
        let mut pieces = self.others(&pool, &mut claims, &mut issues);
        pieces.extend(self.work(&pool, &mut issues));
        events.extend(clash::told_apart(pieces, &claims, &mut issues));
        for entry in pool.unused() {
            let at = Position::path(entry.path.clone());
            issues.push(Issue::new(IssueCode::NotCarried, at, format!("a {}", entry.kind)));
        }
        (events, issues)
    }
}
