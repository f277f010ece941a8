//! [`Writer`]: the JSON of Bundles, straight from the mapper's entries.
//!
//! What a Bundle holds is decided in [`super::bundle`], which makes it as a value; nearly all output passes here
//! instead, where no value is made of what is only to be written. A resource that stands unchanged in several Bundles
//! is one and the same `Arc`: its entry is written once, and its bytes are copied after that. More than half of a
//! conversion's output is such copies. Invariant: the bytes are those of [`super::bundle::pack`] written by
//! [`crate::fhir::json`]; a test holds them equal. Next: [`crate::fhir`].

use std::collections::HashMap;
use std::ops::Range;

use uuid::Uuid;

use crate::fhir::json;
use crate::fhir::types::{Identifier, Resource};
use crate::tree::json::contents;

use super::bundle::{bundle_type, last_states, query_parts};
use super::entry::{Entry, Write};
use super::refs::Form;

/// Up to this many resources, looking through them is quicker than a table of them.
const FEW: usize = 64;

/// Writes Bundles into one buffer.
pub struct Writer {
    form: Form,
    /// Resources that stand elsewhere too, with where their entries were written. Holding them keeps each apart from
    /// whatever is made later.
    written: Vec<(Resource, Range<usize>)>,
    /// The same by address, where they are many: as many of them as it holds.
    table: Option<HashMap<usize, Range<usize>>>,
}

impl Writer {
    /// Whether Bundles of a form can be written without a value: messages have a header of their own, and bulk files
    /// no Bundles.
    #[must_use]
    pub const fn writes(form: Form) -> bool {
        matches!(form, Form::Transaction | Form::Collection)
    }

    /// A writer for one form, which it [`writes`](Self::writes).
    #[must_use]
    pub const fn new(form: Form) -> Self {
        Self { form, written: Vec::new(), table: None }
    }

    /// Appends the Bundle of some entries, each identity once. Between calls the buffer only grows.
    pub fn append(&mut self, entries: Vec<&Entry>, out: &mut Vec<u8>) {
        put(out, &["{\"resourceType\":\"Bundle\",\"type\":\"", bundle_type(self.form), "\""]);
        let entries = last_states(entries);
        for (n, entry) in entries.iter().enumerate() {
            put(out, &[if n == 0 { ",\"entry\":[" } else { "," }]);
            self.entry(entry, out);
        }
        put(out, &[if entries.is_empty() { "}" } else { "]}" }]);
    }

    /// Forgets what stands nowhere else any more: the referral it belonged to is done.
    pub fn tidy(&mut self) {
        self.written.retain(|(resource, _)| resource.is_shared());
        self.table = None;
    }

    /// Where a resource was written.
    fn place(&mut self, resource: &Resource) -> Option<Range<usize>> {
        if self.written.len() <= FEW {
            let known = self.written.iter().rev().find(|(known, _)| known.is_same(resource));
            return known.map(|(_, place)| place.clone());
        }
        let table = self.table.get_or_insert_default();
        for (known, place) in self.written.iter().skip(table.len()) {
            table.insert(known.address(), place.clone());
        }
        table.get(&resource.address()).cloned()
    }

    /// How an entry is written is a rule of its resource, so one resource has one entry.
    fn entry(&mut self, entry: &Entry, out: &mut Vec<u8>) {
        let shared = entry.resource.is_shared();
        if shared && let Some(place) = self.place(&entry.resource) {
            return out.extend_from_within(place);
        }
        let start = out.len();
        put(out, &["{\"fullUrl\":\"urn:uuid:"]);
        put_uuid(entry.uuid, out);
        put(out, &["\",\"resource\":"]);
        json::append(&entry.resource, out);
        if self.form == Form::Transaction {
            request(entry, out);
        }
        out.push(b'}');
        if shared {
            self.written.push((entry.resource.clone(), start..out.len()));
        }
    }
}

