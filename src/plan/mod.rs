//! What becomes of submitted events: which are new, what is sent for each, and what must wait. Pure.
//!
//! A [`Planner`] is given what is known of a referral and what came in; it gives a [`Plan`] that a store writes
//! down in one transaction. What this is not: it stores nothing, knows no clock, and asks no endpoint. Invariant:
//! every submitted event ends in exactly one [`Verdict`]; everything that is new has exactly one [`NewEntry`].
//! Next: [`made`], then [`planner`].

mod again;
mod consent;
pub mod doubt;
mod holds;
mod knowing;
pub mod known;
pub mod made;
mod parcels;
pub mod planner;
mod render;
pub mod route;
pub mod unchanged;
mod verdict;
pub mod whose;

#[cfg(test)]
mod hold_tests;
#[cfg(test)]
mod revised_tests;
#[cfg(test)]
mod tests;

pub use consent::{level, nothing_may_leave};
pub use doubt::Doubt;
pub use known::{Known, Other, Submission, Unsent};
pub use made::{Disposition, NewEntry, Plan, Verdict};
pub use planner::Planner;
pub use route::{Route, Routes};
