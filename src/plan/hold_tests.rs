//! Of several reasons the most decisive is told.

use super::tests::{PERSON, after, event, now, planner, states, stating, submission, with_consent};
use super::whose::Whose;
use super::*;
use crate::event::ReferralEvent;
use crate::event::kinds::Share;
use crate::outbox::{Reason, State};

fn live() -> Planner {
    let mut planner = planner();
    planner.routes.0[0].test = false;
    planner
}

fn referred(record: &str, day: &str) -> ReferralEvent {
    event("referred", "referred", day, record)
}

fn planned(planner: &Planner, known: &Known, event: ReferralEvent) -> (State, Option<Reason>) {
    let plan = planner.plan(known, &submission(vec![event], false), &[], now());
    let (_, state, reason) = states(&plan)[0];
    (state, reason)
}

const NOT_SHARED: (State, Option<Reason>) = (State::NotShared, Some(Reason::ConsentNone));

#[test]
fn of_who_shares_nothing_nobody_is_asked_anything() {
    let none = with_consent("none", "2026-03-01");
    let twins = Known { twins: vec!["2026-03-05".parse().expect("a day")], ..Known::default() };
    let nowhere = none.replace("M85063", "A81001");
    let without_number = none.replace(r#""nhs_number":"9990000018""#, r#""local_id":"P1""#);
    let protected = none.replace(r#""birth_date""#, r#""protected":true,"birth_date""#);
    for (record, day) in [
        (&none, "2026-03-04"),
        (&nowhere, "2026-03-04"),
        (&without_number, "2026-03-04"),
        (&protected, "2026-03-04"),
        (&none, "2026-12-24"),
    ] {
        assert_eq!(planned(&live(), &twins, referred(record, day)), NOT_SHARED, "{record} {day}");
    }
    // What corrects an event that has not come is not waited for either.
    let mut correction = event("fix", "attended", "2026-03-09", &none);
    correction.event_type = crate::event::EventType::Corrected;
    correction.target_event_id = Some("R1/dna".into());
    let came = submission(vec![referred(&none, "2026-03-04"), correction], false);
    let plan = live().plan(&Known::default(), &came, &[], now());
    let all: Vec<_> = states(&plan).into_iter().map(|(_, state, reason)| (state, reason)).collect();
    assert_eq!(all, [NOT_SHARED, NOT_SHARED]);
}

#[test]
fn a_withdrawal_ends_what_waits_for_a_person_whatever_it_waits_for() {
    let planner = planner();
    let came = submission(vec![referred(PERSON, "2026-03-04")], false);
    let plan = planner.plan(&Known::default(), &came, &[], now());
    let known = after(&Known::default(), &plan);
    let withdrawn = Known { others: vec![stating(vec![("2026-03-10".parse().ok(), Share::None)])], ..known };
    for reason in [Reason::Divergent, Reason::OtherPerson, Reason::OnHold, Reason::PossibleDuplicate] {
        let unsent = [Unsent {
            key: plan.entries[0].key,
            event_id: plan.entries[0].event_id.clone(),
            state: State::Held,
            reason: Some(reason),
            waived: Vec::new(),
        }];
        let again = planner.replan(&withdrawn, "https://elmfield-sp.example/cases", "R1", &unsent, now());
        let ended = (unsent[0].key, Disposition::NotShared(Reason::ConsentNone));
        assert_eq!(again.replanned, [ended], "{reason:?}");
    }
}

#[test]
fn another_referrals_consent_counts_only_where_it_is_certain_whose_it_is() {
    let ours = referred(PERSON, "2026-03-04");
    let other = referred(&PERSON.replace("1951-02-03", "1951-03-02"), "2026-03-04");
    let withdrawn = |whose| Other { whose, ..stating(vec![("2026-03-10".parse().ok(), Share::None)]) };
    let disputed = Known { others: vec![withdrawn(Whose::of(&other))], ..Known::default() };
    let held = (State::Held, Some(Reason::BirthDates));
    assert_eq!(planned(&planner(), &disputed, ours.clone()), held);
    let certain = Known { others: vec![withdrawn(Whose::of(&ours))], ..disputed.clone() };
    assert_eq!(planned(&planner(), &certain, ours), NOT_SHARED);
    let itself = referred(&with_consent("none", "2026-03-01"), "2026-03-04");
    assert_eq!(planned(&planner(), &disputed, itself), NOT_SHARED);
}

#[test]
fn what_can_never_go_is_said_before_what_a_person_decides() {
    let by_self = PERSON.replace(r#""kind":"gp""#, r#""kind":"self""#);
    let nowhere = by_self.replace("M85063", "A81001");
    let protected = by_self.replace(r#""birth_date""#, r#""protected":true,"birth_date""#);
    let twins = Known { twins: vec!["2026-03-05".parse().expect("a day")], ..Known::default() };
    let other = referred(&PERSON.replace("1951-02-03", "1951-03-02"), "2026-03-04");
    let disputed =
        Known { others: vec![Other { whose: Whose::of(&other), ..Other::default() }], ..twins.clone() };
    for (planner, known, record, day, reason) in [
        (live(), &twins, &by_self, "2026-03-04", Reason::TestNumberAtLive),
        (live(), &disputed, &protected, "2026-12-24", Reason::Protected),
        (planner(), &twins, &by_self, "2026-03-04", Reason::NoConsent),
        (planner(), &twins, &nowhere, "2026-03-04", Reason::NoConsent),
        (planner(), &twins, &by_self, "2026-12-24", Reason::FutureDate),
        (planner(), &disputed, &by_self, "2026-03-04", Reason::BirthDates),
    ] {
        let held = (State::Held, Some(reason));
        assert_eq!(planned(&planner, known, referred(record, day)), held, "{record} {day}");
    }
}

/// What another referral says of the person, dated so.
fn says(share: Share, day: &str) -> Other {
    stating(vec![(day.parse().ok(), share)])
}

#[test]
fn what_is_in_doubt_elsewhere_forbids_and_cannot_allow() {
    let ours = |share: &str| referred(&with_consent(share, "2026-03-01"), "2026-03-04");
    let disputed = |share, day| Other { in_question: true, ..says(share, day) };
    let of_two = |share, day| Other { whose: Whose::default().of_two(true), ..says(share, day) };
    let pending = (State::Pending, None);
    let withdrawn = || says(Share::None, "2026-04-01");
    for (others, share, outcome) in [
        (vec![withdrawn(), says(Share::Full, "2026-05-01")], "full", pending),
        // Dated after today.
        (vec![withdrawn(), says(Share::Full, "2027-04-01")], "full", NOT_SHARED),
        (vec![withdrawn(), says(Share::CodesOnly, "2062-04-01")], "full", NOT_SHARED),
        (vec![says(Share::Full, "2027-04-01")], "none", NOT_SHARED),
        (vec![says(Share::None, "2027-04-01")], "full", NOT_SHARED),
        // Whose it is, is in question.
        (vec![withdrawn(), disputed(Share::Full, "2026-05-01")], "full", NOT_SHARED),
        (vec![withdrawn(), of_two(Share::Full, "2026-05-01")], "full", NOT_SHARED),
        (
            vec![disputed(Share::None, "2026-05-01"), disputed(Share::CodesOnly, "2026-05-02")],
            "full",
            NOT_SHARED,
        ),
        (vec![disputed(Share::None, "2026-02-01")], "full", pending),
    ] {
        let known = Known { others: others.clone(), ..Known::default() };
        assert_eq!(planned(&planner(), &known, ours(share)), outcome, "{others:?} {share}");
    }
    // Of who agreed to nothing, a doubtful word is no agreement.
    let by_self = referred(&PERSON.replace(r#""kind":"gp""#, r#""kind":"self""#), "2026-03-04");
    let known = Known { others: vec![says(Share::Full, "2027-04-01")], ..Known::default() };
    assert_eq!(planned(&planner(), &known, by_self), (State::Held, Some(Reason::NoConsent)));
    // A doubtful word restricts.
    let known = Known { others: vec![disputed(Share::CodesOnly, "2026-05-01")], ..Known::default() };
    let came = submission(vec![ours("full")], false);
    let parcel = |known: &Known| {
        let plan = planner().plan(known, &came, &[], now());
        plan.entries[0].disposition.parcel().expect("it is sent").bundle.clone()
    };
    assert_ne!(parcel(&known), parcel(&Known::default()));
}
