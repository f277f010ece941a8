//! Provenance: where the resources of a Bundle came from.

use super::{CodeableConcept, Extension, Meta, Occurred, Reference, Text};

structs! {
    /// Where the resources of a Bundle came from.
    Provenance("Provenance") {
        id: Option<Text> = "id",
        meta: Option<Meta> = "meta",
        extension: Vec<Extension> = "extension",
        target: Vec<Reference> = "target",
        occurred: Option<Occurred> = "occurred[x]",
        /// 1..1.
        recorded: Text = "recorded",
        activity: Option<CodeableConcept> = "activity",
        agent: Vec<ProvenanceAgent> = "agent",
        entity: Vec<ProvenanceEntity> = "entity",
    }

    /// Who or what took part.
    ProvenanceAgent {
        type_: Option<CodeableConcept> = "type",
        /// 1..1.
        who: Reference = "who",
    }

    /// What was used.
    ProvenanceEntity {
        /// 1..1; derivation | revision | quotation | source | removal.
        role: Text = "role",
        /// 1..1.
        what: Reference = "what",
    }
}
