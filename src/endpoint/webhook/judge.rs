//! What a webhook's answer means for an attempt. Pure.
//!
//! A 2xx is the receiver's word that it keeps the event, unless it comes with a page of HTML ("OK" as HTML is none); nothing else is. Every request may be repeated, because the
//! receiver knows it by its key; so whatever is in doubt is sent again, and only a refusal ends it. Next:
//! [`crate::relay`].

use std::time::Duration;

use crate::endpoint::fhir_rest::classify;
use crate::outbox::{Outcome, Reason, Receipt, Refusal};
use crate::tree::{Limits, Node, json};

/// An answer, as far as it counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// How long the receiver asks to wait.
    pub retry_after: Option<Duration>,
    /// Whether it repeats our idempotency key: it speaks of this very request.
    pub names_our_key: bool,
    /// Whether it says that it is a page for a person to look at.
    pub is_page: bool,
    /// The beginning of its body, for the codes of an OperationOutcome.
    pub body: Vec<u8>,
}

/// What an answer means.
#[must_use]
pub fn judge(answer: &Answer) -> Outcome {
    let Answer { status, retry_after, names_our_key, is_page, .. } = *answer;
    let receipt = || Receipt { status: Some(status), placed: Vec::new() };
    let said: Option<Node> = json::parse(&answer.body, &Limits::default()).ok();
    match status {
        // A gateway that wants somebody to sign in says so with 200; the receiver may have seen nothing.
        200..=299 if is_page && answer.body.trim_ascii_start().starts_with(b"<") => {
            classify::lost(Some(status))
        }
        200..=299 => Outcome::Accepted(receipt()),
        // It has this very request. Without the key a 409 is about something else that it holds.
        409 if names_our_key => Outcome::Duplicate(receipt()),
        409 | 412 => {
            let codes = said.as_ref().map(classify::codes).unwrap_or_default();
            Outcome::Rejected(Refusal { reason: Reason::RefusedByEndpoint, status: Some(status), codes })
        }
        _ => classify::by_status(status, said.as_ref(), retry_after),
    }
}

/// Whether an answer to a probe says that requests can be served.
#[must_use]
pub const fn is_up(status: u16) -> bool {
    !matches!(status, 429 | 502..=504)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_meaning() {
        for (status, names_our_key, meant) in [
            (200, false, "accepted"),
            (202, false, "accepted"),
            (204, false, "accepted"),
            (409, true, "duplicate"),
            (409, false, "rejected"),
            (302, false, "deferred"),
            (400, false, "rejected"),
            (401, false, "deferred"),
            (404, false, "rejected"),
            (413, false, "rejected"),
            (422, true, "rejected"),
            (429, false, "deferred"),
            (500, false, "unknown"),
            (502, false, "unknown"),
            (503, false, "deferred"),
            (504, false, "unknown"),
        ] {
            let answer = Answer { status, names_our_key, ..Answer::default() };
            assert_eq!(judge(&answer).as_str(), meant, "{status}");
        }
    }

    #[test]
    fn a_page_is_not_the_receivers_word() {
        for (is_page, body, meant) in [
            (true, "<html>please sign in</html>", "unknown"),
            (true, " \r\n", "accepted"),
            (true, "OK", "accepted"),
            (false, "<done/>", "accepted"),
        ] {
            let answer = Answer { status: 200, is_page, body: body.into(), ..Answer::default() };
            assert_eq!(judge(&answer).as_str(), meant, "{body}");
        }
    }

    #[test]
    fn a_wait_is_kept_and_codes_are_kept_without_texts() {
        let wait = Some(Duration::from_secs(120));
        let outcome = judge(&Answer { status: 503, retry_after: wait, ..Answer::default() });
        assert_eq!(
            outcome,
            Outcome::Deferred { reason: Reason::Unavailable, status: Some(503), retry_after: wait }
        );
        let body = br#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"conflict",
            "diagnostics":"Nia"}]}"#;
        let refused = Answer { status: 409, body: body.to_vec(), ..Answer::default() };
        let Outcome::Rejected(refusal) = judge(&refused) else { panic!() };
        assert_eq!(refusal.codes, ["conflict"]);
    }
}
