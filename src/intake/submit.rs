//! From events to [`Submission`]s, one a referral, and from the answers back to the events.
//!
//! Pure. Invariant: every event is in exactly one submission, and its answer is found by its place. Next:
//! [`super::http`].

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::event::{Issue, IssueCode, Position, ReferralEvent, Severity};
use crate::plan::Submission;
use crate::store::{Acceptance, Answer};

/// Events grouped by referral.
#[derive(Clone, Debug, Default)]
pub struct Grouped {
    /// One for each referral, in the order of their first events.
    pub submissions: Vec<Submission>,
    /// Where each event went: submission, place in it, and its id.
    places: Vec<(usize, usize, String)>,
}

/// How events came, and so what another content under a known id means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// As events: it is refused; a `corrected` must say it.
    Events,
    /// As all that the sender has of their referrals today: it is a revision.
    Snapshot,
    /// As resources that have versions, or as events that were read from such: it is a revision when its version is later.
    Versions,
}

/// What names a referral: source and referral id.
pub type ReferralKey = (Arc<str>, Arc<str>);

/// What names an event's referral.
#[must_use]
pub fn referral_key(event: &ReferralEvent) -> ReferralKey {
    (Arc::clone(&event.source), Arc::clone(&event.referral_id))
}

/// What became of one event.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The answer.
    pub answer: Answer,
    /// What is worth saying about it.
    pub issues: Vec<Issue>,
}

impl Taken {
    /// What was said of it with this code.
    #[must_use]
    pub fn said(&self, code: IssueCode) -> Vec<Issue> {
        self.issues.iter().filter(|issue| issue.code == code).cloned().collect()
    }

    /// Why it was refused, and whether what it says of consent is heeded all the same.
    #[must_use]
    pub fn refused(&self, code: IssueCode) -> Vec<Issue> {
        let mut found = self.said(code);
        found.retain(Issue::is_error);
        if found.is_empty() {
            found.push(Issue { severity: Severity::Error, ..Issue::new(code, Position::default(), "") });
        }
        found.extend(self.said(IssueCode::ConsentHeeded));
        found
    }
}

impl Grouped {
    /// Groups events that came in one way.
    #[must_use]
    pub fn new(events: Vec<ReferralEvent>, came: Came) -> Self {
        let mut grouped = Self::default();
        let mut known: HashMap<ReferralKey, usize> = HashMap::new();
        for event in events {
            let key = referral_key(&event);
            let at = *known.entry(key.clone()).or_insert(grouped.submissions.len());
            if at == grouped.submissions.len() {
                let (source, referral_id) = key;
                grouped.submissions.push(Submission {
                    source,
                    referral_id,
                    events: Vec::new(),
                    snapshot: came == Came::Snapshot,
                    versioned: came == Came::Versions,
                });
            }
            if let Some(submission) = grouped.submissions.get_mut(at) {
                grouped.places.push((at, submission.events.len(), event.event_id.clone()));
                submission.events.push(event);
            }
        }
        grouped
    }

    /// What became of each event, in the order they were given. Shorter than the events only when the store's answer
    /// does not fit, which is a defect: then nothing may be answered with success.
    #[must_use]
    pub fn taken(&self, acceptances: &[Acceptance]) -> Vec<Taken> {
        let of = |(submission, place, id): &(usize, usize, String)| {
            let acceptance = acceptances.get(*submission)?;
            let event = acceptance.events.get(*place).filter(|event| event.event_id == *id)?;
            let about = acceptance.issues.iter().filter(|(about, _)| about == id);
            Some(Taken { answer: event.answer, issues: about.map(|(_, issue)| issue.clone()).collect() })
        };
        self.places.iter().filter_map(of).collect()
    }
}

/// What refuses an event whose referral a refused event withdrew from: it may have been the person's last word.
#[must_use]
pub fn withdrawn() -> Issue {
    Issue::new(
        IssueCode::HeldConsentUnclear,
        Position::default(),
        "a refused event of this referral says that less is shared",
    )
}

/// Referrals of which a refused record says that nothing, or less, may be shared. A record names them as it can: with or
/// without its source.
#[derive(Clone, Debug, Default)]
pub struct Withdrawals(HashSet<(Option<String>, String)>);

impl Withdrawals {
    /// Notes one.
    pub fn note(&mut self, source: Option<&str>, referral_id: &str) {
        let source = source.map(|source| source.trim_end_matches('/').to_owned());
        self.0.insert((source, referral_id.to_owned()));
    }

    /// Whether an event belongs to one of them.
    #[must_use]
    pub fn concern(&self, event: &ReferralEvent) -> bool {
        !self.0.is_empty()
            && [Some(event.source.to_string()), None]
                .into_iter()
                .any(|source| self.0.contains(&(source, event.referral_id.to_string())))
    }
}
