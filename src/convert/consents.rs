//! [`Consents`]: what the input states about persons' consent, beyond the referral it is stated in.
//!
//! A change of consent is about a person, not a referral. Statements are collected while the input is read the
//! first time, and asked for when a referral of that person is written. A row that must be refused states nothing
//! for certain: what it seems to say holds the person's other referrals until it is mended. Next:
//! [`super::known`].

use std::collections::{HashMap, HashSet};

use crate::event::kinds::Share;
use crate::event::{EventType, ReferralEvent};
use crate::map::share::{Statement, statement};
use crate::profile::about::{About, Said};

use super::group::{Digest16, Place};
use super::person_keys::{InSource, source_tag};

/// Statements by person.
pub type ByPerson = HashMap<Digest16, Vec<Statement>>;
/// Refused rows that say something of a person's consent, by person: the first of each, and what it says.
pub type Unclear = HashMap<Digest16, (Place, &'static str)>;

/// Statements while they are collected.
#[derive(Default)]
pub struct Consents {
    stated: Vec<(String, InSource, Statement)>,
    /// Events entered in error.
    recalled: HashSet<String>,
    unclear: Unclear,
}

impl Consents {
    /// Notes what an event states: a change of consent, or that nothing may be shared.
    pub fn note(&mut self, event: &ReferralEvent) {
        if event.event_type == EventType::EnteredInError {
            self.recalled.extend(event.target_event_id.clone());
        }
        let Some(stated) = statement(event) else { return };
        if event.event_type == EventType::ConsentChanged || stated.1 == Share::None {
            let keys = InSource::new(source_tag(&event.source), &event.record.person);
            self.stated.push((event.event_id.clone(), keys, stated));
        }
    }

    /// Notes a refused row of a person, or of a referral, that says something which must be heeded.
    pub fn note_refused(
        &mut self,
        keys: InSource,
        referral: Option<Digest16>,
        place: Place,
        said: &'static str,
    ) {
        for key in keys.iter().chain(referral) {
            self.unclear.entry(key).or_insert((place, said));
        }
    }

    /// Everyone of whom something is known.
    #[must_use]
    pub fn persons(&self) -> HashSet<Digest16> {
        let stated = self.stated.iter().flat_map(|(_, keys, _)| keys.iter());
        stated.chain(self.unclear.keys().copied()).collect()
    }

    /// Statements and refused rows by person, without what was entered in error.
    #[must_use]
    pub fn by_person(self) -> (ByPerson, Unclear) {
        let mut by_person = ByPerson::new();
        for (id, keys, stated) in self.stated {
            if self.recalled.contains(&id) {
                continue;
            }
            for key in keys.iter() {
                let known = by_person.entry(key).or_default();
                if !known.contains(&stated) {
                    known.push(stated);
                }
            }
        }
        (by_person, self.unclear)
    }
}

/// What a record says of consent that concerns the person's other referrals, even if it must be refused.
#[must_use]
pub fn to_be_heeded(about: &About) -> Option<&'static str> {
    match about.consent {
        Said::Share(Share::None) => Some("says that nothing is shared"),
        Said::Share(Share::CodesOnly) if about.changes_consent => Some("changes what is shared"),
        Said::Unreadable => Some("says something of consent that cannot be read"),
        Said::Share(Share::CodesOnly | Share::Full) | Said::Nothing => None,
    }
}
