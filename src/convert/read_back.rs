//! Events that were read out of FHIR, kept so far that one id in two records is noticed.
//!
//! Within one Bundle ids that clash are refused (`crate::map::back`). Records of a file are read each for itself, and what was
//! made of the first is written before the last is seen: so a clash between records is told, with both places. What this is
//! not: a refusal. Next: [`super::report`].

use std::io;
use std::path::Path;

use crate::event::{Issue, IssueCode, Position, ReferralEvent};

use super::group::{Digest16, Place, SORT_BUDGET, digest16};
use super::referral::Shop;
use super::repeats::event_id;
use super::report::Report;
use super::sorter::Sorter;

/// An event that was read, and where.
pub struct Said {
    event: Digest16,
    content: Digest16,
    place: Place,
}

impl Said {
    /// Of an event of a record. When it was recorded, or read, makes no other event of it.
    #[must_use]
    pub fn new(event: &ReferralEvent, place: Place) -> Self {
        let person = &event.record.person;
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let when = event.occurred_at.map(|when| when.to_string()).unwrap_or_default();
        let number = person.nhs_number.map(|number| number.as_str().to_owned()).unwrap_or_default();
        let content = [
            event.referral_id.to_string(),
            event.event_type.as_str().to_owned(),
            when,
            number,
            text(&person.local_id),
            // Our own events always serialise.
            serde_json::to_string(&event.detail).unwrap_or_default(),
        ];
        Self { event: event_id(event, 0), content: digest16(content.join("\u{1f}").as_bytes()), place }
    }
}

/// Events that were read, to be brought together by their ids.
pub(super) struct ReadBack {
    sorter: Sorter,
}

impl ReadBack {
    /// Spills into a folder.
    pub(super) fn new(folder: &Path) -> Self {
        Self { sorter: Sorter::new(SORT_BUDGET / 4, folder) }
    }

    pub(super) fn add(&mut self, said: &Said) -> io::Result<()> {
        let key = [said.event.as_slice(), said.place.to_bytes().as_slice()].concat();
        self.sorter.add(&key, &said.content)
    }

    /// Adds to a report every event that says something else than one of the same id in another record.
    pub(super) fn find(self, shop: &Shop, report: &mut Report) -> io::Result<()> {
        let mut sorted = self.sorter.sorted()?;
        let mut first: Option<(Vec<u8>, Vec<u8>, Place)> = None;
        while let Some((key, content)) = sorted.next_record()? {
            let Some((event, place)) = key.split_last_chunk::<12>() else { continue };
            let place = Place::from_bytes(*place);
            match &first {
                Some((known, other, other_place)) if known == event => {
                    if *other != content && *other_place != place {
                        let at = Position::row(shop.name(place.file()), place.row);
                        let found = format!("the other is {}", shop.at(*other_place));
                        report.issues(&[Issue::new(IssueCode::EventIdAgain, at, found)]);
                    }
                }
                _ => first = Some((event.to_vec(), content, place)),
            }
        }
        Ok(())
    }
}
