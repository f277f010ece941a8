//! [`PersonFinder`]: rows that disagree about whose an NHS number is.
//!
//! One of two rows with one number and different dates of birth would go on another person's record; so would one
//! of two numbers of one person. Neither shows in a single referral, so the whole input is looked at first: what
//! each row says goes through an external sort, and rows of one person come together whatever the size of the file. In a log, where later events may put the record right, the last day of
//! each referral counts. Invariant: memory is the sort's budget and the persons in dispute. Next: [`super::known`].

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::Path;

use crate::event::family_name;
use crate::event::person::Person;

use super::classes::{Classes, Joining};
use super::group::{Digest16, Place, SORT_BUDGET};
use super::person_keys::{InSource, of_number};
use super::sorter::{Record, Sorter};

/// What rows of one person disagree about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// One NHS number, two dates of birth.
    BirthDate,
    /// One local identifier, two NHS numbers.
    Number,
    /// One NHS number, no family name in common.
    Name,
}

/// A disagreement: about what, and two rows that show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// About what.
    pub about: About,
    /// The first row of one side.
    pub one: Place,
    /// The first row of the other.
    pub other: Place,
}

/// Disagreements, by the number or by the source's identifier.
pub type Disputes = HashMap<Digest16, Dispute>;

/// When in its referral a record was stated. Where rows are states, not events, all are of one time.
#[derive(Clone, Copy, Debug)]
pub struct Stated {
    /// The referral.
    pub referral: Digest16,
    /// The day, as a number that grows; the last of a referral counts.
    pub day: u32,
}

/// Of the names of one person, at most so many are told apart: more are in dispute anyway.
const MAX_NAMES: usize = 64;

const NUMBER: u8 = b'n';
const LOCAL: u8 = b'l';

/// Collects what rows say of persons.
pub struct PersonFinder {
    sorter: Sorter,
    /// Where a record is put together.
    record: Record,
}

impl PersonFinder {
    /// A finder that spills into a folder.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        // A third of what the grouping takes, which stands beside it.
        Self { sorter: Sorter::new(SORT_BUDGET / 3, folder), record: Record::default() }
    }

    /// Notes what a row says of a person.
    ///
    /// # Errors
    /// A spill file cannot be written.
    pub fn add(
        &mut self,
        keys: InSource,
        person: &Person,
        stated: Option<Stated>,
        place: Place,
    ) -> io::Result<()> {
        let (key, payload) = &mut self.record;
        if let Some(number) = person.nhs_number {
            key.clear();
            key.push(NUMBER);
            key.extend_from_slice(&of_number(number));
            if let Some(stated) = stated {
                key.extend_from_slice(&stated.referral);
                // The last day first.
                key.extend_from_slice(&(!stated.day).to_be_bytes());
            }
            payload.clear();
            payload.extend_from_slice(&place.to_bytes());
            let birth = person.birth_date.map(|when| when.day_text()).unwrap_or_default();
            payload.push(u8::try_from(birth.len()).unwrap_or_default());
            payload.extend_from_slice(birth.as_bytes());
            for name in family_name::on_record(person) {
                // The beginning of a name that is longer than any is enough.
                let bytes = name.bytes().take(usize::from(u8::MAX));
                payload.push(u8::try_from(bytes.len()).unwrap_or(u8::MAX));
                payload.extend(bytes);
            }
            self.sorter.add(key, payload)?;
        }
        if let (Some(number), Some(local)) = (keys.number, keys.local) {
            key.clear();
            key.push(LOCAL);
            key.extend_from_slice(&local);
            payload.clear();
            payload.extend_from_slice(&place.to_bytes());
            payload.extend_from_slice(&number);
            self.sorter.add(key, payload)?;
        }
        Ok(())
    }

    /// The disagreements, and what those of whom something is stated (`concerned`) are known by.
    ///
    /// # Errors
    /// A spill file cannot be read.
    pub fn find(self, concerned: &HashSet<Digest16>) -> io::Result<(Disputes, Classes)> {
        let mut joining = Joining::new(concerned);
        let mut sorted = self.sorter.sorted()?;
        let mut disputes = Disputes::new();
        let mut open: Option<Group> = None;
        while let Some(record) = sorted.next_record()? {
            let Some(said) = Statement::new(&record) else { continue };
            if open.as_ref().is_none_or(|group| group.kind != said.kind || group.key != said.key) {
                close(open.take(), &mut disputes);
                open = Some(Group::new(&said));
            }
            if let Some(group) = &mut open {
                group.add(&said);
            }
            if let Some((local, number)) = said.link() {
                joining.join(local, number);
            }
        }
        close(open, &mut disputes);
        if joining.is_wanted() {
            sorted.rewind()?;
            // Local identifiers sort before numbers.
            while let Some(record) = sorted.next_record()? {
                let Some((local, number)) = Statement::new(&record).and_then(|said| said.link()) else {
                    break;
                };
                joining.take(local, number);
            }
        }
        Ok((disputes, joining.classes()))
    }
}

