//! Outbox to endpoint: claim, prepare, store the request, send, settle. One [`Relay`] an endpoint.
//!
//! It joins a store and an endpoint and decides nothing of its own: what follows from an outcome is
//! [`crate::outbox::transition`]'s, whether an endpoint may be tried at all is [`breaker`]'s. What this is not: it
//! holds no queue in memory; the store is the queue. Invariant: nothing is sent before its exact bytes are on the
//! disk under a lease that still holds. Next: [`breaker`], then [`gate`], then [`turn`],
//! then [`attempt`], then [`run`]; [`attention`] for what is left to a person.

pub mod attempt;
pub mod attention;
pub mod breaker;
pub mod gate;
pub mod run;
pub mod turn;
mod under_way;

pub use attention::Attention;
pub use breaker::Breaker;
pub use run::{Pace, Relay};
