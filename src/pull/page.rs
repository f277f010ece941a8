//! One page of a search, and the versions of resources on it. Pure. Next: [`super::cursor`].

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::endpoint::fhir_rest::base::{Base, is_id, is_version};
use crate::endpoint::fhir_rest::search::is_search_set;
use crate::event::hash::hex;
use crate::tree::{Node, json};

/// The type and id of a resource at an endpoint.
pub type Place = (String, String);

/// One version of a resource at an endpoint.
#[derive(Clone, PartialEq, Eq)]
pub struct Found {
    /// Its type.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// What tells this version from others: `meta.versionId`; where there is none, `meta.lastUpdated`; else a digest
    /// of the content.
    pub version: String,
    /// When the endpoint last changed it.
    pub updated: Option<Timestamp>,
    /// The resource.
    pub node: Node,
}

/// Redacted: the resource is about a person.
impl std::fmt::Debug for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Found({}/{} {})", self.kind, self.id, self.version)
    }
}

impl Found {
    /// A resource that was read. None where it names no type or no id that may be one.
    #[must_use]
    pub fn read(node: &Node) -> Option<Self> {
        let text = |path: &str| node.path(path).and_then(Node::as_str);
        let kind = text("resourceType")?;
        let id = text("id").filter(|id| is_id(id))?;
        let updated = text("meta.lastUpdated");
        let version = match (text("meta.versionId").filter(|version| is_version(version)), updated) {
            (Some(version), _) => version.to_owned(),
            (None, Some(updated)) => format!("at {updated}"),
            (None, None) => {
                let mut bytes = Vec::new();
                json::write(node, &mut bytes);
                format!("as {}", hex(&Sha256::digest(&bytes)))
            }
        };
        Some(Self {
            kind: kind.to_owned(),
            id: id.to_owned(),
            version,
            updated: updated.and_then(|at| at.parse().ok()),
            node: node.clone(),
        })
    }

    /// By what it is known again: endpoint, type, id, version and the second of its change. A server that was restored, or
    /// another one at the endpoint's address, begins its versions anew.
    #[must_use]
    pub fn key(&self, endpoint: &str) -> String {
        let at = self.updated.map(|at| format!("@{}", at.as_second())).unwrap_or_default();
        format!("{}{at}", self.earlier_key(endpoint))
    }

    /// By what earlier versions of sp-fhir knew it: without the time.
    #[must_use]
    pub fn earlier_key(&self, endpoint: &str) -> String {
        format!("{endpoint}/{}/{}/{}", self.kind, self.id, self.version)
    }

    /// `Type/id`.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}/{}", self.kind, self.id)
    }
}

/// One page of a search.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// What was searched for.
    pub matches: Vec<Found>,
    /// What came with it.
    pub included: Vec<Found>,
    /// The link to the next page, as the server wrote it.
    pub next: Option<String>,
    /// How many there are on all pages, where the server says so.
    pub total: Option<u64>,
}

impl Page {
    /// Reads an answer; none where it is no search set. Resources of another type than asked for, which a server may
    /// mark as it likes, are never matches.
    #[must_use]
    pub fn read(bundle: &Node, kind: &str) -> Option<Self> {
        if !is_search_set(bundle) {
            return None;
        }
        let mut page = Self::default();
        for entry in list(bundle, "entry") {
            let mode = entry.path("search.mode").and_then(Node::as_str);
            let Some(found) = entry.get("resource").and_then(Found::read) else { continue };
            match mode {
                None | Some("match") if found.kind == kind => page.matches.push(found),
                Some("outcome") => {}
                _ => page.included.push(found),
            }
        }
        let is_next = |link: &&Node| link.get("relation").and_then(Node::as_str) == Some("next");
        let next = list(bundle, "link").iter().find(is_next);
        page.next = next.and_then(|link| link.get("url")).and_then(Node::as_str).map(str::to_owned);
        page.total = bundle.get("total").and_then(Node::as_number).and_then(|text| text.parse().ok());
        Some(page)
    }
}

/// References that are followed, in any resource met: what an event says of a referral stands behind them.
const FOLLOWED: [&str; 10] = [
    "focus",
    "for",
    "subject",
    "requester",
    "owner",
    "performer",
    "practitioner",
    "organization",
    "providedBy",
    "generalPractitioner",
];

