//! Who we are to an endpoint: the kinds of authentication, behind one trait.
//!
//! What this is not: it decides nothing about entries; a failure is a [`Reason`] for the caller. Invariant: a token or a
//! key goes to the configured origin only, and into no log, error or `Debug`. The kinds, one file each: [`none`],
//! [`bearer`], [`client_credentials`], [`nhs_jwt`], [`smart`]; [`tls`] shows a certificate below any of them; a webhook
//! signs each body instead ([`signature`]). Next: [`super::origin`], then [`token`].

mod assertion;
pub mod bearer;
pub mod client_credentials;
pub mod expiry;
pub mod nhs_jwt;
pub mod none;
mod refusal;
pub mod signature;
pub mod skew;
pub mod smart;
pub mod tls;
pub mod token;
pub mod token_client;
pub mod watched;

use thiserror::Error;

use super::Work;
use crate::outbox::Reason;

/// One way to authenticate at an endpoint.
pub trait Authorise: Send + Sync {
    /// The whole value of the `Authorization` header (e.g. `Bearer …`), or none where the endpoint takes none.
    ///
    /// # Errors
    ///
    /// [`Reason::Unauthorised`] where our credentials are not accepted or cannot be used,
    /// [`Reason::Unavailable`] where a token cannot be had now.
    fn header(&self) -> Work<'_, Result<Option<secrecy::SecretString>, Reason>>;

    /// Says that the endpoint answered 401: the next [`Authorise::header`] asks for a new token, once; it does not
    /// go on asking while every new token is refused.
    fn refused(&self);
}

/// Why a way to authenticate cannot be set up. Names files and settings, never what is in them.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AuthError {
    /// An address cannot be used.
    #[error("{address}: {problem}")]
    Address {
        /// The address as configured.
        address: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A file cannot be used.
    #[error("{path}: {problem}")]
    File {
        /// The file.
        path: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A setting is missing or does not fit another.
    #[error("{0}")]
    Setting(&'static str),
}

/// A token, a key or a password goes over TLS, or stays on this machine.
pub(crate) fn must_be_protected(address: &str) -> Result<(), AuthError> {
    if super::origin::is_protected(address) {
        return Ok(());
    }
    let problem = "secrets are sent to https addresses only, or to a loopback address of this machine";
    Err(AuthError::Address { address: address.to_owned(), problem })
}
