//! The columns behind what is wrong with a record as a whole.
//!
//! The last checks of [`crate::event`] know fields, a person knows columns. Next: [`super::read`].

use std::sync::Arc;

use crate::event::field::Field;
use crate::event::{Issue, IssueCode};

use super::compile::{Column, Fill, From, Profile};

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

fn column_of<'p>(profile: &'p Profile, fill: &Fill) -> Option<&'p Arc<str>> {
    let column: Column = match &fill.from {
        From::Column(column) | From::Given(column, _) | From::Family(column, _) => *column,
        From::Columns(columns, _) => *columns.first()?,
        From::Constant(_) => return None,
    };
    profile.column_name(column)
}
