//! No authentication: for an endpoint on this machine only. Next: [`super::bearer`].

use secrecy::SecretString;

use super::{AuthError, Authorise};
use crate::endpoint::{Work, origin};
use crate::outbox::Reason;

/// No `Authorization` header.
#[derive(Clone, Copy, Debug)]
pub struct NoAuth(());

impl NoAuth {
    /// For an endpoint's base.
    ///
    /// # Errors
    ///
    /// Where the base is not a loopback address: a FHIR server that anybody in a network may write to is no
    /// place for a person's data.
    pub fn at(base: &str) -> Result<Self, AuthError> {
        if origin::is_loopback(base) {
            return Ok(Self(()));
        }
        let problem = "an endpoint without authentication must be on this machine (a loopback address)";
        Err(AuthError::Address { address: base.to_owned(), problem })
    }

    /// For an endpoint that knows us by our certificate (mutual TLS), wherever it is.
    #[must_use]
    pub const fn with_certificate() -> Self {
        Self(())
    }
}

impl Authorise for NoAuth {
    fn header(&self) -> Work<'_, Result<Option<SecretString>, Reason>> {
        Box::pin(async { Ok(None) })
    }

    fn refused(&self) {}
}
