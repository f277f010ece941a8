//! [`Client`]: HTTP to one endpoint, and to nothing else.
//!
//! No redirect is followed, no proxy of the environment is used, and the credentials go to the endpoint's own
//! [`Base`] only, because no other URL can be made. An answer larger than the limits is cut off while it streams, also when
//! it is compressed. What this is not: it does not judge answers ([`super::classify`] does) and it tries nothing
//! twice. Invariant: [`Fault::NotSent`] is said only when the endpoint certainly saw no request. Next: [`super::search`].

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{
    ACCEPT, AGE, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, DATE, ETAG, HeaderMap, HeaderName, IF_MATCH,
    LOCATION, RETRY_AFTER,
};
use reqwest::{Method, RequestBuilder, Url};
use secrecy::ExposeSecret;

use crate::clock::Clock;
use crate::endpoint::auth::Authorise;
use crate::endpoint::auth::skew::Skew;
use crate::outbox::Reason;

use super::base::Base;
use crate::endpoint::auth::AuthError;
use crate::endpoint::auth::expiry;
use crate::endpoint::auth::tls::{Connector, TlsFiles};

pub use super::answer::{Answer, Fault};

const FHIR_JSON: &str = "application/fhir+json";

/// How long to wait and how much to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For a connection, TLS included.
    pub connect: Duration,
    /// For one exchange, to the last byte of the answer.
    pub exchange: Duration,
    /// Bytes of an answer's body, unpacked.
    pub body: usize,
    /// Bytes of an answer's headers.
    pub headers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            exchange: Duration::from_secs(60),
            body: 16 << 20,
            headers: 64 << 10,
        }
    }
}

/// How one resource is written outside a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Single<'a> {
    /// `PUT Type?identifier=system|value`.
    ByIdentifier {
        /// The identifier's system.
        system: &'a str,
        /// Its value.
        value: &'a str,
    },
    /// `POST Type` with `If-None-Exist`.
    IfNoneExist {
        /// The query.
        query: &'a str,
    },
    /// `PUT Type/id`, with `If-Match` where a version was read.
    ById {
        /// The id.
        id: &'a str,
        /// The version, as the header has it.
        if_match: Option<&'a str>,
    },
}

/// What a client is made from.
pub struct Settings {
    /// Where it speaks to.
    pub base: Base,
    /// Who it says it is.
    pub auth: Arc<dyn Authorise>,
    /// How long and how much.
    pub limits: Limits,
    /// Certificates; read again when their files change.
    pub tls: TlsFiles,
    /// The time, to hold against the endpoint's.
    pub clock: Arc<dyn Clock>,
    /// How far the two are apart; shared with who fetches tokens.
    pub skew: Arc<Skew>,
}

/// HTTP to one endpoint.
#[derive(Clone)]
pub struct Client {
    connector: Arc<Connector>,
    base: Base,
    auth: Arc<dyn Authorise>,
    limits: Limits,
    clock: Arc<dyn Clock>,
    skew: Arc<Skew>,
}

impl Client {
    /// A client.
    ///
    /// # Errors
    /// A certificate or key cannot be used.
    pub fn open(settings: Settings) -> Result<Self, AuthError> {
        let Settings { base, auth, limits, tls, clock, skew } = settings;
        let configure = move |builder: reqwest::ClientBuilder| {
            builder
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .no_proxy()
                .tls_info(true)
                .gzip(true)
                .connect_timeout(limits.connect)
                .timeout(limits.exchange)
                .pool_idle_timeout(Duration::from_secs(20))
                .user_agent(concat!("sp-fhir/", env!("CARGO_PKG_VERSION")))
        };
        let connector = Arc::new(Connector::open(tls, configure)?);
        Ok(Self { connector, base, auth, limits, clock, skew })
    }

    /// The endpoint's base.
    #[must_use]
    pub const fn base(&self) -> &Base {
        &self.base
    }

    /// How far its clock is from ours.
    #[must_use]
    pub fn skew(&self) -> &Skew {
        &self.skew
    }

    /// The certificates, for checks and alarms.
    #[must_use]
    pub fn connector(&self) -> &Connector {
        &self.connector
    }

    /// Whether we have what it takes to say who we are: reads the secret, or fetches a token. Says whether there is any.
    ///
    /// # Errors
    /// As [`Authorise::header`].
    pub async fn authenticate(&self) -> Result<bool, Reason> {
        self.auth.header().await.map(|header| header.is_some())
    }

    /// GET `Type/id`, or `metadata`. Never a search: its words would stand in logs along the way.
    ///
    /// # Errors
    /// [`Fault`]: no answer.
    pub async fn get(&self, path: &str) -> Result<Answer, Fault> {
        self.read(self.http().get(self.url(path)?)).await
    }

    /// GET of the next page of a search, as the server named it: with the tokens it wrote there, to nobody else.
    ///
    /// # Errors
    /// [`Fault`]: no answer; [`Reason::Poison`] where the link leads anywhere but below the base.
    pub async fn follow(&self, link: &str) -> Result<Answer, Fault> {
        let url = self.base.page(link).ok_or(Fault::NotSent(Reason::Poison))?;
        self.read(self.http().get(url)).await
    }

