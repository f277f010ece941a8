//! Rules for the repeated objects of a tree: a timeline, contacts, onward referrals.
//!
//! What it is: one rule for each list whose elements have a date. What it is not: a guess at what a list without one is; it
//! goes nowhere and the check says so. Next: [`crate::profile::value_words`].

use super::words::{dated, id, quoted};
use super::{Placed, Writer, has};
use crate::event::kinds::EventType;
use crate::profile::sample::SampleColumn;
use crate::profile::synonyms::Role;
use crate::profile::{sniff, value_words};

impl Writer<'_> {
    /// The rule for a repeated object of a tree.
    pub(super) fn list(&mut self, path: &str, placed: &[Placed<'_>], around: &[Placed<'_>], says_text: bool) {
        let below = |column: &SampleColumn| {
            let rest = column.name.strip_prefix(path).and_then(|rest| rest.strip_prefix('.'));
            rest.unwrap_or("#text").to_owned()
        };
        let Some(at) = has(placed, Role::At) else {
            self.line(format!(
                "\n# The list {} has no date that was understood: it goes nowhere.",
                quoted(path)
            ));
            return;
        };
        let own = path.rsplit('.').next().unwrap_or(path);
        // A list of contacts often has no type but a result, whose words say what happened.
        let says = |column: &&SampleColumn| {
            let known = column.values.iter().filter(|value| value_words::event_type(value).is_some()).count();
            known * 2 > column.values.len()
        };
        let result = has(placed, Role::EndReason).or_else(|| has(placed, Role::Status)).filter(says);
        let what = has(placed, Role::What).or(result);
        let is_what = |column: &SampleColumn| what.is_some_and(|what| what.name == column.name);
        let event_type = match (what, value_words::event_type(own)) {
            (Some(what), _) => self.mapped(what, &below(what), "what", &value_words::event),
            (None, Some(event_type)) => quoted(event_type.as_str()),
            (None, None) => quoted("?"),
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
        if says_text && has_attributes && has(placed, Role::Note).is_none() {
            self.line("fields.note = \"#text\"");
        }
        for here in placed {
            let name = below(here.column);
            if is_what(here.column) {
                continue;
            }
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
        if has(around, Role::Date(EventType::Referred)).is_some() {
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
}
