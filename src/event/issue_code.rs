//! Every kind of issue: its stable code, severity, FHIR issue-type, title and remedy.
//!
//! What it is: one table. What it is not: a place for logic. Invariant: every code is listed in [`IssueCode::ALL`] with
//! its remedy, so that docs/ERRORS.md can be generated from here and nowhere else; a code is never renamed or used
//! for something else. Next: [`super::build`], where most issues are made.

use serde::Serialize;

use super::issue::Severity;

macro_rules! issue_codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $severity:ident, $fhir:literal, $title:literal, $remedy:literal;)*) => {
        /// The stable name of a kind of issue. Codes are never renamed or re-used.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum IssueCode { $(#[doc = $title] $name,)* }

        impl IssueCode {
            /// Every code, in the order of docs/ERRORS.md.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The code as it is printed and stored: lower case with hyphens.
            #[must_use]
            pub const fn as_str(self) -> &'static str { match self { $(Self::$name => $code),* } }
            /// The usual severity.
            #[must_use]
            pub const fn severity(self) -> Severity { match self { $(Self::$name => Severity::$severity),* } }
            /// The FHIR `issue-type` code (HL7 FHIR R4, OperationOutcome.issue.code).
            #[must_use]
            pub const fn fhir_type(self) -> &'static str { match self { $(Self::$name => $fhir),* } }
            /// What is wrong, in a few words.
            #[must_use]
            pub const fn title(self) -> &'static str { match self { $(Self::$name => $title),* } }
            /// What to do about it.
            #[must_use]
            pub const fn remedy(self) -> &'static str { match self { $(Self::$name => $remedy),* } }
        }
    };
}

impl Serialize for IssueCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

