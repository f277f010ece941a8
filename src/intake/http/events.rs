//! `POST /events`: one event, an array of them, or one a line. Next: [`super::fhir`].

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};

use crate::convert::canonical;
use crate::convert::consents::to_be_heeded;
use crate::endpoint::webhook::{BY_TIME, REVISIONS};
use crate::event::build::NhsNumberRule;
use crate::event::finish::Identities;
use crate::event::{Issue, IssueCode, Position, ReferralEvent, read};
use crate::intake::doubt::of_refused;
use crate::intake::submit::{Came, Grouped, Taken, Withdrawals, withdrawn};
use crate::plan::Doubt;
use crate::plan::doubt::{heeded, said};
use crate::tree::{Limits, Node, json};

use super::Intake;
use super::answer::{EventResult, Refusal, batch, refused};
use super::array::{self, Array};
use super::body::{Received, receive};

#[derive(Clone, Copy)]
enum Kind {
    Json,
    Lines,
}

const KINDS: &[(&str, Kind)] = &[("application/json", Kind::Json), ("application/x-ndjson", Kind::Lines)];

/// Answers `POST /events`.
pub(super) async fn post(State(intake): State<Arc<Intake>>, request: Request) -> Response {
    let came = match request.headers().get(REVISIONS) {
        Some(word) if word.as_bytes() == BY_TIME.as_bytes() => Came::Versions,
        _ => Came::Events,
    };
    let received = match receive(&intake, request, KINDS).await {
        Ok(received) => received,
        Err(refusal) => return refusal.into_response(),
    };
    let Received { kind, bytes, _share } = received;
    let size = bytes.len();
    let reader = Arc::clone(&intake);
    let reading = move || parse(&bytes, kind, reader.max_events, &reader.identities);
    let parsed = intake.off_the_loop(size, reading).await;
    match parsed {
        Ok(Parsed::Refused(issue, doubts)) => {
            let heeds = !doubts.is_empty();
            if let Err(refusal) = intake.heed(doubts).await {
                return refusal.into_response();
            }
            intake.keep.refused(1);
            refused(&heeded_too(issue, heeds))
        }
        Ok(Parsed::TooMany) => Refusal::TooManyEvents.into_response(),
        Ok(Parsed::One(event)) => match intake.take(vec![*event], came).await {
            Ok(mut results) => {
                results.pop().map_or_else(|| Refusal::Defect.into_response(), EventResult::alone)
            }
            Err(refusal) => refusal.into_response(),
        },
        Ok(Parsed::Many(events)) => {
            let taken = intake.take(events, came).await;
            taken.map_or_else(axum::response::IntoResponse::into_response, batch)
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// An event as it was read, or why it was not.
pub(super) struct ReadEvent {
    pub(super) event: Option<ReferralEvent>,
    pub(super) issues: Vec<Issue>,
    /// What it says of consent although it is refused.
    pub(super) doubt: Option<Doubt>,
}

impl ReadEvent {
    pub(super) const fn refused(issues: Vec<Issue>) -> Self {
        Self { event: None, issues, doubt: None }
    }

    /// What it says of consent, where it is refused with the body that it came in.
    fn heeded(&self) -> Option<Doubt> {
        self.doubt.clone().or_else(|| self.event.as_ref().filter(|event| heeded(event)).map(Doubt::of))
    }
}

/// Why a body is refused, and whether what it says of consent is heeded all the same.
fn heeded_too(why: Issue, heeds: bool) -> Vec<Issue> {
    std::iter::once(why).chain(heeds.then(said)).collect()
}

enum Parsed {
    /// With what it says of consent although it is refused.
    Refused(Issue, Vec<Doubt>),
    TooMany,
    One(Box<ReadEvent>),
    Many(Vec<ReadEvent>),
}

fn parse(bytes: &[u8], kind: Kind, most: usize, identities: &Identities) -> Parsed {
    let nodes: Vec<Result<Node, Torn<'_>>> = match kind {
        Kind::Json => match json::parse(bytes, &Limits::default()) {
            Err(issue) if bytes.trim_ascii_start().starts_with(b"[") => match array::cut(bytes, most) {
                Array::Elements(elements) => elements.into_iter().map(parse_piece).collect(),
                Array::TooMany => return Parsed::TooMany,
                Array::Torn(pieces) => {
                    let read = events(pieces.into_iter().map(parse_piece).collect(), identities);
                    return Parsed::Refused(issue, read.iter().filter_map(ReadEvent::heeded).collect());
                }
            },
            Err(issue) => return Parsed::Refused(issue, torn(bytes, identities).into_iter().collect()),
            Ok(Node::Array(items)) => items.into_iter().map(Ok).collect(),
            Ok(node) => {
                let read = events(vec![Ok(node)], identities).pop();
                let empty = || ReadEvent::refused(Vec::new());
                return Parsed::One(Box::new(read.unwrap_or_else(empty)));
            }
        },
        Kind::Lines => {
            let lines =
                || bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|l| !l.is_empty());
            if lines().nth(most).is_some() {
                return Parsed::TooMany;
            }
            lines().map(parse_piece).collect()
        }
    };
    match nodes.len() {
        // Nothing was sent, so nothing can be said to have been taken.
        0 => Parsed::Refused(
            Issue::new(IssueCode::WrongShape, Position::default(), "no event at all"),
            Vec::new(),
        ),
        many if many > most => Parsed::TooMany,
        _ => Parsed::Many(events(nodes, identities)),
    }
}

/// What is no JSON, and why.
type Torn<'b> = (Issue, &'b [u8]);

