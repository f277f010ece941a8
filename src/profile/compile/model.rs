//! The compiled profile: what a [`Profile`] holds once every name in it is resolved.
//!
//! What it is: data without behaviour. What it is not: the file as written, which is [`crate::profile::raw`]. Invariant:
//! a [`Column`] is an index into [`Profile::columns`], and every value map named by a rule is the rule's own. Next:
//! [`super::fields`].

use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::event::build::NhsNumberRule;
use crate::event::date_format::DateFormat;
use crate::event::field::Field;
use crate::event::kinds::EventType;
use crate::event::term::TermSystem;
use crate::map::bundle::MessageSettings;
use crate::profile::raw::{CaseNumber, ExportKind, FileTable, RowKind};
use crate::profile::values::ValueMap;

/// A column of the profile, by its index in [`Profile::columns`].
pub type Column = u32;

/// A compiled profile.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// Whether a person has yet to review it.
    pub draft: bool,
    /// URI of the sending system, when the profile gives it.
    pub source: Option<String>,
    /// What kind of export.
    pub export: ExportKind,
    /// What a row is.
    pub rows: RowKind,
    /// What the case number numbers.
    pub case_number: CaseNumber,
    /// Time zone of local times.
    pub zone: TimeZone,
    /// What to do with NHS numbers that fail their check.
    pub nhs_number: NhsNumberRule,
    /// How the file is laid out.
    pub file: FileTable,
    /// Columns known to go nowhere.
    pub ignore: Vec<String>,
    /// Every column the profile names, once.
    pub columns: Vec<Arc<str>>,
    /// Referral-level fields.
    pub fields: Vec<Fill>,
    /// Rules that make events.
    pub events: Vec<EventRule>,
    /// Status columns.
    pub statuses: Vec<StatusRule>,
    /// Count columns.
    pub counts: Vec<CountRule>,
    /// For `--form message`.
    pub message: Option<MessageSettings>,
    /// Whether a transaction creates a missing Patient.
    pub create_patient: bool,
}

/// How one field gets its value.
#[derive(Clone, Debug)]
pub struct Fill {
    /// The field.
    pub field: Field,
    /// Which element of a list.
    pub index: u16,
    /// Where from.
    pub from: From,
    /// Form of a date.
    pub date: Option<DateFormat>,
    /// What its words stand for.
    pub values: Option<Arc<ValueMap>>,
    /// What a word outside the value map stands for.
    pub otherwise: Option<String>,
    /// What splits a cell into several values.
    pub split: Option<String>,
    /// System of a code in the cell.
    pub system: Option<TermSystem>,
    /// The column of the words that go with a code.
    pub words: Option<Column>,
    /// Words of a fixed term (scores): its text and code.
    pub term: Option<crate::event::Term>,
}

/// Where a value comes from.
#[derive(Clone, Debug)]
pub enum From {
    /// A column.
    Column(Column),
    /// Several, joined.
    Columns(Vec<Column>, String),
    /// Always the same.
    Constant(String),
    /// The given names out of a full name.
    Given(Column, NameOrder),
    /// The family name out of a full name.
    Family(Column, NameOrder),
}

/// How a full name is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameOrder {
    /// `Nia Mair Fôn`: the last word is the family name.
    GivenFamily,
    /// `Fôn, Nia Mair`.
    FamilyGiven,
}

/// A rule that makes events.
#[derive(Clone, Debug)]
pub struct EventRule {
    /// Fixed name.
    pub id: String,
    /// The type.
    pub event_type: TypeOf,
    /// When.
    pub date: Option<Fill>,
    /// Only when this holds.
    pub when: Option<When>,
    /// Path of a repeated element.
    pub each: Option<String>,
    /// The event's own fields.
    pub fields: Vec<Fill>,
    /// Whether one row can make several events of this rule.
    pub repeats: bool,
}

/// Where an event's type comes from.
#[derive(Clone, Debug)]
pub enum TypeOf {
    /// Always the same.
    Fixed(EventType),
    /// By a column's words.
    ByValue(Column, Arc<ValueMap>),
}

/// A condition.
#[derive(Clone, Debug)]
pub struct When {
    /// The column.
    pub column: Column,
    /// Folded values, one of which it must be (empty: any).
    pub is: Vec<String>,
    /// Folded values, none of which it may be.
    pub is_not: Vec<String>,
}

/// A status column.
#[derive(Clone, Debug)]
pub struct StatusRule {
    /// Fixed name.
    pub id: String,
    /// The column.
    pub column: Column,
    /// What its words stand for.
    pub values: Arc<ValueMap>,
}

/// A count column.
#[derive(Clone, Debug)]
pub struct CountRule {
    /// Fixed name.
    pub id: String,
    /// The column.
    pub column: Column,
    /// The type of what is counted.
    pub event_type: EventType,
    /// What is counted.
    pub label: String,
}

impl Profile {
    /// Whether a column names the sending system.
    #[must_use]
    pub fn fills_source(&self) -> bool {
        self.fields.iter().any(|fill| fill.field == Field::Source)
    }

    /// The name of a column.
    #[must_use]
    pub fn column_name(&self, column: Column) -> Option<&Arc<str>> {
        self.columns.get(usize::try_from(column).ok()?)
    }
}
