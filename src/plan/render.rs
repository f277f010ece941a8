//! From a folded referral to what is sent for each event, or why nothing is. Pure. Next: [`super::unchanged`].

use crate::event::ReferralEvent;
use crate::event::kinds::Share;
use crate::map::fold::Folded;
use crate::map::mapper::{EventEntries, Mapped, Mapper, Settings};
use crate::map::names::Names;
use crate::map::patient;
use crate::map::shelf::Shelf;
use crate::outbox::Reason;

use super::known::Known;
use super::made::Disposition;
use super::parcels;
use super::planner::Planner;

impl Planner {
    pub(super) fn map(&self, folded: &Folded, known: &Known, source: &str, now: jiff::Timestamp) -> Mapped {
        let names = Names::new(source);
        let settings = Settings {
            recorded_at: jiff::Timestamp::from_second(now.as_second()).unwrap_or(now),
            ..self.settings.clone()
        };
        let shelf = Shelf::default();
        let mapper = Mapper { codeset: &self.codeset, settings: &settings, shelf: &shelf };
        let Some(last) = folded.steps.last() else { return Mapped::default() };
        let patient = patient::uuid(&self.identities, &names, &last.event);
        if self.route(known, &last.event).is_some_and(|route| route.answers) {
            mapper.map_answering(&names, folded, patient)
        } else {
            mapper.map(&names, folded, patient)
        }
    }

    pub(super) fn dispose(
        &self,
        mapped: &Mapped,
        folded: &Folded,
        made: Option<&EventEntries>,
        held: Option<Reason>,
    ) -> Disposition {
        // What must wait for a person waits, whatever else is the matter; of what shares nothing nobody need know more.
        match held {
            Some(Reason::ConsentNone) => return Disposition::NotShared(Reason::ConsentNone),
            Some(reason) => return Disposition::Hold(reason),
            None => {}
        }
        match (mapped.share, made) {
            (Some(Share::None) | None, _) => Disposition::NotShared(Reason::ConsentNone),
            (_, None) => Disposition::NotShared(Reason::NothingToSend),
            (_, Some(made)) => match folded.steps.last() {
                Some(step) => Disposition::Send(parcels::parcel(made, folded, &step.event, &self.settings)),
                None => Disposition::NotShared(Reason::NothingToSend),
            },
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
