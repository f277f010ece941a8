//! Step 2, *validate*: what an event is, and the only ways to make one. Pure.
//!
//! A [`ReferralEvent`] is one thing that happened to one referral. Everything the library takes in becomes
//! this first; everything it sends out is a function of these. Values are checked once, when they are built
//! ([`build`]), into types that cannot hold anything else; everything wrong is collected as [`Issue`]s with
//! a position. What this is not: it knows no FHIR and no codes' meaning. Next: [`field`], the table of
//! everything an event can say; then [`crate::codeset`], step 3.

pub(crate) mod blank;
pub mod build;
pub mod date_format;
pub mod detail;
pub mod family_name;
pub mod field;
pub mod finish;
pub mod hash;
pub mod issue;
pub mod issue_code;
pub mod kinds;
pub mod nhs_number;
pub mod ods_code;
pub mod person;
mod plausible;
pub mod postcode;
pub mod prsb;
pub mod read;
pub mod reading;
pub mod referral_event;
pub mod schema;
mod set;
pub mod term;
pub mod when;

#[cfg(test)]
mod tests;

pub use detail::Detail;
pub use issue::{Issue, IssueCode, Position, Severity};
pub use kinds::EventType;
pub use nhs_number::NhsNumber;
pub use ods_code::OdsCode;
pub use person::Record;
pub use referral_event::ReferralEvent;
pub use term::Term;
pub use when::When;
