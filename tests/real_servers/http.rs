//! HTTP to a test server: JSON out, JSON in, and every failure said with method and address.
//!
//! Not a FHIR client: nothing is retried or interpreted here, and an answer with any status is an answer. Only
//! loopback servers of `scripts/servers` are ever spoken to.

use std::time::Duration;

use reqwest::Url;
use reqwest::blocking::{Client, RequestBuilder};
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use serde_json::Value;

const FHIR_JSON: &str = "application/fhir+json";

/// One server and the connections kept open to it.
pub(crate) struct Server {
    base: Url,
    client: Client,
}

/// An answer: its status, and its body (null when it is empty or not JSON).
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Server {
    /// A server by its FHIR base address.
    pub(crate) fn at(base: &str) -> Self {
        let base =
            Url::parse(&format!("{}/", base.trim_end_matches('/'))).expect("the base URL of a test server");
        assert!(base.host_str() == Some("127.0.0.1"), "tests speak to loopback only, not to {base}");
        let client = Client::builder().timeout(Duration::from_secs(60)).build().expect("an HTTP client");
        Self { base, client }
    }

    /// GET `path` with a query given as decoded pairs.
    pub(crate) fn get(&self, path: &str, query: &[(String, String)]) -> Reply {
        let url = self.url(path, query);
        self.send(&format!("GET {url}"), self.client.get(url))
    }

    /// POST a resource to `path` (empty: the base, for a transaction).
    pub(crate) fn post(&self, path: &str, body: &Value) -> Reply {
        let url = self.url(path, &[]);
        self.send(
            &format!("POST {url}"),
            self.client.post(url).header(CONTENT_TYPE, FHIR_JSON).body(body.to_string()),
        )
    }

    /// PUT a resource by a query: a conditional update.
    pub(crate) fn put(&self, path: &str, query: &[(String, String)], body: &Value) -> Reply {
        let url = self.url(path, query);
        self.send(
            &format!("PUT {url}"),
            self.client.put(url).header(CONTENT_TYPE, FHIR_JSON).body(body.to_string()),
        )
    }

    /// How many resources a search finds, as the server counts them.
    pub(crate) fn count(&self, resource_type: &str, query: &[(String, String)]) -> u64 {
        let mut query = query.to_vec();
        query.push(("_summary".into(), "count".into()));
        let reply = self.get(resource_type, &query);
        assert_eq!(reply.status, 200, "count of {resource_type} {query:?} at {}: {}", self.base, reply.body);
        reply.body["total"]
            .as_u64()
            .unwrap_or_else(|| panic!("no total for {resource_type} {query:?}: {}", reply.body))
    }

    /// The resources of a search's first page.
    pub(crate) fn search(&self, resource_type: &str, query: &[(String, String)]) -> Vec<Value> {
        let reply = self.get(resource_type, query);
        assert_eq!(reply.status, 200, "search of {resource_type} {query:?} at {}: {}", self.base, reply.body);
        let entries = reply.body["entry"].as_array().cloned().unwrap_or_default();
        entries
            .into_iter()
            .filter(|entry| entry["search"]["mode"] != "outcome")
            .map(|e| e["resource"].clone())
            .collect()
    }

    fn url(&self, path: &str, query: &[(String, String)]) -> Url {
        let mut url = self.base.join(path).expect("a path below the base");
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    fn send(&self, what: &str, request: RequestBuilder) -> Reply {
        let response = request.header(ACCEPT, FHIR_JSON).send().unwrap_or_else(|e| panic!("{what}: {e}"));
        let status = response.status().as_u16();
        let text = response.text().unwrap_or_else(|e| panic!("{what}: {status}, then {e}"));
        Reply { status, body: serde_json::from_str(&text).unwrap_or(Value::Null) }
    }
}

/// The decoded pairs of a query as a Bundle writes it (`identifier=https://…|…`).
pub(crate) fn query_pairs(query: &str) -> Vec<(String, String)> {
    let url = Url::parse(&format!("http://127.0.0.1/?{query}")).expect("a query");
    url.query_pairs().into_owned().collect()
}
