//! Looking up codes and words.

use super::*;

fn coded<'a>(set: &'a Codeset, group: &str, words: &str) -> &'a str {
    match set.by_term(group, words) {
        TermMatch::Coded(concept) => concept.code_text(),
        other => panic!("{group} {words}: {other:?}"),
    }
}

#[test]
fn a_concept_has_its_uk_term_or_none() {
    let set = uk_sp();
    let referred = set.concept(id("871731000000106")).unwrap();
    assert_eq!(referred.code_text(), "871731000000106");
    assert_eq!(referred.term(), Some("Referral to social prescribing service"));
    assert!(referred.in_group("lifecycle") && referred.is_emittable() && !referred.is_sensitive());
    assert_eq!(referred.release(), None);
    // Only international lists gave the words.
    let isolation = set.concept(id("422650009")).unwrap();
    assert_eq!((isolation.term(), isolation.listed_as()), (None, Some("Social isolation")));
    // The list of concepts has the US spelling, the Read list of the same publisher the UK one.
    assert_eq!(set.concept(id("390893007")).unwrap().term(), Some("Referral to physical activity programme"));
    assert_eq!(set.concept(id("414041006")).unwrap().term(), Some("Does not have a carer"));
    assert_eq!(set.concept(id("770839008")).unwrap().term(), None);
}

#[test]
fn what_may_not_leave_says_why() {
    let set = uk_sp();
    let problem = |code: &str, group| set.emittable(id(code), group).unwrap_err();
    assert_eq!(problem("871691000000100", None), CodeProblem::NotEmittable(NotEmittable::Unverified));
    assert_eq!(problem("81877007", Some("need")), CodeProblem::Inactive);
    assert_eq!(problem("506701000000100", None), CodeProblem::NotEmittable(NotEmittable::Superseded));
    assert_eq!(problem("166301000000107", None), CodeProblem::NotEmittable(NotEmittable::NotCleared));
    assert_eq!(problem("267076002", Some("service")), CodeProblem::WrongGroup);
    assert_eq!(problem("138875005", None), CodeProblem::Unknown); // SNOMED CT's root: real, not listed
    assert_eq!(set.emittable(id("267076002"), Some("need")).unwrap().code_text(), "267076002");
}

#[test]
fn words_of_exports_find_their_code() {
    let set = uk_sp();
    for words in
        ["Loneliness / isolation", "LONELINESS & ISOLATION", "loneliness and isolation", "Feeling lonely"]
    {
        assert_eq!(coded(&set, "need", words), "267076002", "{words}");
    }
    assert_eq!(coded(&set, "source", "GP"), "108161000000109");
    assert_eq!(coded(&set, "source", "self referral"), "306098008");
    assert_eq!(coded(&set, "need", "DEBT"), "160932005");
    assert_eq!(coded(&set, "service", "Housing advice"), "710911006");
    assert_eq!(coded(&set, "service", "Exercise on Referral"), "390893007");
    assert_eq!(coded(&set, "outcome", "gad-7"), "445455005");
    // A concept's own words, UK or as listed.
    assert_eq!(coded(&set, "need", "Housebound"), "160689007");
    assert_eq!(coded(&set, "need", "lack of family support"), "704489009");
}

#[test]
fn words_without_a_code_stay_without() {
    let set = uk_sp();
    let unmapped = |group, words| matches!(set.by_term(group, words), TermMatch::Unmapped);
    for (group, words) in
        [("need", "Getting online"), ("outcome", "ONS4 satisfaction"), ("service", "Citizens Advice")]
    {
        assert!(unmapped(group, words) && set.unmapped_because(group, words).is_some(), "{group} {words}");
    }
    assert!(unmapped("need", "GP")); // another group's words
    assert!(
        unmapped("need", "Purple elephants") && set.unmapped_because("need", "Purple elephants").is_none()
    );
    assert!(unmapped("no such group", "GP") && unmapped("need", ""));
    assert!(unmapped("outcome", "Not feeling lonely")); // known, and may not leave
}

#[test]
fn the_same_words_on_two_codes_are_ambiguous() {
    let set = uk_sp();
    // 325851000000107 and 11429006, record artifact and procedure.
    assert!(matches!(set.by_term("method", "consultation"), TermMatch::Ambiguous));
}

