//! Every log line, counter and alarm of the daemon. No patient data, by construction.
//!
//! What is said is made of numbers, keys and the words of [`crate::outbox`]; nothing here takes an event or a request.
//! Invariant: whatever is logged could be read out in a corridor. Next: [`log`], then [`metrics`], then [`alarm`].

pub mod alarm;
pub mod log;
pub mod metrics;

pub use metrics::Metrics;
