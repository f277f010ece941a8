//! What is known of a person beyond one referral: refused records about consent, records that contradict each other; and
//! that nothing is sent which was sent before.

use super::samples::*;
use super::{each, states};
use crate::event::IssueCode;
use crate::event::person::Person;
use crate::outbox::{Command, Reason, State};
use crate::plan::Doubt;
use crate::store::row::later;
use crate::store::{Acted, Answer, Store};

const FULL: Option<(&str, &str)> = Some(("full", "2026-03-01"));
const PENDING: (State, Option<Reason>) = (State::Pending, None);
const UNCLEAR: (State, Option<Reason>) = (State::Held, Some(Reason::ConsentUnclear));

fn shared(referral: &str) -> Told {
    Told { share: FULL, ..told(referral, "referred", "2026-04-01") }
}

fn take_in(store: &mut dyn Store, snapshot: bool, told: &[Told]) -> Vec<Answer> {
    let answer = store.accept(&submission(snapshot, told), &planner(), start()).unwrap();
    answer.events.into_iter().chain(answer.more).map(|event| event.answer).collect()
}

fn total(store: &mut dyn Store) -> u64 {
    store.counts().unwrap().values().sum()
}

#[test]
fn a_refused_record_about_consent_holds_what_waits_until_it_is_mended() {
    each(|store| {
        for referral in ["R1", "R2"] {
            take_in(store, false, &[shared(referral)]);
        }
        let other = Told { number: Some("9990004226"), ..shared("R3") };
        take_in(store, false, &[other]);
        let person = shared("R1").event().record.person.clone();
        let doubt = Doubt::new(Some(SOURCE), Some("R1"), Some("R1/consent_changed"), &person).unwrap();
        for _ in 0..2 {
            store.heed(std::slice::from_ref(&doubt), &planner(), start()).unwrap();
            assert_eq!(states(store), [UNCLEAR, UNCLEAR, PENDING], "the person's, and nobody else's");
        }
        assert!(take(store, "north", start()).iter().all(|one| one.entry.id == 3));
        let next = Told { share: FULL, ..told("R2", "accepted", "2026-04-03") };
        take_in(store, false, &[next]);
        assert_eq!(states(store)[3], UNCLEAR, "what comes later waits too");
        assert_eq!(total(store), 4, "nothing is lost");
        // Other events, and the old ones again, mend nothing.
        take_in(store, false, &[shared("R1")]);
        assert_eq!(states(store)[0], UNCLEAR);
        let mended =
            Told { share: Some(("codes_only", "2026-04-10")), ..told("R1", "consent_changed", "2026-04-10") };
        take_in(store, false, &[mended]);
        assert_eq!(states(store)[..2], [PENDING, PENDING]);
        assert_eq!(states(store)[3..], [PENDING, PENDING]);
    });
}

#[test]
fn a_refused_record_concerns_its_referral_even_where_its_person_cannot_be_read() {
    each(|store| {
        for referral in ["R1", "R2"] {
            take_in(store, false, &[shared(referral)]);
        }
        let doubt = Doubt::new(Some(SOURCE), Some("R1"), None, &Person::default()).unwrap();
        store.heed(&[doubt], &planner(), start()).unwrap();
        assert_eq!(states(store), [UNCLEAR, PENDING]);
        assert_eq!(Doubt::new(None, Some("R1"), None, &Person::default()), None, "whose R1?");
        // Without its source the number concerns everybody who has it.
        let person = shared("R2").event().record.person.clone();
        store.heed(&[Doubt::new(None, None, None, &person).unwrap()], &planner(), start()).unwrap();
        assert_eq!(states(store), [UNCLEAR, UNCLEAR]);
        let Acted::Done(entry) = store.act(2, Command::Release, &by(), &planner(), start()).unwrap() else {
            panic!()
        };
        assert_eq!((entry.state, entry.reason), PENDING, "a person has found out");
        assert_eq!(states(store)[0], UNCLEAR);
    });
}

