//! CarePlan and Goals: what was agreed with the person. Next: [`super::communication`].

use crate::fhir::types::{CarePlan, Goal};

use super::entry::{Entry, meta};
use super::names::NameKind;
use super::notes::Notes;
use super::own::Context;

/// The plan, and a Goal for each goal that may leave. A plan whose words may not leave is still said to exist.
pub(super) fn plan(context: &Context<'_>, notes: &mut Notes) -> Vec<Entry> {
    let detail = &context.event.detail;
    let mut entries = Vec::new();
    let mut goals = Vec::new();
    for (index, goal) in detail.goals.iter().enumerate() {
        let Some(description) = context.coder.code(goal, "method", "goals", notes) else { continue };
        let uuid = context.uuid(NameKind::Goal, Some(&(index + 1).to_string()));
        let identifier = context.identifier(NameKind::Goal, uuid);
        goals.push(context.refs.to("Goal", uuid));
        let goal = Goal {
            meta: meta("Goal"),
            identifier: vec![identifier],
            lifecycle_status: "active".into(),
            description,
            subject: context.refs.subject(),
            ..Goal::default()
        };
        entries.push(context.update(uuid, goal));
    }
    let uuid = context.uuid(NameKind::CarePlan, None);
    let identifier = context.identifier(NameKind::CarePlan, uuid);
    let words = detail.plan.as_ref().and_then(|plan| context.coder.code(plan, "method", "plan", notes));
    let description = words.and_then(|concept| {
        let display = concept.coding.first().and_then(|coding| coding.display.clone());
        concept.text.or(display)
    });
    let note = context.free_text(detail.note.as_ref(), notes, "note");
    let plan = CarePlan {
        meta: meta("CarePlan"),
        identifier: vec![identifier],
        based_on: Vec::new(),
        status: "active".into(),
        intent: "plan".into(),
        description,
        subject: context.refs.subject(),
        created: context.date(),
        author: context.parties.provider(),
        supporting_info: context.based_on(),
        goal: goals,
        note: note.map(crate::fhir::types::Annotation::text).into_iter().collect(),
        ..CarePlan::default()
    };
    entries.insert(0, context.update(uuid, plan));
    entries
}
