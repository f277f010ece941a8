//! [`FhirResource`]: a resource that was read and found sound, nothing lost; JSON and XML, in and out.
//!
//! What it is: the lossless tree of a resource, checked against the element table. What it is not: one of our typed
//! structs (those are for writing; this is for reading what others wrote). Invariant: it holds no shape that the table
//! forbids, so it can always be written as JSON, and as XML when every resource in it is modelled. Next:
//! `from_xml.rs`, `to_xml.rs`.

use super::check::{self, type_of};
use super::table::TABLE;
use super::types::Resource;
use super::{from_xml, json, to_xml};
use crate::event::Issue;
use crate::tree::{self, Limits, Node, xml};

/// A resource of R4 as it was read.
#[derive(Clone, PartialEq, Eq)]
pub struct FhirResource {
    node: Node,
}

impl FhirResource {
    /// The value of `resourceType`.
    #[must_use]
    pub fn type_name(&self) -> &str {
        type_of(&self.node).unwrap_or_default()
    }

    /// Whether the type is in our table. One that is not was kept as it is, unchecked.
    #[must_use]
    pub fn is_modelled(&self) -> bool {
        TABLE.resource(self.type_name()).is_some()
    }

    /// The tree, in FHIR's JSON form.
    #[must_use]
    pub const fn node(&self) -> &Node {
        &self.node
    }

    /// The tree, by value.
    #[must_use]
    pub fn into_node(self) -> Node {
        self.node
    }
}

impl std::fmt::Debug for FhirResource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(tree::safe_name(self.type_name()))
    }
}

/// Reads a resource from JSON. A UTF-8 byte order mark is passed over.
///
/// # Errors
/// One issue when it is not JSON; else every place where it is not R4, up to 100, by path (`Patient.name[0].given`).
pub fn read_json(bytes: &[u8]) -> Result<FhirResource, Vec<Issue>> {
    read_json_within(bytes, &Limits::default())
}

/// As [`read_json`], with limits of one's own.
///
/// # Errors
/// As [`read_json`].
pub fn read_json_within(bytes: &[u8], limits: &Limits) -> Result<FhirResource, Vec<Issue>> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    sound(tree::json::parse(bytes, limits).map_err(|issue| vec![issue])?)
}

/// Reads a resource from XML.
///
/// # Errors
/// As [`read_json`]; also a resource, at any depth, of a type that is not modelled.
pub fn read_xml(bytes: &[u8]) -> Result<FhirResource, Vec<Issue>> {
    read_xml_within(bytes, &Limits::default())
}

/// As [`read_xml`], with limits of one's own.
///
/// # Errors
/// As [`read_xml`].
pub fn read_xml_within(bytes: &[u8], limits: &Limits) -> Result<FhirResource, Vec<Issue>> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let root = xml::parse(bytes, limits).map_err(|issue| vec![issue])?;
    sound(from_xml::resource(&root, bytes)?)
}

/// Checks a tree that was put together elsewhere.
///
/// # Errors
/// As [`read_json`].
pub fn sound(node: Node) -> Result<FhirResource, Vec<Issue>> {
    let issues = check::resource(&node);
    if issues.is_empty() { Ok(FhirResource { node }) } else { Err(issues) }
}

/// Checks one of our own typed resources and gives its tree: the way to its XML, and a test of what we emit.
///
/// # Errors
/// As [`read_json`].
pub fn checked(resource: &Resource) -> Result<FhirResource, Vec<Issue>> {
    // Our own output is as large as it is; only its depth is held to the usual limit.
    read_json_within(&json::to_vec(resource), &Limits { nodes: usize::MAX, ..Limits::default() })
}

/// Compact JSON, members in the order they were read, values digit for digit.
#[must_use]
pub fn write_json(resource: &FhirResource) -> Vec<u8> {
    let mut out = Vec::new();
    tree::json::write(&resource.node, &mut out);
    out
}

/// Compact XML in R4 element order.
///
/// # Errors
/// An issue for each resource in it whose type is not modelled: their element order is not known.
pub fn write_xml(resource: &FhirResource) -> Result<Vec<u8>, Vec<Issue>> {
    to_xml::document(&resource.node)
}
