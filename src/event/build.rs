//! Builds a [`super::ReferralEvent`] from raw values, collecting every issue instead of stopping at the first.
//!
//! Raw values come from a row through a profile, or from JSON; each carries the place it came from as a small
//! number, and a [`Places`] turns that into a [`Position`] only when there is something to report. This is
//! the only door into the event types. Invariant: a [`Draft`] with an error-level issue makes no event.
//! Next: [`super::read`], which feeds it from JSON.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::date_format::DateFormat;
use super::detail::{Answer, Detail, Score, ScoreValue};
use super::field::Field;
use super::issue::{Issue, IssueCode, Position, kind_of};
use super::kinds::{
    ContactMode, EventType, Gender, NhsNumberStatus, Priority, ReferrerKind, ServiceKind, Share,
};
use super::nhs_number::NhsNumber;
use super::ods_code::OdsCode;
use super::person::{Consent, ExternalId, PrsbElement, Record, Service};
use super::postcode::Postcode;
use super::term::Term;
use super::when::When;

/// A value as it was found, not yet checked.
#[derive(Clone)]
pub enum Raw<'a> {
    /// Text: a cell, a JSON string, the text of an XML element.
    Text(Cow<'a, str>),
    /// A JSON number, as it was written.
    Number(Cow<'a, str>),
    /// True or false.
    Bool(bool),
    /// Words with or without a code.
    Term(Term),
}

/// A place in the input, cheap to carry: an index that a [`Places`] understands.
pub type Place = u32;

/// Turns places into positions, for reports.
pub trait Places {
    /// The position of a place.
    fn position(&self, place: Place) -> Position;
}

/// How strict to be with NHS numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NhsNumberRule {
    /// A number that fails its check refuses the row.
    #[default]
    Reject,
    /// It is sent with a warning: for tests against published examples only.
    Warn,
}

/// Text longer than this many bytes is refused. FHIR's own limit for a string is 1 MiB.
pub const MAX_TEXT: usize = 100_000;
/// Identifiers longer than this many bytes are refused.
pub const MAX_ID: usize = 200;

/// An event, or a record without an event, in the making.
#[derive(Default)]
pub struct Draft {
    /// Header values.
    pub header: Header,
    /// The referral-level record.
    pub record: Record,
    /// The event's own values.
    pub detail: Detail,
}

/// The header of an event in the making.
#[derive(Clone, Default)]
pub struct Header {
    /// URI of the sending system.
    pub source: Option<String>,
    /// The event's identifier.
    pub event_id: Option<String>,
    /// The referral's identifier.
    pub referral_id: Option<String>,
    /// What happened.
    pub event_type: Option<EventType>,
    /// When.
    pub occurred_at: Option<When>,
    /// When it was recorded.
    pub recorded_at: Option<Timestamp>,
    /// The source's own order.
    pub sequence: Option<u64>,
    /// The corrected event.
    pub target_event_id: Option<String>,
    /// Whether it is a status column's slot.
    pub is_status_slot: bool,
}

/// How values are read.
pub struct Reading<'a> {
    /// The zone of local times.
    pub zone: &'a TimeZone,
    /// How strict to be with NHS numbers.
    pub nhs_number: NhsNumberRule,
    /// Turns places into positions.
    pub places: &'a dyn Places,
    /// Everything found so far.
    pub issues: &'a mut Vec<Issue>,
}

