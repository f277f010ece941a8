//! One file, from its bytes to what its keeper answered for every row.
//!
//! It is read twice: first for what it states about consent, so that what withdraws goes in before anything else of the
//! file; then row by row, brought together by referral outside memory. Nothing is handed over before the whole file
//! could be read. Runs on a thread of its own. Next: [`super`], which moves the file.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::convert::first_look::FirstLook;
use crate::convert::group::{Digest16, FileScene, Grouper, Place, RowText, digest16};
use crate::convert::interpret::{Interpreter, Meaning};
use crate::convert::referral::{Done, Ending, Gathered, RefusedRows, Shop};
use crate::convert::{ConvertError, Report, meaning};
use crate::event::kinds::{EventType, Share};
use crate::event::{Issue, IssueCode};
use crate::intake::doubt;
use crate::intake::submit::{Came, Grouped, Taken};
use crate::map::share::statement;
use crate::plan::Doubt;
use crate::plan::doubt::heeded;
use crate::profile::about::About;
use crate::source::{BadRecord, Input, Layout, Options, Reader, Scratch};
use crate::store::{Answer, StoreError};

use super::Shared;
use super::place;
use super::shop::{check_profile, no_profile, shop};

/// Referrals handed over at once: they share one synchronisation of the disk.
const REFERRALS_AT_ONCE: usize = 64;

/// A file that was read to its end.
pub(super) struct FileRead {
    pub(super) report: Report,
    pub(super) refused: RefusedRows,
    pub(super) layout: Arc<Layout>,
}

/// Why a file was not read to its end.
pub(super) enum NotRead {
    /// It cannot be read, now or ever.
    Unreadable(ConvertError),
    /// It was changed while it was read: it is read again.
    Changed,
    /// The store refuses: it is read again.
    Store(StoreError),
    /// The daemon stops: it is read again.
    Stopping,
}

impl From<ConvertError> for NotRead {
    fn from(error: ConvertError) -> Self {
        Self::Unreadable(error)
    }
}

impl From<crate::source::SourceError> for NotRead {
    fn from(error: crate::source::SourceError) -> Self {
        Self::Unreadable(error.into())
    }
}

/// Reads a file and hands everything in it over.
pub(super) fn file(
    shared: &Shared,
    path: &Path,
    name: &str,
    handle: &Handle,
    stop: &watch::Receiver<bool>,
) -> Result<FileRead, NotRead> {
    let before = place::stamp(path).ok().flatten();
    let mut input = Input::path(path);
    input.name = Arc::from(name);
    let meaning = match &shared.profile {
        Some(profile) => Meaning::Export(Arc::clone(profile)),
        None => meaning::of(&input, &shared.codeset)?.ok_or_else(no_profile)?,
    };
    let interpreter = Interpreter { meaning, identities: shared.identities.clone() };
    if let Some(profile) = interpreter.profile()
        && !(profile.source.is_some() || profile.fills_source() || shared.identities.source.is_some())
    {
        let text = "no source is known: add `source` to the profile or to [[intake.folder]], or give --source to `send`";
        return Err(NotRead::Unreadable(ConvertError::Configuration(text.to_owned())));
    }
    let options = meaning::options(interpreter.profile().map(|profile| &profile.file))?;
    let layout = Arc::clone(Reader::open(&input, &options)?.layout());
    let mut report = Report { profile: interpreter.profile().map(|p| p.name.clone()), ..shared.report() };
    check_profile(&interpreter, &layout, &input, &options, &mut report)?;
    let bound = Arc::new(interpreter.bind(&layout));
    let scene = FileScene {
        name: Arc::clone(&input.name),
        layout: Arc::clone(&layout),
        bound,
        previous: false,
        export: 0,
    };
    let shop = shop(shared, interpreter, scene);
    let mut work = Work {
        shop: &shop,
        shared,
        handle,
        stop,
        scratch: Scratch::default(),
        done: Done::default(),
        refused: RefusedRows::new(&shared.temporary),
        doubts: Vec::new(),
    };
    let first = work.first_look(&input, &options)?;
    let grouper = work.group(&input, &options, &first)?;
    if before.is_none() || place::stamp(path).ok().flatten() != before {
        return Err(NotRead::Changed);
    }
    work.hand_over_all(grouper)?;
    let Work { mut done, refused, .. } = work;
    report.merge(std::mem::take(&mut done.report));
    report.finish();
    Ok(FileRead { report, refused, layout })
}

