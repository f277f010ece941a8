//! [`Collector`]: the writing end. It puts units back in order, and ends the run.
//!
//! Next: [`super::output`], [`super::rejects`], [`super::duplicates`] and [`super::read_back`], which it writes to.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender};

use super::duplicates::DuplicateReferrals;
use super::error::ConvertError;
use super::feed::ReadEnd;
use super::group::SORT_BUDGET;
use super::output::Output;
use super::read_back::ReadBack;
use super::referral::Shop;
use super::rejects::{self, RejectsError};
use super::render::Pieces;
use super::report::Report;
use super::run::{Progress, Run};
use super::sorter::Sorter;
use super::work::Finished;

/// Puts units back in order.
pub(super) struct Collector<'a> {
    run: &'a Run,
    shop: &'a Shop,
    output: Output,
    rejects: Sorter,
    open: DuplicateReferrals,
    read_back: ReadBack,
    report: Report,
}

impl<'a> Collector<'a> {
    pub(super) fn new(run: &'a Run, output: Output, shop: &'a Shop) -> Self {
        Self {
            run,
            shop,
            output,
            // Small beside the grouping's, which is done by the time this one fills.
            rejects: Sorter::new(SORT_BUDGET / 4, &run.temporary),
            open: DuplicateReferrals::new(&run.temporary),
            read_back: ReadBack::new(&run.temporary),
            report: Report::default(),
        }
    }

    pub(super) fn collect(
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
        let spill = |error| self.run.spill_error(error);
        for reject in &done.rejects {
            self.rejects.add(&reject.place.to_bytes(), reject.line.as_bytes()).map_err(spill)?;
        }
        done.open.iter().try_for_each(|open| self.open.add(open)).map_err(spill)?;
        done.read_back.iter().try_for_each(|said| self.read_back.add(said)).map_err(spill)?;
        self.report.merge(done.report);
        Ok(pieces)
    }

    /// Everything is read and converted: the refused rows, the duplicates, the files' names, the report.
    pub(super) fn finish(self, read: ReadEnd, report: &mut Report) -> Result<(), ConvertError> {
        let Self { run, shop, output, rejects, open, read_back, report: mut made } = self;
        made.blank(read.blank);
        made.notes.extend(read.notes);
        open.find(shop, &mut made).map_err(|error| run.spill_error(error))?;
        read_back.find(shop, &mut made).map_err(|error| run.spill_error(error))?;
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
}
