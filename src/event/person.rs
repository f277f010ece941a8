//! The record of a referral: who it is about, who referred, to what service, with what consent.
//!
//! These are facts about the referral as a whole; what happened is in [`super::detail`]. Everything here is
//! plain data that has passed its newtypes. `Debug` shows nothing. Next: [`super::detail`].

use std::fmt;

use serde::Serialize;

use super::kinds::{Gender, NhsNumberStatus, Priority, ReferrerKind, ServiceKind, Share};
use super::nhs_number::NhsNumber;
use super::ods_code::OdsCode;
use super::postcode::Postcode;
use super::term::{Term, is_false};
use super::when::When;

macro_rules! redacted {
    ($($name:ident),*) => { $(
        /// Redacted: it is about a person.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(concat!(stringify!($name), "(…)")) }
        }
    )* };
}
pub(super) use redacted;

/// The person a referral is about.
#[derive(Clone, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Person {
    /// NHS number, checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nhs_number: Option<NhsNumber>,
    /// How far the NHS number was traced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nhs_number_status: Option<NhsNumberStatus>,
    /// The source's own identifier of the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_id: Option<String>,
    /// Family name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// Given names in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub given: Vec<String>,
    /// Title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// The name the person prefers to be called by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_name: Option<String>,
    /// Former family names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub former_family: Vec<String>,
    /// Date of birth; may be partial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birth_date: Option<When>,
    /// Gender.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gender: Option<Gender>,
    /// Ethnic category, as the source words it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ethnicity: Option<Term>,
    /// Address lines without the postcode.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub address_lines: Vec<String>,
    /// Town.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// Postcode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postcode: Option<Postcode>,
    /// Telephone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Mobile telephone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mobile: Option<String>,
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// ODS code of the practice the person is registered with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub practice_ods: Option<OdsCode>,
    /// The practice's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub practice_name: Option<String>,
    /// What the person needs to communicate (interpreter, large print…).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub communication_needs: Option<Term>,
    /// How to contact the person safely, as a controlled term.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub safe_contact: Option<Term>,
    /// The telephone number that is safe to use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub safe_phone: Option<String>,
    /// Marked sensitive or protected: a person must handle the referral.
    #[serde(skip_serializing_if = "is_false")]
    pub protected: bool,
}

/// Who referred, and from where.
#[derive(Clone, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Referrer {
    /// What kind of referrer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<ReferrerKind>,
    /// The source's own words or code for the source of the referral.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Term>,
    /// The professional's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The professional's role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// ODS code of the referring organisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organisation_ods: Option<OdsCode>,
    /// Name of the referring organisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organisation_name: Option<String>,
    /// Telephone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// A service to which a person is referred or signposted.
#[derive(Clone, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Service {
    /// What kind of service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<ServiceKind>,
    /// The source's identifier of the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// ODS code of the organisation that provides it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organisation_ods: Option<OdsCode>,
    /// Name of that organisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organisation_name: Option<String>,
}

/// What the person agreed may be shared.
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Consent {
    /// How much.
    pub share: Share,
    /// When it was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<When>,
}

/// An identifier of another system.
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
pub struct ExternalId {
    /// The identifier system, a URI.
    pub system: String,
    /// The value.
    pub value: String,
}

/// The facts about a referral as a whole.
#[derive(Clone, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Record {
    /// The person.
    pub person: Person,
    /// Who referred.
    pub referrer: Referrer,
    /// To what service.
    pub service: Service,
    /// Consent, when recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
    /// The risk or safeguarding indicator, as a controlled term.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk: Option<Term>,
    /// How urgent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// The clinical system's request that this referral answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fulfils: Option<ExternalId>,
    /// Other requests this one is based on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub based_on: Vec<ExternalId>,
    /// The case number the source prints, where it differs from the referral id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case_reference: Option<String>,
    /// Elements of the PRSB standard that have no typed field here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub prsb: Vec<PrsbElement>,
}

/// An element of the PRSB standard carried by its path.
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
pub struct PrsbElement {
    /// Its path in `prsb-elements`, such as `Person demographics > Religion`.
    pub path: String,
    /// Its value.
    pub value: String,
}

redacted!(Person, Referrer, Service, Consent, ExternalId, Record, PrsbElement);
