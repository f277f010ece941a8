//! Which state follows which: the whole life of an entry on one page. Pure.
//!
//! Stores ask [`next`] and write down what it says; nothing else decides. What may have been written at the endpoint
//! is never sent again unasked: it is [`State::Unknown`] until the endpoint has been asked. Next:
//! [`crate::store`].

use std::time::Duration;

use super::command::Command;
use super::outcome::Outcome;
use super::reason::Reason;
use super::retry::RetryPolicy;
use super::state::State;

/// What of an entry decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its state.
    pub state: State,
    /// Its reason.
    pub reason: Option<Reason>,
    /// Attempts so far.
    pub attempts: u32,
    /// Whether a stored request may have been sent.
    pub has_request: bool,
    /// How often in a row the program ended, or panicked, while it and nothing else was prepared.
    pub crashes: u32,
}

/// What happened to an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A worker takes it.
    Claimed,
    /// The lease ran out: the worker is gone. It may have been killed for any reason; nobody is to blame.
    LeaseLost,
    /// The program ended, or panicked, while this entry and no other was prepared.
    Crashed,
    /// Preparing found that it must wait for a person; nothing was written.
    Stopped(Reason),
    /// Preparing found that a person lets stand at the endpoint all that it would change.
    LetStand,
    /// An attempt ended.
    Ended(Outcome),
    /// It was read back from the endpoint.
    ReadBack,
    /// A person acts.
    Command(Command),
    /// Consent was withdrawn.
    ConsentWithdrawn,
    /// It was planned again before anything was written: it goes on, waits, or there is nothing of it to send.
    Replanned(State, Option<Reason>),
    /// It is older than it may be.
    TooOld,
}

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The state now.
    pub state: State,
    /// The reason now.
    pub reason: Option<Reason>,
    /// Attempts now.
    pub attempts: u32,
    /// How long until it is due.
    pub wait: Duration,
    /// Whether the stored request stays. It goes where the endpoint certainly did not apply it and its content
    /// may have to be made anew.
    pub keep_request: bool,
}

/// The cause cannot happen in that state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not possible while it is {}", .0.as_str())]
pub struct NotPossible(pub State);

/// What follows. `jitter` lies in `0.0..1.0`.
///
/// # Errors
/// The cause cannot happen in that state; nothing changes.
pub fn next(now: &Standing, cause: &Cause, policy: &RetryPolicy, jitter: f64) -> Result<Change, NotPossible> {
    let keep = Change {
        state: now.state,
        reason: now.reason,
        attempts: now.attempts,
        wait: Duration::ZERO,
        keep_request: now.has_request,
    };
    let to = |state, reason: Option<Reason>| Change { state, reason, ..keep };
    let change = match (now.state, cause) {
        (State::Pending | State::Unknown, Cause::Claimed) => {
            Change { attempts: now.attempts.saturating_add(1), ..to(State::InFlight, now.reason) }
        }
        (State::InFlight, Cause::LeaseLost | Cause::Crashed) if now.has_request => {
            Change { wait: policy.settle_time, ..to(State::Unknown, Some(Reason::AnswerLost)) }
        }
        (State::InFlight, Cause::Crashed) => crashed(&keep, now.crashes.saturating_add(1), policy, jitter),
        // Nothing was sent.
        (State::InFlight, Cause::LeaseLost) => Change {
            wait: policy.wait(now.attempts, jitter, None),
            ..to(State::Pending, Some(Reason::Unavailable))
        },
        (State::InFlight, Cause::Stopped(reason)) => {
            Change { keep_request: false, ..to(State::Held, Some(*reason)) }
        }
        (State::InFlight, Cause::LetStand) => {
            Change { keep_request: false, ..to(State::Discarded, Some(Reason::ByOperator)) }
        }
        (State::InFlight, Cause::Ended(outcome)) => ended(&keep, outcome, policy, jitter),
        (State::Delivered | State::Acknowledged, Cause::ReadBack) => to(State::Acknowledged, None),
        (_, Cause::Command(command)) => commanded(&keep, *command).ok_or(NotPossible(now.state))?,
        // What is pending or held was certainly not written, even where the request of a deferred attempt is stored.
        (State::Pending | State::Held, Cause::ConsentWithdrawn) => {
            Change { keep_request: false, ..to(State::Withdrawn, Some(Reason::ConsentWithdrawn)) }
        }
        (
            State::Pending | State::Held,
            Cause::Replanned(state @ (State::Pending | State::Held | State::NotShared), reason),
        ) => Change { keep_request: false, ..to(*state, *reason) },
        (State::Pending | State::Held, Cause::TooOld) => to(State::Expired, Some(Reason::TooOld)),
        (state, _) => return Err(NotPossible(state)),
    };
    Ok(change)
}

