//! Sets one field from its fill: through the value map, as a code, as words, or as it stands.
//!
//! What it is not: the check of the value itself, which is [`crate::event::build`]'s. Invariant: a word that the value map
//! does not list is never taken for one that it does. Next: [`super::value`].

use std::borrow::Cow;

use super::value::{each_value, several, split_name};
use crate::event::blank::trim;
use crate::event::build::{Draft, Raw, Reading};
use crate::event::field::{Field, Kind};
use crate::event::issue::kind_of;
use crate::event::{Issue, IssueCode, Term};
use crate::profile::compile::{Fill, From, Profile};
use crate::profile::values::ValueMap;
use crate::profile::view::{NO_PLACE, Value, View};

/// Sets a field from its fill.
pub(in crate::profile) fn set(
    profile: &Profile,
    view: View<'_>,
    fill: &Fill,
    draft: &mut Draft,
    reading: &mut Reading<'_>,
) {
    if let Some(term) = &fill.term {
        draft.set(fill.field, fill.index, Raw::Term(term.clone()), NO_PLACE, None, reading);
        return;
    }
    if let Some((column, count)) = several(profile, view, fill) {
        reading.report(IssueCode::SeveralValues, column, different(count));
        return;
    }
    if let From::Given(column, order) | From::Family(column, order) = fill.from
        && view.first(profile, column).is_some_and(|name| split_name(&name, order).is_none())
    {
        // Said once, for the family name. Who has no family name on record is for a person to match.
        if fill.field == Field::FamilyName {
            let at = reading.places.position(column);
            let found = "a name that is not written as name_order states";
            reading.issues.push(Issue::new(IssueCode::WrongShape, at, found).softened());
        }
        return;
    }
    let is_constant = matches!(fill.from, From::Constant(_));
    let words = fill.words.and_then(|column| view.first(profile, column));
    let mut coded = false;
    each_value(profile, view, fill, &mut |value, column| {
        coded = true;
        let place = if is_constant { NO_PLACE } else { column };
        let text = match &value {
            Value::Text(Cow::Borrowed(text)) => Cow::Borrowed(trim(text)),
            Value::Text(Cow::Owned(text)) => Cow::Owned(trim(text).to_owned()),
            // Exports write ids as numbers; an NHS number that was a number has lost what tells it is whole.
            Value::Number(text) if fill.field != Field::NhsNumber => Cow::Borrowed(*text),
            Value::Bool(value) => Cow::Borrowed(if *value { "true" } else { "false" }),
            _ => {
                draft.set(fill.field, fill.index, raw(value), place, fill.date.as_ref(), reading);
                return;
            }
        };
        let raw = match (fill.field.kind(), &fill.values) {
            (Kind::Term(_), values) => {
                Raw::Term(term(text.into_owned(), values.as_deref(), fill, words.clone(), is_constant))
            }
            (_, None) => match value {
                Value::Number(_) if matches!(fill.field.kind(), Kind::Scalar | Kind::Integer) => {
                    self::raw(value)
                }
                _ => Raw::Text(text),
            },
            (_, Some(values)) => match (values.get(&text), &fill.otherwise) {
                (Some(entry), _) => Raw::Text(entry.word.as_deref().map_or(text, Cow::Borrowed)),
                (None, Some(otherwise)) => Raw::Text(Cow::Borrowed(otherwise)),
                (None, None) => {
                    reading.report(
                        IssueCode::ValueNotMapped,
                        place,
                        format!("{}; map: values.{}", kind_of(&text), values.name),
                    );
                    return;
                }
            },
        };
        draft.set(fill.field, fill.index, raw, place, fill.date.as_ref(), reading);
    });
    // Words whose code was left blank are still what the source said.
    if let (false, Some(words)) = (coded, words) {
        let place = fill.words.unwrap_or(NO_PLACE);
        let raw = Raw::Term(term(
            words,
            fill.values.as_deref(),
            &Fill { system: None, ..fill.clone() },
            None,
            false,
        ));
        draft.set(fill.field, fill.index, raw, place, None, reading);
    }
}

/// How many values there are, without saying them.
pub(super) fn different(count: usize) -> String {
    format!("{count} different values")
}

/// A term out of a cell: through the value map, as a code, or as words.
fn term(
    text: String,
    values: Option<&ValueMap>,
    fill: &Fill,
    words: Option<String>,
    is_constant: bool,
) -> Term {
    if let Some((key, entry)) = values.and_then(|values| values.find(&text)) {
        return Term {
            // The spelling that a person reviewed, so that "Debt" and "debt " are one reason and not two.
            text: Some(entry.text.clone().unwrap_or_else(|| key.to_owned())),
            code: entry.code.clone(),
            system: entry.system.as_deref().and_then(crate::event::term::TermSystem::parse),
            controlled: true,
            sensitive: entry.sensitive,
            selected: false,
        };
    }
    match fill.system {
        Some(system) => {
            Term { text: words, code: Some(text), system: Some(system), selected: true, ..Term::default() }
        }
        None => Term { text: Some(text), controlled: is_constant, ..Term::default() },
    }
}

pub(super) fn raw(value: Value<'_>) -> Raw<'_> {
    match value {
        Value::Text(text) => Raw::Text(text),
        Value::Number(text) => Raw::Number(Cow::Borrowed(text)),
        Value::Bool(value) => Raw::Bool(value),
        // A list or an object where a value belongs is refused by whatever it is read as.
        Value::Other => Raw::Term(Term { code: Some(String::new()), ..Term::default() }),
    }
}