impl Reading<'_> {
    /// Reports an issue at a place.
    pub fn report(&mut self, code: IssueCode, place: Place, found: impl Into<Cow<'static, str>>) {
        self.issues.push(Issue::new(code, self.places.position(place), found));
    }

    /// Reads text: trimmed, without control characters other than line breaks and tabs, not too long.
    /// Empty text is no value.
    fn text(&mut self, raw: Raw<'_>, place: Place, limit: usize) -> Option<String> {
        let text = match raw {
            Raw::Text(text) => text,
            Raw::Number(_) => {
                return self
                    .wrong_shape(place, "a number; write it as a text string, between quotation marks");
            }
            Raw::Bool(_) => return self.wrong_shape(place, "true or false where text belongs"),
            Raw::Term(Term { text: Some(text), code: None, .. }) => Cow::Owned(text),
            Raw::Term(_) => return self.wrong_shape(place, "a coded term where text belongs"),
        };
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return None;
        }
        if trimmed.len() > limit {
            self.report(
                IssueCode::TextTooLong,
                place,
                format!("{} bytes; the limit is {limit}", trimmed.len()),
            );
            return None;
        }
        // U+FFFE and U+FFFF have no place in XML, so a resource that held one could not be written as XML.
        let has_no_place = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        if trimmed.chars().any(has_no_place) || !crate::tree::xml::is_text(trimmed) {
            self.report(IssueCode::NulCharacter, place, kind_of(trimmed));
            return None;
        }
        Some(if trimmed.len() == text.len() { text.into_owned() } else { trimmed.to_owned() })
    }

    fn id(&mut self, raw: Raw<'_>, place: Place) -> Option<String> {
        let id = self.text(raw, place, MAX_ID)?;
        if id.chars().any(char::is_control) {
            self.report(IssueCode::NulCharacter, place, kind_of(&id));
            return None;
        }
        Some(id)
    }

    fn wrong_shape<T>(&mut self, place: Place, found: &'static str) -> Option<T> {
        self.report(IssueCode::WrongShape, place, found);
        None
    }

    fn parse<T>(
        &mut self,
        raw: Raw<'_>,
        place: Place,
        parse: impl Fn(&str) -> Result<T, IssueCode>,
    ) -> Option<T> {
        let text = self.text(raw, place, MAX_TEXT)?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(code) => {
                self.report(code, place, kind_of(&text));
                None
            }
        }
    }

    fn word<T>(
        &mut self,
        raw: Raw<'_>,
        place: Place,
        words: &[&str],
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(raw, place, MAX_TEXT)?;
        let value = parse(&text);
        if value.is_none() {
            self.report(
                IssueCode::ValueNotListed,
                place,
                format!("{}; listed: {}", kind_of(&text), words.join(", ")),
            );
        }
        value
    }

    fn term(&mut self, raw: Raw<'_>, place: Place) -> Option<Term> {
        match raw {
            Raw::Term(mut term) => {
                if let Some(text) = term.text.take() {
                    term.text = self.text(Raw::Text(Cow::Owned(text)), place, MAX_TEXT);
                }
                (term.text.is_some() || term.code.is_some()).then_some(term)
            }
            other => self.text(other, place, MAX_TEXT).map(Term::words),
        }
    }

    fn boolean(&mut self, raw: Raw<'_>, place: Place) -> Option<bool> {
        match raw {
            Raw::Bool(value) => Some(value),
            other => self.word(other, place, &["true", "false"], |text| match text {
                "true" | "TRUE" => Some(true),
                "false" | "FALSE" => Some(false),
                _ => None,
            }),
        }
    }

    fn integer<T: std::str::FromStr>(&mut self, raw: Raw<'_>, place: Place) -> Option<T> {
        let raw = match raw {
            Raw::Number(text) => Raw::Text(text),
            other => other,
        };
        self.parse(raw, place, |text| {
            let plain = text.bytes().all(|b| b.is_ascii_digit());
            text.parse().ok().filter(|_| plain).ok_or(IssueCode::NumberFormat)
        })
    }

    fn scalar(&mut self, raw: Raw<'_>, place: Place) -> Option<ScoreValue> {
        let text = match raw {
            Raw::Number(text) => text.into_owned(),
            other => self.text(other, place, MAX_TEXT)?,
        };
        Some(score_value(text))
    }

    /// Reads a date, in a stated format or in FHIR's own.
    pub fn date(&mut self, raw: Raw<'_>, place: Place, format: Option<&DateFormat>) -> Option<When> {
        let text = self.text(raw, place, MAX_TEXT)?;
        let read = match format {
            Some(format) => format.read(&text, self.zone),
            None if text.contains('/') => Err(IssueCode::DateAmbiguous),
            None => When::parse_iso(&text, self.zone),
        };
        match read {
            Ok((when, repeated)) => {
                if repeated {
                    self.report(IssueCode::DateRepeatedHour, place, "a local time that occurs twice");
                }
                Some(when)
            }
            Err(code) => {
                self.report(code, place, kind_of(&text));
                None
            }
        }
    }

    fn nhs_number(&mut self, raw: Raw<'_>, place: Place) -> Option<NhsNumber> {
        let text = self.text(raw, place, MAX_TEXT)?;
        match NhsNumber::parse(&text) {
            Ok(number) => Some(number),
            Err(IssueCode::NhsNumberCheckDigit) if self.nhs_number == NhsNumberRule::Warn => {
                let at = self.places.position(place);
                self.issues.push(Issue::new(IssueCode::NhsNumberCheckDigit, at, kind_of(&text)).softened());
                NhsNumber::parse_unchecked_digit(&text).ok()
            }
            Err(code) => {
                self.report(code, place, kind_of(&text));
                None
            }
        }
    }
}

