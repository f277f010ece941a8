//! Who a parcel is about, at the endpoint: found by NHS number, and held against everything we know before anything is
//! written.
//!
//! The search goes by POST, so that the number stands in no URL. Invariant: only a Patient that is the only one, is
//! the same person by number, family name and whole date of birth, is in use, alive and unrestricted, and whose
//! practice is the referral's and the endpoint's, gives an id. Next: [`super::fill`].

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::event::{NhsNumber, OdsCode};
use crate::outbox::{Outcome, Reason, Subject};
use crate::tree::Node;

use super::base::Base;
use super::classify;
use super::client::Client;
use super::search;

/// Why there is no Patient to write about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotResolved {
    /// It must wait for a person.
    Held(Reason),
    /// The attempt ends here.
    Ended(Outcome),
}

impl From<Outcome> for NotResolved {
    fn from(outcome: Outcome) -> Self {
        Self::Ended(outcome)
    }
}

impl From<Reason> for NotResolved {
    fn from(reason: Reason) -> Self {
        Self::Held(reason)
    }
}

/// The id of the Patient. `practices` are those the endpoint serves; empty: every practice.
///
/// # Errors
/// [`NotResolved`]: why not.
pub async fn resolve(
    client: &Client,
    subject: &Subject,
    practices: &[String],
    now: jiff::Timestamp,
) -> Result<String, NotResolved> {
    let number = subject.nhs_number.as_deref().ok_or(Reason::NeedsIdentity)?;
    if subject.families.is_empty() || subject.birth_date.is_none() {
        return Err(Reason::DetailsMissing.into());
    }
    let matches = search::by_identifier(client, "Patient", NhsNumber::SYSTEM, number, now).await?;
    let patient = matches.only(Reason::PatientSeveral)?.ok_or(Reason::PatientNotFound)?;
    let id = identity(&patient, subject)?;
    let codes = practice_codes(client, &patient, now).await?;
    practice(&codes, subject, practices)?;
    Ok(id)
}

/// Holds a Patient against what we know of the person. Pure.
///
/// # Errors
/// The reason why nothing may be written about it.
pub fn identity(patient: &Node, subject: &Subject) -> Result<String, Reason> {
    let id = patient.get("id").and_then(Node::as_str).filter(|id| super::base::is_id(id));
    let id = id.ok_or(Reason::PatientNotFound)?;
    if list(patient.path("meta.security")).iter().any(is_restricting) {
        return Err(Reason::PatientRestricted);
    }
    let is_replaced = |link: &Node| link.get("type").and_then(Node::as_str) == Some("replaced-by");
    if patient.get("active").and_then(Node::as_bool) == Some(false)
        || list(patient.get("link")).iter().any(is_replaced)
    {
        return Err(Reason::PatientInactive);
    }
    if !same_number(patient, subject) {
        return Err(Reason::OtherPerson);
    }
    same_person(patient, subject)?;
    let is_dead = patient.get("deceasedBoolean").and_then(Node::as_bool) == Some(true)
        || patient.get("deceasedDateTime").is_some_and(|when| !when.is_null());
    if is_dead {
        return Err(Reason::PatientDeceased);
    }
    Ok(id.to_owned())
}

/// Every NHS number that is not marked old is the one asked for.
fn same_number(patient: &Node, subject: &Subject) -> bool {
    let is_current = |identifier: &&Node| {
        identifier.get("system").and_then(Node::as_str) == Some(NhsNumber::SYSTEM)
            && identifier.get("use").and_then(Node::as_str) != Some("old")
    };
    let mut numbers = list(patient.get("identifier")).iter().filter(is_current).peekable();
    let wanted = subject.nhs_number.as_deref();
    numbers.peek().is_some()
        && wanted.is_some()
        && numbers.all(|identifier| identifier.get("value").and_then(Node::as_str) == wanted)
}

fn same_person(patient: &Node, subject: &Subject) -> Result<(), Reason> {
    let theirs =
        patient.get("birthDate").and_then(Node::as_str).filter(|date| date.len() == "2000-01-01".len());
    let families: Vec<String> = list(patient.get("name"))
        .iter()
        .filter_map(|name| name.get("family")?.as_str())
        .map(fold_name)
        .filter(|family| !family.is_empty())
        .collect();
    let (Some(theirs), Some(ours), false) = (theirs, subject.birth_date.as_deref(), families.is_empty())
    else {
        return Err(Reason::DetailsMissing);
    };
    let same_family = subject.families.iter().any(|family| families.contains(&fold_name(family)));
    if theirs == ours && same_family { Ok(()) } else { Err(Reason::OtherPerson) }
}

