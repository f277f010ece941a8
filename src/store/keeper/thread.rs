//! The writing thread itself: what waits is done in groups, and told once it is known whether it lasts.
//!
//! Next: [`crate::store::MemoryStore`].

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;

use super::{Answer, Work};
use crate::store::{Store, StoreError};

/// At most so many pieces of work share one synchronisation of the disk.
pub const GROUP: usize = 256;

/// Works until nobody is left to work for, or the disk refuses.
pub(super) fn run(mut store: impl Store, waiting: &Receiver<Work>, stopped: &AtomicBool) {
    while let Ok(first) = waiting.recv() {
        let more = std::iter::from_fn(|| waiting.try_recv().ok()).take(GROUP - 1);
        let group: Vec<Work> = std::iter::once(first).chain(more).collect();
        if !together(&mut store, group) {
            // What still waits hears of it when the queue is dropped.
            stopped.store(true, Ordering::Release);
            return;
        }
    }
}

/// Does a group. Says whether the next one may be tried.
fn together(store: &mut impl Store, group: Vec<Work>) -> bool {
    if let Err(error) = store.begin() {
        tell(&error);
        // Not one of them was begun.
        group.into_iter().for_each(|work| work(Err(again(&error)))(None));
        return passes(&error);
    }
    let answers: Vec<Answer> = group.into_iter().map(|work| work(Ok(store))).collect();
    let committed = store.commit();
    if let Err(error) = &committed {
        tell(error);
    }
    let refused = || committed.as_ref().err().map(again);
    answers.into_iter().for_each(|answer| answer(refused()));
    committed.as_ref().err().is_none_or(passes)
}

/// Callers hear only that the store has stopped; why stands in the log, once.
fn tell(error: &StoreError) {
    if !passes(error) {
        tracing::error!(%error, "the store has stopped: nothing is taken in or delivered any more");
    }
}

/// Whether a later group may go through. A disk that refused to synchronise is never asked again: it may say yes
/// without having written what it lost.
const fn passes(error: &StoreError) -> bool {
    matches!(error, StoreError::Full | StoreError::Busy)
}

/// The error for each of the group.
const fn again(error: &StoreError) -> StoreError {
    match error {
        StoreError::Full => StoreError::Full,
        StoreError::Busy => StoreError::Busy,
        _ => StoreError::Stopped,
    }
}
