//! [`Known`]: what the whole input says that a single referral does not show, found before anything is written.
//!
//! Consent stated in another referral of the person, refused rows about it, and rows that disagree about whose a
//! number is. Next: [`super::referral`], which asks it.

use std::collections::HashSet;
use std::sync::OnceLock;

use crate::event::person::Person;
use crate::event::{IssueCode, ReferralEvent};
use crate::map::fold::Folded;

use super::classes::Classes;
use super::consents::{ByPerson, Consents, Doubt, Stated, Unclear};
use super::group::{Digest16, Place};
use super::person_keys::{InSource, of_number, of_referral, source_tag};
use super::persons::{About, Dispute, Disputes};
use super::repeats::event_id;

/// What is known of the persons of a run.
#[derive(Default)]
pub struct Known {
    /// What was stated, until it is settled what of it counts.
    stated: Consents,
    /// What the export of today says as a whole.
    today: Export,
    /// What each earlier one said, as when it was converted; with its number, oldest first.
    earlier: Vec<(usize, Export)>,
    /// Ids of events that more than one referral of an export has.
    event_ids: HashSet<Digest16>,
}

/// What one export says as a whole, with those before it.
#[derive(Default)]
pub struct Export {
    /// What its persons are known by.
    classes: Classes,
    consents: OnceLock<ByPerson>,
    unclear: Unclear,
    disputes: Disputes,
}

/// Whether one export comes before another. They are numbered from 1, oldest first; that of today has no number.
#[must_use]
pub const fn comes_before(export: usize, other: usize) -> bool {
    export != 0 && (other == 0 || export < other)
}

/// What the input says against writing a referral, or against believing it.
pub struct Against {
    /// The reason.
    pub code: IssueCode,
    /// Rows to name, and what they say.
    pub places: Vec<Place>,
    /// What the rows say.
    pub what: &'static str,
}

impl Known {
    /// Puts together what a first look found.
    #[must_use]
    pub fn new(stated: Consents, today: Export, earlier: Vec<(usize, Export)>) -> Self {
        Self { stated, today, earlier, event_ids: HashSet::new() }
    }

    /// The same, knowing the ids of events that more than one referral has.
    #[must_use]
    pub fn with_event_ids(self, event_ids: HashSet<Digest16>) -> Self {
        Self { event_ids, ..self }
    }

    /// What the export of today says.
    #[must_use]
    pub const fn today(&self) -> &Export {
        &self.today
    }

    /// What an export says.
    #[must_use]
    pub fn of(&self, export: usize) -> Option<&Export> {
        match export {
            0 => Some(&self.today),
            _ => self.earlier.iter().find(|(number, _)| *number == export).map(|(_, export)| export),
        }
    }

    /// The numbers of the exports, that of today last.
    pub fn exports_in_order(&self) -> impl Iterator<Item = usize> {
        self.earlier.iter().map(|(number, _)| *number).chain(std::iter::once(0))
    }

    /// The referrals whose rows must be tried before what was stated of consent is settled.
    #[must_use]
    pub fn to_be_tried(&self) -> HashSet<Digest16> {
        self.stated.to_be_tried()
    }

    /// Settles what of what was stated of consent counts in an export, once and for all; `set_aside` are the rows that
    /// were tried and do not pass, `export_of` says of which export a row is. Until then nothing is known of consent.
    pub fn settle(&self, export: usize, set_aside: &HashSet<Place>, export_of: impl Fn(Place) -> usize) {
        let was_there = |place| {
            let of_row = export_of(place);
            of_row == export || comes_before(of_row, export)
        };
        if let Some(export) = self.of(export) {
            let passes = |place| !set_aside.contains(&place);
            let _ = export.consents.set(self.stated.by_person(was_there, passes, &export.classes));
        }
    }

    /// Whether another referral of the same export has an event of the same id.
    #[must_use]
    pub fn is_elsewhere_too(&self, event: &ReferralEvent, export: usize) -> bool {
        !self.event_ids.is_empty() && self.event_ids.contains(&event_id(event, export))
    }
}

