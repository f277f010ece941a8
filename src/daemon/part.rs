//! [`Part`]: one thing that goes on until it is told to stop.
//!
//! The daemon is made of parts, so that a new configuration replaces those that it changes and leaves the others at work.
//! Invariant: a part that ends without having been told to, or with an error, ends the daemon. Next: [`super::run`].

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::error::DaemonError;

/// Hears of parts that ended and should not have.
pub(super) type Failures = mpsc::Sender<Result<(), DaemonError>>;

/// A part at work. It stops when this is dropped.
pub(super) struct Part {
    stop: watch::Sender<bool>,
    done: JoinHandle<()>,
}

impl Part {
    /// Starts it.
    pub(super) fn start<W>(failures: &Failures, work: impl FnOnce(watch::Receiver<bool>) -> W) -> Self
    where
        W: Future<Output = Result<(), DaemonError>> + Send + 'static,
    {
        let (stop, stopping) = watch::channel(false);
        let (told, failures) = (stopping.clone(), failures.clone());
        let work = tokio::spawn(work(stopping));
        let done = tokio::spawn(async move {
            let ended = work.await.unwrap_or(Err(DaemonError::Defect));
            if ended.is_err() || !*told.borrow() {
                // The first to be heard ends the daemon; where others fail too, they add nothing.
                let _ = failures.try_send(ended);
            }
        });
        Self { stop, done }
    }

    /// Tells it to stop, and does not wait.
    pub(super) fn tell(&self) {
        let _ = self.stop.send(true);
    }

    /// Waits until it has stopped.
    pub(super) async fn ended(self) {
        let _ = self.done.await;
    }
}

/// Stops several together.
pub(super) async fn stop(parts: Vec<Part>) {
    parts.iter().for_each(Part::tell);
    for part in parts {
        part.ended().await;
    }
}
