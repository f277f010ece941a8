//! What is listed of others' requests and Tasks because nothing reads it. Next: [`super::others`].

use crate::event::{Issue, IssueCode, Position};
use crate::map::systems;
use crate::tree::safe_name;

use super::pool::{Found, items, text};

/// Elements of a type that are read. Any other is listed.
fn read_elements(kind: &str) -> Option<&'static [&'static str]> {
    Some(match kind {
        "ServiceRequest" => &[
            "identifier",
            "basedOn",
            "status",
            "intent",
            "doNotPerform",
            "priority",
            "code",
            "subject",
            "authoredOn",
            "requester",
            "performer",
            "reasonCode",
            "note",
            "extension",
        ],
        "Task" => &[
            "identifier",
            "status",
            "statusReason",
            "businessStatus",
            "intent",
            "code",
            "focus",
            "for",
            "authoredOn",
            "lastModified",
            "requester",
            "owner",
            "note",
            "output",
        ],
        _ => return None,
    })
}

/// Elements that say nothing about the referral, or are reported elsewhere.
const ALWAYS: &[&str] = &["resourceType", "id", "meta", "text", "language", "contained"];

pub(super) fn list_unread(found: &Found<'_>, issues: &mut Vec<Issue>) {
    let Some(known) = read_elements(found.kind) else { return };
    for (name, value) in found.node.as_object().unwrap_or_default() {
        let name_of = name.strip_prefix('_').unwrap_or(name);
        if !known.contains(&name_of) && !ALWAYS.contains(&name_of) {
            let at = Position::path(found.at(safe_name(name)));
            issues.push(Issue::new(IssueCode::NotCarried, at, value.kind()));
        }
    }
    for index in 1..items(found.node, "performer").len() {
        let at = Position::path(found.at(&format!("performer[{index}]")));
        issues.push(Issue::new(IssueCode::NotCarried, at, "another performer"));
    }
    for (index, extension) in items(found.node, "extension").iter().enumerate() {
        if text(extension, "url") != Some(systems::SOURCE_OF_SERVICE_REQUEST) && known.contains(&"extension")
        {
            let at = Position::path(found.at(&format!("extension[{index}]")));
            issues.push(Issue::new(IssueCode::NotCarried, at, "an extension"));
        }
    }
}
