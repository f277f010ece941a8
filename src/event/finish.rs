//! The last checks of an event, the same for every source: identity, person, service, and whether its parts
//! belong together. Next: [`super::read`].

use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::build::{Draft, Header};
use super::detail::{Detail, ScoreValue};
use super::hash;
use super::issue::{Issue, IssueCode, Position};
use super::kinds::EventType;
use super::nhs_number::passes_modulus_11;
use super::person::Record;
use super::plausible;
use super::prsb;
use super::referral_event::ReferralEvent;

/// What the deployer gives for identity.
#[derive(Clone, Default)]
pub struct Identities {
    /// The sending system, for records that do not name it.
    pub source: Option<Arc<str>>,
    /// Key under which case numbers that could be NHS numbers are replaced.
    pub opaque_key: Option<Vec<u8>>,
}

impl std::fmt::Debug for Identities {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identities").field("source", &self.source).finish_non_exhaustive()
    }
}

impl Identities {
    /// A referral id that may leave: the id itself, or its HMAC-SHA256 when it could be an NHS number.
    ///
    /// # Errors
    /// [`IssueCode::ReferralIdIsNhsNumber`] when it must be replaced and there is no key.
    pub fn opaque(&self, id: &str) -> Result<String, IssueCode> {
        let could_be = id.split(['/', ' ', '_', ':']).any(passes_modulus_11) || passes_modulus_11(id);
        if !could_be {
            return Ok(id.to_owned());
        }
        let key = self.opaque_key.as_deref().ok_or(IssueCode::ReferralIdIsNhsNumber)?;
        let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| IssueCode::ReferralIdIsNhsNumber)?;
        mac.update(id.as_bytes());
        Ok(hash::hex(&mac.finalize().into_bytes()))
    }

    /// Whether an id must be replaced before it leaves.
    #[must_use]
    pub fn must_replace(id: &str) -> bool {
        id.split(['/', ' ', '_', ':']).any(passes_modulus_11) || passes_modulus_11(id)
    }
}

fn at(path: &'static str) -> Position {
    Position::path(path)
}

/// Whether an issue is about the NHS number.
fn is_about_person(issue: &Issue) -> bool {
    matches!(
        issue.code,
        IssueCode::NhsNumberFormat
            | IssueCode::NhsNumberCheckDigit
            | IssueCode::NhsNumberRepeated
            | IssueCode::NhsNumberNotEngland
            | IssueCode::WrongShape
    )
}

/// Checks a record once, for all its events.
pub fn check_record(record: &mut Record, issues: &mut Vec<Issue>) {
    // A number that was given and refused is not also missing.
    let refused = issues.iter().any(|issue| issue.is_error() && is_about_person(issue));
    let mut report = |code, path, found: &'static str| issues.push(Issue::new(code, at(path), found));
    match (record.person.nhs_number.is_some(), record.person.local_id.is_some()) {
        (true, _) => {}
        _ if refused => {}
        (false, true) => report(IssueCode::NhsNumberMissing, "person.nhs_number", ""),
        (false, false) => report(IssueCode::NoPerson, "person", ""),
    }
    if record.person.local_id.as_deref().is_some_and(passes_modulus_11) {
        report(
            IssueCode::ReferralIdIsNhsNumber,
            "person.local_id",
            "a local identifier that could be an NHS number",
        );
    }
    if record.service.kind.is_none() {
        report(IssueCode::RequiredMissing, "service.kind", "");
    }
    if let Some(fulfils) = &record.fulfils {
        if fulfils.value.is_empty() {
            record.fulfils = None;
        } else if fulfils.system.is_empty() {
            report(IssueCode::RequiredMissing, "fulfils.system", "");
        }
    }
    record.based_on.retain(|id| !id.value.is_empty());
    if record.based_on.iter().any(|id| id.system.is_empty()) {
        report(IssueCode::RequiredMissing, "based_on.system", "");
    }
    plausible::of_record(record, issues);
    let mut report = |code, path, found: &'static str| issues.push(Issue::new(code, at(path), found));
    record.prsb.retain(|element| !element.value.is_empty());
    for element in &record.prsb {
        match prsb::home(&element.path) {
            _ if element.path.is_empty() => report(IssueCode::RequiredMissing, "prsb.path", ""),
            None => {
                report(IssueCode::ValueNotListed, "prsb.path", "no element of the PRSB standard, version 1.1")
            }
            Some(prsb::Home::Field(_)) => {
                report(IssueCode::NotCarried, "prsb.path", "an element with a field of its own")
            }
            Some(_) => report(IssueCode::NotCarried, "prsb.path", "an element of the PRSB standard"),
        }
    }
}

