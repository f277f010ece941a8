//! Communication: a message sent, such as the one back to the GP.

use super::{Content, Extension, Identifier, Meta, Reference, Text};

structs! {
    /// A message sent, such as the one back to the GP.
    Communication("Communication") {
        id: Option<Text> = "id",
        meta: Option<Meta> = "meta",
        extension: Vec<Extension> = "extension",
        identifier: Vec<Identifier> = "identifier",
        based_on: Vec<Reference> = "basedOn",
        /// 1..1; preparation | in-progress | not-done | on-hold | stopped | completed | entered-in-error | unknown.
        status: Text = "status",
        subject: Option<Reference> = "subject",
        recipient: Vec<Reference> = "recipient",
        sender: Option<Reference> = "sender",
        payload: Vec<CommunicationPayload> = "payload",
    }

    /// One part of the message.
    CommunicationPayload {
        /// 1..1.
        content: Option<Content> = "content[x]",
    }
}
