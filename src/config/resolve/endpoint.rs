//! `[[endpoint]]`: what every kind of endpoint has, and what a folder has. Next: `server`, `webhook`, `pull`.

use std::time::Duration;

use crate::config::EndpointConfig;
use crate::config::endpoint::Kind;
use crate::config::raw::{EndpointKind, EndpointTable, RetryTable, TlsTable};
use crate::event::ods_code::OdsCode;
use crate::outbox::retry::RetryPolicy;

use super::Resolver;

impl Resolver {
    pub(super) fn endpoints(&mut self, tables: Option<Vec<EndpointTable>>) -> Vec<EndpointConfig> {
        let tables = tables.unwrap_or_else(|| vec![outgoing()]);
        if tables.is_empty() {
            self.wrong("endpoint", "none", "give at least one, or leave the key out for a folder of Bundles");
        }
        tables.into_iter().enumerate().filter_map(|(n, table)| self.endpoint(n + 1, table)).collect()
    }

    fn endpoint(&mut self, n: usize, table: EndpointTable) -> Option<EndpointConfig> {
        let key = |name: &str| format!("endpoint[{n}].{name}");
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if table.name.is_empty() || table.name.len() > 64 || !table.name.chars().all(good) {
            self.wrong(
                key("name"),
                "not a name",
                "1 to 64 ASCII letters, digits, hyphens, dots, underscores",
            );
        }
        for practice in &table.practices {
            if OdsCode::parse(practice).is_err() {
                self.wrong(
                    key("practices"),
                    "not the form of an ODS code",
                    "3 to 12 capital letters and digits",
                );
            }
        }
        let rate = table.rate.unwrap_or(10.0);
        if !(rate.is_finite() && (0.01..=1000.0).contains(&rate)) {
            self.wrong(key("rate"), "out of range", "at least 0.01, at most 1000 requests a second");
        }
        let day = Duration::from_secs(24 * 3600);
        let (hour, times) = (Duration::from_secs(3600), 30);
        let expires_after =
            self.time(key("expires_after"), table.expires_after.as_deref(), day * times, (hour, day * 366));
        let retry = self.retry(n, &table.retry, table.settle_time.as_deref());
        let concurrency = self.number(key("concurrency"), table.concurrency, 4, (1, 64));
        let pull = table.pull.as_ref().and_then(|pull| self.pull(n, &table.name, table.kind, pull));
        let kind = match table.kind {
            EndpointKind::File => self.file_kind(n, &table),
            EndpointKind::Fhir => self.fhir_kind(n, table.path.is_some(), table.url, table.auth, &table.tls),
            EndpointKind::Webhook => self.webhook_kind(n, &table),
        };
        Some(EndpointConfig {
            name: table.name,
            kind: kind?,
            practices: table.practices.iter().map(|ods| ods.trim().to_ascii_uppercase()).collect(),
            test: table.test.unwrap_or(false),
            concurrency,
            rate,
            expires_after,
            retry,
            pull,
        })
    }

    fn retry(&mut self, n: usize, table: &RetryTable, settle_time: Option<&str>) -> RetryPolicy {
        let key = |name: &str| format!("endpoint[{n}].{name}");
        let default = RetryPolicy::default();
        let (short, long) = (Duration::from_millis(100), Duration::from_secs(24 * 3600));
        let base = self.time(key("retry.base"), table.base.as_deref(), default.base, (short, long));
        let cap = self.time(key("retry.cap"), table.cap.as_deref(), default.cap, (short, long));
        if cap < base {
            self.wrong(key("retry.cap"), "shorter than retry.base", "make it longer");
        }
        let attempts = usize::try_from(default.max_attempts).unwrap_or_default();
        let attempts = self.number(key("retry.max_attempts"), table.max_attempts, attempts, (1, 10_000));
        RetryPolicy {
            base,
            cap,
            max_attempts: u32::try_from(attempts).unwrap_or(default.max_attempts),
            settle_time: self.time(key("settle_time"), settle_time, default.settle_time, (short, long)),
        }
    }

    fn file_kind(&mut self, n: usize, table: &EndpointTable) -> Option<Kind> {
        let tls = &table.tls;
        let others = [
            ("url", table.url.is_some()),
            ("auth", table.auth.is_some()),
            ("tls", tls.ca.is_some() || tls.cert.is_some() || tls.key.is_some()),
        ];
        self.unused(&format!("endpoint[{n}]"), "file", &others);
        let Some(path) = &table.path else {
            self.wrong(format!("endpoint[{n}].path"), "missing", "name the folder that Bundles go to");
            return None;
        };
        Some(Kind::File { path: self.written(Some(path), "") })
    }
}

/// The endpoint when none is configured: a folder of Bundles.
fn outgoing() -> EndpointTable {
    EndpointTable {
        name: "outgoing".to_owned(),
        kind: EndpointKind::File,
        path: Some("outgoing".to_owned()),
        url: None,
        practices: Vec::new(),
        test: None,
        concurrency: None,
        rate: None,
        expires_after: None,
        settle_time: None,
        retry: RetryTable::default(),
        auth: None,
        tls: TlsTable::default(),
        pull: None,
    }
}