/// Takes out of a detail what was named but never valued.
pub fn tidy(detail: &mut Detail) {
    let empty = |value: &ScoreValue| matches!(value, ScoreValue::Text(text) if text.is_empty());
    detail.scores.retain(|score| !empty(&score.value));
    detail.answers.retain(|answer| !empty(&answer.value));
    if detail.count.is_none() {
        detail.count_label = None;
    }
}

/// Makes an event of a draft, or says why not. The record has been checked and is shared.
pub fn event(
    header: Header,
    mut detail: Detail,
    record: &Arc<Record>,
    identities: &Identities,
    issues: &mut Vec<Issue>,
) -> Option<ReferralEvent> {
    let before = issues.len();
    tidy(&mut detail);
    let mut missing = |path| issues.push(Issue::new(IssueCode::RequiredMissing, at(path), ""));
    if header.event_id.is_none() {
        missing("event_id");
    }
    if header.referral_id.is_none() {
        missing("referral_id");
    }
    if header.event_type.is_none() {
        missing("type");
    }
    let event_type = header.event_type?;
    if header.occurred_at.is_none() && !header.is_status_slot && detail.count.is_none() {
        missing("occurred_at");
    }
    if let Some(when) = header.occurred_at {
        plausible::of_event(when, record, issues);
    }
    let amends = matches!(event_type, EventType::Corrected | EventType::EnteredInError);
    if amends && header.target_event_id.is_none() {
        issues.push(Issue::new(IssueCode::TargetMissing, at("target_event_id"), ""));
    }
    if !amends && header.target_event_id.is_some() {
        issues.push(Issue::new(
            IssueCode::UnknownField,
            at("target_event_id"),
            "only corrections have a target",
        ));
    }
    for part in detail.parts().filter(|part| !Detail::allowed(event_type, *part)) {
        issues.push(Issue::new(
            IssueCode::UnknownField,
            at("detail"),
            format!("{part:?} on {}", event_type.as_str()),
        ));
    }
    for score in &detail.scores {
        if score.id.is_empty() || score.measure == super::Term::default() {
            issues.push(Issue::new(
                IssueCode::RequiredMissing,
                at("scores"),
                "a score without id or measure",
            ));
        }
    }
    if detail.answers.iter().any(|answer| answer.id.is_empty()) {
        issues.push(Issue::new(IssueCode::RequiredMissing, at("answers"), "an answer without id"));
    }
    let source = header.source.map(Arc::from).or_else(|| identities.source.clone());
    if source.is_none() {
        issues.push(Issue::new(IssueCode::SourceMissing, at("source"), ""));
    }
    let given = header.referral_id?;
    let referral_id = match identities.opaque(&given) {
        Ok(id) => id,
        Err(code) => {
            issues.push(Issue::new(code, at("referral_id"), ""));
            return None;
        }
    };
    let opaque = |id: String| match id.strip_prefix(&given).filter(|_| referral_id != given) {
        Some(rest) => format!("{referral_id}{rest}"),
        None => id,
    };
    if issues.iter().skip(before).any(Issue::is_error) {
        return None;
    }
    Some(ReferralEvent {
        source: source?,
        event_id: opaque(header.event_id?),
        target_event_id: header.target_event_id.map(opaque),
        referral_id: referral_id.into(),
        event_type,
        occurred_at: header.occurred_at,
        recorded_at: header.recorded_at,
        sequence: header.sequence,
        is_status_slot: header.is_status_slot,
        detail,
        record: Arc::clone(record),
    })
}

/// Makes an event of a whole draft: record and event together.
pub fn whole(mut draft: Draft, identities: &Identities, issues: &mut Vec<Issue>) -> Option<ReferralEvent> {
    check_record(&mut draft.record, issues);
    let refused = issues.iter().any(Issue::is_error);
    let event = event(draft.header, draft.detail, &Arc::new(draft.record), identities, issues);
    event.filter(|_| !refused)
}
