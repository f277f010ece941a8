//! The gate: what no file lists as sendable cannot come out, and what a spreadsheet damaged is found.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

static LISTED: LazyLock<BTreeSet<u64>> = LazyLock::new(listed_as_emit);

/// Whatever `resolve` says about a raw code, nothing unlisted may be in it.
fn check_gate(group: Option<&str>, system: CodeSystemKind, raw: &str) {
    let set = uk_sp();
    let listed = |concept: &Concept| LISTED.contains(&concept.id().get());
    match set.resolve(group, system, raw) {
        Resolved::Coded { concept, given } => {
            assert!(listed(concept), "{raw}");
            assert!(group.is_none_or(|group| concept.in_group(group)), "{raw}");
            match given {
                Given::Snomed => assert_eq!(concept.code_text(), raw.trim()),
                Given::ReadV2(code) => assert!(set.read_v2(&code).unwrap().emit),
                Given::Ctv3(code) => assert!(set.ctv3(&code).unwrap().emit),
            }
        }
        Resolved::Damaged { candidates } => {
            assert!(!candidates.is_empty());
            for concept in candidates {
                assert!(listed(concept) && group.is_none_or(|group| concept.in_group(group)), "{raw}");
            }
        }
        Resolved::Malformed | Resolved::Unknown | Resolved::NotEmittable { .. } => {}
    }
    if let TermMatch::Coded(concept) = set.by_term(group.unwrap_or("need"), raw) {
        assert!(listed(concept), "{raw}");
    }
}

const GROUPS: [&str; 8] = ["lifecycle", "need", "service", "outcome", "source", "method", "role", "refset"];

proptest! {
    #[test]
    fn no_text_brings_an_unlisted_code_out(raw in "\\PC{0,24}", group in 0usize..9, system in 0usize..3) {
        check_gate(GROUPS.get(group).copied(), CodeSystemKind::ALL[system], &raw);
    }

    #[test]
    fn no_number_does(raw in "[1-9][0-9]{5,17}", group in 0usize..9) {
        check_gate(GROUPS.get(group).copied(), CodeSystemKind::Snomed, &raw);
    }

    #[test]
    fn no_known_code_with_a_digit_changed_does(pick in 0usize..10_000, place in 0usize..18, digit in b'0'..=b'9', group in 0usize..9) {
        let set = uk_sp();
        let concept = set.iter().nth(pick % set.iter().count()).unwrap();
        let mut raw = concept.code_text().as_bytes().to_vec();
        let place = place % raw.len();
        raw[place] = digit;
        check_gate(GROUPS.get(group).copied(), CodeSystemKind::Snomed, std::str::from_utf8(&raw).unwrap());
    }

    #[test]
    fn no_damaged_form_does(mantissa in "[1-9]([.,][0-9]{0,16})?", power in 0u32..25, group in 0usize..9) {
        check_gate(GROUPS.get(group).copied(), CodeSystemKind::Snomed, &format!("{mantissa}E+{power}"));
    }

    #[test]
    fn no_read_code_does(raw in "[0-9A-Za-z]{1,5}[.]{0,4}([0-9]{2})?", group in 0usize..9) {
        check_gate(GROUPS.get(group).copied(), CodeSystemKind::ReadV2, &raw);
        check_gate(GROUPS.get(group).copied(), CodeSystemKind::Ctv3, &raw);
    }
}

#[test]
fn every_concept_that_may_leave_is_listed_and_the_other_way_round() {
    let set = uk_sp();
    let loaded: BTreeSet<u64> = set.iter().filter(|c| c.is_emittable()).map(|c| c.id().get()).collect();
    assert_eq!(loaded, *LISTED);
    for concept in set.iter() {
        for group in GROUPS {
            check_gate(Some(group), CodeSystemKind::Snomed, concept.code_text());
        }
    }
}

