//! What an event's own resources say: contacts, scores, plans, messages, outcomes. Next: `others.rs`.

use crate::event::field::Field;
use crate::event::kinds::EventType;
use crate::map::systems;
use crate::tree::Node;

use super::Back;
use super::facts::Facts;
use super::parties;
use super::pool::{Found, Pool, items, text};
use super::scene::Scene;

impl Back<'_> {
    pub(super) fn detail(
        &self,
        facts: &mut Facts,
        pool: &Pool<'_>,
        scene: &Scene<'_, '_>,
        event: EventType,
        date: Option<&str>,
    ) {
        use EventType as E;
        if event == E::EnteredInError {
            return;
        }
        if event == E::Referred
            && let Some(request) = scene.request
        {
            parties::reasons(facts, request);
        }
        // In a packed Bundle the Task is in its last state, which only its last event brought about.
        let task = scene.task.filter(|task| text(task.node, "lastModified") == date);
        if let Some(task) = task {
            let ends = matches!(event, E::Completed | E::ClosedWithoutCompletion);
            if ends {
                facts.term(
                    Field::Outcome,
                    0,
                    task.node.path("output[0].valueCodeableConcept"),
                    task,
                    "output[0]",
                );
            }
            let reason = match event {
                E::ContactFailed | E::DidNotAttend => task
                    .node
                    .get("businessStatus")
                    .filter(|concept| text(concept, "text") != Some(event.label())),
                E::Rejected
                | E::OnHold
                | E::Cancelled
                | E::ClosedWithoutCompletion
                | E::Rerouted
                | E::Completed => task.node.get("statusReason"),
                _ => None,
            };
            facts.term(Field::StatusReason, 0, reason, task, "statusReason");
            if event == E::Rerouted
                && let Some(owner) =
                    scene.request.and_then(|request| items(request.node, "performer").first())
            {
                parties::service(
                    facts,
                    pool,
                    task,
                    owner,
                    [Field::ToName, Field::ToOds, Field::ToOrganisation],
                    "owner",
                );
            }
        }
        let (mut scores, mut answers, mut goals) = (0, 0, 0);
        for own in &scene.own {
            match own.kind {
                "Observation" => self.observation(facts, own, event, &mut scores),
                "Encounter" => {
                    facts.put(Field::Mode, mode(own.node), own, "class");
                }
                "CarePlan" => {
                    facts.put(Field::Plan, text(own.node, "description"), own, "description");
                    facts.put(Field::Note, text(own.node, "note[0].text"), own, "note[0].text");
                }
                "Goal" => {
                    facts.term(Field::Goal, goals, own.node.get("description"), own, "description");
                    goals += 1;
                }
                "QuestionnaireResponse" => {
                    for item in items(own.node, "item") {
                        facts.put_at(Field::AnswerId, answers, text(item, "linkId"), own, "item.linkId");
                        facts.put_at(Field::AnswerQuestion, answers, text(item, "text"), own, "item.text");
                        let value = item.path("answer[0]").and_then(value);
                        facts.put_at(Field::AnswerValue, answers, value, own, "item.answer");
                        answers += 1;
                    }
                }
                "Communication" => communication(facts, own, event),
                "ServiceRequest" => {
                    facts.term(Field::What, 0, own.node.get("code"), own, "code");
                    if let Some(performer) = items(own.node, "performer").first() {
                        let fields = [Field::ToName, Field::ToOds, Field::ToOrganisation];
                        parties::service(facts, pool, own, performer, fields, "performer[0]");
                    }
                }
                _ => {}
            }
        }
    }

    fn observation(&self, facts: &mut Facts, own: &Found<'_>, event: EventType, scores: &mut u16) {
        let node = own.node;
        let survey = text(node, "category[0].coding[0].code") == Some(systems::SURVEY.code);
        if survey {
            let components = items(node, "component");
            if components.is_empty() {
                return score(facts, own, node, None, scores);
            }
            let whole = text(node, "code.text");
            components.iter().for_each(|component| score(facts, own, component, whole, scores));
            return;
        }
        facts.put(Field::Note, text(node, "note[0].text"), own, "note[0].text");
        match event {
            EventType::Declined => {
                facts.term(
                    Field::StatusReason,
                    0,
                    node.get("valueCodeableConcept"),
                    own,
                    "valueCodeableConcept",
                );
            }
            EventType::Signposted => {
                facts.term(Field::What, 0, node.get("valueCodeableConcept"), own, "valueCodeableConcept");
            }
            _ if node.get("valueInteger").is_some() => {
                facts.put(Field::Count, value(node), own, "valueInteger");
                let label = text(node, "code.text").filter(|label| *label != event.label());
                facts.put(Field::CountLabel, label, own, "code.text");
            }
            _ => {}
        }
    }
}

/// A score, named by its place: the source's name for it is not in FHIR.
fn score(facts: &mut Facts, own: &Found<'_>, node: &Node, whole: Option<&str>, scores: &mut u16) {
    let id = (*scores + 1).to_string();
    facts.put_at(Field::ScoreId, *scores, Some(&id), own, "identifier");
    facts.term(Field::ScoreMeasure, *scores, node.get("code"), own, "code");
    facts.put_at(Field::ScoreValue, *scores, value(node), own, "value");
    facts.put_at(Field::ScoreUnit, *scores, text(node, "valueQuantity.code"), own, "valueQuantity.code");
    facts.put_at(Field::ScorePartOf, *scores, whole, own, "code.text");
    *scores += 1;
}

/// How a contact took place, as far as its class says.
pub(super) fn mode(encounter: &Node) -> Option<&'static str> {
    match text(encounter, "class.code") {
        Some(code) if code == systems::AMBULATORY.code => Some("in-person"),
        Some(code) if code == systems::HOME_HEALTH.code => Some("home"),
        _ => None,
    }
}

/// A value as it was written: an integer, a decimal, a quantity, a string.
pub(super) fn value(node: &Node) -> Option<&str> {
    let number = |path| node.path(path).and_then(Node::as_number);
    number("valueInteger")
        .or_else(|| number("valueDecimal"))
        .or_else(|| number("valueQuantity.value"))
        .or_else(|| text(node, "valueString"))
}

/// The words of a message or a signposting. How they were divided is not known any more.
fn communication(facts: &mut Facts, own: &Found<'_>, event: EventType) {
    let words: Vec<&str> =
        items(own.node, "payload").iter().filter_map(|p| text(p, "contentString")).collect();
    let words = words.join("\n");
    if words.is_empty() {
        return;
    }
    let field = match event {
        EventType::Signposted => Field::What,
        _ => Field::Message,
    };
    facts.put(field, Some(&words), own, "payload");
}
