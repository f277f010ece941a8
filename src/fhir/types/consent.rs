//! Consent: what the person agreed to share.

use super::{CodeableConcept, Extension, Identifier, Meta, Reference, Text};

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
        policy_rule: Option<CodeableConcept> = "policyRule",
    }
}
