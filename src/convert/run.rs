//! A run: files in, Bundles, refused rows and a report out.
//!
//! One thread reads and splits, workers convert and render, the calling thread writes in order: so the output is
//! the same for any number of workers, and memory is bounded by the tokens in flight. Where a row is a whole
//! referral, rows go to the workers as they come (a first pass found ids that occur twice); else they are sorted
//! by referral first, outside memory when there are many. Next: [`super::referral`].

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};

use crate::event::{Issue, IssueCode, Severity};

use crate::profile;
use crate::source::{BadRecord, Input, Layout, Options, Reader, Scratch};

use super::consents::Consents;
use super::error::{ConvertError, Issues};
use super::group::{DuplicateFinder, FileScene, Grouper, RowText, SORT_BUDGET};
use super::output::Output;
use super::referral::{Done, OpenReferral, Reject, Shop};
use super::rejects::{self, RejectsError};
use super::render::{self, Pieces, Rendering};
use super::report::{ListedIssue, Report, count};
use super::sorter::Sorter;

/// Rows handed to a worker at once. A row makes a hundred times its own size of output, so this stays small: the
/// buffer of a unit is written while it is still in the processor's cache.
const ROWS_PER_UNIT: usize = 16;

/// Records of a tree that are looked at to see whether the profile's paths are there.
const TREES_CHECKED: usize = 500;

/// What a run reads and writes, beside what the workers know.
pub struct Run {
    /// Files to convert.
    pub inputs: Vec<Input>,
    /// The earlier export of `--since`.
    pub previous: Vec<Input>,
    /// How files are read.
    pub options: Options,
    /// How output is packed.
    pub rendering: Rendering,
    /// Where refused rows go.
    pub rejects: Option<PathBuf>,
    /// Folder of spill files.
    pub temporary: PathBuf,
    /// Workers.
    pub jobs: usize,
    /// Whether the profile is checked against the files.
    pub check_profile: bool,
}

/// How far a run is, for a progress bar.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// Bytes of input read, in the pass that counts.
    pub bytes: Arc<AtomicU64>,
    /// Rows done.
    pub rows: Arc<AtomicU64>,
}

/// Some rows for a worker.
struct Unit {
    number: u64,
    groups: Vec<Vec<RowText>>,
    /// Records that could not be split off, with the index of their file.
    bad: Vec<(usize, BadRecord)>,
    /// Empty: a buffer that was used before.
    pieces: Pieces,
}

/// What a worker made of a unit.
struct Finished {
    number: u64,
    pieces: Pieces,
    done: Done,
}