/// A family name without case, diacritics, spaces and hyphens.
#[must_use]
pub fn fold_name(name: &str) -> String {
    let lower = name.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase);
    let mut folded = String::with_capacity(name.len());
    for letter in lower.filter(|c| !is_combining_mark(*c)) {
        match letter {
            // Letters with a stroke or a tail have no decomposition in Unicode.
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' | 'ð' => folded.push('d'),
            'ħ' => folded.push('h'),
            'ı' => folded.push('i'),
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'þ' => folded.push_str("th"),
            '\u{2019}' | '\u{2018}' | '\u{02BC}' | '`' => folded.push('\''),
            letter if letter.is_whitespace() || is_hyphen(letter) => {}
            letter => folded.push(letter),
        }
    }
    folded
}

const fn is_hyphen(letter: char) -> bool {
    matches!(letter, '-' | '\u{00AD}' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// Confidentiality above the normal, in the words of HL7 and of PDS.
fn is_restricting(label: &Node) -> bool {
    const WORDS: [&str; 5] = ["R", "V", "restricted", "very-restricted", "redacted"];
    let code = label.get("code").and_then(Node::as_str).unwrap_or_default();
    WORDS.iter().any(|word| word.eq_ignore_ascii_case(code))
}

/// Holds the ODS codes behind the Patient's practice against the referral's and the endpoint's. Pure.
///
/// # Errors
/// [`Reason::PracticeUnknown`]: absent, another, or not served here.
pub fn practice(codes: &[String], subject: &Subject, practices: &[String]) -> Result<(), Reason> {
    let is_ours =
        |code: &&String| subject.practice.as_ref().is_none_or(|ours| ours.eq_ignore_ascii_case(code));
    let is_served = |code: &&String| {
        practices.is_empty() || practices.iter().any(|served| served.eq_ignore_ascii_case(code))
    };
    if codes.iter().any(|code| is_ours(&code) && is_served(&code)) {
        Ok(())
    } else {
        Err(Reason::PracticeUnknown)
    }
}

/// Where `Patient.generalPractitioner` leads: ODS codes, by logical identifier or by reading what it names.
async fn practice_codes(
    client: &Client,
    patient: &Node,
    now: jiff::Timestamp,
) -> Result<Vec<String>, Outcome> {
    let mut codes = Vec::new();
    for reference in list(patient.get("generalPractitioner")).iter().take(MOST_PRACTICES) {
        let mut reference = reference.clone();
        // A PractitionerRole leads to its Organization; there is no third step.
        for _ in 0..2 {
            if let Some(code) = reference.get("identifier").and_then(ods_code) {
                codes.push(code);
                break;
            }
            let Some(path) = readable(client.base(), &reference) else { break };
            let Some(resource) = read(client, &path, now).await? else { break };
            codes.extend(list(resource.get("identifier")).iter().filter_map(ods_code));
            let Some(organization) = resource.get("organization") else { break };
            reference = organization.clone();
        }
    }
    Ok(codes)
}

/// More practices than a person has.
const MOST_PRACTICES: usize = 4;

fn ods_code(identifier: &Node) -> Option<String> {
    let is_ods = identifier.get("system").and_then(Node::as_str) == Some(OdsCode::SYSTEM);
    is_ods.then(|| identifier.get("value").and_then(Node::as_str).map(str::to_owned))?
}

fn readable(base: &Base, reference: &Node) -> Option<String> {
    let found = base.literal(reference.get("reference")?.as_str()?)?;
    let leads = matches!(found.resource_type.as_str(), "Organization" | "PractitionerRole");
    leads.then(|| format!("{}/{}", found.resource_type, found.id))
}

/// A resource, or nothing where the endpoint does not give it.
async fn read(client: &Client, path: &str, now: jiff::Timestamp) -> Result<Option<Node>, Outcome> {
    let answer = client.get(path).await.map_err(classify::unread)?;
    match answer.status {
        200..=299 => answer.json().map(Some).ok_or(classify::unavailable(answer.status)),
        403 | 404 | 410 => Ok(None),
        _ => Err(classify::refused_reading(&answer, now)),
    }
}

fn list(node: Option<&Node>) -> &[Node] {
    node.and_then(Node::as_array).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Limits, json};

    fn subject() -> Subject {
        Subject {
            nhs_number: Some("9990000018".into()),
            families: vec!["Ŵyn-Öz".into(), "Powell".into()],
            birth_date: Some("1964-09-23".into()),
            practice: Some("Z99961".into()),
        }
    }

    const PATIENT: &str = r#"{"resourceType":"Patient","id":"7","active":true,
        "identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990000018"}],
        "name":[{"family":"WYN ÖZ"}],"birthDate":"1964-09-23"}"#;

    fn judged(from: &str, to: &str) -> Result<String, Reason> {
        assert!(PATIENT.contains(from), "{from}");
        let patient = json::parse(PATIENT.replacen(from, to, 1).as_bytes(), &Limits::default()).unwrap();
        identity(&patient, &subject())
    }

    #[test]
    fn the_same_person_is_known_by_number_name_and_birth() {
        assert_eq!(judged("", ""), Ok("7".into()));
        assert_eq!(judged("WYN ÖZ", "powell"), Ok("7".into()));
        let two_names = r#"[{"family":"Other"},{"use":"maiden","family":"wyn‐oz"}]"#;
        assert_eq!(judged(r#"[{"family":"WYN ÖZ"}]"#, two_names), Ok("7".into()));
        let old = r#"[{"system":"https://fhir.nhs.uk/Id/nhs-number","use":"old","value":"9990000026"},"#;
        assert_eq!(
            judged(
                "[{\"system\":\"https://fhir.nhs.uk/Id/nhs-number\",\"value\"",
                &format!("{old}{{\"system\":\"https://fhir.nhs.uk/Id/nhs-number\",\"value\"")
            ),
            Ok("7".into())
        );
    }

    #[test]
    fn every_doubt_has_its_reason() {
        for (from, to, expected) in [
            ("1964-09-23", "1964-09-24", Reason::OtherPerson),
            ("1964-09-23", "1964-09", Reason::DetailsMissing),
            (r#","birthDate":"1964-09-23""#, "", Reason::DetailsMissing),
            ("WYN ÖZ", "Wynoza", Reason::OtherPerson),
            ("WYN ÖZ", " - ", Reason::DetailsMissing),
            (r#""family""#, r#""text""#, Reason::DetailsMissing),
            ("9990000018", "9990000026", Reason::OtherPerson),
            ("https://fhir.nhs.uk/Id/nhs-number", "https://other.example", Reason::OtherPerson),
            (
                "[{\"system\"",
                r#"[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990000026"},{"system""#,
                Reason::OtherPerson,
            ),
            ("true", "false", Reason::PatientInactive),
            (r#""active":true"#, r#""link":[{"type":"replaced-by"}]"#, Reason::PatientInactive),
            (r#""active":true"#, r#""deceasedBoolean":true"#, Reason::PatientDeceased),
            (r#""active":true"#, r#""deceasedDateTime":"2026-01-01""#, Reason::PatientDeceased),
            (r#""active":true"#, r#""meta":{"security":[{"code":"R"}]}"#, Reason::PatientRestricted),
            (
                r#""active":true"#,
                r#""meta":{"security":[{"code":"U"},{"code":"restricted"}]}"#,
                Reason::PatientRestricted,
            ),
        ] {
            assert_eq!(judged(from, to), Err(expected), "{to}");
        }
        for harmless in [
            r#""deceasedBoolean":false"#,
            r#""link":[{"type":"replaces"}]"#,
            r#""meta":{"security":[{"code":"U"}]}"#,
        ] {
            assert_eq!(judged(r#""active":true"#, harmless), Ok("7".into()), "{harmless}");
        }
    }

    #[test]
    fn names_are_folded_as_little_as_the_rule_says() {
        for (one, other) in [
            ("O’Brien", "O'BRIEN"),
            ("Smith-Jones", "smith jones"),
            ("Łukasiewicz", "LUKASIEWICZ"),
            ("Strauß", "STRAUSS"),
            ("İnan", "inan"),
            ("Ångström", "Angstrom"),
        ] {
            assert_eq!(fold_name(one), fold_name(other), "{one}");
        }
        for (one, other) in [("Smith", "Smyth"), ("Brien", "O'Brien"), ("Jones", "Joness")] {
            assert_ne!(fold_name(one), fold_name(other), "{one}");
        }
    }

    #[test]
    fn the_practice_must_be_known_on_all_sides() {
        let is_known = |codes: &[&str], served: &[&str]| {
            let list = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
            practice(&list(codes), &subject(), &list(served)).is_ok()
        };
        assert!(is_known(&["Z99961"], &[]));
        assert!(is_known(&["z99961"], &["Z99961"]));
        assert!(is_known(&["Z99900", "Z99961"], &[]));
        assert!(!is_known(&[], &[]));
        assert!(!is_known(&["Z99900"], &[]));
        assert!(!is_known(&["Z99961"], &["Z99900"]));
        // Served, but not the referral's; the referral's, but not served.
        assert!(!is_known(&["Z99900", "Z99961"], &["Z99900"]));
    }
}
