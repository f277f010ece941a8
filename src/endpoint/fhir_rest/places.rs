//! The open places of a draft that are filled alike whatever stands there: the person, and the form of the Provenance. Pure.
//!
//! Invariant: afterwards no reference leaves the Bundle by a search. Next: [`super::fill`].

use crate::outbox::Reason;
use crate::tree::Node;

use super::draft::{Draft, DraftEntry, Write};
use super::fill::{Person, ProvenanceForm, remove};

/// Takes the Patient's entry out where the Patient is there. Gives the reference to it.
pub(super) fn place_person(draft: &mut Draft, person: &Person) -> Result<String, Reason> {
    let at = draft.entries.iter().position(|entry| entry.resource_type == "Patient");
    match (person, at) {
        (Person::At(id), at) => {
            // Its demographics are the clinical system's own.
            if let Some(at) = at {
                draft.entries.remove(at);
            }
            Ok(format!("Patient/{id}"))
        }
        (Person::New, Some(at)) => {
            let entry = draft.entries.get(at).ok_or(Reason::Poison)?;
            Ok(format!("urn:uuid:{}", entry.uuid))
        }
        (Person::New, None) => Err(Reason::PatientNotFound),
    }
}

pub(super) fn place_provenance(draft: &mut Draft, form: ProvenanceForm) {
    let is_provenance = |entry: &DraftEntry| entry.resource_type == "Provenance";
    match form {
        ProvenanceForm::ById => {}
        ProvenanceForm::LeftOut => draft.entries.retain(|entry| !is_provenance(entry)),
        ProvenanceForm::ByTag => {
            for entry in draft.entries.iter_mut().filter(|entry| is_provenance(entry)) {
                let tag = |name: &str| entry.resource.path(&format!("meta.tag[0].{name}"))?.as_str();
                if let (Some(system), Some(code)) = (tag("system"), tag("code")) {
                    entry.write = Write::IfNoneExist { query: format!("_tag={system}|{code}") };
                    remove(&mut entry.resource, "id");
                }
            }
        }
    }
}

/// Puts the person's place into every reference.
pub(super) fn refer(node: &mut Node, from: &str, to: &str) -> Result<(), Reason> {
    match node {
        Node::Array(items) => items.iter_mut().try_for_each(|item| refer(item, from, to)),
        Node::Object(members) => members.iter_mut().try_for_each(|(name, value)| match value {
            Node::String(text) if name == "reference" && text.contains('?') => {
                // Any other search would be left to the server to resolve, and some servers do not.
                if text != from {
                    return Err(Reason::Poison);
                }
                to.clone_into(text);
                Ok(())
            }
            other => refer(other, from, to),
        }),
        _ => Ok(()),
    }
}
