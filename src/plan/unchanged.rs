//! [`SaidBefore`]: whether what would be sent is what was sent before. Then nothing is sent.
//!
//! A surname is in no transaction, a note in none of a person who shares codes only: their change is known and says
//! nothing new. What counts is what was really rendered, resource by resource; Provenance does not, because it is about
//! the sending. `sp-fhir convert --since` has the same rule ([`crate::convert`]). Pure. Next: [`crate::store`].

use std::collections::{HashMap, HashSet};

use crate::outbox::Parcel;
use crate::tree::{Limits, Node, json};

/// The resources of a referral as they were sent last, or will be before what comes now.
#[derive(Default)]
pub struct SaidBefore(HashMap<String, Node>);

impl SaidBefore {
    /// Notes a Bundle that goes, or went, before.
    pub fn note(&mut self, bundle: &str) {
        self.0.extend(resources(bundle).into_iter().flatten());
    }

    /// Whether a Bundle says nothing else than what went before it. One that cannot be read does.
    #[must_use]
    pub fn has(&self, bundle: &str) -> bool {
        let same = |(url, resource): (String, Node)| self.0.get(&url) == Some(&resource);
        resources(bundle).is_some_and(|resources| resources.into_iter().all(same))
    }

    /// Whether a Bundle says what went before it, no more and no less. One that cannot be read does not.
    #[must_use]
    pub fn is_all_of(&self, bundle: &str) -> bool {
        let is_whole = |found: &Vec<_>| {
            let urls: HashSet<&str> = found.iter().map(|(url, _): &(String, Node)| url.as_str()).collect();
            self.0.keys().all(|url| urls.contains(url.as_str()))
        };
        self.has(bundle) && resources(bundle).as_ref().is_some_and(is_whole)
    }
}

/// Whether two parcels deliver the same of the same person: but for Provenance, which is about the sending.
#[must_use]
pub fn is_same(was: &Parcel, now: &Parcel) -> bool {
    if was.subject != now.subject || was.fulfils != now.fulfils {
        return false;
    }
    let mut before = SaidBefore::default();
    before.note(&was.bundle);
    was.bundle == now.bundle || before.is_all_of(&now.bundle)
}

/// Counts only: resources are about persons.
impl std::fmt::Debug for SaidBefore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SaidBefore({} resources)", self.0.len())
    }
}

fn resources(bundle: &str) -> Option<Vec<(String, Node)>> {
    let bundle = json::parse(bundle.as_bytes(), &Limits::default()).ok()?;
    let mut found = Vec::new();
    for entry in bundle.get("entry")?.as_array()? {
        let resource = entry.get("resource")?;
        if resource.get("resourceType")?.as_str()? != "Provenance" {
            found.push((entry.get("fullUrl")?.as_str()?.to_owned(), resource.clone()));
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(entries: &[(&str, &str, &str)]) -> String {
        let entry = |(url, kind, note): &(&str, &str, &str)| {
            format!(
                r#"{{"fullUrl":"urn:uuid:{url}","resource":{{"resourceType":"{kind}","note":"{note}"}}}}"#
            )
        };
        let entries: Vec<String> = entries.iter().map(entry).collect();
        format!(r#"{{"resourceType":"Bundle","entry":[{}]}}"#, entries.join(","))
    }

    #[test]
    fn only_the_last_content_of_every_resource_counts() {
        let mut before = SaidBefore::default();
        assert!(!before.has(&bundle(&[("1", "Task", "a")])));
        before.note(&bundle(&[("1", "Task", "a"), ("2", "Observation", "x"), ("p1", "Provenance", "then")]));
        before.note(&bundle(&[("1", "Task", "b")]));
        assert!(before.has(&bundle(&[("1", "Task", "b"), ("2", "Observation", "x")])));
        assert!(before.has(&bundle(&[("1", "Task", "b"), ("p2", "Provenance", "now")])));
        assert!(!before.has(&bundle(&[("1", "Task", "a")])), "it was so once, and is not now");
        assert!(!before.has(&bundle(&[("1", "Task", "b"), ("3", "Flag", "new")])));
        assert!(!before.has("{"));
    }

    #[test]
    fn what_is_left_out_is_a_difference_where_all_is_asked_for() {
        let mut before = SaidBefore::default();
        before.note(&bundle(&[
            ("1", "Task", "a"),
            ("2", "QuestionnaireResponse", "words"),
            ("p1", "Provenance", "then"),
        ]));
        assert!(before.has(&bundle(&[("1", "Task", "a")])));
        assert!(!before.is_all_of(&bundle(&[("1", "Task", "a")])), "the words are to stay here now");
        assert!(before.is_all_of(&bundle(&[("2", "QuestionnaireResponse", "words"), ("1", "Task", "a")])));
        assert!(!before.is_all_of(&bundle(&[("1", "Task", "a"), ("2", "QuestionnaireResponse", "others")])));
        assert!(!before.is_all_of("{"));
    }
}
