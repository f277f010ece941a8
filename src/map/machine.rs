//! The state machine of a referral: what each event does to its Task and its ServiceRequest.
//!
//! Pure and small enough to read against the table of docs/MAPPING.md. A step the machine does not allow is
//! taken all the same, because the source is believed about what happened, and a warning says so; no step is
//! ever invented. Source of the machine: SDOH Clinical Care, referral Task (HL7), without `received` and
//! `ready`. Invariant: a State is a value; nothing outside [`State::advance`] changes one. Next: [`super::order`].

use crate::event::kinds::EventType;

/// Where a Task stands; the words of FHIR's task-status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TaskStatus {
    /// Asked for.
    Requested,
    /// Taken on.
    Accepted,
    /// Refused by the service.
    Rejected,
    /// Under way.
    InProgress,
    /// Paused.
    OnHold,
    /// Taken back, or ended before it began.
    Cancelled,
    /// Ended unfinished.
    Failed,
    /// Finished.
    Completed,
    /// Should never have been.
    EnteredInError,
}

impl TaskStatus {
    /// The FHIR code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::InProgress => "in-progress",
            Self::OnHold => "on-hold",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::Completed => "completed",
            Self::EnteredInError => "entered-in-error",
        }
    }

    /// The status of a FHIR code; none for those that are not used.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        const ALL: [TaskStatus; 9] = [
            TaskStatus::Requested,
            TaskStatus::Accepted,
            TaskStatus::Rejected,
            TaskStatus::InProgress,
            TaskStatus::OnHold,
            TaskStatus::Cancelled,
            TaskStatus::Failed,
            TaskStatus::Completed,
            TaskStatus::EnteredInError,
        ];
        ALL.into_iter().find(|status| status.as_str() == code)
    }

    /// Whether the machine allows the step.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        use TaskStatus as T;
        match self {
            T::Requested => matches!(next, T::Requested | T::Accepted | T::Rejected | T::Cancelled),
            T::Accepted => {
                matches!(
                    next,
                    T::Accepted | T::InProgress | T::OnHold | T::Cancelled | T::Completed | T::Failed
                )
            }
            T::InProgress => {
                matches!(next, T::InProgress | T::OnHold | T::Completed | T::Failed | T::Cancelled)
            }
            T::OnHold => {
                matches!(
                    next,
                    T::OnHold | T::InProgress | T::Accepted | T::Completed | T::Failed | T::Cancelled
                )
            }
            T::Rejected | T::Cancelled | T::Failed | T::Completed => false,
            T::EnteredInError => matches!(next, T::EnteredInError),
        }
    }
}

/// Where a ServiceRequest stands; the words of FHIR's request-status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RequestStatus {
    /// Open.
    Active,
    /// Paused.
    OnHold,
    /// Taken back or ended unfinished.
    Revoked,
    /// Finished.
    Completed,
    /// Should never have been.
    EnteredInError,
}

impl RequestStatus {
    /// The FHIR code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::OnHold => "on-hold",
            Self::Revoked => "revoked",
            Self::Completed => "completed",
            Self::EnteredInError => "entered-in-error",
        }
    }
}

/// A Task and the ServiceRequest it is about. Numbers are indexes into the ordered events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// The episode, from 1.
    pub episode: u32,
    /// The Task's number in the referral, from 1, counted through all episodes.
    pub task_number: u32,
    /// The ServiceRequest's status.
    pub request: RequestStatus,
    /// The Task's status.
    pub task: TaskStatus,
    /// The Task's status before it was put on hold.
    before_hold: TaskStatus,
    /// Whether the Task ever was accepted, in progress or on hold.
    reached: bool,
    /// Whether the referral has ended.
    pub ended: bool,
    /// The `referred` event that opened the episode.
    pub opened_by: usize,
    /// The event that opened the newest Task: `referred`, `rerouted` or `reopened`.
    pub task_opened_by: usize,
    /// The newest event in the order that this state includes, whether or not it changed anything.
    pub newest: usize,
    /// The event that gave the status its reason.
    pub status_reason: Option<usize>,
    /// The event that gave the business status; a later event that sets the status clears it, so that a finished
    /// Task does not say that a contact failed.
    pub business_status: Option<usize>,
    /// The event that gave the outcome.
    pub outcome: Option<usize>,
    /// The event that named the present service, when it is not the record's.
    pub rerouted_by: Option<usize>,
}

/// What a step deserves to be said about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remark {
    /// Nothing.
    None,
    /// The machine has no such step.
    NotAllowed,
    /// The referral had ended; nothing changed.
    AfterTheEnd,
    /// There is no referral to act on; nothing changed.
    NothingToActOn,
}

