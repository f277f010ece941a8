//! Searching by identifier with POST `_search`, so that no identifier stands in a URL.
//!
//! A server may ignore a parameter it does not know and answer with everything, so every resource that comes back must
//! hold the identifier asked for. Invariant: "nothing found" is said only by a search set that holds nothing and speaks of
//! nothing more: no next page, no total, no entry without its resource. Next: [`super::subject`].

use crate::outbox::{Outcome, Reason, Refusal};
use crate::tree::Node;

use super::classify;
use super::client::Client;
use super::content::same_subject;

/// Why a reading came to nothing: the outcome of the attempt. Nothing was written.
pub type NotRead = Outcome;

/// The resources of a type that hold an identifier. More than one is more than one, also when the server says so by
/// `total` or a next page only.
///
/// # Errors
/// The outcome of an attempt that ends here.
pub async fn by_identifier(
    client: &Client,
    resource_type: &str,
    system: &str,
    value: &str,
    now: jiff::Timestamp,
) -> Result<Matches, NotRead> {
    let form = format!("identifier={}%7C{}", escape(system), escape(value));
    ask(client, resource_type, form, |found| has_identifier(found, system, value), now).await
}

/// The Tasks about a request of the endpoint. More than one page is more than one can tell apart.
///
/// # Errors
/// As [`by_identifier`].
pub async fn tasks_about(client: &Client, request: &str, now: jiff::Timestamp) -> Result<Matches, NotRead> {
    let is_about = |task: &Node| {
        let focus = task.path("focus.reference").and_then(Node::as_str);
        let place = focus.and_then(|focus| client.base().literal(focus));
        place.is_some_and(|place| place.resource_type == "ServiceRequest" && place.id == request)
    };
    let form = format!("focus=ServiceRequest%2F{}&_count=100", escape(request));
    ask(client, "Task", form, is_about, now).await
}

/// The Tasks for a Patient of the endpoint that name their request by nothing but this identifier. Servers do not search by
/// the identifier of a reference; so the Patient's Tasks are asked for, as many as there are on one page.
///
/// # Errors
/// As [`by_identifier`].
pub async fn tasks_naming(
    client: &Client,
    patient: &str,
    (system, value): (&str, &str),
    now: jiff::Timestamp,
) -> Result<Vec<Node>, NotRead> {
    let is_theirs = |task: &Node| same_subject(task, client.base(), patient);
    let form = format!("patient=Patient%2F{}&_count=500", escape(patient));
    let tasks = ask(client, "Task", form, is_theirs, now).await?;
    let is_named = |task: &Node| {
        let focus = |name: &str| task.path(&format!("focus.{name}")).and_then(Node::as_str);
        focus("reference").is_none()
            && focus("type").is_none_or(|kind| kind == "ServiceRequest")
            && focus("identifier.system") == Some(system)
            && focus("identifier.value") == Some(value)
    };
    Ok(tasks.found.into_iter().filter(is_named).collect())
}

async fn ask(
    client: &Client,
    resource_type: &str,
    form: String,
    is_asked_for: impl Fn(&Node) -> bool,
    now: jiff::Timestamp,
) -> Result<Matches, NotRead> {
    let answer = client.post_search(resource_type, form).await.map_err(classify::unread)?;
    if !answer.is_success() {
        return Err(classify::refused_reading(&answer, now));
    }
    // A page of a gateway instead of an answer is no answer.
    let Some(bundle) = answer.json().filter(is_search_set) else {
        return Err(classify::unavailable(answer.status));
    };
    let matches = matches(&bundle, resource_type, is_asked_for);
    if matches.ignored {
        // "Not there" would be a guess: the page may just not hold it.
        let codes = vec!["not-supported _search".to_owned()];
        let status = Some(answer.status);
        return Err(Outcome::Rejected(Refusal { reason: Reason::RefusedByEndpoint, status, codes }));
    }
    if matches.found.is_empty() && matches.more {
        // It says that there is something, and does not show it: whoever took that for nothing would write over it.
        return Err(classify::unavailable(answer.status));
    }
    Ok(matches)
}

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matches {
    /// The resources.
    pub found: Vec<Node>,
    /// Whether the server says that there are more than it gave.
    pub more: bool,
    /// Whether there was something in it that was not asked for.
    pub ignored: bool,
}

impl Matches {
    /// The only one; none where nothing was found.
    ///
    /// # Errors
    /// The reason given, where there are several.
    pub fn only(mut self, several: Reason) -> Result<Option<Node>, Reason> {
        if self.found.len() > 1 || (self.more && !self.found.is_empty()) {
            return Err(several);
        }
        Ok(self.found.pop())
    }
}

/// Whether an answer is the page of a search.
#[must_use]
pub fn is_search_set(node: &Node) -> bool {
    node.get("resourceType").and_then(Node::as_str) == Some("Bundle")
        && node.get("type").and_then(Node::as_str) == Some("searchset")
}

