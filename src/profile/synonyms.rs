//! What the headings of exports mean: data, one line a meaning.
//!
//! A heading is compared word by word, whatever its case and punctuation; `camelCase` is taken apart. The longest
//! synonym that stands in it decides, so "Referrer Name" is not a person's name. Next: [`super::draft`].

use crate::event::field::Field;
use crate::event::kinds::EventType;

/// What a column may be for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A field of the referral.
    Field(Field),
    /// A person's whole name.
    FullName,
    /// The date of an event.
    Date(EventType),
    /// The date of the end, whatever kind of end it was.
    EndDate,
    /// The reason of the end, which says what kind of end it was.
    EndReason,
    /// What happened: the type of an event in a log or a list.
    What,
    /// When it happened.
    At,
    /// A reason for referral.
    Need,
    /// A code for one.
    NeedCode,
    /// How a contact took place.
    Mode,
    /// A status column.
    Status,
    /// A count of appointments not attended.
    Missed,
    /// A score.
    Score,
    /// Notes.
    Note,
    /// The message back to the GP.
    Message,
    /// A goal.
    Goal,
    /// What someone was referred on or signposted for.
    For,
    /// The name of another service.
    OtherService,
    /// Known to go nowhere.
    Nothing,
}

use EventType as E;
use Field as F;
use Role::{
    At, Date, EndDate, EndReason, For, FullName, Goal, Message, Missed, Mode, Need, NeedCode, Note, Nothing,
    OtherService, Score, Status, What,
};

const fn field(field: Field) -> Role {
    Role::Field(field)
}

/// Meaning, and the words for it between bars.
pub const SYNONYMS: &[(Role, &str)] = &[
    (field(F::EventId), "event id|event ref|entry id|activity id"),
    (field(F::RecordedAt), "recorded at|logged at|recorded on|entered at|created at"),
    (field(F::TargetEventId), "amends event|target event|corrects event|amends|replaces event"),
    (
        field(F::ReferralId),
        "case ref|case reference|case id|case no|case number|referral id|referral ref|referral no|referral number|ref|ref no|reference|client no|id",
    ),
    (
        field(F::LocalId),
        "client id|person id|patient id|client local id|local id|service user id|client number",
    ),
    (field(F::NhsNumber), "nhs no|nhs number|nhs num|nhs|nhsno|nhsnumber"),
    (field(F::NhsNumberStatus), "nhs number status|trace status"),
    (field(F::GivenName), "forename|forenames|first name|first names|given|given name|given names"),
    (field(F::FamilyName), "surname|last name|family name|family"),
    (field(F::NamePrefix), "title|salutation"),
    (field(F::PreferredName), "known as|preferred name|likes to be called"),
    (field(F::FormerFamily), "maiden name|former name|previous surname|birth name"),
    (FullName, "name|full name|client name|patient name|person name"),
    (field(F::BirthDate), "dob|date of birth|birth date|born|client dob|patient dob"),
    (field(F::Gender), "gender|sex"),
    (field(F::Ethnicity), "ethnicity|ethnic group|ethnic category|ethnic origin"),
    (field(F::AddressLine), "address|address 1|address 2|address line|street"),
    (field(F::City), "town|city|post town"),
    (field(F::Postcode), "postcode|post code"),
    (field(F::Phone), "phone|telephone|home phone|landline|tel|contact phone|phone number"),
    (field(F::Mobile), "mobile|mobile phone|mobile number"),
    (field(F::Email), "email|e mail|email address"),
    (
        field(F::PracticeOds),
        "surgery code|surgery ods|practice ods|practice code|gp ods|gp code|gp practice code|ods code",
    ),
    (field(F::PracticeName), "surgery|practice|practice name|gp practice|gp surgery|surgery name"),
    (field(F::CommunicationNeeds), "communication needs|interpreter|language needs|accessible information"),
    (field(F::SafePhone), "safe phone|safe number|safe contact number"),
    (field(F::SafeContact), "safe contact|safe to contact|safe to leave message"),
    (field(F::Protected), "sensitive record|protected|sensitive|restricted record|confidential"),
    (
        field(F::ReferrerKind),
        "referred by|source of referral|referral source|referrer type|referrer kind|referral from|by kind|referrer",
    ),
    (field(F::ReferrerName), "referrer name|name of referrer|referring gp"),
    (field(F::ReferrerRole), "referrer role|referrer job title"),
    (
        field(F::ReferrerOds),
        "referrer org code|referrer ods|referring organisation code|by ods|referring practice code",
    ),
    (field(F::ReferrerOrganisation), "referrer organisation|referring organisation|referring agency"),
    (field(F::ServiceKind), "service kind|service type|type of service"),
    (field(F::ServiceName), "service name|service"),
    (
        field(F::ConsentShare),
        "consent to share|share with gp|consent level|sharing consent|consent|share|consent given",
    ),
    (field(F::ConsentDate), "consent date|date of consent|share date|consent on"),
    (field(F::Risk), "risk flag|risk|risks|safeguarding"),
    (field(F::Priority), "priority|urgency"),
    (
        Date(E::Referred),
        "date referred|referral date|referral received|date received|received|referred|date of referral|referral made|start date",
    ),
    (Date(E::Offered), "date offered|offered"),
    (Date(E::Accepted), "date accepted|accepted|acceptance date"),
    (
        Date(E::Contacted),
        "first contact|contact first|date of first contact|last contact|contact last|contact date|initial contact",
    ),
    (Date(E::Attended), "appointments|appointment|appointment date|sessions|session dates|seen on|date seen"),
    (Date(E::Assessed), "first assessment|assessment date|assessment|date assessed|initial assessment"),
    (Date(E::PlanAgreed), "plan agreed|plan date|date of plan"),
    (
        EndDate,
        "date closed|closed|closure date|closure at|discharge date|date discharged|end date|case closed|date ended|completed on",
    ),
    (
        EndReason,
        "closure reason|reason for closure|close reason|discharge outcome|discharge reason|outcome|end reason|outcome reason|reason closed",
    ),
    (What, "event type|event|what|activity|activity type|result|contact result|what happened|type"),
    (At, "happened at|occurred at|event date|activity date|at|on|when|date|event time"),
    (
        Need,
        "need|needs|need 1|need 2|need 3|presenting need|reason for referral|referral reason|reason|reasons|referral needs",
    ),
    (NeedCode, "reason snomed|snomed|snomed code|referral code|reason code|need code|read code|ctv3 code"),
    (Mode, "contact method|mode|method|contact mode|contact type|how"),
    (Status, "status|case status|referral status|current status|stage"),
    (Missed, "dnas|dna count|number of dnas|missed appointments|did not attends"),
    (Score, "ons4|wemwbs|swemwbs|phq9|gad7|pam|ucla|eq5d|mycaw|wellbeing score|score"),
    (Note, "notes|note|referral notes|remark|remarks|comments|case notes"),
    (Message, "message to gp|message|feedback to gp|letter to gp"),
    (Goal, "goal|goals"),
    (For, "for|referred on for|signposted for"),
    (
        OtherService,
        "service|service name|provider|onward service|signpost service|referred on to|signposted to|other service",
    ),
    (Nothing, "user|last modified by|last modified|link worker|worker|modified by|created by"),
];

