//! `endpoint.pull`: what is pulled from a FHIR endpoint. Next: `apart`.

use std::time::Duration;

use crate::config::PullConfig;
use crate::config::raw::{EndpointKind, PullTable};
use crate::endpoint::fhir_rest::base;

use super::Resolver;

impl Resolver {
    pub(super) fn pull(
        &mut self,
        n: usize,
        name: &str,
        kind: EndpointKind,
        table: &PullTable,
    ) -> Option<PullConfig> {
        let key = |name: &str| format!("endpoint[{n}].pull.{name}");
        let other = match kind {
            EndpointKind::Fhir => None,
            EndpointKind::File => Some("file"),
            EndpointKind::Webhook => Some("webhook"),
        };
        if let Some(other) = other {
            self.unused(&format!("endpoint[{n}]"), other, &[("pull", true)]);
            return None;
        }
        if table.source.is_none() {
            self.wrong(key("source"), "missing", "give the URI under which this system's own requests go");
        }
        let source = self.uri(key("source"), table.source.as_deref());
        if table.owner.is_none() && table.requester.is_none() {
            let remedy = "name the service there (\"Organization/12\"), or requester, or both";
            self.wrong(key("owner"), "missing: everybody's requests would be pulled", remedy);
        }
        for (which, value) in [("owner", &table.owner), ("requester", &table.requester)] {
            let is_reference = |value: &String| {
                value.split_once('/').is_some_and(|(kind, id)| base::is_type(kind) && base::is_id(id))
            };
            if value.as_ref().is_some_and(|value| !is_reference(value)) {
                self.wrong(key(which), "not a reference", "give type and id there: \"Organization/12\"");
            }
        }
        let (minute, day) = (Duration::from_secs(60), Duration::from_secs(24 * 3600));
        let every = self.time(key("every"), table.every.as_deref(), minute * 15, (minute, day));
        let overlap =
            self.time(key("overlap"), table.overlap.as_deref(), minute * 60, (minute * 5, day * 30));
        let folder = self.written(table.folder.as_deref(), &format!("pulled/{name}"));
        let (owner, requester) = (table.owner.clone(), table.requester.clone());
        let webhook = table.webhook.clone();
        let events_to_folder = webhook.is_none() || table.folder.is_some();
        Some(PullConfig {
            source: source?,
            owner,
            requester,
            every,
            overlap,
            folder,
            events_to_folder,
            webhook,
        })
    }
}
