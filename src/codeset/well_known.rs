//! [`WellKnown`]: the concepts that have a fixed part in the mapping.
//!
//! Which code plays which part is data (`well_known` in the manifest); only the parts are code.

/// A fixed part that a concept plays in the mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WellKnown {
    /// The person accepted a referral to a link worker.
    Referred,
    /// The person declined one.
    Declined,
    /// A contact that failed.
    ContactFailed,
    /// The person did not attend.
    DidNotAttend,
    /// The person was signposted.
    Signposted,
    /// Referral to a physical activity programme.
    PhysicalActivityReferral,
    /// Referral to a housing service.
    HousingReferral,
    /// Referral to a community service of no closer kind.
    CommunityServiceReferral,
    /// The person referred themselves.
    SelfReferral,
    /// An interpreter is needed.
    InterpreterNeeded,
}

impl WellKnown {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Referred,
        Self::Declined,
        Self::ContactFailed,
        Self::DidNotAttend,
        Self::Signposted,
        Self::PhysicalActivityReferral,
        Self::HousingReferral,
        Self::CommunityServiceReferral,
        Self::SelfReferral,
        Self::InterpreterNeeded,
    ];

    /// Its key in the manifest.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Referred => "referred",
            Self::Declined => "declined",
            Self::ContactFailed => "contact-failed",
            Self::DidNotAttend => "did-not-attend",
            Self::Signposted => "signposted",
            Self::PhysicalActivityReferral => "physical-activity-referral",
            Self::HousingReferral => "housing-referral",
            Self::CommunityServiceReferral => "community-service-referral",
            Self::SelfReferral => "self-referral",
            Self::InterpreterNeeded => "interpreter-needed",
        }
    }

    pub(crate) fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == key)
    }
}
