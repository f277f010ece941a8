//! The progress bar: at a terminal only, on standard error. Next: [`super::summary`].

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::convert::run::Progress;

/// A bar that follows a run until it is dropped.
pub(super) struct Bar {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Starts a bar, or nothing in a pipe or with `--quiet`.
pub(super) fn start(quiet: bool, size: Option<u64>, progress: &Progress) -> Option<Bar> {
    if quiet || !std::io::stderr().is_terminal() {
        return None;
    }
    let bar = match size {
        Some(size) => ProgressBar::new(size)
            .with_style(style("{bar:30} {percent:>3}%  {msg}  {binary_bytes_per_sec}  {eta} left")),
        None => ProgressBar::no_length().with_style(style("{spinner} {msg}  {binary_bytes_per_sec}")),
    };
    let stop = Arc::new(AtomicBool::new(false));
    let (progress, stopped) = (progress.clone(), Arc::clone(&stop));
    let thread = std::thread::spawn(move || {
        while !stopped.load(Ordering::Relaxed) {
            bar.set_position(progress.bytes.load(Ordering::Relaxed));
            bar.set_message(format!("{} rows", progress.rows.load(Ordering::Relaxed)));
            std::thread::sleep(Duration::from_millis(100));
        }
        bar.finish_and_clear();
    });
    Some(Bar { stop, thread: Some(thread) })
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
