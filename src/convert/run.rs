//! A run: files in, Bundles, refused rows and a report out.
//!
//! One thread reads and splits (`feed`), workers convert and render (`work`), the calling thread
//! writes in order (`collect`): so the output is the same for any number of workers, and memory is bounded
//! by the tokens in flight. Where a row is a whole referral, rows go to the workers as they come, after a first look
//! over the files; else they are sorted by referral first, outside memory when there are many. Next:
//! [`super::first_look`].

use std::io;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};

use crate::event::{Issue, IssueCode};
use crate::profile;
use crate::source::{Input, Layout, Options, Reader, Scratch};

use super::collect::Collector;
use super::error::{ConvertError, Issues};
use super::feed::Feed;
use super::first_look::FirstLook;
use super::group::{FileScene, Place};
use super::output::Output;
use super::referral::Shop;
use super::render::{Pieces, Rendering};
use super::report::Report;
use super::work::{Finished, Unit, work};

/// Records of a tree that are looked at to see whether the profile's paths are there.
const TREES_CHECKED: usize = 500;

/// What a run reads and writes, beside what the workers know.
pub struct Run {
    /// Files to convert.
    pub inputs: Vec<Input>,
    /// The files of `--since`, in the order of [`Run::exports`].
    pub previous: Vec<Input>,
    /// Which of the earlier exports each of these is of, from 1, oldest first.
    pub exports: Vec<usize>,
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
        let earlier = self.previous.iter().zip(&self.exports).map(|(input, export)| (input, *export));
        for (input, export) in self.inputs.iter().map(|input| (input, 0)).chain(earlier) {
            let reader = Reader::open(input, &self.options)?;
            let layout = Arc::clone(reader.layout());
            if self.check_profile {
                self.check(shop, &layout, input, report)?;
            }
            let bound = Arc::new(shop.interpreter.bind(&layout));
            let name = Arc::clone(&input.name);
            shop.files.push(FileScene { name, layout, bound, previous: export > 0, export });
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

    /// Looks over the files before the first row is converted, where rows are converted as they come: for referral
    /// ids that occur twice, and for what the rows of one person say together.
    ///
    /// # Errors
    /// A file cannot be read, or a spill file not written.
    pub fn look_first(&self, shop: &mut Shop) -> Result<(), ConvertError> {
        if !self.streams(shop) {
            return Ok(());
        }
        let mut look = FirstLook::new(&shop.interpreter, &self.temporary, true);
        let mut scratch = Scratch::default();
        for (file, (input, scene)) in self.inputs.iter().zip(&shop.files).enumerate() {
            for batch in Reader::open(input, &self.options)? {
                let batch = batch?;
                for bad in batch.bad() {
                    look.see_refused(scene, bad, file).map_err(|e| self.spill_error(e))?;
                }
                for record in batch.records() {
                    look.see(scene, Place::new(file, record.row), record.text, &mut scratch)
                        .map_err(|e| self.spill_error(e))?;
                }
            }
        }
        let (known, twice) = look.finish().map_err(|e| self.spill_error(e))?;
        let _ = shop.known.set(known);
        shop.twice = twice;
        self.settle_consents(shop)
    }

    pub(super) fn spill_error(&self, error: io::Error) -> ConvertError {
        ConvertError::write(&self.temporary, error)
    }

    pub(super) fn streams(&self, shop: &Shop) -> bool {
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
            let reader = scope.spawn(|| Feed::new(unit_sender, token_receiver).read(self, shop, progress));
            for _ in 0..jobs {
                let (units, sender) = (&units, done_sender.clone());
                scope.spawn(move || work(shop, &self.rendering, units, &sender));
            }
            drop(done_sender);
            let mut collector = Collector::new(self, output, shop);
            let written = collector.collect(&done_receiver, &token_sender, progress);
            // Whatever happened, the reader must not wait for tokens that nobody gives.
            drop(token_sender);
            drop(done_receiver);
            let read = reader.join().map_err(|_| ConvertError::Worker)?;
            written?;
            let read = read?;
            collector.finish(read, &mut report)
        });
        result?;
        report.finish();
        Ok(report)
    }
}