issue_codes! {
    // The record as a whole.
    RequiredMissing = "required-missing", Error, "required", "a required value is missing",
        "fill it in the source, or give it in the profile";
    UnknownField = "unknown-field", Error, "structure", "a field that this version does not know",
        "remove it, or check its spelling against the event's JSON Schema";
    WrongShape = "wrong-shape", Error, "structure", "a value of another kind than belongs here",
        "write it in the kind that belongs here; docs/event.schema.json shows a canonical event's";
    NotJson = "not-json", Error, "structure", "this is not JSON",
        "mend the text at the position given; nothing of this record was used";
    DuplicateKey = "duplicate-key", Error, "structure", "a JSON object names one key twice",
        "remove one of the two; which was meant cannot be guessed";
    NotXml = "not-xml", Error, "structure", "this is not well-formed XML",
        "mend the text at the position given; nothing of this record was used";
    Doctype = "doctype", Error, "security", "the XML has a DOCTYPE",
        "remove the DOCTYPE; it is refused because it can pull in other files";
    TooDeep = "too-deep", Error, "too-costly", "nested too deeply",
        "flatten it; at most 64 levels are read";
    TooLarge = "too-large", Error, "too-costly", "larger than the limit",
        "make it smaller in the source and export it again; where only the beginning of a record is kept, its line of the rejects cannot be mended";
    BadEncoding = "bad-encoding", Error, "structure", "bytes that are not text in the file's encoding",
        "save the file as UTF-8";
    NulCharacter = "nul-character", Error, "value", "an invisible character in the text",
        "remove the character in the source: type the value again";
    RowShape = "row-shape", Error, "structure", "a row with more or fewer cells than the heading",
        "look in this row for a comma (or the file's other separator) or a quotation mark that is part of a value; put such a value between quotation marks";
    QuoteOpen = "quote-open", Error, "structure", "a quotation mark that does not close, or text after a closing one",
        "close it, or double it where it is part of the text; the rows below were read as rows";
    FormulaError = "formula-error", Error, "value", "a spreadsheet error value such as #REF!, or a formula that was never worked out",
        "mend the formula, or open the workbook in a spreadsheet program so that it is worked out, and save it again";
    MergedCells = "merged-cells", Error, "structure", "a row under a merged cell whose value stands in a row above",
        "unmerge the cells, write the value into each row that it is meant for, and save the workbook again";
    // FHIR that was read.
    FhirPrimitive = "fhir-primitive", Error, "value", "not the written form of its FHIR datatype",
        "see the datatypes page of FHIR R4; the path says which element";
    FhirTypeNotRead = "fhir-type-not-read", Error, "not-supported", "a resource type that is not read or written as XML",
        "send it as JSON, or leave it out";
    FhirModifier = "fhir-modifier", Error, "not-supported", "an element that changes what the resource means",
        "a person must read this resource; it was not turned into an event";
    FhirHistory = "fhir-history", Error, "not-supported", "a history Bundle, in which older versions stand beside the present ones",
        "send each resource as it stands now, in a Bundle of another type such as collection or searchset; nothing of this one was used";
    ReferenceUnclear = "reference-unclear", Error, "multiple-matches", "a reference that may mean more than one resource, or one of another server",
        "give every entry of the Bundle its fullUrl, or write the reference as the fullUrl of the entry that is meant";
    OtherPerson = "other-person", Error, "conflict", "a resource about another person than the request it belongs to",
        "correct whom it is about, or the request it names; nothing was made of this record";
    NarrativeActive = "narrative-active", Error, "security", "a narrative that holds active content",
        "remove scripts, forms, frames and event attributes from the narrative";
    // Values.
    NhsNumberFormat = "nhs-number-format", Error, "value", "not the form of an NHS number",
        "give the ten digits (0 to 9), as text";
    NhsNumberCheckDigit = "nhs-number-check-digit", Error, "value", "an NHS number whose check digit is wrong",
        "look the number up again; a digit is probably mistyped";
    NhsNumberRepeated = "nhs-number-repeated", Error, "value", "an NHS number of one repeated digit",
        "look the number up; this is a filler, not a number";
    NhsNumberNotEngland = "nhs-number-not-england", Error, "value", "a number of Scotland (CHI) or Northern Ireland (Health and Care), not an NHS number",
        "give it as a local identifier with its own system";
    OdsCodeFormat = "ods-code-format", Error, "value", "not the form of an ODS code",
        "give the organisation's ODS code: 3 to 12 capital letters and digits";
    PostcodeFormat = "postcode-format", Warning, "value", "not the form of a UK postcode",
        "the address is sent without it; correct it in the source";
    DateFormat = "date-format", Error, "value", "not a date in the form the profile states",
        "correct the cell, or the date_format of this column in the profile";
    DateAmbiguous = "date-ambiguous", Error, "value", "a date with slashes in a column without a date_format",
        "state the column's date_format in the profile";
    DateTwoDigitYear = "date-two-digit-year", Error, "value", "a date with a two-digit year",
        "write the year with four digits";
    DateMissing = "date-missing", Warning, "required", "details of something that happened, without its date",
        "fill in the date; without it nothing is sent about it";
    DateMissingHour = "date-missing-hour", Error, "value", "a local time that the spring clock change skipped",
        "correct the time, or give it with its offset";
    DateTooEarly = "date-too-early", Error, "value", "a date that cannot be meant",
        "correct the cell; 1899-12-30, 1900-01-00, 1904-01-01 and 1970-01-01 are what programs make of an empty one";
    BeforeBirth = "before-birth", Error, "conflict", "an event before the person was born",
        "correct the date of the event or the date of birth";
    AgeImpossible = "age-impossible", Error, "conflict", "a person older than 130 years at the event",
        "correct the date of birth or the date of the event";
    DateRepeatedHour = "date-repeated-hour", Warning, "value", "a local time that the autumn clock change repeats",
        "the earlier offset was taken; give the time with its offset to be certain";
    ValueNotListed = "value-not-listed", Error, "code-invalid", "a word outside the list for this field",
        "use one of the listed words, or add a value map to the profile";
    ValueNotMapped = "value-not-mapped", Error, "code-invalid", "a word that the profile's value map does not have",
        "add it to the value map of this column";
    SeveralValues = "several-values", Error, "structure", "several different values where there can be one",
        "say which: leave one value in the record, or name a path in the profile that reaches only one; an event that repeats needs `each`";
    SeveralRequests = "several-requests", Error, "multiple-matches", "a Task that names its request by an identifier that several requests have",
        "have the Task point at its request, or all but one of the requests revoked and given another identifier there";
    NumberFormat = "number-format", Error, "value", "not a number",
        "correct the cell";
    TextTooLong = "text-too-long", Error, "too-long", "text longer than the limit",
        "shorten it in the source; it is never cut";
    UriFormat = "uri-format", Error, "value", "not an absolute URI",
        "give a URI with its scheme, such as https://scheme.example/cases";
    // Codes.
    CodeDamaged = "code-damaged", Warning, "code-invalid", "a code damaged by a spreadsheet",
        "import the column as text; --repair-codes mends it when exactly one code fits";
    CodeRepaired = "code-repaired", Warning, "code-invalid", "a damaged code was repaired",
        "import the column as text so that it needs no repair";
    CodeUnknown = "code-unknown", Warning, "code-invalid", "a code that the loaded codeset does not hold",
        "it was left out, the words were sent without it, and the report lists it for a coder";
    CodeMalformed = "code-malformed", Warning, "code-invalid", "not the form of a code of this system",
        "it was left out, the words were sent without it, and the report lists it for a coder";
    CodeNotEmittable = "code-not-emittable", Warning, "code-invalid", "a code that is known here but not yet verified for sending",
        "it was left out and the report lists it for a coder; a codeset in which it is verified can be given with --codeset";
    TermUnmapped = "term-unmapped", Warning, "code-invalid", "words without a code",
        "they were sent as text, and the report lists them for a coder";
    CodeReplaced = "code-replaced", Warning, "business-rule", "the source's referral code was not used",
        "the code for a referral to a link worker is only for link workers; see docs/MAPPING.md";
    // Rules about whole events and referrals.
    SourceMissing = "source-missing", Error, "required", "no source is known for this record",
        "give `source` in the profile or --source";
    ReferralIdIsNhsNumber = "referral-id-is-nhs-number", Error, "security", "a case number that could be an NHS number",
        "give a key file (--opaque-key), so that a keyed hash is sent in its place";
    NoPerson = "no-person", Error, "required", "neither an NHS number nor a local person identifier",
        "give one of the two; without either nobody knows whose referral it is";
    NhsNumberMissing = "nhs-number-missing", Warning, "required", "no NHS number",
        "the person goes by the local identifier; a clinical system will need the NHS number";
    TargetMissing = "target-missing", Error, "required", "corrected or entered_in_error without target_event_id",
        "name the event that is corrected";
    TargetUnknown = "target-unknown", Error, "not-found", "the event that this one corrects is not in the input",
        "send the corrected event first, or with this one";
    DuplicateEventId = "duplicate-event-id", Error, "duplicate", "the same event_id on rows that say different things",
        "give each event an id of its own; all rows with this id were refused";
    EventIdAgain = "event-id-again", Warning, "duplicate", "an event of another record has the same event_id and says something else",
        "find out which of the two it is before either is used; what belongs together goes into one Bundle, what comes from several systems into runs of its own, each with its source";
    RequestElsewhere = "request-elsewhere", Warning, "not-found", "a Task whose request is not in its Bundle",
        "put the request into the same Bundle; else the referral goes by the id that the Task gives, which may be another than the request goes by";
    DuplicateReferralId = "duplicate-referral-id", Error, "duplicate", "the same case number (referral_id) on more than one row",
        "give each referral a number of its own; where a referral has a row for each need, set rows = \"per-need\" in the profile";
    RowsDisagree = "rows-disagree", Error, "conflict", "rows of one referral that contradict each other",
        "make the rows agree on everything but the needs";
    NothingHappened = "nothing-happened", Error, "required", "neither a date nor a status, so no event",
        "fill in a date or a status; nothing can be made of a row without one";
    NothingSent = "nothing-sent", Warning, "business-rule", "a status of which nothing is sent without a date",
        "fill in the date of what happened";
    EventChanged = "event-changed", Error, "conflict", "an event that is not what the earlier export said it was",
        "leave events as they were, and add a `corrected` event";
    StepNotAllowed = "step-not-allowed", Warning, "business-rule", "a step that skips the one before it, such as completed but never accepted",
        "nothing to do when the export has no column for the step between; none is invented";
    AfterTheEnd = "after-the-end", Warning, "business-rule", "an event after the referral had ended",
        "it was recorded and changed no status; check the dates, or send `reopened`";
    NothingToActOn = "nothing-to-act-on", Warning, "business-rule", "something happened on a referral that, as far as the export says, was never made",
        "check whether the referred date is missing, or later than this event's date";
    StatusColumnDisagrees = "status-column-disagrees", Warning, "conflict", "the status column says less than the dates do",
        "the dates were believed; correct the status in the source";
    StatusSetBack = "status-set-back", Warning, "conflict", "the status column says less than in an earlier export",
        "the earlier status stands; if it was wrong, a person corrects it in the clinical system";
    Undated = "undated", Information, "informational", "an event without a date",
        "add a date column if the source has one";
    DateCleared = "date-cleared", Warning, "conflict", "a date that an earlier export had is gone",
        "the event stays; if it never happened, send entered_in_error";
    NewEpisodeOrCorrection = "held-new-episode", Error, "conflict", "held: the referred date moved past the end of the referral",
        "if the person was referred again under the same number, set case_number = \"person\" in the profile; if not, correct the date";
    HeldNoConsent = "held-no-consent", Error, "business-rule", "held: no consent recorded for a self-referral or a referral by another agency",
        "record consent to share, then convert the row again";
    HeldConsentUnclear = "held-consent-unclear", Error, "business-rule", "held: a refused row is about this person's consent",
        "mend the row named here in the export and convert the whole export again; until then nothing of this person is sent";
    ConsentHeeded = "consent-heeded", Warning, "business-rule", "not taken, but what it says of consent is heeded: what waits for the person is held",
        "send what the person decided as `consent_changed`, or as `corrected` where the event was wrong; it is held until then, or until a person releases it";
    WithdrawalNotAttributed = "withdrawal-not-attributed", Error, "business-rule", "nobody is named whose consent this refused row withdraws, or may withdraw",
        "find out whom it is about before anything of this export is sent, mend the row and convert all of it again";
    HeldFutureDate = "held-future-date", Error, "business-rule", "held: a date after the day of this run",
        "correct the date, or convert the row on or after that day";
    HeldProtected = "held-protected", Error, "security", "held: the record is marked protected or sensitive",
        "a person must handle this referral by the local procedure";
    HeldTwoPersons = "held-two-persons", Error, "conflict", "held: one referral names two persons",
        "correct the NHS number or the case number; nothing of this referral was written";
    HeldBirthDates = "held-birth-dates", Error, "conflict", "held: one NHS number with different dates of birth",
        "find out whose number it is; one of these rows would go on another person's record";
    HeldNhsNumbers = "held-nhs-numbers", Error, "conflict", "held: one local person identifier with different NHS numbers",
        "find out which number is the person's and correct the other rows";
    NamesDiffer = "names-differ", Warning, "conflict", "one NHS number with different family names",
        "check that the rows are about one person; give former names in person.former_family";
    WithdrawnAfterSending = "withdrawn-after-sending", Warning, "business-rule", "the person shared this before and has now withdrawn consent",
        "a person must decide what becomes of what was sent before";
    WithdrawnWhileSending = "withdrawn-while-sending", Warning, "business-rule", "consent was withdrawn while this was being sent; whether it has arrived is not known yet",
        "nothing yet: what arrived is said later (withdrawn-after-sending), and what did not is not sent again (not-resent)";
    NarrowedAfterSending = "narrowed-after-sending", Warning, "business-rule", "everything was shared before and now only codes are",
        "a person must decide what becomes of the words that were sent before";
    ConsentReturned = "consent-returned", Warning, "business-rule", "this was not sent because of a withdrawal that no longer stands, and is not sent by itself",
        "decide whether it still matters; `sp-fhir outbox retry` sends it";
    ConsentNotLifted = "consent-not-lifted", Warning, "business-rule", "more is shared than an earlier export said, without a date that is later",
        "give the consent its date; until then the earlier statement stands";
    NotAlone = "not-alone", Error, "incomplete", "a row set aside that other rows of its export belong to",
        "mend it in the export itself and convert the whole export again; other rows say what this one does not";
    PossibleDuplicate = "possible-duplicate", Warning, "duplicate", "the person has another open referral within 28 days",
        "check that this is not the same referral twice";
    SensitiveWithheld = "sensitive-withheld", Information, "suppressed", "an entry marked sensitive was not sent",
        "nothing to do here; whoever may decide on it can pass it on by other means, or from the daemon with `outbox release --sensitive`";
    ConsentWithheld = "consent-withheld", Information, "suppressed", "something was not sent, because the person shares less than everything",
        "nothing to do; it is counted in the report";
    NotShared = "not-shared", Information, "suppressed", "the person shares nothing",
        "nothing to do; it is counted in the report";
    NeedsNewService = "needs-new-service", Warning, "business-rule", "the service could not take the referral",
        "find another service; the request stays active";
    NotCarried = "not-carried", Information, "not-supported", "something that has no place in what is sent",
        "nothing to do; it is listed in the report";
    PrsbMandatoryMissing = "prsb-mandatory-missing", Information, "required", "an element the PRSB standard makes mandatory is missing",
        "record it in the source; it is an error only with --require prsb";
    // The profile against the file.
    ProfileSyntax = "profile-syntax", Error, "structure", "the profile is not valid",
        "see docs/PROFILES.md; the position says where";
    ProfileUndecided = "profile-undecided", Error, "structure", "the profile leaves something undecided",
        "write your decision in place of the \"?\"";
    ColumnUnknown = "column-unknown", Error, "not-found", "the profile names a column that the file does not have",
        "correct the name in the profile, or export the column";
    HeadingElsewhere = "heading-elsewhere", Warning, "not-found", "the headings seem to be elsewhere",
        "state it under [file] in the profile";
    ColumnUnused = "column-unused", Information, "informational", "a column that the profile does not use",
        "add it to the profile, or list it under `ignore`";
    FieldUnfilled = "field-unfilled", Warning, "required", "nothing fills a field that most referrals need",
        "name the column that holds it in the profile, or give one value for all rows";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_unique_kebab_case_and_have_a_remedy() {
        let mut seen = BTreeSet::new();
        for code in IssueCode::ALL {
            assert!(seen.insert(code.as_str()), "{} twice", code.as_str());
            assert!(code.as_str().bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{}", code.as_str());
            assert!(!code.remedy().is_empty() && !code.title().ends_with('.'), "{}", code.as_str());
        }
    }
}
