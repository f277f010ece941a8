//! The rules of a draft: one for each date, for the end, for a log, for status and count columns.
//!
//! What it is: dates to `[[event]]`, in the order in which things happen. What it is not: lists in trees, which are
//! [`super::lists`]'. Invariant: what kind of end it was comes from the file's own words or is left to a person.
//! Next: [`super::lists`].

use super::words::{dated, id, quoted};
use super::{Placed, Writer, has};
use crate::event::kinds::EventType;
use crate::profile::sample::SampleColumn;
use crate::profile::synonyms::{Role, words};
use crate::profile::{sniff, value_words};

/// The type of an end of which no list of words says what it was.
const UNSAID: &str =
    "\"?\" # decide: \"completed\" or \"closed_without_completion\"; or a column whose words say which";

impl Writer<'_> {
    /// The reasons for referral: columns of words and of codes.
    pub(super) fn reasons(&mut self, placed: &[Placed<'_>], prefix: &str) -> Option<String> {
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

    /// A rule for each date of a record, and for its end.
    pub(super) fn events(&mut self, placed: &[Placed<'_>], has_lists: bool) {
        let dates: Vec<(EventType, &SampleColumn)> = placed
            .iter()
            .filter_map(|here| match here.role {
                Some(Role::Date(event_type)) => Some((event_type, here.column)),
                _ => None,
            })
            .collect();
        let is_of = |wanted: EventType| dates.iter().any(|(event_type, _)| *event_type == wanted);
        if !is_of(EventType::Referred) && !has_lists {
            self.referred_when(placed);
        }
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
                EventType::Referred => self.of_referral(placed),
                EventType::Contacted if first_contact == Some(at) => self.mode(placed),
                EventType::Assessed => self.scores(placed, |words| !at_end(words)),
                _ => {}
            }
        }
        self.end(placed, is_of(EventType::Assessed));
    }

    /// The referral itself, when no heading says on which date it was made.
    fn referred_when(&mut self, placed: &[Placed<'_>]) {
        let is_date = |here: &&Placed<'_>| {
            here.role.is_none() && sniff::dates(&here.column.values).is_some() || here.role == Some(Role::At)
        };
        let names: Vec<String> =
            placed.iter().filter(is_date).map(|here| quoted(&here.column.name)).collect();
        let which = match names.as_slice() {
            [] => "the column of the date of the referral; no heading says so".to_owned(),
            names => format!("the column of the date of the referral, perhaps {}", names.join(" or ")),
        };
        self.rule("referred", "\"referred\"", &format!("\"?\" # decide: {which}"));
        self.of_referral(placed);
    }

    /// What belongs to the referral itself: its reasons and its note.
    fn of_referral(&mut self, placed: &[Placed<'_>]) {
        if let Some(reasons) = self.reasons(placed, "") {
            self.line(format!("fields.reasons = {reasons}"));
        }
        self.note(placed);
    }

    /// The end: its date, and what kind of end it was.
    fn end(&mut self, placed: &[Placed<'_>], is_assessed: bool) {
        let Some(date) = has(placed, Role::EndDate) else { return };
        let when = dated(date, &date.name);
        match has(placed, Role::EndReason) {
            Some(reason) => {
                let how = self.mapped(reason, &reason.name, "end", &value_words::end);
                if how.starts_with('{') {
                    self.rule("closed", &how, &when);
                } else {
                    self.rule("closed", UNSAID, &when);
                    self.line("# The reason is free text. On an end that is not a completion it is fields.status_reason.");
                }
                self.line(format!("fields.outcome = {how}"));
            }
            None => self.rule("closed", UNSAID, &when),
        }
        if let Some(message) = has(placed, Role::Message) {
            self.line(format!("fields.message = {}", quoted(&message.name)));
        }
        self.scores(placed, |words| at_end(words) || !is_assessed);
    }

    fn mode(&mut self, placed: &[Placed<'_>]) {
        if let Some(mode) = has(placed, Role::Mode) {
            let spec = self.mapped(mode, &mode.name, "mode", &value_words::mode);
            self.line(format!("fields.mode = {spec}"));
        }
    }

    fn note(&mut self, placed: &[Placed<'_>]) {
        if let Some(note) = has(placed, Role::Note) {
            self.line(format!("fields.note = {}", quoted(&note.name)));
        }
    }

    /// The one rule of a log.
    pub(super) fn log(&mut self, placed: &[Placed<'_>]) {
        let (Some(what), Some(at)) = (has(placed, Role::What), has(placed, Role::At)) else { return };
        let event_type = self.mapped(what, &what.name, "event", &value_words::event);
        self.rule("event", &event_type, &dated(at, &at.name));
        if let Some(reasons) = self.reasons(placed, "") {
            self.line(format!("fields.reasons = {reasons}"));
        }
        self.mode(placed);
        if let Some(reason) = has(placed, Role::EndReason) {
            let spec = self.term(reason, &reason.name, "outcome", "outcome");
            self.line(format!("fields.outcome = {spec}"));
        }
        self.note(placed);
    }

    /// What has no date: a status column, a count.
    pub(super) fn status_and_counts(&mut self, placed: &[Placed<'_>]) {
        if let Some(status) = has(placed, Role::Status) {
            let spec = self.mapped(status, &status.name, "status", &value_words::event);
            if spec.starts_with('{') {
                let column = quoted(&status.name);
                self.line(
                    "\n# A status column has no date; it counts only where it says more than the dates do.",
                );
                self.line(format!("[[status]]\nid = \"status\"\ncolumn = {column}\nvalues = \"status\""));
            }
        }
        if let Some(missed) = has(placed, Role::Missed) {
            let column = quoted(&missed.name);
            self.line(format!(
                "\n[[count]]\nid = \"missed\"\ncolumn = {column}\ntype = \"did_not_attend\"\nlabel = {column}"
            ));
        }
    }
}

/// Whether a heading is about the end.
fn at_end(words: &[String]) -> bool {
    words.iter().any(|word| {
        matches!(word.as_str(), "end" | "final" | "exit" | "last" | "closing" | "after" | "post" | "finish")
    })
}