/// A number stays as it was written; a whole number that fits 32 bits is an integer; all else is text.
fn score_value(text: String) -> ScoreValue {
    let digits = text.strip_prefix('-').unwrap_or(&text);
    let plain_integer = !digits.is_empty()
        && digits.bytes().all(|b| b.is_ascii_digit())
        && (digits == "0" || !digits.starts_with('0'));
    if plain_integer && let Ok(integer) = text.parse() {
        return ScoreValue::Integer(integer);
    }
    let decimal = digits.split_once('.').is_some_and(|(whole, part)| {
        !whole.is_empty()
            && !part.is_empty()
            && whole.len() + part.len() <= 18
            && (whole == "0" || !whole.starts_with('0'))
            && whole.bytes().chain(part.bytes()).all(|b| b.is_ascii_digit())
    });
    if decimal { ScoreValue::Decimal(text) } else { ScoreValue::Text(text) }
}

/// The element `slot` of a list, made if it is the next one.
fn slot<T>(list: &mut Vec<T>, slot: u16, new: impl Fn() -> T) -> Option<&mut T> {
    let slot = usize::from(slot);
    while list.len() <= slot {
        list.push(new());
    }
    list.get_mut(slot)
}

impl Draft {
    /// Sets one field from a raw value. `index` tells list elements apart. A value that is empty sets nothing;
    /// a value that is wrong is reported and sets nothing.
    #[expect(
        clippy::too_many_lines,
        reason = "one line per field, and the compiler checks that none is forgotten"
    )]
    pub fn set(
        &mut self,
        field: Field,
        index: u16,
        raw: Raw<'_>,
        place: Place,
        format: Option<&DateFormat>,
        reading: &mut Reading<'_>,
    ) {
        let r = reading;
        let (header, record, detail) = (&mut self.header, &mut self.record, &mut self.detail);
        let (person, referrer) = (&mut record.person, &mut record.referrer);
        macro_rules! put {
            ($target:expr, $value:expr) => {
                if let Some(value) = $value {
                    $target = Some(value);
                }
            };
        }
        macro_rules! push {
            ($target:expr, $value:expr) => {
                if let Some(value) = $value {
                    $target.push(value);
                }
            };
        }
        macro_rules! text {
            ($target:expr) => {
                put!($target, r.text(raw, place, MAX_TEXT))
            };
        }
        macro_rules! id {
            ($target:expr) => {
                put!($target, r.id(raw, place))
            };
        }
        macro_rules! ods {
            ($target:expr) => {
                put!($target, r.parse(raw, place, OdsCode::parse))
            };
        }
        macro_rules! term {
            ($target:expr) => {
                put!($target, r.term(raw, place))
            };
        }
        macro_rules! word {
            ($target:expr, $t:ty) => {
                put!($target, r.word(raw, place, <$t>::WORDS, <$t>::parse))
            };
        }
        macro_rules! in_slot {
            ($list:expr, $new:expr, $value:expr, |$item:ident, $v:ident| $set:expr) => {
                if let Some($v) = $value
                    && let Some($item) = slot(&mut $list, index, $new)
                {
                    $set
                }
            };
        }
        match field {
            Field::Source => put!(header.source, r.parse(raw, place, parse_uri)),
            Field::EventId => id!(header.event_id),
            Field::ReferralId => id!(header.referral_id),
            Field::Type => word!(header.event_type, EventType),
            Field::OccurredAt => put!(header.occurred_at, r.date(raw, place, format)),
            Field::RecordedAt => put!(
                header.recorded_at,
                r.date(raw, place, format).and_then(|when| match when.instant() {
                    Some(instant) => Some(instant),
                    None => {
                        r.report(IssueCode::DateFormat, place, "a date without a time");
                        None
                    }
                })
            ),
            Field::Sequence => put!(header.sequence, r.integer(raw, place)),
            Field::TargetEventId => id!(header.target_event_id),
            Field::StatusSlot => {
                header.is_status_slot = r.boolean(raw, place).unwrap_or(header.is_status_slot)
            }

            Field::NhsNumber => put!(person.nhs_number, r.nhs_number(raw, place)),
            Field::NhsNumberStatus => word!(person.nhs_number_status, NhsNumberStatus),
            Field::LocalId => id!(person.local_id),
            Field::FamilyName => text!(person.family),
            Field::GivenName => push!(person.given, r.text(raw, place, MAX_TEXT)),
            Field::NamePrefix => text!(person.prefix),
            Field::PreferredName => text!(person.preferred_name),
            Field::FormerFamily => push!(person.former_family, r.text(raw, place, MAX_TEXT)),
            Field::BirthDate => put!(person.birth_date, r.date(raw, place, format)),
            Field::Gender => word!(person.gender, Gender),
            Field::Ethnicity => term!(person.ethnicity),
            Field::AddressLine => push!(person.address_lines, r.text(raw, place, MAX_TEXT)),
            Field::City => text!(person.city),
            Field::Postcode => put!(person.postcode, r.parse(raw, place, Postcode::parse)),
            Field::Phone => text!(person.phone),
            Field::Mobile => text!(person.mobile),
            Field::Email => text!(person.email),
            Field::PracticeOds => ods!(person.practice_ods),
            Field::PracticeName => text!(person.practice_name),
            Field::CommunicationNeeds => term!(person.communication_needs),
            Field::SafeContact => term!(person.safe_contact),
            Field::SafePhone => text!(person.safe_phone),
            Field::Protected => person.protected |= r.boolean(raw, place).unwrap_or(false),
            Field::ReferrerKind => word!(referrer.kind, ReferrerKind),
            Field::ReferrerSource => term!(referrer.source),
            Field::ReferrerName => text!(referrer.name),
            Field::ReferrerRole => text!(referrer.role),
            Field::ReferrerOds => ods!(referrer.organisation_ods),
            Field::ReferrerOrganisation => text!(referrer.organisation_name),
            Field::ReferrerPhone => text!(referrer.phone),
            Field::ReferrerEmail => text!(referrer.email),
            Field::ServiceKind => word!(record.service.kind, ServiceKind),
            Field::ServiceId => id!(record.service.id),
            Field::ServiceName => text!(record.service.name),
            Field::ServiceOds => ods!(record.service.organisation_ods),
            Field::ServiceOrganisation => text!(record.service.organisation_name),
            Field::ConsentShare => {
                if let Some(share) = r.word(raw, place, Share::WORDS, Share::parse) {
                    record.consent =
                        Some(Consent { share, date: record.consent.as_ref().and_then(|c| c.date) });
                }
            }
            Field::ConsentDate => {
                let date = r.date(raw, place, format);
                match (&mut record.consent, date) {
                    (Some(consent), date @ Some(_)) => consent.date = date,
                    (None, Some(_)) => {
                        r.report(IssueCode::RequiredMissing, place, "consent.date without consent.share")
                    }
                    _ => {}
                }
            }
            Field::Risk => term!(record.risk),
            Field::Priority => word!(record.priority, Priority),
            Field::FulfilsSystem => {
                if let Some(system) = r.parse(raw, place, parse_uri) {
                    record.fulfils.get_or_insert_with(empty_id).system = system;
                }
            }
            Field::FulfilsValue => {
                if let Some(value) = r.id(raw, place) {
                    record.fulfils.get_or_insert_with(empty_id).value = value;
                }
            }
            Field::BasedOnSystem => {
                in_slot!(record.based_on, empty_id, r.parse(raw, place, parse_uri), |item, v| item.system =
                    v);
            }
            Field::BasedOnValue => {
                in_slot!(record.based_on, empty_id, r.id(raw, place), |item, v| item.value = v)
            }
            Field::CaseReference => id!(record.case_reference),
            Field::PrsbPath => {
                in_slot!(record.prsb, empty_prsb, r.text(raw, place, MAX_TEXT), |item, v| item.path = v);
            }
            Field::PrsbValue => {
                in_slot!(record.prsb, empty_prsb, r.text(raw, place, MAX_TEXT), |item, v| item.value = v);
            }

            Field::Reason => push!(detail.reasons, r.term(raw, place)),
            Field::Mode => word!(detail.mode, ContactMode),
            Field::ScoreId => in_slot!(detail.scores, empty_score, r.id(raw, place), |item, v| item.id = v),
            Field::ScoreMeasure => {
                in_slot!(detail.scores, empty_score, r.term(raw, place), |item, v| item.measure = v);
            }
            Field::ScoreValue => {
                in_slot!(detail.scores, empty_score, r.scalar(raw, place), |item, v| item.value = v)
            }
            Field::ScoreUnit => {
                in_slot!(detail.scores, empty_score, r.id(raw, place), |item, v| item.unit = Some(v));
            }
            Field::ScorePartOf => {
                in_slot!(detail.scores, empty_score, r.id(raw, place), |item, v| item.part_of = Some(v));
            }
            Field::AnswerId => {
                in_slot!(detail.answers, empty_answer, r.id(raw, place), |item, v| item.id = v)
            }
            Field::AnswerQuestion => {
                in_slot!(detail.answers, empty_answer, r.text(raw, place, MAX_TEXT), |item, v| item
                    .question =
                    Some(v));
            }
            Field::AnswerValue => {
                in_slot!(detail.answers, empty_answer, r.scalar(raw, place), |item, v| item.value = v);
            }
            Field::Plan => term!(detail.plan),
            Field::Goal => push!(detail.goals, r.term(raw, place)),
            Field::Outcome => term!(detail.outcome),
            Field::StatusReason => term!(detail.status_reason),
            Field::ToKind => {
                if let Some(kind) = r.word(raw, place, ServiceKind::WORDS, ServiceKind::parse) {
                    detail.to.get_or_insert_with(Service::default).kind = Some(kind);
                }
            }
            Field::ToId => put_in_service(&mut detail.to, r.id(raw, place), |to, v| to.id = Some(v)),
            Field::ToName => {
                put_in_service(&mut detail.to, r.text(raw, place, MAX_TEXT), |to, v| to.name = Some(v))
            }
            Field::ToOds => {
                put_in_service(&mut detail.to, r.parse(raw, place, OdsCode::parse), |to, v| {
                    to.organisation_ods = Some(v)
                });
            }
            Field::ToOrganisation => {
                put_in_service(&mut detail.to, r.text(raw, place, MAX_TEXT), |to, v| {
                    to.organisation_name = Some(v)
                });
            }
            Field::What => term!(detail.what),
            Field::Count => put!(detail.count, r.integer(raw, place).filter(|count| *count > 0)),
            Field::CountLabel => text!(detail.count_label),
            Field::Note => text!(detail.note),
            Field::Message => text!(detail.message),
            Field::Actions => text!(detail.actions),
        }
    }
}

