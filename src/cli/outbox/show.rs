//! How entries look: a line or an object in lists, and one entry whole, with its attempts and decisions. Next: `decide.rs`.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::convert::Exit;
use crate::outbox::{Entry, EntryId, Reason, State};
use crate::store::{Attempt, EntryDetail};

use super::{Outcome, edge};

pub(super) fn as_line(entry: &Entry) -> String {
    let blocked = entry.blocked_by.map(|by| format!("  waits for {by}")).unwrap_or_default();
    let reason = entry.reason.map(|reason| format!("  {}", reason.as_str())).unwrap_or_default();
    format!(
        "{:>8}  {:<12}  {:<25}  {}  {}{reason}{blocked}",
        entry.id,
        entry.state.as_str(),
        entry.event_type.as_str(),
        entry.changed_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        if entry.endpoint.is_empty() { "–" } else { &entry.endpoint },
    )
}

pub(super) fn as_value(entry: &Entry) -> Value {
    json!({
        "id": entry.id,
        "key": entry.key.to_string(),
        "referral": entry.referral.to_string(),
        "type": entry.event_type.as_str(),
        "endpoint": entry.endpoint,
        "state": entry.state.as_str(),
        "reason": entry.reason.map(Reason::as_str),
        "attempts": entry.attempts,
        "next_at": entry.next_at.to_string(),
        "accepted_at": entry.accepted_at.to_string(),
        "changed_at": entry.changed_at.to_string(),
        "expires_at": entry.expires_at.to_string(),
        "blocked_by": entry.blocked_by,
    })
}

pub(super) fn show(detail: Option<EntryDetail>, id: EntryId, as_json: bool) -> Outcome {
    let Some(detail) = detail else {
        edge::say(&format!("there is no entry {id}"));
        return Ok(Exit::SomeRefused);
    };
    let text = if as_json { format!("{}\n", detail_value(&detail)) } else { detail_text(&detail) };
    edge::print(&text)?;
    Ok(Exit::Done)
}

fn detail_value(detail: &EntryDetail) -> Value {
    let mut value = as_value(&detail.entry);
    let attempts: Vec<Value> = detail
        .attempts
        .iter()
        .map(|attempt| {
            json!({
                "number": attempt.number,
                "started_at": attempt.started_at.to_string(),
                "ended_at": attempt.ended_at.map(|at| at.to_string()),
                "outcome": attempt.outcome,
                "reason": attempt.reason,
                "status": attempt.status,
                "codes": attempt.codes,
            })
        })
        .collect();
    let audit: Vec<Value> = detail
        .audit
        .iter()
        .map(|line| {
            json!({"at": line.at.to_string(), "actor": line.actor, "action": line.action, "reason": line.reason})
        })
        .collect();
    let placed: Vec<Value> = detail.known.iter().map(|known| json!(known.placed)).collect();
    if let Value::Object(members) = &mut value {
        members.insert("source".into(), json!(detail.source));
        members.insert("attempts_made".into(), Value::Array(attempts));
        members.insert("decisions".into(), Value::Array(audit));
        members.insert("at_endpoint".into(), Value::Array(placed));
        members.insert("differs".into(), json!(detail.differing));
        members.insert("theirs_stands".into(), json!(detail.theirs_stands));
        if let Some((referral, first)) = &detail.answered_by {
            members.insert("answered_by".into(), json!({"id": first, "referral": referral.to_string()}));
        }
    }
    value
}

