//! The closed lists of words an event may use: types, kinds, levels.
//!
//! Each list gives its word in the event (`wire`), the words a person reads, and what it means. They are not
//! FHIR codes: [`crate::map`] turns them into those. Invariant: words are lower case with underscores or
//! hyphens and never change. Next: [`super::person`].

use serde::{Serialize, Serializer};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $wire:literal, $label:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// Every word of the list, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];
            /// Every word as it is written, in order.
            pub const WORDS: &'static [&'static str] = &[$($wire),*];

            /// The word as it is written in events and profiles.
            #[must_use]
            pub const fn as_str(self) -> &'static str { match self { $(Self::$variant => $wire),* } }
            /// The word for people.
            #[must_use]
            pub const fn label(self) -> &'static str { match self { $(Self::$variant => $label),* } }
            /// Finds the word exactly as written.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> { match text { $($wire => Some(Self::$variant),)* _ => None } }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

words! {
    /// What happened. The order is the rank by which events of one day without times are told apart.
    EventType {
        /// Social prescribing was offered; not a referral.
        Offered = "offered", "offered";
        /// The person said no.
        Declined = "declined", "declined";
        /// The person agreed and was referred.
        Referred = "referred", "referred";
        /// The service cannot take the referral.
        Rejected = "rejected", "rejected";
        /// The referral goes to another service.
        Rerouted = "rerouted", "rerouted";
        /// The service took the referral on.
        Accepted = "accepted", "accepted";
        /// The person could not be reached.
        ContactFailed = "contact_failed", "contact failed";
        /// The person did not come.
        DidNotAttend = "did_not_attend", "did not attend";
        /// The person was reached.
        Contacted = "contacted", "contacted";
        /// The person came.
        Attended = "attended", "attended";
        /// Needs or wellbeing were assessed.
        Assessed = "assessed", "assessed";
        /// A plan was agreed.
        PlanAgreed = "plan_agreed", "plan agreed";
        /// The person was told of a service; not a referral.
        Signposted = "signposted", "signposted";
        /// The link worker referred on to another service.
        ReferredOn = "referred_on", "referred on";
        /// Work stopped for a while.
        OnHold = "on_hold", "on hold";
        /// Work went on.
        Resumed = "resumed", "resumed";
        /// The work was finished.
        Completed = "completed", "completed";
        /// The work ended unfinished (no contact, moved, died…).
        ClosedWithoutCompletion = "closed_without_completion", "closed without completion";
        /// The referrer took the referral back.
        Cancelled = "cancelled", "cancelled";
        /// A closed referral was opened again.
        Reopened = "reopened", "reopened";
        /// Something in the referral's record changed.
        DetailsChanged = "details_changed", "details changed";
        /// The person changed what may be shared.
        ConsentChanged = "consent_changed", "consent changed";
        /// An earlier event was wrong; this is how it should have been.
        Corrected = "corrected", "corrected";
        /// An earlier event never happened.
        EnteredInError = "entered_in_error", "entered in error";
    }
}

words! {
    /// What kind of service the referral is to.
    ServiceKind {
        /// A social prescribing link worker.
        LinkWorker = "link-worker", "link worker";
        /// A health and wellbeing coach.
        HealthCoach = "health-coach", "health coach";
        /// A care co-ordinator.
        CareCoordinator = "care-coordinator", "care co-ordinator";
        /// A service in the community.
        CommunityService = "community-service", "community service";
        /// Anything else.
        Other = "other", "service";
    }
}

words! {
    /// Who referred.
    ReferrerKind {
        /// A general practitioner.
        Gp = "gp", "GP";
        /// A nurse.
        Nurse = "nurse", "nurse";
        /// A pharmacist.
        Pharmacist = "pharmacist", "pharmacist";
        /// Another health or care professional.
        OtherProfessional = "other-professional", "other professional";
        /// Another agency.
        OtherAgency = "other-agency", "other agency";
        /// The person.
        SelfReferral = "self", "self";
    }
}

words! {
    /// How much the person shares with their GP's system.
    Share {
        /// Everything that is mapped.
        Full = "full", "everything";
        /// Codes, dates, statuses, scores and controlled terms.
        CodesOnly = "codes_only", "codes only";
        /// Nothing.
        None = "none", "nothing";
    }
}

impl Share {
    /// The lesser of two levels.
    #[must_use]
    pub const fn min_of(self, other: Self) -> Self {
        match (self, other) {
            (Self::None, _) | (_, Self::None) => Self::None,
            (Self::CodesOnly, _) | (_, Self::CodesOnly) => Self::CodesOnly,
            _ => Self::Full,
        }
    }
}

words! {
    /// Gender as FHIR's administrative-gender has it.
    Gender {
        /// Male.
        Male = "male", "male";
        /// Female.
        Female = "female", "female";
        /// Other.
        Other = "other", "other";
        /// Unknown.
        Unknown = "unknown", "unknown";
    }
}

words! {
    /// How far the NHS number was checked (UK Core NHSNumberVerificationStatusEngland).
    NhsNumberStatus {
        /// Number present and verified.
        Verified = "01", "Number present and verified";
        /// Number present but not traced.
        NotTraced = "02", "Number present but not traced";
        /// Trace required.
        TraceRequired = "03", "Trace required";
        /// Trace attempted, no match or more than one.
        NoMatch = "04", "Trace attempted - No match or multiple match found";
        /// Trace needs to be resolved.
        NeedsResolving = "05", "Trace needs to be resolved - (NHS Number or PATIENT detail conflict)";
        /// Trace in progress.
        InProgress = "06", "Trace in progress";
        /// Number not present and trace not required.
        NotRequired = "07", "Number not present and trace not required";
        /// Trace postponed (baby under six weeks old).
        Postponed = "08", "Trace postponed (baby under six weeks old)";
    }
}

words! {
    /// How a contact took place.
    ContactMode {
        /// In person, at a place of the service.
        InPerson = "in-person", "in person";
        /// At the person's home.
        Home = "home", "at home";
        /// By telephone.
        Telephone = "telephone", "by telephone";
        /// By video.
        Video = "video", "by video";
        /// By text, letter or e-mail.
        Written = "written", "in writing";
        /// In a group.
        Group = "group", "in a group";
    }
}

words! {
    /// How urgent the referral is (FHIR request-priority).
    Priority {
        /// Routine.
        Routine = "routine", "routine";
        /// Urgent.
        Urgent = "urgent", "urgent";
        /// As soon as possible.
        Asap = "asap", "as soon as possible";
        /// At once.
        Stat = "stat", "at once";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back() {
        for kind in EventType::ALL {
            assert_eq!(EventType::parse(kind.as_str()), Some(*kind));
        }
        assert_eq!(EventType::WORDS.len(), 24);
        assert_eq!(EventType::parse("Referred"), None);
    }

    #[test]
    fn rank_is_the_order_of_the_list() {
        assert!(EventType::Referred < EventType::Accepted);
        assert!(EventType::Rejected < EventType::Rerouted);
        assert!(EventType::Completed < EventType::Reopened);
    }
}
