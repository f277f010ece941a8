//! What must not be one: names, practices, folders. Next: [`crate::config::secret`].

use std::collections::HashSet;
use std::path::Path;

use crate::config::endpoint::Kind;
use crate::config::{Config, EndpointConfig};

use super::Resolver;

impl Resolver {
    /// Names and folders that must not be one.
    pub(super) fn apart(&mut self, config: &Config) {
        let mut names = HashSet::new();
        let mut served = HashSet::new();
        for (n, endpoint) in config.endpoints.iter().enumerate() {
            let key = |name: &str| format!("endpoint[{}].{name}", n + 1);
            if !names.insert(endpoint.name.as_str()) {
                self.wrong(key("name"), "another endpoint has this name", "give each a name of its own");
            }
            for practice in &endpoint.practices {
                if !served.insert(practice.as_str()) {
                    self.wrong(key("practices"), "a practice is named twice", "name it at one endpoint only");
                }
            }
        }
        let routes = config.routes().0;
        if routes.is_empty() && !config.endpoints.is_empty() {
            self.wrong("endpoint", "only webhooks", "give an endpoint that referrals go to");
        }
        if routes.iter().filter(|route| route.practices.is_empty()).count() > 1 {
            self.wrong(
                "endpoint",
                "more than one endpoint serves every practice",
                "give all but one of them their practices",
            );
        }
        let mut folders: Vec<&Path> = Vec::new();
        for (n, folder) in config.folders.iter().enumerate() {
            let key = |name: &str| format!("intake.folder[{}].{name}", n + 1);
            for (name, path) in [("path", &folder.path), ("done", &folder.done), ("refused", &folder.refused)]
            {
                let shared = folders.iter().any(|known| known == path);
                // Two folders may share where their files end up, but nothing may end up where it is read again.
                if shared && (name == "path" || config.folders.iter().any(|other| other.path == *path)) {
                    self.wrong(key(name), "this folder is used already", "name another folder");
                }
                folders.push(path);
            }
        }
        for (n, endpoint) in config.endpoints.iter().enumerate() {
            if let Kind::File { path } = &endpoint.kind
                && folders.iter().any(|known| known == path)
            {
                let remedy = "name a folder that is not watched";
                self.wrong(format!("endpoint[{}].path", n + 1), "this folder is used already", remedy);
            }
        }
        // What was pulled from one system goes nowhere by itself: not into a watched folder, nor among Bundles.
        let mut taken: Vec<&Path> = folders;
        taken.extend(config.endpoints.iter().filter_map(|endpoint| match &endpoint.kind {
            Kind::File { path } => Some(path.as_path()),
            Kind::Fhir(_) | Kind::Webhook(_) => None,
        }));
        for (n, endpoint) in config.endpoints.iter().enumerate() {
            let Some(pull) = &endpoint.pull else { continue };
            let is_webhook = |other: &EndpointConfig, name: &str| {
                other.name == name && matches!(other.kind, Kind::Webhook(_))
            };
            if pull.webhook.as_ref().is_some_and(|name| !config.endpoints.iter().any(|e| is_webhook(e, name)))
            {
                let remedy = "name an [[endpoint]] of kind = \"webhook\"";
                self.wrong(format!("endpoint[{}].pull.webhook", n + 1), "no such webhook", remedy);
            }
            if taken.contains(&pull.folder.as_path()) {
                let remedy = "name a folder of its own";
                self.wrong(format!("endpoint[{}].pull.folder", n + 1), "this folder is used already", remedy);
            }
            taken.push(&pull.folder);
        }
    }
}
