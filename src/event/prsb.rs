//! The elements of the PRSB's Social Prescribing Information Standard, v1.1: where each is, and what is missing.
//!
//! The table is data (`prsb.tsv`). Elements with a field of their own are set there; any other may be named in
//! `record.prsb[]` by its path, is checked against the table, and is listed as not carried. What this is not:
//! the standard; value sets are named, not checked. Invariant: every mandatory leaf has a field. Next:
//! [`super::finish`], which checks paths.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::detail::Detail;
use super::field::Field;
use super::person::Record;

/// How binding an element is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obligation {
    /// Must be recorded.
    Mandatory,
    /// Recorded where it is known.
    Required,
    /// May be recorded.
    Optional,
}

/// Where an element is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// Typed fields of the event.
    Field(&'static [Field]),
    /// A group whose parts have fields; the FHIR element they are in.
    Fhir(&'static str),
    /// Nowhere: its value is listed, not sent.
    NotCarried,
}

/// One element of the standard.
#[derive(Debug)]
pub struct Element {
    /// Its path: names from the heading down, joined by ` > `.
    pub path: &'static str,
    /// How binding it is.
    pub obligation: Obligation,
    /// How often it may occur, as the standard writes it (`0..*`).
    pub cardinality: &'static str,
    /// The value set it names; empty where it names none.
    pub value_set: &'static str,
    fields: Vec<Field>,
    fhir: &'static str,
}

impl Element {
    /// Where it is here.
    #[must_use]
    pub fn home(&'static self) -> Home {
        match (self.fields.as_slice(), self.fhir) {
            ([], "") => Home::NotCarried,
            ([], fhir) => Home::Fhir(fhir),
            (fields, _) => Home::Field(fields),
        }
    }
}

/// Every element, in the standard's order.
pub static ELEMENTS: LazyLock<Vec<Element>> = LazyLock::new(|| {
    include_str!("prsb.tsv").lines().filter(|line| !line.starts_with('#')).filter_map(element).collect()
});

static BY_PATH: LazyLock<HashMap<&'static str, usize>> =
    LazyLock::new(|| ELEMENTS.iter().enumerate().map(|(index, element)| (element.path, index)).collect());

fn element(line: &'static str) -> Option<Element> {
    let mut cells = line.split('\t');
    let (path, obligation) = (cells.next()?, cells.next()?);
    let (cardinality, value_set, home) = (cells.next()?, cells.next()?, cells.next()?);
    let obligation = match obligation {
        "M" => Obligation::Mandatory,
        "R" => Obligation::Required,
        _ => Obligation::Optional,
    };
    let fields = home.strip_prefix("= ").unwrap_or_default();
    let fields = fields.split(',').filter_map(Field::parse).collect();
    Some(Element {
        path,
        obligation,
        cardinality,
        value_set,
        fields,
        fhir: home.strip_prefix("> ").unwrap_or_default(),
    })
}

/// Finds an element by its path, exactly as the standard writes it.
#[must_use]
pub fn find(path: &str) -> Option<&'static Element> {
    BY_PATH.get(path).and_then(|index| ELEMENTS.get(*index))
}

/// Where an element is here; nothing for a path the standard does not have.
#[must_use]
pub fn home(path: &str) -> Option<Home> {
    find(path).map(Element::home)
}

/// How complete a record is against the standard's mandatory elements.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completeness {
    /// Mandatory elements that are there.
    pub mandatory_present: usize,
    /// Paths of those that are not. A mandatory part of an optional element counts only where that is there.
    pub mandatory_missing: Vec<&'static str>,
}

/// A heading with every field that is at home at it or below it: what says that it is there.
struct Heading {
    path: &'static str,
    fields: Vec<Field>,
}

impl Heading {
    fn new(path: &'static str) -> Self {
        let below = ELEMENTS.iter().filter(|element| is_at_or_below(element.path, path));
        let mut fields: Vec<Field> = below.flat_map(|element| element.fields.iter().copied()).collect();
        fields.sort_unstable();
        fields.dedup();
        Self { path, fields }
    }

