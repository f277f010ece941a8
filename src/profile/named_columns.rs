//! The columns behind what is wrong with a record as a whole.
//!
//! The last checks of [`crate::event`] know fields, a person knows columns. Next: [`super::read`].

use std::sync::Arc;

use crate::event::blank::is_plain;
use crate::event::field::Field;
use crate::event::{Issue, IssueCode};

use super::compile::{Column, Fill, From, Profile};
use super::raw::CaseNumber;
use super::read::{each_value, referral_key};
use super::view::View;

/// Says of dates that cannot be which columns they stand in. `date` is the column of the event's date.
pub(super) fn name_columns<'i>(
    profile: &Profile,
    date: Option<&Fill>,
    issues: impl Iterator<Item = &'i mut Issue>,
) {
    let field = |field: Field| profile.fields.iter().find(|fill| fill.field == field);
    for issue in issues {
        let against_birth = matches!(issue.code, IssueCode::BeforeBirth | IssueCode::AgeImpossible);
        if !against_birth && issue.code != IssueCode::DateTooEarly {
            continue;
        }
        let fill = match issue.at.path.as_deref() {
            Some("occurred_at") => date,
            Some("person.birth_date") => field(Field::BirthDate),
            Some("consent.date") => field(Field::ConsentDate),
            _ => None,
        };
        if let Some(name) = fill.and_then(|fill| column_of(profile, fill)) {
            issue.at.column = Some(Arc::clone(name));
            issue.at.path = None;
        }
        if let Some(born) = field(Field::BirthDate).and_then(|fill| column_of(profile, fill))
            && against_birth
        {
            issue.found = format!("the date of birth in {born}").into();
        }
    }
}

/// The columns of which one must be filled for a record to become an event.
pub(super) fn could_be_filled(profile: &Profile) -> String {
    let dates = profile.events.iter().filter_map(|rule| rule.date.as_ref());
    let dates = dates.filter_map(|fill| column_of(profile, fill));
    let statuses = profile.statuses.iter().filter_map(|rule| profile.column_name(rule.column));
    let mut names: Vec<&str> = Vec::new();
    for name in dates.chain(statuses) {
        if !names.contains(&&**name) {
            names.push(name);
        }
    }
    format!("nothing in {}", names.join(", "))
}

/// Fields that say whose a record is, and of which referral.
const fn is_identity(field: Field) -> bool {
    use Field as F;
    matches!(field, F::Source | F::ReferralId | F::EventId | F::NhsNumber | F::LocalId | F::BirthDate)
}

impl Profile {
    fn identity(&self) -> impl Iterator<Item = &Fill> + Clone {
        let by_person = self.case_number == CaseNumber::Person;
        let dates = self.events.iter().filter(move |_| by_person).filter_map(|rule| rule.date.as_ref());
        self.fields.iter().filter(|fill| is_identity(fill.field)).chain(dates)
    }

    /// Whether a record that is refused for its form still says plainly whose it is, and of which referral; `unusable` is
    /// what stands for a value that cannot be used.
    #[must_use]
    pub fn says_which(&self, view: View<'_>, unusable: &str) -> bool {
        let mut plain = referral_key(self, view).is_some();
        for fill in self.identity() {
            each_value(self, view, fill, &mut |value, _| {
                plain &= is_plain(value.text()) && value.text() != unusable;
            });
        }
        plain
    }

    /// Whether what is wrong with a record is in what says whose it is, or of which referral. Once that is mended the
    /// record may be about the person, or be the referral, that another record of the export is.
    #[must_use]
    pub fn is_about_identity(&self, issue: &Issue) -> bool {
        use IssueCode as C;
        match issue.code {
            C::DuplicateReferralId | C::NoPerson | C::BeforeBirth | C::AgeImpossible => true,
            C::HeldBirthDates | C::HeldNhsNumbers | C::HeldTwoPersons => true,
            // What is missing is a key, not another number.
            C::ReferralIdIsNhsNumber => false,
            _ if !issue.is_error() => false,
            _ => {
                let (column, path) = (issue.at.column.as_deref(), issue.at.path.as_deref());
                column.is_some_and(|column| self.identity().any(|fill| self.reads(fill, column)))
                    || path.and_then(Field::parse).is_some_and(is_identity)
            }
        }
    }

    fn reads(&self, fill: &Fill, name: &str) -> bool {
        let is_it = |column: &Column| self.column_name(*column).is_some_and(|known| **known == *name);
        match &fill.from {
            From::Column(column) | From::Given(column, _) | From::Family(column, _) => is_it(column),
            From::Columns(columns, _) => columns.iter().any(is_it),
            From::Constant(_) => false,
        }
    }
}

fn column_of<'p>(profile: &'p Profile, fill: &Fill) -> Option<&'p Arc<str>> {
    let column: Column = match &fill.from {
        From::Column(column) | From::Given(column, _) | From::Family(column, _) => *column,
        From::Columns(columns, _) => *columns.first()?,
        From::Constant(_) => return None,
    };
    profile.column_name(column)
}
