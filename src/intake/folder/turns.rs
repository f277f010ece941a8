//! [`Turns`]: files of different folders are read at the same time, but one that was being read when the last process
//! ended is read alone.
//!
//! Several folders may each have had a file under way when the process ended, and one of them is to blame at most. Read
//! alone, the next end names it, and the others are counted no further. What this is not: a limit. Invariant: while a
//! file is read alone no other file of the process is. Next: `mark.rs`.

use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Whose turn it is to read a file; one for all watched folders of a process.
#[derive(Debug, Default)]
pub struct Turns(RwLock<()>);

/// While it lives, a file may be read.
pub(super) enum Turn<'a> {
    Together { _guard: RwLockReadGuard<'a, ()> },
    Alone { _guard: RwLockWriteGuard<'a, ()> },
}

impl Turns {
    /// Waits for a turn. Who wants to be alone is not passed over by those who come later.
    pub(super) async fn take(&self, alone: bool) -> Turn<'_> {
        if alone {
            Turn::Alone { _guard: self.0.write().await }
        } else {
            Turn::Together { _guard: self.0.read().await }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_reads_alone_waits_for_the_others_and_they_for_it() {
        use std::future::Future as _;
        use std::task::{Context, Poll, Waker};
        let is_free = |turns: &Turns, alone| {
            let mut turn = std::pin::pin!(turns.take(alone));
            matches!(turn.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(_))
        };
        let turns = Turns::default();
        let together = turns.take(false).await;
        assert!(is_free(&turns, false) && !is_free(&turns, true));
        drop(together);
        let alone = turns.take(true).await;
        assert!(!is_free(&turns, false) && !is_free(&turns, true));
        drop(alone);
        assert!(is_free(&turns, true));
    }
}
