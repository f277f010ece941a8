//! Our own Bundles: each Provenance is one event. Next: [`super::others`].

use crate::codeset::WellKnown;
use crate::event::field::Field;
use crate::event::kinds::EventType;
use crate::event::{Issue, IssueCode, Position, ReferralEvent};
use crate::map::names::{NameKind, Names};
use crate::map::systems;
use crate::tree::Node;

use super::Back;
use super::facts::Facts;
use super::parties::{self, is};
use super::pool::{Found, Pool, identifiers, items, text};
use super::whose::is_about_the_person;

/// The resources of one event.
struct Scene<'p, 'n> {
    provenance: &'p Found<'n>,
    names: Names,
    request: Option<&'p Found<'n>>,
    task: Option<&'p Found<'n>>,
    own: Vec<&'p Found<'n>>,
}

impl Back<'_> {
    /// The event that a Provenance names, if it is one of ours.
    pub(super) fn ours(
        &self,
        pool: &Pool<'_>,
        provenance: &Found<'_>,
        issues: &mut Vec<Issue>,
    ) -> Option<ReferralEvent> {
        let named = "entity[0].what.identifier";
        let source = text(provenance.node, &format!("{named}.system"))?.strip_suffix("/event")?;
        let event_uuid = text(provenance.node, &format!("{named}.value"))?;
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

    fn detail(
        &self,
        facts: &mut Facts,
        pool: &Pool<'_>,
        scene: &Scene<'_, '_>,
        event: EventType,
        date: Option<&str>,
    ) {
        use EventType as E;
        if event == E::EnteredInError {
            return;
        }
        if event == E::Referred
            && let Some(request) = scene.request
        {
            parties::reasons(facts, request);
        }
        // In a packed Bundle the Task is in its last state, which only its last event brought about.
        let task = scene.task.filter(|task| text(task.node, "lastModified") == date);
        if let Some(task) = task {
            let ends = matches!(event, E::Completed | E::ClosedWithoutCompletion);
            if ends {
                facts.term(
                    Field::Outcome,
                    0,
                    task.node.path("output[0].valueCodeableConcept"),
                    task,
                    "output[0]",
                );
            }
            let reason = match event {
                E::ContactFailed | E::DidNotAttend => task
                    .node
                    .get("businessStatus")
                    .filter(|concept| text(concept, "text") != Some(event.label())),
                E::Rejected
                | E::OnHold
                | E::Cancelled
                | E::ClosedWithoutCompletion
                | E::Rerouted
                | E::Completed => task.node.get("statusReason"),
                _ => None,
            };
            facts.term(Field::StatusReason, 0, reason, task, "statusReason");
            if event == E::Rerouted
                && let Some(owner) =
                    scene.request.and_then(|request| items(request.node, "performer").first())
            {
                parties::service(
                    facts,
                    pool,
                    task,
                    owner,
                    [Field::ToName, Field::ToOds, Field::ToOrganisation],
                    "owner",
                );
            }
        }
        let (mut scores, mut answers, mut goals) = (0, 0, 0);
        for own in &scene.own {
            match own.kind {
                "Observation" => self.observation(facts, own, event, &mut scores),
                "Encounter" => {
                    facts.put(Field::Mode, mode(own.node), own, "class");
                }
                "CarePlan" => {
                    facts.put(Field::Plan, text(own.node, "description"), own, "description");
                    facts.put(Field::Note, text(own.node, "note[0].text"), own, "note[0].text");
                }
                "Goal" => {
                    facts.term(Field::Goal, goals, own.node.get("description"), own, "description");
                    goals += 1;
                }
                "QuestionnaireResponse" => {
                    for item in items(own.node, "item") {
                        facts.put_at(Field::AnswerId, answers, text(item, "linkId"), own, "item.linkId");
                        facts.put_at(Field::AnswerQuestion, answers, text(item, "text"), own, "item.text");
                        let value = item.path("answer[0]").and_then(value);
                        facts.put_at(Field::AnswerValue, answers, value, own, "item.answer");
                        answers += 1;
                    }
                }
                "Communication" => communication(facts, own, event),
                "ServiceRequest" => {
                    facts.term(Field::What, 0, own.node.get("code"), own, "code");
                    if let Some(performer) = items(own.node, "performer").first() {
                        let fields = [Field::ToName, Field::ToOds, Field::ToOrganisation];
                        parties::service(facts, pool, own, performer, fields, "performer[0]");
                    }
                }
                _ => {}
            }
        }
    }

    fn observation(&self, facts: &mut Facts, own: &Found<'_>, event: EventType, scores: &mut u16) {
        let node = own.node;
        let survey = text(node, "category[0].coding[0].code") == Some(systems::SURVEY.code);
        if survey {
            let components = items(node, "component");
            if components.is_empty() {
                return score(facts, own, node, None, scores);
            }
            let whole = text(node, "code.text");
            components.iter().for_each(|component| score(facts, own, component, whole, scores));
            return;
        }
        facts.put(Field::Note, text(node, "note[0].text"), own, "note[0].text");
        match event {
            EventType::Declined => {
                facts.term(
                    Field::StatusReason,
                    0,
                    node.get("valueCodeableConcept"),
                    own,
                    "valueCodeableConcept",
                );
            }
            EventType::Signposted => {
                facts.term(Field::What, 0, node.get("valueCodeableConcept"), own, "valueCodeableConcept");
            }
            _ if node.get("valueInteger").is_some() => {
                facts.put(Field::Count, value(node), own, "valueInteger");
                let label = text(node, "code.text").filter(|label| *label != event.label());
                facts.put(Field::CountLabel, label, own, "code.text");
            }
            _ => {}
        }
    }
}

