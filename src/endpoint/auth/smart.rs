//! SMART Backend Services (SMART App Launch 2.2, asymmetric client authentication).
//!
//! The token endpoint is configured, or found in the server's `.well-known/smart-configuration`. Invariant: a token
//! endpoint that was found is used only within the origin of the FHIR base; a server elsewhere must be configured,
//! because whoever can answer one request could otherwise name where our assertions go. Next: [`super::tls`].

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use jsonwebtoken::Algorithm;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::assertion::{ASSERTION_TYPE, Signer};
use super::token::{Token, TokenCache};
use super::token_client::TokenClient;
use super::{AuthError, Authorise, must_be_protected};
use crate::endpoint::Work;
use crate::endpoint::origin::same_origin;
use crate::outbox::Reason;

/// How long a token endpoint that was found is used before it is looked for again.
const FOUND_FOR: Duration = Duration::from_secs(3600);

/// How assertions are signed: the two that SMART asks of every client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmartAlgorithm {
    /// RSA with SHA-384.
    Rs384,
    /// ECDSA on P-384 with SHA-384.
    Es384,
}

impl SmartAlgorithm {
    const fn name(self) -> &'static str {
        match self {
            Self::Rs384 => "RS384",
            Self::Es384 => "ES384",
        }
    }

    const fn algorithm(self) -> Algorithm {
        match self {
            Self::Rs384 => Algorithm::RS384,
            Self::Es384 => Algorithm::ES384,
        }
    }
}

/// The settings.
#[derive(Clone, Debug)]
pub struct SmartSettings {
    /// The FHIR base.
    pub base: String,
    /// The token endpoint, if it is not to be looked for, or is outside the origin of the base.
    pub token_url: Option<String>,
    /// Our name there.
    pub client_id: String,
    /// What to ask for, as `system/Task.cruds system/Patient.rs`.
    pub scope: String,
    /// How to sign.
    pub algorithm: SmartAlgorithm,
    /// A file with the private key in PEM form.
    pub key_file: PathBuf,
    /// The key's name, where the file does not say it (`kid: NAME` above the key).
    pub kid: Option<String>,
}

/// Tokens by SMART Backend Services.
#[derive(Debug)]
pub struct Smart {
    settings: SmartSettings,
    signer: Signer,
    client: TokenClient,
    cache: TokenCache,
    found: Mutex<Option<(Timestamp, String)>>,
}

impl Smart {
    /// Reads the key; asks for nothing yet.
    ///
    /// # Errors
    ///
    /// Where an address is neither https nor on this machine, or the file is not a key with a name that only we may read.
    pub fn open(settings: SmartSettings, client: TokenClient) -> Result<Self, AuthError> {
        must_be_protected(&settings.base)?;
        if let Some(url) = &settings.token_url {
            must_be_protected(url)?;
        }
        let clock = client.clock();
        let algorithm = settings.algorithm.algorithm();
        let signer = Signer::open(algorithm, settings.key_file.clone(), settings.kid.clone(), clock.clone())?;
        let cache = TokenCache::new(clock.clone());
        Ok(Self { settings, signer, client, cache, found: Mutex::default() })
    }

    async fn fetch(&self) -> Result<Token, Reason> {
        let settings = &self.settings;
        let url = match &settings.token_url {
            Some(url) => url.clone(),
            None => self.discover().await?,
        };
        let origin = settings.token_url.as_ref().unwrap_or(&settings.base);
        let assertion = self.signer.assertion(&settings.client_id, &url)?;
        let form = [
            ("grant_type", "client_credentials"),
            ("scope", settings.scope.as_str()),
            ("client_assertion_type", ASSERTION_TYPE),
            ("client_assertion", assertion.expose_secret()),
        ];
        let token = self.client.token(origin, &url, &form, None).await;
        if token.is_err() {
            // It may have moved.
            self.remember(None);
        }
        token
    }

    /// The token endpoint by the server's own words.
    async fn discover(&self) -> Result<String, Reason> {
        let now = self.client.clock().now();
        let known = self.found.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((at, url)) = known {
            let end = at.checked_add(FOUND_FOR).unwrap_or(Timestamp::MAX);
            if now >= at && now < end {
                return Ok(url);
            }
        }
        let base = self.settings.base.trim_end_matches('/');
        let document = self.client.document(&format!("{base}/.well-known/smart-configuration")).await?;
        let Some(url) = document.get("token_endpoint").and_then(Value::as_str) else {
            tracing::warn!(base, "the server's SMART configuration names no token endpoint");
            return Err(Reason::Unauthorised);
        };
        if !same_origin(base, url) {
            tracing::warn!(
                base,
                "the token endpoint is outside the origin of the FHIR base; if that is right, configure it"
            );
            return Err(Reason::Unauthorised);
        }
        let ours = self.settings.algorithm.name();
        let listed =
            document.get("token_endpoint_auth_signing_alg_values_supported").and_then(Value::as_array);
        if listed.is_some_and(|names| !names.iter().any(|name| name == ours)) {
            tracing::warn!(base, algorithm = ours, "the server does not list the algorithm of our key");
        }
        self.remember(Some((now, url.to_owned())));
        Ok(url.to_owned())
    }

    fn remember(&self, found: Option<(Timestamp, String)>) {
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = found;
    }
}

impl Authorise for Smart {
    fn header(&self) -> Work<'_, Result<Option<SecretString>, Reason>> {
        Box::pin(async { self.cache.header(|| self.fetch()).await.map(Some) })
    }

    fn refused(&self) {
        self.cache.refused();
    }
}
