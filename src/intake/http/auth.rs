//! Who may send: checked before anything of the body is parsed.
//!
//! A bearer token is compared in constant time. A signed request carries HMAC-SHA256 over its body and what of its head
//! decides what the body means ([`Covered`]); its timestamp must be within five minutes of ours, and its nonce is taken
//! once. Without authentication only requests that name this machine are taken, so that a web page cannot send through a browser.
//! Next: `body`.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, HeaderName};
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret as _;

use crate::config::{HttpAuth, Secret, SecretError};
pub use crate::endpoint::auth::signature::{Covered, NONCE, SIGNATURE, TIMESTAMP};
use crate::endpoint::auth::signature::{VERSION, mac};
use crate::endpoint::webhook::{IDEMPOTENCY_KEY, REVISIONS};
use crate::intake::keep::Keep;

use super::answer::Refusal;

/// How far the clocks may be apart, in seconds.
const WINDOW: i64 = 300;

/// Who may send.
#[derive(Debug)]
pub enum Auth {
    /// Everybody on this machine.
    None,
    /// Who has the token.
    Bearer(Secret),
    /// Who has the key.
    Hmac(Secret),
}

/// What of a signed request is checked once its body is there.
pub(super) struct Signed {
    /// What was signed before the body.
    lines: String,
    nonce: String,
    signature: Vec<u8>,
}

const BEARER: &str = "Bearer realm=\"sp-fhir\"";
const HMAC: &str = "SP-FHIR-HMAC-SHA256 realm=\"sp-fhir\"";

impl Auth {
    /// Reads the secret.
    ///
    /// # Errors
    /// It cannot be used.
    pub fn open(configured: &HttpAuth) -> Result<Self, SecretError> {
        Ok(match configured {
            HttpAuth::None => Self::None,
            HttpAuth::Bearer(from) => Self::Bearer(Secret::open(from.clone(), HttpAuth::MIN_TOKEN)?),
            HttpAuth::Hmac(from) => Self::Hmac(Secret::open(from.clone(), HttpAuth::MIN_KEY)?),
        })
    }

    /// Why nobody can be let in now: the token or key that was configured cannot be used any more.
    #[must_use]
    pub fn trouble(&self) -> Option<SecretError> {
        match self {
            Self::None => None,
            Self::Bearer(secret) | Self::Hmac(secret) => secret.current().err(),
        }
    }

    /// What the head alone shows. Where the body is signed, what is left to check.
    pub(super) fn head(&self, headers: &HeaderMap, now: Timestamp) -> Result<Option<Signed>, Refusal> {
        match self {
            Self::None => names_this_machine(headers).then_some(None).ok_or(Refusal::Host),
            Self::Bearer(secret) => {
                let expected = secret.current().map_err(|_| Refusal::CredentialsUnusable)?;
                let given = headers.get(AUTHORIZATION).and_then(|value| value.as_bytes().split_at_checked(7));
                let given = given.filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"Bearer "));
                let (_, token) = given.ok_or(Refusal::Unauthorised(BEARER))?;
                // Of equal length whatever was sent, so that not even the length shows.
                let (a, b) = (hash(token.trim_ascii()), hash(expected.expose_secret()));
                verify_slices_are_equal(a.as_ref(), b.as_ref())
                    .map(|()| None)
                    .map_err(|_| Refusal::Unauthorised(BEARER))
            }
            Self::Hmac(_) => signed(headers, now).map(Some).ok_or(Refusal::Unauthorised(HMAC)),
        }
    }

    /// Checks the signature of a body, and that its nonce is new.
    pub(super) async fn body(
        &self,
        signed: Signed,
        body: &[u8],
        keep: &dyn Keep,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let Self::Hmac(secret) = self else { return Ok(()) };
        let key = secret.current().map_err(|_| Refusal::CredentialsUnusable)?;
        let expected = mac(key.expose_secret(), &signed.lines, body);
        verify_slices_are_equal(expected.as_ref(), &signed.signature)
            .map_err(|_| Refusal::Unauthorised(HMAC))?;
        // Longer than any timestamp that would still be taken.
        let until = now.saturating_add(SignedDuration::from_secs(2 * WINDOW)).unwrap_or(Timestamp::MAX);
        match keep.see("intake-nonce", signed.nonce, until).await? {
            true => Ok(()),
            false => Err(Refusal::Unauthorised(HMAC)),
        }
    }
}

fn hash(bytes: &[u8]) -> digest::Digest {
    digest::digest(&digest::SHA256, bytes)
}

/// What of the head is signed, where it can be told: a header that stands there twice says two things.
fn signed(headers: &HeaderMap, now: Timestamp) -> Option<Signed> {
    let text = |name: &HeaderName| {
        let mut values = headers.get_all(name).iter();
        let first = values.next().map_or(Some(""), |value| value.to_str().ok());
        first.filter(|_| values.next().is_none())
    };
    let timestamp = text(&TIMESTAMP)?;
    let at: i64 = timestamp.parse().ok()?;
    if now.as_second().abs_diff(at) > WINDOW.unsigned_abs() {
        return None;
    }
    let nonce = text(&NONCE)?;
    let good = nonce.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if !good || !(16..=64).contains(&nonce.len()) {
        return None;
    }
    let media_type = text(&CONTENT_TYPE)?.split(';').next().unwrap_or_default().trim();
    let (idempotency_key, revisions) = (text(&IDEMPOTENCY_KEY)?, text(&REVISIONS)?);
    let signature = text(&SIGNATURE)?.strip_prefix(VERSION)?.strip_prefix('=')?;
    let covered = Covered { timestamp, nonce, media_type, idempotency_key, revisions };
    Some(Signed { lines: covered.lines(), nonce: nonce.to_owned(), signature: unhex(signature)? })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 {
        return None;
    }
    let digit = |b: &u8| char::from(*b).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    text.as_bytes()
        .chunks_exact(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(high)? << 4 | digit(low)?),
            _ => None,
        })
        .collect()
}

/// A browser that was led here by another name says so in its Host header.
fn names_this_machine(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else { return true };
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let address = name.parse::<std::net::IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|ip| ip.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn only_this_machines_names_are_taken_without_authentication() {
        let with = |host: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static(host));
            names_this_machine(&headers)
        };
        for host in ["localhost", "LOCALHOST:8087", "127.0.0.1:8087", "127.0.0.1", "[::1]:8087", "[::1]"] {
            assert!(with(host), "{host}");
        }
        for host in
            ["evil.example", "localhost.evil.example:8087", "127.0.0.1.evil.example", "192.0.2.1:8087", ""]
        {
            assert!(!with(host), "{host}");
        }
    }

    #[test]
    fn hexadecimal_is_read_whole_or_not_at_all() {
        assert_eq!(unhex(&"0fA9".repeat(16)).unwrap(), [0x0f, 0xa9].repeat(16));
        assert_eq!(unhex(&"0g".repeat(32)), None);
        assert_eq!(unhex("0f"), None);
    }
}
