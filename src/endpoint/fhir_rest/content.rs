//! The digest of a resource as it was sent and as a server gives it back: equal when they say the same.
//!
//! A server adds ids, versions, narrative and its own addresses, and may write a decimal with other zeros. None of that
//! counts, so it is taken out first: what points into the Bundle is named by our UUID, the person by one word
//! (whether it is the same person is asked on its own: [`same_subject`]). Invariant: two resources with one digest
//! differ in nothing that a person wrote. A Task of the clinical system's that we update is the exception: of it only
//! what we may write counts, and what it is about ([`digest_of`]). Next: [`super::fill`].

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use crate::endpoint::Target;
use crate::event::hash::hex;
use crate::outbox::Placed;
use crate::tree::Node;
use crate::tree::json;

use super::base::Base;

/// What others may change on our Task; everything else of it is ours alone. Its notes are theirs altogether: we write
/// none, carry over what is there, and count them in no digest.
const OTHERS_MAY_CHANGE: [&str; 6] =
    ["status", "statusReason", "businessStatus", "owner", "lastModified", "output"];

/// How a sent resource and a found one compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// They say the same.
    Same,
    /// A Task that somebody moved on, in the elements that others may change.
    MovedOn,
    /// They differ.
    Different,
}

/// Turns references into names that both sides share.
#[derive(Clone, Debug)]
pub struct References<'a> {
    base: &'a Base,
    /// UUID by which we name a resource of the endpoint.
    placed: HashMap<(String, String), String>,
}

impl<'a> References<'a> {
    /// With what is known of where our resources are.
    pub fn new<'p>(base: &'a Base, placed: impl IntoIterator<Item = &'p Placed>) -> Self {
        let key = |placed: &Placed| (placed.resource_type.clone(), placed.id.clone());
        let placed = placed.into_iter().filter(|placed| placed.id != placed.uuid);
        let placed = placed.map(|placed| (key(placed), placed.uuid.clone())).collect();
        Self { base, placed }
    }

    /// Learns where one more is.
    pub fn add(&mut self, resource_type: &str, id: &str, uuid: &str) {
        if id == uuid {
            // It goes by its id, with us as with them.
            return;
        }
        self.placed.insert((resource_type.to_owned(), id.to_owned()), uuid.to_owned());
    }

    fn name(&self, reference: &str) -> String {
        if reference.starts_with("Patient?") {
            return PERSON.to_owned();
        }
        if let Some(uuid) = reference.strip_prefix("urn:uuid:") {
            return uuid.to_ascii_lowercase();
        }
        let Some(literal) = self.base.literal(reference) else { return reference.to_owned() };
        if literal.resource_type == PERSON {
            return PERSON.to_owned();
        }
        let key = (literal.resource_type, literal.id);
        self.placed.get(&key).cloned().unwrap_or_else(|| format!("{}/{}", key.0, key.1))
    }
}

/// The word for the person, whoever it is.
const PERSON: &str = "Patient";

/// The digest: SHA-256 in lower-case hexadecimal. For a Task two of them: of what is ours alone, and of what others may
/// change.
#[must_use]
pub fn digest(resource: &Node, references: &References<'_>) -> String {
    let of = |counts: &dyn Fn(&str) -> bool| {
        let mut bytes = Vec::with_capacity(2048);
        whole(resource, references, counts, &mut bytes);
        hex(&Sha256::digest(&bytes))
    };
    if is_task(resource) {
        of(&|name| name != "note" && !OTHERS_MAY_CHANGE.contains(&name))
            + &of(&|name| OTHERS_MAY_CHANGE.contains(&name))
    } else {
        of(&|_| true)
    }
}

/// The digest of what stands where a target was written: as [`digest`], but for a Task of the clinical system's.
#[must_use]
pub fn digest_of(target: &Target, resource: &Node, references: &References<'_>) -> String {
    if target.is_answer() { digest_answer(resource, references) } else { digest(resource, references) }
}

