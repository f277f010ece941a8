//! QuestionnaireResponse: the answers to a questionnaire.

use super::{Extension, Identifier, Meta, Reference, Text, Value};

structs! {
    /// The answers to a questionnaire.
    QuestionnaireResponse("QuestionnaireResponse") {
        id: Option<Text> = "id",
        meta: Option<Meta> = "meta",
        extension: Vec<Extension> = "extension",
        identifier: Option<Identifier> = "identifier",
        based_on: Vec<Reference> = "basedOn",
        part_of: Vec<Reference> = "partOf",
        questionnaire: Option<Text> = "questionnaire",
        /// 1..1; in-progress | completed | amended | entered-in-error | stopped.
        status: Text = "status",
        subject: Option<Reference> = "subject",
        encounter: Option<Reference> = "encounter",
        authored: Option<Text> = "authored",
        author: Option<Reference> = "author",
        source: Option<Reference> = "source",
        item: Vec<QuestionnaireResponseItem> = "item",
    }

    /// A question with its answers, or a group.
    QuestionnaireResponseItem {
        /// 1..1.
        link_id: Text = "linkId",
        definition: Option<Text> = "definition",
        text: Option<Text> = "text",
        answer: Vec<QuestionnaireResponseAnswer> = "answer",
        item: Vec<QuestionnaireResponseItem> = "item",
    }

    /// One answer.
    QuestionnaireResponseAnswer {
        value: Option<Value> = "value[x]",
        item: Vec<QuestionnaireResponseItem> = "item",
    }
}
