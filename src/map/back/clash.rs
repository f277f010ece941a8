//! Referrals and events that would be taken for one another: two requests under one number, two events under one id.
//!
//! A referral goes by the value of its request's identifier, and an event by the referral and what happened. Where
//! two requests have one value in different systems or on different servers, or one stands here in two versions,
//! which is which can no longer be said: they are refused, all of them. Two Tasks of one request that say the same
//! are two events: the earliest has the id it would have alone, the others are named by their Tasks. What this is not: a comparison with what was read before. Next:
//! [`super::others`].

use std::collections::{HashMap, HashSet};

use crate::event::build::MAX_ID;
use crate::event::{Issue, IssueCode, Position, ReferralEvent};

use super::pool::{Found, Pool, identifiers, text, unversioned};

/// What a referral goes by: the source, where its request names one, and the id.
pub(super) type Key = (Option<String>, String);

/// An event, the resource it was read from, and its referral.
pub(super) struct Piece<'p, 'n> {
    pub(super) event: ReferralEvent,
    pub(super) of: &'p Found<'n>,
    pub(super) referral: Key,
}

/// Which request a referral's id stands for.
pub(super) struct Claim {
    pub(super) referral: Key,
    /// What the request is called in full.
    pub(super) name: String,
    /// Where that is said.
    pub(super) path: String,
    /// Whether it is the request itself that is here, not only a Task about it.
    pub(super) is_request: bool,
}

/// What a request is called in full: system and value of its identifier, else where it is.
pub(super) fn name_of(pool: &Pool<'_>, request: &Found<'_>, identifier: Option<(&str, &str)>) -> String {
    let id = text(request.node, "id").unwrap_or_default();
    let place = || match request.full_url {
        Some(url) => unversioned(url).to_owned(),
        None => pool.whole(request, &format!("ServiceRequest/{id}")).into_owned(),
    };
    match identifier {
        Some((system, value)) if !system.is_empty() => format!("{system}|{value}"),
        Some((_, value)) => format!("{value} {}", place()),
        None => place(),
    }
}

/// The events of others without those that cannot be told apart.
pub(super) fn told_apart(
    mut pieces: Vec<Piece<'_, '_>>,
    claims: &[Claim],
    issues: &mut Vec<Issue>,
) -> Vec<ReferralEvent> {
    let mut of_referral: HashMap<&Key, (HashSet<&str>, usize)> = HashMap::new();
    for claim in claims {
        let (names, requests) = of_referral.entry(&claim.referral).or_default();
        names.insert(&claim.name);
        *requests += usize::from(claim.is_request);
    }
    let clash = |referral: &Key| {
        of_referral.get(referral).is_some_and(|(names, requests)| names.len() > 1 || *requests > 1)
    };
    for claim in claims {
        if clash(&claim.referral) {
            let at = Position::path(claim.path.clone());
            issues.push(Issue::new(
                IssueCode::DuplicateReferralId,
                at,
                "two requests, or two versions of one",
            ));
        }
    }
    pieces.retain(|piece| !clash(&piece.referral));
    name_later_tasks(&mut pieces);
    let twice = said_twice(&pieces);
    let mut events = Vec::with_capacity(pieces.len());
    for (piece, twice) in pieces.into_iter().zip(twice) {
        if twice {
            let at = Position::path(piece.of.path.clone());
            issues.push(Issue::new(IssueCode::DuplicateEventId, at, "another resource that says the same"));
        } else {
            events.push(piece.event);
        }
    }
    events
}

/// Adds to the ids of events that Tasks of one request say alike the Task's own name; the earliest keeps the bare id, so
/// that a Task that comes later renames no event that was known before.
fn name_later_tasks(pieces: &mut [Piece<'_, '_>]) {
    let mut alike: HashMap<EventKey, Vec<usize>> = HashMap::new();
    for (at, piece) in pieces.iter().enumerate() {
        alike.entry(key(piece)).or_default().push(at);
    }
    for group in alike.into_values().filter(|group| group.len() > 1) {
        let all = || group.iter().filter_map(|at| Some((*at, pieces.get(*at)?)));
        let first = all().min_by_key(|(_, piece)| age(piece)).map(|(_, piece)| age(piece));
        let tasks = all().all(|(_, piece)| piece.of.kind == "Task");
        let oldest: Vec<usize> =
            all().filter(|(_, piece)| Some(age(piece)) == first).map(|(at, _)| at).collect();
        // Two versions of one Task: neither is the event.
        let name = |at: &usize| pieces.get(*at).and_then(|piece| own_name(piece.of));
        let kept = oldest.first().copied().filter(|at| {
            tasks && oldest.len() == 1 && group.iter().filter(|other| name(other) == name(at)).count() == 1
        });
        for at in group.into_iter().filter(|at| Some(*at) != kept) {
            let Some(piece) = pieces.get_mut(at).filter(|piece| piece.of.kind == "Task") else { continue };
            if let Some(name) = own_name(piece.of)
                && piece.event.event_id.len() + name.len() < MAX_ID
            {
                piece.event.event_id = format!("{}/{name}", piece.event.event_id);
            }
        }
    }
}

/// A Task's own identifier, else its id.
fn own_name<'n>(task: &Found<'n>) -> Option<&'n str> {
    identifiers(task.node).next().map(|(_, value)| value).or_else(|| text(task.node, "id"))
}

/// What tells which Task is the earliest: when it was made, which never changes, where it says so; else when it was last
/// changed. Its name decides where these are the same.
fn age<'n>(piece: &Piece<'_, 'n>) -> (bool, &'n str, &'n str) {
    let made = text(piece.of.node, "authoredOn").or_else(|| text(piece.of.node, "lastModified"));
    (made.is_none(), made.unwrap_or_default(), own_name(piece.of).unwrap_or_default())
}

/// A source and an event's id.
type EventKey = (Option<String>, String);

fn key(piece: &Piece<'_, '_>) -> EventKey {
    (piece.referral.0.clone(), piece.event.event_id.clone())
}

/// Of each event, whether another has its id.
fn said_twice(pieces: &[Piece<'_, '_>]) -> Vec<bool> {
    let mut count: HashMap<EventKey, usize> = HashMap::new();
    for piece in pieces {
        *count.entry(key(piece)).or_default() += 1;
    }
    pieces.iter().map(|piece| count.get(&key(piece)).is_some_and(|count| *count > 1)).collect()
}
