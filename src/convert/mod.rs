//! The pipeline of `sp-fhir convert`: the same flow as the daemon's, with a file at each end.
//!
//! [`run`] joins the parts. [`first_look`] learns what only the whole input shows ([`repeats`], [`persons`],
//! [`consents`], joined by [`classes`], put together in [`known`]; `trial` sees which rows that allow something pass); `feed` reads, and [`group`] brings a referral's rows together;
//! [`interpret`] makes events; `work` does [`referral`] after referral: `rows` reads, `earlier` adds up earlier exports, [`since`] keeps what is new,
//! `account` maps and says what became of each row; [`render`] makes bytes; `collect` puts everything back in
//! order for [`output`] (to one file or a [`folder`], each [`part`] whole or not at all), [`rejects`], [`duplicates`] and [`report`]. What this is not: it decides nothing about one
//! referral alone; that is [`crate::map`]'s. Invariant: rows in = rows accounted for. Next: [`run`].

mod account;
pub(crate) mod canonical;
pub mod classes;
mod collect;
pub mod consents;
pub mod duplicates;
mod earlier;
pub mod error;
mod feed;
pub mod first_look;
pub mod folder;
pub mod group;
pub mod interpret;
pub mod known;
pub mod meaning;
pub mod output;
pub mod part;
pub mod person_keys;
pub mod persons;
pub mod read_back;
pub mod referral;
pub mod rejects;
pub mod render;
pub mod reopened;
pub mod repeats;
pub mod report;
mod rows;
pub mod run;
pub mod sample;
pub mod since;
mod sorter;
mod trial;
mod unchanged;
pub mod whose;
mod work;

pub use error::{ConvertError, Exit};
pub use report::Report;