#[test]
fn an_event_that_the_store_refuses_is_heeded_too() {
    each(|store| {
        for referral in ["R1", "R2"] {
            take_in(store, false, &[shared(referral)]);
        }
        let none = Some(("none", "2026-04-12"));
        let changed = Told { share: none, ..told("R1", "referred", "2026-04-02") };
        let answers = take_in(store, false, &[changed]);
        assert_eq!(answers, [Answer::Refused(IssueCode::EventChanged)]);
        assert_eq!(states(store), [UNCLEAR, UNCLEAR]);
        assert_eq!(total(store), 2);
        let corrected = Told {
            share: none,
            event: "R1/fix".into(),
            target: Some("R1/referred"),
            ..told("R1", "corrected", "2026-04-02")
        };
        take_in(store, false, &[corrected]);
        let withdrawn = (State::Withdrawn, Some(Reason::ConsentWithdrawn));
        assert_eq!(states(store)[..2], [withdrawn, withdrawn], "now it is certain");
    });
}

#[test]
fn a_repeat_whose_record_says_none_is_not_passed_over() {
    each(|store| {
        take_in(store, false, &[shared("R1")]);
        let none = Told { share: Some(("none", "2026-04-12")), ..shared("R1") };
        let repeat = Answer::Repeat { id: Some(1), key: Some(store.entry(1).unwrap().unwrap().entry.key) };
        for _ in 0..2 {
            let told = submission(false, std::slice::from_ref(&none));
            let acceptance = store.accept(&told, &planner(), start()).unwrap();
            assert_eq!(acceptance.events[0].answer, Answer::Refused(IssueCode::EventChanged));
            let said: Vec<_> =
                acceptance.issues.iter().map(|(id, issue)| (id.as_str(), issue.code)).collect();
            let both = [IssueCode::EventChanged, IssueCode::ConsentHeeded];
            assert_eq!(said, both.map(|code| ("R1/referred", code)));
            assert_eq!(states(store), [UNCLEAR]);
        }
        assert_eq!(take_in(store, false, &[shared("R1")]), [repeat], "as it was first said");
        // Where it is known that nothing is shared, the same event with today's record says nothing new.
        let withdrawn = Told { share: none.share, ..told("R1", "consent_changed", "2026-04-12") };
        let answers = take_in(store, false, &[withdrawn, none.clone()]);
        assert_eq!(answers[1], repeat);
        assert_eq!(states(store)[0].0, State::Withdrawn);
        assert_eq!(take_in(store, false, &[none]), [repeat]);
    });
}

#[test]
fn an_earlier_version_that_says_none_is_heeded_and_said_though_it_is_known() {
    each(|store| {
        let version = |share, at: &str| {
            let mut came = submission(false, &[Told { share, ..shared("R1") }]);
            came.versioned = true;
            came.events[0].recorded_at = Some(at.parse().unwrap());
            came
        };
        store.accept(&version(FULL, "2026-04-03T10:00:00Z"), &planner(), start()).unwrap();
        let none = version(Some(("none", "2026-04-01")), "2026-04-02T10:00:00Z");
        let late = store.accept(&none, &planner(), start()).unwrap();
        assert!(matches!(late.events[0].answer, Answer::Repeat { .. }), "{late:?}");
        assert_eq!(
            late.issues.iter().map(|(_, issue)| issue.code).collect::<Vec<_>>(),
            [IssueCode::ConsentHeeded]
        );
        assert_eq!(states(store), [UNCLEAR]);
    });
}

#[test]
fn a_consent_dated_later_than_the_refusal_lifts_it() {
    each(|store| {
        take_in(store, false, &[shared("R1")]);
        let doubt = Doubt::new(Some(SOURCE), Some("R1"), Some("R1/x"), &Person::default()).unwrap();
        store.heed(&[doubt], &planner(), start()).unwrap();
        let agreed = |event: &str, day| Told {
            event: format!("R1/{event}"),
            share: Some(("full", day)),
            ..told("R1", "consent_changed", day)
        };
        take_in(store, false, &[agreed("same-day", "2026-04-15")]);
        assert_eq!(states(store), [UNCLEAR, UNCLEAR], "which of the two was later, nobody can say");
        let tomorrow = later(start(), std::time::Duration::from_secs(DAY));
        let came = submission(false, &[agreed("next-day", "2026-04-16")]);
        store.accept(&came, &planner(), tomorrow).unwrap();
        assert_eq!(states(store), [PENDING, PENDING, PENDING]);
    });
}

