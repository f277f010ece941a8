//! [`Covered`]: the one scheme by which a request is signed, whether it comes in or goes out.
//!
//! HMAC-SHA-256 under a shared key over the body's raw bytes and whatever of the head decides what they mean, a line each. HTTP
//! intake ([`crate::intake::http::auth`]) checks it and a [webhook](super::super::webhook) makes it, so that one sp-fhir can
//! send to another. docs/openapi.json says it for others. Invariant: no header that alters what becomes of a body is read
//! from a signed request unless it is here. The value of the signature header begins with the scheme's version, and so
//! does what is signed: no other version is taken. (Version 1 covered timestamp, nonce and body only.) Next:
//! [`super::super::webhook`].

use aws_lc_rs::hmac;
use axum::http::HeaderName;

use crate::event::hash::hex;

/// Seconds since 1970 at which the request was signed.
pub const TIMESTAMP: HeaderName = HeaderName::from_static("x-sp-fhir-timestamp");
/// 16 to 64 letters, digits, `-` or `_`; never used again.
pub const NONCE: HeaderName = HeaderName::from_static("x-sp-fhir-nonce");
/// [`VERSION`], `=` and the HMAC in hexadecimal.
pub const SIGNATURE: HeaderName = HeaderName::from_static("x-sp-fhir-signature");
/// The version of the scheme.
pub const VERSION: &str = "v2";

/// The fewest bytes of a key.
pub const MIN_KEY: usize = 32;

/// What of a request's head is signed. No line break can stand in any of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Covered<'a> {
    /// As its header gives it.
    pub timestamp: &'a str,
    /// As its header gives it.
    pub nonce: &'a str,
    /// The media type, as `Content-Type` gives it, without parameters. It chooses the reader.
    pub media_type: &'a str,
    /// The value of `Idempotency-Key`; empty where there is none.
    pub idempotency_key: &'a str,
    /// The value of `X-SP-FHIR-Revisions`; empty where there is none.
    pub revisions: &'a str,
}

impl Covered<'_> {
    /// The signature of a request, as a sender makes it: the value of the signature header.
    #[must_use]
    pub fn sign(&self, key: &[u8], body: &[u8]) -> String {
        format!("{VERSION}={}", hex(mac(key, &self.lines(), body).as_ref()))
    }

    /// What is signed before the body.
    pub(crate) fn lines(&self) -> String {
        let Self { timestamp, nonce, media_type, idempotency_key, revisions } = self;
        let media_type = media_type.to_ascii_lowercase();
        format!("{VERSION}\n{timestamp}\n{nonce}\n{media_type}\n{idempotency_key}\n{revisions}\n")
    }
}

/// The HMAC of these lines and a body.
pub(crate) fn mac(key: &[u8], lines: &str, body: &[u8]) -> hmac::Tag {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let mut context = hmac::Context::with_key(&key);
    context.update(lines.as_bytes());
    context.update(body);
    context.sign()
}
