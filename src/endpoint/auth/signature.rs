//! [`sign`]: the one scheme by which a body is signed, whether it comes in or goes out.
//!
//! HMAC-SHA-256 under a shared key over `timestamp.nonce.body`, the body's raw bytes, in three headers. HTTP intake
//! ([`crate::intake::http::auth`]) checks it and a [webhook](super::super::webhook) makes it, so that one sp-fhir can
//! send to another. docs/openapi.json says it for others. Next: [`super::super::webhook`].

use aws_lc_rs::hmac;
use axum::http::HeaderName;

use crate::event::hash::hex;

/// Seconds since 1970 at which the request was signed.
pub const TIMESTAMP: HeaderName = HeaderName::from_static("x-sp-fhir-timestamp");
/// 16 to 64 letters, digits, `-` or `_`; never used again.
pub const NONCE: HeaderName = HeaderName::from_static("x-sp-fhir-nonce");
/// `sha256=` and the HMAC in hexadecimal.
pub const SIGNATURE: HeaderName = HeaderName::from_static("x-sp-fhir-signature");

/// The fewest bytes of a key.
pub const MIN_KEY: usize = 32;

/// The signature of a body, as a sender makes it: the value of the signature header.
#[must_use]
pub fn sign(key: &[u8], timestamp: i64, nonce: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let mut context = hmac::Context::with_key(&key);
    context.update(format!("{timestamp}.{nonce}.").as_bytes());
    context.update(body);
    format!("sha256={}", hex(context.sign().as_ref()))
}
