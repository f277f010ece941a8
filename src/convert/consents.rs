//! [`Consents`]: what the input states about persons' consent, beyond the referral it is stated in.
//!
//! A change of consent is about a person, not a referral. Statements are collected while the input is read the
//! first time, and asked for when a referral of that person is written. What is refused or held may forbid, it cannot
//! allow: so a statement by which more may be shared, and the recall of one by which less may, count only where their
//! row passes; `trial.rs` finds out. A row that must be refused by itself states nothing for certain: what it
//! seems to say holds the person's other referrals until it is mended. Next: [`super::known`].

use std::collections::{HashMap, HashSet};

use crate::event::kinds::Share;
use crate::event::{EventType, ReferralEvent};
use crate::map::share::{Statement, statement};
use crate::profile::about::{About, Said};

use super::classes::Classes;
use super::group::{Digest16, Place, digest16};
use super::person_keys::{InSource, source_tag};

/// Statements by person.
pub type ByPerson = HashMap<Digest16, Stated>;
/// Refused rows that say something of a person's consent, by person.
pub type Unclear = HashMap<Digest16, Doubt>;

/// Refused rows that say something of one person's consent.
#[derive(Clone, Copy, Debug)]
pub struct Doubt {
    /// The first of them.
    pub first: Place,
    /// What it says.
    pub said: &'static str,
    /// The last of them.
    pub last: Place,
}

impl Doubt {
    /// The same with another about the same person.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let first = if other.first < self.first { other } else { self };
        Self { last: self.last.max(other.last), ..first }
    }

    /// Whether another row than this says something.
    #[must_use]
    pub fn is_elsewhere(&self, place: Place) -> bool {
        self.first != place || self.last != place
    }
}

/// What is stated of a person.
#[derive(Clone, Debug, Default)]
pub struct Stated {
    /// What counts.
    pub certain: Vec<Statement>,
    /// What was stated by rows that are set aside: it may forbid, it cannot allow.
    pub doubtful: Vec<Statement>,
}

impl Stated {
    /// Adds what is stated of the same person elsewhere.
    pub fn add(&mut self, other: &Self) {
        for (to, from) in [(&mut self.certain, &other.certain), (&mut self.doubtful, &other.doubtful)] {
            from.iter().for_each(|stated| add(to, *stated));
        }
    }
}

fn add(to: &mut Vec<Statement>, stated: Statement) {
    if !to.contains(&stated) {
        to.push(stated);
    }
}

/// A statement, where it was made.
struct Made {
    /// The event of its referral.
    event: Digest16,
    keys: InSource,
    stated: Statement,
    row: RowOf,
}

/// A row and the referral it belongs to, as rows are grouped.
#[derive(Clone, Copy)]
struct RowOf {
    place: Place,
    group: Digest16,
}

/// Statements while they are collected.
#[derive(Default)]
pub struct Consents {
    made: Vec<Made>,
    /// Events that other events of their referral say were entered in error, with the rows of these.
    recalls: HashMap<Digest16, Vec<RowOf>>,
    unclear: Unclear,
}

impl Consents {
    /// Notes what an event states: a change of consent, or that nothing may be shared. `group` is the key of its row.
    pub fn note(&mut self, event: &ReferralEvent, place: Place, group: &[u8]) {
        let row = || RowOf { place, group: digest16(group) };
        if event.event_type == EventType::EnteredInError
            && let Some(target) = &event.target_event_id
        {
            self.recalls.entry(event_of(event, target)).or_default().push(row());
        }
        let Some(stated) = statement(event) else { return };
        if event.event_type == EventType::ConsentChanged || stated.1 == Share::None {
            self.made.push(Made {
                event: event_of(event, &event.event_id),
                keys: InSource::new(source_tag(&event.source), &event.record.person),
                stated,
                row: row(),
            });
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
            let doubt = Doubt { first: place, said, last: place };
            self.unclear.entry(key).and_modify(|known| *known = known.and(doubt)).or_insert(doubt);
        }
    }

    /// Everyone of whom something is known.
    #[must_use]
    pub fn persons(&self) -> HashSet<Digest16> {
        let stated = self.made.iter().flat_map(|made| made.keys.iter());
        stated.chain(self.unclear.keys().copied()).collect()
    }

    /// Refused rows by person, of the export that was read last.
    #[must_use]
    pub fn unclear(&mut self) -> Unclear {
        std::mem::take(&mut self.unclear)
    }

    /// The referrals, by the keys of their rows, whose rows must pass before what they state counts: they allow more,
    /// or recall a statement.
    #[must_use]
    pub fn to_be_tried(&self) -> HashSet<Digest16> {
        let allow = self.made.iter().filter(|made| made.stated.1 != Share::None).map(|made| made.row.group);
        let recalls = self.made.iter().filter_map(|made| self.recalls.get(&made.event)).flatten();
        allow.chain(recalls.map(|row| row.group)).collect()
    }

    /// Statements by what stands for a person, without what was entered in error; `was_there` says whether a row is in this export or
    /// one before it, `passes` whether it is not set aside.
    #[must_use]
    pub fn by_person(
        &self,
        was_there: impl Fn(Place) -> bool,
        passes: impl Fn(Place) -> bool,
        classes: &Classes,
    ) -> ByPerson {
        let mut by_person = ByPerson::new();
        for made in self.made.iter().filter(|made| was_there(made.row.place)) {
            let recalls = self.recalls.get(&made.event).map(Vec::as_slice).unwrap_or_default();
            let mut recalls = recalls.iter().filter(|row| was_there(row.place)).peekable();
            let is_recalled = recalls.peek().is_some();
            if recalls.any(|row| passes(row.place)) {
                continue;
            }
            let (_, share) = made.stated;
            let certain = share == Share::None || (!is_recalled && passes(made.row.place));
            if !certain && share == Share::Full {
                continue;
            }
            for key in made.keys.iter() {
                let known: &mut Stated = by_person.entry(classes.of(key)).or_default();
                add(if certain { &mut known.certain } else { &mut known.doubtful }, made.stated);
            }
        }
        by_person
    }
}

/// Stands for an event of the same referral: an id is the source's, and only its own referral can recall it.
fn event_of(event: &ReferralEvent, id: &str) -> Digest16 {
    digest16(format!("{}\u{1f}{}\u{1f}{id}", event.source, event.referral_id).as_bytes())
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
