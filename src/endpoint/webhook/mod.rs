//! [`Webhook`]: an endpoint that pulled events are posted to, each signed, one a request.
//!
//! The receiver is told who sends by a signature over the raw bytes and the headers that say what they mean ([`signature`]),
//! the same that HTTP intake takes, and knows a repeat by `Idempotency-Key`. What this is not: a FHIR endpoint; nothing can be asked or read back there. So a
//! 2xx makes an entry *delivered*, and that is its end: it is never *acknowledged*. A lost answer is followed by the same
//! request again, under a new signature. Invariant: every attempt at one event has the same bytes and the same key; no
//! redirect is followed; no person's data is in the URL or a header. Next: [`posted`], then [`judge`].

pub mod judge;
pub mod posted;

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Response, Url};
use secrecy::ExposeSecret as _;

use crate::clock::Clock;
use crate::config::Secret;
use crate::event::hash::hex;
use crate::outbox::{Outcome, Parcel, Reason, Refusal};

use super::auth::signature::Covered;
use super::auth::tls::{Connector, TlsFiles};
use super::auth::{AuthError, must_be_protected, signature};
use super::fhir_rest::classify;
use super::fhir_rest::client::Limits;
use super::{Endpoint, Found, Known, Listing, Prepared, Request, Sight, Unread, Work};

/// Names a request across its repeats: the entry's key.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Says of the events in a request what a later version of one means: [`BY_TIME`].
pub const REVISIONS: HeaderName = HeaderName::from_static("x-sp-fhir-revisions");

/// Each event is a version of something: one with a later `recorded_at` takes the place of an earlier one of its id.
pub const BY_TIME: &str = "recorded-at";

/// What is posted.
const JSON: &str = "application/json";

/// What a webhook is made from.
pub struct Settings {
    /// Its name in the configuration, in the store and in every report.
    pub name: String,
    /// Where events are posted to; `https`, or on this machine.
    pub url: String,
    /// The key that both sides share; at least [`signature::MIN_KEY`] bytes.
    pub key: Secret,
    /// Certificates; read again when their files change.
    pub tls: TlsFiles,
    /// How long to wait, and how much of an answer to read.
    pub limits: Limits,
    /// For the time and the nonce of each signature.
    pub clock: Arc<dyn Clock>,
}

/// What [`Settings::limits`] is by default: nothing but codes is wanted of an answer.
#[must_use]
pub fn limits() -> Limits {
    Limits { exchange: Duration::from_secs(30), body: 64 << 10, ..Limits::default() }
}

/// An endpoint that events are posted to.
pub struct Webhook {
    name: String,
    url: Url,
    key: Secret,
    connector: Connector,
    limits: Limits,
    clock: Arc<dyn Clock>,
}

impl Webhook {
    /// A webhook. Sends nothing yet.
    ///
    /// # Errors
    /// The address is not protected, or a certificate cannot be used.
    pub fn open(settings: Settings) -> Result<Self, AuthError> {
        let Settings { name, url, key, tls, limits, clock } = settings;
        must_be_protected(&url)?;
        let problem = "not an address";
        let url = Url::parse(&url).map_err(|_| AuthError::Address { address: url, problem })?;
        let configure = move |builder: reqwest::ClientBuilder| {
            builder
                .gzip(false)
                .connect_timeout(limits.connect)
                .timeout(limits.exchange)
                .pool_idle_timeout(Duration::from_secs(20))
                .user_agent(concat!("sp-fhir/", env!("CARGO_PKG_VERSION")))
        };
        let connector = Connector::open(tls, configure)?;
        Ok(Self { name, url, key, connector, limits, clock })
    }

