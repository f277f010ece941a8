//! A first profile for a file that has none, written by looking at headings and values.
//!
//! What it is: TOML with comments, `draft = true`, to be read and completed by a person; what it cannot know is marked
//! "to decide". What it is not: a guess at what a person shares or at what "Declined" means. A value is
//! written down only when it is of a short list of words. Invariant: apart from `date_format = "?"` the draft
//! compiles whenever the file has a case number and a date. Pure. Next: `placing` and `value_words`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::placing::{Placed, place};
use super::sample::{Sample, SampleColumn};
use super::sniff;
use super::synonyms::{Role, words};
use super::value_words::{self, Proposal};
use super::values::fold;
use crate::codeset::Codeset;
use crate::event::field::{Field, Kind};
use crate::event::kinds::EventType;

/// What was said about the file when it was opened, which the profile must repeat.
#[derive(Clone, Debug, Default)]
pub struct Hints {
    /// Name for the profile.
    pub name: String,
    /// Sheet of a workbook.
    pub sheet: Option<String>,
    /// Where the records are.
    pub records: Option<String>,
}

/// Writes a draft.
#[must_use]
pub fn draft(sample: &Sample, hints: &Hints, codeset: &Codeset) -> String {
    let placed = place(sample, None);
    let mut writer = Writer { codeset, maps: BTreeMap::new(), out: String::new() };
    let is_log = writer.has(&placed, Role::Field(Field::EventId)).is_some();
    writer.head(&placed, hints, is_log, sample.records);
    writer.fields(&placed, sample.records);
    if is_log {
        writer.log(&placed);
    } else {
        writer.events(&placed);
        for path in &sample.repeats {
            let says_text =
                sample.columns.iter().any(|column| *column.name == **path && !column.values.is_empty());
            writer.list(path, &place(sample, Some(path)), &placed, says_text);
        }
        writer.status_and_counts(&placed);
    }
    writer.values();
    writer.out
}

/// A TOML string.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

type Propose<'a> = &'a dyn Fn(&str) -> Proposal;

struct Writer<'a> {
    codeset: &'a Codeset,
    /// Value maps: per name, folded value to value, entry and comment.
    maps: BTreeMap<&'static str, BTreeMap<String, (String, Proposal)>>,
    out: String,
}

