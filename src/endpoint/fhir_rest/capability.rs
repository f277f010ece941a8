//! What an endpoint says it can do, from its CapabilityStatement; and what is assumed where it says nothing.
//!
//! Invariant: what is not stated is assumed to be possible, because the answers are checked anyway. Next:
//! [`super::fill`].

use crate::tree::Node;

use super::fill::ProvenanceForm;

/// What counts of a CapabilityStatement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capability {
    /// Whether it takes transactions.
    pub transaction: bool,
    /// Whether ServiceRequest and Task may be written by identifier.
    pub conditional_update: bool,
    /// Whether resources may be created unless they are there.
    pub conditional_create: bool,
    /// Whether a version is kept and may be asked for in an update.
    pub versioned: bool,
    /// How a Provenance can be written so that a repeat changes nothing.
    pub provenance: ProvenanceForm,
    /// Whether a search for Tasks brings their requests and persons, when asked to. Only where it is stated: what a
    /// server makes of a parameter that it does not know is its own affair.
    pub task_includes: bool,
}

impl Default for Capability {
    fn default() -> Self {
        Self {
            transaction: true,
            conditional_update: true,
            conditional_create: true,
            versioned: true,
            provenance: ProvenanceForm::ById,
            task_includes: false,
        }
    }
}

/// Reads a CapabilityStatement; none where it is anything else (some servers answer something to any question).
#[must_use]
pub fn stated(statement: &Node) -> Option<Capability> {
    let is_statement = statement.get("resourceType").and_then(Node::as_str) == Some("CapabilityStatement");
    is_statement.then(|| read(statement))
}

fn read(statement: &Node) -> Capability {
    let mut capability = Capability::default();
    let rests = list(statement.get("rest"));
    let is_server = |rest: &&Node| rest.get("mode").and_then(Node::as_str) == Some("server");
    let Some(rest) = rests.iter().find(is_server) else { return capability };
    let of_type = |name: &str| {
        let is_it = |resource: &&Node| resource.get("type").and_then(Node::as_str) == Some(name);
        list(rest.get("resource")).iter().find(is_it)
    };
    let denies = |resource: Option<&Node>, what: &str| {
        resource.and_then(|resource| resource.get(what)).and_then(Node::as_bool) == Some(false)
    };
    let interactions = list(rest.get("interaction"));
    let is_transaction = |one: &Node| one.get("code").and_then(Node::as_str) == Some("transaction");
    capability.transaction = interactions.is_empty() || interactions.iter().any(is_transaction);
    let ours = ["ServiceRequest", "Task"].map(of_type);
    capability.conditional_update = !ours.iter().any(|resource| denies(*resource, "conditionalUpdate"));
    let includes = list(of_type("Task").and_then(|resource| resource.get("searchInclude")));
    let has =
        |word: &str| includes.iter().any(|one| one.as_str().is_some_and(|one| one == word || one == "*"));
    capability.task_includes = has("Task:focus") && has("Task:patient");
    capability.conditional_create = !denies(of_type("Organization"), "conditionalCreate");
    let is_unversioned = |resource: &Option<&Node>| {
        resource.and_then(|resource| resource.get("versioning")).and_then(Node::as_str) == Some("no-version")
    };
    capability.versioned = !ours.iter().any(is_unversioned);
    let provenance = of_type("Provenance");
    capability.provenance =
        match (denies(provenance, "updateCreate"), denies(provenance, "conditionalCreate")) {
            (false, _) => ProvenanceForm::ById,
            (true, false) => ProvenanceForm::ByTag,
            (true, true) => ProvenanceForm::LeftOut,
        };
    capability
}

fn list(node: Option<&Node>) -> &[Node] {
    node.and_then(Node::as_array).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Limits, json};

    fn of(text: &str) -> Capability {
        stated(&json::parse(text.as_bytes(), &Limits::default()).unwrap()).unwrap()
    }

    #[test]
    fn what_is_not_said_is_assumed() {
        for other in ["{}", r#"{"resourceType":"Bundle","rest":[]}"#] {
            assert_eq!(stated(&json::parse(other.as_bytes(), &Limits::default()).unwrap()), None);
        }
        assert_eq!(
            of(r#"{"resourceType":"CapabilityStatement","rest":[{"mode":"client"}]}"#),
            Capability::default()
        );
        let said = r#"{"resourceType":"CapabilityStatement","rest":[{"mode":"server",
            "interaction":[{"code":"batch"},{"code":"transaction"}],"resource":[{"type":"Provenance","updateCreate":true}]}]}"#;
        assert_eq!(of(said), Capability::default());
    }

    #[test]
    fn what_is_denied_is_believed() {
        let of = |interaction: &str, provenance: &str, task: &str| {
            of(&format!(
                r#"{{"resourceType":"CapabilityStatement","rest":[{{"mode":"server","interaction":[{{"code":"{interaction}"}}],
                "resource":[{{"type":"Provenance",{provenance}}},{{"type":"Task",{task}}}]}}]}}"#
            ))
        };
        let all = of(
            "batch",
            r#""updateCreate":false,"conditionalCreate":false"#,
            r#""versioning":"no-version","conditionalUpdate":false"#,
        );
        let none = Capability {
            transaction: false,
            conditional_update: false,
            conditional_create: true,
            versioned: false,
            provenance: ProvenanceForm::LeftOut,
            task_includes: false,
        };
        assert_eq!(all, none);
        for (said, both) in
            [(r#""Task:focus","Task:patient""#, true), (r#""*""#, true), (r#""Task:focus""#, false)]
        {
            let said = of("transaction", r#""id":"p""#, &format!(r#""searchInclude":[{said}]"#));
            assert_eq!(said.task_includes, both);
        }
        let tagged = of("transaction", r#""updateCreate":false"#, r#""versioning":"versioned""#);
        assert_eq!(tagged, Capability { provenance: ProvenanceForm::ByTag, ..Capability::default() });
    }
}
