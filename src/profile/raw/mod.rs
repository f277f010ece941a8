//! The profile as it is written: TOML, with every key it may have. Unknown keys are refused with their place.
//!
//! What it is: the tables of the file. What it is not: resolved; [`super::compile`] does that. docs/PROFILES.md explains
//! each key to people. Next: `spec`, then [`super::compile`].

use std::collections::BTreeMap;

use serde::Deserialize;

mod spec;
mod value_entry;

pub use spec::{Spec, Specs};
pub use value_entry::ValueEntry;

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
