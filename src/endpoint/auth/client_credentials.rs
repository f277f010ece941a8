//! OAuth 2.0 client credentials with a shared secret (RFC 6749, 4.4). Next: [`super::nhs_jwt`].

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

use super::token::{Token, TokenCache};
use super::token_client::{TokenClient, encoded};
use super::watched::{Privacy, Watched};
use super::{AuthError, Authorise, must_be_protected};
use crate::endpoint::Work;
use crate::outbox::Reason;

/// Where the secret stands in the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretIn {
    /// HTTP Basic: what every server must support.
    Header,
    /// `client_id` and `client_secret` in the form, for servers that do not.
    Body,
}

/// The settings.
#[derive(Clone, Debug)]
pub struct ClientCredentialsSettings {
    /// The token endpoint.
    pub token_url: String,
    /// Our name there.
    pub client_id: String,
    /// A file with the secret on one line.
    pub secret_file: PathBuf,
    /// Where the secret stands.
    pub secret_in: SecretIn,
    /// The scope to ask for, if any.
    pub scope: Option<String>,
}

/// Tokens by client id and secret.
#[derive(Debug)]
pub struct ClientCredentials {
    settings: ClientCredentialsSettings,
    secret: Watched<SecretString>,
    client: TokenClient,
    cache: TokenCache,
}

impl ClientCredentials {
    /// Reads the secret; asks for no token yet.
    ///
    /// # Errors
    ///
    /// Where the token endpoint is neither https nor on this machine, or the file is not a secret that only we may read.
    pub fn open(settings: ClientCredentialsSettings, client: TokenClient) -> Result<Self, AuthError> {
        must_be_protected(&settings.token_url)?;
        let secret = Watched::open(vec![(settings.secret_file.clone(), Privacy::Secret)], |contents| {
            let text =
                contents.first().and_then(|content| std::str::from_utf8(content).ok()).unwrap_or_default();
            let text = text.trim_end_matches(['\r', '\n']);
            if text.is_empty() || text.chars().any(char::is_control) {
                return Err("is not a secret on one line".to_owned());
            }
            Ok(SecretString::from(text))
        })?;
        let cache = TokenCache::new(client.clock().clone());
        Ok(Self { settings, secret, client, cache })
    }

    async fn fetch(&self) -> Result<Token, Reason> {
        let settings = &self.settings;
        let secret = self.secret.current();
        let mut form = vec![("grant_type", "client_credentials")];
        form.extend(settings.scope.as_deref().map(|scope| ("scope", scope)));
        let password = match settings.secret_in {
            SecretIn::Header => Some(basic(&settings.client_id, &secret)),
            SecretIn::Body => {
                form.push(("client_id", &settings.client_id));
                form.push(("client_secret", secret.expose_secret()));
                None
            }
        };
        self.client
            .token(
                &settings.token_url,
                &settings.token_url,
                &form,
                password.as_ref().map(|header| (header, &*secret)),
            )
            .await
    }
}

impl Authorise for ClientCredentials {
    fn header(&self) -> Work<'_, Result<Option<SecretString>, Reason>> {
        Box::pin(async { self.cache.header(|| self.fetch()).await.map(Some) })
    }

    fn refused(&self) {
        self.cache.refused();
    }
}

/// Both are encoded as in a form first (RFC 6749, 2.3.1).
fn basic(id: &str, secret: &SecretString) -> SecretString {
    let pair = SecretString::from(format!("{}:{}", encoded(id), encoded(secret.expose_secret())));
    SecretString::from(format!("Basic {}", STANDARD.encode(pair.expose_secret())))
}
