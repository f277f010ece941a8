//! Listing: everything of a type that the endpoint holds under an identifier system of ours.
//!
//! The question is `identifier=system|`, by POST `_search`; further pages are followed only below the endpoint's own base.
//! Many servers cannot be asked so: some refuse, some ignore the question and give everything, some end without saying
//! that there is more. Invariant: a listing that may not be whole is no listing. Next: [`crate::reconcile`].

use std::collections::HashSet;

use jiff::Timestamp;

use crate::endpoint::{Held, Listing};
use crate::outbox::{Outcome, Reason};
use crate::tree::Node;

use super::classify;
use super::client::Client;
use super::{read, search};

/// Asked for on one page; a server may give fewer.
const PAGE: usize = 500;
/// More pages than a listing can have that is worth reading.
const MOST_PAGES: usize = 10_000;

/// Lists.
///
/// # Errors
/// The reason why it cannot be asked now.
pub async fn list(
    client: &Client,
    resource_type: &str,
    system: &str,
    now: Timestamp,
) -> Result<Listing, Reason> {
    let form = format!("identifier={}%7C&_count={PAGE}", search::escape(system));
    let mut answer = client.post_search(resource_type, form).await;
    let mut held = Vec::new();
    let mut pages = HashSet::new();
    while pages.len() < MOST_PAGES {
        let page = answer.map_err(|fault| read::reason(classify::unread(fault)))?;
        if !page.is_success() {
            return match classify::refused_reading(&page, now) {
                Outcome::Rejected(_) => Ok(Listing::NotSupported),
                other => Err(read::reason(other)),
            };
        }
        let bundle = page.json().filter(search::is_search_set).ok_or(Reason::Unavailable)?;
        let Some(found) = page_of(&bundle, resource_type, system) else { return Ok(Listing::NotSupported) };
        held.extend(found);
        let Some(next) = next(&bundle) else {
            let total = bundle.get("total").and_then(Node::as_number).and_then(|text| text.parse().ok());
            let is_whole = total.is_none_or(|total: usize| total <= held.len());
            // A full page without a count may be the first of many.
            let is_certain = total.is_some() || !pages.is_empty() || held.len() < PAGE;
            return Ok(if is_whole && is_certain { Listing::Whole(held) } else { Listing::NotSupported });
        };
        // A page that leads back to itself has no end.
        if client.base().page(next).is_none_or(|url| !pages.insert(url)) {
            return Ok(Listing::NotSupported);
        }
        answer = client.follow(next).await;
    }
    Ok(Listing::NotSupported)
}

fn next(bundle: &Node) -> Option<&str> {
    let links = bundle.get("link")?.as_array()?;
    let is_next = |link: &&Node| link.get("relation").and_then(Node::as_str) == Some("next");
    links.iter().find(is_next)?.get("url")?.as_str()
}

/// The resources of a page; nothing where it holds what was not asked for.
fn page_of(bundle: &Node, resource_type: &str, system: &str) -> Option<Vec<Held>> {
    let entries = bundle.get("entry").and_then(Node::as_array).unwrap_or_default();
    let is_match = |entry: &&Node| {
        let mode = entry.path("search.mode").and_then(Node::as_str);
        mode.is_none_or(|mode| mode == "match")
            && entry.path("resource.resourceType").and_then(Node::as_str) == Some(resource_type)
    };
    let resources = entries.iter().filter(is_match).filter_map(|entry| entry.get("resource"));
    resources.map(|resource| held(resource, system)).collect()
}

fn held(resource: &Node, system: &str) -> Option<Held> {
    let identifiers = match resource.get("identifier")? {
        Node::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    let of_system = identifiers.iter().filter(|one| one.get("system").and_then(Node::as_str) == Some(system));
    let names: Vec<String> =
        of_system.filter_map(|one| one.get("value")?.as_str().map(str::to_owned)).collect();
    let id = resource.get("id")?.as_str()?.to_owned();
    let version = resource.path("meta.versionId").and_then(Node::as_str).map(str::to_owned);
    (!names.is_empty()).then_some(Held { names, id, version })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Limits, json};

    fn bundle(text: &str) -> Node {
        json::parse(text.as_bytes(), &Limits::default()).unwrap()
    }

    #[test]
    fn a_page_with_what_was_not_asked_for_is_no_listing() {
        let ours = r#"{"resource":{"resourceType":"Task","id":"1","meta":{"versionId":"4"},"identifier":[{"system":"s","value":"v"},{"system":"t","value":"w"}]}}"#;
        let outcome = r#"{"resource":{"resourceType":"OperationOutcome"},"search":{"mode":"outcome"}}"#;
        let page = page_of(&bundle(&format!(r#"{{"entry":[{ours},{outcome}]}}"#)), "Task", "s");
        let held = Held { names: vec!["v".into()], id: "1".into(), version: Some("4".into()) };
        assert_eq!(page, Some(vec![held]));
        let other =
            r#"{"resource":{"resourceType":"Task","id":"2","identifier":[{"system":"t","value":"v"}]}}"#;
        assert_eq!(page_of(&bundle(&format!(r#"{{"entry":[{ours},{other}]}}"#)), "Task", "s"), None);
        assert_eq!(page_of(&bundle("{}"), "Task", "s"), Some(Vec::new()));
    }
}