fn put_in_service<T>(to: &mut Option<Service>, value: Option<T>, set: impl Fn(&mut Service, T)) {
    if let Some(value) = value {
        set(to.get_or_insert_with(Service::default), value);
    }
}

const fn empty_id() -> ExternalId {
    ExternalId { system: String::new(), value: String::new() }
}

const fn empty_prsb() -> PrsbElement {
    PrsbElement { path: String::new(), value: String::new() }
}

fn empty_score() -> Score {
    Score {
        id: String::new(),
        measure: Term::default(),
        value: ScoreValue::Text(String::new()),
        unit: None,
        part_of: None,
    }
}

const fn empty_answer() -> Answer {
    Answer { id: String::new(), question: None, value: ScoreValue::Text(String::new()) }
}

/// An absolute URI: a scheme, a colon, and no spaces or control characters. A trailing slash is removed.
///
/// # Errors
/// [`IssueCode::UriFormat`].
pub fn parse_uri(text: &str) -> Result<String, IssueCode> {
    let (scheme, rest) = text.split_once(':').ok_or(IssueCode::UriFormat)?;
    let scheme_fits = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    let rest = rest.trim_end_matches('/');
    let rest_fits = !rest.is_empty()
        && rest.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"|\"<>".contains(c));
    if scheme_fits && rest_fits { Ok(format!("{scheme}:{rest}")) } else { Err(IssueCode::UriFormat) }
}

