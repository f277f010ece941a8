//! [`Keeper`]: the one thread that writes, behind a queue of bounded length.
//!
//! Callers hand in work and wait for its answer, blocking or not. The thread takes whatever waits, does it in one
//! group, has the disk synchronise once, and only then answers all. What this is not: it knows nothing of the work. Invariant: what was
//! answered as done is on the disk; after the disk refused to synchronise nothing is ever answered as done again. Next:
//! [`super::memory`](super::MemoryStore).

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use super::{Store, StoreError};

/// At most so many pieces of work share one synchronisation of the disk.
pub const GROUP: usize = 256;

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
        let run = move || run(store, &waiting, &has_stopped);
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

/// Works until nobody is left to work for, or the disk refuses.
fn run(mut store: impl Store, waiting: &Receiver<Work>, stopped: &AtomicBool) {
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
        // Not one of them was begun.
        group.into_iter().for_each(|work| work(Err(again(&error)))(None));
        return passes(&error);
    }
    let answers: Vec<Answer> = group.into_iter().map(|work| work(Ok(store))).collect();
    let committed = store.commit();
    let refused = || committed.as_ref().err().map(again);
    answers.into_iter().for_each(|answer| answer(refused()));
    committed.as_ref().err().is_none_or(passes)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MemoryStore;
    use std::collections::VecDeque;
    use std::sync::Mutex;

    /// How many commits there were, and how the next ones end.
    type Commits = Arc<Mutex<(usize, VecDeque<StoreError>)>>;

    /// A store whose commits end as told, and which counts them.
    struct Told {
        inner: MemoryStore,
        commits: Commits,
    }

    crate::store::tests::delegate!(Told, inner);

    fn commit(told: &mut Told) -> Result<(), StoreError> {
        let mut commits = told.commits.lock().unwrap();
        commits.0 += 1;
        commits.1.pop_front().map_or(Ok(()), Err)
    }

    fn keeper(errors: Vec<StoreError>) -> (Keeper, JoinHandle<()>, Commits) {
        let commits = Arc::new(Mutex::new((0, errors.into())));
        let store = Told { inner: MemoryStore::new(), commits: Arc::clone(&commits) };
        let (keeper, thread) = Keeper::start(store, 4).unwrap();
        (keeper, thread, commits)
    }

    /// Holds the thread until it is let go.
    fn block(keeper: &Keeper) -> (std::sync::mpsc::Sender<()>, Reply<()>) {
        let (go, wait) = std::sync::mpsc::channel();
        let (begun, has_begun) = std::sync::mpsc::channel();
        let reply = keeper.submit(move |_| {
            begun.send(()).unwrap();
            wait.recv().unwrap();
            Ok(())
        });
        has_begun.recv().unwrap();
        (go, reply.unwrap())
    }

    #[test]
    fn what_waits_shares_a_commit_and_a_full_queue_says_so() {
        let (keeper, thread, commits) = keeper(Vec::new());
        let (go, first) = block(&keeper);
        let replies: Vec<_> = (0..4)
            .map(|n| keeper.submit(move |store| store.set_note("n", &n.to_string()).map(|()| n)).unwrap())
            .collect();
        assert!(matches!(keeper.submit(|_| Ok(())), Err(StoreError::Busy)));
        go.send(()).unwrap();
        first.wait().unwrap();
        let answers: Vec<i32> = replies.into_iter().map(|reply| reply.wait().unwrap()).collect();
        assert_eq!(answers, [0, 1, 2, 3]);
        assert_eq!(keeper.run_blocking(|store| store.note("n")).unwrap().as_deref(), Some("3"));
        drop(keeper);
        thread.join().unwrap();
        assert_eq!(commits.lock().unwrap().0, 3, "the first, the four together, the question");
    }

    #[test]
    fn a_full_disk_passes_and_nothing_of_its_group_was_done() {
        let (keeper, ..) = keeper(vec![StoreError::Full]);
        assert!(matches!(keeper.run_blocking(|_| Ok(1)), Err(StoreError::Full)));
        assert!(!keeper.has_stopped());
        assert_eq!(keeper.run_blocking(|_| Ok(2)).unwrap(), 2);
    }

    #[tokio::test]
    async fn a_full_disk_is_known_until_there_is_room_again() {
        let (keeper, _, commits) = keeper(vec![StoreError::Full]);
        assert!(!keeper.is_full());
        assert!(matches!(keeper.run(|_| Ok(())).await, Err(StoreError::Full)));
        assert!(keeper.is_full() && keeper.clone().is_full());
        // Reading works on a full disk, and proves nothing.
        keeper.run(|store| store.note("n")).await.unwrap();
        assert!(keeper.is_full());
        commits.lock().unwrap().1.push_back(StoreError::Full);
        assert!(keeper.look_for_room().await.is_err() && keeper.is_full());
        keeper.look_for_room().await.unwrap();
        assert!(!keeper.is_full());
        // Also where the work itself finds it.
        let found = keeper.run(|_| Err::<(), _>(StoreError::Full)).await;
        assert!(found.is_err() && keeper.is_full());
    }

    #[test]
    fn a_disk_that_does_not_synchronise_ends_it() {
        let (keeper, thread, commits) = keeper(vec![StoreError::Damaged("sync")]);
        let (go, first) = block(&keeper);
        let waiting = keeper.submit(|_| Ok(())).unwrap();
        go.send(()).unwrap();
        assert!(matches!(first.wait(), Err(StoreError::Stopped)));
        assert!(matches!(waiting.wait(), Err(StoreError::Stopped)));
        thread.join().unwrap();
        assert!(keeper.has_stopped());
        assert!(matches!(keeper.submit(|_| Ok(())), Err(StoreError::Stopped)));
        assert_eq!(commits.lock().unwrap().0, 1, "it was not tried again");
    }

    #[test]
    fn a_panic_is_an_answer_and_the_rest_goes_on() {
        let (keeper, ..) = keeper(Vec::new());
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let answer = keeper.run_blocking::<()>(|_| panic!("a defect"));
        std::panic::set_hook(hook);
        assert!(matches!(answer, Err(StoreError::Panicked)));
        assert_eq!(keeper.run_blocking(|_| Ok(1)).unwrap(), 1);
    }

    #[tokio::test]
    async fn who_insists_is_heard_once_there_is_room_and_not_for_ever() {
        let (keeper, ..) = keeper(vec![StoreError::Full, StoreError::Busy]);
        let done =
            keeper.insist(Duration::from_secs(30), || |store: &mut dyn Store| store.set_note("n", "x"));
        done.await.unwrap();
        assert_eq!(keeper.run(|store| store.note("n")).await.unwrap().as_deref(), Some("x"));
        let (go, first) = block(&keeper);
        let waiting: Vec<_> = (0..4).map(|_| keeper.submit(|_| Ok(())).unwrap()).collect();
        let answer = keeper.insist(Duration::from_millis(50), || |_: &mut dyn Store| Ok(())).await;
        assert!(matches!(answer, Err(StoreError::Busy)));
        let insists = keeper.clone();
        let later = tokio::spawn(async move {
            insists.insist(Duration::from_secs(30), || |_: &mut dyn Store| Ok("done")).await
        });
        tokio::time::sleep(Duration::from_millis(30)).await;
        go.send(()).unwrap();
        assert_eq!(later.await.unwrap().unwrap(), "done");
        drop((first, waiting));
    }

    #[tokio::test]
    async fn it_can_be_awaited() {
        let (keeper, ..) = keeper(Vec::new());
        assert_eq!(keeper.run(|_| Ok("done")).await.unwrap(), "done");
    }
}