#[test]
fn one_number_with_two_dates_of_birth_holds_both() {
    each(|store| {
        let held = (State::Held, Some(Reason::BirthDates));
        take_in(store, true, &[shared("R1")]);
        take_in(store, true, &[Told { birth: "1951-02-08", ..shared("R2") }]);
        assert_eq!(states(store), [held, held]);
        assert!(take(store, "north", start()).is_empty());
        // Another source's record of the number counts as well.
        let elsewhere =
            Told { source: OTHER_SOURCE, birth: "1960-01-01", ..told("X1", "referred", "2025-04-01") };
        take_in(store, true, &[elsewhere]);
        assert_eq!(states(store)[2], held);
        let right = Told { source: OTHER_SOURCE, ..told("X1", "referred", "2025-04-01") };
        take_in(store, true, &[right]);
        take_in(store, true, &[shared("R2")]);
        let waits: Vec<_> = states(store).into_iter().filter(|state| *state == held).collect();
        assert_eq!(waits, [], "put right at the source: {:?}", states(store));
    });
}

#[test]
fn one_person_with_two_numbers_holds_both_until_a_person_decides() {
    each(|store| {
        let held = (State::Held, Some(Reason::NhsNumbers));
        let of =
            |referral: &str, number| Told { number: Some(number), local: Some("P-7"), ..shared(referral) };
        take_in(store, false, &[of("R1", "9990004218")]);
        take_in(store, false, &[of("R2", "9990004226")]);
        assert_eq!(states(store), [held, held]);
        let elsewhere = Told { source: OTHER_SOURCE, ..of("X1", "9990000018") };
        take_in(store, false, &[elsewhere]);
        assert_eq!(states(store)[2], PENDING, "another source's P-7 is somebody else");
        store.act(2, Command::Discard, &by(), &planner(), start()).unwrap();
        store.act(1, Command::Release, &by(), &planner(), start()).unwrap();
        assert_eq!(states(store)[0], PENDING);
    });
}

#[test]
fn two_surnames_of_one_number_are_said_and_hold_nothing() {
    each(|store| {
        take_in(store, false, &[shared("R1")]);
        let came = submission(false, &[Told { family: "Okafor", ..shared("R2") }]);
        let answer = store.accept(&came, &planner(), start()).unwrap();
        assert!(answer.issues.iter().any(|(_, issue)| issue.code == IssueCode::NamesDiffer));
        assert_eq!(states(store), [PENDING, PENDING]);
    });
}

#[test]
fn what_was_sent_as_it_would_be_sent_is_not_sent_again() {
    each(|store| {
        let unchanged = (State::NotShared, Some(Reason::Unchanged));
        take_in(store, true, &[shared("R1")]);
        // Not delivered yet: the waiting entry takes the new name along.
        take_in(store, true, &[Told { family: "Ashdown-Lane", ..shared("R1") }]);
        assert_eq!(states(store), [PENDING, unchanged]);
        assert_eq!(deliver(store, "north", start()), 1);
        let answers = take_in(store, true, &[Told { family: "Lane", ..shared("R1") }]);
        assert!(matches!(
            answers[..],
            [Answer::Repeat { .. }, Answer::Accepted { state: State::NotShared, .. }]
        ));
        assert_eq!(states(store)[2], unchanged);
        assert_eq!(total(store), 3, "accepted is the sum of all states");
        assert!(take(store, "north", start()).is_empty());
        take_in(store, true, &[Told { day: "2026-04-02".into(), family: "Lane", ..shared("R1") }]);
        assert_eq!(states(store)[3..], [PENDING], "another date is another thing said");
    });
}

#[test]
fn what_was_discarded_was_not_said() {
    each(|store| {
        take_in(store, true, &[shared("R1")]);
        store.act(1, Command::Discard, &by(), &planner(), start()).unwrap();
        take_in(store, true, &[Told { family: "Lane", ..shared("R1") }]);
        assert_eq!(states(store)[1], PENDING);
    });
}

