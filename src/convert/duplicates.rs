//! `DuplicateReferrals`: two open referrals of one person within 28 days, perhaps one referral written down twice.
//!
//! They convert all the same; a person is told which two rows to look at. Next: [`super::report`].

use std::io;
use std::path::Path;

use crate::event::{Issue, IssueCode, Position};

use super::group::{Digest16, Place, SORT_BUDGET};
use super::referral::Shop;
use super::report::Report;
use super::sorter::Sorter;

/// Referrals of one person further apart than this are two.
const DAYS: i64 = 28;

/// A person with an open referral.
pub struct OpenReferral {
    /// Hash of the NHS number.
    pub person: Digest16,
    /// Hash of the referral.
    pub referral: Digest16,
    /// Days since 1970 of the referral.
    pub day: i32,
    /// Its first row.
    pub place: Place,
}

/// Open referrals, to be brought together by person.
pub(super) struct DuplicateReferrals {
    sorter: Sorter,
}

impl DuplicateReferrals {
    /// Spills into a folder.
    pub(super) fn new(folder: &Path) -> Self {
        // Small beside the grouping's, which is done by the time this one fills.
        Self { sorter: Sorter::new(SORT_BUDGET / 4, folder) }
    }

    pub(super) fn add(&mut self, open: &OpenReferral) -> io::Result<()> {
        // Days before 1970 sort first when the sign is flipped.
        let day = (i64::from(open.day) + (1 << 32)).to_be_bytes();
        let key = [open.person.as_slice(), day.as_slice()].concat();
        let payload = [open.referral.as_slice(), open.place.to_bytes().as_slice()].concat();
        self.sorter.add(&key, &payload)
    }

    /// Adds to a report every referral that follows too closely on another of the person.
    pub(super) fn find(self, shop: &Shop, report: &mut Report) -> io::Result<()> {
        let mut sorted = self.sorter.sorted()?;
        let mut last: Option<(Vec<u8>, i64, Digest16, Place)> = None;
        while let Some((key, payload)) = sorted.next_record()? {
            let Some((person, day)) = key.split_last_chunk::<8>() else { continue };
            let Some((referral, place)) = payload.split_first_chunk::<16>() else { continue };
            let Some(place) = place.first_chunk().map(|place| Place::from_bytes(*place)) else { continue };
            let day = i64::from_be_bytes(*day);
            if let Some((known, known_day, other, other_place)) = &last
                && known == person
                && day - known_day <= DAYS
                && other != referral
            {
                let at = Position::row(shop.name(place.file()), place.row);
                let found = format!("the other is {}", shop.at(*other_place));
                report.possible_duplicates += 1;
                report.issues(&[Issue::new(IssueCode::PossibleDuplicate, at, found)]);
            }
            last = Some((person.to_vec(), day, *referral, place));
        }
        Ok(())
    }
}
