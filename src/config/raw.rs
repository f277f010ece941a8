//! The configuration as it is written: every key it may have. Unknown keys are refused.
//!
//! Nothing is resolved here and no default is filled in. `default.toml` explains every key to people. Next: [`super::read`].

use serde::Deserialize;

/// A configuration file.
#[derive(Clone, Debug, Default)]
pub struct ConfigFile {
    /// Where sp-fhir keeps what it writes.
    pub data_folder: Option<String>,
    /// `[store]`.
    pub store: StoreTable,
    /// `[intake.http]`.
    pub http: HttpTable,
    /// `[[intake.folder]]`; absent: the one of the defaults.
    pub folder: Option<Vec<FolderTable>>,
    /// `[mapping]`.
    pub mapping: MappingTable,
    /// `[[endpoint]]`; absent: the one of the defaults.
    pub endpoint: Option<Vec<EndpointTable>>,
    /// `[log]`.
    pub log: LogTable,
}

/// `[store]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreTable {
    /// The folder of the database.
    pub path: Option<String>,
}

/// `[intake.http]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpTable {
    /// Address and port; empty: no HTTP.
    pub listen: Option<String>,
    /// URI of the sending system, for events that do not name it.
    pub source: Option<String>,
    /// Who may send.
    pub auth: Option<HttpAuthTable>,
    /// The largest body.
    pub max_body_bytes: Option<u64>,
    /// The most events in one request.
    pub max_events: Option<u64>,
}

/// `[intake.http.auth]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpAuthTable {
    /// Which.
    pub kind: HttpAuthKind,
    /// Bearer: the file that holds the token.
    pub token_file: Option<String>,
    /// Bearer: the environment variable that holds it.
    pub token_env: Option<String>,
    /// HMAC: the file that holds the key.
    pub key_file: Option<String>,
    /// HMAC: the environment variable that holds it.
    pub key_env: Option<String>,
}

/// How senders show who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HttpAuthKind {
    /// Not at all: on loopback only.
    None,
    /// By a token.
    Bearer,
    /// By signing each body.
    Hmac,
}

/// `[[intake.folder]]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FolderTable {
    /// The folder to watch.
    pub path: Option<String>,
    /// The profile of its files.
    pub profile: Option<String>,
    /// URI of the sending system.
    pub source: Option<String>,
    /// How long a file must stay as it is.
    pub settle: Option<String>,
    /// Where read files go.
    pub done: Option<String>,
    /// Where refused rows and files go.
    pub refused: Option<String>,
}

/// `[mapping]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MappingTable {
    /// Folder of the codeset.
    pub codeset: Option<String>,
    /// Key file for case numbers that could be NHS numbers.
    pub opaque_key: Option<String>,
    /// Whether damaged codes are repaired.
    pub repair_codes: Option<bool>,
}

/// `[[endpoint]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointTable {
    /// Its name in lists and reports.
    pub name: String,
    /// What it is.
    pub kind: EndpointKind,
    /// The folder of a file endpoint.
    #[serde(default)]
    pub path: Option<String>,
    /// The base of a FHIR endpoint, the address of a webhook.
    #[serde(default)]
    pub url: Option<String>,
    /// ODS codes of the practices it serves.
    #[serde(default)]
    pub practices: Vec<String>,
    /// Whether it is for test data.
    #[serde(default)]
    pub test: Option<bool>,
    /// Deliveries at once.
    #[serde(default)]
    pub concurrency: Option<u64>,
    /// Requests a second.
    #[serde(default)]
    pub rate: Option<f64>,
    /// How long an entry may wait.
    #[serde(default)]
    pub expires_after: Option<String>,
    /// How long after a lost answer the endpoint is asked.
    #[serde(default)]
    pub settle_time: Option<String>,
    /// When it is tried again.
    #[serde(default)]
    pub retry: RetryTable,
    /// How sp-fhir shows who it is.
    #[serde(default)]
    pub auth: Option<AuthTable>,
    /// Certificates.
    #[serde(default)]
    pub tls: TlsTable,
    /// What is pulled from it.
    #[serde(default)]
    pub pull: Option<PullTable>,
}

/// `endpoint.pull`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PullTable {
    /// URI under which the clinical system's own requests go.
    pub source: Option<String>,
    /// The service: who owns the Tasks and performs the requests.
    pub owner: Option<String>,
    /// Who asked.
    pub requester: Option<String>,
    /// How often.
    pub every: Option<String>,
    /// How far back each poll asks.
    pub overlap: Option<String>,
    /// Where the events go.
    pub folder: Option<String>,
    /// The endpoint of kind `webhook` that they go to.
    pub webhook: Option<String>,
}

/// What an endpoint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndpointKind {
    /// A folder of Bundles.
    File,
    /// A FHIR REST server.
    Fhir,
    /// A receiver of pulled events.
    Webhook,
}

/// `endpoint.retry`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetryTable {
    /// The first wait is at most this.
    pub base: Option<String>,
    /// No wait is longer.
    pub cap: Option<String>,
    /// After so many attempts a person decides.
    pub max_attempts: Option<u64>,
}

/// `endpoint.auth`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthTable {
    /// Which.
    pub kind: AuthKind,
    /// The token (bearer).
    pub token_file: Option<String>,
    /// The token (bearer).
    pub token_env: Option<String>,
    /// Where tokens are had.
    pub token_url: Option<String>,
    /// The client's id; the API key on the NHS API platform.
    pub client_id: Option<String>,
    /// The client's secret (client-credentials).
    pub secret_file: Option<String>,
    /// The client's secret (client-credentials).
    pub secret_env: Option<String>,
    /// The private key, PEM (nhs-jwt, smart); the shared key (hmac).
    pub key_file: Option<String>,
    /// The private key, PEM (nhs-jwt, smart); the shared key (hmac).
    pub key_env: Option<String>,
    /// The key's id at the authorisation server (nhs-jwt, smart).
    pub key_id: Option<String>,
    /// The signature (smart).
    pub algorithm: Option<SmartAlgorithm>,
    /// What is asked for (client-credentials, smart).
    pub scope: Option<String>,
}

/// How sp-fhir shows an endpoint who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuthKind {
    /// Not at all.
    None,
    /// By a fixed token.
    Bearer,
    /// OAuth 2 client credentials with a secret.
    ClientCredentials,
    /// The NHS API platform's signed JWT.
    NhsJwt,
    /// SMART Backend Services.
    Smart,
    /// By signing each body (webhooks).
    Hmac,
}

/// Signatures of SMART Backend Services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum SmartAlgorithm {
    /// RSA with SHA-384.
    #[serde(rename = "RS384")]
    Rs384,
    /// ECDSA on P-384 with SHA-384.
    #[serde(rename = "ES384")]
    Es384,
}

/// `endpoint.tls`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsTable {
    /// CA certificates to trust instead of the system's, PEM.
    pub ca: Option<String>,
    /// Our certificate, PEM.
    pub cert: Option<String>,
    /// Its private key, PEM.
    pub key: Option<String>,
}

/// `[log]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogTable {
    /// For machines or for people.
    pub format: Option<LogFormat>,
    /// How much.
    pub level: Option<LogLevel>,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For a person's eyes.
    Text,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// What failed.
    Error,
    /// And what a person should look at.
    Warn,
    /// And what was done.
    Info,
    /// And how.
    Debug,
    /// Everything.
    Trace,
}
