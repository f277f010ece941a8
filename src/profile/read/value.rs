//! The values that a record has for a fill: of one column or several, constant, split, or part of a whole name.
//!
//! What it is: cells to values, blanks left out. What it is not: their meaning, which is [`super::set`]'s. Invariant: a
//! value never comes from a column that the fill does not name.

use std::borrow::Cow;

use crate::event::blank::trim;
use crate::profile::compile::{Column, Fill, From, NameOrder, Profile};
use crate::profile::view::{NO_PLACE, Value, View};

/// Calls back for every non-blank value of a fill, split where the profile says so.
pub(in crate::profile) fn each_value<'a>(
    profile: &Profile,
    view: View<'a>,
    fill: &Fill,
    each: &mut dyn FnMut(Value<'a>, Column),
) {
    let mut hand_out = |value: Value<'a>, column: Column| match (&value, fill.split.as_deref()) {
        (Value::Text(text), Some(split)) if !split.is_empty() => {
            for part in text.split(split).map(str::trim).filter(|part| !part.is_empty()) {
                each(Value::Text(Cow::Owned(part.to_owned())), column);
            }
        }
        (Value::Text(text), _) if trim(text).is_empty() => {}
        _ => each(value, column),
    };
    match &fill.from {
        From::Column(column) => view.values(profile, *column, &mut |value| hand_out(value, *column)),
        From::Constant(constant) => hand_out(Value::Text(Cow::Owned(constant.clone())), NO_PLACE),
        From::Columns(columns, _) => {
            let place = columns.first().copied().unwrap_or(NO_PLACE);
            if let Some(text) = joined(profile, view, &fill.from) {
                hand_out(Value::Text(Cow::Owned(text)), place);
            }
        }
        From::Given(column, order) => {
            if let Some((given, _)) = view.first(profile, *column).and_then(|name| split_name(&name, *order))
            {
                hand_out(Value::Text(Cow::Owned(given)), *column);
            }
        }
        From::Family(column, order) => {
            if let Some((_, family)) = view.first(profile, *column).and_then(|name| split_name(&name, *order))
            {
                hand_out(Value::Text(Cow::Owned(family)), *column);
            }
        }
    }
}

/// The column in which a fill that takes one value has several different ones, and how many.
///
/// Which of them is meant, only a person can say: the first or the last would be a guess at whose number it is, or
/// at what the person consented to.
pub(super) fn several(profile: &Profile, view: View<'_>, fill: &Fill) -> Option<(Column, usize)> {
    let of_column = |column: Column| view.several(profile, column).map(|count| (column, count));
    let of_value = match &fill.from {
        From::Column(_) if takes_several(fill) => None,
        From::Column(column) => of_column(*column),
        From::Columns(columns, _) => columns.iter().copied().find_map(of_column),
        From::Given(column, _) | From::Family(column, _) => of_column(*column),
        From::Constant(_) => None,
    };
    of_value.or_else(|| fill.words.and_then(of_column))
}

/// A list's field, and the date of an event whose cell is split.
fn takes_several(fill: &Fill) -> bool {
    fill.field.path().ends_with("[]") || fill.split.is_some()
}

/// A value of one column, or of several joined; blank ones are left out.
pub(super) fn joined(profile: &Profile, view: View<'_>, from: &From) -> Option<String> {
    match from {
        From::Column(column) => view.first(profile, *column),
        From::Columns(columns, join) => {
            let parts: Vec<_> = columns.iter().filter_map(|column| view.first(profile, *column)).collect();
            (!parts.is_empty()).then(|| parts.join(join))
        }
        From::Constant(constant) => Some(constant.clone()),
        From::Given(..) | From::Family(..) => None,
    }
}

/// Given names and family name.
pub(super) fn split_name(name: &str, order: NameOrder) -> Option<(String, String)> {
    let (given, family) = match order {
        NameOrder::FamilyGiven => name.split_once(',').map(|(family, given)| (given, family))?,
        NameOrder::GivenFamily => name.trim().rsplit_once(' ')?,
    };
    Some((given.trim().to_owned(), family.trim().to_owned()))
}
