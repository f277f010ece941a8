//! What ends the wait that a reason stands for, and who looks at the entry again then: one row for every reason.
//!
//! Planning, the stores and the documentation go by this table, so that no reason is forgotten by one of them. Next:
//! [`super::outcome`].

use super::reason::Reason;

/// Who looks at an entry again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looks {
    /// The store, when what the reason hangs on changes, and once a day whatever changed.
    Store,
    /// The store, at midnight in London.
    Midnight,
    /// The store, every ten minutes, because the configuration may be another.
    TenMinutes,
    /// The store with the referral's next event, or a person: a changed configuration alone sends nothing on.
    Told,
    /// A person.
    Person,
    /// The relay, when the entry is due.
    Relay,
    /// Nobody: it has ended.
    Nobody,
}

impl Looks {
    /// Whether planning set the reason and lifts it when its cause is gone.
    #[must_use]
    pub const fn is_planned(self) -> bool {
        matches!(self, Self::Store | Self::Midnight | Self::TenMinutes | Self::Told)
    }

    /// Whether a held entry is planned again by itself, sooner or later.
    #[must_use]
    pub const fn is_by_itself(self) -> bool {
        matches!(self, Self::Store | Self::Midnight | Self::TenMinutes)
    }

    /// In words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Store => "the store, then; and once a day",
            Self::Midnight => "the store, at midnight in London",
            Self::TenMinutes => "the store, every ten minutes",
            Self::Told => "the store, with the referral's next event; or whoever releases it",
            Self::Person => "whoever decides",
            Self::Relay => "the relay, when it is due",
            Self::Nobody => "nobody",
        }
    }
}

impl Reason {
    /// What ends the wait.
    #[must_use]
    pub const fn ends(self) -> &'static str {
        match self {
            Self::NeedsIdentity => "an event or row of the referral with the number",
            Self::NoConsent => {
                "consent stated in the referral or in another of the person's, or come to its day; a release"
            }
            Self::ConsentUnclear => {
                "the refused record is taken; consent stated that is dated later than the refusal; a release"
            }
            Self::Protected => "an event or row of the referral without the mark",
            Self::Sensitive => "the release itself",
            Self::FutureDate => "the day; a correction",
            Self::TwoPersons => {
                "a correction in the referral; of a refused record, that it comes put right, or a release"
            }
            Self::BirthDates | Self::NhsNumbers => "a correction of either record; a release",
            Self::PossibleDuplicate => "the other referral ends or is another person's; a release",
            Self::RequestTaken => {
                "the first referral names another request, or nothing of it was sent or will be; a release"
            }
            Self::TestNumberAtLive | Self::RealNumberAtTest => "another number; another endpoint",
            Self::NoEndpoint => {
                "a configured endpoint serves the practice; another practice; the first delivery"
            }
            Self::PracticeChanged => {
                "the practice is the first one again; what was under way turns out not to be there; a release"
            }
            Self::TargetUnknown => "the event that it names comes",
            Self::OnHold => "a release: it is planned again",
            Self::NewEpisodeOrCorrection => "nothing: the event is refused and comes again, corrected",
            Self::OtherPerson
            | Self::DetailsMissing
            | Self::PatientNotFound
            | Self::PatientSeveral
            | Self::PatientInactive
            | Self::PatientDeceased
            | Self::PatientRestricted
            | Self::PracticeUnknown
            | Self::RequestNotFound
            | Self::IdentifierCollision
            | Self::Divergent
            | Self::Duplicate => "a release: the endpoint is asked again",
            Self::RefusedByEndpoint | Self::TooLong | Self::TooManyAttempts | Self::TooOld => {
                "a retry or a discard"
            }
            Self::Poison => "an attempt that goes well; given up, a retry or a discard",
            Self::Unauthorised | Self::Unavailable | Self::AnswerLost | Self::Conflict => {
                "an attempt that goes well, or age"
            }
            Self::ConsentWithdrawn | Self::ConsentNone => {
                "nothing by itself; a retry, once consent has returned"
            }
            Self::NothingToSend | Self::Unchanged | Self::MayBeThere | Self::ByOperator => "nothing",
        }
    }

    /// Who looks at the entry again then.
    #[must_use]
    pub const fn looks(self) -> Looks {
        match self {
            Self::NeedsIdentity
            | Self::NoConsent
            | Self::ConsentUnclear
            | Self::Protected
            | Self::Sensitive
            | Self::TwoPersons
            | Self::BirthDates
            | Self::NhsNumbers
            | Self::PossibleDuplicate
            | Self::RequestTaken
            | Self::PracticeChanged
            | Self::TargetUnknown => Looks::Store,
            Self::FutureDate => Looks::Midnight,
            Self::NoEndpoint => Looks::TenMinutes,
            Self::TestNumberAtLive | Self::RealNumberAtTest => Looks::Told,
            Self::OnHold
            | Self::NewEpisodeOrCorrection
            | Self::OtherPerson
            | Self::DetailsMissing
            | Self::PatientNotFound
            | Self::PatientSeveral
            | Self::PatientInactive
            | Self::PatientDeceased
            | Self::PatientRestricted
            | Self::PracticeUnknown
            | Self::RequestNotFound
            | Self::IdentifierCollision
            | Self::Divergent
            | Self::Duplicate
            | Self::RefusedByEndpoint
            | Self::TooLong
            | Self::TooManyAttempts
            | Self::TooOld => Looks::Person,
            Self::Poison | Self::Unauthorised | Self::Unavailable | Self::AnswerLost | Self::Conflict => {
                Looks::Relay
            }
            Self::ConsentWithdrawn | Self::ConsentNone => Looks::Person,
            Self::NothingToSend | Self::Unchanged | Self::MayBeThere | Self::ByOperator => Looks::Nobody,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_may_waive_is_looked_at_again_by_somebody() {
        for (reason, word, ..) in Reason::ALL {
            let looks = reason.looks();
            assert!(!reason.ends().is_empty() && !looks.as_str().is_empty());
            assert!(!looks.is_by_itself() || looks.is_planned(), "{word}");
            assert!(!reason.may_be_waived() || looks.is_planned() || looks == Looks::Person, "{word}");
        }
    }
}
