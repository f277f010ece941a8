//! Which column of a sample is for what: headings propose, values decide.
//!
//! What it is: one pass from the surest proposal to the least. Invariant: a column has one role at most, and a role
//! that is not a list one column. Next: [`super::draft`], which writes it down.

use crate::event::field::Field;
use crate::event::kinds::EventType;

use super::sample::{Sample, SampleColumn};
use super::sniff;
use super::synonyms::{Role, roles, words};

/// A column with its role.
pub(super) struct Placed<'a> {
    /// The column.
    pub(super) column: &'a SampleColumn,
    /// Its role, when one was found.
    pub(super) role: Option<Role>,
}

/// Places every column that is not below a repeated object, or only those below one.
pub(super) fn place<'a>(sample: &'a Sample, below: Option<&str>) -> Vec<Placed<'a>> {
    // A repeated object's own text is part of the object.
    let of_here = |column: &&SampleColumn| {
        sample.repeated_above(&column.name) == below && !sample.repeats.contains(&*column.name)
    };
    let columns: Vec<&SampleColumn> = sample.columns.iter().filter(of_here).collect();
    let mut proposals: Vec<(usize, usize, Role)> = Vec::new();
    for (at, column) in columns.iter().enumerate() {
        let heading = below.and_then(|outer| column.name.strip_prefix(outer)).unwrap_or(&column.name);
        proposals.extend(roles(heading).into_iter().filter_map(|(role, sure)| {
            let role = by_values(role, &column.values)?;
            // What belongs to an event in a list has no meaning outside one, and the other way round.
            let of_lists = matches!(role, Role::For | Role::OtherService | Role::Goal);
            let of_records = matches!(
                role,
                Role::Field(_) | Role::Date(_) | Role::EndDate | Role::Status | Role::FullName
            );
            (!(below.is_none() && of_lists || below.is_some() && of_records)).then_some((sure, at, role))
        }));
        if below.is_none() {
            let by_look = [
                (sniff::are_nhs_numbers(&column.values), 500, Field::NhsNumber),
                (sniff::are_practices(&column.values), 15, Field::PracticeOds),
                (sniff::are_postcodes(&column.values), 15, Field::Postcode),
            ];
            proposals.extend(
                by_look
                    .into_iter()
                    .filter(|(looks, ..)| *looks)
                    .map(|(_, sure, field)| (sure, at, Role::Field(field))),
            );
        }
    }
    // Stable: of equals the first column, and of one column its likeliest role.
    proposals.sort_by_key(|(sure, ..)| std::cmp::Reverse(*sure));
    let mut placed: Vec<Placed<'a>> =
        columns.into_iter().map(|column| Placed { column, role: None }).collect();
    for (_, at, role) in proposals {
        let taken = !is_list(role) && placed.iter().any(|other| other.role == Some(role));
        if let Some(here) = placed.get_mut(at).filter(|here| here.role.is_none() && !taken) {
            here.role = Some(role);
        }
    }
    settle(&mut placed, below.is_some());
    placed
}

/// A role as the values allow it.
fn by_values(role: Role, values: &[String]) -> Option<Role> {
    let are_dates = || sniff::dates(values).is_some();
    let fits = values.is_empty()
        || match role {
            Role::Date(_) | Role::EndDate | Role::At => are_dates(),
            Role::Field(Field::BirthDate | Field::ConsentDate | Field::RecordedAt) => are_dates(),
            Role::Field(Field::PracticeName) if sniff::are_practices(values) => {
                return Some(Role::Field(Field::PracticeOds));
            }
            // No field holds the name of a person's own GP.
            Role::Field(Field::PracticeName) => !sniff::are_titled(values) && !are_dates(),
            Role::Field(Field::ReferrerKind)
                if sniff::are_titled(values) || sniff::list(values).is_none() =>
            {
                return Some(Role::Field(Field::ReferrerName));
            }
            Role::Field(Field::PracticeOds) => sniff::are_practices(values),
            Role::Field(Field::Protected) => sniff::are_yes_no(values),
            Role::Missed => sniff::are_integers(values),
            Role::What | Role::EndReason | Role::Status => sniff::list(values).is_some() && !are_dates(),
            Role::Note | Role::Nothing => true,
            _ => !are_dates(),
        };
    fits.then_some(role)
}

const fn is_list(role: Role) -> bool {
    matches!(
        role,
        Role::Need
            | Role::NeedCode
            | Role::Score
            | Role::Nothing
            | Role::Date(EventType::Contacted | EventType::Attended)
            | Role::Field(Field::AddressLine)
    )
}

/// What only shows when all columns are seen.
fn settle(placed: &mut [Placed<'_>], is_below: bool) {
    // A first and a last contact are often one contact; counted twice it would be two.
    let is_contact = |here: &Placed<'_>, word: &str| {
        here.role == Some(Role::Date(EventType::Contacted))
            && words(&here.column.name).iter().any(|w| w == word)
    };
    if placed.iter().any(|here| is_contact(here, "first")) {
        placed
            .iter_mut()
            .filter(|here| is_contact(here, "last"))
            .for_each(|here| here.role = Some(Role::Nothing));
    }
    let has = |role: Role| placed.iter().any(|other| other.role == Some(role));
    let mut unwanted = Vec::new();
    // A whole name beside its parts is one too many.
    if has(Role::Field(Field::FamilyName)) {
        unwanted.push(Role::FullName);
    }
    let is_log = has(Role::What) && has(Role::At) && has(Role::Field(Field::EventId));
    if !is_below && !is_log {
        unwanted.extend([
            Role::What,
            Role::At,
            Role::Field(Field::EventId),
            Role::Field(Field::TargetEventId),
        ]);
    }
    for here in placed.iter_mut().filter(|here| here.role.is_some_and(|role| unwanted.contains(&role))) {
        here.role = None;
    }
}
