//! Our own Bundles: each Provenance is one event. Next: `scene.rs`.

use crate::codeset::WellKnown;
use crate::event::field::Field;
use crate::event::kinds::EventType;
use crate::event::{Issue, IssueCode, Position, ReferralEvent};
use crate::map::names::{NameKind, Names};
use crate::map::systems;

use super::Back;
use super::facts::Facts;
use super::parties::{self, is};
use super::pool::{Found, Pool, identifiers, source_of_ours, text};
use super::scene::Scene;
use super::whose::is_about_the_person;

impl Back<'_> {
    /// The event that a Provenance names, if it is one of ours.
    pub(super) fn ours(
        &self,
        pool: &Pool<'_>,
        provenance: &Found<'_>,
        issues: &mut Vec<Issue>,
    ) -> Option<ReferralEvent> {
        let source = source_of_ours(provenance.node)?;
        let event_uuid = text(provenance.node, "entity[0].what.identifier.value")?;
        pool.used(provenance);
        let scene = Scene::new(pool, provenance, Names::new(source));
        let mut of_another = false;
        if let Some(request) = scene.request {
            for found in scene.own.iter().copied().chain(scene.task) {
                of_another |= !is_about_the_person(pool, found, request, issues);
            }
        }
        if of_another {
            return None;
        }
        let mut lost = |field: &str, found: &'static str| {
            let at = Position::path(format!("{} ({field})", provenance.path));
            issues.push(Issue::new(IssueCode::NotCarried, at, found));
        };
        let event_type = self.event_type(&scene)?;
        let date = scene.date();
        let referral = scene.referral(pool, event_uuid, event_type, date).unwrap_or_else(|| {
            lost("referral_id", "no resource says the referral's id");
            event_uuid.to_owned()
        });
        let key = scene.key(&referral, event_uuid, event_type, date);
        let event_id = key.map_or_else(
            || {
                lost("event_id", "the event's own id");
                event_uuid.to_owned()
            },
            |key| format!("{referral}/{key}"),
        );
        let mut facts = Facts::default();
        facts.known(Field::Source, source, provenance);
        facts.known(Field::ReferralId, &referral, provenance);
        facts.known(Field::EventId, &event_id, provenance);
        facts.known(Field::Type, event_type.as_str(), provenance);
        facts.put(Field::OccurredAt, date, provenance, "occurredDateTime");
        // Not when the source recorded it, but when this version of its resources was made.
        facts.put(Field::RecordedAt, text(provenance.node, "recorded"), provenance, "recorded");
        if matches!(event_type, EventType::Corrected | EventType::EnteredInError) {
            facts.put(Field::TargetEventId, scene.target(&referral).as_deref(), provenance, "target");
        }
        self.record(&mut facts, pool, &scene, &referral);
        self.detail(&mut facts, pool, &scene, event_type, date);
        let is_told = text(provenance.node, "activity.text").is_some();
        if date.is_none() && is_told && !facts.has(Field::Count) {
            // Only what a status column says, or a count, has no date.
            facts.known(Field::StatusSlot, "true", provenance);
        }
        for found in scene.own.iter().copied().chain(scene.request).chain(scene.task) {
            pool.used(found);
        }
        for header in pool.of_kind("MessageHeader") {
            pool.used(header);
        }
        facts.build(provenance, self.identities, self.nhs_number, issues)
    }

    /// What happened: as the Provenance says, else as the resources show.
    fn event_type(&self, scene: &Scene<'_, '_>) -> Option<EventType> {
        if let Some(event) = text(scene.provenance.node, "activity.text").and_then(parties::type_by_label) {
            return Some(event);
        }
        let status = scene.task.and_then(|task| text(task.node, "status"));
        for own in &scene.own {
            let code = own.node.get("code");
            match own.kind {
                "Observation" if code.and_then(|c| text(c, "text")) == Some("Social prescribing offered") => {
                    return Some(EventType::Offered);
                }
                "Observation" if parties::service_kind(self.codeset, code).is_some() => {
                    return Some(EventType::Declined);
                }
                "Observation" if is(self.codeset, WellKnown::DidNotAttend, code) => {
                    return Some(EventType::DidNotAttend);
                }
                "Observation" if is(self.codeset, WellKnown::ContactFailed, code) => {
                    return Some(EventType::ContactFailed);
                }
                "Observation" if is(self.codeset, WellKnown::Signposted, code) => {
                    return Some(EventType::Signposted);
                }
                "Encounter" => return Some(EventType::Contacted),
                "CarePlan" => return Some(EventType::PlanAgreed),
                "ServiceRequest" => return Some(EventType::ReferredOn),
                _ => {}
            }
        }
        let assessed =
            scene.own.iter().any(|own| matches!(own.kind, "Observation" | "QuestionnaireResponse"));
        match status? {
            "completed" => Some(EventType::Completed),
            "failed" => Some(EventType::ClosedWithoutCompletion),
            _ if assessed => Some(EventType::Assessed),
            "requested" => Some(EventType::Referred),
            "accepted" | "in-progress" => Some(EventType::Accepted),
            "rejected" => Some(EventType::Rejected),
            "on-hold" => Some(EventType::OnHold),
            "cancelled" => Some(EventType::Cancelled),
            _ => None,
        }
    }

    fn record(&self, facts: &mut Facts, pool: &Pool<'_>, scene: &Scene<'_, '_>, referral: &str) {
        let person_system = scene.names.system(NameKind::Person);
        let about = scene.request.or_else(|| scene.own.first().copied());
        if let Some(about) = about {
            let member = if about.kind == "Consent" { "patient" } else { "subject" };
            parties::person(facts, pool, about, member, &person_system);
        }
        let code = about.and_then(|about| about.node.get("code"));
        let kind = parties::service_kind(self.codeset, code).map_or("other", |kind| kind.as_str());
        facts.known(Field::ServiceKind, kind, scene.provenance);
        if let Some(request) = scene.request {
            parties::request(facts, pool, request);
            let case_system = scene.names.case_reference_system();
            let case = identifiers(request.node)
                .find(|(system, _)| **system == *case_system)
                .map(|(_, value)| value);
            facts.put(Field::CaseReference, case.filter(|case| *case != referral), request, "identifier");
        }
        for own in &scene.own {
            match own.kind {
                // One that is no longer active says what the record no longer says.
                "Flag" if text(own.node, "status") != Some("active") => {}
                "Flag" => {
                    let category = text(own.node, "category[0].coding[0].code");
                    let safety = category == Some(systems::SAFETY.code);
                    let field = if safety { Field::Risk } else { Field::SafeContact };
                    facts.term(field, 0, own.node.get("code"), own, "code");
                }
                "Consent" => {
                    let share = match text(own.node, "policyRule.coding[0].code") {
                        Some(code) if code == systems::OPT_IN.code => "full",
                        _ => "codes_only",
                    };
                    facts.known(Field::ConsentShare, share, own);
                    facts.put(Field::ConsentDate, text(own.node, "dateTime"), own, "dateTime");
                }
                _ => {}
            }
        }
    }
}
