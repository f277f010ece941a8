//! What an answer, or the lack of one, means for an attempt. Pure.
//!
//! The line that matters is between *certainly not written* (deferred: it may simply be sent again) and *nobody knows*
//! (unknown: the endpoint is asked first); what is not understood falls on the second side. Invariant: of an
//! OperationOutcome only codes and element paths come out, never its texts. Next: [`super::deliver`].

use std::time::Duration;

use jiff::Timestamp;

use crate::outbox::retry::RETRY_AFTER;
use crate::outbox::{Outcome, Reason, Refusal};
use crate::tree::Node;

use super::client::{Answer, Fault};
use super::draft::Write;

/// A write without an answer.
#[must_use]
pub const fn unanswered(fault: Fault) -> Outcome {
    match fault {
        Fault::NotSent(reason) => Outcome::Deferred { reason, status: None, retry_after: None },
        Fault::Lost => lost(None),
    }
}

/// A reading without an answer: nothing can have been written.
#[must_use]
pub const fn unread(fault: Fault) -> Outcome {
    let reason = match fault {
        Fault::NotSent(reason) => reason,
        Fault::Lost => Reason::Unavailable,
    };
    Outcome::Deferred { reason, status: None, retry_after: None }
}

/// It was sent, and what came back makes no sense.
#[must_use]
pub const fn lost(status: Option<u16>) -> Outcome {
    Outcome::Unknown { reason: Reason::AnswerLost, status }
}

/// A reading that made no sense: try again later.
#[must_use]
pub const fn unavailable(status: u16) -> Outcome {
    Outcome::Deferred { reason: Reason::Unavailable, status: Some(status), retry_after: None }
}

/// A write that was answered with anything but a success.
#[must_use]
pub fn refused(answer: &Answer, now: Timestamp) -> Outcome {
    of_write(answer.status, answer.json().as_ref(), wait(answer, now))
}

/// How long an answer asks to wait.
#[must_use]
pub fn wait(answer: &Answer, now: Timestamp) -> Option<Duration> {
    answer.retry_after.as_deref().and_then(|text| retry_after(text, now))
}

/// A reading that was answered with anything but a success. Where a write would be in doubt, a reading is simply
/// tried again.
#[must_use]
pub fn refused_reading(answer: &Answer, now: Timestamp) -> Outcome {
    match by_status(answer.status, answer.json().as_ref(), wait(answer, now)) {
        Outcome::Unknown { status, .. } => {
            Outcome::Deferred { reason: Reason::Unavailable, status, retry_after: None }
        }
        other => other,
    }
}

/// The same for a write. What it was to change may have been deleted since it was read: then it is read again, and what
/// follows from its absence is decided there.
fn of_write(status: u16, outcome: Option<&Node>, retry_after: Option<Duration>) -> Outcome {
    let says_deleted =
        || outcome.is_some_and(|outcome| codes(outcome).iter().any(|code| code.starts_with("deleted")));
    match status {
        410 => Outcome::Deferred { reason: Reason::Conflict, status: Some(status), retry_after },
        400 | 404 | 409 if says_deleted() => {
            Outcome::Deferred { reason: Reason::Conflict, status: Some(status), retry_after }
        }
        _ => by_status(status, outcome, retry_after),
    }
}

/// The same for one resource. Of one that is changed by its id, 404 says that it is gone; of a whole transaction it may say
/// that the address is wrong.
#[must_use]
pub fn of_entry(
    write: &Write,
    status: u16,
    outcome: Option<&Node>,
    retry_after: Option<Duration>,
) -> Outcome {
    match (write, status) {
        (Write::ById { if_match: Some(_), .. }, 404) => {
            Outcome::Deferred { reason: Reason::Conflict, status: Some(status), retry_after }
        }
        _ => of_write(status, outcome, retry_after),
    }
}

