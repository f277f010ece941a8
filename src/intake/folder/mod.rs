//! [`Watch`]: a folder whose files are read, kept, and then moved away.
//!
//! A file is taken once it has stayed the same for a while: it is first moved into a hidden folder inside the watched
//! one, so that a new file of the same name is a file of its own; a file found there at the start was being read
//! when the process died, and is read again, before any other and alone (`turns.rs`), which changes nothing; unless two
//! processes in a row ended while they read it (`mark.rs`): then it is set aside, so that one file cannot stop everything
//! for ever. Then it goes to `done`, or, when nothing of it could be read, to `refused` with its reasons; refused rows go to
//! `refused` in the file's own form. One that cannot be read or moved now waits and is tried again ever more rarely (`waits.rs`);
//! the others go on, and the board (`board.rs`) shows what waits. What this is not: a walk; folders inside are not looked into and
//! links are not followed, which is said once. Invariant: a file is in exactly one of the folders, and in `done` only when
//! every row of it is on the disk or in `refused`. Next: `place.rs`, then `read.rs`.

mod aside;
mod board;
mod chosen;
mod mark;
pub mod once;
mod place;
mod read;
mod reasons;
mod say;
mod shop;
mod turns;
mod waits;
mod why;

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::codeset::Codeset;
use crate::config::{Folder, Problem};
use crate::convert::{ConvertError, Report};
use crate::event::finish::Identities;
use crate::profile::Profile;
use crate::source::SourceErrorKind;

use super::keep::Keep;
pub use aside::{Refused, refused};
pub use board::{Board, Trouble, Waiting};
pub use chosen::profile;
use mark::Mark;
use place::Stamp;
pub use place::{NeverRead, make_private, never_read};
use read::{FileRead, NotRead};
pub use turns::Turns;
use waits::Waits;
use why::Why;

/// Files that are being read.
const READING: &str = ".reading";

/// How long a count of what stands in `refused` is good.
const COUNTED_EVERY: Duration = Duration::from_secs(60);

/// What reading a file needs.
struct Shared {
    profile: Option<Arc<Profile>>,
    codeset: Arc<Codeset>,
    identities: Identities,
    keep: Arc<dyn Keep>,
    clock: Arc<dyn Clock>,
    temporary: PathBuf,
}

impl Shared {
    fn report(&self) -> Report {
        Report {
            program: concat!("sp-fhir ", env!("CARGO_PKG_VERSION")).to_owned(),
            codeset: self.codeset.name_and_version().to_owned(),
            recorded_at: self.clock.now().to_string(),
            ..Report::default()
        }
    }
}

/// What a watch is made of.
pub struct Parts {
    /// The key of opaque case numbers; its source is replaced by the folder's.
    pub identities: Identities,
    /// The loaded codeset.
    pub codeset: Arc<Codeset>,
    /// Who takes what was read.
    pub keep: Arc<dyn Keep>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Whose turn it is to read: the same for all folders of a process.
    pub turns: Arc<Turns>,
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileEnd {
    /// Everything in it is kept.
    Done,
    /// Some rows were refused; the rest is kept.
    SomeRefused,
    /// Nothing of it could be read; it was moved aside with its reasons.
    Refused,
    /// It stays and is read again: the store, the disk, or the file itself was not ready.
    Later,
}

impl FileEnd {
    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::SomeRefused => "some-refused",
            Self::Refused => "refused",
            Self::Later => "later",
        }
    }
}

/// Why a file stays where it is.
enum Stays {
    /// The daemon stops.
    Stopping,
    /// It cannot be read, or not be put away, now.
    Waits(Why),
}

/// A watched folder.
pub struct Watch {
    folder: Folder,
    shared: Arc<Shared>,
    seen: HashMap<OsString, (Stamp, Timestamp)>,
    /// Why the folder could not be used when it was looked at last; said once.
    unusable: Option<String>,
    waits: Waits,
    board: Arc<Board>,
    /// When it was counted what stands in `refused`.
    counted: Option<Timestamp>,
    /// What stands in the folder and is never read, as it was said last.
    never: NeverRead,
    mark: Mark,
    turns: Arc<Turns>,
    /// The file that the last process was reading when it ended, and how many in a row did; not asked yet, or asked.
    left: Option<Option<(String, u32)>>,
}

