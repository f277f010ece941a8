//! [`Interpreter`]: how raw records become events: through a profile, as canonical events, or from FHIR.
//!
//! It is what the grouping asks for a record's referral, and what the workers ask for its events. Next:
//! [`super::referral`].

use std::sync::Arc;

use crate::codeset::Codeset;
use crate::event::build::NhsNumberRule;
use crate::event::finish::Identities;
use crate::event::{Issue, IssueCode, Position};
use crate::fhir::{self, FhirResource};
use crate::map::back::Back;
use crate::profile::Profile;
use crate::profile::about::{self, About, Said};
use crate::profile::about_torn::about_torn as of_torn;
use crate::profile::raw::{ExportKind, RowKind};
use crate::profile::read::{self, RowEvents};
use crate::profile::torn::Torn;
use crate::profile::view::{Bound, Cells, View};
use crate::source::{Layout, Parsed, Row, Scratch};

use super::canonical;

/// What records are.
#[derive(Clone, Debug)]
pub enum Meaning {
    /// Rows or elements of a scheme's own export.
    Export(Arc<Profile>),
    /// Canonical events, one JSON object each.
    Events,
    /// FHIR R4 resources or Bundles, read back into events.
    Fhir(Arc<Codeset>),
}

/// How raw records become events.
#[derive(Clone, Debug)]
pub struct Interpreter {
    /// What records are.
    pub meaning: Meaning,
    /// What the deployer gave for identity.
    pub identities: Identities,
}

impl Cells for Row<'_> {
    fn cell(&self, index: usize) -> Option<&str> {
        self.get(index)
    }
}

impl Interpreter {
    /// The profile, when there is one.
    #[must_use]
    pub fn profile(&self) -> Option<&Arc<Profile>> {
        match &self.meaning {
            Meaning::Export(profile) => Some(profile),
            Meaning::Events | Meaning::Fhir(_) => None,
        }
    }

    /// Whether records are FHIR, which becomes events and nothing else.
    #[must_use]
    pub const fn is_fhir(&self) -> bool {
        matches!(self.meaning, Meaning::Fhir(_))
    }

    /// Whether each record is a whole referral, so that records can be converted as they come.
    #[must_use]
    pub fn streams(&self) -> bool {
        self.is_fhir()
            || self
                .profile()
                .is_some_and(|p| p.export == ExportKind::Snapshot && p.rows == RowKind::PerReferral)
    }

    /// Whether the input is a snapshot, in which events have the rules' ids.
    #[must_use]
    pub fn is_snapshot(&self) -> bool {
        self.profile().is_some_and(|p| p.export == ExportKind::Snapshot)
    }

    /// Whether several rows may be of one referral.
    #[must_use]
    pub fn rows_share_referrals(&self) -> bool {
        self.profile().is_none_or(|p| p.export == ExportKind::Events || p.rows == RowKind::PerNeed)
    }

    /// Finds the profile's columns in a file.
    #[must_use]
    pub fn bind(&self, layout: &Layout) -> Bound {
        match &self.meaning {
            Meaning::Export(profile) if layout.format().is_table() => Bound::table(profile, layout.header()),
            _ => Bound::tree(),
        }
    }

    /// The referral a record belongs to, as bytes that group and sort; nothing when it does not say or cannot be
    /// read.
    #[must_use]
    pub fn key(&self, layout: &Layout, bound: &Bound, text: &str, scratch: &mut Scratch) -> Option<Vec<u8>> {
        let parsed = layout.parse(text, scratch).ok()?;
        match (&self.meaning, &parsed) {
            (Meaning::Export(profile), parsed) => {
                read::referral_key(profile, view(parsed, bound)?).map(String::into_bytes)
            }
            (Meaning::Events, Parsed::Tree(node)) => canonical::key(node),
            _ => None,
        }
    }

    /// The same, and whom the record is about and what it says of consent, even if it must be refused.
    #[must_use]
    pub fn key_and_about(
        &self,
        layout: &Layout,
        bound: &Bound,
        text: &str,
        scratch: &mut Scratch,
    ) -> (Option<Vec<u8>>, About) {
        if !layout.is_whole(text) {
            return self.key_and_about_cut(layout, text);
        }
        match (&self.meaning, &layout.parse(text, scratch)) {
            (_, Err(issue)) if issue.code == IssueCode::TooLarge => self.key_and_about_cut(layout, text),
            (Meaning::Export(profile), Ok(parsed)) => match view(parsed, bound) {
                Some(view) => {
                    (read::referral_key(profile, view).map(String::into_bytes), about::about(profile, view))
                }
                None => (None, About::default()),
            },
            (Meaning::Events, Ok(Parsed::Tree(node))) => (canonical::key(node), canonical::about(node)),
            (Meaning::Export(profile), Err(_)) => (None, about_torn(profile, layout, bound, text)),
            (Meaning::Events, Err(_)) => canonical::torn(&layout.inner(text)),
            _ => (None, About::default()),
        }
    }

