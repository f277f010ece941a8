//! Our Task, once others may have written on it: what our events say goes in, and what others wrote stays. Pure.
//!
//! Each element that others may change is compared three ways: with what we said last, with what stands there, and with
//! what we say now. What we said is kept beside the digest of what was sent, because that may hold what others wrote.
//! What this is not: their Task ([`super::merge`]). Invariant: nothing that somebody wrote goes but where our event says
//! otherwise of the very state it was about; where both say something else of one thing, neither is lost: it waits for
//! a person. Next: [`super::fill`].

use crate::event::EventType;
use crate::outbox::Reason;
use crate::tree::Node;

use super::content::{self, References};
use super::draft::Draft;
use super::merge::{is_end, is_later, is_our_output, leads_to, set};

/// What we said of our Task, by element: short digests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    status: String,
    reason: String,
    business: String,
    owner: String,
    outputs: Vec<String>,
}

impl Said {
    pub(super) fn of(task: &Node, references: &References<'_>) -> Self {
        let of = |name: &str| content::digest_element(task.get(name), references);
        Self {
            status: of("status"),
            reason: of("statusReason"),
            business: of("businessStatus"),
            owner: of("owner"),
            outputs: outputs(task).iter().map(|one| content::digest_element(Some(one), references)).collect(),
        }
    }

    /// As it is kept behind the digest of the Task.
    pub(super) fn marks(&self) -> String {
        let Self { status, reason, business, owner, outputs } = self;
        format!("~{status}~{reason}~{business}~{owner}~{}", outputs.join(","))
    }

    /// Read from what was kept; none of a store that did not keep it yet.
    pub(super) fn read(content: &str) -> Option<Self> {
        let mut marks = content.split('~').skip(1).map(str::to_owned);
        let mut next = || marks.next();
        let (status, reason, business, owner) = (next()?, next()?, next()?, next()?);
        let outputs = next()?.split(',').filter(|one| !one.is_empty()).map(str::to_owned).collect();
        Some(Self { status, reason, business, owner, outputs })
    }
}

/// How our Task stands there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before<'s> {
    /// What we said of it last, where that is known.
    pub(super) said: Option<&'s Said>,
    /// Whether a person saw what stands there and decided for ours.
    pub(super) is_decided: bool,
    /// Whether our event says that the work was taken up again.
    pub(super) is_resumed: bool,
}

/// Whether a draft's event says that the work was taken up again. Its status may be the one that we said before: that
/// somebody else had put it on hold, the source need not know.
pub(super) fn says_resumed(draft: &Draft) -> bool {
    let says =
        |node: &Node| node.path("activity.text").and_then(Node::as_str) == Some(EventType::Resumed.label());
    draft.entries.iter().any(|entry| entry.resource_type == "Provenance" && says(&entry.resource))
}

/// Puts into our Task what others wrote on the one that stands there.
///
/// # Errors
/// [`Reason::Divergent`]: both say something else of one thing.
pub(super) fn merge(
    ours: &mut Node,
    there: &Node,
    before: Before<'_>,
    references: &References<'_>,
) -> Result<(), Reason> {
    let (now, theirs) = (Said::of(ours, references), Said::of(there, references));
    if before.said == Some(&theirs) {
        // Nobody wrote anything.
        return Ok(());
    }
    let moves = status(ours, there, (&now, &theirs), before)?;
    let reason = match moves {
        // A reason is about its status, and goes with it.
        Some(takes) => takes,
        None => choose(before, |said| &said.reason, (&now, &theirs), ours.get("statusReason"))?,
    };
    let business = choose(before, |said| &said.business, (&now, &theirs), ours.get("businessStatus"))?;
    let owner = choose(before, |said| &said.owner, (&now, &theirs), ours.get("owner"))?;
    let output = merged_outputs((ours, there), (&now, &theirs), before)?;
    let stays = [
        ("status", moves == Some(Takes::Theirs)),
        ("statusReason", reason == Takes::Theirs),
        ("businessStatus", business == Takes::Theirs),
        ("owner", owner == Takes::Theirs),
        ("lastModified", !ours.get("lastModified").is_some_and(|date| is_later(date, there))),
    ];
    for (name, _) in stays.into_iter().filter(|(_, stays)| *stays) {
        set(ours, name, there.get(name));
    }
    set(ours, "output", (!output.is_empty()).then_some(&Node::Array(output)));
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    Ours,
    Theirs,
}