fn detail_text(detail: &EntryDetail) -> String {
    let entry = &detail.entry;
    let mut out = format!(
        "entry {}\n  key        {}\n  referral   {} of {}\n  event      {}\n  endpoint   {}\n  state      {}\n",
        entry.id,
        entry.key,
        entry.referral,
        detail.source,
        entry.event_type.as_str(),
        entry.endpoint,
        entry.state.as_str(),
    );
    if let Some(reason) = entry.reason {
        let _ = writeln!(out, "  why        {}: {}", reason.as_str(), reason.meaning());
        let _ = writeln!(out, "  to do      {}", reason.remedy());
    }
    if let Some(by) = entry.blocked_by {
        let _ = writeln!(out, "  waits for  entry {by} of the same referral");
    }
    let _ = writeln!(out, "  accepted   {}", entry.accepted_at);
    match entry.state {
        // When it is looked at next means something only while the program does it by itself.
        State::Pending | State::Unknown => {
            let _ = writeln!(out, "  due        {}", entry.next_at);
        }
        _ => {
            let _ = writeln!(out, "  since      {}", entry.changed_at);
        }
    }
    for attempt in &detail.attempts {
        let _ = writeln!(out, "  attempt {}", attempt_text(attempt));
    }
    for line in &detail.audit {
        let _ = writeln!(out, "  {}  {} by {}: {}", line.at, line.action, line.actor, line.reason);
    }
    for known in &detail.known {
        let placed = &known.placed;
        let _ = writeln!(out, "  at endpoint  {}/{}", placed.resource_type, placed.id);
    }
    if let Some((referral, first)) = &detail.answered_by {
        let _ = writeln!(out, "  answered by  entry {first}, referral {referral}");
    }
    for found in &detail.differing {
        let word = if detail.theirs_stands { "theirs stands" } else { "not as we left it" };
        let _ = writeln!(out, "  {word}  {found}");
    }
    out
}

/// An attempt in a line: when it began, what came of it and why, the answer's status and codes.
fn attempt_text(attempt: &Attempt) -> String {
    let mut line = format!("{}  {}  ", attempt.number, attempt.started_at);
    let reason = attempt.reason.as_deref();
    match (attempt.outcome.as_deref(), reason) {
        (None, _) => line.push_str("under way, or the program ended meanwhile"),
        (Some(Attempt::LOST), reason) => {
            let _ = write!(line, "{}: {}", Attempt::LOST, how_lost(reason.and_then(Reason::parse)));
        }
        (Some(outcome), None) => line.push_str(outcome),
        (Some(outcome), Some(reason)) => {
            let _ = write!(line, "{outcome}: {reason}");
        }
    }
    if let Some(status) = attempt.status {
        let _ = write!(line, "  {status}");
    }
    if !attempt.codes.is_empty() {
        let _ = write!(line, "  {}", attempt.codes.join(", "));
    }
    line
}

/// Why an attempt has no end: what its entry waits for since then tells how far it got.
const fn how_lost(reason: Option<Reason>) -> &'static str {
    match reason {
        Some(Reason::AnswerLost) => "the program ended after it may have been sent",
        Some(Reason::Poison) => "the program ended while this entry alone was being prepared",
        _ => "the program ended before anything was sent",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_says_why_it_ended_or_has_no_end() {
        let attempt = |outcome: Option<&str>, reason: Option<Reason>| Attempt {
            number: 2,
            started_at: jiff::Timestamp::UNIX_EPOCH,
            ended_at: None,
            outcome: outcome.map(str::to_owned),
            reason: reason.map(|reason| reason.as_str().to_owned()),
            status: None,
            codes: Vec::new(),
        };
        for (outcome, reason, said) in [
            (None, None, "under way, or the program ended meanwhile"),
            (Some("lost"), Some(Reason::AnswerLost), "lost: the program ended after it may have been sent"),
            (Some("lost"), Some(Reason::Unavailable), "lost: the program ended before anything was sent"),
            (
                Some("lost"),
                Some(Reason::Poison),
                "lost: the program ended while this entry alone was being prepared",
            ),
            (Some("deferred"), Some(Reason::Unavailable), "deferred: unavailable"),
            (Some("accepted"), None, "accepted"),
        ] {
            assert_eq!(attempt_text(&attempt(outcome, reason)), format!("2  1970-01-01T00:00:00Z  {said}"));
        }
        let answered = Attempt {
            status: Some(422),
            codes: vec!["business-rule".into()],
            ..attempt(Some("rejected"), Some(Reason::RefusedByEndpoint))
        };
        assert!(
            attempt_text(&answered).ends_with("rejected: refused-by-endpoint  422  business-rule"),
            "{}",
            attempt_text(&answered)
        );
    }
}