/// Crashes in a row after which an entry is set aside, and after which a person decides.
const CRASHES: (u32, u32) = (2, 8);
/// How long it is set aside at first; each time twice as long.
const ASIDE: Duration = Duration::from_secs(15);

/// Nothing was sent. Being killed again and again is no proof against an entry, so it is tried ever more rarely, and by
/// itself, before it is given up; what stops the program whenever it is prepared then stops it a few times in a quarter of an hour.
/// At first it is set aside for seconds only, because a healthy entry has others of its referral behind it.
fn crashed(keep: &Change, crashes: u32, policy: &RetryPolicy, jitter: f64) -> Change {
    let (aside, spent) = CRASHES;
    if crashes >= spent {
        return Change { state: State::DeadLetter, reason: Some(Reason::Poison), ..*keep };
    }
    let Some(times) = crashes.checked_sub(aside) else {
        let wait = policy.wait(keep.attempts, jitter, None);
        return Change { state: State::Pending, reason: Some(Reason::Unavailable), wait, ..*keep };
    };
    let wait = ASIDE.saturating_mul(2u32.saturating_pow(times));
    Change { state: State::Pending, reason: Some(Reason::Poison), wait, ..*keep }
}

fn ended(keep: &Change, outcome: &Outcome, policy: &RetryPolicy, jitter: f64) -> Change {
    let spent = keep.attempts >= policy.max_attempts;
    let wait = |asked| policy.wait(keep.attempts, jitter, asked);
    let dead = |reason| Change { state: State::DeadLetter, reason: Some(reason), ..*keep };
    match outcome {
        Outcome::Accepted(_) | Outcome::Duplicate(_) => {
            Change { state: State::Delivered, reason: None, ..*keep }
        }
        Outcome::Rejected(refusal) => Change { keep_request: false, ..dead(refusal.reason) },
        // Waiting for an endpoint that is down is no fault of the entry: it expires by age, not by count.
        Outcome::Deferred {
            reason: reason @ (Reason::Unavailable | Reason::Unauthorised),
            retry_after,
            ..
        } => Change {
            state: State::Pending,
            reason: Some(*reason),
            attempts: keep.attempts.saturating_sub(1),
            wait: wait(*retry_after),
            ..*keep
        },
        Outcome::Deferred { .. } | Outcome::Unknown { .. } if spent => dead(Reason::TooManyAttempts),
        Outcome::Deferred { reason, retry_after, .. } => Change {
            state: State::Pending,
            reason: Some(*reason),
            wait: wait(*retry_after),
            keep_request: keep.keep_request && *reason != Reason::Conflict,
            ..*keep
        },
        Outcome::Unknown { reason, .. } => Change {
            state: State::Unknown,
            reason: Some(*reason),
            wait: wait(None).max(policy.settle_time),
            ..*keep
        },
    }
}