/// The types that may stand behind them.
const READ: [&str; 6] =
    ["ServiceRequest", "Patient", "Practitioner", "PractitionerRole", "Organization", "HealthcareService"];

/// Type and id of everything of the endpoint that a resource leans on.
#[must_use]
pub fn leans_on(node: &Node, base: &Base) -> Vec<Place> {
    let named = FOLLOWED.iter().filter_map(|name| node.get(name));
    let references = named.flat_map(|value| value.as_array().unwrap_or(std::slice::from_ref(value)));
    let literals = references.filter_map(|reference| base.literal(reference.get("reference")?.as_str()?));
    let read = literals.filter(|literal| READ.contains(&literal.resource_type.as_str()));
    read.map(|literal| (literal.resource_type, literal.id)).collect()
}

pub(super) fn list<'n>(node: &'n Node, name: &str) -> &'n [Node] {
    node.get(name).and_then(Node::as_array).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Limits;

    fn node(text: &str) -> Node {
        json::parse(text.as_bytes(), &Limits::default()).unwrap()
    }

    #[test]
    fn only_what_was_asked_for_is_a_match() {
        let page = r#"{"resourceType":"Bundle","type":"searchset",
            "link":[{"relation":"self","url":"a"},{"relation":"next","url":"b"}],"entry":[
            {"resource":{"resourceType":"Task","id":"1","meta":{"versionId":"7","lastUpdated":"2026-01-02T03:04:05Z"}}},
            {"resource":{"resourceType":"Task","id":"2"},"search":{"mode":"include"}},
            {"resource":{"resourceType":"Patient","id":"3"},"search":{"mode":"match"}},
            {"resource":{"resourceType":"Task","id":"../x"}},
            {"resource":{"resourceType":"OperationOutcome","id":"o"},"search":{"mode":"outcome"}},
            {"fullUrl":"x"}]}"#;
        let read = Page::read(&node(page), "Task").unwrap();
        assert_eq!(
            read.matches.iter().map(|found| found.key("gp")).collect::<Vec<_>>(),
            ["gp/Task/1/7@1767323045"]
        );
        assert_eq!(read.matches[0].earlier_key("gp"), "gp/Task/1/7");
        assert_eq!(read.matches[0].updated, Some("2026-01-02T03:04:05Z".parse().unwrap()));
        assert_eq!(read.included.iter().map(Found::place).collect::<Vec<_>>(), ["Task/2", "Patient/3"]);
        assert_eq!(read.next.as_deref(), Some("b"));
        for other in [r#"{"resourceType":"Bundle","type":"batch-response"}"#, r#"{"type":"searchset"}"#, "{}"]
        {
            assert!(Page::read(&node(other), "Task").is_none(), "{other}");
        }
    }

    #[test]
    fn a_version_is_told_from_another_whatever_the_server_gives() {
        let version = |text: &str| Found::read(&node(text)).unwrap().version;
        let at = r#"{"resourceType":"Task","id":"1","meta":{"lastUpdated":"2026-01-02T03:04:05Z"}}"#;
        assert_eq!(version(at), "at 2026-01-02T03:04:05Z");
        let (one, other) =
            (r#"{"resourceType":"Task","id":"1"}"#, r#"{"resourceType":"Task","id":"1","status":"x"}"#);
        assert_eq!(version(one), version(one));
        assert_ne!(version(one), version(other));
    }

    #[test]
    fn only_references_within_the_endpoint_are_followed() {
        let base = Base::parse("https://gp.example/fhir").unwrap();
        let task = node(
            r#"{"focus":{"reference":"ServiceRequest/1"},"for":{"reference":"https://gp.example/fhir/Patient/2"},
            "owner":{"reference":"https://elsewhere.example/fhir/Organization/3"},"requester":{"reference":"Device/4"},
            "performer":[{"reference":"PractitionerRole/5/_history/2"},{"display":"x"}],"basedOn":[{"reference":"Task/9"}]}"#,
        );
        let found: Vec<String> =
            leans_on(&task, &base).into_iter().map(|(kind, id)| format!("{kind}/{id}")).collect();
        assert_eq!(found, ["ServiceRequest/1", "Patient/2", "PractitionerRole/5"]);
    }
}
