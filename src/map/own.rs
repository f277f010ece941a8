//! What belongs to one event: which resources of its own it has. One function per event type follows below.
//!
//! Next: [`super::observation`], the commonest.

use uuid::Uuid;

use crate::codeset::WellKnown;
use crate::event::kinds::EventType;
use crate::event::person::Record;
use crate::event::{IssueCode, ReferralEvent};
use crate::fhir::types::{Identifier, Reference, Resource, Text};

use super::coding::{Coder, Coders};
use super::entry::{Entry, Write};
use super::names::NameKind;
use super::notes::Notes;
use super::parties::Parties;
use super::refs::{Refs, plain};
use super::shelf::Shelf;
use super::{care_plan, communication, encounter, observation, onward, questionnaire_response};

/// What the resources of one event are made from.
pub(super) struct Context<'a> {
    pub(super) referral: &'a str,
    pub(super) event: &'a ReferralEvent,
    pub(super) record: &'a Record,
    pub(super) refs: &'a Refs<'a>,
    pub(super) shelf: &'a Shelf,
    pub(super) parties: &'a Parties,
    pub(super) coder: &'a Coder<'a>,
    /// The coders of the referral's other events.
    pub(super) coders: Coders<'a>,
    /// The ServiceRequest, when something was referred.
    pub(super) request: Option<Uuid>,
    /// The newest Task.
    pub(super) task: Option<Uuid>,
    /// Whether a term of the event is sensitive, so that its free text stays here.
    pub(super) sensitive: bool,
}

impl Context<'_> {
    /// The UUID of a resource of this event; `part` tells several of one kind apart.
    pub(super) fn uuid(&self, kind: NameKind, part: Option<&str>) -> Uuid {
        let key = self.event.key();
        match part {
            None => self.refs.names.uuid(kind, &[self.referral, key]),
            Some(part) => self.refs.names.uuid(kind, &[self.referral, key, part]),
        }
    }

    /// The business identifier of a resource.
    pub(super) fn identifier(&self, kind: NameKind, uuid: Uuid) -> Identifier {
        Identifier::new(self.refs.names.system(kind), plain(uuid))
    }

    /// The reference to the request, for `basedOn`: the clinical system's own, where the referral answers one.
    pub(super) fn based_on(&self) -> Vec<Reference> {
        if let Some(fulfils) = &self.record.fulfils {
            let id = Identifier::new(fulfils.system.clone(), fulfils.value.clone());
            return vec![Reference { type_: Some("ServiceRequest".into()), ..Reference::logical(id) }];
        }
        self.request.map(|uuid| self.refs.to("ServiceRequest", uuid)).into_iter().collect()
    }

    /// When the event happened, as FHIR writes it.
    pub(super) fn date(&self) -> Option<Text> {
        self.event.occurred_at.map(|when| Text::from(when.text()))
    }

    /// Free text of this event, if it may leave.
    pub(super) fn free_text(
        &self,
        text: Option<&String>,
        notes: &mut Notes,
        field: &'static str,
    ) -> Option<Text> {
        let text = text?;
        if self.sensitive {
            notes.remark(crate::event::IssueCode::SensitiveWithheld, field, "free text of a sensitive event");
            return None;
        }
        if !self.coder.free_text() {
            notes.remark(crate::event::IssueCode::ConsentWithheld, field, "free text");
            return None;
        }
        Some(Text::from(text.clone()))
    }

    /// An entry that is ours to update.
    pub(super) fn update(&self, uuid: Uuid, resource: impl Into<Resource>) -> Entry {
        Entry { uuid, resource: resource.into(), write: Write::Update }
    }
}

/// The resources of an event's own, in the order they are sent.
pub(super) fn own(context: &Context<'_>, notes: &mut Notes) -> Vec<Entry> {
    use EventType as E;
    let mut entries = Vec::new();
    // A status column says where things stand, not that something happened.
    if context.event.is_status_slot {
        return entries;
    }
    match context.event.event_type {
        E::Offered => entries.push(observation::statement(context, "Social prescribing offered", notes)),
        E::Declined => entries.push(observation::declined(context, notes)),
        E::ContactFailed | E::DidNotAttend => entries.push(observation::missed(context, notes)),
        E::Contacted | E::Attended if context.event.detail.count.is_some() => {
            entries.push(observation::missed(context, notes));
        }
        E::Contacted | E::Attended => entries.push(encounter::encounter(context, notes)),
        E::PlanAgreed => entries.extend(care_plan::plan(context, notes)),
        E::Signposted => entries.extend(communication::signposted(context, notes)),
        E::ReferredOn => entries.extend(onward::referred_on(context, notes)),
        E::Completed | E::ClosedWithoutCompletion => {
            entries.extend(communication::message_back(context, notes));
        }
        E::Referred | E::Accepted | E::Rejected | E::Rerouted | E::Assessed | E::OnHold | E::Resumed => {}
        E::Cancelled
        | E::Reopened
        | E::DetailsChanged
        | E::ConsentChanged
        | E::Corrected
        | E::EnteredInError => {}
    }
    entries.extend(observation::scores(context, notes));
    entries.extend(questionnaire_response::answers(context, notes));
    not_carried(context, notes);
    entries
}

/// Lists what the event says and no resource takes up. (A note on a contact is listed where the Encounter is made.)
fn not_carried(context: &Context<'_>, notes: &mut Notes) {
    use EventType as E;
    let (event, detail) = (context.event.event_type, &context.event.detail);
    let signposted =
        event == E::Signposted && context.coder.codeset.well_known(WellKnown::Signposted).is_some();
    let no_note = matches!(
        event,
        E::Accepted
            | E::Rejected
            | E::Rerouted
            | E::OnHold
            | E::Resumed
            | E::Cancelled
            | E::Reopened
            | E::Assessed
            | E::ReferredOn
    );
    for (field, there) in [
        ("reasons", !detail.reasons.is_empty() && matches!(event, E::Offered | E::Assessed)),
        ("mode", detail.mode.is_some() && !matches!(event, E::Contacted | E::Attended)),
        ("status_reason", detail.status_reason.is_some() && matches!(event, E::Rerouted)),
        ("what", detail.what.is_some() && event == E::Rerouted),
        ("to", detail.to.is_some() && signposted),
        ("note", detail.note.is_some() && (no_note || signposted || detail.count.is_some())),
    ] {
        if there {
            notes.remark(IssueCode::NotCarried, field, event.label());
        }
    }
}