/// What a status that is no success means, for a whole request or for one entry of it.
#[must_use]
pub fn by_status(status: u16, outcome: Option<&Node>, retry_after: Option<Duration>) -> Outcome {
    let deferred = |reason| Outcome::Deferred { reason, status: Some(status), retry_after };
    let codes = outcome.map(codes).unwrap_or_default();
    let says = |code: &str| codes.iter().any(|known| known == code || known.starts_with(&format!("{code} ")));
    let rejected = |reason| Outcome::Rejected(Refusal { reason, status: Some(status), codes: codes.clone() });
    match status {
        401 => deferred(Reason::Unauthorised),
        408 | 421 | 425 | 429 | 503 | 507 => deferred(Reason::Unavailable),
        // "See what I did there": something was done.
        303 => lost(Some(status)),
        // No redirect is followed; a gateway's sign-in page is no answer of the endpoint's.
        300..=399 => deferred(Reason::Unavailable),
        409 | 412 if says("multiple-matches") => rejected(Reason::Duplicate),
        409 | 412 => deferred(Reason::Conflict),
        // Some servers answer 400 for the whole transaction and say only inside which status its entry got.
        400 if says("conflict") || outcome.is_some_and(speaks_of_conflict) => deferred(Reason::Conflict),
        413 | 422 | 400 if says("too-long") => rejected(Reason::TooLong),
        400..=499 | 501 => rejected(Reason::RefusedByEndpoint),
        _ => lost(Some(status)),
    }
}

/// The worst of several entries of one request: a refusal first, because waiting does not mend it; then doubt.
#[must_use]
pub fn worst(outcomes: Vec<Outcome>) -> Option<Outcome> {
    let weight = |outcome: &Outcome| match outcome {
        Outcome::Rejected(_) => 4,
        Outcome::Unknown { .. } => 3,
        Outcome::Deferred { reason: Reason::Conflict, .. } => 2,
        Outcome::Deferred { .. } => 1,
        Outcome::Accepted(_) | Outcome::Duplicate(_) => 0,
    };
    outcomes.into_iter().max_by_key(weight)
}

/// `Retry-After`: seconds or a date, within bounds; none when it is neither.
#[must_use]
pub fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let (least, most) = RETRY_AFTER;
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number holds are a very long time.
        let seconds = text.parse::<u64>().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds).clamp(least, most));
    }
    if text.len() > 64 {
        return None;
    }
    let date = httpdate::parse_http_date(text).ok()?;
    let at = date.duration_since(std::time::UNIX_EPOCH).ok()?;
    let now = Duration::from_secs(u64::try_from(now.as_second()).ok()?);
    Some(at.saturating_sub(now).clamp(least, most))
}

/// `issue.code`, with the element's path where it is nothing but a path.
#[must_use]
pub fn codes(outcome: &Node) -> Vec<String> {
    if outcome.get("resourceType").and_then(Node::as_str) != Some("OperationOutcome") {
        return Vec::new();
    }
    let issues = outcome.get("issue").and_then(Node::as_array).unwrap_or_default();
    let is_problem = |issue: &&Node| {
        let severity = issue.get("severity").and_then(Node::as_str);
        !matches!(severity, Some("information" | "warning"))
    };
    let said = issues.iter().filter(is_problem).filter_map(|issue| {
        let code = issue.get("code").and_then(Node::as_str).filter(|code| is_code(code))?;
        let at = issue.path("expression[0]").and_then(Node::as_str).filter(|path| is_path(path));
        Some(at.map_or_else(|| code.to_owned(), |path| format!("{code} {path}")))
    });
    let mut said: Vec<String> = said.take(MOST_CODES).collect();
    said.dedup();
    said
}

/// No more codes of one answer are kept.
const MOST_CODES: usize = 10;

/// R4's value set `issue-type`, to which `issue.code` is bound.
const ISSUE_TYPES: [&str; 31] = [
    "invalid",
    "structure",
    "required",
    "value",
    "invariant",
    "security",
    "login",
    "unknown",
    "expired",
    "forbidden",
    "suppressed",
    "processing",
    "not-supported",
    "duplicate",
    "multiple-matches",
    "not-found",
    "deleted",
    "too-long",
    "code-invalid",
    "extension",
    "too-costly",
    "business-rule",
    "conflict",
    "transient",
    "lock-error",
    "no-store",
    "exception",
    "timeout",
    "incomplete",
    "throttled",
    "informational",
];

