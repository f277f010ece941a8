//! [`Profile`]: a profile, resolved and checked in itself: names known, formats right, rules complete.
//!
//! Everything wrong is collected, each with its place in the file (`event[1].fields.outcome`). Whether the
//! profile fits a file is [`super::check`]'s question. Next: [`super::view`].

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::event::build::{NhsNumberRule, parse_uri};
use crate::event::date_format::DateFormat;
use crate::event::detail::{Detail, Part};
use crate::event::field::{Field, Kind, Scope};
use crate::event::kinds::EventType;
use crate::event::term::TermSystem;
use crate::event::{Issue, IssueCode, Position};
use crate::map::bundle::MessageSettings;

use super::raw::{
    CaseNumber, Condition, ExportKind, FileTable, NhsNumberKey, PatientKey, ProfileFile, RowKind, Spec, Specs,
};
use super::values::{ValueMap, fold};

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
    /// Reads and compiles a profile. `name` is the file's name, for positions.
    ///
    /// # Errors
    /// Everything wrong with it.
    pub fn parse(text: &str, name: &str) -> Result<Self, Vec<Issue>> {
        let file: ProfileFile = match toml::from_str(text) {
            Ok(file) => file,
            Err(error) => {
                let row = error.span().map(|span| line_of(text, span.start));
                let at = Position { file: Some(name.into()), row, ..Position::default() };
                return Err(vec![Issue::new(IssueCode::ProfileSyntax, at, error.message().to_owned())]);
            }
        };
        let mut compiler = Compiler {
            file_name: name.into(),
            columns: Vec::new(),
            values: BTreeMap::new(),
            each: None,
            issues: Vec::new(),
        };
        let profile = compiler.profile(file);
        if compiler.issues.is_empty() { Ok(profile) } else { Err(compiler.issues) }
    }

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

fn line_of(text: &str, at: usize) -> u64 {
    let before = text.get(..at).unwrap_or(text);
    before.bytes().filter(|b| *b == b'\n').count() as u64 + 1
}

struct Compiler {
    file_name: Arc<str>,
    columns: Vec<Arc<str>>,
    values: BTreeMap<String, Arc<ValueMap>>,
    /// The repeated element below which columns are looked for at the moment.
    each: Option<String>,
    issues: Vec<Issue>,
}

impl Compiler {
    fn wrong(&mut self, path: &str, what: impl Into<String>) {
        let at = Position {
            file: Some(Arc::clone(&self.file_name)),
            path: Some(path.into()),
            ..Position::default()
        };
        self.issues.push(Issue::new(IssueCode::ProfileSyntax, at, what.into()));
    }

    fn column(&mut self, name: &str) -> Column {
        let name = &match (&self.each, name.strip_prefix('/')) {
            // Below a repeated element, a path that begins with a slash is the record's.
            (Some(_), Some(of_record)) => of_record.to_owned(),
            (Some(each), None) => format!("{each}[].{name}"),
            (None, _) => name.to_owned(),
        };
        let at = self.columns.iter().position(|known| **known == **name).unwrap_or_else(|| {
            self.columns.push(name.as_str().into());
            self.columns.len() - 1
        });
        Column::try_from(at).unwrap_or(Column::MAX)
    }

    fn map(&mut self, name: &str, path: &str) -> Option<Arc<ValueMap>> {
        let found = self.values.get(name).cloned();
        if found.is_none() {
            self.wrong(path, format!("there is no [values.{name}]"));
        }
        found
    }