impl Watch {
    /// Makes the folders and loads the profile.
    ///
    /// # Errors
    /// The profile cannot be used, or a folder not be made.
    pub fn open(folder: Folder, parts: Parts) -> Result<Self, Problem> {
        let profile = profile(&folder)?;
        let reading = folder.path.join(READING);
        for place in [&folder.path, &folder.done, &folder.refused, &reading] {
            make_private(place).map_err(|error| {
                let what = format!("{}: cannot be made ({})", place.display(), error.kind());
                Problem::new("intake.folder.path", what, "check the permissions above it")
            })?;
        }
        let mark = Mark::of(&reading);
        let board = Arc::new(Board::new(folder.clone()));
        let Parts { identities, codeset, keep, clock, turns } = parts;
        let identities = Identities { source: folder.source.clone(), ..identities };
        // Beside the files themselves, so that patients' data stays where it was put.
        let shared = Shared { profile, codeset, identities, keep, clock, temporary: reading };
        Ok(Self {
            folder,
            shared: Arc::new(shared),
            seen: HashMap::new(),
            unusable: None,
            waits: Waits::default(),
            board,
            counted: None,
            never: NeverRead::default(),
            mark,
            turns,
            left: None,
        })
    }

    /// What a person should know of it, for as long as it is watched.
    #[must_use]
    pub fn board(&self) -> Arc<Board> {
        Arc::clone(&self.board)
    }

    /// Watches until `stop` becomes true (or its sender is gone).
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let pause = (self.folder.settle / 2).clamp(Duration::from_millis(500), Duration::from_secs(10));
        loop {
            self.poll(&stop).await;
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    }

    /// Looks once, and reads what is ready. Gives what became of each file.
    pub async fn poll(&mut self, stop: &watch::Receiver<bool>) -> Vec<FileEnd> {
        let mut ends = Vec::new();
        // Only now: while this one was made, another may still have been reading.
        if self.left.is_none() {
            self.left = Some(self.mark.left());
        }
        let claimed = self.claim();
        self.say_whether_it_can_be_used(claimed.as_ref().err());
        for name in claimed.unwrap_or_default() {
            let now = self.shared.clock.now();
            if *stop.borrow() || self.waits.rests(now) {
                break;
            }
            if !self.waits.is_due(&name, now) {
                continue;
            }
            let taken = self.take(&name, stop).await;
            self.mark.end();
            self.left = Some(None);
            match taken {
                Ok(end) => {
                    self.waits.end(&name);
                    self.shared.keep.file(end);
                    self.counted = self.counted.filter(|_| end == FileEnd::Done);
                    ends.push(end);
                }
                Err(stays) => {
                    ends.push(FileEnd::Later);
                    if let Stays::Waits(why) = stays {
                        self.waits.begin(&name, why, self.shared.clock.now());
                    }
                }
            }
        }
        self.say_what_waits();
        self.count_refused();
        ends
    }

    /// What is to be read: first what was being read when the process died, then files that have settled.
    fn claim(&mut self) -> Result<Vec<OsString>, (PathBuf, io::Error)> {
        place::make_again(&self.folder)?;
        let reading = self.folder.path.join(READING);
        let list = |folder: &Path| place::files(folder).map_err(|error| (folder.to_owned(), error));
        let mut claimed: Vec<OsString> = list(&reading)?.into_iter().map(|(name, _)| name).collect();
        // The mark names one file: the one that it names is read before another takes its place there.
        claimed.sort_by_key(|name| self.ends_at(&name.to_string_lossy()) == 0);
        let before: HashSet<OsString> = claimed.iter().cloned().collect();
        let now = self.shared.clock.now();
        let found = list(&self.folder.path)?;
        let there: HashSet<&OsStr> = found.iter().map(|(name, _)| name.as_os_str()).collect();
        self.seen.retain(|name, _| there.contains(name.as_os_str()));
        self.waits.retain(|name| before.contains(name) || there.contains(name));
        for (name, stamp) in &found {
            if !self.has_settled(name, *stamp, now) || before.contains(name) || !self.waits.is_due(name, now)
            {
                continue;
            }
            match fs::rename(self.folder.path.join(name), reading.join(name)) {
                Ok(()) => {
                    self.seen.remove(name);
                    claimed.push(name.clone());
                }
                // Somebody took it away meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => self.waits.begin(name, Why::untaken(&error), now),
            }
        }
        Ok(claimed)
    }

    /// Counts what stands in `refused`: when something was put there, and now and then, because a person takes it away.
    fn count_refused(&mut self) {
        let now = self.shared.clock.now();
        let is_known = |at: Timestamp| now.duration_since(at).unsigned_abs() < COUNTED_EVERY;
        if !self.counted.is_some_and(is_known) {
            self.counted = Some(now);
            self.board.refused(aside::refused(&self.folder));
        }
    }

