//! QuestionnaireResponse: the answers behind an assessment. Next: [`super::patient`].

use crate::event::detail::ScoreValue;
use crate::fhir::types::{
    Decimal, QuestionnaireResponse, QuestionnaireResponseAnswer, QuestionnaireResponseItem, Text, Value,
};

use super::entry::{Entry, meta};
use super::names::NameKind;
use super::notes::Notes;
use super::own::Context;

/// The answers of an event; answers in words leave only at full sharing.
pub(super) fn answers(context: &Context<'_>, notes: &mut Notes) -> Option<Entry> {
    let mut items = Vec::new();
    for answer in &context.event.detail.answers {
        let value = match &answer.value {
            ScoreValue::Integer(value) => Some(Value::Integer(*value)),
            ScoreValue::Decimal(text) => Decimal::parse(text.clone()).map(Value::Decimal),
            ScoreValue::Text(text) => {
                context.free_text(Some(text), notes, "answers[].value").map(Value::String)
            }
        };
        let Some(value) = value else { continue };
        items.push(QuestionnaireResponseItem {
            link_id: Text::from(answer.id.clone()),
            text: answer.question.clone().map(Text::from),
            answer: vec![QuestionnaireResponseAnswer {
                value: Some(value),
                ..QuestionnaireResponseAnswer::default()
            }],
            ..QuestionnaireResponseItem::default()
        });
    }
    if items.is_empty() {
        return None;
    }
    let uuid = context.uuid(NameKind::QuestionnaireResponse, None);
    let identifier = context.identifier(NameKind::QuestionnaireResponse, uuid);
    let response = QuestionnaireResponse {
        meta: meta("QuestionnaireResponse"),
        identifier: Some(identifier),
        based_on: context.based_on(),
        status: "completed".into(),
        subject: Some(context.refs.subject()),
        authored: context.date(),
        item: items,
        ..QuestionnaireResponse::default()
    };
    Some(context.update(uuid, response))
}
