//! Which rows are set aside, tried before anything is written: whether a statement that allows more, or the recall of a
//! withdrawal, counts for the person's other referrals depends on it.
//!
//! Only the referrals with such rows are read again, brought together as in the run itself and decided by the same code,
//! so that the two cannot differ. What this is not: a conversion; nothing is mapped. Next: [`super::consents`], which
//! asks for it.

use std::collections::HashSet;
use std::io;

use crate::source::{Reader, Scratch};

use super::error::ConvertError;
use super::group::{Grouper, Groups, Place, RowText, digest16};
use super::referral::{Done, Shop};
use super::run::Run;

impl Run {
    /// Settles what counts of what the input states of consent.
    ///
    /// # Errors
    /// A file cannot be read, or a spill file not written.
    pub(super) fn settle_consents(&self, shop: &Shop) -> Result<(), ConvertError> {
        let Some(known) = shop.known.get() else { return Ok(()) };
        let wanted = known.to_be_tried();
        let mut set_aside = HashSet::new();
        if !wanted.is_empty() {
            let groups = self.groups_of(shop, &wanted)?;
            shop.try_out(groups, &mut set_aside).map_err(|error| self.spill_error(error))?;
        }
        known.settle(&set_aside);
        Ok(())
    }

    /// Reads the rows of some referrals again.
    fn groups_of(&self, shop: &Shop, wanted: &HashSet<[u8; 16]>) -> Result<Groups, ConvertError> {
        let mut grouper = Grouper::new(&self.temporary);
        let mut scratch = Scratch::default();
        let inputs = self.inputs.iter().chain(&self.previous);
        for (file, (input, scene)) in inputs.zip(&shop.files).enumerate() {
            for batch in Reader::open(input, &self.options)? {
                for record in batch?.records() {
                    let key = shop.interpreter.key(&scene.layout, &scene.bound, record.text, &mut scratch);
                    if let Some(key) = key.filter(|key| wanted.contains(&digest16(key))) {
                        let row = RowText { file, row: record.row, text: record.text.to_owned() };
                        grouper.add(Some(&key), &row).map_err(|error| self.spill_error(error))?;
                    }
                }
            }
        }
        grouper.groups().map_err(|error| self.spill_error(error))
    }
}

impl Shop {
    /// Finds the rows of referrals that are set aside, of each export as when it was converted.
    fn try_out(&self, mut groups: Groups, set_aside: &mut HashSet<Place>) -> io::Result<()> {
        let mut scratch = Scratch::default();
        let export = |row: &RowText| self.files.get(row.file).map_or(0, |file| file.export);
        while let Some(rows) = groups.next_group()? {
            let mut exports: Vec<usize> = rows.iter().map(export).collect();
            exports.dedup();
            for this in exports {
                // Today's export has no number; the earlier ones are counted from the oldest.
                let is_before = |row: &&RowText| export(row) > 0 && (this == 0 || export(row) < this);
                let previous: Vec<&RowText> = rows.iter().filter(is_before).collect();
                let current = rows.iter().filter(|row| export(row) == this).collect();
                let mut done = Done { is_trial: true, ..Done::default() };
                self.convert_beside(&previous, current, &mut scratch, &mut done);
                set_aside.extend(done.rejects.into_iter().map(|reject| reject.place));
            }
        }
        Ok(())
    }
}
