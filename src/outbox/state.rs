//! [`State`]: where an entry is. The same words everywhere: store, logs, metrics, reports, help.
//!
//! Next: [`super::reason`].

/// Where an entry is. `accepted` is the sum of all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// Waits for its turn, or for its next attempt.
    Pending,
    /// A worker holds a lease on it and may be sending it.
    InFlight,
    /// It was sent and nobody knows what came of it: the endpoint is asked before anything is sent again.
    Unknown,
    /// Waits for a person; nothing was written.
    Held,
    /// The endpoint has it.
    Delivered,
    /// It was read back from the endpoint, as it was sent or further along.
    Acknowledged,
    /// The endpoint refuses it, or it failed too often: a person decides.
    DeadLetter,
    /// A person decided that it is not sent.
    Discarded,
    /// Consent was withdrawn after it was accepted and before it was sent.
    Withdrawn,
    /// It waited longer than it may.
    Expired,
    /// Consent forbade sending it when it was accepted, or there was nothing of it to send.
    NotShared,
}

impl State {
    /// Every state with its word and what it means, for help, reports and the documentation.
    pub const ALL: [(Self, &'static str, &'static str); 11] = [
        (Self::Pending, "pending", "waits for its turn or its next attempt"),
        (Self::InFlight, "in-flight", "is being sent"),
        (
            Self::Unknown,
            "unknown",
            "was sent, the answer was lost; the endpoint is asked before it is sent again",
        ),
        (Self::Held, "held", "waits for a person; nothing was written"),
        (Self::Delivered, "delivered", "the endpoint has it"),
        (Self::Acknowledged, "acknowledged", "was read back from the endpoint"),
        (Self::DeadLetter, "dead-letter", "was refused or failed too often; a person decides"),
        (Self::Discarded, "discarded", "a person decided that nothing more of it is sent"),
        (Self::Withdrawn, "withdrawn", "consent was withdrawn before it was sent"),
        (Self::Expired, "expired", "waited longer than it may"),
        (Self::NotShared, "not-shared", "consent forbade sending it, or there was nothing of it to send"),
    ];

    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(state, ..)| *state == self).map_or("", |(_, word, _)| word)
    }

    /// The state of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known, _)| *known == word).map(|(state, ..)| *state)
    }

    /// Whether entries of the same referral behind it wait: it has not reached its end.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::InFlight | Self::Unknown | Self::Held | Self::DeadLetter)
    }

    /// Whether a person has to do something before it goes on.
    #[must_use]
    pub const fn needs_person(self) -> bool {
        matches!(self, Self::Held | Self::DeadLetter | Self::Expired)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_its_own_word() {
        for (state, word, meaning) in State::ALL {
            assert_eq!((State::parse(word), state.as_str()), (Some(state), word));
            assert!(!meaning.is_empty());
        }
        assert_eq!(State::parse("sent"), None);
    }
}