struct Work<'a> {
    shop: &'a Shop,
    shared: &'a Shared,
    handle: &'a Handle,
    stop: &'a watch::Receiver<bool>,
    scratch: Scratch,
    done: Done,
    refused: RefusedRows,
    /// What refused records say of consent.
    doubts: Vec<Doubt>,
}

impl Work<'_> {
    fn spill(&self, error: std::io::Error) -> NotRead {
        NotRead::Unreadable(ConvertError::write(&self.shared.temporary, error))
    }

    fn stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// What only the whole file shows of a person; and the referrals that say something lasting about consent: they go
    /// first, because it is about the person.
    fn first_look(&mut self, input: &Input, options: &Options) -> Result<HashSet<Digest16>, NotRead> {
        let mut first = HashSet::new();
        let Some(scene) = self.shop.files.first() else { return Ok(first) };
        let interpreter = &self.shop.interpreter;
        let mut look = FirstLook::new(interpreter, &self.shared.temporary, false);
        for batch in Reader::open(input, options)? {
            if self.stopping() {
                return Err(NotRead::Stopping);
            }
            let batch = batch?;
            for bad in batch.bad() {
                look.see_refused(scene, bad, 0).map_err(|error| self.spill(error))?;
                self.doubts.extend(self.doubt_of_bad(scene, bad));
            }
            for record in batch.records() {
                let place = Place::new(0, record.row);
                let key = look.see(scene, place, record.text, &mut self.scratch);
                let key = key.map_err(|error| self.spill(error))?;
                let read = interpreter.events(&scene.layout, &scene.bound, record.text, &mut self.scratch);
                let lasting = read.events.iter().any(|event| {
                    event.event_type == EventType::ConsentChanged
                        || statement(event).is_some_and(|(_, share)| share == Share::None)
                });
                if read.issues.iter().any(Issue::is_error) {
                    self.doubts.extend(self.doubt(scene, record.text, key.as_deref()));
                    self.doubts.extend(read.events.iter().filter(|event| heeded(event)).map(Doubt::of));
                }
                first.extend(key.filter(|_| lasting).map(|key| digest16(&key)));
            }
        }
        let (known, _) = look.finish().map_err(|error| self.spill(error))?;
        let _ = self.shop.known.set(known);
        Ok(first)
    }

    /// What a record that is none says of consent, as far as it can be made out.
    fn doubt_of_bad(&self, scene: &FileScene, bad: &BadRecord) -> Option<Doubt> {
        let (layout, bound, scratch) = (&scene.layout, &scene.bound, &mut Scratch::default());
        let (key, about) =
            self.shop.interpreter.key_and_about_refused(layout, bound, &bad.text, bad.issue.code, scratch);
        self.doubt_about(&about, key.as_deref())
    }

    /// What a refused record says of consent, which must be heeded all the same.
    fn doubt(&self, scene: &FileScene, text: &str, key: Option<&[u8]>) -> Option<Doubt> {
        let interpreter = &self.shop.interpreter;
        let (_, about) =
            interpreter.key_and_about(&scene.layout, &scene.bound, text, &mut Scratch::default());
        self.doubt_about(&about, key)
    }

    fn doubt_about(&self, about: &About, key: Option<&[u8]>) -> Option<Doubt> {
        // The key is the referral's id, after the source where a record names it.
        let referral = key.and_then(|key| std::str::from_utf8(key).ok()?.rsplit('\u{1f}').next());
        doubt::of_refused(about, referral, &self.shop.interpreter.identities)
    }

    fn group(
        &mut self,
        input: &Input,
        options: &Options,
        first: &HashSet<Digest16>,
    ) -> Result<Grouper, NotRead> {
        let mut grouper = Grouper::new(&self.shared.temporary);
        let shop = self.shop;
        let Some(scene) = shop.files.first() else { return Ok(grouper) };
        let mut reader = Reader::open(input, options)?;
        for batch in reader.by_ref() {
            if self.stopping() {
                return Err(NotRead::Stopping);
            }
            let batch = batch?;
            self.done.report.blank(batch.blank());
            for bad in batch.bad() {
                shop.refuse(0, bad, &mut self.done);
            }
            self.keep_rejects()?;
            for record in batch.records() {
                let row = RowText { file: 0, row: record.row, text: record.text.to_owned() };
                let key = shop.interpreter.key(&scene.layout, &scene.bound, &row.text, &mut self.scratch);
                // Groups come out in the order of their keys.
                let key = key.map(|key| {
                    let rank = if first.contains(&digest16(&key)) { b"0" } else { b"1" };
                    [rank.as_slice(), &key].concat()
                });
                grouper.add(key.as_deref(), &row).map_err(|error| self.spill(error))?;
            }
        }
        self.done.report.notes.extend(reader.notes());
        Ok(grouper)
    }

    fn keep_rejects(&mut self) -> Result<(), NotRead> {
        let rejects = std::mem::take(&mut self.done.rejects);
        self.refused.add(rejects).map_err(|error| self.spill(error))
    }

    fn hand_over_all(&mut self, grouper: Grouper) -> Result<(), NotRead> {
        let doubts = std::mem::take(&mut self.doubts);
        self.heed(doubts)?;
        let mut groups = grouper.groups().map_err(|error| self.spill(error))?;
        let mut waiting: Vec<Gathered> = Vec::new();
        while let Some(rows) = groups.next_group().map_err(|error| self.spill(error))? {
            waiting.push(self.shop.gather(&rows, &mut self.scratch, &mut self.done));
            if waiting.len() >= REFERRALS_AT_ONCE {
                self.hand_over(std::mem::take(&mut waiting))?;
            }
        }
        self.hand_over(waiting)
    }

    fn hand_over(&mut self, mut waiting: Vec<Gathered>) -> Result<(), NotRead> {
        let set_aside = waiting.iter_mut().flat_map(|gathered| std::mem::take(&mut gathered.set_aside));
        self.heed(set_aside.filter(heeded).map(|event| Doubt::of(&event)).collect())?;
        let events: Vec<_> =
            waiting.iter_mut().map(|gathered| std::mem::take(&mut gathered.events)).collect();
        let counts: Vec<Vec<String>> =
            events.iter().map(|events| events.iter().map(|event| event.event_id.clone()).collect()).collect();
        let all: Vec<_> = events.into_iter().flatten().collect();
        let wanted = all.len();
        let came = match &self.shop.interpreter {
            fhir if fhir.is_fhir() => Came::Versions,
            export if export.is_snapshot() => Came::Snapshot,
            _ => Came::Events,
        };
        let grouped = Grouped::new(all, came);
        let acceptances = if wanted == 0 { Vec::new() } else { self.accept(&grouped)? };
        let mut taken = grouped.taken(&acceptances);
        if taken.len() != wanted {
            return Err(NotRead::Store(StoreError::Damaged("an answer for every event")));
        }
        taken.reverse();
        for (gathered, ids) in waiting.into_iter().zip(counts) {
            let endings: HashMap<String, Ending> = ids
                .into_iter()
                .filter_map(|id| {
                    let taken = taken.pop()?;
                    Some((id, ending(taken)))
                })
                .collect();
            self.shop.settle(gathered, |id| endings.get(id).cloned(), &mut self.done);
        }
        self.keep_rejects()
    }

    fn accept(&self, grouped: &Grouped) -> Result<Vec<crate::store::Acceptance>, NotRead> {
        self.patiently(|| self.shared.keep.accept(grouped.submissions.clone()))
    }

    fn heed(&self, doubts: Vec<Doubt>) -> Result<(), NotRead> {
        if doubts.is_empty() { Ok(()) } else { self.patiently(|| self.shared.keep.heed(doubts.clone())) }
    }

    /// A busy store is waited for, as long as the daemon runs: nobody else waits for this answer.
    fn patiently<'w, T>(
        &self,
        ask: impl Fn() -> crate::endpoint::Work<'w, Result<T, StoreError>>,
    ) -> Result<T, NotRead> {
        loop {
            if self.stopping() {
                return Err(NotRead::Stopping);
            }
            match self.handle.block_on(ask()) {
                Err(StoreError::Busy) => std::thread::sleep(Duration::from_millis(200)),
                other => return other.map_err(NotRead::Store),
            }
        }
    }
}

/// Remarks on events that are themselves unchanged: how an export differs from what is known, what was sent before consent
/// said less, and what is heeded.
const SAID_OF_KNOWN: [IssueCode; 7] = [
    IssueCode::DateCleared,
    IssueCode::StatusSetBack,
    IssueCode::ConsentHeeded,
    IssueCode::ConsentNotLifted,
    IssueCode::NarrowedAfterSending,
    IssueCode::WithdrawnAfterSending,
    IssueCode::WithdrawnWhileSending,
];

fn ending(taken: Taken) -> Ending {
    match taken.answer {
        Answer::Accepted { .. } => Ending::Taken(taken.issues),
        // What was said of the event itself was said when it was taken.
        Answer::Repeat { .. } => Ending::Known(
            taken.issues.into_iter().filter(|issue| SAID_OF_KNOWN.contains(&issue.code)).collect(),
        ),
        Answer::Refused(code) => Ending::Refused(taken.refused(code)),
    }
}