/// Whose status counts; none where both say the same.
fn status(
    ours: &Node,
    there: &Node,
    (now, theirs): (&Said, &Said),
    before: Before<'_>,
) -> Result<Option<Takes>, Reason> {
    let word = |task: &Node| task.get("status").and_then(Node::as_str).unwrap_or_default().to_owned();
    let (from, to) = (word(there), word(ours));
    if from == to {
        return Ok(None);
    }
    let is_as_left = before.said.is_some_and(|said| said.status == theirs.status);
    // A hold that somebody else set is lifted by nothing that was not about it.
    let is_held = from == "on-hold" && !is_as_left;
    let is_news = before.said.is_none_or(|said| said.status != now.status);
    if !(is_news || is_held && before.is_resumed) {
        // We have nothing new to say about how far it got; they have.
        return Ok(Some(Takes::Theirs));
    }
    let may_lift = !is_held || before.is_resumed || is_end(&to);
    match is_as_left || before.is_decided || may_lift && leads_to(&from, &to) {
        true => Ok(Some(Takes::Ours)),
        // They ended it, paused it, or got further than what we say: theirs is not set back without a person.
        false => Err(Reason::Divergent),
    }
}

/// Whose value of an element counts.
fn choose(
    before: Before<'_>,
    of: impl Fn(&Said) -> &str,
    (now, theirs): (&Said, &Said),
    ours: Option<&Node>,
) -> Result<Takes, Reason> {
    let (was, now, theirs) = (before.said.map(&of), of(now), of(theirs));
    match was {
        _ if now == theirs => Ok(Takes::Ours),
        Some(was) if was == theirs => Ok(Takes::Ours),
        Some(was) if was == now => Ok(Takes::Theirs),
        None if theirs.is_empty() => Ok(Takes::Ours),
        // Ours is said no more; what they say is another thing.
        _ if ours.is_none() => Ok(Takes::Theirs),
        _ if before.is_decided => Ok(Takes::Ours),
        _ => Err(Reason::Divergent),
    }
}

/// Their outputs as they stand, and ours where we have news of it in the place of what we put there before.
fn merged_outputs(
    (ours, there): (&Node, &Node),
    (now, theirs): (&Said, &Said),
    before: Before<'_>,
) -> Result<Vec<Node>, Reason> {
    if before.said.is_some_and(|said| said.outputs == now.outputs) {
        return Ok(outputs(there).to_vec());
    }
    let was_ours = |digest: &String| before.said.is_some_and(|said| said.outputs.contains(digest));
    let is_ours = |digest: &String| now.outputs.contains(digest);
    // An outcome that is neither what we said nor what we say: somebody changed ours, or put theirs in its place.
    let is_rival = |one: &Node, digest: &String| {
        !was_ours(digest) && !is_ours(digest) && is_our_output(one) && !now.outputs.is_empty()
    };
    let mut all = Vec::new();
    for (one, digest) in outputs(there).iter().zip(&theirs.outputs) {
        match is_rival(one, digest) {
            true if before.is_decided => {}
            true => return Err(Reason::Divergent),
            false if was_ours(digest) && !is_ours(digest) => {}
            false => all.push(one.clone()),
        }
    }
    let is_new = |digest: &String| !theirs.outputs.contains(digest);
    let new = outputs(ours).iter().zip(&now.outputs).filter(|(_, digest)| is_new(digest));
    all.extend(new.map(|(one, _)| one.clone()));
    Ok(all)
}

fn outputs(task: &Node) -> &[Node] {
    task.get("output").and_then(Node::as_array).unwrap_or_default()
}

#[cfg(test)]
#[path = "progress_tests.rs"]
mod tests;
