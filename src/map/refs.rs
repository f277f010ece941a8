//! [`Refs`]: how resources point at each other, which depends on the form of the output.
//!
//! Inside a Bundle by `urn:uuid`; in bulk files by literal id; the person, in a transaction, by a conditional
//! reference, because the clinical system has the Patient already. Invariant: a resource is always pointed at
//! by the UUID of [`super::names`]. Next: `parties.rs`.

use std::sync::Arc;

use uuid::Uuid;

use crate::event::NhsNumber;
use crate::fhir::types::{Identifier, Reference, Text};

use super::names::{NameKind, Names};

/// The form of what is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// Transaction Bundles: what a FHIR server takes in one request.
    #[default]
    Transaction,
    /// Message Bundles with a MessageHeader.
    Message,
    /// Collection Bundles.
    Collection,
    /// One NDJSON file per resource type, each resource once, in its last state.
    Bulk,
}

impl Form {
    /// Whether the person's Patient resource is part of the output.
    #[must_use]
    pub const fn has_patient(self) -> bool {
        !matches!(self, Self::Transaction)
    }
}

/// Makes references of one referral.
pub struct Refs<'a> {
    /// The names of the source.
    pub names: &'a Names,
    /// The form of the output.
    pub form: Form,
    /// The subject, the same in every resource.
    subject: Reference,
}

/// How the person is known.
pub struct SubjectKey<'a> {
    /// NHS number.
    pub nhs_number: Option<NhsNumber>,
    /// The source's identifier.
    pub local_id: Option<&'a str>,
    /// UUID of the Patient, where the output holds one.
    pub uuid: Uuid,
}

impl<'a> Refs<'a> {
    /// References for one referral.
    #[must_use]
    pub fn new(names: &'a Names, form: Form, key: &SubjectKey<'_>) -> Self {
        let identifier = match (key.nhs_number, key.local_id) {
            (Some(number), _) => Some(Identifier::new(NhsNumber::SYSTEM, Text::shared(number.as_str()))),
            (None, Some(local)) => Some(Identifier::new(names.system(NameKind::Person), Text::shared(local))),
            (None, None) => None,
        };
        let reference = match (form, key.nhs_number) {
            (Form::Transaction, Some(number)) => {
                Some(Text::shared(&["Patient?identifier=", NhsNumber::SYSTEM, "|", number.as_str()].concat()))
            }
            (Form::Transaction, None) => None,
            (Form::Bulk, _) => Some(Text::shared(&format!("Patient/{}", key.uuid))),
            _ => Some(Text::shared(&urn(key.uuid))),
        };
        let subject = Reference { reference, identifier: identifier.map(Arc::new), ..Reference::default() };
        Self { names, form, subject }
    }

    /// The person.
    #[must_use]
    pub fn subject(&self) -> Reference {
        self.subject.clone()
    }

    /// A resource of the output.
    #[must_use]
    pub fn to(&self, resource_type: &str, uuid: Uuid) -> Reference {
        Reference::to(self.target(resource_type, uuid))
    }

    /// The text of a reference.
    #[must_use]
    pub fn target(&self, resource_type: &str, uuid: Uuid) -> String {
        match self.form {
            Form::Bulk => format!("{resource_type}/{uuid}"),
            _ => urn(uuid),
        }
    }
}

/// `urn:uuid:…`
#[must_use]
pub fn urn(uuid: Uuid) -> String {
    uuid.urn().encode_lower(&mut Uuid::encode_buffer()).to_owned()
}

/// The UUID in lower case with hyphens; unlike `to_string`, in one allocation of the right size.
#[must_use]
pub fn plain(uuid: Uuid) -> String {
    uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()).to_owned()
}