    fn profile(&mut self, file: ProfileFile) -> Profile {
        for (name, entries) in &file.values {
            match ValueMap::new(name, entries) {
                Ok(map) => {
                    self.values.insert(name.clone(), Arc::new(map));
                }
                Err(what) => self.wrong("values", what),
            }
            for (key, entry) in entries {
                self.value_entry(name, key, entry.event.as_deref(), entry.system.as_deref());
            }
        }
        let source = file.source.as_deref().and_then(|source| match parse_uri(source) {
            Ok(uri) => Some(uri),
            Err(code) => {
                self.wrong("source", code.title());
                None
            }
        });
        let zone = match file.timezone.as_deref().map(TimeZone::get) {
            None => crate::event::When::london().clone(),
            Some(Ok(zone)) => zone,
            Some(Err(_)) => {
                self.wrong("timezone", "not the name of a time zone, such as Europe/London");
                TimeZone::UTC
            }
        };
        let fields = self.fields("fields", &file.fields, &[Scope::Record, Scope::Header]);
        let events: Vec<_> = file
            .event
            .iter()
            .enumerate()
            .filter_map(|(n, table)| self.event(n, table, file.export))
            .collect();
        let statuses: Vec<_> = file
            .status
            .iter()
            .enumerate()
            .filter_map(|(n, table)| {
                let path = format!("status[{n}]");
                let values = self.map(&table.values, &path)?;
                Some(StatusRule {
                    id: self.rule_id(&table.id, &path),
                    column: self.column(&table.column),
                    values,
                })
            })
            .collect();
        let counts: Vec<_> = file
            .count
            .iter()
            .enumerate()
            .filter_map(|(n, table)| {
                let path = format!("count[{n}]");
                let event_type =
                    EventType::parse(&table.event_type).filter(|t| Detail::allowed(*t, Part::Count));
                if event_type.is_none() {
                    self.wrong(&path, "type must be did_not_attend, contact_failed, contacted or attended");
                }
                Some(CountRule {
                    id: self.rule_id(&table.id, &path),
                    column: self.column(&table.column),
                    event_type: event_type?,
                    label: table.label.clone(),
                })
            })
            .collect();
        self.whole(&file, &fields, &events, &statuses, &counts);
        Profile {
            name: file.name,
            draft: file.draft,
            source,
            export: file.export,
            rows: file.rows,
            case_number: file.case_number,
            zone,
            nhs_number: match file.nhs_number {
                NhsNumberKey::Reject => NhsNumberRule::Reject,
                NhsNumberKey::Warn => NhsNumberRule::Warn,
            },
            file: file.file,
            ignore: file.ignore,
            columns: std::mem::take(&mut self.columns),
            fields,
            events,
            statuses,
            counts,
            message: file.message.map(|message| MessageSettings {
                event_system: message.event_system,
                event_code: message.event_code,
                endpoint: message.endpoint,
                destination: message.destination,
            }),
            create_patient: file.output.patient == PatientKey::CreateIfMissing,
        }
    }

    /// What only shows when the profile is seen whole.
    fn whole(
        &mut self,
        file: &ProfileFile,
        fields: &[Fill],
        events: &[EventRule],
        statuses: &[StatusRule],
        counts: &[CountRule],
    ) {
        let filled = |field: Field| fields.iter().any(|fill| fill.field == field);
        if !filled(Field::ReferralId) {
            self.wrong("fields.referral_id", "nothing fills it; without it nothing can be named");
        }
        if !filled(Field::ServiceKind) {
            self.wrong(
                "fields.\"service.kind\"",
                "give the kind of service by column or constant: link-worker, health-coach…",
            );
        }
        match file.export {
            ExportKind::Events if !filled(Field::EventId) => {
                self.wrong(
                    "fields.event_id",
                    "a log of events must give each an id; else set export = \"snapshot\"",
                );
            }
            ExportKind::Snapshot if filled(Field::EventId) => {
                self.wrong(
                    "fields.event_id",
                    "in a snapshot event ids are made from the rules; remove it, or set export = \"events\"",
                );
            }
            _ => {}
        }
        if file.event.is_empty() && file.status.is_empty() {
            self.wrong("event", "no rule makes an event; add at least one [[event]]");
        }
        if file.export == ExportKind::Events && (!statuses.is_empty() || !counts.is_empty()) {
            self.wrong("status", "status and count columns belong to snapshots");
        }
        if file.case_number == CaseNumber::Person
            && !events.iter().any(|rule| matches!(rule.event_type, TypeOf::Fixed(EventType::Referred)))
        {
            self.wrong(
                "case_number",
                "\"person\" needs an [[event]] of type referred, whose date tells referrals apart",
            );
        }
        let mut ids: Vec<&str> = events.iter().map(|r| r.id.as_str()).collect();
        ids.extend(statuses.iter().map(|r| r.id.as_str()));
        ids.extend(counts.iter().map(|r| r.id.as_str()));
        ids.sort_unstable();
        let twice: Vec<String> = ids
            .windows(2)
            .filter_map(|pair| match pair {
                [a, b] if a == b => Some((*a).to_owned()),
                _ => None,
            })
            .collect();
        for id in twice {
            self.wrong("event", format!("two rules have the id {id:?}"));
        }
    }