fn parse_piece(piece: &[u8]) -> Result<Node, Torn<'_>> {
    json::parse(piece, &Limits::default()).map_err(|issue| (issue, piece))
}

/// What it says of consent, as far as it can be made out.
fn torn(raw: &[u8], identities: &Identities) -> Option<Doubt> {
    let (key, about) = canonical::torn(&String::from_utf8_lossy(raw));
    let referral = key.as_deref().and_then(|key| std::str::from_utf8(key).ok()?.rsplit('\u{1f}').next());
    of_refused(&about, referral, identities)
}

fn events(nodes: Vec<Result<Node, Torn<'_>>>, identities: &Identities) -> Vec<ReadEvent> {
    let mut withdrawals = Withdrawals::default();
    let mut found: Vec<ReadEvent> = Vec::with_capacity(nodes.len());
    for node in nodes {
        found.push(match node {
            Err((issue, raw)) => ReadEvent { event: None, issues: vec![issue], doubt: torn(raw, identities) },
            Ok(node) => {
                let (event, issues) = read::read(&node, identities, NhsNumberRule::Reject);
                let refused = event.is_none().then_some(&node);
                let doubt = refused.and_then(|node| doubt(node, identities, &mut withdrawals));
                ReadEvent { event, issues, doubt }
            }
        });
    }
    for read in &mut found {
        if let Some(event) = read.event.take_if(|event| withdrawals.concern(event)) {
            read.doubt = heeded(&event).then(|| Doubt::of(&event));
            read.issues.push(withdrawn());
        }
        read.issues.extend(read.doubt.is_some().then(said));
    }
    found
}

/// What a refused event says of consent, which must be heeded all the same.
fn doubt(node: &Node, identities: &Identities, withdrawals: &mut Withdrawals) -> Option<Doubt> {
    let about = canonical::about(node);
    let referral = node.get("referral_id").and_then(Node::as_str);
    to_be_heeded(&about)?;
    if let Some(Ok(referral)) = referral.map(|id| identities.opaque(id)) {
        withdrawals.note(about.source.as_deref(), &referral);
    }
    of_refused(&about, referral, identities)
}

impl Intake {
    /// Hands what was read to the store and answers for each, in order.
    pub(super) async fn take(&self, read: Vec<ReadEvent>, came: Came) -> Result<Vec<EventResult>, Refusal> {
        let good: Vec<ReferralEvent> = read.iter().filter_map(|read| read.event.clone()).collect();
        let wanted = good.len();
        let doubts: Vec<Doubt> = read.iter().filter_map(|read| read.doubt.clone()).collect();
        self.heed(doubts).await?;
        let mut taken = self.hand_over(good, came).await?;
        if taken.len() != wanted {
            return Err(Refusal::Defect);
        }
        self.keep.refused(read.len().saturating_sub(wanted) as u64);
        taken.reverse();
        let results = read.into_iter().map(|read| match read.event {
            None => Some(EventResult::refused(&read.issues)),
            Some(_) => taken.pop().map(|taken| EventResult::taken(&taken, &read.issues)),
        });
        results.collect::<Option<_>>().ok_or(Refusal::Defect)
    }

    /// What refused records say of consent is on the disk before they are answered.
    pub(super) async fn heed(&self, doubts: Vec<Doubt>) -> Result<(), Refusal> {
        if doubts.is_empty() { Ok(()) } else { Ok(self.keep.heed(doubts).await?) }
    }

    async fn hand_over(&self, events: Vec<ReferralEvent>, came: Came) -> Result<Vec<Taken>, Refusal> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let mut grouped = Grouped::new(events, came);
        let acceptances = self.keep.accept(std::mem::take(&mut grouped.submissions)).await?;
        Ok(grouped.taken(&acceptances))
    }
}