/// What a transaction is to do with an entry: `"request":` and its value, behind a comma.
fn request(entry: &Entry, out: &mut Vec<u8>) {
    let kind = entry.resource.type_name();
    match (entry.write, entry.key()) {
        (Write::Update, Some(key)) => {
            put(out, &[",\"request\":{\"method\":\"PUT\",\"url\":\"", kind, "?"]);
            query(key, out);
        }
        (Write::CreateOnce, Some(key)) => {
            put(out, &[",\"request\":{\"method\":\"POST\",\"url\":\"", kind, "\",\"ifNoneExist\":\""]);
            query(key, out);
        }
        (Write::ById, _) => {
            put(out, &[",\"request\":{\"method\":\"PUT\",\"url\":\"", kind, "/"]);
            put_uuid(entry.uuid, out);
        }
        (Write::Never, _) | (_, None) => return,
    }
    put(out, &["\"}"]);
}

fn query(key: &Identifier, out: &mut Vec<u8>) {
    query_parts(key).iter().for_each(|part| contents(part, out));
}

fn put(out: &mut Vec<u8>, parts: &[&str]) {
    parts.iter().for_each(|part| out.extend_from_slice(part.as_bytes()));
}

fn put_uuid(uuid: Uuid, out: &mut Vec<u8>) {
    out.extend_from_slice(uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()).as_bytes());
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::fhir::types::{Organization, Provenance, Task};
    use crate::map::bundle::pack;

    fn entries() -> Vec<Vec<Entry>> {
        let key = |system: &str, value: &str| Identifier::new(system.to_owned(), value.to_owned());
        let organisation = Resource::from(Organization {
            identifier: vec![key("https://a.example/\\\"b", "R/2 é|x")],
            ..Organization::default()
        });
        let task = Arc::new(Task { identifier: vec![key("https://a.example/task", "7")], ..Task::default() });
        let mut later = Arc::clone(&task);
        Arc::make_mut(&mut later).status = "completed".into();
        let entry = |n, resource, write| Entry { uuid: Uuid::from_u128(n), resource, write };
        let bundle = |tasks: &[&Arc<Task>]| {
            let mut entries = vec![entry(1, organisation.clone(), Write::CreateOnce)];
            entries
                .extend(tasks.iter().map(|task| entry(2, Resource::Task(Arc::clone(task)), Write::Update)));
            entries.push(entry(3, Provenance::default().into(), Write::ById));
            entries.push(entry(4, Organization::default().into(), Write::Never));
            entries
        };
        // Twice in one Bundle: the last state stands at the first place.
        vec![bundle(&[&task]), bundle(&[&later]), bundle(&[&later, &task]), Vec::new()]
    }

    #[test]
    fn the_bytes_are_those_of_the_value() {
        let all = entries();
        for form in [Form::Transaction, Form::Collection] {
            let (mut straight, mut writer) = (Vec::new(), Writer::new(form));
            for entries in &all {
                let start = straight.len();
                writer.append(entries.iter().collect(), &mut straight);
                let text = String::from_utf8(straight[start..].to_vec()).unwrap();
                assert_eq!(text, String::from_utf8(json::to_vec(&pack(entries.clone(), form))).unwrap());
            }
            assert_eq!(
                writer.written.len(),
                3,
                "the organisation and two states of the Task are written once"
            );
            writer.tidy();
            assert_eq!(writer.written.len(), 3);
        }
    }

    /// More than are looked through: then they are found by where they are.
    #[test]
    fn of_very_many_each_is_found_where_it_was_written() {
        let key = |n: usize| Identifier::new("https://a.example/task".to_owned(), format!("{n}"));
        let task = |n| Arc::new(Task { identifier: vec![key(n)], ..Task::default() });
        let tasks: Vec<Arc<Task>> = (0..FEW * 3).map(task).collect();
        let (mut straight, mut writer) = (Vec::new(), Writer::new(Form::Transaction));
        for at in (0..tasks.len()).chain((0..tasks.len()).rev()) {
            let uuid = Uuid::from_u128(at as u128);
            let entry =
                Entry { uuid, resource: Resource::Task(Arc::clone(&tasks[at])), write: Write::Update };
            let start = straight.len();
            writer.append(vec![&entry], &mut straight);
            let text = String::from_utf8(straight[start..].to_vec()).unwrap();
            assert_eq!(text, String::from_utf8(json::to_vec(&pack(vec![entry], Form::Transaction))).unwrap());
        }
        assert_eq!(writer.written.len(), tasks.len());
        drop(tasks);
        writer.tidy();
        assert!(writer.written.is_empty());
    }
}
