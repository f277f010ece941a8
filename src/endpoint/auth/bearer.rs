//! A static bearer token from a file. Next: [`super::client_credentials`].

use std::path::PathBuf;

use secrecy::SecretString;

use super::token::bearer_value;
use super::watched::{Privacy, Watched};
use super::{AuthError, Authorise, must_be_protected};
use crate::endpoint::Work;
use crate::outbox::Reason;

/// A token that an administrator gave us, read again when its file changes.
#[derive(Debug)]
pub struct BearerFile {
    value: Watched<SecretString>,
}

impl BearerFile {
    /// The token in a file of one line, for an endpoint's base.
    ///
    /// # Errors
    ///
    /// Where the base is neither https nor on this machine, or the file is not one token that only we may read.
    pub fn open(base: &str, file: PathBuf) -> Result<Self, AuthError> {
        must_be_protected(base)?;
        let value = Watched::open(vec![(file, Privacy::Secret)], |contents| {
            let text =
                contents.first().and_then(|content| std::str::from_utf8(content).ok()).unwrap_or_default();
            bearer_value(text.trim()).ok_or_else(|| "is not one token on one line".to_owned())
        })?;
        Ok(Self { value })
    }
}

impl Authorise for BearerFile {
    fn header(&self) -> Work<'_, Result<Option<SecretString>, Reason>> {
        Box::pin(async { Ok(Some((*self.value.current()).clone())) })
    }

    fn refused(&self) {
        self.value.doubt();
    }
}
