//! [`TokenClient`]: requests to an authorisation server, and what its answers mean.
//!
//! Invariant: secrets go to the configured origin only, no redirect is followed, an answer is read up to
//! [`LARGEST_ANSWER`] bytes and for [`PATIENCE`]. Next: [`super::client_credentials`].

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{ACCEPT, AGE, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderValue};
use reqwest::{ClientBuilder, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;

use super::skew::Skew;
use super::tls::{Connector, TlsFiles};
use super::token::{Token, bearer_value};
use super::{AuthError, refusal};
use crate::clock::Clock;
use crate::endpoint::origin::same_origin;
use crate::outbox::Reason;

/// The most that is read of an answer, in bytes.
pub const LARGEST_ANSWER: usize = 64 << 10;
/// How long one request may take in all.
pub const PATIENCE: Duration = Duration::from_secs(15);
/// How long connecting may take.
const CONNECTING: Duration = Duration::from_secs(5);
/// The life of a token whose answer does not say it: what SMART recommends.
const USUAL_LIFE: u64 = 300;
/// A token is renewed at least once a day, whatever its answer says.
const LONGEST_LIFE: u64 = 86_400;

/// What all kinds that fetch tokens share.
#[derive(Clone)]
pub struct TokenClient {
    connector: Arc<Connector>,
    clock: Arc<dyn Clock>,
    skew: Arc<Skew>,
}

/// Nothing of it is worth printing.
impl std::fmt::Debug for TokenClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenClient")
    }
}

impl TokenClient {
    /// A client for token requests, with its own TLS files.
    ///
    /// # Errors
    ///
    /// As [`Connector::open`].
    pub fn open(files: TlsFiles, clock: Arc<dyn Clock>, skew: Arc<Skew>) -> Result<Self, AuthError> {
        let configure = |builder: ClientBuilder| {
            builder.timeout(PATIENCE).connect_timeout(CONNECTING).no_gzip().user_agent("sp-fhir")
        };
        Ok(Self { connector: Arc::new(Connector::open(files, configure)?), clock, skew })
    }

    /// Its time.
    pub(super) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The clients and certificates below it, for `check` and alarms.
    #[must_use]
    pub fn connector(&self) -> &Connector {
        &self.connector
    }

