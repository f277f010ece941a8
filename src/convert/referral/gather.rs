//! [`Gathered`]: the events of one referral's rows, for whoever keeps them and answers for each.
//!
//! Rows that contradict themselves or one another, or other rows about the same person, are set aside as in
//! [`Shop::convert`]; consent, other holds and what is new are left to the planner, which knows more than one file. Next: [`crate::intake`].

use std::io;
use std::path::Path;

use crate::event::{Issue, IssueCode, ReferralEvent};
use crate::map::fold;
use crate::source::{Layout, Scratch};

use super::super::error::ConvertError;
use super::super::group::{RowText, SORT_BUDGET};
use super::super::part::Pending;
use super::super::rejects::Reject;
use super::super::report::RowEnd;
use super::super::rows::ReadRow;
use super::super::sorter::Sorter;
use super::{Done, Shop};

/// The events of one referral's rows.
#[derive(Default)]
pub struct Gathered {
    /// Its events, in the order of the rows.
    pub events: Vec<ReferralEvent>,
    /// Events of rows that were set aside although nothing is wrong with each of them: what they say may have to be
    /// heeded.
    pub set_aside: Vec<ReferralEvent>,
    rows: Vec<GatheredRow>,
}

struct GatheredRow {
    row: RowText,
    ids: Vec<String>,
    issues: Vec<Issue>,
}

/// What became of one event.
#[derive(Clone, Debug)]
pub enum Ending {
    /// It is new, or a new version.
    Taken(Vec<Issue>),
    /// It was known; what the export says otherwise than before, and changes nothing.
    Known(Vec<Issue>),
    /// It was refused.
    Refused(Vec<Issue>),
}

impl Shop {
    /// Reads the rows of one referral. What is not in the answer was set aside.
    #[must_use]
    pub fn gather(&self, rows: &[RowText], scratch: &mut Scratch, done: &mut Done) -> Gathered {
        let read = self.read_all(rows.iter().collect(), scratch);
        let (refused, mut good): (Vec<_>, Vec<_>) = read.into_iter().partition(ReadRow::is_refused);
        // A row that is refused may still say what must be heeded.
        let heeded = refused.iter().find_map(|row| self.to_be_heeded(row, scratch));
        for row in refused {
            self.reject(&row, RowEnd::Refused, done);
        }
        if let Some(found) = heeded {
            let set_aside = events_of(&good);
            self.set_aside(good, IssueCode::HeldConsentUnclear, &found, done);
            return Gathered { set_aside, ..Gathered::default() };
        }
        let mut set_aside = Vec::new();
        loop {
            let events: Vec<_> = good.iter().flat_map(|row| row.events.iter().cloned()).collect();
            let (events, disputed) = fold::deduplicate(self.one_record(events));
            if disputed.is_empty() {
                // What other rows of the file say of the person only the file shows.
                let folded = || fold::fold(events.clone());
                let against = self.known.get().and_then(|known| known.today().hold(&folded()));
                if let Some(against) = against {
                    set_aside.extend(events_of(&good));
                    self.set_aside(good, against.code, &self.said(&against), done);
                    return Gathered { set_aside, ..Gathered::default() };
                }
                let rows = good.into_iter().map(GatheredRow::of).collect();
                return Gathered { events, set_aside, rows };
            }
            let of_them = |row: &ReadRow<'_>| {
                row.events.iter().any(|event| disputed.iter().any(|other| other.event_id == event.event_id))
            };
            let (refused, rest): (Vec<_>, Vec<_>) = good.into_iter().partition(of_them);
            set_aside.extend(events_of(&refused));
            self.set_aside(refused, IssueCode::DuplicateEventId, "", done);
            good = rest;
        }
    }

    /// Says what became of the rows, now that something answered for their events.
    pub fn settle(&self, gathered: Gathered, ending: impl Fn(&str) -> Option<Ending>, done: &mut Done) {
        for GatheredRow { row, ids, mut issues } in gathered.rows {
            let (mut new, mut refused) = (false, None);
            for ending in ids.iter().filter_map(|id| ending(id)) {
                let found = match ending {
                    Ending::Known(found) => found,
                    Ending::Taken(found) => {
                        new = true;
                        found
                    }
                    Ending::Refused(found) => {
                        refused = refused.or(found.iter().find(|issue| issue.is_error()).map(|i| i.code));
                        found
                    }
                };
                issues.extend(found.into_iter().map(|mut issue| {
                    issue.at = issue.at.within(&self.name(row.file), row.row);
                    issue
                }));
            }
            match refused {
                Some(code) => {
                    let held = code.as_str().starts_with("held-");
                    let end = if held { RowEnd::Held } else { RowEnd::Refused };
                    self.reject(&ReadRow { row: &row, events: Vec::new(), issues }, end, done);
                }
                None => {
                    done.report.issues(&issues);
                    done.report.row(if new { RowEnd::Converted } else { RowEnd::Unchanged });
                }
            }
        }
    }
}

fn events_of(rows: &[ReadRow<'_>]) -> Vec<ReferralEvent> {
    rows.iter().flat_map(|row| row.events.iter().cloned()).collect()
}

impl GatheredRow {
    fn of(row: ReadRow<'_>) -> Self {
        let ids = row.events.iter().map(|event| event.event_id.clone()).collect();
        Self { row: row.row.clone(), ids, issues: row.issues }
    }
}

/// Refused rows of one file, put back in the file's order outside memory.
pub struct RefusedRows {
    sorter: Sorter,
    count: u64,
}

impl RefusedRows {
    /// None yet; spills into a folder.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { sorter: Sorter::new(SORT_BUDGET / 4, folder), count: 0 }
    }

    /// Adds some.
    ///
    /// # Errors
    /// A spill file cannot be written.
    pub fn add(&mut self, rejects: impl IntoIterator<Item = Reject>) -> io::Result<()> {
        for reject in rejects {
            self.count += 1;
            self.sorter.add(&reject.place.to_bytes(), reject.line.as_bytes())?;
        }
        Ok(())
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Writes them in the file's own form, to be mended and read again.
    ///
    /// # Errors
    /// The disk.
    pub fn write(self, path: &Path, layout: &Layout) -> Result<(), ConvertError> {
        let mut file = Pending::file(path)?;
        if let Some(heading) = layout.reject_header() {
            file.write(heading.as_bytes())?;
        }
        let spill = |error| ConvertError::write(path, error);
        let mut sorted = self.sorter.sorted().map_err(spill)?;
        while let Some((_, line)) = sorted.next_record().map_err(spill)? {
            file.write(&line)?;
        }
        file.finish()
    }
}
