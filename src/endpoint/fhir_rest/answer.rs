//! [`Answer`] and [`Fault`]: what came back of an exchange, or why nothing did. Next: [`super::client`].

use crate::outbox::Reason;
use crate::tree::{self, Node};

/// An answer, whole.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// `ETag`.
    pub etag: Option<String>,
    /// `Location`.
    pub location: Option<String>,
    /// `Retry-After`, as it came.
    pub retry_after: Option<String>,
    /// The body, unpacked.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as a tree; none when it is not JSON, was cut, or names a key twice.
    #[must_use]
    pub fn json(&self) -> Option<Node> {
        tree::json::parse(&self.body, &tree::Limits::default()).ok()
    }

    /// Whether the status says that it went well.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        matches!(self.status, 200..=299)
    }
}

/// Redacted: the body may hold a person's data.
impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Answer({}, {} bytes)", self.status, self.body.len())
    }
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The endpoint saw no request: no connection, no name, no TLS, no credentials.
    NotSent(Reason),
    /// A request went out; no whole answer came back.
    Lost,
}
