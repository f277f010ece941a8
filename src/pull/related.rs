//! Reads single resources: what found ones lean on, what Tasks name by identifier, what was not clear. Writes nothing.
//!
//! One resource that cannot be read makes unclear what leans on it, and stops nothing else; an endpoint that cannot be asked at
//! all ends the poll. Invariant: of a person's record that was not read, nothing is said as if it had been. Next:
//! [`super::judge`].

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use crate::endpoint::fhir_rest::client::{Client, Fault};
use crate::endpoint::fhir_rest::{classify, search};
use crate::outbox::{Outcome, Reason};
use crate::tree::Node;

use super::fresh::{Focus, Fresh, REQUEST, logical_focus};
use super::page::{Found, Place, leans_on};
use super::read::PullError;

/// No more single resources are read in one poll; the rest is unclear until the next.
const MAX_READS: usize = 20_000;
/// A Task leads to its request, that to a role, that to an organisation.
const DEPTH: usize = 4;
/// After so many answers that were none, no more single resources are asked for in this poll.
const MAX_LOST: usize = 5;

/// Resources met at the endpoint, and those that could not be.
#[derive(Clone, Debug, Default)]
pub struct Related {
    /// By type and id.
    pub met: HashMap<Place, Found>,
    /// Why not.
    pub unread: HashMap<Place, String>,
}

/// What reading one resource came to.
#[derive(Clone, Debug)]
pub enum One {
    /// It is there.
    There(Box<Found>),
    /// It is not, or no longer.
    Gone,
    /// It is not for us.
    Forbidden,
    /// It cannot be read now.
    Unread(Option<u16>),
}

impl One {
    /// Why a resource was not read, by name.
    #[must_use]
    pub fn why(&self, (kind, id): &Place) -> String {
        let how = match self {
            Self::There(_) => return String::new(),
            Self::Gone => "is not there".to_owned(),
            Self::Forbidden => "cannot be read (HTTP 403)".to_owned(),
            Self::Unread(Some(status @ 200..=299)) => {
                format!("was answered with something else (HTTP {status})")
            }
            Self::Unread(Some(status)) => format!("cannot be read (HTTP {status})"),
            Self::Unread(None) => "cannot be read now".to_owned(),
        };
        format!("{kind}/{id} {how}")
    }
}

/// Reads resources by id, as long as that makes sense.
pub struct Reader<'a> {
    client: &'a Client,
    now: Timestamp,
    reads: usize,
    lost: usize,
}

impl<'a> Reader<'a> {
    /// For one poll.
    #[must_use]
    pub const fn new(client: &'a Client, now: Timestamp) -> Self {
        Self { client, now, reads: 0, lost: 0 }
    }

    /// Reads one resource.
    ///
    /// # Errors
    /// The endpoint cannot be asked now.
    pub async fn one(&mut self, (kind, id): &Place) -> Result<One, PullError> {
        if self.lost >= MAX_LOST || self.reads >= MAX_READS {
            return Ok(One::Unread(None));
        }
        self.reads += 1;
        let answer = match self.client.get(&format!("{kind}/{id}")).await {
            Ok(answer) => answer,
            Err(Fault::Lost | Fault::NotSent(Reason::Poison)) => {
                self.lost += 1;
                return Ok(One::Unread(None));
            }
            Err(fault) => return Err(PullError::of(classify::unread(fault))),
        };
        Ok(match answer.status {
            401 => return Err(PullError::of(classify::refused_reading(&answer, self.now))),
            404 | 410 => One::Gone,
            403 => One::Forbidden,
            200..=299 => {
                let found = answer.json().and_then(|node| Found::read(&node));
                let found = found.filter(|found| found.kind == *kind && found.id == *id);
                found.map_or(One::Unread(Some(answer.status)), |found| One::There(Box::new(found)))
            }
            status => {
                self.lost += usize::from(matches!(status, 429 | 502..=504));
                One::Unread(Some(status))
            }
        })
    }

    /// Reads what resources lean on and was not met yet. Who is not there or not for us is left out, but for a person: what
    /// cannot be said of a person whom we were not shown (whether the record is protected) must not be taken as said.
    ///
    /// # Errors
    /// The endpoint cannot be asked now.
    pub async fn related(
        &mut self,
        of: impl Iterator<Item = &Node>,
        related: &mut Related,
    ) -> Result<(), PullError> {
        let base = self.client.base();
        let mut wanted: Vec<Place> = of.flat_map(|node| leans_on(node, base)).collect();
        let mut asked = HashSet::new();
        for _ in 0..DEPTH {
            let mut next = Vec::new();
            for place in wanted {
                if !asked.insert(place.clone()) {
                    continue;
                }
                if !related.met.contains_key(&place) {
                    match self.one(&place).await? {
                        One::There(found) => {
                            related.met.insert(place.clone(), *found);
                        }
                        One::Gone | One::Forbidden if place.0 != "Patient" => {}
                        not => {
                            related.unread.insert(place.clone(), not.why(&place));
                        }
                    }
                }
                if let Some(found) = related.met.get(&place) {
                    next.extend(leans_on(&found.node, base));
                }
            }
            wanted = next;
        }
        Ok(())
    }

    /// Finds the requests that Tasks name by nothing but an identifier, where each is one's alone. An endpoint that cannot be
    /// asked so leaves them as they are stated.
    ///
    /// # Errors
    /// The endpoint cannot be asked now.
    pub async fn focuses(&mut self, fresh: &mut [Fresh], related: &mut Related) -> Result<(), PullError> {
        let mut asked: HashMap<(String, String), Focus> = HashMap::new();
        for one in fresh {
            let Some((system, value)) = logical_focus(&one.found) else { continue };
            let name = (system.to_owned(), value.to_owned());
            if let Some(known) = asked.get(&name) {
                one.focus = known.clone();
                continue;
            }
            if self.lost >= MAX_LOST || self.reads >= MAX_READS {
                one.focus = Focus::Unread;
                continue;
            }
            self.reads += 1;
            let matches = search::by_identifier(self.client, REQUEST, system, value, self.now).await;
            let focus = match matches {
                Err(Outcome::Rejected(_)) => Focus::AsStated,
                // It answered, and not to this question: the next may do better.
                Err(Outcome::Deferred { reason: Reason::Unavailable, status, .. }) => {
                    self.lost += usize::from(status.is_none());
                    Focus::Unread
                }
                Err(other) => return Err(PullError::of(other)),
                Ok(matches) if matches.more && matches.found.is_empty() => Focus::Unread,
                Ok(matches) => {
                    match matches.only(Reason::Duplicate).map(|one| one.as_ref().and_then(Found::read)) {
                        Err(_) => Focus::Several,
                        Ok(None) => Focus::AsStated,
                        Ok(Some(request)) => {
                            let place = (request.kind.clone(), request.id.clone());
                            related.met.insert(place.clone(), request);
                            Focus::At(place)
                        }
                    }
                }
            };
            asked.insert(name, focus.clone());
            one.focus = focus;
        }
        Ok(())
    }
}
