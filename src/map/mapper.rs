//! [`Mapper`]: a folded referral becomes entries, one list per event.
//!
//! Resources are a function of the state: each event brings its own, and the ServiceRequest and Task as the
//! fold up to and including it. Pure: the same referral, codeset and settings give the same entries. Next: `run.rs`,
//! then [`super::bundle`], which packs entries.

use jiff::Timestamp;
use uuid::Uuid;

use crate::codeset::Codeset;
use crate::event::kinds::{EventType, Share};
use crate::fhir::types::Text;

use super::coding::Coder;
use super::entry::Entry;
use super::fold::Folded;
use super::names::Names;
use super::notes::Notes;
use super::refs::{Form, Refs, SubjectKey};
use super::released;
use super::run::Run;
use super::share::{Sharing, decide};
use super::shelf::Shelf;

/// What the deployer chooses about mapping.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The form of the output.
    pub form: Form,
    /// Whether the referral code stands in every Bundle, not only in that of `referred`: true where a resource
    /// is replaced as a whole by the Bundle (transactions) or is written once (bulk, packed referrals).
    pub code_in_every_bundle: bool,
    /// When this run recorded what it makes.
    pub recorded_at: Timestamp,
    /// Program and codeset, for Provenance.
    pub agent: String,
    /// Whether damaged codes are repaired.
    pub repair_codes: bool,
    /// Whether a transaction creates a Patient that the clinical system does not have.
    pub create_patient: bool,
}

/// The entries of one event.
#[derive(Clone, Debug, PartialEq)]
pub struct EventEntries {
    /// The event.
    pub event_id: String,
    /// Its type.
    pub event_type: EventType,
    /// UUID of the event's key and content.
    pub revision: Uuid,
    /// What it sends, in order; the Provenance last.
    pub entries: Vec<Entry>,
    /// Index of the ServiceRequest, or of the event's first own resource.
    pub focus: usize,
}

/// A referral, mapped.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mapped {
    /// Per event, in order.
    pub events: Vec<EventEntries>,
    /// What was left out and why.
    pub notes: Notes,
    /// How much left; `None` (the level) when nothing may.
    pub share: Option<Share>,
}

impl Mapped {
    /// Whether an event is among what is sent.
    #[must_use]
    pub fn has(&self, event_id: &str) -> bool {
        self.events.iter().any(|event| event.event_id == event_id)
    }
}

/// Maps referrals.
pub struct Mapper<'a> {
    /// The loaded codeset.
    pub codeset: &'a Codeset,
    /// The deployer's choices.
    pub settings: &'a Settings,
    /// What referrals before this one made; an empty one serves as well.
    pub shelf: &'a Shelf,
}

impl Mapper<'_> {
    /// Maps one referral. Nothing leaves when nothing may; the caller has held what must be held.
    #[must_use]
    pub fn map(&self, names: &Names, folded: &Folded, patient_uuid: Uuid) -> Mapped {
        self.both(names, folded, patient_uuid, false)
    }

    /// The same for an endpoint where the request of the clinical system that a referral answers can be read first: the
    /// Bundles of such a referral bring its Task, about that request, in the state of the fold.
    #[must_use]
    pub fn map_answering(&self, names: &Names, folded: &Folded, patient_uuid: Uuid) -> Mapped {
        self.both(names, folded, patient_uuid, true)
    }

    fn both(&self, names: &Names, folded: &Folded, patient_uuid: Uuid, answers: bool) -> Mapped {
        let plain = self.pass(names, folded, patient_uuid, &[], answers);
        if folded.released.is_empty() {
            return plain;
        }
        released::labelled(&plain, self.pass(names, folded, patient_uuid, &folded.released, answers))
    }

    /// Maps with what is sensitive of these events.
    fn pass(
        &self,
        names: &Names,
        folded: &Folded,
        patient_uuid: Uuid,
        released: &[String],
        answers: bool,
    ) -> Mapped {
        let mut mapped = Mapped::default();
        let Some(first) = folded.steps.first() else { return mapped };
        let share = match decide(folded) {
            Sharing::Level(share) => share,
            Sharing::Held => Share::None,
        };
        mapped.share = Some(share);
        if share == Share::None {
            return mapped;
        }
        let person = folded.steps.last().map_or(&first.event.record, |step| &step.event.record);
        let key = SubjectKey {
            nhs_number: person.person.nhs_number,
            local_id: person.person.local_id.as_deref(),
            uuid: patient_uuid,
        };
        let refs = Refs::new(names, self.settings.form, &key);
        let coder =
            |released| Coder { codeset: self.codeset, repair: self.settings.repair_codes, share, released };
        let recorded = Text::shared(&self.settings.recorded_at.to_string());
        let agent = Text::shared(&self.settings.agent);
        let mut run = Run {
            mapper: self,
            recorded,
            agent,
            refs,
            coder: coder(false),
            open: coder(true),
            released,
            steps: &folded.steps,
            scene: None,
            numbered: None,
            patient_uuid,
            record_before: folded.record_before.as_ref(),
            revised: &folded.revised,
            flagged: None,
            answers,
        };
        for at in 0..folded.steps.len() {
            let Some(step) = folded.steps.get(at) else { break };
            mapped.notes.about(&step.event.event_id);
            if let Some(entries) = run.event(at, step, &mut mapped.notes) {
                mapped.events.push(entries);
            }
        }
        mapped
    }
}