    fn is_there(&self, record: &Record, details: &[&Detail]) -> bool {
        self.fields.iter().any(|field| has(*field, record, details))
            || record.prsb.iter().any(|given| is_at_or_below(&given.path, self.path))
    }
}

fn is_at_or_below(path: &str, heading: &str) -> bool {
    path.strip_prefix(heading).is_some_and(|rest| rest.is_empty() || rest.starts_with(" > "))
}

/// The mandatory elements, each with the optional headings that must be there for it to count. Worked out once,
/// because every referral is held against them.
static MANDATORY: LazyLock<Vec<(Heading, Vec<Heading>)>> = LazyLock::new(|| {
    let mandatory = ELEMENTS.iter().filter(|element| element.obligation == Obligation::Mandatory);
    mandatory
        .map(|element| {
            let above = element.path.match_indices(" > ").filter_map(|(at, _)| find(element.path.get(..at)?));
            let optional = above.filter(|parent| parent.obligation != Obligation::Mandatory);
            (Heading::new(element.path), optional.map(|parent| Heading::new(parent.path)).collect())
        })
        .collect()
});

/// Holds a referral's record and its events' details against the standard.
#[must_use]
pub fn completeness(record: &Record, details: &[&Detail]) -> Completeness {
    let mut found = Completeness::default();
    for (element, optional) in &*MANDATORY {
        if element.is_there(record, details) {
            found.mandatory_present += 1;
        } else if optional.iter().all(|heading| heading.is_there(record, details)) {
            found.mandatory_missing.push(element.path);
        }
    }
    found
}

