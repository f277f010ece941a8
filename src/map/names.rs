//! [`Names`]: the identifiers of everything sp-fhir writes, derived and never invented.
//!
//! Every resource of a referral is named by a UUID (RFC 9562 version 5) made from the source's URI and the
//! referral's own ids, so that the same row always names the same resources, on any machine, for ever. The
//! namespace is UUIDv5(URL, source); the name is `kind/referral_id[/rule[/n]]`. Invariant: no name is made
//! from an NHS number, because such a UUID could be undone by trying all numbers. Next: [`super::machine`].

use sha1::{Digest, Sha1};
use uuid::Uuid;

use crate::fhir::types::Text;

/// What an identifier names; the word is both the start of the name and the end of the identifier system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NameKind {
    /// The ServiceRequest of a referral.
    Referral,
    /// A Task.
    Task,
    /// An event, named in Provenance.
    Event,
    /// The person.
    Person,
    /// An organisation without an ODS code.
    Organization,
    /// A service.
    Service,
    /// A practitioner.
    Practitioner,
    /// A practitioner in a role.
    PractitionerRole,
    /// An Observation.
    Observation,
    /// An Encounter.
    Encounter,
    /// A CarePlan.
    CarePlan,
    /// A Goal.
    Goal,
    /// A Communication.
    Communication,
    /// A Flag.
    Flag,
    /// A Consent.
    Consent,
    /// A QuestionnaireResponse.
    QuestionnaireResponse,
}

impl NameKind {
    /// Every kind, in the order of its declaration.
    const ALL: [Self; 16] = [
        Self::Referral,
        Self::Task,
        Self::Event,
        Self::Person,
        Self::Organization,
        Self::Service,
        Self::Practitioner,
        Self::PractitionerRole,
        Self::Observation,
        Self::Encounter,
        Self::CarePlan,
        Self::Goal,
        Self::Communication,
        Self::Flag,
        Self::Consent,
        Self::QuestionnaireResponse,
    ];

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Referral => "referral",
            Self::Task => "task",
            Self::Event => "event",
            Self::Person => "person",
            Self::Organization => "organization",
            Self::Service => "service",
            Self::Practitioner => "practitioner",
            Self::PractitionerRole => "practitionerrole",
            Self::Observation => "observation",
            Self::Encounter => "encounter",
            Self::CarePlan => "careplan",
            Self::Goal => "goal",
            Self::Communication => "communication",
            Self::Flag => "flag",
            Self::Consent => "consent",
            Self::QuestionnaireResponse => "questionnaireresponse",
        }
    }
}

/// The names of one source.
#[derive(Clone, Debug)]
pub struct Names {
    source: String,
    namespace: Uuid,
    /// Per kind, in their order. Every resource says one of them, so they are shared.
    systems: [Text; NameKind::ALL.len()],
    case_reference_system: Text,
}

impl Names {
    /// The names of a source; a trailing slash of the URI does not matter.
    #[must_use]
    pub fn new(source: &str) -> Self {
        let source = source.trim_end_matches('/');
        let system = |last: &str| Text::shared(&[source, "/", last].concat());
        Self {
            source: source.to_owned(),
            namespace: version_5(Uuid::NAMESPACE_URL, [source]),
            systems: NameKind::ALL.map(|kind| system(kind.as_str())),
            case_reference_system: system("case-reference"),
        }
    }

    /// The source's URI without trailing slash.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The identifier system for a kind: `{source}/referral` and so on.
    #[must_use]
    pub fn system(&self, kind: NameKind) -> Text {
        self.systems.get(kind as usize).cloned().unwrap_or_default()
    }

    /// The system under which the source's printed case number travels.
    #[must_use]
    pub fn case_reference_system(&self) -> Text {
        self.case_reference_system.clone()
    }

    /// The UUID of `kind/part/part…`.
    #[must_use]
    pub fn uuid(&self, kind: NameKind, parts: &[&str]) -> Uuid {
        let name = parts.iter().flat_map(|part| ["/", part]);
        version_5(self.namespace, std::iter::once(kind.as_str()).chain(name))
    }
}

/// RFC 9562 version 5. By hand rather than with the feature of `uuid`, whose SHA-1 leaves the processor's own
/// instructions unused; identifiers are a good part of the work on a referral.
fn version_5<'a>(namespace: Uuid, name: impl IntoIterator<Item = &'a str>) -> Uuid {
    let mut hash = Sha1::new_with_prefix(namespace);
    for part in name {
        hash.update(part);
    }
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
    uuid::Builder::from_sha1_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worked_examples_names() {
        let names = Names::new("https://elmfield-sp.example/cases/");
        for (kind, parts, uuid) in [
            (NameKind::Referral, &["ELM/00042"][..], "83d70510-593f-5e9d-80e8-2dd6cbc8e361"),
            (NameKind::Task, &["ELM/00042", "1"], "d57b0159-a9fb-5a5a-8103-04e23ff49feb"),
            (NameKind::Event, &["ELM/00042", "referred"], "181d7b46-3a39-59bc-acc1-abe4bf0ca1b3"),
            (NameKind::Organization, &["M85063"], "5d5ffed6-a68e-5748-90d1-71f7906ab630"),
        ] {
            assert_eq!(names.uuid(kind, parts).to_string(), uuid);
        }
        for kind in NameKind::ALL {
            assert_eq!(*names.system(kind), format!("https://elmfield-sp.example/cases/{}", kind.as_str()));
        }
    }
}
