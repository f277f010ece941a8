//! Reading the answer to a transaction. Pure.
//!
//! A 200 is not a success yet: some servers roll nothing back and say only inside the Bundle that an entry failed.
//! So every entry must have its answer, in its place, of its type, with a status that says it was written. Invariant:
//! an answer that lacks anything is [`Outcome::Unknown`], and never [`Outcome::Accepted`]. Next: [`super::look`].

use jiff::Timestamp;

use crate::outbox::{Outcome, Placed, Receipt};
use crate::tree::Node;

use super::base::{Base, Literal, version_of};
use super::classify;
use super::client::Answer;
use super::draft::{Draft, DraftEntry, Write};

/// What an answer comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    /// The attempt's outcome.
    Ended(Outcome),
    /// All was written, but the endpoint did not say where some of ours is: it is asked.
    Unplaced(Receipt),
}

/// Judges the answer to a transaction.
#[must_use]
pub fn judge(answer: &Answer, draft: &Draft, base: &Base, now: Timestamp) -> Judged {
    if !answer.is_success() {
        return Judged::Ended(classify::refused(answer, now));
    }
    let lost = || Judged::Ended(classify::lost(Some(answer.status)));
    // "No content" or "taken, but not done yet" are successes that say nothing of the entries.
    let Some(bundle) = answer.json() else { return lost() };
    if bundle.get("type").and_then(Node::as_str) != Some("transaction-response") {
        return lost();
    }
    let answers = bundle.get("entry").and_then(Node::as_array).unwrap_or_default();
    let mut receipt = Receipt { status: Some(answer.status), placed: Vec::new() };
    let mut failed = Vec::new();
    let mut unplaced = false;
    for (index, entry) in draft.entries.iter().enumerate() {
        match answers.get(index).and_then(|answer| read(answer, entry, base)) {
            Some(Entry::Written(Some(placed))) => receipt.placed.push(placed),
            Some(Entry::Written(None)) => unplaced |= entry.is_ours(),
            Some(Entry::Failed(outcome)) => failed.push(outcome),
            None => failed.push(classify::lost(Some(answer.status))),
        }
    }
    match classify::worst(failed) {
        Some(outcome) => Judged::Ended(outcome),
        None if answers.len() != draft.entries.len() => lost(),
        None if unplaced => Judged::Unplaced(receipt),
        None => Judged::Ended(Outcome::Accepted(receipt)),
    }
}

enum Entry {
    Written(Option<Placed>),
    Failed(Outcome),
}

/// One entry's answer; none when it is not one, or is of another type.
fn read(answer: &Node, entry: &DraftEntry, base: &Base) -> Option<Entry> {
    let response = answer.get("response")?;
    // `201`, or `201 Created`.
    let status = response.get("status")?.as_str()?.split(' ').next()?.parse::<u16>().ok()?;
    if !matches!(status, 200 | 201 | 204) {
        return Some(Entry::Failed(classify::of_entry(&entry.write, status, response.get("outcome"), None)));
    }
    let text = |name: &str| response.get(name).and_then(Node::as_str);
    let resource = answer.get("resource").filter(|resource| is_of(resource, &entry.resource_type));
    let places = [text("location"), answer.get("fullUrl").and_then(Node::as_str)];
    let mut named = places.into_iter().flatten().filter_map(|place| base.literal(place)).peekable();
    // Answers in another order than the entries would be taken for each other's.
    if named.peek().is_some_and(|literal| literal.resource_type != entry.resource_type) {
        return None;
    }
    let etag = text("etag").and_then(version_of);
    let stated = || resource?.path("meta.versionId")?.as_str().map(str::to_owned);
    let place = named.next().or_else(|| known_place(entry, resource));
    Some(Entry::Written(place.map(|literal| Placed {
        resource_type: literal.resource_type,
        uuid: entry.uuid.clone(),
        id: literal.id,
        version: etag.or(literal.version).or_else(stated),
    })))
}

/// Where it is when no address says so: in the resource that came back, or where we put it ourselves.
fn known_place(entry: &DraftEntry, resource: Option<&Node>) -> Option<Literal> {
    let returned = || resource?.get("id")?.as_str().filter(|id| super::base::is_id(id)).map(str::to_owned);
    let id = match &entry.write {
        Write::ById { id, .. } => Some(id.clone()),
        _ => returned(),
    };
    id.map(|id| Literal { resource_type: entry.resource_type.clone(), id, version: None })
}

