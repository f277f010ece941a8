//! [`Detail`]: what belongs to one event: its reasons, scores, plan, outcome, notes.
//!
//! Which parts an event type may carry is [`Detail::allowed`]; a part where it has no meaning is refused when
//! the event is built, so the mapping never has to wonder. Next: [`super::referral_event`].

use std::fmt;

use serde::Serialize;

use super::kinds::{ContactMode, EventType};
use super::person::{Service, redacted};
use super::term::Term;

/// The value of a score.
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
pub enum ScoreValue {
    /// A whole number.
    Integer(i32),
    /// A decimal, as it was written: `3.10` stays `3.10`.
    Decimal(String),
    /// Anything else, as text.
    Text(String),
}

/// One measured value, such as a wellbeing score.
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Score {
    /// Stable name of the measure in the source, used in identifiers.
    pub id: String,
    /// What was measured.
    pub measure: Term,
    /// The value.
    pub value: ScoreValue,
    /// Its unit (UCUM), when it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The measure this one is a part of; parts of one measure are sent as components of one Observation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part_of: Option<String>,
}

/// An answer to a question of a questionnaire.
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Answer {
    /// The question's name in the source.
    pub id: String,
    /// The question.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
    /// The answer.
    pub value: ScoreValue,
}

/// What belongs to one event.
#[derive(Clone, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Detail {
    /// Why the person was referred.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Term>,
    /// How the contact took place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<ContactMode>,
    /// Scores.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scores: Vec<Score>,
    /// Answers to a questionnaire.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answer>,
    /// The plan, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<Term>,
    /// Goals agreed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub goals: Vec<Term>,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Term>,
    /// Why it was closed, rejected, cancelled, put on hold, or why a contact failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<Term>,
    /// The other service: of a rerouting, a signposting, an onward referral.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Service>,
    /// What is referred on for, or signposted to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what: Option<Term>,
    /// A count without dates ("DNAs: 2").
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// What is counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count_label: Option<String>,
    /// A free-text note.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The message back to the GP, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What the GP is asked to do; printed before everything else in the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actions: Option<String>,
}

/// A part of [`Detail`], by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// [`Detail::reasons`].
    Reasons,
    /// [`Detail::mode`].
    Mode,
    /// [`Detail::scores`].
    Scores,
    /// [`Detail::answers`].
    Answers,
    /// [`Detail::plan`] and [`Detail::goals`].
    Plan,
    /// [`Detail::outcome`].
    Outcome,
    /// [`Detail::status_reason`].
    StatusReason,
    /// [`Detail::to`] and [`Detail::what`].
    To,
    /// [`Detail::count`] and [`Detail::count_label`].
    Count,
    /// [`Detail::message`] and [`Detail::actions`].
    Message,
}

impl Detail {
    /// Which parts each type of event may carry; a note may go with any. `corrected` may carry what its
    /// target may, so everything.
    #[must_use]
    pub const fn allowed(event: EventType, part: Part) -> bool {
        use EventType as E;
        match part {
            Part::Reasons => matches!(event, E::Referred | E::Offered | E::Assessed | E::Corrected),
            Part::Mode => matches!(
                event,
                E::ContactFailed | E::DidNotAttend | E::Contacted | E::Attended | E::Assessed | E::Corrected
            ),
            Part::Scores | Part::Answers => {
                matches!(event, E::Assessed | E::Completed | E::ClosedWithoutCompletion | E::Corrected)
            }
            Part::Plan => matches!(event, E::PlanAgreed | E::Corrected),
            Part::Outcome | Part::Message => {
                matches!(event, E::Completed | E::ClosedWithoutCompletion | E::Corrected)
            }
            Part::StatusReason => matches!(
                event,
                E::Declined
                    | E::Rejected
                    | E::Rerouted
                    | E::ContactFailed
                    | E::DidNotAttend
                    | E::OnHold
                    | E::ClosedWithoutCompletion
                    | E::Completed
                    | E::Cancelled
                    | E::Corrected
                    | E::EnteredInError
            ),
            Part::To => matches!(event, E::Rerouted | E::Signposted | E::ReferredOn | E::Corrected),
            Part::Count => matches!(event, E::ContactFailed | E::DidNotAttend | E::Contacted | E::Attended),
        }
    }

    /// The parts that are present.
    pub fn parts(&self) -> impl Iterator<Item = Part> + '_ {
        [
            (Part::Reasons, !self.reasons.is_empty()),
            (Part::Mode, self.mode.is_some()),
            (Part::Scores, !self.scores.is_empty()),
            (Part::Answers, !self.answers.is_empty()),
            (Part::Plan, self.plan.is_some() || !self.goals.is_empty()),
            (Part::Outcome, self.outcome.is_some()),
            (Part::StatusReason, self.status_reason.is_some()),
            (Part::To, self.to.is_some() || self.what.is_some()),
            (Part::Count, self.count.is_some()),
            (Part::Message, self.message.is_some() || self.actions.is_some()),
        ]
        .into_iter()
        .filter_map(|(part, present)| present.then_some(part))
    }

    /// Whether nothing at all is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self == &Self::default()
    }
}

redacted!(ScoreValue, Score, Answer, Detail);
