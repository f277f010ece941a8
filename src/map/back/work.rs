//! What a clinical system wrote about the work on a request: contacts, measurements, plans.
//!
//! Only what is based on a request that is here: anything else belongs to no referral and is listed. Next:
//! [`crate::event`].

use crate::event::field::Field;
use crate::event::kinds::EventType;
use crate::event::{Issue, IssueCode, Position};

use super::Back;
use super::address::Target;
use super::clash::Piece;
use super::detail::{mode, value};
use super::pool::{Found, Pool, identifiers, items, notes, text};
use super::whose::is_about_the_person;

/// What the work on a request is written down in.
pub(super) const WORK: [&str; 3] = ["Encounter", "Observation", "CarePlan"];

impl Back<'_> {
    /// The events of Encounters, Observations and CarePlans.
    pub(super) fn work<'p, 'n>(&self, pool: &'p Pool<'n>, issues: &mut Vec<Issue>) -> Vec<Piece<'p, 'n>> {
        let mut pieces = Vec::new();
        for kind in WORK {
            for found in pool.of_others(kind) {
                pieces.extend(self.piece(pool, found, issues));
            }
        }
        pieces
    }

    fn piece<'p, 'n>(
        &self,
        pool: &'p Pool<'n>,
        found: &'p Found<'n>,
        issues: &mut Vec<Issue>,
    ) -> Option<Piece<'p, 'n>> {
        let node = found.node;
        let mut request = None;
        for reference in items(node, "basedOn") {
            match pool.target(found, reference) {
                Target::Here(based_on) => request = request.or(Some(based_on)),
                Target::Unclear(_, issue) => {
                    let at = Position::path(found.at("basedOn"));
                    issues.push(Issue::new(issue.code, at, issue.found));
                    return None;
                }
                Target::Elsewhere => {}
            }
        }
        let request = request.filter(|request| request.kind == "ServiceRequest")?;
        let (event, done, date) = match found.kind {
            "Encounter" => (EventType::Contacted, &["finished"][..], "period.start"),
            "Observation" => {
                (EventType::Assessed, &["final", "amended", "corrected"][..], "effectiveDateTime")
            }
            _ => (EventType::PlanAgreed, &["active", "on-hold", "completed"][..], "created"),
        };
        let status = text(node, "status").unwrap_or_default();
        if status == "entered-in-error" {
            pool.used(found);
            let at = Position::path(found.at("status"));
            issues.push(Issue::new(IssueCode::FhirModifier, at, "entered in error"));
            return None;
        }
        let measured = found.kind != "Observation" || value(node).is_some();
        if !done.contains(&status) || !measured {
            return None;
        }
        if !is_about_the_person(pool, found, request, issues) {
            return None;
        }
        // What is wrong with the request was said when it was read.
        let referral = self.referral(pool, request, &mut Vec::new())?;
        let id = identifiers(node).next().map(|(_, value)| value).or_else(|| text(node, "id"))?;
        pool.used(found);
        let mut facts = self.header(found, &referral, event, text(node, date), date);
        facts.known(Field::EventId, &format!("{}/{}/{id}", referral.id, event.as_str()), found);
        match found.kind {
            "Encounter" => facts.put(Field::Mode, mode(node), found, "class"),
            "Observation" => {
                facts.put(Field::ScoreId, Some(id), found, "identifier");
                facts.term(Field::ScoreMeasure, 0, node.get("code"), found, "code");
                facts.put(Field::ScoreValue, value(node), found, "value");
                facts.put(Field::ScoreUnit, text(node, "valueQuantity.code"), found, "valueQuantity.code");
            }
            _ => facts.put(Field::Plan, text(node, "description"), found, "description"),
        }
        facts.put(Field::Note, notes(node).as_deref(), found, "note");
        let event = facts.build(found, self.identities, self.nhs_number, issues)?;
        Some(Piece { event, of: found, referral: referral.key() })
    }
}
