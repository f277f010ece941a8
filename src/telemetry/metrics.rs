//! [`Metrics`]: counters and gauges in the text form of Prometheus.
//!
//! Labels are endpoints' names and the words of [`crate::outbox`]; there is no label by which a person could be found.
//! Next: [`super::alarm`].

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::endpoint::Vitals;
use crate::outbox::State;
use crate::outbox::transition::Cause;
use crate::relay::attempt::Attempted;
use crate::relay::run::Watcher;

/// How often it is said that somebody without the right credentials sends.
const STRANGERS_EVERY: Duration = Duration::from_secs(3600);

type Labels = Vec<(String, String)>;

/// What the daemon counts.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    events: Family<Labels, Counter>,
    attempts: Family<Labels, Counter>,
    entries: Family<Labels, Gauge>,
    reachable: Family<Labels, Gauge>,
    oldest: Family<Labels, Gauge<f64, AtomicU64>>,
    skew: Family<Labels, Gauge>,
    certificate: Family<Labels, Gauge>,
    person: Gauge,
    reloads: Family<Labels, Counter>,
    refused: Gauge,
    waiting: Gauge,
    files: Family<Labels, Counter>,
    aside: Gauge,
    turned_away: Family<Labels, Counter>,
    said_strangers: Mutex<Option<Timestamp>>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("sp_fhir");
        let (events, attempts) = (Family::default(), Family::default());
        let (entries, reachable, oldest) = (Family::default(), Family::default(), Family::default());
        registry.register("events", "Events that came in over HTTP or from folders, by what became of them; refused counts bodies and rows", events.clone());
        registry.register("attempts", "Attempts to deliver, by outcome", attempts.clone());
        registry.register("entries", "Entries in the outbox, by state", entries.clone());
        registry.register("endpoint_reachable", "1 while the endpoint answers", reachable.clone());
        registry.register(
            "oldest_due_seconds",
            "How long the oldest entry that could leave has waited",
            oldest.clone(),
        );
        let (skew, certificate) = (Family::default(), Family::default());
        registry.register(
            "clock_skew_seconds",
            "How far the endpoint's clock is from ours; positive when it is ahead",
            skew.clone(),
        );
        registry.register(
            "certificate_end_timestamp_seconds",
            "When our certificate for the endpoint ends, in seconds since 1970",
            certificate.clone(),
        );
        let (reloads, refused) = (Family::default(), Gauge::default());
        registry.register("reloads", "Reloads of the configuration, by what became of them", reloads.clone());
        registry.register(
            "reload_refused",
            "1 while the configuration in use is older than the file, because the file was refused",
            refused.clone(),
        );
        let waiting = Gauge::default();
        registry.register(
            "files_waiting",
            "Files of watched folders that cannot be read or moved now",
            waiting.clone(),
        );
        let turned_away = Family::default();
        registry.register(
            "requests_refused",
            "Requests to HTTP intake that were answered with an error, by status",
            turned_away.clone(),
        );
        let (files, aside) = (Family::default(), Gauge::default());
        registry.register(
            "files",
            "Files of watched folders that were read or set aside, by end",
            files.clone(),
        );
        registry.register(
            "files_refused",
            "Files that were refused whole and still stand in the watched folders' refused",
            aside.clone(),
        );
        let person = Gauge::default();
        registry.register(
            "needs_person",
            "Entries that a person must decide about or see to",
            person.clone(),
        );
        Self {
            registry,
            events,
            attempts,
            entries,
            reachable,
            oldest,
            skew,
            certificate,
            person,
            reloads,
            refused,
            waiting,
            files,
            aside,
            turned_away,
            said_strangers: Mutex::default(),
        }
    }
}

