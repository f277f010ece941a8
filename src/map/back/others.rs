//! What a clinical system wrote: a request is `referred`, its Task says how far it got.
//!
//! Nothing is invented: a Task that is only requested says no more than its request does, and one that is in
//! progress says only that it was accepted. Next: [`super::work`].

use crate::event::field::Field;
use crate::event::kinds::EventType;
use crate::event::{Issue, IssueCode, Position, ReferralEvent};
use crate::tree::Node;

use super::Back;
use super::address::Target;
use super::clash::{Claim, Key, Piece, name_of};
use super::facts::Facts;
use super::parties;
use super::pool::{Found, Pool, identifiers, is_restricted, items, notes, text};
use super::unread::list_unread;
use super::whose::{is_about, is_about_the_person};
use super::written::focus;

/// The referral that a request stands for.
pub(super) struct Referral {
    pub(super) id: String,
    /// The source, where the request names one.
    source: Option<String>,
    /// What its request is called in full.
    name: String,
    /// Whether the request is here.
    is_here: bool,
    record: Facts,
}

impl Referral {
    pub(super) fn key(&self) -> Key {
        (self.source.clone(), self.id.clone())
    }

    fn claim(&self, by: &Found<'_>) -> Claim {
        let (referral, name, path) = (self.key(), self.name.clone(), by.path.clone());
        Claim { referral, name, path, is_request: self.is_here }
    }
}

fn event_of<'p, 'n>(
    event: Option<ReferralEvent>,
    of: &'p Found<'n>,
    referral: &Referral,
) -> Option<Piece<'p, 'n>> {
    Some(Piece { event: event?, of, referral: referral.key() })
}

/// Whether a request asks for something to be done.
fn is_order(request: &Found<'_>) -> bool {
    let intent = text(request.node, "intent").unwrap_or_default();
    matches!(intent, "order" | "original-order" | "reflex-order" | "filler-order" | "instance-order")
}

/// Whether the clinical system restricts who may see a request, or anything that was written about it. On what `us`, a
/// source of ours, wrote itself the label says that it holds a sensitive entry that was released.
fn is_restricted_for_others(pool: &Pool<'_>, request: &Found<'_>, us: Option<&str>) -> bool {
    let is_by_us = |found: &Found<'_>| {
        let source = |system: &str| system.rsplit_once('/').map(|(source, _)| source.to_owned());
        us.is_some() && identifiers(found.node).any(|(system, _)| source(system).as_deref() == us)
    };
    *request.is_restricted.get_or_init(|| {
        (is_restricted(request.node) && !is_by_us(request))
            || pool.written().restricting(pool, request).any(|found| !is_by_us(found))
    })
}

