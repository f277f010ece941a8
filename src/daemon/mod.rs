//! The process beside the practice system: it starts the loops, keeps them going, and drains them.
//!
//! [`parts`] makes what a configuration describes, [`run`] starts one task for each thing that goes on: intake,
//! watched folders, one relay an endpoint, upkeep. What this is not: it decides nothing about events or entries.
//! Invariant: one daemon a data folder ([`lock`]); whatever stops it, what was accepted is on the disk and what was being sent is
//! looked at again. Next: [`parts`], then [`run`].

pub mod endpoints;
pub mod error;
pub mod folders;
pub mod kept;
pub mod lock;
pub mod parts;
pub mod pulls;
pub mod run;
mod upkeep;

pub use error::DaemonError;
pub use parts::Parts;
