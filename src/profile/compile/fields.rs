//! Fields: where each gets its value from, its date's format, its value map, its code system.
//!
//! What it is: `[fields]`, an event's `fields` and an event's `date` resolved to [`Fill`]s. What it is not: whether a field
//! has a meaning on an event's type, which is [`super::rules`]'s. Invariant: the fills of one table are in the
//! order of [`Field`], so that the consent's level is known before its date. Next: [`super::keys`].

use std::collections::BTreeMap;

use super::{Compiler, Fill, From, NameOrder};
use crate::event::date_format::DateFormat;
use crate::event::field::{Field, Kind, Scope};
use crate::event::term::TermSystem;
use crate::profile::raw::{Spec, Specs};
use crate::profile::values::ValueMap;

impl Compiler {
    pub(super) fn fields(
        &mut self,
        path: &str,
        fields: &BTreeMap<String, Specs>,
        scopes: &[Scope],
    ) -> Vec<Fill> {
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

    pub(super) fn fill(&mut self, path: &str, field: Field, index: u16, spec: &Spec) -> Option<Fill> {
        self.no_idle_keys(path, field, spec);
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
        match DateFormat::parse(format) {
            Ok(format) => Some(format),
            Err(what) => {
                self.wrong(path, what);
                None
            }
        }
    }

    fn full_name(&mut self, path: &str, spec: &Spec) -> Vec<Fill> {
        self.only(path, spec, &["column", "name_order"]);
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
}