    async fn post(&self, request: &Request) -> Outcome {
        let Some(key) = posted::key_of(request) else {
            return Outcome::Rejected(Refusal::of(Reason::Poison));
        };
        let Ok(secret) = self.key.current() else {
            return Outcome::Deferred { reason: Reason::Unauthorised, status: None, retry_after: None };
        };
        let now = self.clock.now();
        let nonce = hex(&self.clock.random());
        let timestamp = now.as_second().to_string();
        let covered = Covered {
            timestamp: &timestamp,
            nonce: &nonce,
            media_type: JSON,
            idempotency_key: key,
            revisions: BY_TIME,
        };
        let signature = covered.sign(secret.expose_secret(), request.body.as_bytes());
        let sent = self
            .connector
            .client()
            .post(self.url.clone())
            .header(CONTENT_TYPE, JSON)
            .header(IDEMPOTENCY_KEY, key)
            .header(REVISIONS, BY_TIME)
            .header(signature::TIMESTAMP, &timestamp)
            .header(signature::NONCE, nonce)
            .header(signature::SIGNATURE, signature)
            .body(request.body.clone())
            .send();
        match sent.await {
            Ok(response) => judge::judge(&self.read_answer(response, key, now).await),
            // Everything up to the connection comes before anything is sent.
            Err(error) if error.is_connect() || error.is_builder() => {
                Outcome::Deferred { reason: Reason::Unavailable, status: None, retry_after: None }
            }
            Err(_) => classify::lost(None),
        }
    }

    /// The status counts when it is there, whatever becomes of the body.
    async fn read_answer(&self, mut response: Response, key: &str, now: jiff::Timestamp) -> judge::Answer {
        let headers = response.headers();
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let mut answer = judge::Answer {
            status: response.status().as_u16(),
            retry_after: text(RETRY_AFTER).and_then(|text| classify::retry_after(text, now)),
            names_our_key: text(IDEMPOTENCY_KEY) == Some(key),
            is_page: text(CONTENT_TYPE).is_some_and(is_html),
            body: Vec::new(),
        };
        while let Ok(Some(chunk)) = response.chunk().await {
            if answer.body.len() + chunk.len() > self.limits.body {
                break;
            }
            answer.body.extend_from_slice(&chunk);
        }
        answer
    }
}

/// Whether a media type is one of pages.
fn is_html(content_type: &str) -> bool {
    let media = content_type.split(';').next().unwrap_or_default().trim();
    media.eq_ignore_ascii_case("text/html") || media.eq_ignore_ascii_case("application/xhtml+xml")
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Endpoint for Webhook {
    fn name(&self) -> &str {
        &self.name
    }

    fn prepare<'a>(&'a self, parcel: &'a Parcel, _known: &'a [Known]) -> Work<'a, Prepared> {
        let prepared = posted::request(parcel, &self.name)
            .map_or(Prepared::Ended(Outcome::Rejected(Refusal::of(Reason::Poison))), Prepared::Ready);
        Box::pin(std::future::ready(prepared))
    }

    fn send<'a>(&'a self, request: &'a Request) -> Work<'a, Outcome> {
        Box::pin(self.post(request))
    }

    /// It cannot be asked; sending it again does no harm, because the receiver knows it by its key.
    fn look<'a>(&'a self, _request: &'a Request) -> Work<'a, Found> {
        Box::pin(std::future::ready(Found::Absent))
    }

    fn can_be_read(&self) -> bool {
        false
    }

    fn read<'a>(
        &'a self,
        _requests: &'a [Request],
        _known: &'a [Known],
    ) -> Work<'a, Result<Vec<Sight>, Unread>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    fn list<'a>(&'a self, _resource_type: &'a str, _system: &'a str) -> Work<'a, Result<Listing, Reason>> {
        Box::pin(std::future::ready(Ok(Listing::NotSupported)))
    }

    /// A HEAD without anything of an event: any answer of the receiver's own will do.
    fn probe(&self) -> Work<'_, Result<(), Reason>> {
        Box::pin(async {
            match self.connector.client().head(self.url.clone()).send().await {
                Ok(answer) if judge::is_up(answer.status().as_u16()) => Ok(()),
                _ => Err(Reason::Unavailable),
            }
        })
    }
}