/// What a Task of the clinical system's is about, and what we may write of it: two digests. All else is theirs.
#[must_use]
pub fn digest_answer(task: &Node, references: &References<'_>) -> String {
    let mut bytes = Vec::with_capacity(256);
    whole(task, references, &|name| matches!(name, "resourceType" | "focus" | "for"), &mut bytes);
    hex(&Sha256::digest(&bytes)) + &digest_said(task, references)
}

/// What a Task says of how far the work on it got.
#[must_use]
pub fn digest_said(task: &Node, references: &References<'_>) -> String {
    let mut bytes = Vec::with_capacity(256);
    whole(task, references, &|name| SAID.contains(&name), &mut bytes);
    hex(&Sha256::digest(&bytes))
}

/// A short digest of one element; empty where there is none.
#[must_use]
pub fn digest_element(element: Option<&Node>, references: &References<'_>) -> String {
    let Some(element) = element.filter(|element| !is_empty(element)) else { return String::new() };
    let mut bytes = Vec::with_capacity(64);
    value(element, references, &mut bytes);
    let mut digest = hex(&Sha256::digest(&bytes));
    digest.truncate(HEX_LENGTH / 4);
    digest
}

/// The elements of [`digest_said`].
pub const SAID: [&str; 5] = ["status", "statusReason", "businessStatus", "output", "executionPeriod"];

/// What we said last of a Task of the clinical system's, of the content that was kept: the digest of what was found
/// there afterwards, of what our own Task would have said, and marks of what else there is ours.
#[must_use]
pub fn said_before(content: &str) -> Option<(&str, &str, &str)> {
    let (left, rest) = content.get(HEX_LENGTH..)?.split_at_checked(HEX_LENGTH)?;
    let (said, marks) = rest.split_at_checked(HEX_LENGTH)?;
    Some((left, said, marks))
}

/// Compares two digests. What was kept of a Task is longer than what is found.
#[must_use]
pub fn compare(sent: &str, found: &str) -> Comparison {
    let sent = sent.get(..found.len()).unwrap_or(sent);
    match (sent.split_at_checked(HEX_LENGTH), found.split_at_checked(HEX_LENGTH)) {
        _ if sent == found => Comparison::Same,
        (Some((ours, rest)), Some((theirs, _))) if ours == theirs && !rest.is_empty() => Comparison::MovedOn,
        _ => Comparison::Different,
    }
}

/// Whether two digests of a Task agree in what others may change.
#[must_use]
pub fn same_progress(one: &str, other: &str) -> bool {
    let progress = |digest: &str| digest.get(HEX_LENGTH..2 * HEX_LENGTH).map(str::to_owned);
    progress(one) == progress(other)
}

/// Gives our Task the elements that others may change as they stand at the endpoint.
pub fn take_progress(ours: &mut Node, theirs: &Node) {
    if is_task(ours) {
        for name in OTHERS_MAY_CHANGE {
            take(ours, theirs, name);
        }
    }
}

/// Gives our Task the notes that stand at the endpoint.
pub fn take_notes(ours: &mut Node, theirs: &Node) {
    if is_task(ours) {
        take(ours, theirs, "note");
    }
}

fn is_task(resource: &Node) -> bool {
    resource.get("resourceType").and_then(Node::as_str) == Some("Task")
}

fn take(ours: &mut Node, theirs: &Node, name: &str) {
    let Node::Object(members) = ours else { return };
    members.retain(|(known, _)| known != name);
    if let Some(value) = theirs.get(name) {
        members.push((name.to_owned(), value.clone()));
    }
}

const HEX_LENGTH: usize = 64;

/// Whether a resource is about a Patient of this id.
#[must_use]
pub fn same_subject(resource: &Node, base: &Base, patient: &str) -> bool {
    subject_id(resource, base).is_some_and(|found| found == patient)
}