    fn rule_id(&mut self, id: &str, path: &str) -> String {
        let fits = !id.is_empty()
            && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b));
        if !fits {
            self.wrong(path, format!("the id {id:?} must be lower-case letters, digits, - and _"));
        }
        id.to_owned()
    }

    fn value_entry(&mut self, map: &str, key: &str, event: Option<&str>, system: Option<&str>) {
        let path = format!("values.{map}.{key:?}");
        if let Some(event) = event
            && event != "none"
            && EventType::parse(event).is_none()
        {
            self.wrong(
                &path,
                format!("unknown event type {event:?}; known: {}", EventType::WORDS.join(", ")),
            );
        }
        if let Some(system) = system
            && TermSystem::parse(system).is_none()
        {
            self.wrong(&path, format!("unknown system {system:?}; known: snomed, read-v2, ctv3"));
        }
    }

    fn fields(&mut self, path: &str, fields: &BTreeMap<String, Specs>, scopes: &[Scope]) -> Vec<Fill> {
        let mut fills = Vec::new();
        for (name, specs) in fields {
            let path = format!("{path}.{name:?}");
            if name == "person.name" {
                for spec in &specs.0 {
                    fills.extend(self.full_name(&path, spec));
                }
                continue;
            }
            let Some(field) = Field::parse(name).or_else(|| Field::parse(&format!("{name}[]"))) else {
                self.wrong(&path, format!("there is no field {name:?}; docs/PROFILES.md lists them"));
                continue;
            };
            if !scopes.contains(&field.scope()) {
                let place =
                    if field.scope() == Scope::Detail { "an [[event]]'s [event.fields]" } else { "[fields]" };
                self.wrong(&path, format!("{name:?} belongs in {place}"));
                continue;
            }
            if matches!(field, Field::Type | Field::OccurredAt | Field::StatusSlot) {
                self.wrong(&path, "type and date of an event are keys of [[event]]");
                continue;
            }
            if specs.0.len() > 1 && !field.is_list() {
                self.wrong(&path, format!("{name:?} takes one value, not a list"));
                continue;
            }
            for (index, spec) in specs.0.iter().enumerate() {
                fills.extend(self.fill(&path, field, u16::try_from(index).unwrap_or(u16::MAX), spec));
            }
        }
        // The consent's level must be known before its date is.
        fills.sort_by_key(|fill| (fill.field, fill.index));
        fills
    }

    fn fill(&mut self, path: &str, field: Field, index: u16, spec: &Spec) -> Option<Fill> {
        let from = self.from(path, spec)?;
        let date = self.date_format(path, field, spec);
        let values = match &spec.values {
            Some(name) => Some(self.map(name, path)?),
            None => None,
        };
        let system = spec.system.as_deref().and_then(|system| {
            let known = TermSystem::parse(system);
            if known.is_none() {
                self.wrong(path, format!("unknown system {system:?}; known: snomed, read-v2, ctv3"));
            }
            known
        });
        let words = spec.words.as_deref().map(|column| self.column(column));
        if words.is_some() && system.is_none() {
            self.wrong(path, "words go with a code: give its system");
        }
        if let Kind::Word(words) = field.kind() {
            self.words(path, words, spec, values.as_deref());
        }
        if spec.system.is_some() && !matches!(field.kind(), Kind::Term(_)) {
            self.wrong(path, "system is for fields that take a code");
        }
        Some(Fill {
            field,
            index,
            from,
            date,
            values,
            otherwise: spec.otherwise.clone(),
            split: spec.split.clone(),
            system,
            words,
            term: None,
        })
    }

    /// A constant or a value map for a field that takes a word must give such words.
    fn words(&mut self, path: &str, words: &[&str], spec: &Spec, values: Option<&ValueMap>) {
        let mut wrong = Vec::new();
        let mut check = |word: &str| {
            if !word.is_empty() && !words.contains(&word) {
                wrong.push(format!("{word:?} is not one of: {}", words.join(", ")));
            }
        };
        if values.is_none() {
            spec.constant.iter().for_each(|word| check(word));
        }
        spec.otherwise.iter().for_each(|word| check(word));
        for (key, entry) in values.into_iter().flat_map(ValueMap::iter) {
            match &entry.word {
                Some(word) => check(word),
                None => check(key),
            }
        }
        for what in wrong {
            self.wrong(path, what);
        }
    }

    fn from(&mut self, path: &str, spec: &Spec) -> Option<From> {
        match (&spec.column, spec.columns.as_slice(), &spec.constant) {
            (Some(column), [], None) => Some(From::Column(self.column(column))),
            (None, [_, ..], None) => {
                let columns = spec.columns.iter().map(|column| self.column(column)).collect();
                Some(From::Columns(columns, spec.join.clone().unwrap_or_else(|| " ".to_owned())))
            }
            (None, [], Some(constant)) => Some(From::Constant(constant.clone())),
            _ => {
                self.wrong(path, "give exactly one of column, columns and constant");
                None
            }
        }
    }

    fn date_format(&mut self, path: &str, field: Field, spec: &Spec) -> Option<DateFormat> {
        let format = spec.date_format.as_deref()?;
        if !matches!(field.kind(), Kind::Date | Kind::Instant) {
            self.wrong(path, "date_format is for fields that take a date");
            return None;
        }
        if format == "?" {
            self.wrong(path, "date_format = \"?\": no day in the file tells day from month; write dd/mm/yyyy or mm/dd/yyyy");
            return None;
        }
        match DateFormat::parse(format) {
            Ok(format) => Some(format),
            Err(what) => {
                self.wrong(path, what);
                None
            }
        }
    }

    fn full_name(&mut self, path: &str, spec: &Spec) -> Vec<Fill> {
        let order = match spec.name_order.as_deref() {
            Some("given family") => NameOrder::GivenFamily,
            Some("family, given") => NameOrder::FamilyGiven,
            _ => {
                self.wrong(path, "say name_order = \"given family\" or \"family, given\"");
                return Vec::new();
            }
        };
        let Some(column) = &spec.column else {
            self.wrong(path, "give the column of the full name");
            return Vec::new();
        };
        let column = self.column(column);
        let fill = |field, from, split: Option<&str>| Fill {
            field,
            index: 0,
            from,
            date: None,
            values: None,
            otherwise: None,
            split: split.map(str::to_owned),
            system: None,
            words: None,
            term: None,
        };
        vec![
            fill(Field::FamilyName, From::Family(column, order), None),
            fill(Field::GivenName, From::Given(column, order), Some(" ")),
        ]
    }

    fn event(&mut self, n: usize, table: &super::raw::EventTable, export: ExportKind) -> Option<EventRule> {
        self.each.clone_from(&table.each);
        let rule = self.event_below(n, table, export);
        self.each = None;
        rule
    }

    fn event_below(
        &mut self,
        n: usize,
        table: &super::raw::EventTable,
        export: ExportKind,
    ) -> Option<EventRule> {
        let path = format!("event[{n}]");
        let id = self.rule_id(&table.id, &path);
        let type_path = format!("{path}.type");
        let event_type =
            match (&table.event_type.column, &table.event_type.constant, &table.event_type.values) {
                // `type = "completed"` reads as a column's name; here it is the word.
                (Some(word), None, None) => match EventType::parse(word) {
                    Some(event_type) => TypeOf::Fixed(event_type),
                    None => {
                        self.wrong(
                            &type_path,
                            format!("unknown event type {word:?}; known: {}", EventType::WORDS.join(", ")),
                        );
                        return None;
                    }
                },
                (Some(column), None, Some(values)) => {
                    let values = self.map(values, &type_path)?;
                    for (key, entry) in values.iter() {
                        let word = entry.event.as_deref().or(entry.word.as_deref()).unwrap_or_default();
                        if !matches!(word, "" | "none") && EventType::parse(word).is_none() {
                            self.wrong(&type_path, format!("{key:?} gives no event type"));
                        }
                    }
                    TypeOf::ByValue(self.column(column), values)
                }
                _ => {
                    self.wrong(&type_path, "give an event type, or a column and the value map that gives it");
                    return None;
                }
            };
        let date_path = format!("{path}.date");
        let date = match &table.date {
            Some(spec) => Some(self.fill(&date_path, Field::OccurredAt, 0, spec)?),
            None => {
                self.wrong(&date_path, "every event needs its date; a status without a date is a [[status]]");
                None
            }
        };
        let mut fields =
            self.fields(&format!("{path}.fields"), &table.fields, &[Scope::Detail, Scope::Header]);
        for (index, score) in table.score.iter().enumerate() {
            fields.extend(self.score(
                &format!("{path}.score[{index}]"),
                u16::try_from(index).unwrap_or(u16::MAX),
                score,
            ));
        }
        if let TypeOf::Fixed(event_type) = event_type {
            for fill in &fields {
                if let Some(part) = part_of(fill.field)
                    && !Detail::allowed(event_type, part)
                {
                    self.wrong(
                        &format!("{path}.fields"),
                        format!(
                            "{:?} has no meaning on an event of type {}",
                            fill.field.path(),
                            event_type.as_str()
                        ),
                    );
                }
            }
        }
        let when = table.when.as_ref().map(|condition| self.when(condition, &path));
        let repeats = table.each.is_some() || date.as_ref().is_some_and(|date| date.split.is_some());
        if export == ExportKind::Events && repeats {
            self.wrong(&path, "a log has one event a row; each and split belong to snapshots");
        }
        Some(EventRule { id, event_type, date, when, each: table.each.clone(), fields, repeats })
    }

    fn when(&mut self, condition: &Condition, path: &str) -> When {
        if condition.is.is_empty() && condition.is_not.is_empty() {
            self.wrong(&format!("{path}.when"), "give `is` or `is_not`");
        }
        let folded = |values: &[String]| values.iter().map(|value| fold(value)).collect();
        When {
            column: self.column(&condition.column),
            is: folded(&condition.is),
            is_not: folded(&condition.is_not),
        }
    }

    fn score(&mut self, path: &str, index: u16, score: &super::raw::ScoreTable) -> Vec<Fill> {
        let id = self.rule_id(&score.id, path);
        let column = self.column(&score.column);
        let fill = |field, from| Fill {
            field,
            index,
            from,
            date: None,
            values: None,
            otherwise: None,
            split: None,
            system: None,
            words: None,
            term: None,
        };
        let text = score.text.clone().unwrap_or_else(|| score.column.clone());
        // A measure's words are the profile's own: a controlled term.
        let term = crate::event::Term {
            text: Some(text.clone()),
            code: score.code.clone(),
            controlled: true,
            ..crate::event::Term::default()
        };
        let mut fills = vec![
            fill(Field::ScoreValue, From::Column(column)),
            fill(Field::ScoreId, From::Constant(id)),
            Fill { term: Some(term), ..fill(Field::ScoreMeasure, From::Constant(text)) },
        ];
        fills.extend(score.unit.clone().map(|unit| fill(Field::ScoreUnit, From::Constant(unit))));
        fills.extend(score.part_of.clone().map(|whole| fill(Field::ScorePartOf, From::Constant(whole))));
        fills
    }
}

/// The part of a detail that a field is in.
pub(super) fn part_of(field: Field) -> Option<Part> {
    Some(match field {
        Field::Reason => Part::Reasons,
        Field::Mode => Part::Mode,
        Field::ScoreId | Field::ScoreMeasure | Field::ScoreValue | Field::ScoreUnit | Field::ScorePartOf => {
            Part::Scores
        }
        Field::AnswerId | Field::AnswerQuestion | Field::AnswerValue => Part::Answers,
        Field::Plan | Field::Goal => Part::Plan,
        Field::Outcome => Part::Outcome,
        Field::StatusReason => Part::StatusReason,
        Field::ToKind | Field::ToId | Field::ToName | Field::ToOds | Field::ToOrganisation | Field::What => {
            Part::To
        }
        Field::Count | Field::CountLabel => Part::Count,
        Field::Message | Field::Actions => Part::Message,
        _ => return None,
    })
}
