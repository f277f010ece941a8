//! [`Doubt`]: what a refused record says of a person's consent.
//!
//! A record that must be refused states nothing for certain; that its person shares nothing, or less, must be heeded all the
//! same. So what waits of that referral, and of the person's others, is held until the record is mended or a person has
//! found out. What this is not: a statement of consent, which decides. Pure. Next: [`super::planner`].

use uuid::Uuid;

use crate::event::kinds::Share;
use crate::event::person::Person;
use crate::event::{EventType, Issue, IssueCode, NhsNumber, Position, ReferralEvent};
use crate::map::share::statement;

use super::known::{PersonKey, key_of_number, keys_of, short_hash};
use super::planner::Planner;

/// What a refused record says of a person's consent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// Stands for the record: one that is taken under the same name mends it.
    pub record: PersonKey,
    /// Whom it concerns: the referral, and what the person is known by.
    pub keys: Vec<PersonKey>,
}

impl Doubt {
    /// Of a record that is no event, as far as it can be read. Nothing where it names neither referral nor person.
    #[must_use]
    pub fn new(
        source: Option<&str>,
        referral_id: Option<&str>,
        event_id: Option<&str>,
        person: &Person,
    ) -> Option<Self> {
        let source = source.map(|source| source.trim_end_matches('/'));
        let referral =
            source.zip(referral_id).map(|(source, id)| referral_key(Planner::referral(source, id)));
        let mut keys: Vec<PersonKey> = referral.into_iter().collect();
        match source {
            Some(source) => keys.extend(keys_of(source, person)),
            // Whose source is not known, the number concerns all of them.
            None => keys.extend(person.nhs_number.map(key_of_number)),
        }
        let record = record_key(source.unwrap_or_default(), referral_id.unwrap_or_default(), event_id);
        (!keys.is_empty()).then_some(Self { record, keys })
    }

    /// The same, where a record whose parts cannot be told apart holds other numbers: any of them may be the person's.
    #[must_use]
    pub fn of_more(mut self, source: Option<&str>, numbers: &[NhsNumber]) -> Self {
        let source = source.map(|source| source.trim_end_matches('/'));
        for number in numbers {
            let person = Person { nhs_number: Some(*number), ..Person::default() };
            match source {
                Some(source) => self.keys.extend(keys_of(source, &person)),
                None => self.keys.push(key_of_number(*number)),
            }
        }
        self
    }

    /// Of an event that was read and is not taken.
    #[must_use]
    pub fn of(event: &ReferralEvent) -> Self {
        let mut keys = vec![referral_key(Planner::referral(&event.source, &event.referral_id))];
        keys.extend(keys_of(&event.source, &event.record.person));
        Self { record: record_key(&event.source, &event.referral_id, Some(&event.event_id)), keys }
    }
}

/// What is said of an event, or of what is none, that is not taken and heeded all the same.
#[must_use]
pub fn said() -> Issue {
    Issue::new(IssueCode::ConsentHeeded, Position::path("record.consent"), "less may be shared than before")
}

/// The key of a referral.
#[must_use]
pub const fn referral_key(referral: Uuid) -> PersonKey {
    referral.into_bytes()
}

/// Whether what an event says of consent must be heeded even if the event is not taken.
#[must_use]
pub fn heeded(event: &ReferralEvent) -> bool {
    match statement(event) {
        Some((_, Share::None)) => true,
        Some((_, Share::CodesOnly)) => event.event_type == EventType::ConsentChanged,
        Some((_, Share::Full)) | None => false,
    }
}

/// The records that an event mends, now that it is taken: what was refused under its id, or of the event that it corrects.
/// A row of a snapshot has no id of its own that a refused one
/// could give: it mends what was refused of its referral when it says something of consent. So does an event that
/// restricts; one that allows everything does so only under its own id.
pub(super) fn mends(event: &ReferralEvent, snapshot: bool) -> Vec<PersonKey> {
    let key = |id| record_key(&event.source, &event.referral_id, id);
    let stated = statement(event);
    let of_referral = if snapshot { stated.is_some() } else { heeded(event) };
    let named = [Some(event.event_id.as_str()), event.target_event_id.as_deref()];
    named.into_iter().flatten().map(|id| key(Some(id))).chain(of_referral.then(|| key(None))).collect()
}

fn record_key(source: &str, referral_id: &str, event_id: Option<&str>) -> PersonKey {
    let event_id = event_id.map(|id| format!("\u{1f}{id}")).unwrap_or_default();
    short_hash(format!("record\u{1f}{source}\u{1f}{referral_id}{event_id}").as_bytes())
}
