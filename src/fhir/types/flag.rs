//! Flag: a warning or a need to be aware of.

use super::{CodeableConcept, Extension, Identifier, Meta, Period, Reference, Text};

structs! {
    /// A warning or a need to be aware of.
    Flag("Flag") {
        id: Option<Text> = "id",
        meta: Option<Meta> = "meta",
        extension: Vec<Extension> = "extension",
        identifier: Vec<Identifier> = "identifier",
        /// 1..1; active | inactive | entered-in-error.
        status: Text = "status",
        category: Vec<CodeableConcept> = "category",
        /// 1..1.
        code: CodeableConcept = "code",
        /// 1..1.
        subject: Reference = "subject",
        period: Option<Period> = "period",
        encounter: Option<Reference> = "encounter",
        author: Option<Reference> = "author",
    }
}
