//! [`Spec`]: where a value comes from, as a profile writes it: `"Column"`, or a table.
//!
//! What it is not: checked; which keys go together is [`crate::profile::compile`]'s. Next: [`super::value_entry`].

use std::fmt;

use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Where a value comes from: `"Column"`, or a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spec {
    /// A column, or a path in JSON and XML.
    pub column: Option<String>,
    /// Several columns, joined.
    pub columns: Vec<String>,
    /// What joins them; a space when absent.
    pub join: Option<String>,
    /// A constant.
    pub constant: Option<String>,
    /// Form of a date column.
    pub date_format: Option<String>,
    /// Name of a value map.
    pub values: Option<String>,
    /// What a value outside the value map stands for.
    pub otherwise: Option<String>,
    /// What splits a cell into several values.
    pub split: Option<String>,
    /// Order of the parts of a full name: `given family` or `family, given`.
    pub name_order: Option<String>,
    /// Code system of the cell, when it holds a code: `snomed`, `read-v2` or `ctv3`.
    pub system: Option<String>,
    /// The column of the words that go with a code.
    pub words: Option<String>,
}

/// One place or several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Specs(pub Vec<Spec>);

const SPEC_KEYS: &[&str] = &[
    "column",
    "columns",
    "join",
    "constant",
    "date_format",
    "values",
    "otherwise",
    "split",
    "name_order",
    "system",
    "words",
];

struct SpecVisitor;

impl<'de> Visitor<'de> for SpecVisitor {
    type Value = Spec;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a column's name, or a table such as { column = \"…\", date_format = \"dd/mm/yyyy\" }")
    }

    fn visit_str<E: de::Error>(self, column: &str) -> Result<Spec, E> {
        Ok(Spec { column: Some(column.to_owned()), ..Spec::default() })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Spec, A::Error> {
        let mut spec = Spec::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "column" => spec.column = Some(map.next_value()?),
                "columns" => spec.columns = map.next_value()?,
                "join" => spec.join = Some(map.next_value()?),
                "constant" => spec.constant = Some(map.next_value()?),
                "date_format" => spec.date_format = Some(map.next_value()?),
                "values" => spec.values = Some(map.next_value()?),
                "otherwise" => spec.otherwise = Some(map.next_value()?),
                "split" => spec.split = Some(map.next_value()?),
                "name_order" => spec.name_order = Some(map.next_value()?),
                "system" => spec.system = Some(map.next_value()?),
                "words" => spec.words = Some(map.next_value()?),
                other => return Err(de::Error::unknown_field(other, SPEC_KEYS)),
            }
        }
        Ok(spec)
    }
}

impl<'de> Deserialize<'de> for Spec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SpecVisitor)
    }
}

struct SpecsVisitor;

impl<'de> Visitor<'de> for SpecsVisitor {
    type Value = Specs;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a column's name, a table, or a list of these")
    }

    fn visit_str<E: de::Error>(self, column: &str) -> Result<Specs, E> {
        SpecVisitor.visit_str(column).map(|spec| Specs(vec![spec]))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Specs, A::Error> {
        SpecVisitor.visit_map(map).map(|spec| Specs(vec![spec]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Specs, A::Error> {
        let mut specs = Vec::new();
        while let Some(spec) = seq.next_element()? {
            specs.push(spec);
        }
        Ok(Specs(specs))
    }
}

impl<'de> Deserialize<'de> for Specs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SpecsVisitor)
    }
}
