//! Where a FHIR endpoint is, and its certificates. Next: `auth`.

use std::net::IpAddr;

use reqwest::Url;

use crate::config::SecretRef;
use crate::config::endpoint::{Kind, Server, Tls};
use crate::config::raw::{AuthKind, AuthTable, TlsTable};

use super::{Resolver, is_loopback};

impl Resolver {
    pub(super) fn fhir_kind(
        &mut self,
        n: usize,
        has_path: bool,
        url: Option<String>,
        auth: Option<AuthTable>,
        tls: &TlsTable,
    ) -> Option<Kind> {
        self.unused(&format!("endpoint[{n}]"), "fhir", &[("path", has_path)]);
        let url = self.url(format!("endpoint[{n}].url"), url.as_deref());
        let tls = self.tls(n, tls);
        let anonymous = auth.as_ref().is_none_or(|auth| auth.kind == AuthKind::None);
        let auth = self.auth(n, auth);
        if anonymous && tls.identity.is_none() && url.as_ref().is_some_and(|url| !is_local(url)) {
            self.wrong(
                format!("endpoint[{n}].auth"),
                "none, for a server that is not on this machine",
                "choose a kind, or give tls.cert and tls.key",
            );
        }
        Some(Kind::Fhir(Box::new(Server { url: url?, auth: auth?, tls })))
    }

    pub(super) fn url(&mut self, key: String, text: Option<&str>) -> Option<Url> {
        let Some(text) = text else {
            self.wrong(key, "missing", "give the URL");
            return None;
        };
        let (what, remedy) = match Url::parse(text) {
            Err(_) => ("not a URL", "give it with its scheme, such as https://fhir.example/r4"),
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                ("a user or password in the URL", "take it out; secrets go into files")
            }
            Ok(url) if url.query().is_some() || url.fragment().is_some() => {
                ("a query or fragment in the URL", "give the base only")
            }
            Ok(url) if url.scheme() == "https" || (url.scheme() == "http" && is_local(&url)) => {
                return Some(url);
            }
            Ok(_) => ("not https", "use https; http is for servers on this machine only"),
        };
        self.wrong(key, what, remedy);
        None
    }

    pub(super) fn tls(&mut self, n: usize, table: &TlsTable) -> Tls {
        let identity = match (&table.cert, &table.key) {
            (Some(cert), Some(key)) => Some((self.given(cert), SecretRef::File(self.given(key)))),
            (None, None) => None,
            _ => {
                let remedy = "give tls.cert and tls.key together";
                self.wrong(
                    format!("endpoint[{n}].tls"),
                    "a certificate without its key, or a key alone",
                    remedy,
                );
                None
            }
        };
        Tls { ca: table.ca.as_deref().map(|ca| self.given(ca)), identity }
    }
}

/// Whether a URL is of this machine.
fn is_local(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(is_loopback)
}