#[test]
fn words_that_disclose_are_known_with_and_without_a_code() {
    let set = uk_sp();
    for words in
        ["Domestic abuse", "domestic violence", "Safeguarding concern", "Modern slavery", "Asylum seeker"]
    {
        assert!(set.discloses("need", words).is_some(), "{words}");
    }
    assert_eq!(set.discloses("need", "Loneliness"), None);
    assert_eq!(set.discloses("need", "Housing"), None);
}

#[test]
fn read_codes_map_with_case_and_term_code() {
    let set = uk_sp();
    let v2 = |code: &str| set.read_v2(&ReadV2::parse(code).unwrap()).map(|row| row.concept.code_text());
    assert_eq!(v2("8T09."), Some("871731000000106"));
    assert_eq!(v2("8T09.00"), Some("871731000000106"));
    assert_eq!(v2("8T09.11"), None);
    assert_eq!(v2("9N4F."), Some("185340004"));
    assert_eq!(v2("9N4f."), None); // podiatry: another code, not in any list
    assert_eq!(v2("9N42."), Some("270426007"));
    assert_eq!(v2("9N42.11"), Some("275694009"));
    assert_eq!(v2("13D..00"), Some("266935003"));
    assert_eq!(v2("13D..11"), Some("32911000"));
    assert_eq!((v2("13FC."), v2("13Fc.")), (Some("160746001"), Some("105529008")));
    assert_eq!(v2("8HHq000"), Some("923921000000104"));
    let ctv3 = |code: &str| set.ctv3(&Ctv3::parse(code).unwrap()).map(|row| row.concept.code_text());
    assert_eq!(ctv3("XaaEC"), Some("871731000000106"));
    assert_eq!(ctv3("xaaec"), None);
    assert_eq!(ctv3("XagnO"), None); // listed, and no SNOMED CT code was seen for it
}

#[test]
fn only_reviewed_pairs_go_back_to_read() {
    let set = uk_sp();
    let pair = set.read_for(id("871731000000106")).unwrap();
    assert_eq!(pair.read_v2.map(|c| c.to_string()).as_deref(), Some("8T09.00"));
    assert_eq!(pair.ctv3.map(|c| c.to_string()).as_deref(), Some("XaaEC"));
    // Several Read v2 codes, one of them only suggested: none goes back.
    let alone = set.read_for(id("105529008")).copied().unwrap_or_default();
    assert_eq!((alone.read_v2, alone.ctv3.map(|c| c.to_string()).as_deref()), (None, Some("XM0Ct")));
    assert_eq!(set.read_for(id("185340004")).copied().unwrap_or_default(), ReadPair::default());
    for concept in set.iter() {
        let Some(pair) = set.read_for(concept.id()) else { continue };
        for row in [pair.read_v2.and_then(|c| set.read_v2(&c)), pair.ctv3.and_then(|c| set.ctv3(&c))] {
            assert!(row.is_none_or(|row| row.emit && row.concept.id() == concept.id()), "{concept:?}");
        }
    }
}

#[test]
fn well_known_parts_are_filled() {
    let set = uk_sp();
    let code = |role| set.well_known(role).map(Concept::code_text);
    assert_eq!(code(WellKnown::Referred), Some("871731000000106"));
    assert_eq!(code(WellKnown::Declined), Some("871711000000103"));
    assert_eq!(code(WellKnown::ContactFailed), Some("185324002"));
    assert_eq!(code(WellKnown::DidNotAttend), Some("281399006"));
    assert_eq!(code(WellKnown::PhysicalActivityReferral), Some("390893007"));
    assert_eq!(code(WellKnown::CommunityServiceReferral), Some("710915002"));
    for role in WellKnown::ALL {
        assert!(set.well_known(role).is_some(), "{role:?}");
    }
}

#[test]
fn systems_by_uri_and_oid() {
    for kind in CodeSystemKind::ALL {
        assert_eq!(CodeSystemKind::from_uri(kind.uri()), Some(kind));
        assert_eq!(CodeSystemKind::from_uri(&format!("urn:oid:{}", kind.oid())), Some(kind));
    }
    assert_eq!(CodeSystemKind::from_uri("urn:oid:2.16.840.1.113883.6.96"), Some(CodeSystemKind::Snomed));
    assert_eq!(CodeSystemKind::from_uri("http://loinc.org"), None);
    assert_eq!(CodeSystemKind::from_uri(""), None);
}