/// The id of the Patient that a resource is about.
#[must_use]
pub fn subject_id(resource: &Node, base: &Base) -> Option<String> {
    let reference = SUBJECTS.iter().find_map(|name| resource.get(name)?.get("reference")?.as_str())?;
    base.literal(reference).filter(|found| found.resource_type == PERSON).map(|found| found.id)
}

/// The elements that name the person, by type.
const SUBJECTS: [&str; 3] = ["subject", "for", "patient"];

fn whole(resource: &Node, references: &References<'_>, wanted: &dyn Fn(&str) -> bool, out: &mut Vec<u8>) {
    let Node::Object(members) = resource else { return value(resource, references, out) };
    let counts = |name: &str| !matches!(name, "id" | "meta" | "text") && wanted(name);
    let mut kept: Vec<(&str, &Node)> =
        members.iter().map(|(name, value)| (name.as_str(), value)).filter(|(name, _)| counts(name)).collect();
    // A label that restricts is content; versions and profiles are the server's.
    if let Some(security) = resource.path("meta.security").filter(|_| wanted("security")) {
        kept.push(("security", security));
    }
    object(kept, references, out);
}

fn value(node: &Node, references: &References<'_>, out: &mut Vec<u8>) {
    match node {
        Node::Number(text) => out.extend_from_slice(plain_number(text).as_bytes()),
        Node::Array(items) => {
            out.push(b'[');
            for item in items {
                value(item, references, out);
                out.push(b',');
            }
            out.push(b']');
        }
        Node::Object(members) => match node.get("reference") {
            Some(Node::String(reference)) => json::string(&references.name(reference), out),
            _ => {
                let members = members.iter().map(|(name, value)| (name.as_str(), value)).collect();
                object(members, references, out);
            }
        },
        other => json::write(other, out),
    }
}

fn object(mut members: Vec<(&str, &Node)>, references: &References<'_>, out: &mut Vec<u8>) {
    members.retain(|(_, value)| !is_empty(value));
    members.sort_unstable_by_key(|(name, _)| *name);
    out.push(b'{');
    for (name, member) in members {
        json::string(name, out);
        out.push(b':');
        value(member, references, out);
        out.push(b',');
    }
    out.push(b'}');
}

