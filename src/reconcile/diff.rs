//! Our record against what stands at the endpoint, by identifier. Pure.
//!
//! Each resource that the endpoint said it has gets exactly one [`Class`]; so does each resource there that holds an
//! identifier of our systems and is none of ours. What this is not: a look at content; an endpoint has compared that
//! already ([`Sight`]). Invariant: nothing is counted twice and nothing is left out. Next: [`super::gather`].

use std::collections::HashSet;

use uuid::Uuid;

use crate::endpoint::{Held, Known, Sight};
use crate::outbox::EntryId;

/// How the two sides compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// It stands there as we sent it last, or further along in what others may change.
    Matched,
    /// It does not stand there.
    Missing,
    /// It stands there otherwise than we sent it, or is about somebody else.
    Divergent,
    /// More than one stands there under our identifier.
    Duplicate,
    /// It stands there under an identifier system of ours, and our record does not know it.
    Unknown,
}

impl Class {
    /// Every class with its word and what it means.
    pub const ALL: [(Self, &'static str, &'static str); 5] = [
        (Self::Matched, "matched", "stands there as it was sent, or further along"),
        (Self::Missing, "missing", "does not stand there"),
        (Self::Divergent, "divergent", "stands there otherwise than it was sent"),
        (Self::Duplicate, "duplicate", "more than one stands there under our identifier"),
        (Self::Unknown, "unknown", "stands there under our identifiers and is not in our record"),
    ];

    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(class, ..)| *class == self).map_or("", |(_, word, _)| word)
    }
}

/// What more is to be said of a resource that is not matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// It is about another person: the identifier is used twice.
    IdentifierCollision,
    /// It stands there as an earlier entry left it.
    OlderState,
    /// Somebody changed what is ours alone.
    Changed,
}

impl Note {
    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IdentifierCollision => "identifier-collision",
            Self::OlderState => "older-state",
            Self::Changed => "changed",
        }
    }
}

/// A resource's place and version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// Its id at the endpoint.
    pub id: String,
    /// Its version there.
    pub version: Option<String>,
}

/// One resource, compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How the sides compare.
    pub class: Class,
    /// What more is to be said.
    pub note: Option<Note>,
    /// Its type; `Bundle` for a file.
    pub resource_type: String,
    /// The system of its identifier; absent where it is found by id.
    pub system: Option<String>,
    /// The value of its identifier, or its id.
    pub name: String,
    /// UUID of the referral, where it is in our record.
    pub referral: Option<Uuid>,
    /// The entry that wrote it last.
    pub entry: Option<EntryId>,
    /// Where it was after that, as the endpoint said then.
    pub ours: Option<Side>,
    /// What stands there now.
    pub theirs: Vec<Side>,
}

/// One request of a referral, in the order in which they were read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wrote {
    /// Its entry.
    pub entry: EntryId,
    /// Whether the endpoint said that it has it; if not, it may have it.
    pub is_certain: bool,
}

/// What came of one referral.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// Every resource that the endpoint said it has.
    pub lines: Vec<Line>,
    /// Resources that it may have: they are not compared before it is known what came of them.
    pub in_doubt: u64,
}

/// Compares one referral. `sights` are what reading back `wrote` gave.
#[must_use]
pub fn referral(referral: Uuid, wrote: &[Wrote], known: &[Known], sights: &[Sight]) -> Compared {
    let mut compared = Compared::default();
    for sight in sights {
        let certain = |place: &&usize| wrote.get(**place).is_some_and(|wrote| wrote.is_certain);
        let Some(last) = sight.written_by.iter().rfind(certain).copied() else {
            compared.in_doubt += 1;
            continue;
        };
        let (class, note) = class(sight, last);
        let is = |known: &&Known| {
            known.placed.uuid == sight.name && known.placed.resource_type == sight.resource_type
        };
        let ours = known.iter().find(is).map(|known| &known.placed);
        compared.lines.push(Line {
            class,
            note,
            resource_type: sight.resource_type.clone(),
            system: sight.system.clone(),
            name: sight.name.clone(),
            referral: Some(referral),
            entry: wrote.get(last).map(|wrote| wrote.entry),
            ours: ours.map(|placed| Side { id: placed.id.clone(), version: placed.version.clone() }),
            theirs: theirs(sight),
        });
    }
    compared
}

fn theirs(sight: &Sight) -> Vec<Side> {
    let side = |id: &String, version: &Option<String>| Side { id: id.clone(), version: version.clone() };
    sight.copies.iter().map(|copy| side(&copy.id, &copy.version)).collect()
}

fn class(sight: &Sight, last: usize) -> (Class, Option<Note>) {
    let collision = sight.copies.iter().any(|copy| copy.about_other).then_some(Note::IdentifierCollision);
    match sight.copies.as_slice() {
        [] => (Class::Missing, None),
        [one] if !sight.more => match one.holds {
            _ if one.about_other => (Class::Divergent, collision),
            Some(holds) if holds >= last => (Class::Matched, None),
            Some(_) => (Class::Divergent, Some(Note::OlderState)),
            None => (Class::Divergent, Some(Note::Changed)),
        },
        _ => (Class::Duplicate, collision),
    }
}

/// Whether everything that a request wrote stands there as sent or further along: then it is acknowledged.
#[must_use]
pub fn is_there(sights: &[Sight], request: usize) -> bool {
    let mut wrote = sights.iter().filter(|sight| sight.written_by.contains(&request));
    wrote.all(|sight| class(sight, request).0 == Class::Matched)
}