/// Whether a field that is some element's home has a value. Dates of events are not elements on their own: an
/// element is there when something more is said.
fn has(field: Field, record: &Record, details: &[&Detail]) -> bool {
    let (person, referrer, service) = (&record.person, &record.referrer, &record.service);
    let any = |test: fn(&Detail) -> bool| details.iter().any(|detail| test(detail));
    match field {
        Field::NhsNumber => person.nhs_number.is_some(),
        Field::NhsNumberStatus => person.nhs_number_status.is_some(),
        Field::LocalId => person.local_id.is_some(),
        Field::FamilyName => person.family.is_some(),
        Field::GivenName => !person.given.is_empty(),
        Field::NamePrefix => person.prefix.is_some(),
        Field::PreferredName => person.preferred_name.is_some(),
        Field::FormerFamily => !person.former_family.is_empty(),
        Field::BirthDate => person.birth_date.is_some(),
        Field::Gender => person.gender.is_some(),
        Field::Ethnicity => person.ethnicity.is_some(),
        Field::AddressLine => !person.address_lines.is_empty(),
        Field::City => person.city.is_some(),
        Field::Postcode => person.postcode.is_some(),
        Field::Phone => person.phone.is_some(),
        Field::Mobile => person.mobile.is_some(),
        Field::Email => person.email.is_some(),
        Field::PracticeOds => person.practice_ods.is_some(),
        Field::PracticeName => person.practice_name.is_some(),
        Field::CommunicationNeeds => person.communication_needs.is_some(),
        Field::SafeContact => person.safe_contact.is_some(),
        Field::SafePhone => person.safe_phone.is_some(),
        Field::ReferrerSource => referrer.source.is_some(),
        Field::ReferrerName => referrer.name.is_some(),
        Field::ReferrerRole => referrer.role.is_some(),
        Field::ReferrerOds => referrer.organisation_ods.is_some(),
        Field::ReferrerOrganisation => referrer.organisation_name.is_some(),
        Field::ReferrerPhone => referrer.phone.is_some(),
        Field::ReferrerEmail => referrer.email.is_some(),
        Field::ServiceKind => service.kind.is_some(),
        Field::ServiceName => service.name.is_some(),
        Field::ServiceOds => service.organisation_ods.is_some(),
        Field::ServiceOrganisation => service.organisation_name.is_some(),
        Field::ConsentShare => record.consent.is_some(),
        Field::Risk => record.risk.is_some(),
        Field::Reason => any(|d| !d.reasons.is_empty()),
        Field::Mode => any(|d| d.mode.is_some()),
        Field::ScoreMeasure | Field::ScoreValue => any(|d| !d.scores.is_empty()),
        Field::ScoreUnit => any(|d| d.scores.iter().any(|score| score.unit.is_some())),
        Field::ScorePartOf => any(|d| d.scores.iter().any(|score| score.part_of.is_some())),
        Field::Plan => any(|d| d.plan.is_some()),
        Field::Goal => any(|d| !d.goals.is_empty()),
        Field::Outcome => any(|d| d.outcome.is_some()),
        Field::ToName => any(|d| d.to.as_ref().is_some_and(|to| to.name.is_some())),
        Field::ToOds => any(|d| d.to.as_ref().is_some_and(|to| to.organisation_ods.is_some())),
        Field::ToOrganisation => any(|d| d.to.as_ref().is_some_and(|to| to.organisation_name.is_some())),
        Field::What => any(|d| d.what.is_some()),
        Field::Note => any(|d| d.note.is_some()),
        Field::Actions => any(|d| d.actions.is_some()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::person::PrsbElement;
    use crate::event::term::Term;

    #[test]
    fn the_table_is_the_standards() {
        assert_eq!((ELEMENTS.len(), BY_PATH.len()), (355, 355));
        let count = |of| ELEMENTS.iter().filter(|element| element.obligation == of).count();
        assert_eq!(
            (count(Obligation::Mandatory), count(Obligation::Required), count(Obligation::Optional)),
            (19, 314, 22)
        );
        for element in ELEMENTS.iter() {
            if let Some((parent, _)) = element.path.rsplit_once(" > ") {
                assert!(find(parent).is_some(), "{}", element.path);
            }
        }
    }

    #[test]
    fn every_home_is_a_field_and_every_mandatory_element_has_one() {
        for line in include_str!("prsb.tsv").lines().filter(|line| !line.starts_with('#')) {
            let home = line.split('\t').nth(4).unwrap();
            for path in home.strip_prefix("= ").unwrap_or_default().split(',').filter(|path| !path.is_empty())
            {
                assert!(Field::parse(path).is_some(), "{path}");
            }
        }
        for element in ELEMENTS.iter().filter(|element| element.obligation == Obligation::Mandatory) {
            assert_ne!(element.home(), Home::NotCarried, "{}", element.path);
        }
    }

    #[test]
    fn mandatory_parts_count_where_their_parent_is_there() {
        let mut record = Record::default();
        let nothing = completeness(&record, &[]);
        assert_eq!(nothing.mandatory_present, 0);
        assert!(!nothing.mandatory_missing.iter().any(|path| path.starts_with("Problem list")));
        assert!(nothing.mandatory_missing.contains(&"Person demographics > Date of birth"));
        assert!(!nothing.mandatory_missing.iter().any(|path| path.ends_with("Referrer details")));
        record.referrer.name = Some("Dr A Quill".into());
        record.risk = Some(Term::words("none known"));
        let some = completeness(&record, &[]);
        assert!(some.mandatory_missing.iter().any(|path| path.ends_with("Referrer details > Organisation")));
        assert!(!some.mandatory_missing.iter().any(|path| path.starts_with("Risks")));
        record.prsb.push(PrsbElement {
            path: "Problem list > Problem list record entry > Onset date".into(),
            value: "2025".into(),
        });
        let listed = completeness(&record, &[]);
        assert!(listed.mandatory_missing.iter().any(|path| path.ends_with("record entry > Problem")));
        let detail = Detail { reasons: vec![Term::words("lonely")], ..Detail::default() };
        let told = completeness(&record, &[&detail]);
        assert!(!told.mandatory_missing.iter().any(|path| path.starts_with("Problem list")));
    }
}