impl Back<'_> {
    /// The events of a clinical system's resources.
    pub(super) fn others<'p, 'n>(
        &self,
        pool: &'p Pool<'n>,
        claims: &mut Vec<Claim>,
        issues: &mut Vec<Issue>,
    ) -> Vec<Piece<'p, 'n>> {
        let mut pieces = Vec::new();
        let mut say = |event, of, referral: &Referral| {
            pieces.extend(event_of(event, of, referral));
        };
        for request in pool.of_others("ServiceRequest") {
            pool.used(request);
            list_unread(request, issues);
            if let Some(referral) = self.referral(pool, request, issues) {
                claims.push(referral.claim(request));
                say(self.request(request, &referral, issues), request, &referral);
                say(self.end_or_hold(pool, request, &referral, issues), request, &referral);
            }
        }
        for task in pool.of_others("Task") {
            pool.used(task);
            list_unread(task, issues);
            let Some(referral) = self.of_task(pool, task, issues) else { continue };
            if !referral.is_here {
                claims.push(referral.claim(task));
            }
            say(self.task(task, &referral, issues), task, &referral);
        }
        pieces
    }

    /// Whose referral a request is, and its record.
    pub(super) fn referral(
        &self,
        pool: &Pool<'_>,
        request: &Found<'_>,
        issues: &mut Vec<Issue>,
    ) -> Option<Referral> {
        let mut record = Facts::default();
        let written_by_us = identifiers(request.node)
            .find_map(|(system, _)| system.strip_suffix("/case-reference").filter(|s| !s.is_empty()));
        let case = identifiers(request.node).find(|(system, _)| system.ends_with("/case-reference"));
        let first = case.or_else(|| identifiers(request.node).next());
        let id = match (first, text(request.node, "id")) {
            (Some((_, value)), _) => value.to_owned(),
            (None, Some(id)) => id.to_owned(),
            (None, None) => {
                let at = Position::path(request.at("identifier"));
                issues.push(Issue::new(IssueCode::RequiredMissing, at, "a request without identifier or id"));
                return None;
            }
        };
        match (written_by_us, first) {
            (Some(source), _) => record.known(Field::Source, source, request),
            (None, Some((system, value))) if !system.is_empty() => {
                record.put(Field::FulfilsSystem, Some(system), request, "identifier[0].system");
                record.put(Field::FulfilsValue, Some(value), request, "identifier[0].value");
            }
            _ => {}
        }
        let person_system = written_by_us.map(|source| format!("{source}/person")).unwrap_or_default();
        parties::person(&mut record, pool, request, "subject", &person_system);
        if is_restricted_for_others(pool, request, written_by_us) && !record.has(Field::Protected) {
            record.known(Field::Protected, "true", request);
        }
        parties::request(&mut record, pool, request);
        self.kind(&mut record, request, issues);
        let (source, name) = (written_by_us.map(str::to_owned), name_of(pool, request, first));
        Some(Referral { id, source, name, is_here: true, record })
    }

    fn kind(&self, record: &mut Facts, request: &Found<'_>, issues: &mut Vec<Issue>) {
        let kind = parties::service_kind(self.codeset, request.node.get("code"));
        if kind.is_none() && request.node.get("code").is_some() {
            let at = Position::path(request.at("code"));
            issues.push(Issue::new(IssueCode::NotCarried, at, "a kind of service that is not known here"));
        }
        record.known(Field::ServiceKind, kind.map_or("other", |kind| kind.as_str()), request);
    }

    fn request(
        &self,
        request: &Found<'_>,
        referral: &Referral,
        issues: &mut Vec<Issue>,
    ) -> Option<ReferralEvent> {
        let date = text(request.node, "authoredOn");
        let status = text(request.node, "status").unwrap_or_default();
        if status == "entered-in-error" {
            return self.withdrawn(request, referral, "referred", date, issues);
        }
        let asks = is_order(request);
        if !asks || matches!(status, "draft" | "unknown") {
            let (element, found) =
                if asks { ("status", "a request not yet made") } else { ("intent", "no order") };
            let at = Position::path(request.at(element));
            issues.push(Issue::new(IssueCode::NotCarried, at, found));
            return None;
        }
        let mut facts = self.header(request, referral, EventType::Referred, date, "authoredOn");
        parties::reasons(&mut facts, request);
        facts.build(request, self.identities, self.nhs_number, issues)
    }

    /// What the request's own status says beyond that it was made, where no Task of it that is here says as much. It has
    /// no date of its own; the event has its own id, so that it never takes the place of what the Task says.
    fn end_or_hold(
        &self,
        pool: &Pool<'_>,
        request: &Found<'_>,
        referral: &Referral,
        issues: &mut Vec<Issue>,
    ) -> Option<ReferralEvent> {
        let event = match text(request.node, "status").filter(|_| is_order(request))? {
            "revoked" => EventType::Cancelled,
            "completed" => EventType::Completed,
            "on-hold" => EventType::OnHold,
            _ => return None,
        };
        let says_when = |task: &Found<'_>| match text(task.node, "status") {
            Some("completed" | "failed" | "cancelled") => true,
            Some("on-hold") => event == EventType::OnHold,
            _ => false,
        };
        let mut tasks = pool.written().tasks(pool, request);
        if tasks.any(|task| says_when(task) && is_about(pool, task, request)) {
            return None;
        }
        let at = Position::path(request.at("status"));
        issues.push(Issue::new(IssueCode::Undated, at, event.label()));
        let mut facts = self.header(request, referral, event, None, "status");
        facts.known(Field::EventId, &format!("{}/request/{}", referral.id, event.as_str()), request);
        facts.known(Field::StatusSlot, "true", request);
        facts.build(request, self.identities, self.nhs_number, issues)
    }

    /// The referral a Task is about: its focus here, or the identifier it gives.
    fn of_task(&self, pool: &Pool<'_>, task: &Found<'_>, issues: &mut Vec<Issue>) -> Option<Referral> {
        let focus = focus(task);
        match focus.map(|focus| pool.target(task, focus)) {
            Some(Target::Here(request)) if request.kind == "ServiceRequest" => {
                if !is_about_the_person(pool, task, request, issues) {
                    return None;
                }
                // What is wrong with the request was said when it was read.
                return self.referral(pool, request, &mut Vec::new());
            }
            Some(Target::Unclear(_, issue)) => {
                let at = Position::path(task.at("focus"));
                issues.push(Issue::new(issue.code, at, issue.found));
                return None;
            }
            _ => {}
        }
        let mut record = Facts::default();
        let logical = focus.and_then(|focus| text(focus, "identifier.value"));
        let literal = focus
            .and_then(|focus| text(focus, "reference"))
            .and_then(|target| target.rsplit_once("ServiceRequest/"))
            .map(|(_, id)| id.split('/').next().unwrap_or(id));
        let Some(id) = logical.or(literal) else {
            let at = Position::path(task.at("focus"));
            issues.push(Issue::new(IssueCode::NotCarried, at, "a Task about no request"));
            return None;
        };
        if logical.is_none() {
            let at = Position::path(task.at("focus"));
            issues.push(Issue::new(IssueCode::RequestElsewhere, at, ""));
        }
        let system = focus.and_then(|focus| text(focus, "identifier.system"));
        let target = focus.and_then(|focus| text(focus, "reference"));
        let name = match (logical, target) {
            (None, Some(target)) => pool.whole(task, target).into_owned(),
            _ => format!("{}|{id}", system.unwrap_or_default()),
        };
        if let Some(system) = system {
            record.put(Field::FulfilsSystem, Some(system), task, "focus.identifier.system");
            record.put(Field::FulfilsValue, logical, task, "focus.identifier.value");
        }
        parties::person(&mut record, pool, task, "for", "");
        if is_restricted(task.node) && !record.has(Field::Protected) {
            record.known(Field::Protected, "true", task);
        }
        record.known(Field::ServiceKind, "other", task);
        Some(Referral { id: id.to_owned(), source: None, name, is_here: false, record })
    }

    fn task(&self, task: &Found<'_>, referral: &Referral, issues: &mut Vec<Issue>) -> Option<ReferralEvent> {
        use EventType as E;
        let date = text(task.node, "lastModified");
        let status = text(task.node, "status").unwrap_or_default();
        let mut list = |found: &'static str| {
            issues.push(Issue::new(IssueCode::NotCarried, Position::path(task.at("status")), found));
        };
        let event = match status {
            "accepted" => E::Accepted,
            "in-progress" => {
                list("in progress: read as accepted, because no contact is stated");
                E::Accepted
            }
            "rejected" => E::Rejected,
            "on-hold" => E::OnHold,
            "completed" => E::Completed,
            "failed" => E::ClosedWithoutCompletion,
            "cancelled" => E::Cancelled,
            "requested" => return None,
            "entered-in-error" => {
                let at = Position::path(task.at("status"));
                issues.push(Issue::new(IssueCode::FhirModifier, at, "a Task entered in error"));
                return None;
            }
            _ => {
                list("a status without an event of its own");
                return None;
            }
        };
        let mut facts = self.header(task, referral, event, date, "lastModified");
        if !matches!(event, E::Accepted) {
            facts.term(Field::StatusReason, 0, task.node.get("statusReason"), task, "statusReason");
        }
        if matches!(event, E::Completed | E::ClosedWithoutCompletion) {
            let outcome = items(task.node, "output")
                .iter()
                .find_map(|output: &Node| output.get("valueCodeableConcept"));
            facts.term(Field::Outcome, 0, outcome, task, "output");
        }
        facts.put(Field::Note, notes(task.node).as_deref(), task, "note");
        facts.build(task, self.identities, self.nhs_number, issues)
    }

    fn withdrawn(
        &self,
        found: &Found<'_>,
        referral: &Referral,
        target: &str,
        date: Option<&str>,
        issues: &mut Vec<Issue>,
    ) -> Option<ReferralEvent> {
        let date = text(found.node, "meta.lastUpdated").or(date);
        let mut facts = self.header(found, referral, EventType::EnteredInError, date, "meta.lastUpdated");
        facts.known(Field::TargetEventId, &format!("{}/{target}", referral.id), found);
        facts.build(found, self.identities, self.nhs_number, issues)
    }

    pub(super) fn header(
        &self,
        found: &Found<'_>,
        referral: &Referral,
        event: EventType,
        date: Option<&str>,
        path: &str,
    ) -> Facts {
        let mut facts = Facts::default();
        facts.known(Field::ReferralId, &referral.id, found);
        facts.known(Field::EventId, &format!("{}/{}", referral.id, event.as_str()), found);
        facts.known(Field::Type, event.as_str(), found);
        facts.put(Field::OccurredAt, date, found, path);
        facts.put(Field::RecordedAt, text(found.node, "meta.lastUpdated"), found, "meta.lastUpdated");
        facts.also(referral.record.copy());
        facts
    }
}