impl Run {
    /// Total bytes of input, where known.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.inputs.iter().chain(&self.previous).map(Input::size).sum()
    }

    /// Opens every file, checks the profile against it, and notes what its rows have in common.
    ///
    /// # Errors
    /// A file cannot be read, or the profile does not fit it.
    pub fn open_files(&self, shop: &mut Shop, report: &mut Report) -> Result<(), ConvertError> {
        for (input, previous) in
            self.inputs.iter().map(|i| (i, false)).chain(self.previous.iter().map(|i| (i, true)))
        {
            let reader = Reader::open(input, &self.options)?;
            let layout = Arc::clone(reader.layout());
            if self.check_profile {
                self.check(shop, &layout, input, report)?;
            }
            let bound = Arc::new(shop.interpreter.bind(&layout));
            shop.files.push(FileScene { name: Arc::clone(&input.name), layout, bound, previous });
        }
        Ok(())
    }

    fn check(
        &self,
        shop: &Shop,
        layout: &Layout,
        input: &Input,
        report: &mut Report,
    ) -> Result<(), ConvertError> {
        let Some(profile) = shop.interpreter.profile() else { return Ok(()) };
        let mut issues = if layout.format().is_table() {
            profile::check::check(profile, layout.header())
        } else {
            let reader = Reader::open(input, &self.options)?;
            profile::check::check_sample(profile, &super::sample::sample(reader, TREES_CHECKED)?)
        };
        for issue in &mut issues {
            issue.at.file.get_or_insert_with(|| Arc::clone(&input.name));
        }
        for issue in issues.iter().filter(|issue| issue.code == IssueCode::ColumnUnused) {
            let column = issue.at.column.as_deref().unwrap_or_default().to_owned();
            if !report.columns_unused.contains(&column) {
                report.columns_unused.push(column);
            }
        }
        let (errors, rest): (Vec<Issue>, Vec<Issue>) = issues.into_iter().partition(Issue::is_error);
        report.issues(&rest);
        if errors.is_empty() { Ok(()) } else { Err(ConvertError::Profile(Issues(errors))) }
    }

    /// Finds referral ids that occur twice, where rows are converted as they come.
    ///
    /// # Errors
    /// A file cannot be read, or a spill file not written.
    pub fn find_repeats(&self, shop: &mut Shop) -> Result<(), ConvertError> {
        if !self.streams(shop) {
            return Ok(());
        }
        let mut finder = DuplicateFinder::new(&self.temporary);
        let mut scratch = Scratch::default();
        let mut consents = Consents::default();
        for (input, scene) in self.inputs.iter().zip(&shop.files) {
            for batch in Reader::open(input, &self.options)? {
                let batch = batch?;
                for record in batch.records() {
                    note_consents(shop, scene, record.text, &mut scratch, &mut consents);
                    if let Some(key) =
                        shop.interpreter.key(&scene.layout, &scene.bound, record.text, &mut scratch)
                    {
                        finder.add(&key).map_err(|e| self.spill_error(e))?;
                    }
                }
            }
        }
        let _ = shop.consents.set(consents.by_person());
        shop.twice = finder.duplicates().map_err(|e| self.spill_error(e))?;
        Ok(())
    }

    fn spill_error(&self, error: io::Error) -> ConvertError {
        ConvertError::write(&self.temporary, error)
    }

    fn streams(&self, shop: &Shop) -> bool {
        self.previous.is_empty() && shop.interpreter.streams()
    }

    /// Converts everything.
    ///
    /// # Errors
    /// A file cannot be read to its end or written. Nothing appears under its final name then.
    pub fn run(
        &self,
        shop: &Shop,
        output: Output,
        mut report: Report,
        progress: &Progress,
    ) -> Result<Report, ConvertError> {
        let jobs = self.jobs.max(1);
        let tokens = jobs * 2 + 2;
        let (unit_sender, unit_receiver) = sync_channel::<Unit>(tokens);
        let (done_sender, done_receiver) = sync_channel::<Result<Finished, ConvertError>>(tokens);
        let (token_sender, token_receiver) = sync_channel::<Pieces>(tokens);
        for _ in 0..tokens {
            let _ = token_sender.send(Pieces::default());
        }
        let units = Mutex::new(unit_receiver);
        let result = std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let feed = Feed {
                    sender: unit_sender,
                    tokens: token_receiver,
                    number: 0,
                    pending: Vec::new(),
                    bad: Vec::new(),
                    rows: 0,
                };
                self.feed(shop, feed, progress)
            });
            for _ in 0..jobs {
                let (units, sender) = (&units, done_sender.clone());
                scope.spawn(move || work(shop, &self.rendering, units, &sender));
            }
            drop(done_sender);
            let mut writer = Writer::new(self, output, shop);
            let written = writer.collect(&done_receiver, &token_sender, progress);
            // Whatever happened, the reader must not wait for tokens that nobody gives.
            drop(token_sender);
            drop(done_receiver);
            let read = reader.join().map_err(|_| ConvertError::Worker)?;
            written?;
            let read = read?;
            writer.finish(read, &mut report)
        });
        result?;
        report.finish();
        Ok(report)
    }

    /// The reading thread: splits files into rows and hands them out.
    fn feed(&self, shop: &Shop, mut feed: Feed, progress: &Progress) -> Result<ReadEnd, ConvertError> {
        let mut end = ReadEnd::default();
        let mut grouper = (!self.streams(shop)).then(|| Grouper::new(&self.temporary));
        let mut scratch = Scratch::default();
        let mut consents = Consents::default();
        let inputs = self.inputs.iter().chain(&self.previous);
        for (file, (input, scene)) in inputs.zip(&shop.files).enumerate() {
            let before = progress.bytes.load(Ordering::Relaxed);
            let mut reader = Reader::open(input, &self.options)?;
            let bytes = reader.bytes_read();
            for batch in reader.by_ref() {
                let batch = batch?;
                progress.bytes.store(before + bytes.load(Ordering::Relaxed), Ordering::Relaxed);
                if !scene.previous {
                    end.blank += batch.blank();
                    if !feed.give_bad(file, batch.bad()) {
                        return Ok(end);
                    }
                }
                for record in batch.records() {
                    let row = RowText { file, row: record.row, text: record.text.to_owned() };
                    match &mut grouper {
                        None => {
                            if !feed.give(vec![row]) {
                                return Ok(end);
                            }
                        }
                        Some(grouper) => {
                            let key =
                                shop.interpreter.key(&scene.layout, &scene.bound, &row.text, &mut scratch);
                            note_consents(shop, scene, &row.text, &mut scratch, &mut consents);
                            grouper.add(key.as_deref(), &row).map_err(|e| self.spill_error(e))?;
                        }
                    }
                }
            }
            end.notes.extend(reader.notes().into_iter().map(|note| format!("{}: {note}", input.name)));
        }
        // Where rows are converted as they come, the first pass has set it.
        let _ = shop.consents.set(consents.by_person());
        if let Some(grouper) = grouper {
            let mut groups = grouper.groups().map_err(|e| self.spill_error(e))?;
            while let Some(group) = groups.next_group().map_err(|e| self.spill_error(e))? {
                if !feed.give(group) {
                    return Ok(end);
                }
            }
        }
        feed.flush();
        Ok(end)
    }
}

