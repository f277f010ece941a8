//! [`Cursor`]: from when on a search asks. Pure.
//!
//! It is a time of the endpoint's own clock, `meta.lastUpdated` of the newest resource that was handed over; ours only
//! keeps it from running ahead. Each search asks from a while before it (the overlap), because servers commit out of
//! order. A reading of several pages may pass over a resource that slipped to another page meanwhile, so when one
//! brought anything new, the same span is read once more before the cursor moves on. Next: [`super::judge`].

use std::time::Duration;

use jiff::Timestamp;

/// From when on a search asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Everything up to here was handed over; absent before the first reading.
    pub since: Option<Timestamp>,
    /// Whether the span from there on has been read once, on several pages.
    pub again: bool,
}

/// What a reading brought, as far as the cursor is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The newest change in it.
    pub newest: Option<Timestamp>,
    /// On how many pages it came.
    pub pages: usize,
    /// How much of it was new.
    pub new: usize,
    /// Whether it was read to its end.
    pub complete: bool,
}

impl Cursor {
    /// A cursor as the store keeps it. What cannot be read is no cursor: everything is read again, and known again.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        let (since, again) = match word.strip_suffix(" again") {
            Some(since) => (since, true),
            None => (word, false),
        };
        Self { since: since.parse().ok(), again }
    }

    /// As the store keeps it.
    #[must_use]
    pub fn word(&self) -> String {
        let since = self.since.map_or_else(|| "start".to_owned(), |since| since.to_string());
        if self.again { format!("{since} again") } else { since }
    }

    /// From when on to ask.
    #[must_use]
    pub fn from(&self, overlap: Duration) -> Option<Timestamp> {
        self.since.map(|since| since.checked_sub(overlap).unwrap_or(Timestamp::MIN))
    }

    /// The cursor after a reading whose events were handed over.
    #[must_use]
    pub fn after(self, progress: Progress, now: Timestamp) -> Self {
        let Some(newest) = progress.newest.map(|newest| newest.min(now)) else {
            return Self { again: false, ..self };
        };
        if progress.complete && progress.pages > 1 && progress.new > 0 && !self.again {
            return Self { again: true, ..self };
        }
        Self { since: Some(self.since.map_or(newest, |since| since.max(newest))), again: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: u8) -> Timestamp {
        format!("2026-11-20T{hour:02}:00:00Z").parse().unwrap()
    }

    fn progress(hour: u8, pages: usize, new: usize) -> Progress {
        Progress { newest: Some(at(hour)), pages, new, complete: true }
    }

    #[test]
    fn it_is_kept_as_a_word() {
        for cursor in [
            Cursor::default(),
            Cursor { since: None, again: true },
            Cursor { since: Some(at(3)), again: false },
            Cursor { since: Some(at(3)), again: true },
        ] {
            assert_eq!(Cursor::parse(&cursor.word()), cursor);
        }
        assert_eq!(Cursor::parse("nonsense"), Cursor::default());
    }

    #[test]
    fn it_asks_from_before_what_it_knows() {
        let cursor = Cursor { since: Some(at(3)), again: false };
        assert_eq!(cursor.from(Duration::from_secs(3600)), Some(at(2)));
        assert_eq!(Cursor::default().from(Duration::from_secs(3600)), None);
        assert_eq!(cursor.from(Duration::MAX), Some(Timestamp::MIN));
    }

    #[test]
    fn several_pages_are_read_twice_before_it_moves() {
        let first = Cursor::default().after(progress(5, 3, 40), at(9));
        assert_eq!(first, Cursor { since: None, again: true });
        assert_eq!(first.after(progress(5, 3, 1), at(9)), Cursor { since: Some(at(5)), again: false });
        // Nothing new on several pages, or one page only: at once.
        assert_eq!(Cursor::default().after(progress(5, 3, 0), at(9)).since, Some(at(5)));
        assert_eq!(Cursor::default().after(progress(5, 1, 9), at(9)).since, Some(at(5)));
        // A reading that was cut short goes on from where it was.
        let cut = Progress { complete: false, ..progress(5, 100, 9) };
        assert_eq!(Cursor::default().after(cut, at(9)), Cursor { since: Some(at(5)), again: false });
    }

    #[test]
    fn it_never_goes_back_nor_ahead_of_our_clock() {
        let cursor = Cursor { since: Some(at(5)), again: false };
        assert_eq!(cursor.after(progress(4, 1, 1), at(9)).since, Some(at(5)));
        assert_eq!(cursor.after(progress(23, 1, 1), at(9)).since, Some(at(9)));
        let nothing = Progress { newest: None, pages: 1, new: 0, complete: true };
        assert_eq!(cursor.after(nothing, at(9)), cursor);
    }
}