/// One shared record for all events of a row.
pub type SharedRecord = Arc<Record>;

#[cfg(test)]
mod tests {
    use super::*;

    struct Nowhere;
    impl Places for Nowhere {
        fn position(&self, place: Place) -> Position {
            Position::path(format!("{place}"))
        }
    }

    fn set(field: Field, raw: Raw<'_>) -> (Draft, Vec<IssueCode>) {
        let mut issues = Vec::new();
        let mut draft = Draft::default();
        let mut reading = Reading {
            zone: When::london(),
            nhs_number: NhsNumberRule::Reject,
            places: &Nowhere,
            issues: &mut issues,
        };
        draft.set(field, 0, raw, 1, None, &mut reading);
        (draft, issues.into_iter().map(|i| i.code).collect())
    }

    fn text(text: &str) -> Raw<'_> {
        Raw::Text(Cow::Borrowed(text))
    }

    #[test]
    fn empty_is_no_value_and_no_issue() {
        for field in Field::ALL {
            let (_, issues) = set(*field, text("  "));
            assert_eq!(issues, [], "{}", field.path());
        }
    }

    #[test]
    fn an_nhs_number_as_a_json_number_is_refused() {
        let (draft, issues) = set(Field::NhsNumber, Raw::Number("9990004218".into()));
        assert!(draft.record.person.nhs_number.is_none());
        assert_eq!(issues, [IssueCode::WrongShape]);
    }

    #[test]
    fn slash_dates_need_a_format() {
        assert_eq!(set(Field::BirthDate, text("11/08/1951")).1, [IssueCode::DateAmbiguous]);
        assert_eq!(set(Field::BirthDate, text("1951-08-11")).1, []);
    }

    #[test]
    fn scores_keep_their_digits() {
        for (written, value) in [
            ("7", ScoreValue::Integer(7)),
            ("-3", ScoreValue::Integer(-3)),
            ("3.10", ScoreValue::Decimal("3.10".into())),
            ("07", ScoreValue::Text("07".into())),
            ("4294967296", ScoreValue::Text("4294967296".into())),
            ("1e5", ScoreValue::Text("1e5".into())),
            (".5", ScoreValue::Text(".5".into())),
            ("much better", ScoreValue::Text("much better".into())),
        ] {
            assert!(score_value(written.to_owned()) == value, "{written}");
        }
    }

    #[test]
    fn uris_lose_their_trailing_slash_and_must_be_absolute() {
        assert_eq!(parse_uri("https://a.example/x/").as_deref(), Ok("https://a.example/x"));
        for bad in ["", "a.example", "https:", "https://", "https://a b", "1x://a", "https://a|b"] {
            assert!(parse_uri(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn control_characters_are_refused() {
        assert_eq!(set(Field::FamilyName, text("F\u{0}on")).1, [IssueCode::NulCharacter]);
        assert_eq!(set(Field::ReferralId, text("a\nb")).1, [IssueCode::NulCharacter]);
        assert_eq!(set(Field::Note, text("a\nb")).1, []);
    }
}
