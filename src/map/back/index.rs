//! [`Index`]: what stands at a URL, an id or an identifier, and which Patients contradict each other.
//!
//! A Bundle comes from outside and may be large: whatever is asked for each of its references is found out once for all of
//! them, so that reading takes a time in proportion to its size. What this is not: FHIR's rules for references; those are in
//! `address`. Invariant: what stands here twice, word for word, is in no group twice. Next: [`super::address`].

use std::cell::OnceCell;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use crate::event::NhsNumber;

use super::pool::{Found, identifiers, items, text};

/// Resources that one reference may mean, by their places among all, in order.
#[derive(Default)]
pub(super) struct Group {
    pub(super) members: Vec<usize>,
    /// The first of which no entry says where it is.
    pub(super) first_without_url: Option<usize>,
    /// Whether an entry says of any where it is.
    pub(super) has_url: bool,
    /// Whether they are one, once that was asked.
    pub(super) is_one: OnceCell<bool>,
}

/// Resources by what references call them.
#[derive(Default)]
pub(super) struct Index<'n> {
    kinds: HashMap<&'n str, Vec<usize>>,
    groups: Vec<Group>,
    /// Groups by what they are called.
    urls: HashMap<&'n str, usize>,
    ids: HashMap<(&'n str, &'n str), usize>,
    identifiers: HashMap<(&'n str, &'n str), usize>,
    identifiers_of: HashMap<(&'n str, &'n str, &'n str), usize>,
    patients: Patients<'n>,
}