/// Notes what a record states about a person's consent: any change in a log, any withdrawal anywhere. It is about
/// the person, so it must be known before any referral of that person is written.
fn note_consents(shop: &Shop, scene: &FileScene, text: &str, scratch: &mut Scratch, consents: &mut Consents) {
    let (layout, bound) = (&scene.layout, &scene.bound);
    if shop.interpreter.is_snapshot() && !shop.interpreter.withdraws(layout, bound, text, scratch) {
        return;
    }
    for event in shop.interpreter.events(layout, bound, text, scratch).events {
        consents.note(&event);
    }
}

/// What the reading thread found beside rows.
#[derive(Default)]
struct ReadEnd {
    blank: u64,
    notes: Vec<String>,
}

/// Hands units to the workers, as many as there are tokens. A token is a buffer for the unit's output.
struct Feed {
    sender: SyncSender<Unit>,
    tokens: Receiver<Pieces>,
    number: u64,
    pending: Vec<Vec<RowText>>,
    bad: Vec<(usize, BadRecord)>,
    rows: usize,
}

impl Feed {
    /// Adds a referral's rows; false when nobody takes them any more.
    fn give(&mut self, group: Vec<RowText>) -> bool {
        self.rows += group.len();
        self.pending.push(group);
        self.rows < ROWS_PER_UNIT || self.flush()
    }

    /// Adds records that could not be split off.
    fn give_bad(&mut self, file: usize, bad: &[BadRecord]) -> bool {
        self.rows += bad.len();
        self.bad.extend(bad.iter().map(|bad| (file, bad.clone())));
        self.rows < ROWS_PER_UNIT || self.flush()
    }

    fn flush(&mut self) -> bool {
        if self.pending.is_empty() && self.bad.is_empty() {
            return true;
        }
        let Ok(pieces) = self.tokens.recv() else { return false };
        let (groups, bad) = (std::mem::take(&mut self.pending), std::mem::take(&mut self.bad));
        let unit = Unit { number: self.number, groups, bad, pieces };
        self.number += 1;
        self.rows = 0;
        self.sender.send(unit).is_ok()
    }
}

/// A worker: takes units until there are no more.
fn work(
    shop: &Shop,
    rendering: &Rendering,
    units: &Mutex<Receiver<Unit>>,
    sender: &SyncSender<Result<Finished, ConvertError>>,
) {
    let mut scratch = Scratch::default();
    loop {
        let unit = match units.lock() {
            Ok(units) => units.recv(),
            Err(_) => return,
        };
        let Ok(unit) = unit else { return };
        let mut done = Done::default();
        for group in &unit.groups {
            shop.convert(group, &mut scratch, &mut done);
        }
        for (file, bad) in &unit.bad {
            shop.refuse(*file, bad, &mut done);
        }
        let mut pieces = unit.pieces;
        let events = done.events.drain(..).try_for_each(|event| {
            // Writing to a Vec cannot fail; our events always serialise.
            pieces.add(uuid::Uuid::nil(), "ReferralEvent", false, |out| {
                serde_json::to_writer(out, &event).map_err(|_| ConvertError::Worker)
            })
        });
        let mapped = std::mem::take(&mut done.mapped);
        let finished = events
            .and_then(|()| render::render(mapped, rendering, &shop.settings, &mut pieces))
            .map(|()| Finished { number: unit.number, pieces, done });
        if sender.send(finished).is_err() {
            return;
        }
    }
}

/// The writing end: puts units back in order.
struct Writer<'a> {
    run: &'a Run,
    shop: &'a Shop,
    output: Output,
    rejects: Sorter,
    open: Sorter,
    report: Report,
}

impl<'a> Writer<'a> {
    fn new(run: &'a Run, output: Output, shop: &'a Shop) -> Self {
        // Both sorters are small beside the grouping's, which is done by the time most of them fill.
        let small = |share: usize| Sorter::new(SORT_BUDGET / share, &run.temporary);
        Self { run, shop, output, rejects: small(4), open: small(4), report: Report::default() }
    }

