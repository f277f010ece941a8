//! [`Question`] and [`Finding`]: what a FHIR server is asked before it is relied upon, and how its answer is judged.
//!
//! docs/ERRORS.md lists them. Next: [`super::inquiry`].

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Our certificate, the authorities that are trusted, and the server's certificate.
    Certificate,
    /// A token, or whatever says who we are.
    Authentication,
    /// The CapabilityStatement.
    Metadata,
    /// Searching by identifier.
    Search,
    /// The searches by which is pulled.
    Pull,
    /// The two clocks.
    ClockSkew,
    /// Writing in a way that may be repeated.
    Writes,
}

impl Question {
    /// Every question: its word, what is looked at, and what to do when it is wrong.
    pub const ALL: &'static [(Self, &'static str, &'static str, &'static str)] = &[
        (
            Self::Certificate,
            "certificate",
            "when our certificate, the authorities we trust and the server's certificate end; warned of 30 days before",
            "put the renewed file in place of the old one; ask the server's administrator for theirs",
        ),
        (
            Self::Authentication,
            "authentication",
            "whether we can say who we are: the token file is read, or a token is fetched",
            "compare client id, key id, key and scope with what is registered there; see also `clock-skew`",
        ),
        (
            Self::Metadata,
            "metadata",
            "whether it answers and takes our credentials; that it is FHIR R4 (4.0.x) and takes transactions, or updates by \
             identifier",
            "check url and network; ask its administrator to allow what is named",
        ),
        (
            Self::Search,
            "search",
            "POST _search by identifier for Patient, ServiceRequest and Task, with an identifier that nobody has",
            "ask its administrator to let us search these types by identifier: without it nothing is delivered safely",
        ),
        (
            Self::Pull,
            "pull",
            "where there is `pull`: the searches by which it asks, each for one page; whether only what was asked for came. What \
             came is not kept",
            "ask its administrator to have these searches answered as FHIR says; compare `pull.owner` and `pull.requester` with \
             what stands there: nothing is pulled until then",
        ),
        (
            Self::ClockSkew,
            "clock-skew",
            "how far its clock and that of the authorisation server are from ours",
            "set the clock that is wrong, by NTP",
        ),
        (
            Self::Writes,
            "writes",
            "only with --probe-writes: creates a Task without a person, marked as entered in error, on condition that it is not \
             there, twice; updates it by identifier; counts it; deletes it",
            "an endpoint that makes two of one must not be used: tell its administrator",
        ),
    ];

    /// Its word, which does not change.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(question, ..)| *question == self).map_or("", |(_, word, ..)| word)
    }

    /// What to do when it is wrong.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        Self::ALL.iter().find(|(question, ..)| *question == self).map_or("", |(.., remedy)| remedy)
    }
}

/// How an answer is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it must be.
    Good,
    /// A person should know.
    Warning,
    /// Delivery would not work, or not safely.
    Wrong,
}

/// One answer. Its text holds no secret, and nothing of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was asked.
    pub question: Question,
    /// How it is judged.
    pub verdict: Verdict,
    /// What was found.
    pub said: String,
}

impl Finding {
    pub(crate) fn new(question: Question, verdict: Verdict, said: impl Into<String>) -> Self {
        Self { question, verdict, said: said.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_question_has_its_own_word_and_a_remedy() {
        let words: std::collections::HashSet<_> = Question::ALL.iter().map(|(_, word, ..)| word).collect();
        assert_eq!(words.len(), Question::ALL.len());
        assert!(
            Question::ALL
                .iter()
                .all(|(question, ..)| !question.remedy().is_empty() && !question.as_str().is_empty())
        );
    }
}
