//! Task: the work on a referral, and how far it got; about the clinical system's own request where the referral answers
//! one. Next: [`super::own`], what belongs to one event.

use crate::event::{EventType, ReferralEvent};
use crate::fhir::types::{CodeableConcept, Identifier, Period, Task, TaskParameter, Text, Value};

use super::coding::Coder;
use super::entry::meta;
use super::fold::Step;
use super::machine::{State, TaskStatus};
use super::notes::Notes;
use super::own::Context;
use super::systems;

/// The newest Task of a referral at a step. `steps` are all steps.
pub(super) fn task(
    context: &Context<'_>,
    identifier: Identifier,
    state: &State,
    steps: &[Step],
    notes: &mut Notes,
) -> Task {
    let Context { refs, parties, coders, .. } = context;
    let event = |index: Option<usize>| index.and_then(|index| steps.get(index)).map(|step| &step.event);
    let authored_on = event(Some(state.task_opened_by)).and_then(|event| event.occurred_at);
    // Not the date of the event at hand: an amendment is dated when it was made, a late event may be old.
    let last_modified = event(Some(newest_act(state, steps))).and_then(|event| event.occurred_at);
    let status_reason = event(state.status_reason).and_then(|event| {
        let term = event.detail.status_reason.as_ref()?;
        coders.of(event).code(term, "outcome", "status_reason", notes)
    });
    Task {
        meta: meta("Task"),
        identifier: vec![identifier],
        status: state.task.as_str().into(),
        status_reason,
        business_status: event(state.business_status)
            .map(|event| business_status(event, coders.of(event), notes)),
        intent: "order".into(),
        code: Some(systems::FULFIL.concept()),
        focus: context.based_on().into_iter().next(),
        for_: Some(refs.subject()),
        // On an answer only: theirs has no other place for it, and of ours each contact is an Encounter beside it.
        execution_period: context.record.fulfils.as_ref().and_then(|_| work_period(state, steps)),
        authored_on: authored_on.map(|when| when.text().into()),
        last_modified: last_modified.map(|when| when.text().into()),
        requester: parties.requester(refs).map(without_display),
        owner: parties.service().map(without_display),
        output: event(state.outcome)
            .and_then(|event| output(event, coders.of(event), notes))
            .into_iter()
            .collect(),
        ..Task::default()
    }
}

/// The newest event, but for those without a date that stand for a changed record: the Task is not older for them.
fn newest_act(state: &State, steps: &[Step]) -> usize {
    let stands_in = |at: usize| {
        steps.get(at).is_some_and(|step| {
            let about =
                matches!(step.event.event_type, EventType::DetailsChanged | EventType::ConsentChanged);
            about && step.event.occurred_at.is_none()
        })
    };
    let mut at = state.newest;
    while at > 0 && stands_in(at) {
        let before = steps.get(at - 1).and_then(|step| step.state).map(|state| state.newest);
        // A late event bears the state of everything known, which is not what came before it.
        at = before.filter(|before| *before < at).unwrap_or(at - 1);
    }
    at
}

/// When the work on the newest Task began and ended, as far as events say it: the first contact, score or plan, and the
/// event that finished it.
fn work_period(state: &State, steps: &[Step]) -> Option<Period> {
    use EventType as E;
    let works = |step: &&Step| {
        matches!(step.event.event_type, E::Contacted | E::Attended | E::Assessed | E::PlanAgreed)
            && step.event.detail.count.is_none()
    };
    let date = |event: &ReferralEvent| event.occurred_at.map(|when| Text::from(when.text()));
    let of_task = steps.get(state.task_opened_by..=state.newest).unwrap_or_default();
    let start = of_task.iter().filter(works).find_map(|step| date(&step.event));
    let has_finished = matches!(state.task, TaskStatus::Completed | TaskStatus::Failed);
    let ended_by = state.outcome.filter(|_| has_finished || state.ended && start.is_some());
    let end = ended_by.and_then(|at| steps.get(at)).and_then(|step| date(&step.event));
    (start.is_some() || end.is_some()).then_some(Period { start, end })
}

fn without_display(reference: crate::fhir::types::Reference) -> crate::fhir::types::Reference {
    crate::fhir::types::Reference { display: None, ..reference }
}

/// What the last failed contact was, with its reason where one was given.
fn business_status(event: &ReferralEvent, coder: &Coder<'_>, notes: &mut Notes) -> CodeableConcept {
    let reason = event
        .detail
        .status_reason
        .as_ref()
        .and_then(|term| coder.code(term, "outcome", "status_reason", notes));
    reason.unwrap_or_else(|| CodeableConcept::text(Text::Fixed(event.event_type.label())))
}

/// The outcome of a finished Task.
fn output(event: &ReferralEvent, coder: &Coder<'_>, notes: &mut Notes) -> Option<TaskParameter> {
    let outcome = event.detail.outcome.as_ref()?;
    let concept = coder.code(outcome, "outcome", "outcome", notes)?;
    Some(TaskParameter {
        type_: CodeableConcept::text(systems::OUTCOME),
        value: Some(Value::CodeableConcept(concept)),
    })
}