    fn collect(
        &mut self,
        done: &Receiver<Result<Finished, ConvertError>>,
        tokens: &SyncSender<Pieces>,
        progress: &Progress,
    ) -> Result<(), ConvertError> {
        let mut next = 0;
        let mut waiting: BTreeMap<u64, Finished> = BTreeMap::new();
        while let Ok(finished) = done.recv() {
            let finished = finished?;
            waiting.insert(finished.number, finished);
            while let Some(finished) = waiting.remove(&next) {
                next += 1;
                progress.rows.fetch_add(finished.done.report.rows.read, Ordering::Relaxed);
                let _ = tokens.try_send(self.take(finished)?);
            }
        }
        if waiting.is_empty() { Ok(()) } else { Err(ConvertError::Worker) }
    }

    /// Writes what a unit made, and gives its buffer back.
    fn take(&mut self, finished: Finished) -> Result<Pieces, ConvertError> {
        let Finished { mut pieces, done, .. } = finished;
        self.output.write(&pieces)?;
        pieces.clear();
        for reject in done.rejects {
            self.reject(&reject)?;
        }
        for open in done.open {
            self.note_open(&open)?;
        }
        self.report.merge(done.report);
        Ok(pieces)
    }

    fn reject(&mut self, reject: &Reject) -> Result<(), ConvertError> {
        let file = u32::try_from(reject.file).unwrap_or(u32::MAX);
        let mut key = file.to_be_bytes().to_vec();
        key.extend_from_slice(&reject.row.to_be_bytes());
        self.rejects.add(&key, reject.line.as_bytes()).map_err(|e| self.run.spill_error(e))
    }

    fn note_open(&mut self, open: &OpenReferral) -> Result<(), ConvertError> {
        let mut payload = open.referral.to_vec();
        payload.extend_from_slice(&u32::try_from(open.file).unwrap_or(u32::MAX).to_le_bytes());
        payload.extend_from_slice(&open.row.to_le_bytes());
        // Days before 1970 sort first when the sign is flipped.
        let day = (i64::from(open.day) + (1 << 32)).to_be_bytes();
        let key = [open.person.as_slice(), day.as_slice()].concat();
        self.open.add(&key, &payload).map_err(|e| self.run.spill_error(e))
    }

    /// Everything is read and converted: the refused rows, the duplicates, the files' names, the report.
    fn finish(mut self, read: ReadEnd, report: &mut Report) -> Result<(), ConvertError> {
        self.report.blank(read.blank);
        self.report.notes.extend(read.notes);
        self.possible_duplicates()?;
        let Self { run, shop, output, rejects, report: made, .. } = self;
        // On the disk before the output has its name: a full disk is found while nothing has appeared.
        let rejects = match &run.rejects {
            Some(path) => Some(rejects::write(path, &shop.files, rejects).map_err(|error| match error {
                RejectsError::Spill(error) => run.spill_error(error),
                RejectsError::Write(error) => error,
            })?),
            None => None,
        };
        output.finish()?;
        report.merge(made);
        if let Some(written) = rejects {
            let (files, note) = written.finish()?;
            report.rejects = files;
            report.notes.extend(note);
        }
        Ok(())
    }

    /// Two open referrals of one person within 28 days.
    fn possible_duplicates(&mut self) -> Result<(), ConvertError> {
        const DAYS: i64 = 28;
        let open = std::mem::replace(&mut self.open, Sorter::new(0, &self.run.temporary));
        let mut sorted = open.sorted().map_err(|e| self.run.spill_error(e))?;
        let mut last: Option<(Vec<u8>, i64, Vec<u8>)> = None;
        while let Some((key, payload)) = sorted.next_record().map_err(|e| self.run.spill_error(e))? {
            let Some((person, day)) = key.split_last_chunk::<8>() else { continue };
            let Some((referral, place)) = payload.split_first_chunk::<16>() else { continue };
            let day = i64::from_be_bytes(*day);
            if let Some((known, known_day, other)) = &last
                && known == person
                && day - known_day <= DAYS
                && other != referral
                && let Some((file, row)) = place.split_first_chunk::<4>()
                && let Ok(row) = <[u8; 8]>::try_from(row)
            {
                let file = usize::try_from(u32::from_le_bytes(*file)).unwrap_or(usize::MAX);
                self.report.possible_duplicates += 1;
                count(&mut self.report.remarks, IssueCode::PossibleDuplicate.as_str());
                self.report.issues.push(ListedIssue {
                    file: self.shop.files.get(file).map(|file| Arc::clone(&file.name)),
                    row: Some(u64::from_le_bytes(row)),
                    place: None,
                    severity: Severity::Warning.as_str(),
                    code: IssueCode::PossibleDuplicate.as_str(),
                    found: String::new(),
                    remedy: IssueCode::PossibleDuplicate.remedy(),
                });
            }
            last = Some((person.to_vec(), day, referral.to_vec()));
        }
        Ok(())
    }
}
