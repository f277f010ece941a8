//! [`Profile`]: a profile, resolved and checked in itself: names known, formats right, rules complete.
//!
//! What it is: one pass over the file as written, which collects everything wrong, each with its place in the file
//! (`event[1].fields.outcome`). What it is not: a comparison with an export, which is [`super::check`]'s. Invariant: a
//! [`Profile`] exists only when nothing was wrong. Next: `model`, then `fields`.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::event::build::{NhsNumberRule, parse_uri};
use crate::event::detail::{Detail, Part};
use crate::event::field::Scope;
use crate::event::kinds::EventType;
use crate::event::term::TermSystem;
use crate::event::{Issue, IssueCode, Position};
use crate::map::bundle::MessageSettings;

use super::places::{Places, line_of};
use super::raw::{NhsNumberKey, PatientKey, ProfileFile};
use super::undecided;
use super::values::ValueMap;

mod fields;
mod keys;
mod model;
mod rules;
mod whole;

pub use model::{Column, CountRule, EventRule, Fill, From, NameOrder, Profile, StatusRule, TypeOf, When};

impl Profile {
    /// Reads and compiles a profile. `name` is the file's name, for positions.
    ///
    /// # Errors
    /// Everything wrong with it.
    pub fn parse(text: &str, name: &str) -> Result<Self, Vec<Issue>> {
        let file_name: Arc<str> = name.into();
        let places = Places::of(text);
        if !places.undecided.is_empty() {
            // Everything else may follow from what is not decided.
            return Err(undecided::issues(text, &places, &file_name));
        }
        let file: ProfileFile = match toml::from_str(text) {
            Ok(file) => file,
            Err(error) => {
                let row = error.span().map(|span| line_of(text, span.start));
                let at = Position { file: Some(file_name), row, ..Position::default() };
                return Err(vec![Issue::new(IssueCode::ProfileSyntax, at, error.message().to_owned())]);
            }
        };
        let mut compiler = Compiler {
            file_name,
            places,
            columns: Vec::new(),
            values: BTreeMap::new(),
            each: None,
            issues: Vec::new(),
        };
        let profile = compiler.profile(file);
        if compiler.issues.is_empty() { Ok(profile) } else { Err(compiler.issues) }
    }
}

struct Compiler {
    file_name: Arc<str>,
    places: Places,
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
            row: self.places.line(path),
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
}
