//! The fixed URIs and structural codes of FHIR, HL7 and the NHS that the mapping writes.
//!
//! One place, so that docs/MAPPING.md can list them and nothing else can creep in. No clinical code is here:
//! those come from the loaded codeset only. Sources: HL7 FHIR R4 (4.0.1) value sets; HL7 UK, UK Core STU2;
//! HL7 v3 ActCode. Next: [`super::refs`].

use crate::fhir::types::{CodeableConcept, Coding};

/// SNOMED CT.
pub const SNOMED: &str = "http://snomed.info/sct";
/// Read version 2.
pub const READ_V2: &str = "http://read.info/readv2";
/// Clinical Terms Version 3.
pub const CTV3: &str = "http://read.info/ctv3";
/// UK Core's extension for the source of a referral.
pub const SOURCE_OF_SERVICE_REQUEST: &str =
    "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-SourceOfServiceRequest";
/// UK Core's extension for the NHS number's verification status.
pub const NHS_NUMBER_VERIFICATION_STATUS: &str =
    "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus";
/// England's verification statuses.
pub const NHS_NUMBER_VERIFICATION_STATUS_ENGLAND: &str =
    "https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatusEngland";
/// UCUM units.
pub const UCUM: &str = "http://unitsofmeasure.org";
/// The type, in words, of the output that tells a Task's outcome. By it our output is known again on a Task of the
/// clinical system's.
pub const OUTCOME: &str = "Outcome";

/// A structural code with its display, fixed by the standard.
#[derive(Clone, Copy, Debug)]
pub struct Structural {
    /// The code system.
    pub system: &'static str,
    /// The code.
    pub code: &'static str,
    /// Its display in that system.
    pub display: &'static str,
}

impl Structural {
    /// As a Coding.
    #[must_use]
    pub fn coding(&self) -> Coding {
        Coding::new(self.system, self.code).with_display(self.display)
    }

    /// As a CodeableConcept.
    #[must_use]
    pub fn concept(&self) -> CodeableConcept {
        CodeableConcept::coding(self.coding())
    }
}

macro_rules! structural {
    ($($(#[$doc:meta])* $name:ident = $system:literal, $code:literal, $display:literal;)*) => {
        $($(#[$doc])* pub const $name: Structural = Structural { system: $system, code: $code, display: $display };)*
        /// Every structural code, for docs/MAPPING.md.
        pub const STRUCTURAL: &[Structural] = &[$($name),*];
    };
}

structural! {
    /// `Task.code`.
    FULFIL = "http://hl7.org/fhir/CodeSystem/task-code", "fulfill", "Fulfill the focal request";
    /// `Observation.category` of scores.
    SURVEY = "http://terminology.hl7.org/CodeSystem/observation-category", "survey", "Survey";
    /// `Observation.category` of what was said about the person's circumstances.
    SOCIAL_HISTORY = "http://terminology.hl7.org/CodeSystem/observation-category", "social-history", "Social History";
    /// `Provenance.agent.type`.
    ASSEMBLER = "http://terminology.hl7.org/CodeSystem/provenance-participant-type", "assembler", "Assembler";
    /// `Encounter.class` when the mode is unknown, by telephone, video or in writing.
    VIRTUAL = "http://terminology.hl7.org/CodeSystem/v3-ActCode", "VR", "virtual";
    /// `Encounter.class` in person.
    AMBULATORY = "http://terminology.hl7.org/CodeSystem/v3-ActCode", "AMB", "ambulatory";
    /// `Encounter.class` at home.
    HOME_HEALTH = "http://terminology.hl7.org/CodeSystem/v3-ActCode", "HH", "home health";
    /// `Consent.scope`.
    PATIENT_PRIVACY = "http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy", "Privacy Consent";
    /// `Consent.category`.
    INFORMATION_DISCLOSURE = "http://terminology.hl7.org/CodeSystem/v3-ActCode", "IDSCL", "information disclosure";
    /// `Consent.policyRule` when everything is shared.
    OPT_IN = "http://terminology.hl7.org/CodeSystem/v3-ActCode", "OPTIN", "opt-in";
    /// `Consent.policyRule` when only codes are shared.
    OPT_IN_RESTRICTED = "http://terminology.hl7.org/CodeSystem/v3-ActCode", "OPTINR", "opt-in with restrictions";
    /// `Flag.category` of safe contact.
    ADMINISTRATIVE = "http://terminology.hl7.org/CodeSystem/flag-category", "admin", "Administrative";
    /// `Flag.category` of the risk indicator.
    SAFETY = "http://terminology.hl7.org/CodeSystem/flag-category", "safety", "Safety";
    /// `meta.security` of what a person released although it is sensitive.
    RESTRICTED = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "R", "restricted";
}

/// The UK Core profile of a resource type, where there is one.
#[must_use]
pub fn profile(resource_type: &str) -> Option<&'static str> {
    macro_rules! uk_core {
        ($($name:literal),*) => { match resource_type {
            $($name => Some(concat!("https://fhir.hl7.org.uk/StructureDefinition/UKCore-", $name)),)*
            _ => None,
        } };
    }
    uk_core!(
        "ServiceRequest",
        "Task",
        "Patient",
        "Practitioner",
        "PractitionerRole",
        "Organization",
        "Observation",
        "QuestionnaireResponse",
        "HealthcareService",
        "Communication",
        "Encounter",
        "Consent",
        "MessageHeader"
    )
}
