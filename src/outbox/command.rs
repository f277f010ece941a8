//! [`Command`]: what a person may do with an entry. Each is recorded with who and why.
//!
//! Next: [`super::retry`].

/// What a person may do with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Try a dead letter or an expired entry again, with the same key; or one that was withdrawn, where consent has returned.
    Retry,
    /// Never send it.
    Discard,
    /// Stop it until released.
    Hold,
    /// Let a held entry go on; its reason is waived where that may be, and asked again where not.
    Release,
    /// Let ours go over what somebody else made of it at the endpoint: over the versions that were found and shown, and no
    /// others.
    ReleaseOurs,
    /// Let stand what somebody else made of it at the endpoint, in the versions that were found and shown: the rest of the
    /// entry is sent.
    AcceptTheirs,
    /// Send what was withheld of the event because it is sensitive, under a restricted security label.
    ReleaseSensitive,
    /// Say that a person has seen to what was sent of it and may be shared no more.
    Seen,
}

impl Command {
    /// Every command.
    pub const ALL: [Self; 8] = [
        Self::Retry,
        Self::Discard,
        Self::Hold,
        Self::Release,
        Self::ReleaseOurs,
        Self::AcceptTheirs,
        Self::ReleaseSensitive,
        Self::Seen,
    ];

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Discard => "discard",
            Self::Hold => "hold",
            Self::Release => "release",
            Self::ReleaseOurs => "release-ours",
            Self::AcceptTheirs => "accept-theirs",
            Self::ReleaseSensitive => "release-sensitive",
            Self::Seen => "seen",
        }
    }
}
