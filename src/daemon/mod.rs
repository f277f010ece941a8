//! The process beside the practice system: it starts the loops, keeps them going, and drains them.
//!
//! [`parts`] makes what a configuration describes, [`run`] starts one part for each thing that goes on: intake,
//! watched folders, one relay an endpoint, upkeep; a configuration that is read again ([`reload`]) replaces the parts that it changes. What this is not: it decides nothing about events or entries.
//! Invariant: one daemon a data folder ([`lock`]); whatever stops it, what was accepted is on the disk and what was being sent is
//! looked at again. Next: [`parts`], then [`run`].

mod base;
pub mod endpoints;
pub mod error;
pub mod folders;
mod health;
pub mod kept;
pub mod lock;
mod made;
mod part;
pub mod parts;
pub mod pulls;
pub mod reload;
pub mod run;
mod upkeep;
pub mod watched;

pub use error::DaemonError;
pub use parts::Parts;
pub use reload::Reloading;
