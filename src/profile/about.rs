//! Whom a record is about and what it says of consent, whether or not the record can be used.
//!
//! A row with a mistake in it is refused whole; that its person shares nothing must be heeded all the same. Only
//! the few fields that say so are read, so it is cheap enough for a first pass over a file. What this is not: a
//! reading of the record; that is [`super::read`], next.

use crate::event::build::{Draft, Reading};
use crate::event::field::Field;
use crate::event::kinds::{EventType, Share};
use crate::event::person::Person;
use crate::event::{Issue, NhsNumber};

use super::compile::{Fill, From, Profile, TypeOf};
use super::read::{says, set};
use super::view::{ProfilePlaces, View};

/// What a record says, as far as it can be read.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// The event's own id, where the record is an event.
    pub event_id: Option<String>,
    /// URI of the sending system, when the record or the profile names it.
    pub source: Option<String>,
    /// Who: numbers, family names and date of birth, nothing else.
    pub person: Person,
    /// The other numbers that stand in a record whose parts cannot be told apart: any of them may be the person's.
    pub more_numbers: Vec<NhsNumber>,
    /// What it says of consent.
    pub consent: Said,
    /// Whether it is, or could be, a change of the person's consent to codes only.
    pub changes_consent: bool,
}

/// What a record says of consent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Said {
    /// Nothing.
    #[default]
    Nothing,
    /// How much may be shared.
    Share(Share),
    /// Something that cannot be read, or from when it counts cannot.
    Unreadable,
}

impl Said {
    /// What was read of it: a consent that cannot be read whole is none, unless it forbids or allows everything:
    /// from when these count makes nothing less safe.
    #[must_use]
    pub fn new(share: Option<Share>, readable: bool) -> Self {
        match (share, readable) {
            (Some(share @ (Share::None | Share::Full)), _) | (Some(share), true) => Self::Share(share),
            (_, false) => Self::Unreadable,
            (None, true) => Self::Nothing,
        }
    }
}

const fn says_who(field: Field) -> bool {
    matches!(
        field,
        Field::Source
            | Field::NhsNumber
            | Field::LocalId
            | Field::FamilyName
            | Field::FormerFamily
            | Field::BirthDate
    )
}

const fn says_consent(field: Field) -> bool {
    matches!(field, Field::ConsentShare | Field::ConsentDate)
}

/// Reads it from a record of an export.
#[must_use]
pub fn about(profile: &Profile, view: View<'_>) -> About {
    let (who, _) = some(profile, view, says_who);
    let (said, issues) = some(profile, view, says_consent);
    let share = said.record.consent.map(|consent| consent.share);
    About {
        event_id: None,
        source: who.header.source.or_else(|| profile.source.clone()),
        person: who.record.person,
        more_numbers: Vec::new(),
        consent: Said::new(share, !issues.iter().any(Issue::is_error)),
        changes_consent: share == Some(Share::CodesOnly) && changes_consent(profile, view),
    }
}

/// Whether records of a profile say anything of consent that could forbid.
#[must_use]
pub fn asks_for_consent(profile: &Profile) -> bool {
    profile.fields.iter().any(asks)
}

pub(super) fn asks(fill: &Fill) -> bool {
    fill.field == Field::ConsentShare && !matches!(fill.from, From::Constant(_))
}

/// Reads some fields only.
fn some(profile: &Profile, view: View<'_>, wanted: fn(Field) -> bool) -> (Draft, Vec<Issue>) {
    let mut draft = Draft::default();
    let mut issues = Vec::new();
    let places = ProfilePlaces { profile };
    let mut reading =
        Reading { zone: &profile.zone, nhs_number: profile.nhs_number, places: &places, issues: &mut issues };
    for fill in profile.fields.iter().filter(|fill| wanted(fill.field)) {
        set(profile, view, fill, &mut draft, &mut reading);
    }
    (draft, issues)
}

/// Whether a rule makes, or but for a mistake would make, a change of consent of the record.
fn changes_consent(profile: &Profile, view: View<'_>) -> bool {
    profile.events.iter().any(|rule| {
        let views = rule.each.as_ref().map_or_else(|| vec![view], |path| view.each(path));
        views.into_iter().any(|view| match &rule.event_type {
            TypeOf::Fixed(event_type) => {
                *event_type == EventType::ConsentChanged && says(profile, view, rule.date.as_ref())
            }
            TypeOf::ByValue(column, values) => {
                // Of several values, any may be the one that is meant.
                let mut changes = false;
                view.values(profile, *column, &mut |value| {
                    let entry = values.get(value.text());
                    let word = entry.and_then(|entry| entry.event.as_deref().or(entry.word.as_deref()));
                    let is_change = word.is_none_or(|word| word == EventType::ConsentChanged.as_str());
                    changes |= is_change && !value.text().is_empty();
                });
                changes
            }
        })
    })
}
