//! MessageHeader: the first entry of a message Bundle.

use super::{CodeableConcept, ContactPoint, Event, Extension, Meta, Reference, Text};

structs! {
    /// The first entry of a message Bundle.
    MessageHeader("MessageHeader") {
        id: Option<Text> = "id",
        meta: Option<Meta> = "meta",
        extension: Vec<Extension> = "extension",
        /// 1..1.
        event: Option<Event> = "event[x]",
        destination: Vec<MessageDestination> = "destination",
        sender: Option<Reference> = "sender",
        enterer: Option<Reference> = "enterer",
        author: Option<Reference> = "author",
        /// 1..1.
        source: MessageSource = "source",
        responsible: Option<Reference> = "responsible",
        reason: Option<CodeableConcept> = "reason",
        response: Option<MessageResponse> = "response",
        focus: Vec<Reference> = "focus",
        definition: Option<Text> = "definition",
    }

    /// Where the message is to go.
    MessageDestination {
        name: Option<Text> = "name",
        target: Option<Reference> = "target",
        /// 1..1.
        endpoint: Text = "endpoint",
        receiver: Option<Reference> = "receiver",
    }

    /// What sent the message.
    MessageSource {
        name: Option<Text> = "name",
        software: Option<Text> = "software",
        version: Option<Text> = "version",
        contact: Option<ContactPoint> = "contact",
        /// 1..1.
        endpoint: Text = "endpoint",
    }

    /// What this message answers.
    MessageResponse {
        /// 1..1.
        identifier: Text = "identifier",
        /// 1..1; ok | transient-error | fatal-error.
        code: Text = "code",
        details: Option<Reference> = "details",
    }
}