fn matches(bundle: &Node, resource_type: &str, is_asked_for: impl Fn(&Node) -> bool) -> Matches {
    let total = bundle.get("total").and_then(Node::as_number).and_then(|text| text.parse::<u64>().ok());
    let entries = bundle.get("entry").and_then(Node::as_array).unwrap_or_default();
    let is_match = |entry: &&Node| {
        let mode = entry.path("search.mode").and_then(Node::as_str);
        let is_type = entry.path("resource.resourceType").and_then(Node::as_str) == Some(resource_type);
        is_type && mode.is_none_or(|mode| mode == "match")
    };
    let resources = entries.iter().filter(is_match).filter_map(|entry| entry.get("resource"));
    let (found, others): (Vec<&Node>, Vec<&Node>) = resources.partition(|found| is_asked_for(found));
    let links = bundle.get("link").and_then(Node::as_array).unwrap_or_default();
    let next = links.iter().any(|link| link.get("relation").and_then(Node::as_str) == Some("next"));
    let is_beside = |entry: &Node| {
        let kind = entry.path("resource.resourceType").and_then(Node::as_str);
        let mode = entry.path("search.mode").and_then(Node::as_str);
        matches!(mode, Some("include" | "outcome")) || kind == Some("OperationOutcome")
    };
    // Where nothing is shown, whatever else is said speaks of something that is not.
    let shown = if found.is_empty() && others.is_empty() { 0 } else { entries.len() as u64 };
    let hidden = shown == 0 && !entries.iter().all(is_beside);
    let more = next || hidden || total.is_some_and(|total| total > shown);
    Matches { found: found.into_iter().cloned().collect(), more, ignored: !others.is_empty() }
}

/// Whether a resource holds an identifier.
#[must_use]
pub fn has_identifier(resource: &Node, system: &str, value: &str) -> bool {
    let is = |identifier: &Node| {
        identifier.get("system").and_then(Node::as_str) == Some(system)
            && identifier.get("value").and_then(Node::as_str) == Some(value)
    };
    match resource.get("identifier") {
        Some(Node::Array(list)) => list.iter().any(is),
        // Some types have one identifier only.
        Some(one) => is(one),
        None => false,
    }
}

/// Percent-encodes a part of a form. `|`, `,`, `\` and `$` mean something inside a FHIR search value: they are first
/// escaped as FHIR says.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if matches!(byte, b'|' | b',' | b'\\' | b'$') {
            out.push_str("%5C");
        }
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            use std::fmt::Write as _;
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Limits, json};

    fn bundle(text: &str) -> Node {
        json::parse(text.as_bytes(), &Limits::default()).unwrap()
    }

    fn matches(bundle: Node, resource_type: &str, system: &str, value: &str) -> Matches {
        super::matches(&bundle, resource_type, |found| has_identifier(found, system, value))
    }

    #[test]
    fn what_was_not_asked_for_does_not_count() {
        let found = matches(
            bundle(
                r#"{"resourceType":"Bundle","type":"searchset","total":4,"entry":[
                {"resource":{"resourceType":"Task","id":"a","identifier":[{"system":"s","value":"v"}]}},
                {"resource":{"resourceType":"Task","id":"b","identifier":[{"system":"s","value":"w"}]}},
                {"resource":{"resourceType":"Task","id":"c","identifier":[{"system":"s","value":"v"}]},"search":{"mode":"include"}},
                {"resource":{"resourceType":"OperationOutcome"},"search":{"mode":"outcome"}}]}"#,
            ),
            "Task",
            "s",
            "v",
        );
        assert_eq!(found.found.len(), 1);
        assert!(found.ignored, "the server gave what was not asked for");
        assert!(found.clone().only(Reason::Duplicate).unwrap().is_some());
        assert!(!found.more);
    }

    #[test]
    fn more_than_one_is_several_however_it_is_said() {
        let one = r#"{"resource":{"resourceType":"Task","identifier":[{"system":"s","value":"v"}]}}"#;
        for text in [
            format!(r#"{{"total":1,"entry":[{one},{one}]}}"#),
            format!(r#"{{"total":2,"entry":[{one}]}}"#),
            format!(r#"{{"link":[{{"relation":"next","url":"x"}}],"entry":[{one}]}}"#),
        ] {
            let found = matches(bundle(&text), "Task", "s", "v");
            assert_eq!(found.only(Reason::Duplicate), Err(Reason::Duplicate), "{text}");
        }
        let none = matches(bundle(r#"{"entry":[]}"#), "Task", "s", "v");
        assert_eq!(none.only(Reason::Duplicate), Ok(None));
    }

    #[test]
    fn nothing_is_nothing_only_where_nothing_more_is_spoken_of() {
        let beside = r#"{"resource":{"resourceType":"OperationOutcome"},"search":{"mode":"outcome"}}"#;
        for (text, more) in [
            (r#"{"total":0}"#.to_owned(), false),
            (format!(r#"{{"entry":[{beside}]}}"#), false),
            (format!(r#"{{"total":1,"entry":[{beside}]}}"#), true),
            (r#"{"total":1,"entry":[]}"#.to_owned(), true),
            (r#"{"link":[{"relation":"next","url":"x"}],"entry":[]}"#.to_owned(), true),
            (r#"{"entry":[{"fullUrl":"https://gp.example/fhir/Task/1"}]}"#.to_owned(), true),
            (r#"{"entry":[{"resource":{"resourceType":"Basic"}}]}"#.to_owned(), true),
        ] {
            let found = matches(bundle(&text), "Task", "s", "v");
            assert!(found.found.is_empty(), "{text}");
            assert_eq!(found.more, more, "{text}");
        }
    }

    #[test]
    fn a_search_value_is_escaped_twice() {
        assert_eq!(escape("https://a.example/x"), "https%3A%2F%2Fa.example%2Fx");
        assert_eq!(escape("a|b, c"), "a%5C%7Cb%5C%2C%20c");
    }
}
