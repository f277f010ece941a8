//! *Pull*: the clinical system's own requests, and what it did with ours, as events.
//!
//! [`run::Puller`] asks one endpoint for the Tasks and ServiceRequests that changed since its cursor ([`read`]), leaves
//! out what it has seen, judges the rest ([`judge`]), remembers what is not clear yet ([`unclear`]) and hands the events to its [`sink`]s; those for a
//! [webhook](crate::endpoint::webhook) become entries of the outbox. What this is not: it writes nothing at the endpoint.
//! Invariant: a version counts as seen, and the cursor moves on, only after every sink has what came of it; so after a crash something may be handed over twice, with the same ids, and nothing is lost. For a
//! webhook it is one transaction, and not even that happens.
//! Next: [`page`], [`cursor`], [`judge`], [`unclear`], which are pure; then [`read`], [`related`] and [`run`].

pub mod cursor;
pub mod fresh;
pub mod judge;
pub mod page;
pub mod read;
pub mod related;
pub mod run;
pub mod sink;
pub mod unclear;
