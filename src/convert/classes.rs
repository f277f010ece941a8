//! [`Classes`]: what one person is known by in one export, joined through every row that names two of it at once.
//!
//! A row with a number and a local identifier makes them one person's; so what is stated under one counts under the
//! other, and, through it, under what a third row joins to that. Only the persons of whom something is stated are kept.
//! What this is not: a judgement of whose a number is; a local identifier with two numbers is in dispute
//! ([`super::persons`]), but what forbids counts under both. Invariant: the order of rows and the names of identifiers
//! do not matter; memory is the persons in dispute and those of whom something is stated. Next: [`super::known`].

use std::collections::{HashMap, HashSet};

use super::group::Digest16;

/// For each key of a person who is known by several, the one that stands for all of them.
#[derive(Debug, Default)]
pub struct Classes {
    of: HashMap<Digest16, Digest16>,
}

impl Classes {
    /// What stands for all that the person with this key is known by.
    #[must_use]
    pub fn of(&self, key: Digest16) -> Digest16 {
        self.of.get(&key).copied().unwrap_or(key)
    }
}

/// Finds the classes in two passes over the links. A local identifier mostly has one number, so persons hang together by
/// their numbers: the first pass joins numbers by the few local identifiers that have several, and marks those of whom
/// something is stated; the second takes what belongs to the marked ones.
pub(super) struct Joining<'c> {
    /// The keys of whom something is stated.
    concerned: &'c HashSet<Digest16>,
    /// The last local identifier, and the first of its numbers.
    last: Option<(Digest16, Digest16)>,
    /// Numbers that are joined to another, each with one nearer to the least of them.
    nearer: HashMap<Digest16, Digest16>,
    marked: HashSet<Digest16>,
    of: HashMap<Digest16, Digest16>,
}

impl<'c> Joining<'c> {
    pub(super) fn new(concerned: &'c HashSet<Digest16>) -> Self {
        Self { concerned, last: None, nearer: HashMap::new(), marked: HashSet::new(), of: HashMap::new() }
    }

    /// The first pass: a local identifier that stands beside a number. Those of one local identifier come together.
    pub(super) fn join(&mut self, local: Digest16, number: Digest16) {
        match self.last {
            Some((known, first)) if known == local => self.unite(first, number),
            _ => self.last = Some((local, number)),
        }
        if self.concerned.contains(&local) || self.concerned.contains(&number) {
            self.marked.insert(number);
        }
    }

    fn unite(&mut self, one: Digest16, other: Digest16) {
        let (one, other) = (self.least(one), self.least(other));
        if one != other {
            self.nearer.insert(one.max(other), one.min(other));
        }
    }

    fn least(&mut self, mut number: Digest16) -> Digest16 {
        while let Some(next) = self.nearer.get(&number).copied() {
            // Halves the way for whoever comes next.
            if let Some(further) = self.nearer.get(&next).copied() {
                self.nearer.insert(number, further);
            }
            number = next;
        }
        number
    }

    /// Ends the first pass; whether there is anything for a second.
    pub(super) fn is_wanted(&mut self) -> bool {
        for number in std::mem::take(&mut self.marked) {
            let least = self.least(number);
            self.marked.insert(least);
        }
        !self.marked.is_empty()
    }

    /// The second pass.
    pub(super) fn take(&mut self, local: Digest16, number: Digest16) {
        let least = self.least(number);
        if self.marked.contains(&least) {
            self.of.insert(local, least);
            self.of.insert(number, least);
        }
    }

    pub(super) fn classes(self) -> Classes {
        Classes { of: self.of }
    }
}
