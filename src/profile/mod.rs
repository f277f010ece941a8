//! Profiles: how one export's columns become events. Data, not code: a TOML file a person can read and review.
//!
//! [`raw`] is the file as written, [`compile`] the file resolved and checked in itself, [`view`] a record
//! as a profile sees it, [`read`] one record into events, [`about`] what must be known of it first (of one that is torn too, `torn`), [`check`] the profile held against a file before
//! any row is converted, [`draft`] a first profile from headings and values ([`sample`], [`sniff`], [`synonyms`]),
//! [`shipped`] those that come with the program. Pure: reading the files is
//! [`crate::convert`]'s. docs/PROFILES.md explains the format to people. Next: [`raw`].

pub mod about;
#[cfg(feature = "convert")]
pub(crate) mod about_torn;
pub mod check;
pub mod compile;
pub mod draft;
mod named_columns;
mod places;
mod placing;
pub mod raw;
pub mod read;
pub mod sample;
pub mod shipped;
pub mod sniff;
pub mod synonyms;
#[cfg(feature = "convert")]
pub(crate) mod torn;
mod undecided;
mod value_words;
pub mod values;
pub mod view;

pub use compile::Profile;
