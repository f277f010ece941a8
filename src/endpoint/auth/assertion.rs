//! [`Signer`]: the signed assertions (RFC 7523) of the NHS API platform and of SMART Backend Services.
//!
//! Invariant: each assertion has its own `jti`, and a life within the 300 seconds that both allow, with room for
//! clocks that differ. Next: [`super::nhs_jwt`].

use std::path::PathBuf;
use std::sync::Arc;

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use secrecy::SecretString;
use serde::Serialize;

use super::AuthError;
use super::watched::{Privacy, Watched};
use crate::clock::Clock;
use crate::outbox::Reason;

/// `client_assertion_type` of a signed JWT.
pub(super) const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The life of an assertion in seconds. Servers refuse more than 300 by *their* clock: this leaves a minute for ours to
/// be ahead, and four for it to be behind.
const LIFE: i64 = 240;

/// A private key from a file, with the name under which its public key was registered.
pub(super) struct Signer {
    algorithm: Algorithm,
    key: Watched<Key>,
    clock: Arc<dyn Clock>,
}

/// The names of the file and of the algorithm.
impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("algorithm", &self.algorithm).field("key", &self.key).finish()
    }
}

struct Key {
    kid: String,
    key: EncodingKey,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    jti: String,
    exp: i64,
}

impl Signer {
    /// Reads a private key in PEM form, and signs with it once. Its `kid` stands in the file, in a line `kid: …` above
    /// the first `-----BEGIN`, where PEM allows any text (RFC 7468, 5.2); so key and name change together when a
    /// new file is put in place. Without such a line the configured one counts.
    pub(super) fn open(
        algorithm: Algorithm,
        file: PathBuf,
        kid: Option<String>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, AuthError> {
        let key = Watched::open(vec![(file, Privacy::Secret)], move |contents| {
            let pem = contents.first().copied().unwrap_or_default();
            let key =
                Key { kid: kid_of(pem).or_else(|| kid.clone()).ok_or(NO_KID)?, key: read(algorithm, pem)? };
            sign(algorithm, &key, &()).map_err(|_| wanted(algorithm))?;
            Ok(key)
        })?;
        Ok(Self { algorithm, key, clock })
    }

    /// A new assertion of `issuer` about itself, for a token endpoint.
    pub(super) fn assertion(&self, issuer: &str, audience: &str) -> Result<SecretString, Reason> {
        let claims = Claims {
            iss: issuer,
            sub: issuer,
            aud: audience,
            jti: uuid::Builder::from_random_bytes(self.clock.random()).into_uuid().to_string(),
            exp: self.clock.now().as_second() + LIFE,
        };
        sign(self.algorithm, &self.key.current(), &claims).map(SecretString::from).map_err(|_| {
            tracing::warn!(key = ?self.key, "the key does not sign");
            Reason::Unauthorised
        })
    }
}

const NO_KID: &str = "the key has no `kid`: set it, or write a line `kid: NAME` above the key";

fn sign<T: Serialize>(algorithm: Algorithm, key: &Key, claims: &T) -> jsonwebtoken::errors::Result<String> {
    let mut header = Header::new(algorithm);
    header.typ = Some("JWT".to_owned());
    header.kid = Some(key.kid.clone());
    encode(&header, claims, &key.key)
}

fn read(algorithm: Algorithm, pem: &[u8]) -> Result<EncodingKey, String> {
    let key = match algorithm {
        Algorithm::ES384 => EncodingKey::from_ec_pem(pem),
        _ => EncodingKey::from_rsa_pem(pem),
    };
    key.map_err(|_| wanted(algorithm))
}

fn wanted(algorithm: Algorithm) -> String {
    let kind = match algorithm {
        Algorithm::ES384 => "a private key on the curve P-384 in PKCS#8",
        _ => "an RSA private key of 2048 to 8192 bits in PKCS#8 or PKCS#1",
    };
    format!("{algorithm:?} needs {kind}, in PEM form and unencrypted")
}

/// The `kid` above the key.
fn kid_of(pem: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(pem).ok()?;
    let above = text.split("-----BEGIN").next()?;
    let kid = above.lines().find_map(|line| line.trim().strip_prefix("kid:"))?.trim();
    (!kid.is_empty()).then(|| kid.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kid_stands_above_the_key() {
        for (text, kid) in [
            ("kid: live-2\n-----BEGIN PRIVATE KEY-----\n", Some("live-2")),
            ("made by hand\n  kid:x \r\n-----BEGIN PRIVATE KEY-----\n", Some("x")),
            ("-----BEGIN PRIVATE KEY-----\nkid: inside\n", None),
            ("kid:\n-----BEGIN PRIVATE KEY-----\n", None),
            ("my kid: x\n-----BEGIN PRIVATE KEY-----\n", None),
        ] {
            assert_eq!(kid_of(text.as_bytes()).as_deref(), kid, "{text:?}");
        }
    }
}
