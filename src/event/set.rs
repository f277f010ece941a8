//! [`Draft::set`]: where each field's value goes. One line per field of [`super::field`].
//!
//! What this is not: it checks nothing itself; [`super::reading`] does. Next: [`super::finish`].

use super::build::{Draft, MAX_TEXT, Place, Raw};
use super::date_format::DateFormat;
use super::detail::{Answer, Score, ScoreValue};
use super::field::Field;
use super::issue::IssueCode;
use super::kinds::{
    ContactMode, EventType, Gender, NhsNumberStatus, Priority, ReferrerKind, ServiceKind, Share,
};
use super::ods_code::OdsCode;
use super::person::{Consent, ExternalId, PrsbElement, Service};
use super::postcode::Postcode;
use super::reading::{Reading, parse_uri};
use super::term::Term;

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

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::super::build::{NhsNumberRule, Places};
    use super::super::issue::Position;
    use super::super::when::When;
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
    fn control_characters_are_refused() {
        assert_eq!(set(Field::FamilyName, text("F\u{0}on")).1, [IssueCode::NulCharacter]);
        assert_eq!(set(Field::ReferralId, text("a\nb")).1, [IssueCode::NulCharacter]);
        assert_eq!(set(Field::Note, text("a\nb")).1, []);
    }
}