fn close(group: Option<Group>, disputes: &mut Disputes) {
    if let Some(group) = group
        && let Some(dispute) = group.dispute()
    {
        disputes.insert(group.key, dispute);
    }
}

/// One sorted record, read back.
struct Statement<'r> {
    kind: u8,
    key: Digest16,
    /// Referral and day, of a log.
    stated: Option<(&'r [u8], &'r [u8])>,
    place: Place,
    /// The number, or the date of birth.
    said: &'r [u8],
    names: Vec<&'r [u8]>,
}

impl<'r> Statement<'r> {
    fn new((key, payload): &'r Record) -> Option<Self> {
        let (kind, rest) = key.split_first()?;
        let (key, rest) = rest.split_first_chunk::<16>()?;
        let stated = rest.split_at_checked(16).filter(|(_, day)| !day.is_empty());
        let (place, rest) = payload.split_first_chunk::<12>()?;
        let mut names = Vec::new();
        let mut said = rest;
        if *kind == NUMBER {
            let mut parts = Parts(rest);
            said = parts.next()?;
            names.extend(parts);
        }
        Some(Self { kind: *kind, key: *key, stated, place: Place::from_bytes(*place), said, names })
    }

    /// A local identifier and the number beside it.
    fn link(&self) -> Option<(Digest16, Digest16)> {
        let number = Digest16::try_from(self.said).ok()?;
        (self.kind == LOCAL).then_some((self.key, number))
    }
}

/// Texts, each with its length before it.
struct Parts<'r>(&'r [u8]);

impl<'r> Iterator for Parts<'r> {
    type Item = &'r [u8];

    fn next(&mut self) -> Option<&'r [u8]> {
        let (length, rest) = self.0.split_first()?;
        let (part, rest) = rest.split_at_checked(usize::from(*length))?;
        self.0 = rest;
        Some(part)
    }
}

/// Rows of one person, as they come out of the sort.
struct Group {
    kind: u8,
    key: Digest16,
    /// The referral that is read at the moment, and its last day.
    now: Option<(Vec<u8>, Vec<u8>)>,
    /// What was said first, as fully as it was said, and where.
    first: Option<(Vec<u8>, Place)>,
    /// The first row that said something else.
    other: Option<Place>,
    /// Names that belong together, with the first row of each.
    names: Vec<(Vec<Vec<u8>>, Place)>,
}

impl Group {
    fn new(said: &Statement<'_>) -> Self {
        Self { kind: said.kind, key: said.key, now: None, first: None, other: None, names: Vec::new() }
    }

    fn add(&mut self, said: &Statement<'_>) {
        if let Some((referral, day)) = said.stated {
            match &self.now {
                Some((known, last)) if known == referral && last != day => return,
                Some((known, _)) if known == referral => {}
                _ => self.now = Some((referral.to_vec(), day.to_vec())),
            }
        }
        self.value(said);
        self.name(said);
    }

    /// A partial date says the same as a whole one that begins with it; a number only the same as itself.
    fn value(&mut self, said: &Statement<'_>) {
        if said.said.is_empty() {
            return;
        }
        match &mut self.first {
            None => self.first = Some((said.said.to_vec(), said.place)),
            Some((known, place)) if said.said == known.as_slice() => *place = (*place).min(said.place),
            Some((known, _)) if known.starts_with(said.said) => {}
            Some((known, place)) if said.said.starts_with(known) => {
                (*known, *place) = (said.said.to_vec(), said.place);
            }
            Some(_) => self.other = Some(self.other.map_or(said.place, |other| other.min(said.place))),
        }
    }

    /// Names of one row are names of one person; so are those of rows that have one in common.
    fn name(&mut self, said: &Statement<'_>) {
        if said.names.is_empty() || self.names.len() >= MAX_NAMES {
            return;
        }
        let mut joined = (said.names.iter().map(|name| name.to_vec()).collect::<Vec<_>>(), said.place);
        self.names.retain(|(names, place)| {
            let shared = names.iter().any(|name| said.names.contains(&name.as_slice()));
            if shared {
                joined.0.extend(names.iter().filter(|name| !said.names.contains(&name.as_slice())).cloned());
                joined.1 = joined.1.min(*place);
            }
            !shared
        });
        self.names.push(joined);
    }

