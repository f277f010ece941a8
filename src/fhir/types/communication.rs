//! Communication: a message sent, such as the one back to the GP.

use super::{Annotation, CodeableConcept, Content, Extension, Identifier, Meta, Reference, Text};

structs! {
    /// A message sent, such as the one back to the GP.
    Communication("Communication") {
        id: Option<Text> = "id",
        meta: Option<Meta> = "meta",
        extension: Vec<Extension> = "extension",
        identifier: Vec<Identifier> = "identifier",
        based_on: Vec<Reference> = "basedOn",
        part_of: Vec<Reference> = "partOf",
        in_response_to: Vec<Reference> = "inResponseTo",
        /// 1..1; preparation | in-progress | not-done | on-hold | stopped | completed | entered-in-error | unknown.
        status: Text = "status",
        status_reason: Option<CodeableConcept> = "statusReason",
        category: Vec<CodeableConcept> = "category",
        priority: Option<Text> = "priority",
        medium: Vec<CodeableConcept> = "medium",
        subject: Option<Reference> = "subject",
        topic: Option<CodeableConcept> = "topic",
        about: Vec<Reference> = "about",
        encounter: Option<Reference> = "encounter",
        sent: Option<Text> = "sent",
        received: Option<Text> = "received",
        recipient: Vec<Reference> = "recipient",
        sender: Option<Reference> = "sender",
        reason_code: Vec<CodeableConcept> = "reasonCode",
        reason_reference: Vec<Reference> = "reasonReference",
        payload: Vec<CommunicationPayload> = "payload",
        note: Vec<Annotation> = "note",
    }

    /// One part of the message.
    CommunicationPayload {
        /// 1..1.
        content: Option<Content> = "content[x]",
    }
}