fn commanded(keep: &Change, command: Command) -> Option<Change> {
    let by_operator = Some(Reason::ByOperator);
    let is_divergent = keep.state == State::Held && keep.reason == Some(Reason::Divergent);
    Some(match (keep.state, command) {
        (_, Command::ReleaseOurs | Command::AcceptTheirs) if is_divergent => {
            Change { state: State::Pending, reason: None, ..*keep }
        }
        // What may have been sent is asked for first, however long ago it was.
        (State::DeadLetter | State::Expired, Command::Retry) => Change {
            state: if keep.keep_request { State::Unknown } else { State::Pending },
            reason: None,
            attempts: 0,
            ..*keep
        },
        // Consent has returned: it is planned again, and ends again where it has not.
        (State::Withdrawn, Command::Retry) => {
            Change { state: State::Pending, reason: None, attempts: 0, ..*keep }
        }
        (State::NotShared, Command::Retry) if keep.reason == Some(Reason::ConsentNone) => {
            Change { state: State::Pending, reason: None, attempts: 0, ..*keep }
        }
        // It is given up, not unsent: what was asked for in vain may stand there.
        (State::Unknown, Command::Discard) => {
            Change { state: State::Discarded, reason: Some(Reason::MayBeThere), ..*keep }
        }
        (State::DeadLetter, Command::Discard) if keep.keep_request => {
            Change { state: State::Discarded, reason: Some(Reason::MayBeThere), ..*keep }
        }
        (State::Pending | State::Held | State::DeadLetter | State::Expired, Command::Discard) => {
            Change { state: State::Discarded, reason: by_operator, ..*keep }
        }
        (State::Pending, Command::Hold) => {
            Change { state: State::Held, reason: Some(Reason::OnHold), ..*keep }
        }
        (State::Held, Command::Release) => Change { state: State::Pending, reason: None, ..*keep },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::outcome::{Receipt, Refusal};

    fn standing(state: State, attempts: u32, has_request: bool) -> Standing {
        Standing { state, reason: None, attempts, has_request, crashes: 0 }
    }

    fn go(now: Standing, cause: Cause) -> Option<Change> {
        next(&now, &cause, &RetryPolicy::default(), 0.5).ok()
    }

    #[test]
    fn a_lost_lease_is_unknown_only_when_something_may_have_been_sent() {
        let change = go(standing(State::InFlight, 1, true), Cause::LeaseLost).unwrap();
        assert_eq!((change.state, change.wait), (State::Unknown, RetryPolicy::default().settle_time));
        assert!(change.keep_request);
        for attempts in [1, 3, 1000] {
            let change = go(standing(State::InFlight, attempts, false), Cause::LeaseLost).unwrap();
            assert_eq!(
                (change.state, change.reason),
                (State::Pending, Some(Reason::Unavailable)),
                "{attempts}"
            );
        }
    }

    #[test]
    fn what_stops_the_program_by_itself_is_set_aside_ever_longer_and_given_up_in_the_end() {
        let after = |crashes| {
            let standing = Standing { crashes, ..standing(State::InFlight, 4, false) };
            let change = go(standing, Cause::Crashed).unwrap();
            (change.state, change.reason, change.wait.as_secs())
        };
        let aside = |seconds| (State::Pending, Some(Reason::Poison), seconds);
        assert!(matches!(after(0), (State::Pending, Some(Reason::Unavailable), 0..=16)));
        let waits: Vec<_> = (1..7).map(after).collect();
        assert_eq!(waits, [15, 30, 60, 120, 240, 480].map(aside));
        assert_eq!(after(7), (State::DeadLetter, Some(Reason::Poison), 0));
        // It panicked while it was sent: the endpoint is asked.
        let sent = go(standing(State::InFlight, 1, true), Cause::Crashed).unwrap();
        assert_eq!((sent.state, sent.keep_request), (State::Unknown, true));
    }

    #[test]
    fn an_endpoint_that_is_down_costs_no_attempts() {
        let down = Outcome::Deferred { reason: Reason::Unavailable, status: None, retry_after: None };
        let change = go(standing(State::InFlight, 50, false), Cause::Ended(down)).unwrap();
        assert_eq!((change.state, change.attempts), (State::Pending, 49));
    }

    #[test]
    fn a_refusal_drops_the_request_and_a_retry_asks_first_where_one_is_left() {
        let refused = Outcome::Rejected(Refusal::of(Reason::RefusedByEndpoint));
        let change = go(standing(State::InFlight, 1, true), Cause::Ended(refused)).unwrap();
        assert_eq!((change.state, change.keep_request), (State::DeadLetter, false));
        let retry = Cause::Command(Command::Retry);
        assert_eq!(go(standing(State::DeadLetter, 9, false), retry.clone()).unwrap().state, State::Pending);
        let again = go(standing(State::DeadLetter, 9, true), retry).unwrap();
        assert_eq!((again.state, again.attempts), (State::Unknown, 0));
    }

    #[test]
    fn a_lost_answer_is_asked_about_until_the_attempts_are_spent() {
        let lost = || Cause::Ended(Outcome::Unknown { reason: Reason::AnswerLost, status: None });
        assert_eq!(go(standing(State::InFlight, 1, true), lost()).unwrap().state, State::Unknown);
        let spent = go(standing(State::InFlight, 50, true), lost()).unwrap();
        assert_eq!((spent.state, spent.reason), (State::DeadLetter, Some(Reason::TooManyAttempts)));
        assert!(spent.keep_request);
    }

    #[test]
    fn a_conflict_is_read_again() {
        let conflict = Outcome::Deferred { reason: Reason::Conflict, status: Some(412), retry_after: None };
        let change = go(standing(State::InFlight, 1, true), Cause::Ended(conflict)).unwrap();
        assert_eq!((change.state, change.keep_request), (State::Pending, false));
    }

    #[test]
    fn whose_version_counts_is_decided_only_where_they_differ() {
        let held = |reason| Standing { reason: Some(reason), ..standing(State::Held, 1, false) };
        for command in [Command::ReleaseOurs, Command::AcceptTheirs] {
            let cause = || Cause::Command(command);
            assert_eq!(go(held(Reason::Divergent), cause()).map(|change| change.state), Some(State::Pending));
            assert_eq!(go(held(Reason::OtherPerson), cause()), None);
            assert_eq!(go(standing(State::Pending, 1, false), cause()), None);
        }
    }

    #[test]
    fn consent_withdrawn_stops_what_was_deferred_too() {
        for state in [State::Pending, State::Held] {
            let change = go(standing(state, 2, true), Cause::ConsentWithdrawn).unwrap();
            assert_eq!((change.state, change.keep_request), (State::Withdrawn, false));
        }
        assert_eq!(go(standing(State::Unknown, 2, true), Cause::ConsentWithdrawn), None);
    }

    #[test]
    fn planning_again_makes_the_request_anew_and_ends_nothing_that_was_sent() {
        let anew = Cause::Replanned(State::Pending, None);
        let change = go(standing(State::Held, 2, true), anew.clone()).unwrap();
        assert_eq!((change.state, change.attempts, change.keep_request), (State::Pending, 2, false));
        assert_eq!(go(standing(State::InFlight, 2, true), anew), None);
        assert_eq!(go(standing(State::Pending, 0, false), Cause::Replanned(State::Delivered, None)), None);
    }

    #[test]
    fn ends_are_ends() {
        let causes = [
            Cause::Claimed,
            Cause::LeaseLost,
            Cause::Crashed,
            Cause::Stopped(Reason::OtherPerson),
            Cause::LetStand,
            Cause::Ended(Outcome::Accepted(Receipt::default())),
            Cause::ConsentWithdrawn,
            Cause::Replanned(State::Pending, None),
            Cause::TooOld,
            Cause::Command(Command::Retry),
            Cause::Command(Command::Release),
            Cause::Command(Command::ReleaseOurs),
            Cause::Command(Command::AcceptTheirs),
            Cause::Command(Command::Hold),
            Cause::Command(Command::Discard),
        ];
        for state in
            [State::Acknowledged, State::Delivered, State::Discarded, State::Withdrawn, State::NotShared]
        {
            for cause in &causes {
                // Consent may return; whether it has, planning finds.
                if state == State::Withdrawn && *cause == Cause::Command(Command::Retry) {
                    continue;
                }
                assert_eq!(go(standing(state, 1, true), cause.clone()), None, "{state:?} {cause:?}");
            }
        }
    }

    #[test]
    fn only_what_is_pending_or_unknown_is_claimed() {
        for (state, ..) in State::ALL {
            let may = matches!(state, State::Pending | State::Unknown);
            assert_eq!(go(standing(state, 0, false), Cause::Claimed).is_some(), may, "{state:?}");
        }
    }
}