#[test]
fn what_is_sensitive_leaves_only_when_a_person_releases_it_and_under_a_label() {
    /// What is sent of the referral: its needs, its note, and its security label.
    fn sent(store: &mut dyn Store) -> (String, bool, bool) {
        let claimed = take(store, "north", start()).remove(0);
        let bundle: serde_json::Value = serde_json::from_str(&claimed.parcel.bundle).unwrap();
        let of = |kind: &str| {
            let entries = bundle["entry"].as_array().unwrap();
            let found = entries.iter().find(|entry| entry["resource"]["resourceType"] == kind);
            found.map(|entry| entry["resource"].clone()).unwrap_or_default()
        };
        let (request, task) = (of("ServiceRequest"), of("Task"));
        assert_eq!(task["meta"]["security"], serde_json::Value::Null, "nothing of it is sensitive");
        assert!(store.record_request(&claimed.lease, "{}", start()).unwrap().may_send());
        let policy = crate::outbox::retry::RetryPolicy::default();
        let cause = crate::outbox::transition::Cause::Ended(accepted());
        store.settle(&claimed.lease, &settled(cause, &policy, start())).unwrap().unwrap();
        let label = request["meta"]["security"][0]["code"] == "R";
        (task["status"].as_str().unwrap().to_owned(), request.to_string().contains("Refuge"), label)
    }
    each(|store| {
        let came = Told { need: Some(("Refuge", true)), ..shared("R1") };
        take_in(store, false, &[came, Told { share: FULL, ..told("R1", "accepted", "2026-04-03") }]);
        let audit = store.entry(1).unwrap().unwrap().audit;
        assert_eq!(audit[0].action, "sensitive-withheld");
        assert_eq!(sent(store), ("requested".into(), false, false));
        assert_eq!(sent(store), ("accepted".into(), false, false));
        let release = |store: &mut dyn Store, id| {
            store.act(id, Command::ReleaseSensitive, &by(), &planner(), start()).unwrap()
        };
        let Acted::Done(entry) = release(store, 1) else { panic!() };
        assert_eq!((entry.id, entry.state), (3, State::Pending), "a revision of the event");
        assert_eq!(store.entry(3).unwrap().unwrap().audit[0].actor, "j.marsh");
        assert_eq!(sent(store), ("accepted".into(), true, true), "and the Task is not set back");
        // What comes later bears it too: it is one resource, and would be taken back otherwise.
        take_in(store, false, &[Told { share: FULL, ..told("R1", "attended", "2026-04-05") }]);
        assert_eq!(sent(store), ("in-progress".into(), true, true));
        assert_eq!(release(store, 2), Acted::NotPossible(State::Delivered), "nothing of it is sensitive");
        assert_eq!(release(store, 1), Acted::NotPossible(State::Delivered), "it was released");
        assert_eq!(total(store), 4);
    });
}

#[test]
fn a_release_is_of_what_the_person_saw() {
    each(|store| {
        take_in(store, true, &[Told { need: Some(("Refuge", true)), ..shared("R1") }]);
        let acted = store.act(1, Command::ReleaseSensitive, &by(), &planner(), start()).unwrap();
        assert!(matches!(acted, Acted::Done(entry) if entry.id == 1), "what waits takes it along");
        take_in(store, true, &[Told { need: Some(("Refuge for her children", true)), ..shared("R1") }]);
        let claimed = take(store, "north", start()).remove(0);
        assert!(!claimed.parcel.bundle.contains("Refuge for"), "another content was not released");
    });
}

const ENDED: (State, Option<Reason>) = (State::NotShared, Some(Reason::ConsentNone));

fn changed(referral: &str, share: &'static str, day: &'static str) -> Told {
    Told { share: Some((share, day)), ..told(referral, "consent_changed", day) }
}

#[test]
fn a_consent_of_the_future_lifts_no_withdrawal_until_its_day() {
    each(|store| {
        take_in(store, false, &[shared("R1"), changed("R1", "none", "2026-04-02")]);
        take_in(store, false, &[changed("R2", "full", "2026-04-20")]);
        assert_eq!(states(store)[2], (State::Held, Some(Reason::FutureDate)));
        let attended = |event: &str| Told { event: event.into(), ..told("R1", "attended", "2026-04-10") };
        take_in(store, false, &[attended("R1/one")]);
        assert_eq!(states(store)[3], ENDED);
        let day = later(start(), std::time::Duration::from_secs(5 * DAY));
        store.accept(&submission(false, &[attended("R1/two")]), &planner(), day).unwrap();
        assert_eq!(states(store)[4], PENDING);
    });
}

