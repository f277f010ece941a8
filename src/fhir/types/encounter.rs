//! Encounter: a contact with the person.

use super::{CodeableConcept, Coding, Extension, Identifier, Meta, Period, Reference, Text};

structs! {
    /// A contact with the person.
    Encounter("Encounter") {
        id: Option<Text> = "id",
        meta: Option<Meta> = "meta",
        extension: Vec<Extension> = "extension",
        identifier: Vec<Identifier> = "identifier",
        /// 1..1; planned | arrived | triaged | in-progress | onleave | finished | cancelled | entered-in-error | unknown.
        status: Text = "status",
        /// 1..1.
        class: Coding = "class",
        type_: Vec<CodeableConcept> = "type",
        service_type: Option<CodeableConcept> = "serviceType",
        priority: Option<CodeableConcept> = "priority",
        subject: Option<Reference> = "subject",
        episode_of_care: Vec<Reference> = "episodeOfCare",
        based_on: Vec<Reference> = "basedOn",
        participant: Vec<EncounterParticipant> = "participant",
        appointment: Vec<Reference> = "appointment",
        period: Option<Period> = "period",
        reason_code: Vec<CodeableConcept> = "reasonCode",
        reason_reference: Vec<Reference> = "reasonReference",
        location: Vec<EncounterLocation> = "location",
        service_provider: Option<Reference> = "serviceProvider",
        part_of: Option<Reference> = "partOf",
    }

    /// Someone who took part.
    EncounterParticipant {
        type_: Vec<CodeableConcept> = "type",
        period: Option<Period> = "period",
        individual: Option<Reference> = "individual",
    }

    /// Where it took place.
    EncounterLocation {
        /// 1..1.
        location: Reference = "location",
        status: Option<Text> = "status",
        physical_type: Option<CodeableConcept> = "physicalType",
        period: Option<Period> = "period",
    }
}