    fn dispute(&self) -> Option<Dispute> {
        let about = if self.kind == LOCAL { About::Number } else { About::BirthDate };
        if let (Some((_, one)), Some(other)) = (&self.first, self.other) {
            return Some(Dispute { about, one: (*one).min(other), other: (*one).max(other) });
        }
        let mut places: Vec<Place> = self.names.iter().map(|(_, place)| *place).collect();
        places.sort_unstable();
        match places.as_slice() {
            [one, other, ..] => Some(Dispute { about: About::Name, one: *one, other: *other }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::person_keys::source_tag;
    use crate::event::{NhsNumber, When};

    fn person(local: &str, number: &str, birth: &str, names: &[&str]) -> Person {
        Person {
            local_id: (!local.is_empty()).then(|| local.to_owned()),
            nhs_number: NhsNumber::parse(number).ok(),
            birth_date: When::parse_iso(birth, When::london()).ok().map(|(when, _)| when),
            family: names.first().map(|name| (*name).to_owned()),
            former_family: names.iter().skip(1).map(|name| (*name).to_owned()).collect(),
            ..Person::default()
        }
    }

    /// What is in dispute in a snapshot, with the rows named.
    fn disputes(rows: &[Person]) -> Vec<(About, u64, u64)> {
        let days: Vec<Option<(u8, u32)>> = rows.iter().map(|_| None).collect();
        in_log(&rows.iter().cloned().zip(days).collect::<Vec<_>>())
    }

    fn in_log(rows: &[(Person, Option<(u8, u32)>)]) -> Vec<(About, u64, u64)> {
        let folder = tempfile::tempdir().unwrap();
        let mut finder = PersonFinder::new(folder.path());
        for (row, (person, day)) in (1..).zip(rows) {
            let stated = day.map(|(referral, day)| Stated { referral: [referral; 16], day });
            let keys = InSource::new(source_tag("https://a.example"), person);
            finder.add(keys, person, stated, Place { file: 0, row }).unwrap();
        }
        let (disputes, _) = finder.find(&HashSet::new()).unwrap();
        let mut found: Vec<_> = disputes.values().map(|d| (d.about, d.one.row, d.other.row)).collect();
        found.sort_unstable_by_key(|found| found.1);
        found
    }

    const ONE: &str = "9990004218";
    const TWO: &str = "9990000042";

    #[test]
    fn a_number_has_one_date_of_birth() {
        let of = |birth: &str| person("", ONE, birth, &["Pryce"]);
        assert_eq!(disputes(&[of("1951-08-11"), of("1951-08-11"), of("")]), []);
        assert_eq!(disputes(&[of("1951"), of("1951-08-11"), of("1951-08")]), []);
        assert_eq!(disputes(&[of("1951-08-11"), of(""), of("1951-11-08")]), [(About::BirthDate, 1, 3)]);
        assert_eq!(
            disputes(&[of("1951"), of("1951-08-11"), of("1951-08-11"), of("1951-09")]),
            [(About::BirthDate, 2, 4)]
        );
    }

    #[test]
    fn a_person_has_one_number() {
        assert!(NhsNumber::parse(TWO).is_ok());
        let of = |number: &str| person("P1", number, "", &[]);
        assert_eq!(disputes(&[of(ONE), of(ONE), of("")]), []);
        assert_eq!(disputes(&[of(ONE), of(ONE), of(TWO)]), [(About::Number, 1, 3)]);
    }

    #[test]
    fn names_differ_when_nothing_joins_them() {
        let of = |names: &[&str]| person("", ONE, "1951-08-11", names);
        assert_eq!(disputes(&[of(&["Pryce-Jones"]), of(&["PRYCE JONES"]), of(&[])]), []);
        assert_eq!(disputes(&[of(&["Pryce"]), of(&["Jones"])]), [(About::Name, 1, 2)]);
        assert_eq!(disputes(&[of(&["Pryce"]), of(&["Jones"]), of(&["Jones", "Pryce"])]), []);
    }

    #[test]
    fn in_a_log_the_last_day_of_a_referral_counts() {
        let of = |birth: &str| person("", ONE, birth, &["Pryce"]);
        let (wrong, right) = (of("1951-11-08"), of("1951-08-11"));
        let put_right = [(wrong.clone(), Some((1, 10))), (right.clone(), Some((1, 20)))];
        assert_eq!(in_log(&put_right), []);
        let elsewhere = [&put_right[..], &[(wrong.clone(), Some((2, 5)))]].concat();
        assert_eq!(in_log(&elsewhere), [(About::BirthDate, 2, 3)]);
        assert_eq!(in_log(&[(wrong, Some((1, 10))), (right, Some((1, 10)))]), [(About::BirthDate, 1, 2)]);
    }
}