/// A score, named by its place: the source's name for it is not in FHIR.
fn score(facts: &mut Facts, own: &Found<'_>, node: &Node, whole: Option<&str>, scores: &mut u16) {
    let id = (*scores + 1).to_string();
    facts.put_at(Field::ScoreId, *scores, Some(&id), own, "identifier");
    facts.term(Field::ScoreMeasure, *scores, node.get("code"), own, "code");
    facts.put_at(Field::ScoreValue, *scores, value(node), own, "value");
    facts.put_at(Field::ScoreUnit, *scores, text(node, "valueQuantity.code"), own, "valueQuantity.code");
    facts.put_at(Field::ScorePartOf, *scores, whole, own, "code.text");
    *scores += 1;
}

/// How a contact took place, as far as its class says.
pub(super) fn mode(encounter: &Node) -> Option<&'static str> {
    match text(encounter, "class.code") {
        Some(code) if code == systems::AMBULATORY.code => Some("in-person"),
        Some(code) if code == systems::HOME_HEALTH.code => Some("home"),
        _ => None,
    }
}

/// A value as it was written: an integer, a decimal, a quantity, a string.
pub(super) fn value(node: &Node) -> Option<&str> {
    let number = |path| node.path(path).and_then(Node::as_number);
    number("valueInteger")
        .or_else(|| number("valueDecimal"))
        .or_else(|| number("valueQuantity.value"))
        .or_else(|| text(node, "valueString"))
}

/// The words of a message or a signposting. How they were divided is not known any more.
fn communication(facts: &mut Facts, own: &Found<'_>, event: EventType) {
    let words: Vec<&str> =
        items(own.node, "payload").iter().filter_map(|p| text(p, "contentString")).collect();
    let words = words.join("\n");
    if words.is_empty() {
        return;
    }
    let field = match event {
        EventType::Signposted => Field::What,
        _ => Field::Message,
    };
    facts.put(field, Some(&words), own, "payload");
}

