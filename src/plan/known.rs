//! What a plan is made from: what came in, and what is known already. Next: [`super::planner`].

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::event::person::Person;
use crate::event::{NhsNumber, ReferralEvent};
use crate::map::share::Statement;
use crate::outbox::{Reason, State};

use super::whose::Whose;

/// Events of one referral that came in together.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The sending system.
    pub source: Arc<str>,
    /// The referral.
    pub referral_id: Arc<str>,
    /// Its events, in the order they came.
    pub events: Vec<ReferralEvent>,
    /// Whether they are all that the sender has of this referral today (a row of a snapshot export).
    pub snapshot: bool,
    /// Whether each was read from a resource that has versions: `recorded_at` is when its version was made, and a later one
    /// takes the place of an earlier one.
    pub versioned: bool,
}

/// What is known of a referral.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Its events, each in its last revision, with the revision's number from 1.
    pub events: Vec<(ReferralEvent, u32)>,
    /// What these events said before they were revised.
    pub earlier: Vec<ReferralEvent>,
    /// What it stated of consent for all of the person's referrals.
    pub statements: Vec<Statement>,
    /// The endpoint of its first delivery.
    pub endpoint: Option<String>,
    /// The practice that chose this endpoint.
    pub practice: Option<String>,
    /// Days on which other sources opened referrals of the same NHS number that are still active.
    pub twins: Vec<Date>,
    /// Ids of events that the endpoint has, or may have.
    pub sent: Vec<String>,
    /// Ids of the events of what has not gone out yet, in the order in which it will.
    pub waits: Vec<String>,
    /// Keys of entries whose sensitive content a person has released.
    pub released: Vec<Uuid>,
    /// Reasons that a person has waived for what goes or went, by event.
    pub waived: BTreeMap<String, Vec<Reason>>,
    /// Whether a record of it was refused because it names another person, and nobody has put that right.
    pub names_another: bool,
    /// Other referrals of the same number, or of the same person of the source.
    pub others: Vec<Other>,
    /// Keys of requests of the clinical system's that another referral answers, which named them first.
    pub taken: Vec<PersonKey>,
    /// The day on which a record about the person's consent was last refused and not mended since.
    pub doubted: Option<Date>,
}

/// Another referral of the same number, or of the same person of the source.
#[derive(Clone, Debug, Default)]
pub struct Other {
    /// Whom it is about.
    pub whose: Whose,
    /// What it states about the person's consent; nothing where it is another source's.
    pub statements: Vec<Statement>,
    /// Whether a third referral contradicts it about whose it is.
    pub in_question: bool,
}

/// An entry that was never attempted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsent {
    /// Its key.
    pub key: Uuid,
    /// Its event.
    pub event_id: String,
    /// Pending or held.
    pub state: State,
    /// Why it is held.
    pub reason: Option<Reason>,
    /// Reasons that a person has waived.
    pub waived: Vec<Reason>,
}

/// Sixteen bytes that stand for a person, so that no index holds an NHS number in the clear. They are hashes of
/// little entropy, so they are as confidential as the events beside them.
pub type PersonKey = [u8; 16];

/// What a person of one source is known by: NHS number, local id.
#[must_use]
pub fn person_keys(event: &ReferralEvent) -> Vec<PersonKey> {
    keys_of(&event.source, &event.record.person)
}

/// The same, of a record that is no event.
#[must_use]
pub fn keys_of(source: &str, person: &Person) -> Vec<PersonKey> {
    let number = person.nhs_number.map(|number| format!("{source}\u{1f}nhs\u{1f}{}", number.as_str()));
    let local = person.local_id.as_ref().map(|local| format!("{source}\u{1f}local\u{1f}{local}"));
    number.into_iter().chain(local).map(|key| short_hash(key.as_bytes())).collect()
}

/// The key of an NHS number, the same for every source.
#[must_use]
pub fn number_key(event: &ReferralEvent) -> Option<PersonKey> {
    event.record.person.nhs_number.map(key_of_number)
}

/// The same, of a number.
#[must_use]
pub fn key_of_number(number: NhsNumber) -> PersonKey {
    short_hash(number.as_str().as_bytes())
}

/// The key of the clinical system's request that an event names, whatever the source.
#[must_use]
pub fn request_key(event: &ReferralEvent) -> Option<PersonKey> {
    let request = event.record.fulfils.as_ref()?;
    Some(short_hash(format!("request\u{1f}{}\u{1f}{}", request.system, request.value).as_bytes()))
}

pub(super) fn short_hash(bytes: &[u8]) -> PersonKey {
    let mut short = [0; 16];
    short.iter_mut().zip(Sha256::digest(bytes)).for_each(|(to, from)| *to = from);
    short
}