fn is_empty(node: &Node) -> bool {
    match node {
        Node::Null => true,
        Node::Array(items) => items.is_empty(),
        Node::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// Without zeros at the end of a fraction: some servers drop them.
fn plain_number(text: &str) -> &str {
    if text.contains(['e', 'E']) || !text.contains('.') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Limits;

    fn node(text: &str) -> Node {
        json::parse(text.as_bytes(), &Limits::default()).unwrap()
    }

    fn base() -> Base {
        Base::parse("https://gp.example/fhir").unwrap()
    }

    fn placed() -> Placed {
        Placed { resource_type: "Organization".into(), uuid: "aa".into(), id: "77".into(), version: None }
    }

    #[test]
    fn what_a_server_adds_does_not_count() {
        let base = base();
        let references = References::new(&base, [&placed()]);
        let sent = node(
            r#"{"resourceType":"ServiceRequest","meta":{"profile":["p"]},"status":"active",
            "subject":{"reference":"Patient?identifier=s|9","identifier":{"value":"9"}},
            "requester":{"reference":"urn:uuid:AA","display":"x"},"quantity":1.50}"#,
        );
        let found = node(
            r#"{"id":"5","resourceType":"ServiceRequest","quantity":1.5,"text":{"div":"…"},"note":[],
            "meta":{"versionId":"3","lastUpdated":"x"},"status":"active",
            "subject":{"reference":"https://gp.example/fhir/Patient/12"},
            "requester":{"reference":"Organization/77/_history/2"}}"#,
        );
        assert_eq!(digest(&sent, &references), digest(&found, &references));
        assert_eq!(digest(&sent, &references).len(), HEX_LENGTH);
    }

    #[test]
    fn what_a_person_changes_counts() {
        let base = base();
        let references = References::new(&base, [&placed()]);
        let of = |text: &str| digest(&node(text), &references);
        let one = of(
            r#"{"resourceType":"ServiceRequest","status":"active","requester":{"reference":"urn:uuid:aa"}}"#,
        );
        for other in [
            r#"{"resourceType":"ServiceRequest","status":"revoked","requester":{"reference":"urn:uuid:aa"}}"#,
            r#"{"resourceType":"ServiceRequest","status":"active","requester":{"reference":"urn:uuid:bb"}}"#,
            r#"{"resourceType":"ServiceRequest","status":"active","requester":{"reference":"Organization/78"}}"#,
            r#"{"resourceType":"ServiceRequest","status":"active","requester":{"reference":"https://other.example/fhir/Organization/77"}}"#,
            r#"{"resourceType":"ServiceRequest","status":"active"}"#,
            r#"{"resourceType":"ServiceRequest","meta":{"security":[{"code":"R"}]},"status":"active","requester":{"reference":"urn:uuid:aa"}}"#,
            r#"{"resourceType":"ServiceRequest","doNotPerform":true,"status":"active","requester":{"reference":"urn:uuid:aa"}}"#,
        ] {
            assert_eq!(compare(&one, &of(other)), Comparison::Different, "{other}");
        }
    }

    #[test]
    fn a_task_may_be_moved_on_by_others_and_nothing_else_of_it() {
        let base = base();
        let references = References::new(&base, []);
        let of = |text: &str| digest(&node(text), &references);
        let sent = of(r#"{"resourceType":"Task","status":"requested","focus":{"reference":"urn:uuid:aa"}}"#);
        for moved in [
            r#"{"resourceType":"Task","status":"accepted","focus":{"reference":"urn:uuid:aa"}}"#,
            r#"{"resourceType":"Task","status":"requested","focus":{"reference":"urn:uuid:aa"},"output":[{"x":"x"}]}"#,
            r#"{"resourceType":"Task","status":"rejected","focus":{"reference":"urn:uuid:aa"},"owner":{"display":"x"}}"#,
        ] {
            assert_eq!(compare(&sent, &of(moved)), Comparison::MovedOn, "{moved}");
        }
        let other = of(r#"{"resourceType":"Task","status":"requested","focus":{"reference":"urn:uuid:bb"}}"#);
        assert_eq!(compare(&sent, &other), Comparison::Different);
        assert!(same_progress(&sent, &other));
        let noted = of(
            r#"{"resourceType":"Task","status":"requested","note":[{"text":"x"}],"focus":{"reference":"urn:uuid:aa"}}"#,
        );
        assert_eq!(compare(&sent, &noted), Comparison::Same);
    }

    #[test]
    fn progress_is_taken_over_whole() {
        let mut ours = node(
            r#"{"resourceType":"Task","status":"requested","statusReason":{"text":"a"},"intent":"order"}"#,
        );
        let theirs =
            node(r#"{"resourceType":"Task","status":"accepted","note":[{"text":"n"}],"intent":"plan"}"#);
        take_progress(&mut ours, &theirs);
        take_notes(&mut ours, &theirs);
        let merged =
            node(r#"{"resourceType":"Task","intent":"order","status":"accepted","note":[{"text":"n"}]}"#);
        assert!(ours == merged);
    }

    #[test]
    fn the_subject_is_this_patient_of_this_endpoint() {
        let base = base();
        let about = |reference: &str| {
            let text = format!(r#"{{"resourceType":"Task","for":{{"reference":"{reference}"}}}}"#);
            same_subject(&node(&text), &base, "12")
        };
        assert!(about("Patient/12"));
        assert!(about("https://gp.example/fhir/Patient/12"));
        for other in
            ["Patient/13", "Person/12", "https://other.example/fhir/Patient/12", "Patient?identifier=a|b", ""]
        {
            assert!(!about(other), "{other}");
        }
        assert!(!same_subject(&node(r#"{"resourceType":"Task"}"#), &base, "12"));
    }
}
