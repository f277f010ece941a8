//! Step 5, *keep*: what may become of an accepted event, from the moment it is accepted to its end. Pure.
//!
//! An [`Entry`] is one event on its way to one endpoint. It is in exactly one [`State`]; [`transition`] is the only
//! place that says which state follows which, [`Reason`] the only list of why something waits or ended. What this
//! is not: it stores nothing ([`store`](crate::store) does) and sends nothing. Invariant: no state changes but
//! through [`transition`], and every entry that was ever accepted is in one of the eleven states. Next: [`state`].

pub mod command;
pub mod ends;
pub mod entry;
pub mod outcome;
pub mod parcel;
pub mod reason;
pub mod retry;
pub mod state;
pub mod transition;

pub use command::Command;
pub use entry::{Entry, EntryId};
pub use outcome::{Outcome, Placed, Receipt, Refusal};
pub use parcel::{Parcel, Subject};
pub use reason::Reason;
pub use state::State;
