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
use super::known::comes_before;
use super::referral::{Done, Purpose, Shop};
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
        let mut groups = if wanted.is_empty() { None } else { Some(self.groups_of(shop, &wanted)?) };
        // Oldest first: what an export could send depends on what had been sent before it.
        for export in known.exports_in_order() {
            if let Some(groups) = &mut groups {
                let tried = shop.try_out(export, groups, &mut set_aside);
                tried.map_err(|error| self.spill_error(error))?;
            }
            known.settle(export, &set_aside, |place| shop.export(place.file()));
        }
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
    /// Finds the rows of referrals that are set aside, of one export as when it was converted.
    fn try_out(&self, this: usize, groups: &mut Groups, set_aside: &mut HashSet<Place>) -> io::Result<()> {
        let mut scratch = Scratch::default();
        while let Some(rows) = groups.next_group()? {
            let current: Vec<&RowText> = rows.iter().filter(|row| self.export(row.file) == this).collect();
            if current.is_empty() {
                continue;
            }
            let is_before = |row: &&RowText| comes_before(self.export(row.file), this);
            let previous: Vec<&RowText> = rows.iter().filter(is_before).collect();
            let mut done = Done { purpose: Purpose::Try, ..Done::default() };
            self.convert_beside(&previous, current, &mut scratch, &mut done);
            set_aside.extend(done.rejects.into_iter().map(|reject| reject.place));
        }
        groups.rewind()
    }
}
