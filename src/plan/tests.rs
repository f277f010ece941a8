//! What the planner promises, told with canonical events.

use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::codeset::Codeset;
use crate::event::build::NhsNumberRule;
use crate::event::finish::Identities;
use crate::event::{IssueCode, ReferralEvent, read};
use crate::map::mapper::Settings;
use crate::map::refs::Form;
use crate::map::share::Statement;
use crate::outbox::{Reason, State};
use crate::tree::{Limits, json};

const SOURCE: &str = "https://elmfield-sp.example/cases";

/// An event of referral `R1`; `more` are further members of the event, `person` and `record` of these.
pub(super) fn event(id: &str, kind: &str, day: &str, record: &str) -> ReferralEvent {
    let text = format!(
        r#"{{"schema":"sp-fhir-event/1","source":"{SOURCE}","event_id":"R1/{id}","referral_id":"R1","type":"{kind}",
        "occurred_at":"{day}","record":{{{record}}}}}"#
    );
    let node = json::parse(text.as_bytes(), &Limits::default()).expect("the test's own JSON");
    let (event, issues) = read::read(&node, &Identities::default(), NhsNumberRule::Reject);
    event.unwrap_or_else(|| panic!("{issues:?}"))
}

pub(super) const PERSON: &str = r#""person":{"nhs_number":"9990000018","family":"Okafor","birth_date":"1951-02-03",
    "practice_ods":"M85063"},"referrer":{"kind":"gp","organisation_ods":"M85063"},"service":{"kind":"link-worker"}"#;

pub(super) fn with_consent(share: &str, date: &str) -> String {
    format!(r#"{PERSON},"consent":{{"share":"{share}","date":"{date}"}}"#)
}

pub(super) fn planner() -> Planner {
    Planner {
        codeset: Codeset::embedded().expect("the shipped codeset"),
        settings: Settings {
            form: Form::Transaction,
            code_in_every_bundle: true,
            recorded_at: Timestamp::UNIX_EPOCH,
            agent: "test".into(),
            repair_codes: false,
            create_patient: false,
        },
        routes: Routes(vec![Route {
            endpoint: "practice".into(),
            practices: vec!["M85063".into()],
            test: true,
            expires_after: Duration::from_secs(3600),
            answers: true,
        }]),
        identities: Identities::default(),
    }
}

pub(super) fn submission(events: Vec<ReferralEvent>, snapshot: bool) -> Submission {
    Submission { source: SOURCE.into(), referral_id: "R1".into(), events, snapshot, versioned: false }
}

pub(super) fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().expect("an instant")
}

/// What a store would know after a plan.
pub(super) fn after(known: &Known, plan: &Plan) -> Known {
    let (mut events, mut earlier) = (known.events.clone(), known.earlier.clone());
    for (event, number) in plan.events.iter().chain(&plan.records) {
        match events.iter_mut().find(|(stored, _)| stored.event_id == event.event_id) {
            Some(stored) => {
                let was = std::mem::replace(stored, (event.clone(), *number));
                earlier.extend((was.1 != *number).then_some(was.0));
            }
            None => events.push((event.clone(), *number)),
        }
    }
    Known { events, earlier, statements: plan.statements.clone(), ..known.clone() }
}

/// Another referral of the person, which states this.
pub(super) fn stating(statements: Vec<Statement>) -> Other {
    Other { statements, ..Other::default() }
}

pub(super) fn states(plan: &Plan) -> Vec<(&str, State, Option<Reason>)> {
    let entry = |entry: &NewEntry| {
        let (state, reason) = entry.disposition.state();
        (entry.event_id.clone().leak() as &str, state, reason)
    };
    plan.entries.iter().map(entry).collect()
}

