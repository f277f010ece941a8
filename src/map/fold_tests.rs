//! Folding, with events of one referral.

use super::*;
use crate::event::when::When;
use crate::map::machine::TaskStatus;
use proptest::prelude::*;

pub(crate) fn event(id: &str, event_type: EventType, day: &str) -> ReferralEvent {
    ReferralEvent {
        source: "https://a.example".into(),
        event_id: format!("R1/{id}"),
        referral_id: "R1".into(),
        event_type,
        occurred_at: When::parse_iso(day, When::london()).ok().map(|(when, _)| when),
        recorded_at: None,
        sequence: None,
        target_event_id: None,
        is_status_slot: false,
        detail: crate::event::Detail::default(),
        record: Arc::new(Record::default()),
    }
}

fn amending(id: &str, event_type: EventType, day: &str, target: &str) -> ReferralEvent {
    ReferralEvent { target_event_id: Some(format!("R1/{target}")), ..event(id, event_type, day) }
}

fn codes(folded: &Folded) -> Vec<IssueCode> {
    folded.remarks.iter().map(|(_, issue)| issue.code).collect()
}

#[test]
fn rank_orders_a_day_without_times() {
    let folded = fold(vec![
        event("closed", EventType::Completed, "2026-03-04"),
        event("accepted", EventType::Accepted, "2026-03-04"),
        event("referred", EventType::Referred, "2026-03-04"),
    ]);
    assert_eq!(folded.state().map(|s| s.task), Some(TaskStatus::Completed));
    assert!(folded.remarks.is_empty());
}

#[test]
fn a_correction_moves_its_target() {
    let folded = fold(vec![
        event("referred", EventType::Referred, "2026-03-04"),
        event("dna", EventType::DidNotAttend, "2026-03-10"),
        amending("fix", EventType::Corrected, "2026-03-02", "dna"),
    ]);
    let order: Vec<_> = folded.steps.iter().map(|s| s.event.event_type).collect();
    assert_eq!(order, [EventType::DidNotAttend, EventType::Referred, EventType::Corrected]);
    assert_eq!(codes(&folded), [IssueCode::NothingToActOn]);
}

#[test]
fn withdrawing_the_referral_withdraws_its_task() {
    let folded = fold(vec![
        event("referred", EventType::Referred, "2026-03-04"),
        amending("oops", EventType::EnteredInError, "2026-03-05", "referred"),
    ]);
    assert_eq!(folded.state().map(|s| s.task), Some(TaskStatus::EnteredInError));
}

#[test]
fn an_unknown_target_is_reported() {
    let folded = fold(vec![amending("fix", EventType::Corrected, "2026-03-02", "gone")]);
    assert_eq!(codes(&folded), [IssueCode::TargetUnknown]);
    assert!(folded.steps.is_empty());
}

#[test]
fn a_status_column_is_a_floor() {
    let slot = |event_type| ReferralEvent {
        is_status_slot: true,
        occurred_at: None,
        ..event("status", event_type, "")
    };
    let referred = event("referred", EventType::Referred, "2026-03-04");
    let accepted = event("accepted", EventType::Accepted, "2026-03-05");
    let ahead = fold(vec![referred.clone(), slot(EventType::Completed)]);
    assert_eq!(ahead.state().map(|s| s.task), Some(TaskStatus::Completed));
    assert_eq!(codes(&ahead), [IssueCode::Undated]);
    let behind = fold(vec![referred.clone(), accepted, slot(EventType::Referred)]);
    assert_eq!(behind.state().map(|s| s.task), Some(TaskStatus::Accepted));
    assert_eq!(codes(&behind), [IssueCode::StatusColumnDisagrees]);
    let level = fold(vec![referred, slot(EventType::Referred)]);
    assert_eq!((level.steps.len(), codes(&level)), (1, vec![]));
}

#[test]
fn the_same_id_with_other_content_is_set_apart_whole() {
    let one = event("x", EventType::Attended, "2026-03-04");
    let other = event("x", EventType::Attended, "2026-03-05");
    let (kept, disputed) = deduplicate(vec![one.clone(), one.clone(), other]);
    assert_eq!((kept.len(), disputed.len()), (0, 2));
    assert_eq!(deduplicate(vec![one.clone(), one]).0.len(), 1);
}

#[test]
fn a_count_changes_no_status() {
    let count = ReferralEvent {
        occurred_at: None,
        detail: crate::event::Detail { count: Some(2), ..crate::event::Detail::default() },
        ..event("dna", EventType::DidNotAttend, "")
    };
    let folded = fold(vec![event("referred", EventType::Referred, "2026-03-04"), count]);
    assert_eq!(folded.steps.len(), 2);
    assert_eq!(folded.steps[1].state, folded.steps[0].state);
    assert_eq!(folded.state().and_then(|s| s.business_status), None);
}

fn any_event() -> impl Strategy<Value = ReferralEvent> {
    (0usize..22, 1i32..5, prop::option::of(0u64..4), prop::bool::ANY, 0u32..6).prop_map(
        |(kind, day, sequence, timed, id)| {
            let time = if timed { format!("T{:02}:30:00Z", 8 + id) } else { String::new() };
            let event_type = EventType::ALL[kind];
            ReferralEvent {
                sequence,
                ..event(
                    &format!("{kind}-{day}-{timed}-{id}-{sequence:?}"),
                    event_type,
                    &format!("2026-03-{day:02}{time}"),
                )
            }
        },
    )
}

proptest! {
    #[test]
    fn order_and_repetition_do_not_matter(
        events in prop::collection::vec(any_event(), 0..9),
        shuffle in prop::collection::vec(any::<u32>(), 18),
    ) {
        let (unique, _) = deduplicate(events.clone());
        let expected = fold(unique);
        let mut twice: Vec<_> = events.iter().cloned().chain(events.iter().cloned()).zip(shuffle).collect();
        twice.sort_by_key(|(_, key)| *key);
        let (again, disputed) = deduplicate(twice.into_iter().map(|(event, _)| event).collect());
        prop_assert!(disputed.is_empty());
        prop_assert_eq!(fold(again), expected);
    }
}
