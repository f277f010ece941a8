//! What a clinical system wrote about the work on a request: contacts, measurements, plans.
//!
//! Only what is based on a request that is here: anything else belongs to no referral and is listed. Next:
//! [`crate::event`].

use crate::event::field::Field;
use crate::event::kinds::EventType;
use crate::event::{Issue, IssueCode, Position, ReferralEvent};

use super::Back;
use super::detail::{mode, value};
use super::pool::{Found, Pool, identifiers, items, text};
use super::whose::is_about_the_person;

impl Back<'_> {
    /// The events of Encounters, Observations and CarePlans.
    pub(super) fn work(&self, pool: &Pool<'_>, issues: &mut Vec<Issue>) -> Vec<ReferralEvent> {
        let mut events = Vec::new();
        for kind in ["Encounter", "Observation", "CarePlan"] {
            for found in pool.of_kind(kind) {
                events.extend(self.piece(pool, found, issues));
            }
        }
        events
    }

    fn piece(&self, pool: &Pool<'_>, found: &Found<'_>, issues: &mut Vec<Issue>) -> Option<ReferralEvent> {
        let node = found.node;
        let based_on = items(node, "basedOn").iter().find_map(|reference| pool.resolve(reference));
        let request = based_on.filter(|request| request.kind == "ServiceRequest")?;
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
        facts.put(Field::Note, text(node, "note[0].text"), found, "note[0].text");
        facts.build(found, self.identities, self.nhs_number, issues)
    }
}