#[test]
fn new_events_each_have_a_parcel_and_a_key_for_ever() {
    let planner = planner();
    let referred = event("referred", "referred", "2026-03-04", PERSON);
    let came = submission(vec![referred.clone()], false);
    let plan = planner.plan(&Known::default(), &came, &[], now());
    assert_eq!(plan.verdicts, [("R1/referred".to_owned(), Verdict::New)]);
    assert_eq!(states(&plan), [("R1/referred", State::Pending, None)]);
    assert_eq!(plan.endpoint, "practice");
    let parcel = plan.entries[0].disposition.parcel().expect("it is sent");
    assert!(parcel.bundle.contains("Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|9990000018"));
    assert_eq!(parcel.subject.birth_date.as_deref(), Some("1951-02-03"));
    let key = plan.entries[0].key;
    let later =
        planner.plan(&Known::default(), &came, &[], "2027-01-01T00:00:00Z".parse().expect("an instant"));
    assert_eq!(later.entries[0].key, key);

    let known = after(&Known::default(), &plan);
    let again = planner.plan(&known, &came, &[], now());
    assert_eq!(again.verdicts, [("R1/referred".to_owned(), Verdict::Repeat)]);
    assert!(again.entries.is_empty() && again.events.is_empty() && again.records.is_empty());

    let moved = event("referred", "referred", "2026-03-05", PERSON);
    let conflict = planner.plan(&known, &submission(vec![moved.clone()], false), &[], now());
    assert_eq!(conflict.verdicts, [("R1/referred".to_owned(), Verdict::Refused(IssueCode::EventChanged))]);
    assert!(conflict.entries.is_empty());

    let revision = planner.plan(&known, &submission(vec![moved], true), &[], now());
    assert_eq!(revision.verdicts, [("R1/referred".to_owned(), Verdict::Revised)]);
    assert_eq!((revision.entries.len(), revision.events[0].1), (1, 2));
    assert_ne!(revision.entries[0].key, key);

    // Back to what it said first: a third version, with a key of its own.
    let known = after(&known, &revision);
    let third = planner.plan(&known, &submission(vec![referred], true), &[], now());
    assert_eq!(third.events[0].1, 3);
    assert_ne!(third.entries[0].key, key);
}

