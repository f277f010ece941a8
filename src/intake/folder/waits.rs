//! [`Waits`]: the files of a folder that cannot be read now, each with its reason and its next try.
//!
//! One that waits holds up no other, unless every other would wait for the same (a full disk, a stopped store): then the folder
//! rests. What keeps files waiting is said once, again when more files wait for it, and once when none does. What this is not: a
//! list that lasts; a file that waits stands in `.reading`, and is tried at once by the next process. Next: [`super::board`].

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::time::Duration;

use jiff::Timestamp;

use super::why::Why;

/// The longest time between two tries of a file.
const FILE: Duration = Duration::from_secs(300);
/// The longest rest of a folder.
const FOLDER: Duration = Duration::from_secs(30);

/// A moment before which something is not tried again, ever later.
#[derive(Clone, Copy, Debug)]
struct Again {
    tries: u32,
    at: Timestamp,
    most: Duration,
}

impl Again {
    fn after(before: Option<Self>, most: Duration, now: Timestamp) -> Self {
        let tries = before.map_or(0, |before| before.tries.saturating_add(1));
        let wait = Duration::from_secs(1 << tries.min(16)).min(most);
        Self { tries, at: now.checked_add(wait).unwrap_or(now), most }
    }

    fn is_due(&self, now: Timestamp) -> bool {
        // A clock that was put back makes nothing wait longer.
        now >= self.at || self.at.duration_since(now).unsigned_abs() > self.most
    }
}

/// A file that waits.
#[derive(Clone, Debug)]
pub(super) struct Wait {
    pub(super) why: Why,
    pub(super) since: Timestamp,
    again: Again,
}

/// The files that wait.
#[derive(Debug, Default)]
pub(super) struct Waits {
    files: BTreeMap<OsString, Wait>,
    rest: Option<Again>,
    /// What was said, and of how many files.
    said: BTreeMap<String, usize>,
}

/// What is to be said.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// So many files wait for this.
    Waits { said: String, remedy: &'static str, files: usize },
    /// None does any more.
    GoOn { said: String },
}

impl Waits {
    pub(super) fn is_due(&self, name: &OsStr, now: Timestamp) -> bool {
        self.files.get(name).is_none_or(|wait| wait.again.is_due(now))
    }

    /// Whether no file is to be read now.
    pub(super) fn rests(&self, now: Timestamp) -> bool {
        self.rest.is_some_and(|rest| !rest.is_due(now))
    }

    /// It could not be read, or not be put away.
    pub(super) fn begin(&mut self, name: &OsStr, why: Why, now: Timestamp) {
        if why.is_everyones {
            self.rest = Some(Again::after(self.rest, FOLDER, now));
        }
        let before = self.files.get(name).cloned();
        let again = Again::after(before.as_ref().map(|before| before.again), FILE, now);
        let since = before.map_or(now, |before| before.since);
        self.files.insert(name.to_owned(), Wait { why, since, again });
    }

    /// It was read and put away.
    pub(super) fn end(&mut self, name: &OsStr) {
        self.files.remove(name);
        self.rest = None;
    }

    /// Forgets what is there no more.
    pub(super) fn retain(&mut self, is_there: impl Fn(&OsStr) -> bool) {
        self.files.retain(|name, _| is_there(name));
    }

    pub(super) fn files(&self) -> impl Iterator<Item = (&OsStr, &Wait)> {
        self.files.iter().map(|(name, wait)| (name.as_os_str(), wait))
    }

    /// What is to be said now that was not said before.
    pub(super) fn news(&mut self) -> Vec<Word> {
        let mut now: BTreeMap<String, (usize, &'static str)> = BTreeMap::new();
        for wait in self.files.values() {
            now.entry(wait.why.said.clone()).or_insert((0, wait.why.remedy)).0 += 1;
        }
        let gone = self.said.keys().filter(|said| !now.contains_key(*said));
        let mut words: Vec<Word> = gone.map(|said| Word::GoOn { said: said.clone() }).collect();
        for (said, (files, remedy)) in &now {
            if self.said.get(said).is_none_or(|before| before < files) {
                words.push(Word::Waits { said: said.clone(), remedy, files: *files });
            }
        }
        self.said = now.into_iter().map(|(said, (files, _))| (said, files)).collect();
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreError;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_795_176_000 + second).unwrap()
    }

    #[test]
    fn it_is_tried_ever_more_rarely_and_a_clock_that_was_put_back_keeps_nothing() {
        let mut waits = Waits::default();
        let (name, mut now, mut gaps) = (OsStr::new("a"), 0, Vec::new());
        for _ in 0..11 {
            waits.begin(name, Why::changed(), at(now));
            let due = (now..).find(|second| waits.is_due(name, at(*second))).unwrap();
            gaps.push(due - now);
            now = due;
        }
        assert_eq!(gaps, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        waits.begin(name, Why::changed(), at(now));
        assert!(waits.is_due(name, at(now - 86_400)));
        assert!(waits.is_due(OsStr::new("b"), at(now)) && !waits.rests(at(now)));
        waits.begin(name, Why::store(&StoreError::Full), at(now));
        assert!(waits.rests(at(now)) && !waits.rests(at(now + 30)));
        waits.end(name);
        assert!(!waits.rests(at(now)) && waits.is_due(name, at(now)));
    }

    #[test]
    fn each_reason_is_said_once_and_once_when_it_is_gone() {
        let mut waits = Waits::default();
        let said = Why::changed().said;
        let waiting = |files| Word::Waits { said: said.clone(), remedy: Why::changed().remedy, files };
        for name in ["a", "b"] {
            waits.begin(OsStr::new(name), Why::changed(), at(0));
        }
        assert_eq!(waits.news(), [waiting(2)]);
        waits.begin(OsStr::new("a"), Why::changed(), at(9));
        assert_eq!(waits.news(), []);
        waits.begin(OsStr::new("c"), Why::changed(), at(9));
        assert_eq!(waits.news(), [waiting(3)]);
        waits.end(OsStr::new("a"));
        assert_eq!(waits.news(), []);
        waits.retain(|_| false);
        assert_eq!(waits.news(), [Word::GoOn { said }]);
        assert_eq!(waits.news(), []);
    }
}
