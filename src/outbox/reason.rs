//! [`Reason`]: why an entry waits or ended, as a stable word with what to do about it.
//!
//! Invariant: a reason never carries a value of a person; it is logged, counted and printed. Next: [`super::outcome`].

use crate::event::IssueCode;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $means:literal, $remedy:literal;)*) => {
        /// Why an entry is not simply on its way.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason { $(#[doc = $means] $name,)* }

        impl Reason {
            /// Every reason with its word, what it means, and what a person can do.
            pub const ALL: &'static [(Self, &'static str, &'static str, &'static str)] =
                &[$((Self::$name, $word, $means, $remedy),)*];
        }
    };
}

reasons! {
    NeedsIdentity = "needs-identity", "no NHS number",
        "trace the person, and send the row again with the NHS number";
    NoConsent = "no-consent", "no consent recorded for a self or other-agency referral",
        "record the consent at the source, or release it if the person has agreed";
    ConsentUnclear = "consent-unclear",
        "a record that was refused says something of this person's consent",
        "mend the refused record at the source and send it again; release it if the person has agreed";
    Protected = "protected", "the event is marked protected or sensitive", "handle this referral by hand";
    Sensitive = "sensitive", "sensitive content that was withheld is to be sent after all",
        "release it with `outbox release --sensitive`, where the practice may know it";
    FutureDate = "future-date", "a date lies in the future", "correct the date at the source";
    TwoPersons = "two-persons", "the events of one referral name two persons", "find out whose referral it is";
    BirthDates = "birth-dates-differ", "another referral has the same NHS number and another date of birth",
        "find out whose number it is and correct the wrong record; release the one that is right";
    NhsNumbers = "nhs-numbers-differ", "another referral has the same local person identifier and another NHS number",
        "find out which number is the person's and correct the wrong record; release the one that is right";
    PossibleDuplicate = "possible-duplicate",
        "the same person has an open referral from another source within 28 days",
        "compare the two; release it if both are right";
    RequestTaken = "request-taken", "another referral answers the same request",
        "compare the two, `outbox show` names the other: correct the request at the source, discard one, or release it if both are right";
    TestNumberAtLive = "test-number-at-live", "a 999 test number for a live endpoint",
        "send test data to an endpoint with `test = true` only";
    RealNumberAtTest = "real-number-at-test", "a number that is not a 999 test number for a test endpoint",
        "never send a real person to a test endpoint";
    NoEndpoint = "no-endpoint", "no endpoint serves the person's registered practice",
        "add the practice to an endpoint, or correct the practice at the source: it is looked at again within ten minutes";
    PracticeChanged = "practice-changed", "the registered practice changed while the referral is open",
        "find out where the rest of this referral belongs";
    TargetUnknown = "target-unknown", "it corrects an event that has not come yet", "send the event it names";
    NewEpisodeOrCorrection = "new-episode-or-correction",
        "a referred date moved past the end of the referral", "say which: correct the date, or open a new case number";
    OtherPerson = "other-person", "the endpoint's Patient has another name or date of birth",
        "find out which record is right; never send until then";
    DetailsMissing = "details-missing", "family name or whole date of birth is missing, so that identity cannot be checked",
        "complete the person's record at the source or there, then release it";
    PatientNotFound = "patient-not-found", "the endpoint has no such Patient", "register the person there, then release it";
    PatientSeveral = "patient-several", "the endpoint has several Patients with this NHS number",
        "have the records merged there, then release it";
    PatientInactive = "patient-inactive", "the endpoint's Patient is inactive or was replaced",
        "find the record in use, then release it";
    PatientDeceased = "patient-deceased", "the endpoint's Patient is marked deceased", "close the referral by hand";
    PatientRestricted = "patient-restricted", "the endpoint's Patient is restricted", "handle this referral by hand";
    PracticeUnknown = "practice-unknown",
        "the Patient's practice at the endpoint is absent, another, or not among the endpoint's",
        "find out which practice is right, then release it";
    RequestNotFound = "request-not-found",
        "the request that this referral answers is not at the endpoint, or has Tasks for other services only",
        "check the identifier of the request, and `pull.owner` of the endpoint";
    IdentifierCollision = "identifier-collision",
        "a resource with our identifier, or the request that this answers, is about somebody else",
        "tell the endpoint's administrator; never send until it is resolved";
    Divergent = "divergent",
        "somebody else changed our resource at the endpoint, or ended, put on hold or moved on the request or Task that this is about",
        "compare both sides; `release --ours` writes over the versions shown, `release --theirs` lets them stand and sends the rest, `release` compares again";
    Duplicate = "duplicate",
        "the endpoint holds more than one resource with our identifier, or more than one request or Task for one ask",
        "have the duplicates removed there, then release it (a dead letter: retry it)";
    OnHold = "on-hold", "a person put it on hold", "release it when it may go on";
    RefusedByEndpoint = "refused-by-endpoint", "the endpoint refused it for good",
        "read the codes of the answer; mend the cause, then retry";
    TooLong = "too-long", "a text is longer than the endpoint takes", "shorten the text at the source";
    TooManyAttempts = "too-many-attempts", "it failed too often", "look at the last answers; mend the cause, then retry";
    Poison = "poison", "preparing it stopped the program more than once", "report it with `sp-fhir --version`";
    Unauthorised = "unauthorised", "the endpoint does not accept our credentials", "renew the credentials";
    Unavailable = "unavailable", "the endpoint cannot be reached or written, or is busy", "nothing: it is tried again; where it is a folder, look at its disk and who may write";
    AnswerLost = "answer-lost", "it was sent and the answer was lost or made no sense",
        "nothing: the endpoint is asked what it has";
    Conflict = "conflict", "the endpoint's version moved between reading and writing", "nothing: it is read again";
    TooOld = "too-old", "it waited longer than the endpoint's `expires_after`", "decide whether it still matters, then retry or discard";
    ConsentWithdrawn = "consent-withdrawn", "the person withdrew consent", "nothing: it is not sent";
    ConsentNone = "consent-none", "the person shares nothing", "nothing: it is not sent";
    NothingToSend = "nothing-to-send", "the event leads to no resource", "nothing";
    Unchanged = "unchanged", "what would be sent is what was sent before", "nothing";
    MayBeThere = "may-be-there", "a person gave it up while nobody knew whether the endpoint has it",
        "ask the endpoint's administrator whether it stands there";
    ByOperator = "by-operator", "a person decided", "see the audit for who and why";
}