/// Issue codes are words of R4's own list; anything else could be anything.
fn is_code(code: &str) -> bool {
    ISSUE_TYPES.contains(&code)
}

/// `Task.output[0].value`: names and small numbers, so that no value hides in it.
fn is_path(path: &str) -> bool {
    let is_step = |step: &str| {
        let (name, index) = step.split_once('[').map_or((step, None), |(name, rest)| (name, Some(rest)));
        let is_index = |rest: &str| {
            rest.strip_suffix(']').is_some_and(|digits| {
                digits == "x" || (digits.len() <= 4 && digits.bytes().all(|byte| byte.is_ascii_digit()))
            })
        };
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic()) && index.is_none_or(is_index)
    };
    path.len() <= 120 && path.split('.').all(is_step)
}

/// Looks for `status 412` or `status 409` in the texts, which are read here and go no further.
fn speaks_of_conflict(outcome: &Node) -> bool {
    let issues = outcome.get("issue").and_then(Node::as_array).unwrap_or_default();
    issues.iter().any(|issue| {
        let texts = [issue.path("details.text"), issue.get("diagnostics")];
        texts
            .into_iter()
            .flatten()
            .filter_map(Node::as_str)
            .any(|text| text.contains("status 412") || text.contains("status 409"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, retry_after: Option<&str>, body: &str) -> Answer {
        Answer { status, retry_after: retry_after.map(str::to_owned), body: body.into(), ..Answer::default() }
    }

    fn now() -> Timestamp {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    fn word(outcome: &Outcome) -> String {
        let reason = match outcome {
            Outcome::Rejected(refusal) => refusal.reason.as_str(),
            Outcome::Deferred { reason, .. } | Outcome::Unknown { reason, .. } => reason.as_str(),
            _ => "",
        };
        format!("{} {reason}", outcome.as_str())
    }

    #[test]
    fn what_was_deleted_since_it_was_read_is_read_again() {
        let by_id =
            |version: Option<&str>| Write::ById { id: "1".into(), if_match: version.map(str::to_owned) };
        let new = Write::ByIdentifier { system: "s".into(), value: "v".into() };
        let deleted =
            r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"deleted"}]}"#;
        for (write, status, body, expected) in [
            (by_id(Some("3")), 404, "", "deferred conflict"),
            (by_id(Some("3")), 410, "", "deferred conflict"),
            (by_id(Some("3")), 400, deleted, "deferred conflict"),
            (by_id(Some("3")), 400, "", "rejected refused-by-endpoint"),
            (by_id(None), 404, "", "rejected refused-by-endpoint"),
            (new, 404, "", "rejected refused-by-endpoint"),
        ] {
            let outcome = answer(status, None, body).json();
            assert_eq!(
                word(&of_entry(&write, status, outcome.as_ref(), None)),
                expected,
                "{write:?} {status}"
            );
        }
        // Where nothing was to be written, nothing has gone in between.
        assert_eq!(word(&refused_reading(&answer(410, None, ""), now())), "rejected refused-by-endpoint");
    }

    #[test]
    fn each_status_has_one_meaning() {
        let issue = |code: &str| {
            format!(
                r#"{{"resourceType":"OperationOutcome","issue":[{{"severity":"error","code":"{code}"}}]}}"#
            )
        };
        let inner = r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"processing",
            "details":{"text":"Transaction failed at entry 4: Entry failed with status 412"}}]}"#;
        for (status, body, expected) in [
            (400, issue("invalid"), "rejected refused-by-endpoint"),
            (400, inner.to_owned(), "deferred conflict"),
            (401, String::new(), "deferred unauthorised"),
            (403, issue("forbidden"), "rejected refused-by-endpoint"),
            (404, String::new(), "rejected refused-by-endpoint"),
            (408, String::new(), "deferred unavailable"),
            (409, issue("conflict"), "deferred conflict"),
            (410, String::new(), "deferred conflict"),
            (412, issue("conflict"), "deferred conflict"),
            (412, issue("multiple-matches"), "rejected duplicate"),
            (415, String::new(), "rejected refused-by-endpoint"),
            (422, issue("required"), "rejected refused-by-endpoint"),
            (422, issue("too-long"), "rejected too-long"),
            (429, String::new(), "deferred unavailable"),
            (500, String::new(), "unknown answer-lost"),
            (501, String::new(), "rejected refused-by-endpoint"),
            (502, "<html>".to_owned(), "unknown answer-lost"),
            (503, String::new(), "deferred unavailable"),
            (504, String::new(), "unknown answer-lost"),
            (302, String::new(), "deferred unavailable"),
            (303, String::new(), "unknown answer-lost"),
            (599, String::new(), "unknown answer-lost"),
        ] {
            assert_eq!(word(&refused(&answer(status, None, &body), now())), expected, "{status} {body}");
        }
        // A reading changes nothing, so it is never in doubt.
        assert_eq!(word(&refused_reading(&answer(502, None, ""), now())), "deferred unavailable");
        assert_eq!(word(&refused_reading(&answer(404, None, ""), now())), "rejected refused-by-endpoint");
    }

    #[test]
    fn a_fault_before_the_request_is_no_doubt_and_one_after_it_is() {
        assert_eq!(word(&unanswered(Fault::NotSent(Reason::Unavailable))), "deferred unavailable");
        assert_eq!(word(&unanswered(Fault::NotSent(Reason::Unauthorised))), "deferred unauthorised");
        assert_eq!(word(&unanswered(Fault::Lost)), "unknown answer-lost");
        assert_eq!(word(&unread(Fault::Lost)), "deferred unavailable");
    }

    #[test]
    fn retry_after_is_kept_within_bounds() {
        for (text, expected) in [
            ("120", Some(120)),
            (" 7 ", Some(7)),
            ("0", Some(1)),
            ("86400", Some(3600)),
            ("99999999999999999999999999", Some(3600)),
            ("Fri, 20 Nov 2026 12:05:00 GMT", Some(300)),
            ("Fri, 20 Nov 2026 11:00:00 GMT", Some(1)),
            ("Thu, 20 Nov 2036 11:00:00 GMT", Some(3600)),
            ("-5", None),
            ("soon", None),
            ("", None),
            ("1.5", None),
            ("٣", None),
        ] {
            assert_eq!(retry_after(text, now()), expected.map(Duration::from_secs), "{text:?}");
        }
        assert_eq!(retry_after(&"1 ".repeat(100), now()), None);
    }

    #[test]
    fn only_codes_and_paths_come_out_of_an_outcome() {
        let text = r#"{"resourceType":"OperationOutcome","issue":[
            {"severity":"information","code":"informational"},
            {"severity":"error","code":"required","expression":["Task.output[0].value"],"diagnostics":"Secret Person"},
            {"severity":"error","code":"value","expression":["Patient.where(identifier='9990000018')"]},
            {"severity":"error","code":"Secret Person"},
            {"severity":"error","code":"secret-person"},
            {"severity":"fatal","code":"invalid","expression":["Patient.identifier[9990000018]"]}]}"#;
        let outcome = answer(422, None, text).json().unwrap();
        assert_eq!(codes(&outcome), ["required Task.output[0].value", "value", "invalid"]);
        assert!(codes(&answer(422, None, r#"{"issue":[{"code":"required"}]}"#).json().unwrap()).is_empty());
    }

    #[test]
    fn the_worst_of_several_is_what_waiting_does_not_mend() {
        let all = || {
            vec![
                by_status(503, None, None),
                by_status(412, None, None),
                by_status(500, None, None),
                by_status(422, None, None),
            ]
        };
        for (take, expected) in [
            (4, "rejected refused-by-endpoint"),
            (3, "unknown answer-lost"),
            (2, "deferred conflict"),
            (1, "deferred unavailable"),
        ] {
            assert_eq!(word(&worst(all().into_iter().take(take).collect()).unwrap()), expected);
        }
        assert_eq!(worst(Vec::new()), None);
    }
}
