//! [`Scene`]: the resources that a Provenance of ours names, and what they say of the event itself. Next: `detail.rs`.

use crate::event::kinds::EventType;
use crate::map::names::{NameKind, Names};

use super::pool::{Found, Pool, identifiers, items, text};

/// The resources of one event.
pub(super) struct Scene<'p, 'n> {
    pub(super) provenance: &'p Found<'n>,
    pub(super) names: Names,
    pub(super) request: Option<&'p Found<'n>>,
    pub(super) task: Option<&'p Found<'n>>,
    pub(super) own: Vec<&'p Found<'n>>,
}

impl<'p, 'n> Scene<'p, 'n> {
    pub(super) fn new(pool: &'p Pool<'n>, provenance: &'p Found<'n>, names: Names) -> Self {
        let case_system = names.case_reference_system();
        let targets: Vec<_> = items(provenance.node, "target")
            .iter()
            .filter_map(|target| pool.resolve(provenance, target))
            .collect();
        let is_main = |found: &&&Found<'_>| {
            found.kind == "ServiceRequest"
                && identifiers(found.node).any(|(system, _)| *system == *case_system)
        };
        let request = targets.iter().find(is_main).copied();
        let is_task = |found: &&&Found<'_>| {
            found.kind == "Task"
                && found.node.get("partOf").is_none()
                && found.node.get("focus").and_then(|focus| pool.resolve(found, focus)).map(|f| &f.path)
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
    pub(super) fn date(&self) -> Option<&'n str> {
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
    pub(super) fn referral(
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
    pub(super) fn key(
        &self,
        referral: &str,
        event_uuid: &str,
        event: EventType,
        date: Option<&str>,
    ) -> Option<String> {
        keys(event, date)
            .into_iter()
            .find(|key| self.names.uuid(NameKind::Event, &[referral, key]).to_string() == event_uuid)
    }

    /// The event that a correction is about: the one whose resources it rewrote.
    pub(super) fn target(&self, referral: &str) -> Option<String> {
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
    if date.is_none() {
        // What a status column says goes by the rule that reads it.
        keys.push("status".to_owned());
    }
    for word in &words {
        for date in date.into_iter().flat_map(|date| [Some(date), date.get(..10)]).flatten() {
            keys.push(format!("{word}/{date}"));
            keys.extend((2..10).map(|n| format!("{word}/{date}/{n}")));
        }
    }
    keys
}