/// Of each resource, whether the same, word for word, stands before it.
pub(super) fn repeated(all: &[Found<'_>]) -> Vec<bool> {
    let hasher = RandomState::new();
    let mut met: HashMap<u64, Vec<&Found<'_>>> = HashMap::new();
    let mut repeated = Vec::with_capacity(all.len());
    for found in all {
        let is = |other: &&Found<'_>| (other.full_url, other.node) == (found.full_url, found.node);
        let before = met.entry(hasher.hash_one((found.full_url, found.node))).or_default();
        repeated.push(before.iter().any(is));
        if repeated.last() == Some(&false) {
            before.push(found);
        }
    }
    repeated
}

impl<'n> Index<'n> {
    pub(super) fn new(all: &[Found<'n>]) -> Self {
        let mut index = Self::default();
        let mut groups = Vec::new();
        for found in all {
            index.kinds.entry(found.kind).or_default().push(found.index);
            if found.is_repeated {
                continue;
            }
            if let Some(url) = found.full_url {
                add(&mut groups, index.urls.entry(url), found);
            }
            if let Some(id) = text(found.node, "id") {
                add(&mut groups, index.ids.entry((found.kind, id)), found);
            }
            for (system, value) in identifiers(found.node) {
                add(&mut groups, index.identifiers.entry((system, value)), found);
                add(&mut groups, index.identifiers_of.entry((found.kind, system, value)), found);
            }
            if found.kind == "Patient" {
                index.patients.add(found);
            }
        }
        Self { groups, ..index }
    }

    /// The places of a type.
    pub(super) fn of_kind(&self, kind: &str) -> &[usize] {
        self.kinds.get(kind).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn at_url(&self, url: &str) -> Option<&Group> {
        self.groups.get(*self.urls.get(url)?)
    }

    pub(super) fn with_id(&self, kind: &str, id: &str) -> Option<&Group> {
        self.groups.get(*self.ids.get(&(kind, id))?)
    }

    /// What bears an identifier, of one type or of any.
    pub(super) fn bearing(&self, kind: Option<&str>, (system, value): (&str, &str)) -> Option<&Group> {
        let group = match kind {
            Some(kind) => *self.identifiers_of.get(&(kind, system, value))?,
            None => *self.identifiers.get(&(system, value))?,
        };
        self.groups.get(group)
    }

    /// Whether another Patient is another person, by number or date of birth, and stands under the same address or
    /// NHS number: which of them is meant cannot be known.
    pub(super) fn has_a_rival(&self, patient: &Found<'n>) -> bool {
        *patient.has_a_rival.get_or_init(|| self.patients.have_a_rival_of(patient))
    }
}

/// Adds a resource to the group of a name.
fn add<K>(groups: &mut Vec<Group>, name: Entry<'_, K, usize>, found: &Found<'_>) {
    let group = *name.or_insert(groups.len());
    if group == groups.len() {
        groups.push(Group::default());
    }
    if let Some(group) = groups.get_mut(group) {
        group.add(found);
    }
}

impl Group {
    fn add(&mut self, found: &Found<'_>) {
        if self.members.last() == Some(&found.index) {
            return;
        }
        self.members.push(found.index);
        match found.has_url() {
            true => self.has_url = true,
            false => _ = self.first_without_url.get_or_insert(found.index),
        }
    }
}

/// What a Patient says of who it is: NHS numbers and date of birth.
type Person<'n> = (Vec<&'n str>, Option<&'n str>);

/// At most two that differ: whoever stands under the same address differs from one of these, or from none.
#[derive(Default)]
struct Persons<'n>(Vec<Person<'n>>);

impl<'n> Persons<'n> {
    fn add(&mut self, person: &Person<'n>) {
        if self.0.len() < 2 && !self.0.contains(person) {
            self.0.push(person.clone());
        }
    }

    fn differ_from(&self, person: &Person<'n>) -> bool {
        self.0.iter().any(|other| other != person)
    }
}

/// The Patients, by address and number.
#[derive(Default)]
struct Patients<'n> {
    at_url: HashMap<&'n str, Persons<'n>>,
    with_id: HashMap<&'n str, Persons<'n>>,
    with_id_alone: HashMap<&'n str, Persons<'n>>,
    births: HashMap<&'n str, BTreeSet<&'n str>>,
}

impl<'n> Patients<'n> {
    fn add(&mut self, patient: &Found<'n>) {
        let person = person(patient);
        let id = text(patient.node, "id");
        if let Some(url) = patient.full_url {
            self.at_url.entry(url).or_default().add(&person);
        } else if let Some(id) = id {
            self.with_id_alone.entry(id).or_default().add(&person);
        }
        if let Some(id) = id {
            self.with_id.entry(id).or_default().add(&person);
        }
        if let Some(birth) = person.1 {
            for number in numbers(patient) {
                self.births.entry(number).or_default().insert(birth);
            }
        }
    }

    fn have_a_rival_of(&self, patient: &Found<'n>) -> bool {
        let person = person(patient);
        let differ = |persons: Option<&Persons<'n>>| persons.is_some_and(|all| all.differ_from(&person));
        let id = text(patient.node, "id");
        let at_address = match patient.full_url {
            Some(url) => differ(self.at_url.get(url)) || differ(id.and_then(|id| self.with_id_alone.get(id))),
            None => differ(id.and_then(|id| self.with_id.get(id))),
        };
        let other_birth = |birth: &str| {
            let mut births = numbers(patient).filter_map(|number| self.births.get(number)).flatten();
            births.any(|other| differ_in_birth(birth, other))
        };
        at_address || person.1.is_some_and(other_birth)
    }
}

fn person<'n>(patient: &Found<'n>) -> Person<'n> {
    let of_nhs = identifiers(patient.node).filter(|(system, _)| *system == NhsNumber::SYSTEM);
    (of_nhs.map(|(_, value)| value).collect(), text(patient.node, "birthDate"))
}

/// The NHS numbers that a Patient has now.
pub(super) fn numbers<'n>(patient: &Found<'n>) -> impl Iterator<Item = &'n str> + use<'n> {
    let current = items(patient.node, "identifier").iter().filter(|id| text(id, "use") != Some("old"));
    current.filter(|id| text(id, "system") == Some(NhsNumber::SYSTEM)).filter_map(|id| text(id, "value"))
}

pub(super) fn share_number(one: &Found<'_>, other: &Found<'_>) -> bool {
    let ours: HashSet<&str> = numbers(one).collect();
    numbers(other).any(|number| ours.contains(number))
}

/// Whether one date of birth is not the other less exactly.
pub(super) fn differ_in_birth(one: &str, other: &str) -> bool {
    !one.starts_with(other) && !other.starts_with(one)
}
