//! Closing the loop: what was delivered is read back, and our record is held against the endpoint's.
//!
//! [`diff`] compares, purely; [`read_back`] acknowledges delivered entries while the daemon runs; [`gather`] compares
//! everything when a person asks, and [`report`] says it. What this is not: it changes nothing at an endpoint, and what
//! others did to our Task is news for the pull, not a fault. Invariant: ids, versions and numbers only; content never
//! leaves the comparison. Next: [`diff`].

pub mod csv;
pub mod diff;
pub mod gather;
pub mod html;
pub mod read_back;
pub mod report;

pub use diff::{Class, Line};
pub use gather::{ReconcileError, compare};
pub use read_back::ReadBack;
pub use report::{AtEndpoint, Report};