/// What spreadsheets make of an identifier, by the formatter of floating-point numbers, not by our own arithmetic.
fn damaged_forms(code: &str) -> Vec<String> {
    // The formatter rounds exact halves to even, spreadsheets round them up: the quarter makes it go up.
    let number = code.parse::<f64>().unwrap() + 0.25;
    let exponent = format!("{number:.5E}").replace('E', "E+");
    let (mantissa, power) = exponent.split_once('E').unwrap();
    let trimmed = mantissa.trim_end_matches('0').trim_end_matches('.');
    let mut forms =
        vec![exponent.clone(), format!("{trimmed}E{power}"), exponent.replace('.', ",").to_lowercase()];
    let rounded = format!("{:.0}", format!("{number:.14e}").parse::<f64>().unwrap());
    let kept = code.len().min(15);
    let cut = format!("{}{}", &code[..kept], "0".repeat(code.len() - kept));
    for plain in [rounded, cut] {
        let mut grouped = String::new();
        for (n, digit) in plain.chars().enumerate() {
            if n > 0 && (plain.len() - n) % 3 == 0 {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        forms.extend([grouped.replace(',', " "), format!("{plain}.0"), grouped, plain]);
    }
    forms
}

#[test]
fn every_code_damaged_by_a_spreadsheet_is_among_its_candidates() {
    let set = uk_sp();
    let mut damaged = 0;
    for concept in set.iter().filter(|concept| concept.is_emittable()) {
        let group = concept.groups().next();
        for form in damaged_forms(concept.code_text()) {
            match set.resolve(group, CodeSystemKind::Snomed, &form) {
                Resolved::Coded { concept: found, .. } => {
                    assert_eq!((found.id(), &*form), (concept.id(), concept.code_text()))
                }
                Resolved::Damaged { candidates } => {
                    damaged += 1;
                    assert!(
                        candidates.iter().any(|c| c.id() == concept.id()),
                        "{form} {}",
                        concept.code_text()
                    );
                }
                other => panic!("{form} {}: {other:?}", concept.code_text()),
            }
        }
    }
    assert!(damaged > 5_000, "{damaged}");
}

#[test]
fn candidates_are_only_those_of_the_group() {
    let set = uk_sp();
    let candidates = |group, raw: &str| match set.resolve(group, CodeSystemKind::Snomed, raw) {
        Resolved::Damaged { candidates } => candidates.iter().map(|c| c.code_text().to_owned()).collect(),
        _ => Vec::new(),
    };
    assert_eq!(candidates(Some("lifecycle"), "8.71731E+14"), ["871731000000106"]);
    assert!(candidates(Some("need"), "8.71731E+14").is_empty());
    // 871691000000100 (unverified) is never a candidate: it could not leave.
    assert!(candidates(None, "8.71691E+14").is_empty());
}

#[test]
fn resolve_tells_the_cases_apart() {
    let set = uk_sp();
    let resolve = |system, raw: &str| set.resolve(Some("lifecycle"), system, raw);
    use CodeSystemKind::{Ctv3, ReadV2, Snomed};
    assert!(matches!(resolve(Snomed, " 871731000000106 "), Resolved::Coded { given: Given::Snomed, .. }));
    assert!(matches!(resolve(Snomed, "871731000000107"), Resolved::Malformed));
    assert!(matches!(resolve(Snomed, "138875005"), Resolved::Unknown));
    assert!(matches!(resolve(Snomed, ""), Resolved::Malformed));
    assert!(matches!(
        resolve(Snomed, "267076002"),
        Resolved::NotEmittable { problem: CodeProblem::WrongGroup, .. }
    ));
    assert!(matches!(resolve(ReadV2, "8T09."), Resolved::Coded { given: Given::ReadV2(_), .. }));
    assert!(matches!(resolve(ReadV2, "8t09."), Resolved::Unknown));
    assert!(matches!(resolve(ReadV2, "8T09"), Resolved::Malformed));
    assert!(matches!(resolve(Ctv3, "XaaEC"), Resolved::Coded { given: Given::Ctv3(_), .. }));
    assert!(matches!(
        resolve(ReadV2, "9N4F."),
        Resolved::NotEmittable { problem: CodeProblem::NotEmittable(NotEmittable::Suggestion), .. }
    ));
    // A US extension id that no list clears.
    assert!(!matches!(resolve(Snomed, "22761000175104"), Resolved::Coded { .. }));
}
