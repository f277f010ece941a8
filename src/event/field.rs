//! [`Field`]: everything an event can say, as one table.
//!
//! The table drives four things, so that they cannot disagree: the JSON reader, the names that profiles map
//! columns to, the JSON Schema of docs/event.schema.json, and the field list of docs/PROFILES.md. A field is
//! of the event's header, of the referral's record, or of the event's detail. Invariant: every field is set
//! somewhere in [`super::build`]; a test checks it. Next: [`super::build`].

/// Which part of an event a field belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The event's own header: ids, type, dates.
    Header,
    /// The referral-level record.
    Record,
    /// What belongs to one event.
    Detail,
}

/// What kind of value a field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A date, partial date or date with time.
    Date,
    /// An instant (`recorded_at`).
    Instant,
    /// A whole number.
    Integer,
    /// A whole number, a decimal or text (scores).
    Scalar,
    /// True or false.
    Boolean,
    /// One of a list of words.
    Word(&'static [&'static str]),
    /// Words with or without a code; the name is the codeset group its codes come from.
    Term(&'static str),
}

macro_rules! fields {
    ($($variant:ident = $path:literal, $scope:ident, $kind:expr, $doc:literal;)*) => {
        /// A field of an event. The documentation of each is its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Field { $(#[doc = $doc] $variant,)* }

        impl Field {
            /// Every field, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Its name in profiles: a dotted path, `[]` marking a list.
            #[must_use]
            pub const fn path(self) -> &'static str { match self { $(Self::$variant => $path),* } }
            /// The part of the event it belongs to.
            #[must_use]
            pub const fn scope(self) -> Scope { match self { $(Self::$variant => Scope::$scope),* } }
            /// What kind of value it takes.
            #[must_use]
            pub fn kind(self) -> Kind { match self { $(Self::$variant => $kind),* } }
            /// What it means.
            #[must_use]
            pub const fn doc(self) -> &'static str { match self { $(Self::$variant => $doc),* } }
            /// Finds a field by its path in profiles.
            #[must_use]
            pub fn parse(path: &str) -> Option<Self> { match path { $($path => Some(Self::$variant),)* _ => None } }
        }
    };
}

use super::kinds as k;
use Kind::{Boolean, Date, Instant, Integer, Scalar, Term, Text, Word};