impl Writer<'_> {
    fn line(&mut self, text: impl AsRef<str>) {
        self.out.push_str(text.as_ref());
        self.out.push('\n');
    }

    fn has<'p>(&self, placed: &'p [Placed<'_>], role: Role) -> Option<&'p SampleColumn> {
        placed.iter().find(|here| here.role == Some(role)).map(|here| here.column)
    }

    fn head(&mut self, placed: &[Placed<'_>], hints: &Hints, is_log: bool, records: usize) {
        self.line(format!(
            "# Drafted by sp-fhir from {records} records; nobody has reviewed it yet. Lines marked"
        ));
        self.line(
            "# \"to decide\" need a person. docs/PROFILES.md explains every key. When done, remove `draft`.",
        );
        self.line(format!("name = {}", quoted(&hints.name)));
        self.line("draft = true");
        self.line("# to decide: a URI of your own that names the sending system, for ever the same");
        self.line("# source = \"https://your-scheme.example/cases\"");
        self.line("# to decide: \"snapshot\" (the whole file again each time) or \"events\" (a log that only grows)");
        self.line(if is_log { "export = \"events\"" } else { "export = \"snapshot\"" });
        let nowhere: Vec<String> = placed
            .iter()
            .filter(|here| here.role == Some(Role::Nothing))
            .map(|here| quoted(&here.column.name))
            .collect();
        if !nowhere.is_empty() {
            self.line(format!("# Columns that go nowhere.\nignore = [{}]", nowhere.join(", ")));
        }
        for here in placed.iter().filter(|here| here.role.is_none()) {
            let kind = look(here.column);
            self.line(format!(
                "# to decide: the column {} ({kind}) was not placed",
                quoted(&here.column.name)
            ));
        }
        if hints.sheet.is_some() || hints.records.is_some() {
            self.line("\n[file]");
            for (key, value) in [("sheet", &hints.sheet), ("records", &hints.records)] {
                if let Some(value) = value {
                    self.line(format!("{key} = {}", quoted(value)));
                }
            }
        }
    }

    fn fields(&mut self, placed: &[Placed<'_>], records: usize) {
        self.line("\n[fields]");
        let referral = self.has(placed, Role::Field(Field::ReferralId)).or_else(|| {
            self.line("# to decide: no heading says case number; this column differs in every record");
            let unique = |here: &&Placed<'_>| {
                let mut values: Vec<&String> = here.column.values.iter().collect();
                values.sort_unstable();
                values.dedup();
                values.len() == records && here.role.is_none_or(|role| role == Role::Field(Field::LocalId))
            };
            placed.iter().find(unique).map(|here| here.column)
        });
        match referral {
            Some(column) => {
                if sniff::are_nhs_numbers(&column.values) {
                    self.line("# to decide: these look like NHS numbers; such rows need an opaque_key");
                }
                self.line(format!("referral_id = {}", quoted(&column.name)));
            }
            None => self.line("# to decide: referral_id = the column that numbers the cases"),
        }
        if let Some(column) = self.has(placed, Role::FullName) {
            let commas = column.values.iter().filter(|name| name.contains(',')).count();
            let order = if commas * 2 > column.values.len() { "family, given" } else { "given family" };
            self.line(format!(
                "\"person.name\" = {{ column = {}, name_order = {} }}",
                quoted(&column.name),
                quoted(order)
            ));
        }
        for field in Field::ALL {
            let columns: Vec<&SampleColumn> = placed
                .iter()
                .filter(|here| here.role == Some(Role::Field(*field)) && *field != Field::ReferralId)
                .map(|here| here.column)
                .collect();
            let specs: Vec<String> = columns.iter().map(|column| self.field(*field, column)).collect();
            match specs.as_slice() {
                [] => {}
                [one] => self.line(format!("{} = {one}", key(*field))),
                several => self.line(format!("{} = [{}]", key(*field), several.join(", "))),
            }
            if *field == Field::ReferrerKind
                && let Some(column) = columns.first()
            {
                self.line(format!("\"referrer.source\" = {}", quoted(&column.name)));
            }
        }
        if self.has(placed, Role::Field(Field::ServiceKind)).is_none() {
            self.line("# to decide: link-worker, health-coach, care-coordinator, community-service or other; the social");
            self.line("# prescribing codes are recorded for link-worker only");
            self.line("\"service.kind\" = { constant = \"other\" }");
        }
        for (role, what) in [
            (Field::NhsNumber, "the NHS number"),
            (Field::PracticeOds, "the ODS code of the person's practice"),
            (Field::ReferrerKind, "who referred"),
            (Field::ConsentShare, "what the person shares; without it only codes, or nothing, can be sent"),
        ] {
            if self.has(placed, Role::Field(role)).is_none() {
                self.line(format!("# to decide: no column seems to hold {what} ({})", role.path()));
            }
        }
    }

    /// What stands after the `=` for a field of the referral.
    fn field(&mut self, field: Field, column: &SampleColumn) -> String {
        let map: Option<(&'static str, Propose<'_>)> = match field {
            Field::Gender => Some(("gender", &value_words::gender)),
            Field::ReferrerKind => Some(("referrer", &value_words::referrer)),
            Field::ConsentShare => Some(("consent", &value_words::consent)),
            Field::ServiceKind => Some(("service", &value_words::service)),
            Field::Protected => Some(("yes-no", &value_words::yes_no)),
            _ => None,
        };
        let are_words = matches!(field.kind(), Kind::Word(known)
            if column.values.iter().all(|value| known.contains(&value.as_str())));
        match map {
            Some((name, propose)) if !are_words => self.mapped(column, &column.name, name, propose),
            _ if matches!(field.kind(), Kind::Date | Kind::Instant) => dated(column, &column.name),
            _ if field == Field::GivenName && column.values.iter().any(|value| value.contains(' ')) => {
                format!("{{ column = {}, split = \" \" }}", quoted(&column.name))
            }
            _ => quoted(&column.name),
        }
    }

    /// A column with a value map, when its values are a list.
    fn mapped(
        &mut self,
        column: &SampleColumn,
        name: &str,
        map: &'static str,
        propose: Propose<'_>,
    ) -> String {
        let Some(values) = sniff::list(&column.values) else { return quoted(name) };
        let entries = self.maps.entry(map).or_default();
        for value in values {
            entries.entry(fold(value)).or_insert_with(|| (value.to_owned(), propose(value)));
        }
        format!("{{ column = {}, values = {} }}", quoted(name), quoted(map))
    }

    fn term(&mut self, column: &SampleColumn, name: &str, map: &'static str, group: &'static str) -> String {
        let codeset = self.codeset;
        self.mapped(column, name, map, &|value: &str| value_words::term(codeset, group, value))
    }

    /// The reasons for referral: columns of words and of codes.
    fn reasons(&mut self, placed: &[Placed<'_>], prefix: &str) -> Option<String> {
        let of =
            |role: Role| placed.iter().filter(move |here| here.role == Some(role)).map(|here| here.column);
        let (needs, codes): (Vec<_>, Vec<_>) = (of(Role::Need).collect(), of(Role::NeedCode).collect());
        let name = |column: &SampleColumn| format!("{prefix}{}", column.name);
        let code = |column: &SampleColumn| {
            let system = value_words::system(&column.name, &column.values);
            format!("column = {}, system = {}", quoted(&name(column)), quoted(system))
        };
        if let ([words], [codes]) = (needs.as_slice(), codes.as_slice()) {
            return Some(format!("{{ {}, words = {} }}", code(codes), quoted(&name(words))));
        }
        let mut specs: Vec<String> =
            needs.iter().map(|column| self.term(column, &name(column), "need", "need")).collect();
        specs.extend(codes.iter().map(|column| format!("{{ {} }}", code(column))));
        match specs.as_slice() {
            [] => None,
            [one] => Some(one.clone()),
            several => Some(format!("[\n  {},\n]", several.join(",\n  "))),
        }
    }

    fn scores(&mut self, placed: &[Placed<'_>], wanted: impl Fn(&[String]) -> bool) {
        for here in placed.iter().filter(|here| here.role == Some(Role::Score)) {
            if wanted(&words(&here.column.name)) {
                self.line("\n[[event.score]]");
                self.line(format!("id = {}", quoted(&id(&here.column.name))));
                self.line(format!("column = {}", quoted(&here.column.name)));
            }
        }
    }

    fn rule(&mut self, id: &str, event_type: &str, date: &str) {
        self.line(format!("\n[[event]]\nid = {}\ntype = {event_type}\ndate = {date}", quoted(id)));
    }

    fn events(&mut self, placed: &[Placed<'_>]) {
        let at_end = |words: &[String]| {
            words
                .iter()
                .any(|word| matches!(word.as_str(), "end" | "final" | "exit" | "last" | "closing" | "after"))
        };
        let dates: Vec<(EventType, &SampleColumn)> = placed
            .iter()
            .filter_map(|here| match here.role {
                Some(Role::Date(event_type)) => Some((event_type, here.column)),
                _ => None,
            })
            .collect();
        let is_assessed = dates.iter().any(|(event_type, _)| *event_type == EventType::Assessed);
        let first_contact = dates.iter().position(|(event_type, _)| *event_type == EventType::Contacted);
        let mut order: Vec<usize> = (0..dates.len()).collect();
        order.sort_by_key(|at| dates.get(*at).map(|(event_type, _)| *event_type));
        for at in order {
            let Some((event_type, column)) = dates.get(at) else { continue };
            let word = event_type.as_str();
            let same = dates.iter().filter(|(other, _)| other == event_type).count();
            let rule = if same > 1 { id(&column.name) } else { id(word) };
            self.rule(&rule, &quoted(word), &dated(column, &column.name));
            match event_type {
                EventType::Referred => {
                    if let Some(reasons) = self.reasons(placed, "") {
                        self.line(format!("fields.reasons = {reasons}"));
                    }
                    if let Some(note) = self.has(placed, Role::Note) {
                        self.line(format!("fields.note = {}", quoted(&note.name)));
                    }
                }
                EventType::Contacted if first_contact == Some(at) => self.mode(placed),
                EventType::Assessed => self.scores(placed, |words| !at_end(words)),
                _ => {}
            }
        }
        if let Some(date) = self.has(placed, Role::EndDate) {
            match self.has(placed, Role::EndReason) {
                Some(reason) => {
                    let how = self.mapped(reason, &reason.name, "end", &value_words::end);
                    if how.starts_with('{') {
                        self.rule("closed", &how, &dated(date, &date.name));
                        self.line(format!("fields.outcome = {how}"));
                    } else {
                        self.line("\n# to decide: the reason is free text, so every end is a completion");
                        self.rule("closed", "\"completed\"", &dated(date, &date.name));
                        self.line(format!("fields.outcome = {how}"));
                    }
                }
                None => {
                    self.line(
                        "\n# to decide: no column says how it ended; completed or closed_without_completion",
                    );
                    self.rule("closed", "\"completed\"", &dated(date, &date.name));
                }
            }
            if let Some(message) = self.has(placed, Role::Message) {
                self.line(format!("fields.message = {}", quoted(&message.name)));
            }
            self.scores(placed, |words| at_end(words) || !is_assessed);
        }
    }

    fn mode(&mut self, placed: &[Placed<'_>]) {
        if let Some(mode) = self.has(placed, Role::Mode) {
            let spec = self.mapped(mode, &mode.name, "mode", &value_words::mode);
            self.line(format!("fields.mode = {spec}"));
        }
    }

    fn log(&mut self, placed: &[Placed<'_>]) {
        let (Some(what), Some(at)) = (self.has(placed, Role::What), self.has(placed, Role::At)) else {
            return;
        };
        let event_type = self.mapped(what, &what.name, "event", &value_words::event);
        self.rule("event", &event_type, &dated(at, &at.name));
        if let Some(reasons) = self.reasons(placed, "") {
            self.line(format!("fields.reasons = {reasons}"));
        }
        self.mode(placed);
        if let Some(reason) = self.has(placed, Role::EndReason) {
            let spec = self.term(reason, &reason.name, "outcome", "outcome");
            self.line(format!("fields.outcome = {spec}"));
        }
        if let Some(note) = self.has(placed, Role::Note) {
            self.line(format!("fields.note = {}", quoted(&note.name)));
        }
    }

    /// The rule for a repeated object of a tree.
    fn list(&mut self, path: &str, placed: &[Placed<'_>], around: &[Placed<'_>], says_text: bool) {
        let below = |column: &SampleColumn| {
            let rest = column.name.strip_prefix(path).and_then(|rest| rest.strip_prefix('.'));
            rest.unwrap_or("#text").to_owned()
        };
        let Some(at) = self.has(placed, Role::At) else {
            self.line(format!("\n# to decide: the list {} has no date that was understood", quoted(path)));
            return;
        };
        let own = path.rsplit('.').next().unwrap_or(path);
        let what = self.has(placed, Role::What);
        let event_type = match (what, value_words::event_type(own)) {
            (Some(what), _) => self.mapped(what, &below(what), "what", &value_words::event),
            (None, Some(event_type)) => quoted(event_type.as_str()),
            (None, None) => {
                self.line(format!("\n# to decide: what an element of the list {} is", quoted(path)));
                return;
            }
        };
        let date = dated(at, &below(at));
        let head = |id: &str| format!("\n[[event]]\nid = {}\neach = {}", quoted(id), quoted(path));
        let apart = self.referral_in_list(what, around);
        if let (Some((reasons, is)), Some(what)) = (&apart, what) {
            let column = quoted(&below(what));
            self.line(head("referred"));
            self.line(format!(
                "when = {{ column = {column}, is = [{is}] }}\ntype = \"referred\"\ndate = {date}"
            ));
            self.line("# A path that begins with a slash is the record's, not the list's.");
            self.line(format!("fields.reasons = {reasons}"));
            self.line(head(&id(own)));
            self.line(format!("when = {{ column = {column}, is_not = [{is}] }}"));
        } else {
            self.line(head(&id(own)));
        }
        self.line(format!("type = {event_type}\ndate = {date}"));
        let has_attributes = placed.iter().any(|here| below(here.column).starts_with('@'));
        if says_text && has_attributes && self.has(placed, Role::Note).is_none() {
            self.line("fields.note = \"#text\"");
        }
        for here in placed {
            let name = below(here.column);
            let fill = match here.role {
                Some(Role::Mode) => ("mode", self.mapped(here.column, &name, "mode", &value_words::mode)),
                Some(Role::Note) => ("note", quoted(&name)),
                Some(Role::Goal) => ("goals", quoted(&name)),
                Some(Role::EndReason) => ("outcome", self.term(here.column, &name, "outcome", "outcome")),
                Some(Role::For) => ("what", self.term(here.column, &name, "other-service", "service")),
                Some(Role::OtherService) => ("\"to.name\"", quoted(&name)),
                _ => continue,
            };
            self.line(format!("fields.{} = {}", fill.0, fill.1));
        }
        for here in placed.iter().filter(|here| here.role == Some(Role::Score)) {
            let name = below(here.column);
            self.line(format!("\n[[event.score]]\nid = {}\ncolumn = {}", quoted(&id(&name)), quoted(&name)));
        }
    }

    /// The reasons that stand beside a list in which the referral itself is an element, and the words for that.
    fn referral_in_list(
        &mut self,
        what: Option<&SampleColumn>,
        around: &[Placed<'_>],
    ) -> Option<(String, String)> {
        if self.has(around, Role::Date(EventType::Referred)).is_some() {
            return None;
        }
        let is: Vec<String> = sniff::list(&what?.values)?
            .into_iter()
            .filter(|word| value_words::event_type(word) == Some(EventType::Referred))
            .map(quoted)
            .collect();
        if is.is_empty() {
            return None;
        }
        Some((self.reasons(around, "/")?, is.join(", ")))
    }

    fn status_and_counts(&mut self, placed: &[Placed<'_>]) {
        if let Some(status) = self.has(placed, Role::Status) {
            let spec = self.mapped(status, &status.name, "status", &value_words::event);
            if spec.starts_with('{') {
                let column = quoted(&status.name);
                self.line(
                    "\n# A status column has no date; it counts only where it says more than the dates do.",
                );
                self.line(format!("[[status]]\nid = \"status\"\ncolumn = {column}\nvalues = \"status\""));
            }
        }
        if let Some(missed) = self.has(placed, Role::Missed) {
            let column = quoted(&missed.name);
            self.line(format!(
                "\n[[count]]\nid = \"missed\"\ncolumn = {column}\ntype = \"did_not_attend\"\nlabel = {column}"
            ));
        }
    }

    fn values(&mut self) {
        for (name, entries) in std::mem::take(&mut self.maps) {
            self.line(format!("\n[values.{name}]"));
            for (value, (entry, comment)) in entries.into_values() {
                let comment = if comment.is_empty() { comment } else { format!(" # {comment}") };
                self.line(format!("{} = {entry}{comment}", quoted(&value)));
            }
        }
    }
}

/// A field's key in TOML: lists without their mark.
fn key(field: Field) -> String {
    let path = field.path().trim_end_matches("[]");
    if path.contains('.') { quoted(path) } else { path.to_owned() }
}

/// A column of dates, with its format where one must be stated.
fn dated(column: &SampleColumn, name: &str) -> String {
    let name = quoted(name);
    match sniff::dates(&column.values) {
        Some(dates) => {
            let format = dates.format.map(|format| format!(", date_format = {}", quoted(&format)));
            let split = dates.split.map(|split| format!(", split = {}", quoted(split)));
            if format.is_none() && split.is_none() {
                return name;
            }
            format!("{{ column = {name}{}{} }}", format.unwrap_or_default(), split.unwrap_or_default())
        }
        None => name,
    }
}

/// An id of a rule or score: lower-case words with hyphens.
fn id(text: &str) -> String {
    let id: String =
        words(text).join("-").chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    if id.is_empty() { "rule".to_owned() } else { id }
}

/// What a column looks like, in a word.
fn look(column: &SampleColumn) -> &'static str {
    let values = &column.values;
    match () {
        () if values.is_empty() => "empty",
        () if sniff::dates(values).is_some() => "dates",
        () if sniff::are_yes_no(values) => "yes or no",
        () if sniff::are_integers(values) => "numbers",
        () if sniff::list(values).is_some() => "words",
        () => "text",
    }
}
