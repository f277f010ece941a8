//! [`Keeper`]: the one thread that writes, behind a queue of bounded length.
//!
//! Callers hand in work and wait for its answer, blocking or not. The thread takes whatever waits, does it in one
//! group, has the disk synchronise once, and only then answers all. What this is not: it knows nothing of the work. Invariant: what was
//! answered as done is on the disk; after the disk refused to synchronise nothing is ever answered as done again. Next:
//! `thread.rs`.

#[cfg(test)]
mod tests;
mod thread;

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use super::{Store, StoreError};
pub use thread::GROUP;

/// What is written to see whether there is room: about as much as an event takes.
const ROOM: &str = const {
    match std::str::from_utf8(&[b'.'; 8192]) {
        Ok(word) => word,
        Err(_) => "",
    }
};

/// The pauses of those who insist.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Does its work, if there is a store to do it on, and gives what is to be told once it is known whether that lasts.
type Work = Box<dyn FnOnce(Result<&mut dyn Store, StoreError>) -> Answer + Send>;
/// Tells the caller: with nothing, that it is on the disk; with an error, that it is not.
type Answer = Box<dyn FnOnce(Option<StoreError>)>;

/// A way to the writing thread. Cheap to clone; the thread ends when the last one is gone and all work is done.
#[derive(Clone)]
pub struct Keeper {
    work: SyncSender<Work>,
    stopped: Arc<AtomicBool>,
    full: Arc<AtomicBool>,
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeper").field("stopped", &self.has_stopped()).finish_non_exhaustive()
    }
}

impl Keeper {
    /// Starts the thread. At most `queue` pieces of work wait; more are [`StoreError::Busy`].
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(store: impl Store + 'static, queue: usize) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (work, waiting) = sync_channel(queue.max(1));
        let stopped = Arc::new(AtomicBool::new(false));
        let has_stopped = Arc::clone(&stopped);
        let run = move || thread::run(store, &waiting, &has_stopped);
        let thread = std::thread::Builder::new().name("store".to_owned()).spawn(run)?;
        Ok((Self { work, stopped, full: Arc::default() }, thread))
    }

    /// Hands in work. It is done even when nobody waits for the reply.
    ///
    /// # Errors
    /// The queue is full, or the thread has stopped; the work was not done.
    pub fn submit<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<Reply<T>, StoreError> {
        if self.has_stopped() {
            return Err(StoreError::Stopped);
        }
        let (tell, reply) = oneshot::channel();
        let full = Arc::clone(&self.full);
        let work: Work = Box::new(move |store| {
            // A panic is a defect of one piece of work; the operation it was in has been undone, the others go on.
            let done = store.and_then(|store| {
                catch_unwind(AssertUnwindSafe(|| work(store))).unwrap_or(Err(StoreError::Panicked))
            });
            Box::new(move |refused| {
                let answer = refused.map_or(done, Err);
                if matches!(answer, Err(StoreError::Full)) && !full.swap(true, Ordering::AcqRel) {
                    tracing::error!("the disk is full: nothing is taken in or delivered until there is room");
                }
                // Nobody need be waiting any more.
                let _ = tell.send(answer);
            })
        });
        match self.work.try_send(work) {
            Ok(()) => Ok(Reply(reply)),
            Err(TrySendError::Full(_)) => Err(StoreError::Busy),
            Err(TrySendError::Disconnected(_)) => Err(StoreError::Stopped),
        }
    }

    /// Hands in work and waits for its answer.
    ///
    /// # Errors
    /// As the work, and as [`Keeper::submit`].
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.submit(work)?.await
    }

    /// Hands in work until the store takes it: again and again while it is busy or the disk is full, for so long in all. For work
    /// that must not be dropped because others have much to do, and that may be handed in again: what was answered
    /// as busy or full was not done.
    ///
    /// # Errors
    /// As the work, and as [`Keeper::submit`] when that was not enough.
    pub async fn insist<T: Send + 'static, W>(
        &self,
        patience: Duration,
        mut work: impl FnMut() -> W,
    ) -> Result<T, StoreError>
    where
        W: FnOnce(&mut dyn Store) -> Result<T, StoreError> + Send + 'static,
    {
        let (mut waited, mut pause) = (Duration::ZERO, FIRST_PAUSE);
        loop {
            match self.run(work()).await {
                Err(StoreError::Busy | StoreError::Full) if waited < patience => {
                    tokio::time::sleep(pause).await;
                    waited += pause;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                answered => return answered,
            }
        }
    }

    /// Hands in work and blocks until it is answered. Not from asynchronous code.
    ///
    /// # Errors
    /// As the work, and as [`Keeper::submit`].
    pub fn run_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.submit(work)?.wait()
    }

    /// Whether the disk refused and nothing is written any more.
    #[must_use]
    pub fn has_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Whether the disk was full when something was last to be written, and nobody has found room since.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.full.load(Ordering::Acquire)
    }

    /// Writes a word where the disk was full, to see whether there is room again.
    ///
    /// # Errors
    /// There is none, or as [`Keeper::submit`].
    pub async fn look_for_room(&self) -> Result<(), StoreError> {
        if self.is_full() {
            self.run(|store| store.set_note("room", ROOM)).await?;
            self.run(|store| store.set_note("room", "")).await?;
            self.full.store(false, Ordering::Release);
            tracing::info!("the disk has room again");
        }
        Ok(())
    }
}

/// The answer to come.
#[derive(Debug)]
pub struct Reply<T>(oneshot::Receiver<Result<T, StoreError>>);

impl<T> Reply<T> {
    /// Blocks until it is there. Not from asynchronous code.
    ///
    /// # Errors
    /// As the work, or the thread stopped before it was done.
    pub fn wait(self) -> Result<T, StoreError> {
        self.0.blocking_recv().unwrap_or(Err(StoreError::Stopped))
    }
}

impl<T> Future for Reply<T> {
    type Output = Result<T, StoreError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|reply| reply.unwrap_or(Err(StoreError::Stopped)))
    }
}
