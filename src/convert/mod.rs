//! The pipeline of `sp-fhir convert`: the same flow as the daemon's, with a file at each end.
//!
//! [`run`] joins the parts: [`crate::source`] splits, [`group`] brings a referral's rows together, [`interpret`]
//! makes events, [`referral`] folds and maps, [`since`] keeps what is new, [`render`] makes bytes, [`output`]
//! writes them, [`rejects`] what was refused, [`report`] counts. What this is not: it decides nothing about referrals; that is
//! [`crate::map`]'s. Invariant: rows in = rows accounted for. Next: [`run`].

pub mod consents;
pub mod error;
pub mod folder;
pub mod group;
pub mod interpret;
pub mod output;
pub mod part;
pub mod referral;
pub mod rejects;
pub mod render;
pub mod report;
pub mod run;
pub mod sample;
pub mod since;
mod sorter;

pub use error::{ConvertError, Exit};
pub use report::Report;
