//! [`Cursor`]: from when on a search asks. Pure.
//!
//! It is a time of the endpoint's own clock, `meta.lastUpdated` of the newest resource that was handed over; ours only
//! keeps it from running ahead. Each search asks from a while before it (the overlap), because servers commit out of
//! order. A reading of several pages may pass over a resource that slipped to another page meanwhile, so when one
//! brought anything new, the same span is read once more before the cursor moves on. A span that is too long for one
//! reading is read in parts: the next begins where the last one ended, without overlap, until the end is reached.
//! Invariant: it never moves over what was not read. Next: [`super::judge`].

use std::time::Duration;

use jiff::Timestamp;

/// From when on a search asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Everything up to here was handed over; absent before the first reading.
    pub since: Option<Timestamp>,
    /// How far the span that begins before `since` was read, where its end is not reached yet.
    pub on: Option<Timestamp>,
    /// Whether what comes next has been read once, on several pages.
    pub again: bool,
}

/// What a reading brought, as far as the cursor is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The newest change in it.
    pub newest: Option<Timestamp>,
    /// On how many pages it came.
    pub pages: usize,
    /// Whether a page was reached by a link, so that a resource may have slipped from one to another unseen.
    pub linked: bool,
    /// How much of it was new.
    pub new: usize,
    /// Whether it was read to its end.
    pub complete: bool,
}

impl Cursor {
    /// A cursor as the store keeps it. What cannot be read is no cursor: everything is read again, and known again.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        let (word, again) = word.strip_suffix(" again").map_or((word, false), |word| (word, true));
        let (since, on) =
            word.split_once(" on ").map_or((word, None), |(since, on)| (since, on.parse().ok()));
        Self { since: since.parse().ok(), on, again }
    }

    /// As the store keeps it.
    #[must_use]
    pub fn word(&self) -> String {
        let since = self.since.map_or_else(|| "start".to_owned(), |since| since.to_string());
        let on = self.on.map(|on| format!(" on {on}")).unwrap_or_default();
        format!("{since}{on}{}", if self.again { " again" } else { "" })
    }

    /// From when on to ask.
    #[must_use]
    pub fn from(&self, overlap: Duration) -> Option<Timestamp> {
        self.on.or_else(|| self.since.map(|since| since.checked_sub(overlap).unwrap_or(Timestamp::MIN)))
    }

    /// The cursor after a reading whose events were handed over.
    #[must_use]
    pub fn after(self, progress: Progress, now: Timestamp) -> Self {
        if progress.linked && progress.new > 0 && !self.again {
            return Self { again: true, ..self };
        }
        if !progress.complete {
            // A place in the endpoint's own time, not a claim about ours.
            return Self { on: progress.newest.or(self.on), again: false, ..self };
        }
        let newest = progress.newest.max(self.on).map(|newest| newest.min(now));
        Self { since: self.since.max(newest), on: None, again: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: u8) -> Timestamp {
        format!("2026-11-20T{hour:02}:00:00Z").parse().unwrap()
    }

    fn progress(hour: u8, linked: bool, new: usize) -> Progress {
        Progress { newest: Some(at(hour)), pages: 1, linked, new, complete: true }
    }

    fn since(hour: u8) -> Cursor {
        Cursor { since: Some(at(hour)), ..Cursor::default() }
    }

    #[test]
    fn it_is_kept_as_a_word() {
        for cursor in [
            Cursor::default(),
            Cursor { again: true, ..Cursor::default() },
            since(3),
            Cursor { again: true, ..since(3) },
            Cursor { on: Some(at(4)), ..since(3) },
            Cursor { since: None, on: Some(at(4)), again: true },
        ] {
            assert_eq!(Cursor::parse(&cursor.word()), cursor);
        }
        assert_eq!(Cursor::parse("nonsense"), Cursor::default());
        // As earlier versions kept it.
        assert_eq!(Cursor::parse("2026-11-20T03:00:00Z again"), Cursor { again: true, ..since(3) });
    }

    #[test]
    fn it_asks_from_before_what_it_knows() {
        let cursor = since(3);
        assert_eq!(cursor.from(Duration::from_secs(3600)), Some(at(2)));
        assert_eq!(Cursor::default().from(Duration::from_secs(3600)), None);
        assert_eq!(cursor.from(Duration::MAX), Some(Timestamp::MIN));
    }

    #[test]
    fn several_pages_are_read_twice_before_it_moves() {
        let first = Cursor::default().after(progress(5, true, 40), at(9));
        assert_eq!(first, Cursor { again: true, ..Cursor::default() });
        assert_eq!(first.after(progress(5, true, 1), at(9)), since(5));
        // Nothing new on several pages, or no page by a link: at once.
        assert_eq!(Cursor::default().after(progress(5, true, 0), at(9)), since(5));
        assert_eq!(Cursor::default().after(progress(5, false, 9), at(9)), since(5));
    }

    #[test]
    fn a_span_that_is_read_in_parts_goes_on_without_overlap_until_its_end() {
        let hour = Duration::from_secs(3600);
        let cut = |hour, new| Progress { complete: false, ..progress(hour, true, new) };
        let first = since(3).after(cut(5, 9), at(9)).after(cut(5, 0), at(9));
        assert_eq!(first, Cursor { on: Some(at(5)), ..since(3) });
        assert_eq!(first.from(hour), Some(at(5)), "not from two again: the same part would come for ever");
        let second = first.after(cut(7, 0), at(9));
        assert_eq!((second.from(hour), second.since), (Some(at(7)), Some(at(3))));
        let last = second.after(progress(8, false, 1), at(9));
        assert_eq!((last, last.from(hour)), (since(8), Some(at(7))));
        // What was last there has gone meanwhile.
        let nothing = Progress { newest: None, ..progress(0, false, 0) };
        assert_eq!(second.after(nothing, at(9)), since(7));
    }

    #[test]
    fn it_never_goes_back_nor_ahead_of_our_clock() {
        let cursor = since(5);
        assert_eq!(cursor.after(progress(4, false, 1), at(9)).since, Some(at(5)));
        assert_eq!(cursor.after(progress(23, false, 1), at(9)).since, Some(at(9)));
        let nothing = Progress { newest: None, ..progress(0, false, 0) };
        assert_eq!(cursor.after(nothing, at(9)), cursor);
    }
}