impl State {
    const fn open(episode: u32, task_number: u32, by: usize) -> Self {
        Self {
            episode,
            task_number,
            request: RequestStatus::Active,
            task: TaskStatus::Requested,
            before_hold: TaskStatus::Requested,
            reached: false,
            ended: false,
            opened_by: by,
            task_opened_by: by,
            newest: by,
            status_reason: None,
            business_status: None,
            outcome: None,
            rerouted_by: None,
        }
    }

    /// The state after an event. `at` is the event's index among the ordered events.
    #[must_use]
    pub fn advance(before: Option<Self>, event: EventType, at: usize) -> (Option<Self>, Remark) {
        let (after, remark) = Self::step(before, event, at);
        (after.map(|state| Self { newest: at, ..state }), remark)
    }

    fn step(before: Option<Self>, event: EventType, at: usize) -> (Option<Self>, Remark) {
        use EventType as E;
        let Some(state) = before else {
            return match event {
                E::Referred => (Some(Self::open(1, 1, at)), Remark::None),
                E::Offered | E::Declined | E::Signposted | E::DetailsChanged | E::ConsentChanged => {
                    (None, Remark::None)
                }
                E::Corrected | E::EnteredInError => (None, Remark::None),
                _ => (None, Remark::NothingToActOn),
            };
        };
        if matches!(event, E::DetailsChanged | E::ConsentChanged | E::Corrected | E::EnteredInError) {
            return (before, Remark::None);
        }
        if state.ended {
            return match event {
                E::Referred => (Some(Self::open(state.episode + 1, state.task_number + 1, at)), Remark::None),
                E::Reopened => (Some(state.reopened(at)), Remark::None),
                _ => (before, Remark::AfterTheEnd),
            };
        }
        state.act(event, at)
    }

    /// A new Task after the end: in progress if the last one got that far, else requested.
    const fn reopened(self, at: usize) -> Self {
        let mut next = Self::open(self.episode, self.task_number + 1, self.opened_by);
        next.task_opened_by = at;
        next.rerouted_by = self.rerouted_by;
        if self.reached {
            next.task = TaskStatus::InProgress;
            next.reached = true;
        }
        next
    }

    /// A step of an open referral.
    fn act(self, event: EventType, at: usize) -> (Option<Self>, Remark) {
        use EventType as E;
        let mut next = self;
        match event {
            E::Accepted => return self.to(TaskStatus::Accepted),
            E::Contacted | E::Attended | E::Assessed | E::PlanAgreed => {
                return self.to(TaskStatus::InProgress);
            }
            E::OnHold => {
                let (held, remark) = self.to(TaskStatus::OnHold);
                let held = held.map(|mut held| {
                    held.request = RequestStatus::OnHold;
                    if self.task != TaskStatus::OnHold {
                        held.before_hold = self.task;
                    }
                    held.status_reason = Some(at);
                    held
                });
                return (held, remark);
            }
            E::Resumed if self.task == TaskStatus::OnHold => return self.to(self.before_hold),
            E::Rejected => {
                let (rejected, remark) = self.to(TaskStatus::Rejected);
                return (rejected.map(|state| Self { status_reason: Some(at), ..state }), remark);
            }
            E::Rerouted => {
                next = Self::open(self.episode, self.task_number + 1, self.opened_by);
                next.task_opened_by = at;
                next.rerouted_by = Some(at);
            }
            E::ContactFailed | E::DidNotAttend => next.business_status = Some(at),
            E::Completed => return self.end(TaskStatus::Completed, RequestStatus::Completed, at),
            E::ClosedWithoutCompletion => {
                let status = if self.reached { TaskStatus::Failed } else { TaskStatus::Cancelled };
                return self.end(status, RequestStatus::Revoked, at);
            }
            E::Cancelled | E::Declined => return self.end(TaskStatus::Cancelled, RequestStatus::Revoked, at),
            E::Referred | E::Reopened | E::Resumed => return (Some(next), Remark::NotAllowed),
            E::Offered | E::Signposted | E::ReferredOn => {}
            E::DetailsChanged | E::ConsentChanged | E::Corrected | E::EnteredInError => {}
        }
        (Some(next), Remark::None)
    }

    fn to(self, task: TaskStatus) -> (Option<Self>, Remark) {
        let remark = if self.task.may_become(task) { Remark::None } else { Remark::NotAllowed };
        let reached = self.reached
            || matches!(task, TaskStatus::Accepted | TaskStatus::InProgress | TaskStatus::OnHold);
        let next = Self {
            task,
            reached,
            request: RequestStatus::Active,
            status_reason: None,
            business_status: None,
            ..self
        };
        (Some(next), remark)
    }

