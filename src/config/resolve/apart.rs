//! What must not be one: names, practices. Next: [`super::folders`].

use std::collections::HashSet;

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
        self.webhooks(config);
    }

    /// What is pulled goes to webhooks that there are.
    fn webhooks(&mut self, config: &Config) {
        for (n, endpoint) in config.endpoints.iter().enumerate() {
            let Some(name) = endpoint.pull.as_ref().and_then(|pull| pull.webhook.as_ref()) else { continue };
            let is_it =
                |other: &EndpointConfig| other.name == *name && matches!(other.kind, Kind::Webhook(_));
            if !config.endpoints.iter().any(is_it) {
                let remedy = "name an [[endpoint]] of kind = \"webhook\"";
                self.wrong(format!("endpoint[{}].pull.webhook", n + 1), "no such webhook", remedy);
            }
        }
    }
}
