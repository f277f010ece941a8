//! [`Whose`]: whom a referral is about, as far as another referral's record may contradict it.
//!
//! What `sp-fhir convert` finds between the rows of a file ([`crate::convert::persons`]) this finds between the referrals
//! of a store: one NHS number with two dates of birth, one person of a source with two numbers. Whose the record is,
//! nobody here can say, so both wait. Pure. Next: [`super::doubt`].

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::event::{ReferralEvent, family_name};
use crate::outbox::Reason;

/// Whom a referral is about, by its newest record.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whose {
    /// URI of the source, which gives the local id its meaning.
    source: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    local: Option<String>,
    /// As far as it is known: `1951`, `1951-08`, `1951-08-11`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    birth: Option<String>,
    /// All names on record, folded.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    families: Vec<String>,
    /// Whether events of the referral name another person, too.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    two: bool,
}

/// What two records contradict each other about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dispute {
    /// One NHS number, two dates of birth.
    BirthDates,
    /// One local identifier of a source, two NHS numbers.
    Numbers,
    /// One NHS number, no family name in common.
    Names,
}

impl Dispute {
    /// The reason for which both wait; none where they do not.
    #[must_use]
    pub const fn reason(self) -> Option<Reason> {
        match self {
            Self::BirthDates => Some(Reason::BirthDates),
            Self::Numbers => Some(Reason::NhsNumbers),
            Self::Names => None,
        }
    }
}

impl Whose {
    /// Whom an event is about.
    #[must_use]
    pub fn of(event: &ReferralEvent) -> Self {
        let person = &event.record.person;
        Self {
            source: event.source.to_string(),
            number: person.nhs_number.map(|number| number.as_str().to_owned()),
            local: person.local_id.clone(),
            birth: person.birth_date.map(|when| when.day_text()),
            families: family_name::on_record(person).collect(),
            two: false,
        }
    }

    /// The same of a referral whose events name more than one person, if they do.
    #[must_use]
    pub fn of_two(self, two: bool) -> Self {
        Self { two, ..self }
    }

    /// Whether events of the referral name more than one person.
    #[must_use]
    pub const fn names_two(&self) -> bool {
        self.two
    }

    /// Whether another record says that the two cannot both be right about whose they are. A surname may change.
    #[must_use]
    pub fn is_disputed_by(&self, other: &Self) -> bool {
        self.against(other).and_then(Dispute::reason).is_some()
    }

    /// What another record says against this one; the gravest.
    #[must_use]
    pub fn against(&self, other: &Self) -> Option<Dispute> {
        let both = |one: &Option<String>, two: &Option<String>| one.is_some() && one == two;
        if !both(&self.number, &other.number) {
            let same_local = self.source == other.source && both(&self.local, &other.local);
            let have_numbers = self.number.is_some() && other.number.is_some();
            return (same_local && have_numbers).then_some(Dispute::Numbers);
        }
        // A partial date says the same as a whole one that begins with it.
        let born = match (&self.birth, &other.birth) {
            (Some(one), Some(two)) => !one.starts_with(two.as_str()) && !two.starts_with(one.as_str()),
            _ => false,
        };
        let named = !self.families.is_empty() && !other.families.is_empty();
        let shared = self.families.iter().any(|name| other.families.contains(name));
        match (born, named && !shared) {
            (true, _) => Some(Dispute::BirthDates),
            (false, true) => Some(Dispute::Names),
            (false, false) => None,
        }
    }
}

/// Redacted.
impl fmt::Debug for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Whose(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whose(number: &str, local: &str, birth: &str, families: &[&str]) -> Whose {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Whose {
            source: "https://a.example".into(),
            number: text(number),
            local: text(local),
            birth: text(birth),
            families: families.iter().map(|name| (*name).to_owned()).collect(),
            two: false,
        }
    }

    #[test]
    fn a_number_has_one_date_of_birth_and_a_person_one_number() {
        let one = whose("9990004218", "P1", "1951-08-11", &["pryce"]);
        for (other, dispute) in [
            (whose("9990004218", "P1", "1951-08-11", &["pryce"]), None),
            (whose("9990004218", "P2", "1951-08", &[]), None),
            (whose("9990004218", "P2", "1951-11-08", &["pryce"]), Some(Dispute::BirthDates)),
            (whose("9990004218", "P2", "1951-08-11", &["jones"]), Some(Dispute::Names)),
            (whose("9990004218", "P2", "1951-08-11", &["jones", "pryce"]), None),
            (whose("9990000042", "P1", "1951-08-11", &["pryce"]), Some(Dispute::Numbers)),
            (whose("9990000042", "P2", "1951-11-08", &["jones"]), None),
            (whose("", "P1", "1951-11-08", &["jones"]), None),
        ] {
            assert_eq!(one.against(&other), dispute);
            assert_eq!(other.against(&one), dispute);
        }
        let elsewhere = Whose { source: "https://b.example".into(), ..whose("9990000042", "P1", "", &[]) };
        assert_eq!(one.against(&elsewhere), None, "another source's P1 is somebody else");
        assert_eq!(format!("{one:?}"), "Whose(…)");
    }
}
