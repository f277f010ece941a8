//! [`Consents`]: what the input states about persons' consent, beyond the referral it is stated in.
//!
//! A change of consent is about a person, not a referral. Statements are collected while the input is read the
//! first time, and asked for when a referral of that person is written. A person is known by the NHS number and by
//! the source's own identifier; a statement counts under both. Next: [`super::referral`].

use std::collections::{HashMap, HashSet};

use crate::event::{EventType, ReferralEvent};
use crate::map::share::{Statement, statement};

use super::group::{Digest16, digest16};
use crate::event::kinds::Share;

/// Statements by person.
pub type ByPerson = HashMap<Digest16, Vec<Statement>>;

/// Statements while they are collected.
#[derive(Default)]
pub struct Consents {
    stated: Vec<(String, Vec<Digest16>, Statement)>,
    /// Events entered in error.
    recalled: HashSet<String>,
}

impl Consents {
    /// Notes what an event states: a change of consent, or that nothing may be shared.
    pub fn note(&mut self, event: &ReferralEvent) {
        if event.event_type == EventType::EnteredInError {
            self.recalled.extend(event.target_event_id.clone());
        }
        let Some(stated) = statement(event) else { return };
        if event.event_type == EventType::ConsentChanged || stated.1 == Share::None {
            self.stated.push((event.event_id.clone(), person_keys(event), stated));
        }
    }

    /// The statements by person, without those entered in error.
    #[must_use]
    pub fn by_person(self) -> ByPerson {
        let mut by_person = ByPerson::new();
        for (id, keys, stated) in self.stated {
            if self.recalled.contains(&id) {
                continue;
            }
            for key in keys {
                let known = by_person.entry(key).or_default();
                if !known.contains(&stated) {
                    known.push(stated);
                }
            }
        }
        by_person
    }
}

/// What a person of one source is known by.
#[must_use]
pub fn person_keys(event: &ReferralEvent) -> Vec<Digest16> {
    let person = &event.record.person;
    let number =
        person.nhs_number.map(|number| format!("{}\u{1f}nhs\u{1f}{}", event.source, number.as_str()));
    let local = person.local_id.as_ref().map(|local| format!("{}\u{1f}local\u{1f}{local}", event.source));
    number.into_iter().chain(local).map(|key| digest16(key.as_bytes())).collect()
}