    /// The same of a record that is refused for a reason.
    #[must_use]
    pub fn key_and_about_refused(
        &self,
        layout: &Layout,
        bound: &Bound,
        text: &str,
        code: IssueCode,
        scratch: &mut Scratch,
    ) -> (Option<Vec<u8>>, About) {
        match code {
            IssueCode::TooLarge => self.key_and_about_cut(layout, text),
            _ => self.key_and_about(layout, bound, text, scratch),
        }
    }

    /// The same of the beginning of a record that is too large: what it says of consent may stand in the rest.
    fn key_and_about_cut(&self, layout: &Layout, text: &str) -> (Option<Vec<u8>>, About) {
        let (key, about, asks) = match &self.meaning {
            Meaning::Export(profile) => {
                (None, of_torn(profile, &torn(layout, text)), about::asks_for_consent(profile))
            }
            Meaning::Events => {
                let (key, about) = canonical::torn(&layout.inner(text));
                (key, about, true)
            }
            Meaning::Fhir(_) => return (None, About::default()),
        };
        let consent = if asks { Said::Unreadable } else { about.consent };
        (key, About { consent, ..about })
    }

    /// The events of a record, with everything found; positions without file and row. A record that was set aside
    /// and cannot stand without the rest of its export is refused; so is the beginning of one that was too large.
    #[must_use]
    pub fn events(&self, layout: &Layout, bound: &Bound, text: &str, scratch: &mut Scratch) -> RowEvents {
        let mut read = self.read(layout, bound, text, scratch);
        if !layout.stands_alone(text) {
            read.issues.push(Issue::new(IssueCode::NotAlone, Position::default(), ""));
        }
        if !layout.is_whole(text) {
            read.issues.push(Layout::cut_issue());
        }
        read
    }

    /// Whether a record says plainly whose it is and of which referral, although it may have been refused for its form.
    #[must_use]
    pub fn says_which(&self, layout: &Layout, bound: &Bound, text: &str) -> bool {
        let Some(profile) = self.profile() else { return true };
        let (mut scratch, mut again) = (Scratch::default(), Scratch::default());
        let error = crate::source::ERROR_VALUE;
        match layout.parse(text, &mut scratch) {
            Ok(parsed) => view(&parsed, bound).is_some_and(|view| profile.says_which(view, error)),
            Err(_) => layout
                .refused_row(text, &mut again)
                .is_some_and(|row| profile.says_which(View::Row(&row, bound), error)),
        }
    }

    fn read(&self, layout: &Layout, bound: &Bound, text: &str, scratch: &mut Scratch) -> RowEvents {
        let parsed = match layout.parse(text, scratch) {
            Ok(parsed) => parsed,
            Err(issue) => return RowEvents { events: Vec::new(), issues: vec![issue] },
        };
        let other_kind = || RowEvents {
            events: Vec::new(),
            issues: vec![Issue::new(
                IssueCode::WrongShape,
                Position::default(),
                "a record of another kind than expected",
            )],
        };
        match (&self.meaning, &parsed) {
            (Meaning::Export(profile), parsed) => match view(parsed, bound) {
                Some(view) => read::read(profile, view, &self.identities),
                None => other_kind(),
            },
            (Meaning::Events, Parsed::Tree(node)) => {
                let (event, issues) = crate::event::read::read(node, &self.identities, NhsNumberRule::Reject);
                RowEvents { events: event.into_iter().collect(), issues }
            }
            (Meaning::Fhir(codeset), Parsed::Tree(node)) => self.back(codeset, fhir::sound(node.clone())),
            (Meaning::Fhir(codeset), Parsed::FhirXml(xml)) => {
                self.back(codeset, fhir::read_xml(xml.as_bytes()))
            }
            _ => other_kind(),
        }
    }

    fn back(&self, codeset: &Codeset, resource: Result<FhirResource, Vec<Issue>>) -> RowEvents {
        let back = Back { codeset, identities: &self.identities, nhs_number: NhsNumberRule::Reject };
        match resource {
            Ok(resource) => {
                let (events, issues) = back.read(&resource);
                RowEvents { events, issues }
            }
            Err(issues) => RowEvents { events: Vec::new(), issues },
        }
    }
}

/// What can be made out of a record that is none: a cell of its row cannot be used, or its parts cannot be told apart.
fn about_torn(profile: &Profile, layout: &Layout, bound: &Bound, text: &str) -> About {
    match layout.refused_row(text, &mut Scratch::default()) {
        Some(row) => about::about(profile, View::Row(&row, bound)),
        None => of_torn(profile, &torn(layout, text)),
    }
}

/// The text of a record whose parts cannot be told apart.
fn torn(layout: &Layout, text: &str) -> Torn {
    if layout.format().is_table() {
        return Torn::row(text, char::from(layout.delimiter()));
    }
    Torn::tree(&layout.inner(text))
}

/// A record as a profile sees it.
fn view<'a>(parsed: &'a Parsed<'_>, bound: &'a Bound) -> Option<View<'a>> {
    match parsed {
        Parsed::Row(row) => Some(View::Row(row, bound)),
        Parsed::Tree(node) => Some(View::Tree(node, None)),
        _ => None,
    }
}