impl<'p, 'n> Scene<'p, 'n> {
    fn new(pool: &'p Pool<'n>, provenance: &'p Found<'n>, names: Names) -> Self {
        let case_system = names.case_reference_system();
        let targets: Vec<_> =
            items(provenance.node, "target").iter().filter_map(|reference| pool.resolve(reference)).collect();
        let is_main = |found: &&&Found<'_>| {
            found.kind == "ServiceRequest"
                && identifiers(found.node).any(|(system, _)| *system == *case_system)
        };
        let request = targets.iter().find(is_main).copied();
        let is_task = |found: &&&Found<'_>| {
            found.kind == "Task"
                && found.node.get("partOf").is_none()
                && found.node.get("focus").and_then(|focus| pool.resolve(focus)).map(|f| &f.path)
                    == request.map(|r| &r.path)
        };
        let task = request.and_then(|_| targets.iter().find(is_task)).copied();
        let main = [request, task];
        let own = targets
            .iter()
            .copied()
            .filter(|found| !main.iter().flatten().any(|main| main.path == found.path))
            .collect();
        Self { provenance, names, request, task, own }
    }

    /// When it happened: as the Provenance says, else as the resources do.
    fn date(&self) -> Option<&'n str> {
        let own = |found: &&Found<'n>| {
            ["effectiveDateTime", "period.start", "created", "authored"]
                .iter()
                .find_map(|path| text(found.node, path))
        };
        text(self.provenance.node, "occurredDateTime")
            .or_else(|| self.own.iter().find_map(own))
            .or_else(|| self.task.and_then(|task| text(task.node, "lastModified")))
    }

    /// The referral's id: a case reference that names the request, or the event, as we name them.
    fn referral(
        &self,
        pool: &Pool<'_>,
        event_uuid: &str,
        event: EventType,
        date: Option<&str>,
    ) -> Option<String> {
        let case_system = self.names.case_reference_system();
        let referral_system = self.names.system(NameKind::Referral);
        let of = |found: &Found<'_>, system: &str| {
            identifiers(found.node).find(|(known, _)| *known == system).map(|(_, value)| value.to_owned())
        };
        if let Some(request) = self.request {
            let (case, uuid) = (of(request, &case_system)?, of(request, &referral_system)?);
            let named = |parts: &[&str]| self.names.uuid(NameKind::Referral, parts).to_string() == uuid;
            let later = || (2..20).any(|episode: u32| named(&[&case, &episode.to_string()]));
            // A case number of its own: the request's name is all that is left of the referral's.
            return Some(if named(&[&case]) || later() { case } else { uuid });
        }
        pool.of_kind("ServiceRequest")
            .filter_map(|request| of(request, &case_system))
            .find(|case| self.key(case, event_uuid, event, date).is_some())
    }

    /// The event's key, if it is one that exports without event ids get.
    fn key(&self, referral: &str, event_uuid: &str, event: EventType, date: Option<&str>) -> Option<String> {
        keys(event, date)
            .into_iter()
            .find(|key| self.names.uuid(NameKind::Event, &[referral, key]).to_string() == event_uuid)
    }

    /// The event that a correction is about: the one whose resources it rewrote.
    fn target(&self, referral: &str) -> Option<String> {
        let withdrawn = |found: Option<&Found<'_>>| {
            found.is_some_and(|found| text(found.node, "status") == Some("entered-in-error"))
        };
        if withdrawn(self.task) || withdrawn(self.request) {
            return Some(format!("{referral}/{}", EventType::Referred.as_str()));
        }
        self.own.iter().find_map(|own| {
            let (system, uuid) = identifiers(own.node).next()?;
            let kind = system.rsplit('/').next()?;
            let date =
                ["effectiveDateTime", "period.start", "created"].iter().find_map(|p| text(own.node, p));
            let kinds =
                [NameKind::Observation, NameKind::Encounter, NameKind::CarePlan, NameKind::Communication];
            let kind = kinds.into_iter().find(|known| known.as_str() == kind)?;
            EventType::ALL.iter().flat_map(|event| keys(*event, date)).find_map(|key| {
                let named = self.names.uuid(kind, &[referral, &key]).to_string() == uuid;
                named.then(|| format!("{referral}/{key}"))
            })
        })
    }
}

/// Keys that an event of a type and date may have.
fn keys(event: EventType, date: Option<&str>) -> Vec<String> {
    let words = [event.as_str().to_owned(), event.as_str().replace('_', "-")];
    let mut keys = words.to_vec();
    for word in &words {
        for date in date.into_iter().flat_map(|date| [Some(date), date.get(..10)]).flatten() {
            keys.push(format!("{word}/{date}"));
            keys.extend((2..10).map(|n| format!("{word}/{date}/{n}")));
        }
    }
    keys
}