    /// POST of a search's parameters to `Type/_search`.
    ///
    /// # Errors
    /// [`Fault`]: no answer.
    pub async fn post_search(&self, resource_type: &str, form: String) -> Result<Answer, Fault> {
        let url = self.url(&format!("{resource_type}/_search"))?;
        let request =
            self.http().post(url).header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form);
        self.read(request).await
    }

    /// The one that writes: a body by any method, byte for byte.
    ///
    /// # Errors
    /// [`Fault`]: no answer.
    pub async fn write(
        &self,
        method: &str,
        path: &str,
        if_match: Option<&str>,
        body: String,
    ) -> Result<Answer, Fault> {
        let method = Method::from_bytes(method.as_bytes()).map_err(|_| Fault::NotSent(Reason::Poison))?;
        let mut request = self
            .http()
            .request(method, self.url(path)?)
            .header(CONTENT_TYPE, FHIR_JSON)
            .header(PREFER, "return=minimal")
            .body(body);
        if let Some(version) = if_match {
            request = request.header(IF_MATCH, version);
        }
        self.exchange(request).await
    }

    /// DELETE of a resource that a probe made.
    ///
    /// # Errors
    /// [`Fault`]: no answer.
    pub async fn remove(&self, resource_type: &str, id: &str) -> Result<Answer, Fault> {
        self.exchange(self.http().delete(self.url(&format!("{resource_type}/{id}"))?)).await
    }

    /// When the certificate that the server shows ends; none without TLS, or where it cannot be read.
    pub async fn server_certificate_ends(&self) -> Option<jiff::Timestamp> {
        let answer = self.http().head(self.url("metadata").ok()?).send().await.ok()?;
        let shown = answer.extensions().get::<reqwest::tls::TlsInfo>()?.peer_certificate()?;
        expiry::not_after(shown)
    }

    /// The client of the certificates as they are now.
    fn http(&self) -> reqwest::Client {
        self.connector.client()
    }

    /// One resource, in a way that may be repeated. What was stored is asked back, because it says where it is.
    ///
    /// # Errors
    /// [`Fault`]: no answer.
    pub async fn write_single(
        &self,
        resource_type: &str,
        single: Single<'_>,
        body: Vec<u8>,
    ) -> Result<Answer, Fault> {
        let request = match single {
            Single::ByIdentifier { system, value } => {
                // A query in a URL: for our own identifiers only, never for a person's.
                if resource_type == "Patient" {
                    return Err(Fault::NotSent(Reason::Poison));
                }
                let mut url = self.url(resource_type)?;
                url.query_pairs_mut().append_pair("identifier", &format!("{system}|{value}"));
                self.http().put(url)
            }
            Single::IfNoneExist { query } => {
                self.http().post(self.url(resource_type)?).header(IF_NONE_EXIST, query)
            }
            Single::ById { id, if_match } => {
                let request = self.http().put(self.url(&format!("{resource_type}/{id}"))?);
                match if_match {
                    Some(version) => request.header(IF_MATCH, version),
                    None => request,
                }
            }
        };
        let request = request.header(CONTENT_TYPE, FHIR_JSON).header(PREFER, "return=representation");
        self.exchange(request.body(body)).await
    }

    fn url(&self, path: &str) -> Result<Url, Fault> {
        self.base.below(path).ok_or(Fault::NotSent(Reason::Poison))
    }

    /// What is asked for as it is now: a server may otherwise give a search's result of a minute ago, in which what was written
    /// since is not.
    async fn read(&self, request: RequestBuilder) -> Result<Answer, Fault> {
        self.exchange(request.header(CACHE_CONTROL, "no-cache")).await
    }

    async fn exchange(&self, request: RequestBuilder) -> Result<Answer, Fault> {
        let mut request = request.header(ACCEPT, FHIR_JSON);
        if let Some(secret) = self.auth.header().await.map_err(Fault::NotSent)? {
            let mut value = reqwest::header::HeaderValue::from_str(secret.expose_secret())
                .map_err(|_| Fault::NotSent(Reason::Unauthorised))?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let sent = self.clock.now();
        let mut response = request.send().await.map_err(|error| {
            // A builder error is ours and comes before anything is sent; so does everything up to the connection.
            let early = error.is_connect() || error.is_builder();
            if early { Fault::NotSent(Reason::Unavailable) } else { Fault::Lost }
        })?;
        let status = response.status().as_u16();
        if status == 401 {
            self.auth.refused();
        }
        let headers = response.headers();
        let date = text(headers, &DATE);
        self.skew.observe(
            self.base.host(),
            date.as_deref(),
            headers.contains_key(AGE),
            sent,
            self.clock.now(),
        );
        if headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>()
            > self.limits.headers
        {
            return Err(Fault::Lost);
        }
        let mut answer = Answer {
            status,
            etag: text(headers, &ETAG),
            location: text(headers, &LOCATION),
            retry_after: text(headers, &RETRY_AFTER),
            body: Vec::new(),
        };
        while let Some(chunk) = response.chunk().await.map_err(|_| Fault::Lost)? {
            if answer.body.len() + chunk.len() > self.limits.body {
                return Err(Fault::Lost);
            }
            answer.body.extend_from_slice(&chunk);
        }
        Ok(answer)
    }
}

const PREFER: HeaderName = HeaderName::from_static("prefer");
const IF_NONE_EXIST: HeaderName = HeaderName::from_static("if-none-exist");

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}
