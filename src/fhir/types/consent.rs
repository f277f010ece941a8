//! Consent: what the person agreed to share.

use super::{CodeableConcept, Coding, ConsentSource, Extension, Identifier, Meta, Period, Reference, Text};

structs! {
    /// What the person agreed to share.
    Consent("Consent") {
        id: Option<Text> = "id",
        meta: Option<Meta> = "meta",
        extension: Vec<Extension> = "extension",
        identifier: Vec<Identifier> = "identifier",
        /// 1..1; draft | proposed | active | rejected | inactive | entered-in-error.
        status: Text = "status",
        /// 1..1.
        scope: CodeableConcept = "scope",
        category: Vec<CodeableConcept> = "category",
        patient: Option<Reference> = "patient",
        date_time: Option<Text> = "dateTime",
        performer: Vec<Reference> = "performer",
        organization: Vec<Reference> = "organization",
        source: Option<ConsentSource> = "source[x]",
        policy: Vec<ConsentPolicy> = "policy",
        policy_rule: Option<CodeableConcept> = "policyRule",
        verification: Vec<ConsentVerification> = "verification",
        provision: Option<ConsentProvision> = "provision",
    }

    /// A policy the consent stands on.
    ConsentPolicy {
        authority: Option<Text> = "authority",
        uri: Option<Text> = "uri",
    }

    /// Whether and when the consent was verified.
    ConsentVerification {
        /// 1..1.
        verified: bool = "verified",
        verified_with: Option<Reference> = "verifiedWith",
        verification_date: Option<Text> = "verificationDate",
    }

    /// What is permitted or denied.
    ConsentProvision {
        /// deny | permit.
        type_: Option<Text> = "type",
        period: Option<Period> = "period",
        actor: Vec<ConsentActor> = "actor",
        action: Vec<CodeableConcept> = "action",
        security_label: Vec<Coding> = "securityLabel",
        purpose: Vec<Coding> = "purpose",
        class: Vec<Coding> = "class",
        code: Vec<CodeableConcept> = "code",
        data_period: Option<Period> = "dataPeriod",
        provision: Vec<ConsentProvision> = "provision",
    }

    /// Whom a provision concerns.
    ConsentActor {
        /// 1..1.
        role: CodeableConcept = "role",
        /// 1..1.
        reference: Reference = "reference",
    }
}
