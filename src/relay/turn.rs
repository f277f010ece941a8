//! [`Turn`]: entries are prepared together, but one that was being prepared when the program ended is prepared alone.
//!
//! So it is known which entry was to blame if the program ends again: it stands in a note of the store while it is
//! prepared. What this is not: a limit; the gate and the breaker are. Invariant: a note that outlives its process names the only
//! entry of its endpoint that was being prepared. Next: [`super::attempt`].

use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::store::{Lease, Store, StoreError};

/// Whose turn it is to be prepared at one endpoint.
#[derive(Debug, Default)]
pub struct Turn(RwLock<()>);

impl Turn {
    pub(super) async fn together(&self) -> RwLockReadGuard<'_, ()> {
        self.0.read().await
    }

    pub(super) async fn alone(&self) -> RwLockWriteGuard<'_, ()> {
        self.0.write().await
    }
}

fn name(endpoint: &str) -> String {
    format!("prepared-alone/{endpoint}")
}

/// Notes that an entry is prepared alone; with nothing, that none is.
///
/// # Errors
/// The store cannot be used.
pub fn note(store: &mut dyn Store, endpoint: &str, lease: Option<&Lease>) -> Result<(), StoreError> {
    let word = lease.map(|lease| format!("{} {}", lease.id, lease.token)).unwrap_or_default();
    store.set_note(&name(endpoint), &word)
}

/// The entry that was being prepared alone when the process ended.
///
/// # Errors
/// The store cannot be used.
pub fn noted(store: &mut dyn Store, endpoint: &str) -> Result<Option<Lease>, StoreError> {
    let word = store.note(&name(endpoint))?;
    let read = |word: String| {
        let (id, token) = word.split_once(' ')?;
        Some(Lease { id: id.parse().ok()?, token: token.parse().ok()? })
    };
    Ok(word.and_then(read))
}
