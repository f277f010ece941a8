//! The profile as it is written: TOML, with every key it may have. Unknown keys are refused with their place.
//!
//! Nothing is resolved here; [`super::compile`] does that. docs/PROFILES.md explains each key to people.
//! Next: [`super::compile`].

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// A profile file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileFile {
    /// A short name, for reports.
    pub name: String,
    /// What export it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// Whether it was drafted by the program and not yet reviewed by a person.
    #[serde(default)]
    pub draft: bool,
    /// URI of the sending system.
    #[serde(default)]
    pub source: Option<String>,
    /// What kind of export.
    pub export: ExportKind,
    /// What a row is.
    #[serde(default)]
    pub rows: RowKind,
    /// What the case number numbers.
    #[serde(default)]
    pub case_number: CaseNumber,
    /// Time zone of local times; Europe/London when absent.
    #[serde(default)]
    pub timezone: Option<String>,
    /// What to do with NHS numbers that fail their check.
    #[serde(default)]
    pub nhs_number: NhsNumberKey,
    /// Columns that are known to go nowhere.
    #[serde(default)]
    pub ignore: Vec<String>,
    /// How the file is laid out.
    #[serde(default)]
    pub file: FileTable,
    /// Referral-level fields.
    #[serde(default)]
    pub fields: BTreeMap<String, Specs>,
    /// Rules that make events.
    #[serde(default)]
    pub event: Vec<EventTable>,
    /// Status columns.
    #[serde(default)]
    pub status: Vec<StatusTable>,
    /// Count columns.
    #[serde(default)]
    pub count: Vec<CountTable>,
    /// Value maps by name.
    #[serde(default)]
    pub values: BTreeMap<String, BTreeMap<String, ValueEntry>>,
    /// For `--form message`.
    #[serde(default)]
    pub message: Option<MessageTable>,
    /// Choices about the output.
    #[serde(default)]
    pub output: OutputTable,
}

/// What kind of export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExportKind {
    /// The whole file again every time, rows edited in place.
    Snapshot,
    /// A log of events that are never edited.
    Events,
}

/// What a row is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RowKind {
    /// A referral (or, in a log, an event).
    #[default]
    PerReferral,
    /// A need of a referral: rows of one referral are merged.
    PerNeed,
}

/// What the case number numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaseNumber {
    /// A referral.
    #[default]
    Referral,
    /// A person, who may be referred again: the referred date is then part of the referral's id.
    Person,
}

/// What to do with NHS numbers that fail their check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NhsNumberKey {
    /// Refuse the row.
    #[default]
    Reject,
    /// Send it with a warning; for tests only.
    Warn,
}

/// How the file is laid out; everything absent is detected.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileTable {
    /// Field delimiter of a text table: one character, or `tab`.
    #[serde(default)]
    pub delimiter: Option<String>,
    /// `utf-8`, `utf-16le`, `utf-16be` or `windows-1252`.
    #[serde(default)]
    pub encoding: Option<String>,
    /// Sheet of a workbook.
    #[serde(default)]
    pub sheet: Option<String>,
    /// Row that holds the headings, from 1.
    #[serde(default)]
    pub header_row: Option<u64>,
    /// How many rows of headings stand above one another.
    #[serde(default)]
    pub heading_rows: usize,
    /// Where the records are: a dotted JSON path, or the local name of the XML element.
    #[serde(default)]
    pub records: Option<String>,
}

/// A rule that makes an event of a type, when its date is there.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventTable {
    /// The rule's fixed name, part of every identifier it makes.
    pub id: String,
    /// The event's type: a word, or a column with a value map that gives the word.
    #[serde(rename = "type")]
    pub event_type: Spec,
    /// When it happened.
    #[serde(default)]
    pub date: Option<Spec>,
    /// Only when this holds.
    #[serde(default)]
    pub when: Option<Condition>,
    /// In JSON and XML: the path of a repeated element; the rule's columns are then paths below it.
    #[serde(default)]
    pub each: Option<String>,
    /// The event's own fields.
    #[serde(default)]
    pub fields: BTreeMap<String, Specs>,
    /// Scores.
    #[serde(default)]
    pub score: Vec<ScoreTable>,
}

/// A condition on a column.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The column.
    pub column: String,
    /// One of these values (case and spaces do not count).
    #[serde(default)]
    pub is: Vec<String>,
    /// None of these values.
    #[serde(default)]
    pub is_not: Vec<String>,
}

/// A score column.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreTable {
    /// Fixed name, part of the Observation's identifier.
    pub id: String,
    /// The column.
    pub column: String,
    /// What was measured, in words; the column's name when absent.
    #[serde(default)]
    pub text: Option<String>,
    /// Code of what was measured.
    #[serde(default)]
    pub code: Option<String>,
    /// UCUM unit.
    #[serde(default)]
    pub unit: Option<String>,
    /// The measure it is a part of.
    #[serde(default)]
    pub part_of: Option<String>,
}

/// A status column: undated, a floor under the dated events.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusTable {
    /// The rule's fixed name.
    pub id: String,
    /// The column.
    pub column: String,
    /// The value map that gives event types.
    pub values: String,
}

/// A count column: "DNAs: 2".
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountTable {
    /// The rule's fixed name.
    pub id: String,
    /// The column.
    pub column: String,
    /// The type of what is counted: `did_not_attend`, `contact_failed`, `contacted` or `attended`.
    #[serde(rename = "type")]
    pub event_type: String,
    /// What is counted, in words.
    pub label: String,
}

/// What a value stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValueEntry {
    /// For fields that take a word: the word. `""` means no value.
    pub word: Option<String>,
    /// Code.
    pub code: Option<String>,
    /// The code's system; SNOMED CT when absent.
    pub system: Option<String>,
    /// Words to send instead of the value.
    pub text: Option<String>,
    /// For event types: the type.
    pub event: Option<String>,
    /// Whether it must not leave on its own.
    pub sensitive: bool,
}

/// The `[message]` table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageTable {
    /// System of the message event's code.
    pub event_system: String,
    /// The message event's code.
    pub event_code: String,
    /// The sender's endpoint.
    pub endpoint: String,
    /// The receiver's endpoint.
    #[serde(default)]
    pub destination: Option<String>,
}

/// The `[output]` table.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputTable {
    /// What to do about the Patient in a transaction.
    #[serde(default)]
    pub patient: PatientKey,
}

/// What to do about the Patient in a transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PatientKey {
    /// Point at the clinical system's own.
    #[default]
    Existing,
    /// Create it when the clinical system has none.
    CreateIfMissing,
}

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

struct ValueEntryVisitor;

impl<'de> Visitor<'de> for ValueEntryVisitor {
    type Value = ValueEntry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word, true or false, or a table with code, system, text, event or sensitive")
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<ValueEntry, E> {
        Ok(ValueEntry { word: Some(word.to_owned()), ..ValueEntry::default() })
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<ValueEntry, E> {
        self.visit_str(if value { "true" } else { "false" })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ValueEntry, A::Error> {
        let mut entry = ValueEntry::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "code" => entry.code = Some(map.next_value()?),
                "system" => entry.system = Some(map.next_value()?),
                "text" => entry.text = Some(map.next_value()?),
                "event" => entry.event = Some(map.next_value()?),
                "sensitive" => entry.sensitive = map.next_value()?,
                other => {
                    return Err(de::Error::unknown_field(
                        other,
                        &["code", "system", "text", "event", "sensitive"],
                    ));
                }
            }
        }
        Ok(entry)
    }
}

impl<'de> Deserialize<'de> for ValueEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueEntryVisitor)
    }
}