impl Reason {
    fn row(self) -> Option<&'static (Self, &'static str, &'static str, &'static str)> {
        Self::ALL.iter().find(|(reason, ..)| *reason == self)
    }

    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.row().map_or("", |(_, word, ..)| word)
    }

    /// What it means.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        self.row().map_or("", |(_, _, means, _)| means)
    }

    /// What a person can do.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        self.row().map_or("", |(.., remedy)| remedy)
    }

    /// The reason of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known, ..)| *known == word).map(|(reason, ..)| *reason)
    }

    /// Whether a person may let an entry pass in spite of it. Who the endpoint's Patient is, is never waived, only mended.
    #[must_use]
    pub const fn may_be_waived(self) -> bool {
        matches!(
            self,
            Self::NoConsent
                | Self::ConsentUnclear
                | Self::BirthDates
                | Self::NhsNumbers
                | Self::PossibleDuplicate
                | Self::RequestTaken
                | Self::OnHold
                | Self::PracticeChanged
        )
    }

    /// The reason of an issue that holds a referral.
    #[must_use]
    pub const fn of_issue(code: IssueCode) -> Option<Self> {
        Some(match code {
            IssueCode::HeldProtected => Self::Protected,
            IssueCode::HeldFutureDate => Self::FutureDate,
            IssueCode::HeldNoConsent => Self::NoConsent,
            IssueCode::HeldConsentUnclear => Self::ConsentUnclear,
            IssueCode::HeldBirthDates => Self::BirthDates,
            IssueCode::HeldNhsNumbers => Self::NhsNumbers,
            IssueCode::HeldTwoPersons => Self::TwoPersons,
            IssueCode::TargetUnknown => Self::TargetUnknown,
            IssueCode::NewEpisodeOrCorrection => Self::NewEpisodeOrCorrection,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_word_and_a_remedy() {
        for (reason, word, means, remedy) in Reason::ALL {
            assert_eq!(Reason::parse(word), Some(*reason));
            assert_eq!((reason.as_str(), reason.meaning(), reason.remedy()), (*word, *means, *remedy));
            assert!(!means.is_empty() && !remedy.is_empty());
        }
    }
}
