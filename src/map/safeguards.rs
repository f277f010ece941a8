//! Flags for safe contact and risk, and the Consent. Next: [`super::questionnaire_response`].

use std::sync::Arc;

use crate::event::kinds::Share;
use crate::event::person::{Consent as Agreed, Record};
use crate::event::term::Term;
use crate::fhir::types::{CodeableConcept, Consent, Flag};

use super::coding::Coder;
use super::entry::{Entry, Write, meta};
use super::names::NameKind;
use super::notes::Notes;
use super::refs::{Refs, plain};
use super::systems::{self, Structural};

/// Flags of a referral: how to contact the person safely, and the risk indicator. Sent at every level of
/// sharing but `none`, because whoever rings needs them.
///
/// `sent` is the record whose Flags were sent last: what it had and the record no longer has is sent once more,
/// as `inactive`. Not `entered-in-error`: it held while it was on record, nobody said that it was a mistake.
pub(super) fn flags(
    referral: &str,
    record: &Record,
    sent: Option<&Arc<Record>>,
    refs: &Refs<'_>,
    coder: &Coder<'_>,
    notes: &mut Notes,
) -> Vec<Entry> {
    // A Flag's words are always a controlled term: free words would not be understood in a hurry.
    let mut flag = |of: fn(&Record) -> Option<&Term>, name, field, category: Structural| {
        let (code, status) = match (of(record), sent.and_then(|sent| of(sent))) {
            (Some(term), _) => (coder.code(term, "need", field, notes)?, "active"),
            // What became of its words was said when it was sent.
            (None, Some(term)) => (coder.code(term, "need", field, &mut Notes::default())?, "inactive"),
            (None, None) => return None,
        };
        let uuid = refs.names.uuid(NameKind::Flag, &[referral, name]);
        let identifier = crate::fhir::types::Identifier::new(refs.names.system(NameKind::Flag), plain(uuid));
        let resource = Flag {
            meta: meta("Flag"),
            identifier: vec![identifier],
            status: status.into(),
            category: vec![category.concept()],
            code,
            subject: refs.subject(),
            ..Flag::default()
        };
        Some(Entry { uuid, resource: resource.into(), write: Write::Update })
    };
    let mut flags = Vec::new();
    flags.extend(flag(safe_contact, "safe-contact", "person.safe_contact", systems::ADMINISTRATIVE));
    flags.extend(flag(risk, "risk", "risk", systems::SAFETY));
    flags
}

fn safe_contact(record: &Record) -> Option<&Term> {
    record.person.safe_contact.as_ref()
}

const fn risk(record: &Record) -> Option<&Term> {
    record.risk.as_ref()
}

/// The Consent of a referral: it states what is shared, which may be less than the record at hand says.
pub(super) fn consent(referral: &str, agreed: &Agreed, applied: Share, refs: &Refs<'_>) -> Option<Entry> {
    // The date is that of the record's own statement.
    let date = agreed.date.filter(|_| agreed.share == applied);
    let rule = match applied {
        Share::Full => systems::OPT_IN,
        Share::CodesOnly => systems::OPT_IN_RESTRICTED,
        Share::None => return None,
    };
    let uuid = refs.names.uuid(NameKind::Consent, &[referral]);
    let identifier = crate::fhir::types::Identifier::new(refs.names.system(NameKind::Consent), plain(uuid));
    let resource = Consent {
        meta: meta("Consent"),
        identifier: vec![identifier],
        status: "active".into(),
        scope: systems::PATIENT_PRIVACY.concept(),
        category: vec![systems::INFORMATION_DISCLOSURE.concept()],
        patient: Some(refs.subject()),
        date_time: date.map(|when| when.text().into()),
        policy_rule: Some(CodeableConcept {
            text: Some(format!("Shares {} with the GP's system", applied.label()).into()),
            ..rule.concept()
        }),
        ..Consent::default()
    };
    Some(Entry { uuid, resource: resource.into(), write: Write::Update })
}
