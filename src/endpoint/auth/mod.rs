//! Who we are to an endpoint: the kinds of authentication, behind one trait.
//!
//! What this is not: it decides nothing about entries; a failure is a [`Reason`] for the caller. Invariant: a token or a
//! key goes to the configured origin only, and into no log, error or `Debug`. Next: [`super::origin`].

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
