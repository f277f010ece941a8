//! The R4 element table: which elements each type has, in which order, how often, and of which datatypes.
//!
//! What it is: `r4.txt` (made from HL7's StructureDefinitions by `scripts/r4-table.mjs`) in a form that is quick to ask.
//! What it is not: profiles, invariants, references' targets or terminology. Invariant: element order is R4 order.
//! Next: `primitive.rs`, then `check.rs`.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::primitive::Primitive;

/// The table, read at first use.
pub(super) static TABLE: LazyLock<Table> = LazyLock::new(|| Table::read(include_str!("r4.txt")));

pub(super) struct Table {
    pub(super) types: Vec<Type>,
    index: HashMap<&'static str, usize>,
    others: HashSet<&'static str>,
}

/// A resource, a datatype, or a part of one (`Bundle.entry`).
pub(super) struct Type {
    pub(super) name: &'static str,
    pub(super) resource: bool,
    pub(super) elements: Vec<Element>,
    /// JSON member name to element and which of its types.
    members: HashMap<String, (usize, usize)>,
}

pub(super) struct Element {
    /// As R4 names it (`value[x]`).
    pub(super) name: &'static str,
    pub(super) required: bool,
    pub(super) many: bool,
    pub(super) attribute: bool,
    pub(super) types: Vec<Choice>,
    /// The codes allowed; empty where any is.
    pub(super) codes: Vec<&'static str>,
}

/// One datatype an element may have, with the name of its JSON member.
pub(super) struct Choice {
    /// `_valueString`: the companion's name; the member's own is what follows the underscore.
    companion: String,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Primitive(Primitive),
    /// An index into [`Table::types`].
    Complex(usize),
    /// Any resource.
    Resource,
    Xhtml,
}

impl Choice {
    pub(super) fn member(&self) -> &str {
        self.companion.get(1..).unwrap_or_default()
    }

    pub(super) fn companion(&self) -> &str {
        &self.companion
    }
}

impl Type {
    /// The element and choice behind a JSON member or XML element name.
    pub(super) fn member(&self, name: &str) -> Option<(usize, usize, &Element, Kind)> {
        let &(element, choice) = self.members.get(name)?;
        let found = self.elements.get(element)?;
        Some((element, choice, found, found.types.get(choice)?.kind))
    }
}

impl Table {
    pub(super) fn resource(&self, name: &str) -> Option<&Type> {
        self.get(name).filter(|found| found.resource)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Type> {
        self.types.get(*self.index.get(name)?)
    }

    /// The same name if it is a resource type of R4 that is not modelled here.
    pub(super) fn other(&self, name: &str) -> Option<&'static str> {
        self.others.get(name).copied()
    }

    /// Lines that are not of the table's form are passed over here and refused by a test.
    fn read(text: &'static str) -> Self {
        let headers = text.lines().filter_map(|line| line.strip_prefix('@')?.split_once('\t'));
        let index: HashMap<_, _> = headers.enumerate().map(|(at, (name, _))| (name, at)).collect();
        let mut types: Vec<Type> = Vec::new();
        let mut others = HashSet::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if let Some(names) = line.strip_prefix("!others\t") {
                others.extend(names.split(' '));
            } else if let Some((name, kind)) = line.strip_prefix('@').and_then(|line| line.split_once('\t')) {
                let resource = kind == "resource";
                types.push(Type { name, resource, elements: Vec::new(), members: HashMap::new() });
            } else if let (Some(current), Some(element)) = (types.last_mut(), Element::read(line, &index)) {
                let at = current.elements.len();
                for (choice, found) in element.types.iter().enumerate() {
                    current.members.insert(found.member().to_owned(), (at, choice));
                }
                current.elements.push(element);
            }
        }
        Self { types, index, others }
    }
}

impl Element {
    fn read(line: &'static str, index: &HashMap<&str, usize>) -> Option<Self> {
        let mut cells = line.split('\t');
        let (name, min, max, types) = (cells.next()?, cells.next()?, cells.next()?, cells.next()?);
        let attribute = cells.next() == Some("attr");
        let codes = cells.next().map(|codes| codes.split('|').collect()).unwrap_or_default();
        let types: Option<Vec<Choice>> = types
            .split('|')
            .map(|name_of_type| {
                let member = match name.strip_suffix("[x]") {
                    Some(base) => base.to_owned() + &capitalised(name_of_type),
                    None => name.to_owned(),
                };
                let kind = match name_of_type {
                    "Resource" => Kind::Resource,
                    "xhtml" => Kind::Xhtml,
                    _ => match Primitive::named(name_of_type) {
                        Some(primitive) => Kind::Primitive(primitive),
                        None => Kind::Complex(*index.get(name_of_type)?),
                    },
                };
                Some(Choice { companion: format!("_{member}"), kind })
            })
            .collect();
        Some(Self { name, required: min != "0", many: max == "*", attribute, types: types?, codes })
    }
}

fn capitalised(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|first| first.to_ascii_uppercase().to_string() + chars.as_str()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_understood() {
        let lines = include_str!("r4.txt").lines().filter(|line| !line.starts_with(['#', '!', '@'])).count();
        assert_eq!(TABLE.types.iter().map(|found| found.elements.len()).sum::<usize>(), lines);
        assert!(lines > 1000);
        for found in &TABLE.types {
            assert!(std::ptr::eq(TABLE.get(found.name).unwrap(), found), "{}", found.name);
        }
    }

    #[test]
    fn choices_and_parts_are_found_by_member_name() {
        let observation = TABLE.resource("Observation").unwrap();
        let (_, _, element, kind) = observation.member("valueQuantity").unwrap();
        assert_eq!((element.name, element.required, element.many), ("value[x]", false, false));
        assert!(matches!(kind, Kind::Complex(at) if TABLE.types[at].name == "Quantity"));
        assert!(observation.member("value").is_none() && observation.member("valueReference").is_none());
        assert!(TABLE.resource("HumanName").is_none() && TABLE.other("Immunization").is_some());
    }
}
