//! What the operations do, asked of both stores; and that both always answer alike.

mod behaviour;
mod decisions;
mod delivery;
mod disputes;
mod follows;
mod given_up;
mod meanwhile;
mod model;
mod notices;
mod persons;
mod put_right;
mod restricts;
pub(crate) mod samples;
mod waiting;

use std::time::Duration;

use super::{Filter, Store};
use crate::outbox::{Reason, State};

fn each(test: impl Fn(&mut dyn Store)) {
    let (mut stores, _dir) = samples::both();
    stores.iter_mut().for_each(|store| test(store.as_mut()));
}

fn states(store: &mut dyn Store) -> Vec<(State, Option<Reason>)> {
    let all = Filter { limit: 100, ..Filter::default() };
    store.entries(&all).unwrap().iter().map(|entry| (entry.state, entry.reason)).collect()
}

fn days(days: u64) -> Duration {
    Duration::from_secs(days * samples::DAY)
}
