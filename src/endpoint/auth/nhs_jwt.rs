//! The NHS England API platform: application-restricted access by a signed JWT.
//!
//! RS512, `kid` and `typ` in the header; `iss` and `sub` the API key, `aud` the exact address of the token endpoint, a
//! `jti` of its own, `exp` at most five minutes ahead (NHS England Digital, "Application-restricted RESTful APIs:
//! signed JWT authentication"). Next: [`super::smart`].

use std::path::PathBuf;

use jsonwebtoken::Algorithm;
use secrecy::{ExposeSecret, SecretString};

use super::assertion::{ASSERTION_TYPE, Signer};
use super::token::{Token, TokenCache};
use super::token_client::TokenClient;
use super::{AuthError, Authorise, must_be_protected};
use crate::endpoint::Work;
use crate::outbox::Reason;

/// The settings.
#[derive(Clone, Debug)]
pub struct NhsJwtSettings {
    /// The token endpoint, which is also the audience, byte for byte: `https://api.service.nhs.uk/oauth2/token`.
    pub token_url: String,
    /// The application's API key: a name, not a secret.
    pub api_key: String,
    /// A file with the RSA private key in PEM form.
    pub key_file: PathBuf,
    /// The key's name, where the file does not say it (`kid: NAME` above the key).
    pub kid: Option<String>,
}

/// Tokens by signed JWT.
#[derive(Debug)]
pub struct NhsJwt {
    settings: NhsJwtSettings,
    signer: Signer,
    client: TokenClient,
    cache: TokenCache,
}

impl NhsJwt {
    /// Reads the key; asks for no token yet.
    ///
    /// # Errors
    ///
    /// Where the token endpoint is neither https nor on this machine, or the file is not an RSA key with a name that
    /// only we may read.
    pub fn open(settings: NhsJwtSettings, client: TokenClient) -> Result<Self, AuthError> {
        must_be_protected(&settings.token_url)?;
        let clock = client.clock();
        let signer =
            Signer::open(Algorithm::RS512, settings.key_file.clone(), settings.kid.clone(), clock.clone())?;
        let cache = TokenCache::new(clock.clone());
        Ok(Self { settings, signer, client, cache })
    }

    async fn fetch(&self) -> Result<Token, Reason> {
        let url = &self.settings.token_url;
        let assertion = self.signer.assertion(&self.settings.api_key, url)?;
        let form = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", ASSERTION_TYPE),
            ("client_assertion", assertion.expose_secret()),
        ];
        self.client.token(url, url, &form, None).await
    }
}

impl Authorise for NhsJwt {
    fn header(&self) -> Work<'_, Result<Option<SecretString>, Reason>> {
        Box::pin(async { self.cache.header(|| self.fetch()).await.map(Some) })
    }

    fn refused(&self) {
        self.cache.refused();
    }
}
