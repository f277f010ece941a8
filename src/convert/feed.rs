//! [`Feed`]: the reading thread. It splits files into rows, brings those of one referral together, hands them out.
//!
//! Workers get as many units as there are tokens; a token is a buffer for the unit's output, so that memory is
//! bounded however slowly output is written. Next: [`super::work`].

use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender};

use crate::source::{BadRecord, Reader, Scratch};

use super::error::ConvertError;
use super::first_look::FirstLook;
use super::group::{Grouper, Place, RowText};
use super::referral::Shop;
use super::render::Pieces;
use super::run::{Progress, Run};
use super::work::Unit;

/// Rows handed to a worker at once. A row makes a hundred times its own size of output, so this stays small, and is
/// large enough that threads seldom wait for each other.
const ROWS_PER_UNIT: usize = 64;

/// What the reading thread found beside rows.
#[derive(Default)]
pub(super) struct ReadEnd {
    pub(super) blank: u64,
    pub(super) notes: Vec<String>,
}

/// Hands units to the workers, as many as there are tokens. A token is a buffer for the unit's output.
pub(super) struct Feed {
    sender: SyncSender<Unit>,
    tokens: Receiver<Pieces>,
    number: u64,
    pending: Vec<Vec<RowText>>,
    bad: Vec<(usize, BadRecord)>,
    rows: usize,
}

impl Feed {
    /// A feed into a channel, with the channel its tokens come from.
    pub(super) fn new(sender: SyncSender<Unit>, tokens: Receiver<Pieces>) -> Self {
        Self { sender, tokens, number: 0, pending: Vec::new(), bad: Vec::new(), rows: 0 }
    }

    /// Reads everything and hands it out, until there is no more or nobody takes it.
    pub(super) fn read(
        mut self,
        run: &Run,
        shop: &Shop,
        progress: &Progress,
    ) -> Result<ReadEnd, ConvertError> {
        let mut end = ReadEnd::default();
        let mut grouping = (!run.streams(shop)).then(|| {
            (Grouper::new(&run.temporary), FirstLook::new(&shop.interpreter, &run.temporary, false))
        });
        let mut scratch = Scratch::default();
        let inputs = run.inputs.iter().chain(&run.previous).zip(&shop.files).enumerate();
        // Earlier exports first: what they say counts in those after them.
        let (previous, current): (Vec<_>, Vec<_>) = inputs.partition(|(_, (_, scene))| scene.previous);
        let mut notes: Vec<(usize, String)> = Vec::new();
        let mut export = previous.first().map_or(0, |(_, (_, scene))| scene.export);
        for (file, (input, scene)) in previous.into_iter().chain(current) {
            if let Some((_, look)) = grouping.as_mut().filter(|_| scene.export != export) {
                look.end_of_earlier(export).map_err(|e| run.spill_error(e))?;
                export = scene.export;
            }
            let before = progress.bytes.load(Ordering::Relaxed);
            let mut reader = Reader::open(input, &run.options)?;
            let bytes = reader.bytes_read();
            for batch in reader.by_ref() {
                let batch = batch?;
                progress.bytes.store(before + bytes.load(Ordering::Relaxed), Ordering::Relaxed);
                if !scene.previous {
                    end.blank += batch.blank();
                    if !self.give_bad(file, batch.bad()) {
                        return Ok(end);
                    }
                }
                if let Some((_, look)) = &mut grouping {
                    for bad in batch.bad() {
                        look.see_refused(scene, bad, file).map_err(|e| run.spill_error(e))?;
                    }
                }
                for record in batch.records() {
                    let row = RowText { file, row: record.row, text: record.text.to_owned() };
                    match &mut grouping {
                        None => {
                            if !self.give(vec![row]) {
                                return Ok(end);
                            }
                        }
                        Some((grouper, look)) => look
                            .see(scene, Place::new(file, row.row), &row.text, &mut scratch)
                            .and_then(|key| grouper.add(key.as_deref(), &row))
                            .map_err(|e| run.spill_error(e))?,
                    }
                }
            }
            notes.extend(reader.notes().into_iter().map(|note| (file, format!("{}: {note}", input.name))));
        }
        notes.sort_by_key(|(file, _)| *file);
        end.notes.extend(notes.into_iter().map(|(_, note)| note));
        if let Some((grouper, look)) = grouping {
            let (known, _) = look.finish().map_err(|e| run.spill_error(e))?;
            let _ = shop.known.set(known);
            run.settle_consents(shop)?;
            let mut groups = grouper.groups().map_err(|e| run.spill_error(e))?;
            while let Some(group) = groups.next_group().map_err(|e| run.spill_error(e))? {
                if !self.give(group) {
                    return Ok(end);
                }
            }
        }
        self.flush();
        Ok(end)
    }

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
