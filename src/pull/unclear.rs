//! [`Unclear`]: what was found and could not be judged yet, remembered by its place. Pure.
//!
//! A cursor moves on over it, so it is asked for by its id at each poll until it is clear: read whole and told, or gone, or no
//! longer for us. What this is not: a list of what was refused; that was judged. Invariant: an entry leaves the list only when
//! its resource was judged or need not be. Next: [`super::run`].

use std::time::Duration;

use jiff::Timestamp;

use super::page::{Found, Place};

/// After so long a person is told, once.
pub const OVERDUE: Duration = Duration::from_secs(24 * 3600);

/// What was found and could not be judged yet. It holds ids, never content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unclear {
    /// Its type and id.
    pub place: Place,
    /// Since when.
    pub since: Timestamp,
    /// Whether it was found because a Task of ours to see is about it, not by itself.
    pub by_task: bool,
    /// Whether it was said that it takes long.
    pub is_overdue: bool,
    /// Why, in our words.
    pub why: String,
}

impl Unclear {
    /// `Type/id`.
    #[must_use]
    pub fn resource(&self) -> String {
        format!("{}/{}", self.place.0, self.place.1)
    }

    fn parse(line: &str) -> Option<Self> {
        let mut words = line.splitn(4, ' ');
        let (kind, id) = words.next()?.split_once('/')?;
        let since = words.next()?.parse().ok()?;
        let marks = words.next()?;
        Some(Self {
            place: (kind.to_owned(), id.to_owned()),
            since,
            by_task: marks.contains('t'),
            is_overdue: marks.contains('o'),
            why: words.next()?.to_owned(),
        })
    }

    fn line(&self) -> String {
        let marks = match (self.by_task, self.is_overdue) {
            (false, false) => "-",
            (true, false) => "t",
            (false, true) => "o",
            (true, true) => "to",
        };
        format!("{} {} {marks} {}", self.resource(), self.since, self.why)
    }
}

/// The name of an endpoint's list in the store.
#[must_use]
pub fn note(endpoint: &str) -> String {
    format!("pull/{endpoint}/unclear")
}

/// A list as the store keeps it.
#[must_use]
pub fn parse(word: &str) -> Vec<Unclear> {
    word.lines().filter_map(Unclear::parse).collect()
}

/// The same, to be kept.
#[must_use]
pub fn word(list: &[Unclear]) -> String {
    list.iter().map(Unclear::line).collect::<Vec<_>>().join("\n")
}

/// The list after a poll: what was not asked for this time first, so that it is the next; then what is still, or newly, not
/// clear. Gives it with the places of those of which a person is to be told now.
#[must_use]
pub fn after(
    not_asked: Vec<Unclear>,
    asked: &[Unclear],
    now_unclear: Vec<(bool, Found, String)>,
    unread: Vec<(Place, String)>,
    now: Timestamp,
) -> (Vec<Unclear>, Vec<String>) {
    let mut list = not_asked;
    let unclear = now_unclear.into_iter().map(|(by_task, found, why)| ((found.kind, found.id), by_task, why));
    for (place, by_task, why) in unread.into_iter().map(|(place, why)| (place, false, why)).chain(unclear) {
        let before = asked.iter().find(|before| before.place == place);
        if list.iter().any(|known| known.place == place) {
            continue;
        }
        list.push(Unclear {
            since: before.map_or(now, |before| before.since),
            by_task: by_task || before.is_some_and(|before| before.by_task),
            is_overdue: before.is_some_and(|before| before.is_overdue),
            place,
            why,
        });
    }
    let is_late = |one: &&mut Unclear| {
        !one.is_overdue && now.duration_since(one.since).unsigned_abs() >= OVERDUE && one.since < now
    };
    let told = list.iter_mut().filter(is_late).map(|one| {
        one.is_overdue = true;
        format!("{}: {}", one.resource(), one.why)
    });
    let told = told.collect();
    (list, told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Limits, json};

    fn at(day: u8) -> Timestamp {
        format!("2026-11-{day:02}T09:00:00Z").parse().unwrap()
    }

    fn unclear(id: &str, since: u8) -> Unclear {
        Unclear {
            place: ("Task".into(), id.into()),
            since: at(since),
            by_task: false,
            is_overdue: false,
            why: "Patient/p1 cannot be read (HTTP 403)".into(),
        }
    }

    #[test]
    fn it_is_kept_as_lines() {
        let marks = [(false, false), (true, false), (false, true), (true, true)];
        let list: Vec<Unclear> = marks
            .into_iter()
            .map(|(by_task, is_overdue)| Unclear { by_task, is_overdue, ..unclear("t1", 3) })
            .collect();
        assert_eq!(parse(&word(&list)), list);
        assert!(parse("").is_empty() && parse("nonsense\nTask/1 yesterday - x").is_empty());
    }

    #[test]
    fn it_is_told_once_after_a_day_and_asked_for_in_turn() {
        let node = br#"{"resourceType":"Task","id":"t2"}"#;
        let found = Found::read(&json::parse(node, &Limits::default()).unwrap()).unwrap();
        let asked = [unclear("t1", 3), unclear("t2", 3), unclear("gone", 3)];
        let still = |day| {
            let unread = vec![(("Task".to_owned(), "t1".to_owned()), "cannot be read".to_owned())];
            let known = vec![(false, found.clone(), "why".to_owned())];
            after(vec![unclear("later", day)], &asked, known, unread, at(day))
        };
        let (list, told) = still(3);
        let ids: Vec<&str> = list.iter().map(|one| one.place.1.as_str()).collect();
        assert_eq!((ids, told.len()), (vec!["later", "t1", "t2"], 0));
        let (list, told) = still(4);
        assert_eq!(told, ["Task/t1: cannot be read", "Task/t2: why"]);
        let (_, told) = after(Vec::new(), &list, vec![(false, found, "why".into())], Vec::new(), at(9));
        assert!(told.is_empty(), "once");
    }
}