impl Export {
    /// Puts together what was found in it.
    #[must_use]
    pub fn new(found: Unclear, disputes: Disputes, classes: Classes) -> Self {
        let mut unclear = Unclear::with_capacity(found.len());
        for (key, doubt) in found {
            let of_person = unclear.entry(classes.of(key));
            of_person.and_modify(|known: &mut Doubt| *known = known.and(doubt)).or_insert(doubt);
        }
        Self { classes, unclear, disputes, ..Self::default() }
    }

    /// Whether other rows say something that concerns, or could concern, whoever a row that was set aside is about: of
    /// consent, or of whose the number is. A record without a number that can be read could be anyone's.
    #[must_use]
    pub fn may_state_more_of(&self, keys: &InSource, person: &Person, place: Place) -> bool {
        let of_person = || keys.iter().map(|key| self.classes.of(key));
        let states = self.consents.get().is_some_and(|consents| {
            let concerns = || of_person().any(|key| consents.contains_key(&key));
            !consents.is_empty() && (keys.number.is_none() || concerns())
        });
        let elsewhere = |doubt: &Doubt| doubt.is_elsewhere(place);
        let in_doubt = match keys.number {
            None => self.unclear.values().any(elsewhere),
            Some(_) => of_person().any(|key| self.unclear.get(&key).is_some_and(elsewhere)),
        };
        let mut known_by = person.nhs_number.map(of_number).into_iter().chain(keys.local);
        let disputed = |key| self.disputes.get(&key).is_some_and(|dispute| dispute.about != About::Name);
        states || in_doubt || known_by.any(disputed)
    }

    /// What was stated about the person's consent anywhere in the input.
    #[must_use]
    pub fn consents(&self, folded: &Folded) -> Stated {
        let mut all = Stated::default();
        let Some(consents) = self.consents.get().filter(|consents| !consents.is_empty()) else { return all };
        let keys = events(folded).flat_map(|event| in_source(event).iter());
        keys.filter_map(|key| consents.get(&self.classes.of(key))).for_each(|stated| all.add(stated));
        all
    }

    /// Why nothing of the referral may be written before a person has looked at other rows.
    #[must_use]
    pub fn hold(&self, folded: &Folded) -> Option<Against> {
        let disputed = self.disputes_of(folded).find(|dispute| dispute.about != About::Name);
        if let Some(Dispute { about, one, other }) = disputed {
            let (code, what) = match about {
                About::Number => (IssueCode::HeldNhsNumbers, "have different numbers"),
                About::BirthDate | About::Name => {
                    (IssueCode::HeldBirthDates, "have different dates of birth")
                }
            };
            return Some(Against { code, places: vec![*one, *other], what });
        }
        if self.unclear.is_empty() {
            return None;
        }
        let keys = events(folded).flat_map(|event| {
            let referral = of_referral(source_tag(&event.source), &event.referral_id);
            in_source(event).iter().chain(std::iter::once(referral))
        });
        let doubts = keys.filter_map(|key| self.unclear.get(&self.classes.of(key)));
        let Doubt { first, said, .. } = doubts.min_by_key(|doubt| doubt.first)?;
        Some(Against { code: IssueCode::HeldConsentUnclear, places: vec![*first], what: said })
    }

    /// Rows of the same number whose names have nothing in common.
    #[must_use]
    pub fn names_differ(&self, folded: &Folded) -> Option<Against> {
        let dispute = self.disputes_of(folded).find(|dispute| dispute.about == About::Name)?;
        Some(Against {
            code: IssueCode::NamesDiffer,
            places: vec![dispute.one, dispute.other],
            what: "have different names",
        })
    }

    fn disputes_of<'a>(&'a self, folded: &'a Folded) -> impl Iterator<Item = &'a Dispute> {
        let none = self.disputes.is_empty();
        let keys = events(folded).take_while(move |_| !none).flat_map(|event| {
            let number = event.record.person.nhs_number.map(of_number);
            number.into_iter().chain(in_source(event).local)
        });
        keys.filter_map(|key| self.disputes.get(&key))
    }
}

fn events(folded: &Folded) -> impl Iterator<Item = &ReferralEvent> {
    folded.steps.iter().map(|step| &step.event)
}

fn in_source(event: &ReferralEvent) -> InSource {
    InSource::new(source_tag(&event.source), &event.record.person)
}

#[cfg(test)]
#[path = "known_tests.rs"]
mod tests;