fn labels<const N: usize>(pairs: [(&str, &str); N]) -> Labels {
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

impl Metrics {
    /// An event came in.
    pub fn came(&self, verdict: &'static str, count: u64) {
        self.events.get_or_create(&labels([("verdict", verdict)])).inc_by(count);
    }

    /// What the outbox holds now.
    pub fn holds(&self, counts: &BTreeMap<(String, State), u64>) {
        let mut endpoints: Vec<&String> = counts.keys().map(|(endpoint, _)| endpoint).collect();
        endpoints.dedup();
        for endpoint in endpoints {
            for (state, word, _) in State::ALL {
                let count = counts.get(&(endpoint.clone(), state)).copied().unwrap_or_default();
                self.entries
                    .get_or_create(&labels([("endpoint", endpoint), ("state", word)]))
                    .set(i64::try_from(count).unwrap_or(i64::MAX));
            }
        }
    }

    /// How long the oldest due entry of an endpoint has waited.
    pub fn oldest_due(&self, endpoint: &str, seconds: f64) {
        self.oldest.get_or_create(&labels([("endpoint", endpoint)])).set(seconds);
    }

    /// How many entries wait for a person.
    pub fn needs_person(&self, count: u64) {
        self.person.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// A request was answered with an error. That somebody without the right credentials sends is logged once an hour.
    pub fn turned_away(&self, status: u16, now: Timestamp) {
        self.turned_away.get_or_create(&labels([("status", &status.to_string())])).inc();
        if status != 401 {
            return;
        }
        let mut said = self.said_strangers.lock().unwrap_or_else(PoisonError::into_inner);
        if said.is_none_or(|said| now.duration_since(said).unsigned_abs() >= STRANGERS_EVERY) {
            *said = Some(now);
            tracing::warn!(
                "requests are refused because their credentials are absent or not right; said once an hour, counted in \
                 sp_fhir_requests_refused_total"
            );
        }
    }

    /// A file of a watched folder was read, or set aside.
    pub fn file(&self, end: &'static str) {
        self.files.get_or_create(&labels([("end", end)])).inc();
    }

    /// How many files of watched folders cannot be read or moved now, and how many were refused whole and still stand there.
    pub fn folders_hold(&self, waiting: usize, refused: usize) {
        self.waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        self.aside.set(i64::try_from(refused).unwrap_or(i64::MAX));
    }

    /// What is known of an endpoint without asking.
    pub fn vitals(&self, endpoint: &str, vitals: &Vitals) {
        let labels = labels([("endpoint", endpoint)]);
        if let Some(seconds) = vitals.skew {
            self.skew.get_or_create(&labels).set(seconds);
        }
        if let Some(ends) = vitals.certificate_ends {
            self.certificate.get_or_create(&labels).set(ends.as_second());
        }
    }

    /// The configuration was read again: taken, or refused.
    pub fn reloaded(&self, taken: bool) {
        let outcome = if taken { "taken" } else { "refused" };
        self.reloads.get_or_create(&labels([("outcome", outcome)])).inc();
        self.refused.set(i64::from(!taken));
    }

    /// An endpoint is configured no more: what it was like is no longer said.
    pub fn forget(&self, endpoint: &str) {
        let labels = labels([("endpoint", endpoint)]);
        for gauges in [&self.reachable, &self.skew, &self.certificate] {
            gauges.remove(&labels);
        }
        self.oldest.remove(&labels);
    }

    /// Everything, in the text form of Prometheus (OpenMetrics).
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a String does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

impl Watcher for Metrics {
    fn attempted(&self, endpoint: &str, attempted: &Attempted) {
        let (outcome, reason) = words(attempted);
        self.attempts
            .get_or_create(&labels([("endpoint", endpoint), ("outcome", outcome), ("reason", reason)]))
            .inc();
        let entry = attempted.entry.as_ref();
        let (id, key) = (entry.map(|e| e.id), entry.map(|e| e.key.to_string()));
        let state = entry.map_or("", |entry| entry.state.as_str());
        match outcome {
            "accepted" | "duplicate" => tracing::info!(endpoint, id, key, outcome, state, "attempt"),
            _ => tracing::warn!(endpoint, id, key, outcome, reason, state, "attempt"),
        }
    }

    fn reachable(&self, endpoint: &str, is_reachable: bool) {
        self.reachable.get_or_create(&labels([("endpoint", endpoint)])).set(i64::from(is_reachable));
        if is_reachable {
            tracing::info!(endpoint, "endpoint answers again");
        } else {
            tracing::warn!(endpoint, "endpoint does not answer; trying now and then");
        }
    }
}

/// The words of an ending: outcome and reason.
fn words(attempted: &Attempted) -> (&'static str, &'static str) {
    use crate::outbox::Outcome;
    match &attempted.cause {
        Cause::Ended(outcome) => {
            let reason = match outcome {
                Outcome::Rejected(refusal) => refusal.reason.as_str(),
                Outcome::Deferred { reason, .. } | Outcome::Unknown { reason, .. } => reason.as_str(),
                Outcome::Accepted(_) | Outcome::Duplicate(_) => "",
            };
            (outcome.as_str(), reason)
        }
        Cause::Stopped(reason) => match attempted.entry.as_ref().map(|entry| entry.state) {
            Some(State::Held) | None => ("held", reason.as_str()),
            // It was decided otherwise while it was under way.
            Some(_) => ("stopped", reason.as_str()),
        },
        Cause::LetStand => ("let-stand", "by-operator"),
        Cause::Crashed => ("crashed", "poison"),
        _ => ("lost", ""),
    }
}
