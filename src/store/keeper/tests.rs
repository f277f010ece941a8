//! The thread that writes, over a store whose commits end as told.

use std::collections::VecDeque;
use std::sync::Mutex;

use super::*;
use crate::store::MemoryStore;
use crate::store::rows::Rows;
use crate::store::transactional::Transactional;

/// How many commits there were, and how the next ones end.
type Commits = Arc<Mutex<(usize, VecDeque<StoreError>)>>;

/// A store whose commits end as told, and which counts them.
struct Told {
    inner: MemoryStore,
    commits: Commits,
}

impl Transactional for Told {
    fn begin_group(&mut self) -> Result<(), StoreError> {
        self.inner.begin_group()
    }

    fn end_group(&mut self) -> Result<(), StoreError> {
        let mut commits = self.commits.lock().unwrap();
        commits.0 += 1;
        commits.1.pop_front().map_or(Ok(()), Err)
    }

    fn whole<T>(
        &mut self,
        work: impl FnOnce(&mut dyn Rows) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.inner.whole(work)
    }

    fn look<T>(
        &mut self,
        work: impl FnOnce(&mut dyn Rows) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.inner.look(work)
    }
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
    let done = keeper.insist(Duration::from_secs(30), || |store: &mut dyn Store| store.set_note("n", "x"));
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