    /// Asks for a token: `url` must be within `origin`. `password` is a whole `Authorization` header, with the secret in
    /// it, which is known here so that an answer that repeats it does not come into the log.
    pub(super) async fn token(
        &self,
        origin: &str,
        url: &str,
        form: &[(&str, &str)],
        password: Option<(&SecretString, &SecretString)>,
    ) -> Result<Token, Reason> {
        let server = named(url);
        if !same_origin(origin, url) {
            tracing::warn!(%server, "the token endpoint is outside the configured origin: nothing was sent to it");
            return Err(Reason::Unauthorised);
        }
        let mut request = self
            .connector
            .client()
            .post(url)
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(encoded_form(form));
        if let Some((header, _)) = password {
            let mut value =
                HeaderValue::from_str(header.expose_secret()).map_err(|_| Reason::Unauthorised)?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let (status, body) = self.answer(&server, request).await?;
        if status == 200 {
            return read_token(&body).ok_or_else(|| {
                tracing::warn!(%server, "the authorisation server's answer is not a bearer token");
                Reason::Unavailable
            });
        }
        let mut sent: Vec<&str> = form.iter().map(|(_, value)| *value).collect();
        sent.extend(password.map(|(_, secret)| secret.expose_secret()));
        Err(refusal::of(&server, status, &body, &sent))
    }

    /// Reads a public JSON document.
    pub(super) async fn document(&self, url: &str) -> Result<Value, Reason> {
        let server = named(url);
        let request = self.connector.client().get(url).header(ACCEPT, "application/json");
        let (status, body) = self.answer(&server, request).await?;
        let document = if status == 200 { serde_json::from_slice(&body).ok() } else { None };
        document.ok_or_else(|| {
            tracing::warn!(%server, status, "the server's SMART configuration cannot be read");
            Reason::Unavailable
        })
    }

    async fn answer(&self, server: &str, request: reqwest::RequestBuilder) -> Result<(u16, Vec<u8>), Reason> {
        let sent = self.clock.now();
        let answer = request.send().await.map_err(|failure| lost(server, &failure))?;
        self.observe(server, &answer, sent);
        let status = answer.status().as_u16();
        Ok((status, capped(server, answer).await?))
    }

    fn observe(&self, server: &str, answer: &Response, sent: Timestamp) {
        let date = answer.headers().get(DATE).and_then(|value| value.to_str().ok());
        self.skew.observe(server, date, answer.headers().contains_key(AGE), sent, self.clock.now());
    }
}

async fn capped(server: &str, mut answer: Response) -> Result<Vec<u8>, Reason> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|failure| lost(server, &failure))? {
        if body.len() + chunk.len() > LARGEST_ANSWER {
            tracing::warn!(server, "the answer is too large to be a token");
            return Err(Reason::Unavailable);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// A request without an answer. The failure's own words hold the address, which a form may have come into.
fn lost(server: &str, failure: &reqwest::Error) -> Reason {
    let what = if failure.is_timeout() {
        "it took too long"
    } else if failure.is_connect() {
        "no connection, or TLS was refused"
    } else {
        "the connection broke"
    };
    tracing::warn!(server, what, "the authorisation server cannot be reached");
    Reason::Unavailable
}

/// Scheme and host, for logs.
fn named(url: &str) -> String {
    reqwest::Url::parse(url).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    token_type: Option<String>,
    /// Seconds; the NHS platform writes them as a string.
    expires_in: Option<Value>,
}

fn read_token(body: &[u8]) -> Option<Token> {
    let answer: Answer = serde_json::from_slice(body).ok()?;
    if answer.token_type.is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return None;
    }
    let seconds = match answer.expires_in {
        None | Some(Value::Null) => USUAL_LIFE,
        Some(Value::Number(number)) => number.as_u64()?,
        Some(Value::String(text)) => text.trim().parse().ok()?,
        Some(_) => return None,
    };
    Some(Token {
        value: bearer_value(&answer.access_token)?,
        life: Duration::from_secs(seconds.min(LONGEST_LIFE)),
    })
}

/// `application/x-www-form-urlencoded`.
fn encoded_form(pairs: &[(&str, &str)]) -> String {
    let parts: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    parts.join("&")
}

/// One name or value of a form.
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_is_a_number_or_a_string_and_has_bounds() {
        for (body, life) in [
            (r#"{"access_token":"t","token_type":"Bearer","expires_in":"599","issued_at":"1"}"#, Some(599)),
            (r#"{"access_token":"t","token_type":"bearer","expires_in":300}"#, Some(300)),
            (r#"{"access_token":"t"}"#, Some(300)),
            (r#"{"access_token":"t","expires_in":null}"#, Some(300)),
            (r#"{"access_token":"t","expires_in":0}"#, Some(0)),
            (r#"{"access_token":"t","expires_in":99999999999}"#, Some(86_400)),
            (r#"{"access_token":"t","expires_in":-1}"#, None),
            (r#"{"access_token":"t","expires_in":"soon"}"#, None),
            (r#"{"access_token":"t","expires_in":[300]}"#, None),
            (r#"{"access_token":"t","token_type":"mac"}"#, None),
            (r#"{"access_token":""}"#, None),
            (r#"{"access_token":"two words"}"#, None),
            (r#"{"access_token":"line\r\nbreak"}"#, None),
            (r#"{"access_token":7}"#, None),
            (r#"{"token":"t"}"#, None),
            ("<html>", None),
            ("", None),
        ] {
            let read = read_token(body.as_bytes()).map(|token| token.life.as_secs());
            assert_eq!(read, life, "{body}");
        }
    }

    #[test]
    fn a_form_is_encoded_as_forms_are() {
        assert_eq!(encoded_form(&[("a", "x y&z=1"), ("é", "+/*-._~")]), "a=x+y%26z%3D1&%C3%A9=%2B%2F*-._%7E");
    }
}