fn is_of(resource: &Node, resource_type: &str) -> bool {
    resource.get("resourceType").and_then(Node::as_str) == Some(resource_type)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::Reason;

    fn draft() -> Draft {
        Draft::read(
            r#"{"type":"transaction","entry":[
            {"fullUrl":"urn:uuid:o","resource":{"resourceType":"Organization"},"request":{"method":"POST","url":"Organization","ifNoneExist":"identifier=s|o"}},
            {"fullUrl":"urn:uuid:t","resource":{"resourceType":"Task"},"request":{"method":"PUT","url":"Task?identifier=s|t"}},
            {"fullUrl":"urn:uuid:p","resource":{"resourceType":"Provenance"},"request":{"method":"PUT","url":"Provenance/p"}}]}"#,
        )
        .unwrap()
    }

    const GOOD: [&str; 3] = [
        r#"{"response":{"status":"200 OK","location":"Organization/1/_history/4"}}"#,
        r#"{"response":{"status":"201 Created","location":"https://gp.example/fhir/Task/2","etag":"W/\"7\""}}"#,
        r#"{"response":{"status":"200"}}"#,
    ];

    fn answered(entries: &[&str]) -> Judged {
        let body = format!(
            r#"{{"resourceType":"Bundle","type":"transaction-response","entry":[{}]}}"#,
            entries.join(",")
        );
        judged(200, &body)
    }

    fn judged(status: u16, body: &str) -> Judged {
        let base = Base::parse("https://gp.example/fhir").unwrap();
        let answer = Answer { status, body: body.into(), ..Answer::default() };
        judge(&answer, &draft(), &base, Timestamp::UNIX_EPOCH)
    }

    fn reason(judged: Judged) -> Option<(&'static str, Reason)> {
        match judged {
            Judged::Ended(Outcome::Unknown { reason, .. }) => Some(("unknown", reason)),
            Judged::Ended(Outcome::Deferred { reason, .. }) => Some(("deferred", reason)),
            Judged::Ended(Outcome::Rejected(refusal)) => Some(("rejected", refusal.reason)),
            _ => None,
        }
    }

    #[test]
    fn every_entry_says_where_it_is() {
        let Judged::Ended(Outcome::Accepted(receipt)) = answered(&GOOD) else { panic!("not accepted") };
        let placed: Vec<_> = receipt
            .placed
            .iter()
            .map(|p| (p.resource_type.as_str(), p.uuid.as_str(), p.id.as_str(), p.version.as_deref()))
            .collect();
        assert_eq!(
            placed,
            [
                ("Organization", "o", "1", Some("4")),
                ("Task", "t", "2", Some("7")),
                ("Provenance", "p", "p", None)
            ]
        );
    }

    #[test]
    fn a_failed_entry_of_a_200_is_no_success() {
        let with = |status: &str, code: &str| {
            let entry = format!(
                r#"{{"response":{{"status":"{status}","outcome":{{"resourceType":"OperationOutcome","issue":[{{"severity":"error","code":"{code}"}}]}}}}}}"#
            );
            reason(answered(&[GOOD[0], &entry, GOOD[2]]))
        };
        assert_eq!(with("412", "conflict"), Some(("deferred", Reason::Conflict)));
        assert_eq!(
            with("412 Precondition Failed", "multiple-matches"),
            Some(("rejected", Reason::Duplicate))
        );
        assert_eq!(with("422", "required"), Some(("rejected", Reason::RefusedByEndpoint)));
        assert_eq!(with("500", "exception"), Some(("unknown", Reason::AnswerLost)));
    }

    #[test]
    fn what_is_missing_or_out_of_place_is_in_doubt() {
        let doubt = Some(("unknown", Reason::AnswerLost));
        assert_eq!(reason(answered(&GOOD[..2])), doubt);
        assert_eq!(reason(answered(&[GOOD[0], GOOD[1], GOOD[2], GOOD[2]])), doubt);
        assert_eq!(reason(answered(&[GOOD[1], GOOD[0], GOOD[2]])), doubt);
        assert_eq!(reason(answered(&[GOOD[0], r#"{"response":{}}"#, GOOD[2]])), doubt);
        assert_eq!(reason(answered(&[GOOD[0], r#"{"response":{"status":"fine"}}"#, GOOD[2]])), doubt);
        for body in [
            "<html></html>",
            "",
            r#"{"resourceType":"Bundle","type":"transaction-response","entry":["#,
            r#"{"resourceType":"OperationOutcome","issue":[]}"#,
            r#"{"resourceType":"Bundle","type":"batch-response","entry":[]}"#,
        ] {
            assert_eq!(reason(judged(200, body)), doubt, "{body}");
        }
        assert_eq!(reason(judged(202, "")), doubt);
    }

    #[test]
    fn a_location_elsewhere_is_no_place() {
        for entry in [
            r#"{"response":{"status":"201"}}"#,
            r#"{"response":{"status":"201","location":"https://elsewhere.example/fhir/Task/2"}}"#,
            r#"{"response":{"status":"201","location":"https://gp.example.attacker.example/fhir/Task/2"}}"#,
        ] {
            let Judged::Unplaced(receipt) = answered(&[GOOD[0], entry, GOOD[2]]) else { panic!("{entry}") };
            assert_eq!(receipt.placed.len(), 2);
        }
        // Others' resources need no place.
        let judged = answered(&[r#"{"response":{"status":"200"}}"#, GOOD[1], GOOD[2]]);
        assert!(matches!(judged, Judged::Ended(Outcome::Accepted(receipt)) if receipt.placed.len() == 2));
        // A resource that came back says where it is.
        let entry = r#"{"resource":{"resourceType":"Task","id":"9","meta":{"versionId":"2"}},"response":{"status":"200"}}"#;
        let Judged::Ended(Outcome::Accepted(receipt)) = answered(&[GOOD[0], entry, GOOD[2]]) else {
            panic!()
        };
        assert_eq!(receipt.placed[1].version.as_deref(), Some("2"));
    }
}
