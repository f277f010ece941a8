//! What is stated of a person counts under everything that rows make one.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::convert::person_keys::{InSource, source_tag};
use crate::convert::persons::PersonFinder;
use crate::event::kinds::{EventType, Share};
use crate::event::person::{Consent, Person};
use crate::event::{Detail, NhsNumber, Record};
use crate::map::fold;

const SOURCE: &str = "https://a.example";

/// A row: which local identifier and which number it names, and whether it says that nothing is shared.
type Row = (Option<usize>, Option<usize>, bool);

const NUMBERS: [&str; 5] = ["9990004218", "9990000042", "9990000018", "9990000026", "9990000034"];

fn event(row: usize, said: Row, names: &[String]) -> ReferralEvent {
    let (local, number, withdraws) = said;
    let person = Person {
        local_id: local.and_then(|local| names.get(local).cloned()),
        nhs_number: number.map(|number| NhsNumber::parse(NUMBERS[number]).unwrap()),
        ..Person::default()
    };
    let consent = Some(Consent { share: if withdraws { Share::None } else { Share::Full }, date: None });
    ReferralEvent {
        source: SOURCE.into(),
        event_id: format!("{row}"),
        referral_id: format!("R{row}").into(),
        event_type: EventType::Referred,
        occurred_at: None,
        recorded_at: None,
        sequence: None,
        target_event_id: None,
        is_status_slot: false,
        detail: Detail::default(),
        record: Arc::new(Record { person, consent, ..Record::default() }),
    }
}

/// The rows of whose persons nothing may be shared; with `in_doubt` the rows that say so are refused.
fn stopped(rows: &[(usize, Row)], names: &[String], in_doubt: bool) -> BTreeSet<usize> {
    let folder = tempfile::tempdir().unwrap();
    let (mut persons, mut consents) = (PersonFinder::new(folder.path()), Consents::default());
    for (at, (row, said)) in (1..).zip(rows) {
        let (event, place) = (event(*row, *said, names), Place { file: 0, row: at });
        let keys = InSource::new(source_tag(SOURCE), &event.record.person);
        persons.add(keys, &event.record.person, None, place).unwrap();
        match (said.2, in_doubt) {
            (true, true) => consents.note_refused(keys, None, place, "says that nothing is shared"),
            (true, false) => consents.note(&event, place, event.referral_id.as_bytes()),
            (false, _) => {}
        }
    }
    let (_, classes) = persons.find(&consents.persons()).unwrap();
    let export = Export::new(consents.unclear(), Disputes::new(), classes);
    let known = Known::new(consents, export, Vec::new());
    known.settle(0, &HashSet::new(), |_| 0);
    let is_stopped = |(row, said): &&(usize, Row)| {
        let folded = fold::fold(vec![event(*row, *said, names)]);
        if in_doubt {
            known.today().hold(&folded).is_some()
        } else {
            known.today().consents(&folded).certain.iter().any(|(_, share)| *share == Share::None)
        }
    };
    rows.iter().filter(is_stopped).map(|(row, _)| *row).collect()
}

/// The same by going from row to row until nothing more is reached.
fn reached(rows: &[(usize, Row)]) -> BTreeSet<usize> {
    let keys =
        |(local, number, _): Row| local.map(|n| (true, n)).into_iter().chain(number.map(|n| (false, n)));
    let mut of: BTreeMap<usize, bool> = rows.iter().map(|(row, said)| (*row, said.2)).collect();
    for _ in rows {
        let stopped: BTreeSet<_> =
            rows.iter().filter(|(row, _)| of[row]).flat_map(|(_, said)| keys(*said)).collect();
        for (row, said) in rows {
            if keys(*said).any(|key| stopped.contains(&key)) {
                of.insert(*row, true);
            }
        }
    }
    of.into_iter().filter(|(_, stopped)| *stopped).map(|(row, _)| row).collect()
}

proptest! {
    /// Whatever identifiers are called, and in whatever order rows stand.
    #[test]
    fn a_person_is_all_that_rows_make_one_whatever_it_is_called(
        rows in prop::collection::vec(
            (prop::option::of(0usize..6), prop::option::of(0usize..5), prop::bool::weighted(0.3)), 1..12
        ),
        names in prop::collection::hash_set("[A-Z][0-9]{1,3}", 6),
        seed in any::<u64>(),
    ) {
        let named = rows.into_iter().filter(|row| row.0.is_some() || row.1.is_some());
        let rows: Vec<(usize, Row)> = named.enumerate().collect();
        let names: Vec<String> = names.into_iter().collect();
        let mut shuffled = rows.clone();
        shuffled.sort_by_key(|(row, _)| (*row as u64 + 1).wrapping_mul(seed | 1).rotate_left(17));
        let expected = reached(&rows);
        for in_doubt in [false, true] {
            prop_assert_eq!(&stopped(&rows, &names, in_doubt), &expected);
            prop_assert_eq!(&stopped(&shuffled, &names, in_doubt), &expected);
        }
    }
}
