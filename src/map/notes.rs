//! [`Notes`]: everything the mapping left out, replaced or wondered about, per event.
//!
//! Nothing leaves silently, and nothing is left out silently either. Notes are data for the report; they hold
//! a source's words only for terms that need a coder. Next: [`super::mapper`].

use std::borrow::Cow;

use crate::event::term::Term;
use crate::event::{Issue, IssueCode, Position};

/// A term that a coder should look at.
#[derive(Clone, PartialEq, Eq)]
pub struct NeedsCoding {
    /// Where in the event it stood.
    pub field: &'static str,
    /// The words, when the source gave any.
    pub text: Option<String>,
    /// Whether the profile's value map lists the words.
    pub controlled: bool,
    /// Why it has no code.
    pub why: IssueCode,
}

impl std::fmt::Debug for NeedsCoding {
    /// Without the words: they may be free text about a person.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NeedsCoding({}, {})", self.field, self.why.as_str())
    }
}

/// What the mapping wrote down about one referral.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Notes {
    /// The event being mapped.
    event_id: String,
    /// Remarks, each with the event it is about.
    pub remarks: Vec<(String, Issue)>,
    /// Terms for a coder.
    pub needs_coding: Vec<NeedsCoding>,
}

impl Notes {
    /// From here on, remarks are about this event.
    pub fn about(&mut self, event_id: &str) {
        event_id.clone_into(&mut self.event_id);
    }

    /// Writes down a remark; the same remark about one event is written once.
    pub fn remark(&mut self, code: IssueCode, field: &'static str, found: impl Into<Cow<'static, str>>) {
        let issue = Issue::new(code, Position::path(field), found);
        // What is about one event stands together.
        let about_it = self.remarks.iter().rev().take_while(|(id, _)| *id == self.event_id);
        let known = about_it.map(|(_, known)| known).any(|known| *known == issue);
        if !known {
            self.remarks.push((self.event_id.clone(), issue));
        }
    }

    /// Lists a term for a coder.
    pub fn needs_coding(&mut self, term: &Term, field: &'static str, why: IssueCode) {
        let listed = NeedsCoding { field, text: term.text.clone(), controlled: term.controlled, why };
        if !self.needs_coding.contains(&listed) {
            self.needs_coding.push(listed);
        }
    }
}