    fn has_settled(&mut self, name: &OsStr, stamp: Stamp, now: Timestamp) -> bool {
        match self.seen.get(name) {
            // A clock that was put back starts the wait again.
            Some((known, since)) if *known == stamp && *since <= now => {
                now.duration_since(*since).unsigned_abs() >= self.folder.settle
            }
            _ => {
                self.seen.insert(name.to_owned(), (stamp, now));
                false
            }
        }
    }

    /// How many processes in a row ended while they read this file.
    fn ends_at(&self, name: &str) -> u32 {
        let left = self.left.as_ref().and_then(Option::as_ref).filter(|(left, _)| left == name);
        left.map_or(0, |(_, died)| *died)
    }

    async fn take(&self, name: &OsStr, stop: &watch::Receiver<bool>) -> Result<FileEnd, Stays> {
        let path = self.folder.path.join(READING).join(name);
        let shown = name.to_string_lossy().into_owned();
        let died = self.ends_at(&shown);
        let unmoved = |error: ConvertError| Stays::Waits(Why::unmoved(&error));
        if died >= mark::MOST {
            return self.set_aside(&path, &shown).map_err(unmoved);
        }
        let mut stopping = stop.clone();
        let _turn = tokio::select! {
            turn = self.turns.take(died > 0) => turn,
            _ = stopping.wait_for(|stop| *stop) => return Err(Stays::Stopping),
        };
        if let Err(error) = self.mark.begin(&shown, died) {
            tracing::warn!(folder = %self.folder.path.display(), kind = %error.kind(), "which file is read cannot be noted");
        }
        let (shared, handle, stop) = (Arc::clone(&self.shared), Handle::current(), stop.clone());
        let (at, named) = (path.clone(), shown.clone());
        let read =
            tokio::task::spawn_blocking(move || read::file(&shared, &at, &named, &handle, &stop)).await;
        match read.unwrap_or_else(|_| Err(NotRead::Unreadable(ConvertError::Worker))) {
            Ok(read) => self.finish(&path, &shown, read).map_err(unmoved),
            Err(NotRead::Unreadable(error)) if is_passing(&error) => Err(Stays::Waits(Why::unread(&error))),
            Err(NotRead::Unreadable(error)) => self.refuse(&path, &shown, &error).map_err(unmoved),
            Err(NotRead::Changed) => Err(Stays::Waits(Why::changed())),
            Err(NotRead::Store(error)) => Err(Stays::Waits(Why::store(&error))),
            Err(NotRead::Stopping) => Err(Stays::Stopping),
        }
    }

    /// Everything is kept: the refused rows first, then the file itself, so that a crash between repeats and never
    /// loses.
    fn finish(&self, path: &Path, name: &str, read: FileRead) -> Result<FileEnd, ConvertError> {
        let FileRead { report, refused, layout } = read;
        let rows = report.rows.clone();
        let name = self.stamped(name);
        let some_refused = !refused.is_empty();
        if some_refused {
            let ending = if layout.format().is_table() { "csv" } else { "ndjson" };
            let rejects = place::free(&self.folder.refused, &format!("{name}.rejects.{ending}"));
            refused.write(&rejects, &layout)?;
            self.write_reasons(&name, None, &report)?;
        }
        self.relocate(path, &self.folder.done, &name)?;
        self.shared.keep.refused(rows.refused);
        // Words of ours alone. Of a file without refused rows they are told nowhere else.
        let remarks = report.remarks.iter().map(|(code, count)| format!("{code} {count}"));
        let remarks = Some(remarks.collect::<Vec<_>>().join(", ")).filter(|remarks| !remarks.is_empty());
        tracing::info!(
            folder = %self.folder.path.display(), read = rows.read, taken = rows.converted, known = rows.unchanged,
            held = rows.held, not_shared = rows.not_shared, refused = rows.refused, remarks, "a file was read"
        );
        Ok(if some_refused { FileEnd::SomeRefused } else { FileEnd::Done })
    }
}

/// Whether the same file may be readable later: the disk or a permission, not the content.
fn is_passing(error: &ConvertError) -> bool {
    match error {
        ConvertError::Source(error) => error.kind() == SourceErrorKind::Io,
        ConvertError::Write { .. } => true,
        _ => false,
    }
}
