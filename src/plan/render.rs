//! From a folded referral to what is sent for each event, or why nothing is. Pure. Next: [`super::unchanged`].

use crate::event::kinds::Share;
use crate::event::{ReferralEvent, When};
use crate::fhir;
use crate::map::bundle;
use crate::map::fold::Folded;
use crate::map::mapper::{EventEntries, Mapped, Mapper, Settings};
use crate::map::names::Names;
use crate::map::patient;
use crate::map::shelf::Shelf;
use crate::outbox::parcel::Fulfils;
use crate::outbox::{Parcel, Reason, Subject};

use super::made::Disposition;
use super::planner::Planner;

impl Planner {
    pub(super) fn map(&self, folded: &Folded, source: &str, now: jiff::Timestamp) -> Mapped {
        let names = Names::new(source);
        let settings = Settings {
            recorded_at: jiff::Timestamp::from_second(now.as_second()).unwrap_or(now),
            ..self.settings.clone()
        };
        let shelf = Shelf::default();
        let mapper = Mapper { codeset: &self.codeset, settings: &settings, shelf: &shelf };
        let Some(last) = folded.steps.last() else { return Mapped::default() };
        let patient = patient::uuid(&self.identities, &names, &last.event);
        mapper.map(&names, folded, patient)
    }

    pub(super) fn dispose(
        &self,
        mapped: &Mapped,
        folded: &Folded,
        made: Option<&EventEntries>,
        held: Option<Reason>,
    ) -> Disposition {
        // What must wait for a person waits, whatever else is the matter.
        if let Some(reason) = held {
            return Disposition::Hold(reason);
        }
        match (mapped.share, made) {
            (Some(Share::None) | None, _) => Disposition::NotShared(Reason::ConsentNone),
            (_, None) => Disposition::NotShared(Reason::NothingToSend),
            (_, Some(made)) => match folded.steps.last() {
                Some(step) => Disposition::Send(self.parcel(made, &step.event)),
                None => Disposition::NotShared(Reason::NothingToSend),
            },
        }
    }

    fn parcel(&self, made: &EventEntries, last: &ReferralEvent) -> Parcel {
        let names = Names::new(&last.source);
        let recorded = self.settings.recorded_at.to_string();
        let bundle = bundle::event_bundle(made.clone(), self.settings.form, None, &names, &recorded);
        let mut bytes = Vec::with_capacity(8 << 10);
        fhir::json::append(&bundle, &mut bytes);
        Parcel {
            subject: subject(last),
            bundle: String::from_utf8(bytes).unwrap_or_default(),
            fulfils: last
                .record
                .fulfils
                .as_ref()
                .map(|request| Fulfils { system: request.system.clone(), value: request.value.clone() }),
        }
    }
}

/// What becomes of an event that the fold has no step for: a correction waits for its target; a status column that says
/// no more than the dated events has nothing to send.
pub(super) fn left_out(event: &ReferralEvent) -> Disposition {
    if event.target_event_id.is_some() {
        Disposition::Hold(Reason::TargetUnknown)
    } else {
        Disposition::NotShared(Reason::NothingToSend)
    }
}

fn subject(event: &ReferralEvent) -> Subject {
    let person = &event.record.person;
    let whole = person.birth_date.filter(|when| matches!(when, When::Day(_)));
    Subject {
        nhs_number: person.nhs_number.map(|number| number.as_str().to_owned()),
        families: person.family.iter().chain(&person.former_family).cloned().collect(),
        birth_date: whole.map(|when| when.day().to_string()),
        practice: person.practice_ods.as_ref().map(|ods| ods.as_str().to_owned()),
    }
}
