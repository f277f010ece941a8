//! What a person lets stand at the endpoint: it is left out of what is sent, and the rest goes. Pure.
//!
//! The person decided about versions that were shown. Invariant: only what stands in exactly such a version, and would else
//! have stopped the entry, is left out; what has moved since stops it again. Next: [`super::fill`].

use crate::outbox::{Placed, Reason};
use crate::tree::Node;

use super::answering::{self, Answering};
use super::draft::{Draft, DraftEntry};
use super::fill::placed;

/// Whether a version is one that a person lets stand.
pub(super) fn stands(let_stand: &[Placed], there: &Placed) -> bool {
    let same = |seen: &Placed| {
        (&seen.resource_type, &seen.id, &seen.version) == (&there.resource_type, &there.id, &there.version)
    };
    let_stand.iter().any(same)
}

/// What of theirs stops an answer: the request, where it asks for nothing any more, and the Tasks about it.
pub(super) fn at_stake(answering: &Answering<'_>, draft: &Draft) -> Vec<Placed> {
    let request = Some(&answering.wanted.request).filter(|request| !answering::asks(request));
    let tasks = answering::theirs(answering, draft);
    let by_id = |node: &Node| placed("", node).map(|there| Placed { uuid: there.id.clone(), ..there });
    request.into_iter().chain(tasks).filter_map(by_id).collect()
}

/// Leaves the Task of an answer out.
///
/// # Errors
/// [`Reason::Divergent`]: something of theirs is in another version than the person saw, or what else is sent points at
/// the Task and cannot be told which of theirs it is.
pub(super) fn without_answer(
    draft: &mut Draft,
    answering: &Answering<'_>,
    let_stand: &[Placed],
) -> Result<(), Reason> {
    let there = at_stake(answering, draft);
    if there.is_empty() || !there.iter().all(|there| stands(let_stand, there)) {
        return Err(Reason::Divergent);
    }
    let uuid = answering.fulfils.task.clone().ok_or(Reason::Divergent)?;
    let mut tasks = there.iter().filter(|there| there.resource_type == "Task");
    let place = match (tasks.next(), tasks.next()) {
        (Some(task), None) => Some(format!("Task/{}", task.id)),
        _ => None,
    };
    leave_out(draft, &uuid, place.as_deref());
    let urn = format!("urn:uuid:{uuid}");
    let dangles = draft.entries.iter().any(|entry| answering::points_at(&entry.resource, &urn));
    if dangles { Err(Reason::Divergent) } else { Ok(()) }
}

/// Takes a resource out; what points at it points at its place there. The event's Provenance is not about it then, and goes
/// where it is about nothing.
pub(super) fn leave_out(draft: &mut Draft, uuid: &str, place: Option<&str>) {
    let urn = format!("urn:uuid:{uuid}");
    draft.entries.retain(|entry| entry.uuid != uuid);
    draft.entries.retain_mut(|entry| entry.resource_type != "Provenance" || keeps_target(entry, &urn));
    if let Some(place) = place {
        for entry in &mut draft.entries {
            answering::replace(&mut entry.resource, &urn, place);
        }
    }
    answering::prune(draft);
}

/// Takes a target out of a Provenance. Says whether another is left.
fn keeps_target(provenance: &mut DraftEntry, urn: &str) -> bool {
    let Node::Object(members) = &mut provenance.resource else { return false };
    let Some((_, Node::Array(targets))) = members.iter_mut().find(|(name, _)| name == "target") else {
        return false;
    };
    targets.retain(|target| target.get("reference").and_then(Node::as_str) != Some(urn));
    !targets.is_empty()
}
