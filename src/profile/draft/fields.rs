//! The `[fields]` of a draft: what holds for the whole referral.
//!
//! What it is: one line for each field whose column was found, and a remark for each that matters and was not. What it is
//! not: events, which are [`super::events`]'. Invariant: the case number and the kind of service are never guessed. Next:
//! [`super::events`].

use super::words::{dated, key, quoted};
use super::{Placed, Propose, Writer, has};
use crate::event::field::{Field, Kind};
use crate::profile::sample::SampleColumn;
use crate::profile::synonyms::Role;
use crate::profile::{sniff, value_words};

impl Writer<'_> {
    pub(super) fn fields(&mut self, placed: &[Placed<'_>], records: usize) {
        self.line("\n[fields]");
        self.referral_id(placed, records);
        if let Some(column) = has(placed, Role::FullName) {
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
        if has(placed, Role::Field(Field::ServiceKind)).is_none() {
            self.line("\"service.kind\" = { constant = \"?\" }");
        }
        for (field, what) in [
            (Field::NhsNumber, "the NHS number: no referral can be matched to a person"),
            (Field::PracticeOds, "the ODS code of the person's practice: nothing can be routed"),
            (Field::ReferrerKind, "who referred: consent rules depend on it"),
            (Field::ConsentShare, "what the person shares: only codes, or nothing, can be sent"),
        ] {
            if has(placed, Role::Field(field)).is_none() {
                self.line(format!("# No column seems to hold {what} ({}).", field.path()));
            }
        }
    }

    /// The column that numbers the cases; when no heading says so, those that could.
    fn referral_id(&mut self, placed: &[Placed<'_>], records: usize) {
        if let Some(column) = has(placed, Role::Field(Field::ReferralId)) {
            if sniff::are_nhs_numbers(&column.values) {
                self.line("# These look like NHS numbers, which never leave as case numbers: give each run --opaque-key.");
            }
            self.line(format!("referral_id = {}", quoted(&column.name)));
            return;
        }
        let differs = |here: &&Placed<'_>| {
            let mut values: Vec<&String> = here.column.values.iter().collect();
            values.sort_unstable();
            values.dedup();
            let is_free = here.role.is_none_or(|role| role == Role::Field(Field::LocalId));
            records > 0 && values.len() == records && is_free && sniff::dates(&here.column.values).is_none()
        };
        let names: Vec<String> =
            placed.iter().filter(differs).map(|here| quoted(&here.column.name)).collect();
        let which = match names.as_slice() {
            [] => "the column that numbers the cases; none seems to, so ask for one in the export".to_owned(),
            names => {
                format!("the column that numbers the cases; {} differs in every record", names.join(" or "))
            }
        };
        self.line(format!("referral_id = \"?\" # decide: {which}"));
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
}