/// The words of a heading: lower case, punctuation gone, `camelCase` taken apart.
#[must_use]
pub fn words(heading: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut current = String::new();
    let mut was_lower = false;
    for c in heading.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && was_lower) {
            words.push(std::mem::take(&mut current));
        }
        was_lower = c.is_lowercase();
        if c.is_alphanumeric() {
            current.extend(c.to_lowercase());
        }
    }
    words.push(current);
    words.retain(|word| !word.is_empty());
    words
}

/// The roles that a heading may have, the likeliest first, each with how sure it is.
#[must_use]
pub fn roles(heading: &str) -> Vec<(Role, usize)> {
    let heading = words(heading);
    let mut found: Vec<(Role, usize)> = Vec::new();
    for (role, synonyms) in SYNONYMS {
        let best = synonyms.split('|').filter_map(|synonym| sure(&heading, synonym)).max();
        found.extend(best.map(|sure| (*role, sure)));
    }
    found.sort_by_key(|(_, sure)| std::cmp::Reverse(*sure));
    found
}

/// How sure a synonym makes: whole headings before parts, more words before fewer, the end before the beginning.
fn sure(heading: &[String], synonym: &str) -> Option<usize> {
    let synonym: Vec<&str> = synonym.split(' ').collect();
    let at = heading
        .windows(synonym.len())
        .rposition(|part| part.iter().map(String::as_str).eq(synonym.iter().copied()))?;
    let whole = usize::from(heading.len() == synonym.len());
    let at_end = usize::from(at + synonym.len() == heading.len());
    Some(whole * 1000 + synonym.len() * 20 + at_end * 30)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(heading: &str) -> Option<Role> {
        roles(heading).first().map(|(role, _)| *role)
    }

    #[test]
    fn headings_are_understood() {
        assert_eq!(words("person.nhsNumber (text)"), ["person", "nhs", "number", "text"]);
        for (heading, role) in [
            ("NHS No.", field(F::NhsNumber)),
            ("Client / NHS no.", field(F::NhsNumber)),
            ("client.nhsNumber.@status", field(F::NhsNumberStatus)),
            ("Referrer Name", field(F::ReferrerName)),
            ("Surgery Code", field(F::PracticeOds)),
            ("Contact / First", Date(E::Contacted)),
            ("Discharge / Date", EndDate),
            ("Need 3", Need),
            ("ReferrerType", field(F::ReferrerKind)),
            ("ONS4 Happy Start", Score),
        ] {
            assert_eq!(first(heading), Some(role), "{heading}");
        }
        assert_eq!(first("Hamster"), None);
    }
}
