//! [`EndpointConfig`]: one endpoint as configured, checked. Next: [`super::resolve`].

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;

use crate::outbox::retry::RetryPolicy;
use crate::plan::Route;

use super::HttpAuth;
use super::raw::SmartAlgorithm;
use super::secret::SecretRef;

/// One endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointConfig {
    /// Its name in the store, in lists and reports.
    pub name: String,
    /// Where it is.
    pub kind: Kind,
    /// ODS codes of the practices it serves; empty: every practice.
    pub practices: Vec<String>,
    /// Whether it is for test data: 999 numbers only. Any other takes none of them.
    pub test: bool,
    /// Deliveries at once.
    pub concurrency: usize,
    /// Requests a second, at most.
    pub rate: f64,
    /// How long an entry may wait before a person must decide.
    pub expires_after: Duration,
    /// When it is tried again.
    pub retry: RetryPolicy,
    /// What is pulled from it; absent: nothing.
    pub pull: Option<PullConfig>,
}

/// What is pulled from a FHIR endpoint: Tasks and ServiceRequests of this service, of this requester, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullConfig {
    /// The source of the clinical system's own requests, without trailing slash.
    pub source: Arc<str>,
    /// `Type/id` of the service there.
    pub owner: Option<String>,
    /// `Type/id` of who asks there.
    pub requester: Option<String>,
    /// How often.
    pub every: Duration,
    /// How far before the newest known change each poll asks.
    pub overlap: Duration,
    /// The folder of what was pulled.
    pub folder: PathBuf,
    /// Whether events go there; what was refused always does.
    pub events_to_folder: bool,
    /// The endpoint of kind `webhook` that events go to.
    pub webhook: Option<String>,
}

/// Where an endpoint is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A folder of Bundles.
    File {
        /// The folder.
        path: PathBuf,
    },
    /// A FHIR REST server.
    Fhir(Box<Server>),
    /// A receiver of pulled events.
    Webhook(Box<Receiver>),
}

/// A receiver of pulled events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// Where events are posted to, without query or user; `http` on loopback only.
    pub url: Url,
    /// The key of the signatures.
    pub key: SecretRef,
    /// Certificates.
    pub tls: Tls,
}

/// A FHIR REST server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its base, without query or user; `http` on loopback only.
    pub url: Url,
    /// How sp-fhir shows who it is.
    pub auth: Auth,
    /// Certificates.
    pub tls: Tls,
}

/// How sp-fhir shows an endpoint who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// Not at all (on loopback), or by its certificate.
    None,
    /// By a fixed token.
    Bearer {
        /// The token.
        token: SecretRef,
    },
    /// OAuth 2 client credentials with a secret.
    ClientCredentials {
        /// Where tokens are had.
        token_url: Url,
        /// The client's id.
        client_id: String,
        /// The client's secret.
        secret: SecretRef,
        /// What is asked for.
        scope: Option<String>,
    },
    /// The NHS API platform's signed JWT: RS512.
    NhsJwt {
        /// Where tokens are had.
        token_url: Url,
        /// The application's API key.
        client_id: String,
        /// The private key, PEM.
        key: SecretRef,
        /// The key's id.
        key_id: String,
    },
    /// SMART Backend Services.
    Smart {
        /// Where tokens are had.
        token_url: Url,
        /// The client's id.
        client_id: String,
        /// The private key, PEM.
        key: SecretRef,
        /// The key's id.
        key_id: String,
        /// The signature.
        algorithm: SmartAlgorithm,
        /// What is asked for.
        scope: String,
    },
}

/// Certificates of an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// CA certificates to trust instead of the system's, PEM.
    pub ca: Option<PathBuf>,
    /// Our certificate and its private key, PEM.
    pub identity: Option<(PathBuf, SecretRef)>,
}

impl EndpointConfig {
    /// The endpoint as planning knows it; none where no referrals go.
    #[must_use]
    pub fn route(&self) -> Option<Route> {
        let takes_referrals = !matches!(self.kind, Kind::Webhook(_));
        takes_referrals.then(|| Route {
            endpoint: self.name.clone(),
            practices: self.practices.clone(),
            test: self.test,
            expires_after: self.expires_after,
            answers: matches!(self.kind, Kind::Fhir(_)),
        })
    }

    /// The secrets it needs, each with its key below `endpoint[n]` and the fewest bytes it must have.
    #[must_use]
    pub fn secrets(&self) -> Vec<(&'static str, &SecretRef, usize)> {
        let server = match &self.kind {
            Kind::File { .. } => return Vec::new(),
            Kind::Webhook(receiver) => {
                let of_tls = receiver.tls.identity.as_ref().map(|(_, key)| ("tls.key", key, 1));
                let key = ("auth.key_file", &receiver.key, HttpAuth::MIN_KEY);
                return std::iter::once(key).chain(of_tls).collect();
            }
            Kind::Fhir(server) => server,
        };
        let of_auth = match &server.auth {
            Auth::None => None,
            Auth::Bearer { token } => Some(("auth.token_file", token)),
            Auth::ClientCredentials { secret, .. } => Some(("auth.secret_file", secret)),
            Auth::NhsJwt { key, .. } | Auth::Smart { key, .. } => Some(("auth.key_file", key)),
        };
        let of_tls = server.tls.identity.as_ref().map(|(_, key)| ("tls.key", key));
        of_auth.into_iter().chain(of_tls).map(|(key, secret)| (key, secret, 1)).collect()
    }
}