fields! {
    Source = "source", Header, Text, "URI of the sending system.";
    EventId = "event_id", Header, Text, "Identifier of the event, unique within the source.";
    ReferralId = "referral_id", Header, Text, "Identifier of the referral, unique within the source.";
    Type = "type", Header, Word(k::EventType::WORDS), "What happened.";
    OccurredAt = "occurred_at", Header, Date, "When it happened.";
    RecordedAt = "recorded_at", Header, Instant, "When the source recorded it.";
    Sequence = "sequence", Header, Integer, "The source's own order of the events of a referral.";
    TargetEventId = "target_event_id", Header, Text, "The event that `corrected` or `entered_in_error` is about.";
    StatusSlot = "status_slot", Header, Boolean, "Whether it is the value of a status column: a floor under the dated events.";

    NhsNumber = "person.nhs_number", Record, Text, "NHS number: ten digits, as text.";
    NhsNumberStatus = "person.nhs_number_status", Record, Word(k::NhsNumberStatus::WORDS), "How far the NHS number was traced (UK Core codes 01 to 08).";
    LocalId = "person.local_id", Record, Text, "The source's own identifier of the person.";
    FamilyName = "person.family", Record, Text, "Family name.";
    GivenName = "person.given[]", Record, Text, "Given names.";
    NamePrefix = "person.prefix", Record, Text, "Title.";
    PreferredName = "person.preferred_name", Record, Text, "The name the person prefers to be called by.";
    FormerFamily = "person.former_family[]", Record, Text, "Former family names.";
    BirthDate = "person.birth_date", Record, Date, "Date of birth.";
    Gender = "person.gender", Record, Word(k::Gender::WORDS), "Gender.";
    Ethnicity = "person.ethnicity", Record, Term(""), "Ethnic category.";
    AddressLine = "person.address_lines[]", Record, Text, "Address lines without town and postcode.";
    City = "person.city", Record, Text, "Town.";
    Postcode = "person.postcode", Record, Text, "Postcode.";
    Phone = "person.phone", Record, Text, "Telephone number.";
    Mobile = "person.mobile", Record, Text, "Mobile telephone number.";
    Email = "person.email", Record, Text, "E-mail address.";
    PracticeOds = "person.practice_ods", Record, Text, "ODS code of the practice the person is registered with.";
    PracticeName = "person.practice_name", Record, Text, "Name of that practice.";
    CommunicationNeeds = "person.communication_needs", Record, Term("need"), "What the person needs to communicate.";
    SafeContact = "person.safe_contact", Record, Term("need"), "How to contact the person safely.";
    SafePhone = "person.safe_phone", Record, Text, "The telephone number that is safe to use.";
    Protected = "person.protected", Record, Boolean, "Marked sensitive or protected: a person must handle the referral.";
    ReferrerKind = "referrer.kind", Record, Word(k::ReferrerKind::WORDS), "Who referred.";
    ReferrerSource = "referrer.source", Record, Term("source"), "The source of the referral, in the export's words.";
    ReferrerName = "referrer.name", Record, Text, "The referring professional's name.";
    ReferrerRole = "referrer.role", Record, Text, "The referring professional's role.";
    ReferrerOds = "referrer.organisation_ods", Record, Text, "ODS code of the referring organisation.";
    ReferrerOrganisation = "referrer.organisation_name", Record, Text, "Name of the referring organisation.";
    ReferrerPhone = "referrer.phone", Record, Text, "The referrer's telephone number.";
    ReferrerEmail = "referrer.email", Record, Text, "The referrer's e-mail address.";
    ServiceKind = "service.kind", Record, Word(k::ServiceKind::WORDS), "What kind of service the referral is to.";
    ServiceId = "service.id", Record, Text, "The source's identifier of the service.";
    ServiceName = "service.name", Record, Text, "Name of the service.";
    ServiceOds = "service.organisation_ods", Record, Text, "ODS code of the organisation that provides it.";
    ServiceOrganisation = "service.organisation_name", Record, Text, "Name of the organisation that provides it.";
    ConsentShare = "consent.share", Record, Word(k::Share::WORDS), "How much the person shares with the GP's system.";
    ConsentDate = "consent.date", Record, Date, "When the consent was given.";
    Risk = "risk", Record, Term("need"), "The risk or safeguarding indicator.";
    Priority = "priority", Record, Word(k::Priority::WORDS), "How urgent the referral is.";
    FulfilsSystem = "fulfils.system", Record, Text, "System of the clinical system's request that this referral answers.";
    FulfilsValue = "fulfils.value", Record, Text, "Identifier of that request.";
    BasedOnSystem = "based_on[].system", Record, Text, "System of another request this one is based on.";
    BasedOnValue = "based_on[].value", Record, Text, "Identifier of that request.";
    CaseReference = "case_reference", Record, Text, "The case number people use, where it differs from referral_id.";
    PrsbPath = "prsb[].path", Record, Text, "Path of a PRSB element that has no field of its own.";
    PrsbValue = "prsb[].value", Record, Text, "Its value.";

    Reason = "reasons[]", Detail, Term("need"), "Why the person was referred.";
    Mode = "mode", Detail, Word(k::ContactMode::WORDS), "How the contact took place.";
    ScoreId = "scores[].id", Detail, Text, "Stable name of the measure, used in identifiers.";
    ScoreMeasure = "scores[].measure", Detail, Term("outcome"), "What was measured.";
    ScoreValue = "scores[].value", Detail, Scalar, "The value.";
    ScoreUnit = "scores[].unit", Detail, Text, "Its UCUM unit.";
    ScorePartOf = "scores[].part_of", Detail, Text, "The measure this one is a part of.";
    AnswerId = "answers[].id", Detail, Text, "Name of the question.";
    AnswerQuestion = "answers[].question", Detail, Text, "The question.";
    AnswerValue = "answers[].value", Detail, Scalar, "The answer.";
    Plan = "plan", Detail, Term("method"), "The plan, in words.";
    Goal = "goals[]", Detail, Term("method"), "Goals agreed.";
    Outcome = "outcome", Detail, Term("outcome"), "How it ended.";
    StatusReason = "status_reason", Detail, Term("outcome"), "Why it was closed, rejected, cancelled or put on hold.";
    ToKind = "to.kind", Detail, Word(k::ServiceKind::WORDS), "Kind of the other service.";
    ToId = "to.id", Detail, Text, "Identifier of the other service.";
    ToName = "to.name", Detail, Text, "Name of the other service.";
    ToOds = "to.organisation_ods", Detail, Text, "ODS code of the other service's organisation.";
    ToOrganisation = "to.organisation_name", Detail, Text, "Name of the other service's organisation.";
    What = "what", Detail, Term("service"), "What the person is referred on for or signposted to.";
    Count = "count", Detail, Integer, "A count without dates.";
    CountLabel = "count_label", Detail, Text, "What is counted.";
    Note = "note", Detail, Text, "A free-text note.";
    Message = "message", Detail, Text, "The message back to the GP.";
    Actions = "actions", Detail, Text, "What the GP is asked to do.";
}

impl Field {
    /// Its path in the wire form: the profile path below `record` or `detail`.
    #[must_use]
    pub fn wire_path(self) -> String {
        match self.scope() {
            Scope::Header => self.path().to_owned(),
            Scope::Record => format!("record.{}", self.path()),
            Scope::Detail => format!("detail.{}", self.path()),
        }
    }

    /// Whether the field, or the object it is in, may occur several times.
    #[must_use]
    pub fn is_list(self) -> bool {
        self.path().contains("[]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn paths_are_unique_and_found() {
        let mut seen = BTreeSet::new();
        for field in Field::ALL {
            assert!(seen.insert(field.path()), "{}", field.path());
            assert_eq!(Field::parse(field.path()), Some(*field));
            assert!(field.doc().ends_with('.'), "{}", field.path());
        }
    }
}
