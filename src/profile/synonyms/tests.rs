//! The table of synonyms, held against headings that people write.

use std::collections::BTreeMap;

use super::*;

/// A heading, and the role it must get; nothing where it must get none.
const HEADINGS: &[(&str, &str)] = &[
    ("Case Ref", "referral_id"),
    ("CASE REFERENCE", "referral_id"),
    ("Case No.", "referral_id"),
    ("Ref", "referral_id"),
    ("Ref.", "referral_id"),
    ("Referral ID", "referral_id"),
    ("CaseID", "referral_id"),
    ("@ref", "referral_id"),
    ("Client ID", "person.local_id"),
    ("Patient ref", "person.local_id"),
    ("NHS No", "person.nhs_number"),
    ("NHS No.", "person.nhs_number"),
    ("NHS Number", "person.nhs_number"),
    ("NHSNumber", "person.nhs_number"),
    ("nhs_number", "person.nhs_number"),
    ("Client / NHS no.", "person.nhs_number"),
    ("NHS number (10 digits)", "person.nhs_number"),
    ("client.nhsNumber.@status", "person.nhs_number_status"),
    ("Forename", "person.given"),
    ("Forename(s)", "person.given"),
    ("First name", "person.given"),
    ("FirstName", "person.given"),
    ("Surname", "person.family"),
    ("Surname/Last name", "person.family"),
    ("Last name", "person.family"),
    ("Client / Surname", "person.family"),
    ("Title", "person.prefix"),
    ("Known as", "person.preferred_name"),
    ("Name", "person.name"),
    ("Client name", "person.name"),
    ("Name of patient", "person.name"),
    ("DOB", "person.birth_date"),
    ("D.O.B", "person.birth_date"),
    ("D.O.B.", "person.birth_date"),
    ("DoB", "person.birth_date"),
    ("Date of Birth", "person.birth_date"),
    ("DOB (dd/mm/yyyy)", "person.birth_date"),
    ("Gender", "person.gender"),
    ("Sex", "person.gender"),
    ("Ethnic group", "person.ethnicity"),
    ("Address", "person.address_lines"),
    ("Address Line 2", "person.address_lines"),
    ("Town/City", "person.city"),
    ("Postcode", "person.postcode"),
    ("Post code", "person.postcode"),
    ("PostCode", "person.postcode"),
    ("Tel", "person.phone"),
    ("Tel.", "person.phone"),
    ("Tel No", "person.phone"),
    ("Telephone number", "person.phone"),
    ("Contact number", "person.phone"),
    ("Mobile", "person.mobile"),
    ("Mobile no.", "person.mobile"),
    ("E-mail", "person.email"),
    ("GP", "person.practice_name"),
    ("GP Surgery", "person.practice_name"),
    ("Registered practice", "person.practice_name"),
    ("GP practice code", "person.practice_ods"),
    ("Surgery Code", "person.practice_ods"),
    ("ODS", "person.practice_ods"),
    ("Interpreter needed?", "person.communication_needs"),
    ("Referred by", "referrer.kind"),
    ("ReferrerType", "referrer.kind"),
    ("Source of referral", "referrer.kind"),
    ("Referrer Name", "referrer.name"),
    ("Referring GP", "referrer.name"),
    ("Referring organisation", "referrer.organisation_name"),
    ("Consent to share?", "consent.share"),
    ("Consent to share with GP (Y/N)", "consent.share"),
    ("Date of consent", "consent.date"),
    ("Risk", "risk"),
    ("Priority", "priority"),
    ("Date in", "date:referred"),
    ("Date received", "date:referred"),
    ("Received", "date:referred"),
    ("Date rec'd", "date:referred"),
    ("Referral date", "date:referred"),
    ("Date of referral", "date:referred"),
    ("Date accepted", "date:accepted"),
    ("Contact / First", "date:contacted"),
    ("1st contact", "date:contacted"),
    ("First contact date", "date:contacted"),
    ("Appointment dates", "date:attended"),
    ("Date of assessment", "date:assessed"),
    ("Date closed", "end-date"),
    ("Closed on", "end-date"),
    ("Discharge / Date", "end-date"),
    ("Case closed date", "end-date"),
    ("Closure reason", "end-reason"),
    ("Reason for closure", "end-reason"),
    ("Outcome", "end-reason"),
    ("How closed", "end-reason"),
    ("Other issues", "need"),
    ("Main issue", "need"),
    ("Presenting issue", "need"),
    ("Reason 1", "need"),
    ("Reason 3", "need"),
    ("Need 3", "need"),
    ("Need2", "need"),
    ("Issue 4", "need"),
    ("Reason for referral", "need"),
    ("Reason SNOMED", "need-code"),
    ("SNOMED code", "need-code"),
    ("Contact method", "contact-mode"),
    ("Status", "status"),
    ("DNAs", "missed"),
    ("No. of DNAs", "missed"),
    ("ONS4 Happy Start", "score"),
    ("PHQ-9", "score"),
    ("Notes", "note"),
    ("Message to GP", "message"),
    ("Link Worker", "nothing"),
    ("Last modified by", "nothing"),
    ("Date", "at"),
    ("Referral / Why", "need"),
    ("client.born", "person.birth_date"),
    ("referral.accepted", "date:accepted"),
    ("Client / Name", "person.name"),
    ("worker.id", ""),
    ("Hamster", ""),
    ("Worker ID", ""),
    ("Case conference", ""),
];

fn role(name: &str) -> Option<Role> {
    let line = TABLE.lines().find(|line| line.split('\t').next() == Some(name));
    line.and_then(|line| super::line(line).first().map(|synonym| synonym.role))
}

#[test]
fn headings_are_understood() {
    let mut wrong = Vec::new();
    for (heading, name) in HEADINGS {
        let (wanted, found) = (role(name), roles(heading).first().map(|(role, _)| *role));
        assert!(name.is_empty() || wanted.is_some(), "{name} is not in the table");
        if wanted != found {
            wrong.push(format!("{heading}: {found:?}, not {wanted:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_line_is_read_and_every_synonym_stands_once() {
    let mut seen: BTreeMap<String, Vec<Role>> = BTreeMap::new();
    for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
        let synonyms = super::line(line);
        assert!(!synonyms.is_empty(), "{line}");
        for synonym in synonyms {
            let words = synonym.words.join(" ");
            assert_eq!(words, super::words(&words).join(" "), "not as headings are compared");
            seen.entry(words).or_default().push(synonym.role);
        }
    }
    // Below a list `service` is another service; for a record it is its own.
    seen.retain(|_, roles| roles.len() > 1 && !roles.contains(&Role::OtherService));
    assert!(seen.is_empty(), "{seen:?}");
}

#[test]
fn words_are_taken_apart() {
    assert_eq!(words("person.nhsNumber (text)"), ["person", "nhs", "number", "text"]);
    assert_eq!(words("NHSNumber"), ["nhs", "number"]);
    assert_eq!(words("DNAs"), ["dnas"]);
    assert_eq!(words("GPs seen"), ["gps", "seen"]);
    assert_eq!(words("NHSNo"), ["nhs", "no"]);
}