/// What stands there and is not in our record: `names` are all the names that it holds, certain or not.
#[must_use]
pub fn unknown(resource_type: &str, system: &str, held: &[Held], names: &HashSet<String>) -> Vec<Line> {
    let strange = held.iter().filter(|held| !held.names.iter().any(|name| names.contains(name)));
    let line = |held: &Held| Line {
        class: Class::Unknown,
        note: None,
        resource_type: resource_type.to_owned(),
        system: Some(system.to_owned()),
        name: held.names.first().cloned().unwrap_or_default(),
        referral: None,
        entry: None,
        ours: None,
        theirs: vec![Side { id: held.id.clone(), version: held.version.clone() }],
    };
    strange.map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Standing;
    use crate::outbox::Placed;

    fn copy(id: &str, holds: Option<usize>) -> Standing {
        Standing { id: id.into(), version: Some("2".into()), about_other: false, holds }
    }

    fn sight(written_by: &[usize], copies: Vec<Standing>) -> Sight {
        Sight {
            resource_type: "Task".into(),
            name: "u".into(),
            system: Some("s".into()),
            written_by: written_by.to_vec(),
            copies,
            more: false,
        }
    }

    /// Two entries that the endpoint has and one that it may have.
    const WROTE: [Wrote; 3] = [
        Wrote { entry: 11, is_certain: true },
        Wrote { entry: 12, is_certain: true },
        Wrote { entry: 13, is_certain: false },
    ];

    fn one(sight: Sight) -> Option<(Class, Option<Note>, Option<EntryId>)> {
        let compared = referral(Uuid::nil(), &WROTE, &[], &[sight]);
        assert_eq!(compared.lines.len() as u64 + compared.in_doubt, 1, "counted once");
        compared.lines.first().map(|line| (line.class, line.note, line.entry))
    }

    #[test]
    fn every_finding_has_its_class() {
        let other = Standing { about_other: true, ..copy("1", Some(1)) };
        for (sight, expected) in [
            (sight(&[0, 1], vec![copy("1", Some(1))]), Some((Class::Matched, None, Some(12)))),
            (sight(&[0], vec![copy("1", Some(0))]), Some((Class::Matched, None, Some(11)))),
            // What an entry in doubt wrote may be there already, or not yet.
            (sight(&[1, 2], vec![copy("1", Some(2))]), Some((Class::Matched, None, Some(12)))),
            (sight(&[1, 2], vec![copy("1", Some(1))]), Some((Class::Matched, None, Some(12)))),
            (sight(&[2], vec![copy("1", Some(2))]), None),
            (sight(&[2], Vec::new()), None),
            (sight(&[0, 1], Vec::new()), Some((Class::Missing, None, Some(12)))),
            (
                sight(&[0, 1], vec![copy("1", Some(0))]),
                Some((Class::Divergent, Some(Note::OlderState), Some(12))),
            ),
            (sight(&[1], vec![copy("1", None)]), Some((Class::Divergent, Some(Note::Changed), Some(12)))),
            (
                sight(&[1], vec![other.clone()]),
                Some((Class::Divergent, Some(Note::IdentifierCollision), Some(12))),
            ),
            (
                sight(&[1], vec![copy("1", Some(1)), copy("2", Some(1))]),
                Some((Class::Duplicate, None, Some(12))),
            ),
            (
                sight(&[1], vec![copy("1", Some(1)), other]),
                Some((Class::Duplicate, Some(Note::IdentifierCollision), Some(12))),
            ),
            (
                Sight { more: true, ..sight(&[1], vec![copy("1", Some(1))]) },
                Some((Class::Duplicate, None, Some(12))),
            ),
        ] {
            let shown = format!("{sight:?}");
            assert_eq!(one(sight), expected, "{shown}");
        }
    }

    #[test]
    fn both_sides_are_named() {
        let placed = Placed {
            resource_type: "Task".into(),
            uuid: "u".into(),
            id: "7".into(),
            version: Some("1".into()),
        };
        let known = [Known { placed, content: String::new() }];
        let compared = referral(Uuid::nil(), &WROTE, &known, &[sight(&[1], vec![copy("7", None)])]);
        let line = &compared.lines[0];
        assert_eq!(line.ours, Some(Side { id: "7".into(), version: Some("1".into()) }));
        assert_eq!(line.theirs, [Side { id: "7".into(), version: Some("2".into()) }]);
    }

    #[test]
    fn an_entry_is_there_when_all_that_it_wrote_is() {
        let overtaken = [sight(&[0, 1], vec![copy("1", Some(1))]), sight(&[0], vec![copy("2", Some(0))])];
        assert!(is_there(&overtaken, 0), "a later entry went further along");
        assert!(is_there(&overtaken, 1));
        let behind = [sight(&[0, 1], vec![copy("1", Some(0))])];
        assert!(is_there(&behind, 0));
        assert!(!is_there(&behind, 1));
        assert!(!is_there(&[sight(&[0], vec![copy("1", Some(0))]), sight(&[0], Vec::new())], 0));
    }

    #[test]
    fn what_is_in_no_record_is_unknown() {
        let held = |names: &[&str], id: &str| Held {
            names: names.iter().map(|&name| name.to_owned()).collect(),
            id: id.into(),
            version: None,
        };
        let names = HashSet::from(["a".to_owned()]);
        let found =
            unknown("Task", "s", &[held(&["a"], "1"), held(&["b"], "2"), held(&["c", "a"], "3")], &names);
        let named: Vec<_> = found.iter().map(|line| (line.class, line.name.as_str())).collect();
        assert_eq!(named, [(Class::Unknown, "b")]);
    }
}