#[test]
fn an_answer_brings_its_task_where_theirs_can_be_read_first_and_never_a_request() {
    let person = format!(r#"{PERSON},"fulfils":{{"system":"https://gp.example/request","value":"GP-7x"}}"#);
    let events = [("referred", "2026-03-04"), ("accepted", "2026-03-05"), ("attended", "2026-03-06")];
    let events: Vec<_> = events.map(|(kind, date)| event(kind, kind, date, &person)).into();
    for answers in [true, false] {
        let mut planner = planner();
        planner.routes.0[0].answers = answers;
        let plan = planner.plan(&Known::default(), &submission(events.clone(), false), &[], now());
        let parcels: Vec<_> = plan.entries.iter().map(|entry| entry.disposition.parcel()).collect();
        let brings = |word: &str| {
            parcels.iter().map(|parcel| parcel.is_some_and(|p| p.bundle.contains(word))).collect::<Vec<_>>()
        };
        assert_eq!(brings(r#""resourceType":"ServiceRequest""#), [false; 3]);
        assert_eq!(brings(r#""resourceType":"Task""#), [answers; 3]);
        assert_eq!(brings(r#""resourceType":"Encounter""#), [false, false, true]);
        // A folder cannot be asked for their Task, and that alone says nothing else.
        assert_eq!(parcels[1].is_some(), answers, "{:?}", states(&plan));
        let fulfils = parcels[2].expect("a contact is sent").fulfils.clone().expect("what it answers");
        assert_eq!(
            (fulfils.value.as_str(), fulfils.task.is_some(), fulfils.again),
            ("GP-7x", answers, false)
        );
        if let Some(task) = fulfils.task {
            assert!(parcels[2].is_some_and(|parcel| parcel.bundle.contains(&format!("urn:uuid:{task}"))));
        }
    }
}

#[test]
fn a_conflict_does_not_stop_the_others() {
    let planner = planner();
    let came = submission(vec![event("referred", "referred", "2026-03-04", PERSON)], false);
    let known = after(&Known::default(), &planner.plan(&Known::default(), &came, &[], now()));
    let mixed = vec![
        event("referred", "referred", "2026-03-05", PERSON),
        event("accepted", "accepted", "2026-03-06", PERSON),
    ];
    let plan = planner.plan(&known, &submission(mixed, false), &[], now());
    let verdicts: Vec<_> = plan.verdicts.iter().map(|(_, verdict)| verdict.clone()).collect();
    assert_eq!(verdicts, [Verdict::Refused(IssueCode::EventChanged), Verdict::New]);
    assert_eq!(states(&plan), [("R1/accepted", State::Pending, None)]);
}

#[test]
fn what_must_wait_for_a_person_waits() {
    let planner = planner();
    let without_number = r#""person":{"local_id":"P1","practice_ods":"M85063"},"referrer":{"kind":"gp"},
        "service":{"kind":"link-worker"}"#;
    let real = PERSON.replace("9990000018", "9434765919");
    let elsewhere = PERSON.replace("M85063", "A81001");
    let by_self = PERSON.replace(r#""kind":"gp""#, r#""kind":"self""#);
    for (record, day, reason) in [
        (without_number, "2026-03-04", Reason::NeedsIdentity),
        (&real, "2026-03-04", Reason::RealNumberAtTest),
        (&elsewhere, "2026-03-04", Reason::NoEndpoint),
        (&by_self, "2026-03-04", Reason::NoConsent),
        (PERSON, "2026-12-24", Reason::FutureDate),
    ] {
        let came = submission(vec![event("referred", "referred", day, record)], false);
        let plan = planner.plan(&Known::default(), &came, &[], now());
        assert_eq!(states(&plan), [("R1/referred", State::Held, Some(reason))]);
        assert!(plan.entries[0].disposition.parcel().is_none());
    }
    let came = submission(vec![event("referred", "referred", "2026-03-04", PERSON)], false);
    let twins = Known { twins: vec!["2026-03-31".parse().expect("a day")], ..Known::default() };
    let plan = planner.plan(&twins, &came, &[], now());
    assert_eq!(states(&plan), [("R1/referred", State::Held, Some(Reason::PossibleDuplicate))]);
    let far = Known { twins: vec!["2026-04-05".parse().expect("a day")], ..Known::default() };
    assert_eq!(states(&planner.plan(&far, &came, &[], now()))[0].1, State::Pending);
}

#[test]
fn a_held_entry_goes_on_when_its_cause_is_gone() {
    let planner = planner();
    let unsent = |plan: &Plan, waived: Vec<Reason>| {
        let entry = &plan.entries[0];
        let (state, reason) = entry.disposition.state();
        [Unsent { key: entry.key, event_id: entry.event_id.clone(), state, reason, waived }]
    };
    // Time passes.
    let came = submission(vec![event("referred", "referred", "2026-12-24", PERSON)], false);
    let plan = planner.plan(&Known::default(), &came, &[], now());
    let known = after(&Known::default(), &plan);
    let waiting = unsent(&plan, Vec::new());
    assert!(planner.replan(&known, SOURCE, "R1", &waiting, now()).replanned.is_empty());
    let later = "2026-12-24T12:00:00Z".parse().expect("an instant");
    let released = planner.replan(&known, SOURCE, "R1", &waiting, later).replanned;
    assert!(matches!(&released[..], [(_, Disposition::Send(_))]));
    // A person says that there is consent: to codes.
    let by_self = PERSON.replace(r#""kind":"gp""#, r#""kind":"self""#);
    let came = submission(vec![event("referred", "referred", "2026-03-04", &by_self)], false);
    let plan = planner.plan(&Known::default(), &came, &[], now());
    let known = after(&Known::default(), &plan);
    let released = planner.replan(&known, SOURCE, "R1", &unsent(&plan, vec![Reason::NoConsent]), now());
    assert!(matches!(&released.replanned[..], [(_, Disposition::Send(_))]));
}

#[test]
fn a_withdrawal_stops_what_is_unsent_here_and_in_the_persons_other_referrals() {
    let planner = planner();
    let full = with_consent("full", "2026-03-01");
    let came = submission(vec![event("referred", "referred", "2026-03-04", &full)], false);
    let plan = planner.plan(&Known::default(), &came, &[], now());
    assert!(!plan.statements_changed);
    let known = after(&Known::default(), &plan);
    let entry = &plan.entries[0];
    let unsent = [Unsent {
        key: entry.key,
        event_id: entry.event_id.clone(),
        state: State::Pending,
        reason: None,
        waived: Vec::new(),
    }];
    let none = with_consent("none", "2026-03-10");
    let withdrawn = submission(vec![event("consent", "consent_changed", "2026-03-10", &none)], false);
    let stop = planner.plan(&known, &withdrawn, &unsent, now());
    assert!(stop.statements_changed);
    assert_eq!(stop.replanned, [(entry.key, Disposition::NotShared(Reason::ConsentNone))]);
    assert_eq!(states(&stop), [("R1/consent", State::NotShared, Some(Reason::ConsentNone))]);
    // The same person's other referral.
    let other = Known { others: vec![stating(stop.statements.clone())], ..known };
    let stopped = planner.replan(&other, SOURCE, "R1", &unsent, now());
    assert_eq!(stopped.replanned, [(entry.key, Disposition::NotShared(Reason::ConsentNone))]);
}

#[test]
fn a_correction_waits_for_its_target() {
    let planner = planner();
    let mut correction = event("fix", "attended", "2026-03-09", PERSON);
    correction.event_type = crate::event::EventType::Corrected;
    correction.target_event_id = Some("R1/dna".into());
    let came = submission(vec![event("referred", "referred", "2026-03-04", PERSON), correction], false);
    let plan = planner.plan(&Known::default(), &came, &[], now());
    assert_eq!(plan.events.len(), 2);
    assert_eq!(states(&plan)[1], ("R1/fix", State::Held, Some(Reason::TargetUnknown)));
    let known = after(&Known::default(), &plan);
    let waiting = [Unsent {
        key: plan.entries[1].key,
        event_id: "R1/fix".into(),
        state: State::Held,
        reason: Some(Reason::TargetUnknown),
        waived: Vec::new(),
    }];
    let target = submission(vec![event("dna", "did_not_attend", "2026-03-08", PERSON)], false);
    let plan = planner.plan(&known, &target, &waiting, now());
    assert!(matches!(&plan.replanned[..], [(_, Disposition::Send(_))]), "{:?}", plan.replanned);
}

#[test]
fn a_changed_record_of_a_snapshot_is_one_event_of_its_own() {
    let planner = planner();
    let row = |record: &str| {
        let events = vec![
            event("referred", "referred", "2026-03-04", record),
            event("accepted", "accepted", "2026-03-06", record),
        ];
        submission(events, true)
    };
    let plan = planner.plan(&Known::default(), &row(PERSON), &[], now());
    let known = after(&Known::default(), &plan);
    let moved = PERSON.replace("Okafor", "Okafor-Lane");
    let change = planner.plan(&known, &row(&moved), &[], now());
    assert_eq!(states(&change), [("R1/details_changed", State::Pending, None)]);
    let known = after(&known, &change);
    assert!(planner.plan(&known, &row(&moved), &[], now()).entries.is_empty());
    let back = planner.plan(&known, &row(PERSON), &[], now());
    assert_eq!(back.entries.len(), 1);
    assert_ne!(back.entries[0].key, change.entries[0].key);
}

#[test]
fn a_status_column_that_says_no_more_than_the_dates_sends_nothing() {
    let planner = planner();
    let slot = ReferralEvent {
        is_status_slot: true,
        occurred_at: None,
        ..event("status", "referred", "2026-03-04", PERSON)
    };
    let came = submission(vec![event("referred", "referred", "2026-03-04", PERSON), slot], true);
    let plan = planner.plan(&Known::default(), &came, &[], now());
    let expected =
        [("R1/referred", State::Pending, None), ("R1/status", State::NotShared, Some(Reason::NothingToSend))];
    assert_eq!(states(&plan), expected);
}

#[test]
fn what_goes_out_late_never_sets_the_endpoint_back() {
    let planner = planner();
    let events = vec![
        event("referred", "referred", "2026-03-04", PERSON),
        event("accepted", "accepted", "2026-03-06", PERSON),
        event("done", "completed", "2026-04-01", PERSON),
    ];
    let plan = planner.plan(&Known::default(), &submission(events, false), &[], now());
    let late = &plan.entries[1];
    let unsent = [Unsent {
        key: late.key,
        event_id: late.event_id.clone(),
        state: State::Pending,
        reason: None,
        waived: Vec::new(),
    }];
    let task = |known: &Known| {
        let again = planner.replan(known, SOURCE, "R1", &unsent, now());
        let bundle = again.replanned[0].1.parcel().expect("it is sent").bundle.clone();
        let bundle: serde_json::Value = serde_json::from_str(&bundle).expect("our own JSON");
        let entries = bundle["entry"].as_array().expect("entries").clone();
        let task = entries.into_iter().find(|entry| entry["resource"]["resourceType"] == "Task");
        task.expect("a Task")["resource"]["status"].clone()
    };
    let known = after(&Known::default(), &plan);
    assert_eq!(task(&known), "accepted");
    let sent = vec!["R1/referred".to_owned(), "R1/done".to_owned()];
    assert_eq!(task(&Known { sent, ..known }), "completed");
}

#[test]
fn a_later_version_of_a_resource_is_a_revision_and_the_same_version_a_conflict() {
    let planner = planner();
    let version = |at: &str, day: &str, record: &str| {
        let mut event = event("referred", "referred", day, record);
        event.recorded_at = (!at.is_empty()).then(|| at.parse().expect("an instant"));
        Submission { versioned: true, ..submission(vec![event], false) }
    };
    let first = version("2026-03-04T10:00:00Z", "2026-03-04", PERSON);
    let known = after(&Known::default(), &planner.plan(&Known::default(), &first, &[], now()));
    let verdict = |came: &Submission| planner.plan(&known, came, &[], now()).verdicts[0].1.clone();
    let moved = PERSON.replace("Okafor", "Okafor-Lane");
    for (came, wanted) in [
        (first.clone(), Verdict::Repeat),
        (version("2026-03-05T10:00:00Z", "2026-03-04", PERSON), Verdict::Repeat),
        (version("2026-03-05T10:00:00Z", "2026-03-05", PERSON), Verdict::Revised),
        (version("2026-03-05T10:00:00Z", "2026-03-04", &moved), Verdict::Revised),
        (version("2026-03-03T10:00:00Z", "2026-03-01", PERSON), Verdict::Repeat),
        (version("2026-03-04T10:00:00Z", "2026-03-05", PERSON), Verdict::Refused(IssueCode::EventChanged)),
        (version("", "2026-03-05", PERSON), Verdict::Refused(IssueCode::EventChanged)),
    ] {
        assert_eq!(verdict(&came), wanted);
    }
    let plan = planner.plan(&known, &version("2026-03-05T10:00:00Z", "2026-03-04", &moved), &[], now());
    assert_eq!((plan.events.len(), plan.events[0].1, plan.entries.len()), (1, 2, 1));
    let as_event = Submission { versioned: false, ..version("2026-03-05T10:00:00Z", "2026-03-05", PERSON) };
    assert_eq!(verdict(&as_event), Verdict::Refused(IssueCode::EventChanged));
}