#[test]
fn a_release_sends_nothing_of_what_itself_shares_nothing() {
    each(|store| {
        let full = |referral| Told { birth: "1951-02-08", ..changed(referral, "full", "2026-04-12") };
        take_in(store, false, &[shared("R1"), changed("R1", "none", "2026-04-10")]);
        take_in(store, false, &[full("R2")]);
        take_in(store, false, &[told("R1", "attended", "2026-04-13")]);
        assert_eq!(states(store)[2], (State::Held, Some(Reason::BirthDates)));
        assert_eq!(states(store)[3], ENDED, "what the other says is another person's");
    });
    each(|store| {
        // The same where the person of the record is in question before it says so.
        take_in(store, false, &[Told { birth: "1951-02-08", ..changed("R2", "full", "2026-04-12") }]);
        take_in(store, false, &[shared("R1")]);
        assert_eq!(states(store), [(State::Held, Some(Reason::BirthDates)); 2]);
        take_in(store, false, &[changed("R1", "none", "2026-04-10")]);
        let withdrawn = (State::Withdrawn, Some(Reason::ConsentWithdrawn));
        assert_eq!(states(store)[1..], [withdrawn, ENDED]);
        let released = store.act(2, Command::Release, &by(), &planner(), start()).unwrap();
        assert!(matches!(released, Acted::NotPossible(_)));
    });
}

#[test]
fn who_is_contradicted_by_a_third_record_lifts_no_withdrawal() {
    each(|store| {
        // R2 is of the same number as R1, and of the same local id as R3, which has another number.
        let number = Some("9990004226");
        take_in(store, false, &[Told { local: Some("P-3"), number, ..shared("R3") }]);
        take_in(store, false, &[changed("R1", "none", "2026-04-02")]);
        take_in(store, false, &[Told { local: Some("P-3"), ..changed("R2", "full", "2026-04-03") }]);
        assert_eq!(states(store)[2], (State::Held, Some(Reason::NhsNumbers)));
        take_in(store, false, &[told("R1", "attended", "2026-04-10")]);
        assert_eq!(states(store)[3], ENDED);
    });
}

#[test]
fn a_withdrawal_entered_in_error_silences_nobody() {
    let recall = |day: &str| Told {
        event: "R1/recall".into(),
        target: Some("R1/consent_changed"),
        day: day.into(),
        ..shared("R1")
    };
    let recall = |day| Told { kind: "entered_in_error", ..recall(day) };
    each(|store| {
        take_in(store, false, &[shared("R1"), changed("R1", "none", "2026-04-02")]);
        take_in(store, false, &[shared("R2")]);
        assert_eq!(states(store)[2], ENDED);
        take_in(store, false, &[recall("2026-04-10")]);
        take_in(store, false, &[shared("R3")]);
        assert_eq!(*states(store).last().unwrap(), PENDING);
    });
    each(|store| {
        // One that is held lifts nothing, until its day has come.
        take_in(store, false, &[shared("R1"), changed("R1", "none", "2026-04-02")]);
        take_in(store, false, &[recall("2026-04-20")]);
        assert_eq!(*states(store).last().unwrap(), (State::Held, Some(Reason::FutureDate)));
        take_in(store, false, &[shared("R2")]);
        assert_eq!(*states(store).last().unwrap(), ENDED);
        let day = later(start(), std::time::Duration::from_secs(6 * DAY));
        store.sweep(&planner(), &Default::default(), 0.0, day).unwrap();
        store.accept(&submission(false, &[shared("R3")]), &planner(), day).unwrap();
        assert_eq!(*states(store).last().unwrap(), PENDING);
    });
    each(|store| {
        // One that is corrected counts from the day that is right.
        let undated = Told { share: Some(("none", "")), ..told("R1", "consent_changed", "2026-04-09") };
        take_in(store, false, &[shared("R1"), undated]);
        take_in(store, false, &[changed("R2", "full", "2026-04-05")]);
        assert_eq!(*states(store).last().unwrap(), ENDED);
        let right = Told {
            event: "R1/right".into(),
            target: Some("R1/consent_changed"),
            ..told("R1", "corrected", "2026-04-03")
        };
        take_in(store, false, &[right]);
        take_in(store, false, &[told("R2", "attended", "2026-04-10")]);
        assert_eq!(*states(store).last().unwrap(), PENDING);
    });
}