    fn end(self, task: TaskStatus, request: RequestStatus, at: usize) -> (Option<Self>, Remark) {
        let remark = if self.task.may_become(task) { Remark::None } else { Remark::NotAllowed };
        let next = Self {
            task,
            request,
            ended: true,
            status_reason: Some(at),
            business_status: None,
            outcome: Some(at),
            ..self
        };
        (Some(next), remark)
    }

    /// The state when the `referred` that opened it turns out never to have happened.
    #[must_use]
    pub const fn in_error(self) -> Self {
        Self { request: RequestStatus::EnteredInError, task: TaskStatus::EnteredInError, ended: true, ..self }
    }

    /// How far the referral has come, as the event type that best says so: for comparing with a status column.
    #[must_use]
    pub const fn as_event(self) -> EventType {
        match self.task {
            TaskStatus::Requested => EventType::Referred,
            TaskStatus::Accepted => EventType::Accepted,
            TaskStatus::Rejected => EventType::Rejected,
            TaskStatus::InProgress => EventType::Contacted,
            TaskStatus::OnHold => EventType::OnHold,
            TaskStatus::Completed => EventType::Completed,
            TaskStatus::Failed => EventType::ClosedWithoutCompletion,
            TaskStatus::Cancelled | TaskStatus::EnteredInError => EventType::Cancelled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use EventType as E;

    fn run(events: &[EventType]) -> (Option<State>, Vec<Remark>) {
        let mut state = None;
        let mut remarks = Vec::new();
        for (at, event) in events.iter().enumerate() {
            let (next, remark) = State::advance(state, *event, at);
            state = next;
            remarks.push(remark);
        }
        (state, remarks)
    }

    fn ends(events: &[EventType]) -> (&'static str, &'static str) {
        let (state, _) = run(events);
        state.map_or(("-", "-"), |s| (s.task.as_str(), s.request.as_str()))
    }

    #[test]
    fn the_table_of_the_specification() {
        for (events, task, request) in [
            (&[E::Offered][..], "-", "-"),
            (&[E::Declined], "-", "-"),
            (&[E::Referred], "requested", "active"),
            (&[E::Referred, E::Declined], "cancelled", "revoked"),
            (&[E::Referred, E::Accepted], "accepted", "active"),
            (&[E::Referred, E::Rejected], "rejected", "active"),
            (&[E::Referred, E::Rejected, E::Rerouted], "requested", "active"),
            (&[E::Referred, E::ContactFailed], "requested", "active"),
            (&[E::Referred, E::Accepted, E::Attended], "in-progress", "active"),
            (&[E::Referred, E::Accepted, E::OnHold], "on-hold", "on-hold"),
            (&[E::Referred, E::Accepted, E::OnHold, E::Resumed], "accepted", "active"),
            (&[E::Referred, E::Accepted, E::Contacted, E::Completed], "completed", "completed"),
            (&[E::Referred, E::ClosedWithoutCompletion], "cancelled", "revoked"),
            (&[E::Referred, E::Accepted, E::ClosedWithoutCompletion], "failed", "revoked"),
            (&[E::Referred, E::Cancelled], "cancelled", "revoked"),
            (&[E::Referred, E::Cancelled, E::Reopened], "requested", "active"),
            (&[E::Referred, E::Accepted, E::Cancelled, E::Reopened], "in-progress", "active"),
            (&[E::Referred, E::Completed, E::Attended], "completed", "completed"),
        ] {
            assert_eq!(ends(events), (task, request), "{events:?}");
        }
    }

    #[test]
    fn a_skipped_step_is_taken_and_remarked() {
        let (state, remarks) = run(&[E::Referred, E::Completed]);
        assert_eq!(state.map(|s| s.task), Some(TaskStatus::Completed));
        assert_eq!(remarks, [Remark::None, Remark::NotAllowed]);
    }

    #[test]
    fn after_the_end_only_a_new_referral_or_a_reopening_acts() {
        let (state, remarks) = run(&[E::Referred, E::Completed, E::DidNotAttend, E::Referred]);
        assert_eq!(remarks, [Remark::None, Remark::NotAllowed, Remark::AfterTheEnd, Remark::None]);
        assert_eq!(state.map(|s| (s.episode, s.task_number)), Some((2, 2)));
    }

    #[test]
    fn without_a_referral_there_is_nothing_to_act_on() {
        assert_eq!(run(&[E::Completed]), (None, vec![Remark::NothingToActOn]));
    }
}
